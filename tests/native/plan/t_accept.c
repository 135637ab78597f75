// t_accept.c: accept lines that a program can judge, and those that it must leave alone.
#include "tap.h"

#include "base/buf.h"
#include "plan/accept.h"

static Arena arena;

static Str check(const char *rule, Str before, Str after, size_t first, size_t last)
{
  StrList rules = {0};
  AcceptTextList texts = {0};
  PUSH(&arena, &rules, str_from(rule));
  PUSH(&arena, &texts, ((AcceptText){S("a.c"), before, after, {first, last}}));
  Str problem = S("ok");
  if (accept_check(&arena, &rules, &texts, &problem)) return S("ok");
  return problem;
}

// Whether a program judges [rule]: then this change, which is wrong in every way, breaks it.
static bool judged(const char *rule)
{
  Str after = S("cfg_get(), cfg get, a name\nx\n");
  for (int i = 0; i < 6; i++) after = str_fmt(&arena, "%.*s%.*s", STR_ARG(after), STR_ARG(after));
  return !str_eq(check(rule, S("1\n2\n3\n4\n"), after, 0, 0), S("ok"));
}

TEST(what_is_mechanical)
{
  arena_init(&arena);
  CHECK(judged("cfg_get no longer occurs"));
  CHECK(judged("no longer occurs: cfg_get"));
  CHECK(judged("`cfg get` no longer occurs."));
  CHECK(judged("contains: def main("));
  CHECK(judged("Contains `x y`"));
  CHECK(judged("at most 40 lines"));
  CHECK(judged("at most 3 lines added"));
  CHECK(judged("no more than 1 line changed"));
  CHECK(judged("unchanged outside lines 2-3"));
  CHECK(judged("unchanged outside: 2-3"));
  CHECK(judged("only lines with `cfg_get` change"));
  CHECK(!judged("unchanged outside the function"));
  CHECK(!judged("unchanged outside lines 3-2"));
  CHECK(!judged("only lines with tabs and blanks change"));
  CHECK(!judged("file compiles"));
  CHECK(!judged("contains no trailing blanks"));
  CHECK(!judged("the old name is gone"));
  CHECK(!judged("at most a few lines"));
  CHECK(!judged(""));
  arena_deinit(&arena);
}

TEST(gone)
{
  arena_init(&arena);
  Str text = S("my_cfg_get(1)\nx = cfg_get(2)\n");
  CHECK_STR(check("cfg_get no longer occurs", text, text, 0, 0),
            S("\"cfg_get\" still occurs in 1 place:\n  a.c:2: x = cfg_get(2)"));
  CHECK_STR(check("cfg_get no longer occurs", text, text, 1, 1), S("ok"));
  CHECK_STR(check("no longer occurs: cfg_get(", text, S("xcfg_get()"), 0, 0), S("ok"));
  CHECK_STR(check("no longer occurs: ->", text, S("a->b"), 0, 0),
            S("\"->\" still occurs in 1 place:\n  a.c:1: a->b"));
  arena_deinit(&arena);
}

TEST(what_may_change)
{
  arena_init(&arena);
  Str old = S("a\nb = get(1)\nc = get(2)\nd\n");
  Str good = S("a\nb = put(1)\nc = put(2)\nd\n"), bad = S("a\nb = put(1)\nc = get(2)\nD\n");
  CHECK_STR(check("unchanged outside lines 2-3", old, good, 0, 0), S("ok"));
  CHECK_STR(check("unchanged outside lines 2-3", old, bad, 0, 0),
            S("a.c:4 changed, but only lines 2-3 may"));
  CHECK_STR(
      check("unchanged outside lines 2-3", old, S("a\nb = get(1)\nc = get(2)\nnew\nd\n"), 0, 0),
      S("ok"));
  CHECK_STR(check("only lines with get change", old, good, 0, 0), S("ok"));
  CHECK_STR(check("only lines with put change", old, good, 0, 0), S("ok"));
  CHECK_STR(check("only lines with get change", old, bad, 0, 0),
            S("a.c:4 changed without \"get\": d"));
  CHECK_STR(check("at most 1 line changed", old, good, 0, 0),
            S("4 lines were changed, at most 1 may be"));
  arena_deinit(&arena);
}

TEST(contains_and_limits)
{
  arena_init(&arena);
  CHECK_STR(check("contains: def f", STR_NONE, S("class A:\n  def f(self):\n"), 0, 0), S("ok"));
  CHECK_STR(check("contains: def g", STR_NONE, S("def f\n"), 0, 0),
            S("\"def g\" does not occur in the result"));
  CHECK_STR(check("at most 2 lines", STR_NONE, S("1\n2\n3\n"), 0, 0),
            S("a.c has 3 lines, at most 2 are allowed"));
  CHECK_STR(check("at most 2 lines", STR_NONE, S("1\n2\n3\n"), 2, 3), S("ok"));
  CHECK_STR(check("at most 1 lines added", S("1\n"), S("1\n2\n3\n"), 0, 0),
            S("2 lines were added, at most 1 may be"));
  arena_deinit(&arena);
}

TEST(many_places_are_cut)
{
  arena_init(&arena);
  Buf text;
  buf_init(&text, 1 << 20);
  for (int i = 0; i < 1000; i++) buf_add(&text, S("old old old\n"));
  Str said = check("old no longer occurs", STR_NONE, buf_str(&text), 0, 0);
  CHECK(str_starts(said, S("\"old\" still occurs in 1000 places:")));
  CHECK_INT(str_count_lines(said), 9);
  buf_deinit(&text);
  arena_deinit(&arena);
}

TEST_MAIN
