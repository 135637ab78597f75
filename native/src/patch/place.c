// place.c: where hunks stand in a text that may have changed since, and the edits that bring them there.
//
// hunks_carry knows only the hunks. It looks for each one's context and old lines (the "before" pattern)
// and for its context and new lines (the "after" pattern). A hunk remembers how many such places the old
// text had and which of them it is; when the present text has as many, the nth is the one. So a twin is
// never taken for the hunk, and a hunk that is already applied is told from one that is not.
//
// The context of a hunk may hold lines that neighbouring hunks of the list change, so each side of the context
// has several forms: each of those neighbours as in the old text or as in the new one.
#include <string.h>

#include "patch/carry.h"
#include "patch/finder.h"

enum { SIDE_FORMS = 8 };  // of the context on one side: three neighbours, old or new

typedef struct {
  Line lines[HUNK_CONTEXT];
  size_t len;
} Context;

typedef struct {
  Context items[SIDE_FORMS];
  size_t len;
} ContextForms;

// The needles of one form of a hunk.
typedef struct {
  size_t old_full, new_full;
  size_t core;  // old lines and one neighbour on each side
  size_t before_len, after_len;
} Form;

typedef struct {
  Form *forms;  // the first has the context of the old text
  size_t len;
} Patterns;

typedef struct Search Search;
struct Search {
  Arena *arena;
  const Text *present;
  Finder finder;
  Patterns *patterns;  // one for each hunk
  Search *base;        // the same hunks in the base; NULL = not known, or no hunk has twins
  Anchors anchors;     // between the two
};

static size_t min_size(size_t a, size_t b)
{
  return a < b ? a : b;
}

static void context_push_front(Context *context, const Line *lines, size_t len)
{
  size_t take = min_size(len, HUNK_CONTEXT - context->len);
  memmove(context->lines + take, context->lines, context->len * sizeof(Line));
  if (take) memcpy(context->lines, lines + (len - take), take * sizeof(Line));
  context->len += take;
}

static void context_push_back(Context *context, const Line *lines, size_t len)
{
  size_t take = min_size(len, HUNK_CONTEXT - context->len);
  if (take) memcpy(context->lines + context->len, lines, take * sizeof(Line));
  context->len += take;
}

static void add_form(ContextForms *forms, const Context *context)
{
  if (forms->len < SIDE_FORMS) forms->items[forms->len++] = *context;
}

// The lines before hunk [i], put before those in [context], in all forms.
static void forms_before(const HunkList *hunks, size_t i, Context context, ContextForms *forms)
{
  const Hunk *hunk = &hunks->items[i], *previous = i ? hunk - 1 : NULL;
  size_t room = HUNK_CONTEXT - context.len;
  size_t gap = previous ? hunk->old_start - (previous->old_start + previous->old_len) : room;
  if (gap >= room) {
    context_push_front(&context, hunk->before, hunk->before_len);
    add_form(forms, &context);
    return;
  }
  context_push_front(&context, hunk->before + (hunk->before_len - gap), gap);
  Context made = context;
  context_push_front(&context, previous->old_lines, previous->old_len);
  forms_before(hunks, i - 1, context, forms);
  context_push_front(&made, previous->new_lines, previous->new_len);
  forms_before(hunks, i - 1, made, forms);
}

static void forms_after(const HunkList *hunks, size_t i, Context context, ContextForms *forms)
{
  const Hunk *hunk = &hunks->items[i], *next = i + 1 < hunks->len ? hunk + 1 : NULL;
  size_t room = HUNK_CONTEXT - context.len;
  size_t gap = next ? next->old_start - (hunk->old_start + hunk->old_len) : room;
  if (gap >= room) {
    context_push_back(&context, hunk->after, hunk->after_len);
    add_form(forms, &context);
    return;
  }
  context_push_back(&context, hunk->after, gap);
  Context made = context;
  context_push_back(&context, next->old_lines, next->old_len);
  forms_after(hunks, i + 1, context, forms);
  context_push_back(&made, next->new_lines, next->new_len);
  forms_after(hunks, i + 1, made, forms);
}

