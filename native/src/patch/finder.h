// finder.h: finds runs of lines ("needles") in a text, all needles in one pass over it.
//
//   finder_init -> finder_add (each needle) -> finder_places, finder_id_at ... (in any order)
//
// The needles' lines are numbered (equal lines share a number), then the text is read once and each of
// its lines gets the number of the needle line it equals, or 0. From there on lines are compared as
// numbers. A needle is looked up by its rarest line and verified there. Reading is linear in the text;
// memory is 8 bytes per line of text and key. What is "equal" depends on the key:
//
//   KEY_EXACT    the same bytes (line ends never count)
//   KEY_FOLDED   runs of blanks are one blank, none at the ends; typographic quotes, dashes and spaces
//                are their ASCII forms
//
// Verification has a budget (FINDER_BUDGET line comparisons over all needles, plus 8 for each line of
// text), so that a text made of equal lines cannot cost its square: past it `exhausted` is set and
// places may be missing, which callers must treat as "cannot tell".
#pragma once

#include "patch/text.h"

typedef enum { KEY_EXACT, KEY_FOLDED, KEY_COUNT } LineKey;

enum {
  FINDER_BUDGET = 1 << 24,
  FINDER_MAX_PLACES = 512,  // per needle; enough to know that it is not unique
};

typedef struct {
  size_t first;  // index of its first line in `lines`
  size_t len;
} Needle;

// 1 + index of a distinct needle line; 0 = a line of the text that no needle has.
typedef uint32_t LineId;

typedef struct {
  LineId *of_needles;  // by index in `lines`
  LineId *of_text;     // by line of the text, from 0
  uint32_t *starts;    // of_id n: its places are places[starts[n] .. starts[n + 1])
  uint32_t *places;    // lines of the text, ascending
  bool ready;
} KeyedLines;

typedef struct {
  Arena *arena;
  const Text *text;  // borrowed
  bool bom;          // a byte order mark leads the text; it is not part of line 1 here
  struct {
    Str *items;
    size_t len, cap;
  } lines;  // all needles' lines, one after another; borrowed bytes
  struct {
    Needle *items;
    size_t len, cap;
  } needles;
  KeyedLines keyed[KEY_COUNT];
  size_t spent;  // line comparisons so far
  bool exhausted;
} Finder;

typedef struct {
  size_t *items;  // first line of each place, from 0, ascending
  size_t len, cap;
} PlaceList;

void finder_init(Finder *finder, Arena *arena, const Text *text);
size_t finder_add(Finder *finder, const Str *lines, size_t len);  // before any look-up
size_t finder_add_lines(Finder *finder, const Line *lines, size_t len);

// Adds the first lines of all places of [needle] (up to FINDER_MAX_PLACES). An empty needle has none.
void finder_places(Finder *finder, size_t needle, LineKey key, PlaceList *out);

// The numbers behind it, for alignments. Built at first use.
const KeyedLines *finder_keyed(Finder *finder, LineKey key);
Str finder_text_line(const Finder *finder, size_t line);  // line from 0, without a byte order mark
Str finder_needle_line(const Finder *finder, size_t needle, size_t line);

// The places (lines of the text, ascending) of the [line]th line of [needle], and how many.
const uint32_t *finder_line_places(Finder *finder, size_t needle, size_t line, LineKey key,
                                   size_t *len);

// Whether two lines are equal under [key].
bool line_equal(Str a, Str b, LineKey key);
uint64_t line_hash(Str s, LineKey key);

// Reads one folded character: steps over [*rest] and returns the next byte to compare, or -1 at the
// end. Blanks at both ends must have been trimmed with fold_trim.
Str fold_trim(Str s);
int fold_next(Str *rest);
