// run_setup.c: how a run begins: the plan as it is now, the lease, the base texts, the rows of the tasks,
// the schedule. See run_private.h.
#include "lib/fs.h"
#include "model/batch.h"
#include "patch/diff.h"
#include "work/plan_store.h"
#include "work/run_private.h"
#include "work/task_private.h"
#include "work/trust.h"

enum { LEASE_MS = 30000, REMARK_DIFF_MAX = 3000, PLAN_FILE_MAX = 16 << 20 };

// ---- plan --------------------------------------------------------------------------------------------

static bool first_problem(const PlanProblemList *problems, Err code, Error *err)
{
  for (size_t i = 0; i < problems->len; i++) {
    const PlanProblem *problem = &problems->items[i];
    if (problem->warning) continue;
    return error_set(err, code, "plan file, line %d: %.*s", problem->line, STR_ARG(problem->text));
  }
  return error_set(err, code, "the plan file cannot be used");
}

bool run_load_plan(Engine *engine, int64_t id, Arena *arena, PlanRow *row, Plan *out, Error *err)
{
  Str text;
  PlanProblemList problems = {0};
  if (!journal_plan_get(engine->journal, arena, id, row, err)) return false;
  if (!row->path.len) {
    error_set(err, ERR_NOT_FOUND, "plan %lld has no file: it is %s", (long long)id,
              plan_state_name(row->state));
    return error_hint_set(err, "plan it again");
  }
  if (!fs_read(arena, str_z(arena, row->path), PLAN_FILE_MAX, &text, err)) return false;
  if (!plan_parse(arena, text, out, &problems))
    return first_problem(&problems, ERR_PLAN_SYNTAX, err);
  out->id = id;
  Project *project = engine_project(engine, str_z(arena, row->root), err);
  if (!project) return false;
  plan_find_targets(engine, project, arena, row, out, &problems);
  return !problems.errors || first_problem(&problems, ERR_INVALID, err);
}

static bool load_plan(Run *run, Error *err)
{
  if (!run_load_plan(run->engine, run->spec.plan, &run->arena, &run->plan_row, &run->plan, err))
    return false;
  run->tasks = plan_expand(&run->arena, &run->plan);
  if (run->tasks.len == 0) return error_set(err, ERR_INVALID, "the plan has no tasks");
  run->rows = NEW_N(&run->arena, TaskRow, run->tasks.len);
  run->plan_path = str_z(&run->arena, run->plan_row.path);
  run->plan_mtime_ns = fs_stat(run->plan_path).mtime_ns;
  run->active = NEW_N(&run->arena, Task *, run->tasks.len);
  run->cancelled = NEW_N(&run->arena, bool, run->tasks.len);
  run->codes = NEW_N(&run->arena, Err, run->tasks.len);
  return true;
}

static bool check_plan(Run *run, Error *err)
{
  PlanProblemList problems = {0};
  if (plan_check(&run->arena, &run->plan, run->project, &problems)) return true;
  return first_problem(&problems, ERR_INVALID, err);
}

// ---- which tasks -------------------------------------------------------------------------------------

// Does [list] name the task, or the `each:` task it is a target of?
static size_t named(const StrList *list, Str id)
{
  for (size_t i = 0; i < list->len; i++) {
    if (task_id_is(id, list->items[i])) return i;
  }
  return SIZE_MAX;
}

static bool check_names(Run *run, const StrList *list, Error *err)
{
  for (size_t i = 0; i < list->len; i++) {
    StrList one = {&list->items[i], 1, 1};
    bool known = false;
    for (size_t t = 0; t < run->tasks.len; t++) known |= named(&one, run->tasks.items[t].id) == 0;
    if (!known) {
      return error_set(err, ERR_NOT_FOUND, "the plan has no task %.*s", STR_ARG(list->items[i]));
    }
  }
  return true;
}

static bool interrupted(const Run *run)
{
  PlanState state = run->plan_row.state;
  return state == PLAN_RUNNING || state == PLAN_PAUSED || state == PLAN_VERIFYING;
}

static bool ended_bad(TaskState state)
{
  return state == TASK_FAILED || state == TASK_REFUSED || state == TASK_CANCELLED;
}

