// t_yaml.c: front matter as people write it, and as nobody should.
#include "tap.h"

#include "lib/json.h"
#include "lib/yaml.h"

static Arena arena;
static Error err;

static Str as_json(Str text)
{
  error_clear(&err);
  Value *value = yaml_parse(&arena, text, 1, &err);
  return value ? json_str(&arena, value) : str_from(err.message);
}

static void refused(Str text, const char *what)
{
  Str got = as_json(text);
  CHECK_INT(err.code, ERR_INVALID);
  if (!str_has(got, str_from(what))) CHECK_STR(got, str_from(what));
}

TEST(front_matter)
{
  CHECK_STR(
      as_json(S("id: 12\ntitle: rename a to b   # why\nbudget: 0.60\ntest: make check\nempty:\n")),
      S("{\"id\":12,\"title\":\"rename a to b\",\"budget\":0.6,\"test\":\"make "
        "check\",\"empty\":null}"));
  CHECK_STR(
      as_json(S("files: src/net.c:80-140\nafter: [T01, T02]\nread:\n  - a\n  - b: 1\n")),
      S("{\"files\":\"src/net.c:80-140\",\"after\":[\"T01\",\"T02\"],\"read\":[\"a\",{\"b\":1}]}"));
}

TEST(scalars)
{
  CHECK_STR(
      as_json(
          S("[1, -1, +1, 0, 007, 1.5, -.5, 1., 1e3, 1.0e-3, .inf, 0x10, 1_000, 1.2.3, -, '1', ~]")),
      S("[1,-1,1,0,\"007\",1.5,-0.5,1.0,1000.0,0.001,\".inf\",\"0x10\",\"1_000\",\"1.2.3\",\"-\","
        "\"1\",null]"));
  CHECK_STR(as_json(S("[yes, no, on, true, FALSE, null, \"true\", '']")),
            S("[\"yes\",\"no\",\"on\",true,false,null,\"true\",\"\"]"));
  CHECK_STR(as_json(S("[9223372036854775807, 9223372036854775808, -9223372036854775807]")),
            S("[9223372036854775807,\"9223372036854775808\",-9223372036854775807]"));
  CHECK_STR(as_json(S("[e3, 1e, 1e+, +, 1-2, 1.5+2]")),
            S("[\"e3\",\"1e\",\"1e+\",\"+\",\"1-2\",\"1.5+2\"]"));
  CHECK_STR(as_json(S("a: |\n  two\n  lines\nb: >\n  folded\n  text\n")),
            S("{\"a\":\"two\\nlines\\n\",\"b\":\"folded text\\n\"}"));
}

TEST(empty)
{
  CHECK_STR(as_json(S("")), S("null"));
  CHECK_STR(as_json(S("# only a comment\n")), S("null"));
}

TEST(lines)
{
  error_clear(&err);
  const Value *map = yaml_parse(&arena, S("a: 1\n\nb:\n  - x\n  - y\n"), 10, &err);
  CHECK_INT(value_get(map, S("a"))->line, 10);
  CHECK_INT(value_at(value_get(map, S("b")), 1)->line, 14);
  CHECK(!yaml_parse(&arena, S("a: 1\nb: [\n"), 10, &err));
  CHECK(str_has(str_from(err.message), S("line 12")));
}

TEST(refusals)
{
  refused(S("a: &x 1\n"), "line 1: anchors");
  refused(S("a: 1\nb: *x\n"), "line 2: aliases");
  refused(S("a: !!str 1\n"), "line 1: tags");
  refused(S("a: &x [1]\n"), "anchors");
  refused(S("a: !foo {b: 1}\n"), "tags");
  refused(S("a: 1\n---\nb: 2\n"), "line 2: a second document");
  refused(S("a: 1\na: 2\n"), "line 2: this key is there twice");
  refused(S("{[a]: 1}\n"), "plain text");
  refused(S("a: b: c\n"), "line 1, column 5: mapping values are not allowed");
  refused(S("a: \"x\n"), "quoted scalar");
  refused(S("\ta: 1\n"), "line 1");
  refused(S("a: \xff\n"), "line 1: not text");
  refused((Str){"a: \0", 4}, "line");
}

TEST(depth_is_bounded)
{
  char text[100000];
  memset(text, '[', sizeof(text));
  refused((Str){text, sizeof(text)}, "too deeply");
  memset(text + VALUE_MAX_DEPTH, ']', VALUE_MAX_DEPTH);
  CHECK(yaml_parse(&arena, (Str){text, 2 * VALUE_MAX_DEPTH}, 1, NULL) != NULL);
}

TEST(no_leaks)
{
  CHECK(!yaml_parse(&arena, S("a: ["), 1, NULL));
  arena_deinit(&arena);
}

TEST_MAIN
