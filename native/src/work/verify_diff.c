// verify_diff.c: the combined result as a diff (brief_diff.h), cut into calls by files. See verify_private.h.
#include "work/verify_private.h"

#include <stdlib.h>

#include "base/buf.h"
#include "work/brief_diff.h"

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

static Str file_diff(Arena *arena, BriefDiff *brief, size_t index, const CombinedFile *file)
{
  Buf out;
  buf_init(&out, DIFF_MAX);
  brief_diff_file(brief, index, &out);
  Str diff = buf_str(&out);
  if (diff.len > FILE_BYTES) {
    size_t shown = str_utf8_floor(diff, FILE_BYTES);
    diff = str_fmt(arena, "%.*s\n[%zu more bytes of this file's diff are not shown]\n",
                   STR_ARG(str_sub(diff, 0, shown)), diff.len - shown);
    brief_diff_forget(brief);
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
  buf_init(&text, 2 * GROUP_BYTES + FILE_BYTES + 4096);
  VerifyGroup group = {0};
  BriefDiff *brief = brief_diff_new(arena, sorted, files->len);
  for (size_t i = 0; i <= files->len; i++) {
    Str diff = i < files->len ? file_diff(arena, brief, i, sorted[i]) : STR_NONE;
    bool full = text.len && (i == files->len || text.len + diff.len > GROUP_BYTES ||
                             group.tasks.len + sorted[i]->tasks.len > GROUP_TASKS);
    if (full) {
      brief_diff_end(brief, &text);
      group.diff = buf_take(&text, arena);
      PUSH(arena, &groups, group);
      group = (VerifyGroup){0};
      // what it shares with the part before is said again
      if (i < files->len) diff = file_diff(arena, brief, i, sorted[i]);
    }
    if (i == files->len) break;
    if (groups.len == GROUPS_MAX) {
      groups.left_out++;
      continue;
    }
    buf_add(&text, diff);
    if (!group.file_count++) group.files = &sorted[i];
    add_tasks(arena, &group, sorted[i], tasks);
  }
  buf_deinit(&text);
  return groups;
}
