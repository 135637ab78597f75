// task_result.h: what came of a task: a reply made into files, or what is wrong with it, in words for the
// model and in one line for people. No file is touched.
//
//   reply -> patch_from_reply -> own ranges -> guards of the file system -> accept lines
//   files of a mechanical task ---------------> guards -------------------> accept lines
#pragma once

#include "work/task_input.h"

typedef struct {
  PatchFileList files;  // what may be kept; with a problem: the good part of it
  bool abstained;       // the model says that nothing needs changing, and nothing speaks against it
  bool ok;              // complete and without a problem
  bool breaks_rule;     // an accept line speaks against it: no part of it is good
  size_t hunks;         // in [files]
  Str problem;          // for the model, empty when ok
  Str brief;            // for people: one line, empty when ok
} TaskResult;

// [cut]: the model stopped at its token limit. All in [arena].
void task_result_of_reply(Arena *arena, Project *project, const TaskInput *input, Str reply,
                          bool cut, TaskResult *out);
void task_result_of_files(Arena *arena, Project *project, const TaskInput *input,
                          const PatchFileList *files, TaskResult *out);

// A problem found later (check, conflict) on a result that was ok.
void task_result_spoil(Arena *arena, TaskResult *result, Str problem, Str brief);
