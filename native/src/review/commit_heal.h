// commit_heal.h: what is left to do when piecework is killed behind `git commit`: the commit is there, and the user's
// index does not know it, so that its changes look staged the other way round.
//
// A commit works in a directory of its own in the git directory. Before `git commit` it writes down there what the
// index has, what the commit is to have, and what is to be put into the index then. A directory whose process is gone
// is looked at by the next commit or resume: when HEAD has the commit and the index is as it was, the rest is done.
// What came of it is told in an event `commit` of plan 0, state `healed` or `left`, whose note is a sentence for
// people.
#pragma once

#include "core/engine.h"

typedef struct {
  Str was;   // `git ls-files -s -z` of the user's index, of the commit's paths
  Str made;  // the same of the index that is committed
  Str back;  // input of `git update-index -z --index-info`
} CommitAfter;

char *commit_after_dir(Arena *arena, const char *parent, Error *err);
bool commit_after_write(Arena *arena, const char *dir, const CommitAfter *after, Error *err);

// Finishes what killed commits left in [project]. False when there is nothing to do: on_done will not be called.
// Its error is never anything but ERR_OK: what git could not do is tried again by the next commit or resume; where the
// index was changed since, it stays as it is.
bool commit_heal(Engine *engine, Project *project, OpDone *on_done, void *owner);
