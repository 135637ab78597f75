// serve.c: the co-process: its life, and which method is answered by which table. See serve.h.
#include "front/serve.h"

#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "front/cli.h"
#include "front/values.h"
#include "front/version.h"
#include "lib/fs.h"
#include "lib/git.h"
#include "lib/http.h"
#include "review/commit.h"
#include "work/planner.h"
#include "work/run.h"
#include "work/verify.h"

enum { PATIENCE_MS = 30000 };

static Value later;
Value *const SERVE_LATER = &later;

// ---- operations ------------------------------------------------------------------------------------

ServeOp *serve_op_new(Serve *serve, int64_t plan, RpcRequest *request)
{
  ServeOp *op = mem_alloc(sizeof(ServeOp));
  *op = (ServeOp){.serve = serve, .plan = plan, .request = request, .next = serve->ops};
  if (op->next) op->next->prev = op;
  serve->ops = op;
  return op;
}

void serve_op_drop(ServeOp *op)
{
  if (op->prev) op->prev->next = op->next;
  if (op->next) op->next->prev = op->prev;
  if (op->serve->ops == op) op->serve->ops = op->next;
  mem_free(op);
}

static void end_when_idle(Serve *serve)
{
  if (!serve->ending || serve->ops) return;
  serve->stopped = true;
  loop_stop(&serve->loop);
}

void serve_op_done(void *owner, const Error *err)
{
  ServeOp *op = owner;
  Serve *serve = op->serve;
  if (op->ended) op->ended(op, err);
  if (op->request && err->code == ERR_OK) {
    rpc_reply(op->request, value_map(&op->request->arena));
  } else if (op->request) {
    rpc_fail(op->request, err);
  }
  serve_op_drop(op);
  end_when_idle(serve);
}

// ---- ending ----------------------------------------------------------------------------------------

static void stop_all(Serve *serve, bool at_once)
{
  for (ServeOp *op = serve->ops, *next; op; op = next) {
    next = op->next;
    planner_stop(serve->engine, op->plan);
    run_stop(serve->engine, op->plan, at_once);
    verify_stop(serve->engine, op->plan);
    if (at_once) commit_stop(serve->engine, op->plan);
  }
}

static void on_patience(void *owner)
{
  Serve *serve = owner;
  log_warn("the editor is gone; what is still in flight is cut");
  stop_all(serve, true);
}

// What is in flight may end: it is paid for. New work does not start.
static void begin_end(Serve *serve)
{
  if (serve->ending) return;
  serve->ending = true;
  stop_all(serve, false);
  if (serve->engine) models_asks_cancel(serve->engine->models);
  timer_start(&serve->patience, PATIENCE_MS, 0);
  end_when_idle(serve);
}

static void on_end(void *owner, const Error *err)
{
  Serve *serve = owner;
  serve->why = *err;
  begin_end(serve);
}

static void on_signal(void *owner, int signum)
{
  (void)signum;
  begin_end(owner);
}

// ---- initialize, shutdown --------------------------------------------------------------------------

static void on_event(void *owner, Str kind, const Value *params)
{
  (void)kind;
  Serve *serve = owner;
  if (!serve->ending) rpc_event(serve->rpc, S("event"), params);
}

static bool protocol_matches(const Value *params, Error *err)
{
  int64_t theirs = value_get_int(params, S("protocol"), 0);
  if (theirs == PIECEWORK_PROTOCOL) return true;
  error_set(err, ERR_PROTOCOL, "the editor's part speaks protocol %lld, this binary (%s) speaks %d",
            (long long)theirs, PIECEWORK_VERSION, PIECEWORK_PROTOCOL);
  return error_hint_set(err, "rebuild with :Piecework build, then restart the editor");
}

typedef struct {
  int64_t plans, tasks, hunks;
} Open;

static bool plan_is_open(PlanState state)
{
  return state != PLAN_DONE && state != PLAN_DROPPED && state != PLAN_FAILED;
}

// What was left open in this project, for one line at the first command.
static void count_open(Serve *serve, Arena *arena, Str root, Open *out)
{
  PlanRowList rows = {0};
  Error err = {0};
  if (!journal_plan_list(serve->engine->journal, arena, root, 20, &rows, &err)) return;
  for (size_t i = 0; i < rows.len; i++) {
    const PlanRow *row = &rows.items[i];
    TaskRowList tasks = {0};
    if (!plan_is_open(row->state)) continue;
    out->plans++;
    if (!journal_task_list(serve->engine->journal, arena, row->id, &tasks, &err)) return;
    for (size_t k = 0; k < tasks.len; k++) {
      TaskState state = tasks.items[k].state;
      out->tasks += state == TASK_WAITING || state == TASK_RUNNING || state == TASK_CHECKING;
    }
    Review review;
    if (row->state != PLAN_REVIEW || !review_build(serve->engine, row->id, arena, &review, &err))
      continue;
    out->hunks += (int64_t)(review.hunks.len - review.accepted - review.rejected);
  }
}

static Value *initialize_answer(Serve *serve, RpcRequest *request, Project *project)
{
  Arena *arena = &request->arena;
  Value *map = value_map(arena), *open = value_map(arena);
  value_put_int(arena, map, S("protocol"), PIECEWORK_PROTOCOL);
  value_put_str(arena, map, S("version"), S(PIECEWORK_VERSION));
  value_put_str(arena, map, S("root"), project_root(project));
  value_set(map, S("warnings"), strings_value(arena, &serve->engine->config->warnings));
  Open counts = {0};
  count_open(serve, arena, project_root(project), &counts);
  value_put_int(arena, open, S("plans"), counts.plans);
  value_put_int(arena, open, S("tasks"), counts.tasks);
  value_put_int(arena, open, S("hunks"), counts.hunks);
  value_set(map, S("open"), open);
  return map;
}

