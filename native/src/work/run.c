// run.c: the run of a plan. See run.h; what it shares with its other files is in run_private.h.
//
//   run_start: plan, lease, base, rows (run_setup.c)
//     |
//   GOING     hands out tasks while there are any and nothing speaks against it; each ends in task_done
//     |          stop | budget out | provider terminal or not well | pilots failed -> nothing more is handed out
//   CLOSING   the scratch copy of the checks goes
//     |
//   (VERIFY)  work/verify.h, when asked for
//     |
//   on_done
#include "work/run_private.h"

#include <inttypes.h>

#include "work/estimate.h"
#include "work/task_private.h"
#include "work/verify.h"

// One task for so many in flight is made ready ahead, its call reserved: it leaves when a slot is free.
enum { AHEAD_SHARE = 4 };
enum { LEASE_MS = 30000, TICK_MS = 500, RENEW_TICKS = 10, STATUS_MS = 500, SICK_MAX = 4 };

static void run_step(void *owner);

void run_step_soon(Run *run)
{
  loop_soon(run->engine->loop, &run->soon, run_step, run);
}

static Run *find(Engine *engine, int64_t plan)
{
  for (Run *run = engine->runs; run; run = run->next) {
    if (run->spec.plan == plan) return run;
  }
  return NULL;
}

bool run_active(Engine *engine, int64_t plan)
{
  return find(engine, plan) || verify_active(engine, plan);
}

static bool is_sick(Err code)
{
  return code == ERR_NETWORK || code == ERR_TIMEOUT || code == ERR_RATE || code == ERR_OVERLOADED;
}

// ---- the end -----------------------------------------------------------------------------------------

static void unlink_run(Run *run)
{
  Run **at = &run->engine->runs;
  while (*at && *at != run) at = &(*at)->next;
  if (*at) *at = run->next;
}

static void timer_closed(void *owner)
{
  Run *run = owner;
  if (--run->open_timers) return;
  arena_deinit(&run->arena);
  mem_free(run);
}

// Tells the caller last: it may start the next run from there.
static void run_free(Run *run, const Error *err)
{
  unlink_run(run);
  loop_soon_cancel(run->engine->loop, &run->soon);
  Error done = *err;
  OpDone *on_done = run->on_done;
  void *owner = run->owner;
  timer_close(&run->tick, timer_closed);
  timer_close(&run->status, timer_closed);
  if (on_done) on_done(owner, &done);
}

// Where the plan stands after this run.
static PlanState end_state(const Run *run, const RunCount *count)
{
  if (run->stopping) return PLAN_PAUSED;
  if (count->patches) return PLAN_REVIEW;
  // Only some were asked for, and they changed nothing; or the user has stopped what would.
  if (count->waiting || (count->cancelled && !count->failed)) return PLAN_READY;
  return count->failed || count->skipped ? PLAN_FAILED : PLAN_DONE;
}

// "; 12 requests wait in a batch: resume collects them", or nothing.
static Str requests_in_batches(Run *run)
{
  BatchRowList rows = {0};
  int64_t requests = 0;
  journal_batch_list(run->engine->journal, &run->arena, run->spec.plan, &rows, NULL);
  for (size_t i = 0; i < rows.len; i++) requests += rows.items[i].requests;
  if (!requests) return STR_NONE;
  return str_fmt(&run->arena, "; %" PRId64 " request%s wait in a batch: resume collects them",
                 requests, plural(requests));
}

static Str end_note(Run *run, const RunCount *count)
{
  Arena *arena = &run->arena;
  Str summary = run_summary(run, arena);
  if (run->stop_error.code == ERR_BUDGET) {
    PlanMoney held = {0};
    journal_money(run->engine->journal, run->spec.plan, &held, NULL);
    return str_fmt(arena, "paused at %.*s: %zu/%zu done; %s",
                   STR_ARG(money(arena, money_committed(&held))), count->done, run->tasks.len,
                   run->stop_error.message);
  }
  Str open = requests_in_batches(run);
  if (run->stopping)
    return str_fmt(arena, "%s; %.*s%.*s", run->stop_error.message, STR_ARG(summary), STR_ARG(open));
  bool nothing = count->done == run->tasks.len && !count->patches;
  if (nothing) return S("nothing needs to be changed");
  Str stayed = run_stayed(run, arena);
  if (stayed.len) return str_fmt(arena, "%.*s; %.*s", STR_ARG(summary), STR_ARG(stayed));
  return summary;
}

