// t_moves.c: lines taken out here and put in there.
#include "tap.h"

#include "patch/moves.h"

static Arena arena;

static const char function[] =
    "int compute_total(int first)\n{\n  int second = other_value(first);\n  return first + "
    "second;\n}\n";

static Str around(const char *before, const char *after)
{
  return str_fmt(&arena, "%s%s%s", before, function, after);
}

TEST(a_function_moves_to_another_file)
{
  HunkList files[2] = {hunks_diff(&arena, around("a\n", "b\n"), S("a\nb\n")),
                       hunks_diff(&arena, S("x\ny\n"), around("x\n", "y\n"))};
  MovedList moves = moves_find(&arena, files, 2);
  CHECK_INT(moves.len, 1);
  CHECK_INT(moves.items[0].from_file, 0);
  CHECK_INT(moves.items[0].from_line, 2);
  CHECK_INT(moves.items[0].to_file, 1);
  CHECK_INT(moves.items[0].to_line, 2);
  CHECK_INT(moves.items[0].len, 5);
  CHECK(!moves.items[0].reindented);
}

TEST(small_and_changed_lines_are_no_moves)
{
  HunkList one = hunks_diff(&arena, S("{\n}\nx\na\nb\n"), S("a\nb\n{\n}\nx\n"));
  CHECK_INT(moves_find(&arena, &one, 1).len, 0);
  HunkList other =
      hunks_diff(&arena, around("", ""), S("int compute_total(int first)\n{\n  return 1;\n}\n"));
  CHECK_INT(moves_find(&arena, &other, 1).len, 0);
}

TEST(a_move_may_change_the_indentation)
{
  Str old_text =
      S("a\n  first_statement(of, the_block);\n  second_statement(of, it);\n  third();\nz\n");
  Str new_text =
      S("a\nz\nif (x) {\n    first_statement(of, the_block);\n    second_statement(of, it);\n    "
        "third();\n}\n");
  HunkList hunks = hunks_diff(&arena, old_text, new_text);
  MovedList moves = moves_find(&arena, &hunks, 1);
  CHECK_INT(moves.len, 1);
  CHECK(moves.items[0].reindented);
  CHECK_INT(moves.items[0].len, 3);
}

TEST_MAIN