// Does the task begin anew, its result forgotten?
static bool begins_anew(const Run *run, const TaskRow *row, Str hash, bool redo, bool asked)
{
  if (redo || !str_eq(row->spec_hash, hash)) return true;
  if (asked && (row->state == TASK_PARTIAL || ended_bad(row->state))) return true;
  return ended_bad(row->state) && !interrupted(run) && !run->spec.only.len && !run->spec.redo.len;
}

static bool is_open(TaskState state)
{
  return state == TASK_WAITING || state == TASK_RUNNING || state == TASK_CHECKING ||
         state == TASK_SKIPPED;
}

static const char *executor_name(Executor executor)
{
  static const char *const names[] = {
      [EXECUTOR_MODEL] = "model", [EXECUTOR_SUBSTITUTE] = "substitute", [EXECUTOR_MOVE] = "move"};
  return names[executor];
}

static TaskRow new_row(Run *run, const TaskSpec *task, Str hash)
{
  return (TaskRow){.plan = run->spec.plan,
                   .id = task->id,
                   .title = task->title,
                   .spec_hash = hash,
                   .executor = str_from(executor_name(task->executor)),
                   .cost_known = true};
}

// What a reviewer said, with what it was said about, for the model that does it again.
static bool store_remark(Run *run, const TaskSpec *task, Str remark, Error *err)
{
  Journal *journal = run->engine->journal;
  PatchRowList rows = {0};
  Buf text;
  if (str_trim(remark).len == 0) return true;
  if (!journal_patch_list(journal, &run->arena, run->spec.plan, task->id, &rows, err)) return false;
  buf_init(&text, 16 << 10);
  buf_fmt(&text, "An earlier result was rejected: %.*s\n", STR_ARG(str_trim(remark)));
  Buf diff;
  buf_init(&diff, 1 << 20);
  for (size_t i = 0; i < rows.len; i++) {
    UnifiedFile file = {.path = rows.items[i].path, .context = 2};
    Str shown = rows.items[i].shown_hash, made = rows.items[i].new_hash;
    if (shown.len) journal_blob_get(journal, &run->arena, shown, &file.old_text, NULL);
    if (made.len) journal_blob_get(journal, &run->arena, made, &file.new_text, NULL);
    diff_unified(&run->arena, &diff, &file);
  }
  Str cut = str_sub(buf_str(&diff), 0, str_utf8_floor(buf_str(&diff), REMARK_DIFF_MAX));
  if (cut.len)
    buf_fmt(&text, "It was:\n%.*s\nThe text above is as it was before that result.", STR_ARG(cut));
  bool ok = journal_fact_set(journal, run->spec.plan, task_remark_fact(&run->arena, task->id),
                             buf_str(&text), err);
  buf_deinit(&diff);
  buf_deinit(&text);
  return ok;
}

static bool clear_extra(Run *run, Str id, Error *err)
{
  return journal_fact_set(run->engine->journal, run->spec.plan, task_extra_fact(&run->arena, id),
                          STR_NONE, err);
}

bool run_begin_anew(Run *run, size_t t, Str hash, Error *err)
{
  Journal *journal = run->engine->journal;
  const TaskSpec *task = &run->tasks.items[t];
  run->rows[t] = new_row(run, task, hash);
  return journal_task_drop(journal, run->spec.plan, task->id, err) &&
         clear_extra(run, task->id, err) && journal_task_put(journal, &run->rows[t], err);
}

// The same work once more: the result it has stays until there is a better one.
static bool begin_redo(Run *run, size_t t, const TaskRow *old, Str hash, size_t redo, Error *err)
{
  Journal *journal = run->engine->journal;
  const TaskSpec *task = &run->tasks.items[t];
  Str remark = redo < run->spec.remarks.len ? run->spec.remarks.items[redo] : STR_NONE;
  if (!store_remark(run, task, remark, err)) return false;
  bool result = old && (old->state == TASK_DONE || old->state == TASK_PARTIAL);
  bool keep = result && str_eq(old->spec_hash, hash);
  if (!keep && !run_begin_anew(run, t, hash, err)) return false;
  if (keep && (!task_put_aside(journal, old, err) || !clear_extra(run, task->id, err)))
    return false;
  run->rows[t] = new_row(run, task, hash);
  if (run->spec.redo_rung > 0) run->rows[t].rung = run->spec.redo_rung;
  return journal_task_put(journal, &run->rows[t], err);
}

