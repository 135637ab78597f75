// schedule.c: see schedule.h. First the edges that the plan gives; they rank the tasks; then the order that
// the files ask for, always from a lower rank to a higher one, so that it can never make a circle.
#include "plan/schedule.h"

#include <string.h>

#include "base/map.h"

// ---- edges -------------------------------------------------------------------------------------------

static bool has_edge(const ScheduleEdges *edges, size_t task)
{
  for (size_t i = 0; i < edges->len; i++) {
    if (edges->items[i].task == task) return true;
  }
  return false;
}

static void add_edge(Schedule *s, size_t before, size_t task, bool needed)
{
  PUSH(s->arena, &s->nodes[task].before, ((ScheduleEdge){before, needed}));
  PUSH(s->arena, &s->nodes[before].after, ((ScheduleEdge){task, needed}));
  s->nodes[task].open++;
}

// The id without the number of an `each:` target: "T03.12" -> "T03".
static Str family(Str id)
{
  size_t dot = str_find_char(id, '.');
  return dot == STR_NOT_FOUND ? id : str_sub(id, 0, dot);
}

// Edges to every task that [id] names: `after: T03` also means each target T03.1, T03.2 ... of an `each:`.
// [seen] holds task + 1 for those that [task] has an edge to.
static bool edges_to(Schedule *s, size_t task, Str id, size_t *seen)
{
  bool found = false;
  for (size_t b = 0; b < s->count; b++) {
    Str other = s->tasks->items[b].id;
    if (!str_eq(other, id) && !str_eq(family(other), id)) continue;
    found = true;
    if (b == task || seen[b] == task + 1) continue;
    seen[b] = task + 1;
    add_edge(s, b, task, true);
  }
  return found;
}

static bool edges_after(Schedule *s, Error *err)
{
  size_t *seen = NEW_N(s->arena, size_t, s->count + 1);
  for (size_t t = 0; t < s->count; t++) {
    const TaskSpec *spec = &s->tasks->items[t];
    for (size_t a = 0; a < spec->after.len; a++) {
      if (edges_to(s, t, spec->after.items[a], seen)) continue;
      return error_set(err, ERR_INVALID, "%.*s comes after %.*s, which is not in the plan",
                       STR_ARG(spec->id), STR_ARG(spec->after.items[a]));
    }
  }
  return true;
}

// Ranks all tasks so that each comes after what it waits for, otherwise in plan order.
static bool rank(Schedule *s, Error *err)
{
  size_t *open = NEW_N(s->arena, size_t, s->count + 1);
  bool *done = NEW_N(s->arena, bool, s->count + 1);
  for (size_t t = 0; t < s->count; t++) open[t] = s->nodes[t].open;
  size_t ranked = 0, low = 0;
  while (ranked < s->count) {
    size_t pick = low;
    while (pick < s->count && (done[pick] || open[pick])) pick++;
    if (pick == s->count) {
      size_t stuck = low;
      while (done[stuck]) stuck++;
      return error_set(err, ERR_INVALID,
                       "the tasks wait for each other in a circle, %.*s among them",
                       STR_ARG(s->tasks->items[stuck].id));
    }
    done[pick] = true;
    s->nodes[pick].rank = ranked;
    s->order[ranked++] = pick;
    while (low < s->count && done[low]) low++;
    const ScheduleEdges *after = &s->nodes[pick].after;
    for (size_t e = 0; e < after->len; e++) open[after->items[e].task]--;
  }
  return true;
}

// One use of a file by a task.
typedef struct {
  size_t task;
  Range range;
  bool writes;
} Use;

typedef struct {
  Use *items;
  size_t len, cap;
} UseList;

static void add_use(Arena *arena, Map *map, UseList *lists, size_t *count, Str path, Use use)
{
  size_t at = *count;
  if (map_add(arena, map, path, at)) {
    (*count)++;
  } else {
    map_get(map, path, &at);
  }
  PUSH(arena, &lists[at], use);
}

static bool overlap(Range a, Range b)
{
  if (range_is_whole(a) || range_is_whole(b)) return true;
  return a.first <= b.last && b.first <= a.last;
}

// True when [later] has to wait for [earlier].
static bool ordered(const Schedule *s, const Use *earlier, const Use *later)
{
  if (earlier->task == later->task || !earlier->writes) return false;
  if (!overlap(earlier->range, later->range)) return false;
  if (later->writes) return true;
  Str a = s->tasks->items[earlier->task].id, b = s->tasks->items[later->task].id;
  return !str_eq(family(a), family(b));
}

