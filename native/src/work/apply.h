// apply.h: decided hunks become edits. For an editor: line edits for each buffer's present text. For the
// shell: files written atomically, all or none. Reverting is the same by inverse hunks, by content.
#pragma once

#include "work/review.h"

typedef struct {
  Str path;
  Str text;            // the present text (a buffer's, or the file's)
  bool exists;
} PresentFile;
typedef struct {
  PresentFile *items;
  size_t len, cap;
} PresentList;

typedef struct {
  Str path;
  FileChange change;   // FILE_NEW, FILE_DELETE: whole file; FILE_EDIT: edits
  Str renamed_from;
  LineEditList edits;  // ascending; the editor applies them bottom-up
  Str text;            // what the text becomes, for FILE_NEW and for writing without an editor
  StrList hunks;       // ids that these edits do
} FileEdits;
typedef struct {
  FileEdits *items;
  size_t len, cap;
} FileEditsList;

typedef struct {
  FileEditsList files;
  StrList stale;       // hunk ids refused, with the reason in [notes]
  StrList notes;       // one line each
  size_t hunks;        // done by the edits
} ApplyPlan;

// What accepting means for [present] texts; files not in [present] are read from disk. [only]: hunk ids,
// "task:..", "file:.."; empty = all accepted and not yet applied.
bool apply_prepare(Engine *engine, int64_t plan, const PresentList *present, const StrList *only,
                   Arena *arena, ApplyPlan *out, Error *err);
bool revert_prepare(Engine *engine, int64_t plan, const PresentList *present, const StrList *only,
                    Arena *arena, ApplyPlan *out, Error *err);

// The editor (or apply_write) did it: remembered hunk by hunk.
bool apply_done(Engine *engine, int64_t plan, const StrList *hunks, bool reverted, Error *err);

// Writes the files: all or none.
bool apply_write(Engine *engine, int64_t plan, const ApplyPlan *edits, Error *err);
