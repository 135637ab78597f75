// commit.h: one git commit of the plan's applied hunks, through the git command (hooks and signing run) and a
// temporary index, so that what the user staged stays as it is.
#pragma once

#include "core/engine.h"

// A message to edit: title, what was done per task, and comment lines that are dropped.
bool commit_message(Engine *engine, int64_t plan, Arena *arena, Str *message, Error *err);

// Lines starting with '#' are dropped; an empty message is ERR_CANCELLED. Refused (ERR_GIT, ERR_REFUSED) in the
// middle of a merge or rebase, without git, with nothing applied, and when files are not on disk as applied.
// Ends with event `commit` (state, commit, note) and on_done.
bool commit_start(Engine *engine, int64_t plan, Str message, OpDone *on_done, void *owner,
                  Error *err);
