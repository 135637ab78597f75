// fuzzy.c: SEARCH with mistakes in it, and the nearest place for a refusal's message. See locate.h.
//
// Every line of SEARCH that the text has (folded) votes for where SEARCH would start if that were its
// line. Votes that lie close together make a window; the FUZZY_WINDOWS best ones, inside the range and
// outside of it, are aligned line by line. In an alignment every SEARCH line that is not blank must have a
// partner at least 0.75 alike, half of them equal, 0.9 on average; the text may have lines that SEARCH
// leaves out.
//
// When the text is only a guess at what the model saw, its place may be one whose lines to be replaced were
// changed meanwhile, which is no longer alike. So a place is not taken while another has the whole context word
// for word and as much of the rest (has_rival).
//
// Bounds: SEARCH up to FUZZY_MAX_LINES; lines with more than COMMON_LINE places do not vote; a window is
// SEARCH's length and half as much again, so an alignment costs at most 1.5 n^2 comparisons of two lines,
// of which a bag of bytes spares most. Past FUZZY_BUDGET comparisons a block counts as not found.
#include <stdlib.h>

#include "patch/distance.h"
#include "patch/locate.h"

enum {
  FUZZY_MAX_LINES = 400,
  FUZZY_WINDOWS = 8,
  COMMON_LINE = 64,
  FUZZY_BUDGET = 1 << 24,  // comparisons of two lines over all blocks of a file
  DISTANCE_COST = 64,      // what a comparison letter by letter counts for
  NEAREST_LINES = 1 << 18,
};

// Scores count in thousandths.
enum { ALIKE = 750, MEAN = 900, SKIP_FULL = 60, SKIP_BLANK = 10 };

typedef struct {
  size_t start;  // line of the text + FUZZY_MAX_LINES - line of SEARCH: never negative
  bool inside;
} Vote;

typedef struct {
  Vote *items;
  size_t len, cap;
} VoteList;

typedef struct {
  size_t first, last;  // the starts it spans, as in Vote
  size_t votes;
} Window;

typedef struct {
  Window items[FUZZY_WINDOWS];
  size_t len;
} WindowList;

static bool line_blank(Str s)
{
  return str_trim(s).len == 0;
}

static int by_start(const void *left, const void *right)
{
  const Vote *a = left, *b = right;
  return a->start < b->start ? -1 : a->start > b->start;
}

static VoteList collect_votes(Locator *locator, const Sought *sought, size_t common)
{
  VoteList votes = {0};
  size_t len = sought->sides.search_len, places;
  bool ranged = !range_is_whole(locator->range);
  for (size_t i = 0; i < len && i < FUZZY_MAX_LINES; i++) {
    if (line_blank(sought->sides.search[i])) continue;
    const uint32_t *at =
        finder_line_places(&locator->finder, sought->needle, i, KEY_FOLDED, &places);
    for (size_t k = 0; places <= common && k < places; k++) {
      bool inside =
          !ranged || (at[k] + 4u >= locator->range.first && at[k] <= locator->range.last + 3);
      PUSH(locator->arena, &votes, ((Vote){at[k] + (size_t)FUZZY_MAX_LINES - i, inside}));
    }
  }
  if (votes.len) qsort(votes.items, votes.len, sizeof(Vote), by_start);
  return votes;
}

// Keeps the best windows; of two that overlap only the better.
static void add_window(WindowList *list, Window window)
{
  for (size_t i = 0; i < list->len; i++) {
    Window *have = &list->items[i];
    if (window.first > have->last || window.last < have->first) continue;
    if (window.votes > have->votes) *have = window;
    return;
  }
  if (list->len < FUZZY_WINDOWS) {
    list->items[list->len++] = window;
    return;
  }
  size_t worst = 0;
  for (size_t i = 1; i < list->len; i++) {
    if (list->items[i].votes < list->items[worst].votes) worst = i;
  }
  if (window.votes > list->items[worst].votes) list->items[worst] = window;
}

