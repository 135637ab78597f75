// cli_plan.c: plan, edit, each: a request becomes a plan file.
#include "front/cli.h"
#include "front/terminal.h"
#include "lib/fs.h"
#include "plan/scope.h"
#include "plan/selector.h"
#include "work/advise.h"
#include "work/cheap_first.h"
#include "work/estimate.h"
#include "work/planner.h"
#include "work/solo.h"

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
  if (str_eq(str_trim(words), S("@"))) {
    error_set(&cli->err, ERR_USAGE, "@ wants the name of a template");
    return error_hint_set(&cli->err, "`piecework templates` lists them");
  }
  if (str_trim(words).len) return true;
  error_set(&cli->err, ERR_USAGE, "say what to do: the request is empty");
  return error_hint_set(&cli->err, "piecework %s %s", cli->command->name, cli->command->args);
}

// "@name" and what follows it are one text: the words of a template need no quotes.
static size_t template_at(const Cli *cli)
{
  size_t at = 0;
  while (at < cli->args.len && !str_starts(cli->args.items[at], S("@"))) at++;
  return at;
}

static Str words_from(Cli *cli, size_t first)
{
  StrList words = {cli->args.items + first, cli->args.len - first, cli->args.len - first};
  return str_join(&cli->arena, &words, S(" "));
}

static bool too_many(Cli *cli)
{
  error_set(&cli->err, ERR_USAGE, "too many words: piecework %s %s", cli->command->name,
            cli->command->args);
  return error_hint_set(
      &cli->err, "put the %s in quotes",
      str_eq(str_from(cli->command->name), S("plan")) ? "request" : "instruction");
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
  cli_say("%.*s\n", STR_ARG(cli_shell_words(&cli->arena, advice.text)));
  if (terminal_ask("plan all the same?")) return true;
  error_set(&cli->err, ERR_CONSENT, "not planned: see the advice above");
  return error_hint_set(&cli->err, "--yes plans all the same");
}

// What would cost more than the user spends unasked was not begun; and if they say so now?
static bool agreed(Cli *cli, PlanRequest *request)
{
  Str question = str_fmt(&cli->arena, "%s; go on?", cli->err.message);
  if (cli->err.code != ERR_CONSENT || !terminal_ask(question.ptr)) return false;
  error_clear(&cli->err);
  request->go_on = true;
  return true;
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
  Str paid = e.plan.cost ? str_fmt(&cli->arena, "plan %.*s paid, ",
                                   STR_ARG(money(&cli->arena, e.plan.cost)))
                         : STR_NONE;
  cli_say(
      "estimate: %.*sexecute %.*s, verify %.*s, total %.*s; one big model alone about %.*s "
      "(estimates%.*s)\n",
      STR_ARG(paid), STR_ARG(execute), STR_ARG(verify), STR_ARG(total), STR_ARG(big),
      STR_ARG(estimate_trust(&cli->arena, &e)));
}

static void say_task(Cli *cli, const TaskSpec *task)
{
  Str targets = task->each.len ? str_fmt(&cli->arena, " (%zu targets)", task->each.len) : STR_NONE;
  cli_say("  %.*s  %.*s%.*s\n", STR_ARG(task->id), STR_ARG(task->title), STR_ARG(targets));
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
  cli_say("plan %lld: %.*s, %zu task%s\n", (long long)id, STR_ARG(row.title), plan.tasks.len,
          plural(plan.tasks.len));
  for (size_t i = 0; i < plan.tasks.len; i++) say_task(cli, &plan.tasks.items[i]);
  say_estimate(cli, &plan, project);
  cli_say("next: look at the plan, then piecework run %lld\n", (long long)id);
  cli_print("%.*s\n", STR_ARG(row.path));
  return true;
}

// Directories become their files; a selector stays one, so that the plan is as short as the words.
static bool targets_arg(Cli *cli, Project *project, const StrList *words, FileRefList *targets)
{
  FileRefList named = {0}, files = {0};
  if (!cli_scope(cli, words, &named)) return false;
  for (size_t i = 0; i < named.len; i++)
    PUSH(&cli->arena, selector_searches(named.items[i].path) ? targets : &files, named.items[i]);
  size_t max = (size_t)cli->engine->config->each_max;
  return scope_files(project, &cli->arena, &files, max, targets, &cli->err);
}

// What a request is about, as files; empty for the whole project.
static bool scope_arg(Cli *cli, Project *project, FileRefList *scope)
{
  FileRefList named = {0};
  if (!cli_scope(cli, &cli->values[OPT_SCOPE], &named)) return false;
  if (scope_names_root(&named)) return true;
  return scope_files(project, &cli->arena, &named, SCOPE_MAX_FILES, scope, &cli->err);
}

static bool plan_alone(Cli *cli, Project *project, const PlanRequest *request)
{
  Str role = cli_value(cli, OPT_MODEL, STR_NONE);
  int64_t plan = plan_solo(cli->engine, project, request, role, &cli->err);
  return plan > 0 && show_plan(cli, project, plan);
}

static void tries_json(Cli *cli, const CheapFirst *out)
{
  Value *map = value_map(&cli->arena);
  value_put_str(&cli->arena, map, S("kind"), S("tries"));
  value_put_int(&cli->arena, map, S("plan"), out->tries);
  value_put_int(&cli->arena, map, S("done"), (int64_t)out->done);
  value_put_int(&cli->arena, map, S("left"), (int64_t)out->left);
  value_put_int(&cli->arena, map, S("planned"), out->planned);  // 0: none
  cli_json(map);
}

