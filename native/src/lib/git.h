// git.h: what piecework asks of a repository without running git: where it is, what is ignored,
// which files there are, what differs from HEAD. libgit2 behind; loaded at first use. Worktrees and
// commits go through the git command (so that hooks and signing run), see work/worktree.h.
#pragma once

#include "base/err.h"

typedef struct Repo Repo;

// The repository around [dir], NULL (and no error) when there is none. NULL with ERR_GIT when it
// belongs to another user (safe.directory) or is damaged. GIT_DIR and its kin are not asked.
Repo *repo_open(const char *dir, Error *err);
void repo_free(Repo *repo);
void repo_load(void);  // libgit2, ahead of its first use, in any thread (loop_aside)

// Absolute path of the work tree, no trailing slash; empty when bare.
Str repo_root(const Repo *repo);
Str repo_git_dir(const Repo *repo);  // absolute, for this worktree
bool repo_has_head(Repo *repo);      // false in a repository without commits

// The commit HEAD is at, as hex; empty without one. In [arena].
Str repo_head(Repo *repo, Arena *arena);

// [path] relative to the root. Tracked files are never ignored.
bool repo_ignored(Repo *repo, Str path);
// Until [on] is taken back, the index counts as it is at the first question.
void repo_look(Repo *repo, bool on);

// Tracked and untracked, not ignored, not deleted files below [under] ("" = all), sorted by path.
// Submodules and symlinked directories are not entered; links to files count. Appends to [out].
bool repo_files(Repo *repo, Arena *arena, Str under, StrList *out, Error *err);

// Paths of the submodules in the index, checked out or not, sorted. Appends to [out].
bool repo_submodules(Repo *repo, Arena *arena, StrList *out, Error *err);

// Files whose work tree differs from HEAD, untracked ones included; deleted ones with `gone`.
typedef struct {
  Str path;
  bool gone;
} RepoChange;
typedef struct {
  RepoChange *items;
  size_t len, cap;
} RepoChangeList;
// ERR_GIT with a sparse index, which libgit2 cannot read.
bool repo_changes(Repo *repo, Arena *arena, RepoChangeList *out, Error *err);

// Gitignore-style patterns of a file outside git (.pieceworkignore and its kin), matched by
// libgit2. A path below an ignored directory is ignored.
typedef struct IgnoreRules IgnoreRules;
IgnoreRules *ignore_rules_new(void);
void ignore_rules_add(IgnoreRules *rules, Str text);  // one pattern per line
bool ignore_rules_match(const IgnoreRules *rules, Str path);
void ignore_rules_free(IgnoreRules *rules);
