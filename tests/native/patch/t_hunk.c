// t_hunk.c: hunks made, applied, inverted, split, named, and found again.
#include "tap.h"

#include "patch/hunk.h"

static Arena arena;

static Str numbered(size_t lines, size_t changed, const char *word)
{
  Str out = STR_NONE;
  for (size_t i = 1; i <= lines; i++) {
    out = str_cat(&arena, out,
                  i == changed ? str_fmt(&arena, "%s\n", word) : str_fmt(&arena, "line %zu\n", i));
  }
  return out;
}

TEST(apply_gives_the_new_text_and_revert_the_old)
{
  static const char *const pairs[][2] = {
      {"a\nb\nc\n", "a\nB\nc\n"},
      {"", "a\n"},
      {"a\n", ""},
      {"a\nb", "a\nb\n"},
      {"a\nb\n", "a\nb"},
      {"a\r\nb\n", "a\nb\n"},
      {"a\nb\nc\nd\n", "d\nc\nb\na\n"},
      {"a\n", "a\na\na\n"},
      {"x", "y"},
  };
  for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
    Str a = str_from(pairs[i][0]), b = str_from(pairs[i][1]);
    HunkList hunks = hunks_diff(&arena, a, b);
    CHECK_STR(hunks_apply(&arena, a, &hunks), b);
    HunkList back = hunks_invert(&arena, b, &hunks);
    CHECK_STR(hunks_apply(&arena, b, &back), a);
  }
}

static Carried carry(Str old_text, Str new_text, Str present)
{
  HunkList hunks = hunks_diff(&arena, old_text, new_text);
  return hunks_carry(&arena, old_text, present, &hunks);
}

TEST(here_moved_done_stale)
{
  Str old_text = numbered(20, 0, ""), new_text = numbered(20, 10, "changed");
  Carried c = carry(old_text, new_text, old_text);
  CHECK_INT(c.places[0].kind, PLACE_HERE);
  CHECK_STR(edits_apply(&arena, old_text, &c.edits), new_text);
  Str header = S("header\nheader\n");
  c = carry(old_text, new_text, str_cat(&arena, header, old_text));
  CHECK_INT(c.places[0].kind, PLACE_MOVED);
  CHECK_INT(c.places[0].start, 12);
  CHECK_STR(edits_apply(&arena, str_cat(&arena, header, old_text), &c.edits),
            str_cat(&arena, header, new_text));
  c = carry(old_text, new_text, new_text);
  CHECK_INT(c.places[0].kind, PLACE_DONE);
  CHECK_INT(c.edits.len, 0);
  c = carry(old_text, new_text, numbered(20, 10, "other"));
  CHECK_INT(c.places[0].kind, PLACE_STALE);
  c = carry(old_text, new_text, numbered(20, 11, "neighbour"));
  CHECK_INT(c.places[0].kind, PLACE_STALE);
  c = carry(old_text, new_text, numbered(20, 12, "near"));
  CHECK_INT(c.places[0].kind, PLACE_HERE);
}

// Hunks are cut from whole texts: the mark at the start of a file is in the lines of those near it.
TEST(a_byte_order_mark_is_part_of_the_first_line)
{
  Str old_text =
      S("\xef\xbb\xbf"
        "1\n2\n3\n4\n5\n6\n");
  static const char *const made[] = {
      "\xef\xbb\xbfone\n2\n3\n4\n5\n6\n",
      "\xef\xbb\xbf"
      "1\n2\nthree\n4\n5\n6\n",
      "\xef\xbb\xbf"
      "0\n1\n2\n3\n4\n5\n6\n",
  };
  for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++) {
    Str new_text = str_from(made[i]);
    Carried c = carry(old_text, new_text, old_text);
    CHECK_INT(c.places[0].kind, PLACE_HERE);
    CHECK_STR(edits_apply(&arena, old_text, &c.edits), new_text);
    CHECK_INT(carry(old_text, new_text, new_text).places[0].kind, PLACE_DONE);
  }
}

// Two equal blocks; the change is in the second. A line above makes the first stand where the second was.
TEST(a_twin_is_not_the_hunk)
{
  Str block = S("{\n  a\n  b\n  c\n  d\n}\n"), changed = S("{\n  a\n  b\n  X\n  d\n}\n");
  Str twice = str_cat(&arena, block, block), wanted = str_cat(&arena, block, changed);
  Str present = str_cat(&arena, block, twice);
  Carried c = carry(twice, wanted, twice);
  CHECK_INT(c.places[0].kind, PLACE_HERE);
  c = carry(twice, wanted, present);
  CHECK_INT(c.places[0].kind, PLACE_STALE);
  Str shifted = str_cat(&arena, S("\n\n\n\n\n\n"), twice);
  c = carry(twice, wanted, shifted);
  CHECK_INT(c.places[0].kind, PLACE_MOVED);
  CHECK_INT(c.places[0].start, 16);
  c = carry(twice, wanted, wanted);
  CHECK_INT(c.places[0].kind, PLACE_DONE);
  c = carry(twice, wanted, block);
  CHECK_INT(c.places[0].kind, PLACE_STALE);
}

