// fuzz_json.c: any bytes as JSON. What is read must come out as valid UTF-8 that reads as the same again.
#include <stdlib.h>

#include "lib/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  Arena arena;
  arena_init(&arena);
  Error err = {0};
  const Value *first = json_parse(&arena, (Str){(const char *)data, size}, &err);
  if (!first && err.code != ERR_INVALID) abort();
  if (first) {
    Str text = json_str(&arena, first);
    const Value *second = json_parse(&arena, text, &err);
    if (!second || !str_is_utf8(text) || !str_eq(text, json_str(&arena, second))) abort();
  }
  arena_deinit(&arena);
  return 0;
}
