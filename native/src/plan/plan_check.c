// plan_check.c: can this plan run? Ids, order, executors, and every file against the project. All
// problems are found in one go, each with its line and what to write instead, because the list
// goes to a user's quickfix window or back to the planner for its one repair.
#include "plan/plan_fields.h"

#include "base/map.h"
#include "lib/regex.h"
#include "patch/patch.h"
#include "plan/placeholder.h"

// What the project said of one path; asked once however many tasks name it.
typedef struct {
  SendVerdict verdict;
  Str why;
  size_t lines;
} FileFacts;

typedef struct {
  Arena *arena;
  const Plan *plan;
  Project *project;  // NULL: nothing is asked of files
  PlanProblemList *problems;
  Map ids;       // task id -> index
  Map creators;  // path -> index of the task that makes it
  Map files;     // path -> index into facts
  struct {
    FileFacts *items;
    size_t len, cap;
  } facts;
} Check;

#define BAD(line, ...) plan_problem(c->arena, c->problems, (line), false, __VA_ARGS__)

// ---- order --------------------------------------------------------------------------------------

static void check_ids(Check *c)
{
  const TaskList *tasks = &c->plan->tasks;
  for (size_t i = 0; i < tasks->len; i++) {
    const TaskSpec *task = &tasks->items[i];
    size_t first = 0;
    if (map_add(c->arena, &c->ids, task->id, i)) continue;
    map_get(&c->ids, task->id, &first);
    BAD(task->line, "%.*s is there twice (first in line %d); give each task its own id",
        STR_ARG(task->id), tasks->items[first].line);
  }
}

static void check_after(Check *c, const TaskSpec *task)
{
  int line = task->after_line ? task->after_line : task->line;
  for (size_t i = 0; i < task->after.len; i++) {
    Str id = task->after.items[i];
    if (str_eq(id, task->id)) BAD(line, "%.*s waits for itself", STR_ARG(id));
    if (map_get(&c->ids, id, NULL)) continue;
    BAD(line, "%.*s waits for %.*s, which is not in the plan", STR_ARG(task->id), STR_ARG(id));
  }
}

typedef enum { WHITE, OPEN, DONE } Colour;
typedef struct {
  size_t task, next;  // next: which of its `after` comes next
} Visit;

// The tasks on the stack from [from] on, as "T01 -> T02 -> T01" (an arrow: has to come after).
static Str cycle_text(Check *c, const Visit *stack, size_t depth, size_t from)
{
  StrList names = {0};
  size_t at = 0;
  while (stack[at].task != from) at++;
  size_t shown = depth - at > 12 ? 12 : depth - at;
  for (size_t i = 0; i < shown; i++) {
    PUSH(c->arena, &names, c->plan->tasks.items[stack[at + i].task].id);
  }
  if (shown < depth - at) PUSH(c->arena, &names, S("..."));
  PUSH(c->arena, &names, c->plan->tasks.items[from].id);
  return str_join(c->arena, &names, S(" -> "));
}

// Depth first without recursion: a plan may be thousands of tasks long in one chain.
static bool visit_from(Check *c, size_t start, uint8_t *colour, Visit *stack)
{
  size_t depth = 0;
  stack[depth++] = (Visit){start, 0};
  colour[start] = OPEN;
  while (depth) {
    Visit *top = &stack[depth - 1];
    const TaskSpec *task = &c->plan->tasks.items[top->task];
    size_t next;
    if (top->next == task->after.len) {
      colour[top->task] = DONE;
      depth--;
    } else if (map_get(&c->ids, task->after.items[top->next++], &next) && next != top->task) {
      if (colour[next] == OPEN) {
        BAD(task->after_line ? task->after_line : task->line,
            "tasks wait for each other in a circle: %.*s",
            STR_ARG(cycle_text(c, stack, depth, next)));
        return false;
      }
      if (colour[next] == DONE) continue;
      colour[next] = OPEN;
      stack[depth++] = (Visit){next, 0};
    }
  }
  return true;
}