static size_t add_pattern(Search *search, const Context *before, const Line *lines, size_t len,
                          const Context *after, size_t around)
{
  size_t b = min_size(before->len, around), a = min_size(after->len, around);
  Line *all = NEW_N(search->arena, Line, b + len + a);
  if (b) memcpy(all, before->lines + (before->len - b), b * sizeof(Line));
  if (len) memcpy(all + b, lines, len * sizeof(Line));
  if (a) memcpy(all + b + len, after->lines, a * sizeof(Line));
  return finder_add_lines(&search->finder, all, b + len + a);
}

static Form add_form_patterns(Search *search, const Hunk *hunk, const Context *before,
                              const Context *after)
{
  size_t full = HUNK_CONTEXT;
  return (Form){
      .before_len = before->len,
      .after_len = after->len,
      .old_full = add_pattern(search, before, hunk->old_lines, hunk->old_len, after, full),
      .new_full = add_pattern(search, before, hunk->new_lines, hunk->new_len, after, full),
      .core = add_pattern(search, before, hunk->old_lines, hunk->old_len, after, 1),
  };
}

static void add_patterns(Search *search, const HunkList *hunks, size_t i, bool neighbours)
{
  const Hunk *hunk = &hunks->items[i];
  const HunkList alone = {(Hunk *)hunk, 1, 1};
  Patterns *patterns = &search->patterns[i];
  ContextForms before = {.len = 0}, after = {.len = 0};
  forms_before(neighbours ? hunks : &alone, neighbours ? i : 0, (Context){.len = 0}, &before);
  forms_after(neighbours ? hunks : &alone, neighbours ? i : 0, (Context){.len = 0}, &after);
  patterns->forms = NEW_N(search->arena, Form, before.len * after.len);
  for (size_t b = 0; b < before.len; b++) {
    for (size_t a = 0; a < after.len; a++) {
      patterns->forms[patterns->len++] =
          add_form_patterns(search, hunk, &before.items[b], &after.items[a]);
    }
  }
}

static Search search_new(Arena *arena, const Text *present, const HunkList *hunks, bool neighbours)
{
  Search search = {.arena = arena, .present = present};
  finder_init(&search.finder, arena, present);
  search.finder.bom = false;  // a mark at the start is part of a hunk's lines, as of the text's
  search.patterns = NEW_N(arena, Patterns, hunks->len);
  for (size_t i = 0; i < hunks->len; i++) add_patterns(&search, hunks, i, neighbours);
  return search;
}

// One candidate: index of the change's first line, and whether the change is already there.
typedef struct {
  size_t at;
  bool done;
  // Nothing but context on one side was looked for, and it is not at that edge of the text.
  bool loose;
} Candidate;

typedef struct {
  Candidate *items;
  size_t len, cap;
} CandidateList;

// Inserts in order of place, each place once for "not yet" and once for "done".
static void add_candidate(Arena *arena, CandidateList *list, Candidate one)
{
  size_t at = list->len;
  while (at > 0 && list->items[at - 1].at > one.at) at--;
  for (size_t i = at; i > 0 && list->items[i - 1].at == one.at; i--) {
    if (list->items[i - 1].done != one.done) continue;
    list->items[i - 1].loose &= one.loose;
    return;
  }
  PUSH(arena, list, one);
  memmove(list->items + at + 1, list->items + at, (list->len - 1 - at) * sizeof(one));
  list->items[at] = one;
}

static void add_candidates(Search *search, size_t needle, size_t before, bool done,
                           CandidateList *list)
{
  PlaceList places = {0};
  finder_places(&search->finder, needle, KEY_EXACT, &places);
  for (size_t i = 0; i < places.len; i++) {
    add_candidate(search->arena, list, (Candidate){places.items[i] + before, done, false});
  }
}

