// trust.h: no command from a repository or a plan runs before the user has seen its exact text and trusted
// it (promise 6). Stored by that text per root; any change asks again.
//
// trust_run is the only way to run such a command: it refuses what is not trusted.
#pragma once

#include "core/engine.h"
#include "lib/process.h"

bool trust_given(Engine *engine, Str root, Str command);
bool trust_give(Engine *engine, Str root, Str command, Error *err);

// The commands of a plan and whether each is trusted.
typedef struct {
  Str command, where;  // "test", "T03 check"
  bool trusted;
} PlanCommand;
typedef struct {
  PlanCommand *items;
  size_t len, cap;
} PlanCommandList;
bool trust_list(Engine *engine, int64_t plan, Arena *arena, PlanCommandList *out, Error *err);

// Runs a trusted command of the project at [root] in [cwd] (a scratch copy): by its words, or by sh -c when
// it needs a shell; without secrets and git's variables in its environment, in its own process group. NULL
// with ERR_UNTRUSTED (nothing ran; an event `trust` says so) or the reason it could not start.
typedef struct {
  int64_t plan;
  Str root, command;
  Str where;  // "test", "T03 check": for the event
  const char *cwd;
  int timeout_s;  // 0 = none
  void (*on_done)(void *owner, const ProcessResult *result);
  void *owner;
} TrustedRun;
Process *trust_run(Engine *engine, const TrustedRun *run, Error *err);

// "passed", "failed with exit status 2", "was stopped after 60 s" ...: for notes. In [arena].
Str process_ended(Arena *arena, const ProcessResult *result);
