// edits.c: edits put in order and made into hunks. See rewrite.h.
#include <stdlib.h>

#include "patch/rewrite.h"

static int by_place(const void *left, const void *right)
{
  const Edit *a = left, *b = right;
  if (a->at != b->at) return a->at < b->at ? -1 : 1;
  // An insertion goes before what replaces the line there.
  if ((a->old_len == 0) != (b->old_len == 0)) return a->old_len == 0 ? -1 : 1;
  return a->block < b->block ? -1 : a->block > b->block;
}

void edits_sort(EditList *edits)
{
  if (edits->len) qsort(edits->items, edits->len, sizeof(*edits->items), by_place);
}

bool edits_overlap(const Edit *a, const Edit *b)
{
  return b->at < a->at + a->old_len || (a->at == b->at && a->old_len == 0 && b->old_len == 0);
}

static bool same_line(const Line *a, const Line *b)
{
  return str_eq(a->text, b->text) && str_eq(a->eol, b->eol);
}

bool edits_equal(const Edit *a, const Edit *b)
{
  if (a->at != b->at || a->old_len != b->old_len || a->len != b->len) return false;
  for (size_t i = 0; i < a->len; i++) {
    if (!same_line(&a->lines[i], &b->lines[i])) return false;
  }
  return true;
}

// Cuts the lines at both ends that stay as they are.
static void trim_edit(const Text *text, Edit *edit)
{
  while (edit->old_len && edit->len && same_line(&text->items[edit->at], &edit->lines[0])) {
    edit->at++, edit->old_len--, edit->lines++, edit->len--;
  }
  while (edit->old_len && edit->len &&
         same_line(&text->items[edit->at + edit->old_len - 1], &edit->lines[edit->len - 1])) {
    edit->old_len--, edit->len--;
  }
}

// Joins the edits from [first] on that touch each other into one. Returns how many they were.
static size_t join_run(Arena *arena, const EditList *edits, size_t first, Edit *out)
{
  size_t n = 1, lines = edits->items[first].len;
  *out = edits->items[first];
  while (first + n < edits->len && edits->items[first + n].at == out->at + out->old_len) {
    out->old_len += edits->items[first + n].old_len;
    if (edits->items[first + n].tier > out->tier) out->tier = edits->items[first + n].tier;
    lines += edits->items[first + n].len;
    n++;
  }
  if (n == 1) return 1;
  out->lines = NEW_N(arena, Line, lines);
  out->len = 0;
  for (size_t i = 0; i < n; i++) {
    const Edit *edit = &edits->items[first + i];
    for (size_t k = 0; k < edit->len; k++) out->lines[out->len++] = edit->lines[k];
  }
  return n;
}

HunkList edits_to_hunks(Arena *arena, const Text *text, EditList *edits, Tier **tiers)
{
  HunkList hunks = {0};
  *tiers = NEW_N(arena, Tier, edits->len);
  size_t shift = 0;  // modulo 2^n: lines gained so far
  for (size_t i = 0; i < edits->len; i++) trim_edit(text, &edits->items[i]);
  edits_sort(edits);
  for (size_t i = 0; i < edits->len;) {
    Edit edit;
    i += join_run(arena, edits, i, &edit);
    trim_edit(text, &edit);
    if (edit.old_len + edit.len == 0) continue;
    Hunk hunk = hunk_make(text, edit.at, edit.old_len, edit.lines, edit.len);
    hunk.new_start = hunk.old_start + shift;
    shift += edit.len - edit.old_len;
    (*tiers)[hunks.len] = edit.tier;
    PUSH(arena, &hunks, hunk);
  }
  return hunks;
}