// It was done before its check was trusted, and now it is.
static bool missed_check(Run *run, const TaskSpec *task, const TaskRow *row)
{
  return row->state == TASK_DONE && check_was_untrusted(row->note) &&
         trust_given(run->engine, project_root(run->project), task->check);
}

// The task is done again from what was paid for (attempt.c finds the replies since it started), this time with its
// check. What the user has decided stays.
static bool check_again(Run *run, size_t t, Error *err)
{
  TaskRow *row = &run->rows[t];
  row->state = TASK_WAITING;
  row->note = STR_NONE;
  row->ended_ms = row->added = row->removed = 0;
  return journal_patch_set(run->engine->journal, run->spec.plan, row->id, NULL, NULL, NULL, 0,
                           err) &&
         journal_task_put(run->engine->journal, row, err);
}

static const TaskRow *find_row(const TaskRowList *rows, const Map *index, Str id)
{
  size_t at;
  return map_get(index, id, &at) ? &rows->items[at] : NULL;
}

// A task that the journal does not know yet.
static bool begin_first(Run *run, size_t t, Str hash, Error *err)
{
  run->rows[t] = new_row(run, &run->tasks.items[t], hash);
  return journal_task_put(run->engine->journal, &run->rows[t], err);
}

// The row of one task and what the schedule is to think of it.
static bool set_row(Run *run, size_t t, const TaskRow *old, NodeState *node, Error *err)
{
  const TaskSpec *task = &run->tasks.items[t];
  Str hash = task_spec_hash(&run->arena, task);
  size_t redo = named(&run->spec.redo, task->id);
  bool asked = named(&run->spec.only, task->id) != SIZE_MAX;
  bool part = redo != SIZE_MAX || asked || (!run->spec.only.len && !run->spec.redo.len);
  *node = part ? NODE_WAITING : NODE_BAD;
  if (!old && redo == SIZE_MAX) return begin_first(run, t, hash, err);
  if (!old || (part && begins_anew(run, old, hash, redo != SIZE_MAX, asked))) {
    return redo == SIZE_MAX ? run_begin_anew(run, t, hash, err)
                            : begin_redo(run, t, old, hash, redo, err);
  }
  TaskRow *row = &run->rows[t];
  *row = *old;
  row->title = task->title;
  if (part && missed_check(run, task, row)) return check_again(run, t, err);
  if (row->state == TASK_DONE || row->state == TASK_ABSTAINED) *node = NODE_OK;
  if (row->state == TASK_PARTIAL || ended_bad(row->state)) *node = NODE_BAD;
  if (!part || !is_open(row->state)) return true;
  row->state = TASK_WAITING;
  row->note = STR_NONE;
  row->ended_ms = 0;
  return journal_task_put(run->engine->journal, row, err);
}

static bool drop_gone(Run *run, const TaskRowList *rows, Error *err)
{
  Map index = {0};
  for (size_t t = 0; t < run->tasks.len; t++)
    map_add(&run->arena, &index, run->tasks.items[t].id, t);
  for (size_t i = 0; i < rows->len; i++) {
    if (map_get(&index, rows->items[i].id, NULL)) continue;
    Str id = rows->items[i].id;
    if (!journal_task_drop(run->engine->journal, run->spec.plan, id, err) ||
        !clear_extra(run, id, err)) {
      return false;
    }
  }
  return true;
}

static bool set_rows(Run *run, const TaskRowList *rows, NodeState *nodes, Error *err)
{
  Map index = {0};
  for (size_t i = 0; i < rows->len; i++) map_add(&run->arena, &index, rows->items[i].id, i);
  for (size_t t = 0; t < run->tasks.len; t++) {
    const TaskRow *old = find_row(rows, &index, run->tasks.items[t].id);
    if (!set_row(run, t, old, &nodes[t], err)) return false;
    if (run->rows[t].ended_ms > run->last_end_ms) run->last_end_ms = run->rows[t].ended_ms;
  }
  return drop_gone(run, rows, err);
}

