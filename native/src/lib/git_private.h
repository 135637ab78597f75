// git_private.h: what git.c, git_files.c and git_rules.c share.
#pragma once

#include <git2.h>

#include "lib/git.h"

struct Repo {
  Arena arena;  // the three paths
  git_repository *handle;
  Str root, git_dir, common_dir;
  bool index_unreadable;  // to libgit2 (a sparse index, SHA-256): nothing counts as tracked
};

void git_needed(void);  // starts libgit2, once

// Fills [err] with libgit2's words for the last failure. Always false.
bool git_fail(Error *err, const char *what);

// The index, refreshed from disk; owned by the caller. NULL when it is unreadable. Call it before
// libgit2 walks the work tree.
git_index *repo_index(Repo *repo);
