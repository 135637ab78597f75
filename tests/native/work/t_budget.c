// t_budget.c: the hard cap, as a pure question. What the journal adds is in t_run.c.
#include "tap.h"

#include "work/budget.h"

static const Budget none = {NANO_UNKNOWN, NANO_UNKNOWN}, ten = {10, NANO_UNKNOWN};

TEST(without_a_cap_everything_goes)
{
  CHECK_INT(budget_answer(&none, &(PlanMoney){.spent = 1000}, 1000, NANO_UNKNOWN), BUDGET_GO);
}

TEST(worst_cases_in_flight_count)
{
  CHECK_INT(budget_answer(&ten, &(PlanMoney){.spent = 4}, 0, 6), BUDGET_GO);
  CHECK_INT(budget_answer(&ten, &(PlanMoney){.spent = 4}, 0, 7), BUDGET_OUT);
  CHECK_INT(budget_answer(&ten, &(PlanMoney){.spent = 4, .reserved = 3}, 0, 4), BUDGET_WAIT);
  CHECK_INT(budget_answer(&ten, &(PlanMoney){.spent = 4, .reserved = 2}, 0, 4), BUDGET_GO);
  CHECK_INT(budget_answer(&ten, &(PlanMoney){.spent = 8, .reserved = 2}, 0, 4), BUDGET_OUT);
  CHECK_INT(budget_answer(&ten, &(PlanMoney){.spent = 4, .lost = 3}, 0, 4), BUDGET_OUT);
}

TEST(unknown_prices_and_caps_do_not_mix)
{
  CHECK_INT(budget_answer(&ten, &(PlanMoney){0}, 0, NANO_UNKNOWN), BUDGET_NO_PRICE);
  CHECK_INT(budget_answer(&ten, &(PlanMoney){.spent = 10}, 0, 0), BUDGET_GO);  // local models
}

TEST(the_day_has_a_cap_too)
{
  Budget day = {NANO_UNKNOWN, 10};
  CHECK_INT(budget_answer(&day, &(PlanMoney){0}, 5, 5), BUDGET_GO);
  CHECK_INT(budget_answer(&day, &(PlanMoney){0}, 5, 6), BUDGET_OUT);
  CHECK_INT(budget_answer(&day, &(PlanMoney){.reserved = 2}, 5, 5), BUDGET_WAIT);
}

TEST(a_cap_of_nothing)
{
  Budget zero = {0, NANO_UNKNOWN};
  CHECK_INT(budget_answer(&zero, &(PlanMoney){0}, 0, 0), BUDGET_GO);
  CHECK_INT(budget_answer(&zero, &(PlanMoney){0}, 0, 1), BUDGET_OUT);
}

TEST_MAIN
