// budget.h: may this call be made? The hard cap of a plan and of a day (promise 3).
//
// A call is made only when what was spent, what is reserved for calls in flight (at their worst case), what
// was lost to crashes (at its worst case) and this call's own worst case fit under the cap together:
//
//   fits                                 -> BUDGET_GO
//   does not fit, but calls in flight    -> BUDGET_WAIT   (they end below their worst case, nearly always)
//   does not fit, nothing in flight      -> BUDGET_OUT    (the plan pauses)
//   its price is unknown and there is a cap -> BUDGET_NO_PRICE   (nobody could keep the cap)
//
// The journal checks the plan's cap once more, in the transaction that reserves (journal_attempt_start), so
// that two processes cannot both take the last cent.
#pragma once

#include "core/engine.h"

typedef struct {
  Nano plan_limit;  // NANO_UNKNOWN = none
  Nano day_limit;   // the same, over all plans since midnight
} Budget;

// The caps that hold for [plan]: its own, else the configuration's. [lifted]: none (run!, --yes).
bool budget_of(Engine *engine, int64_t plan, bool lifted, Budget *out, Error *err);

typedef enum { BUDGET_GO, BUDGET_WAIT, BUDGET_OUT, BUDGET_NO_PRICE } BudgetAnswer;

// Pure: [day_spent] counts ended calls of today; [worst] may be NANO_UNKNOWN.
BudgetAnswer budget_answer(const Budget *budget, const PlanMoney *held, Nano day_spent, Nano worst);

// The same from the journal. For OUT and NO_PRICE [err] says so in plain words (ERR_BUDGET); on a journal
// error the answer is OUT with that error.
BudgetAnswer budget_ask(Engine *engine, int64_t plan, const Budget *budget, Nano worst, Str model,
                        Error *err);

Nano money_committed(const PlanMoney *held);  // spent + lost: what a user has to count as gone