// [len]: lines looked for between the contexts.
static void add_full(Search *search, const Form *form, size_t needle, size_t len, bool done,
                     CandidateList *list)
{
  PlaceList places = {0};
  finder_places(&search->finder, needle, KEY_EXACT, &places);
  for (size_t i = 0; i < places.len; i++) {
    size_t at = places.items[i] + form->before_len;
    bool bare_start = len == 0 && form->before_len == 0,
         bare_end = len == 0 && form->after_len == 0;
    bool loose = (bare_start && at > 0) || (bare_end && at < search->present->len);
    add_candidate(search->arena, list, (Candidate){at, done, loose});
  }
}

// At the start or the end of a text, lines that are gone or to come leave only the context of one side: that matches
// wherever its lines stand. What is at the edge, or was found by lines of its own, is meant then.
static void drop_loose(CandidateList *list)
{
  size_t firm = 0;
  for (size_t i = 0; i < list->len; i++) firm += !list->items[i].loose;
  if (!firm || firm == list->len) return;
  size_t kept = 0;
  for (size_t i = 0; i < list->len; i++) {
    if (!list->items[i].loose) list->items[kept++] = list->items[i];
  }
  list->len = kept;
}

static CandidateList find_full(Search *search, const Hunk *hunk, size_t number)
{
  const Patterns *patterns = &search->patterns[number];
  CandidateList list = {0};
  for (size_t i = 0; i < patterns->len; i++) {
    const Form *form = &patterns->forms[i];
    add_full(search, form, form->old_full, hunk->old_len, false, &list);
    add_full(search, form, form->new_full, hunk->new_len, true, &list);
  }
  drop_loose(&list);
  return list;
}

void hunks_count_twins(const Text *old_text, HunkList *hunks)
{
  Arena scratch;
  arena_init(&scratch);
  Search search = search_new(&scratch, old_text, hunks, false);
  for (size_t i = 0; i < hunks->len; i++) {
    Hunk *hunk = &hunks->items[i];
    CandidateList list = find_full(&search, hunk, i);
    hunk->nth = hunk->twins = 0;
    if (list.len >= FINDER_MAX_PLACES || search.finder.exhausted) continue;
    for (size_t k = 0; k < list.len; k++) {
      if (list.items[k].at == hunk->old_start - 1 && !list.items[k].done) hunk->nth = k + 1;
    }
    hunk->twins = hunk->nth ? list.len : 0;
  }
  arena_deinit(&scratch);
}

static Place place_at(const Hunk *hunk, Candidate one)
{
  bool here = one.at == hunk->old_start - 1;
  return (Place){one.done ? PLACE_DONE : here ? PLACE_HERE : PLACE_MOVED, one.at + 1};
}

static Place stale(const CandidateList *list)
{
  return (Place){PLACE_STALE, list->len ? list->items[0].at + 1 : 0};
}

// Without a count of twins the old line number decides, and only between equals.
static Place place_unknown(const Hunk *hunk, const CandidateList *list)
{
  if (list->len == 1) return place_at(hunk, list->items[0]);
  for (size_t i = 0; i < list->len; i++) {
    if (list->items[i].at == hunk->old_start - 1 && !list->items[i].done) {
      return (Place){PLACE_HERE, hunk->old_start};
    }
  }
  return stale(list);
}

static bool same_line(const Text *text, size_t at, const Line *line)
{
  return at < text->len && str_eq(text->items[at].text, line->text);
}

// Whether 60 % of the hunk's old lines and context stand around index [at] of the present text.
static bool mostly_there(const Search *search, const Hunk *hunk, size_t at)
{
  size_t total = hunk->before_len + hunk->old_len + hunk->after_len, same = hunk->old_len;
  for (size_t i = 0; i < hunk->before_len; i++) {
    size_t back = hunk->before_len - i;
    same += back <= at && same_line(search->present, at - back, &hunk->before[i]);
  }
  for (size_t i = 0; i < hunk->after_len; i++) {
    same += same_line(search->present, at + hunk->old_len + i, &hunk->after[i]);
  }
  return same * 10 >= total * 6;
}

