// mechanical.h: tasks that need no model: `substitute` over files and `move` of lines, as ordinary patches.
// Pure: texts in, texts out (patch/mechanical.h does one text at a time).
#pragma once

#include "patch/patch.h"
#include "plan/plan.h"
#include "work/prompt.h"

typedef struct {
  PatchFileList files;  // changed ones only
} Mechanical;

// Does [task] on [files], the present texts of all it writes; ranges of [task] count in those texts. Nothing
// found to replace is no error: [files] of [out] is empty then. All in [arena].
bool mechanical_do(Arena *arena, const TaskSpec *task, const ShownList *files, Mechanical *out,
                   Error *err);