// Three functions with the same body; the change is in the second. Heads that stand nowhere else say where it is by
// now, and how many bodies there are elsewhere does not matter.
TEST(twins_are_told_apart_by_the_lines_around_them)
{
  const char *body = "  a\n  b\n  c\n  d\n  e\n  f\n  g\n";
  Str f = str_fmt(&arena, "f()\n%s", body), g = str_fmt(&arena, "g()\n%s", body),
      h = str_fmt(&arena, "h()\n%s", body), X = S("g()\n  a\n  b\n  c\n  X\n  e\n  f\n  g\n");
#define THREE(a, b, c) str_fmt(&arena, "%.*s%.*s%.*s", STR_ARG(a), STR_ARG(b), STR_ARG(c))
  Str old_text = THREE(f, g, h), new_text = THREE(f, X, h);
  const struct {
    Str present;
    PlaceKind kind;
    size_t start;
  } rows[] = {
      {old_text, PLACE_HERE, 13},
      {new_text, PLACE_DONE, 13},
      {THREE(g, h, S("")), PLACE_MOVED, 5},           // f is gone
      {THREE(f, THREE(f, g, h), h), PLACE_STALE, 5},  // heads were copied
      {THREE(g, f, h), PLACE_STALE, 5},  // the second before the first: as many, and another
      {THREE(f, h, g), PLACE_STALE, 5},  // before the third
      {THREE(f, S("g()\n  a\n  b\n  c\n  d\n"), THREE(f, S("  e\n  f\n  g\n"), h)), PLACE_STALE,
       5},  // cut by a copy
      // Its own place lost a line of context, a copy below has all.
      {THREE(f, S("g()\n  a\n  b\n  c\n  d\n  e\n  f\n  new\n"), THREE(str_from(body), h, S(""))),
       PLACE_STALE, 5},
      {THREE(f, S("g()\n"), THREE(h, S("i()\n"), str_from(body))), PLACE_STALE,
       5},  // one lost, one come
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
    Carried c = carry(old_text, new_text, rows[i].present);
    CHECK_INT(c.places[0].kind, rows[i].kind);
    CHECK_INT(c.places[0].start, rows[i].start);
  }
}

TEST(neighbouring_hunks_are_carried_one_after_another)
{
  Str a = S("1\n2\n3\n4\n5\n6\n7\n"), b = S("1\nB\n3\nD\n5\nF\n7\n");
  HunkList all = hunks_diff(&arena, a, b);
  CHECK_INT(all.len, 3);
  HunkList first = {all.items, 1, 1};
  Str half = hunks_apply(&arena, a, &first);
  Carried c = hunks_carry(&arena, a, half, &all);
  CHECK_INT(c.places[0].kind, PLACE_DONE);
  CHECK_INT(c.places[1].kind, PLACE_HERE);
  CHECK_INT(c.places[2].kind, PLACE_HERE);
  CHECK_STR(edits_apply(&arena, half, &c.edits), b);
}

static Str lines_of(const char *words)
{
  Str out = STR_NONE, rest = str_from(words), word;
  while (str_cut(&rest, ' ', &word))
    out = str_fmt(&arena, "%.*s%.*s\n", STR_ARG(out), STR_ARG(word));
  return out;
}

static const char seven[] = "7 8 9 10 11 12 13";