// Uses of one file are in rank order. What wrote the whole file already waits for all before it, so the
// search ends there: a chain, not a square.
static void edges_of_file(Schedule *s, const UseList *uses)
{
  for (size_t later = 1; later < uses->len; later++) {
    const Use *use = &uses->items[later];
    for (size_t i = later; i-- > 0;) {
      const Use *earlier = &uses->items[i];
      if (!ordered(s, earlier, use)) continue;
      if (!has_edge(&s->nodes[use->task].before, earlier->task)) {
        add_edge(s, earlier->task, use->task, false);
      }
      if (range_is_whole(earlier->range)) break;
    }
  }
}

static size_t count_refs(const TaskList *tasks)
{
  size_t refs = 0;
  for (size_t t = 0; t < tasks->len; t++) {
    refs += tasks->items[t].files.len + tasks->items[t].read.len + 2;
  }
  return refs;
}

static void edges_of_files(Schedule *s)
{
  Map map = {0};
  UseList *lists = NEW_N(s->arena, UseList, count_refs(s->tasks) + 1);
  size_t count = 0;
  for (size_t r = 0; r < s->count; r++) {
    size_t t = s->order[r];
    const TaskSpec *spec = &s->tasks->items[t];
    for (size_t i = 0; i < spec->read.len; i++) {
      add_use(s->arena, &map, lists, &count, spec->read.items[i].path,
              (Use){t, spec->read.items[i].range, false});
    }
    for (size_t i = 0; i < spec->files.len; i++) {
      if (spec->executor == EXECUTOR_MOVE) break;
      add_use(s->arena, &map, lists, &count, spec->files.items[i].path,
              (Use){t, spec->files.items[i].range, true});
    }
    if (spec->executor != EXECUTOR_MOVE) continue;
    add_use(s->arena, &map, lists, &count, spec->from.path, (Use){t, spec->from.range, true});
    add_use(s->arena, &map, lists, &count, spec->to, (Use){t, {0}, true});
  }
  for (size_t i = 0; i < count; i++) edges_of_file(s, &lists[i]);
}

// What leads to a marked pilot may run before it. From the last rank down each node asks those after it.
static void mark_leads(Schedule *s)
{
  for (size_t r = s->count; r-- > 0;) {
    ScheduleNode *node = &s->nodes[s->order[r]];
    node->leads = node->pilot;
    for (size_t e = 0; e < node->after.len; e++) {
      node->leads |= s->nodes[node->after.items[e].task].leads;
    }
  }
}

static void want_pilot(Schedule *s)
{
  size_t models = 0, marked = 0, proven = 0;
  for (size_t t = 0; t < s->count; t++) {
    const ScheduleNode *node = &s->nodes[t];
    proven += node->model && node->state == NODE_OK;
    models += node->model && node->state == NODE_WAITING;
    marked += node->pilot && node->state == NODE_WAITING;
  }
  s->pilot_wanted = s->pilot_asked && !proven && models >= (marked ? 2 : 3);
}

bool schedule_init(Schedule *s, Arena *arena, const TaskList *tasks, bool pilot, Error *err)
{
  *s = (Schedule){.arena = arena, .tasks = tasks, .count = tasks->len, .pilot_asked = pilot};
  s->nodes = NEW_N(arena, ScheduleNode, s->count + 1);
  s->order = NEW_N(arena, size_t, s->count + 1);
  s->skipped = NEW_N(arena, size_t, s->count + 1);
  for (size_t t = 0; t < s->count; t++) {
    s->nodes[t].model = tasks->items[t].executor == EXECUTOR_MODEL;
    s->nodes[t].pilot = tasks->items[t].pilot && s->nodes[t].model;
  }
  if (!edges_after(s, err) || !rank(s, err)) return false;
  edges_of_files(s);
  mark_leads(s);
  want_pilot(s);
  return true;
}

// ---- running -----------------------------------------------------------------------------------------

static void skip(Schedule *s, size_t task, size_t cause);

// [task] ended: tasks after it wait for one less, or are skipped.
static void release(Schedule *s, size_t task, bool ok, size_t cause)
{
  const ScheduleEdges *after = &s->nodes[task].after;
  for (size_t e = 0; e < after->len; e++) {
    ScheduleNode *next = &s->nodes[after->items[e].task];
    next->open--;
    bool lost = !ok && after->items[e].needed && next->state == NODE_WAITING;
    if (lost) skip(s, after->items[e].task, cause);
  }
}

static void skip(Schedule *s, size_t task, size_t cause)
{
  s->nodes[task].state = NODE_SKIPPED;
  s->nodes[task].cause = cause;
  s->skipped[s->skipped_len++] = task;
  s->ended++;
  release(s, task, false, cause);
}

