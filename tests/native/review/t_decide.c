// t_decide.c: parts of a hunk, decided, applied and taken back apart.
#include "work_fixture.h"

#include "journal/journal_private.h"

static const char old_text[] = "x\ny\nz\n1\n2\n3\nu\nv\nw\n";
static const char new_text[] = "x\ny\nz\nA\nB\nC\nu\nv\nw\n";

static Str setup(Fixture *fx)
{
  fx_init(fx, false);
  fx_write(fx, "a.txt", str_from(old_text));
  fx_open(fx);
  fx_task(fx, "T01", "a.txt", old_text, new_text);
  return fx_review(fx).hunks.items[0].id;
}

static Str lines(Fixture *fx, Str id, int first, int last)
{
  return str_fmt(&fx->arena, "%.*s:%d-%d", STR_ARG(id), first, last);
}

static void apply(Fixture *fx, bool back, Str only)
{
  ApplyPlan edits = {0};
  Error err = {0};
  StrList list = {&only, 1, 1};
  if (back)
    CHECK(revert_prepare(fx->engine, fx->plan, NULL, &list, &fx->arena, &edits, &err));
  else
    CHECK(apply_prepare(fx->engine, fx->plan, NULL, NULL, &fx->arena, &edits, &err));
  CHECK_INT(edits.stale.len, 0);
  CHECK(apply_write(fx->engine, fx->plan, &edits, &err));
  if (err.code) printf("# %s\n", err.message);
}

static Err refused(Fixture *fx, Str what)
{
  Error err = {0};
  StrList list = {&what, 1, 1};
  CHECK(!review_decide(fx->engine, fx->plan, &list, DECISION_ACCEPTED, NULL, &err));
  return err.code;
}

TEST(a_part_is_accepted_and_applied_then_the_rest)
{
  Fixture fx;
  Str id = setup(&fx);
  CHECK_INT(fx_decide(&fx, lines(&fx, id, 3, 4), DECISION_ACCEPTED), 1);  // -3 +A
  Review r = fx_review(&fx);
  CHECK_INT(r.hunks.len, 3);
  CHECK_INT(r.accepted, 1);
  CHECK_INT(r.hunks.items[1].decision, DECISION_ACCEPTED);
  apply(&fx, false, S("all"));
  CHECK_STR(fx_read(&fx, "a.txt"), S("x\ny\nz\n1\n2\nA\nu\nv\nw\n"));
  r = fx_review(&fx);
  CHECK_INT(fx_applied(r), 1);
  CHECK_INT(fx_stale(r), 0);  // what is left can still be taken
  CHECK_INT(fx_decide(&fx, S("all"), DECISION_ACCEPTED), 2);
  apply(&fx, false, S("all"));
  CHECK_STR(fx_read(&fx, "a.txt"), str_from(new_text));
  // One part goes back while the others stay.
  apply(&fx, true, r.hunks.items[1].id);
  CHECK_STR(fx_read(&fx, "a.txt"), S("x\ny\nz\n3\nB\nC\nu\nv\nw\n"));
  fx_deinit(&fx);
}

TEST(names_that_hold_after_the_cut)
{
  Fixture fx;
  Str what = lines(&fx, setup(&fx), 3, 4);
  StrList given = {&what, 1, 1}, named = {0};
  Error err = {0};
  CHECK(review_decide_named(fx.engine, fx.plan, &given, DECISION_ACCEPTED, &fx.arena, &named, NULL,
                            &err));
  CHECK_INT(named.len, 1);
  ApplyPlan edits = {0};
  CHECK(apply_prepare(fx.engine, fx.plan, NULL, &named, &fx.arena, &edits, &err));
  CHECK_INT(edits.hunks, 1);
  CHECK(!revert_prepare(fx.engine, fx.plan, NULL, &given, &fx.arena, &edits, &err));
  CHECK_INT(err.code, ERR_NOT_FOUND);
  fx_deinit(&fx);
}

TEST(what_is_not_named_keeps_its_decision)
{
  Fixture fx;
  Str id = setup(&fx);
  fx_decide(&fx, id, DECISION_ACCEPTED);
  CHECK_INT(fx_decide(&fx, lines(&fx, id, 5, 5), DECISION_REJECTED), 1);  // +B
  Review r = fx_review(&fx);
  CHECK_INT(r.accepted, 2);
  CHECK_INT(r.rejected, 1);
  apply(&fx, false, S("all"));
  CHECK_STR(fx_read(&fx, "a.txt"), S("x\ny\nz\nA\nC\nu\nv\nw\n"));
  fx_deinit(&fx);
}

