// estimate.h: tokens and money before they are spent, and the two baselines. Every figure is an estimate
// and says so; unknown prices stay unknown.
#pragma once

#include "work/engine.h"
#include "work/plan.h"

typedef struct {
  int64_t in, out;      // tokens
  Nano cost;
} PhaseEstimate;

typedef struct {
  PhaseEstimate plan, execute, verify;
  Nano total;
  Nano big_alone, small_alone;   // the same work by one model; method in :help piecework-cost
  bool unknown_price;
} Estimate;

Estimate estimate_request(Engine *engine, Project *project, Arena *arena, const FileRefList *scope);
Estimate estimate_plan(Engine *engine, Project *project, Arena *arena, const Plan *plan);

Str money(Arena *arena, Nano amount);       // "$0.0031", "$1.20", "unknown"
