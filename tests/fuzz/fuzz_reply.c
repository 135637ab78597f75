// fuzz_reply.c: parts FILE, REPLY. The parser gives the same blocks whether the reply comes whole or in
// pieces; whatever it says, results are what their hunks say.
#include "fuzz_patch.h"

#include "patch/reply.h"

static bool same_lists(const StrList *a, const StrList *b)
{
  if (a->len != b->len) return false;
  for (size_t i = 0; i < a->len; i++) {
    if (!str_eq(a->items[i], b->items[i])) return false;
  }
  return true;
}

static void compare(const Reply *whole, const Reply *pieces)
{
  REQUIRE(whole->problem == pieces->problem);
  if (whole->problem != REFUSE_COUNT) return;
  REQUIRE(whole->blocks.len == pieces->blocks.len && whole->abstained == pieces->abstained);
  for (size_t i = 0; i < whole->blocks.len; i++) {
    const Block *a = &whole->blocks.items[i], *b = &pieces->blocks.items[i];
    REQUIRE(a->kind == b->kind && a->line == b->line && a->hint_count == b->hint_count);
    REQUIRE(a->divider_count == b->divider_count && same_lists(&a->lines, &b->lines));
    REQUIRE(same_lists(&a->old_lines, &b->old_lines) && same_lists(&a->new_lines, &b->new_lines));
  }
}

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
  Reply whole, pieces;
  reply_parse(&whole, &arena, reply);
  reply_init(&pieces, &arena);
  size_t step = 1 + size % 7;
  for (size_t at = 0; at < reply.len; at += step)
    reply_feed(&pieces, str_sub(reply, at, at + step));
  reply_end(&pieces);
  compare(&whole, &pieces);
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
