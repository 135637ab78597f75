// commit.h: one git commit of the plan's applied hunks, through the git command (hooks and signing run) and a
// temporary index, so that what the user staged stays as it is.
#pragma once

#include "core/engine.h"

// A message to edit: title, what was done per task, and comment lines that are dropped.
bool commit_message(Engine *engine, int64_t plan, Arena *arena, Str *message, Error *err);
// The same for one task's part of the plan.
bool commit_task_message(Engine *engine, int64_t plan, Str task, Arena *arena, Str *message,
                         Error *err);

// What an editor leaves of a proposal: without the lines that start with '#'.
Str commit_without_comments(Arena *arena, Str message);

// The message is taken as it is; an empty one is ERR_CANCELLED. Refused (ERR_GIT, ERR_REFUSED) in the
// middle of a merge or rebase, without git, with nothing applied, and when files are not on disk as applied.
// Ends with event `commit` (state, commit, note) and on_done. [only]: one task's hunks, empty = all of the plan's.
bool commit_start(Engine *engine, int64_t plan, Str only, Str message, OpDone *on_done, void *owner,
                  Error *err);

// Did a commit fail because HEAD has all of it already?
bool commit_all_in_head(const Error *err);

// Stops the plan's commit and its hooks; 0 = all. It ends with ERR_CANCELLED unless git has made it already.
void commit_stop(Engine *engine, int64_t plan);

// One commit for each task with applied hunks, in the order they ended; the targets of an `each:` are one. Its
// message is the task's title. A failure ends it and says how many were made; called again, it goes on with the rest.
bool commit_tasks_start(Engine *engine, int64_t plan, OpDone *on_done, void *owner, Error *err);
