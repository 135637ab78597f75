// journal_task.c: the tasks of a plan and where they stand.
#include "journal/journal_private.h"

#define X(id, name) name,
static const char *const task_states[] = {TASK_STATES(X)};
#undef X

const char *task_state_name(TaskState state)
{
  return state < TASK_STATE_COUNT ? task_states[state] : "?";
}

#define TASK_MONEY \
  "count(attempt.id), total(max(cost, 0)), total(cost < 0 AND sent AND attempt.ended_ms > 0)"
#define TASK_COLUMNS                                                                   \
  "task.plan, task.id, state, executor, title, note, spec_hash, rung, added, removed," \
  " task.started_ms, task.ended_ms, " TASK_MONEY
#define TASK_FROM \
  " FROM task LEFT JOIN attempt ON attempt.plan = task.plan AND attempt.task = task.id"

static TaskRow task_row(Query *q, Arena *arena)
{
  return (TaskRow){
      .plan = query_int(q, 0),
      .id = query_str_dup(q, 1, arena),
      .state = (TaskState)name_index(task_states, TASK_STATE_COUNT, query_str(q, 2)),
      .executor = query_str_dup(q, 3, arena),
      .title = query_str_dup(q, 4, arena),
      .note = query_str_dup(q, 5, arena),
      .spec_hash = query_str_dup(q, 6, arena),
      .rung = (int)query_int(q, 7),
      .added = query_int(q, 8),
      .removed = query_int(q, 9),
      .started_ms = query_int(q, 10),
      .ended_ms = query_int(q, 11),
      .attempts = query_int(q, 12),
      .cost = query_int(q, 13),
      .cost_known = query_int(q, 14) == 0,
  };
}

bool journal_task_put(Journal *journal, const TaskRow *task, Error *err)
{
  return store_run_soon(
      journal->store, err, "INSERT OR REPLACE INTO task VALUES(?,?,?,?,?,?,?,?,?,?,?,?)",
      "issssssiiiii", task->plan, task->id, str_from(task_state_name(task->state)), task->executor,
      task->title, task->note, task->spec_hash, (int64_t)task->rung, task->added, task->removed,
      task->started_ms, task->ended_ms);
}

bool journal_task_money(Journal *journal, TaskRow *task, Error *err)
{
  Query *q = store_query(journal->store, err,
                         "SELECT " TASK_MONEY " FROM attempt WHERE plan = ? AND task = ?", "is",
                         task->plan, task->id);
  if (!query_next(q)) return false;
  task->attempts = query_int(q, 0);
  task->cost = query_int(q, 1);
  task->cost_known = query_int(q, 2) == 0;
  query_end(q);
  return true;
}

bool journal_task_drop(Journal *journal, int64_t plan, Str id, Error *err)
{
  Store *store = journal->store;
  if (!journal_begin(journal, err)) return false;
  bool ok =
      store_run(store, err, "DELETE FROM patch WHERE plan = ? AND task = ?", "is", plan, id) &&
      store_run(store, err, "DELETE FROM verdict WHERE plan = ? AND task = ?", "is", plan, id) &&
      store_run(store, err, "DELETE FROM decision WHERE plan = ? AND task = ?", "is", plan, id) &&
      store_run(store, err, "DELETE FROM task WHERE plan = ? AND id = ?", "is", plan, id);
  return journal_end(journal, ok, err);
}

bool journal_task_list(Journal *journal, Arena *arena, int64_t plan, TaskRowList *out, Error *err)
{
  Error own = {0};
  for (Query *q = store_query(journal->store, &own,
                              "SELECT " TASK_COLUMNS TASK_FROM
                              " WHERE task.plan = ? GROUP BY task.id ORDER BY task.id",
                              "i", plan);
       query_next(q);) {
    PUSH(arena, out, task_row(q, arena));
  }
  return journal_listed(&own, err);
}