// The change's own lines and their neighbours stand, and the rest of the context does not.
TEST(what_is_left_of_the_context_has_to_be_enough)
{
  Str old_text = lines_of(seven), new_text = lines_of("7 8 9 X 11 12 13");
  const struct {
    const char *present;
    PlaceKind kind;
  } rows[] = {
      {"a 7 x 9 10 11 12 13 b", PLACE_MOVED},
      {"a b c 9 10 11 d e f", PLACE_STALE},                              // too little
      {"a 7 x 9 10 11 12 13 b 7 y 9 10 11 12 13 c", PLACE_STALE},        // in two places
      {"a b c 7 8 9 10 11 12 13 d e f 7 8 9 10 11 12 13", PLACE_STALE},  // all of it, twice
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
    Carried c = carry(old_text, new_text, lines_of(rows[i].present));
    CHECK_INT(c.places[0].kind, rows[i].kind);
  }
  HunkList hunks = hunks_diff(&arena, old_text, new_text);
  hunks.items[0].twins = hunks.items[0].nth = 0;  // nobody has counted
  Carried c = hunks_carry(&arena, old_text, lines_of(rows[3].present), &hunks);
  CHECK_INT(c.places[0].kind, PLACE_STALE);
  c = hunks_carry(&arena, old_text, old_text, &hunks);
  CHECK_INT(c.places[0].kind, PLACE_HERE);
  c = hunks_rebase(&arena, old_text, lines_of("a b 9 10 11 c d"), &hunks);
  CHECK_INT(c.places[0].kind, PLACE_STALE);
  c = hunks_rebase(&arena, old_text, lines_of("a 8 9 10 11 12 d"), &hunks);
  CHECK_INT(c.places[0].kind, PLACE_HERE);
}

TEST(one_of_two_twins_is_gone_and_the_other_was_edited)
{
  Str old_text = lines_of("u 7 8 9 10 11 12 13 v 7 8 9 10 11 12 13 w");
  Str new_text = lines_of("u 7 8 9 10 11 12 13 v 7 8 9 X 11 12 13 w");
  Carried c = carry(old_text, new_text, lines_of("u 7 x 9 10 11 12 13 w"));
  CHECK_INT(c.places[0].kind, PLACE_STALE);
}

// The line that tells where the hunk is was copied together with what follows it.
TEST(a_copied_landmark_tells_nothing)
{
  Str old_text = lines_of("u 7 8 9 10 11 12 13 v 7 8 9 10 11 12 13 w");
  Str new_text = lines_of("u 7 8 9 10 11 12 13 v 7 8 9 X 11 12 13 w");
  Carried c = carry(old_text, new_text,
                    lines_of("u 7 8 9 10 11 12 13 v 7 8 9 10 11 12 13 v 7 8 9 10 11 12 13 w"));
  CHECK_INT(c.places[0].kind, PLACE_STALE);
}

TEST(hunks_that_have_changed_their_order_are_not_both_done)
{
  Str front = numbered(20, 0, ""), back = STR_NONE, made = STR_NONE;
  for (int i = 21; i <= 40; i++) {
    back = str_fmt(&arena, "%.*sline %d\n", STR_ARG(back), i);
    made = str_fmt(&arena, "%.*s%s %d\n", STR_ARG(made), i == 30 ? "changed" : "line", i);
  }
  Carried c =
      carry(str_cat(&arena, front, back), str_cat(&arena, numbered(20, 10, "changed"), made),
            str_cat(&arena, back, front));
  CHECK_INT(c.places[0].kind, PLACE_MOVED);
  CHECK_INT(c.places[1].kind, PLACE_STALE);
  CHECK_INT(c.edits.len, 1);
}

TEST(rebase_knows_the_base)
{
  Str block = S("{\n  a\n  b\n  c\n  d\n}\n"), changed = S("{\n  a\n  b\n  X\n  d\n}\n");
  Str twice = str_cat(&arena, block, block), wanted = str_cat(&arena, block, changed);
  HunkList hunks = hunks_diff(&arena, twice, wanted);
  Str present = str_cat(&arena, S("one\ntwo\nthree\nfour\nfive\nsix\n"), twice);
  Carried c = hunks_rebase(&arena, twice, present, &hunks);
  CHECK_INT(c.places[0].kind, PLACE_MOVED);
  CHECK_INT(c.places[0].start, 16);
  c = hunks_rebase(&arena, twice, wanted, &hunks);
  CHECK_INT(c.places[0].kind, PLACE_DONE);
  Str old_text = numbered(20, 0, "");
  hunks = hunks_diff(&arena, old_text, numbered(20, 10, "changed"));
  CHECK_INT(hunks_rebase(&arena, old_text, numbered(20, 10, "other"), &hunks).places[0].kind,
            PLACE_STALE);
  CHECK_INT(hunks_rebase(&arena, old_text, numbered(20, 9, "touch"), &hunks).places[0].kind,
            PLACE_STALE);
  CHECK_INT(hunks_rebase(&arena, old_text, numbered(20, 8, "near"), &hunks).places[0].kind,
            PLACE_HERE);
}

