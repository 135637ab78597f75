// methods_plan.c: project/*, plan/*, edit/*: from a request to a plan file.
#include <stddef.h>

#include "front/serve.h"
#include "front/values.h"
#include "plan/plan_fields.h"
#include "plan/scope.h"
#include "work/advise.h"
#include "work/cheap_first.h"
#include "work/estimate.h"
#include "work/planner.h"
#include "work/run.h"
#include "work/solo.h"

static Nano param_budget(const Value *params)
{
  int64_t budget = value_get_int(params, S("budget"), NANO_UNKNOWN);
  return budget >= 0 ? budget : NANO_UNKNOWN;
}

static Value *project_advise(Serve *serve, RpcRequest *request, Error *err)
{
  static const char *const kinds[] = {[ADVICE_FITS] = "fits",
                                      [ADVICE_FREE] = "free",
                                      [ADVICE_SMALL] = "small",
                                      [ADVICE_EXPLORE] = "explore"};
  Arena *arena = &request->arena;
  Project *project = param_project(serve, request->params, err);
  FileRefList scope = {0};
  Str words;
  if (!project || !param_text(request->params, S("request"), &words, err)) return NULL;
  if (!param_scope(project, arena, request->params, &scope, err)) return NULL;
  Advice advice = {.kind = ADVICE_FITS};
  if (serve->engine->config->advice) advice = advise(serve->engine, project, arena, words, &scope);
  Value *map = value_map(arena);
  value_put_str(arena, map, S("kind"), str_from(kinds[advice.kind]));
  value_put_str(arena, map, S("text"), advice.text);
  value_put_str(arena, map, S("command"), advice.command);
  value_put_bool(arena, map, S("seen"), advice.seen);
  return map;
}

// ---- plan/* ----------------------------------------------------------------------------------------

static Value *plan_create(Serve *serve, RpcRequest *request, Error *err)
{
  const Value *params = request->params;
  Project *project = param_project(serve, params, err);
  PlanRequest plan = {.budget = param_budget(params),
                      .go_on = value_get_bool(params, S("go_on"), false)};
  if (!project || !param_text(params, S("request"), &plan.request, err)) return NULL;
  if (!str_trim(plan.request).len) {
    error_set(err, ERR_USAGE, "say what to do: the request is empty");
    return NULL;
  }
  param_buffers(project, &request->arena, params);
  if (!param_scope(project, &request->arena, params, &plan.scope, err)) return NULL;
  if (value_get_bool(params, S("solo"), false)) {
    Str role = value_get_str(params, S("model"), STR_NONE);
    int64_t id = plan_solo(serve->engine, project, &plan, role, err);
    return id > 0 ? plan_answer(request, id) : NULL;
  }
  bool cheap = value_get_bool(params, S("cheap_first"), false);
  ServeOp *op = serve_op_new(serve, 0, NULL);
  op->plan = (cheap ? cheap_first_start : planner_start)(serve->engine, project, &plan,
                                                         serve_op_done, op, err);
  if (op->plan > 0) return plan_answer(request, op->plan);
  serve_op_drop(op);
  return NULL;
}

static Value *plan_adopt_file(Serve *serve, RpcRequest *request, Error *err)
{
  Project *project = param_project(serve, request->params, err);
  Str path;
  if (!project || !param_text(request->params, S("path"), &path, err)) return NULL;
  int64_t plan = plan_adopt(serve->engine, project, str_z(&request->arena, path), err);
  return plan > 0 ? plan_answer(request, plan) : NULL;
}

static Value *plan_row(Arena *arena, const PlanRow *row)
{
  Value *one = value_map(arena);
  value_put_int(arena, one, S("plan"), row->id);
  value_put_str(arena, one, S("title"), row->title.len ? row->title : row->request);
  value_put_str(arena, one, S("state"), str_from(plan_state_name(row->state)));
  value_put_str(arena, one, S("path"), row->path);
  value_put_str(arena, one, S("note"), row->note);
  return one;
}

static Value *plan_list(Serve *serve, RpcRequest *request, Error *err)
{
  Arena *arena = &request->arena;
  Project *project = param_project(serve, request->params, err);
  int64_t limit = value_get_int(request->params, S("limit"), 50);
  PlanRowList rows = {0};
  if (!project) return NULL;
  if (!journal_plan_list(serve->engine->journal, arena, project_root(project),
                         limit > 0 ? (size_t)limit : 0, &rows, err)) {
    return NULL;
  }
  Value *map = value_map(arena), *list = value_list(arena);
  for (size_t i = 0; i < rows.len; i++) value_push(list, plan_row(arena, &rows.items[i]));
  value_set(map, S("plans"), list);
  return map;
}

