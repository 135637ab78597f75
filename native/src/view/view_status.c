// view_status.c: what is going on: one plan task by task, or the plans of a project.
//
//   piecework://status  #12 running  00:41  7 done  4 running  8 waiting  1 failed      $0.031 of $0.60
//     [##############----------------------]  8 of 20
//    ok  T01  src/net.c: rename the calls                                +4 -4  $0.0031
//    !!  T05  src/x.c: rename the calls          failed: the reply had no such text
#include <stdlib.h>

#include "lib/loop.h"
#include "view/view_text.h"
#include "work/receipt.h"

enum { PLANS_SHOWN = 20 };

static const char *const signs[TASK_STATE_COUNT] = {
    [TASK_WAITING] = "--",   [TASK_RUNNING] = "..", [TASK_CHECKING] = "..",  [TASK_DONE] = "ok",
    [TASK_PARTIAL] = "?\?",  [TASK_FAILED] = "!!",  [TASK_CANCELLED] = "xx", [TASK_SKIPPED] = "xx",
    [TASK_ABSTAINED] = "==", [TASK_REFUSED] = "!!",
};

// How the head line counts: states a user does not tell apart count as one.
typedef struct {
  const char *word;
  TaskState states[4];
  size_t n;
} Tally;

static const Tally tallies[] = {
    {"done", {TASK_DONE, TASK_ABSTAINED}, 2},
    {"running", {TASK_RUNNING, TASK_CHECKING}, 2},
    {"waiting", {TASK_WAITING}, 1},
    {"partial", {TASK_PARTIAL}, 1},
    {"failed", {TASK_FAILED, TASK_REFUSED}, 2},
    {"stopped", {TASK_CANCELLED, TASK_SKIPPED}, 2},
};

static size_t count_states(const TaskRowList *tasks, const Tally *tally)
{
  size_t n = 0;
  for (size_t i = 0; i < tasks->len; i++) {
    for (size_t k = 0; k < tally->n; k++) n += tasks->items[i].state == tally->states[k];
  }
  return n;
}

static Str counts(Arena *arena, const TaskRowList *tasks)
{
  StrList parts = {0};
  for (size_t i = 0; i < sizeof(tallies) / sizeof(*tallies); i++) {
    size_t n = count_states(tasks, &tallies[i]);
    if (n) PUSH(arena, &parts, str_fmt(arena, "%zu %s", n, tallies[i].word));
  }
  return str_join(arena, &parts, S("  "));
}

static Str money_of(Arena *arena, const PlanRow *plan, const PlanMoney *m)
{
  Str spent = money(arena, m->spent + m->lost);
  const char *more = m->unpriced ? "+" : "";
  if (plan->budget < 0) return str_fmt(arena, "%.*s%s", STR_ARG(spent), more);
  return str_fmt(arena, "%.*s%s of %.*s", STR_ARG(spent), more,
                 STR_ARG(money(arena, plan->budget)));
}

