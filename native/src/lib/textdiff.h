// textdiff.h: libgit2's line diff and three-way merge of texts in memory. No repository is involved.
//
// Both first cut away what the texts share at their ends, by whole lines, so that a small change in a
// large file costs a comparison of bytes and no more.
#pragma once

#include "base/err.h"
#include "base/str.h"

// Lines [old_at, old_at + old_len) became lines [new_at, new_at + new_len). Line numbers count from 0.
typedef struct {
  size_t old_at, old_len;
  size_t new_at, new_len;
} TextChange;

typedef struct {
  TextChange *items;
  size_t len, cap;
} TextChangeList;

// The changes from [old_text] to [new_text], ascending, at least one equal line between two of them. A
// line end counts as part of its line. Texts past libgit2's limits (512 MiB) give one large change.
void textdiff_lines(Arena *arena, Str old_text, Str new_text, TextChangeList *out);

// The merge of two texts that both come from [base]. Where they conflict, [ours] stays and is counted.
typedef struct {
  Str text;          // in the arena
  size_t conflicts;  // places; 0 = clean
} TextMerge;

bool textdiff_merge(Arena *arena, Str base, Str ours, Str theirs, TextMerge *out, Error *err);