// Where the change's own old lines stand with one neighbour on each side.
static CandidateList find_cores(Search *search, size_t number)
{
  const Patterns *patterns = &search->patterns[number];
  CandidateList all = {0};
  for (size_t i = 0; i < patterns->len; i++) {
    const Form *form = &patterns->forms[i];
    add_candidates(search, form->core, min_size(form->before_len, 1), false, &all);
  }
  return all;
}

// The context was edited: the change's own lines and their neighbours must still be in one place only.
static Place place_relaxed(Search *search, const Hunk *hunk, size_t number)
{
  CandidateList all = find_cores(search, number), good = {0};
  for (size_t i = 0; i < all.len; i++) {
    if (mostly_there(search, hunk, all.items[i].at))
      add_candidate(search->arena, &good, all.items[i]);
  }
  return good.len == 1 && hunk->twins <= 1 ? place_at(hunk, good.items[0]) : stale(&all);
}

static CandidateList within(Arena *arena, const CandidateList *list, Span span)
{
  CandidateList out = {0};
  for (size_t i = 0; i < list->len; i++) {
    size_t at = list->items[i].at;
    if (at >= span.from && at <= span.to) PUSH(arena, &out, list->items[i]);
  }
  return out;
}

static size_t cores_within(Search *search, size_t number, Span span)
{
  CandidateList all = find_cores(search, number);
  return within(search->arena, &all, span).len;
}

// One of several that look alike, by the lines around them that do not.
static Place place_twin(Search *search, const Hunk *hunk, size_t number, const CandidateList *list)
{
  Span place = {hunk->old_start - 1, hunk->old_start - 1 + hunk->old_len}, base, present;
  if (!anchors_span(&search->anchors, place, &base, &present)) return stale(list);
  CandidateList all = find_full(search->base, hunk, number);
  if (search->base->finder.exhausted || all.len >= FINDER_MAX_PLACES) return stale(list);
  CandidateList was = within(search->arena, &all, base), is = within(search->arena, list, present);
  // A copy with all of its context must not win over the hunk's own place that lost some.
  if (cores_within(search, number, present) > cores_within(search->base, number, base)) {
    return stale(list);
  }
  for (size_t i = 0; i < was.len && was.len == is.len; i++) {
    if (was.items[i].at != place.from || was.items[i].done) continue;
    size_t at = is.items[i].at, end = at + (is.items[i].done ? hunk->new_len : hunk->old_len);
    if (anchors_agree(&search->anchors, place, (Span){at, end})) return place_at(hunk, is.items[i]);
  }
  return stale(list);
}

static Place place_one(Search *search, const Hunk *hunk, size_t number)
{
  if (hunk->before_len + hunk->old_len + hunk->after_len == 0) {  // of an empty text
    bool empty = search->present->len == 0;
    return (Place){empty ? PLACE_HERE : PLACE_STALE, 1};
  }
  CandidateList list = find_full(search, hunk, number);
  if (search->finder.exhausted) return stale(&list);
  if (list.len == 0) return place_relaxed(search, hunk, number);
  if (hunk->twins == 0) return place_unknown(hunk, &list);
  if (hunk->twins > 1 && search->base) return place_twin(search, hunk, number, &list);
  if (hunk->twins == list.len) return place_at(hunk, list.items[hunk->nth - 1]);
  return stale(&list);
}

// The line end that new lines get at index [at]: that of the line before, else of the line there.
static Str eol_at(const Text *present, size_t at)
{
  if (at > 0 && present->items[at - 1].eol.len) return present->items[at - 1].eol;
  if (at < present->len && present->items[at].eol.len) return present->items[at].eol;
  return S("\n");
}