static bool anything_finished(const TaskRowList *rows)
{
  for (size_t i = 0; i < rows->len; i++) {
    TaskState state = rows->items[i].state;
    if (state == TASK_DONE || state == TASK_PARTIAL) return true;
  }
  return false;
}

// ---- base --------------------------------------------------------------------------------------------

typedef struct {
  Run *run;
  Map seen;
  bool fresh;
} BaseTaking;

static bool take(BaseTaking *taking, Str path, Error *err)
{
  Run *run = taking->run;
  if (path.len == 0 || !map_add(&run->arena, &taking->seen, path, 0)) return true;
  if (taking->fresh) return base_retake(run->engine, run->project, run->spec.plan, path, err);
  return base_take(run->engine, run->project, run->spec.plan, path, err);
}

static bool take_refs(BaseTaking *taking, const FileRefList *refs, Error *err)
{
  for (size_t i = 0; i < refs->len; i++) {
    if (!take(taking, refs->items[i].path, err)) return false;
  }
  return true;
}

bool run_take_bases(Run *run, size_t first, bool fresh, Error *err)
{
  BaseTaking taking = {.run = run, .fresh = fresh};
  for (size_t t = first; t < run->tasks.len; t++) {
    const TaskSpec *task = &run->tasks.items[t];
    if (!take_refs(&taking, &task->files, err) || !take_refs(&taking, &task->read, err))
      return false;
    if (!take(&taking, task->from.path, err) || !take(&taking, task->to, err)) return false;
  }
  return true;
}

// ---- results of earlier runs ---------------------------------------------------------------------------

void run_touch(Run *run, size_t task, Str path)
{
  size_t at = run->toucher_count;
  if (map_add(&run->arena, &run->paths, path, at)) {
    if (at == run->toucher_cap) {
      run->touchers =
          arena_grow(&run->arena, run->touchers, at, &run->toucher_cap, sizeof(*run->touchers));
    }
    run->toucher_count++;
  } else {
    map_get(&run->paths, path, &at);
  }
  Touchers *touchers = &run->touchers[at];
  for (size_t i = 0; i < touchers->len; i++) {
    if (touchers->items[i] == task) return;
  }
  PUSH(&run->arena, touchers, task);
}

static bool touch_known(Run *run, Error *err)
{
  PatchRowList rows = {0};
  Map index = {0};
  if (!journal_patch_list(run->engine->journal, &run->arena, run->spec.plan, STR_NONE, &rows,
                          err)) {
    return false;
  }
  for (size_t t = 0; t < run->tasks.len; t++)
    map_add(&run->arena, &index, run->tasks.items[t].id, t);
  for (size_t i = 0; i < rows.len; i++) {
    size_t t;
    if (!map_get(&index, rows.items[i].task, &t)) continue;
    run_touch(run, t, rows.items[i].path);
    if (rows.items[i].renamed_from.len) run_touch(run, t, rows.items[i].renamed_from);
  }
  return true;
}

Str run_redo_note(Run *run, size_t task, Arena *arena)
{
  Str text = STR_NONE;
  journal_fact_get(run->engine->journal, arena, run->spec.plan,
                   task_remark_fact(arena, run->tasks.items[task].id), &text, NULL);
  return text;
}

static void mark_touchers(const Run *run, Str path, bool *marks)
{
  size_t at;
  if (!path.len || !map_get(&run->paths, path, &at)) return;
  for (size_t i = 0; i < run->touchers[at].len; i++) marks[run->touchers[at].items[i]] = true;
}

// Of the tasks before it, only those with a result in its files change what it is shown. A check sees the
// whole project, so that a task with one is made on all of them (NULL).
static bool *mark_relevant(const Run *run, const TaskSpec *task, Arena *arena)
{
  if (str_trim(task->check).len) return NULL;
  bool *marks = NEW_N(arena, bool, run->tasks.len);
  for (size_t i = 0; i < task->files.len; i++) mark_touchers(run, task->files.items[i].path, marks);
  for (size_t i = 0; i < task->read.len; i++) mark_touchers(run, task->read.items[i].path, marks);
  mark_touchers(run, task->from.path, marks);
  mark_touchers(run, task->to, marks);
  return marks;
}

