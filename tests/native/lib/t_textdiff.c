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
