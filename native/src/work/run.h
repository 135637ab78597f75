// run.h: executes a plan's tasks: a streaming DAG, pilot first, checks, retries, ladder, hard budget.
//
// Life of a run:  run_start -> events (task, money) -> on_done, once. Whatever was paid for is journaled
// before it is used, so a run that was killed goes on with run_start again: finished tasks are kept,
// replies that were stored but not used are used.
#pragma once

#include "work/engine.h"
#include "work/plan.h"

typedef struct {
  int64_t plan;
  StrList only;         // task ids; empty = all
  bool past_budget;     // run!, --yes: the cap is lifted for this run
  bool verify;          // go on with verification when the tasks are done
  bool fresh_base;      // take the base from the present texts (first run, or nothing finished yet)
} RunSpec;

bool run_start(Engine *engine, const RunSpec *spec, OpDone *on_done, void *owner, Error *err);
void run_stop(Engine *engine, int64_t plan, bool at_once);   // at_once: in-flight calls are cut
bool run_active(Engine *engine, int64_t plan);

// Forgets a task's result and runs it again, with a remark for the model. [rung] < 0 = from the start.
bool run_retry(Engine *engine, int64_t plan, Str task, Str remark, int rung, OpDone *on_done, void *owner,
               Error *err);
