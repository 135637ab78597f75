// cli_plan.c: plan, edit, each: a request becomes a plan file.
#include "front/cli.h"
#include "front/terminal.h"
#include "work/advise.h"
#include "work/estimate.h"
#include "work/planner.h"

static bool budget_arg(Cli *cli, Nano *budget)
{
  Str given = cli_value(cli, OPT_BUDGET, STR_NONE);
  *budget = given.len ? money_parse(given) : NANO_UNKNOWN;
  if (!given.len || *budget != NANO_UNKNOWN) return true;
  return error_set(&cli->err, ERR_USAGE, "--budget wants an amount as 0.60, not %.*s",
                   STR_ARG(given));
}

static bool words_arg(Cli *cli, Str words)
{
  if (str_trim(words).len) return true;
  error_set(&cli->err, ERR_USAGE, "say what to do: the request is empty");
  return error_hint_set(&cli->err, "piecework %s %s", cli->command->name, cli->command->args);
}

static void say_without_git(Project *project)
{
  if (project_repo(project)) return;
  cli_say("%.*s is not a git repository: no commit, and .gitignore is not read\n",
          STR_ARG(project_root(project)));
}

// ---- plan ------------------------------------------------------------------------------------------

// Free advice before any money. True to go on.
static bool take_advice(Cli *cli, Project *project, const PlanRequest *request)
{
  if (!cli->engine->config->advice || request->go_on) return true;
  Advice advice = advise(cli->engine, project, &cli->arena, request->request, &request->scope);
  if (advice.kind == ADVICE_FITS || advice.seen) return true;
  cli_say("%.*s\n", STR_ARG(advice.text));
  if (terminal_ask("plan all the same?")) return true;
  error_set(&cli->err, ERR_CONSENT, "not planned: see the advice above");
  return error_hint_set(&cli->err, "--yes plans all the same");
}

static bool plan_once(Cli *cli, Project *project, const PlanRequest *request, int64_t *plan)
{
  progress_begin(cli, 0);
  *plan = planner_start(cli->engine, project, request, cli_on_done, cli, &cli->err);
  bool ok = *plan > 0 && cli_wait(cli);
  progress_end(cli);
  return ok;
}

static void say_estimate(Cli *cli, const Plan *plan, Project *project)
{
  Estimate e = estimate_plan(cli->engine, project, &cli->arena, plan);
  Str execute = money(&cli->arena, e.execute.cost), verify = money(&cli->arena, e.verify.cost);
  Str total = money(&cli->arena, e.total), big = money(&cli->arena, e.big_alone);
  cli_say(
      "estimate: execute %.*s, verify %.*s, total %.*s; one big model alone about %.*s "
      "(estimates)\n",
      STR_ARG(execute), STR_ARG(verify), STR_ARG(total), STR_ARG(big));
}

// The plan file's path is the result; the rest is for people.
static bool show_plan(Cli *cli, Project *project, int64_t id)
{
  PlanRow row;
  Plan plan;
  Str text;
  PlanProblemList problems = {0};
  if (!journal_plan_get(cli->engine->journal, &cli->arena, id, &row, &cli->err)) return false;
  if (!plan_load(cli->engine, id, &cli->arena, &text, &plan, &problems, &cli->err)) return false;
  if (cli_has(cli, OPT_JSON)) {
    Value *map = value_map(&cli->arena);
    value_put_str(&cli->arena, map, S("kind"), S("result"));
    value_put_int(&cli->arena, map, S("plan"), id);
    value_put_str(&cli->arena, map, S("path"), row.path);
    value_put_int(&cli->arena, map, S("tasks"), (int64_t)plan.tasks.len);
    cli_json(map);
    return true;
  }
  cli_say("plan %lld: %.*s, %zu tasks\n", (long long)id, STR_ARG(row.title), plan.tasks.len);
  for (size_t i = 0; i < plan.tasks.len; i++) {
    cli_say("  %.*s  %.*s\n", STR_ARG(plan.tasks.items[i].id), STR_ARG(plan.tasks.items[i].title));
  }
  say_estimate(cli, &plan, project);
  cli_say("next: look at the plan, then piecework run %lld\n", (long long)id);
  cli_print("%.*s\n", STR_ARG(row.path));
  return true;
}

bool cli_plan(Cli *cli)
{
  PlanRequest request = {.request = cli->args.items[0], .go_on = cli_has(cli, OPT_YES)};
  Project *project = cli_project(cli);
  int64_t plan = 0;
  if (!project || !words_arg(cli, request.request) || !budget_arg(cli, &request.budget))
    return false;
  if (!cli_scope(cli, &cli->values[OPT_SCOPE], &request.scope) || !cli_record(cli)) return false;
  say_without_git(project);
  if (!take_advice(cli, project, &request)) return false;
  bool ok = plan_once(cli, project, &request, &plan);
  Str question = str_fmt(&cli->arena, "%s; go on?", cli->err.message);
  if (!ok && cli->err.code == ERR_CONSENT && terminal_ask(question.ptr)) {
    error_clear(&cli->err);
    request.go_on = true;
    ok = plan_once(cli, project, &request, &plan);
  }
  return ok && show_plan(cli, project, plan);
}

// ---- edit, each ------------------------------------------------------------------------------------

static bool from_targets(Cli *cli)
{
  Project *project = cli_project(cli);
  StrList files = {cli->args.items, cli->args.len - 1, cli->args.len - 1};
  Str instruction = cli->args.items[files.len];
  FileRefList targets = {0};
  Nano budget;
  if (!project || !words_arg(cli, instruction) || !budget_arg(cli, &budget)) return false;
  if (!cli_scope(cli, &files, &targets) || !cli_record(cli)) return false;
  int64_t plan = plan_from_targets(cli->engine, project, instruction, &targets, budget, &cli->err);
  // The user looks at the diff; a big model does when asked to.
  if (plan <= 0 || !cli_run_plan(cli, plan, false)) return false;
  Review review;
  if (!review_build(cli->engine, plan, &cli->arena, &review, &cli->err)) return false;
  Buf diff;
  buf_init(&diff, 64 << 20);
  review_diff(&cli->arena, &review, STR_NONE, &diff);
  if (!cli_has(cli, OPT_JSON)) cli_print("%.*s", STR_ARG(buf_str(&diff)));
  buf_deinit(&diff);
  if (review.hunks.len) cli_say("next: piecework apply %lld\n", (long long)plan);
  return true;
}

bool cli_edit(Cli *cli)
{
  return from_targets(cli);
}

bool cli_each(Cli *cli)
{
  return from_targets(cli);
}
