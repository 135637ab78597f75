// task.h: one task, from its texts to its result in the journal.
//
// Life:  task_start -> on_attempt* -> on_done (once, never from inside start); the task frees itself after it
//
//   BEGIN   texts = base + results it builds on           mechanical: done here
//     |                                                        |
//    ASK    one paid call, or a stored reply               <---|--- RETRY: the failure attached,
//     |        (WAIT: the budget is held by others)            |    then the next rung of the ladder
//    READ   reply -> patch -> guards -> accept lines  ---------|---------^
//     |                                                        |         |
//   CHECK   the trusted command, in a scratch copy  <----------+ --------^
//     |                                                                  |
//    KEEP   does it merge with what others did meanwhile?  -- no: BEGIN again, on top of theirs
//     |
//    OVER   done | abstained | partial (the good part of the best reply) | failed | refused
#pragma once

#include "plan/plan.h"
#include "work/attempt.h"
#include "work/task_check.h"

typedef struct Task Task;

typedef struct {
  TaskState state;  // TASK_WAITING: not done, to be tried again later (stop, budget, provider)
  Error
      error;  // why, where it is not done, abstained or partial; else why its earlier result stayed
} TaskEnd;

typedef struct {
  Engine *engine;
  Project *project;
  const Plan *plan;  // with its id; borrowed until on_done, as is all below
  const TaskSpec *task;
  const Budget *budget;
  Checks *checks;
  const TaskRow *row;     // as it is in the journal
  size_t number;          // the owner's, see task_number
  const StrList *before;  // tasks whose results it builds on
  Str remark;             // from a reviewer, empty = none
  bool batch;             // its calls may wait for hours at half the price
  bool for_hours;         // so may those of its plan's other tasks

  // Tasks that have a result in [path], appended to [ids] in [arena].
  void (*touching)(void *owner, Str path, Arena *arena, StrList *ids);
  int64_t (*end_time)(void *owner);  // for ended_ms: after every end so far
  void (*on_change)(void *owner, Task *task);
  void (*on_attempt)(void *owner, Task *task, const AttemptReply *reply);
  void (*on_done)(void *owner, Task *task, const TaskEnd *end);
  void *owner;
} TaskStart;

Task *task_start(const TaskStart *start);

size_t task_number(const Task *task);
const TaskRow *task_row(const Task *task);  // present state, valid until the next change
const Str *task_paths(const Task *task, size_t *count);  // of its result, once it is done
void task_poke(Task *task);    // a reservation has gone: a waiting task asks again
void task_halt(Task *task);    // what is in flight may end, nothing more is asked for
void task_cancel(Task *task);  // at once
