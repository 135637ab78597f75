// limit.c: see limit.h. All decisions fall in limiter_turn, which runs from the loop after anything changed
// and when the next gate opens.
#include "model/limit.h"

#include <stdlib.h>
#include <string.h>

enum {
  NAMED_MIN_MS = 250,
  HELD_TOLD_MS = 1000,  // shorter waits are not worth a word
  GROUPS_MAX = 64,
  BACKOFF_MS = 500,
  BACKOFF_MAX_MS = 8000,
};

struct LimitGate {
  LimitGate *next;
  Str model;
  int width, in_use;  // how many may run at once, and do
  int successes;      // since the width last changed
  int holds;          // in a row, for the backoff
  uint64_t open_at;   // ms; 0 = open
  RateBucket rates[RATE_COUNT];
  Error closed;  // ERR_OK = not
};

struct LimitPool {
  Limiter *limiter;
  LimitPool *next;
  Str provider;
  int limit, in_use;
  LimitGate *gates;
  Ticket *first, *last;  // by number
  Error closed;
  bool sweep;  // something was closed: look at the whole queue
  struct {
    uint64_t group;
    int in_use;
  } groups[GROUPS_MAX];  // those with calls in flight; more than fit count as none
};

struct Limiter {
  Loop *loop;
  Arena arena;  // pools and gates
  LimitPool *pools;
  LoopSoon soon;
  Timer timer;
  uint64_t numbers;
  bool freed;
};

// ---- waiting times --------------------------------------------------------------------------------------

static uint64_t first_backoff(void)
{
  const char *text = getenv("PIECEWORK_BACKOFF_MS");
  uint64_t ms;
  return text && str_to_u64(str_from(text), &ms) && ms > 0 && ms < 60000 ? ms : BACKOFF_MS;
}

// Up to a quarter of [ms], so that those who fail together do not come back together.
static uint64_t jitter(uint64_t ms)
{
  static uint64_t state;
  if (!state) state = (uv_hrtime() ^ ((uint64_t)uv_os_getpid() << 32)) | 1;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state % (ms / 4 + 1);
}

uint64_t backoff_ms(int tries, uint64_t named_ms)
{
  uint64_t ms = first_backoff();
  for (int i = 1; i < tries && ms < BACKOFF_MAX_MS; i++) ms *= 2;
  if (ms > BACKOFF_MAX_MS) ms = BACKOFF_MAX_MS;
  if (named_ms != UINT64_MAX) {
    if (tries <= 1 && ms > NAMED_MIN_MS) ms = NAMED_MIN_MS;
    if (named_ms > ms) ms = named_ms < LIMIT_NAMED_MAX_MS ? named_ms : LIMIT_NAMED_MAX_MS;
  }
  return ms + jitter(ms);
}

// ---- pools and gates ------------------------------------------------------------------------------------

static LimitPool *pool_for(Limiter *limiter, Str provider)
{
  for (LimitPool *pool = limiter->pools; pool; pool = pool->next) {
    if (str_eq(pool->provider, provider)) return pool;
  }
  LimitPool *pool = NEW(&limiter->arena, LimitPool);
  pool->limiter = limiter;
  pool->provider = str_dup(&limiter->arena, provider);
  pool->next = limiter->pools;
  limiter->pools = pool;
  return pool;
}

static LimitGate *gate_for(LimitPool *pool, Str model)
{
  for (LimitGate *gate = pool->gates; gate; gate = gate->next) {
    if (str_eq(gate->model, model)) return gate;
  }
  LimitGate *gate = NEW(&pool->limiter->arena, LimitGate);
  gate->model = str_dup(&pool->limiter->arena, model);
  gate->width = pool->limit;
  gate->next = pool->gates;
  pool->gates = gate;
  return gate;
}

static void pool_set_limit(LimitPool *pool, int limit)
{
  if (limit < 1) limit = 1;
  if (limit == pool->limit) return;
  pool->limit = limit;
  for (LimitGate *gate = pool->gates; gate; gate = gate->next) gate->width = limit;
}

// ---- the queue ------------------------------------------------------------------------------------------

static void queue_add(LimitPool *pool, Ticket *ticket)
{
  Ticket *after = pool->last;
  while (after && after->number > ticket->number) after = after->prev;
  ticket->prev = after;
  ticket->next = after ? after->next : pool->first;
  if (ticket->next) {
    ticket->next->prev = ticket;
  } else {
    pool->last = ticket;
  }
  if (after) {
    after->next = ticket;
  } else {
    pool->first = ticket;
  }
  ticket->state = TICKET_WAITING;
}

static void queue_remove(LimitPool *pool, Ticket *ticket)
{
  if (ticket->prev) {
    ticket->prev->next = ticket->next;
  } else {
    pool->first = ticket->next;
  }
  if (ticket->next) {
    ticket->next->prev = ticket->prev;
  } else {
    pool->last = ticket->prev;
  }
  ticket->prev = ticket->next = NULL;
  ticket->state = TICKET_OUT;
}

