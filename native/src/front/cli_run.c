// cli_run.c: run and resume: execute and verify, with consent before and a summary after.
#include <time.h>

#include "base/map.h"
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
#include "work/verify.h"

// ---- before ----------------------------------------------------------------------------------------

// What is wrong with the plan file; false when it cannot run.
static bool report_problems(Cli *cli, int64_t plan, Plan *out)
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

static bool is_wanted(const StrList *only, Str id)
{
  for (size_t i = 0; i < only->len; i++) {
    if (task_id_is(id, only->items[i])) return true;
  }
  return !only->len;
}

// Its result is kept: it will not be paid for again.
static bool is_done(Cli *cli, const TaskRow *row, const TaskSpec *task)
{
  bool done = row->state == TASK_DONE || row->state == TASK_ABSTAINED;
  return done && str_eq(row->spec_hash, task_spec_hash(&cli->arena, task));
}

// What of the plan is ahead: the tasks to run, and those to verify, which are these and what was not judged yet.
typedef struct {
  Plan run, verify;
  size_t done;  // of the tasks asked for
} Ahead;

static bool find_ahead(Cli *cli, const RunSpec *spec, const Plan *plan, Ahead *out)
{
  TaskList all = plan_expand(&cli->arena, plan);
  TaskRowList rows = {0};
  StrList unjudged = {0};
  Map index = {0}, judge = {0};
  if (!journal_task_list(cli->engine->journal, &cli->arena, spec->plan, &rows, &cli->err))
    return false;
  if (spec->verify &&
      !verify_unjudged(cli->engine, spec->plan, &all, &cli->arena, &unjudged, &cli->err))
    return false;
  for (size_t i = 0; i < unjudged.len; i++) map_add(&cli->arena, &judge, unjudged.items[i], i);
  for (size_t i = 0; i < rows.len; i++) map_add(&cli->arena, &index, rows.items[i].id, i);
  *out = (Ahead){.run = *plan, .verify = *plan};
  out->run.tasks = out->verify.tasks = (TaskList){0};
  for (size_t i = 0; i < all.len; i++) {
    const TaskSpec *task = &all.items[i];
    size_t row;
    bool wanted = is_wanted(&spec->only, task->id);
    bool paid = map_get(&index, task->id, &row) && is_done(cli, &rows.items[row], task);
    out->done += wanted && paid;
    if (wanted && !paid) PUSH(&cli->arena, &out->run.tasks, *task);
    if ((wanted && !paid) || map_get(&judge, task->id, NULL))
      PUSH(&cli->arena, &out->verify.tasks, *task);
  }
  if (out->run.tasks.len + out->done) return true;
  return error_set(&cli->err, ERR_NOT_FOUND, "the plan has no task %.*s",
                   STR_ARG(cli_value(cli, OPT_ONLY, STR_NONE)));
}

// The estimate is shown, and asked about when it is more than the user wants to spend unasked.
static bool consent(Cli *cli, Project *project, const RunSpec *spec, const Plan *plan)
{
  Ahead of;
  if (!find_ahead(cli, spec, plan, &of)) return false;
  if (spec->batch && !run_batches_possible(cli->engine, &of.run.tasks, &cli->err)) return false;
  if (cli_has(cli, OPT_YES) && cli_has(cli, OPT_JSON)) return true;  // nobody would see it
  Estimate e = estimate_plan(cli->engine, project, &cli->arena, &of.run);
  if (spec->batch) estimate_batch(cli->engine, &e);
  // Planning is paid already, whether its cost is known or not.
  Nano verify = spec->verify && of.verify.tasks.len
                    ? estimate_plan(cli->engine, project, &cli->arena, &of.verify).verify.cost
                    : 0;
  Nano ahead = e.execute.cost < 0 || verify < 0 ? NANO_UNKNOWN : e.execute.cost + verify;
  Str total = money_about(&cli->arena, ahead);
  if (!cli_has(cli, OPT_JSON)) {
    size_t tasks = of.run.tasks.len + of.done;
    Str kept = of.done ? str_fmt(&cli->arena, ", %zu done already", of.done) : STR_NONE;
    cli_say("plan %lld: %zu task%s%.*s, %.*s (estimate%s)\n", (long long)spec->plan, tasks,
            plural(tasks), STR_ARG(kept), STR_ARG(total), spec->batch ? ", at batch rates" : "");
  }
  Nano most = cli->engine->config->ask_above;
  if (cli_has(cli, OPT_YES) || most < 0 || ahead <= most) return true;
  cli_look_end(cli);  // files may change before there is an answer
  bool agreed = terminal_ask("run it?");
  cli_look(cli, project);
  if (agreed) return true;
  Str above = money(&cli->arena, most);
  error_set(&cli->err, ERR_CONSENT, "not run: %.*s is more than %.*s (ask_above)", STR_ARG(total),
            STR_ARG(above));
  return error_hint_set(&cli->err, "--yes runs it; `budget:` in the plan is the hard cap");
}

