// t_ndjson.c: the JSON reader and writer, and what both encodings share: message_parse, wire_fits.
#include "tap.h"

#include "lib/json.h"
#include "wire/ndjson.h"

typedef struct {
  NdjsonReader reader;
  Arena arena;
  Value *tree;
  WireBad bad;
  Error err;
} Fixture;

static void fixture_init(Fixture *f, size_t max)
{
  *f = (Fixture){0};
  arena_init(&f->arena);
  ndjson_reader_init(&f->reader, max);
}

static void fixture_deinit(Fixture *f)
{
  ndjson_reader_deinit(&f->reader);
  arena_deinit(&f->arena);
}

static WireRead next(Fixture *f)
{
  error_clear(&f->err);
  f->tree = NULL;
  f->bad = (WireBad){0};
  return ndjson_next(&f->reader, &f->arena, &f->tree, &f->bad, &f->err);
}

static WireRead feed(Fixture *f, const char *text)
{
  ndjson_feed(&f->reader, str_from(text));
  return next(f);
}

TEST(lines)
{
  Fixture f;
  fixture_init(&f, 1000);
  CHECK_INT(feed(&f, "[0,1,\"m\",{}]"), WIRE_MORE);
  CHECK_INT(feed(&f, "\n\r\n  \n[2,\"e\",null]\r\n[2"), WIRE_TREE);
  CHECK_STR(json_str(&f.arena, f.tree), S("[0,1,\"m\",{}]"));
  CHECK_INT(next(&f), WIRE_TREE);
  CHECK_STR(json_str(&f.arena, f.tree), S("[2,\"e\",null]"));
  CHECK_INT(next(&f), WIRE_MORE);
  CHECK_INT(feed(&f, ",\"x\",1]\n"), WIRE_TREE);
  CHECK_STR(json_str(&f.arena, f.tree), S("[2,\"x\",1]"));
  fixture_deinit(&f);
}

TEST(byte_by_byte)
{
  Fixture f;
  fixture_init(&f, 1000);
  const char *text = "[0,1,\"caf\xc3\xa9\",{\"a\":[1,2]}]\n";
  for (const char *p = text; *p; p++) {
    ndjson_feed(&f.reader, (Str){p, 1});
    CHECK_INT(next(&f), p[1] ? WIRE_MORE : WIRE_TREE);
  }
  fixture_deinit(&f);
}

TEST(a_bad_line_is_one_bad_line)
{
  static const struct {
    const char *line;
    bool is_request;
    int64_t id;
  } rows[] = {
      {"[0,12,\"m\",{\"a\":}]\n", true, 12},
      {" [ 0 , 34 , oops\n", true, 34},
      {"[0,5", false, 0},
      {"\n", false, 0},
      {"hello\n", false, 0},
      {"[1,5,{}\n", false, 0},
      {"[0,-5,{}\n", false, 0},
      {"[0,99999999999999999999,\n", false, 0},
      {"[0,7\n", false, 0},
  };
  Fixture f;
  fixture_init(&f, 1000);
  for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
    WireRead got = feed(&f, rows[i].line);
    if (got == WIRE_MORE) continue;  // the two rows of "[0,5"
    CHECK_INT(got, WIRE_BAD);
    CHECK_INT(f.err.code, ERR_INVALID);
    CHECK_INT(f.bad.is_request, rows[i].is_request);
    if (rows[i].is_request) CHECK_INT(f.bad.id, rows[i].id);
  }
  CHECK_INT(feed(&f, "[2,\"e\",1]\n"), WIRE_TREE);
  fixture_deinit(&f);
}

TEST(a_long_line_is_passed_over)
{
  Fixture f;
  fixture_init(&f, 1000);
  CHECK_INT(feed(&f, "[0,77,\"m\",\""), WIRE_MORE);
  char piece[5000];
  memset(piece, 'x', sizeof(piece) - 1);
  piece[sizeof(piece) - 1] = 0;
  for (int i = 0; i < 200; i++) CHECK_INT(feed(&f, piece), WIRE_MORE);
  CHECK(f.reader.in.cap < 100000);
  CHECK_INT(feed(&f, "\"]\n[2,\"e\",1]\n"), WIRE_BAD);
  CHECK_INT(f.err.code, ERR_TOO_BIG);
  CHECK(f.bad.is_request);
  CHECK_INT(f.bad.id, 77);
  CHECK_INT(next(&f), WIRE_TREE);
  CHECK_STR(json_str(&f.arena, f.tree), S("[2,\"e\",1]"));
  fixture_deinit(&f);
}

