// fuzz_yaml.c: any bytes as front matter. A refusal names a line; what is read is a tree within bounds.
#include <stdlib.h>

#include "lib/json.h"
#include "lib/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int depth_of(const Value *value)
{
  int deepest = 0;
  if (value->type != VALUE_LIST && value->type != VALUE_MAP) return 0;
  for (VALUE_EACH (item, value)) {
    int depth = depth_of(item);
    if (depth > deepest) deepest = depth;
    if (item->line < 1) abort();
  }
  return deepest + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  Arena arena;
  arena_init(&arena);
  Error err = {0};
  const Value *value = yaml_parse(&arena, (Str){(const char *)data, size}, 1, &err);
  if (!value && (err.code != ERR_INVALID || !str_has(str_from(err.message), S("line ")))) abort();
  if (value && depth_of(value) > VALUE_MAX_DEPTH) abort();
  if (value && !str_is_utf8(json_str(&arena, value))) abort();
  arena_deinit(&arena);
  return 0;
}
