// t_locate.c: the rules one by one, indentation, folding, distances, placeholders, readings.
#include "tap.h"

#include "base/buf.h"
#include "help.h"
#include "patch/distance.h"
#include "patch/finder.h"
#include "patch/indent.h"
#include "patch/marker.h"

static const char code[] =
    "def first(a):\n"
    "    # compute the first value\n"
    "    x = compute(a)\n"
    "    y = other(a)\n"
    "\n"
    "    return x + y\n"
    "\n"
    "def second(b):\n"
    "    # compute the second value\n"
    "    x = compute(b)\n"
    "    y = other(b)\n"
    "    z = x * y\n"
    "    return z\n";

#define CODE str_from(code)

static Tier tier_of(Try *t)
{
  return t->out.files.len ? t->out.files.items[0].tier : TIER_DIFF;
}

TEST(blank_lines_left_out)
{
  Try *t = try_new();
  Str got = patched(t, CODE, S("    y = other(a)\n    return x + y\n"),
                    S("    y = other(a)\n    return x - y\n"));
  CHECK(str_has(got, S("    y = other(a)\n\n    return x - y\n")));
  CHECK_INT(tier_of(t), TIER_FOLDED);
  try_free(t);
}

TEST(blank_lines_added)
{
  Try *t = try_new();
  Str got = patched(t, CODE, S("    z = x * y\n\n    return z\n"),
                    S("    z = x * y\n\n    return z + 1\n"));
  CHECK(str_has(got, S("    z = x * y\n    return z + 1\n")));
  try_free(t);
}

TEST(typography_keeps_the_files_bytes)
{
  Try *t = try_new();
  Str file = S("say(\"a - b\");\nsay('c');\n");
  Str got = patched(t, file,
                    S("say(\xe2\x80\x9c"
                      "a \xe2\x80\x93 b\xe2\x80\x9d);\nsay('c');\n"),
                    S("say(\xe2\x80\x9c"
                      "a \xe2\x80\x93 b\xe2\x80\x9d);\nsay('d');\n"));
  CHECK_STR(got, S("say(\"a - b\");\nsay('d');\n"));
  try_free(t);
}

TEST(a_changed_line_keeps_what_only_folding_changed)
{
  Try *t = try_new();
  Str file = S("x = \xe2\x80\x9cold\xe2\x80\x9d, 1\nend\n");
  CHECK_STR(patched(t, file, S("x = \"old\", 1\nend\n"), S("x = \"old\", 2\nend\n")),
            S("x = \xe2\x80\x9cold\xe2\x80\x9d, 2\nend\n"));
  try_free(t);
}

TEST(elided_middle)
{
  Try *t = try_new();
  Str got = patched(t, CODE, S("def second(b):\n    # ... existing code ...\n    z = x * y\n"),
                    S("def second(b, c):\n    # ... existing code ...\n    z = x * y * c\n"));
  CHECK(str_has(got, S("def second(b, c):\n    # compute the second value\n    x = compute(b)\n")));
  CHECK(str_has(got, S("    z = x * y * c\n")));
  CHECK_INT(tier_of(t), TIER_ELIDED);
  try_free(t);
}

TEST(elided_with_two_chains_is_refused)
{
  Try *t = try_new();
  Str file = S("start\na\nmiddle\nb\nstart\nc\nend\n");
  CHECK_STR(patched(t, file, S("start\n...\nend\n"), S("START\n...\nend\n")), S("!ambiguous"));
  CHECK_STR(patched(t, file, S("start\n...\nend\n"), S("start\n...\nEND\n")),
            S("start\na\nmiddle\nb\nstart\nc\nEND\n"));
  try_free(t);
}

TEST(elided_pieces_stand_in_order)
{
  Try *t = try_new();
  Str file = S("first line\nsecond line\nthird line\n");
  CHECK_STR(patched(t, file, S("third line\n...\nfirst line\n"), S("third line\n...\nFIRST\n")),
            S("!not_found"));
  CHECK_STR(patched(t, file, S("first line\n...\nthird line\n"), S("first line\n...\nTHIRD\n")),
            S("first line\nsecond line\nTHIRD\n"));
  try_free(t);
}

