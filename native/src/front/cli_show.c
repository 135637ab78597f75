// cli_show.c: status, cost, log, preview: texts, or the same as JSON.
#include "front/cli.h"
#include "front/preview.h"
#include "lib/loop.h"
#include "work/receipt.h"

static Value *task_value(Arena *arena, const TaskRow *task)
{
  Value *map = value_map(arena);
  value_put_str(arena, map, S("task"), task->id);
  value_put_str(arena, map, S("state"), str_from(task_state_name(task->state)));
  value_put_str(arena, map, S("executor"), task->executor);
  value_put_str(arena, map, S("title"), task->title);
  value_put_str(arena, map, S("note"), task->note);
  value_put_int(arena, map, S("added"), task->added);
  value_put_int(arena, map, S("removed"), task->removed);
  value_put_int(arena, map, S("attempts"), task->attempts);
  value_put_int(arena, map, S("cost"), task->cost_known ? task->cost : NANO_UNKNOWN);
  return map;
}

static Value *plan_value(Arena *arena, const PlanRow *row)
{
  Value *map = value_map(arena);
  value_put_int(arena, map, S("plan"), row->id);
  value_put_str(arena, map, S("state"), str_from(plan_state_name(row->state)));
  value_put_str(arena, map, S("title"), row->title);
  value_put_str(arena, map, S("path"), row->path);
  value_put_str(arena, map, S("note"), row->note);
  value_put_int(arena, map, S("budget"), row->budget);
  return map;
}

static bool status_plan_json(Cli *cli, int64_t plan)
{
  PlanRow row;
  TaskRowList tasks = {0};
  PlanMoney m;
  Journal *journal = cli->engine->journal;
  if (!journal_plan_get(journal, &cli->arena, plan, &row, &cli->err)) return false;
  if (!journal_task_list(journal, &cli->arena, plan, &tasks, &cli->err)) return false;
  if (!journal_money(journal, plan, &m, &cli->err)) return false;
  Value *map = plan_value(&cli->arena, &row), *list = value_list(&cli->arena);
  value_put_int(&cli->arena, map, S("spent"), m.spent);
  for (size_t i = 0; i < tasks.len; i++) value_push(list, task_value(&cli->arena, &tasks.items[i]));
  value_set(map, S("tasks"), list);
  cli_json(map);
  return true;
}

static bool status_project_json(Cli *cli, Str root)
{
  PlanRowList rows = {0};
  if (!journal_plan_list(cli->engine->journal, &cli->arena, root, 0, &rows, &cli->err))
    return false;
  Value *map = value_map(&cli->arena), *list = value_list(&cli->arena);
  value_put_str(&cli->arena, map, S("root"), root);
  for (size_t i = 0; i < rows.len; i++) value_push(list, plan_value(&cli->arena, &rows.items[i]));
  value_set(map, S("plans"), list);
  cli_json(map);
  return true;
}

bool cli_status(Cli *cli)
{
  int64_t plan = 0;
  View view;
  if (cli->args.len && !cli_plan_arg(cli, &plan)) return false;
  Project *project = plan ? engine_project_of_plan(cli->engine, plan, &cli->err) : cli_project(cli);
  if (!project) return false;
  if (cli_has(cli, OPT_JSON)) {
    return plan ? status_plan_json(cli, plan) : status_project_json(cli, project_root(project));
  }
  if (!view_status(cli->engine, plan, project_root(project), &cli->arena, &view, &cli->err))
    return false;
  cli_print_view(cli, &view);
  return true;
}

// ---- cost ------------------------------------------------------------------------------------------

static Value *receipt_row(Arena *arena, const ReceiptRow *row)
{
  Value *map = value_map(arena);
  value_put_str(arena, map, S("phase"), str_from(phase_name(row->phase)));
  value_put_str(arena, map, S("model"), row->model);
  value_put_int(arena, map, S("calls"), row->calls);
  value_put_int(arena, map, S("in"), row->usage.fresh_in + row->usage.cache_write);
  value_put_int(arena, map, S("cached"), row->usage.cache_read);
  value_put_int(arena, map, S("out"), row->usage.out);
  value_put_int(arena, map, S("cost"), row->cost);
  value_put_int(arena, map, S("unknown"), row->unknown);
  return map;
}

static bool cost_json(Cli *cli, int64_t plan)
{
  Receipt receipt;
  Arena *arena = &cli->arena;
  if (!receipt_build(cli->engine, plan, arena, &receipt, &cli->err)) return false;
  Value *map = value_map(arena), *rows = value_list(arena);
  value_put_int(arena, map, S("plan"), plan);
  for (size_t i = 0; i < receipt.rows.len; i++)
    value_push(rows, receipt_row(arena, &receipt.rows.items[i]));
  value_set(map, S("rows"), rows);
  value_put_int(arena, map, S("cost"), receipt.total.cost);
  value_put_int(arena, map, S("budget"), receipt.budget);
  if (receipt.has_estimate) {
    value_put_int(arena, map, S("estimate"), receipt.estimate.total);
    value_put_int(arena, map, S("estimate_big_alone"), receipt.estimate.big_alone);
    value_put_int(arena, map, S("estimate_small_alone"), receipt.estimate.small_alone);
  }
  if (receipt.has_saving) value_set(map, S("saved_big"), value_double(arena, receipt.saved_big));
  cli_json(map);
  return true;
}

static bool is_period(Str word)
{
  return str_eq(word, S("day")) || str_eq(word, S("week")) || str_eq(word, S("month")) ||
         str_eq(word, S("all"));
}

bool cli_cost(Cli *cli)
{
  View view;
  int64_t plan = 0;
  Str which = cli->args.len ? cli->args.items[0] : S("last");
  if (!is_period(which)) {
    if (!cli_plan_arg(cli, &plan)) return false;
    if (cli_has(cli, OPT_JSON)) return cost_json(cli, plan);
    which = str_fmt(&cli->arena, "%lld", (long long)plan);
  }
  if (!view_cost(cli->engine, which, &cli->arena, &view, &cli->err)) return false;
  cli_print_view(cli, &view);
  return true;
}

// ---- log, preview ----------------------------------------------------------------------------------

bool cli_log(Cli *cli)
{
  int64_t plan;
  View view;
  if (!cli_plan_arg(cli, &plan)) return false;
  if (!cli_has(cli, OPT_JSON)) {
    if (!view_log(cli->engine, plan, &cli->arena, &view, &cli->err)) return false;
    cli_print_view(cli, &view);
    return true;
  }
  LogRowList rows = {0};
  if (!journal_log_list(cli->engine->journal, &cli->arena, plan, 0, 0, &rows, &cli->err))
    return false;
  for (size_t i = 0; i < rows.len; i++) {
    Value *map = value_map(&cli->arena);
    value_put_int(&cli->arena, map, S("at_ms"), rows.items[i].at_ms);
    value_put_str(&cli->arena, map, S("kind"), rows.items[i].kind);
    value_put_str(&cli->arena, map, S("task"), rows.items[i].task);
    value_put_str(&cli->arena, map, S("text"), rows.items[i].text);
    cli_json(map);
  }
  return true;
}

bool cli_preview(Cli *cli)
{
  int64_t plan;
  View view;
  if (!cli_plan_arg(cli, &plan)) return false;
  if (!preview_view(cli->engine, plan, cli->args.items[1], &cli->arena, &view, &cli->err))
    return false;
  cli_print_view(cli, &view);
  return true;
}