// Whether the present lines at the change still end as the hunk's old text did. Where they do not (the
// file was converted), new lines take the file's line end.
static bool same_eols(const Text *present, const Hunk *hunk, size_t at)
{
  for (size_t i = 0; i < hunk->old_len; i++) {
    if (!str_eq(present->items[at + i].eol, hunk->old_lines[i].eol)) return false;
  }
  const Line *before = hunk->before_len ? &hunk->before[hunk->before_len - 1] : NULL;
  return hunk->old_len || !before || at == 0 || str_eq(present->items[at - 1].eol, before->eol);
}

static LineEdit edit_new(Arena *arena, const Text *present, const Hunk *hunk, size_t number,
                         size_t at)
{
  LineEdit edit = {.start = at + 1, .old_len = hunk->old_len, .len = hunk->new_len, .hunk = number};
  edit.lines = NEW_N(arena, Line, hunk->new_len);
  bool keep = same_eols(present, hunk, at), last = at + hunk->old_len == present->len;
  for (size_t i = 0; i < hunk->new_len; i++) {
    Line line = hunk->new_lines[i];
    bool ends_file = last && i + 1 == hunk->new_len;
    bool own = line.eol.len ? !keep : !ends_file;
    if (own) line.eol = eol_at(present, at);
    edit.lines[i] = line;
  }
  return edit;
}

void carry_push(Arena *arena, const Text *present, const Hunk *hunk, size_t number, Carried *out)
{
  Place *place = &out->places[number];
  if (place->kind != PLACE_HERE && place->kind != PLACE_MOVED) return;
  LineEditList *edits = &out->edits;
  const LineEdit *last = edits->len ? &edits->items[edits->len - 1] : NULL;
  const Hunk *before = last ? hunk - (number - last->hunk) : NULL;
  // Two parts of one hunk may add lines in one place, one after the other; two hunks may not.
  bool parts = before && before->old_start == hunk->old_start;
  bool both_add = last && hunk->old_len == 0 && last->old_len == 0 && !parts;
  if (last && place->start < last->start + last->old_len + both_add) {
    place->kind =
        PLACE_STALE;  // places out of order or overlapping: not these hunks' text any more
    return;
  }
  LineEdit edit = edit_new(arena, present, hunk, number, place->start - 1);
  PUSH(arena, edits, edit);
}

// What tells twins apart; most lists of hunks have none.
static void search_base(Search *search, Str base, const HunkList *hunks)
{
  bool twins = false;
  for (size_t i = 0; i < hunks->len && !twins; i++) twins = hunks->items[i].twins > 1;
  if (!twins) return;
  Text *text = NEW(search->arena, Text);
  *text = text_split(search->arena, base);
  search->base = NEW(search->arena, Search);
  *search->base = search_new(search->arena, text, hunks, false);
  search->anchors = anchors_new(search->arena, text, search->present);
}

Carried hunks_carry(Arena *arena, Str base, Str present, const HunkList *hunks)
{
  Text text = text_split(arena, present);
  Search search = search_new(arena, &text, hunks, true);
  search_base(&search, base, hunks);
  Carried out = {.places = NEW_N(arena, Place, hunks->len)};
  for (size_t i = 0; i < hunks->len; i++) {
    out.places[i] = place_one(&search, &hunks->items[i], i);
    carry_push(arena, &text, &hunks->items[i], i, &out);
  }
  return out;
}

Str edits_apply(Arena *arena, Str present, const LineEditList *edits)
{
  Text text = text_split(arena, present);
  HunkList hunks = {0};
  for (size_t i = 0; i < edits->len; i++) {
    const LineEdit *edit = &edits->items[i];
    Hunk hunk = {.old_start = edit->start,
                 .old_len = edit->old_len,
                 .new_lines = edit->lines,
                 .new_len = edit->len};
    PUSH(arena, &hunks, hunk);
  }
  return text_apply(arena, &text, &hunks);
}
