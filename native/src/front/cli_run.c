// cli_run.c: run and resume: execute and verify, with consent before and a summary after.
#include <time.h>

#include "front/cli.h"
#include "front/terminal.h"
#include "review/apply_sweep.h"
#include "review/commit_heal.h"
#include "work/cheap_first.h"
#include "work/estimate.h"
#include "work/receipt.h"
#include "work/resume.h"
#include "work/run.h"
#include "work/trust.h"

// ---- before ----------------------------------------------------------------------------------------

bool cli_report_problems(Cli *cli, int64_t plan, Plan *out)
{
  PlanProblemList problems = {0};
  PlanRow row;
  Str text;
  if (!journal_plan_get(cli->engine->journal, &cli->arena, plan, &row, &cli->err)) return false;
  if (!plan_load(cli->engine, plan, &cli->arena, &text, out, &problems, &cli->err)) return false;
  cli_say_problems(row.path, &problems);
  if (!problems.errors) return true;
  return error_set(&cli->err, ERR_PLAN_SYNTAX, "the plan has %zu problem%s", problems.errors,
                   plural(problems.errors));
}

// The estimate is shown, and asked about when it is more than the user wants to spend unasked.
static bool consent(Cli *cli, int64_t id, const Plan *plan, bool batch)
{
  Project *project = engine_project_of_plan(cli->engine, id, &cli->err);
  if (!project) return false;
  Estimate e = estimate_plan(cli->engine, project, &cli->arena, plan);
  if (batch) estimate_batch(cli->engine, &e);
  Nano ahead = e.execute.cost + e.verify.cost;  // planning is paid already
  Str total = money(&cli->arena, e.unknown_price ? NANO_UNKNOWN : ahead);
  if (!cli_has(cli, OPT_JSON)) {
    size_t tasks = plan_expand(&cli->arena, plan).len;
    cli_say("plan %lld: %zu task%s, about %.*s (estimate%s)\n", (long long)id, tasks, plural(tasks),
            STR_ARG(total), batch ? ", at batch rates" : "");
  }
  if (cli_has(cli, OPT_YES) || e.unknown_price || ahead <= cli->engine->config->ask_above)
    return true;
  if (terminal_ask("run it?")) return true;
  Str above = money(&cli->arena, cli->engine->config->ask_above);
  error_set(&cli->err, ERR_CONSENT, "not run: about %.*s is more than %.*s (ask_above)",
            STR_ARG(total), STR_ARG(above));
  return error_hint_set(&cli->err, "--yes runs it; `budget:` in the plan is the hard cap");
}

static void only_arg(Cli *cli, StrList *only)
{
  for (Str rest = cli_value(cli, OPT_ONLY, STR_NONE), id; str_cut(&rest, ',', &id);) {
    if (str_trim(id).len) PUSH(&cli->arena, only, str_trim(id));
  }
}

// ---- after -----------------------------------------------------------------------------------------

static void summary_json(Cli *cli, int64_t plan, const Review *review, const Receipt *receipt)
{
  Value *map = value_map(&cli->arena);
  value_put_str(&cli->arena, map, S("kind"), S("result"));
  value_put_int(&cli->arena, map, S("plan"), plan);
  value_put_int(&cli->arena, map, S("files"), (int64_t)review->files.len);
  value_put_int(&cli->arena, map, S("hunks"), (int64_t)review->hunks.len);
  value_put_int(&cli->arena, map, S("cost"), receipt->total.cost);
  if (review->test_command.len) {
    value_put_str(&cli->arena, map, S("test"), review->test_command);
    value_put_int(&cli->arena, map, S("test_status"), review->test_status);
  }
  cli_json(map);
}

static void say_untrusted(Cli *cli, int64_t plan)
{
  PlanCommandList commands = {0};
  Error ignored = {0};
  if (!trust_list(cli->engine, plan, &cli->arena, &commands, &ignored)) return;
  for (size_t i = 0; i < commands.len; i++) {
    if (commands.items[i].trusted) continue;
    cli_say("not run, not trusted yet: %.*s   (piecework trust %lld)\n",
            STR_ARG(commands.items[i].command), (long long)plan);
  }
}

// Where a task's first hunk stands: " src/net.c:88", or nothing.
static Str place_of(Cli *cli, const Review *review, Str task)
{
  for (size_t i = 0; i < review->hunks.len; i++) {
    const ReviewHunk *hunk = &review->hunks.items[i];
    for (size_t k = 0; k < hunk->tasks.len; k++) {
      if (!str_eq(hunk->tasks.items[k], task)) continue;
      return str_fmt(&cli->arena, " %.*s:%zu", STR_ARG(review->files.items[hunk->file].path),
                     hunk->line ? hunk->line : hunk->hunk.old_start);
    }
  }
  return STR_NONE;
}

