// task_keep.c: a task's row, its result and what it builds on, into the journal. See task_private.h.
#include "review/combine.h"
#include "work/task_private.h"

#include "patch/diff.h"

// ---- the row -----------------------------------------------------------------------------------------

void task_copy_row(Task *task, const TaskRow *row)
{
  Arena *arena = &task->arena;
  task->row = *row;
  task->row.id = str_dup(arena, row->id);
  task->row.executor = str_dup(arena, row->executor);
  task->row.title = str_dup(arena, row->title);
  task->row.spec_hash = str_dup(arena, row->spec_hash);
  task->row.note = STR_NONE;
  task->reuse_since_ms = row->started_ms ? row->started_ms : wall_now_ms();
}

void task_set_note(Task *task, Str note)
{
  task->row.note = str_dup(&task->arena, str_sub(note, 0, str_utf8_floor(note, 400)));
}

void task_log(Task *task, const char *kind, const char *format, ...)
{
  Arena arena;
  arena_init(&arena);
  va_list args;
  va_start(args, format);
  Str text = str_vfmt(&arena, format, args);
  va_end(args);
  journal_log(task->start.engine->journal, task->start.plan->id, str_from(kind), task->row.id,
              "%.*s", STR_ARG(text));
  arena_deinit(&arena);
}

bool task_store_row(Task *task, Error *err)
{
  if (!journal_task_put(task->start.engine->journal, &task->row, err)) return false;
  task->start.on_change(task->start.owner, task);
  return true;
}

bool task_set_state(Task *task, TaskState state, Error *err)
{
  task->row.state = state;
  if (!task->row.started_ms) task->row.started_ms = wall_now_ms();
  return task_store_row(task, err);
}

// ---- an older result ---------------------------------------------------------------------------------

static Str was_fact(Arena *arena, Str id)
{
  return str_cat(arena, S("was "), id);
}

bool task_put_aside(Journal *journal, const TaskRow *row, Error *err)
{
  Arena arena;
  arena_init(&arena);
  Str text = str_fmt(&arena, "%s %lld %lld %lld", task_state_name(row->state),
                     (long long)row->added, (long long)row->removed, (long long)row->ended_ms);
  bool ok = journal_fact_set(journal, row->plan, was_fact(&arena, row->id), text, err);
  arena_deinit(&arena);
  return ok;
}

static Str moved_fact(Arena *arena, Str id)
{
  return str_cat(arena, S("moved for "), id);
}

bool task_moved_bases(Journal *journal, int64_t plan, Str id, const StrList *paths, Error *err)
{
  Arena arena;
  arena_init(&arena);
  bool ok = journal_fact_set(journal, plan, moved_fact(&arena, id),
                             str_join(&arena, paths, S("\n")), err);
  arena_deinit(&arena);
  return ok;
}

static bool move_bases_back(Journal *journal, const TaskRow *row, Arena *arena, Error *err)
{
  Str paths = STR_NONE, path, name = moved_fact(arena, row->id);
  if (!journal_fact_get(journal, arena, row->plan, name, &paths, err)) return false;
  if (!paths.len) return true;
  while (str_line(&paths, &path)) {
    if (!base_move_back(journal, row->plan, path, err)) return false;
  }
  return journal_fact_set(journal, row->plan, name, STR_NONE, err);
}

static bool next_number(Str *rest, int64_t *out)
{
  Str word;
  uint64_t n;
  if (!str_cut(rest, ' ', &word) || !str_to_u64(word, &n) || n > INT64_MAX) return false;
  *out = (int64_t)n;
  return true;
}

bool task_take_back(Journal *journal, TaskRow *row, Arena *arena, Str why, bool *restored,
                    Error *err)
{
  Str text = STR_NONE, state;
  *restored = false;
  if (!move_bases_back(journal, row, arena, err) ||
      !journal_fact_get(journal, arena, row->plan, was_fact(arena, row->id), &text, err))
    return false;
  if (!str_cut(&text, ' ', &state) || !next_number(&text, &row->added) ||
      !next_number(&text, &row->removed) || !next_number(&text, &row->ended_ms)) {
    return true;
  }
  row->state = str_eq(state, str_from(task_state_name(TASK_PARTIAL))) ? TASK_PARTIAL : TASK_DONE;
  row->note = str_fmt(arena, "the earlier result stays: %.*s", STR_ARG(why));
  *restored = journal_task_put(journal, row, err) &&
              journal_fact_set(journal, row->plan, was_fact(arena, row->id), STR_NONE, err);
  return *restored;
}

