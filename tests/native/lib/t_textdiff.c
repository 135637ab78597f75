// t_textdiff.c: libgit2's diff and merge of buffers.
#include "tap.h"

#include "lib/textdiff.h"

static Arena arena;

static TextChangeList changes(const char *a, const char *b)
{
  TextChangeList out = {0};
  textdiff_lines(&arena, str_from(a), str_from(b), &out);
  return out;
}

TEST(equal_texts_have_no_changes)
{
  CHECK_INT(changes("", "").len, 0);
  CHECK_INT(changes("a\nb", "a\nb").len, 0);
}

TEST(changes_count_lines_from_zero)
{
  TextChangeList c = changes("a\nb\nc\nd\ne\n", "a\nB\nc\nd\n");
  CHECK_INT(c.len, 2);
  CHECK_INT(c.items[0].old_at, 1);
  CHECK_INT(c.items[0].new_len, 1);
  CHECK_INT(c.items[1].old_at, 4);
  CHECK_INT(c.items[1].old_len, 1);
  CHECK_INT(c.items[1].new_at, 4);
  CHECK_INT(c.items[1].new_len, 0);
}

static void check_change(const TextChange *c, size_t old_at, size_t old_len, size_t new_at,
                         size_t new_len)
{
  CHECK_INT(c->old_at, old_at);
  CHECK_INT(c->old_len, old_len);
  CHECK_INT(c->new_at, new_at);
  CHECK_INT(c->new_len, new_len);
}

#define BLOCK(n) "int f" n "(void)\n{\n  return value;\n}\n\n"

TEST(what_goes_or_comes_is_a_block)
{
  static const char less[] = BLOCK("1") BLOCK("4"),
                    more[] = BLOCK("1") BLOCK("2") BLOCK("3") BLOCK("4");
  TextChangeList gone = changes(more, less), come = changes(less, more);
  CHECK(gone.len == 1 && come.len == 1);
  check_change(gone.items, 5, 10, 5, 0);
  check_change(come.items, 5, 0, 5, 10);
  // where it is not the only change, and where the text ends with it
  TextChangeList two =
      changes(BLOCK("1") BLOCK("4") "end\n", "begin\n" BLOCK("1") BLOCK("2") BLOCK("4") BLOCK("5"));
  CHECK_INT(two.len, 3);
  check_change(&two.items[0], 0, 0, 0, 1);
  check_change(&two.items[1], 5, 0, 6, 5);
  check_change(&two.items[2], 10, 1, 16, 5);
  TextChangeList last = changes("\n" BLOCK("1"), "\n" BLOCK("1") BLOCK("2"));
  CHECK_INT(last.len, 1);
  check_change(last.items, 6, 0, 6, 5);
}

// Blocks that begin alike: the change could as well begin a line further down.
#define TOLD(n) "/* what it is for */\n" BLOCK(n)

TEST(a_block_begins_with_its_comment)
{
  TextChangeList come = changes(TOLD("1") TOLD("4"), TOLD("1") TOLD("2") TOLD("4"));
  TextChangeList gone = changes(TOLD("1") TOLD("2") TOLD("4"), TOLD("1") TOLD("4"));
  CHECK(gone.len == 1 && come.len == 1);
  check_change(come.items, 6, 0, 6, 6);
  check_change(gone.items, 6, 6, 6, 0);
}

TEST(a_missing_newline_is_a_change)
{
  TextChangeList c = changes("a\nb", "a\nb\n");
  CHECK_INT(c.len, 1);
  CHECK_INT(c.items[0].old_at, 1);
  CHECK_INT(c.items[0].old_len, 1);
}

TEST(nul_bytes_are_only_bytes)
{
  TextChangeList out = {0};
  textdiff_lines(&arena, S("a\0b\nc\n1\n2\n"), S("a\0b\nd\n1\n3\n"), &out);
  CHECK_INT(out.len, 2);
}

static TextMerge merge(const char *base, const char *ours, const char *theirs)
{
  TextMerge out;
  Error err = {0};
  CHECK(textdiff_merge(&arena, str_from(base), str_from(ours), str_from(theirs), &out, &err));
  return out;
}

TEST(disjoint_changes_both_count)
{
  TextMerge m = merge("a\nb\nc\nd\ne\n", "A\nb\nc\nd\ne\n", "a\nb\nc\nd\nE\n");
  CHECK_INT(m.conflicts, 0);
  CHECK_STR(m.text, S("A\nb\nc\nd\nE\n"));
}

TEST(equal_changes_count_once)
{
  TextMerge m = merge("a\nb\nc\n", "a\nX\nc\n", "a\nX\nc\n");
  CHECK_INT(m.conflicts, 0);
  CHECK_STR(m.text, S("a\nX\nc\n"));
}

TEST(ours_stays_in_a_conflict)
{
  TextMerge m = merge("a\nb\nc\nd\ne\nf\ng\n", "a\nX\nc\nd\ne\nf\ng\n", "a\nY\nc\nd\ne\nf\nG\n");
  CHECK_INT(m.conflicts, 1);
  CHECK_STR(m.text, S("a\nX\nc\nd\ne\nf\nG\n"));
}

TEST_MAIN
