// run_change.c: the plan file changed while a run goes on. Tasks keep their place in the run's arrays, new ones
// are added at the end, and the schedule is made again around what runs and what has ended.
//
//   in both, waiting        takes its changed specification
//   in both, else           left as it is; the next run looks at it
//   only in the new one     joins
//   only in the old one     stopped when it waits, else left
//
// A file that cannot be used is said once; the run goes on with what it knows.
#include <string.h>

#include "lib/fs.h"
#include "work/run_private.h"

#define GONE S("taken out of the plan")

typedef struct {
  size_t joined, changed, gone;
} Difference;

static void say(Run *run, const char *what, Str text)
{
  Arena arena;
  arena_init(&arena);
  run_tell_state(run, "running", str_fmt(&arena, "%s%.*s", what, STR_ARG(text)));
  arena_deinit(&arena);
}

static bool is_free(const Run *run, size_t t)
{
  bool gone = run->rows[t].state == TASK_CANCELLED && str_eq(run->rows[t].note, GONE);
  return !run->active[t] && (run->rows[t].state == TASK_WAITING || gone);
}

// ---- the difference ----------------------------------------------------------------------------------

static void *grown(Arena *arena, const void *old, size_t len, size_t more, size_t size)
{
  char *made = (char *)NEW_N(arena, uint64_t, ((len + more) * size + 7) / 8 + 1);
  if (len) memcpy(made, old, len * size);
  return made;
}

static void make_room(Run *run, size_t more)
{
  size_t len = run->tasks.len;
  run->rows = grown(&run->arena, run->rows, len, more, sizeof(*run->rows));
  run->active = grown(&run->arena, run->active, len, more, sizeof(*run->active));
  run->codes = grown(&run->arena, run->codes, len, more, sizeof(*run->codes));
  run->cancelled = grown(&run->arena, run->cancelled, len, more, sizeof(*run->cancelled));
}

static bool take_task(Run *run, const Map *known, const TaskSpec *task, Difference *diff,
                      Error *err)
{
  size_t t;
  Str hash = task_spec_hash(&run->arena, task);
  if (!map_get(known, task->id, &t)) {
    diff->joined++;
    PUSH(&run->arena, &run->tasks, *task);
    return run_begin_anew(run, run->tasks.len - 1, hash, err);
  }
  bool same = str_eq(run->rows[t].spec_hash, hash);
  if (!is_free(run, t) || (same && run->rows[t].state == TASK_WAITING)) return true;
  diff->changed++;
  run->tasks.items[t] = *task;
  return run_begin_anew(run, t, hash, err);
}

static bool skip_gone(Run *run, const TaskList *now, size_t before, Difference *diff, Error *err)
{
  Map names = {0};
  for (size_t i = 0; i < now->len; i++) map_add(&run->arena, &names, now->items[i].id, i);
  for (size_t t = 0; t < before; t++) {
    TaskRow *row = &run->rows[t];
    if (map_get(&names, row->id, NULL) || row->state != TASK_WAITING || run->active[t]) continue;
    diff->gone++;
    row->state = TASK_CANCELLED;  // as the user wished: no failure
    row->note = GONE;
    row->ended_ms = wall_now_ms();
    if (!journal_task_put(run->engine->journal, row, err)) return false;
    run_tell_task(run, t);
  }
  return true;
}

static NodeState node_of(const Run *run, size_t t)
{
  if (run->active[t]) return NODE_RUNNING;
  TaskState state = run->rows[t].state;
  if (state == TASK_WAITING) return NODE_WAITING;
  return state == TASK_DONE || state == TASK_ABSTAINED ? NODE_OK : NODE_BAD;
}

static bool reschedule(Run *run, Error *err)
{
  Schedule made;
  const Schedule *old = &run->schedule;
  NodeState *nodes = NEW_N(&run->arena, NodeState, run->tasks.len + 1);
  for (size_t t = 0; t < run->tasks.len; t++) nodes[t] = node_of(run, t);
  if (!schedule_init(&made, &run->arena, &run->tasks, old->pilot_asked, err)) return false;
  schedule_preset(&made, nodes);
  made.pilot_wanted &= old->pilot_wanted;
  made.pilots_bad = old->pilots_bad;
  made.changed = true;
  run->schedule = made;
  return true;
}

static bool take_plan(Run *run, const Plan *plan, Difference *diff, Error *err)
{
  Map known = {0};
  TaskList now = plan_expand(&run->arena, plan);
  size_t before = run->tasks.len;
  for (size_t t = 0; t < before; t++) map_add(&run->arena, &known, run->tasks.items[t].id, t);
  make_room(run, now.len);
  // a copy: running tasks point into the old list
  run->tasks.items = grown(&run->arena, run->tasks.items, before, now.len, sizeof(TaskSpec));
  run->tasks.cap = before + now.len;
  for (size_t i = 0; i < now.len; i++) {
    if (!take_task(run, &known, &now.items[i], diff, err)) return false;
  }
  if (!skip_gone(run, &now, before, diff, err)) return false;
  if (diff->joined + diff->changed + diff->gone == 0) return true;
  return run_take_bases(run, 0, false, err) && reschedule(run, err);
}

// ---- the whole ---------------------------------------------------------------------------------------

// Undone as a whole when something goes wrong: the arrays are replaced, never changed in place.
static bool take_in_one(Run *run, const Plan *plan, Difference *diff, Error *err)
{
  Run saved = *run;
  Journal *journal = run->engine->journal;
  if (!journal_begin(journal, err)) return false;
  if (take_plan(run, plan, diff, err) && journal_commit(journal, err)) {
    run->plan = *plan;
    return true;
  }
  journal_rollback(journal);
  run->tasks = saved.tasks;
  run->rows = saved.rows;
  run->active = saved.active;
  run->codes = saved.codes;
  run->cancelled = saved.cancelled;
  run->schedule = saved.schedule;
  return false;
}

static void say_difference(Run *run, const Difference *diff)
{
  Arena arena;
  arena_init(&arena);
  Str text =
      str_fmt(&arena, "%zu joined, %zu changed, %zu gone", diff->joined, diff->changed, diff->gone);
  say(run, "the plan changed: ", text);
  arena_deinit(&arena);
}

static bool load(Run *run, Plan *plan, Error *err)
{
  PlanRow row;
  PlanProblemList problems = {0};
  if (!run_load_plan(run->engine, run->spec.plan, &run->arena, &row, plan, err)) return false;
  if (plan_check(&run->arena, plan, run->project, &problems)) return true;
  for (size_t i = 0; i < problems.len; i++) {
    const PlanProblem *problem = &problems.items[i];
    if (problem->warning) continue;
    return error_set(err, ERR_INVALID, "line %d: %.*s", problem->line, STR_ARG(problem->text));
  }
  return error_set(err, ERR_INVALID, "it cannot be used");
}

void run_reload(Run *run)
{
  bool whole = !run->spec.only.len && !run->spec.redo.len && !run->spec.nested;
  if (!whole || run->stopping || run->ended) return;
  FsStat stat = fs_stat(run->plan_path);
  if (stat.kind != FS_FILE || stat.mtime_ns == run->plan_mtime_ns) return;
  run->plan_mtime_ns = stat.mtime_ns;
  Error err = {0};
  Plan plan = {0};
  Difference diff = {0};
  if (!load(run, &plan, &err) || !take_in_one(run, &plan, &diff, &err)) {
    say(run, "the changed plan file is not used: ", str_from(err.message));
  } else if (diff.joined + diff.changed + diff.gone) {
    say_difference(run, &diff);
    run_step_soon(run);
  }
}
