// review.h: the combined result as hunks with verdicts and decisions, and as text with a line index.
#pragma once

#include "patch/patch.h"
#include "work/base_text.h"
#include "work/engine.h"

typedef enum { APPLY_PENDING, APPLY_APPLIED, APPLY_REVERTED } ApplyState;

typedef struct {
  Str id;              // hunk_id
  size_t file;         // index into files
  Hunk hunk;
  StrList tasks;       // who made it, first = main one
  Decision decision;
  ApplyState applied;
  bool stale;          // cannot be placed in the present text
  Str verdict;         // "ok", "doubt", "rejected" or empty
  Str reason;
} ReviewHunk;

typedef struct {
  ReviewHunk *items;
  size_t len, cap;
} ReviewHunkList;

typedef struct {
  int64_t plan;
  CombinedList files;
  ReviewHunkList hunks;   // by file, then line
  size_t accepted, rejected;
} Review;

bool review_build(Engine *engine, int64_t plan, Arena *arena, Review *out, Error *err);

// [what]: hunk ids, or "task:T01", "file:PATH", "all".
bool review_decide(Engine *engine, int64_t plan, const StrList *what, Decision decision, size_t *changed,
                   Error *err);

// Text for a piecework:// buffer and, for each line, what it stands for.
typedef struct {
  Str kind;            // "file", "hunk", "add", "del", "context", "task", "head", ""
  Str hunk, path, task;
  size_t line;         // in the new text, 0 = none
} LineMeaning;
typedef struct {
  Str text;
  LineMeaning *index;  // one per line
  size_t len, cap;
} View;
void view_review(Arena *arena, const Review *review, View *out);
bool view_status(Engine *engine, int64_t plan, Str root, Arena *arena, View *out, Error *err);  // plan 0: all of root
bool view_cost(Engine *engine, Str which, Arena *arena, View *out, Error *err);  // "12", "day", "week", "month", "all"
bool view_log(Engine *engine, int64_t plan, Arena *arena, View *out, Error *err);

// Quickfix entries: hunks, failed tasks, stale hunks.
typedef struct {
  Str path, text, type;   // type: "", "W", "E", "I"
  size_t line, end_line;
  Str hunk, task;
} QfEntry;
typedef struct {
  QfEntry *items;
  size_t len, cap;
} QfList;
void review_quickfix(Engine *engine, Arena *arena, const Review *review, QfList *out);
