// finder.c: see finder.h.
#include "patch/finder.h"

#include <string.h>

// One slot of the open-addressing table over the needles' lines.
typedef struct {
  uint32_t hash;
  LineId id;      // 0 = free
  uint32_t line;  // index into finder->lines of its first appearance
} Slot;

// [seen] has a bit for each hash, so that most lines of the text are turned away without a look at the slots.
typedef struct {
  Slot *slots;
  size_t mask;
  uint64_t *seen;
  uint32_t seen_mask;  // bits - 1
} LineTable;

static bool has_bom(Str s)
{
  return str_starts(s, S("\xef\xbb\xbf"));
}

void finder_init(Finder *finder, Arena *arena, const Text *text)
{
  *finder =
      (Finder){.arena = arena, .text = text, .bom = text->len && has_bom(text->items[0].text)};
}

size_t finder_add(Finder *finder, const Str *lines, size_t len)
{
  Needle needle = {finder->lines.len, len};
  for (size_t i = 0; i < len; i++) PUSH(finder->arena, &finder->lines, lines[i]);
  PUSH(finder->arena, &finder->needles, needle);
  return finder->needles.len - 1;
}

size_t finder_add_lines(Finder *finder, const Line *lines, size_t len)
{
  Needle needle = {finder->lines.len, len};
  for (size_t i = 0; i < len; i++) PUSH(finder->arena, &finder->lines, lines[i].text);
  PUSH(finder->arena, &finder->needles, needle);
  return finder->needles.len - 1;
}

Str finder_text_line(const Finder *finder, size_t line)
{
  Str s = finder->text->items[line].text;
  return line == 0 && finder->bom ? str_skip(s, 3) : s;
}

Str finder_needle_line(const Finder *finder, size_t needle, size_t line)
{
  return finder->lines.items[finder->needles.items[needle].first + line];
}

// The slot of [line], or the free one where it would go.
static Slot *table_slot(const Finder *finder, LineTable *table, Str line, uint32_t hash,
                        LineKey key)
{
  for (size_t at = hash & table->mask;; at = (at + 1) & table->mask) {
    Slot *slot = &table->slots[at];
    if (slot->id == 0 ||
        (slot->hash == hash && line_equal(finder->lines.items[slot->line], line, key))) {
      slot->hash = hash;
      return slot;
    }
  }
}

static LineTable table_new(Arena *arena, size_t lines)
{
  size_t size = 16;
  while (size < lines * 2) size *= 2;
  size_t bits = size * 8 < 64 ? 64 : size * 8;
  if (bits > (size_t)1 << 31) bits = (size_t)1 << 31;
  return (LineTable){NEW_N(arena, Slot, size), size - 1, NEW_N(arena, uint64_t, bits / 64),
                     (uint32_t)(bits - 1)};
}

static uint64_t *seen_word(const LineTable *table, uint32_t hash, uint64_t *bit)
{
  uint32_t at = (hash * 0x9e3779b1u) & table->seen_mask;
  *bit = UINT64_C(1) << (at & 63);
  return &table->seen[at >> 6];
}

// The number of a line of the text.
static LineId table_find(const Finder *finder, LineTable *table, Str line, LineKey key)
{
  uint32_t hash = (uint32_t)line_hash(line, key);
  uint64_t bit;
  if (!(*seen_word(table, hash, &bit) & bit)) return 0;
  return table_slot(finder, table, line, hash, key)->id;
}

// Numbers the needles' lines; returns the highest number given.
static LineId number_needles(Finder *finder, LineTable *table, LineKey key, LineId *ids)
{
  LineId last = 0;
  for (size_t i = 0; i < finder->lines.len; i++) {
    uint32_t hash = (uint32_t)line_hash(finder->lines.items[i], key);
    uint64_t bit, *word = seen_word(table, hash, &bit);
    *word |= bit;
    Slot *slot = table_slot(finder, table, finder->lines.items[i], hash, key);
    if (slot->id == 0) {
      slot->id = ++last;
      slot->line = (uint32_t)i;
    }
    ids[i] = slot->id;
  }
  return last;
}

