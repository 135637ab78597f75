// plan_expand.c: the tasks a run works on: `each:` made into one task per target, moves with
// their files.
#include "plan/placeholder.h"
#include "plan/plan_fields.h"

#include "base/map.h"
#include "lib/store.h"

// A move writes both its ends, so they count as its files.
static FileRefList move_files(Arena *arena, const TaskSpec *task)
{
  FileRefList files = {0};
  FileRef to = {.path = task->to, .is_new = false, .line = task->line};
  if (task->from.path.len) PUSH(arena, &files, task->from);
  if (task->to.len && !str_eq(task->to, task->from.path)) PUSH(arena, &files, to);
  return files;
}

static Str fill(Arena *arena, Str text, const Placeholders *known)
{
  return placeholders_plain(arena, placeholders_fill(arena, text, known));
}

// A ref with placeholders is read again when they are filled: {{ref}} brings a range. What makes no sense
// then stays as it is, and plan_check says that there is no such file.
static FileRefList fill_refs(Arena *arena, const FileRefList *refs, const Placeholders *known)
{
  FileRefList out = {0};
  for (size_t i = 0; i < refs->len; i++) {
    FileRef ref = refs->items[i], filled;
    Error none = {0};
    bool braces = placeholders_any(ref.path);
    if (braces && file_ref_parse(arena, fill(arena, ref.path, known), &filled, &none)) {
      ref.path = filled.path;
      if (range_is_whole(ref.range)) ref.range = filled.range;
    }
    PUSH(arena, &out, ref);
  }
  return out;
}

static bool only_read(const TaskSpec *task)
{
  for (size_t i = 0; i < task->read.len; i++) {
    Str path = task->read.items[i].path;
    if (str_eq(path, S("{{ref}}")) || str_eq(path, S("{{path}}"))) return true;
  }
  return false;
}

TaskSpec plan_target(Arena *arena, const TaskSpec *task, size_t index)
{
  const FileRef *target = &task->each.items[index];
  TaskSpec one = *task;
  Placeholders known;
  placeholders_of_target(arena, target, index + 1, &known);
  Str ref = file_ref_format(arena, target), title = fill(arena, task->title, &known);
  bool named = !task->title.len || !str_eq(title, task->title);
  one.id = str_fmt(arena, "%.*s.%zu", STR_ARG(task->id), index + 1);
  one.title = named ? (title.len ? title : ref)
                    : str_fmt(arena, "%.*s: %.*s", STR_ARG(title), STR_ARG(ref));
  one.pilot = task->pilot && index == 0;
  one.each = (FileRefList){0};
  one.select = (StrList){0};
  FileRefList files = fill_refs(arena, &task->files, &known);
  one.files = (FileRefList){0};
  if (!only_read(task)) PUSH(arena, &one.files, *target);
  for (size_t i = 0; i < files.len; i++) PUSH(arena, &one.files, files.items[i]);
  one.read = fill_refs(arena, &task->read, &known);
  one.body = fill(arena, task->body, &known);
  one.replace = task->replace.ptr ? fill(arena, task->replace, &known) : STR_NONE;
  one.accept = (StrList){0};
  for (size_t i = 0; i < task->accept.len; i++)
    PUSH(arena, &one.accept, fill(arena, task->accept.items[i], &known));
  return one;
}

static void expand_task(Arena *arena, const TaskSpec *task, TaskList *out)
{
  TaskSpec copy = *task;
  bool alone = task->executor == EXECUTOR_MOVE && task->files.len == 0;
  if (alone) copy.files = move_files(arena, task);
  if (task->each.len == 0 && task->select.len == 0) PUSH(arena, out, copy);
  for (size_t i = 0; i < task->each.len && out->len < PLAN_MAX_TARGETS; i++)
    PUSH(arena, out, plan_target(arena, task, i));
}

// `after: T01` means all of T01's targets. The list is shared by the targets of the task that
// says so.
static StrList expand_after(Arena *arena, const Plan *plan, const Map *index, const StrList *after)
{
  StrList all = {0};
  for (size_t i = 0; i < after->len; i++) {
    size_t at, targets = 0;
    bool known = map_get(index, after->items[i], &at);
    if (known) targets = plan->tasks.items[at].each.len;
    bool alone = targets == 0 && !(known && plan->tasks.items[at].select.len);
    if (alone) PUSH(arena, &all, after->items[i]);
    for (size_t n = 1; n <= targets; n++) {
      Str id = str_fmt(arena, "%.*s.%zu", STR_ARG(after->items[i]), n);
      PUSH(arena, &all, id);
    }
  }
  return all;
}

TaskList plan_expand(Arena *arena, const Plan *plan)
{
  TaskList out = {0};
  Map index = {0};
  bool any = false;
  for (size_t i = 0; i < plan->tasks.len; i++) {
    map_add(arena, &index, plan->tasks.items[i].id, i);
    any = any || plan->tasks.items[i].each.len || plan->tasks.items[i].select.len;
  }
  for (size_t i = 0; i < plan->tasks.len; i++) {
    TaskSpec task = plan->tasks.items[i];
    if (any) task.after = expand_after(arena, plan, &index, &task.after);
    expand_task(arena, &task, &out);
  }
  return out;
}

const TaskSpec *plan_task(const TaskList *tasks, Str id)
{
  for (size_t i = 0; i < tasks->len; i++) {
    if (str_eq(tasks->items[i].id, id)) return &tasks->items[i];
  }
  return NULL;
}

// What changes the work: not the id, the order, the pilot mark, nor who does it. Runs once per
// task of a plan of thousands, so the shared body is hashed by content_hash like the rest; that
// is fast enough.
Str task_spec_hash(Arena *arena, const TaskSpec *task)
{
  TaskSpec work = *task;
  Plan alone = {.budget = NANO_UNKNOWN, .tasks = {&work, 1, 1}};
  work.id = S("T0");
  work.pilot = false;
  work.after = (StrList){0};
  work.model = STR_NONE;
  work.body = body_without_comments(arena, task->body);
  return content_hash(arena, plan_format(arena, &alone));
}
