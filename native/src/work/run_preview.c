// run_preview.c: exactly what would be sent for a task now (promise 8), and how many tokens that is. Built by the
// same functions as the request itself; nothing is stored, and nothing is sent but for counting, when asked.
#include "work/prompt.h"
#include "work/run_private.h"
#include "work/task_private.h"

typedef struct {
  Engine *engine;
  Project *project;
  Plan plan;
  TaskList tasks;
  size_t task;
} Preview;

static bool find_task(Preview *p, Arena *arena, Str id, Error *err)
{
  Str first = str_cat(arena, id, S(".1"));  // an `each:` task: its first target
  for (p->task = 0; p->task < p->tasks.len; p->task++) {
    Str other = p->tasks.items[p->task].id;
    if (str_eq(other, id) || str_eq(other, first)) return true;
  }
  return error_set(err, ERR_NOT_FOUND, "the plan has no task %.*s", STR_ARG(id));
}

static bool load(Preview *p, int64_t plan, Str id, Arena *arena, Error *err)
{
  PlanRow row;
  p->project = engine_project_of_plan(p->engine, plan, err);
  if (!p->project || !run_load_plan(p->engine, plan, arena, &row, &p->plan, err)) return false;
  p->tasks = plan_expand(arena, &p->plan);
  return find_task(p, arena, id, err);
}

static bool make_input(Preview *p, Arena *arena, TaskInput *input, Error *err)
{
  Schedule schedule;
  StrList before = {0};
  const TaskSpec *task = &p->tasks.items[p->task];
  TaskInputSpec spec = {p->engine, p->project, p->plan.id, task, &before, STR_NONE, true};
  if (!schedule_init(&schedule, arena, &p->tasks, false, err)) return false;
  schedule_before(&schedule, p->task, NULL, arena, &before);
  if (!journal_fact_get(p->engine->journal, arena, p->plan.id, task_remark_fact(arena, task->id),
                        &spec.remark, err)) {
    return false;
  }
  return task_input(&spec, arena, input, err);
}

// The request of a task; [*sent] is false for one that needs no model, and then there is none.
static bool request_of(Engine *engine, int64_t plan, Str id, Arena *arena, ModelRequest *out,
                       bool *sent, Error *err)
{
  Preview p = {.engine = engine};
  TaskInput input;
  if (!load(&p, plan, id, arena, err)) return false;
  const TaskSpec *task = &p.tasks.items[p.task];
  *sent = task->executor == EXECUTOR_MODEL;
  if (!*sent) return true;
  const Ladder *ladder = config_ladder(engine->config, task->model.len ? task->model : S("small"));
  if (!ladder || !ladder->len) return error_set(err, ERR_CONFIG, "no model is set for this task");
  if (!make_input(&p, arena, &input, err)) return false;
  task_request(engine, &p.plan, &input, ladder, 0, arena, out);
  return true;
}

#define NOTHING_SENT "%.*s is done by piecework itself: nothing is sent and nothing is paid"

bool run_preview(Engine *engine, int64_t plan, Str id, Arena *arena, Str *text, Error *err)
{
  ModelRequest request;
  bool sent;
  if (!request_of(engine, plan, id, arena, &request, &sent, err)) return false;
  *text = sent ? prompt_preview(arena, &request) : str_fmt(arena, NOTHING_SENT ".\n", STR_ARG(id));
  return true;
}

bool run_count_prompt(Engine *engine, int64_t plan, Str id, CountDone *on_done, void *owner,
                      Error *err)
{
  Arena arena;
  ModelRequest request;
  bool sent;
  arena_init(&arena);
  bool ok = request_of(engine, plan, id, &arena, &request, &sent, err);
  if (ok && !sent) ok = error_set(err, ERR_INVALID, NOTHING_SENT, STR_ARG(id));
  ok = ok && count_possible(engine->models, &request, err);
  if (ok) count_start(engine->models, &request, on_done, owner);
  arena_deinit(&arena);
  return ok;
}