static void end_error(Run *run, const RunCount *count, Error *err)
{
  *err = run->stop_error;
  size_t undone = count->failed + count->skipped + count->partial + run->stayed.len;
  if (run->stopping || undone == 0) return;
  error_set(err, ERR_FAILED, "%.*s", STR_ARG(end_note(run, count)));
  error_hint_set(err, "%ssee :Piecework status for the reasons",
                 count->patches ? "the rest is ready for review; " : "");
}

static void verified(void *owner, const Error *err)
{
  Run *run = owner;
  RunCount count = run_count(run);
  Error own = {0};
  end_error(run, &count, &own);
  run_free(run, err->code != ERR_OK ? err : &own);
}

// The journal and those who watch. [verifies]: the review comes later.
static void record_end(Run *run, const RunCount *count, bool verifies)
{
  static const char *const words[PLAN_STATE_COUNT] = {[PLAN_READY] = "done",
                                                      [PLAN_PAUSED] = "paused",
                                                      [PLAN_REVIEW] = "done",
                                                      [PLAN_DONE] = "done",
                                                      [PLAN_FAILED] = "failed"};
  PlanState state = end_state(run, count);
  Str note = end_note(run, count);
  bool stopped = run->stop_error.code == ERR_CANCELLED;
  Error err = {0};
  if (!journal_plan_set_state(run->engine->journal, run->spec.plan, state, note, &err) &&
      !run->stopping) {
    run->stopping = true;
    run->stop_error = err;
  }
  run_tell_state(run, stopped ? "stopped" : words[state], note);
  if (run->stop_error.code == ERR_BUDGET) run_tell_budget(run, note);
  if (count->patches && !verifies)
    review_tell(run->engine, run->spec.plan, STR_NONE, run_stayed(run, &run->arena));
}

// What failed only because the provider was not well waits for better times.
static void forgive_sick(Run *run)
{
  if (!run->stopping || !is_sick(run->stop_error.code)) return;
  for (size_t t = 0; t < run->tasks.len; t++) {
    TaskRow *row = &run->rows[t];
    if (row->state != TASK_FAILED || !is_sick(run->codes[t])) continue;
    row->state = TASK_WAITING;
    row->note = STR_NONE;
    row->ended_ms = 0;
    journal_task_put(run->engine->journal, row, NULL);
    run_tell_task(run, t);
  }
}

static void note_stayed(Run *run, size_t t, Str why)
{
  if (!run->stayed.len) run->stayed_why = str_dup(&run->arena, why);
  PUSH(&run->arena, &run->stayed, run->tasks.items[t].id);
}

// A result that was to be replaced and was not stays.
static void keep_old_results(Run *run)
{
  for (size_t t = 0; t < run->tasks.len; t++) {
    TaskRow row = run->rows[t];
    bool restored = false;
    Str why = run->stop_error.code          ? str_from(run->stop_error.message)
              : row.state == TASK_CANCELLED ? S("stopped")
                                            : S("it was not done again");
    if (row.state != TASK_WAITING && row.state != TASK_CANCELLED) continue;
    if (!task_take_back(run->engine->journal, &row, &run->arena, why, &restored, NULL)) continue;
    if (!restored) continue;
    run->rows[t] = row;
    note_stayed(run, t, why);
    run_tell_task(run, t);
  }
}

static void closed(void *owner)
{
  Run *run = owner;
  forgive_sick(run);
  keep_old_results(run);
  RunCount count = run_count(run);
  bool verifies = run->spec.verify && !run->stopping && count.patches;
  run->checks = NULL;
  if (!run->spec.nested) record_end(run, &count, verifies);
  run_write_status(run);
  timer_stop(&run->tick);
  timer_stop(&run->status);
  if (run->leased) {
    journal_lease_release(run->engine->journal, run->spec.plan, str_from(run->engine->holder),
                          NULL);
  }
  Error err = {0};
  unlink_run(run);  // a verification may run tasks of the plan again
  VerifySpec spec = {.plan = run->spec.plan,
                     .past_budget = run->spec.past_budget,
                     .stayed = run_stayed(run, &run->arena)};
  if (verifies && verify_start(run->engine, &spec, verified, run, &err)) return;
  if (err.code == ERR_OK) end_error(run, &count, &err);
  run_free(run, &err);
}

static void close_run(Run *run)
{
  if (run->ended) return;
  run->ended = true;
  checks_close(run->checks, closed, run);
}

// ---- stopping ----------------------------------------------------------------------------------------

// What becomes of the tasks that are under way when nothing more is handed out.
typedef enum {
  TASKS_GO_ON,
  TASKS_HALT,  // what is in flight may end, nothing more is asked for
  TASKS_CUT,
} Stopping;