static WindowList find_windows(const VoteList *votes, size_t search_len, bool inside)
{
  WindowList list = {.len = 0};
  size_t spread = 2 + search_len / 4;
  for (size_t i = 0, end = 0, count = 0; i < votes->len; i++) {
    while (end < votes->len && votes->items[end].start <= votes->items[i].start + spread) {
      count += votes->items[end++].inside == inside;
    }
    if (count)
      add_window(&list, (Window){votes->items[i].start, votes->items[end - 1].start, count});
    count -= votes->items[i].inside == inside;
  }
  return list;
}

// --- aligning one window -----------------------------------------------------------------------------

typedef struct {
  Locator *locator;
  const Sought *sought;
  const LineId *search_ids, *text_ids;
  ByteBag *search_bags, *text_bags;
  size_t lo, width;  // the window's lines of the text
  int *best;         // (search_len + 1) x (width + 1): best score of SEARCH[i..] with text[j..]
} Alignment;

enum { IMPOSSIBLE = -1000000 };

static Str search_line(const Alignment *a, size_t i)
{
  return a->sought->sides.search[i];
}

static Str window_line(const Alignment *a, size_t j)
{
  return finder_text_line(&a->locator->finder, a->lo + j);
}

// 1000 for equal lines (folded), from ALIKE on for similar ones, else 0.
static int likeness(const Alignment *a, size_t i, size_t j)
{
  if (a->search_ids[i] == a->text_ids[a->lo + j]) return 1000;
  Str x = str_trim(search_line(a, i)), y = str_trim(window_line(a, j));
  size_t longer = x.len > y.len ? x.len : y.len, allowed = longer * (1000 - ALIKE) / 1000;
  if (x.len == 0 || y.len == 0 || allowed == 0) return 0;
  if (bag_distance(&a->search_bags[i], &a->text_bags[j]) > allowed) return 0;
  a->locator->fuzzy_spent += DISTANCE_COST;
  size_t distance = distance_upto(x, y, allowed);
  return distance > allowed ? 0 : (int)(1000 - distance * 1000 / longer);
}

static int *cell(const Alignment *a, size_t i, size_t j)
{
  return &a->best[i * (a->width + 1) + j];
}

static int skip_text(const Alignment *a, size_t i, size_t j)
{
  bool free_end = i == 0 || i == a->sought->sides.search_len;
  int cost = free_end ? 0 : line_blank(window_line(a, j)) ? SKIP_BLANK : SKIP_FULL;
  return *cell(a, i, j + 1) - cost;
}

static int skip_search(const Alignment *a, size_t i, size_t j)
{
  return line_blank(search_line(a, i)) ? *cell(a, i + 1, j) - SKIP_BLANK : IMPOSSIBLE;
}

static int pair_lines(const Alignment *a, size_t i, size_t j)
{
  int alike = likeness(a, i, j);
  if (alike == 0) return IMPOSSIBLE;
  return *cell(a, i + 1, j + 1) + (line_blank(search_line(a, i)) ? SKIP_BLANK : alike);
}

static int max_int(int a, int b)
{
  return a > b ? a : b;
}

static void fill_table(const Alignment *a)
{
  size_t n = a->sought->sides.search_len;
  for (size_t i = n + 1; i-- > 0;) {
    for (size_t j = a->width + 1; j-- > 0;) {
      int score = i == n ? 0 : IMPOSSIBLE;
      if (j < a->width) score = max_int(score, skip_text(a, i, j));
      if (i < n) score = max_int(score, skip_search(a, i, j));
      if (i < n && j < a->width) score = max_int(score, pair_lines(a, i, j));
      *cell(a, i, j) = score;
    }
  }
}

static bool informative(Str s)
{
  size_t letters = 0;
  for (size_t i = 0; i < s.len && letters < 3; i++) {
    char c = s.ptr[i];
    letters += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (unsigned char)c >= 0x80;
  }
  return letters >= 3;
}

