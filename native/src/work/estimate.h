// estimate.h: tokens and money before they are spent, and the two baselines. Every figure is an
// estimate and says so; unknown prices stay unknown.
#pragma once

#include "core/engine.h"
#include "plan/plan.h"

typedef struct {
  int64_t in, out;  // tokens
  Nano cost;
} PhaseEstimate;

typedef struct {
  PhaseEstimate plan, execute, verify;
  Nano total;
  Nano big_alone, small_alone;  // the same work by one model; method in :help piecework-cost
  bool unknown_price;
  // What the user's own finished plans taught, in thousandths (1000 = as estimated); they are in the costs already.
  int64_t execute_factor, verify_factor;
  int error;         // percent that execute and verify were off by on average; 0 = not known yet
  int learned_from;  // plans
} Estimate;

// The execute phase through batches.
void estimate_batch(Engine *engine, Estimate *estimate);

enum { HISTORY_MIN = 3 };
// Corrects execute and verify by the journal's history (estimate_history.c).
void estimate_learn(Engine *engine, Estimate *estimate);

Estimate estimate_request(Engine *engine, Project *project, Arena *arena, const FileRefList *scope);
Estimate estimate_plan(Engine *engine, Project *project, Arena *arena, const Plan *plan);

// Kept with the plan, for the receipt (a fact of the journal).
bool estimate_store(Engine *engine, int64_t plan, const Estimate *estimate, Error *err);
// False when there is none.
bool estimate_stored(Engine *engine, Arena *arena, int64_t plan, Estimate *out);

// How far an estimate of tokens was off: "4 % too low", "12 % too high", "less than 1 % off".
Str estimate_off(Arena *arena, int64_t estimated, int64_t counted);

// "; your last 12 plans were off by 20 % on average", or nothing while too few are known.
Str estimate_trust(Arena *arena, const Estimate *estimate);
