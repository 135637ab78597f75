// verify_private.h: what verify.c (the steps) and verify_diff.c (what the model is shown) share.
#pragma once

#include "work/base_text.h"
#include "work/plan.h"

// What one call is shown: some files' diffs and the tasks that changed them.
typedef struct {
  Str diff;
  TaskList tasks;
} VerifyGroup;

typedef struct {
  VerifyGroup *items;
  size_t len, cap;
  size_t left_out;  // files that no call is shown, because there are too many
} VerifyGroups;

// The combined diff cut into groups of files that one call can take. All in [arena].
VerifyGroups verify_groups(Arena *arena, const CombinedList *files, const TaskList *tasks);
