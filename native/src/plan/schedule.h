// schedule.h: which task may start now. A pure structure over the tasks of a plan; the run feeds it.
//
// Life:  schedule_init -> { schedule_next ... schedule_end }* -> over when schedule_over
//
//   waiting --(all before it ended)--> ready --schedule_next--> running --schedule_end--> ok | bad
//      \--- a task it needs ended bad ---> skipped (told by schedule_skipped)
//
// Two kinds of edge. `after:` means "needs the result": when that task ends bad, this one is skipped. Order
// that we add ourselves means "reads or writes the same lines, so one after the other": it waits, no more.
// Order is added where a task writes what a later one writes or reads (overlapping lines; no range = the
// whole file). Everything else runs in parallel and is merged three ways (base_text.h). Targets of one
// `each:` are not ordered because they read each other: their author meant them to be alike.
//
// Pilot: while it is wanted and no pilot ended well, one model task runs alone (the one marked, else the
// first that can); tasks without a model go on, they cost nothing. A pilot that ends bad is followed by one
// more; when that ends bad too, schedule_pilot_failed is true and nothing more is handed out.
#pragma once

#include "plan/plan.h"

typedef struct {
  size_t task;  // index of the task at the other end
  bool needed;  // `after:`; false = order only
} ScheduleEdge;
typedef struct {
  ScheduleEdge *items;
  size_t len, cap;
} ScheduleEdges;

typedef enum { NODE_WAITING, NODE_RUNNING, NODE_OK, NODE_BAD, NODE_SKIPPED } NodeState;

typedef struct {
  NodeState state;
  bool model;  // spends money
  bool pilot;  // marked [pilot]
  bool leads;  // is a marked pilot, or comes before one
  ScheduleEdges before;
  ScheduleEdges after;
  size_t open;   // tasks before it that have not ended
  size_t rank;   // place in an order that respects all edges
  size_t cause;  // NODE_SKIPPED: index of the task that ended bad
} ScheduleNode;

typedef struct {
  Arena *arena;           // borrowed
  const TaskList *tasks;  // borrowed
  ScheduleNode *nodes;    // one for each task
  size_t count;
  size_t *order;         // task indices by rank
  size_t running_model;  // tasks of models under way
  size_t ended;
  size_t first_open;  // every rank below has left NODE_WAITING
  bool pilot_asked;   // by the caller
  bool pilot_wanted;  // still to come: no pilot ended well
  size_t pilots_bad;  // pilots that ended bad
  bool changed;       // by the caller: tasks joined
  size_t *skipped;    // to be told, in order
  size_t skipped_len, skipped_told;
} Schedule;

enum { SCHEDULE_PILOTS = 2 };  // pilots that may fail before the run stops to ask

// ERR_INVALID when `after` names an unknown task or goes round in a circle (the message names it).
// [pilot]: run one model task first when there are at least three, or one that is marked.
bool schedule_init(Schedule *schedule, Arena *arena, const TaskList *tasks, bool pilot, Error *err);

// Before the first schedule_next: NODE_OK for tasks that ended well in an earlier run, NODE_BAD for those
// that ended bad or take no part, NODE_WAITING for those to run, NODE_RUNNING for those that do. One for
// each task.
void schedule_preset(Schedule *schedule, const NodeState *states);

// Takes a task that may start; false when none may now.
bool schedule_next(Schedule *schedule, size_t *task);
void schedule_end(Schedule *schedule, size_t task, bool ok);
// Gives a task back that was taken and not done (budget, stop): it waits again.
void schedule_return(Schedule *schedule, size_t task);

// A waiting task is not to run any more: it counts as one that ended bad.
void schedule_drop(Schedule *schedule, size_t task);

// Tasks that became skipped, each told once, with the task that is the cause.
bool schedule_skipped(Schedule *schedule, size_t *task, size_t *cause);

bool schedule_is_running(const Schedule *schedule, size_t task);
bool schedule_pilot_failed(const Schedule *schedule);
bool schedule_over(const Schedule *schedule);  // every task ended or was skipped

// Ids of all tasks whose results [task] is made on, directly or through others, by rank. [only]: of those
// marked, one for each task; NULL = all.
void schedule_before(const Schedule *schedule, size_t task, const bool *only, Arena *arena,
                     StrList *ids);

size_t schedule_find(const Schedule *schedule, Str id);  // SIZE_MAX when unknown
