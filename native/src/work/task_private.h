// task_private.h: what task.c (the steps) and task_keep.c (the journal) share.
#pragma once

#include "work/task.h"
#include "work/task_result.h"

enum { TASK_SEEN_MAX = 64 };

typedef enum {
  STEP_BEGIN,
  STEP_ASK,
  STEP_WAIT,   // for the budget
  STEP_REPLY,  // for the model
  STEP_CHECK,
  STEP_KEEP,
  STEP_OVER,
} TaskStep;

struct Task {
  TaskStart start;
  TaskStep step;
  LoopSoon soon;
  Arena arena;        // as long as the task
  Arena input_arena;  // texts; reset when it begins again
  Arena call_arena;   // one request and its reply
  TaskRow row;        // strings in [arena]
  StrList before;     // what it builds on, grows when it begins again
  StrList paths;      // of its result
  TaskInput input;
  bool row_is_model;
  bool halted, cancelled;
  int redone;  // times it began again because of a conflict

  // model tasks
  const Ladder *ladder;
  Str alias;
  int tries;          // on this rung
  int output_factor;  // max_output is multiplied by it after a reply that was cut
  Attempt *attempt;   // in flight
  int64_t reuse_since_ms;
  Str reply;                     // the last one, in call_arena
  Str problem, failed_reply;     // to be attached to the next request; empty = none
  bool check_failed;             // [failed_reply] was a result, and its check failed
  uint64_t seen[TASK_SEEN_MAX];  // hashes of failed replies
  size_t seen_len;

  Check *check;       // running
  Str check_where;    // "T03 check"
  TaskResult result;  // of the last reply (call_arena) or of the engine (input_arena)
  TaskResult best;    // the largest good part so far, in [arena]
  bool partial;
  TaskEnd end;
};

void task_copy_row(Task *task, const TaskRow *row);
void task_set_note(Task *task, Str note);
void task_log(Task *task, const char *kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// The row into the journal, and to those who watch.
bool task_set_state(Task *task, TaskState state, Error *err);
bool task_store_row(Task *task, Error *err);
bool task_note_end(Task *task, TaskState state, Str note, Error *err);  // an end without a result

void task_keep_best(Task *task);  // remembers the result when it is the largest so far

// Does the result merge with what other tasks have done meanwhile? [others]: those it was not made on.
bool task_conflict(Task *task, StrList *others, bool *conflict, Error *err);
void task_build_on(Task *task, const StrList *others);

// Patches and state, in one transaction.
bool task_keep(Task *task, TaskState state, Error *err);

// The request for a task on rung [rung], before any feedback.
void task_request(Engine *engine, const Plan *plan, const TaskInput *input, const Ladder *ladder,
                  size_t rung, Arena *arena, ModelRequest *out);

// Tasks that [id] builds on besides its plan's order, kept over restarts: ids, one a line.
Str task_extra_fact(Arena *arena, Str id);  // the fact's name
Str task_remark_fact(Arena *arena, Str id);

// A task that is done again keeps its result until there is a better one: its old row waits in a fact.
bool task_put_aside(Journal *journal, const TaskRow *row, Error *err);
// The paths whose base moved for a task that is done again: they move back when nothing comes of it.
bool task_moved_bases(Journal *journal, int64_t plan, Str id, const StrList *paths, Error *err);
// Nothing better came: [row] is as it was, with [why] in its note. [*restored] false: nothing was put aside.
bool task_take_back(Journal *journal, TaskRow *row, Arena *arena, Str why, bool *restored,
                    Error *err);
