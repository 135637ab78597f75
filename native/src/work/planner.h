// planner.h: a request becomes a plan file. The big model explores with read-only tools and
// answers with submit_plan; what it submits is checked against the project and sent back once for
// repair.
#pragma once

#include "core/engine.h"
#include "plan/plan.h"

typedef struct Planner Planner;  // private

enum { PLANNER_TURNS = 12 };

typedef struct {
  // 0 = a new plan; else one in state planning goes on where its journal ends: stored replies are
  // used, not paid for again, and the other fields are not read.
  int64_t plan;
  Str request;
  FileRefList scope;  // empty = the whole project
  Nano budget;        // for the plan as a whole; NANO_UNKNOWN = configuration's
  bool go_on;         // past advice and ask_above (`plan!`, --yes); without it they are ERR_CONSENT
  // The plan of tries it is for (work/cheap_first.h), told so as the new plan is; 0 = none.
  int64_t left_of;
} PlanRequest;

// A plan row exists (state planning) when this returns its id; 0 with [err]. Ends with state
// ready and the plan file written, or failed with a note (unsuitable, refused, no usable plan:
// ERR_REFUSED, ERR_MODEL_REFUSED, ERR_FAILED, ERR_REPLY). What may go better another time
// (network, key, budget, a stop) leaves it in state planning with a note. Events: "plan" at each
// turn and at the end (doc/wire.md), "planning" {plan, text} for each tool.
int64_t planner_start(Engine *engine, Project *project, const PlanRequest *request, OpDone *on_done,
                      void *owner, Error *err);
// on_done follows with ERR_CANCELLED; the plan stays in state planning, to be gone on with. [plan] may also be
// the one that it was `left_of`.
void planner_stop(Engine *engine, int64_t plan);
bool planner_active(Engine *engine, int64_t plan);

// Plans without a planner: [instruction] (or "@template words") over one or many targets, one task each. A
// target whose path is a selector (plan/selector.h) stands for what it finds.
int64_t plan_from_targets(Engine *engine, Project *project, Str instruction,
                          const FileRefList *targets, Nano budget, Error *err);

// An existing plan file (`plan @file`, `run FILE`): registers it, returns its id.
int64_t plan_adopt(Engine *engine, Project *project, const char *path, Error *err);

// Text of a plan file with its problems; saving validates first and writes always (the text is
// the user's).
bool plan_load(Engine *engine, int64_t plan, Arena *arena, Str *text, Plan *out,
               PlanProblemList *problems, Error *err);
bool plan_save(Engine *engine, int64_t plan, Str text, Plan *out, PlanProblemList *problems,
               Arena *arena, Error *err);

// The generated STATUS beside a plan file: "0012-slug.md" gives "0012-slug.STATUS.md". In [arena].
Str plan_status_path(Arena *arena, Str plan_path);
