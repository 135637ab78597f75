// hunk.h: one contiguous change with its surrounding lines: the unit of review, apply and revert.
//
// A hunk is known by its old lines plus three lines of context on each side; line numbers are
// hints. hunks_carry finds where it stands in a text that may have changed since:
//
//   PLACE_HERE    at its old line       PLACE_MOVED   elsewhere, context matches there and only there
//   PLACE_DONE    already applied       PLACE_STALE   nowhere, or in more than one place: never guessed
#pragma once

#include "base/err.h"
#include "patch/text.h"

enum { HUNK_CONTEXT = 3 };

typedef struct {
  // 1-based line of the first old line; with old.len 0: the line before which new goes.
  size_t old_start;
  size_t new_start;  // the same in the new text
  Line *old_lines;   // borrowed from the old text
  size_t old_len;
  Line *new_lines;  // borrowed from the new text
  size_t new_len;
  Line *before, *after;  // up to HUNK_CONTEXT lines around it in the old text
  size_t before_len, after_len;
  bool at_start, at_end;  // the context reaches the start or end of the file
  // Of `twins` places in the old text that look like this one before or after the change, it is the
  // nth, from 1; 0 = not known.
  size_t nth, twins;
} Hunk;

typedef struct {
  Hunk *items;
  size_t len, cap;
} HunkList;

typedef enum { PLACE_HERE, PLACE_MOVED, PLACE_DONE, PLACE_STALE } PlaceKind;

typedef struct {
  PlaceKind kind;
  size_t start;  // 1-based line in the present text; for PLACE_STALE the nearest likely place or 0
} Place;

// The changes from [old_text] to [new_text] in order, not overlapping, without shared lines inside.
HunkList hunks_diff(Arena *arena, Str old_text, Str new_text);

// A hunk of [old_text] that replaces [old_len] lines from index [at] (from 0). new_start is left open.
Hunk hunk_make(const Text *old_text, size_t at, size_t old_len, Line *new_lines, size_t new_len);

// [old_text] with [hunks] (any subset of its hunks_diff, in order) done.
Str hunks_apply(Arena *arena, Str old_text, const HunkList *hunks);
Str text_apply(Arena *arena, const Text *text, const HunkList *hunks);  // the same on split text

// Counts each hunk's twins in [old_text]; without it a hunk that has twins in the present text is only
// found at its old line. hunks_diff has done it.
void hunks_count_twins(const Text *old_text, HunkList *hunks);

// One change of lines in the present text, ready for an editor: replace [old_len] lines from [start].
typedef struct {
  size_t start, old_len;
  Line *lines;  // the new lines, with the line ends that they get there
  size_t len;
  size_t hunk;  // index into the hunks given
} LineEdit;

typedef struct {
  LineEdit *items;  // ascending, not overlapping
  size_t len, cap;
} LineEditList;

typedef struct {
  Place *places;       // one for each hunk given
  LineEditList edits;  // for those HERE or MOVED
} Carried;

// Carries [hunks] of [base] to [present] as edits; hunks that are done or stale yield none, places say which. [base]
// is what tells twins apart.
Carried hunks_carry(Arena *arena, Str base, Str present, const HunkList *hunks);
Str edits_apply(Arena *arena, Str present, const LineEditList *edits);

// The same where the text the hunks were made against is at hand: [base] and [present] are compared, and a
// hunk moves with the lines around it, twins or not. It is stale when its lines or the two neighbours of
// its change were touched meanwhile, or when less than 60 % of its old lines and context are left.
Carried hunks_rebase(Arena *arena, Str base, Str present, const HunkList *hunks);

// The hunks that undo [hunks]: old and new swapped, context from [new_text].
HunkList hunks_invert(Arena *arena, Str new_text, const HunkList *hunks);

// A place to cut a hunk: after so many of its old and so many of its new lines.
typedef struct {
  size_t old_at, new_at;
} HunkCut;

// [hunk] cut at [cuts], which ascend: parts that touch, in order, each with old lines around it as context.
// Together they are the hunk; any of them can be done without the others. Cuts that make no part are passed over.
HunkList hunk_cut(Arena *arena, const Hunk *hunk, const HunkCut *cuts, size_t count);

// The cuts before and behind lines [first, last] of a hunk, counted from 1 over its old lines and then its new
// ones. False when there are no such lines, or they are the whole hunk.
bool hunk_lines(const Hunk *hunk, size_t first, size_t last, HunkCut *from, HunkCut *to);

// Identity for decisions: path, old lines, new lines and context, and [nth] to tell twins apart.
// 16 hex digits.
Str hunk_id(Arena *arena, Str path, const Hunk *hunk, size_t nth);
