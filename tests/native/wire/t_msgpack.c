// t_msgpack.c: the msgpack reader and writer: borders, limits, every type, hostile bytes.
#include "tap.h"

#include "lib/json.h"
#include "wire/msgpack.h"

// A reader fed with text, its results as JSON.
typedef struct {
  MsgpackReader reader;
  Arena arena;
  Value *tree;
  WireBad bad;
  Error err;
} Fixture;

static void fixture_init(Fixture *f, size_t max)
{
  *f = (Fixture){0};
  arena_init(&f->arena);
  msgpack_reader_init(&f->reader, max);
}

static void fixture_deinit(Fixture *f)
{
  msgpack_reader_deinit(&f->reader);
  arena_deinit(&f->arena);
}

static WireRead next(Fixture *f)
{
  error_clear(&f->err);
  f->tree = NULL;
  f->bad = (WireBad){0};
  return msgpack_next(&f->reader, &f->arena, &f->tree, &f->bad, &f->err);
}

static WireRead feed(Fixture *f, Str bytes)
{
  msgpack_feed(&f->reader, bytes);
  return next(f);
}

#define FEED(f, literal) feed((f), S(literal))

static Value *from_json(Arena *arena, const char *text)
{
  Error err = {0};
  Value *value = json_parse(arena, str_from(text), &err);
  CHECK(value != NULL);
  return value;
}

static Str encode(Arena *arena, const Value *value)
{
  Buf out;
  buf_init(&out, 64 << 20);
  msgpack_write(&out, value);
  return buf_take(&out, arena);
}

static const char every_kind[] =
    "[0,1,\"m\",{\"a\":[1,-1,127,128,-32,-33,-128,-129,255,256,65535,65536,4294967296,-4294967296,"
    "9007199254740991],"
    "\"b\":true,\"c\":false,\"d\":null,\"e\":1.5,\"f\":\"\",\"g\":{},\"h\":[],\"i\":"
    "\"caf\xc3\xa9\"}]";

TEST(round_trip_whole_and_byte_by_byte)
{
  Fixture f;
  fixture_init(&f, 1 << 20);
  Value *value = from_json(&f.arena, every_kind);
  Str bytes = encode(&f.arena, value);
  CHECK_INT(feed(&f, bytes), WIRE_TREE);
  CHECK_STR(json_str(&f.arena, f.tree), str_from(every_kind));
  CHECK_INT(next(&f), WIRE_MORE);
  for (size_t i = 0; i < bytes.len; i++) {
    WireRead got = feed(&f, str_sub(bytes, i, i + 1));
    CHECK_INT(got, i + 1 == bytes.len ? WIRE_TREE : WIRE_MORE);
  }
  CHECK_STR(json_str(&f.arena, f.tree), str_from(every_kind));
  fixture_deinit(&f);
}

TEST(many_messages_in_one_piece_and_pieces_across_borders)
{
  Fixture f;
  fixture_init(&f, 1 << 20);
  Buf all;
  buf_init(&all, 1 << 20);
  Value *value = from_json(&f.arena, "[2,\"m\",[{\"k\":\"0123456789\"}]]");
  for (int i = 0; i < 100; i++) msgpack_write(&all, value);
  for (size_t step = 1; step < 200; step += 7) {
    int got = 0;
    for (size_t at = 0; at < all.len; at += step) {
      msgpack_feed(&f.reader, str_sub(buf_str(&all), at, at + step));
      while (next(&f) == WIRE_TREE) got++;
    }
    CHECK_INT(got, 100);
  }
  buf_deinit(&all);
  fixture_deinit(&f);
}

