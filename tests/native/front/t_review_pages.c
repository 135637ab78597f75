// t_review_pages.c: a review in pages, and what differs from one to the next, as an editor puts them together.
#include "front/review_pages.h"
#include "tap.h"

enum { MOST = 4000 };

// What an editor has: the lines, and how many of them each section takes.
typedef struct {
  Arena arena;
  Str lines[MOST * 4];
  size_t len;
  Str names[MOST];  // of a hunk or file
  size_t counts[MOST], sections;
  int64_t version;
  size_t pages, bytes;
} Editor;

static void replace_lines(Str *items, size_t *len, size_t at, size_t drop, const Str *put, size_t n)
{
  for (size_t i = at; i + drop < *len; i++) items[i] = items[i + drop];
  *len -= drop;
  for (size_t i = *len; i > at; i--) items[i + n - 1] = items[i - 1];
  for (size_t i = 0; i < n; i++) items[at + i] = put[i];
  *len += n;
}

static size_t word_number(Str *rest)
{
  Str word;
  uint64_t n = 0;
  CHECK(str_cut(rest, ' ', &word) && str_to_u64(word, &n));
  return (size_t)n;
}

// One step of a page: [index], [paths] and [text] are what is left of the page's.
static void do_step(Editor *e, const Value *step, Str *index, const Value **path, Str *text)
{
  size_t n[6], line = 0;
  for (size_t i = 0; i < 6; i++) n[i] = (size_t)value_to_int(value_at(step, i), 0);
  size_t at = n[0] - 1;
  for (size_t i = 0; i < at; i++) line += e->counts[i];
  Str put[MOST];
  for (size_t i = 0; i < n[5]; i++) CHECK(str_line(text, &put[i]));
  replace_lines(e->lines, &e->len, line + n[3], n[4], put, n[5]);
  for (size_t i = at; i + n[1] < e->sections; i++) {
    e->names[i] = e->names[i + n[1]];
    e->counts[i] = e->counts[i + n[1]];
  }
  e->sections -= n[1];
  for (size_t i = e->sections; i > at; i--) {
    e->names[i + n[2] - 1] = e->names[i - 1];
    e->counts[i + n[2] - 1] = e->counts[i - 1];
  }
  e->sections += n[2];
  for (size_t i = at; i < at + n[2]; i++) {
    Str row, kind;
    CHECK(str_line(index, &row) && str_cut(&row, ' ', &kind));
    e->counts[i] = word_number(&row);
    word_number(&row);
    word_number(&row);
    CHECK(str_cut(&row, ' ', &e->names[i]));
    if (!str_eq(kind, S("file"))) continue;
    e->names[i] = value_to_str(*path, STR_NONE);
    if (*path) *path = (*path)->next;
  }
}

static void take(Editor *e, const Value *page)
{
  Str index = value_get_str(page, S("index"), STR_NONE);
  Str text = value_get_str(page, S("text"), STR_NONE);
  const Value *path = value_first(value_get(page, S("paths")));
  if (value_get_bool(page, S("reset"), false)) e->len = e->sections = 0;
  for (VALUE_EACH (step, value_get(page, S("steps")))) do_step(e, step, &index, &path, &text);
  CHECK_INT(index.len + text.len, 0);
  CHECK(path == NULL);
  e->version = value_get_int(page, S("version"), 0);
  e->pages++;
  e->bytes += value_get_str(page, S("text"), STR_NONE).len;
}

// All pages there are, as an editor asks for them.
static void load(Editor *e, ReviewPages *pages, const View *view)
{
  e->pages = e->bytes = 0;
  const Value *page = review_pages_first(pages, &e->arena, 1, e->version, view);
  take(e, page);
  while (value_get_bool(page, S("more"), false)) {
    page = review_pages_next(pages, &e->arena, 1, e->version);
    CHECK(page != NULL);
    if (!page) return;
    take(e, page);
  }
  CHECK(review_pages_next(pages, &e->arena, 1, e->version) == NULL);
}

static void check_same(const Editor *e, const View *view)
{
  Str rest = view->text, line;
  size_t n = 0, total = 0;
  bool same = true;
  for (; str_line(&rest, &line); n++) same = same && n < e->len && str_eq(e->lines[n], line);
  CHECK_INT(e->len, n);
  CHECK(same);
  for (size_t i = 0; i < e->sections; i++) total += e->counts[i];
  CHECK_INT(total, n);
}

// --- reviews to send -------------------------------------------------------------------------------

typedef struct {
  const char *path;  // of a file's head; NULL: a hunk
  unsigned id;
  const char *state;
  size_t lines;
  unsigned salt;  // of the text
} Piece;

