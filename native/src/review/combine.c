// combine.c: see combine.h.
#include "review/combine.h"

#include <string.h>

#include "lib/textdiff.h"
#include "patch/merge.h"

enum { OWNERS_MAX = 65534 };

CombinedFile *combine_find(const CombinedList *list, Str path)
{
  size_t at;
  if (!map_get(&list->names, path, &at)) return NULL;
  if (str_eq(list->items[at].path, path)) return &list->items[at];
  for (size_t i = 0; i < list->len; i++) {
    if (str_eq(list->items[i].path, path)) return &list->items[i];
  }
  for (size_t i = 0; i < list->len; i++) {
    CombinedFile *file = &list->items[i];
    if (file->renamed_from.len && str_eq(file->renamed_from, path)) return file;
  }
  return NULL;
}

static void new_owners(Arena *arena, size_t lines, uint16_t **line_owner, uint16_t **gap_owner)
{
  *line_owner = NEW_N(arena, uint16_t, lines + 1);
  *gap_owner = NEW_N(arena, uint16_t, lines + 1);
}

CombinedFile *combine_start(Arena *arena, CombinedList *list, const ShownFile *base)
{
  CombinedFile file = {.path = str_dup(arena, base->path),
                       .base = base->text,
                       .text = base->text,
                       .existed = base->exists,
                       .exists = base->exists};
  new_owners(arena, str_count_lines(file.text), &file.line_owner, &file.gap_owner);
  map_add(arena, &list->names, file.path, list->len);
  PUSH(arena, list, file);
  return &list->items[list->len - 1];
}

// ---- merging -----------------------------------------------------------------------------------------

static bool same_hunk(const Hunk *a, const Hunk *b)
{
  if (a->old_start != b->old_start || a->old_len != b->old_len || a->new_len != b->new_len)
    return false;
  for (size_t i = 0; i < a->new_len; i++) {
    if (!str_eq(a->new_lines[i].text, b->new_lines[i].text)) return false;
  }
  return true;
}

// Is [a] to come before [b], which is not the same? Insertions come before what replaces the line.
static bool comes_first(const Hunk *a, const Hunk *b)
{
  if (a->old_start != b->old_start) return a->old_start < b->old_start;
  return a->old_len == 0;
}

// Both lists of hunks of one text as one; false when two of them want the same lines or the same gap.
static bool zip_hunks(Arena *arena, const HunkList *a, const HunkList *b, HunkList *out)
{
  size_t i = 0, j = 0, end = 0;
  while (i < a->len || j < b->len) {
    const Hunk *x = i < a->len ? &a->items[i] : NULL, *y = j < b->len ? &b->items[j] : NULL;
    if (x && y && same_hunk(x, y)) {
      j++;
    } else if (x && y && x->old_start == y->old_start && !x->old_len && !y->old_len) {
      return false;
    } else if (!x || (y && !comes_first(x, y))) {
      x = y;
    }
    if (x == y) {
      j++;
    } else {
      i++;
    }
    if (x->old_start - 1 < end) return false;
    end = x->old_start - 1 + x->old_len;
    PUSH(arena, out, *x);
  }
  return true;
}

// [ours] and [theirs] come from [base]; [*clean] false: they conflict and [*text] is [ours].
static bool combine_texts(Arena *arena, Str base, Str ours, Str theirs, Str *text, bool *clean,
                          Error *err)
{
  *clean = true;
  *text = str_eq(base, ours) ? theirs : ours;
  if (str_eq(base, ours) || str_eq(base, theirs) || str_eq(ours, theirs)) return true;
  Merged merged;
  if (!merge3(arena, base, ours, theirs, &merged, err)) return false;
  *text = merged.text;
  if (merged.clean) return true;
  HunkList a = hunks_diff(arena, base, ours), b = hunks_diff(arena, base, theirs), both = {0};
  *clean = zip_hunks(arena, &a, &b, &both);
  *text = *clean ? hunks_apply(arena, base, &both) : ours;
  return true;
}

// ---- owners ------------------------------------------------------------------------------------------

// Index + 1 of [task] among those that changed the file.
static uint16_t owner_of(Arena *arena, CombinedFile *file, Str task)
{
  size_t at = 0;
  while (at < file->tasks.len && !str_eq(file->tasks.items[at], task)) at++;
  if (at == file->tasks.len && at < OWNERS_MAX) PUSH(arena, &file->tasks, str_dup(arena, task));
  return (uint16_t)(at < OWNERS_MAX ? at + 1 : OWNERS_MAX);
}

typedef struct {
  const CombinedFile *file;
  uint16_t *line_owner, *gap_owner;
  size_t old_at, new_at;
} OwnerCopy;

