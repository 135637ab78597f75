// apply.h: decided hunks become edits. For an editor: line edits for each buffer's present text. For the
// shell: files written atomically, all or none. Reverting is the same by inverse hunks, by content.
//
// What is done is decided by content, not by memory: a hunk that the present text already has yields no
// edit, an accepted one that was undone in the buffer is done again. What was applied is journaled hunk by
// hunk for people and for revert.
#pragma once

#include "review/present.h"
#include "review/review.h"

typedef struct {
  Str path;
  FileChange change;  // FILE_NEW, FILE_DELETE: whole file; FILE_EDIT: edits; FILE_RENAME: both
  Str renamed_from;
  LineEditList edits;  // ascending; the editor applies them bottom-up
  Str before;          // the present text these edits are for
  Str text;            // what the text becomes
  StrList hunks;       // ids that these edits do, or that are done already
} FileEdits;
typedef struct {
  FileEdits *items;
  size_t len, cap;
} FileEditsList;

typedef struct {
  FileEditsList files;
  StrList stale;  // hunk ids refused, with the reason in [notes]
  StrList notes;  // one line each
  size_t hunks;   // done by the edits
  bool reverting;
} ApplyPlan;

// What accepting means for [present] texts (may be NULL). [only]: what review_decide takes; empty = all.
// Only accepted hunks are applied, only applied ones reverted.
bool apply_prepare(Engine *engine, int64_t plan, const PresentList *present, const StrList *only,
                   Arena *arena, ApplyPlan *out, Error *err);
bool revert_prepare(Engine *engine, int64_t plan, const PresentList *present, const StrList *only,
                    Arena *arena, ApplyPlan *out, Error *err);

// The editor did it: remembered hunk by hunk. A plan whose hunks are all applied or rejected is done.
bool apply_done(Engine *engine, int64_t plan, const StrList *hunks, bool reverted, Error *err);

// A plan in review whose hunks are all applied or rejected becomes done; one that is not any more, review.
bool apply_settle(Engine *engine, int64_t plan, Error *err);

// Writes the files, all or none, and remembers it. ERR_STALE when a file changed since apply_prepare.
bool apply_write(Engine *engine, int64_t plan, const ApplyPlan *edits, Error *err);
