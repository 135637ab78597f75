// t_review.c: hunks, who made them, what was said and decided.
#include "work_fixture.h"

static const char ten[] = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";
static const char ten_2[] = "one\nTWO\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";
static const char ten_9[] = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nNINE\nninehalf\nten\n";

static void two_tasks(Fixture *fx)
{
  fx_init(fx, false);
  fx_write(fx, "a.txt", str_from(ten));
  fx_open(fx);
  fx_task(fx, "T01", "a.txt", ten, ten_2);
  fx_task(fx, "T02", "a.txt", ten, ten_9);
}

TEST(hunks_know_their_tasks)
{
  Fixture fx;
  two_tasks(&fx);
  Review r = fx_review(&fx);
  CHECK_INT(r.files.len, 1);
  CHECK_INT(r.hunks.len, 2);
  if (r.hunks.len == 2) {
    CHECK_STR(r.hunks.items[0].tasks.items[0], S("T01"));
    CHECK_STR(r.hunks.items[1].tasks.items[0], S("T02"));
    CHECK_INT(r.hunks.items[0].line, 2);
    CHECK_INT(r.hunks.items[1].hunk.new_len, 2);
    CHECK(!r.hunks.items[0].stale && !r.hunks.items[0].moved);
    CHECK(!str_eq(r.hunks.items[0].id, r.hunks.items[1].id));
  }
  fx_deinit(&fx);
}

TEST(decisions_by_hunk_task_file_and_all)
{
  Fixture fx;
  two_tasks(&fx);
  Review r = fx_review(&fx);
  CHECK_INT(fx_decide(&fx, r.hunks.items[0].id, DECISION_ACCEPTED), 1);
  CHECK_INT(fx_decide(&fx, r.hunks.items[0].id, DECISION_ACCEPTED), 0);
  CHECK_INT(fx_decide(&fx, S("task:T02"), DECISION_REJECTED), 1);
  r = fx_review(&fx);
  CHECK_INT(r.accepted, 1);
  CHECK_INT(r.rejected, 1);
  CHECK_INT(fx_decide(&fx, S("file:a.txt"), DECISION_NONE), 2);
  CHECK_INT(fx_decide(&fx, S("all"), DECISION_ACCEPTED), 2);
  Error err = {0};
  Str nothing = S("task:T99");
  StrList list = {&nothing, 1, 1};
  CHECK(!review_decide(fx.engine, fx.plan, &list, DECISION_ACCEPTED, NULL, &err));
  CHECK_INT(err.code, ERR_NOT_FOUND);
  fx_deinit(&fx);
}

TEST(accepting_all_leaves_what_was_rejected)
{
  Fixture fx;
  two_tasks(&fx);
  Review r = fx_review(&fx);
  Str rejected = r.hunks.items[1].id;
  fx_decide(&fx, rejected, DECISION_REJECTED);
  CHECK_INT(fx_decide(&fx, S("all"), DECISION_ACCEPTED), 1);
  r = fx_review(&fx);
  CHECK_INT(r.accepted, 1);
  CHECK_INT(r.rejected, 1);
  CHECK_INT(fx_decide(&fx, S("all!"), DECISION_ACCEPTED), 1);
  fx_decide(&fx, rejected, DECISION_REJECTED);
  CHECK_INT(fx_decide(&fx, rejected, DECISION_ACCEPTED), 1);
  fx_decide(&fx, rejected, DECISION_REJECTED);
  CHECK_INT(fx_decide(&fx, S("task:T02"), DECISION_ACCEPTED), 1);
  CHECK_INT(fx_decide(&fx, S("all"), DECISION_REJECTED), 2);
  fx_deinit(&fx);
}

TEST(accepting_what_is_alike_leaves_what_was_rejected)
{
  Fixture fx;
  const char *shown = "a\nb\nc\nx\nd\ne\nf\na\nb\nc\nx\nd\ne\nf\n",
             *made = "a\nb\nc\ny\nd\ne\nf\na\nb\nc\ny\nd\ne\nf\n";
  fx_init(&fx, false);
  fx_write(&fx, "t.txt", str_from(shown));
  fx_open(&fx);
  fx_task(&fx, "T01", "t.txt", shown, made);
  Review r = fx_review(&fx);
  CHECK_INT(r.hunks.items[0].like, 2);
  Str first = str_cat(&fx.arena, S("like:"), r.hunks.items[0].id);
  fx_decide(&fx, r.hunks.items[1].id, DECISION_REJECTED);
  CHECK_INT(fx_decide(&fx, first, DECISION_ACCEPTED), 1);
  CHECK_INT(fx_review(&fx).rejected, 1);
  fx_decide(&fx, S("all"), DECISION_REJECTED);
  CHECK_INT(fx_decide(&fx, first, DECISION_ACCEPTED), 1);  // the one that was named
  fx_deinit(&fx);
}

