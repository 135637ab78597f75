// verify.h: is the whole right? A scratch worktree holds the local state (HEAD, uncommitted changes, unsaved
// buffers) plus all patches; the trusted test command runs there; then the big model sees the combined
// diff and the test's tail, nothing else, and answers a verdict per task. Rejected tasks are retried with
// the remark, a bounded number of rounds.
//
// Whatever goes wrong on the way (no trust, no key, no budget, no reply), the plan ends in state review with
// a note that says what was not verified; nothing is lost. The same result is judged once: verified again, or after
// its test was trusted, it costs nothing, unless the test says otherwise now.
#pragma once

#include "core/engine.h"
#include "plan/plan.h"

typedef struct {
  int64_t plan;
  bool past_budget;
  bool again;  // also what was judged before: nothing that is stored is used
  Str stayed;  // what the event `review` is to tell of the run before (run_stayed); copied
} VerifySpec;

// The plan must have results. on_done's error: ERR_OK; ERR_TEST_FAILED when the tests failed in the end;
// ERR_FAILED when tasks stay rejected; ERR_CANCELLED. The event `review` was sent before in every case.
bool verify_start(Engine *engine, const VerifySpec *spec, OpDone *on_done, void *owner, Error *err);
// Which of [tasks], all of the plan's, a verification would judge now: not those whose verdicts stand. What the test
// says may make them more. Into [arena]; one may come again.
bool verify_unjudged(Engine *engine, int64_t plan, const TaskList *tasks, Arena *arena,
                     StrList *out, Error *err);
void verify_stop(Engine *engine, int64_t plan);  // plan 0: all
bool verify_active(Engine *engine, int64_t plan);
