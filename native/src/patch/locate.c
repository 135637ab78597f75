// locate.c: see locate.h.
#include "patch/locate.h"

#include "patch/indent.h"
#include "patch/marker.h"

enum { RANGE_SLACK = 3 };  // lines around the task's range that still count as inside

void locator_init(Locator *locator, Arena *arena, const Text *text, Range range)
{
  *locator = (Locator){.arena = arena, .text = text, .range = range};
  finder_init(&locator->finder, arena, text);
}

static bool line_blank(Str s)
{
  return str_trim(s).len == 0;
}

static void find_changed(const Sides *sides, Sought *sought)
{
  size_t from = 0, to = sides->search_len, new_to = sides->replace_len;
  while (from < to && from < new_to && str_eq(sides->search[from], sides->replace[from])) from++;
  while (to > from && new_to > from && str_eq(sides->search[to - 1], sides->replace[new_to - 1]))
    to--, new_to--;
  sought->changed_from = from;
  sought->changed_to = to;
}

// Cuts SEARCH at its elision lines and makes a needle of each piece.
static void add_pieces(Locator *locator, Sought *sought)
{
  const Sides *sides = &sought->sides;
  size_t elisions = 0;
  for (size_t i = 0; i < sides->search_len; i++)
    elisions += marker_elision(sides->search[i]) != ELISION_NONE;
  if (elisions == 0) return;
  sought->pieces = NEW_N(locator->arena, size_t, elisions + 1);
  sought->piece_at = NEW_N(locator->arena, size_t, elisions + 1);
  for (size_t i = 0, start = 0; i <= sides->search_len; i++) {
    if (i < sides->search_len && marker_elision(sides->search[i]) == ELISION_NONE) continue;
    if (i > start) {
      sought->piece_at[sought->piece_count] = start;
      sought->pieces[sought->piece_count++] =
          finder_add(&locator->finder, sides->search + start, i - start);
    }
    start = i + 1;
  }
}

size_t locator_add(Locator *locator, const Sides *sides)
{
  Sought sought = {.sides = *sides};
  sought.needle = finder_add(&locator->finder, sides->search, sides->search_len);
  find_changed(sides, &sought);
  add_pieces(locator, &sought);
  PUSH(locator->arena, &locator->sought, sought);
  return locator->sought.len - 1;
}

// The text lines that the change itself covers: from the partner of its first changed SEARCH line.
static void changed_lines(const Sought *sought, const Match *match, size_t *from, size_t *to)
{
  *from = match->end, *to = match->first;
  for (size_t i = sought->changed_from; i < sought->changed_to; i++) {
    if (match->lines[i] == LINE_NONE) continue;
    if (match->lines[i] < *from) *from = match->lines[i];
    if (match->lines[i] + 1 > *to) *to = match->lines[i] + 1;
  }
  if (*from < *to) return;
  size_t at = sought->changed_from;  // an insertion: after the line before it
  while (at > 0 && match->lines[at - 1] == LINE_NONE) at--;
  *from = *to = at > 0 ? match->lines[at - 1] + 1 : match->first;
}

// Inside: all of it within the range and its slack, or what it changes within the range itself.
static bool inside_range(const Locator *locator, const Sought *sought, const Match *match)
{
  Range range = locator->range;
  if (range_is_whole(range)) return true;
  if (match->first + 1 + RANGE_SLACK >= range.first && match->end <= range.last + RANGE_SLACK)
    return true;
  size_t from, to;
  changed_lines(sought, match, &from, &to);
  return from + 1 >= range.first && to <= range.last && from <= range.last;
}

static Match run_match(Locator *locator, size_t first, size_t len, Tier tier)
{
  Match match = {
      .lines = NEW_N(locator->arena, size_t, len), .len = len, .first = first, .end = first + len};
  for (size_t i = 0; i < len; i++) match.lines[i] = first + i;
  match.tier = tier;
  return match;
}

static void exact_places(Locator *locator, const Sought *sought, MatchList *out)
{
  PlaceList places = {0};
  finder_places(&locator->finder, sought->needle, KEY_EXACT, &places);
  for (size_t i = 0; i < places.len; i++) {
    Match match = run_match(locator, places.items[i], sought->sides.search_len, TIER_EXACT);
    PUSH(locator->arena, out, match);
  }
}

// The strictest rule that a run found by folding obeys.
static Tier tier_of_run(Locator *locator, const Sought *sought, size_t first)
{
  Tier tier = TIER_TRAILING;
  for (size_t i = 0; i < sought->sides.search_len; i++) {
    Str want = sought->sides.search[i], have = finder_text_line(&locator->finder, first + i);
    if (str_eq(str_trim_end(want), str_trim_end(have))) continue;
    if (!str_eq(str_trim(want), str_trim(have))) return TIER_FOLDED;
    tier = TIER_INDENT;
  }
  return tier;
}

static void folded_places(Locator *locator, const Sought *sought, MatchList *out)
{
  PlaceList places = {0};
  finder_places(&locator->finder, sought->needle, KEY_FOLDED, &places);
  for (size_t i = 0; i < places.len; i++) {
    Tier tier = tier_of_run(locator, sought, places.items[i]);
    Match match = run_match(locator, places.items[i], sought->sides.search_len, tier);
    PUSH(locator->arena, out, match);
  }
  if (out->len == 0) squeeze_places(locator, sought->needle, out);
}

// Of [all], those inside (or outside) the range, of the strictest tier there is among them.
static MatchList strictest(Locator *locator, const Sought *sought, const MatchList *all,
                           bool inside)
{
  MatchList out = {0};
  for (size_t i = 0; i < all->len; i++) {
    const Match *match = &all->items[i];
    if (inside_range(locator, sought, match) != inside) continue;
    if (out.len && match->tier > out.items[0].tier) continue;
    if (out.len && match->tier < out.items[0].tier) out.len = 0;
    PUSH(locator->arena, &out, *match);
  }
  return out;
}