// What was said of the old result is not true of the new one.
static bool forget_old(Task *task, Error *err)
{
  Journal *journal = task->start.engine->journal;
  Str text = STR_NONE, name = was_fact(&task->arena, task->row.id);
  if (!journal_fact_get(journal, &task->arena, task->row.plan, name, &text, err)) return false;
  if (!text.len) return true;
  return journal_verdict_drop(journal, task->row.plan, task->row.id, err) &&
         journal_fact_set(journal, task->row.plan, name, STR_NONE, err);
}

// ---- the end -----------------------------------------------------------------------------------------

static bool note_end(Task *task, TaskState state, Error *err)
{
  Journal *journal = task->start.engine->journal;
  bool restored = false, bad = state == TASK_FAILED || state == TASK_REFUSED;
  if (state == TASK_WAITING) return journal_task_put(journal, &task->row, err);
  if (bad && !task_take_back(journal, &task->row, &task->arena, task->row.note, &restored, err))
    return false;
  if (restored) return true;
  return forget_old(task, err) &&
         journal_patch_set(journal, task->row.plan, task->row.id, NULL, NULL, NULL, 0, err) &&
         journal_task_put(journal, &task->row, err);
}

// A task given back keeps its start, so that replies stored since then are used when it runs again.
bool task_note_end(Task *task, TaskState state, Str note, Error *err)
{
  Journal *journal = task->start.engine->journal;
  if (note.len) task_set_note(task, note);
  task->row.state = state;
  task->row.added = task->row.removed = 0;
  task->row.ended_ms = state == TASK_WAITING ? 0 : task->start.end_time(task->start.owner);
  if (!journal_begin(journal, err)) return false;
  bool ok = note_end(task, state, err);
  if (!ok) {
    journal_rollback(journal);
    return false;
  }
  return journal_commit_soon(journal, err);
}

// ---- results -----------------------------------------------------------------------------------------

static PatchFile copy_file(Arena *arena, const PatchFile *file)
{
  PatchFile copy = *file;
  copy.path = str_dup(arena, file->path);
  copy.renamed_from = str_dup(arena, file->renamed_from);
  copy.old_text = str_dup(arena, file->old_text);
  copy.new_text = str_dup(arena, file->new_text);
  copy.hunks = (HunkList){0};
  return copy;
}

void task_keep_best(Task *task)
{
  if (task->result.hunks <= task->best.hunks) return;
  task->best = (TaskResult){.hunks = task->result.hunks};
  for (size_t i = 0; i < task->result.files.len; i++) {
    PatchFile copy = copy_file(&task->arena, &task->result.files.items[i]);
    PUSH(&task->arena, &task->best.files, copy);
  }
}

static bool has(const StrList *list, Str id)
{
  for (size_t i = 0; i < list->len; i++) {
    if (str_eq(list->items[i], id)) return true;
  }
  return false;
}

static void add_once(Arena *arena, StrList *list, Str id)
{
  if (!has(list, id)) PUSH(arena, list, str_dup(arena, id));
}

static void find_others(Task *task, Str path, StrList *others)
{
  StrList ids = {0};
  if (path.len) task->start.touching(task->start.owner, path, &task->arena, &ids);
  for (size_t i = 0; i < ids.len; i++) {
    bool own = str_eq(ids.items[i], task->row.id);
    if (!own && !has(&task->before, ids.items[i])) add_once(&task->arena, others, ids.items[i]);
  }
}