void run_before(Run *run, size_t task, Arena *arena, StrList *ids)
{
  Str extra = STR_NONE, id;
  const TaskSpec *spec = &run->tasks.items[task];
  schedule_before(&run->schedule, task, mark_relevant(run, spec, arena), arena, ids);
  journal_fact_get(run->engine->journal, arena, run->spec.plan, task_extra_fact(arena, spec->id),
                   &extra, NULL);
  while (str_line(&extra, &id)) {
    if (named(ids, id) == SIZE_MAX) PUSH(arena, ids, id);
  }
}

// ---- the whole ---------------------------------------------------------------------------------------

static bool settle(Run *run, Error *err)
{
  int64_t lost = 0;
  if (!journal_attempts_settle(run->engine->journal, run->spec.plan, &lost, err)) return false;
  if (lost) {
    journal_log(run->engine->journal, run->spec.plan, S("resume"), STR_NONE,
                "%lld calls were in flight when piecework ended; they may have been paid and are "
                "made again",
                (long long)lost);
  }
  return true;
}

// One transaction: either the run is set up whole, or the journal is as it was.
static bool set_up_journal(Run *run, Error *err)
{
  TaskRowList rows = {0};
  Journal *journal = run->engine->journal;
  NodeState *nodes = NEW_N(&run->arena, NodeState, run->tasks.len);
  if (!journal_task_list(journal, &run->arena, run->spec.plan, &rows, err)) return false;
  bool finished = anything_finished(&rows);
  bool fresh = !finished && (run->spec.fresh_base || run->plan_row.state == PLAN_READY);
  if (!finished && !interrupted(run) && !check_plan(run, err)) return false;
  bool pilot = run->engine->config->pilot && !finished && run->plan_row.state != PLAN_PAUSED;
  if (!schedule_init(&run->schedule, &run->arena, &run->tasks, pilot, err)) return false;
  // Before the rows: what the tasks made is out of sight once they are to be done again.
  if (!settle(run, err) || !run_move_bases(run, err) || !set_rows(run, &rows, nodes, err) ||
      !run_take_bases(run, 0, fresh, err))
    return false;
  schedule_preset(&run->schedule, nodes);
  return touch_known(run, err) &&
         (run->spec.nested ||
          journal_plan_set_state(journal, run->spec.plan, PLAN_RUNNING, STR_NONE, err));
}

bool run_batches_possible(const Engine *engine, const TaskList *tasks, Error *err)
{
  if (engine->config->cassette.len) return true;
  for (size_t t = 0; t < tasks->len; t++) {
    const TaskSpec *task = &tasks->items[t];
    if (task->executor != EXECUTOR_MODEL) continue;
    const Ladder *ladder =
        config_ladder(engine->config, task->model.len ? task->model : S("small"));
    if (!ladder || !ladder->len) continue;  // said when the task begins
    if (!batch_possible(engine->models, ladder->rungs[0].provider, ladder->rungs[0].model, err))
      return false;
  }
  return true;
}

static bool set_up(Run *run, Error *err)
{
  Journal *journal = run->engine->journal;
  Str holder = str_from(run->engine->holder);
  if (!load_plan(run, err) || !check_names(run, &run->spec.only, err) ||
      !check_names(run, &run->spec.redo, err)) {
    return false;
  }
  if (run->spec.batch && !run_batches_possible(run->engine, &run->tasks, err)) return false;
  if (!run->spec.nested) {
    run->leased = journal_lease_take(journal, run->spec.plan, holder, LEASE_MS, err);
    if (!run->leased) return false;
  }
  bool ok = journal_begin(journal, err) && set_up_journal(run, err) &&
            journal_fact_set(journal, run->spec.plan, RUN_ASKED_FACT, STR_NONE, err) &&
            run_keep_wishes(run, err);
  if (!ok) journal_rollback(journal);
  ok = ok && journal_commit_soon(journal, err) &&
       budget_of(run->engine, run->spec.plan, run->spec.past_budget, &run->budget, err);
  if (!ok && run->leased) journal_lease_release(journal, run->spec.plan, holder, NULL);
  return ok;
}

bool run_setup(Run *run, Error *err)
{
  project_look(run->project);
  bool ok = set_up(run, err);
  project_look_end(run->project);
  return ok;
}
