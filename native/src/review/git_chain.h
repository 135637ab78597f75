// git_chain.h: git commands one after the other, each with what the ones before said. Used by commit*.c only.
//
// Life:  git_chain_start -> (start -> git -> take)* -> on_done (once, never from inside git_chain_start)
//
// A command that fails ends the chain with git's own last words. GIT_* variables of the user's are not passed on. A
// step that is `spoken` runs what is the user's (hooks, signing): it gets no variable that a plain `git` would not
// give, and all it said when it failed is in [said].
#pragma once

#include "base/buf.h"
#include "lib/loop.h"
#include "lib/process.h"
#include "review/commit_files.h"

typedef struct {
  const char *name;
  bool temporary;  // works on the chain's own index
  bool may_fail;
  bool spoken;  // [take] gets what it said on stderr, too
  // Adds the words after "git", and what it reads. False: nothing to do in this step.
  bool (*start)(void *owner, StrList *argv, Buf *input);
  bool (*take)(void *owner, Str out, Error *err);  // [out] is valid during the call; may be NULL
  bool (*done)(void *owner);  // it failed: has it done its work all the same? May be NULL
} GitStep;

typedef struct {
  Loop *loop;
  Arena *arena;
  const char *aim;    // "commit": what git could not do, in errors
  const char *cwd;    // the root
  const char *index;  // of `temporary` steps; NULL where there are none
  const GitStep *steps;
  size_t count;
  void (*on_done)(void *owner, const Error *err);  // [err] is never NULL
  void *owner;
  Str said;  // by the command that failed; from here on the chain's own
  size_t step;
  Buf input;
  Process *process;  // while one runs
  bool stopped;
} GitChain;

// False: nothing was started, and on_done will not be called. [chain] stays where it is until on_done.
bool git_chain_start(GitChain *chain, Error *err);

// Ends it with ERR_CANCELLED, and the process that runs with all its group, up to the last step that is `spoken`; what
// comes after that is short and is done.
void git_chain_stop(GitChain *chain);

void git_words(Arena *arena, StrList *argv, const char *const *words);
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

// "MODE ID STAGE\tPATH" (ls-files) or, with [tree], "MODE TYPE ID\tPATH" (ls-tree), each ended by NUL.
bool git_next_entry(Str *rest, bool tree, GitEntry *entry, Str *path);