TEST(depth)
{
  Fixture f;
  fixture_init(&f, 1 << 20);
  for (int levels = 30; levels <= 31; levels++) {
    for (int i = 0; i < levels; i++) ndjson_feed(&f.reader, S("["));
    for (int i = 0; i < levels; i++) ndjson_feed(&f.reader, S("]"));
    CHECK_INT(feed(&f, "\n"), levels == 30 ? WIRE_TREE : WIRE_BAD);
  }
  fixture_deinit(&f);
}

TEST(envelopes_are_one_line_each)
{
  Arena arena;
  Buf out;
  Error err = {0};
  arena_init(&arena);
  buf_init(&out, 1000);
  Value *params = json_parse(&arena, S("{\"t\":\"a\\nb\"}"), &err);
  ndjson_write_response(&out, INT64_C(1) << 40, NULL, params);
  ndjson_write_event(&out, S("event"), NULL);
  CHECK_STR(buf_str(&out), S("[1,1099511627776,null,{\"t\":\"a\\nb\"}]\n[2,\"event\",null]\n"));
  buf_deinit(&out);
  arena_deinit(&arena);
}

// --- messages ------------------------------------------------------------------------------------

TEST(messages)
{
  static const struct {
    const char *text;
    const char *want;  // type:id:method:params, or the error's name
  } rows[] = {
      {"[0,1,\"m\",{\"a\":1}]", "0:1:m:{\"a\":1}"},
      {"[0,1,\"m\",[{\"a\":1}]]", "0:1:m:{\"a\":1}"},
      {"[0,1,\"m\",[[]]]", "0:1:m:-"},
      {"[0,1,\"m\",[null]]", "0:1:m:-"},
      {"[0,1,\"m\",[]]", "0:1:m:-"},
      {"[0,1,\"m\",null]", "0:1:m:-"},
      {"[0,1,\"m\",5]", "invalid"},
      {"[0,1,\"m\",[5]]", "invalid"},
      {"[0,1,\"m\",[{},{}]]", "invalid"},
      {"[0,-1,\"m\",{}]", "protocol"},
      {"[0,\"1\",\"m\",{}]", "protocol"},
      {"[0,1,2,{}]", "protocol"},
      {"[0,1,\"m\"]", "protocol"},
      {"[1,5,null,{\"r\":1}]", "1:5::-"},
      {"[2,\"e\",[1,2]]", "2:0:e:[1,2]"},
      {"[2,7,[1,2]]", "protocol"},
      {"[3,\"e\",[]]", "protocol"},
      {"[]", "protocol"},
      {"{}", "protocol"},
      {"5", "protocol"},
  };
  Arena arena;
  arena_init(&arena);
  for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
    Error err = {0};
    Message m;
    WireBad bad;
    Value *tree = json_parse(&arena, str_from(rows[i].text), &err);
    Str got = message_parse(tree, &m, &bad, &err)
                  ? str_fmt(&arena, "%d:%d:%.*s:%.*s", (int)m.type, (int)m.id, STR_ARG(m.method),
                            STR_ARG(m.params ? json_str(&arena, m.params) : S("-")))
                  : str_from(err_name(err.code));
    CHECK_STR(got, str_from(rows[i].want));
  }
  arena_deinit(&arena);
}

TEST(payloads_that_nest_too_deep_do_not_fit)
{
  Arena arena;
  arena_init(&arena);
  Value *tree = value_int(&arena, 1);
  CHECK(wire_fits(NULL) && wire_fits(tree));
  for (int i = 0; i < WIRE_MAX_PAYLOAD_DEPTH; i++) {
    Value *list = value_list(&arena);
    value_push(list, tree);
    tree = list;
    CHECK(wire_fits(tree));
  }
  Value *map = value_map(&arena);
  value_set(map, S("k"), tree);
  CHECK(!wire_fits(map));
  arena_deinit(&arena);
}

TEST_MAIN
