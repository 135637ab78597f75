// t_mechanical.c: substitute and move as tasks.
#include "tap.h"

#include "work/mechanical.h"

static Arena arena;
static ShownList files;

static void have(const char *path, Str text, bool exists)
{
  PUSH(&arena, &files, ((ShownFile){str_from(path), text, exists}));
}

static TaskSpec begin(Executor executor)
{
  arena_init(&arena);
  files = (ShownList){0};
  return (TaskSpec){.id = S("T01"), .executor = executor};
}

static void writes(TaskSpec *task, const char *path, size_t first, size_t last)
{
  PUSH(&arena, &task->files, ((FileRef){.path = str_from(path), .range = {first, last}}));
}

TEST(substitute_in_ranges_and_files)
{
  TaskSpec task = begin(EXECUTOR_SUBSTITUTE);
  task.pattern = S("a");
  task.replace = S("aa");
  have("x", S("a\na\na\na\n"), true);
  have("y", S("b\n"), true);
  have("z", S("a"), true);
  writes(&task, "x", 1, 1);
  writes(&task, "x", 3, 4);
  writes(&task, "y", 0, 0);
  writes(&task, "z", 0, 0);
  writes(&task, "z", 1, 1);
  Mechanical out;
  CHECK(mechanical_do(&arena, &task, &files, &out, NULL));
  CHECK_INT(out.files.len, 2);
  CHECK_STR(out.files.items[0].new_text, S("aa\na\naa\naa\n"));
  CHECK_STR(out.files.items[1].new_text, S("aa"));
  arena_deinit(&arena);
}

TEST(substitute_needs_the_file)
{
  TaskSpec task = begin(EXECUTOR_SUBSTITUTE);
  task.pattern = S("a");
  writes(&task, "gone", 0, 0);
  Mechanical out;
  Error err = {0};
  CHECK(!mechanical_do(&arena, &task, &files, &out, &err));
  CHECK_INT(err.code, ERR_NOT_FOUND);
  arena_deinit(&arena);
}

TEST(move_to_a_new_file)
{
  TaskSpec task = begin(EXECUTOR_MOVE);
  have("a", S("1\n2\n3\n4\n"), true);
  have("b", STR_NONE, false);
  task.from = (FileRef){.path = S("a"), .range = {2, 3}};
  task.to = S("b");
  Mechanical out;
  CHECK(mechanical_do(&arena, &task, &files, &out, NULL));
  CHECK_INT(out.files.len, 2);
  CHECK_STR(out.files.items[0].new_text, S("1\n4\n"));
  CHECK_INT(out.files.items[1].change, FILE_NEW);
  CHECK_STR(out.files.items[1].new_text, S("2\n3\n"));
  arena_deinit(&arena);
}

TEST(move_within_a_file)
{
  TaskSpec task = begin(EXECUTOR_MOVE);
  have("a", S("1\n2\n3\n4\n"), true);
  task.from = (FileRef){.path = S("a"), .range = {1, 2}};
  task.to = S("a");
  task.to_line = 4;
  Mechanical out;
  CHECK(mechanical_do(&arena, &task, &files, &out, NULL));
  CHECK_INT(out.files.len, 1);
  CHECK_STR(out.files.items[0].new_text, S("3\n1\n2\n4\n"));
  arena_deinit(&arena);
}

TEST_MAIN
