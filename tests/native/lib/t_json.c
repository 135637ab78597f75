// t_json.c: JSON in and out, with the texts that break parsers.
#include "tap.h"

#include <math.h>

#include "lib/json.h"

static Arena arena;
static Error err;

static const Value *parse(Str text)
{
  error_clear(&err);
  return json_parse(&arena, text, &err);
}

static Str again(Str text)
{
  const Value *value = parse(text);
  return value ? json_str(&arena, value) : str_from(err.message);
}

static void refused(Str text, const char *where)
{
  CHECK(parse(text) == NULL);
  CHECK_INT(err.code, ERR_INVALID);
  if (!str_has(str_from(err.message), str_from(where)))
    CHECK_STR(str_from(err.message), str_from(where));
}

TEST(round_trip)
{
  Str text = S("{\"a\":[1,-2,0.5,true,false,null,\"x\"],\"\":{},\"b\":[]}");
  CHECK_STR(again(text), text);
  CHECK_STR(again(S(" \t\r\n[ 1 , 2 ]\n")), S("[1,2]"));
  CHECK_STR(again(S("7")), S("7"));
  CHECK_STR(again(S("\"s\"")), S("\"s\""));
  CHECK_STR(again(S("\xef\xbb\xbf{\"a\":1}")),
            S("{\"a\":1}"));  // a byte order mark is no reason to fail
}

TEST(keys)
{
  const Value *map = parse(S("{\"Key\":1,\"key\":2,\"key\":3}"));
  CHECK_INT(value_get_int(map, S("Key"), 0), 1);
  CHECK_INT(value_get_int(map, S("key"), 0), 3);
  CHECK_INT(value_len(map), 3);
}

TEST(integers)
{
  CHECK(value_is(parse(S("9007199254740992")), VALUE_INT));
  CHECK_STR(again(S("9007199254740991")), S("9007199254740991"));
  CHECK_STR(again(S("-9007199254740992")), S("-9007199254740992"));
  CHECK(value_is(parse(S("1e300")), VALUE_DOUBLE));
  CHECK(value_is(parse(S("18446744073709551616")), VALUE_DOUBLE));
  CHECK(value_is(parse(S("1.0")), VALUE_INT));
  CHECK_STR(json_str(&arena, value_int(&arena, INT64_MIN)), S("-9223372036854775808"));
}

TEST(doubles)
{
  double numbers[] = {0.1, 1.0 / 3, 1e-310, 1.7976931348623157e308, -2.5, 1e21, 3.0};
  for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
    Str text = json_str(&arena, value_double(&arena, numbers[i]));
    CHECK(value_to_double(parse(text), 0) == numbers[i]);
  }
  CHECK_STR(json_str(&arena, value_double(&arena, 0.1)), S("0.1"));
  CHECK_STR(json_str(&arena, value_double(&arena, 3)), S("3.0"));
  CHECK_STR(json_str(&arena, value_double(&arena, NAN)), S("null"));
  CHECK_STR(json_str(&arena, value_double(&arena, INFINITY)), S("null"));
}

TEST(strings)
{
  CHECK_STR(value_to_str(parse(S("\"\\u00e9\\ud83d\\ude00\\n\\/\"")), STR_NONE),
            S("\xc3\xa9\xf0\x9f\x98\x80\n/"));
  CHECK_STR(value_to_str(parse(S("\"a\\u0000b\"")), STR_NONE), S("a\xef\xbf\xbd"
                                                                 "b"));
  CHECK_STR(value_to_str(parse(S("\"\\ud83d\"")), STR_NONE), S("\xef\xbf\xbd"));
  CHECK_STR(value_to_str(parse(S("\"\\ude00x\\ud83d\\u0041\"")), STR_NONE),
            S("\xef\xbf\xbdx\xef\xbf\xbd"
              "A"));
  CHECK_STR(value_to_str(parse(S("\"[[[\\\"]]\"")), STR_NONE), S("[[[\"]]"));
  CHECK_STR(value_to_str(parse(S("\"tab\tline\n\"")), STR_NONE), S("tab\tline\n"));
}

TEST(writer_is_always_valid)
{
  Str bytes = S("ok\xff\xc3(\xed\xa0\x80\x01\x7f\"\\\r\t\xe2\x82");
  Str text = json_str(&arena, value_str(&arena, bytes));
  CHECK(str_is_utf8(text));
  CHECK(parse(text) != NULL);
  CHECK_STR(text,
            S("\"ok\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\\u0001\\u007f"
              "\\\"\\\\\\r\\t\xef\xbf\xbd\xef\xbf\xbd\""));
  CHECK_STR(json_str(&arena, value_str(&arena, (Str){"a\0b", 3})), S("\"a\\u0000b\""));
  CHECK_STR(json_str(&arena, NULL), S("null"));
}

TEST(a_full_buffer_is_seen)
{
  Buf buf;
  buf_init(&buf, 5);
  json_write(&buf, parse(S("[1,2,3]")));
  CHECK(buf.full);
  buf_deinit(&buf);
}

TEST(errors_say_where)
{
  refused(S(""), "nothing there");
  refused(S("  \n "), "nothing there");
  refused(S("{\n \"a\": tru\n}"), "line 2, column 7");
  refused(S("[1,]"), "column 4");
  refused(S("[1"), "ends too early");
  refused(S("{\"a\":1,"), "ends too early");
  refused(S("\"abc"), "JSON");
  refused(S("\"\\"), "JSON");
  refused(S("\"\\u12"), "JSON");
  refused(S("[1] 2"), "line 1, column 5");
  refused(S("\"\xc3\xa9\" x"), "line 1, column 5");
  refused((Str){"\"a\0b\"", 5}, "NUL");
  refused((Str){"1\0", 2}, "control character");
  refused(S("]"), "unexpected");
  refused(S("nul"), "JSON");
  refused(S("{1:2}"), "line 1");
}

TEST(depth_is_bounded)
{
  char text[200000];
  memset(text, '[', VALUE_MAX_DEPTH);
  memset(text + VALUE_MAX_DEPTH, ']', VALUE_MAX_DEPTH);
  CHECK(parse((Str){text, 2 * VALUE_MAX_DEPTH}) != NULL);
  memset(text, '[', sizeof(text));
  refused((Str){text, sizeof(text)}, "too deeply at line 1, column 31");
}

TEST(no_error_wanted)
{
  CHECK(json_parse(&arena, S("{"), NULL) == NULL);
  arena_deinit(&arena);
}

TEST_MAIN
