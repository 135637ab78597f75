// trust.h: no command from a repository or a plan runs before the user has seen its exact text and trusted
// it (promise 6). Stored by hash of that text per root; any change asks again.
#pragma once

#include "work/engine.h"

bool trust_given(Engine *engine, Str root, Str command);
bool trust_give(Engine *engine, Str root, Str command, Error *err);

// The commands of a plan and whether each is trusted.
typedef struct {
  Str command, where;   // "test", "T03 check"
  bool trusted;
} PlanCommand;
typedef struct {
  PlanCommand *items;
  size_t len, cap;
} PlanCommandList;
bool trust_list(Engine *engine, int64_t plan, Arena *arena, PlanCommandList *out, Error *err);
