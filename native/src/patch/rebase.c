// rebase.c: hunks carried with their base at hand. See hunks_rebase in hunk.h.
#include "lib/textdiff.h"
#include "patch/carry.h"

// How far a change of the base reaches, against a hunk at [at] of [len] lines: the hunk's lines and one
// neighbour on each side must be free of it.
static bool touches(const TextChange *change, size_t at, size_t len)
{
  size_t end = change->old_at + change->old_len;
  if (change->old_len == 0) return change->old_at >= at && change->old_at <= at + len;
  return end + 1 > at && change->old_at < at + len + 1;
}

// Lines of [from, to) that no change from [first] on has touched.
static size_t lines_left(const TextChangeList *changes, size_t first, size_t from, size_t to)
{
  size_t left = to - from;
  for (size_t i = first; i < changes->len && changes->items[i].old_at < to; i++) {
    const TextChange *change = &changes->items[i];
    size_t start = change->old_at > from ? change->old_at : from;
    size_t end = change->old_at + change->old_len < to ? change->old_at + change->old_len : to;
    if (end > start) left -= end - start;
  }
  return left;
}

static bool same_lines(const Text *text, size_t at, const Line *lines, size_t len)
{
  if (at > text->len || len > text->len - at) return false;
  for (size_t i = 0; i < len; i++) {
    if (!str_eq(text->items[at + i].text, lines[i].text)) return false;
  }
  return true;
}

// The change between base and present is this very hunk.
static bool is_done(const Text *present, const TextChange *change, const Hunk *hunk)
{
  return change->old_at == hunk->old_start - 1 && change->old_len == hunk->old_len &&
         change->new_len == hunk->new_len &&
         same_lines(present, change->new_at, hunk->new_lines, hunk->new_len);
}

// [*next] is the first change that may still reach this hunk or a later one: hunks ascend.
static Place rebase_one(const Text *base, const Text *present, const TextChangeList *changes,
                        size_t *next, const Hunk *hunk)
{
  size_t at = hunk->old_start - 1, len = hunk->old_len;
  size_t from = at > HUNK_CONTEXT ? at - HUNK_CONTEXT : 0, to = at + len + HUNK_CONTEXT;
  if (to > base->len) to = base->len;
  while (*next < changes->len &&
         changes->items[*next].old_at + changes->items[*next].old_len + 1 <= from) {
    ++*next;
  }
  size_t left = lines_left(changes, *next, from, to), i = *next;
  for (; i < changes->len && changes->items[i].old_at <= at + len; i++) {
    const TextChange *change = &changes->items[i];
    if (!touches(change, at, len)) continue;
    PlaceKind kind = is_done(present, change, hunk) ? PLACE_DONE : PLACE_STALE;
    return (Place){kind, change->new_at + 1};
  }
  while (i > 0 && changes->items[i - 1].old_at > at) i--;
  const TextChange *last = i > 0 ? &changes->items[i - 1] : NULL;
  size_t start = last ? at - (last->old_at + last->old_len) + last->new_at + last->new_len : at;
  if (left * 10 < (to - from) * 6) return (Place){PLACE_STALE, start + 1};
  return (Place){start == at ? PLACE_HERE : PLACE_MOVED, start + 1};
}

Carried hunks_rebase(Arena *arena, Str base, Str present, const HunkList *hunks)
{
  Text old_text = text_split(arena, base), text = text_split(arena, present);
  TextChangeList changes = {0};
  textdiff_lines(arena, base, present, &changes);
  Carried out = {.places = NEW_N(arena, Place, hunks->len)};
  size_t next = 0;
  for (size_t i = 0; i < hunks->len; i++) {
    out.places[i] = rebase_one(&old_text, &text, &changes, &next, &hunks->items[i]);
    carry_push(arena, &text, &hunks->items[i], i, &out);
  }
  return out;
}
