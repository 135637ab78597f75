// view_planned.c: the tasks of a plan that has not begun, with the targets its selectors find: what a run
// would do. See view_text.h.
#include "view/view_text.h"
#include "work/run_private.h"

enum { TARGETS_SHOWN = 500 };

static void write_target(ViewText *view, const PlanRow *row, const TaskSpec *task, size_t index)
{
  Arena *arena = view->arena;
  Str id = str_fmt(arena, "%.*s.%zu", STR_ARG(task->id), index + 1);
  LineMeaning meaning = {.kind = S("task"), .task = id, .plan = row->id};
  Str ref = file_ref_format(arena, &task->each.items[index]);
  view_line(view, meaning, "      %.*s  %.*s", STR_ARG(id), STR_ARG(ref));
}

static void write_task(ViewText *view, const PlanRow *row, const TaskSpec *task)
{
  LineMeaning meaning = {.kind = S("task"), .task = task->id, .plan = row->id};
  size_t targets = task->each.len;
  Str left = str_fmt(view->arena, " .  %.*s  %.*s", STR_ARG(task->id), STR_ARG(task->title));
  Str right = targets ? str_fmt(view->arena, "%zu targets", targets) : STR_NONE;
  view_pair(view, meaning, str_fit(view->arena, left, VIEW_WIDTH - str_columns(right) - 2), right);
  for (size_t i = 0; i < task->select.len; i++)
    view_wrapped(view, meaning, S("      "), task->select.items[i]);
  for (size_t i = 0; i < targets && i < TARGETS_SHOWN; i++) write_target(view, row, task, i);
  if (targets > TARGETS_SHOWN)
    view_line(view, meaning, "      and %zu more", targets - TARGETS_SHOWN);
}

void view_planned(ViewText *view, Engine *engine, const PlanRow *row)
{
  Plan plan;
  PlanRow again;
  Error err = {0};
  if (row->state != PLAN_READY) return;
  if (!run_load_plan(engine, row->id, view->arena, &again, &plan, &err)) {
    view_wrapped(view, (LineMeaning){.kind = S("note"), .plan = row->id}, S("  "),
                 str_fmt(view->arena, "%s", err.message));
    return;
  }
  for (size_t i = 0; i < plan.tasks.len; i++) write_task(view, row, &plan.tasks.items[i]);
}
