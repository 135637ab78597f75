// methods_run.c: run/*, task/*, verify/*, resume, trust/*: work that spends money or runs commands.
#include "front/serve.h"
#include "review/apply_sweep.h"
#include "review/commit.h"
#include "review/commit_heal.h"
#include "work/planner.h"
#include "work/resume.h"
#include "work/run.h"
#include "work/trust.h"
#include "work/verify.h"

static bool is_ours(const Serve *serve, int64_t plan)
{
  for (const ServeOp *op = serve->ops; op; op = op->next) {
    if (op->plan == plan) return true;
  }
  return false;
}

static Value *run_begin(Serve *serve, RpcRequest *request, Error *err)
{
  const Value *params = request->params;
  int64_t plan = param_plan(params, err);
  if (!plan || !param_plan_buffers(serve, plan, &request->arena, params, err)) return NULL;
  RunSpec spec = {.plan = plan,
                  .past_budget = value_get_bool(params, S("force"), false),
                  .batch = value_get_bool(params, S("batch"), false),
                  .verify = value_get_bool(params, S("verify"), true)};
  param_strings(&request->arena, params, S("only"), &spec.only);
  ServeOp *op = serve_op_new(serve, plan, NULL);
  if (run_start(serve->engine, &spec, serve_op_done, op, err)) return empty_answer(request);
  serve_op_drop(op);
  return NULL;
}

static Value *run_end(Serve *serve, RpcRequest *request, Error *err)
{
  (void)err;
  int64_t plan = value_get_int(request->params, S("plan"), 0);
  bool now = value_get_bool(request->params, S("now"), false);
  int64_t stopped = 0;
  Error nobody = {0};  // then there is nothing to stop
  if (plan && !is_ours(serve, plan))
    stopped += run_ask_stop(serve->engine, plan, STR_NONE, now, &nobody);
  for (ServeOp *op = serve->ops, *next; op; op = next) {
    next = op->next;
    if (plan && op->plan != plan) continue;
    planner_stop(serve->engine, op->plan);
    run_stop(serve->engine, op->plan, now);
    verify_stop(serve->engine, op->plan);
    if (now) commit_stop(serve->engine, op->plan);
    stopped++;
  }
  Value *answer = empty_answer(request);
  value_put_int(&request->arena, answer, S("stopped"), stopped);
  return answer;
}

static Value *task_retry(Serve *serve, RpcRequest *request, Error *err)
{
  const Value *params = request->params;
  int64_t plan = param_plan(params, err);
  Str task;
  if (!plan || !param_text(params, S("task"), &task, err)) return NULL;
  if (!param_plan_buffers(serve, plan, &request->arena, params, err)) return NULL;
  int64_t rung = value_get_int(params, S("rung"), -1);
  ServeOp *op = serve_op_new(serve, plan, NULL);
  Str remark = value_get_str(params, S("remark"), STR_NONE);
  if (run_retry(serve->engine, plan, task, remark, rung >= 0 && rung < 100 ? (int)rung : -1,
                serve_op_done, op, err)) {
    return empty_answer(request);
  }
  serve_op_drop(op);
  return NULL;
}

// In another process when it is not at work in this one.
static Value *task_cancel_one(Serve *serve, RpcRequest *request, Error *err)
{
  const Value *params = request->params;
  int64_t plan = param_plan(params, err);
  Str task;
  if (!plan || !param_text(params, S("task"), &task, err)) return NULL;
  bool ok = run_active(serve->engine, plan) ? run_cancel(serve->engine, plan, task, err)
                                            : run_ask_stop(serve->engine, plan, task, false, err);
  return ok ? empty_answer(request) : NULL;
}

static Value *verify_begin(Serve *serve, RpcRequest *request, Error *err)
{
  const Value *params = request->params;
  int64_t plan = param_plan(params, err);
  if (!plan || !param_plan_buffers(serve, plan, &request->arena, params, err)) return NULL;
  bool force = value_get_bool(params, S("force"), false);
  VerifySpec spec = {.plan = plan, .past_budget = force, .again = force};
  ServeOp *op = serve_op_new(serve, plan, NULL);
  if (verify_start(serve->engine, &spec, serve_op_done, op, err)) return empty_answer(request);
  serve_op_drop(op);
  return NULL;
}

// ---- resume ----------------------------------------------------------------------------------------

static bool resume_one(Serve *serve, const PlanRow *row, Error *err)
{
  ServeOp *op = serve_op_new(serve, row->id, NULL);
  RunSpec spec = {.plan = row->id,
                  .verify = run_wanted_verify(serve->engine, row->id),
                  .batch = run_wanted_batch(serve->engine, row->id)};
  bool ok = resume_kind(serve->engine, row) == RESUME_PLAN
                ? resume_plan(serve->engine, row, serve_op_done, op, err)
                : run_start(serve->engine, &spec, serve_op_done, op, err);
  if (!ok) serve_op_drop(op);
  return ok;
}

