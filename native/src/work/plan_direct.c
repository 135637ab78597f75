// plan_direct.c: plans without a planner: one instruction (or template) over the targets the user named.
#include "plan/selector.h"
#include "plan/template.h"
#include "work/plan_store.h"
#include "work/planner.h"

static bool refuse_problems(const PlanProblemList *problems, Error *err)
{
  for (size_t i = 0; i < problems->len; i++) {
    if (problems->items[i].warning) continue;
    return error_set(err, ERR_REFUSED, "%.*s", STR_ARG(problems->items[i].text));
  }
  return true;
}

// In one go, so that a crash leaves no half-made plan for `resume` to give to a planner. It is in the journal before
// anybody hears of it; the disk is waited for where money depends on it (attempt.c).
static bool store(Engine *engine, Project *project, Arena *arena, PlanRow *row, Plan *plan,
                  Error *err)
{
  if (!journal_begin(engine->journal, err)) return false;
  bool ok = journal_plan_new(engine->journal, row, err) &&
            plan_publish(engine, project, arena, row, plan, err) &&
            journal_commit_soon(engine->journal, err);
  if (!ok) journal_rollback(engine->journal);
  return ok && journal_flush(engine->journal, err);
}

int64_t plan_from_task(Engine *engine, Project *project, Arena *arena, const TaskSpec *task,
                       Str request, Nano budget, Error *err)
{
  Plan plan = {.title = task->title, .request = str_trim(request), .budget = budget};
  PlanProblemList problems = {0};
  PlanRow row = {.root = project_root(project),
                 .title = plan.title,
                 .request = plan.request,
                 .state = PLAN_PLANNING,
                 .budget = budget >= 0 ? budget : engine->config->budget};
  PUSH(arena, &plan.tasks, *task);
  plan.test = plan_test_command(engine, project, arena);
  plan_find_targets(engine, project, arena, &row, &plan, &problems);
  if (!problems.errors) plan_check(arena, &plan, project, &problems);
  if (problems.errors) return refuse_problems(&problems, err);
  return store(engine, project, arena, &row, &plan, err) ? row.id : 0;
}

// One task for all targets. A template's placeholders are filled per target, so there even one target is an
// `each`.
static bool target_task(Project *project, Arena *arena, Str instruction, const FileRefList *targets,
                        TaskSpec *task, Error *err)
{
  Str name, words;
  bool called = template_called(instruction, &name, &words);
  *task = (TaskSpec){.title = plan_title(arena, instruction), .body = instruction};
  if (called && !template_task(project, arena, instruction, task, err)) return false;
  task->id = S("T01");
  task->pilot = targets->len > 1;
  FileRefList *list = targets->len == 1 && !called ? &task->files : &task->each;
  for (size_t i = 0; i < targets->len; i++) {
    const FileRef *target = &targets->items[i];
    bool search = selector_searches(target->path);
    if (search) PUSH(arena, &task->select, target->path);
    if (!search) PUSH(arena, list, *target);
    task->pilot |= search;
  }
  return true;
}

int64_t plan_from_targets(Engine *engine, Project *project, Str instruction,
                          const FileRefList *targets, Nano budget, Error *err)
{
  Arena arena;
  TaskSpec task;
  Str text = str_trim(instruction);
  bool ok = text.len && targets->len;
  if (!ok) {
    error_set(err, ERR_USAGE, targets->len ? "say what to do" : "nothing is selected to work on");
    return 0;
  }
  arena_init(&arena);
  ok = target_task(project, &arena, text, targets, &task, err);
  int64_t id = ok ? plan_from_task(engine, project, &arena, &task, text, budget, err) : 0;
  arena_deinit(&arena);
  return id;
}
