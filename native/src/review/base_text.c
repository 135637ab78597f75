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

bool base_get(Engine *engine, int64_t plan, Arena *arena, Str path, ShownFile *out, Error *err)
{
  *out = (ShownFile){.path = str_dup(arena, path)};
  return journal_base_get(engine->journal, arena, plan, path, &out->text, &out->exists, err);
}

// ---- which results, in which order -----------------------------------------------------------------

typedef struct {
  Str id;
  int64_t ended_ms;
} Ended;

typedef struct {
  Ended *items;
  size_t len, cap;
} EndedList;

static int by_end(const void *left, const void *right)
{
  const Ended *a = left, *b = right;
  if (a->ended_ms != b->ended_ms) return a->ended_ms < b->ended_ms ? -1 : 1;
  return str_cmp_natural(a->id, b->id);
}

static void add_ended(Arena *arena, EndedList *list, const TaskRow *row)
{
  if (row->state != TASK_DONE && row->state != TASK_PARTIAL) return;
  PUSH(arena, list, ((Ended){row->id, row->ended_ms}));
}

// Tasks with results, those of [tasks] or all, in the order they ended: what a task was made on ended
// before it did.
static bool ended_tasks(Engine *engine, int64_t plan, Arena *arena, const StrList *tasks,
                        EndedList *out, Error *err)
{
  if (tasks) {
    for (size_t i = 0; i < tasks->len; i++) {
      TaskRow row;
      Error why = {0};
      if (journal_task_get(engine->journal, arena, plan, tasks->items[i], &row, &why)) {
        add_ended(arena, out, &row);
      } else if (why.code != ERR_NOT_FOUND) {
        if (err) *err = why;
        return false;
      }
    }
  } else {
    TaskRowList rows = {0};
    if (!journal_task_list(engine->journal, arena, plan, &rows, err)) return false;
    for (size_t i = 0; i < rows.len; i++) add_ended(arena, out, &rows.items[i]);
  }
  if (out->len) qsort(out->items, out->len, sizeof(*out->items), by_end);
  return true;
}

bool base_order(Engine *engine, int64_t plan, Arena *arena, StrList *out, Error *err)
{
  EndedList ended = {0};
  if (!ended_tasks(engine, plan, arena, NULL, &ended, err)) return false;
  for (size_t i = 0; i < ended.len; i++) PUSH(arena, out, ended.items[i].id);
  return true;
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
  return combine_change(arena, file, change, err);
}

static bool fold_row(Engine *engine, int64_t plan, Arena *arena, CombinedList *list,
                     const PatchRow *row, Error *err)
{
  Change change = {.task = row->task,
                   .path = row->path,
                   .change = row->change,
                   .renamed_from = row->renamed_from};
  Journal *journal = engine->journal;
  if (row->shown_hash.len &&
      !journal_blob_get(journal, arena, row->shown_hash, &change.shown, err)) {
    return false;
  }
  if (row->new_hash.len && !journal_blob_get(journal, arena, row->new_hash, &change.made, err)) {
    return false;
  }
  return base_fold(engine, plan, arena, list, &change, err);
}

bool base_combine(Engine *engine, int64_t plan, Arena *arena, const StrList *tasks,
                  CombinedList *out, Error *err)
{
  *out = (CombinedList){0};
  EndedList ended = {0};
  if (!ended_tasks(engine, plan, arena, tasks, &ended, err)) return false;
  for (size_t i = 0; i < ended.len; i++) {
    PatchRowList rows = {0};
    if (!journal_patch_list(engine->journal, arena, plan, ended.items[i].id, &rows, err))
      return false;
    for (size_t r = 0; r < rows.len; r++) {
      if (!fold_row(engine, plan, arena, out, &rows.items[r], err)) return false;
    }
  }
  return true;
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
