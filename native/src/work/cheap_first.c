// cheap_first.c: see cheap_first.h.
#include "work/cheap_first.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/buf.h"
#include "work/estimate.h"
#include "work/plan_store.h"
#include "work/run.h"

enum { NOTES_BYTES = 16 << 10 };

#define OPEN_FACT S("cheap first")  // not empty while there is something left to try or to plan
#define PLANNED_FACT S("rest planned as")  // the id of the second plan

typedef struct {
  Engine *engine;
  Project *project;
  Arena arena;
  PlanRequest request;  // copied into [arena]
  int64_t tries;
  LoopSoon soon;
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

// When the planner cannot even begin (a key that is missing), the tries stay open for resume.
static void plan_the_rest(Op *op)
{
  Error err = {0};
  PlanRequest request = {.budget = op->request.budget, .go_on = true, .left_of = op->tries};
  bool ok = what_is_left(op, &request.scope, &request.request, &err);
  if (ok && !request.scope.len)
    journal_fact_set(op->engine->journal, op->tries, OPEN_FACT, STR_NONE, &err);
  if (!ok || !request.scope.len ||
      planner_start(op->engine, op->project, &request, planned, op, &err) <= 0)
    finish(op, &err);
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

static void all_tried(void *owner)
{
  plan_the_rest(owner);
}

// ---- the face -----------------------------------------------------------------------------------

static Op *op_new(Engine *engine, Project *project, int64_t tries, OpDone *on_done, void *owner)
{
  Op *op = mem_alloc(sizeof(*op));
  *op = (Op){
      .engine = engine, .project = project, .tries = tries, .on_done = on_done, .owner = owner};
  arena_init(&op->arena);
  return op;
}

static bool start_tries(Op *op, bool fresh_base, Error *err)
{
  RunSpec spec = {.plan = op->tries, .fresh_base = fresh_base};
  if (run_start(op->engine, &spec, tried, op, err)) return true;
  arena_deinit(&op->arena);
  mem_free(op);
  return false;
}

// The tries are paid for without another look: is their price known to the user?
static bool consent(Engine *engine, Arena *arena, int64_t id, bool go_on, Error *err)
{
  Estimate estimate;
  Nano above = engine->config->ask_above;
  bool fine = go_on || above < 0 || !estimate_stored(engine, arena, id, &estimate) ||
              estimate.execute.cost <= above;  // an unknown one is below all
  if (fine) return true;
  error_set(err, ERR_CONSENT, "the tries may cost about %.*s (estimate), more than `ask_above`",
            STR_ARG(money(arena, estimate.execute.cost)));
  return error_hint_set(err, "--yes goes on, or name fewer places");
}

static void forget_file(Engine *engine, Arena *arena, int64_t id)
{
  PlanRow row;
  Error none = {0};
  if (id > 0 && journal_plan_get(engine->journal, arena, id, &row, &none) && row.path.len)
    unlink(str_z(arena, row.path));
}

// In one transaction, so that no kill leaves tries that nobody knows as such.
static int64_t new_tries(Engine *engine, Project *project, const PlanRequest *request, Error *err)
{
  Arena arena;
  if (!journal_begin(engine->journal, err)) return 0;
  int64_t id =
      plan_from_targets(engine, project, request->request, &request->scope, request->budget, err);
  arena_init(&arena);
  bool ok = id > 0 && consent(engine, &arena, id, request->go_on, err) &&
            journal_fact_set(engine->journal, id, OPEN_FACT, S("yes"), err);
  if (ok) {
    ok = journal_commit(engine->journal, err);
  } else {
    forget_file(engine, &arena, id);
    journal_rollback(engine->journal);
  }
  arena_deinit(&arena);
  return ok ? id : 0;
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
  int64_t id = new_tries(engine, project, request, err);
  if (id <= 0) return 0;
  Op *op = op_new(engine, project, id, on_done, owner);
  op->request =
      (PlanRequest){.request = str_dup(&op->arena, request->request), .budget = request->budget};
  return start_tries(op, true, err) ? id : 0;
}

static Str fact(Engine *engine, Arena *arena, int64_t plan, Str name)
{
  Str text = STR_NONE;
  Error none = {0};
  journal_fact_get(engine->journal, arena, plan, name, &text, &none);
  return text;
}

bool cheap_first_open(Engine *engine, const PlanRow *row)
{
  Arena arena;
  arena_init(&arena);
  bool open = row->state != PLAN_DROPPED && fact(engine, &arena, row->id, OPEN_FACT).len > 0;
  arena_deinit(&arena);
  return open;
}

bool cheap_first_go_on(Engine *engine, Project *project, const PlanRow *row, OpDone *on_done,
                       void *owner, Error *err)
{
  Op *op = op_new(engine, project, row->id, on_done, owner);
  op->request = (PlanRequest){.request = str_dup(&op->arena, row->request), .budget = row->budget};
  bool ended = row->state == PLAN_REVIEW || row->state == PLAN_DONE || row->state == PLAN_FAILED;
  if (!ended) return start_tries(op, false, err);
  loop_soon(engine->loop, &op->soon, all_tried, op);
  return true;
}

bool cheap_first_planned(Engine *engine, int64_t tries, int64_t plan, Error *err)
{
  Arena arena;
  arena_init(&arena);
  Str id = str_fmt(&arena, "%" PRId64, plan), before = fact(engine, &arena, tries, PLANNED_FACT);
  bool ok =
      !before.len || error_set(err, ERR_BUSY, "what plan %" PRId64 " left is plan %.*s already",
                               tries, STR_ARG(before));
  ok = ok && journal_fact_set(engine->journal, tries, PLANNED_FACT, id, err) &&
       journal_fact_set(engine->journal, tries, OPEN_FACT, STR_NONE, err);
  arena_deinit(&arena);
  return ok;
}

bool cheap_first_result(Engine *engine, Arena *arena, int64_t tries, CheapFirst *out, Error *err)
{
  TaskRowList rows = {0};
  uint64_t id = 0;
  *out = (CheapFirst){.tries = tries};
  if (!journal_task_list(engine->journal, arena, tries, &rows, err)) return false;
  for (size_t i = 0; i < rows.len; i++) {
    out->left += is_left(rows.items[i].state);
    out->done += !is_left(rows.items[i].state);
  }
  if (str_to_u64(fact(engine, arena, tries, PLANNED_FACT), &id)) out->planned = (int64_t)id;
  return true;
}
