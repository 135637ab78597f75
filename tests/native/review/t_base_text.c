// t_base_text.c: bases in the journal, and results folded over them in the order they ended.
#include "work_fixture.h"

#include "review/base_text.h"

static const char abc[] = "a\nb\nc\nd\ne\n";

static CombinedList combine(Fixture *fx, const StrList *tasks)
{
  CombinedList list = {0};
  Error err = {0};
  if (!base_combine(fx->engine, fx->plan, &fx->arena, tasks, &list, &err)) {
    printf("# %s\n", err.message);
  }
  return list;
}

TEST(a_base_is_taken_once_and_buffers_win)
{
  Fixture fx;
  ShownFile file;
  Error err = {0};
  fx_init(&fx, false);
  fx_write(&fx, "a.txt", S("on disk\n"));
  fx_open(&fx);
  project_overlay_set(fx.project, S("a.txt"), S("in the buffer\n"));
  CHECK(base_take(fx.engine, fx.project, fx.plan, S("a.txt"), &err));
  project_overlay_clear(fx.project);
  CHECK(base_take(fx.engine, fx.project, fx.plan, S("a.txt"), &err));
  CHECK(base_get(fx.engine, fx.plan, &fx.arena, S("a.txt"), &file, &err));
  CHECK_STR(file.text, S("in the buffer\n"));
  CHECK(base_retake(fx.engine, fx.project, fx.plan, S("a.txt"), &err));
  CHECK(base_get(fx.engine, fx.plan, &fx.arena, S("a.txt"), &file, &err));
  CHECK_STR(file.text, S("on disk\n"));
  CHECK(base_take(fx.engine, fx.project, fx.plan, S("none.txt"), &err));
  CHECK(base_get(fx.engine, fx.plan, &fx.arena, S("none.txt"), &file, &err) && !file.exists);
  CHECK(!base_get(fx.engine, fx.plan, &fx.arena, S("never.txt"), &file, &err));
  CHECK_INT(err.code, ERR_NOT_FOUND);
  fx_deinit(&fx);
}

TEST(what_is_no_text_is_no_base)
{
  Fixture fx;
  Error err = {0};
  fx_init(&fx, false);
  fx_write(&fx, "bin", S("\xff\xfe\0x"));
  fx_open(&fx);
  CHECK(!base_take(fx.engine, fx.project, fx.plan, S("bin"), &err));
  CHECK_INT(err.code, ERR_NOT_TEXT);
  fx_deinit(&fx);
}

TEST(results_fold_in_the_order_they_ended)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_open(&fx);
  // T10 was made on T9's result; by name alone it would come first
  fx_task(&fx, "T9", "a.txt", abc, "a\nB\nc\nd\ne\n");
  fx_task(&fx, "T10", "a.txt", "a\nB\nc\nd\ne\n", "a\nBB\nc\nd\nE\n");
  CombinedList list = combine(&fx, NULL);
  CHECK_INT(list.len, 1);
  CHECK(!list.items[0].conflict);
  CHECK_STR(list.items[0].base, str_from(abc));
  CHECK_STR(list.items[0].text, S("a\nBB\nc\nd\nE\n"));
  fx_deinit(&fx);
}

TEST(some_tasks_only_and_files_made_or_gone)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", abc, "A\nb\nc\nd\ne\n");
  fx_task(&fx, "T02", "a.txt", abc, "a\nb\nc\nd\nE\n");
  fx_task(&fx, "T03", "new.txt", NULL, "x\n");
  fx_task(&fx, "T04", "old.txt", "y\n", NULL);
  Str ids[] = {S("T02"), S("T99")};
  CombinedList list = combine(&fx, &(StrList){ids, 2, 2});
  CHECK_INT(list.len, 1);
  CHECK_STR(list.items[0].text, S("a\nb\nc\nd\nE\n"));
  list = combine(&fx, NULL);
  CHECK_INT(list.len, 3);
  CHECK(!list.items[1].existed && list.items[1].exists);
  CHECK(list.items[2].existed && !list.items[2].exists);
  ShownFile file;
  CHECK(base_with(fx.engine, fx.plan, &fx.arena, S("old.txt"), &list, &file, NULL) && !file.exists);
  CHECK(base_with(fx.engine, fx.plan, &fx.arena, S("new.txt"), &list, &file, NULL) && file.exists);
  fx_deinit(&fx);
}

TEST(tasks_without_a_good_end_do_not_count)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", abc, "A\nb\nc\nd\ne\n");
  TaskRow failed = {.plan = fx.plan, .id = S("T01"), .state = TASK_FAILED};
  CHECK(journal_task_put(fx.engine->journal, &failed, NULL));
  CHECK_INT(combine(&fx, NULL).len, 0);
  fx_deinit(&fx);
}

TEST_MAIN