TEST(line_ends_follow_a_file_that_was_converted)
{
  Carried c = carry(S("a\nb\nc\n"), S("a\nB\nc\n"), S("a\r\nb\r\nc\r\n"));
  CHECK_STR(edits_apply(&arena, S("a\r\nb\r\nc\r\n"), &c.edits), S("a\r\nB\r\nc\r\n"));
  CHECK_STR(c.edits.items[0].lines[0].eol, S("\r\n"));
}

// Every cut of one hunk, every subset of its parts done: in the text, and carried when others were done before.
static void cut_everywhere(Str a, Str b)
{
  HunkList hunks = hunks_diff(&arena, a, b);
  CHECK_INT(hunks.len, 1);
  const Hunk *whole = &hunks.items[0];
  HunkCut from, to;
  Text text = text_split(&arena, a);
  for (size_t first = 1; first <= 7; first++) {
    for (size_t last = first; last <= 7; last++) {
      if (!hunk_lines(whole, first, last, &from, &to)) continue;
      HunkList parts = hunk_cut(&arena, whole, (HunkCut[]){from, to}, 2);
      hunks_count_twins(&text, &parts);
      CHECK(parts.len == 2 || parts.len == 3);
      CHECK_STR(hunks_apply(&arena, a, &parts), b);
      for (unsigned set = 0; set < 1u << parts.len; set++) {
        HunkList some = {0};
        for (size_t i = 0; i < parts.len; i++) {
          if (set >> i & 1) PUSH(&arena, &some, parts.items[i]);
        }
        Str now = hunks_apply(&arena, a, &some);
        Carried rest = hunks_carry(&arena, a, now, &parts);
        for (size_t i = 0; i < parts.len; i++) {
          CHECK((set >> i & 1) == (rest.places[i].kind == PLACE_DONE));
          CHECK(rest.places[i].kind != PLACE_STALE);
        }
        CHECK_STR(edits_apply(&arena, now, &rest.edits), b);
      }
    }
  }
  CHECK(!hunk_lines(whole, 0, 1, &from, &to) && !hunk_lines(whole, 3, 8, &from, &to));
  CHECK(!hunk_lines(whole, 1, 7, &from, &to) && !hunk_lines(whole, 5, 4, &from, &to));
}

TEST(parts_of_a_hunk)
{
  cut_everywhere(S("x\ny\nz\n1\n2\n3\nu\nv\nw\n"), S("x\ny\nz\nA\nB\nC\nD\nu\nv\nw\n"));
}

TEST(parts_at_the_ends_of_a_file)
{
  cut_everywhere(S("1\n2\n3\nu\nv\nw\n"), S("A\nB\nC\nD\nu\nv\nw\n"));
  cut_everywhere(S("x\ny\nz\n1\n2\n3\n"), S("x\ny\nz\nA\nB\nC\nD\n"));
  cut_everywhere(S("x\n1\n2\n3\n"), S("x\nA\nB\nC\nD\n"));
  cut_everywhere(S("1\n2\n3\nu\n"), S("A\nB\nC\nD\nu\n"));
}

// As `git add -p` does it: what is not chosen stays as it was.
TEST(a_part_is_what_was_chosen)
{
  Str a = S("0\n1\n2\n3\n4\n"), b = S("0\nA\nB\nC\n4\n");
  HunkList hunks = hunks_diff(&arena, a, b);
  static const struct {
    size_t first, last;
    const char *made;
  } cases[] = {
      {3, 4, "0\n1\n2\nA\n4\n"},          {2, 2, "0\n1\n3\n4\n"},
      {5, 5, "0\n1\n2\n3\nB\n4\n"},       {1, 3, "0\n4\n"},
      {4, 6, "0\n1\n2\n3\nA\nB\nC\n4\n"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    HunkCut cuts[2];
    CHECK(hunk_lines(&hunks.items[0], cases[i].first, cases[i].last, &cuts[0], &cuts[1]));
    HunkList parts = hunk_cut(&arena, &hunks.items[0], cuts, 2), one = {0};
    bool starts = cuts[0].old_at + cuts[0].new_at == 0;
    PUSH(&arena, &one, parts.items[starts ? 0 : 1]);
    CHECK_STR(hunks_apply(&arena, a, &one), str_from(cases[i].made));
  }
}

TEST(ids)
{
  HunkList hunks = hunks_diff(&arena, numbered(9, 0, ""), numbered(9, 5, "x"));
  Str one = hunk_id(&arena, S("a"), &hunks.items[0], 0),
      two = hunk_id(&arena, S("b"), &hunks.items[0], 0);
  CHECK_INT(one.len, 16);
  CHECK(!str_eq(one, two));
  CHECK(!str_eq(one, hunk_id(&arena, S("a"), &hunks.items[0], 1)));
}

TEST_MAIN
