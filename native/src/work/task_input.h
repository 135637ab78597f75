// task_input.h: what a task works on: the exact texts, with the results it builds on, and its own ranges in
// them. What is sent to a model and what its reply is read against is the same TaskInput.
#pragma once

#include "patch/patch.h"
#include "plan/accept.h"
#include "plan/plan.h"
#include "review/base_text.h"

typedef struct {
  TaskSpec spec;      // ranges moved to where their lines are in the texts below
  ShownList files;    // what it may write, one for each path
  ShownList read;     // what it may read
  CombinedList done;  // the results it is made on
} TaskInput;

typedef struct {
  Engine *engine;
  Project *project;
  int64_t plan;
  const TaskSpec *task;
  const StrList *before;  // tasks whose results it builds on
  Str remark;             // from a reviewer, added to the specification; empty = none
  bool present;           // paths that have no base yet are read as they are now (preview)
} TaskInputSpec;

// All in [arena]. ERR_REFUSED: a file may not be sent (the message says why); ERR_STALE: its lines are gone;
// ERR_NOT_FOUND: no such file, and the task does not make it.
bool task_input(const TaskInputSpec *spec, Arena *arena, TaskInput *out, Error *err);

// One target for each path; several ranges of a path become the range around them (task_result.c holds the
// gaps between them).
PatchSpec task_patch_spec(Arena *arena, const TaskInput *input);

// For accept_check: every range the task may write, after [files]; whole files where there is no range.
AcceptTextList task_accept_texts(Arena *arena, const TaskInput *input, const PatchFileList *files);

const ShownFile *shown_find(const ShownList *list, Str path);  // NULL when not there
