// budget.c: see budget.h.
#include "work/budget.h"

#include <time.h>

#include "work/estimate.h"

Nano money_committed(const PlanMoney *held)
{
  return held->spent + held->lost;
}

bool budget_of(Engine *engine, int64_t plan, bool lifted, Budget *out, Error *err)
{
  *out = (Budget){NANO_UNKNOWN, NANO_UNKNOWN};
  if (lifted) return true;
  Arena arena;
  arena_init(&arena);
  PlanRow row;
  bool ok = journal_plan_get(engine->journal, &arena, plan, &row, err);
  if (ok) {
    out->plan_limit = row.budget >= 0 ? row.budget : engine->config->budget;
    out->day_limit = engine->config->day_budget;
  }
  arena_deinit(&arena);
  return ok;
}

// Compared by subtraction: sums of hostile numbers must not wrap.
static bool fits(Nano limit, Nano used, Nano worst)
{
  return limit < 0 || (used <= limit && worst <= limit - used);
}

BudgetAnswer budget_answer(const Budget *budget, const PlanMoney *held, const PlanMoney *day,
                           Nano worst)
{
  bool capped = budget->plan_limit >= 0 || budget->day_limit >= 0;
  if (!capped) return BUDGET_GO;
  if (worst < 0) return BUDGET_NO_PRICE;
  Nano gone = money_committed(held), today = money_committed(day);
  if (fits(budget->plan_limit, gone + held->reserved, worst) &&
      fits(budget->day_limit, today + day->reserved, worst)) {
    return BUDGET_GO;
  }
  // Waiting helps only when it could fit once the reservations are gone, and only a call of this plan wakes it.
  bool ever = fits(budget->plan_limit, gone, worst) && fits(budget->day_limit, today, worst);
  return held->reserved > 0 && ever ? BUDGET_WAIT : BUDGET_OUT;
}

static int64_t midnight_ms(void)
{
  time_t now = time(NULL);
  struct tm day;
  if (!localtime_r(&now, &day)) return 0;
  day.tm_hour = day.tm_min = day.tm_sec = 0;
  day.tm_isdst = -1;
  return (int64_t)mktime(&day) * 1000;
}

MoneyCaps budget_caps(const Budget *budget)
{
  return (MoneyCaps){budget->plan_limit, budget->day_limit,
                     budget->day_limit < 0 ? 0 : midnight_ms()};
}

static void say_out(Arena *arena, const Budget *budget, const PlanMoney *held, const PlanMoney *day,
                    Nano worst, Error *err)
{
  bool plan_fits = fits(budget->plan_limit, money_committed(held), worst);
  const PlanMoney *used = plan_fits ? day : held;
  Nano limit = plan_fits ? budget->day_limit : budget->plan_limit;
  bool elsewhere = fits(limit, money_committed(used), worst);
  Nano gone = money_committed(used) + (elsewhere ? used->reserved : 0);
  error_set(err, ERR_BUDGET, "%.*s of %s %.*s are spent%s, and the next call may cost %.*s",
            STR_ARG(money(arena, gone)), plan_fits ? "today's" : "the plan's",
            STR_ARG(money(arena, limit)), elsewhere ? " or in flight" : "",
            STR_ARG(money(arena, worst)));
  if (plan_fits) {
    error_hint_set(
        err, "raise `day_budget` in the configuration, or run! (CLI: --yes) to go past it once");
  }
}

static void say_no_price(Str model, Error *err)
{
  error_set(err, ERR_BUDGET, "the price of %.*s is unknown, so the budget could not be kept",
            STR_ARG(model));
  error_hint_set(
      err,
      "set its price under `prices` (0 for a local model); a run goes on without a cap by run! "
      "(CLI: run --yes)");
}

BudgetAnswer budget_ask(Engine *engine, int64_t plan, const Budget *budget, Nano worst, Str model,
                        Error *err)
{
  Arena arena;
  arena_init(&arena);
  PlanMoney held, day = {0};
  BudgetAnswer answer = BUDGET_OUT;
  MoneyCaps caps = budget_caps(budget);
  if (journal_money(engine->journal, plan, &held, err) &&
      (caps.day < 0 || journal_money_since(engine->journal, caps.day_from_ms, &day, err))) {
    answer = budget_answer(budget, &held, &day, worst);
    if (answer == BUDGET_OUT) say_out(&arena, budget, &held, &day, worst, err);
    if (answer == BUDGET_NO_PRICE) say_no_price(model, err);
  }
  arena_deinit(&arena);
  return answer;
}