TEST(a_part_of_a_part_leaves_the_others_and_other_files)
{
  Fixture fx;
  Str id = setup(&fx);
  fx_write(&fx, "b.txt", str_from(old_text));
  fx_task(&fx, "T02", "b.txt", old_text, new_text);
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  fx_decide(&fx, lines(&fx, fx_review(&fx).hunks.items[1].id, 5, 5), DECISION_REJECTED);
  fx_decide(&fx, lines(&fx, id, 5, 5), DECISION_REJECTED);
  fx_decide(&fx, lines(&fx, fx_review(&fx).hunks.items[0].id, 1, 1), DECISION_REJECTED);
  Review r = fx_review(&fx);
  static const Decision want[] = {DECISION_REJECTED, DECISION_ACCEPTED, DECISION_REJECTED,
                                  DECISION_ACCEPTED, DECISION_ACCEPTED, DECISION_REJECTED,
                                  DECISION_ACCEPTED};
  CHECK_INT(r.hunks.len, 7);
  for (size_t i = 0; i < r.hunks.len && i < 7; i++) CHECK_INT(r.hunks.items[i].decision, want[i]);
  fx_deinit(&fx);
}

TEST(an_applied_part_stays_apart)
{
  Fixture fx;
  Str id = setup(&fx);
  fx_decide(&fx, lines(&fx, id, 3, 4), DECISION_ACCEPTED);
  apply(&fx, false, S("all"));
  fx_decide(&fx, S("all"), DECISION_NONE);
  Review r = fx_review(&fx);
  CHECK_INT(r.hunks.len, 3);
  CHECK_INT(fx_applied(r), 1);
  apply(&fx, true, S("all"));
  CHECK_STR(fx_read(&fx, "a.txt"), str_from(old_text));
  fx_deinit(&fx);
}

TEST(undecided_parts_are_one_hunk_again)
{
  Fixture fx;
  Str id = setup(&fx);
  fx_decide(&fx, lines(&fx, id, 1, 2), DECISION_ACCEPTED);
  Review r = fx_review(&fx);
  CHECK_INT(r.hunks.len, 2);
  fx_decide(&fx, lines(&fx, r.hunks.items[1].id, 2, 4), DECISION_REJECTED);  // a part of a part
  CHECK_INT(fx_review(&fx).hunks.len, 3);
  CHECK_INT(fx_review(&fx).hunks.items[2].decision, DECISION_REJECTED);
  fx_decide(&fx, S("all"), DECISION_NONE);
  r = fx_review(&fx);
  CHECK_INT(r.hunks.len, 1);
  CHECK_STR(r.hunks.items[0].id, id);
  fx_decide(&fx, lines(&fx, id, 1, 6), DECISION_ACCEPTED);  // all of its lines are the hunk
  CHECK_INT(fx_review(&fx).hunks.len, 1);
  fx_deinit(&fx);
}

// A hunk is cut and decided, or put together and undecided, at once: the disk may be full in between.
TEST(cuts_and_decisions_are_kept_together)
{
  Fixture fx;
  Str id = setup(&fx), part = lines(&fx, id, 3, 4), all = S("all");
  StrList one = {&part, 1, 1}, every = {&all, 1, 1};
  Store *store = fx.engine->journal->store;
  Error err = {0};
  CHECK(store_run(
      store, &err,
      "CREATE TRIGGER full BEFORE INSERT ON decision BEGIN SELECT RAISE(ABORT, 'full'); END", ""));
  CHECK(!review_decide(fx.engine, fx.plan, &one, DECISION_ACCEPTED, NULL, &err));
  Review r = fx_review(&fx);
  CHECK_INT(r.hunks.len, 1);
  CHECK_STR(r.hunks.items[0].id, id);
  error_clear(&err);
  CHECK(store_run(store, &err, "DROP TRIGGER full", ""));
  CHECK(review_decide(fx.engine, fx.plan, &one, DECISION_ACCEPTED, NULL, &err));
  CHECK(store_run(store, &err,
                  "CREATE TRIGGER full BEFORE DELETE ON cut BEGIN SELECT RAISE(ABORT, 'full'); END",
                  ""));
  CHECK(!review_decide(fx.engine, fx.plan, &every, DECISION_NONE, NULL, &err));
  r = fx_review(&fx);
  CHECK_INT(r.hunks.len, 3);
  CHECK_INT(r.accepted, 1);
  fx_deinit(&fx);
}

TEST(what_cannot_be_cut)
{
  Fixture fx;
  Str id = setup(&fx);
  fx_task(&fx, "T02", "new.txt", NULL, "1\n2\n");
  Review r = fx_review(&fx);
  CHECK_INT(refused(&fx, lines(&fx, r.hunks.items[1].id, 1, 1)), ERR_REFUSED);
  CHECK_INT(refused(&fx, lines(&fx, id, 0, 1)), ERR_NOT_FOUND);
  CHECK_INT(refused(&fx, lines(&fx, id, 4, 7)), ERR_NOT_FOUND);
  CHECK_INT(refused(&fx, S("0123456789abcdef:1-2")), ERR_NOT_FOUND);
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  apply(&fx, false, S("all"));
  CHECK_INT(refused(&fx, lines(&fx, id, 1, 1)), ERR_REFUSED);
  CHECK_INT(fx_review(&fx).hunks.len, 2);
  fx_deinit(&fx);
}

TEST_MAIN