static void stop(Run *run, const Error *why, Stopping how)
{
  if (!run->stopping) run->stop_error = *why;
  run->stopping = true;
  for (size_t t = 0; t < run->tasks.len; t++) {
    if (!run->active[t]) continue;
    if (how == TASKS_CUT) task_cancel(run->active[t]);
    if (how == TASKS_HALT) task_halt(run->active[t]);
  }
  run_step_soon(run);
}

void run_stop(Engine *engine, int64_t plan, bool at_once)
{
  for (Run *run = engine->runs; run; run = run->next) {
    if (plan && run->spec.plan != plan) continue;
    Error why = {0};
    error_set(&why, ERR_CANCELLED, "stopped");
    if (!run->ended) stop(run, &why, at_once ? TASKS_CUT : TASKS_HALT);
  }
  verify_stop(engine, plan);
}

// The journal lost what runs had written: all stop with [err], and go on from the journal when started again.
static void journal_lost(Engine *engine, const Error *err)
{
  for (Run *run = engine->runs; run; run = run->next) {
    if (!run->ended) stop(run, err, TASKS_CUT);
  }
}

// ---- tasks -------------------------------------------------------------------------------------------

static void touching(void *owner, Str path, Arena *arena, StrList *ids)
{
  Run *run = owner;
  size_t at;
  if (!map_get(&run->paths, path, &at)) return;
  for (size_t i = 0; i < run->touchers[at].len; i++) {
    PUSH(arena, ids, run->tasks.items[run->touchers[at].items[i]].id);
  }
}

// Ends are told apart even within a millisecond: results fold in their order (base_text.h).
static int64_t end_time(void *owner)
{
  Run *run = owner;
  int64_t now = wall_now_ms();
  run->last_end_ms = now > run->last_end_ms ? now : run->last_end_ms + 1;
  return run->last_end_ms;
}

static void status_soon(Run *run)
{
  if (run->status_due) return;
  run->status_due = true;
  timer_start(&run->status, STATUS_MS, 0);
}

static void status_fire(void *owner)
{
  Run *run = owner;
  run->status_due = false;
  run_write_status(run);
}

static void copy_row(Run *run, size_t t, const TaskRow *row)
{
  TaskRow *own = &run->rows[t];
  own->state = row->state;
  own->rung = row->rung;
  own->added = row->added;
  own->removed = row->removed;
  own->started_ms = row->started_ms;
  own->ended_ms = row->ended_ms;
  if (!str_eq(own->note, row->note)) own->note = str_dup(&run->arena, row->note);
}

static void on_change(void *owner, Task *task)
{
  Run *run = owner;
  size_t t = task_number(task);
  copy_row(run, t, task_row(task));
  run_tell_task(run, t);
  status_soon(run);
}

static void poke_waiting(Run *run)
{
  for (size_t i = 0; i < run->running.len; i++) task_poke(run->active[run->running.items[i]]);
}

// A call ended: its reservation is gone. Several in a row that the provider could not answer mean that more
// calls would only fail too.
static void on_attempt(void *owner, Task *task, const AttemptReply *reply)
{
  Run *run = owner;
  (void)task;
  if (!reply->stored) run_tell_money(run);
  if (is_sick(reply->error.code)) {
    run->sick++;
  } else if (!reply->stored && reply->error.code != ERR_CANCELLED) {
    run->sick = 0;
  }
  if (run->sick >= SICK_MAX && !run->stopping) stop(run, &reply->error, TASKS_HALT);
  poke_waiting(run);
}

static void add_cost(Run *run, size_t t)
{
  journal_task_money(run->engine->journal, &run->rows[t], NULL);
}

static void tell_pilot(Run *run, size_t t)
{
  Arena arena;
  arena_init(&arena);
  Nano cost = run->rows[t].cost_known ? run->rows[t].cost : NANO_UNKNOWN;
  run_tell_state(run, "running",
                 str_fmt(&arena, "pilot %.*s: %s, %.*s", STR_ARG(run->rows[t].id),
                         task_state_name(run->rows[t].state), STR_ARG(money(&arena, cost))));
  arena_deinit(&arena);
}

static void end_cancelled(Run *run, size_t t)
{
  TaskRow *row = &run->rows[t];
  Error err = {0};
  row->state = TASK_CANCELLED;
  row->note = S("stopped");
  row->ended_ms = end_time(run);
  if (!journal_task_put(run->engine->journal, row, &err)) stop(run, &err, TASKS_HALT);
  journal_log(run->engine->journal, run->spec.plan, S("task"), row->id, "stopped");
  if (schedule_is_running(&run->schedule, t)) schedule_end(&run->schedule, t, false);
  schedule_drop(&run->schedule, t);
}

