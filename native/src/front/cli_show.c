// cli_show.c: status, cost, log, preview: texts, or the same as JSON.
#include "front/cli.h"
#include "front/preview.h"
#include "lib/loop.h"
#include "work/run.h"

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
  if (!journal_log_list(cli->engine->journal, &cli->arena, plan, 0, &rows, &cli->err)) return false;
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

static void counted(void *owner, const Count *count)
{
  Cli *cli = owner;
  cli->done = true;
  cli->err = count->error;
  if (count->error.code == ERR_OK)
    cli_print("--- %.*s ---\n", STR_ARG(preview_count_text(&cli->arena, count)));
}

bool cli_preview(Cli *cli)
{
  int64_t plan;
  View view;
  if (!cli_plan_arg(cli, &plan)) return false;
  Str task = cli->args.items[1];
  if (!preview_view(cli->engine, plan, task, &cli->arena, &view, &cli->err)) return false;
  cli_print_view(cli, &view);
  if (!cli_has(cli, OPT_COUNTED)) return true;
  if (!run_count_prompt(cli->engine, plan, task, counted, cli, &cli->err)) return false;
  while (!cli->done && loop_turn(&cli->loop, true)) continue;
  return cli->err.code == ERR_OK;
}
