// base_text.c: see base_text.h. The folding itself is in combine.c.
#include "review/base_text.h"

#include <stdlib.h>

#include "review/combine.h"

// A file that is not there is a base too: an empty one.
static bool present_text(Project *project, Arena *arena, Str path, Str *text, bool *exists,
                         Error *err)
{
  Error why = {0};
  *exists = project_read_local(project, arena, path, text, &why);
  if (*exists) return true;
  *text = STR_NONE;
  if (why.code == ERR_NOT_FOUND) return true;
  if (err) *err = why;
  return false;
}

bool base_retake(Engine *engine, Project *project, int64_t plan, Str path, Error *err)
{
  Arena arena;
  Str text;
  bool exists;
  arena_init(&arena);
  bool ok = present_text(project, &arena, path, &text, &exists, err) &&
            journal_base_reset(engine->journal, plan, path, text, exists, err);
  arena_deinit(&arena);
  return ok;
}

bool base_take(Engine *engine, Project *project, int64_t plan, Str path, Error *err)
{
  Arena arena;
  Str text;
  bool exists;
  Error why = {0};
  arena_init(&arena);
  bool ok = journal_base_get(engine->journal, &arena, plan, path, &text, &exists, &why);
  if (!ok && why.code == ERR_NOT_FOUND) {
    error_clear(&why);
    ok = present_text(project, &arena, path, &text, &exists, &why) &&
         journal_base_put(engine->journal, plan, path, text, exists, &why);
  }
  arena_deinit(&arena);
  if (!ok && err) *err = why;
  return ok;
}

// ---- bases that moved ------------------------------------------------------------------------------

// The hashes of the text a base moved to and of the one before that: facts of their own keep the texts alive.
static Str moved_fact(Arena *arena, Str path)
{
  return str_cat(arena, S("base of "), path);
}

static Str left_fact(Arena *arena, Str path)
{
  return str_cat(arena, S("base left of "), path);
}

bool base_move(Engine *engine, int64_t plan, Str path, Str text, Error *err)
{
  Arena arena;
  Journal *journal = engine->journal;
  Str old = STR_NONE, hash;
  arena_init(&arena);
  Str moved = moved_fact(&arena, path);
  bool ok = journal_fact_get(journal, &arena, plan, moved, &old, err) &&
            journal_fact_set(journal, plan, left_fact(&arena, path), old, err) &&
            journal_blob_put(journal, &arena, text, &hash, err) &&
            journal_fact_set(journal, plan, moved, hash, err);
  arena_deinit(&arena);
  return ok;
}

bool base_move_back(Journal *journal, int64_t plan, Str path, Error *err)
{
  Arena arena;
  Str old = STR_NONE;
  arena_init(&arena);
  Str left = left_fact(&arena, path);
  bool ok = journal_fact_get(journal, &arena, plan, left, &old, err) &&
            journal_fact_set(journal, plan, moved_fact(&arena, path), old, err) &&
            journal_fact_set(journal, plan, left, STR_NONE, err);
  arena_deinit(&arena);
  return ok;
}

bool base_first(Engine *engine, int64_t plan, Arena *arena, Str path, ShownFile *out, Error *err)
{
  *out = (ShownFile){.path = str_dup(arena, path)};
  return journal_base_get(engine->journal, arena, plan, path, &out->text, &out->exists, err);
}

bool base_moved(Engine *engine, int64_t plan, Arena *arena, Str path, ShownFile *out, bool *moved,
                Error *err)
{
  Str hash = STR_NONE;
  if (!journal_fact_get(engine->journal, arena, plan, moved_fact(arena, path), &hash, err))
    return false;
  *moved = hash.len > 0;
  if (!*moved) return true;
  *out = (ShownFile){.path = str_dup(arena, path), .exists = true};
  return journal_blob_get(engine->journal, arena, hash, &out->text, err);
}

bool base_get(Engine *engine, int64_t plan, Arena *arena, Str path, ShownFile *out, Error *err)
{
  bool moved = false;
  if (!base_moved(engine, plan, arena, path, out, &moved, err)) return false;
  return moved || base_first(engine, plan, arena, path, out, err);
}