static const Error *closed_for(const Ticket *ticket)
{
  if (ticket->pool->closed.code) return &ticket->pool->closed;
  return ticket->gate->closed.code ? &ticket->gate->closed : NULL;
}

static uint64_t ready_at(const Ticket *ticket, uint64_t now)
{
  const LimitGate *gate = ticket->gate;
  uint64_t at = gate->open_at > ticket->not_before ? gate->open_at : ticket->not_before;
  int64_t counts[RATE_COUNT] = {[RATE_REQUESTS] = 1, [RATE_TOKENS] = ticket->tokens};
  for (int i = 0; i < RATE_COUNT; i++) {
    uint64_t ready = rate_bucket_ready(&gate->rates[i], counts[i], now);
    if (ready > at) at = ready;
  }
  return at;
}

static int *group_slot(LimitPool *pool, uint64_t group)
{
  int *empty = NULL;
  for (int i = 0; i < GROUPS_MAX; i++) {
    if (pool->groups[i].in_use && pool->groups[i].group == group) return &pool->groups[i].in_use;
    if (!pool->groups[i].in_use && !empty) {
      empty = &pool->groups[i].in_use;
      pool->groups[i].group = group;
    }
  }
  return empty;
}

static int group_in_use(LimitPool *pool, uint64_t group)
{
  for (int i = 0; i < GROUPS_MAX; i++) {
    if (pool->groups[i].group == group) return pool->groups[i].in_use;
  }
  return 0;
}

static bool has_slot(const Ticket *ticket)
{
  int others = 0;
  if (ticket->group_most) {
    for (LimitPool *pool = ticket->pool->limiter->pools; pool; pool = pool->next)
      others += group_in_use(pool, ticket->group);
  }
  return ticket->pool->in_use < ticket->pool->limit && ticket->gate->in_use < ticket->gate->width &&
         (!ticket->group_most || others < ticket->group_most);
}

static bool goes_before(LimitPool *pool, const Ticket *a, const Ticket *b)
{
  if (!b) return true;
  if (a->urgent != b->urgent) return a->urgent;
  if (a->group == b->group) return false;  // the queue has them in order
  return group_in_use(pool, a->group) < group_in_use(pool, b->group);
}

// Tells who waits though there is a slot. Once per wait: a later end of it is news only when much later.
static void tell_held(Ticket *ticket, uint64_t at, uint64_t now)
{
  if (!ticket->on_held || at < now + HELD_TOLD_MS || at < ticket->held_until + HELD_TOLD_MS) return;
  ticket->held_until = at;
  ticket->on_held(ticket->owner, S("the provider's rate limit is reached"), at - now);
}

// The ticket that something can be done about and that goes before all others; NULL when none. [*wake]: the
// earliest time at which a ticket that has a slot but must wait becomes ready.
static Ticket *queue_pick(LimitPool *pool, uint64_t now, uint64_t *wake)
{
  bool full = pool->in_use >= pool->limit;
  Ticket *best = NULL;
  if (full && !pool->sweep) return NULL;
  for (Ticket *ticket = pool->first; ticket; ticket = ticket->next) {
    if (closed_for(ticket)) return ticket;
    if (!has_slot(ticket)) continue;
    uint64_t at = ready_at(ticket, now);
    if (at > now && at < *wake) *wake = at;
    if (at > now) {
      tell_held(ticket, at, now);
    } else if (goes_before(pool, ticket, best)) {
      best = ticket;
    }
  }
  if (best && best->state != TICKET_WAITING)
    return queue_pick(pool, now, wake);  // on_held ended it
  if (!best) pool->sweep = false;
  return best;
}

static void slot_take(LimitPool *pool, Ticket *ticket)
{
  uint64_t now = loop_now_ms(pool->limiter->loop);
  int *group = group_slot(pool, ticket->group);
  if (group) ++*group;
  ticket->state = TICKET_HOLDING;
  ticket->held_until = 0;
  pool->in_use++;
  ticket->gate->in_use++;
  rate_bucket_take(&ticket->gate->rates[RATE_REQUESTS], 1, now);
  rate_bucket_take(&ticket->gate->rates[RATE_TOKENS], ticket->tokens, now);
}

// Serves one ticket; false when there is nothing left to do.
static bool pool_serve(LimitPool *pool, uint64_t *wake)
{
  Ticket *ticket = queue_pick(pool, loop_now_ms(pool->limiter->loop), wake);
  if (!ticket) return false;
  queue_remove(pool, ticket);
  const Error *closed = closed_for(ticket);
  if (closed) {
    Error copy = *closed;
    ticket->on_closed(ticket->owner, &copy);
    return true;
  }
  slot_take(pool, ticket);
  ticket->on_go(ticket->owner);
  return true;
}