// What verification worries about, task by task.
static void say_verdicts(Cli *cli, int64_t plan, const Review *review)
{
  VerdictRowList rows = {0};
  Error ignored = {0};
  if (!journal_verdict_list(cli->engine->journal, &cli->arena, plan, true, &rows, &ignored)) return;
  for (size_t i = 0; i < rows.len; i++) {
    const VerdictRow *row = &rows.items[i];
    if (row->kind == VERDICT_OK) continue;
    cli_say("%.*s %s%.*s: %.*s\n", STR_ARG(row->task), verdict_name(row->kind),
            STR_ARG(place_of(cli, review, row->task)), STR_ARG(row->reason));
  }
}

// What came out, whatever the end was: finished work is kept.
static void summary(Cli *cli, int64_t plan)
{
  Review review;
  Receipt receipt;
  Error ignored = {0};
  if (!review_build(cli->engine, plan, &cli->arena, &review, &ignored)) return;
  if (!receipt_build(cli->engine, plan, &cli->arena, &receipt, &ignored)) return;
  if (cli_has(cli, OPT_JSON)) {
    summary_json(cli, plan, &review, &receipt);
    return;
  }
  cli_say("plan %lld: %zu hunk%s in %zu file%s\n", (long long)plan, review.hunks.len,
          plural(review.hunks.len), review.files.len, plural(review.files.len));
  if (review.test_command.len) {
    cli_say("test: %.*s %s\n", STR_ARG(review.test_command),
            review.test_status == 0 ? "passed in the worktree" : "FAILED in the worktree");
  }
  say_verdicts(cli, plan, &review);
  say_untrusted(cli, plan);
  cli_say("cost: %.*s\n", STR_ARG(receipt_line(&cli->arena, &receipt)));
}

// The pilot's change and the question whether the rest is to run. Without a person the run stays paused.
static bool go_on_after_pilot(Cli *cli, int64_t plan)
{
  Review review;
  Error ignored = {0};
  if (!review_build(cli->engine, plan, &cli->arena, &review, &ignored)) return false;
  Buf diff;
  buf_init(&diff, 64u << 20);
  review_diff(&cli->arena, &review, STR_NONE, &diff);
  if (!cli_has(cli, OPT_JSON)) cli_print("%.*s", STR_ARG(buf_str(&diff)));
  buf_deinit(&diff);
  cli_say("%s\n", cli->err.message);
  return !cli_has(cli, OPT_JSON) && terminal_in() && terminal_ask("run the rest?");
}

static bool run_once(Cli *cli, const RunSpec *spec)
{
  progress_begin(cli, spec->plan);
  bool ok = run_start(cli->engine, spec, cli_on_done, cli, &cli->err) && cli_wait(cli);
  progress_end(cli);
  return ok;
}

bool cli_run_plan(Cli *cli, int64_t plan, bool verify)
{
  Plan parsed = {0};
  RunSpec spec = {.plan = plan, .verify = verify, .past_budget = cli_has(cli, OPT_YES)};
  spec.no_pause = spec.past_budget;
  spec.batch = cli_has(cli, OPT_BATCH) ||
               (cli->command->run == cli_resume && run_wanted_batch(cli->engine, plan));
  if (!cli_report_problems(cli, plan, &parsed) || !consent(cli, plan, &parsed, spec.batch))
    return false;
  only_arg(cli, &spec.only);
  bool ok = run_once(cli, &spec);
  if (cli->err.code == ERR_CONSENT && go_on_after_pilot(cli, plan)) {
    error_clear(&cli->err);
    ok = run_once(cli, &spec);
  }
  summary(cli, plan);
  if (cli->err.code == ERR_CANCELLED) error_hint_set(&cli->err, "`piecework resume` goes on");
  return ok;
}

bool cli_run(Cli *cli)
{
  int64_t plan;
  if (!cli_plan_arg(cli, &plan) || !cli_record(cli)) return false;
  if (!cli_run_plan(cli, plan, !cli_has(cli, OPT_NO_VERIFY))) return false;
  cli_say("next: piecework diff %lld, then piecework apply %lld\n", (long long)plan,
          (long long)plan);
  return true;
}

// ---- stop ------------------------------------------------------------------------------------------

