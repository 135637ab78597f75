// attempt.h: one paid model call with its bookkeeping, so that nobody can pay without a trace.
//
//   attempt_start -> budget asked -> row reserved in the journal -> request leaves
//                 -> reply, usage and cost stored in one transaction -> on_done (once, never from inside start)
//
// When a model is closed by a terminal error (key, quota, unknown model) and its role has a fallback, the
// fallback is asked instead, with a row of its own; a conversation stays with the model that began it.
//
// A reply that was stored for exactly this request, and that nobody used yet because the engine died, is
// handed out instead of paying again.
#pragma once

#include "work/budget.h"

typedef struct Attempt Attempt;

typedef struct {
  Error error;      // why there is no reply to use; ERR_OK otherwise
  StopReason stop;  // STOP_LENGTH and STOP_REFUSED are no errors: the call worked and is paid for
  Str text;
  ToolCallList calls;
  const Value *raw;  // the provider's own blocks, for the next turn of a conversation
  bool stored;       // paid for earlier; nothing was spent now
  bool terminal;     // key, quota, unknown model: nothing more may be sent
  Str detail;        // for STOP_REFUSED: why, where the provider says so
} AttemptReply;      // valid until on_done returns

typedef struct {
  Engine *engine;
  int64_t plan;
  Str task;  // empty outside of execute
  Phase phase;
  Str role;                     // alias of the ladder
  const ModelRequest *request;  // provider and model set; copied
  const Budget *budget;         // copied
  bool batch;                   // through the provider's batch endpoint, where it has one
  int64_t reuse_since_ms;       // replies to attempts started since then may be reused; -1 = never
  void (*on_done)(void *owner, const AttemptReply *reply);
  void *owner;
} AttemptSpec;

// NULL: nothing was started and nothing will be paid; [*answer] is BUDGET_WAIT (ask again when a call has
// ended), BUDGET_OUT or BUDGET_NO_PRICE, or BUDGET_GO with another [err].
Attempt *attempt_start(const AttemptSpec *spec, BudgetAnswer *answer, Error *err);

// on_done follows with ERR_CANCELLED. What was sent is still paid for, and counted.
void attempt_cancel(Attempt *attempt);

// Is there a key for the first model of [role], or for its fallback?
bool attempt_ready(Engine *engine, Str role, Error *err);

// A request that has not left does not leave any more. With [batch], one that has: it stays in its batch and its reply
// is collected by whoever asks for the same later. Both end with ERR_CANCELLED; otherwise nothing happens.
void attempt_let_go(Attempt *attempt);

// Collects what batches of [plan] hold, also what nobody asks for any more: it is paid for, and is counted.
void attempt_collect(Engine *engine, int64_t plan);
