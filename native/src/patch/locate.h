// locate.h: where a block's SEARCH stands in the text the model was shown.
//
//   locator_init -> locator_add (each reading of each block) -> locate (each)
//
// Rules are tried from strict to loose, and all places are counted under each. The first rule with a place
// decides: one place is taken, several are refused, never the first of them, and never by going on to a
// looser rule. With a range, the places inside it (3 lines around it count) are asked first; a place
// outside is reported as such.
//
//   EXACT     the same bytes
//   TRAILING  white space at line ends differs
//   INDENT    leading white space differs
//   FOLDED    runs of blanks and typographic punctuation differ; then blank lines too
//   ELIDED    the pieces between lines like "..." stand in this order
//   FUZZY     every line has a partner: at least 0.75 alike, half of them equal, 0.9 on average
//
// Costs: EXACT to FOLDED read the text once per key for all blocks of a reply, then only the places of
// each block's rarest line (see finder.h for the bound). ELIDED does that for each piece. FUZZY aligns in
// at most FUZZY_WINDOWS windows of a block's size, see fuzzy.c.
#pragma once

#include "patch/finder.h"
#include "patch/reply.h"

#define LINE_NONE ((size_t)-1)

typedef struct {
  // For each SEARCH line its line of the text, from 0; LINE_NONE for a blank or elision line that
  // has no partner.
  size_t *lines;
  size_t len;         // SEARCH lines
  size_t first, end;  // the lines of the text it covers
  size_t equal;       // FUZZY: how many lines were equal
  size_t left_out;    // FUZZY: lines in between that SEARCH does not have, blank ones not counted
  bool slips_only;    // FUZZY: the lines that are not equal differ by slips of the pen
  Tier tier;
} Match;

typedef struct {
  Match *items;
  size_t len, cap;
} MatchList;

typedef enum {
  LOCATE_FOUND,
  LOCATE_NOWHERE,
  LOCATE_SEVERAL,  // `all` holds them (the first FINDER_MAX_PLACES)
  LOCATE_OUTSIDE,  // one place, but outside the task's range; `match` is it
  LOCATE_COSTLY,   // the text repeats itself so much that looking on would not end
} LocateKind;

typedef struct {
  LocateKind kind;
  Match match;    // FOUND and OUTSIDE
  MatchList all;  // SEVERAL
} Located;

// One reading of a block, as the locator knows it.
typedef struct {
  Sides sides;
  size_t needle;                    // in the finder
  size_t *pieces;                   // needles between the elision lines of SEARCH
  size_t *piece_at;                 // SEARCH line where each piece starts
  size_t piece_count;               // 0 = no elision line
  size_t changed_from, changed_to;  // the SEARCH lines that REPLACE changes, ends cut
} Sought;

typedef struct {
  Arena *arena;
  const Text *text;    // borrowed
  Range range;         // the task's
  bool text_is_guess;  // as PatchSpec's shown_is_guess; false unless the caller sets it
  Finder finder;
  struct {
    Sought *items;
    size_t len, cap;
  } sought;
  PlaceList places;      // of the block at hand; kept for its memory
  size_t fuzzy_spent;    // line comparisons in alignments, see fuzzy.c
  size_t messages_read;  // lines read for the sake of refusals' messages, see fuzzy.c
} Locator;

void locator_init(Locator *locator, Arena *arena, const Text *text, Range range);
size_t locator_add(Locator *locator, const Sides *sides);  // before the first locate
Located locate(Locator *locator, size_t sought);

// The line of the text, from 0, that looks most like the block, for a refusal's message; LINE_NONE when
// nothing of it is there.
size_t locate_nearest(Locator *locator, size_t sought);

// For elide.c and fuzzy.c: adds the places under their rule.
void elide_places(Locator *locator, const Sought *sought, MatchList *out);
void fuzzy_places(Locator *locator, const Sought *sought, MatchList *out);
void squeeze_places(Locator *locator, size_t needle, MatchList *out);
