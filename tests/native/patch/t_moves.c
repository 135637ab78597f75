// t_moves.c: lines taken out here and put in there.
#include "tap.h"

#include "base/buf.h"
#include "patch/moves.h"

static Arena arena;

static const char function[] =
    "int compute_total(int first)\n{\n  int second = other_value(first);\n  return first + "
    "second;\n}\n";

static Str around(const char *before, const char *after)
{
  return str_fmt(&arena, "%s%s%s", before, function, after);
}

static void check_move(const Move *move, size_t from_file, size_t from_line, size_t to_file,
                       size_t to_line, size_t len)
{
  CHECK(move != NULL);
  if (!move) return;
  CHECK_INT(move->ends[MOVE_FROM].file, from_file);
  CHECK_INT(move->ends[MOVE_FROM].line, from_line);
  CHECK_INT(move->ends[MOVE_TO].file, to_file);
  CHECK_INT(move->ends[MOVE_TO].line, to_line);
  CHECK_INT(move->len, len);
}

TEST(a_function_moves_to_another_file)
{
  HunkList files[2] = {hunks_diff(&arena, around("a\n", "b\n"), S("a\nb\n")),
                       hunks_diff(&arena, S("x\ny\n"), around("x\n", "y\n"))};
  MoveList moves = moves_find(&arena, files, 2);
  CHECK_INT(moves.len, 1);
  check_move(moves.items, 0, 2, 1, 2, 5);
  CHECK(!moves_at(&moves, MOVE_FROM, 1, 3));
}

// What stood apart is not one move, though it stands together now.
TEST(a_move_ends_with_its_hunk)
{
  Str first = S("int compute_total(int first)\n{\n  int second = other_value(first);\n");
  Str second = S("  return first + second_of_all_values;\n}\nint third_of_the_lines = 3;\n");
  Str both = str_cat(&arena, first, second);
  Str old = str_fmt(&arena, "%.*skept\n%.*s", STR_ARG(first), STR_ARG(second));
  HunkList files[2] = {hunks_diff(&arena, old, S("kept\n")), hunks_diff(&arena, S(""), both)};
  MoveList moves = moves_find(&arena, files, 2);
  CHECK_INT(moves.len, 2);
  check_move(moves_at(&moves, MOVE_FROM, 0, 1), 0, 1, 1, 1, 3);
  check_move(moves_at(&moves, MOVE_FROM, 0, 5), 0, 5, 1, 4, 3);
}

TEST(a_line_knows_its_move)
{
  Str other = S("int another_function(void)\n{\n  return one_value() + other_value();\n}\n");
  Str old = str_fmt(&arena, "a\n%.*sb\n%.*sc\n", STR_ARG(around("", "")), STR_ARG(other));
  Str made = str_fmt(&arena, "%.*s%.*s", STR_ARG(other), STR_ARG(around("", "")));
  HunkList files[2] = {hunks_diff(&arena, S(""), made), hunks_diff(&arena, old, S("a\nb\nc\n"))};
  MoveList moves = moves_find(&arena, files, 2);
  CHECK_INT(moves.len, 2);
  check_move(moves_at(&moves, MOVE_FROM, 1, 2), 1, 2, 0, 5, 5);
  check_move(moves_at(&moves, MOVE_FROM, 1, 6), 1, 2, 0, 5, 5);
  check_move(moves_at(&moves, MOVE_FROM, 1, 8), 1, 8, 0, 1, 4);
  check_move(moves_at(&moves, MOVE_TO, 0, 1), 1, 8, 0, 1, 4);
  check_move(moves_at(&moves, MOVE_TO, 0, 9), 1, 2, 0, 5, 5);
  CHECK(!moves_at(&moves, MOVE_FROM, 1, 1) && !moves_at(&moves, MOVE_FROM, 1, 7));
  CHECK(!moves_at(&moves, MOVE_FROM, 0, 2) && !moves_at(&moves, MOVE_TO, 0, 10));
  CHECK(!moves_at(&moves, MOVE_TO, 1, 2));
}

TEST(the_longest_run_is_the_move)
{
  Str more = str_fmt(&arena, "%s%s", function, "static int and_something_behind_it = 1;\n");
  Str made = str_fmt(&arena, "%s\n%.*s", function, STR_ARG(more));
  HunkList files[2] = {hunks_diff(&arena, more, S("")), hunks_diff(&arena, S(""), made)};
  MoveList moves = moves_find(&arena, files, 2);
  CHECK_INT(moves.len, 1);
  check_move(moves.items, 0, 1, 1, 7, 6);
}

TEST(no_line_is_in_two_moves)
{
  HunkList files[3] = {hunks_diff(&arena, around("", ""), S("")),
                       hunks_diff(&arena, around("", ""), S("")),
                       hunks_diff(&arena, S(""), around("", ""))};
  MoveList moves = moves_find(&arena, files, 3);
  CHECK_INT(moves.len, 1);
  check_move(moves.items, 0, 1, 2, 1, 5);
}

TEST(small_and_changed_lines_are_no_moves)
{
  HunkList one = hunks_diff(&arena, S("{\n}\nx\na\nb\n"), S("a\nb\n{\n}\nx\n"));
  CHECK_INT(moves_find(&arena, &one, 1).len, 0);
  HunkList other =
      hunks_diff(&arena, around("", ""), S("int compute_total(int first)\n{\n  return 1;\n}\n"));
  CHECK_INT(moves_find(&arena, &other, 1).len, 0);
  // to the byte: what is indented anew has to be read
  Str in = str_fmt(&arena,
                   "if (x) {\n  int compute_total(int first)\n  {\n    int second = "
                   "other_value(first);\n    return first + second;\n  }\n}\n");
  HunkList indented[2] = {hunks_diff(&arena, around("", ""), S("")), hunks_diff(&arena, S(""), in)};
  CHECK_INT(moves_find(&arena, indented, 2).len, 0);
}

TEST(lines_that_are_everywhere_cost_nothing)
{
  Buf same;
  buf_init(&same, 16 << 20);
  for (int i = 0; i < 20000; i++)
    buf_add(&same, S("a line that is everywhere in the whole file\n"));
  HunkList files[2] = {hunks_diff(&arena, buf_str(&same), S("")),
                       hunks_diff(&arena, S(""), buf_str(&same))};
  CHECK_INT(moves_find(&arena, files, 2).len, 0);
  buf_clear(&same);
  for (int i = 0; i < 20000; i++) buf_fmt(&same, "%*s%*s\n", i % 150, "{", i / 150, "}");
  HunkList signs[2] = {hunks_diff(&arena, buf_str(&same), S("")),
                       hunks_diff(&arena, S(""), buf_str(&same))};
  CHECK_INT(moves_find(&arena, signs, 2).len, 0);
  buf_deinit(&same);
}

TEST_MAIN
