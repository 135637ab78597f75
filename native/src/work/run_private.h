// run_private.h: what run.c (the operation), run_setup.c (how it begins), run_report.c (what people see) and
// run_status.c (the STATUS file) share.
#pragma once

#include "base/buf.h"
#include "base/map.h"
#include "plan/schedule.h"
#include "work/run.h"
#include "work/task.h"

typedef struct Run Run;

typedef struct {
  size_t *items;  // indices of tasks with a result in one path
  size_t len, cap;
} Touchers;

typedef struct {
  size_t done;  // done or abstained
  size_t partial, failed, skipped, cancelled, waiting, abstained;
  size_t patches;  // tasks with a result
} RunCount;

struct Run {
  Engine *engine;
  Project *project;  // borrowed from the engine
  RunSpec spec;      // lists in [arena]
  OpDone *on_done;
  void *owner;
  Run *next;    // in engine->runs
  Arena arena;  // as long as the run
  LoopSoon soon;
  Timer tick;    // lease, waiting tasks
  Timer status;  // the STATUS file, at most every 500 ms
  bool status_due;
  int open_timers;

  PlanRow plan_row;
  Plan plan;        // as parsed, with its id
  TaskList tasks;   // expanded
  TaskRow *rows;    // one for each task, strings in [arena]
  Err *codes;       // one for each task: why it failed in this run
  Task **active;    // one for each task, NULL when it does not run
  bool *cancelled;  // one for each task: asked to stop
  StrList stayed;   // tasks that were to be done again and were not: their earlier results stay
  Str stayed_why;   // the first one's
  struct {
    size_t *items;
    size_t len, cap;
  } running;  // the tasks that are active, in the order they began
  Schedule schedule;
  Budget budget;
  Checks *checks;
  Map paths;  // path -> index into touchers
  Touchers *touchers;
  size_t toucher_count, toucher_cap;
  int64_t last_end_ms;

  bool stopping;     // nothing more is dispatched
  Error stop_error;  // why
  int sick;          // attempts in a row that ended because the provider is not well
  bool leased, ended;
  int ticks;
  const char *plan_path;
  int64_t plan_mtime_ns;  // of the plan file as it was read
};

// What another process asks of the one at work: lines "stop", "stop now", "cancel T03".
#define RUN_ASKED_FACT S("asked")

// run_setup.c: everything before the first task; on failure nothing is left behind but journal rows.
bool run_setup(Run *run, Error *err);
// The plan file as it is now: its syntax is checked, not whether it fits the present files: results are made
// on the base, and what they make is there after apply.
bool run_load_plan(Engine *engine, int64_t id, Arena *arena, PlanRow *row, Plan *out, Error *err);

// Row and result of a task, from nothing; [hash] is its task_spec_hash.
bool run_begin_anew(Run *run, size_t task, Str hash, Error *err);
bool run_take_bases(Run *run, size_t first, bool fresh, Error *err);  // of the tasks from [first]

// run_rebase.c: the bases of the tasks that are done again by hand move to the text as it is now.
bool run_move_bases(Run *run, Error *err);

// run_change.c: the plan file changed while the run goes on.
void run_reload(Run *run);  // when it did

// run.c
void run_step_soon(Run *run);

void run_touch(Run *run, size_t task, Str path);         // [task] has a result in [path]
Str run_redo_note(Run *run, size_t task, Arena *arena);  // the remark to give it, empty = none
void run_before(Run *run, size_t task, Arena *arena, StrList *ids);

// run_control.c
bool run_keep_wishes(Run *run, Error *err);

// run_report.c
RunCount run_count(const Run *run);
void run_tell_task(Run *run, size_t task);
void run_tell_money(Run *run);
void run_tell_state(Run *run, const char *state, Str note);
void run_tell_budget(Run *run, Str note);
Str run_summary(Run *run, Arena *arena);  // "12 of 14 done, 1 failed, 1 skipped"
// "redo of T01 failed, the earlier result stays: why"; empty when none did.
Str run_stayed(const Run *run, Arena *arena);
// The event `review`. [tests]: passed, failed, "not run"; [stayed] as above; empty when there are none.
void review_tell(Engine *engine, int64_t plan, Str tests, Str stayed);

// run_status.c
void run_write_status(Run *run);
