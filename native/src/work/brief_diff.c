// brief_diff.c: see brief_diff.h.
//
// Lines that moved (patch/moves.h) are named by their other place. Lines that stand in a row just as they were written
// out before (the head of every new file, say) are named by where that was; lines that are so but for some words, by
// that and the words (brief_like.h).
#include "work/brief_diff.h"

#include "base/map.h"
#include "patch/moves.h"
#include "work/brief_like.h"

enum {
  THREAD_MIN = 8,  // bytes of a line that can be followed
  AGAIN_MIN = 4,   // lines in a row that are not said again
  AGAIN_BYTES = 100,
  LIKE_TRIES = 6,  // places looked at that may be like this one
  PATIENCE = 200,  // lines in a row like no others, until it is looked
  SELDOM = 8,      // at every so manyth only
  PLACE_BYTES = sizeof("+[again lines 123-456]"),
  CONTEXT = 1,
  PLACES_SHOWN = 400,
};

typedef struct {
  size_t file, number;  // number: 1-based in its text
  Str text;
  const Move *move;  // NULL = it did not
} Side;

typedef struct {
  Side *items;
  size_t len, cap;
} SideList;

typedef struct {
  size_t side;  // index into the side's lines
  size_t prev;  // the one before it with the same head, SIZE_MAX = none
} SaidLine;

// What was written out of one side so far, and the first with each text.
typedef struct {
  SaidLine *items;
  size_t len, cap;
  Map first;
  Map heads;  // of lines (like_head) -> index into last
  struct {
    size_t *items;  // the last line with that head
    size_t len, cap;
  } last;
} Said;

// A change that was shown, and where else it is.
typedef struct {
  Str key, place;
  StrList more;
} Shown;

struct BriefDiff {
  Arena *arena;
  const CombinedFile **files;
  size_t count;
  HunkList *hunks;  // one list for each file
  SideList gone, come;
  Said said_gone, said_come;
  size_t misses;  // lines in a row that were like no others
  Map seen;       // key of a change -> index into shown
  struct {
    Shown *items;
    size_t len, cap;
  } shown;
};

// ---- the two sides ------------------------------------------------------------------------------

static void collect(BriefDiff *d, size_t file, const MoveList *moves)
{
  const HunkList *hunks = &d->hunks[file];
  for (size_t h = 0; h < hunks->len; h++) {
    const Hunk *hunk = &hunks->items[h];
    for (size_t i = 0; i < hunk->old_len; i++) {
      Side side = {file, hunk->old_start + i, hunk->old_lines[i].text, NULL};
      side.move = moves_at(moves, MOVE_FROM, file, side.number);
      PUSH(d->arena, &d->gone, side);
    }
    for (size_t i = 0; i < hunk->new_len; i++) {
      Side side = {file, hunk->new_start + i, hunk->new_lines[i].text, NULL};
      side.move = moves_at(moves, MOVE_TO, file, side.number);
      PUSH(d->arena, &d->come, side);
    }
  }
}

BriefDiff *brief_diff_new(Arena *arena, const CombinedFile **files, size_t count)
{
  BriefDiff *d = NEW(arena, BriefDiff);
  *d = (BriefDiff){.arena = arena, .files = files, .count = count};
  d->hunks = NEW_N(arena, HunkList, count + 1);
  for (size_t i = 0; i < count; i++) {
    const CombinedFile *file = files[i];
    Str base = file->existed ? file->base : STR_NONE, text = file->exists ? file->text : STR_NONE;
    d->hunks[i] = hunks_diff(arena, base, text);
  }
  MoveList moves = moves_find(arena, d->hunks, count);
  for (size_t i = 0; i < count; i++) collect(d, i, &moves);
  return d;
}

// ---- writing ------------------------------------------------------------------------------------