// Walks the best path. False when it does not pass the thresholds.
static bool read_alignment(const Alignment *a, Match *match)
{
  size_t n = a->sought->sides.search_len, full = 0, known = 0, i = 0, j = 0, total = 0;
  *match = (Match){.lines = NEW_N(a->locator->arena, size_t, n),
                   .len = n,
                   .first = LINE_NONE,
                   .slips_only = true,
                   .tier = TIER_FUZZY};
  if (*cell(a, 0, 0) <= 0) return false;
  while (i < n) {
    int score = *cell(a, i, j);
    match->lines[i] = LINE_NONE;
    if (j < a->width && score == skip_text(a, i, j)) {
      match->left_out += match->first != LINE_NONE && !line_blank(window_line(a, j));
      j++;
      continue;
    }
    if (score == skip_search(a, i, j)) {
      i++;
      continue;
    }
    if (j >= a->width) return false;
    bool blank = line_blank(search_line(a, i));
    int alike = likeness(a, i, j);
    match->lines[i] = a->lo + j;
    if (match->first == LINE_NONE) match->first = a->lo + j;
    match->end = a->lo + j + 1;
    full += !blank;
    total += blank ? 0 : (size_t)alike;
    match->equal += !blank && alike == 1000;
    match->slips_only &=
        alike == 1000 || distance_is_slip(str_trim(search_line(a, i)), str_trim(window_line(a, j)));
    known += alike == 1000 && informative(search_line(a, i));
    i++, j++;
  }
  return full >= 2 && known >= 1 && match->equal * 2 >= full && total >= full * MEAN;
}

static bool same_full_line(const Alignment *a, size_t i, size_t j)
{
  if (i >= a->sought->sides.search_len || j >= a->width) return false;
  return a->search_ids[i] == a->text_ids[a->lo + j] && !line_blank(search_line(a, i));
}

static bool on_path(const Alignment *a, size_t i, size_t j)
{
  return same_full_line(a, i, j) && *cell(a, i, j) == *cell(a, i + 1, j + 1) + 1;
}

// The lines of SEARCH that the window has word for word, in order: how many, and from where to where.
// Overwrites the table.
static Match verbatim_lines(const Alignment *a)
{
  size_t n = a->sought->sides.search_len;
  for (size_t i = n + 1; i-- > 0;) {
    for (size_t j = a->width + 1; j-- > 0;) {
      int most = 0;
      if (j < a->width) most = max_int(most, *cell(a, i, j + 1));
      if (i < n) most = max_int(most, *cell(a, i + 1, j));
      if (same_full_line(a, i, j)) most = max_int(most, *cell(a, i + 1, j + 1) + 1);
      *cell(a, i, j) = most;
    }
  }
  Match match = {.lines = NEW_N(a->locator->arena, size_t, n), .len = n, .first = LINE_NONE};
  for (size_t i = 0, j = 0; i < n; i++) {
    match.lines[i] = LINE_NONE;
    while (!on_path(a, i, j) && *cell(a, i, j) != *cell(a, i + 1, j)) j++;
    if (!on_path(a, i, j)) continue;
    if (match.equal++ == 0) match.first = a->lo + j;
    match.lines[i] = a->lo + j++;
    match.end = a->lo + j;
  }
  return match;
}

