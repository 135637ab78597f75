// base_text.h: the base of a plan: the exact text the work started from, by content hash in the journal, and
// the texts as they stand with some or all patches done.
#pragma once

#include "base/map.h"
#include "core/engine.h"
#include "plan/plan.h"

// The text each file had when the run began, plus what predecessors wrote (see base_combine).
typedef struct {
  Str path, text;
  bool exists;
} ShownFile;
typedef struct {
  ShownFile *items;
  size_t len, cap;
} ShownList;

// Stores the present text (buffers before files) of [path] as base unless the plan has one already.
bool base_take(Engine *engine, Project *project, int64_t plan, Str path, Error *err);

// The same, replacing what the plan has: only while no result was made on it.
bool base_retake(Engine *engine, Project *project, int64_t plan, Str path, Error *err);

// A task that is done again by hand is done on the text as it is by then: the base of [path] moves to [text], and what
// others made is merged with that. Moved back, it is what it was before the last move.
bool base_move(Engine *engine, int64_t plan, Str path, Str text, Error *err);
bool base_move_back(Journal *journal, int64_t plan, Str path, Error *err);

// The text that a plan's line numbers count in: the base before any move. Otherwise as base_get.
bool base_first(Engine *engine, int64_t plan, Arena *arena, Str path, ShownFile *out, Error *err);
// The text it moved to; [*moved] false: it did not.
bool base_moved(Engine *engine, int64_t plan, Arena *arena, Str path, ShownFile *out, bool *moved,
                Error *err);

// Base text of [path]; exists = false for files that did not exist.
bool base_get(Engine *engine, int64_t plan, Arena *arena, Str path, ShownFile *out, Error *err);

// Folds patches of [tasks] (those done or partly done; NULL = all of the plan) over the base, in the order the
// tasks ended: parallel edits of one file are merged three ways; what conflicts is reported, never dropped.
typedef struct {
  Str path;
  Str base, text;        // before and after
  bool existed, exists;  // before and after; a renamed file existed (under renamed_from)
  Str renamed_from;      // its path before; that path has no entry of its own then
  // for each line of text its owner (index + 1 into the tasks below; 0 = base), and for each gap before a
  // line (and at the end) the owner of lines deleted there
  uint16_t *line_owner, *gap_owner;
  StrList tasks;  // ids of the tasks that changed it
  bool conflict;  // some task's edit could not be merged; text is what the others give
  Str conflict_task;
} CombinedFile;
typedef struct {
  CombinedFile *items;
  size_t len, cap;
  Map names;  // every name a file has or had, to its place when it was started
} CombinedList;

bool base_combine(Engine *engine, int64_t plan, Arena *arena, const StrList *tasks,
                  CombinedList *out, Error *err);

// Ids of the tasks with results, in the order they ended.
bool base_order(Engine *engine, int64_t plan, Arena *arena, StrList *out, Error *err);

// One task's change of one file.
typedef struct {
  Str task, path;
  FileChange change;
  Str renamed_from;  // FILE_RENAME only
  Str shown, made;   // the text it was made against, and the one it makes
} Change;

// One more change on top of [list]; files not in it yet are started from the base. See combine.h.
bool base_fold(Engine *engine, int64_t plan, Arena *arena, CombinedList *list, const Change *change,
               Error *err);

// [path] as it is with the results in [done], else its base. ERR_NOT_FOUND when neither knows it.
bool base_with(Engine *engine, int64_t plan, Arena *arena, Str path, const CombinedList *done,
               ShownFile *out, Error *err);