TEST(what_is_alike_is_the_same_change)
{
  Fixture fx;
  const char *shown = "a\nb\nc\nx\nd\ne\nf\ng\nx\nh\ni\nj\nk\nz\n",
             *made = "a\nb\nc\ny\nd\ne\nf\ng\ny\nh\ni\nj\nk\nzz\n";
  fx_init(&fx, false);
  fx_write(&fx, "t.txt", str_from(shown));
  fx_open(&fx);
  fx_task(&fx, "T01", "t.txt", shown, made);
  Review r = fx_review(&fx);
  CHECK_INT(r.hunks.len, 3);
  Str first = str_cat(&fx.arena, S("like:"), r.hunks.items[0].id);
  CHECK_INT(fx_decide(&fx, first, DECISION_ACCEPTED), 2);
  CHECK_INT(fx_review(&fx).hunks.items[2].decision, DECISION_NONE);
  fx_deinit(&fx);
}

TEST(a_partial_result_is_a_doubt)
{
  Fixture fx;
  two_tasks(&fx);
  TaskRow task = {.plan = fx.plan,
                  .id = S("T01"),
                  .state = TASK_PARTIAL,
                  .executor = S("model"),
                  .title = S("a part")};
  CHECK(journal_task_put(fx.engine->journal, &task, NULL));
  fx_verdict(&fx, "T01", VERDICT_OK, "fine");
  CHECK_INT(fx_review(&fx).hunks.items[0].verdict, VERDICT_DOUBT);
  fx_deinit(&fx);
}

TEST(the_worst_verdict_counts)
{
  Fixture fx;
  two_tasks(&fx);
  fx_verdict(&fx, "T01", VERDICT_OK, "fine");
  fx_verdict(&fx, "T02", VERDICT_DOUBT, "why two lines?");
  Review r = fx_review(&fx);
  CHECK_INT(r.hunks.items[0].verdict, VERDICT_OK);
  CHECK_INT(r.hunks.items[1].verdict, VERDICT_DOUBT);
  CHECK_STR(r.hunks.items[1].reason, S("why two lines?"));
  fx_deinit(&fx);
}

TEST(stale_and_moved_are_seen)
{
  Fixture fx;
  two_tasks(&fx);
  fx_write(&fx, "a.txt",
           S("zero\nhalf\none\ntwo\nthree\nfour\nfive\nsix\nseven\nEIGHT!\nnine!\nten\n"));
  Review r = fx_review(&fx);
  CHECK(r.hunks.items[0].moved && r.hunks.items[0].line == 4);
  CHECK(r.hunks.items[1].stale && r.hunks.items[1].why.len);
  CHECK_INT(fx_stale(r), 1);
  Str all = S("all");
  StrList what = {&all, 1, 1};
  Decided decided = {0};
  CHECK(review_decide(fx.engine, fx.plan, &what, DECISION_ACCEPTED, &decided, NULL));
  CHECK_INT(decided.changed, 2);
  CHECK_INT(decided.stale, 1);
  CHECK_INT(fx_review(&fx).accepted, 1);
  CHECK_INT(unlink(fx_path(&fx, "a.txt")), 0);
  r = fx_review(&fx);
  CHECK_INT(fx_stale(r), 2);
  fx_deinit(&fx);
}

TEST(twins_have_ids_of_their_own)
{
  Fixture fx;
  const char *shown = "a\nb\nc\nx\nd\ne\nf\na\nb\nc\nx\nd\ne\nf\n",
             *made = "a\nb\nc\ny\nd\ne\nf\na\nb\nc\ny\nd\ne\nf\n";
  fx_init(&fx, false);
  fx_write(&fx, "t.txt", str_from(shown));
  fx_open(&fx);
  fx_task(&fx, "T01", "t.txt", shown, made);
  Review r = fx_review(&fx);
  CHECK_INT(r.hunks.len, 2);
  CHECK(!str_eq(r.hunks.items[0].id, r.hunks.items[1].id));
  fx_decide(&fx, r.hunks.items[1].id, DECISION_ACCEPTED);
  r = fx_review(&fx);
  CHECK_INT(r.hunks.items[0].decision, DECISION_NONE);
  CHECK_INT(r.hunks.items[1].decision, DECISION_ACCEPTED);
  fx_deinit(&fx);
}

// What is decided of the second twin stays its own when the first is changed as well.
TEST(a_twin_keeps_its_id_when_another_comes)
{
  Fixture fx;
  const char *shown = "a\nb\nc\nx\nd\ne\nf\na\nb\nc\nx\nd\ne\nf\n";
  fx_init(&fx, false);
  fx_write(&fx, "t.txt", str_from(shown));
  fx_open(&fx);
  fx_task(&fx, "T01", "t.txt", shown, "a\nb\nc\nx\nd\ne\nf\na\nb\nc\ny\nd\ne\nf\n");
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  fx_task(&fx, "T02", "t.txt", shown, "a\nb\nc\ny\nd\ne\nf\na\nb\nc\nx\nd\ne\nf\n");
  Review r = fx_review(&fx);
  CHECK_INT(r.hunks.len, 2);
  CHECK_INT(r.hunks.items[0].decision, DECISION_NONE);
  CHECK_INT(r.hunks.items[1].decision, DECISION_ACCEPTED);
  fx_deinit(&fx);
}