static Str clock_text(Arena *arena, int64_t ms)
{
  long long s = ms / 1000;
  if (s >= 3600) return str_fmt(arena, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
  return str_fmt(arena, "%02lld:%02lld", s / 60, s % 60);
}

// How long the tasks took: from the first start to the last end, or to now.
static Str elapsed(Arena *arena, const TaskRowList *tasks)
{
  int64_t start = 0, end = 0;
  bool open = false;
  for (size_t i = 0; i < tasks->len; i++) {
    const TaskRow *task = &tasks->items[i];
    if (task->started_ms && (!start || task->started_ms < start)) start = task->started_ms;
    if (task->ended_ms > end) end = task->ended_ms;
    open |= task->state == TASK_RUNNING || task->state == TASK_CHECKING;
  }
  if (!start) return STR_NONE;
  if (open) end = wall_now_ms();
  return end - start < 1000 ? STR_NONE : clock_text(arena, end - start);
}

typedef struct {
  int id, stat;  // widths of columns
} TaskColumns;

static bool has_result(const TaskRow *task)
{
  return task->state == TASK_DONE || task->state == TASK_PARTIAL;
}

static Str stat_text(Arena *arena, const TaskRow *task)
{
  return str_fmt(arena, "+%lld -%lld", (long long)task->added, (long long)task->removed);
}

static TaskColumns columns(Arena *arena, const TaskRowList *tasks)
{
  TaskColumns out = {0};
  for (size_t i = 0; i < tasks->len; i++) {
    const TaskRow *task = &tasks->items[i];
    int stat = has_result(task) ? (int)stat_text(arena, task).len : 0;
    if ((int)task->id.len > out.id) out.id = (int)task->id.len;
    if (stat > out.stat) out.stat = stat;
  }
  return out;
}

static Str cost_text(Arena *arena, const TaskRow *task)
{
  if (!task->attempts) return S("no tokens");
  return str_cat(arena, money_short(arena, task->cost), task->cost_known ? STR_NONE : S("+"));
}

static void task_line(ViewText *view, int64_t plan, const TaskRow *task, TaskColumns wide)
{
  Arena *arena = view->arena;
  LineMeaning meaning = {.kind = S("task"), .task = task->id, .plan = plan};
  Str right = STR_NONE;
  if (has_result(task)) {
    right = str_fmt(arena, "%*.*s  %9.*s", wide.stat, STR_ARG(stat_text(arena, task)),
                    STR_ARG(cost_text(arena, task)));
  }
  const char *sign = task->state < TASK_STATE_COUNT ? signs[task->state] : "  ";
  Str left =
      str_fmt(arena, " %s  %-*.*s  %.*s", sign, wide.id, STR_ARG(task->id), STR_ARG(task->title));
  view_pair(view, meaning, str_fit(arena, left, VIEW_WIDTH - str_columns(right) - 2), right);
  if (task->note.len) {
    bool done = task->state == TASK_DONE;  // says nothing new then
    view_wrapped(view, meaning, S("      "),
                 str_fmt(arena, "%s%s%.*s", done ? "" : task_state_name(task->state),
                         done ? "" : ": ", STR_ARG(task->note)));
  }
}

// A plan at work whose worker is gone waits for `resume`.
static const char *state_text(ViewText *view, Engine *engine, const PlanRow *plan)
{
  Str holder = STR_NONE;
  Error unknown = {0};
  bool works =
      plan->state == PLAN_PLANNING || plan->state == PLAN_RUNNING || plan->state == PLAN_VERIFYING;
  if (works && journal_lease_holder(engine->journal, view->arena, plan->id, &holder, &unknown) &&
      !holder.len) {
    return "interrupted";
  }
  return plan_state_name(plan->state);
}

static int by_id(const void *left, const void *right)
{
  return str_cmp_natural(((const TaskRow *)left)->id, ((const TaskRow *)right)->id);
}

// How far it is, while it goes on.
static void progress_line(ViewText *view, LineMeaning meaning, const TaskRowList *tasks)
{
  enum { BAR = 40 };
  static const char full[] = "########################################",
                    empty[] = "----------------------------------------";
  size_t open = 0;
  for (size_t i = 0; i < tasks->len; i++) {
    TaskState state = tasks->items[i].state;
    open += state == TASK_WAITING || state == TASK_RUNNING || state == TASK_CHECKING;
  }
  if (!open) return;
  size_t ended = tasks->len - open, cells = ended * BAR / tasks->len;
  view_line(view, meaning, "  [%.*s%.*s]  %zu of %zu", (int)cells, full, (int)(BAR - cells), empty,
            ended, tasks->len);
}

static bool write_plan(ViewText *view, Engine *engine, const PlanRow *plan, Error *err)
{
  Arena *arena = view->arena;
  TaskRowList tasks = {0};
  PlanMoney m;
  if (!journal_task_list(engine->journal, arena, plan->id, &tasks, err)) return false;
  if (!journal_money(engine->journal, plan->id, &m, err)) return false;
  if (tasks.len) qsort(tasks.items, tasks.len, sizeof(TaskRow), by_id);
  LineMeaning head = {.kind = S("head"), .plan = plan->id};
  Str time = elapsed(arena, &tasks);
  Str left = str_fmt(arena, "piecework://status  #%lld %s  %.*s%s%.*s", (long long)plan->id,
                     state_text(view, engine, plan), STR_ARG(time), time.len ? "  " : "",
                     STR_ARG(counts(arena, &tasks)));
  view_pair(view, head, left, money_of(arena, plan, &m));
  view_wrapped(view, head, S("  "), plan->title.len ? plan->title : plan->request);
  if (plan->note.len) view_wrapped(view, head, S("  "), plan->note);
  progress_line(view, head, &tasks);
  TaskColumns wide = columns(arena, &tasks);
  for (size_t i = 0; i < tasks.len; i++) task_line(view, plan->id, &tasks.items[i], wide);
  if (!tasks.len) view_line(view, (LineMeaning){.kind = S("note")}, "  no task has run yet");
  if (!tasks.len) view_planned(view, engine, plan);
  return true;
}

static bool write_plan_line(ViewText *view, Engine *engine, const PlanRow *plan, Error *err)
{
  PlanMoney m;
  if (!journal_money(engine->journal, plan->id, &m, err)) return false;
  LineMeaning meaning = {.kind = S("plan"), .plan = plan->id};
  Str right = money_of(view->arena, plan, &m);
  Str title = plan->title.len ? plan->title : plan->request;
  Str left = str_fmt(view->arena, " #%-4lld %-11s %.*s", (long long)plan->id,
                     state_text(view, engine, plan), STR_ARG(title));
  view_pair(view, meaning, str_fit(view->arena, left, VIEW_WIDTH - str_columns(right) - 2), right);
  return true;
}

static bool is_open(PlanState state)
{
  return state != PLAN_DONE && state != PLAN_DROPPED && state != PLAN_FAILED;
}

// The one whose tasks are shown below the list: the newest that is not over, else the newest if it failed, for the
// reasons are looked for here.
static const PlanRow *looked_at(const PlanRowList *plans)
{
  for (size_t i = 0; i < plans->len; i++) {
    if (is_open(plans->items[i].state)) return &plans->items[i];
  }
  return plans->len && plans->items[0].state == PLAN_FAILED ? &plans->items[0] : NULL;
}

static bool write_project(ViewText *view, Engine *engine, Str root, Error *err)
{
  PlanRowList plans = {0};
  if (!journal_plan_list(engine->journal, view->arena, root, PLANS_SHOWN, &plans, err))
    return false;
  LineMeaning head = {.kind = S("head")};
  view_line(view, head, "piecework://status  %.*s", STR_ARG(root));
  if (!plans.len)
    view_line(view, (LineMeaning){.kind = S("note")}, "  no plan yet in this project");
  for (size_t i = 0; i < plans.len; i++) {
    if (!write_plan_line(view, engine, &plans.items[i], err)) return false;
  }
  const PlanRow *plan = looked_at(&plans);
  if (!plan) return true;
  view_line(view, (LineMeaning){.kind = S("")}, "%s", "");
  return write_plan(view, engine, plan, err);
}

bool view_status(Engine *engine, int64_t plan, Str root, Arena *arena, View *out, Error *err)
{
  ViewText view;
  PlanRow row;
  view_begin(&view, arena, out);
  bool ok = plan ? journal_plan_get(engine->journal, arena, plan, &row, err) &&
                       write_plan(&view, engine, &row, err)
                 : write_project(&view, engine, root, err);
  view_end(&view);
  return ok;
}
