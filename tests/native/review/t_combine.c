// t_combine.c: several tasks' changes as one text, with owners.
#include "tap.h"

#include "review/combine.h"

static Arena arena;
static CombinedList list;

static CombinedFile *start(Str path, Str text, bool exists)
{
  arena_init(&arena);
  list = (CombinedList){0};
  return combine_start(&arena, &list, &(ShownFile){.path = path, .text = text, .exists = exists});
}

static void edit(CombinedFile *file, const char *task, Str shown, Str made)
{
  Change change = {.task = str_from(task), .path = file->path, .shown = shown, .made = made};
  CHECK(combine_change(&arena, file, &change, NULL));
}

// Owners of lines and gaps: "|0 1 0|" with a gap's owner before its line as "^n" when there is one.
static Str owners(const CombinedFile *file)
{
  Buf buf;
  buf_init(&buf, 4096);
  size_t lines = str_count_lines(file->text);
  for (size_t i = 0; i < lines; i++) {
    if (file->gap_owner[i]) buf_fmt(&buf, "^%d ", file->gap_owner[i]);
    buf_fmt(&buf, "%d ", file->line_owner[i]);
  }
  if (file->gap_owner[lines]) buf_fmt(&buf, "^%d ", file->gap_owner[lines]);
  return str_trim(buf_take(&buf, &arena));
}

static const Str five = {"a\nb\nc\nd\ne\n", 10};

TEST(edits_in_different_places)
{
  CombinedFile *file = start(S("f"), five, true);
  edit(file, "T01", five, S("A\nb\nc\nd\ne\n"));
  edit(file, "T02", five, S("a\nb\nc\nd\nE\nF\n"));
  CHECK_STR(file->text, S("A\nb\nc\nd\nE\nF\n"));
  CHECK_STR(owners(file), S("^1 1 0 0 0 ^2 2 2"));
  CHECK(!file->conflict);
  CHECK_INT(file->tasks.len, 2);
  arena_deinit(&arena);
}

TEST(neighbours_are_no_conflict)
{
  CombinedFile *file = start(S("f"), five, true);
  edit(file, "T01", five, S("a\nB\nc\nd\ne\n"));
  edit(file, "T02", five, S("a\nb\nC\nd\ne\n"));
  CHECK_STR(file->text, S("a\nB\nC\nd\ne\n"));
  CHECK(!file->conflict);
  arena_deinit(&arena);
}

TEST(neighbouring_moves_away)
{
  CombinedFile *file = start(S("f"), five, true);
  edit(file, "T01", five, S("c\nd\ne\n"));
  edit(file, "T02", five, S("a\nb\ne\n"));
  CHECK_STR(file->text, S("e\n"));
  CHECK(!file->conflict);
  CHECK_STR(owners(file), S("^2 0"));
  arena_deinit(&arena);
}

TEST(same_lines_conflict_and_stay)
{
  CombinedFile *file = start(S("f"), five, true);
  edit(file, "T01", five, S("a\nB\nc\nd\ne\n"));
  edit(file, "T02", five, S("a\nX\nc\nd\ne\n"));
  CHECK_STR(file->text, S("a\nB\nc\nd\ne\n"));
  CHECK(file->conflict);
  CHECK_STR(file->conflict_task, S("T02"));
  arena_deinit(&arena);
}

TEST(both_at_the_end_conflict)
{
  CombinedFile *file = start(S("f"), five, true);
  edit(file, "T01", five, S("a\nb\nc\nd\ne\nf\n"));
  edit(file, "T02", five, S("a\nb\nc\nd\ne\ng\n"));
  CHECK(file->conflict);
  CHECK_STR(file->text, S("a\nb\nc\nd\ne\nf\n"));
  arena_deinit(&arena);
}

TEST(equal_edits_count_once)
{
  CombinedFile *file = start(S("f"), five, true);
  edit(file, "T01", five, S("a\nB\nc\nd\ne\n"));
  edit(file, "T02", five, S("a\nB\nc\nd\nE\n"));
  CHECK_STR(file->text, S("a\nB\nc\nd\nE\n"));
  CHECK(!file->conflict);
  arena_deinit(&arena);
}