static size_t side_of(const SideList *list, size_t file, size_t number)
{
  // sorted by file, then line
  size_t low = 0, high = list->len;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    const Side *side = &list->items[middle];
    bool before = side->file < file || (side->file == file && side->number < number);
    if (before)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

// How many lines from [at] up to [end] were written out before in the same order; *from is the first of those.
static size_t said_before(const SideList *own, const Said *said, size_t at, size_t end,
                          size_t *from)
{
  size_t first, run = 0, bytes = 0;
  if (!map_get(&said->first, own->items[at].text, &first)) return 0;
  *from = said->items[first].side;
  for (; at + run < end && first + run < said->len; run++) {
    const Side *here = &own->items[at + run], *there = &own->items[said->items[first + run].side];
    bool on = there->file == own->items[*from].file &&
              there->number == own->items[*from].number + run && !here->move;
    if (!on || !str_eq(here->text, there->text)) break;
    bytes += here->text.len + 2;
  }
  return run >= AGAIN_MIN && bytes >= AGAIN_BYTES ? run : 0;
}

static void say(BriefDiff *d, const SideList *own, Said *said, size_t at, char sign, Buf *out)
{
  Str text = own->items[at].text, head = like_head(text);
  SaidLine line = {at, SIZE_MAX};
  buf_fmt(out, "%c%.*s\n", sign, STR_ARG(text));
  if (str_trim(text).len >= THREAD_MIN) map_add(d->arena, &said->first, text, said->len);
  if (head.len) {
    size_t slot = said->last.len;
    if (map_add(d->arena, &said->heads, head, slot))
      PUSH(d->arena, &said->last, SIZE_MAX);
    else
      map_get(&said->heads, head, &slot);
    line.prev = said->last.items[slot];
    said->last.items[slot] = said->len;
  }
  PUSH(d->arena, said, line);
}

// The lines from [at] up to [end] beside those written out from [first] on, as far as they go together.
static Like like_from(BriefDiff *d, const SideList *own, const Said *said, size_t first, size_t at,
                      size_t end, bool more)
{
  Like like;
  like_begin(&like, d->arena, more);
  const Side *from = &own->items[said->items[first].side];
  for (size_t run = 0; at + run < end && first + run < said->len; run++) {
    const Side *here = &own->items[at + run], *there = &own->items[said->items[first + run].side];
    bool on = there->file == from->file && there->number == from->number + run && !here->move;
    if (!on || !like_line(&like, there->text, here->text, there->number)) break;
  }
  return like;
}

// "[again lines 3-9 of a.py" as far as it goes: the lines [from] on, seen from [here].
static void add_place(BriefDiff *d, const Side *from, size_t lines, const Side *here, Buf *out)
{
  buf_fmt(out, "[again lines %zu-%zu", from->number, from->number + lines - 1);
  if (from->file != here->file) buf_fmt(out, " of %.*s", STR_ARG(d->files[from->file]->path));
}

static bool is_blank(Str line)
{
  return !str_trim(line).len;
}

// The place written out before by which the lines from [at] on are told in the fewest bytes; SIZE_MAX = none. A blank
// line goes with what follows it: what is repeated is "a blank line and a function".
static size_t find_like(BriefDiff *d, const SideList *own, const Said *said, size_t at, size_t end,
                        Like *like, size_t *lines)
{
  size_t slot, found = SIZE_MAX, best = 0, blank = 0;
  while (at + blank + 1 < end && is_blank(own->items[at + blank].text)) blank++;
  if (!map_get(&said->heads, like_head(own->items[at + blank].text), &slot)) return found;
  size_t next = said->last.items[slot];
  for (int try = 0; try < LIKE_TRIES && next != SIZE_MAX; try++) {
    size_t first = next, len;
    next = said->items[first].prev;
    if (first < blank) break;
    first -= blank;
    Like this = like_from(d, own, said, first, at, end, false);
    size_t from = own->items[said->items[first].side].file;
    size_t other = from == own->items[at].file ? 0 : d->files[from]->path.len + 4;
    size_t gain = like_gain(&this, PLACE_BYTES + other, &len);
    if (gain <= best) continue;
    best = gain;
    found = first;
    *like = this;
    *lines = len;
  }
  return found;
}

// Tells the lines from [at] on by others that they are like, as often as they follow each other; how many were told.
static size_t say_like(BriefDiff *d, const SideList *own, const Said *said, size_t at, size_t end,
                       char sign, Buf *out)
{
  Like like, before;
  size_t lines, times = 0, told = 0, len;
  if (d->misses > PATIENCE && d->misses++ % SELDOM) return 0;
  size_t first = find_like(d, own, said, at, end, &like, &lines);
  d->misses = first == SIZE_MAX ? d->misses + 1 : 0;
  if (first == SIZE_MAX) return 0;
  Buf parts;
  buf_init(&parts, SIZE_MAX / 2);
  do {
    buf_add(&parts, times ? S(" | ") : S(" with "));
    like_add(&like, times++ ? &before : NULL, &parts);
    before = like;
    told += lines;
    size_t most = at + told + lines < end ? at + told + lines : end;
    like = like_from(d, own, said, first, at + told, most, true);
  } while (like_gain(&like, 3, &len) && len == lines);
  buf_add_char(out, sign);
  add_place(d, &own->items[said->items[first].side], lines, &own->items[at], out);
  if (times > 1) buf_fmt(out, " %zu times", times);
  buf_add(out, buf_str(&parts));
  buf_add(out, S("]\n"));
  buf_deinit(&parts);
  return told;
}

// A move by its other place, in one line; returns how many that were.
static size_t say_move(BriefDiff *d, const Move *move, MoveEnd end, Buf *out)
{
  MovePlace from = move->ends[MOVE_FROM], there = move->ends[!end];
  Str path = d->files[there.file]->path;
  buf_fmt(out, "%c[lines %zu-%zu ", end == MOVE_FROM ? '-' : '+', from.line,
          from.line + move->len - 1);
  if (end == MOVE_FROM)
    buf_fmt(out, "go to %.*s:%zu-%zu]\n", STR_ARG(path), there.line, there.line + move->len - 1);
  else
    buf_fmt(out, "of %.*s]\n", STR_ARG(path));
  return move->len;
}

// Lines of one side of a hunk; moves, and those said before, as one line each.
static void add_side(BriefDiff *d, Buf *out, MoveEnd side, size_t file, size_t start, size_t len)
{
  const SideList *own = side == MOVE_FROM ? &d->gone : &d->come;
  Said *said = side == MOVE_FROM ? &d->said_gone : &d->said_come;
  char sign = side == MOVE_FROM ? '-' : '+';
  size_t at = side_of(own, file, start), end = at + len;
  while (at < end && at < own->len) {
    const Side *here = &own->items[at];
    size_t from, told = here->move ? say_move(d, here->move, side, out) : 0;
    if (!told && (told = said_before(own, said, at, end, &from))) {
      buf_add_char(out, sign);
      add_place(d, &own->items[from], told, here, out);
      buf_add(out, S("]\n"));
    }
    if (!told) told = say_like(d, own, said, at, end, sign, out);
    if (!told) say(d, own, said, at, sign, out);
    at += told ? told : 1;
  }
}

// A blank line says nothing of where the change stands.
static void add_context(Buf *out, const Line *lines, size_t from, size_t to)
{
  for (size_t i = from; i < to; i++) {
    if (str_trim(lines[i].text).len) buf_fmt(out, " %.*s\n", STR_ARG(lines[i].text));
  }
}

static bool any_moved(const BriefDiff *d, size_t file, const Hunk *hunk)
{
  size_t gone = side_of(&d->gone, file, hunk->old_start),
         come = side_of(&d->come, file, hunk->new_start);
  for (size_t i = 0; i < hunk->old_len; i++) {
    if (d->gone.items[gone + i].move) return true;
  }
  for (size_t i = 0; i < hunk->new_len; i++) {
    if (d->come.items[come + i].move) return true;
  }
  return false;
}

// What makes two changes one: all old and all new lines.
static Str key_of(BriefDiff *d, const Hunk *hunk)
{
  Buf key;
  buf_init(&key, SIZE_MAX / 2);
  for (size_t i = 0; i < hunk->old_len; i++)
    buf_fmt(&key, "-%.*s\n", STR_ARG(hunk->old_lines[i].text));
  for (size_t i = 0; i < hunk->new_len; i++)
    buf_fmt(&key, "+%.*s\n", STR_ARG(hunk->new_lines[i].text));
  return buf_take(&key, d->arena);
}

// True when this change was shown before: then its place is noted.
static bool repeated(BriefDiff *d, size_t file, const Hunk *hunk)
{
  if (!hunk->old_len || any_moved(d, file, hunk)) return false;
  Str place = str_fmt(d->arena, "%.*s:%zu", STR_ARG(d->files[file]->path), hunk->new_start);
  Shown shown = {.key = key_of(d, hunk), .place = place};
  size_t at = d->shown.len;
  if (map_add(d->arena, &d->seen, shown.key, at)) {
    PUSH(d->arena, &d->shown, shown);
    return false;
  }
  map_get(&d->seen, shown.key, &at);
  PUSH(d->arena, &d->shown.items[at].more, place);
  return true;
}

static void add_head(const CombinedFile *file, Buf *out)
{
  buf_fmt(out, "=== %.*s", STR_ARG(file->path));
  if (file->renamed_from.len)
    buf_fmt(out, " (was %.*s)", STR_ARG(file->renamed_from));
  else if (!file->exists)
    buf_add(out, S(" (deleted)"));
  else if (!file->existed)
    buf_add(out, S(" (new)"));
  buf_add_char(out, '\n');
}

static void add_hunk(BriefDiff *d, size_t file, const Hunk *hunk, const Hunk *next, size_t last_old,
                     Buf *out)
{
  // context that an earlier hunk showed already is not shown again
  size_t before = hunk->before_len < CONTEXT ? hunk->before_len : CONTEXT;
  size_t free_lines = hunk->old_start - 1 > last_old ? hunk->old_start - 1 - last_old : 0;
  if (before > free_lines) before = free_lines;
  size_t after = hunk->after_len < CONTEXT ? hunk->after_len : CONTEXT;
  size_t end = hunk->old_start + hunk->old_len;
  if (next && next->old_start - end < after) after = next->old_start - end;
  if (d->files[file]->existed) buf_fmt(out, "@@ %zu @@\n", hunk->new_start);
  add_context(out, hunk->before, hunk->before_len - before, hunk->before_len);
  add_side(d, out, MOVE_FROM, file, hunk->old_start, hunk->old_len);
  add_side(d, out, MOVE_TO, file, hunk->new_start, hunk->new_len);
  add_context(out, hunk->after, 0, after);
}

void brief_diff_file(BriefDiff *d, size_t index, Buf *out)
{
  const CombinedFile *file = d->files[index];
  const HunkList *hunks = &d->hunks[index];
  bool headed = file->renamed_from.len || !file->exists || !file->existed || file->conflict;
  size_t last_old = 0;
  if (headed) add_head(file, out);
  for (size_t h = 0; h < hunks->len; h++) {
    const Hunk *hunk = &hunks->items[h];
    if (file->exists && repeated(d, index, hunk)) continue;
    if (!headed) add_head(file, out);
    headed = true;
    add_hunk(d, index, hunk, h + 1 < hunks->len ? &hunks->items[h + 1] : NULL, last_old, out);
    last_old = hunk->old_start + hunk->old_len - 1 + CONTEXT;
  }
}

void brief_diff_forget(BriefDiff *d)
{
  d->said_gone = d->said_come = (Said){0};
}

void brief_diff_end(BriefDiff *d, Buf *out)
{
  for (size_t i = 0; i < d->shown.len; i++) {
    const Shown *shown = &d->shown.items[i];
    if (!shown->more.len) continue;
    StrList some = shown->more;
    if (some.len > PLACES_SHOWN) some.len = PLACES_SHOWN;
    buf_fmt(out, "[the same change as at %.*s: %zu more: %.*s%s]\n", STR_ARG(shown->place),
            shown->more.len, STR_ARG(str_join(d->arena, &some, S(", "))),
            some.len < shown->more.len ? ", ..." : "");
  }
  d->shown.len = 0;
  d->seen = (Map){0};
  brief_diff_forget(d);
}
