// t_decide.c: parts of a hunk, decided, applied and taken back apart.
#include "work_fixture.h"

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
  CHECK(review_decide_named(fx.engine, fx.plan, &given, DECISION_ACCEPTED, &fx.arena, &named, NULL, &err));
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
