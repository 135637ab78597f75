// resume.c: see resume.h.
#include "work/resume.h"

#include "work/cheap_first.h"
#include "work/planner.h"

ResumeKind resume_kind(Engine *engine, const PlanRow *row)
{
  if (row->state == PLAN_PLANNING || cheap_first_open(engine, row)) return RESUME_PLAN;
  bool cut =
      row->state == PLAN_RUNNING || row->state == PLAN_PAUSED || row->state == PLAN_VERIFYING;
  return cut ? RESUME_RUN : RESUME_NOTHING;
}

bool resume_plan(Engine *engine, const PlanRow *row, OpDone *on_done, void *owner, Error *err)
{
  Project *project = engine_project_of_plan(engine, row->id, err);
  if (!project) return false;
  PlanRequest request = {.plan = row->id, .go_on = true, .budget = NANO_UNKNOWN};
  if (row->state != PLAN_PLANNING)
    return cheap_first_go_on(engine, project, row, on_done, owner, err);
  return planner_start(engine, project, &request, on_done, owner, err) > 0;
}