static Located decide(const MatchList *found, LocateKind one)
{
  if (found->len == 1) return (Located){.kind = one, .match = found->items[0]};
  return (Located){.kind = LOCATE_SEVERAL, .all = *found};
}

// The common case without a list: one exact place, inside the range.
static bool locate_at_once(Locator *locator, const Sought *sought, Located *out)
{
  PlaceList *places = &locator->places;
  places->len = 0;
  finder_places(&locator->finder, sought->needle, KEY_EXACT, places);
  if (places->len != 1 || locator->finder.exhausted) return false;
  *out = (Located){.kind = LOCATE_FOUND};
  out->match = run_match(locator, places->items[0], sought->sides.search_len, TIER_EXACT);
  return inside_range(locator, sought, &out->match);
}

typedef void PlacesRule(Locator *locator, const Sought *sought, MatchList *out);

Located locate(Locator *locator, size_t number)
{
  static PlacesRule *const rules[] = {exact_places, folded_places, elide_places, fuzzy_places};
  enum { RULES = sizeof(rules) / sizeof(*rules), QUOTING_RULES = 2 };
  const Sought *sought = &locator->sought.items[number];
  MatchList all[RULES] = {{0}};
  Located at_once;
  if (locate_at_once(locator, sought, &at_once)) return at_once;
  for (size_t i = 0; i < RULES; i++) {
    rules[i](locator, sought, &all[i]);
    if (locator->finder.exhausted) return (Located){.kind = LOCATE_COSTLY};
    MatchList inside = strictest(locator, sought, &all[i], true);
    if (inside.len) return decide(&inside, LOCATE_FOUND);
    // Outside the range nothing is guessed: a place there is only told, once the rules that quote the
    // lines have found none inside.
    for (size_t k = 0; i + 1 >= QUOTING_RULES && k <= i; k++) {
      MatchList outside = strictest(locator, sought, &all[k], false);
      if (outside.len) return decide(&outside, LOCATE_OUTSIDE);
    }
  }
  return (Located){.kind = LOCATE_NOWHERE};
}

// --- blank lines left out or added -------------------------------------------------------------------

typedef struct {
  Finder *finder;
  size_t needle, len;
  size_t *lines;
} Squeeze;

// Walks from SEARCH line [i] at text line [at] in [step] direction over the lines that are not blank.
static bool squeeze_walk(Squeeze *s, size_t i, size_t at, int step)
{
  const KeyedLines *keyed = finder_keyed(s->finder, KEY_FOLDED);
  const LineId *ids = keyed->of_needles + s->finder->needles.items[s->needle].first;
  size_t lines = s->finder->text->len;
  for (i += (size_t)step; i < s->len; i += (size_t)step) {
    if (line_blank(finder_needle_line(s->finder, s->needle, i))) continue;
    size_t skipped = 0;
    do {
      at += (size_t)step;
      s->finder->spent++;
    } while (at < lines && line_blank(finder_text_line(s->finder, at)) && ++skipped < 64);
    if (at >= lines || keyed->of_text[at] != ids[i]) return false;
    s->lines[i] = at;
  }
  return true;
}

// Pairs the blank lines of SEARCH with those the text has between the same neighbours.
static void pair_blanks(Squeeze *s)
{
  for (size_t i = 1; i < s->len; i++) {
    if (s->lines[i] != LINE_NONE || s->lines[i - 1] == LINE_NONE) continue;
    size_t next = s->lines[i - 1] + 1;
    if (next < s->finder->text->len && line_blank(finder_text_line(s->finder, next)))
      s->lines[i] = next;
  }
}

static Match squeeze_match(Squeeze *s)
{
  Match match = {.lines = s->lines, .len = s->len, .first = LINE_NONE, .tier = TIER_FOLDED};
  for (size_t i = 0; i < s->len; i++) {
    if (s->lines[i] == LINE_NONE) continue;
    if (match.first == LINE_NONE) match.first = s->lines[i];
    match.end = s->lines[i] + 1;
  }
  return match;
}

static size_t rarest_full_line(Finder *finder, size_t needle, size_t len)
{
  size_t best = LINE_NONE, fewest = SIZE_MAX, places;
  for (size_t i = 0; i < len; i++) {
    if (line_blank(finder_needle_line(finder, needle, i))) continue;
    finder_line_places(finder, needle, i, KEY_FOLDED, &places);
    if (places < fewest) best = i, fewest = places;
  }
  return best;
}

void squeeze_places(Locator *locator, size_t needle, MatchList *out)
{
  Finder *finder = &locator->finder;
  Squeeze s = {finder, needle, finder->needles.items[needle].len, NULL};
  size_t anchor = rarest_full_line(finder, needle, s.len), count;
  if (anchor == LINE_NONE) return;
  const uint32_t *at = finder_line_places(finder, needle, anchor, KEY_FOLDED, &count);
  for (size_t i = 0; i < count && out->len < FINDER_MAX_PLACES; i++) {
    if (finder->spent > FINDER_BUDGET + 8 * finder->text->len) {
      finder->exhausted = true;
      return;
    }
    s.lines = NEW_N(locator->arena, size_t, s.len);
    for (size_t k = 0; k < s.len; k++) s.lines[k] = LINE_NONE;
    s.lines[anchor] = at[i];
    if (!squeeze_walk(&s, anchor, at[i], 1) || !squeeze_walk(&s, anchor, at[i], -1)) continue;
    pair_blanks(&s);
    Match match = squeeze_match(&s);
    PUSH(locator->arena, out, match);
  }
}
