// budget.h: may this call be made? The hard cap of a plan and of a day (promise 3).
//
// A call is made only when what was spent, what is reserved for calls in flight (at their worst case), what
// was lost to crashes (at its worst case) and this call's own worst case fit under the cap together:
//
//   fits                                 -> BUDGET_GO
//   does not fit, but the plan has calls in flight
//                                        -> BUDGET_WAIT   (they end below their worst case, nearly always)
//   does not fit, nothing in flight      -> BUDGET_OUT    (the plan pauses)
//   its price is unknown and there is a cap -> BUDGET_NO_PRICE   (nobody could keep the cap)
//
// Today's cap counts the calls of all plans, in whatever process they are. The journal checks both caps once more, in
// the transaction that reserves (journal_attempt_start), so that two processes cannot both take the last cent.
#pragma once

#include "core/engine.h"

typedef struct {
  Nano plan_limit;  // NANO_UNKNOWN = none
  Nano day_limit;   // the same, over all plans since midnight, by the clock of the place
} Budget;

// The caps that hold for [plan]: its own, else the configuration's. [lifted]: none (run!, --yes).
bool budget_of(Engine *engine, int64_t plan, bool lifted, Budget *out, Error *err);

typedef enum { BUDGET_GO, BUDGET_WAIT, BUDGET_OUT, BUDGET_NO_PRICE } BudgetAnswer;

// Pure: [held] is the plan's money, [day] that of all plans today; [worst] may be NANO_UNKNOWN.
BudgetAnswer budget_answer(const Budget *budget, const PlanMoney *held, const PlanMoney *day,
                           Nano worst);

// The same from the journal. For OUT and NO_PRICE [err] says so in plain words (ERR_BUDGET); on a journal
// error the answer is OUT with that error.
BudgetAnswer budget_ask(Engine *engine, int64_t plan, const Budget *budget, Nano worst, Str model,
                        Error *err);

MoneyCaps budget_caps(const Budget *budget);  // for the journal

Nano money_committed(const PlanMoney *held);  // spent + lost: what a user has to count as gone
