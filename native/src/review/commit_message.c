// commit_message.c: the message a commit of a plan starts from. See commit.h.
#include <stdlib.h>

#include "review/commit.h"

static int by_id(const void *left, const void *right)
{
  return str_cmp_natural(((const TaskRow *)left)->id, ((const TaskRow *)right)->id);
}

// "T02" of "T02.7": the task whose `each:` has many targets.
static Str parent_id(Str id)
{
  return str_sub(id, 0, str_find_char(id, '.'));
}

static bool has_result(const TaskRow *task)
{
  return task->state == TASK_DONE || task->state == TASK_PARTIAL;
}

// One line a task; the targets of an `each:` are one line with their number.
static void add_tasks(Buf *buf, const TaskRowList *tasks)
{
  for (size_t i = 0, next; i < tasks->len; i = next) {
    const TaskRow *task = &tasks->items[i];
    bool is_each = parent_id(task->id).len < task->id.len;
    size_t places = has_result(task);
    for (next = i + 1; is_each && next < tasks->len; next++) {
      if (!str_eq(parent_id(tasks->items[next].id), parent_id(task->id))) break;
      places += has_result(&tasks->items[next]);
    }
    if (!places) continue;
    size_t colon = str_find(task->title, S(": "));
    Str title = next > i + 1 ? str_sub(task->title, 0, colon) : task->title;
    buf_fmt(buf, "- %.*s", STR_ARG(title));
    if (next > i + 1) buf_fmt(buf, " (%zu places)", places);
    buf_add_char(buf, '\n');
  }
}

// A trailer as git reads them: what it took, for those who want it in the history.
static bool add_trailer(Engine *engine, int64_t plan, Arena *arena, Buf *buf, Error *err)
{
  PlanMoney sums;
  if (!journal_money(engine->journal, plan, &sums, err)) return false;
  bool whole = sums.lost == 0 && sums.unpriced == 0;
  buf_fmt(buf, "\nPiecework-Plan: %lld\nPiecework-Cost: %s%.*s\n", (long long)plan,
          whole ? "" : "at least ", STR_ARG(money(arena, sums.spent)));
  return true;
}

// The targets of an `each:` have their place in front of the title of the task.
static Str task_title(Arena *arena, const TaskRowList *tasks, Str task)
{
  for (size_t i = 0; i < tasks->len; i++) {
    Str id = tasks->items[i].id, title = tasks->items[i].title;
    if (str_eq(id, task)) return title;
    size_t colon = str_find(title, S(": "));
    if (str_eq(parent_id(id), task))
      return str_dup(arena, colon == STR_NOT_FOUND ? title : str_sub(title, 0, colon));
  }
  return task;
}

bool commit_task_message(Engine *engine, int64_t plan, Str task, Arena *arena, Str *message,
                         Error *err)
{
  PlanRow row;
  TaskRowList tasks = {0};
  if (!journal_plan_get(engine->journal, arena, plan, &row, err)) return false;
  if (!journal_task_list(engine->journal, arena, plan, &tasks, err)) return false;
  Buf buf;
  buf_init(&buf, 1 << 20);
  buf_fmt(&buf, "%.*s\n\n%.*s of plan %lld: %.*s\n", STR_ARG(task_title(arena, &tasks, task)),
          STR_ARG(task), (long long)plan, STR_ARG(row.title.len ? row.title : row.request));
  bool ok = !engine->config->commit_trailer || add_trailer(engine, plan, arena, &buf, err);
  *message = buf_take(&buf, arena);
  buf_deinit(&buf);
  return ok;
}

bool commit_message(Engine *engine, int64_t plan, Arena *arena, Str *message, Error *err)
{
  PlanRow row;
  TaskRowList tasks = {0};
  if (!journal_plan_get(engine->journal, arena, plan, &row, err)) return false;
  if (!journal_task_list(engine->journal, arena, plan, &tasks, err)) return false;
  if (tasks.len) qsort(tasks.items, tasks.len, sizeof(TaskRow), by_id);
  Buf buf;
  buf_init(&buf, 1 << 20);
  buf_fmt(&buf, "%.*s\n", STR_ARG(row.title.len ? row.title : row.request));
  if (tasks.len > 1) {
    buf_add_char(&buf, '\n');
    add_tasks(&buf, &tasks);
  }
  bool ok = !engine->config->commit_trailer || add_trailer(engine, plan, arena, &buf, err);
  buf_fmt(&buf,
          "\n# Plan %lld. Lines that start with # are dropped; an empty message commits nothing.\n",
          (long long)plan);
  *message = buf_take(&buf, arena);
  buf_deinit(&buf);
  return ok;
}