TEST(numbers_and_bytes_of_the_format)
{
  Fixture f;
  fixture_init(&f, 1 << 20);
  CHECK_INT(FEED(&f, "\x91\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
            WIRE_TREE);  // past int64: a double
  CHECK(value_is(value_first(f.tree), VALUE_DOUBLE));
  CHECK_INT(FEED(&f, "\x91\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"), WIRE_TREE);
  CHECK(value_to_int(value_first(f.tree), 0) == INT64_MAX);
  CHECK_INT(FEED(&f, "\x91\xd3\x80\0\0\0\0\0\0\0"), WIRE_TREE);
  CHECK(value_to_int(value_first(f.tree), 0) == INT64_MIN);
  CHECK_INT(FEED(&f,
                 "\x91\xc4\x03"
                 "a\0b"),
            WIRE_TREE);  // bin is a string
  CHECK_STR(value_to_str(value_first(f.tree), STR_NONE), ((Str){"a\0b", 3}));
  CHECK_INT(FEED(&f, "\x91\xa2\xff\xfe"), WIRE_TREE);  // str with bytes that are no text
  CHECK_STR(value_to_str(value_first(f.tree), STR_NONE), S("\xff\xfe"));
  CHECK_INT(FEED(&f, "\x92\xd4\x00\x05\xc7\x02\x01zz"), WIRE_TREE);  // ext
  CHECK(value_is(value_first(f.tree), VALUE_NULL) && value_len(f.tree) == 2);
  CHECK_INT(FEED(&f, "\x91\xca\x3f\xc0\0\0"), WIRE_TREE);  // float32
  CHECK(value_to_double(value_first(f.tree), 0) == 1.5);
  CHECK_INT(FEED(&f,
                 "\x91\x83\x05\xa1"
                 "a\xa1"
                 "b\x01\xc0\x02"),
            WIRE_TREE);  // odd keys
  CHECK_STR(json_str(&f.arena, f.tree), S("[{\"5\":\"a\",\"b\":1}]"));
  fixture_deinit(&f);
}

static Str nested(Arena *arena, int levels)
{
  Buf out;
  buf_init(&out, 1 << 20);
  buf_add(&out, S("\x94\x00\x07\xa1m"));
  for (int i = 1; i < levels; i++) buf_add(&out, S("\x91"));
  buf_add(&out, S("\xc0"));
  return buf_take(&out, arena);
}

TEST(depth)
{
  Fixture f;
  fixture_init(&f, 1 << 20);
  CHECK_INT(feed(&f, nested(&f.arena, 30)), WIRE_TREE);
  CHECK_INT(feed(&f, nested(&f.arena, 31)), WIRE_BAD);
  CHECK_INT(f.err.code, ERR_INVALID);
  CHECK(f.bad.is_request);
  CHECK_INT(f.bad.id, 7);
  CHECK_INT(feed(&f, nested(&f.arena, 5000)), WIRE_BAD);
  CHECK_INT(FEED(&f, "\x91\x01"), WIRE_TREE);  // and it goes on
  // Width is not depth.
  CHECK_INT(FEED(&f, "\x93\x91\x91\x01\x91\x91\x02\x82\x01\x91\x01\x02\x91\x02"), WIRE_TREE);
  fixture_deinit(&f);
}

TEST(too_big_messages_are_passed_over)
{
  Fixture f;
  fixture_init(&f, 1000);
  CHECK_INT(FEED(&f, "\x94\x00\xcd\x12\x34\xa1m\xdb\x00\x10\x00\x00"),
            WIRE_MORE);  // 1 MiB announced
  char piece[4096] = {0};
  for (int i = 0; i < 255; i++) CHECK_INT(feed(&f, (Str){piece, sizeof(piece)}), WIRE_MORE);
  CHECK(f.reader.in.cap < 100000);  // nothing is kept
  CHECK_INT(feed(&f, (Str){piece, sizeof(piece)}), WIRE_BAD);
  CHECK_INT(f.err.code, ERR_TOO_BIG);
  CHECK(f.bad.is_request);
  CHECK_INT(f.bad.id, 0x1234);
  CHECK_INT(FEED(&f, "\x91\x01"), WIRE_TREE);
  fixture_deinit(&f);
}

TEST(counts_without_content_cost_nothing)
{
  Fixture f;
  fixture_init(&f, 64 << 20);
  CHECK_INT(FEED(&f, "\xdd\xff\xff\xff\xff\xdf\xff\xff\xff\xff\xdd\xff\xff\xff\xff"), WIRE_MORE);
  CHECK(f.reader.in.cap < 10000 && f.arena.used < 10000);
  fixture_deinit(&f);
}

TEST(what_is_no_message_breaks)
{
  static const Str rows[] = {S("\xc1"), S("\x91\xc1"), S("hello"),       S("{\"json\":1}"),
                             S("\x01"), S("\xc0"),     S("\x81\x01\x01")};
  for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
    Fixture f;
    fixture_init(&f, 1000);
    CHECK_INT(feed(&f, rows[i]), WIRE_BROKEN);
    CHECK_INT(f.err.code, ERR_PROTOCOL);
    CHECK_INT(FEED(&f, "\x91\x01"), WIRE_BROKEN);
    fixture_deinit(&f);
  }
}

TEST(envelopes)
{
  Arena arena;
  Buf out;
  arena_init(&arena);
  buf_init(&out, 1000);
  msgpack_write_response(&out, 3, NULL, from_json(&arena, "{\"a\":1}"));
  CHECK_STR(buf_str(&out), S("\x94\x01\x03\xc0\x81\xa1"
                             "a\x01"));
  buf_clear(&out);
  msgpack_write_event(&out, S("event"), from_json(&arena, "{\"kind\":\"x\"}"));
  CHECK_STR(buf_str(&out),
            S("\x93\x02\xadnvim_exec_lua\x92\xd9\x27return require('piecework.rpc').on(...)"
              "\x92\xa5"
              "event\x81\xa4kind\xa1x"));
  buf_deinit(&out);
  arena_deinit(&arena);
}

TEST(a_full_buffer_is_seen)
{
  Arena arena;
  Buf out;
  arena_init(&arena);
  buf_init(&out, 10);
  msgpack_write(&out, value_str(&arena, S("longer than ten bytes")));
  CHECK(out.full);
  buf_deinit(&out);
  arena_deinit(&arena);
}

TEST_MAIN