static void check_order(Check *c)
{
  size_t count = c->plan->tasks.len;
  uint8_t *colour = NEW_N(c->arena, uint8_t, count + 1);
  Visit *stack = NEW_N(c->arena, Visit, count + 1);
  for (size_t i = 0; i < count; i++) {
    // one circle is named; the others may be its echo
    if (colour[i] == WHITE && !visit_from(c, i, colour, stack)) return;
  }
}

// Does [task] come after [other], directly or through others?
static bool comes_after(Check *c, size_t task, size_t other)
{
  size_t count = c->plan->tasks.len, depth = 0;
  Arena scratch;
  arena_init(&scratch);
  uint8_t *seen = NEW_N(&scratch, uint8_t, count + 1);
  size_t *stack = NEW_N(&scratch, size_t, count + 1);
  stack[depth++] = task;
  seen[task] = 1;
  while (depth && !seen[other]) {
    const TaskSpec *at = &c->plan->tasks.items[stack[--depth]];
    for (size_t i = 0; i < at->after.len; i++) {
      size_t next;
      if (!map_get(&c->ids, at->after.items[i], &next) || seen[next]) continue;
      seen[next] = 1;
      stack[depth++] = next;
    }
  }
  bool after = seen[other];
  arena_deinit(&scratch);
  return after;
}

// ---- files --------------------------------------------------------------------------------------

static const FileFacts *file_facts(Check *c, Str path)
{
  size_t at;
  if (map_get(&c->files, path, &at)) return &c->facts.items[at];
  FileFacts facts = {0};
  facts.verdict = project_may_send(c->project, c->arena, path, &facts.lines, &facts.why);
  map_add(c->arena, &c->files, path, c->facts.len);
  PUSH(c->arena, &c->facts, facts);
  return &c->facts.items[c->facts.len - 1];
}

static bool path_ok(Check *c, int line, Str path)
{
  RefuseCode why;
  if (patch_path_ok(path, &why)) return true;
  if (why == REFUSE_PATH_GIT) {
    BAD(line, "%.*s: no task touches what is inside .git", STR_ARG(path));
  } else {
    BAD(line,
        "%.*s: a task's files are named from the project's root, without `..`, a leading ~, a "
        "drive, "
        "backslashes or control characters",
        STR_ARG(path));
  }
  return false;
}

static void check_new(Check *c, const TaskSpec *task, const FileRef *ref)
{
  const FileFacts *facts = file_facts(c, ref->path);
  if (facts->verdict == SEND_OK) {
    BAD(ref->line, "%.*s is marked `new` in %.*s but is there already", STR_ARG(ref->path),
        STR_ARG(task->id));
  } else if (facts->verdict != SEND_NOT_FOUND) {
    BAD(ref->line, "%.*s cannot be made: %.*s", STR_ARG(ref->path), STR_ARG(facts->why));
  }
}

// A file that is not there yet is fine when an earlier task makes it.
static void check_missing(Check *c, size_t task, const FileRef *ref, Str id)
{
  size_t creator;
  if (!map_get(&c->creators, ref->path, &creator)) {
    BAD(ref->line,
        "%.*s does not exist (%.*s); correct the path, or write `%.*s new` if the task makes it",
        STR_ARG(ref->path), STR_ARG(id), STR_ARG(ref->path));
  } else if (creator != task && !comes_after(c, task, creator)) {
    Str maker = c->plan->tasks.items[creator].id;
    BAD(ref->line, "%.*s uses %.*s, which %.*s makes: add `after: %.*s`", STR_ARG(id),
        STR_ARG(ref->path), STR_ARG(maker), STR_ARG(maker));
  }
}

static void check_ref(Check *c, size_t index, const FileRef *ref)
{
  Str id = c->plan->tasks.items[index].id;
  if (!path_ok(c, ref->line, ref->path) || !c->project) return;
  if (ref->is_new) {
    check_new(c, &c->plan->tasks.items[index], ref);
    return;
  }
  const FileFacts *facts = file_facts(c, ref->path);
  if (facts->verdict == SEND_NOT_FOUND) {
    check_missing(c, index, ref, id);
  } else if (facts->verdict != SEND_OK) {
    BAD(ref->line, "%.*s cannot be used: %.*s (%.*s)", STR_ARG(ref->path), STR_ARG(facts->why),
        STR_ARG(id));
  } else if (ref->range.last > facts->lines) {
    BAD(ref->line, "%.*s has %zu lines, so %zu-%zu is not in it (%.*s)", STR_ARG(ref->path),
        facts->lines, ref->range.first, ref->range.last, STR_ARG(id));
  }
}

