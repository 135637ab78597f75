// fuzz_msgpack.c: any bytes, cut into any pieces, into the msgpack reader. What comes out must
// survive encoding and decoding, and cutting must not change what is read.
#include <stdlib.h>

#include "wire/msgpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_MESSAGE = 1 << 16 };

static void require(bool ok)
{
  if (!ok) abort();
}

static void check_round_trip(Arena *arena, const Value *tree)
{
  Buf first, second;
  Value *again;
  WireBad bad;
  Error err = {0};
  MsgpackReader reader;
  buf_init(&first, 1 << 22);
  buf_init(&second, 1 << 22);
  msgpack_write(&first, tree);
  msgpack_reader_init(&reader, 1 << 22);
  msgpack_feed(&reader, buf_str(&first));
  require(msgpack_next(&reader, arena, &again, &bad, &err) == WIRE_TREE);
  msgpack_write(&second, again);
  require(str_eq(buf_str(&first), buf_str(&second)));
  msgpack_reader_deinit(&reader);
  buf_deinit(&first);
  buf_deinit(&second);
}

// Reads all of [input] in pieces of [step] bytes; returns a fingerprint of what came.
static uint64_t read_all(Str input, size_t step, bool check)
{
  uint64_t seen = 0;
  MsgpackReader reader;
  msgpack_reader_init(&reader, MAX_MESSAGE);
  for (size_t at = 0; at < input.len; at += step) {
    msgpack_feed(&reader, str_sub(input, at, at + step));
    for (WireRead got = WIRE_TREE; got == WIRE_TREE || got == WIRE_BAD;) {
      Arena arena;
      Value *tree = NULL;
      WireBad bad;
      Error err = {0};
      Message message;
      arena_init(&arena);
      got = msgpack_next(&reader, &arena, &tree, &bad, &err);
      require((got == WIRE_TREE) == (tree != NULL));
      require((got == WIRE_BAD || got == WIRE_BROKEN) == (err.code != ERR_OK));
      if (got != WIRE_MORE && (got != WIRE_BROKEN || !(seen & 1)))
        seen = (seen * 31 + (uint64_t)got) << 1;
      if (got == WIRE_BROKEN) seen |= 1;
      if (tree) message_parse(tree, &message, &bad, &err);
      if (tree && check) check_round_trip(&arena, tree);
      arena_deinit(&arena);
    }
    require(reader.in.len <= MAX_MESSAGE + input.len);
  }
  msgpack_reader_deinit(&reader);
  return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size < 1) return 0;
  Str input = {(const char *)data + 1, size - 1};
  uint64_t whole = read_all(input, input.len + 1, true);
  require(whole == read_all(input, (size_t)data[0] % 16 + 1, false));
  return 0;
}
