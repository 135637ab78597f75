// run_report.c: what a run tells people: events for one task, for money and for the whole. The fields are a
// contract with the editor (doc/wire.md).
#include "work/run_private.h"

#include "lib/textdiff.h"
#include "review/base_text.h"

// Asked for each event, so it looks at a task once: a plan may have thousands.
RunCount run_count(const Run *run)
{
  size_t in[TASK_STATE_COUNT] = {0};
  for (size_t t = 0; t < run->tasks.len; t++) in[run->rows[t].state]++;
  RunCount count = {.done = in[TASK_DONE] + in[TASK_ABSTAINED],
                    .partial = in[TASK_PARTIAL],
                    .failed = in[TASK_FAILED] + in[TASK_REFUSED],
                    .skipped = in[TASK_SKIPPED],
                    .cancelled = in[TASK_CANCELLED],
                    .waiting = in[TASK_WAITING] + in[TASK_RUNNING] + in[TASK_CHECKING],
                    .abstained = in[TASK_ABSTAINED],
                    .patches = in[TASK_DONE] + in[TASK_PARTIAL]};
  return count;
}

Str run_summary(Run *run, Arena *arena)
{
  RunCount count = run_count(run);
  Buf text;
  buf_init(&text, 512);
  buf_fmt(&text, "%zu of %zu tasks done", count.done, run->tasks.len);
  if (count.abstained) buf_fmt(&text, " (%zu with nothing to change)", count.abstained);
  if (count.partial) buf_fmt(&text, ", %zu partly", count.partial);
  if (count.failed) buf_fmt(&text, ", %zu failed", count.failed);
  if (count.skipped) buf_fmt(&text, ", %zu skipped", count.skipped);
  if (count.cancelled) buf_fmt(&text, ", %zu stopped", count.cancelled);
  if (count.waiting) buf_fmt(&text, ", %zu waiting", count.waiting);
  return buf_take(&text, arena);
}

Str run_stayed(const Run *run, Arena *arena)
{
  size_t n = run->stayed.len;
  if (!n) return STR_NONE;
  if (n > 1) return str_fmt(arena, "redo of %zu tasks failed, their earlier results stay", n);
  return str_fmt(arena, "redo of %.*s failed, the earlier result stays: %.*s",
                 STR_ARG(run->stayed.items[0]), STR_ARG(run->stayed_why));
}

static Str path_of(const TaskSpec *task)
{
  if (task->executor == EXECUTOR_MOVE) return task->from.path;
  return task->files.len ? task->files.items[0].path : STR_NONE;
}

void run_tell_task(Run *run, size_t t)
{
  Arena arena;
  arena_init(&arena);
  const TaskRow *row = &run->rows[t];
  RunCount count = run_count(run);
  Value *params = value_map(&arena);
  value_put_int(&arena, params, S("plan"), run->spec.plan);
  value_put_str(&arena, params, S("task"), row->id);
  value_put_str(&arena, params, S("state"), str_from(task_state_name(row->state)));
  value_put_str(&arena, params, S("title"), row->title);
  value_put_str(&arena, params, S("path"), path_of(&run->tasks.items[t]));
  value_put_int(&arena, params, S("added"), row->added);
  value_put_int(&arena, params, S("removed"), row->removed);
  value_put_int(&arena, params, S("cost"), row->cost_known ? row->cost : NANO_UNKNOWN);
  value_put_str(&arena, params, S("note"), row->note);
  value_put_int(&arena, params, S("done"), (int64_t)(run->tasks.len - count.waiting));
  value_put_int(&arena, params, S("total"), (int64_t)run->tasks.len);
  engine_event(run->engine, S("task"), params);
  arena_deinit(&arena);
}

static Value *money_params(Run *run, Arena *arena)
{
  PlanMoney held = {0};
  journal_money(run->engine->journal, run->spec.plan, &held, NULL);
  Value *params = value_map(arena);
  value_put_int(arena, params, S("plan"), run->spec.plan);
  value_put_int(arena, params, S("spent"), money_committed(&held));
  value_put_int(arena, params, S("budget"), run->budget.plan_limit);
  return params;
}

void run_tell_money(Run *run)
{
  Arena arena;
  arena_init(&arena);
  engine_event(run->engine, S("money"), money_params(run, &arena));
  arena_deinit(&arena);
}

void run_tell_budget(Run *run, Str note)
{
  Arena arena;
  arena_init(&arena);
  Value *params = money_params(run, &arena);
  value_put_str(&arena, params, S("note"), note);
  engine_event(run->engine, S("budget"), params);
  arena_deinit(&arena);
}

void run_tell_state(Run *run, const char *state, Str note)
{
  Arena arena;
  arena_init(&arena);
  Value *params = value_map(&arena);
  value_put_int(&arena, params, S("plan"), run->spec.plan);
  value_put_str(&arena, params, S("state"), str_from(state));
  value_put_str(&arena, params, S("note"), note);
  engine_event(run->engine, S("run"), params);
  if (note.len || !str_eq(str_from(state), S("running"))) {
    journal_log(run->engine->journal, run->spec.plan, S("run"), STR_NONE, "%s%s%.*s", state,
                note.len ? ": " : "", STR_ARG(note));
  }
  arena_deinit(&arena);
}

static size_t count_hunks(Engine *engine, int64_t plan, Arena *arena)
{
  CombinedList files;
  size_t hunks = 0;
  if (!base_combine(engine, plan, arena, NULL, &files, NULL)) return 0;
  for (size_t i = 0; i < files.len; i++) {
    const CombinedFile *file = &files.items[i];
    TextChangeList changes = {0};
    bool edited = file->existed && file->exists;
    if (edited) textdiff_lines(arena, file->base, file->text, &changes);
    hunks += edited ? changes.len : file->existed != file->exists;
  }
  return hunks;
}

static int64_t count_failed(Engine *engine, int64_t plan, Arena *arena)
{
  TaskRowList tasks = {0};
  int64_t failed = 0;
  journal_task_list(engine->journal, arena, plan, &tasks, NULL);
  for (size_t i = 0; i < tasks.len; i++) {
    TaskState state = tasks.items[i].state;
    failed += state == TASK_FAILED || state == TASK_REFUSED;
  }
  return failed;
}

void review_tell(Engine *engine, int64_t plan, Str tests, Str stayed)
{
  Arena arena;
  arena_init(&arena);
  VerdictRowList verdicts = {0};
  int64_t counts[VERDICT_REJECTED + 1] = {0};
  journal_verdict_list(engine->journal, &arena, plan, &verdicts, NULL);
  for (size_t i = 0; i < verdicts.len; i++) counts[verdicts.items[i].kind]++;
  Value *params = value_map(&arena);
  value_put_int(&arena, params, S("plan"), plan);
  value_put_int(&arena, params, S("ok"), counts[VERDICT_OK]);
  value_put_int(&arena, params, S("doubt"), counts[VERDICT_DOUBT]);
  value_put_int(&arena, params, S("rejected"), counts[VERDICT_REJECTED]);
  value_put_int(&arena, params, S("hunks"), (int64_t)count_hunks(engine, plan, &arena));
  value_put_int(&arena, params, S("failed"), count_failed(engine, plan, &arena));
  if (stayed.len) value_put_str(&arena, params, S("stayed"), stayed);
  if (tests.len) value_put_str(&arena, params, S("tests"), tests);
  engine_event(engine, S("review"), params);
  arena_deinit(&arena);
}