// What the tries came to, and the plan for the rest; cli->err stays when it went wrong before.
bool cli_say_tries(Cli *cli, int64_t tries, bool ok)
{
  CheapFirst out;
  Error why = cli->err;
  error_clear(&cli->err);
  Project *project = engine_project_of_plan(cli->engine, tries, &cli->err);
  bool said = project && cheap_first_result(cli->engine, &cli->arena, tries, &out, &cli->err);
  if (said) {
    if (cli_has(cli, OPT_JSON)) tries_json(cli, &out);
    cli_say("plan %lld: %zu of %zu places done by the small model: piecework diff %lld\n",
            (long long)tries, out.done, out.done + out.left, (long long)tries);
    if (!out.planned && out.left) cli_say("%zu are left and were not planned\n", out.left);
    if (ok && out.planned) said = show_plan(cli, project, out.planned);
  }
  if (!ok) cli->err = why;
  return ok && said;
}

static int64_t try_first(Cli *cli, Project *project, const PlanRequest *request, bool *ok)
{
  progress_begin(cli, 0);
  int64_t tries = cheap_first_start(cli->engine, project, request, cli_on_done, cli, &cli->err);
  *ok = tries > 0 && cli_wait(cli);
  progress_end(cli);
  return tries;
}

static bool plan_cheap_first(Cli *cli, Project *project, PlanRequest *request)
{
  bool ok;
  if (!targets_arg(cli, project, &cli->values[OPT_SCOPE], &request->scope)) return false;
  int64_t tries = try_first(cli, project, request, &ok);
  if (tries <= 0 && agreed(cli, request)) tries = try_first(cli, project, request, &ok);
  return tries > 0 && cli_say_tries(cli, tries, ok);
}

// Options that would not do what they say.
static bool plan_options_ok(Cli *cli)
{
  if (cli_has(cli, OPT_MODEL) && !cli_has(cli, OPT_SOLO))
    return error_set(&cli->err, ERR_USAGE, "--model goes with --solo");
  if (cli_has(cli, OPT_SOLO) && cli_has(cli, OPT_CHEAP_FIRST))
    return error_set(&cli->err, ERR_USAGE, "--solo and --cheap-first exclude each other");
  return true;
}

bool cli_plan(Cli *cli)
{
  PlanRequest request = {.request = words_from(cli, 0), .go_on = cli_has(cli, OPT_YES)};
  if (cli->args.len > 1 && template_at(cli) != 0) return too_many(cli);
  if (!plan_options_ok(cli)) return false;
  Project *project = cli_project(cli);
  int64_t plan = 0;
  if (!project || !words_arg(cli, request.request) || !budget_arg(cli, &request.budget))
    return false;
  if (!cli_record(cli)) return false;
  say_without_git(project);
  if (cli_has(cli, OPT_CHEAP_FIRST)) return plan_cheap_first(cli, project, &request);
  if (!scope_arg(cli, project, &request.scope)) return false;
  if (cli_has(cli, OPT_SOLO)) return plan_alone(cli, project, &request);
  if (!take_advice(cli, project, &request)) return false;
  bool ok = plan_once(cli, project, &request, &plan);
  if (!ok && agreed(cli, &request)) ok = plan_once(cli, project, &request, &plan);
  return ok && show_plan(cli, project, plan);
}

// ---- edit, each ------------------------------------------------------------------------------------

// `edit` is one task: a directory of many files is for `each`.
static bool one_target(Cli *cli, const FileRefList *targets)
{
  if (cli->command->run != cli_edit || targets->len <= 1) return true;
  error_set(&cli->err, ERR_USAGE, "%.*s is %zu files, and edit is for one",
            STR_ARG(cli->args.items[0]), targets->len);
  return error_hint_set(&cli->err, "`piecework each %.*s ...` does them one by one",
                        STR_ARG(cli->args.items[0]));
}

// `each a.c b.c` without a word what to do would ask a model to do "b.c".
static bool says_what(Cli *cli, Str instruction)
{
  FileRef ref;
  Error none = {0};
  bool file = file_ref_parse(&cli->arena, instruction, &ref, &none) && !ref.is_new &&
              fs_exists(str_z(&cli->arena, ref.path));
  if (!file || str_starts(instruction, S("@"))) return true;
  error_set(&cli->err, ERR_USAGE, "say what to do: \"%.*s\" is a file", STR_ARG(instruction));
  return error_hint_set(&cli->err, "piecework %s %s", cli->command->name, cli->command->args);
}

static bool print_diff(Cli *cli, int64_t plan)
{
  Review review;
  if (!review_build(cli->engine, plan, &cli->arena, &review, &cli->err)) return false;
  cli_print_review(cli, &review, &(StrList){0}, terminal_out());
  return true;
}

static bool from_targets(Cli *cli)
{
  size_t at = template_at(cli), last = at < cli->args.len ? at : cli->args.len - 1;
  Str instruction = words_from(cli, last);
  if (last > 1 && str_eq(str_from(cli->command->name), S("edit"))) return too_many(cli);
  Project *project = cli_project(cli);
  FileRefList targets = {0};
  Nano budget;
  if (!project || !words_arg(cli, instruction) || !budget_arg(cli, &budget)) return false;
  if (!says_what(cli, instruction)) return false;
  StrList files = {cli->args.items, last, last};
  if (!targets_arg(cli, project, &files, &targets) || !one_target(cli, &targets)) return false;
  if (!cli_record(cli)) return false;
  int64_t plan = plan_from_targets(cli->engine, project, instruction, &targets, budget, &cli->err);
  size_t hunks;
  // The user looks at the diff; a big model does when asked to.
  if (plan <= 0 || !cli_run_plan(cli, plan, false, &hunks)) return false;
  if (!cli_has(cli, OPT_JSON) && !print_diff(cli, plan)) return false;
  if (hunks) cli_say("next: piecework apply %lld\n", (long long)plan);
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
