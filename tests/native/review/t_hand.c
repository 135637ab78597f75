// t_hand.c: proposals that the user changed by hand.
#include "work_fixture.h"

static const char ten[] = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";
static const char ten_2[] = "one\nTWO\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";

static void setup(Fixture *fx)
{
  fx_init(fx, false);
  fx_write(fx, "a.txt", str_from(ten));
  fx_open(fx);
  fx_task(fx, "T01", "a.txt", ten, ten_2);
}

static Error edit(Fixture *fx, const char *path, const char *text, HandEdit *out)
{
  Error err = {0};
  review_edit(fx->engine, fx->plan, str_from(path), str_from(text), out, &err);
  return err;
}

static void apply(Fixture *fx)
{
  ApplyPlan edits;
  Error err = {0};
  CHECK(apply_prepare(fx->engine, fx->plan, NULL, NULL, &fx->arena, &edits, &err));
  CHECK(apply_write(fx->engine, fx->plan, &edits, &err));
  if (err.code) printf("# %s\n", err.message);
}

TEST(a_hunk_of_the_users)
{
  Fixture fx;
  HandEdit made = {0};
  setup(&fx);
  Error err =
      edit(&fx, "a.txt", "one\nTWO\nthree\nfour\nfive\nsix\nseven\neight\nNINE!\nten\n", &made);
  CHECK_INT(err.code, ERR_OK);
  CHECK_INT(made.hunks, 1);
  Review r = fx_review(&fx);
  CHECK_INT(r.hunks.len, 2);
  CHECK_INT(r.accepted, 0);  // writing decides nothing
  CHECK_STR(r.hunks.items[1].tasks.items[0], REVIEW_YOU);
  CHECK_STR(r.hunks.items[0].tasks.items[0], S("T01"));
  fx_decide(&fx, str_cat(&fx.arena, S("task:"), REVIEW_YOU), DECISION_ACCEPTED);
  apply(&fx);
  CHECK_STR(fx_read(&fx, "a.txt"),
            S("one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nNINE!\nten\n"));
  err = edit(&fx, "a.txt", "other\n", &made);
  CHECK_INT(err.code, ERR_REFUSED);  // some of it is applied
  CHECK_INT(fx_review(&fx).hunks.len, 2);
  fx_deinit(&fx);
}

TEST(edited_again_and_taken_back)
{
  Fixture fx;
  HandEdit made = {0};
  setup(&fx);
  edit(&fx, "a.txt", "one\nTWO, by hand\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n", &made);
  CHECK_INT(made.hunks, 1);
  Review r = fx_review(&fx);
  Str text, base;
  CHECK_INT(r.hunks.len, 1);  // the task's hunk, in the user's words
  CHECK_INT(r.accepted, 0);
  CHECK(review_proposal(&fx.arena, &r, S("a.txt"), &text, &base));
  CHECK(str_has(text, S("TWO, by hand\n")));
  edit(&fx, "a.txt", "ONE\nTWO\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n", &made);
  r = fx_review(&fx);
  CHECK(review_proposal(&fx.arena, &r, S("a.txt"), &text, &base));
  CHECK_STR(text, S("ONE\nTWO\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n"));
  CHECK_INT(edit(&fx, "a.txt", ten_2, &made).code, ERR_OK);
  CHECK_INT(made.hunks, 0);
  CHECK(made.taken_back);
  r = fx_review(&fx);
  CHECK_INT(r.hunks.len, 1);
  CHECK_INT(r.accepted, 0);
  fx_deinit(&fx);
}

TEST(lines_of_the_users_in_a_hunk_of_a_task)
{
  Fixture fx;
  HandEdit made = {0};
  fx_init(&fx, false);
  fx_write(&fx, "a.txt", str_from(ten));
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", ten, "one\nTWO\nTHREE\nFOUR\nfive\nsix\nseven\neight\nnine\nten\n");
  edit(&fx, "a.txt", "one\nTWO\nTHREE\nFOUR\nfive, by hand\nsix\nseven\neight\nnine\nten\n", &made);
  Review r = fx_review(&fx);
  CHECK_INT(r.hunks.len, 1);
  CHECK_STR(r.hunks.items[0].tasks.items[0], S("T01"));
  CHECK_INT(made.hunks, 1);
  CHECK(!made.taken_back);
  edit(&fx, "a.txt", ten, &made);  // all that was proposed goes
  CHECK_INT(fx_review(&fx).hunks.len, 0);
  CHECK_INT(made.hunks, 0);
  CHECK(!made.taken_back);
  fx_deinit(&fx);
}

TEST(it_stays_when_a_task_is_done_again)
{
  Fixture fx;
  HandEdit made = {0};
  setup(&fx);
  edit(&fx, "a.txt", "one\nTWO\nthree\nfour\nfive\nsix\nseven\neight\nNINE!\nten\n", &made);
  fx_decide(&fx, str_cat(&fx.arena, S("task:"), REVIEW_YOU), DECISION_ACCEPTED);
  fx_task(&fx, "T01", "a.txt", ten, "one\n2\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n");
  Review r = fx_review(&fx);
  Str text, base;
  CHECK_INT(r.hunks.len, 2);
  CHECK_INT(r.accepted, 1);
  CHECK(review_proposal(&fx.arena, &r, S("a.txt"), &text, &base));
  CHECK_STR(text, S("one\n2\nthree\nfour\nfive\nsix\nseven\neight\nNINE!\nten\n"));
  fx_deinit(&fx);
}

TEST(line_ends_are_the_proposals)
{
  Fixture fx;
  HandEdit made = {0};
  fx_init(&fx, false);
  fx_write(&fx, "d.txt", S("one\r\ntwo\r\nthree"));
  fx_open(&fx);
  fx_task(&fx, "T01", "d.txt", "one\r\ntwo\r\nthree", "ONE\r\ntwo\r\nthree");
  CHECK_INT(edit(&fx, "d.txt", "ONE\ntwo\nTHREE\n", &made).code, ERR_OK);
  Review r = fx_review(&fx);
  Str text, base;
  CHECK(review_proposal(&fx.arena, &r, S("d.txt"), &text, &base));
  CHECK_STR(text, S("ONE\r\ntwo\r\nTHREE"));
  fx_deinit(&fx);
}

TEST(what_is_refused)
{
  Fixture fx;
  HandEdit made = {0};
  setup(&fx);
  fx_write(&fx, "gone.txt", S("gone\n"));
  fx_task(&fx, "T02", "gone.txt", "gone\n", NULL);
  CHECK_INT(edit(&fx, "other.txt", "x\n", &made).code, ERR_NOT_FOUND);
  CHECK_INT(edit(&fx, "gone.txt", "x\n", &made).code, ERR_REFUSED);
  fx_decide(&fx, S("task:T01"), DECISION_REJECTED);
  // Without the rejected hunk the proposal has "two": a change of that line is in its way.
  CHECK_INT(
      edit(&fx, "a.txt", "one\n2, mine\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n", &made)
          .code,
      ERR_CONFLICT);
  CHECK_INT(fx_review(&fx).hunks.len, 2);
  fx_deinit(&fx);
}

TEST_MAIN