// Equal lines beside each other, cut apart: nothing but their order tells the parts apart.
TEST(equal_parts_of_a_hunk_have_ids_of_their_own)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_write(&fx, "t.txt", S("a\nb\n"));
  fx_open(&fx);
  fx_task(&fx, "T01", "t.txt", "a\nb\n", "a\nx\nx\nb\n");
  Str id = fx_review(&fx).hunks.items[0].id;
  fx_decide(&fx, str_fmt(&fx.arena, "%.*s:1-1", STR_ARG(id)), DECISION_ACCEPTED);
  Review r = fx_review(&fx);
  CHECK_INT(r.hunks.len, 2);
  CHECK_INT(r.accepted, 1);
  CHECK(!str_eq(r.hunks.items[0].id, r.hunks.items[1].id));
  fx_deinit(&fx);
}

TEST(new_and_deleted_files_are_one_hunk)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_write(&fx, "old.txt", S("x\ny\n"));
  fx_write(&fx, "empty.txt", S(""));
  fx_open(&fx);
  fx_task(&fx, "T01", "new.txt", NULL, "hello\n");
  fx_task(&fx, "T02", "old.txt", "x\ny\n", NULL);
  fx_task(&fx, "T03", "none.txt", NULL, "");
  Review r = fx_review(&fx);
  CHECK_INT(r.hunks.len, 3);
  CHECK_INT(r.hunks.items[0].change, FILE_NEW);
  CHECK_INT(r.hunks.items[1].change, FILE_NEW);  // files stand by path
  CHECK_INT(r.hunks.items[2].change, FILE_DELETE);
  CHECK_INT(fx_stale(r), 0);
  fx_deinit(&fx);
}

TEST(conflicts_are_told)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_write(&fx, "a.txt", str_from(ten));
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", ten, ten_2);
  fx_task(&fx, "T02", "a.txt", ten, "one\nzwei\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n");
  Review r = fx_review(&fx);
  CHECK(r.files.items[0].conflict);
  CHECK_INT(r.hunks.items[0].verdict, VERDICT_DOUBT);
  QfList list = {0};
  review_quickfix(fx.engine, &fx.arena, &r, &list);
  CHECK_INT(list.len, 2);
  CHECK_STR(list.items[0].type, S("E"));
  fx_deinit(&fx);
}

TEST(failed_tasks_are_placed_by_their_titles)
{
  static const char *const titles[][2] = {{"a.txt: shout", "a.txt:1"},
                                          {"shout: a.txt:3-5", "a.txt:3"},
                                          {"say it in a.txt", "a.txt:1"},
                                          {"tests/new.txt: write it", "tests/new.txt:1"},
                                          {"shout: at all", ":0"}};
  for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) {
    Fixture fx;
    fx_init(&fx, false);
    fx_write(&fx, "a.txt", str_from(ten));
    fx_open(&fx);
    TaskRow failed = {
        .plan = fx.plan, .id = S("T01"), .state = TASK_FAILED, .title = str_from(titles[i][0])};
    CHECK(journal_task_put(fx.engine->journal, &failed, NULL));
    Review r = fx_review(&fx);
    QfList list = {0};
    review_quickfix(fx.engine, &fx.arena, &r, &list);
    CHECK_INT(list.len, 1);
    CHECK_STR(str_fmt(&fx.arena, "%.*s:%zu", STR_ARG(list.items[0].path), list.items[0].line),
              str_from(titles[i][1]));
    fx_deinit(&fx);
  }
}

TEST(a_diff_without_the_rejected)
{
  Fixture fx;
  two_tasks(&fx);
  fx_decide(&fx, S("task:T02"), DECISION_REJECTED);
  Review r = fx_review(&fx);
  Buf diff;
  buf_init(&diff, 1 << 16);
  review_diff(&fx.arena, &r, STR_NONE, &diff);
  CHECK(str_has(buf_str(&diff), S("+TWO")));
  CHECK(!str_has(buf_str(&diff), S("NINE")));
  buf_deinit(&diff);
  Str text, base;
  CHECK(review_proposal(&fx.arena, &r, S("a.txt"), &text, &base));
  CHECK_STR(text, str_from(ten_2));
  CHECK_STR(base, str_from(ten));
  CHECK(!review_proposal(&fx.arena, &r, S("b.txt"), &text, &base));
  fx_deinit(&fx);
}

TEST_MAIN