static void put_line(Arena *arena, View *view, Buf *text, const LineMeaning *meaning, Str line)
{
  buf_add(text, line);
  buf_add_char(text, '\n');
  if (view->len == view->cap)
    view->index = arena_grow(arena, view->index, view->len, &view->cap, sizeof(*view->index));
  view->index[view->len++] = *meaning;
}

static View view_of(Arena *arena, const Piece *pieces, size_t n)
{
  View view = {0};
  Buf text;
  buf_init(&text, SIZE_MAX);
  LineMeaning meaning = {.kind = S("head"), .plan = 1};
  put_line(arena, &view, &text, &meaning, S("piecework://review/1"));
  Str path = S("a");
  for (size_t i = 0; i < n; i++) {
    const Piece *piece = &pieces[i];
    if (piece->path) path = str_from(piece->path);
    Str id = piece->path ? STR_NONE : str_fmt(arena, "%016x", piece->id);
    for (size_t k = 0; k < piece->lines; k++) {
      meaning = (LineMeaning){.path = path, .hunk = id, .task = S("T01"), .line = piece->id};
      meaning.kind = k ? S("note") : piece->path ? S("file") : S("hunk");
      if (!k && !piece->path) meaning.state = str_from(piece->state);
      const char *mark = k ? "" : piece->state;
      put_line(arena, &view, &text, &meaning,
               str_fmt(arena, "%s %u %zu of %u %s", piece->path ? "diff" : "", piece->id, k % 3,
                       piece->salt, mark));
    }
  }
  view.text = buf_take(&text, arena);
  buf_deinit(&text);
  return view;
}

static Editor *editor_new(void)
{
  Editor *e = mem_alloc(sizeof(Editor));
  arena_init(&e->arena);
  return e;
}

static void editor_free(Editor *e)
{
  arena_deinit(&e->arena);
  mem_free(e);
}

TEST(pages_make_the_whole)
{
  static Piece pieces[2000];
  Editor *e = editor_new();
  ReviewPages *pages = review_pages_new();
  for (unsigned i = 0; i < 2000; i++) {
    pieces[i] = (Piece){.id = i, .state = i % 3 ? "" : "accepted", .lines = 5, .salt = i};
    if (i % 100 == 0) pieces[i].path = str_fmt(&e->arena, "f%u", i).ptr;
  }
  View view = view_of(&e->arena, pieces, 2000);
  load(e, pages, &view);
  check_same(e, &view);
  CHECK(e->pages >= 4);
  CHECK_INT(e->sections, 2001);
  CHECK_STR(e->names[1], S("f0"));
  CHECK_STR(e->names[3], S("0000000000000002"));

  // A decision: its mark, and nothing else.
  pieces[500].state = "rejected";
  view = view_of(&e->arena, pieces, 2000);
  load(e, pages, &view);
  check_same(e, &view);
  CHECK(e->pages == 1 && e->bytes < 100);

  // Nothing new is nothing sent.
  load(e, pages, &view);
  CHECK(e->pages == 1 && e->bytes == 0);
  check_same(e, &view);

  // All marks at once come in pages too.
  for (size_t i = 0; i < 2000; i++) pieces[i].state = "applied";
  view = view_of(&e->arena, pieces, 2000);
  load(e, pages, &view);
  check_same(e, &view);
  CHECK(e->pages >= 4);
  review_pages_free(pages);
  editor_free(e);
}

static Str index_of(ReviewPages *pages, Editor *e, const View *view)
{
  const Value *page = review_pages_first(pages, &e->arena, 1, e->version, view);
  e->version = value_get_int(page, S("version"), 0);
  return value_get_str(page, S("index"), STR_NONE);
}

TEST(moves_are_in_the_index)
{
  Piece pieces[] = {{.path = "f", .id = 1, .state = "", .lines = 1},
                    {.id = 1, .state = "", .lines = 9}};
  Editor *e = editor_new();
  ReviewPages *pages = review_pages_new();
  View view = view_of(&e->arena, pieces, 2);
  view.index[3].moved = 2;  // the hunk's line 1, as its head is 0
  view.index[6].moved = 4;
  CHECK_STR(index_of(pages, e, &view), S("head 1 0 0 - - -\nfile 1 1 1 - - T01\n"
                                         "hunk 9 1 1 0000000000000001 - T01 1+2,4+4\n"));
  // the same text, another meaning
  view.index[6].moved = 0;
  CHECK_STR(index_of(pages, e, &view), S("hunk 9 1 1 0000000000000001 - T01 1+2\n"));
  view.index[2].state = S("stale");
  CHECK_STR(index_of(pages, e, &view), S("hunk 9 1 1 0000000000000001 stale T01 1+2\n"));
  view.index[2].line = 7;
  CHECK_STR(index_of(pages, e, &view), S("hunk 9 1 7 0000000000000001 stale T01 1+2\n"));
  view.index[2].task = S("T02");
  CHECK_STR(index_of(pages, e, &view), S("hunk 9 1 7 0000000000000001 stale T02 1+2\n"));
  CHECK_STR(index_of(pages, e, &view), STR_NONE);
  review_pages_free(pages);
  editor_free(e);
}