void serve_collect(Serve *serve, Str root)
{
  Arena arena;
  BatchRowList batches = {0};
  int64_t last = 0;
  arena_init(&arena);
  journal_batch_list(serve->engine->journal, &arena, 0, &batches, NULL);
  for (size_t i = 0; i < batches.len; i++) {
    PlanRow row;
    Error busy = {0};
    int64_t plan = batches.items[i].plan;
    bool first = plan != last && run_wanted_batch(serve->engine, plan);
    last = plan;
    if (!first || !journal_plan_get(serve->engine->journal, &arena, plan, &row, NULL)) continue;
    bool open = resume_kind(serve->engine, &row) != RESUME_NOTHING;
    if (str_eq(row.root, root) && open) resume_one(serve, &row, &busy);
  }
  arena_deinit(&arena);
}

static void healed(void *owner, const Error *err)
{
  (void)owner;
  (void)err;
}

static Value *resume(Serve *serve, RpcRequest *request, Error *err)
{
  Arena *arena = &request->arena;
  int64_t plan = value_get_int(request->params, S("plan"), 0);
  Project *project = param_project(serve, request->params, err);
  PlanRowList rows = {0};
  if (!project) return NULL;
  param_buffers(project, arena, request->params);
  commit_heal(serve->engine, project, healed, NULL);
  apply_sweep_left(serve->engine, project);
  if (!journal_plan_list(serve->engine->journal, arena, project_root(project), 0, &rows, err))
    return NULL;
  Value *map = value_map(arena), *list = value_list(arena);
  Str text = S("nothing was interrupted here");
  for (size_t i = 0; i < rows.len; i++) {
    const PlanRow *row = &rows.items[i];
    bool open = resume_kind(serve->engine, row) != RESUME_NOTHING;
    if (plan ? row->id != plan : !open) continue;
    if (is_ours(serve, row->id)) continue;
    Error why = {0};
    if (resume_one(serve, row, &why)) {
      value_push(list, value_int(arena, row->id));
      size_t count = value_len(list);
      text = str_fmt(arena, "resumed %zu plan%s", count, plural(count));
    } else {
      text = str_fmt(arena, "plan %lld: %s", (long long)row->id, why.message);
    }
  }
  value_set(map, S("plans"), list);
  value_put_str(arena, map, S("text"), text);
  return map;
}

// ---- trust/* ---------------------------------------------------------------------------------------

static Value *trust_get(Serve *serve, RpcRequest *request, Error *err)
{
  Arena *arena = &request->arena;
  int64_t plan = param_plan(request->params, err);
  PlanCommandList commands = {0};
  if (!plan || !trust_list(serve->engine, plan, arena, &commands, err)) return NULL;
  Value *map = value_map(arena), *list = value_list(arena);
  for (size_t i = 0; i < commands.len; i++) {
    Value *one = value_map(arena);
    value_put_str(arena, one, S("command"), commands.items[i].command);
    value_put_str(arena, one, S("where"), commands.items[i].where);
    value_put_bool(arena, one, S("trusted"), commands.items[i].trusted);
    value_push(list, one);
  }
  value_set(map, S("commands"), list);
  return map;
}

static bool is_a_command(const PlanCommandList *commands, Str text)
{
  for (size_t i = 0; i < commands->len; i++) {
    if (str_eq(commands->items[i].command, text)) return true;
  }
  return false;
}

// Only the exact texts the plan has now: what the user saw is what is trusted.
static Value *trust_set(Serve *serve, RpcRequest *request, Error *err)
{
  Arena *arena = &request->arena;
  int64_t plan = param_plan(request->params, err);
  PlanCommandList commands = {0};
  StrList given = {0};
  if (!plan || !trust_list(serve->engine, plan, arena, &commands, err)) return NULL;
  Project *project = engine_project_of_plan(serve->engine, plan, err);
  if (!project) return NULL;
  param_strings(arena, request->params, S("commands"), &given);
  for (size_t i = 0; i < given.len; i++) {
    if (!is_a_command(&commands, given.items[i])) {
      error_set(err, ERR_STALE, "the plan has no such command any more: %.*s",
                STR_ARG(given.items[i]));
      error_hint_set(err, "look again: :Piecework trust");
      return NULL;
    }
  }
  for (size_t i = 0; i < given.len; i++) {
    if (!trust_give(serve->engine, project_root(project), given.items[i], err)) return NULL;
  }
  return empty_answer(request);
}

const ServeMethod methods_run[] = {
    {"run/start", run_begin},         {"run/stop", run_end},          {"task/retry", task_retry},
    {"task/cancel", task_cancel_one}, {"verify/start", verify_begin}, {"resume", resume},
    {"trust/get", trust_get},         {"trust/set", trust_set},       {0},
};
