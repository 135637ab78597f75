// merge.h: three-way merges of whole texts, on libgit2.
#pragma once

#include "base/err.h"
#include "base/str.h"

typedef struct {
  Str text;  // the merge; with conflicts: [ours] stays in those places, never markers
  bool clean;
} Merged;

// [ours] and [theirs] both come from [base]. Disjoint edits give both; equal edits count once.
bool merge3(Arena *arena, Str base, Str ours, Str theirs, Merged *out, Error *err);
