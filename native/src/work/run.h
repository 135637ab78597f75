// run.h: executes a plan's tasks: a streaming DAG, pilot first, checks, retries, ladder, hard budget.
//
// Life of a run:  run_start -> events (task, money, run) -> on_done, once. Whatever was paid for is journaled
// before it is used, so a run that was killed goes on with run_start again: finished tasks are kept,
// replies that were stored but not used are used, calls in flight count at their worst case and are made
// again.
//
// The plan file may be edited meanwhile: new tasks join, waiting ones take their changed specification, those
// that run or have ended are left, waiting ones that are gone are stopped. With `pilot: "ask"` a run pauses after
// its pilot (ERR_CONSENT, state paused); run_start goes on.
//
// What a second run_start does with a task: done, abstained and partial ones stay; one whose specification
// changed begins anew; one that failed stays failed when the plan was interrupted or paused, and begins anew
// when the plan had come to its end (then the user asked for it) or when [only] names it.
#pragma once

#include "core/engine.h"
#include "model/count.h"
#include "plan/plan.h"

typedef struct {
  int64_t plan;
  StrList only;      // task ids (T03 means T03.1, T03.2 ... too); empty = all
  bool past_budget;  // run!, --yes: the cap is lifted for this run
  bool verify;       // go on with verification when the tasks are done
  bool batch;        // through batch endpoints: hours instead of seconds, half the price
  bool no_pause;     // do not pause after the pilot (config `pilot`: "ask")
  bool fresh_base;   // nothing finished yet: take the base from the present texts once more

  StrList redo;     // tasks whose result is forgotten and made again
  StrList remarks;  // for the model, one for each of redo, may be empty
  int redo_rung;    // ladder rung they start on
  bool nested;      // for verify: it holds the lease and sets the plan's state
} RunSpec;          // copied by run_start

// on_done's error: ERR_OK when every task is done; ERR_FAILED names what is not; ERR_BUDGET, ERR_CANCELLED or
// a provider's error when the plan was paused: then run_start goes on. With `verify`, see verify.h too.
bool run_start(Engine *engine, const RunSpec *spec, OpDone *on_done, void *owner, Error *err);

// at_once: in-flight calls are cut; plan 0: all.
void run_stop(Engine *engine, int64_t plan, bool at_once);
bool run_active(Engine *engine, int64_t plan);

// Whether the last run of the plan was asked to verify, and to use batches; what resume does then.
bool run_wanted_verify(Engine *engine, int64_t plan);
bool run_wanted_batch(Engine *engine, int64_t plan);

// With `batch` every one of [tasks] that a model does needs one that takes batches; the higher rungs may not.
bool run_batches_possible(const Engine *engine, const TaskList *tasks, Error *err);

// Stops one task of a run of this process, at once; what needs it is skipped. It stays stopped until a run that
// begins anew. ERR_NOT_FOUND, ERR_STALE (it has ended).
bool run_cancel(Engine *engine, int64_t plan, Str task, Error *err);

// The same for whatever process works on the plan: [task] empty = all of it. ERR_NOT_FOUND when nobody does.
// It takes a moment until it is heeded.
bool run_ask_stop(Engine *engine, int64_t plan, Str task, bool at_once, Error *err);
// What others asked of a plan that this process works on.
void run_heed(Engine *engine, int64_t plan);

// Forgets a task's result and runs it again, with a remark for the model. [rung] < 0 = from the start.
bool run_retry(Engine *engine, int64_t plan, Str task, Str remark, int rung, OpDone *on_done,
               void *owner, Error *err);

// What would be sent for a task now, as text for people; for a task without a model, that nothing would be.
bool run_preview(Engine *engine, int64_t plan, Str task, Arena *arena, Str *text, Error *err);

// Has the provider count the tokens of that prompt, for nothing (model/count.h). False with [err]: it is not asked, and
// [on_done] does not come.
bool run_count_prompt(Engine *engine, int64_t plan, Str task, CountDone *on_done, void *owner,
                      Error *err);
