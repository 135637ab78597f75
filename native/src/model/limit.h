// limit.h: who may call now: slots per provider, a queue, and a gate per provider and model.
//
//   ticket_enter --> WAITING --slot free, gate open--> HOLDING --ticket_leave--> OUT
//                      ^  |                              |
//                      |  +--closed--> on_closed, OUT    |
//                      +-------------ticket_again--------+
//
// Who goes next: urgent tickets (a person waits for a plan or a verdict) before the others; then the group (a
// plan) that has the fewest calls in flight; then first come, first served, also for a ticket that tries
// again. A gate holds all calls of one
// model back after a 429 or an overload, so that ten calls do not all find out by themselves; it also halves
// how many of them run at once and lets the number grow back with each success. Closing is for errors that waiting does
// not heal. What the provider's headers say is left of its limits (rate.h) is kept per gate: a call that would be
// refused waits here instead.
#pragma once

#include "lib/loop.h"
#include "model/rate.h"

typedef struct Limiter Limiter;
typedef struct LimitPool LimitPool;
typedef struct LimitGate LimitGate;
typedef struct Ticket Ticket;

typedef enum { TICKET_OUT, TICKET_WAITING, TICKET_HOLDING } TicketState;

struct Ticket {                // embedded in its owner; zeroed before the first use
  void (*on_go)(void *owner);  // it has a slot
  void (*on_closed)(void *owner, const Error *error);  // it never will; the ticket is out
  // May be NULL: it waits [ms] for [why], though there is a slot; told once per wait.
  void (*on_held)(void *owner, Str why, uint64_t ms);
  void *owner;
  bool urgent;
  uint64_t group;  // tickets of one plan share a number
  int group_most;  // so many of them hold slots at once, over all providers; 0 = no bound
  int64_t tokens;  // of its prompt, about
  TicketState state;
  LimitPool *pool;
  LimitGate *gate;
  Ticket *prev, *next;  // in the pool's queue
  uint64_t number;      // order of entering
  uint64_t not_before;  // ms of loop_now_ms
  uint64_t held_until;  // what on_held was told last
};

Limiter *limiter_new(Loop *loop);
void limiter_free(Limiter *limiter);  // all tickets must be out

// Callbacks come from the loop, never from inside these functions.
void ticket_enter(Limiter *limiter, Ticket *ticket, Str provider, int limit, Str model);
// Gives the slot back and queues at its old place.
void ticket_again(Ticket *ticket, uint64_t wait_ms);
void ticket_leave(Ticket *ticket);  // in any state

// A 429 or overload: nobody of this provider and model goes for a while. [named_ms]: what the provider asked
// for, UINT64_MAX when it said nothing; bounded as in backoff_ms. Returns the wait.
uint64_t ticket_hold_gate(Ticket *ticket, uint64_t named_ms);
void ticket_succeeded(Ticket *ticket);
void ticket_rate(Ticket *ticket, const RateHint *hint);  // what an answer's headers said

// Closes the ticket's provider, or only its model; all that wait there get [error].
void ticket_close(Ticket *ticket, const Error *error, bool model_only);
bool limiter_is_open(const Limiter *limiter, Str provider, Str model);
void limiter_reopen(Limiter *limiter);

// How long to wait before try [tries] + 1: 0.5 s doubling up to 8 s, or longer if the provider asked for it
// (LIMIT_NAMED_MAX_MS at most), plus up to a quarter. A provider that names a tiny time again and again is
// believed the first time only, so that it cannot burn all tries.
enum { LIMIT_NAMED_MAX_MS = 600000 };
uint64_t backoff_ms(int tries, uint64_t named_ms);