// False: the place is not SEARCH with mistakes in it. When the text is only a guess at what the model saw,
// [match] then has what stands there all the same, otherwise nothing.
static bool align(Locator *locator, const Sought *sought, const Window *window, Match *match)
{
  size_t n = sought->sides.search_len, margin = 2 + n / 8, lines = locator->text->len;
  size_t base = FUZZY_MAX_LINES + margin;
  size_t lo = window->first > base ? window->first - base : 0;
  size_t hi =
      window->last + n + margin > FUZZY_MAX_LINES ? window->last + n + margin - FUZZY_MAX_LINES : 0;
  if (hi > lines) hi = lines;
  *match = (Match){.first = LINE_NONE};
  if (lo >= hi || locator->fuzzy_spent > FUZZY_BUDGET) return false;
  locator->fuzzy_spent += n * (hi - lo);
  const KeyedLines *keyed = finder_keyed(&locator->finder, KEY_FOLDED);
  Alignment a = {.locator = locator, .sought = sought, .lo = lo, .width = hi - lo};
  a.search_ids = keyed->of_needles + locator->finder.needles.items[sought->needle].first;
  a.text_ids = keyed->of_text;
  Arena scratch;
  arena_init(&scratch);
  a.search_bags = NEW_N(&scratch, ByteBag, n);
  a.text_bags = NEW_N(&scratch, ByteBag, a.width);
  a.best = NEW_N(&scratch, int, (n + 1) * (a.width + 1));
  for (size_t i = 0; i < n; i++) a.search_bags[i] = bag_of(str_trim(search_line(&a, i)));
  for (size_t j = 0; j < a.width; j++) a.text_bags[j] = bag_of(str_trim(window_line(&a, j)));
  fill_table(&a);
  bool found = read_alignment(&a, match);
  if (!found) *match = (Match){.first = LINE_NONE};
  if (!found && locator->text_is_guess) {
    locator->fuzzy_spent += n * (hi - lo);
    *match = verbatim_lines(&a);
  }
  arena_deinit(&scratch);
  return found;
}

// --- candidates --------------------------------------------------------------------------------------

static void add_match(Arena *arena, MatchList *list, Match match)
{
  for (size_t i = 0; i < list->len; i++) {
    Match *have = &list->items[i];
    if (match.first >= have->end || match.end <= have->first) continue;
    if (match.equal > have->equal) *have = match;
    return;
  }
  PUSH(arena, list, match);
}

// At least 2 lines and 20 % more equal lines than any other.
static bool clear_winner(const MatchList *list, size_t *winner)
{
  size_t next = 0;
  *winner = 0;
  for (size_t i = 1; i < list->len; i++) {
    if (list->items[i].equal > list->items[*winner].equal) *winner = i;
  }
  for (size_t i = 0; i < list->len; i++) {
    if (i != *winner && list->items[i].equal > next) next = list->items[i].equal;
  }
  size_t best = list->items[*winner].equal;
  return best >= next + 2 && best * 10 >= next * 12;
}

// The only place where nothing but slips differ, while every other has a line that says something else.
static bool only_slips(const MatchList *list, size_t *winner)
{
  size_t hits = 0;
  for (size_t i = 0; i < list->len; i++) {
    if (list->items[i].slips_only && !list->items[i].left_out) *winner = i, hits++;
  }
  return hits == 1;
}

// Whether every line of SEARCH that REPLACE keeps stands there word for word. Adds to [full] how many lines of
// SEARCH are not blank.
static bool context_stands(Locator *locator, const Sought *sought, const Match *match, size_t *full)
{
  bool stands = match->equal > 0;
  for (size_t i = 0; i < sought->sides.search_len; i++) {
    Str line = sought->sides.search[i];
    if (line_blank(line)) continue;
    ++*full;
    if (!stands || (i >= sought->changed_from && i < sought->changed_to)) continue;
    stands = match->lines[i] != LINE_NONE &&
             line_equal(line, finder_text_line(&locator->finder, match->lines[i]), KEY_FOLDED);
  }
  return stands;
}

// The text is not what the model saw, and elsewhere it has most of SEARCH's lines word for word, all but those
// to be replaced, and as many as [match] has less what SEARCH leaves out there: that may be the place, changed
// meanwhile, and [match] a copy of it.
static bool has_rival(Locator *locator, const Sought *sought, const MatchList *others,
                      const Match *match)
{
  for (size_t i = 0; i < others->len; i++) {
    const Match *other = &others->items[i];
    size_t full = 0;
    if (other->first < match->end && match->first < other->end) continue;
    if (other->equal + match->left_out < match->equal ||
        !context_stands(locator, sought, other, &full))
      continue;
    if (other->equal * 3 >= full * 2) return true;
  }
  return false;
}

