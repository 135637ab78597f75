// t_schedule.c: the order of tasks: after, overlapping lines, pilots, skips.
#include "tap.h"

#include "plan/schedule.h"

static Arena arena;
static TaskList tasks;

static TaskSpec *add(const char *id, const char *after)
{
  TaskSpec spec = {.id = str_from(id)};
  for (Str rest = str_from(after), piece; str_cut(&rest, ',', &piece);) {
    if (piece.len) PUSH(&arena, &spec.after, piece);
  }
  PUSH(&arena, &tasks, spec);
  return &tasks.items[tasks.len - 1];
}

static void writes(TaskSpec *task, const char *path, size_t first, size_t last)
{
  PUSH(&arena, &task->files, ((FileRef){.path = str_from(path), .range = {first, last}}));
}

static void reads(TaskSpec *task, const char *path, size_t first, size_t last)
{
  PUSH(&arena, &task->read, ((FileRef){.path = str_from(path), .range = {first, last}}));
}

static void begin(void)
{
  arena_init(&arena);
  tasks = (TaskList){0};
}

// Ids of all tasks that may start now, joined by blanks; they stay taken.
static Str take(Schedule *s)
{
  StrList ids = {0};
  for (size_t t; schedule_next(s, &t);) PUSH(&arena, &ids, tasks.items[t].id);
  return str_join(&arena, &ids, S(" "));
}

static void end(Schedule *s, const char *id, bool ok)
{
  schedule_end(s, schedule_find(s, str_from(id)), ok);
}

TEST(after_and_free_tasks)
{
  begin();
  add("T01", "");
  add("T02", "T01");
  add("T03", "");
  Schedule s;
  Error err = {0};
  CHECK(schedule_init(&s, &arena, &tasks, false, &err));
  CHECK_STR(take(&s), S("T01 T03"));
  end(&s, "T01", true);
  CHECK_STR(take(&s), S("T02"));
  StrList ids = {0};
  schedule_before(&s, 1, NULL, &arena, &ids);
  CHECK_STR(str_join(&arena, &ids, S(" ")), S("T01"));
  end(&s, "T02", true);
  CHECK(!schedule_over(&s));
  end(&s, "T03", false);
  CHECK(schedule_over(&s));
  arena_deinit(&arena);
}

TEST(circles_and_unknown_tasks_are_named)
{
  begin();
  add("T01", "T02");
  add("T02", "T01");
  Schedule s;
  Error err = {0};
  CHECK(!schedule_init(&s, &arena, &tasks, false, &err));
  CHECK_INT(err.code, ERR_INVALID);
  CHECK(str_has(str_from(err.message), S("T01")));
  tasks.len = 1;
  error_clear(&err);
  CHECK(!schedule_init(&s, &arena, &tasks, false, &err));
  CHECK(str_has(str_from(err.message), S("T02")));
  arena_deinit(&arena);
}

TEST(overlapping_writes_wait_disjoint_ones_do_not)
{
  begin();
  writes(add("T01", ""), "a.c", 1, 10);
  writes(add("T02", ""), "a.c", 11, 20);
  writes(add("T03", ""), "a.c", 20, 30);
  writes(add("T04", ""), "a.c", 0, 0);
  writes(add("T05", ""), "a.c", 5, 6);
  writes(add("T06", ""), "b.c", 0, 0);
  Schedule s;
  CHECK(schedule_init(&s, &arena, &tasks, false, NULL));
  CHECK_STR(take(&s), S("T01 T02 T06"));
  end(&s, "T02", false);  // order only: T03 goes on
  CHECK_STR(take(&s), S("T03"));
  end(&s, "T01", true);
  end(&s, "T03", true);
  CHECK_STR(take(&s), S("T04"));
  end(&s, "T04", true);
  CHECK_STR(take(&s), S("T05"));
  arena_deinit(&arena);
}

TEST(readers_wait_for_writers_before_them_only)
{
  begin();
  reads(add("T01", ""), "a.h", 0, 0);
  writes(add("T02", ""), "a.h", 0, 0);
  reads(add("T03", ""), "a.h", 3, 4);
  TaskSpec *each = add("T04.1", "");
  writes(each, "c.c", 1, 5);
  reads(each, "c.c", 0, 0);
  each = add("T04.2", "");
  writes(each, "c.c", 8, 9);
  reads(each, "c.c", 0, 0);
  Schedule s;
  CHECK(schedule_init(&s, &arena, &tasks, false, NULL));
  CHECK_STR(take(&s), S("T01 T02 T04.1 T04.2"));
  end(&s, "T02", true);
  CHECK_STR(take(&s), S("T03"));
  arena_deinit(&arena);
}

TEST(file_order_never_fights_after)
{
  begin();
  writes(add("T01", "T02"), "a.c", 0, 0);
  writes(add("T02", ""), "a.c", 0, 0);
  Schedule s;
  CHECK(schedule_init(&s, &arena, &tasks, false, NULL));
  CHECK_STR(take(&s), S("T02"));
  end(&s, "T02", true);
  CHECK_STR(take(&s), S("T01"));
  arena_deinit(&arena);
}