TEST(half_alike_is_not_alike_enough)
{
  Try *t = try_new();
  Str file = S("alpha beta gamma\ndelta epsilon zeta\neta theta iota\nkappa lambda mu\n");
  Str search = S("alpha beta gamma\ndelta epsilom zeto\neta thetta iotta\nkappa lambda mu\n");
  CHECK(str_has(patched(t, file, search, S("gone\n")), S("gone")));
  search = S("alpha beta gamma\ndelta opsilom zets\netta thote ioto\nkappa lambda mu\n");
  CHECK_STR(patched(t, file, search, S("gone\n")), S("!not_found"));
  try_free(t);
}

TEST(placeholders_in_replace)
{
  Try *t = try_new();
  Str search =
      S("def second(b):\n    # compute the second value\n    x = compute(b)\n    y = other(b)\n    "
        "z = x * y\n");
  Str kept =
      patched(t, CODE, search,
              S("def second(b):\n    # ... existing code ...\n    y = other(b)\n    z = x + y\n"));
  CHECK(str_has(
      kept,
      S("    # compute the second value\n    x = compute(b)\n    y = other(b)\n    z = x + y\n")));
  CHECK_STR(patched(t, CODE, search,
                    S("def second(b, c):\n    # ... rest unchanged ...\n    z = x + y\n")),
            S("!elided"));
  CHECK(str_has(
      patched(t, CODE, S("def second(b):\n"), S("def third():\n    ...\n\ndef second(b):\n")),
      S("def third():\n    ...\n")));
  try_free(t);
}

TEST(typos)
{
  Try *t = try_new();
  Str search =
      S("def second(b):\n    # compute teh second value\n    x = compute(b)\n    y = other(b)\n");
  Str got = patched(t, CODE, search,
                    S("def second(b):\n    # compute teh second value\n    x = compute(b)\n    y = "
                      "another(b)\n"));
  CHECK(
      str_has(got, S("    # compute the second value\n    x = compute(b)\n    y = another(b)\n")));
  CHECK_INT(tier_of(t), TIER_FUZZY);
  try_free(t);
}

TEST(a_typo_that_fits_two_places_is_refused)
{
  Try *t = try_new();
  const char *text =
      "def %s():\n    # compute the second value\n    x = compute(b)\n    y = other(b)\n";
  Str file = str_cat(&t->arena, str_fmt(&t->arena, text, "one"), str_fmt(&t->arena, text, "two"));
  Str search = S("    # compute teh second value\n    x = compute(b)\n    y = other(b)\n");
  Str got = patched(t, file, search,
                    S("    # compute teh second value\n    x = compute(b)\n    y = 0\n"));
  CHECK_STR(got, S("!ambiguous"));
  try_free(t);
}

TEST(without_the_text_the_model_saw_nothing_is_forgiven)
{
  Str search =
      S("def second(b):\n    # compute the second value\n    x = compute(b)\n    y = other(b)\n");
  Str with_typo =
      S("def second(b):\n    # compute the second value\n    x = compute(b)\n    y = ohter(b)\n");
  Str changed = S(
      "def second(b):\n    # compute the second value\n    x = compute(b)\n    y = other(b) + 1\n");
  Str replace =
      S("def second(b):\n    # compute the second value\n    x = compute(b)\n    y = 0\n");
  for (int guess = 0; guess < 2; guess++) {
    Try *t = try_new();
    t->spec.shown_is_guess = guess;
    CHECK(str_has(patched(t, CODE, search, replace), S("y = 0\n")));
    Str typo = patched(t, CODE, with_typo, replace);
    CHECK(guess ? str_eq(typo, S("!stale")) : str_has(typo, S("y = 0\n")));
    Str got = patched(t, CODE, changed, replace);
    CHECK(guess ? str_eq(got, S("!stale")) : str_has(got, S("y = 0\n")));
    try_free(t);
  }
}

