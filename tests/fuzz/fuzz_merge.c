// fuzz_merge.c: parts BASE, OURS, THEIRS. Merges, hunks and their inverses, and hunks found again.
#include "fuzz_patch.h"

#include "patch/merge.h"

// One side as BASE, or both alike: nothing to disagree about.
static Str agreed(Arena *arena, Str base, Str ours, Str theirs)
{
  Merged m;
  Error err = {0};
  REQUIRE(merge3(arena, base, ours, theirs, &m, &err));
  REQUIRE(m.clean);
  return m.text;
}

static void check_pair(Arena *arena, Str a, Str b)
{
  HunkList hunks = hunks_diff(arena, a, b);
  REQUIRE(str_eq(hunks_apply(arena, a, &hunks), b));
  HunkList back = hunks_invert(arena, b, &hunks);
  REQUIRE(str_eq(hunks_apply(arena, b, &back), a));
  Carried here = hunks_rebase(arena, a, a, &hunks);
  REQUIRE(here.edits.len == hunks.len && str_eq(edits_apply(arena, a, &here.edits), b));
  Carried there = hunks_carry(arena, a, b, &hunks);
  for (size_t i = 0; i < hunks.len; i++) REQUIRE(there.places[i].kind <= PLACE_STALE);
  edits_apply(arena, b, &there.edits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  Str rest = {(const char *)data, size};
  if (size == 0 || size > 20000) return 0;
  Str base = next_part(&rest), ours = next_part(&rest), theirs = next_part(&rest);
  Arena arena;
  arena_init(&arena);
  REQUIRE(str_eq(agreed(&arena, base, base, theirs), theirs));
  REQUIRE(str_eq(agreed(&arena, base, ours, base), ours));
  REQUIRE(str_eq(agreed(&arena, base, ours, ours), ours));
  Merged both;
  Error err = {0};
  REQUIRE(merge3(&arena, base, ours, theirs, &both, &err));
  check_pair(&arena, base, ours);
  check_pair(&arena, ours, theirs);
  HunkList hunks = hunks_diff(&arena, base, ours);
  Carried carried = hunks_carry(&arena, base, theirs, &hunks);
  edits_apply(&arena, theirs, &carried.edits);
  carried = hunks_rebase(&arena, base, theirs, &hunks);
  edits_apply(&arena, theirs, &carried.edits);
  arena_deinit(&arena);
  return 0;
}
