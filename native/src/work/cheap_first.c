// cheap_first.c: see cheap_first.h.
#include "work/cheap_first.h"

#include <inttypes.h>

#include "base/buf.h"
#include "work/plan_store.h"
#include "work/run.h"

enum { NOTES_BYTES = 16 << 10 };

typedef struct {
  Engine *engine;
  Project *project;
  Arena arena;
  PlanRequest request;  // copied into [arena]
  int64_t tries;
  OpDone *on_done;
  void *owner;
} Op;

static void finish(Op *op, const Error *err)
{
  OpDone *on_done = op->on_done;
  void *owner = op->owner;
  Error end = *err;
  arena_deinit(&op->arena);
  mem_free(op);
  on_done(owner, &end);
}

static void planned(void *owner, const Error *err)
{
  finish(owner, err);
}

static bool is_left(TaskState state)
{
  return state != TASK_DONE && state != TASK_ABSTAINED;
}

// ---- what was tried -----------------------------------------------------------------------------

// The target of a task of the tries' plan.
static const FileRef *target_of(const TaskList *tasks, Str id)
{
  const TaskSpec *task = plan_task(tasks, id);
  return task && task->files.len ? &task->files.items[0] : NULL;
}

// The request for the big model: the user's words, and each place that is left with what was wrong there.
static bool what_is_left(Op *op, FileRefList *scope, Str *request, Error *err)
{
  TaskRowList rows = {0};
  Plan plan;
  PlanProblemList problems = {0};
  Str text;
  if (!plan_load(op->engine, op->tries, &op->arena, &text, &plan, &problems, err)) return false;
  if (!journal_task_list(op->engine->journal, &op->arena, op->tries, &rows, err)) return false;
  TaskList tasks = plan_expand(&op->arena, &plan);
  Buf out;
  buf_init(&out, NOTES_BYTES);
  buf_fmt(&out,
          "%.*s\n\nA small model tried this at each place by itself. Only these are left; plan for "
          "them "
          "alone:\n",
          STR_ARG(op->request.request));
  for (size_t i = 0; i < rows.len; i++) {
    const FileRef *target = target_of(&tasks, rows.items[i].id);
    if (!target || !is_left(rows.items[i].state)) continue;
    PUSH(&op->arena, scope, *target);
    Str ref = file_ref_format(&op->arena, target);
    buf_fmt(&out, "- %.*s: %.*s\n", STR_ARG(ref), STR_ARG(rows.items[i].note));
  }
  *request = str_dup(&op->arena, buf_str(&out));
  buf_deinit(&out);
  return true;
}

static void plan_the_rest(Op *op)
{
  Error err = {0};
  PlanRequest request = {.budget = op->request.budget, .go_on = true};
  if (!what_is_left(op, &request.scope, &request.request, &err)) {
    finish(op, &err);
    return;
  }
  if (!request.scope.len) {
    finish(op, &err);
    return;
  }
  int64_t id = planner_start(op->engine, op->project, &request, planned, op, &err);
  if (id <= 0) {
    finish(op, &err);
    return;
  }
  Str text = str_fmt(&op->arena, "%" PRId64, id);
  journal_fact_set(op->engine->journal, op->tries, S("rest planned as"), text, NULL);
}

// A run that was stopped, or out of money or connection, has tried nothing to its end: no planning then.
static void tried(void *owner, const Error *err)
{
  Op *op = owner;
  bool ended = err->code == ERR_OK || err->code == ERR_FAILED;
  if (ended)
    plan_the_rest(op);
  else
    finish(op, err);
}

// ---- the face -----------------------------------------------------------------------------------

static void copy_request(Op *op, const PlanRequest *request)
{
  op->request =
      (PlanRequest){.request = str_dup(&op->arena, request->request), .budget = request->budget};
}

int64_t cheap_first_start(Engine *engine, Project *project, const PlanRequest *request,
                          OpDone *on_done, void *owner, Error *err)
{
  if (!request->scope.len) {
    error_set(err, ERR_USAGE, "cheap-first needs the places to try");
    error_hint_set(err,
                   "name them: --scope PATH[:A-B], or a selector as \"functions in src/*.py\"");
    return 0;
  }
  int64_t id =
      plan_from_targets(engine, project, request->request, &request->scope, request->budget, err);
  if (id <= 0) return 0;
  Op *op = mem_alloc(sizeof(*op));
  *op = (Op){.engine = engine, .project = project, .tries = id, .on_done = on_done, .owner = owner};
  arena_init(&op->arena);
  copy_request(op, request);
  RunSpec spec = {.plan = id, .fresh_base = true};
  if (run_start(engine, &spec, tried, op, err)) return id;
  arena_deinit(&op->arena);
  mem_free(op);
  return 0;
}

bool cheap_first_result(Engine *engine, Arena *arena, int64_t tries, CheapFirst *out, Error *err)
{
  TaskRowList rows = {0};
  Str text;
  uint64_t id = 0;
  *out = (CheapFirst){.tries = tries};
  if (!journal_task_list(engine->journal, arena, tries, &rows, err) ||
      !journal_fact_get(engine->journal, arena, tries, S("rest planned as"), &text, err))
    return false;
  for (size_t i = 0; i < rows.len; i++) {
    out->left += is_left(rows.items[i].state);
    out->done += !is_left(rows.items[i].state);
  }
  if (str_to_u64(text, &id)) out->planned = (int64_t)id;
  return true;
}
