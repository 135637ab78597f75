// worktree.h: a scratch copy of the project as it is on this machine: HEAD, uncommitted changes, files not
// yet added, unsaved buffers. Tests and checks run there; patches are written there and nowhere else.
//
// Life:  worktree_new -> on_ready -> worktree_put / worktree_reset ... -> worktree_close -> on_closed
//
//   SWEEP     what crashed runs left is removed
//   ADD       git worktree add --detach, user hooks off       (a copy when git or HEAD is missing, or it fails)
//   COPY      changed and untracked files, and those of submodules, in slices, so that the loop stays free
//   LINK      what the user's `worktree_link` names (node_modules, .venv): symlinks to the project's own
//   READY
//   REMOVE    git worktree remove --force, and by hand what git leaves
//
// It lives below the state directory. The user's index, branches, stash and HEAD are never touched; git
// keeps a note of the worktree in its directory until REMOVE. `git worktree prune` is never called: it
// would also forget worktrees of the user on a drive that is not mounted. Nothing is written through a
// symlink: a link in the way of a path is replaced. A test may write through the links of LINK: that is what
// the user asked for by naming them, in their own configuration and nowhere else.
#pragma once

#include "core/engine.h"

typedef struct Worktree Worktree;

typedef struct {
  Engine *engine;
  Project *project;  // must outlive the worktree
  int64_t plan;
  // Once, never from inside worktree_new. With an error the worktree is to be closed all the same.
  void (*on_ready)(void *owner, const Error *err);
  void *owner;
} WorktreeSpec;

Worktree *worktree_new(const WorktreeSpec *spec);

// At any time, once. Kills what runs. [on_closed] (may be NULL) when nothing is left of it; never from inside.
void worktree_close(Worktree *tree, void (*on_closed)(void *owner), void *owner);

const char *worktree_path(const Worktree *tree);  // where the project's root is in it, absolute
Str worktree_note(const Worktree *tree);  // what was left out (too large ...), empty when nothing

// Writes (or removes) a file in it. [path] is relative to the root.
bool worktree_put(Worktree *tree, Str path, Str text, bool exists, Error *err);

// Variables that would lead git or a test elsewhere, and secrets; NULL-terminated, for ProcessSpec.env_drop.
const char *const *worktree_env_drop(Arena *arena);
