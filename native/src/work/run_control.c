// run_control.c: one task stopped, what another process asks of the one at work, and what a run was asked for, which
// resume asks for again. See run.h.
#include "work/planner.h"
#include "work/run_private.h"
#include "work/verify.h"

static Run *find(Engine *engine, int64_t plan)
{
  for (Run *run = engine->runs; run; run = run->next) {
    if (run->spec.plan == plan) return run;
  }
  return NULL;
}

static void cancel_waiting(Run *run, size_t t)
{
  TaskRow *row = &run->rows[t];
  row->state = TASK_CANCELLED;
  row->note = S("stopped");
  row->ended_ms = wall_now_ms();
  journal_task_put(run->engine->journal, row, NULL);
  schedule_drop(&run->schedule, t);
  run_tell_task(run, t);
}

// True when the task could still be stopped.
static bool cancel_one(Run *run, size_t t)
{
  if (run->active[t]) {
    run->cancelled[t] = true;
    task_cancel(run->active[t]);
    return true;
  }
  if (run->rows[t].state != TASK_WAITING) return false;
  cancel_waiting(run, t);
  return true;
}

bool run_cancel(Engine *engine, int64_t plan, Str task, Error *err)
{
  Run *run = find(engine, plan);
  if (!run || run->ended) {
    error_set(err, ERR_NOT_FOUND, "plan %lld does not run", (long long)plan);
    return error_hint_set(err, "a task that is not to run can be taken out of the plan file");
  }
  size_t known = 0, stopped = 0;
  for (size_t t = 0; t < run->tasks.len; t++) {
    if (!task_id_is(run->tasks.items[t].id, task)) continue;
    known++;
    stopped += cancel_one(run, t);
  }
  run_step_soon(run);
  if (stopped) return true;
  if (!known) return error_set(err, ERR_NOT_FOUND, "the plan has no task %.*s", STR_ARG(task));
  error_set(err, ERR_STALE, "%.*s has ended already", STR_ARG(task));
  return error_hint_set(err, "`status` says how");
}

// ---- across processes --------------------------------------------------------------------------------

static bool add_line(Engine *engine, Arena *arena, int64_t plan, Str line, Error *err)
{
  Str text = STR_NONE;
  return journal_fact_get(engine->journal, arena, plan, RUN_ASKED_FACT, &text, err) &&
         journal_fact_set(engine->journal, plan, RUN_ASKED_FACT,
                          str_fmt(arena, "%.*s%.*s\n", STR_ARG(text), STR_ARG(line)), err);
}

static bool ask(Engine *engine, Arena *arena, int64_t plan, Str line, Error *err)
{
  Str holder = STR_NONE;
  if (!journal_lease_holder(engine->journal, arena, plan, &holder, err)) return false;
  if (!holder.len) {
    error_set(err, ERR_NOT_FOUND, "nobody works on plan %lld", (long long)plan);
    return error_hint_set(err, "see :Piecework status");
  }
  if (!journal_begin(engine->journal, err)) return false;
  if (add_line(engine, arena, plan, line, err)) return journal_commit(engine->journal, err);
  journal_rollback(engine->journal);
  return false;
}

bool run_ask_stop(Engine *engine, int64_t plan, Str task, bool at_once, Error *err)
{
  Arena arena;
  arena_init(&arena);
  Str line = task.len ? str_cat(&arena, S("cancel "), task) : at_once ? S("stop now") : S("stop");
  bool ok = ask(engine, &arena, plan, line, err);
  arena_deinit(&arena);
  return ok;
}

static void heed_line(Engine *engine, int64_t plan, Str line)
{
  Error ignored = {0};
  if (str_starts(line, S("cancel "))) {
    run_cancel(engine, plan, str_skip(line, 7), &ignored);
  } else if (str_starts(line, S("stop"))) {
    planner_stop(engine, plan);
    run_stop(engine, plan, str_eq(line, S("stop now")));
  }
}

void run_heed(Engine *engine, int64_t plan)
{
  Arena arena;
  Str text = STR_NONE, line;
  arena_init(&arena);
  journal_fact_get(engine->journal, &arena, plan, RUN_ASKED_FACT, &text, NULL);
  if (text.len && journal_fact_set(engine->journal, plan, RUN_ASKED_FACT, STR_NONE, NULL)) {
    while (str_line(&text, &line)) heed_line(engine, plan, line);
  }
  arena_deinit(&arena);
}

// ---- wishes ------------------------------------------------------------------------------------------

static bool wanted(Engine *engine, int64_t plan, Str what, bool fallback)
{
  Arena arena;
  Error ignored = {0};
  Str text = STR_NONE;
  arena_init(&arena);
  journal_fact_get(engine->journal, &arena, plan, what, &text, &ignored);
  bool yes = text.len ? str_eq(text, S("yes")) : fallback;
  arena_deinit(&arena);
  return yes;
}

bool run_wanted_verify(Engine *engine, int64_t plan)
{
  return wanted(engine, plan, S("verify"), true);
}

bool run_wanted_batch(Engine *engine, int64_t plan)
{
  return wanted(engine, plan, S("batch"), false);
}

bool run_keep_wishes(Run *run, Error *err)
{
  Journal *journal = run->engine->journal;
  const RunSpec *spec = &run->spec;
  if (spec->nested) return true;
  return journal_fact_set(journal, spec->plan, S("verify"), spec->verify ? S("yes") : S("no"),
                          err) &&
         journal_fact_set(journal, spec->plan, S("batch"), spec->batch ? S("yes") : S("no"), err);
}
