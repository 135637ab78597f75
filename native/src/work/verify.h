// verify.h: is the whole right? A scratch worktree holds the local state (HEAD, uncommitted changes, unsaved
// buffers) plus all patches; the trusted test command runs there; then the big model sees the combined
// diff and the test's tail, nothing else, and answers a verdict per task. Rejected tasks are retried with
// the remark, a bounded number of rounds.
#pragma once

#include "work/engine.h"

bool verify_start(Engine *engine, int64_t plan, bool past_budget, OpDone *on_done, void *owner, Error *err);
void verify_stop(Engine *engine, int64_t plan);
