// cheap_first.h: the small model tries every target of a request at once, without a plan; the big model is asked
// to plan only for those whose tries failed their checks. One plan for the tries, and a second one when some
// are left: both are reviewed and applied like any other.
//
//   TRY   plan_from_targets, run_start -> count what failed
//   PLAN  some left: planner_start over their places, told what went wrong
//
// Killed or stopped on the way, cheap_first_go_on ends it as it would have ended: facts of the tries' plan say that
// there is more to do than to run it, and since when the rest has a plan of its own.
#pragma once

#include "journal/journal.h"
#include "work/planner.h"

typedef struct {
  int64_t tries;    // the plan of the tries
  int64_t planned;  // the plan for what was left; 0 = nothing was, or it was not planned
  size_t done, left;
} CheapFirst;

// The id of the first plan (in state ready, running at once), or 0 with [err]: ERR_USAGE without a scope, ERR_CONSENT
// when the tries may cost more than `ask_above` and request->go_on is not set.
// on_done: ERR_OK when all is done or what was left is planned; cheap_first_result then says what came out.
int64_t cheap_first_start(Engine *engine, Project *project, const PlanRequest *request,
                          OpDone *on_done, void *owner, Error *err);

// Is [row] a plan of tries whose rest is still to be planned, or that was not tried to its end?
bool cheap_first_open(Engine *engine, const PlanRow *row);
// Goes on with one that is. What was tried stays as it is.
bool cheap_first_go_on(Engine *engine, Project *project, const PlanRow *row, OpDone *on_done,
                       void *owner, Error *err);

// For the planner, in the transaction of its new row: what is left of [tries] is planned as [plan].
bool cheap_first_planned(Engine *engine, int64_t tries, int64_t plan, Error *err);

bool cheap_first_result(Engine *engine, Arena *arena, int64_t tries, CheapFirst *out, Error *err);
