// request.h: deep copies of requests, for calls that outlive whoever asked. For model/
// and work/attempt.c.
#pragma once

#include "model/model.h"

// The context all tasks of a plan share: one block for all calls that wait, not one per call.
typedef struct {
  size_t refs, len;
  char bytes[];
} SharedText;

// [last] again when it says the same; may be NULL.
SharedText *shared_take(SharedText *last, Str text);
void shared_drop(SharedText *shared);  // frees it with its last user

// All of [from] but `shared`, which stays borrowed: the caller points it at a SharedText.
ModelRequest request_copy(Arena *arena, const ModelRequest *from);
ToolCallList calls_copy(Arena *arena, const ToolCallList *from);

// "plan 12 T03" and "plan 12 T04" are one group: plans share the slots of a provider.
uint64_t request_group(const ModelRequest *request);
