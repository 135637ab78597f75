// fuzz_ndjson.c: any bytes, cut into any pieces, into the line reader. What comes out must survive
// being written as one line and read again, and cutting must not change what is read.
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "wire/ndjson.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_LINE = 1 << 12 };

static void require(bool ok)
{
  if (!ok) abort();
}

// Numbers may lose digits on the first way, so the second and the third text are compared.
static void check_round_trip(Arena *arena, const Value *tree)
{
  Error err = {0};
  Str first = json_str(arena, tree);
  require(!first.len || !memchr(first.ptr, '\n', first.len));
  Value *again = json_parse(arena, first, &err);
  require(again != NULL);
  Str second = json_str(arena, again);
  again = json_parse(arena, second, &err);
  require(again != NULL && str_eq(second, json_str(arena, again)));
}

// Reads all of [input] in pieces of [step] bytes; returns a fingerprint of what came.
static uint64_t read_all(Str input, size_t step, bool check)
{
  uint64_t seen = 0;
  NdjsonReader reader;
  ndjson_reader_init(&reader, MAX_LINE);
  for (size_t at = 0; at < input.len; at += step) {
    ndjson_feed(&reader, str_sub(input, at, at + step));
    for (WireRead got = WIRE_TREE; got != WIRE_MORE;) {
      Arena arena;
      Value *tree = NULL;
      WireBad bad = {0};
      Error err = {0};
      Message message;
      arena_init(&arena);
      got = ndjson_next(&reader, &arena, &tree, &bad, &err);
      require((got == WIRE_TREE) == (tree != NULL));
      require((got == WIRE_BAD) == (err.code != ERR_OK));
      if (got != WIRE_MORE) seen = seen * 31 + (uint64_t)got + (uint64_t)bad.id * 7;
      if (tree) message_parse(tree, &message, &bad, &err);
      if (tree && check) check_round_trip(&arena, tree);
      arena_deinit(&arena);
    }
  }
  ndjson_reader_deinit(&reader);
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