static bool only_arg(Cli *cli, StrList *only)
{
  for (Str rest = cli_value(cli, OPT_ONLY, STR_NONE), id; str_cut(&rest, ',', &id);) {
    if (str_trim(id).len) PUSH(&cli->arena, only, str_trim(id));
  }
  if (only->len || !cli_has(cli, OPT_ONLY)) return true;
  return error_set(&cli->err, ERR_USAGE, "--only names no task: write it as T01,T02");
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

// Commands that would have run. Without verification nobody asked for the test.
static void say_untrusted(Cli *cli, int64_t plan, bool verify)
{
  PlanCommandList commands = {0};
  Error ignored = {0};
  if (!trust_list(cli->engine, plan, &cli->arena, &commands, &ignored)) return;
  for (size_t i = 0; i < commands.len; i++) {
    bool test = str_eq(commands.items[i].where, S("test"));
    if (commands.items[i].trusted || (test && !verify)) continue;
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
static void say_verdicts(Cli *cli, int64_t plan, Review *review)
{
  VerdictRowList rows = {0};
  Error ignored = {0};
  if (!journal_verdict_list(cli->engine->journal, &cli->arena, plan, &rows, &ignored)) return;
  if (rows.len) review_place(cli->engine, &cli->arena, review, &ignored);
  for (size_t i = 0; i < rows.len; i++) {
    const VerdictRow *row = &rows.items[i];
    if (row->kind == VERDICT_OK) continue;
    cli_say("%.*s %s%.*s: %.*s\n", STR_ARG(row->task), verdict_name(row->kind),
            STR_ARG(place_of(cli, review, row->task)), STR_ARG(row->reason));
  }
}

// What came out, whatever the end was: finished work is kept. How many hunks there are to look at.
static size_t summary(Cli *cli, int64_t plan, bool verify)
{
  Review review;
  Receipt receipt;
  Error ignored = {0};
  if (!review_gather(cli->engine, plan, &cli->arena, &review, &ignored) ||
      !receipt_build(cli->engine, plan, &cli->arena, &receipt, &ignored)) {
    return 0;
  }
  if (cli_has(cli, OPT_JSON)) {
    summary_json(cli, plan, &review, &receipt);
    return review.hunks.len;
  }
  cli_say("plan %lld: %zu hunk%s in %zu file%s\n", (long long)plan, review.hunks.len,
          plural(review.hunks.len), review.files.len, plural(review.files.len));
  if (review.test_command.len) {
    cli_say("test: %.*s %s\n", STR_ARG(review.test_command),
            review.test_status == 0 ? "passed in the worktree" : "FAILED in the worktree");
  }
  say_verdicts(cli, plan, &review);
  say_untrusted(cli, plan, verify);
  cli_say("cost: %.*s\n", STR_ARG(receipt_line(&cli->arena, &receipt)));
  return review.hunks.len;
}

// The pilot's change and the question whether the rest is to run. Without a person the run stays paused.
static bool go_on_after_pilot(Cli *cli, int64_t plan)
{
  Review review;
  Error ignored = {0};
  if (cli_has(cli, OPT_JSON)) return false;
  if (!review_build(cli->engine, plan, &cli->arena, &review, &ignored)) return false;
  cli_print_review(cli, &review, &(StrList){0}, terminal_out());
  return terminal_in() && terminal_ask("run the rest?");
}

static bool start(Cli *cli, const RunSpec *spec)
{
  progress_begin(cli, spec->plan);
  return run_start(cli->engine, spec, cli_on_done, cli, &cli->err);
}

// Is the plan in order and does the user agree? Then it starts, with the files as they were seen for that.
static bool start_asked(Cli *cli, const RunSpec *spec)
{
  Plan parsed = {0};
  Project *project = engine_project_of_plan(cli->engine, spec->plan, &cli->err);
  if (!project) return false;
  cli_look(cli, project);
  bool started = report_problems(cli, spec->plan, &parsed) &&
                 consent(cli, project, spec, &parsed) && start(cli, spec);
  cli_look_end(cli);
  return started;
}

static bool finish(Cli *cli, bool started)
{
  bool ok = started && cli_wait(cli);
  if (cli->progress) progress_end(cli);
  return ok;
}

bool cli_run_plan(Cli *cli, int64_t plan, bool verify, size_t *hunks)
{
  RunSpec spec = {.plan = plan, .verify = verify, .past_budget = cli_has(cli, OPT_YES)};
  spec.no_pause = spec.past_budget;
  spec.batch = cli_has(cli, OPT_BATCH) ||
               (cli->command->run == cli_resume && run_wanted_batch(cli->engine, plan));
  *hunks = 0;
  bool started = only_arg(cli, &spec.only) && start_asked(cli, &spec);
  bool ok = finish(cli, started);
  if (!started) return false;
  if (cli->err.code == ERR_CONSENT && go_on_after_pilot(cli, plan)) {
    error_clear(&cli->err);
    ok = finish(cli, start(cli, &spec));
  }
  *hunks = summary(cli, plan, verify);
  if (cli->err.code == ERR_CANCELLED) error_hint_set(&cli->err, "`piecework resume` goes on");
  return ok;
}

static bool run_and_say_next(Cli *cli, int64_t plan, bool verify)
{
  size_t hunks;
  if (!cli_run_plan(cli, plan, verify, &hunks)) return false;
  if (hunks) {
    cli_say("next: piecework diff %lld, then piecework apply %lld\n", (long long)plan,
            (long long)plan);
  }
  return true;
}

bool cli_run(Cli *cli)
{
  int64_t plan;
  // A file that becomes a plan is checked, and once more when it runs. Where we are matters to a file only, and is
  // said there.
  cli_look(cli, cli_project(cli));
  error_clear(&cli->err);
  bool ok = cli_plan_arg(cli, &plan) && cli_record(cli) &&
            run_and_say_next(cli, plan, !cli_has(cli, OPT_NO_VERIFY));
  cli_look_end(cli);
  return ok;
}

// ---- stop ------------------------------------------------------------------------------------------

// Has the plan, or every task that [task] means, come to an end? [*stopped]: by being stopped.
static bool has_ended(Cli *cli, int64_t plan, Str task, bool *stopped)
{
  Arena arena;
  TaskRowList rows = {0};
  Str holder = STR_NONE;
  arena_init(&arena);
  if (!journal_lease_holder(cli->engine->journal, &arena, plan, &holder, NULL)) holder = STR_NONE;
  bool ended = !holder.len || task.len;
  *stopped = !task.len;
  if (task.len) journal_task_list(cli->engine->journal, &arena, plan, &rows, NULL);
  for (size_t i = 0; i < rows.len; i++) {
    TaskState state = rows.items[i].state;
    if (!task_id_is(rows.items[i].id, task)) continue;
    bool open = state == TASK_WAITING || state == TASK_RUNNING || state == TASK_CHECKING;
    if (open && holder.len) ended = false;
    *stopped |= state == TASK_CANCELLED;
  }
  arena_deinit(&arena);
  return ended;
}

static bool has_task(Cli *cli, int64_t plan, Str task)
{
  TaskRowList rows = {0};
  if (!journal_task_list(cli->engine->journal, &cli->arena, plan, &rows, &cli->err)) return false;
  for (size_t i = 0; i < rows.len; i++) {
    if (task_id_is(rows.items[i].id, task)) return true;
  }
  return error_set(&cli->err, ERR_NOT_FOUND, "plan %lld has no task %.*s", (long long)plan,
                   STR_ARG(task));
}

static bool say_stopped(Cli *cli, int64_t plan, Str task, bool stopped)
{
  if (!cli_has(cli, OPT_JSON)) {
    cli_say("plan %lld%s%.*s: %s\n", (long long)plan, task.len ? " " : "", STR_ARG(task),
            stopped ? "stopped" : "had ended already");
    return true;
  }
  Value *map = value_map(&cli->arena);
  value_put_int(&cli->arena, map, S("plan"), plan);
  value_put_str(&cli->arena, map, S("task"), task);
  value_put_bool(&cli->arena, map, S("stopped"), stopped);
  cli_json(map);
  return true;
}

// The plan may be at work in an editor or another shell: it is asked, and looked after.
bool cli_stop(Cli *cli)
{
  enum { POLL_MS = 100, WAIT_MS = 40000 };
  int64_t plan;
  Str task = cli->args.len > 1 ? cli->args.items[1] : STR_NONE;
  if (!cli_plan_arg(cli, &plan)) return false;
  if (task.len && !has_task(cli, plan, task)) return false;
  if (!run_ask_stop(cli->engine, plan, task, cli_has(cli, OPT_NOW), &cli->err)) return false;
  const struct timespec pause = {0, POLL_MS * 1000000L};
  for (int waited = 0; waited < WAIT_MS; waited += POLL_MS) {
    nanosleep(&pause, NULL);
    bool stopped;
    if (!has_ended(cli, plan, task, &stopped)) continue;
    return say_stopped(cli, plan, task, stopped);
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
  return run_and_say_next(cli, row->id, verify);
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
  if (!rows.len) {
    cli_say("nothing was interrupted here\n");
    Value *map = value_map(&cli->arena);
    value_set(map, S("plans"), value_list(&cli->arena));
    if (cli_has(cli, OPT_JSON)) cli_json(map);
  }
  for (size_t i = 0; i < rows.len; i++) {
    if (!resume_one(cli, &rows.items[i])) return false;
  }
  return true;
}