void schedule_preset(Schedule *s, const NodeState *states)
{
  for (size_t t = 0; t < s->count; t++) s->nodes[t].state = states[t];
  for (size_t t = 0; t < s->count; t++) {
    bool running = states[t] == NODE_RUNNING;
    s->running_model += running && s->nodes[t].model;
    if (running || states[t] == NODE_WAITING) continue;
    s->ended++;
    release(s, t, states[t] == NODE_OK, t);
  }
  want_pilot(s);
}

bool schedule_pilot_failed(const Schedule *s)
{
  return s->pilot_wanted && s->pilots_bad >= SCHEDULE_PILOTS;
}

// A marked pilot that can still run: the others wait for it.
static bool pilot_ahead(const Schedule *s)
{
  for (size_t t = 0; t < s->count; t++) {
    if (s->nodes[t].pilot && s->nodes[t].state == NODE_WAITING) return true;
  }
  return false;
}

static bool may_start(const Schedule *s, size_t task, bool pilot_only, bool marked)
{
  const ScheduleNode *node = &s->nodes[task];
  if (node->state != NODE_WAITING || node->open) return false;
  if (!node->model || !pilot_only) return true;
  if (s->running_model || schedule_pilot_failed(s)) return false;
  return !marked || node->leads;
}

bool schedule_next(Schedule *s, size_t *task)
{
  bool pilot_only = s->pilot_wanted, marked = pilot_only && pilot_ahead(s);
  while (s->first_open < s->count && s->nodes[s->order[s->first_open]].state != NODE_WAITING) {
    s->first_open++;
  }
  for (size_t r = s->first_open; r < s->count; r++) {
    size_t t = s->order[r];
    if (!may_start(s, t, pilot_only, marked)) continue;
    s->nodes[t].state = NODE_RUNNING;
    s->running_model += s->nodes[t].model;
    *task = t;
    return true;
  }
  return false;
}

static void leave_running(Schedule *s, size_t task)
{
  s->running_model -= s->nodes[task].model;
}

void schedule_end(Schedule *s, size_t task, bool ok)
{
  ScheduleNode *node = &s->nodes[task];
  if (node->state != NODE_RUNNING) return;
  leave_running(s, task);
  node->state = ok ? NODE_OK : NODE_BAD;
  s->ended++;
  bool proves = s->pilot_wanted && node->model && ok;
  if (proves && (node->pilot || !pilot_ahead(s))) s->pilot_wanted = false;
  if (node->model && !ok) s->pilots_bad++;
  release(s, task, ok, task);
}

void schedule_return(Schedule *s, size_t task)
{
  if (s->nodes[task].state != NODE_RUNNING) return;
  leave_running(s, task);
  s->nodes[task].state = NODE_WAITING;
  if (s->nodes[task].rank < s->first_open) s->first_open = s->nodes[task].rank;
}

bool schedule_is_running(const Schedule *s, size_t task)
{
  return s->nodes[task].state == NODE_RUNNING;
}

void schedule_drop(Schedule *s, size_t task)
{
  if (s->nodes[task].state != NODE_WAITING) return;
  s->nodes[task].state = NODE_BAD;
  s->ended++;
  release(s, task, false, task);
}

bool schedule_skipped(Schedule *s, size_t *task, size_t *cause)
{
  if (s->skipped_told == s->skipped_len) return false;
  *task = s->skipped[s->skipped_told++];
  *cause = s->nodes[*task].cause;
  return true;
}

bool schedule_over(const Schedule *s)
{
  return s->ended == s->count;
}

static void mark_before(const Schedule *s, size_t task, bool *seen)
{
  for (size_t e = 0; e < s->nodes[task].before.len; e++) {
    size_t before = s->nodes[task].before.items[e].task;
    if (seen[before]) continue;
    seen[before] = true;
    mark_before(s, before, seen);
  }
}

void schedule_before(const Schedule *s, size_t task, const bool *only, Arena *arena, StrList *ids)
{
  if (!s->nodes[task].before.len) return;
  bool *seen = NEW_N(arena, bool, s->count + 1);
  mark_before(s, task, seen);
  for (size_t r = 0; r < s->count; r++) {
    size_t t = s->order[r];
    if (seen[t] && (!only || only[t])) PUSH(arena, ids, s->tasks->items[t].id);
  }
}

size_t schedule_find(const Schedule *s, Str id)
{
  for (size_t t = 0; t < s->count; t++) {
    if (str_eq(s->tasks->items[t].id, id)) return t;
  }
  return SIZE_MAX;
}