// One hunk for many: it goes with the first of their pages, and once.
TEST(one_for_many)
{
  static Piece pieces[1502];
  Editor *e = editor_new();
  ReviewPages *pages = review_pages_new();
  pieces[0] = (Piece){.path = "f", .id = 1, .state = "", .lines = 1};
  for (unsigned i = 1; i < 1502; i++) pieces[i] = (Piece){.id = i, .state = "", .lines = 3};
  const Piece few[] = {pieces[0], {.id = 5000, .state = "", .lines = 4}, pieces[1501]};
  View view = view_of(&e->arena, few, 3), many = view_of(&e->arena, pieces, 1502);
  load(e, pages, &view);
  load(e, pages, &many);
  check_same(e, &many);
  CHECK(e->pages >= 3);
  load(e, pages, &view);
  check_same(e, &view);
  const Value *page = review_pages_first(pages, &e->arena, 1, e->version, &many);
  CHECK(value_get_bool(page, S("more"), false) && !value_get_bool(page, S("reset"), true));
  int64_t half = value_get_int(page, S("version"), 0);
  CHECK(review_pages_next(pages, &e->arena, 1, half - 1) == NULL);
  page = review_pages_first(pages, &e->arena, 1, half, &many);  // who has not taken all has nothing
  CHECK(value_get_bool(page, S("reset"), false));
  review_pages_free(pages);
  editor_free(e);
}

TEST(four_plans_are_kept)
{
  Piece piece = {.id = 1, .state = "", .lines = 3};
  Editor *e = editor_new();
  ReviewPages *pages = review_pages_new();
  View view = view_of(&e->arena, &piece, 1);
  load(e, pages, &view);
  for (int64_t plan = 2; plan < 5; plan++) review_pages_first(pages, &e->arena, plan, 0, &view);
  const Value *page = review_pages_first(pages, &e->arena, 1, e->version, &view);
  CHECK(!value_get_bool(page, S("reset"), true));
  review_pages_free(pages);
  editor_free(e);
}

TEST(a_version_that_is_not_kept)
{
  Piece piece = {.id = 1, .state = "", .lines = 3};
  Editor *e = editor_new();
  ReviewPages *pages = review_pages_new();
  View view = view_of(&e->arena, &piece, 1);
  load(e, pages, &view);
  int64_t first = e->version;
  CHECK(review_pages_next(pages, &e->arena, 2, first) == NULL);
  for (int64_t plan = 2; plan < 9; plan++) review_pages_first(pages, &e->arena, plan, 0, &view);
  const Value *page = review_pages_first(pages, &e->arena, 1, first, &view);
  CHECK(value_get_bool(page, S("reset"), false));
  take(e, page);
  check_same(e, &view);
  CHECK(e->version != first);
  review_pages_free(pages);
  editor_free(e);
}

static unsigned seed = 7;
static unsigned below(unsigned n)
{
  seed = seed * 1664525 + 1013904223;
  return (seed >> 8) % n;
}

// Whatever a review becomes, what is sent makes the editor's text into it.
TEST(any_change)
{
  static const char *const states[] = {"", "accepted", "rejected", "stale"};
  static const char *const files[] = {"a", "b", "c"};
  Editor *e = editor_new();
  ReviewPages *pages = review_pages_new();
  for (int round = 0; round < 300; round++) {
    Piece pieces[40];
    size_t n = 0;
    bool used[30] = {0};
    // Mostly in one order; now and then from the end, which makes files and hunks change places.
    bool turned = below(10) == 0;
    for (unsigned k = 0; k < 30; k++) {
      unsigned id = turned ? 29 - k : k;
      if (id % 10 == 0) {
        pieces[n] = (Piece){.path = files[id / 10], .id = id, .state = "", .lines = 1 + below(2)};
        n++;
      } else if (below(4) && !used[id]) {
        pieces[n] = (Piece){.id = id, .state = states[below(4)], .lines = 1 + below(6)};
        pieces[n].salt = below(2);
        n++;
      }
      used[id] = true;
    }
    View view = view_of(&e->arena, pieces, n);
    load(e, pages, &view);
    check_same(e, &view);
  }
  review_pages_free(pages);
  editor_free(e);
}

TEST_MAIN
