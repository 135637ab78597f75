// git_private.h: what git.c, git_files.c and git_rules.c share.
#pragma once

#include <sys/stat.h>

#include "base/map.h"
#include "lib/git.h"
#include "lib/git_api.h"

struct Repo {
  Arena arena;             // the two paths
  git_repository *handle;  // NULL until libgit2 is needed: see repo_handle
  bool refused;            // libgit2 does not open it
  Str root, git_dir;
  struct stat index_seen;  // of the index as it was read; inode 0 = never
  Arena names_arena;
  Map names;              // of the files in it, as far as index_names reads it
  bool looking, looked;   // repo_look, and the index was asked since
  bool index_unreadable;  // to libgit2 (a sparse index, SHA-256): nothing counts as tracked
};

// Fills [err] with libgit2's words for the last failure. Always false.
bool git_fail(Error *err, const char *what);

// The repository opened by libgit2. NULL when that refuses.
git_repository *repo_handle(Repo *repo);

// A work tree with an ordinary .git directory around [dir] (real), found without libgit2: false when there
// is any doubt, or none.
bool repo_find_plain(Arena *arena, const char *dir, Str *root);

// Whether [path] is in the index of a repository that repo_find_plain has found, without libgit2. False: not known.
bool index_names(Repo *repo, Str path);
// Is it as it was when this was last asked?
bool index_unchanged(Repo *repo);

// The index, refreshed from disk; owned by the caller. NULL when it is unreadable. Call it before
// libgit2 walks the work tree.
git_index *repo_index(Repo *repo);
