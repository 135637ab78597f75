// fuzz_patch.h: what the patch fuzzers share. An input is cut into parts at bytes 0x1e.
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "patch/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(cond)                                                      \
  do {                                                                     \
    if (!(cond)) {                                                         \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond); \
      abort();                                                             \
    }                                                                      \
  } while (0)

static inline Str next_part(Str *rest)
{
  Str part = STR_NONE;
  return str_cut(rest, 0x1e, &part) ? part : STR_NONE;
}

// What must hold of every result, whatever the reply was.
static inline void check_result(Arena *arena, const PatchResult *result)
{
  for (size_t i = 0; i < result->files.len; i++) {
    const PatchFile *file = &result->files.items[i];
    if (file->change == FILE_DELETE) continue;
    REQUIRE(str_eq(hunks_apply(arena, file->old_text, &file->hunks), file->new_text));
    HunkList back = hunks_invert(arena, file->new_text, &file->hunks);
    REQUIRE(str_eq(hunks_apply(arena, file->new_text, &back), file->old_text));
    size_t end = 0;
    for (size_t k = 0; k < file->hunks.len; k++) {
      REQUIRE(file->hunks.items[k].old_start > end || (end == 0 && k == 0));
      end = file->hunks.items[k].old_start - 1 + file->hunks.items[k].old_len;
    }
  }
  for (size_t i = 0; i < result->refusals.len; i++) {
    REQUIRE(result->refusals.items[i].reason.len > 0 &&
            result->refusals.items[i].reason.len <= 4608);
    REQUIRE(str_is_utf8(result->refusals.items[i].reason));
  }
}
