// fuzz_unidiff.c: parts OLD, NEW. The unified diff of two texts, read as a reply, gives the new text or a
// refusal, never another text. The input as a whole is also read as a diff.
#include "fuzz_patch.h"

#include "patch/diff.h"

static void read_as_reply(Arena *arena, Str old_text, Str reply, const Str *want)
{
  PatchTarget target = {.path = S("a.c"), .shown = old_text, .exists = true, .may_delete = true};
  PatchSpec spec = {.targets = &target, .len = 1, .may_create = true};
  PatchResult result;
  patch_from_reply(arena, &spec, reply, &result);
  check_result(arena, &result);
  if (!want || result.refusals.len || result.files.len != 1) return;
  REQUIRE(str_eq(result.files.items[0].new_text, *want));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  Str rest = {(const char *)data, size}, all = rest;
  if (size == 0 || size > 20000) return 0;
  Str old_text = next_part(&rest), new_text = next_part(&rest);
  Arena arena;
  arena_init(&arena);
  Buf out;
  buf_init(&out, 1 << 20);
  diff_unified(
      &arena, &out,
      &(UnifiedFile){.path = S("a.c"), .old_text = old_text, .new_text = new_text, .context = 3});
  read_as_reply(&arena, old_text, buf_str(&out), &new_text);
  buf_deinit(&out);
  read_as_reply(&arena, old_text, str_cat(&arena, S("--- a/a.c\n+++ b/a.c\n"), all), NULL);
  arena_deinit(&arena);
  return 0;
}
