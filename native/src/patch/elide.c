// elide.c: SEARCH with lines like "..." in it. See locate.h.
//
// Each piece between such lines is looked up by itself (exactly, then folded, then with blank lines left
// out). A chain takes one place for each piece, in order and not overlapping. Pieces that REPLACE changes
// must have one place only over all chains; for the others any will do, because nothing is written there.
//
//   forward   a place is reachable when a place of the piece before ends at or above its start
//   backward  and when a place of the piece after starts at or below its end
#include "patch/groups.h"
#include "patch/locate.h"
#include "patch/marker.h"

typedef struct {
  MatchList places;
  bool changed;  // REPLACE touches it
} Piece;

static size_t piece_len(const Locator *locator, const Sought *sought, size_t piece)
{
  return locator->finder.needles.items[sought->pieces[piece]].len;
}

static Match piece_match(Locator *locator, size_t first, size_t len)
{
  Match match = {
      .lines = NEW_N(locator->arena, size_t, len), .len = len, .first = first, .end = first + len};
  for (size_t i = 0; i < len; i++) match.lines[i] = first + i;
  return match;
}

static MatchList places_of(Locator *locator, const Sought *sought, size_t piece)
{
  MatchList out = {0};
  size_t needle = sought->pieces[piece];
  for (LineKey key = KEY_EXACT; key <= KEY_FOLDED && out.len == 0; key++) {
    PlaceList places = {0};
    finder_places(&locator->finder, needle, key, &places);
    for (size_t i = 0; i < places.len; i++) {
      Match match = piece_match(locator, places.items[i], piece_len(locator, sought, piece));
      PUSH(locator->arena, &out, match);
    }
  }
  if (out.len == 0) squeeze_places(locator, needle, &out);
  return out;
}

static bool place_inside(const Locator *locator, const Match *match)
{
  return match->first + 4 >= locator->range.first && match->end <= locator->range.last + 3;
}

static MatchList only_inside(Locator *locator, const MatchList *all)
{
  MatchList out = {0};
  for (size_t i = 0; i < all->len; i++) {
    if (place_inside(locator, &all->items[i])) PUSH(locator->arena, &out, all->items[i]);
  }
  return out;
}

// Keeps the places that are part of some chain. False when there is no chain.
static bool keep_chains(Piece *pieces, size_t len)
{
  size_t least_end = 0, greatest_first = SIZE_MAX;
  for (size_t i = 0; i < len; i++) {
    size_t kept = 0, next_end = SIZE_MAX;
    for (size_t k = 0; k < pieces[i].places.len; k++) {
      Match match = pieces[i].places.items[k];
      if (match.first < least_end) continue;
      if (match.end < next_end) next_end = match.end;
      pieces[i].places.items[kept++] = match;
    }
    pieces[i].places.len = kept;
    least_end = next_end;
  }
  for (size_t i = len; i-- > 0;) {
    size_t kept = 0, next_first = 0;
    for (size_t k = 0; k < pieces[i].places.len; k++) {
      Match match = pieces[i].places.items[k];
      if (match.end > greatest_first) continue;
      if (match.first > next_first) next_first = match.first;
      pieces[i].places.items[kept++] = match;
    }
    pieces[i].places.len = kept;
    greatest_first = next_first;
    if (kept == 0) return false;
  }
  return true;
}

static void mark_line(const Locator *locator, const Sought *sought, Piece *pieces, size_t line)
{
  for (size_t i = 0; i < sought->piece_count; i++) {
    if (line >= sought->piece_at[i] && line < sought->piece_at[i] + piece_len(locator, sought, i)) {
      pieces[i].changed = true;
    }
  }
}

static void mark_changed(Locator *locator, const Sought *sought, Piece *pieces)
{
  const Sides *sides = &sought->sides;
  GroupList groups = {0};
  bool *loose = NEW_N(locator->arena, bool, sides->search_len);
  for (size_t i = 0; i < sides->search_len; i++) loose[i] = true;
  groups_diff(locator->arena, sides->search, sides->search_len, sides->replace, sides->replace_len,
              loose, &groups);
  for (size_t i = 0; i < groups.len; i++) {
    const Group *group = &groups.items[i];
    for (size_t k = 0; k < group->a_len; k++) mark_line(locator, sought, pieces, group->a_at + k);
    if (group->a_len) continue;
    if (group->a_at > 0) mark_line(locator, sought, pieces, group->a_at - 1);
    mark_line(locator, sought, pieces, group->a_at);
  }
}

// One chain as a match: the places of changed pieces where there is one, else the nearest that fits.
static Match chain_match(Locator *locator, const Sought *sought, const Piece *pieces, bool last)
{
  size_t len = sought->sides.search_len, at = 0;
  Match match = {.lines = NEW_N(locator->arena, size_t, len),
                 .len = len,
                 .first = LINE_NONE,
                 .tier = TIER_ELIDED};
  for (size_t i = 0; i < len; i++) match.lines[i] = LINE_NONE;
  for (size_t i = 0; i < sought->piece_count; i++) {
    const MatchList *places = &pieces[i].places;
    size_t pick = 0;
    while (pick + 1 < places->len && places->items[pick].first < at) pick++;
    if (last && pieces[i].changed) pick = places->len - 1;
    const Match *place = &places->items[pick];
    for (size_t k = 0; k < place->len; k++) match.lines[sought->piece_at[i] + k] = place->lines[k];
    if (match.first == LINE_NONE) match.first = place->first;
    match.end = at = place->end;
  }
  return match;
}

static bool find_chains(Locator *locator, const Sought *sought, const MatchList *all, bool inside,
                        MatchList *out)
{
  Piece *pieces = NEW_N(locator->arena, Piece, sought->piece_count);
  for (size_t i = 0; i < sought->piece_count; i++) {
    MatchList copy = {0};
    for (size_t k = 0; k < all[i].len; k++) PUSH(locator->arena, &copy, all[i].items[k]);
    pieces[i].places = inside ? only_inside(locator, &all[i]) : copy;
  }
  if (!keep_chains(pieces, sought->piece_count)) return false;
  mark_changed(locator, sought, pieces);
  bool unique = true;
  for (size_t i = 0; i < sought->piece_count; i++)
    unique &= !pieces[i].changed || pieces[i].places.len == 1;
  Match match = chain_match(locator, sought, pieces, false);
  PUSH(locator->arena, out, match);
  if (!unique) {
    Match other = chain_match(locator, sought, pieces, true);
    PUSH(locator->arena, out, other);
  }
  return true;
}

void elide_places(Locator *locator, const Sought *sought, MatchList *out)
{
  if (sought->piece_count == 0) return;
  MatchList *all = NEW_N(locator->arena, MatchList, sought->piece_count);
  for (size_t i = 0; i < sought->piece_count; i++) {
    all[i] = places_of(locator, sought, i);
    if (all[i].len == 0 || all[i].len >= FINDER_MAX_PLACES) return;
  }
  bool ranged = !range_is_whole(locator->range);
  if (ranged && find_chains(locator, sought, all, true, out)) return;
  find_chains(locator, sought, all, false, out);
}
