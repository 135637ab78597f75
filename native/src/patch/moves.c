// moves.c: see moves.h.
//
// All removed lines of all hunks make one sequence, all added lines another; between two hunks stands a gap that equals
// nothing. A removed line that was added in few places is tried as the start of a run in each of them; the longest run
// wins and its lines are spent.
#include "patch/moves.h"

#include <stdlib.h>

#include "base/map.h"

typedef struct {
  const Line *line;  // NULL = gap
  size_t file, number;
  bool spent;
  // of added lines only: the next one with the same text, SIZE_MAX = none; of the first one how many there are
  size_t next, same;
} Entry;

typedef struct {
  Entry *items;
  size_t len, cap;
} Sequence;

static void add_lines(Arena *arena, Sequence *out, const Line *lines, size_t len, size_t file,
                      size_t number)
{
  if (len == 0) return;
  for (size_t i = 0; i < len; i++) {
    Entry entry = {.line = &lines[i], .file = file, .number = number + i, .next = SIZE_MAX};
    PUSH(arena, out, entry);
  }
  PUSH(arena, out, (Entry){0});
}

static bool is_blank(const Entry *entry)
{
  return str_trim(entry->line->text).len == 0;
}

// Each text's first place in [added]; the others follow it by `next`.
static Map index_lines(Arena *arena, Sequence *added)
{
  Map first = {0};
  size_t *last = NEW_N(arena, size_t, added->len + 1);  // by the first place: its last so far
  for (size_t i = 0; i < added->len; i++) {
    Entry *entry = &added->items[i];
    size_t head = i;
    if (!entry->line || is_blank(entry)) continue;
    if (!map_add(arena, &first, entry->line->text, i)) {
      map_get(&first, entry->line->text, &head);
      added->items[last[head]].next = i;
    }
    last[head] = i;
    added->items[head].same++;
  }
  return first;
}

static size_t run_length(const Sequence *removed, size_t from, const Sequence *added, size_t to)
{
  size_t n = 0;
  while (from + n < removed->len && to + n < added->len) {
    const Entry *a = &removed->items[from + n], *b = &added->items[to + n];
    if (!a->line || !b->line || a->spent || b->spent || !str_eq(a->line->text, b->line->text))
      break;
    n++;
  }
  return n;
}

static bool is_letter(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c < 0;
}

// Worth showing: some lines with some text, not three braces.
static bool is_worth(const Entry *lines, size_t len)
{
  size_t full = 0, letters = 0;
  for (size_t i = 0; i < len; i++) {
    Str text = lines[i].line->text;
    full += !is_blank(&lines[i]);
    for (size_t k = 0; k < text.len && letters < MOVE_MIN_LETTERS; k++)
      letters += is_letter(text.ptr[k]);
  }
  return full >= MOVE_MIN_LINES && letters >= MOVE_MIN_LETTERS;
}

// Tries the removed line [from] as the start of a move; returns how many lines that settles.
static size_t try_start(Arena *arena, Sequence *removed, size_t from, Sequence *added,
                        const Map *first, MoveList *out)
{
  const Entry *start = &removed->items[from];
  size_t to, best = 0, best_to = 0;
  if (!start->line || !map_get(first, start->line->text, &to)) return 1;
  if (added->items[to].same > MOVE_COMMON) return 1;
  for (; to != SIZE_MAX; to = added->items[to].next) {
    size_t len = run_length(removed, from, added, to);
    if (len > best) best = len, best_to = to;
  }
  if (best == 0) return 1;
  if (!is_worth(start, best)) return best;
  const Entry *target = &added->items[best_to];
  Move move = {{{start->file, start->number}, {target->file, target->number}}, best};
  for (size_t i = 0; i < best; i++)
    removed->items[from + i].spent = added->items[best_to + i].spent = true;
  PUSH(arena, out, move);
  return best;
}

static int compare(MovePlace a, MovePlace b)
{
  if (a.file != b.file) return a.file < b.file ? -1 : 1;
  return a.line < b.line ? -1 : a.line > b.line;
}

static int by_target(const void *left, const void *right)
{
  const Move *a = *(const Move *const *)left, *b = *(const Move *const *)right;
  return compare(a->ends[MOVE_TO], b->ends[MOVE_TO]);
}

MoveList moves_find(Arena *arena, const HunkList *files, size_t count)
{
  Sequence removed = {0}, added = {0};
  MoveList out = {0};
  for (size_t f = 0; f < count; f++) {
    for (size_t i = 0; i < files[f].len; i++) {
      const Hunk *hunk = &files[f].items[i];
      add_lines(arena, &removed, hunk->old_lines, hunk->old_len, f, hunk->old_start);
      add_lines(arena, &added, hunk->new_lines, hunk->new_len, f, hunk->new_start);
    }
  }
  Map first = index_lines(arena, &added);
  for (size_t i = 0; i < removed.len;) i += try_start(arena, &removed, i, &added, &first, &out);
  for (MoveEnd end = MOVE_FROM; end <= MOVE_TO; end++) {
    out.by_end[end] = NEW_N(arena, const Move *, out.len + 1);
    for (size_t i = 0; i < out.len; i++) out.by_end[end][i] = &out.items[i];
  }
  if (out.len) qsort(out.by_end[MOVE_TO], out.len, sizeof(Move *), by_target);
  return out;
}

const Move *moves_at(const MoveList *moves, MoveEnd end, size_t file, size_t line)
{
  size_t low = 0, high = moves->len;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (compare(moves->by_end[end][middle]->ends[end], (MovePlace){file, line}) <= 0)
      low = middle + 1;
    else
      high = middle;
  }
  // the last one that begins at or before the line
  const Move *move = low ? moves->by_end[end][low - 1] : NULL;
  if (!move || move->ends[end].file != file) return NULL;
  return line - move->ends[end].line < move->len ? move : NULL;
}