// With `pilot: "ask"`: a pilot, be it the second, has ended well and others wait.
static void pause_after_pilot(Run *run, size_t t)
{
  bool asks = run->engine->config->pilot == CONFIG_PILOT_ASK && !run->spec.no_pause;
  if (!asks || run->stopping || schedule_over(&run->schedule)) return;
  const TaskRow *row = &run->rows[t];
  Error why = {0};
  Str cost = money(&run->arena, row->cost_known ? row->cost : NANO_UNKNOWN);
  error_set(&why, ERR_CONSENT, "paused after the pilot %.*s: %s, +%" PRId64 " -%" PRId64 ", %.*s",
            STR_ARG(row->id), task_state_name(row->state), row->added, row->removed, STR_ARG(cost));
  error_hint_set(&why, "look at its change, correct the plan if it has to be, and run it to go on");
  stop(run, &why, TASKS_GO_ON);
}

static void leave_running(Run *run, size_t t)
{
  size_t at = 0;
  while (run->running.items[at] != t) at++;
  for (run->running.len--; at < run->running.len; at++)
    run->running.items[at] = run->running.items[at + 1];
  run->active[t] = NULL;
}

static void task_done(void *owner, Task *task, const TaskEnd *end)
{
  Run *run = owner;
  size_t t = task_number(task), paths;
  bool wanted = run->schedule.pilot_wanted && run->schedule.nodes[t].model, proven = false;
  copy_row(run, t, task_row(task));
  const Str *path = task_paths(task, &paths);
  for (size_t i = 0; i < paths; i++) run_touch(run, t, str_dup(&run->arena, path[i]));
  leave_running(run, t);
  run->codes[t] = end->error.code;
  bool result = end->state == TASK_DONE || end->state == TASK_PARTIAL;
  if (result && end->error.code != ERR_OK) note_stayed(run, t, str_from(end->error.message));
  add_cost(run, t);
  if (end->state == TASK_WAITING && run->cancelled[t]) {
    end_cancelled(run, t);
  } else if (end->state == TASK_WAITING) {
    schedule_return(&run->schedule, t);
    Error why = end->error;
    if (why.code == ERR_OK) error_set(&why, ERR_CANCELLED, "stopped");
    if (!run->stopping) stop(run, &why, why.code == ERR_BUDGET ? TASKS_GO_ON : TASKS_HALT);
  } else {
    bool well = end->state == TASK_DONE || end->state == TASK_ABSTAINED;
    schedule_end(&run->schedule, t, well);
    proven = wanted && !run->schedule.pilot_wanted;
    if (proven || (wanted && !well)) tell_pilot(run, t);  // not what only comes before a marked one
    journal_log(run->engine->journal, run->spec.plan, S("task"), run->rows[t].id, "%s%s%s",
                task_state_name(end->state), end->error.message[0] ? ": " : "", end->error.message);
  }
  run_tell_task(run, t);
  status_soon(run);
  poke_waiting(run);
  if (proven) pause_after_pilot(run, t);
  run_step_soon(run);
}

static void start_task(Run *run, size_t t)
{
  Arena arena;
  StrList before = {0};
  arena_init(&arena);
  run_before(run, t, &arena, &before);
  TaskStart start = {.engine = run->engine,
                     .project = run->project,
                     .plan = &run->plan,
                     .task = &run->tasks.items[t],
                     .budget = &run->budget,
                     .checks = run->checks,
                     .row = &run->rows[t],
                     .number = t,
                     .before = &before,
                     .batch = run->spec.batch && !run->schedule.pilot_wanted,
                     .for_hours = run->spec.batch,
                     .touching = touching,
                     .end_time = end_time,
                     .on_change = on_change,
                     .on_attempt = on_attempt,
                     .on_done = task_done,
                     .owner = run};
  start.remark = run_redo_note(run, t, &run->arena);
  run->active[t] = task_start(&start);
  PUSH(&run->arena, &run->running, t);
  arena_deinit(&arena);
}

// ---- the operation -----------------------------------------------------------------------------------

