// preview.c: see preview.h.
#include "front/preview.h"

#include "work/planner.h"
#include "work/task_input.h"
#include "work/view_text.h"

// Tasks are previewed one by one: "T02.1" is a target of the `each:` task T02.
static const TaskSpec *find_task(Arena *arena, const Plan *plan, TaskList *tasks, Str id, Error *err)
{
  *tasks = plan_expand(arena, plan);
  const TaskSpec *task = plan_task(tasks, id);
  if (task) return task;
  error_set(err, ERR_NOT_FOUND, "the plan has no task %.*s", STR_ARG(id));
  error_hint_set(err, "the tasks are the `## ` headings of the plan file");
  return NULL;
}

static Str model_text(Engine *engine, Arena *arena, const Plan *plan, const TaskSpec *task,
                      const TaskInput *input)
{
  ModelRequest request = {0};
  const Ladder *ladder = config_ladder(engine->config, task->model.len ? task->model : S("small"));
  if (ladder && ladder->len) {
    request.provider = ladder->rungs[0].provider;
    request.model = ladder->rungs[0].model;
  }
  prompt_worker(arena, plan, &input->spec, &input->files, &input->read, &request);
  return prompt_preview(arena, &request);
}

bool preview_view(Engine *engine, int64_t plan, Str id, Arena *arena, View *out, Error *err)
{
  Plan parsed;
  PlanProblemList problems = {0};
  TaskList tasks;
  Str text;
  Project *project = engine_project_of_plan(engine, plan, err);
  if (!project || !plan_load(engine, plan, arena, &text, &parsed, &problems, err)) return false;
  const TaskSpec *task = find_task(arena, &parsed, &tasks, id, err);
  if (!task) return false;
  Str shown = S("no model is asked: the engine does this task itself");
  if (task->executor == EXECUTOR_MODEL) {
    TaskInputSpec spec = {.engine = engine, .project = project, .plan = plan, .task = task,
                          .before = &task->after, .present = true};
    TaskInput input;
    if (!task_input(&spec, arena, &input, err)) return false;
    shown = model_text(engine, arena, &parsed, task, &input);
  }
  ViewText view;
  view_begin(&view, arena, out);
  LineMeaning meaning = {.kind = S("task"), .task = task->id, .plan = plan};
  for (Str rest = shown, line; str_line(&rest, &line);) view_source(&view, meaning, 0, line);
  view_end(&view);
  return true;
}
