// submit.h: what the planner hands in with submit_plan, made into a Plan.
//
// The schema has no commands: a model can never add one (promise 6). `check` and `test` in a
// submission are dropped whatever they hold; the plan's test comes from the user's configuration
// or from the project's own checks (checks.h), and runs only after trust.
#pragma once

#include "plan/plan.h"

typedef struct {
  bool unsuitable;
  Str reason;  // why, when unsuitable
  Plan plan;
} Submission;

ModelTool submit_tool(Arena *arena);

// Reads the arguments of a submit_plan call. False with [problems] filled (lines are task
// numbers) when they do not make a plan; whether the plan fits the project is for plan_check.
bool submission_read(Arena *arena, const Value *input, Submission *out, PlanProblemList *problems);

// The problems as an answer to the model: what is wrong, one a line, and what to do.
Str submission_answer(Arena *arena, const PlanProblemList *problems);