// ---- which results, in which order -----------------------------------------------------------------

static int in_time(int64_t a_ms, Str a, int64_t b_ms, Str b)
{
  if (a_ms != b_ms) return a_ms < b_ms ? -1 : 1;
  return str_cmp_natural(a, b);
}

static int by_end(const void *left, const void *right)
{
  const TaskRow *a = left, *b = right;
  return in_time(a->ended_ms, a->id, b->ended_ms, b->id);
}

bool base_order(Engine *engine, int64_t plan, Arena *arena, StrList *out, Error *err)
{
  TaskRowList rows = {0};
  if (!journal_task_list(engine->journal, arena, plan, &rows, err)) return false;
  if (rows.len) qsort(rows.items, rows.len, sizeof(*rows.items), by_end);
  for (size_t i = 0; i < rows.len; i++) {
    TaskState state = rows.items[i].state;
    if (state == TASK_DONE || state == TASK_PARTIAL) PUSH(arena, out, rows.items[i].id);
  }
  return true;
}

static int by_task_end(const void *left, const void *right)
{
  const ResultRow *a = left, *b = right;
  int order = in_time(a->ended_ms, a->task, b->ended_ms, b->task);
  return order ? order : str_cmp(a->path, b->path);
}

// Results of [tasks] or of all, in the order they ended: what a task was made on ended before it did.
static bool ended_results(Engine *engine, int64_t plan, Arena *arena, const StrList *tasks,
                          ResultRowList *out, Error *err)
{
  Journal *journal = engine->journal;
  bool ok = tasks || journal_result_list(journal, arena, plan, STR_NONE, out, err);
  for (size_t i = 0; ok && tasks && i < tasks->len; i++) {
    ok = journal_result_list(journal, arena, plan, tasks->items[i], out, err);
  }
  if (out->len) qsort(out->items, out->len, sizeof(*out->items), by_task_end);
  return ok;
}

// ---- folding ---------------------------------------------------------------------------------------

bool base_fold(Engine *engine, int64_t plan, Arena *arena, CombinedList *list, const Change *change,
               Error *err)
{
  Str path = change->change == FILE_RENAME ? change->renamed_from : change->path;
  CombinedFile *file = combine_find(list, path);
  if (!file) {
    ShownFile base;
    Error why = {0};
    if (!base_get(engine, plan, arena, path, &base, &why) && why.code != ERR_NOT_FOUND) {
      if (err) *err = why;
      return false;
    }
    file = combine_start(arena, list, &base);
  }
  if (!combine_change(arena, file, change, err)) return false;
  map_add(arena, &list->names, file->path, (size_t)(file - list->items));
  return true;
}

static bool fold_results(Engine *engine, int64_t plan, Arena *arena, const ResultRowList *results,
                         CombinedList *out, Error *err)
{
  for (size_t i = 0; i < results->len; i++) {
    const ResultRow *row = &results->items[i];
    Change change = {row->task, row->path, row->change, row->renamed_from, row->shown, row->made};
    if (!base_fold(engine, plan, arena, out, &change, err)) return false;
  }
  return true;
}

bool base_combine(Engine *engine, int64_t plan, Arena *arena, const StrList *tasks,
                  CombinedList *out, Error *err)
{
  *out = (CombinedList){0};
  if (tasks && !tasks->len) return true;
  ResultRowList results = {0};
  journal_read(engine->journal);
  bool ok = ended_results(engine, plan, arena, tasks, &results, err) &&
            fold_results(engine, plan, arena, &results, out, err);
  journal_read_end(engine->journal);
  return ok;
}

bool base_with(Engine *engine, int64_t plan, Arena *arena, Str path, const CombinedList *done,
               ShownFile *out, Error *err)
{
  const CombinedFile *file = combine_find(done, path);
  if (!file) return base_get(engine, plan, arena, path, out, err);
  bool here = str_eq(file->path, path);
  *out = (ShownFile){.path = path, .exists = here && file->exists};
  if (out->exists) out->text = file->text;
  return true;
}
