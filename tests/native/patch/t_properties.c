// t_properties.c: what must hold for any texts: apply then revert is the identity, independent hunks may be
// done in any order, a merge of disjoint edits equals both, and blocks cut from a text find their way back.
#include "tap.h"

#include "base/buf.h"
#include "help.h"
#include "patch/merge.h"

enum { ROUNDS = 300 };

static uint64_t state = 88172645463325252u;

static size_t below(size_t n)
{
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (size_t)(state % n);
}

static Str line_text(Arena *arena, size_t kinds)
{
  static const char *const ends[] = {"", " ", "\t", ";", " {", "}"};
  return str_fmt(arena, "%*sword%zu%s", (int)(2 * below(4)), "", below(kinds), ends[below(6)]);
}

// A text of up to [max] lines drawn from few kinds, so that twins are common; sometimes CRLF, sometimes open.
static StrList random_lines(Arena *arena, size_t max, size_t kinds)
{
  StrList lines = {0};
  size_t len = 1 + below(max);
  for (size_t i = 0; i < len; i++) PUSH(arena, &lines, line_text(arena, kinds));
  return lines;
}

static Str join(Arena *arena, const StrList *lines, bool open)
{
  Str text = str_join(arena, lines, S("\n"));
  return open ? text : str_cat(arena, text, S("\n"));
}

static StrList mutated(Arena *arena, const StrList *lines, size_t changes, size_t kinds)
{
  StrList out = {0};
  for (size_t i = 0; i < lines->len; i++) {
    bool hit = below(lines->len) < changes;
    if (hit && below(3) == 0) continue;
    PUSH(arena, &out, hit && below(2) ? line_text(arena, kinds) : lines->items[i]);
    if (hit && below(2)) PUSH(arena, &out, line_text(arena, kinds));
  }
  if (out.len == 0) PUSH(arena, &out, S("left"));
  return out;
}

TEST(apply_then_revert)
{
  for (int round = 0; round < ROUNDS; round++) {
    Arena arena;
    arena_init(&arena);
    StrList lines = random_lines(&arena, 60, 5 + below(40)), more = mutated(&arena, &lines, 8, 20);
    Str a = join(&arena, &lines, below(4) == 0), b = join(&arena, &more, below(4) == 0);
    HunkList hunks = hunks_diff(&arena, a, b);
    CHECK_STR(hunks_apply(&arena, a, &hunks), b);
    HunkList back = hunks_invert(&arena, b, &hunks);
    CHECK_STR(hunks_apply(&arena, b, &back), a);
    Carried carried = hunks_carry(&arena, a, a, &hunks);
    if (carried.edits.len == hunks.len) CHECK_STR(edits_apply(&arena, a, &carried.edits), b);
    arena_deinit(&arena);
  }
}

// Hunks done one by one in a random order, each found again in the text as it is by then.
TEST(order_of_independent_hunks)
{
  size_t applied = 0, stale = 0;
  for (int round = 0; round < ROUNDS; round++) {
    Arena arena;
    arena_init(&arena);
    StrList lines = random_lines(&arena, 80, 500), more = mutated(&arena, &lines, 5, 500);
    Str a = join(&arena, &lines, false), b = join(&arena, &more, false), text = a;
    HunkList hunks = hunks_diff(&arena, a, b);
    bool *done = NEW_N(&arena, bool, hunks.len);
    size_t lost = 0;
    for (size_t left = hunks.len; left > 0; left--) {
      size_t pick = below(hunks.len);
      while (done[pick]) pick = (pick + 1) % hunks.len;
      done[pick] = true;
      Carried carried = hunks_carry(&arena, a, text, &hunks);
      LineEditList one = {0};
      for (size_t i = 0; i < carried.edits.len; i++) {
        if (carried.edits.items[i].hunk == pick) PUSH(&arena, &one, carried.edits.items[i]);
      }
      lost += one.len == 0;
      text = edits_apply(&arena, text, &one);
    }
    if (lost == 0) CHECK_STR(text, b);
    applied += hunks.len - lost;
    stale += lost;
    arena_deinit(&arena);
  }
  CHECK(stale * 20 < applied);  // most are found; those that are not are refused, never misplaced
}

TEST(a_merge_of_disjoint_edits_equals_both)
{
  for (int round = 0; round < ROUNDS; round++) {
    Arena arena;
    arena_init(&arena);
    StrList lines = random_lines(&arena, 40, 400), ours = {0}, theirs = {0}, both = {0};
    size_t half = lines.len / 2;
    for (size_t i = 0; i < lines.len; i++) {
      bool mine = i < half && i + 2 < half && below(4) == 0, yours = i > half + 2 && below(4) == 0;
      Str changed = str_fmt(&arena, "changed %zu", below(1000000));
      PUSH(&arena, &ours, mine ? changed : lines.items[i]);
      PUSH(&arena, &theirs, yours ? changed : lines.items[i]);
      PUSH(&arena, &both, mine || yours ? changed : lines.items[i]);
    }
    bool open = below(4) == 0;
    Merged merged;
    Error err = {0};
    CHECK(merge3(&arena, join(&arena, &lines, open), join(&arena, &ours, open),
                 join(&arena, &theirs, open), &merged, &err));
    CHECK(merged.clean);
    CHECK_STR(merged.text, join(&arena, &both, open));
    arena_deinit(&arena);
  }
}

// A block with the text's own lines is either applied where it was cut, or refused as ambiguous.
TEST(blocks_find_their_way_back)
{
  size_t right = 0;
  for (int round = 0; round < ROUNDS; round++) {
    Try *t = try_new();
    StrList lines = random_lines(&t->arena, 60, 5 + below(100));
    size_t from = below(lines.len), len = 1 + below(8);
    if (from + len > lines.len) len = lines.len - from;
    StrList search = {lines.items + from, len, len}, after = {0};
    for (size_t i = 0; i < lines.len; i++)
      PUSH(&t->arena, &after, i == from ? S("the new line") : lines.items[i]);
    StrList replace = {after.items + from, len, len};
    Str want = join(&t->arena, &after, false);
    Str got = patched(t, join(&t->arena, &lines, false), join(&t->arena, &search, false),
                      join(&t->arena, &replace, false));
    if (str_eq(got, want))
      right++;
    else
      CHECK_STR(got, S("!ambiguous"));
    try_free(t);
  }
  CHECK(right * 2 > ROUNDS);
}

TEST_MAIN
