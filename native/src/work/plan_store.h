// plan_store.h: plan files on disk and their rows in the journal. Private to work/; planner.h has
// what others call.
#pragma once

#include "core/engine.h"
#include "journal/journal.h"
#include "plan/plan.h"

// Writes [plan] as the file of [row] (which has an id), updates the row, stores the estimate and
// sets the state to ready, in that order: a plan is ready only when its file is there. row->path
// is set, in [arena].
bool plan_publish(Engine *engine, Project *project, Arena *arena, PlanRow *row, Plan *plan,
                  Error *err);

// A plan of one task that nobody planned, stored and ready. Its id, or 0.
int64_t plan_from_task(Engine *engine, Project *project, Arena *arena, const TaskSpec *task,
                       Str request, Nano budget, Error *err);

// The targets that a plan's selectors find. A plan that has not begun looks at the present texts; one that has
// keeps the places it began with, whatever became of the files. Problems carry lines. A file named through a symlinked
// directory gets its real path.
void plan_find_targets(Engine *engine, Project *project, Arena *arena, const PlanRow *row,
                       Plan *plan, PlanProblemList *problems);

// The test command that a new plan proposes: the user's own setting, else what the project
// documents.
Str plan_test_command(Engine *engine, Project *project, Arena *arena);

// Tells listeners and the log: "planning", "ready", "failed" or "unsuitable" (doc/wire.md, event
// `plan`). [turn] 0 = none. A note goes to the log as well.
void plan_event(Engine *engine, const PlanRow *row, const char *state, int turn, Str note);

// "0012-rename-cfg-get.md". In [arena].
Str plan_file_name(Arena *arena, int64_t id, Str title);

// The first line of a request, cut, as a title. In [arena].
Str plan_title(Arena *arena, Str request);
