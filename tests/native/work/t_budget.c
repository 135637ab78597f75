// t_budget.c: the hard cap, as a pure question. What the journal adds is in t_run.c.
#include "tap.h"

#include "work/budget.h"

static const Budget none = {NANO_UNKNOWN, NANO_UNKNOWN}, ten = {10, NANO_UNKNOWN};
static const PlanMoney nothing;

TEST(without_a_cap_everything_goes)
{
  CHECK_INT(
      budget_answer(&none, &(PlanMoney){.spent = 1000}, &(PlanMoney){.spent = 1000}, NANO_UNKNOWN),
      BUDGET_GO);
}

TEST(worst_cases_in_flight_count)
{
  CHECK_INT(budget_answer(&ten, &(PlanMoney){.spent = 4}, &nothing, 6), BUDGET_GO);
  CHECK_INT(budget_answer(&ten, &(PlanMoney){.spent = 4}, &nothing, 7), BUDGET_OUT);
  CHECK_INT(budget_answer(&ten, &(PlanMoney){.spent = 4, .reserved = 3}, &nothing, 4), BUDGET_WAIT);
  CHECK_INT(budget_answer(&ten, &(PlanMoney){.spent = 4, .reserved = 2}, &nothing, 4), BUDGET_GO);
  CHECK_INT(budget_answer(&ten, &(PlanMoney){.spent = 8, .reserved = 2}, &nothing, 4), BUDGET_OUT);
  CHECK_INT(budget_answer(&ten, &(PlanMoney){.spent = 4, .lost = 3}, &nothing, 4), BUDGET_OUT);
}

TEST(unknown_prices_and_caps_do_not_mix)
{
  CHECK_INT(budget_answer(&ten, &(PlanMoney){0}, &nothing, NANO_UNKNOWN), BUDGET_NO_PRICE);
  CHECK_INT(budget_answer(&ten, &(PlanMoney){.spent = 10}, &nothing, 0),
            BUDGET_GO);  // local models
}

TEST(the_day_has_a_cap_too)
{
  Budget day = {NANO_UNKNOWN, 10};
  CHECK_INT(budget_answer(&day, &(PlanMoney){0}, &(PlanMoney){.spent = 5}, 5), BUDGET_GO);
  CHECK_INT(budget_answer(&day, &(PlanMoney){0}, &(PlanMoney){.spent = 5}, 6), BUDGET_OUT);
  PlanMoney mine = {.reserved = 2}, all = {.spent = 5, .reserved = 2},
            lost = {.spent = 5, .lost = 2};
  CHECK_INT(budget_answer(&day, &mine, &all, 5), BUDGET_WAIT);
  // of other plans: nobody here would be woken when they end
  CHECK_INT(budget_answer(&day, &nothing, &all, 5), BUDGET_OUT);
  CHECK_INT(budget_answer(&day, &nothing, &all, 3), BUDGET_GO);
  CHECK_INT(budget_answer(&day, &mine, &lost, 5), BUDGET_OUT);
}

TEST(a_cap_of_nothing)
{
  Budget zero = {0, NANO_UNKNOWN};
  CHECK_INT(budget_answer(&zero, &(PlanMoney){0}, &nothing, 0), BUDGET_GO);
  CHECK_INT(budget_answer(&zero, &(PlanMoney){0}, &nothing, 1), BUDGET_OUT);
}

TEST_MAIN