TEST(a_result_made_on_another)
{
  CombinedFile *file = start(S("f"), five, true);
  Str one = S("a\nB\nc\nd\ne\n"), two = S("a\nB\nC\nd\ne\n");
  edit(file, "T01", five, one);
  edit(file, "T02", one, two);
  CHECK_STR(file->text, two);
  CHECK_STR(owners(file), S("0 ^1 1 ^2 2 0 0"));
  arena_deinit(&arena);
}

TEST(new_files)
{
  CombinedFile *file = start(S("n"), STR_NONE, false);
  Change change = {.task = S("T01"), .path = S("n"), .change = FILE_NEW, .made = S("x\ny\n")};
  CHECK(combine_change(&arena, file, &change, NULL));
  CHECK(file->exists && !file->existed);
  CHECK_STR(owners(file), S("1 1"));
  change.task = S("T02");
  CHECK(combine_change(&arena, file, &change, NULL));
  CHECK(!file->conflict);
  change.made = S("z\n");
  CHECK(combine_change(&arena, file, &change, NULL));
  CHECK(file->conflict);
  CHECK_STR(file->text, S("x\ny\n"));
  arena_deinit(&arena);
}

TEST(deleted_and_renamed_files)
{
  CombinedFile *file = start(S("f"), five, true);
  Change change = {.task = S("T01"),
                   .path = S("g"),
                   .change = FILE_RENAME,
                   .renamed_from = S("f"),
                   .shown = five,
                   .made = S("a\nb\nc\nd\nE\n")};
  CHECK(combine_change(&arena, file, &change, NULL));
  CHECK_STR(file->path, S("g"));
  CHECK_STR(file->renamed_from, S("f"));
  CHECK(combine_find(&list, S("f")) == file);
  edit(file, "T02", five, S("A\nb\nc\nd\ne\n"));
  CHECK_STR(file->text, S("A\nb\nc\nd\nE\n"));
  change = (Change){.task = S("T03"), .path = S("g"), .change = FILE_DELETE, .shown = five};
  CHECK(combine_change(&arena, file, &change, NULL));
  CHECK(file->conflict && file->exists);
  arena_deinit(&arena);
}

TEST(a_last_line_without_an_end)
{
  CombinedFile *file = start(S("f"), S("a\nb\nc"), true);
  edit(file, "T01", S("a\nb\nc"), S("A\nb\nc"));
  edit(file, "T02", S("a\nb\nc"), S("a\nb\nc\nd\n"));
  CHECK_STR(file->text, S("A\nb\nc\nd\n"));
  arena_deinit(&arena);
}

static Str range(Str from, Str to, size_t first, size_t last)
{
  Range out;
  if (!combine_range(&arena, from, to, (Range){first, last}, &out)) return S("gone");
  return str_fmt(&arena, "%zu-%zu", out.first, out.last);
}

TEST(ranges_move_with_their_lines)
{
  arena_init(&arena);
  CHECK_STR(range(five, S("x\ny\na\nb\nc\nd\ne\n"), 2, 3), S("4-5"));
  CHECK_STR(range(five, S("b\nc\nd\ne\n"), 2, 3), S("1-2"));
  CHECK_STR(range(five, S("a\nb\nx\nc\nd\ne\n"), 2, 3), S("2-4"));
  CHECK_STR(range(five, S("a\nd\ne\n"), 2, 3), S("gone"));
  CHECK_STR(range(five, S("a\nX\ne\n"), 2, 3), S("2-2"));
  CHECK_STR(range(five, S("X\nY\nd\ne\n"), 2, 3), S("1-2"));
  CHECK_STR(range(five, S("a\nb\nc\nx\nd\ne\n"), 2, 3), S("2-3"));
  CHECK_STR(range(five, S("c\nd\ne\n"), 2, 5), S("1-3"));
  CHECK_STR(range(five, S("a\n"), 0, 0), S("0-0"));
  arena_deinit(&arena);
}

TEST_MAIN