static bool has_ended(Cli *cli, int64_t plan, Str task)
{
  Arena arena;
  TaskRow row;
  Str holder = STR_NONE;
  bool ended = true;
  arena_init(&arena);
  if (!journal_lease_holder(cli->engine->journal, &arena, plan, &holder, NULL)) holder = STR_NONE;
  if (holder.len && !task.len) ended = false;
  if (holder.len && journal_task_get(cli->engine->journal, &arena, plan, task, &row, NULL)) {
    ended = row.state != TASK_WAITING && row.state != TASK_RUNNING && row.state != TASK_CHECKING;
  }
  arena_deinit(&arena);
  return ended;
}

// The plan may be at work in an editor or another shell: it is asked, and looked after.
bool cli_stop(Cli *cli)
{
  enum { POLL_MS = 100, WAIT_MS = 40000 };
  int64_t plan;
  Str task = cli->args.len > 1 ? cli->args.items[1] : STR_NONE;
  if (!cli_plan_arg(cli, &plan)) return false;
  TaskRow row;
  if (task.len && !journal_task_get(cli->engine->journal, &cli->arena, plan, task, &row, &cli->err))
    return false;
  if (!run_ask_stop(cli->engine, plan, task, cli_has(cli, OPT_NOW), &cli->err)) return false;
  const struct timespec pause = {0, POLL_MS * 1000000L};
  for (int waited = 0; waited < WAIT_MS; waited += POLL_MS) {
    nanosleep(&pause, NULL);
    if (has_ended(cli, plan, task)) {
      cli_say("plan %lld%s%.*s: stopped\n", (long long)plan, task.len ? " " : "", STR_ARG(task));
      return true;
    }
  }
  error_set(&cli->err, ERR_TIMEOUT, "plan %lld was asked to stop and still works", (long long)plan);
  return error_hint_set(&cli->err, "what is in flight may end first; --now cuts it");
}

// ---- resume ----------------------------------------------------------------------------------------

// A plan that was interrupted while it was made goes on where its journal ends.
static bool finish_planning(Cli *cli, const PlanRow *row)
{
  bool tries = cheap_first_open(cli->engine, row);
  progress_begin(cli, row->id);
  bool ok = resume_plan(cli->engine, row, cli_on_done, cli, &cli->err) && cli_wait(cli);
  progress_end(cli);
  if (tries) return cli_say_tries(cli, row->id, ok);
  if (ok)
    cli_say("plan %lld is ready: piecework run %lld\n", (long long)row->id, (long long)row->id);
  return ok;
}

static bool resume_one(Cli *cli, const PlanRow *row)
{
  cli_say("resuming plan %lld: %.*s\n", (long long)row->id,
          STR_ARG(row->title.len ? row->title : row->request));
  if (resume_kind(cli->engine, row) == RESUME_PLAN) return finish_planning(cli, row);
  bool verify = run_wanted_verify(cli->engine, row->id) && !cli_has(cli, OPT_NO_VERIFY);
  return cli_run_plan(cli, row->id, verify);
}

static bool plans_to_resume(Cli *cli, PlanRowList *rows)
{
  if (cli->args.len) {
    int64_t plan;
    PlanRow row;
    if (!cli_plan_arg(cli, &plan)) return false;
    if (!journal_plan_get(cli->engine->journal, &cli->arena, plan, &row, &cli->err)) return false;
    PUSH(&cli->arena, rows, row);
    return true;
  }
  Project *project = cli_project(cli);
  PlanRowList all = {0};
  if (!project) return false;
  if (!journal_plan_list(cli->engine->journal, &cli->arena, project_root(project), 0, &all,
                         &cli->err)) {
    return false;
  }
  for (size_t i = 0; i < all.len; i++) {
    bool open = resume_kind(cli->engine, &all.items[i]) != RESUME_NOTHING;
    if (open) PUSH(&cli->arena, rows, all.items[i]);
  }
  return true;
}

bool cli_resume(Cli *cli)
{
  PlanRowList rows = {0};
  Project *project = cli_project(cli);
  if (!project) return false;
  progress_begin(cli, 0);
  bool healed = !commit_heal(cli->engine, project, cli_on_done, cli) || cli_wait(cli);
  progress_end(cli);
  if (!healed) return false;
  size_t swept = apply_sweep_left(cli->engine, project);
  if (swept)
    cli_say("what %zu killed appl%s left beside your files is cleaned up: apply again\n", swept,
            swept == 1 ? "y" : "ies");
  if (!plans_to_resume(cli, &rows) || !cli_record(cli)) return false;
  if (!rows.len) cli_say("nothing was interrupted here\n");
  for (size_t i = 0; i < rows.len; i++) {
    if (!resume_one(cli, &rows.items[i])) return false;
  }
  return true;
}