TEST(moves_write_both_ends)
{
  begin();
  TaskSpec *move = add("T01", "");
  move->executor = EXECUTOR_MOVE;
  move->from = (FileRef){.path = S("a.py"), .range = {1, 10}};
  move->to = S("b.py");
  move = add("T02", "");
  move->executor = EXECUTOR_MOVE;
  move->from = (FileRef){.path = S("a.py"), .range = {11, 20}};
  move->to = S("c.py");
  writes(add("T03", ""), "b.py", 0, 0);
  Schedule s;
  CHECK(schedule_init(&s, &arena, &tasks, true, NULL));
  CHECK_STR(take(&s), S("T01 T02"));
  end(&s, "T01", true);
  CHECK_STR(take(&s), S("T03"));
  arena_deinit(&arena);
}

TEST(a_bad_end_skips_what_needs_it)
{
  begin();
  add("T01", "");
  add("T02", "T01");
  add("T03", "T02");
  Schedule s;
  CHECK(schedule_init(&s, &arena, &tasks, false, NULL));
  CHECK_STR(take(&s), S("T01"));
  end(&s, "T01", false);
  size_t task, cause;
  CHECK(schedule_skipped(&s, &task, &cause));
  CHECK_INT(task, 1);
  CHECK_INT(cause, 0);
  CHECK(schedule_skipped(&s, &task, &cause));
  CHECK_INT(task, 2);
  CHECK_INT(cause, 0);
  CHECK(!schedule_skipped(&s, &task, &cause));
  CHECK(schedule_over(&s));
  arena_deinit(&arena);
}

TEST(after_an_each_task_means_all_its_targets)
{
  begin();
  add("T01.1", "");
  add("T01.2", "");
  add("T02", "T01");
  Schedule s;
  CHECK(schedule_init(&s, &arena, &tasks, false, NULL));
  CHECK_STR(take(&s), S("T01.1 T01.2"));
  end(&s, "T01.1", true);
  CHECK_STR(take(&s), S(""));
  end(&s, "T01.2", true);
  CHECK_STR(take(&s), S("T02"));
  arena_deinit(&arena);
}

TEST(the_pilot_runs_alone)
{
  begin();
  add("T01", "");
  add("T02", "");
  add("T03", "")->pilot = true;
  add("T04", "")->executor = EXECUTOR_SUBSTITUTE;
  Schedule s;
  CHECK(schedule_init(&s, &arena, &tasks, true, NULL));
  CHECK_STR(take(&s), S("T03 T04"));
  end(&s, "T04", true);
  CHECK_STR(take(&s), S(""));
  end(&s, "T03", true);
  CHECK_STR(take(&s), S("T01 T02"));
  arena_deinit(&arena);
}

TEST(what_the_pilot_needs_comes_first)
{
  begin();
  add("T01", "");
  add("T02", "");
  add("T03", "T02")->pilot = true;
  Schedule s;
  CHECK(schedule_init(&s, &arena, &tasks, true, NULL));
  CHECK_STR(take(&s), S("T02"));
  end(&s, "T02", true);
  CHECK_STR(take(&s), S("T03"));
  end(&s, "T03", true);
  CHECK_STR(take(&s), S("T01"));
  arena_deinit(&arena);
}

TEST(two_bad_pilots_stop_the_run)
{
  begin();
  add("T01", "");
  add("T02", "");
  add("T03", "");
  Schedule s;
  CHECK(schedule_init(&s, &arena, &tasks, true, NULL));
  CHECK_STR(take(&s), S("T01"));
  end(&s, "T01", false);
  CHECK(!schedule_pilot_failed(&s));
  CHECK_STR(take(&s), S("T02"));
  end(&s, "T02", false);
  CHECK(schedule_pilot_failed(&s));
  CHECK_STR(take(&s), S(""));
  arena_deinit(&arena);
}

TEST(earlier_runs_count)
{
  begin();
  for (int i = 0; i < 5; i++) add("T01\0T02\0T03\0T04\0T05" + i * 4, i == 4 ? "T02" : "");
  Schedule s;
  CHECK(schedule_init(&s, &arena, &tasks, true, NULL));
  schedule_preset(&s, (NodeState[]){NODE_OK, NODE_BAD, NODE_WAITING, NODE_WAITING, NODE_WAITING});
  CHECK_STR(take(&s), S("T03 T04"));
  size_t task, cause;
  CHECK(schedule_skipped(&s, &task, &cause) && task == 4 && cause == 1);
  arena_deinit(&arena);
}

TEST(a_task_given_back_waits_again)
{
  begin();
  add("T01", "");
  Schedule s;
  CHECK(schedule_init(&s, &arena, &tasks, false, NULL));
  CHECK_STR(take(&s), S("T01"));
  schedule_return(&s, 0);
  CHECK_STR(take(&s), S("T01"));
  arena_deinit(&arena);
}

TEST(two_thousand_tasks)
{
  begin();
  for (int i = 0; i < 2000; i++) {
    TaskSpec *task = add(str_fmt(&arena, "T%04d", i).ptr, "");
    writes(task, "big.c", (size_t)i * 10 + 1, (size_t)i * 10 + 9);
    reads(task, "big.h", 0, 0);
  }
  for (int i = 0; i < 2000; i++) writes(add(str_fmt(&arena, "U%04d", i).ptr, ""), "whole.c", 0, 0);
  Schedule s;
  CHECK(schedule_init(&s, &arena, &tasks, false, NULL));
  int taken = 0, ended = 0;
  for (size_t t; schedule_next(&s, &t); taken++) ended += t < 2000 ? 0 : 1;
  CHECK_INT(taken, 2001);
  CHECK_INT(ended, 1);
  arena_deinit(&arena);
}

TEST_MAIN