// The lines to be replaced were changed at their place; a copy further down has them, but not all of the rest.
TEST(a_copy_does_not_stand_in_for_a_place_that_was_changed)
{
  static const char *const copies[] = {
      // one letter of the context differs, and lines stand between that SEARCH does not have
      "    if ready:\n        close(file)\n        sync(file)\n        locked = False\n\n"
      "def flush_b():\n    write_all()\n",
      // nothing differs but a line in between
      "    if ready:\n        close(file)\n        sync(file)\n        locked = False\n\n"
      "def flush_a():\n    write_all()\n",
      // a word of the context differs
      "    if ready:\n        close(file)\n        locked = False\n\n"
      "def flush_c():\n    write_them_all()\n",
  };
  static const char *const changes[] = {"locked = False + 1",
                                        "locked = False  # see the remark above"};
  Str search =
      S("    if ready:\n        close(file)\n        locked = False\n\ndef flush_a():\n    "
        "write_all()\n");
  Str replace =
      S("    if ready:\n        close(file)\n        locked = None\n\ndef flush_a():\n    "
        "write_all()\n");
  for (size_t i = 0; i < 6; i++) {
    Try *t = try_new();
    t->spec.shown_is_guess = true;
    Str file =
        str_fmt(&t->arena,
                "def a():\n    if ready:\n        close(file)\n        %s\n\ndef flush_a():\n"
                "    write_all()\n\ndef b():\n    begin()\n%s",
                changes[i / 3], copies[i % 3]);
    Str got = patched(t, file, search, replace);
    CHECK(got.ptr[0] == '!');
    try_free(t);
  }
}

// SEARCH fits the second place, where it is not quite what stands there. The first has the whole context, and other
// lines where SEARCH has those to be replaced: perhaps changed since, and then it is the one that was meant.
TEST(a_place_that_fits_but_for_a_change_is_a_rival)
{
#define CLOSING(above, line, below)                                    \
  "  prepare(queue)\n" above "  if ready:\n    close(file)\n    " line \
  "\n"                                                                 \
  "    release(lock)\n    flush_all()\n  " below "\n"
  static const struct {
    const char *first, *second;
    bool taken;
  } rows[] = {
      // a line more in the second
      {CLOSING("", "wait(1, 2)", "report(state)"),
       CLOSING("  sync(queue)\n", "locked = False", "report(state)"), false},
      // a letter of the second differs
      {CLOSING("", "wait(1, 2)", "report(state)"), CLOSING("", "locked = False", "report(stata)"),
       false},
      // and the changed line of the first is like that of SEARCH
      {CLOSING("", "locked = False + 1", "report(state)"),
       CLOSING("", "locked = False", "report(stata)"), false},
      // the first has another context, too
      {CLOSING("", "wait(1, 2)", "return to_the_caller"),
       CLOSING("  sync(queue)\n  sync(disk)\n", "locked = False", "report(state)"), true},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
    Try *t = try_new();
    t->spec.shown_is_guess = true;
    Str first = str_fmt(&t->arena, "def a():\n%s\n# 1\n# 2\n# 3\n# 4\n# 5\n# 6\n", rows[i].first);
    Str got = patched(t, str_cat(&t->arena, first, str_from(rows[i].second)),
                      S(CLOSING("", "locked = False", "report(state)")),
                      S(CLOSING("", "locked = None", "report(state)")));
    if (rows[i].taken)
      CHECK(str_starts(got, first) && str_has(got, S("locked = None\n")));
    else
      CHECK_STR(got, S("!not_found"));
    try_free(t);
  }
#undef CLOSING
}

// Where most of SEARCH is to be replaced, a place that has only the rest of it says little.
TEST(a_little_context_alone_is_no_rival)
{
  Try *t = try_new();
  t->spec.shown_is_guess = true;
  Str file =
      S("  begin(queue)\n  connect(server)\n  first\n  second\n  third\n\n# 1\n# 2\n# 3\n# 4\n# "
        "5\n# 6\n\n"
        "  begin(queuo)\n  sync(queue)\n  connect(servor)\n  load(this)\n  load(that)\n  "
        "load(all)\n");
  Str got = patched(
      t, file, S("  begin(queue)\n  connect(server)\n  load(this)\n  load(that)\n  load(all)\n"),
      S("  begin(queue)\n  connect(server)\n  load(none)\n"));
  CHECK(str_has(got, S("  connect(servor)\n  load(none)\n")));
  try_free(t);
}

// Both places are alike: one has an edit that is more than a slip, the other a slip and a line between.
TEST(a_place_with_lines_left_out_differs_by_more_than_slips)
{
  Try *t = try_new();
  Str file =
      S("def a():\n    if ready:\n        close(file)\n        locked = False\n    return "
        "flush_rest()\n\n"
        "def b():\n    if raedy:\n        close(file)\n        sync(file)\n        locked = False\n"
        "    return flush_all()\n");
  Str search =
      S("    if ready:\n        close(file)\n        locked = False\n    return flush_all()\n");
  Str replace =
      S("    if ready:\n        close(file)\n        locked = None\n    return flush_all()\n");
  CHECK_STR(patched(t, file, search, replace), S("!ambiguous"));
  try_free(t);
}

