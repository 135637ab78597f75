// cheap_first.h: the small model tries every target of a request at once, without a plan; the big model is asked
// to plan only for those whose tries failed their checks. One plan for the tries, and a second one when some
// are left: both are reviewed and applied like any other.
//
//   TRY   plan_from_targets, run_start -> count what failed
//   PLAN  some left: planner_start over their places, told what went wrong
#pragma once

#include "work/planner.h"

typedef struct {
  int64_t tries;    // the plan of the tries
  int64_t planned;  // the plan for what was left; 0 = nothing was, or it was not planned
  size_t done, left;
} CheapFirst;

// The id of the first plan (in state ready, running at once), or 0 with [err]: ERR_USAGE without a scope.
// on_done: ERR_OK when all is done or what was left is planned; cheap_first_result then says what came out.
int64_t cheap_first_start(Engine *engine, Project *project, const PlanRequest *request,
                          OpDone *on_done, void *owner, Error *err);

bool cheap_first_result(Engine *engine, Arena *arena, int64_t tries, CheapFirst *out, Error *err);