static void add_candidates(Locator *locator, const Sought *sought, const VoteList *votes,
                           bool inside, MatchList *out)
{
  MatchList found = {0}, others = {0};
  size_t winner = 0;
  WindowList windows = find_windows(votes, sought->sides.search_len, inside);
  for (size_t i = 0; i < windows.len; i++) {
    Match match;
    if (align(locator, sought, &windows.items[i], &match))
      add_match(locator->arena, &found, match);
    else
      PUSH(locator->arena, &others, match);
  }
  bool ranged = !range_is_whole(locator->range);
  bool clear =
      found.len > 1 && ((!ranged && clear_winner(&found, &winner)) || only_slips(&found, &winner));
  for (size_t i = 0; i < found.len; i++) {
    if (clear && i != winner) PUSH(locator->arena, &others, found.items[i]);
  }
  bool one = found.len == 1 || clear;
  if (one && locator->text_is_guess && has_rival(locator, sought, &others, &found.items[winner]))
    return;
  for (size_t i = 0; i < found.len; i++) {
    if (!clear || i == winner) PUSH(locator->arena, out, found.items[i]);
  }
}

void fuzzy_places(Locator *locator, const Sought *sought, MatchList *out)
{
  size_t len = sought->sides.search_len;
  if (len < 2 || len > FUZZY_MAX_LINES || locator->text->len == 0) return;
  VoteList votes = collect_votes(locator, sought, COMMON_LINE);
  add_candidates(locator, sought, &votes, true, out);
  if (!range_is_whole(locator->range)) add_candidates(locator, sought, &votes, false, out);
}

// --- the nearest place, for messages -----------------------------------------------------------------

static size_t longest_line(const Sides *sides)
{
  size_t best = 0;
  for (size_t i = 1; i < sides->search_len; i++) {
    if (str_trim(sides->search[i]).len > str_trim(sides->search[best]).len) best = i;
  }
  return best;
}

// No line of SEARCH is there: the line of the text that looks most like its longest one. Reads at most
// NEAREST_LINES lines over all messages of a file.
static size_t most_similar(Locator *locator, const Sides *sides)
{
  size_t line = longest_line(sides), best = LINE_NONE, least = SIZE_MAX;
  Str want = str_trim(sides->search[line]);
  ByteBag bag = bag_of(want);
  for (size_t i = 0; i < locator->text->len && locator->messages_read < NEAREST_LINES; i++) {
    Str have = str_trim(finder_text_line(&locator->finder, i));
    locator->messages_read++;
    if (have.len * 2 < want.len || have.len > want.len * 2 || have.len == 0) continue;
    ByteBag other = bag_of(have);
    size_t distance = bag_distance(&bag, &other);
    if (distance < least) least = distance, best = i;
  }
  if (best == LINE_NONE || least * 2 > want.len) return LINE_NONE;
  return best > line ? best - line : 0;
}

size_t locate_nearest(Locator *locator, size_t number)
{
  const Sought *sought = &locator->sought.items[number];
  size_t len = sought->sides.search_len;
  if (len == 0 || locator->text->len == 0) return LINE_NONE;
  VoteList votes = collect_votes(locator, sought, 4 * COMMON_LINE);
  for (int inside = 1; inside >= 0; inside--) {
    WindowList windows = find_windows(&votes, len, inside);
    size_t best = 0;
    for (size_t i = 1; i < windows.len; i++) {
      if (windows.items[i].votes > windows.items[best].votes) best = i;
    }
    if (windows.len == 0) continue;
    size_t start = windows.items[best].first;
    size_t line = start > FUZZY_MAX_LINES ? start - FUZZY_MAX_LINES : 0;
    return line < locator->text->len ? line : locator->text->len - 1;
  }
  return most_similar(locator, &sought->sides);
}