static void check_refs(Check *c, size_t task, const FileRefList *refs)
{
  for (size_t i = 0; i < refs->len; i++) check_ref(c, task, &refs->items[i]);
}

static void note_creator(Check *c, size_t index, Str path, int line)
{
  size_t other;
  if (map_add(c->arena, &c->creators, path, index)) return;
  map_get(&c->creators, path, &other);
  if (other == index) return;
  BAD(line, "%.*s is made by both %.*s and %.*s; let one make it and the other come after",
      STR_ARG(path), STR_ARG(c->plan->tasks.items[other].id),
      STR_ARG(c->plan->tasks.items[index].id));
}

// Files that a task names through its targets: what is checked is what they become.
static bool names_by_target(const TaskSpec *task)
{
  const FileRefList *lists[] = {&task->files, &task->read};
  for (size_t l = 0; task->each.len && l < 2; l++) {
    for (size_t i = 0; i < lists[l]->len; i++) {
      if (placeholders_any(lists[l]->items[i].path)) return true;
    }
  }
  return false;
}

static void note_target_creators(Check *c, size_t index)
{
  const TaskSpec *task = &c->plan->tasks.items[index];
  for (size_t t = 0; t < task->each.len; t++) {
    TaskSpec one = plan_target(c->arena, task, t);
    for (size_t i = 0; i < one.files.len; i++) {
      const FileRef *ref = &one.files.items[i];
      if (ref->is_new) note_creator(c, index, ref->path, ref->line);
    }
  }
}

static void note_creators(Check *c, size_t index)
{
  const TaskSpec *task = &c->plan->tasks.items[index];
  const FileRefList *lists[] = {&task->files, &task->each};
  if (names_by_target(task)) {
    note_target_creators(c, index);
    return;
  }
  for (size_t l = 0; l < 2; l++) {
    for (size_t i = 0; i < lists[l]->len; i++) {
      const FileRef *ref = &lists[l]->items[i];
      if (ref->is_new) note_creator(c, index, ref->path, ref->line);
    }
  }
  // A move makes its target when it is not there; several moves may fill one file, so the first
  // counts.
  bool makes = task->executor == EXECUTOR_MOVE && task->to.len && c->project &&
               file_facts(c, task->to)->verdict == SEND_NOT_FOUND;
  if (makes) map_add(c->arena, &c->creators, task->to, index);
}

// ---- executors ----------------------------------------------------------------------------------

static void check_model(Check *c, size_t index)
{
  const TaskSpec *task = &c->plan->tasks.items[index];
  if (!task->files.len && !task->each.len && !task->select.len) {
    BAD(task->line, "%.*s names no file it may change: add `files:` or `each:`", STR_ARG(task->id));
  }
  if (!task->template.len && body_without_comments(c->arena, task->body).len == 0) {
    BAD(task->line, "%.*s says nothing to do: write what to change below its fields",
        STR_ARG(task->id));
  }
}

static bool check_pattern(Check *c, const TaskSpec *task, Str pattern, const char *key)
{
  Error err = {0};
  Regex *regex = regex_new(pattern, (RegexOptions){.utf8 = true}, &err);
  Str why = str_from(err.message), said = S("pattern: ");
  if (str_starts(why, said)) why = str_skip(why, said.len);
  if (!regex) BAD(task->line, "%.*s: `%s:` %.*s", STR_ARG(task->id), key, STR_ARG(why));
  regex_free(regex);
  return regex != NULL;
}

static void check_replacement(Check *c, const TaskSpec *task)
{
  Error err = {0};
  RegexOptions options = {.word = task->word, .utf8 = true};
  if (regex_replacement_ok(task->pattern, options, task->replace, &err)) return;
  Str why = str_from(err.message), said = S("substitution: ");
  if (str_starts(why, said)) why = str_skip(why, said.len);
  BAD(task->replace_line, "%.*s: `replace: %.*s`: %.*s (groups are $1, ${name}; a dollar is $$)",
      STR_ARG(task->id), STR_ARG(task->replace), STR_ARG(why));
}