static void limiter_turn(void *owner)
{
  Limiter *limiter = owner;
  uint64_t wake = UINT64_MAX;
  for (LimitPool *pool = limiter->pools; pool && !limiter->freed; pool = pool->next) {
    while (!limiter->freed && pool_serve(pool, &wake)) {
    }
  }
  if (limiter->freed) return;
  timer_stop(&limiter->timer);
  uint64_t now = loop_now_ms(limiter->loop);
  if (wake != UINT64_MAX) timer_start(&limiter->timer, wake > now ? wake - now : 1, 0);
}

static void limiter_wake(Limiter *limiter)
{
  loop_soon(limiter->loop, &limiter->soon, limiter_turn, limiter);
}

// ---- outside --------------------------------------------------------------------------------------------

Limiter *limiter_new(Loop *loop)
{
  Limiter *limiter = mem_alloc(sizeof(*limiter));
  *limiter = (Limiter){.loop = loop};
  arena_init(&limiter->arena);
  timer_init(loop, &limiter->timer, limiter_turn, limiter);
  return limiter;
}

static void limiter_closed(void *owner)
{
  Limiter *limiter = owner;
  arena_deinit(&limiter->arena);
  mem_free(limiter);
}

void limiter_free(Limiter *limiter)
{
  limiter->freed = true;
  loop_soon_cancel(limiter->loop, &limiter->soon);
  timer_close(&limiter->timer, limiter_closed);
}

void ticket_enter(Limiter *limiter, Ticket *ticket, Str provider, int limit, Str model)
{
  LimitPool *pool = pool_for(limiter, provider);
  pool_set_limit(pool, limit);
  ticket->pool = pool;
  ticket->gate = gate_for(pool, model);
  ticket->number = ++limiter->numbers;
  ticket->not_before = ticket->held_until = 0;
  if (closed_for(ticket)) pool->sweep = true;
  queue_add(pool, ticket);
  limiter_wake(limiter);
}

static void give_slot_back(Ticket *ticket)
{
  if (ticket->state != TICKET_HOLDING) return;
  int *group = group_slot(ticket->pool, ticket->group);
  if (group && *group > 0) --*group;
  ticket->pool->in_use--;
  ticket->gate->in_use--;
  ticket->state = TICKET_OUT;
  limiter_wake(ticket->pool->limiter);
}

void ticket_again(Ticket *ticket, uint64_t wait_ms)
{
  give_slot_back(ticket);
  ticket->not_before = wait_ms ? loop_now_ms(ticket->pool->limiter->loop) + wait_ms : 0;
  if (closed_for(ticket)) ticket->pool->sweep = true;
  queue_add(ticket->pool, ticket);
}

void ticket_leave(Ticket *ticket)
{
  if (ticket->state == TICKET_WAITING) queue_remove(ticket->pool, ticket);
  give_slot_back(ticket);
}

uint64_t ticket_hold_gate(Ticket *ticket, uint64_t named_ms)
{
  LimitGate *gate = ticket->gate;
  uint64_t now = loop_now_ms(ticket->pool->limiter->loop);
  if (now >= gate->open_at) {  // the first to find out; those in flight beside it tell nothing new
    gate->holds++;
    gate->successes = 0;
    gate->width = gate->width > 1 ? gate->width / 2 : 1;
  }
  uint64_t wait = backoff_ms(gate->holds, named_ms);
  if (now + wait > gate->open_at) gate->open_at = now + wait;
  limiter_wake(ticket->pool->limiter);
  return gate->open_at - now;
}

void ticket_succeeded(Ticket *ticket)
{
  LimitGate *gate = ticket->gate;
  gate->holds = 0;
  if (++gate->successes < gate->width || gate->width >= ticket->pool->limit) return;
  gate->width++;
  gate->successes = 0;
}

void ticket_rate(Ticket *ticket, const RateHint *hint)
{
  LimitGate *gate = ticket->gate;
  uint64_t now = loop_now_ms(ticket->pool->limiter->loop);
  for (int i = 0; i < RATE_COUNT; i++) {
    rate_bucket_set(&gate->rates[i], &hint->levels[i], gate->in_use <= 1, now);
  }
}

void ticket_close(Ticket *ticket, const Error *error, bool model_only)
{
  Error *closed = model_only ? &ticket->gate->closed : &ticket->pool->closed;
  if (!closed->code) *closed = *error;
  ticket->pool->sweep = true;
  limiter_wake(ticket->pool->limiter);
}

bool limiter_is_open(const Limiter *limiter, Str provider, Str model)
{
  for (const LimitPool *pool = limiter->pools; pool; pool = pool->next) {
    if (!str_eq(pool->provider, provider)) continue;
    if (pool->closed.code) return false;
    for (const LimitGate *gate = pool->gates; gate; gate = gate->next) {
      if (str_eq(gate->model, model) && gate->closed.code) return false;
    }
  }
  return true;
}

void limiter_reopen(Limiter *limiter)
{
  for (LimitPool *pool = limiter->pools; pool; pool = pool->next) {
    error_clear(&pool->closed);
    for (LimitGate *gate = pool->gates; gate; gate = gate->next) error_clear(&gate->closed);
  }
}
