// Estimates and money as text; the estimate kept with a plan.
#include "engine_fixture.h"

#include "journal/journal.h"
#include "work/estimate.h"

static Plan parse(Str text)
{
  Plan plan;
  PlanProblemList problems = {0};
  CHECK(plan_parse(&arena, text, &plan, &problems));
  return plan;
}

static Plan each(int targets)
{
  Buf text;
  buf_init(&text, 1 << 20);
  buf_add(&text, S("## T01 doc\neach:\n"));
  for (int i = 0; i < targets; i++) buf_fmt(&text, "  - a.c:%d-%d\n", i * 10 + 1, i * 10 + 10);
  buf_add(&text, S("\nShorten the comment.\n"));
  Str whole = str_dup(&arena, buf_str(&text));
  buf_deinit(&text);
  return parse(whole);
}

TEST(money_is_short)
{
  struct {
    Nano amount;
    const char *text;
  } rows[] = {
      {3100000, "$0.0031"},     {1200000000, "$1.20"},
      {-1, "unknown"},          {0, "$0"},
      {10000, "under $0.0001"}, {21000000, "$0.021"},
      {600000000, "$0.60"},     {9960000, "$0.010"},
      {99900000, "$0.10"},      {123456000000, "$123.46"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    CHECK_STR(money(&arena, rows[i].amount), str_from(rows[i].text));
  }
}

TEST(a_plan_costs_less_than_the_big_model_alone)
{
  Plan plan = each(50);
  Estimate e = estimate_plan(engine, project, &arena, &plan);
  printf("# 50 targets: execute %.*s verify %.*s, big alone %.*s, small alone %.*s\n",
         STR_ARG(money(&arena, e.execute.cost)), STR_ARG(money(&arena, e.verify.cost)),
         STR_ARG(money(&arena, e.big_alone)), STR_ARG(money(&arena, e.small_alone)));
  CHECK(!e.unknown_price);
  CHECK(e.execute.cost > 0 && e.execute.cost < e.verify.cost);
  CHECK(e.total < e.big_alone / 2);
  CHECK(e.small_alone < e.big_alone);
  CHECK_INT(e.plan.cost, 0);
}

TEST(it_grows_with_the_work)
{
  Plan five = each(5), fifty = each(50);
  Estimate small = estimate_plan(engine, project, &arena, &five),
           large = estimate_plan(engine, project, &arena, &fifty);
  CHECK(large.execute.in > 8 * small.execute.in && large.execute.in < 12 * small.execute.in);
  CHECK(large.big_alone > small.big_alone);
}

TEST(mechanical_tasks_need_no_execution_money)
{
  Plan plan =
      parse(S("## T01 m\nexecutor: move\nfrom: a.c:1-300\nto: n.c\n## T02 s\nexecutor: "
              "substitute\nfiles: a.c\npattern: x\nreplace: y\n"));
  Estimate e = estimate_plan(engine, project, &arena, &plan);
  CHECK_INT(e.execute.cost, 0);
  CHECK(e.big_alone > e.total);
}

TEST(requests_have_one_too)
{
  FileRef ref = {.path = S("a.c")};
  FileRefList scope = {&ref, 1, 1}, none = {0};
  Estimate e = estimate_request(engine, project, &arena, &scope);
  CHECK(e.plan.cost > 0 && e.execute.cost > 0 && e.verify.cost > 0);
  CHECK_INT(e.total, e.plan.cost + e.execute.cost + e.verify.cost);
  CHECK(estimate_request(engine, project, &arena, &none).total > 0);
}

TEST(unknown_prices_stay_unknown)
{
  Value *config = value_map(&arena);
  Value *models = value_set(config, S("models"), value_map(&arena));
  value_put_str(&arena, models, S("small"), S("ollama/no-such-model"));
  Value *big = value_set(models, S("big"), value_map(&arena));
  value_put_str(&arena, big, S("rungs"), S("openrouter/nobody/knows"));
  Loop other_loop;
  CHECK(loop_init(&other_loop, &err));
  Engine *other = engine_new(&other_loop, config, &err);
  CHECK(other != NULL);
  Plan plan = each(5);
  Estimate e = estimate_plan(other, project, &arena, &plan);
  CHECK(e.unknown_price);
  CHECK_INT(e.total, NANO_UNKNOWN);
  CHECK_INT(e.big_alone, NANO_UNKNOWN);
  engine_free(other);
  loop_deinit(&other_loop);
}

TEST(it_is_kept_with_the_plan)
{
  PlanRow row = {
      .root = S("/x"), .title = S("t"), .request = S("r"), .state = PLAN_READY, .budget = -1};
  CHECK(journal_plan_new(engine->journal, &row, &err));
  Estimate none, e = {.plan = {1, 2, 3},
                      .execute = {4, 5, 6},
                      .verify = {7, 8, 9},
                      .total = -1,
                      .big_alone = 10,
                      .small_alone = 11};
  CHECK(!estimate_stored(engine, &arena, row.id, &none));
  CHECK(estimate_store(engine, row.id, &e, &err));
  Estimate back;
  CHECK(estimate_stored(engine, &arena, row.id, &back));
  CHECK_INT(back.verify.cost, 9);
  CHECK_INT(back.total, -1);
  CHECK(back.unknown_price);
}

// A finished plan whose execution cost [paid] where 1000 was estimated.
static void finished_plan(Nano paid)
{
  PlanRow row = {
      .root = project_root(project), .title = S("old"), .state = PLAN_REVIEW, .budget = -1};
  Estimate e = {.execute = {1, 1, 1000}, .verify = {1, 1, 1000}, .total = 2000, .big_alone = 9000};
  CHECK(journal_plan_new(engine->journal, &row, &err));
  CHECK(estimate_store(engine, row.id, &e, &err));
  AttemptRow attempt = {.plan = row.id,
                        .phase = PHASE_EXECUTE,
                        .task = S("T01"),
                        .provider = S("p"),
                        .model = S("m"),
                        .role = S("small"),
                        .worst_case = paid};
  CHECK(journal_attempt_start(engine->journal, &arena, &attempt, S("prompt"), NULL, &err));
  attempt.cost = paid;
  attempt.sent = attempt.usage_known = true;
  CHECK(journal_attempt_finish(engine->journal, &attempt, S("reply"), &err));
}

TEST(history_corrects_what_comes_next)
{
  Plan plan = each(20);
  Estimate before = estimate_plan(engine, project, &arena, &plan);
  CHECK_INT(before.learned_from, 0);
  CHECK_INT(before.execute_factor, 1000);
  CHECK_INT(estimate_trust(&arena, &before).len, 0);
  finished_plan(2000);
  finished_plan(2000);
  Estimate two = estimate_plan(engine, project, &arena, &plan);
  CHECK_INT(two.execute_factor, 1000);  // too few to go by
  for (int i = 0; i < 6; i++) finished_plan(2000);
  Estimate after = estimate_plan(engine, project, &arena, &plan);
  printf("# factor %lld, error %d %%\n", (long long)after.execute_factor, after.error);
  CHECK(after.execute_factor > 1500 && after.execute_factor < 2000);  // drawn towards 1
  CHECK(after.execute.cost > before.execute.cost * 3 / 2);
  CHECK_INT(after.verify_factor, 1000);
  CHECK_INT(after.learned_from, 8);
  CHECK_INT(after.error, 0);
  CHECK_INT(estimate_plan(engine, project, &arena, &plan).execute_factor, after.execute_factor);
  for (int i = 0; i < 40; i++) finished_plan(1000000);
  CHECK_INT(estimate_plan(engine, project, &arena, &plan).execute_factor,
            4000);  // within four times
}

TEST(another_role_has_its_own_price)
{
  Plan small = parse(S("## T01 x\nfiles: a.c:1-50\n\nDo.\n")),
       big = parse(S("## T01 x\nmodel: big\nfiles: a.c:1-50\n\nDo.\n"));
  Estimate one = estimate_plan(engine, project, &arena, &small),
           other = estimate_plan(engine, project, &arena, &big);
  CHECK(other.execute.cost > 5 * one.execute.cost);
}

static void files(void)
{
  Buf text;
  buf_init(&text, 1 << 20);
  for (int i = 0; i < 500; i++)
    buf_fmt(&text, "  value_%d = compute(%d);  // what line %d does\n", i, i, i);
  fs_write_atomic(at("tree/a.c"), buf_str(&text), 0644, &err);
  buf_deinit(&text);
}

int main(int argc, char **argv)
{
  return run_with_engine(argc, argv, files);
}