static void check_substitute(Check *c, size_t index)
{
  const TaskSpec *task = &c->plan->tasks.items[index];
  if (!task->files.len && !task->each.len && !task->select.len) {
    BAD(task->line, "%.*s names no file to substitute in: add `files:` or `each:`",
        STR_ARG(task->id));
  }
  bool usable = task->pattern.len && check_pattern(c, task, task->pattern, "pattern");
  if (!task->pattern.len) BAD(task->line, "%.*s lacks `pattern:`", STR_ARG(task->id));
  if (usable && task->replace.len) check_replacement(c, task);
  if (!task->replace.ptr) {
    BAD(task->line, "%.*s lacks `replace:` (leave its value empty to delete)", STR_ARG(task->id));
  }
  if (task->except.len) check_pattern(c, task, task->except, "except");
}

static void check_move(Check *c, size_t index)
{
  const TaskSpec *task = &c->plan->tasks.items[index];
  if (!task->from.path.len || range_is_whole(task->from.range)) {
    BAD(task->line, "%.*s lacks `from: path:FIRST-LAST`", STR_ARG(task->id));
  } else {
    check_ref(c, index, &task->from);
  }
  if (!task->to.len) {
    BAD(task->line, "%.*s lacks `to: path`", STR_ARG(task->id));
  } else if (path_ok(c, task->line, task->to) && c->project) {
    const FileFacts *facts = file_facts(c, task->to);
    bool usable = facts->verdict == SEND_OK || facts->verdict == SEND_NOT_FOUND;
    if (!usable)
      BAD(task->line, "%.*s cannot be used: %.*s", STR_ARG(task->to), STR_ARG(facts->why));
  }
  if (task->each.len || task->select.len)
    BAD(task->line, "%.*s: a move has one `from:`, not `each:`", STR_ARG(task->id));
}

static void (*const check_executor[])(Check *, size_t) = {
    [EXECUTOR_MODEL] = check_model,
    [EXECUTOR_SUBSTITUTE] = check_substitute,
    [EXECUTOR_MOVE] = check_move,
};

static void check_size(Check *c)
{
  size_t targets = 0;
  for (size_t i = 0; i < c->plan->tasks.len; i++) {
    size_t each = c->plan->tasks.items[i].each.len;
    targets += each ? each : 1;
  }
  if (c->plan->tasks.len == 0)
    BAD(1, "the plan has no task: a task starts with a line like `## T01 title`");
  if (targets > PLAN_MAX_TARGETS)
    BAD(1, "the plan has %zu targets; %d is the most", targets, PLAN_MAX_TARGETS);
}

static void check_files(Check *c, size_t index)
{
  const TaskSpec *task = &c->plan->tasks.items[index];
  check_refs(c, index, &task->each);
  if (!names_by_target(task)) {
    check_refs(c, index, &task->files);
    check_refs(c, index, &task->read);
    return;
  }
  for (size_t t = 0; t < task->each.len; t++) {
    TaskSpec one = plan_target(c->arena, task, t);
    check_refs(c, index, &one.files);
    check_refs(c, index, &one.read);
    if (one.files.len) continue;
    BAD(task->line, "%.*s reads its targets and names no file it may change: add `files:`",
        STR_ARG(task->id));
    return;
  }
}

bool plan_check(Arena *arena, const Plan *plan, Project *project, PlanProblemList *problems)
{
  size_t errors = problems->errors;
  Check check = {.arena = arena, .plan = plan, .project = project, .problems = problems};
  Check *c = &check;
  check_size(c);
  check_ids(c);
  for (size_t i = 0; i < plan->tasks.len; i++) check_after(c, &plan->tasks.items[i]);
  check_order(c);
  for (size_t i = 0; i < plan->tasks.len; i++) note_creators(c, i);
  for (size_t i = 0; i < plan->tasks.len; i++) {
    const TaskSpec *task = &plan->tasks.items[i];
    check_executor[task->executor](c, i);
    check_files(c, i);
  }
  return problems->errors == errors;
}