// In this order: a call cannot leave without the first, and most leave before anything asks for the second.
static void load_libraries(void)
{
  http_load();
  repo_load();
}

// What follows soon asks a model: the libraries for that come while the journal is opened. One thread does that, for
// two would take the processor from this one.
static void load_ahead(Serve *serve, Str next)
{
  static const char *const asking[] = {"edit/start", "plan/create",  "project/advise", "run/start",
                                       "task/retry", "verify/start", "resume"};
  for (size_t i = 0; i < sizeof(asking) / sizeof(*asking); i++) {
    if (str_eq(next, str_from(asking[i]))) loop_aside(&serve->loop, load_libraries);
  }
}

static Value *initialize(Serve *serve, RpcRequest *request, Error *err)
{
  if (!protocol_matches(request->params, err)) return NULL;
  if (serve->engine) {
    error_set(err, ERR_INVALID, "already initialized");
    return NULL;
  }
  load_ahead(serve, value_get_str(request->params, S("next"), STR_NONE));
  Str cwd = value_get_str(request->params, S("cwd"), S("."));
  char *real = fs_realpath(&request->arena, str_z(&request->arena, cwd), err);
  if (!real) return NULL;
  Engine *engine = engine_new(&serve->loop, value_get(request->params, S("config")), err);
  if (!engine) return NULL;
  Project *project = engine_project(engine, real, err);
  if (!project) {
    engine_free(engine);
    return NULL;
  }
  serve->engine = engine;
  engine->on_event = on_event;
  engine->event_owner = serve;
  Str copy = str_from(real);
  serve->cwd = mem_alloc(copy.len + 1);
  for (size_t i = 0; i < copy.len; i++) serve->cwd[i] = copy.ptr[i];
  serve_collect(serve, project_root(project));
  return initialize_answer(serve, request, project);
}

static Value *shutdown_serve(Serve *serve, RpcRequest *request, Error *err)
{
  (void)err;
  rpc_reply(request, value_map(&request->arena));
  begin_end(serve);
  return SERVE_LATER;
}

static const ServeMethod methods_life[] = {
    {"initialize", initialize},
    {"shutdown", shutdown_serve},
    {0},
};

// ---- dispatch --------------------------------------------------------------------------------------

static const ServeMethod *const tables[] = {methods_life, methods_plan, methods_run, methods_review,
                                            methods_info};

static const ServeMethod *find_method(Str name)
{
  for (size_t t = 0; t < sizeof(tables) / sizeof(*tables); t++) {
    for (const ServeMethod *row = tables[t]; row->method; row++) {
      if (str_eq(name, str_from(row->method))) return row;
    }
  }
  return NULL;
}

static bool may_run(const Serve *serve, const ServeMethod *method, Str name, Error *err)
{
  if (!method) {
    error_set(err, ERR_NOT_FOUND, "there is no method %.*s", STR_ARG(name));
    return error_hint_set(err, "rebuild with :Piecework build, then restart the editor");
  }
  if (serve->ending) return error_set(err, ERR_CANCELLED, "the engine is ending");
  if (serve->engine || method->run == initialize || method->run == shutdown_serve) return true;
  return error_set(err, ERR_PROTOCOL, "%s before initialize", method->method);
}

static void on_request(void *owner, RpcRequest *request)
{
  Serve *serve = owner;
  Error err = {0};
  const ServeMethod *method = find_method(request->method);
  Value *answer =
      may_run(serve, method, request->method, &err) ? method->run(serve, request, &err) : NULL;
  if (answer == SERVE_LATER) return;
  if (!answer && err.code == ERR_OK)
    error_set(&err, ERR_FAILED, "%.*s failed", STR_ARG(request->method));
  if (answer) {
    rpc_reply(request, answer);
  } else {
    rpc_fail(request, &err);
  }
}

// ---- the subcommand --------------------------------------------------------------------------------

static bool wire_kind(Cli *cli, WireKind *kind)
{
  Str name = cli_value(cli, OPT_WIRE, S("msgpack"));
  *kind = str_eq(name, S("json")) ? WIRE_JSON : WIRE_MSGPACK;
  if (str_eq(name, S("json")) || str_eq(name, S("msgpack"))) return true;
  return error_set(&cli->err, ERR_USAGE, "--wire is msgpack or json, not %.*s", STR_ARG(name));
}

static void close_all(Serve *serve)
{
  if (serve->rpc) rpc_free(serve->rpc);
  engine_free(serve->engine);
  timer_close(&serve->patience, NULL);
  signal_close(&serve->terminate);
  loop_deinit(&serve->loop);
  mem_free(serve->cwd);
  review_pages_free(serve->pages);
  mem_free(serve);
}

bool cli_serve(Cli *cli)
{
  WireKind kind;
  if (!wire_kind(cli, &kind)) return false;
  Serve *serve = mem_alloc(sizeof(Serve));
  if (!loop_init(&serve->loop, &cli->err)) {
    mem_free(serve);
    return false;
  }
  serve->pages = review_pages_new();
  timer_init(&serve->loop, &serve->patience, on_patience, serve);
  signal_start(&serve->loop, &serve->terminate, SIGTERM, on_signal, serve);
  RpcSpec spec = {.loop = &serve->loop,
                  .kind = kind,
                  .fd_in = STDIN_FILENO,
                  .fd_out = STDOUT_FILENO,
                  .on_request = on_request,
                  .on_end = on_end,
                  .owner = serve};
  serve->rpc = rpc_new(&spec, &cli->err);
  while (serve->rpc && !serve->stopped && loop_turn(&serve->loop, true)) continue;
  if (serve->why.code != ERR_OK) cli->err = serve->why;
  close_all(serve);
  return cli->err.code == ERR_OK;
}
