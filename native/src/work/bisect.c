// bisect.c: see bisect.h.
#include "work/bisect.h"

#include "base/map.h"
#include "plan/schedule.h"
#include "work/trust.h"

enum { RUNS_MAX = 40, REASON_MAX = 300 };

typedef enum { BISECT_BASELINE, BISECT_HALVE, BISECT_REST, BISECT_OVER } BisectState;

// What a path of the tree holds now, so that only what changes is written (and built) again.
typedef struct {
  Str path;
  Str text;
  bool exists;
} Held;

struct Bisect {
  BisectSpec spec;
  BisectState state;
  Arena arena;      // as long as the bisection
  Arena run_arena;  // texts of one run
  LoopSoon soon;
  Process *process;
  bool stopped;
  Held *held;  // one for each path that any result touches
  size_t held_len;
  Schedule schedule;
  bool scheduled;
  StrList alive;  // tasks under suspicion, in the order they ended
  size_t lo, hi;  // the first [lo] pass, the first [hi] fail
  size_t trial;   // how many of [alive] the running test has
  Str fail_tail;  // of the last run that failed, one line
  int64_t started_ms, run_ms, longest_ms;
  BisectResult result;
};

static void bisect_step(void *owner);

static void go(Bisect *b, BisectState state)
{
  b->state = state;
  loop_soon(b->spec.engine->loop, &b->soon, bisect_step, b);
}

static void over(Bisect *b, bool done, Str note)
{
  b->result.done = done;
  b->result.note = str_dup(&b->arena, note);
  go(b, BISECT_OVER);
}

// ---- the tree ----------------------------------------------------------------------------------------

static void hold(Bisect *b, Map *seen, Str path)
{
  if (!path.len || !map_add(&b->arena, seen, path, 0)) return;
  ShownFile now = {0};
  base_with(b->spec.engine, b->spec.plan, &b->arena, path, b->spec.files, &now, NULL);
  b->held[b->held_len++] = (Held){path, now.text, now.exists};
}

static void hold_all(Bisect *b)
{
  Map seen = {0};
  const CombinedList *files = b->spec.files;
  b->held = NEW_N(&b->arena, Held, 2 * files->len + 1);
  for (size_t i = 0; i < files->len; i++) {
    hold(b, &seen, files->items[i].path);
    hold(b, &seen, files->items[i].renamed_from);
  }
}

// Makes the tree hold the results of the first [count] tasks and no other.
static bool write_part(Bisect *b, size_t count, Error *err)
{
  StrList part = {b->alive.items, count, count};
  CombinedList files;
  arena_reset(&b->run_arena);
  if (!base_combine(b->spec.engine, b->spec.plan, &b->run_arena, &part, &files, err)) return false;
  for (size_t i = 0; i < b->held_len; i++) {
    Held *held = &b->held[i];
    ShownFile want = {0};
    Error why = {0};
    if (!base_with(b->spec.engine, b->spec.plan, &b->run_arena, held->path, &files, &want, &why) &&
        why.code != ERR_NOT_FOUND) {
      if (err) *err = why;
      return false;
    }
    if (want.exists == held->exists && str_eq(want.text, held->text)) continue;
    if (!worktree_put(b->spec.tree, held->path, want.text, want.exists, err)) return false;
    *held = (Held){held->path, str_dup(&b->arena, want.text), want.exists};
  }
  return true;
}

// ---- one run -----------------------------------------------------------------------------------------

static Str last_line(Str text)
{
  Str last = STR_NONE, line;
  for (Str rest = text; str_line(&rest, &line);) {
    if (str_trim(line).len) last = str_trim(line);
  }
  return str_sub(last, 0, str_utf8_floor(last, REASON_MAX));
}

static void ended(Bisect *b, bool passed);

static void test_done(void *owner, const ProcessResult *result)
{
  Bisect *b = owner;
  b->process = NULL;
  int64_t took = wall_now_ms() - b->run_ms;
  if (took > b->longest_ms) b->longest_ms = took;
  bool passed = result->status == 0;
  if (b->stopped) {
    over(b, false, S("stopped"));
  } else if (result->timed_out) {
    over(b, false, S("the test took too long"));
  } else {
    if (!passed) b->fail_tail = str_dup(&b->arena, last_line(result->output));
    ended(b, passed);
  }
}

