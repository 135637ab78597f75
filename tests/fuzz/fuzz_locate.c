// fuzz_locate.c: parts FILE, SEARCH, REPLACE, RANGE (two bytes). One block against one file, every rule: what is
// found lies inside the file, and what is written is what the hunks say.
#include "fuzz_patch.h"

#include "patch/locate.h"

static StrList lines_of(Arena *arena, Str text)
{
  StrList list = {0};
  for (Str line; str_line(&text, &line);) PUSH(arena, &list, line);
  return list;
}

static void check_match(const Match *match, size_t lines)
{
  REQUIRE(match->first <= match->end && match->end <= lines);
  for (size_t i = 0; i < match->len; i++)
    REQUIRE(match->lines[i] == LINE_NONE || match->lines[i] < lines);
}

static void locate_directly(Arena *arena, Str file, Str search, Str replace, Range range)
{
  Text text = text_split(arena, file);
  StrList a = lines_of(arena, search), b = lines_of(arena, replace);
  Sides sides = {a.items, b.items, a.len, b.len, false};
  Locator locator;
  locator_init(&locator, arena, &text, range);
  size_t sought = locator_add(&locator, &sides);
  Located located = locate(&locator, sought);
  if (located.kind == LOCATE_FOUND || located.kind == LOCATE_OUTSIDE)
    check_match(&located.match, text.len);
  for (size_t i = 0; i < located.all.len; i++) check_match(&located.all.items[i], text.len);
  size_t near = locate_nearest(&locator, sought);
  REQUIRE(near == LINE_NONE || near < text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  Str rest = {(const char *)data, size};
  if (size == 0 || size > 20000) return 0;
  Str file = next_part(&rest), search = next_part(&rest), replace = next_part(&rest),
      bytes = next_part(&rest);
  Range range = {0, 0};
  if (bytes.len >= 2) {
    range.first = 1 + (unsigned char)bytes.ptr[0];
    range.last = range.first + (unsigned char)bytes.ptr[1];
  }
  Arena arena;
  arena_init(&arena);
  locate_directly(&arena, file, search, replace, range);
  Str reply = str_fmt(&arena, "a.c\n<<<<<<< SEARCH\n%.*s\n=======\n%.*s\n>>>>>>> REPLACE\n",
                      STR_ARG(search), STR_ARG(replace));
  PatchTarget target = {.path = S("a.c"), .shown = file, .exists = true, .range = range};
  PatchSpec spec = {.targets = &target, .len = 1};
  PatchResult result;
  patch_from_reply(&arena, &spec, reply, &result);
  check_result(&arena, &result);
  arena_deinit(&arena);
  return 0;
}