// One of two equal lines goes, and the other was changed: nobody can tell which is meant.
TEST(a_line_that_may_be_the_one_to_go_counts_as_it)
{
  Try *t = try_new();
  t->spec.shown_is_guess = true;
  Str file =
      S("  for x in all():\n    load(x)\n  Util.track() + 1\n\n  Util.track()\n  done = true\n");
  Str search =
      S("  for x in all():\n    load(x)\n  Util.track()\n\n  Util.track()\n  done = true\n");
  Str replace = S("  for x in all():\n    load(x)\n  Util.track()\n  done = true\n");
  CHECK_STR(patched(t, file, search, replace), S("!stale"));
  try_free(t);
}

// The changed line is passed over, for there are equal ones enough.
TEST(a_line_passed_over_beside_the_one_to_go_may_be_it)
{
  Try *t = try_new();
  t->spec.shown_is_guess = true;
  Str file = S("table\n  'none'\n  'none'\n  'none'\n  'none' + 1\n  'none'\n  'none'\n  'last'\n");
  Str search = S("  'none'\n  'none'\n  'none'\n  'none'\n  'none'\n  'last'\n");
  Str replace = S("  'none'\n  'none'\n  'some'\n  'none'\n  'none'\n  'last'\n");
  CHECK_STR(patched(t, file, search, replace), S("!stale"));
  try_free(t);
}

TEST(a_lookalike_is_not_a_typo)
{
  Try *t = try_new();
  Str file = S("def first(a):\n    x = compute(a)\n    y = other(a)\n    return x + y\n");
  CHECK_STR(
      patched(t, file, S("def fourth(q):\n    v = measure(q)\n    y = other(a)\n    return v\n"),
              S("gone\n")),
      S("!not_found"));
  try_free(t);
}

TEST(refusals_name_the_nearest_lines)
{
  Try *t = try_new();
  patched(t, CODE,
          S("def second(b):\n    # quite another remark that is not there\n    x = compute(b)\n"),
          S("x\n"));
  CHECK_INT(t->out.refusals.len, 1);
  CHECK_INT(t->out.refusals.items[0].line, 8);
  CHECK(str_has(t->out.refusals.items[0].reason, S("    # compute the second value")));
  CHECK(t->out.refusals.items[0].reason.len <= 4096);
  try_free(t);
}

TEST(line_numbers_fences_and_entities_in_a_block)
{
  Try *t = try_new();
  Str file = S("if (a < b && c) {\n  x();\n}\n"), want = S("if (a < b && c) {\n  y();\n}\n");
  CHECK_STR(patched(t, file, S("1 | if (a < b && c) {\n2 |   x();\n3 | }\n"),
                    S("1 | if (a < b && c) {\n2 |   y();\n3 | }\n")),
            want);
  CHECK_STR(patched(t, file, S("```c\n  x();\n```\n"), S("```c\n  y();\n```\n")), want);
  CHECK_STR(patched(t, file, S("if (a &lt; b &amp;&amp; c) {\n  x();\n"),
                    S("if (a &lt; b &amp;&amp; c) {\n  y();\n")),
            want);
  try_free(t);
}

TEST(folding)
{
  CHECK(line_equal(S("  a  b\t c "), S("a b c"), KEY_FOLDED));
  CHECK(line_equal(S("a\xc2\xa0"
                     "b\xe2\x80\x99s"),
                   S("a b's"), KEY_FOLDED));
  CHECK(!line_equal(S("ab"), S("a b"), KEY_FOLDED));
  CHECK(!line_equal(S("a b"), S("a  b"), KEY_EXACT));
}