// Folds the result over all that others have done in its files.
static bool fold(Task *task, const StrList *others, Arena *arena, bool *conflict, Error *err)
{
  Engine *engine = task->start.engine;
  int64_t plan = task->start.plan->id;
  StrList all = {0};
  CombinedList list;
  for (size_t i = 0; i < task->before.len; i++) PUSH(arena, &all, task->before.items[i]);
  for (size_t i = 0; i < others->len; i++) PUSH(arena, &all, others->items[i]);
  if (!base_combine(engine, plan, arena, &all, &list, err)) return false;
  for (size_t i = 0; i < list.len; i++) list.items[i].conflict = false;  // theirs, and told already
  for (size_t i = 0; i < task->result.files.len; i++) {
    const PatchFile *file = &task->result.files.items[i];
    Change change = {task->row.id,       file->path,     file->change,
                     file->renamed_from, file->old_text, file->new_text};
    if (!base_fold(engine, plan, arena, &list, &change, err)) return false;
  }
  for (size_t i = 0; i < list.len; i++) *conflict |= list.items[i].conflict;
  return true;
}

// Files that the task may make without naming them have no base yet.
static bool take_bases(Task *task, Error *err)
{
  for (size_t i = 0; task->input.spec.create && i < task->result.files.len; i++) {
    if (!base_take(task->start.engine, task->start.project, task->start.plan->id,
                   task->result.files.items[i].path, err))
      return false;
  }
  return true;
}

bool task_conflict(Task *task, StrList *others, bool *conflict, Error *err)
{
  if (!take_bases(task, err)) return false;
  for (size_t i = 0; i < task->result.files.len; i++) {
    find_others(task, task->result.files.items[i].path, others);
    find_others(task, task->result.files.items[i].renamed_from, others);
  }
  if (others->len == 0) return true;
  Arena arena;
  arena_init(&arena);
  bool ok = fold(task, others, &arena, conflict, err);
  arena_deinit(&arena);
  return ok;
}

Str task_extra_fact(Arena *arena, Str id)
{
  return str_cat(arena, S("on "), id);
}

Str task_remark_fact(Arena *arena, Str id)
{
  return str_cat(arena, S("remark "), id);
}

// Losing the fact costs one more call after a crash, no more; so its failure is no reason to stop.
void task_build_on(Task *task, const StrList *others)
{
  for (size_t i = 0; i < others->len; i++) add_once(&task->arena, &task->before, others->items[i]);
  Str ids = str_join(&task->arena, &task->before, S("\n"));
  journal_fact_set(task->start.engine->journal, task->start.plan->id,
                   task_extra_fact(&task->arena, task->row.id), ids, NULL);
  Str names = str_join(&task->arena, others, S(", "));
  task_log(task, "retry", "changes the same lines as %.*s; done again on top", STR_ARG(names));
}

static void fill_rows(Task *task, PatchRow *rows, Str *shown, Str *made)
{
  for (size_t i = 0; i < task->result.files.len; i++) {
    const PatchFile *file = &task->result.files.items[i];
    rows[i] = (PatchRow){.task = task->row.id,
                         .path = file->path,
                         .change = file->change,
                         .renamed_from = file->renamed_from};
    shown[i] = file->old_text;
    made[i] = file->new_text;
    DiffStat stat = diff_stat(file->old_text, file->new_text);
    task->row.added += (int64_t)stat.added;
    task->row.removed += (int64_t)stat.removed;
    add_once(&task->arena, &task->paths, file->path);
  }
}

bool task_keep(Task *task, TaskState state, Error *err)
{
  Journal *journal = task->start.engine->journal;
  size_t count = task->result.files.len;
  PatchRow *rows = NEW_N(&task->arena, PatchRow, count + 1);
  Str *shown = NEW_N(&task->arena, Str, count + 1), *made = NEW_N(&task->arena, Str, count + 1);
  task->row.added = task->row.removed = 0;
  fill_rows(task, rows, shown, made);
  task->row.state = state;
  task->row.ended_ms = task->start.end_time(task->start.owner);
  if (!journal_begin(journal, err)) return false;
  bool ok =
      forget_old(task, err) &&
      journal_patch_set(journal, task->row.plan, task->row.id, rows, shown, made, count, err) &&
      journal_task_put(journal, &task->row, err);
  if (!ok) {
    journal_rollback(journal);
    return false;
  }
  return journal_commit_soon(journal, err);
}
