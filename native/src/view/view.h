// view.h: the pages: text for a piecework:// buffer, also what the shell prints, with what each line stands for.
//
// A view is written from the journal each time it is asked for; it lives in the arena given. Text and index have the
// same lines (view_text.h).
#pragma once

#include "review/review.h"

// Text for a piecework:// buffer and, for each line, what it stands for.
typedef struct {
  Str kind;  // "file", "hunk", "add", "del", "context", "task", "plan", "head", "note", ""
  Str hunk, path, task;
  int64_t plan;  // 0 = none
  size_t line;   // in the new text, 0 = none
  Str state;     // on a hunk's head: "accepted", "rejected", "applied", "stale" or empty
  size_t moved;  // on a note in a hunk: so many lines below it are a move
} LineMeaning;
typedef struct {
  Str text;
  LineMeaning *index;  // one per line
  size_t len, cap;
} View;

void view_review(Arena *arena, const Review *review, View *out);
// [plan] 0: all of [root].
bool view_status(Engine *engine, int64_t plan, Str root, Arena *arena, View *out, Error *err);
// [which]: "12", "day", "week", "month", "all".
bool view_cost(Engine *engine, Str which, Arena *arena, View *out, Error *err);
bool cost_since(Str which, int64_t *since_ms);  // day, week, month, all; false for another word
bool view_log(Engine *engine, int64_t plan, Arena *arena, View *out, Error *err);