// The hash has a fast way for plain text: equal folded lines must hash alike whichever way they took.
TEST(folded_hashes_agree)
{
  static const char *const pairs[][2] = {
      {"the quick brown fox jumps over", "  the quick  brown\tfox jumps over  "},
      {"12345678 1234567", "12345678   1234567"},
      {"1234567 12345678", "1234567  12345678"},
      {"1234567 ", "1234567\xc2\xa0\xc2\xa0"},
      {"1234567 !x", "1234567\t!x"},
      {"a \xe2\x80\x94 b and more text here", "a - b and more text here"},
      {"1234567 \xe2\x80\x9cx", "1234567  \"x"},
      {"", "   "},
  };
  for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
    Str a = str_from(pairs[i][0]), b = str_from(pairs[i][1]);
    CHECK(line_equal(a, b, KEY_FOLDED));
    CHECK_INT(line_hash(a, KEY_FOLDED), line_hash(b, KEY_FOLDED));
  }
}

TEST(distances)
{
  CHECK_INT(distance_upto(S("kitten"), S("sitting"), 5), 3);
  CHECK_INT(distance_upto(S("something"), S("somethnig"), 5), 1);
  CHECK_INT(distance_upto(S("abc"), S("xyz"), 1), 2);
  CHECK_INT(distance_upto(S(""), S("ab"), 5), 2);
  CHECK(distance_within(S("config.c"), S("confg.c"), 2));
}

static Str mapped(Arena *arena, const char *const pairs[][2], size_t n, Str indent)
{
  IndentPairList list = {0};
  IndentMap map;
  Str out;
  for (size_t i = 0; i < n; i++)
    PUSH(arena, &list, ((IndentPair){str_from(pairs[i][0]), str_from(pairs[i][1])}));
  if (!indent_learn(arena, &list, &map) || !indent_map(arena, &map, indent, false, &out))
    return S("refused");
  return out;
}

TEST(indentation_rules)
{
  Arena a;
  arena_init(&a);
  CHECK_STR(
      mapped(&a, (const char *const[][2]){{"", "    "}, {"    ", "        "}}, 2, S("        ")),
      S("            "));
  CHECK_STR(mapped(&a, (const char *const[][2]){{"\t", "    "}}, 1, S("\t\t")), S("        "));
  CHECK_STR(mapped(&a, (const char *const[][2]){{"\t", "    "}}, 1, S("")), S(""));
  CHECK_STR(mapped(&a, (const char *const[][2]){{"        ", "\t\t"}}, 1, S("    ")), S("\t"));
  CHECK_STR(mapped(&a, (const char *const[][2]){{"  ", "    "}, {"", ""}}, 2, S("      ")),
            S("            "));
  CHECK_STR(mapped(&a, (const char *const[][2]){{"", "\t"}}, 1, S("    ")), S("refused"));
  CHECK_STR(
      mapped(&a, (const char *const[][2]){{"", "  "}, {"", "    "}, {"  ", "  "}}, 3, S("    ")),
      S("refused"));
  arena_deinit(&a);
}

TEST(placeholder_lines)
{
  CHECK_INT(marker_elision(S("    # ... existing code ...")), ELISION_WORDS);
  CHECK_INT(marker_elision(S("// ... rest of the function unchanged ...")), ELISION_WORDS);
  CHECK_INT(marker_elision(S("/* ... */")), ELISION_WORDS);
  CHECK_INT(marker_elision(S("    ...")), ELISION_BARE);
  CHECK_INT(marker_elision(S("\xe2\x80\xa6")), ELISION_BARE);
  CHECK_INT(marker_elision(S("# rest of the code remains unchanged")), ELISION_WORDS);
  CHECK_INT(marker_elision(S("f(...args)")), ELISION_NONE);
  CHECK_INT(marker_elision(S("...args,")), ELISION_NONE);
  CHECK_INT(marker_elision(S("# wait for the rest of it")), ELISION_NONE);
  CHECK_INT(marker_elision(S("return x")), ELISION_NONE);
}

// 20,000 equal lines and a SEARCH of 1,000 of them: must neither hang nor guess.
TEST(repetitive_texts_end)
{
  Try *t = try_new();
  Buf file, search;
  buf_init(&file, 1 << 20);
  buf_init(&search, 1 << 20);
  for (int i = 0; i < 20000; i++) buf_add(&file, S("same\n"));
  for (int i = 0; i < 1000; i++) buf_add(&search, S("same\n"));
  Str got = patched(t, buf_str(&file), buf_str(&search), S("x\n"));
  CHECK(str_eq(got, S("!ambiguous")) || str_eq(got, S("!too_large")));
  buf_deinit(&file);
  buf_deinit(&search);
  try_free(t);
}

TEST_MAIN