static Value *problems_value(Arena *arena, const PlanProblemList *problems)
{
  Value *list = value_list(arena);
  for (size_t i = 0; i < problems->len; i++) {
    Value *one = value_map(arena);
    value_put_int(arena, one, S("line"), problems->items[i].line);
    value_put_bool(arena, one, S("warning"), problems->items[i].warning);
    value_put_str(arena, one, S("text"), problems->items[i].text);
    value_push(list, one);
  }
  return list;
}

static void push_note(Arena *arena, Value *list, int64_t line, Str text)
{
  Value *one = value_push(list, value_map(arena));
  value_put_int(arena, one, S("line"), line);
  value_put_str(arena, one, S("text"), text);
}

// What the editor shows beside the plan's text: the bill, before it is paid.
static Value *plan_notes(Serve *serve, Project *project, Arena *arena, const Plan *plan)
{
  Estimate e = estimate_plan(serve->engine, project, arena, plan);
  Str execute = money(arena, e.execute.cost), verify = money(arena, e.verify.cost);
  Str total = money(arena, e.total), big = money(arena, e.big_alone),
      small = money(arena, e.small_alone);
  // Without it the total, which holds it, looks like a wrong sum.
  Str plan_cost =
      e.plan.cost ? str_fmt(arena, "plan %.*s, ", STR_ARG(money(arena, e.plan.cost))) : STR_NONE;
  Value *list = value_list(arena);
  push_note(arena, list, 1,
            str_fmt(arena, "estimate: %.*sexecute %.*s, verify %.*s, total %.*s",
                    STR_ARG(plan_cost), STR_ARG(execute), STR_ARG(verify), STR_ARG(total)));
  push_note(
      arena, list, 2,
      str_fmt(arena, "estimate: big alone %.*s, small alone %.*s", STR_ARG(big), STR_ARG(small)));
  return list;
}

static const char *const takes[] = {
    [FIELD_TEXT] = "text",          [FIELD_REFS] = "paths",  [FIELD_REF] = "paths",
    [FIELD_IDS] = "tasks",          [FIELD_RULES] = "text",  [FIELD_FLAG] = "flags",
    [FIELD_EXECUTOR] = "executors", [FIELD_PLACE] = "paths",
};

// What can stand in the plan's fields, for completion.
static Value *plan_words(Serve *serve, Project *project, Arena *arena)
{
  Value *words = value_map(arena), *fields = value_list(arena), *models = value_list(arena);
  for (size_t i = 0; i < plan_field_count; i++) {
    const PlanField *field = &plan_fields[i];
    Value *row = value_push(fields, value_map(arena));
    Str of_kind = str_from(takes[field->kind]);
    if (field->offset == offsetof(TaskSpec, model)) of_kind = S("models");
    if (field->offset == offsetof(TaskSpec, template)) of_kind = S("templates");
    value_put_str(arena, row, S("name"), field->name);
    value_put_str(arena, row, S("takes"), of_kind);
  }
  const Config *config = serve->engine->config;
  for (size_t i = 0; i < config->ladder_count; i++)
    value_push(models, value_str(arena, config->ladders[i].alias));
  TemplateList known;
  template_list(project, arena, &known);
  Value *executors = value_list(arena), *flags = value_list(arena), *templates = value_list(arena);
  for (size_t i = 0; i < known.len; i++) {
    bool tasks = known.items[i].uses & (TEMPLATE_FOR_EACH | TEMPLATE_FOR_EDIT);
    if (tasks && !known.items[i].problem.len)
      value_push(templates, value_str(arena, str_cat(arena, S("@"), known.items[i].name)));
  }
  for (int i = EXECUTOR_MODEL; i <= EXECUTOR_MOVE; i++)
    value_push(executors, value_str(arena, executor_name((Executor)i)));
  value_push(flags, value_str(arena, S("yes")));
  value_push(flags, value_str(arena, S("no")));
  value_put_str(arena, words, S("root"), project_root(project));
  value_set(words, S("fields"), fields);
  value_set(words, S("models"), models);
  value_set(words, S("executors"), executors);
  value_set(words, S("flags"), flags);
  value_set(words, S("templates"), templates);
  return words;
}

static void add_notes(Serve *serve, int64_t id, Arena *arena, const Plan *plan,
                      const PlanProblemList *problems, Value *map)
{
  Error none = {0};
  Project *project = engine_project_of_plan(serve->engine, id, &none);
  value_set(map, S("problems"), problems_value(arena, problems));
  value_set(
      map, S("notes"),
      problems->errors || !project ? value_list(arena) : plan_notes(serve, project, arena, plan));
}