static void skip_tasks(Run *run)
{
  size_t t, cause;
  while (schedule_skipped(&run->schedule, &t, &cause)) {
    TaskRow *row = &run->rows[t];
    const TaskRow *first = &run->rows[cause];
    row->state = TASK_SKIPPED;
    row->note = str_fmt(&run->arena, "needs %.*s, which is %s", STR_ARG(first->id),
                        task_state_name(first->state));
    row->ended_ms = end_time(run);
    Error err = {0};
    if (!journal_task_put(run->engine->journal, row, &err)) stop(run, &err, TASKS_HALT);
    run_tell_task(run, t);
    status_soon(run);
  }
}

static void stop_after_pilots(Run *run)
{
  Error why = {0};
  error_set(&why, ERR_FAILED, "%d pilot tasks failed, so the others were not started",
            SCHEDULE_PILOTS);
  error_hint_set(
      &why, "correct the tasks in the plan and run again; run once more to go on all the same");
  stop(run, &why, TASKS_GO_ON);
}

static void run_step(void *owner)
{
  Run *run = owner;
  if (run->ended) return;
  skip_tasks(run);
  size_t t, most = run->engine->config->parallel > 0 ? (size_t)run->engine->config->parallel : 1;
  most += most / AHEAD_SHARE;
  if (run->spec.batch) most = run->tasks.len;  // they are handed in together
  while (!run->stopping && run->running.len < most && schedule_next(&run->schedule, &t)) {
    start_task(run, t);
  }
  if (run->running.len) return;
  run_reload(run);  // what was added at the last moment
  if (!schedule_over(&run->schedule) && run->schedule.changed) {
    run->schedule.changed = false;
    run_step_soon(run);
    return;
  }
  if (!run->stopping && schedule_pilot_failed(&run->schedule) && !schedule_over(&run->schedule)) {
    stop_after_pilots(run);
  }
  close_run(run);
}

static void tick(void *owner)
{
  Run *run = owner;
  Error err = {0};
  poke_waiting(run);
  run_heed(run->engine, run->spec.plan);
  run_reload(run);
  if (!run->leased || ++run->ticks % RENEW_TICKS) return;
  if (!journal_lease_renew(run->engine->journal, run->spec.plan, str_from(run->engine->holder),
                           LEASE_MS, &err) &&
      err.code == ERR_BUSY) {
    stop(run, &err, TASKS_CUT);  // another process took over while this one slept
  }
}

static StrList copy_list(Arena *arena, const StrList *list)
{
  StrList copy = {0};
  for (size_t i = 0; i < list->len; i++) PUSH(arena, &copy, str_dup(arena, list->items[i]));
  return copy;
}

static Run *run_new(Engine *engine, Project *project, const RunSpec *spec)
{
  Run *run = mem_alloc(sizeof(*run));
  run->engine = engine;
  run->project = project;
  arena_init(&run->arena);
  run->spec = *spec;
  run->spec.only = copy_list(&run->arena, &spec->only);
  run->spec.redo = copy_list(&run->arena, &spec->redo);
  run->spec.remarks = copy_list(&run->arena, &spec->remarks);
  return run;
}

static void start_timers(Run *run)
{
  timer_init(run->engine->loop, &run->tick, tick, run);
  timer_init(run->engine->loop, &run->status, status_fire, run);
  run->open_timers = 2;
  timer_start(&run->tick, TICK_MS, TICK_MS);
}

bool run_start(Engine *engine, const RunSpec *spec, OpDone *on_done, void *owner, Error *err)
{
  bool busy = find(engine, spec->plan) || (!spec->nested && verify_active(engine, spec->plan));
  if (busy) {
    return error_set(err, ERR_BUSY, "plan %" PRId64 " is at work already", spec->plan);
  }
  Project *project = engine_project_of_plan(engine, spec->plan, err);
  if (!project) return false;
  Run *run = run_new(engine, project, spec);
  if (!run_setup(run, err)) {
    arena_deinit(&run->arena);
    mem_free(run);
    return false;
  }
  run->on_done = on_done;
  run->owner = owner;
  run->next = engine->runs;
  engine->runs = run;
  engine->on_lost = journal_lost;
  run->checks = checks_new(engine, project, spec->plan);
  start_timers(run);
  attempt_collect(engine, spec->plan);
  if (!spec->nested) models_reopen(engine->models);
  run_tell_state(run, "running", STR_NONE);
  status_soon(run);
  run_step_soon(run);
  return true;
}

bool run_retry(Engine *engine, int64_t plan, Str task, Str remark, int rung, OpDone *on_done,
               void *owner, Error *err)
{
  RunSpec spec = {.plan = plan, .redo = {&task, 1, 1}, .remarks = {&remark, 1, 1}};
  spec.redo_rung = rung > 0 ? rung : 0;
  return run_start(engine, &spec, on_done, owner, err);
}
