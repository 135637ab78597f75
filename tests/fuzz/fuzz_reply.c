// fuzz_reply.c: parts FILE, REPLY. Whatever a reply says, results are what their hunks say.
#include "fuzz_patch.h"

// Whether every line of [s] ends in CRLF (or, the last one, in nothing).
static bool all_crlf(Str s)
{
  for (size_t i = 0; i < s.len; i++) {
    if (s.ptr[i] == '\n' && (i == 0 || s.ptr[i - 1] != '\r')) return false;
  }
  return str_has(s, S("\r\n"));
}

// A file keeps its kind of line end, whatever way it was written; a diff may say otherwise.
static void check_line_ends(const PatchResult *result)
{
  for (size_t i = 0; i < result->files.len; i++) {
    const PatchFile *file = &result->files.items[i];
    if (file->change != FILE_EDIT || !all_crlf(file->old_text)) continue;
    REQUIRE(all_crlf(file->new_text) || !str_has(file->new_text, S("\n")));
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  Str rest = {(const char *)data, size};
  if (size == 0) return 0;
  Str file = next_part(&rest), reply = rest;
  Arena arena;
  arena_init(&arena);
  PatchTarget targets[2] = {{.path = S("src/a.c"),
                             .called = S("link/a.c"),
                             .shown = file,
                             .exists = true,
                             .may_delete = size % 2,
                             .may_rewrite = size % 5 < 2},
                            {.path = S("b.py"), .exists = false}};
  PatchSpec spec = {
      .targets = targets, .len = 2, .may_create = size % 3 == 0, .reply_cut = size % 11 == 0};
  PatchResult result;
  patch_from_reply(&arena, &spec, reply, &result);
  check_result(&arena, &result);
  if (!str_has(reply, S("@@"))) check_line_ends(&result);
  arena_deinit(&arena);
  return 0;
}
