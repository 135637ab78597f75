// verify_diff.c: the combined result as unified diffs, cut into calls by files. See verify_private.h.
#include "work/verify_private.h"

#include <stdlib.h>

#include "base/buf.h"
#include "patch/diff.h"

enum {
  GROUP_BYTES = 120 << 10,
  FILE_BYTES = 100 << 10,
  GROUPS_MAX = 16,
  GROUP_TASKS = 150,
  DIFF_MAX = 32 << 20
};

static int by_path(const void *a, const void *b)
{
  const CombinedFile *const *x = a, *const *y = b;
  return str_cmp((*x)->path, (*y)->path);
}

static Str file_diff(Arena *arena, const CombinedFile *file)
{
  Buf out;
  buf_init(&out, DIFF_MAX);
  UnifiedFile unified = {.path = file->path,
                         .renamed_from = file->renamed_from,
                         .old_text = file->base,
                         .new_text = file->text,
                         .created = !file->existed,
                         .deleted = !file->exists,
                         .context = 3};
  diff_unified(arena, &out, &unified);
  Str diff = buf_str(&out);
  if (diff.len > FILE_BYTES) {
    size_t shown = str_utf8_floor(diff, FILE_BYTES);
    diff = str_fmt(arena, "%.*s\n[%zu more bytes of this file's diff are not shown]\n",
                   STR_ARG(str_sub(diff, 0, shown)), diff.len - shown);
  } else {
    diff = str_dup(arena, diff);
  }
  buf_deinit(&out);
  if (file->conflict) {
    diff =
        str_fmt(arena, "%.*s[the change of %.*s in this file could not be merged and is missing]\n",
                STR_ARG(diff), STR_ARG(file->conflict_task));
  }
  return diff;
}

static void add_tasks(Arena *arena, VerifyGroup *group, const CombinedFile *file,
                      const TaskList *tasks)
{
  for (size_t i = 0; i < file->tasks.len; i++) {
    const TaskSpec *task = plan_task(tasks, file->tasks.items[i]);
    if (task && !plan_task(&group->tasks, task->id)) PUSH(arena, &group->tasks, *task);
  }
}

VerifyGroups verify_groups(Arena *arena, const CombinedList *files, const TaskList *tasks)
{
  VerifyGroups groups = {0};
  const CombinedFile **sorted = NEW_N(arena, const CombinedFile *, files->len + 1);
  for (size_t i = 0; i < files->len; i++) sorted[i] = &files->items[i];
  if (files->len) qsort(sorted, files->len, sizeof(*sorted), by_path);
  Buf text;
  buf_init(&text, GROUP_BYTES + FILE_BYTES + 4096);
  VerifyGroup group = {0};
  for (size_t i = 0; i <= files->len; i++) {
    Str diff = i < files->len ? file_diff(arena, sorted[i]) : STR_NONE;
    bool full = text.len && (i == files->len || text.len + diff.len > GROUP_BYTES ||
                             group.tasks.len + sorted[i]->tasks.len > GROUP_TASKS);
    if (full) {
      group.diff = buf_take(&text, arena);
      PUSH(arena, &groups, group);
      group = (VerifyGroup){0};
    }
    if (i == files->len) break;
    if (groups.len == GROUPS_MAX) {
      groups.left_out++;
      continue;
    }
    buf_add(&text, diff);
    add_tasks(arena, &group, sorted[i], tasks);
  }
  buf_deinit(&text);
  return groups;
}