// Runs the test on the first [count] tasks, unless runs or time are used up.
static void try_part(Bisect *b, size_t count)
{
  Error err = {0};
  int64_t used = wall_now_ms() - b->started_ms;
  if (b->result.runs == RUNS_MAX || used + b->longest_ms > b->spec.total_ms) {
    over(b, false, b->result.runs == RUNS_MAX ? S("too many runs") : S("the time was used up"));
    return;
  }
  TrustedRun run = {.plan = b->spec.plan,
                    .root = project_root(b->spec.project),
                    .command = b->spec.command,
                    .where = S("test"),
                    .cwd = worktree_path(b->spec.tree),
                    .timeout_s = b->spec.test_timeout_s,
                    .on_done = test_done,
                    .owner = b};
  b->trial = count;
  b->run_ms = wall_now_ms();
  b->result.runs++;
  if (write_part(b, count, &err)) b->process = trust_run(b->spec.engine, &run, &err);
  if (!b->process) over(b, false, str_from(err.message));
}

// ---- the search --------------------------------------------------------------------------------------

// Does [task] need the result of [culprit], directly or through others?
static bool builds_on(Bisect *b, Str task, Str culprit)
{
  StrList before = {0};
  Str extra = STR_NONE, id;
  size_t at = b->scheduled ? schedule_find(&b->schedule, task) : SIZE_MAX;
  if (at != SIZE_MAX) schedule_before(&b->schedule, at, NULL, &b->run_arena, &before);
  for (size_t i = 0; i < before.len; i++) {
    if (str_eq(before.items[i], culprit)) return true;
  }
  Str fact =
      str_cat(&b->run_arena, S("on "), task);  // task_extra_fact: done again on top of others
  journal_fact_get(b->spec.engine->journal, &b->run_arena, b->spec.plan, fact, &extra, NULL);
  while (str_line(&extra, &id)) {
    if (str_eq(id, culprit)) return true;
  }
  return false;
}

// The task is found: it and what builds on it are out.
static void found(Bisect *b)
{
  Str culprit = b->alive.items[b->hi - 1];
  StrList rest = {0};
  PUSH(&b->arena, &b->result.tasks, culprit);
  PUSH(&b->arena, &b->result.reasons, b->fail_tail);
  arena_reset(&b->run_arena);
  for (size_t i = 0; i < b->alive.len; i++) {
    bool out = i + 1 == b->hi || (i >= b->hi && builds_on(b, b->alive.items[i], culprit));
    if (!out) PUSH(&b->arena, &rest, b->alive.items[i]);
  }
  b->alive = rest;
  b->hi = b->alive.len;
  if (b->lo == b->hi) {
    over(b, true, STR_NONE);  // what is left passed already
  } else {
    go(b, BISECT_REST);
  }
}

static void ended(Bisect *b, bool passed)
{
  if (b->state == BISECT_BASELINE) {
    b->result.baseline_fails = !passed;
    b->lo = 0;
    b->hi = b->alive.len;
    if (!passed) {
      over(b, true, STR_NONE);
    } else {
      go(b, BISECT_HALVE);
    }
  } else if (b->state == BISECT_REST) {
    b->result.rest_fails = !passed;
    if (passed) {
      over(b, true, STR_NONE);
    } else {
      go(b, BISECT_HALVE);
    }
  } else {
    if (passed) b->lo = b->trial;
    if (!passed) b->hi = b->trial;
    go(b, BISECT_HALVE);
  }
}

static void step_halve(Bisect *b)
{
  if (b->hi - b->lo == 1) {
    b->result.rest_fails = false;
    found(b);
  } else {
    try_part(b, b->lo + (b->hi - b->lo) / 2);
  }
}

static void step_over(Bisect *b)
{
  for (size_t i = b->lo; !b->result.done && i < b->hi; i++) {
    PUSH(&b->arena, &b->result.suspects, b->alive.items[i]);
  }
  b->spec.on_done(b->spec.owner, &b->result);
  arena_deinit(&b->run_arena);
  arena_deinit(&b->arena);
  mem_free(b);
}

static void bisect_step(void *owner)
{
  Bisect *b = owner;
  if (b->stopped && b->state != BISECT_OVER) over(b, false, S("stopped"));
  switch (b->state) {
    case BISECT_BASELINE: try_part(b, 0); break;
    case BISECT_HALVE: step_halve(b); break;
    case BISECT_REST: try_part(b, b->alive.len); break;
    case BISECT_OVER: step_over(b); break;
  }
}

Bisect *bisect_start(const BisectSpec *spec)
{
  Bisect *b = mem_alloc(sizeof(*b));
  Error err = {0};
  b->spec = *spec;
  arena_init(&b->arena);
  arena_init(&b->run_arena);
  b->started_ms = wall_now_ms();
  hold_all(b);
  b->scheduled = schedule_init(&b->schedule, &b->arena, spec->tasks, false, &err);
  if (base_order(spec->engine, spec->plan, &b->arena, &b->alive, &err)) {
    go(b, BISECT_BASELINE);
  } else {
    over(b, false, str_from(err.message));
  }
  return b;
}

void bisect_stop(Bisect *b)
{
  if (b->stopped) return;
  b->stopped = true;
  if (b->process) process_kill(b->process);
}
