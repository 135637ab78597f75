// moves.c: see moves.h.
//
// All removed lines of all hunks make one sequence, all added lines another; between two hunks stands a gap
// that equals nothing. A removed line that was added in few places is tried as the start of a run in each of
// them; the longest run wins and its lines are spent.
#include "patch/moves.h"

#include <stdlib.h>

#include "patch/finder.h"

typedef struct {
  Str text;          // trimmed
  const Line *line;  // NULL = gap
  size_t file, number;
  bool spent;
} Entry;

typedef struct {
  Entry *items;
  size_t len, cap;
} Sequence;

typedef struct {
  uint64_t hash;
  size_t at;  // in the added sequence
} Key;

static void add_lines(Arena *arena, Sequence *out, const Line *lines, size_t len, size_t file,
                      size_t number)
{
  if (len == 0) return;
  for (size_t i = 0; i < len; i++) {
    Entry entry = {str_trim(lines[i].text), &lines[i], file, number + i, false};
    PUSH(arena, out, entry);
  }
  PUSH(arena, out, (Entry){.line = NULL});
}

static int by_hash(const void *left, const void *right)
{
  const Key *a = left, *b = right;
  if (a->hash != b->hash) return a->hash < b->hash ? -1 : 1;
  return a->at < b->at ? -1 : a->at > b->at;
}

static Key *sorted_keys(Arena *arena, const Sequence *added)
{
  Key *keys = NEW_N(arena, Key, added->len);
  for (size_t i = 0; i < added->len; i++)
    keys[i] = (Key){line_hash(added->items[i].text, KEY_EXACT), i};
  if (added->len) qsort(keys, added->len, sizeof(Key), by_hash);
  return keys;
}

static size_t first_key(const Key *keys, size_t len, uint64_t hash)
{
  size_t low = 0, high = len;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (keys[middle].hash < hash)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static size_t run_length(const Sequence *removed, size_t from, const Sequence *added, size_t to)
{
  size_t n = 0;
  while (from + n < removed->len && to + n < added->len) {
    const Entry *a = &removed->items[from + n], *b = &added->items[to + n];
    if (!a->line || !b->line || a->spent || b->spent || !str_eq(a->text, b->text)) break;
    n++;
  }
  return n;
}

// Worth showing: some lines with some text, not three braces.
static bool is_worth(const Sequence *removed, size_t from, size_t len)
{
  size_t full = 0, letters = 0;
  for (size_t i = 0; i < len; i++) {
    Str s = removed->items[from + i].text;
    full += s.len > 0;
    for (size_t k = 0; k < s.len && letters < MOVE_MIN_LETTERS; k++) {
      char c = s.ptr[k];
      letters +=
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c < 0;
    }
  }
  return full >= MOVE_MIN_LINES && letters >= MOVE_MIN_LETTERS;
}

static void take_move(Arena *arena, Sequence *removed, size_t from, Sequence *added, size_t to,
                      size_t len, MovedList *out)
{
  const Entry *a = &removed->items[from], *b = &added->items[to];
  MovedLines move = {a->file, a->number, b->file, b->number, len, false};
  for (size_t i = 0; i < len; i++) {
    removed->items[from + i].spent = added->items[to + i].spent = true;
    move.reindented |=
        !str_eq(removed->items[from + i].line->text, added->items[to + i].line->text);
  }
  PUSH(arena, out, move);
}

// Tries the removed line [from] as a start; returns the lines spent, at least 1.
static size_t try_start(Arena *arena, Sequence *removed, size_t from, Sequence *added,
                        const Key *keys, MovedList *out)
{
  const Entry *entry = &removed->items[from];
  if (!entry->line || entry->text.len == 0 || entry->spent) return 1;
  uint64_t hash = line_hash(entry->text, KEY_EXACT);
  size_t best = 0, best_at = 0, key = first_key(keys, added->len, hash);
  for (size_t tries = 0; key < added->len && keys[key].hash == hash; key++) {
    if (++tries > MOVE_COMMON) return 1;
    size_t len = run_length(removed, from, added, keys[key].at);
    if (len > best) best = len, best_at = keys[key].at;
  }
  if (best == 0 || !is_worth(removed, from, best)) return 1;
  take_move(arena, removed, from, added, best_at, best, out);
  return best;
}

MovedList moves_find(Arena *arena, const HunkList *files, size_t count)
{
  Sequence removed = {0}, added = {0};
  MovedList out = {0};
  for (size_t f = 0; f < count; f++) {
    for (size_t i = 0; i < files[f].len; i++) {
      const Hunk *hunk = &files[f].items[i];
      add_lines(arena, &removed, hunk->old_lines, hunk->old_len, f, hunk->old_start);
      add_lines(arena, &added, hunk->new_lines, hunk->new_len, f, hunk->new_start);
    }
  }
  const Key *keys = sorted_keys(arena, &added);
  for (size_t i = 0; i < removed.len;) i += try_start(arena, &removed, i, &added, keys, &out);
  return out;
}
