// methods_info.c: status, cost, log, preview, health: texts with a line index.
#include "front/bug.h"
#include "front/health.h"
#include "front/preview.h"
#include "front/serve.h"
#include "front/values.h"
#include "work/run.h"

static Value *status_get(Serve *serve, RpcRequest *request, Error *err)
{
  int64_t plan = value_get_int(request->params, S("plan"), 0);
  Project *project = param_project(serve, request->params, err);
  View view;
  if (!project) return NULL;
  if (!view_status(serve->engine, plan > 0 ? plan : 0, project_root(project), &request->arena,
                   &view, err))
    return NULL;
  return view_value(&request->arena, &view);
}

static Value *cost_get(Serve *serve, RpcRequest *request, Error *err)
{
  const Value *which = value_get(request->params, S("which"));
  // A plan may come as a number too.
  Str text = value_is(which, VALUE_INT)
                 ? str_fmt(&request->arena, "%lld", (long long)which->integer)
                 : value_to_str(which, S("all"));
  View view;
  if (!view_cost(serve->engine, text, &request->arena, &view, err)) return NULL;
  return view_value(&request->arena, &view);
}

static Value *log_get(Serve *serve, RpcRequest *request, Error *err)
{
  int64_t plan = param_plan(request->params, err);
  View view;
  if (!plan || !view_log(serve->engine, plan, &request->arena, &view, err)) return NULL;
  return view_value(&request->arena, &view);
}

static Value *preview_get(Serve *serve, RpcRequest *request, Error *err)
{
  int64_t plan = param_plan(request->params, err);
  Str task;
  View view;
  if (!plan || !param_text(request->params, S("task"), &task, err)) return NULL;
  if (!preview_view(serve->engine, plan, task, &request->arena, &view, err)) return NULL;
  return view_value(&request->arena, &view);
}

static void counted(void *owner, const Count *count)
{
  RpcRequest *request = owner;
  Arena *arena = &request->arena;
  if (count->error.code != ERR_OK) {
    rpc_fail(request, &count->error);
    return;
  }
  Value *map = value_map(arena);
  value_put_str(arena, map, S("provider"), count->provider);
  value_put_str(arena, map, S("model"), count->model);
  value_put_int(arena, map, S("tokens"), count->tokens);
  value_put_int(arena, map, S("estimated"), count->estimated);
  value_put_str(arena, map, S("text"), preview_count_text(arena, count));
  rpc_reply(request, map);
}

static Value *preview_count(Serve *serve, RpcRequest *request, Error *err)
{
  int64_t plan = param_plan(request->params, err);
  Str task;
  if (!plan || !param_text(request->params, S("task"), &task, err)) return NULL;
  bool asked = run_count_prompt(serve->engine, plan, task, counted, request, err);
  return asked ? SERVE_LATER : NULL;
}

static Value *health_value(Arena *arena, const HealthList *rows)
{
  View view;
  health_view(arena, rows, &view);
  Value *map = view_value(arena, &view);
  value_set(map, S("rows"), health_rows_value(arena, rows));
  return map;
}

static void reached(void *owner)
{
  RpcRequest *request = owner;
  rpc_reply(request, health_value(&request->arena, request->data));
}

static Value *health_get(Serve *serve, RpcRequest *request, Error *err)
{
  (void)err;
  Arena *arena = &request->arena;
  Str cwd = value_get_str(request->params, S("cwd"), str_from(serve->cwd));
  HealthList *rows = NEW(arena, HealthList);
  Error none = {0};
  health_rows(serve->engine, &none, str_z(arena, cwd), arena, rows);
  if (!value_get_bool(request->params, S("reach"), false)) return health_value(arena, rows);
  request->data = rows;
  health_reach(serve->engine, arena, rows, reached, request);
  return SERVE_LATER;
}

static Value *bug_report(Serve *serve, RpcRequest *request, Error *err)
{
  Str cwd = value_get_str(request->params, S("cwd"), str_from(serve->cwd));
  int64_t plan = value_get_int(request->params, S("plan"), 0);
  BugFiles files;
  if (!bug_write(serve->engine, plan > 0 ? plan : 0, str_z(&request->arena, cwd), &request->arena,
                 &files, err)) {
    return NULL;
  }
  return bug_value(&request->arena, &files);
}

const ServeMethod methods_info[] = {
    {"status/get", status_get},
    {"cost/get", cost_get},
    {"log/get", log_get},
    {"preview/get", preview_get},
    {"preview/count", preview_count},
    {"health/get", health_get},
    {"bug/write", bug_report},
    {0},
};