// Lists the text's lines by number: count, sum up, fill.
static void list_places(const Finder *finder, KeyedLines *keyed, LineId last)
{
  size_t total = 0, lines = finder->text->len;
  keyed->starts = NEW_N(finder->arena, uint32_t, (size_t)last + 2);
  for (size_t i = 0; i < lines; i++) {
    if (keyed->of_text[i]) keyed->starts[keyed->of_text[i] + 1]++, total++;
  }
  for (size_t id = 1; id <= (size_t)last + 1; id++) keyed->starts[id] += keyed->starts[id - 1];
  keyed->places = NEW_N(finder->arena, uint32_t, total);
  uint32_t *next = NEW_N(finder->arena, uint32_t, (size_t)last + 2);
  memcpy(next, keyed->starts, ((size_t)last + 2) * sizeof(*next));
  for (size_t i = 0; i < lines; i++) {
    LineId id = keyed->of_text[i];
    if (id) keyed->places[next[id]++] = (uint32_t)i;
  }
}

const KeyedLines *finder_keyed(Finder *finder, LineKey key)
{
  KeyedLines *keyed = &finder->keyed[key];
  if (keyed->ready) return keyed;
  LineTable table = table_new(finder->arena, finder->lines.len);
  keyed->of_needles = NEW_N(finder->arena, LineId, finder->lines.len);
  keyed->of_text = arena_alloc_raw(finder->arena, finder->text->len * sizeof(LineId));
  LineId last = number_needles(finder, &table, key, keyed->of_needles);
  for (size_t i = 0; i < finder->text->len; i++) {
    keyed->of_text[i] = table_find(finder, &table, finder_text_line(finder, i), key);
  }
  list_places(finder, keyed, last);
  keyed->ready = true;
  return keyed;
}

const uint32_t *finder_line_places(Finder *finder, size_t needle, size_t line, LineKey key,
                                   size_t *len)
{
  const KeyedLines *keyed = finder_keyed(finder, key);
  LineId id = keyed->of_needles[finder->needles.items[needle].first + line];
  *len = keyed->starts[id + 1] - keyed->starts[id];
  return keyed->places + keyed->starts[id];
}

static size_t rarest_line(Finder *finder, size_t needle, LineKey key)
{
  size_t best = 0, fewest = SIZE_MAX;
  for (size_t i = 0; i < finder->needles.items[needle].len && fewest > 0; i++) {
    size_t len;
    finder_line_places(finder, needle, i, key, &len);
    if (len < fewest) best = i, fewest = len;
  }
  return best;
}

static bool same_run(Finder *finder, const KeyedLines *keyed, Needle needle, size_t at)
{
  const LineId *want = keyed->of_needles + needle.first, *have = keyed->of_text + at;
  size_t i = 0;
  while (i < needle.len && want[i] == have[i]) i++;
  finder->spent += i + 1;
  return i == needle.len;
}

void finder_places(Finder *finder, size_t number, LineKey key, PlaceList *out)
{
  Needle needle = finder->needles.items[number];
  if (needle.len == 0 || needle.len > finder->text->len) return;
  const KeyedLines *keyed = finder_keyed(finder, key);
  size_t anchor = rarest_line(finder, number, key), len;
  const uint32_t *at = finder_line_places(finder, number, anchor, key, &len);
  size_t budget = FINDER_BUDGET + 8 * finder->text->len;
  for (size_t i = 0; i < len && out->len < FINDER_MAX_PLACES; i++) {
    if (at[i] < anchor || at[i] - anchor + needle.len > finder->text->len) continue;
    if (finder->spent > budget) {
      finder->exhausted = true;
      return;
    }
    if (same_run(finder, keyed, needle, at[i] - anchor)) {
      size_t place = at[i] - anchor;
      PUSH(finder->arena, out, place);
    }
  }
}