static Value *plan_text(Serve *serve, RpcRequest *request, Error *err)
{
  Arena *arena = &request->arena;
  int64_t id = param_plan(request->params, err);
  PlanRow row;
  Plan plan;
  PlanProblemList problems = {0};
  Str text;
  if (!id || !journal_plan_get(serve->engine->journal, arena, id, &row, err)) return NULL;
  Project *project = engine_project_of_plan(serve->engine, id, err);
  if (!project || !plan_load(serve->engine, id, arena, &text, &plan, &problems, err)) return NULL;
  Value *map = value_map(arena);
  value_put_str(arena, map, S("text"), text);
  value_put_str(arena, map, S("path"), row.path);
  value_set(map, S("words"), plan_words(serve, project, arena));
  add_notes(serve, id, arena, &plan, &problems, map);
  return map;
}

static Value *plan_save_text(Serve *serve, RpcRequest *request, Error *err)
{
  Arena *arena = &request->arena;
  int64_t id = param_plan(request->params, err);
  PlanProblemList problems = {0};
  Plan plan;
  Str text;
  if (!id || !param_text(request->params, S("text"), &text, err)) return NULL;
  if (!plan_save(serve->engine, id, text, &plan, &problems, arena, err)) return NULL;
  Value *map = value_map(arena);
  add_notes(serve, id, arena, &plan, &problems, map);
  return map;
}

static Value *plan_drop(Serve *serve, RpcRequest *request, Error *err)
{
  int64_t id = param_plan(request->params, err);
  if (!id) return NULL;
  if (run_active(serve->engine, id)) {
    error_set(err, ERR_BUSY, "plan %lld is running", (long long)id);
    error_hint_set(err, "stop it first: :Piecework stop");
    return NULL;
  }
  planner_stop(serve->engine, id);
  if (!journal_plan_set_state(serve->engine->journal, id, PLAN_DROPPED, S("dropped by the user"),
                              err))
    return NULL;
  return empty_answer(request);
}

// ---- edit/start ------------------------------------------------------------------------------------

static bool start_run(Serve *serve, int64_t plan, Error *err)
{
  RunSpec spec = {.plan = plan, .fresh_base = true};
  ServeOp *op = serve_op_new(serve, plan, NULL);
  if (run_start(serve->engine, &spec, serve_op_done, op, err)) return true;
  serve_op_drop(op);
  return false;
}

// With `by: "function"` the places become the functions around them.
static bool param_by(Serve *serve, Project *project, RpcRequest *request, FileRefList *targets,
                     Error *err)
{
  Str by = value_get_str(request->params, S("by"), STR_NONE);
  FileRefList places = *targets;
  if (!by.len) return true;
  if (!str_eq(by, S("function")))
    return error_set(err, ERR_INVALID, "`by` is function, not %.*s", STR_ARG(by));
  *targets = (FileRefList){0};
  size_t max = (size_t)serve->engine->config->each_max;
  return scope_functions(project, &request->arena, &places, max, targets, err);
}

static Value *edit_start(Serve *serve, RpcRequest *request, Error *err)
{
  const Value *params = request->params;
  Project *project = param_project(serve, params, err);
  FileRefList targets = {0};
  Str instruction;
  if (!project || !param_text(params, S("instruction"), &instruction, err)) return NULL;
  param_buffers(project, &request->arena, params);
  if (!param_scope(project, &request->arena, params, &targets, err)) return NULL;
  if (!param_by(serve, project, request, &targets, err)) return NULL;
  if (!targets.len || !str_trim(instruction).len) {
    error_set(err, ERR_USAGE,
              targets.len ? "say what to do: the instruction is empty" : "nothing is selected");
    return NULL;
  }
  int64_t plan =
      plan_from_targets(serve->engine, project, instruction, &targets, param_budget(params), err);
  if (plan <= 0) return NULL;
  if (value_get_bool(params, S("run"), false) && !start_run(serve, plan, err)) return NULL;
  Value *answer = plan_answer(request, plan);
  value_put_int(&request->arena, answer, S("places"), (int64_t)targets.len);
  return answer;
}

// For completion behind an @.
static Value *template_names(Serve *serve, RpcRequest *request, Error *err)
{
  Project *project = param_project(serve, request->params, err);
  TemplateList list;
  if (!project) return NULL;
  template_list(project, &request->arena, &list);
  return templates_value(&request->arena, &list);
}

const ServeMethod methods_plan[] = {
    {"project/advise", project_advise}, {"plan/create", plan_create},
    {"plan/adopt", plan_adopt_file},    {"plan/list", plan_list},
    {"plan/text", plan_text},           {"plan/save", plan_save_text},
    {"plan/drop", plan_drop},           {"edit/start", edit_start},
    {"template/list", template_names},  {0},
};