// Lines up to [old_end] stay: their owners, and those of the gaps before them, too.
static void keep_owners(OwnerCopy *copy, size_t old_end)
{
  for (; copy->old_at < old_end; copy->old_at++, copy->new_at++) {
    copy->line_owner[copy->new_at] = copy->file->line_owner[copy->old_at];
    uint16_t *gap = &copy->gap_owner[copy->new_at];
    if (!*gap) *gap = copy->file->gap_owner[copy->old_at];
  }
}

static void set_text(Arena *arena, CombinedFile *file, Str text, Str task)
{
  if (str_eq(file->text, text)) return;
  uint16_t owner = owner_of(arena, file, task);
  size_t old_lines = str_count_lines(file->text);
  OwnerCopy copy = {.file = file};
  new_owners(arena, str_count_lines(text), &copy.line_owner, &copy.gap_owner);
  TextChangeList changes = {0};
  textdiff_lines(arena, file->text, text, &changes);
  for (size_t i = 0; i < changes.len; i++) {
    const TextChange *change = &changes.items[i];
    keep_owners(&copy, change->old_at);
    copy.gap_owner[copy.new_at] = change->old_len ? owner : file->gap_owner[copy.old_at];
    for (size_t n = 0; n < change->new_len; n++) copy.line_owner[copy.new_at++] = owner;
    copy.old_at += change->old_len;
  }
  keep_owners(&copy, old_lines);
  if (!copy.gap_owner[copy.new_at]) copy.gap_owner[copy.new_at] = file->gap_owner[old_lines];
  file->line_owner = copy.line_owner;
  file->gap_owner = copy.gap_owner;
  file->text = text;
}

// ---- changes -----------------------------------------------------------------------------------------

static bool conflict(Arena *arena, CombinedFile *file, const Change *change)
{
  if (!file->conflict) file->conflict_task = str_dup(arena, change->task);
  file->conflict = true;
  return true;
}

static bool change_edit(Arena *arena, CombinedFile *file, const Change *change, Error *err)
{
  if (!file->exists) return conflict(arena, file, change);
  Str text;
  bool clean;
  if (!combine_texts(arena, change->shown, file->text, change->made, &text, &clean, err))
    return false;
  if (!clean) return conflict(arena, file, change);
  set_text(arena, file, text, change->task);
  return true;
}

static bool change_new(Arena *arena, CombinedFile *file, const Change *change, Error *err)
{
  (void)err;
  if (file->exists && !str_eq(file->text, change->made)) return conflict(arena, file, change);
  owner_of(arena, file, change->task);
  file->exists = true;
  set_text(arena, file, change->made, change->task);
  return true;
}

static bool change_delete(Arena *arena, CombinedFile *file, const Change *change, Error *err)
{
  (void)err;
  if (!file->exists) return true;
  if (!str_eq(file->text, change->shown)) return conflict(arena, file, change);
  owner_of(arena, file, change->task);
  set_text(arena, file, STR_NONE, change->task);
  file->exists = false;
  return true;
}

static bool change_rename(Arena *arena, CombinedFile *file, const Change *change, Error *err)
{
  if (!change_edit(arena, file, change, err)) return false;
  if (file->conflict || str_eq(file->path, change->path)) return true;
  owner_of(arena, file, change->task);
  if (file->existed && !file->renamed_from.len) file->renamed_from = file->path;
  file->path = str_dup(arena, change->path);
  return true;
}

bool combine_change(Arena *arena, CombinedFile *file, const Change *change, Error *err)
{
  static bool (*const doers[])(Arena *, CombinedFile *, const Change *, Error *) = {
      [FILE_EDIT] = change_edit,
      [FILE_NEW] = change_new,
      [FILE_DELETE] = change_delete,
      [FILE_RENAME] = change_rename,
  };
  return doers[change->change](arena, file, change, err);
}

// ---- ranges ------------------------------------------------------------------------------------------

// Does [hunk] replace or delete [line]?
static bool covers(const Hunk *hunk, size_t line)
{
  return hunk->old_start <= line && line < hunk->old_start + hunk->old_len;
}

bool combine_range(Arena *arena, Str from, Str to, Range range, Range *out)
{
  *out = range;
  if (range_is_whole(range) || str_eq(from, to)) return true;
  HunkList hunks = hunks_diff(arena, from, to);
  size_t first = range.first, last = range.last;  // shifts are modulo 2^n, sums are not
  for (size_t i = 0; i < hunks.len; i++) {
    const Hunk *hunk = &hunks.items[i];
    size_t gain = hunk->new_len - hunk->old_len;
    if (hunk->old_start > range.last) break;
    if (hunk->old_start + hunk->old_len <= range.first) first += gain;
    if (covers(hunk, range.first)) first = hunk->new_start;
    last = covers(hunk, range.last) ? hunk->new_start + hunk->new_len - 1 : last + gain;
  }
  if (last + 1 <= first) return false;
  *out = (Range){first, last};
  return true;
}
