// call.c: one model call as a state machine over tries.
//
//   WAITING --slot--> KEY --known--> TRYING --ok, or a failure that stays--> DONE
//      ^                                |
//      +-- again: 429, overload, cut ---+          a replayed call goes from WAITING to REPLAYING to DONE
//
// Callbacks translate into events; call_step decides. on_done is called from call_finish only, with the call
// out of every list and holding nothing. Usage is added up over all tries (try_usage), so that what a broken
// stream has cost is in the reply.
#include <string.h>

#include "base/log.h"
#include "model/models.h"
#include "model/request.h"
#include "model/try.h"

enum {
  TRIES_MAX = 3,
  GATED_MAX = 3,              // tries more that ended at a rate limit or an overload
  WAITS_MAX_MS = 15 * 60000,  // of one call, all together
  HOSTED_FIRST_MS = 120000,
  HOSTED_IDLE_MS = 90000,
  LOCAL_FIRST_MS = 600000,          // a local server may be loading the model or serving others
  LOADING_MAX_MS = LOCAL_FIRST_MS,  // the same patience where it says so instead of being silent
  LOCAL_IDLE_MS = 300000,
};

typedef enum {
  CALL_WAITING,
  CALL_KEY,
  CALL_TRYING,
  CALL_REPLAYING,
  CALL_FAILED,
  CALL_OVER,
  CALL_DONE
} CallState;

typedef enum {
  EV_GO,        // it has a slot
  EV_CLOSED,    // the provider is closed; the error is in call->reply
  EV_KEY,       // a command has brought the key
  EV_OVER,      // the try is over
  EV_REPLAYED,  // the cassette's delay has passed
  EV_CANCEL,    // the caller's wish
  EV_SOON,      // a failure or cancellation found outside the loop
} Event;

struct ModelCall {
  Models *models;  // NULL once models_free has let go of the call
  Loop *loop;
  ModelCall *prev, *next;  // in models' list
  Arena arena;
  ModelSpec spec;        // its request is [request]
  ModelRequest request;  // a deep copy in the arena
  SharedText *shared;    // owned: its `shared`
  const ProviderConfig *config;
  const Dialect *dialect;  // NULL: replayed
  CallState state;
  Ticket ticket;
  KeyWaiter key_waiter;
  LoopSoon soon;
  Timer timer;  // REPLAYING
  bool has_timer;
  Try try;
  bool try_open;  // try_end is still owed
  bool cancelled;
  int lessons;               // repeats without a field, which are no tries
  int gated;                 // tries that a rate limit or an overload ended
  int loading;               // tries that met a server still loading its model
  uint64_t waited_ms;        // between tries
  const Exchange *exchange;  // REPLAYING; a copy in the arena
  ModelReply reply;
};

static void call_step(ModelCall *call, Event event);

// ---- the end --------------------------------------------------------------------------------------------

static void call_unlink(ModelCall *call)
{
  if (!call->models) return;
  if (call->prev) {
    call->prev->next = call->next;
  } else {
    call->models->first = call->next;
  }
  if (call->next) call->next->prev = call->prev;
  call->prev = call->next = NULL;
}

static void call_free(void *owner)
{
  ModelCall *call = owner;
  shared_drop(call->shared);
  arena_deinit(&call->arena);
  mem_free(call);
}

static void record(ModelCall *call)
{
  Models *models = call->models;
  if (!models->recorder || call->reply.error.code) return;
  StrList secrets = {0};
  models_secrets(models, &call->arena, &secrets);
  if (!recorder_add(models->recorder, &call->request, &call->reply, &secrets)) {
    log_error("the recording could not be written; it is incomplete");
  }
}

static void call_release(ModelCall *call)
{
  if (call->try_open) try_end(&call->try);
  if (call->has_timer) {
    timer_close(&call->timer, call_free);
  } else {
    call_free(call);
  }
}

// Tells the caller. Holds nothing from here on but its memory, and a connection that was cut off by
// models_free; on_done may free everything else.
static void call_tell(ModelCall *call)
{
  call->state = CALL_DONE;
  ticket_leave(&call->ticket);
  key_wait_cancel(call->models->keys, &call->key_waiter);
  loop_soon_cancel(call->loop, &call->soon);
  record(call);
  call_unlink(call);
  call->models = NULL;
  if (call->spec.on_done) call->spec.on_done(call->spec.owner, &call->reply);
}

static void call_finish(ModelCall *call)
{
  call_tell(call);
  call_release(call);
}

// A provider that does not know a model seldom says which: the call does.
static void name_model(const ModelCall *call, Error *error)
{
  Str model = call->request.model;
  if (error->code != ERR_MODEL || str_has(str_from(error->message), model)) return;
  Error named = {0};
  error_set(&named, error->code, "%.*s/%.*s: %s", STR_ARG(call->request.provider), STR_ARG(model),
            error->message);
  memcpy(named.hint, error->hint, sizeof(named.hint));
  *error = named;
}

static void fail(ModelCall *call, const Error *error)
{
  if (call->reply.error.code == ERR_OK) call->reply.error = *error;
  name_model(call, &call->reply.error);
  call->reply.stop = STOP_ERROR;
}

static void soon_fired(void *owner)
{
  call_step(owner, EV_SOON);
}

// The call ends on the next turn of the loop, whatever it was doing.
static void fail_soon(ModelCall *call, const Error *error)
{
  fail(call, error);
  call->state = CALL_FAILED;
  loop_soon(call->loop, &call->soon, soon_fired, call);
}

// ---- one try --------------------------------------------------------------------------------------------

static void try_over(void *owner)
{
  call_step(owner, EV_OVER);
}

static uint64_t or_ms(uint64_t wanted, uint64_t local, bool loopback, uint64_t hosted)
{
  return wanted ? wanted : loopback ? local : hosted;
}

static void send_try(ModelCall *call, const Key *key)
{
  Models *models = call->models;
  Target target = models_target(models, call->config, call->request.model);
  bool loopback = url_is_loopback(target.base_url);
  call->state = CALL_TRYING;
  call->try_open = true;
  call->try = (Try){
      .dialect = call->dialect,
      .loop = call->loop,
      .first_byte_ms = or_ms(models->first_byte_ms, LOCAL_FIRST_MS, loopback, HOSTED_FIRST_MS),
      .idle_ms = or_ms(models->idle_ms, LOCAL_IDLE_MS, loopback, HOSTED_IDLE_MS),
      .on_over = try_over,
      .owner = call};
  call->reply.tries++;
  try_start(&call->try, models->http, &call->arena, &call->request, &target, key);
}

static Nano cost_of(const Price *price, const Usage *usage)
{
  bool nothing = usage->fresh_in + usage->cache_write + usage->cache_read + usage->out == 0;
  return nothing ? 0 : usage_cost_at(price, usage, wall_now_ms());
}

// Adds what the try used to the bill, priced by itself, for tiers go by the single request.
static void account(ModelCall *call)
{
  const Try *t = &call->try;
  Usage usage = try_usage(t, request_tokens_estimate(&call->request));
  Price price = price_of(call->models, call->request.provider, call->request.model);
  Nano cost = t->reply.cost != NANO_UNKNOWN ? t->reply.cost : cost_of(&price, &usage);
  usage_add(&call->reply.usage, &usage);
  call->reply.sent |= t->sent;
  cost_add(&call->reply.cost, cost);
  if (!try_broke_off(t)) return;
  Nano worst = request_worst_cost(call->models, &call->request);
  if (worst > cost) call->reply.unsure += worst - cost;
}

// The reply's text and calls, of the last try, whole or not.
static void take_reply(ModelCall *call)
{
  const ReplyBuilder *from = &call->try.reply;
  ModelReply *reply = &call->reply;
  reply->stop = from->stop;
  reply->stop_detail = from->stop_detail;
  reply->text = buf_str(&from->text);
  reply->calls = from->calls;
  reply->raw = from->raw;
  if (call->try.request_id.len) reply->request_id = call->try.request_id;
  models_clean_reply(call->models, &call->arena, reply);
}

// ---- after a failed try ---------------------------------------------------------------------------------

// Rate limits pass: they have tries of their own. So does a model that is being loaded, however often asked. But
// nobody waits for hours without being asked.
static bool tries_left(ModelCall *call, const Failure *failure)
{
  bool long_wait = failure->has_wait && failure->wait_ms > LIMIT_NAMED_MAX_MS;
  if (long_wait || call->waited_ms > WAITS_MAX_MS) return false;
  if (failure->gate && call->gated < GATED_MAX) {
    call->gated++;
    return true;
  }
  if (failure->loading) {
    call->loading++;
    return call->waited_ms < LOADING_MAX_MS;
  }
  return call->reply.tries - call->gated - call->loading < TRIES_MAX;
}

static bool may_retry(ModelCall *call, const Failure *failure)
{
  if (!failure->retry || !tries_left(call, failure)) return false;
  bool paid = call->reply.cost != 0;
  if (!paid || !call->spec.may_retry) return true;
  Nano worst = request_worst_cost(call->models, &call->request);
  Nano spent = call->reply.cost < 0 ? call->reply.cost : call->reply.cost + call->reply.unsure;
  return call->spec.may_retry(call->spec.owner, spent, worst);
}

static void retry(ModelCall *call, const Failure *failure)
{
  uint64_t named = failure->has_wait ? failure->wait_ms : UINT64_MAX;
  uint64_t wait = 0;
  if (failure->gate) {
    wait = ticket_hold_gate(&call->ticket, named);
  } else {
    wait = backoff_ms(call->reply.tries, named);
  }
  call->state = CALL_WAITING;
  call->waited_ms += wait;
  call->ticket.held_until = loop_now_ms(call->loop) + wait;  // told below
  ticket_again(&call->ticket, failure->gate ? 0 : wait);
  log_info("%.*s: %s; again in %llu ms", STR_ARG(call->request.label), failure->error.message,
           (unsigned long long)wait);
  if (call->spec.on_wait)
    call->spec.on_wait(call->spec.owner, str_from(failure->error.message), wait);
}

// A 400 that names a field: once more without it, at no cost and not counted as a try. Calls that went
// out beside it learn the same and repeat, too.
static bool lesson_learned(ModelCall *call, const Failure *failure)
{
  enum { LESSONS_MAX = 4 };
  unsigned quirk = lesson_after(failure->learned, call->try.reply.quirks);
  if (!quirk || call->lessons >= LESSONS_MAX) return false;
  models_learn(call->models, call->request.provider, call->request.model, quirk);
  call->lessons++;
  call->reply.tries--;
  call->state = CALL_WAITING;
  ticket_again(&call->ticket, 0);
  return true;
}

static void close_provider(ModelCall *call, const Failure *failure)
{
  call->reply.terminal = true;
  if (failure->error.code == ERR_AUTH) key_forget(call->models->keys, call->request.provider);
  ticket_close(&call->ticket, &failure->error, failure->model_only);
}

// Hours: the model is closed like one whose quota is used up, so that nobody else sits out a part of them.
static void close_for_hours(Failure *failure)
{
  if (!failure->retry || !failure->has_wait || failure->wait_ms <= LIMIT_NAMED_MAX_MS) return;
  failure->terminal = failure->model_only = true;
  failure->gate = false;
  error_hint_set(&failure->error, "the provider asks to wait %llu minutes; resume then",
                 (unsigned long long)(failure->wait_ms / 60000));
}

static void step_over(ModelCall *call)
{
  if (!call->models) {  // cut off by models_free, told long ago
    call_release(call);
    return;
  }
  account(call);
  ticket_rate(&call->ticket, &call->try.rate);
  Failure failure = call->try.failure;
  models_redact(call->models, &failure.error);
  bool ok = call->try.ok;
  if (ok) {
    ticket_succeeded(&call->ticket);
  } else if (!call->cancelled) {
    bool again = lesson_learned(call, &failure);
    if (!again && may_retry(call, &failure) && !call->cancelled) {
      retry(call, &failure);
      again = true;
    }
    if (again) {
      try_end(&call->try);
      call->try_open = false;
      return;
    }
    close_for_hours(&failure);
    if (failure.gate)
      ticket_hold_gate(&call->ticket, failure.has_wait ? failure.wait_ms : UINT64_MAX);
  }
  take_reply(call);
  if (!ok) fail(call, &failure.error);
  if (!ok && failure.terminal) close_provider(call, &failure);
  // Whoever waits for the slot goes first: reading a reply takes time that the provider could use.
  call->state = CALL_OVER;
  ticket_leave(&call->ticket);
  loop_late(call->loop, &call->soon, soon_fired, call);
}

// ---- replay ---------------------------------------------------------------------------------------------

static void replay_fired(void *owner)
{
  call_step(owner, EV_REPLAYED);
}

static void step_replay(ModelCall *call)
{
  Models *models = call->models;
  Error err = {0};
  const Exchange *found = NULL;
  if (models->cassette) {
    found = cassette_take(models->cassette, &call->request, &err);
  } else {
    error_set(&err, ERR_CASSETTE, "no cassette is loaded to replay from");
  }
  if (!found) {
    fail(call, &err);
    call_finish(call);
    return;
  }
  Exchange *copy = NEW(&call->arena, Exchange);
  *copy = *found;
  copy->text = str_dup(&call->arena, found->text);
  copy->calls = calls_copy(&call->arena, &found->calls);
  copy->provider = str_dup(&call->arena, found->provider);
  copy->model = str_dup(&call->arena, found->model);
  call->exchange = copy;
  call->state = CALL_REPLAYING;
  call->has_timer = true;
  call->reply.tries = 1;
  timer_init(call->loop, &call->timer, replay_fired, call);
  timer_start(&call->timer, models->replay_ms, 0);
}

static void step_replayed(ModelCall *call)
{
  const Exchange *exchange = call->exchange;
  ModelReply *reply = &call->reply;
  reply->text = exchange->text;
  reply->calls = exchange->calls;
  reply->stop = exchange->stop;
  reply->usage = exchange->usage;
  bool named = exchange->provider.len && exchange->model.len;
  Price price = price_of(call->models, named ? exchange->provider : call->request.provider,
                         named ? exchange->model : call->request.model);
  reply->cost = cost_of(&price, &exchange->usage);
  call_finish(call);
}

// ---- steps ----------------------------------------------------------------------------------------------

static void step_key(ModelCall *call)
{
  Key key = {0};
  Error err = {0};
  call->state = CALL_KEY;
  KeyState state = key_get(call->models->keys, call->config, &call->key_waiter, &key, &err);
  if (state == KEY_READY) {
    send_try(call, &key);
  } else if (state == KEY_FAILED) {
    Failure failure = {.error = err, .terminal = true};
    fail(call, &err);
    close_provider(call, &failure);
    call_finish(call);
  }
}

// Whatever it is doing, it stops; a running try says so by itself.
static void step_cancel(ModelCall *call)
{
  if (call->cancelled) return;
  call->cancelled = true;
  Error err = {0};
  error_set(&err, ERR_CANCELLED, "the call was cancelled");
  if (call->state == CALL_TRYING) try_cancel(&call->try);
  if (call->state == CALL_TRYING || call->state == CALL_OVER) return;
  ticket_leave(&call->ticket);
  key_wait_cancel(call->models->keys, &call->key_waiter);
  if (call->has_timer) timer_stop(&call->timer);
  fail_soon(call, &err);
}

static void call_step(ModelCall *call, Event event)
{
  switch (event) {
    case EV_GO:
      if (call->dialect) {
        step_key(call);
      } else {
        step_replay(call);
      }
      break;
    case EV_KEY: step_key(call); break;
    case EV_OVER: step_over(call); break;
    case EV_REPLAYED: step_replayed(call); break;
    case EV_CANCEL: step_cancel(call); break;
    case EV_CLOSED:
    case EV_SOON: call_finish(call); break;
  }
}

// ---- callbacks into events ------------------------------------------------------------------------------

static void ticket_go(void *owner)
{
  call_step(owner, EV_GO);
}

static void ticket_held(void *owner, Str why, uint64_t ms)
{
  ModelCall *call = owner;
  if (call->spec.on_wait && !call->cancelled) call->spec.on_wait(call->spec.owner, why, ms);
}

static void ticket_closed(void *owner, const Error *error)
{
  ModelCall *call = owner;
  fail(call, error);
  call->reply.terminal = true;
  call_step(call, EV_CLOSED);
}

static void key_ready(void *owner, const Error *error)
{
  ModelCall *call = owner;
  if (error->code) {
    Failure failure = {.error = *error, .terminal = true};
    fail(call, error);
    close_provider(call, &failure);
    call_step(call, EV_SOON);
  } else {
    call_step(call, EV_KEY);
  }
}

// ---- outside --------------------------------------------------------------------------------------------

// What counts against the provider's tokens per minute. The one that writes the context counts it; the others read it.
static int64_t tokens_for_limit(const ModelCall *call)
{
  int64_t all = request_tokens_estimate(&call->request);
  bool reads = call->dialect && call->dialect->cached_is_unlimited;
  return reads ? all - tokens_estimate(call->request.shared) : all;
}

static ModelCall *call_new(Models *models, const ModelSpec *spec)
{
  ModelCall *call = mem_alloc(sizeof(*call));
  *call = (ModelCall){.models = models, .loop = models->loop, .spec = *spec};
  arena_init(&call->arena);
  call->request = request_copy(&call->arena, spec->request);
  call->shared = shared_take(models->first ? models->first->shared : NULL, spec->request->shared);
  call->request.shared = (Str){call->shared->bytes, call->shared->len};
  call->spec.request = &call->request;
  call->reply.usage.known = true;
  call->ticket = (Ticket){.on_go = ticket_go,
                          .on_closed = ticket_closed,
                          .on_held = ticket_held,
                          .owner = call,
                          .urgent = !str_eq(spec->request->role, S("execute")),
                          .group = request_group(spec->request),
                          .group_most = spec->most};
  call->key_waiter = (KeyWaiter){.on_ready = key_ready, .owner = call};
  call->next = models->first;
  if (call->next) call->next->prev = call;
  models->first = call;
  return call;
}

static void enter(ModelCall *call)
{
  call->ticket.tokens = tokens_for_limit(call);
  ticket_enter(call->models->limiter, &call->ticket, call->request.provider, call->config->limit,
               call->request.model);
}

void model_go(ModelCall *call, const Error *err)
{
  if (call->state != CALL_WAITING || call->ticket.state != TICKET_OUT) return;  // it has failed
  if (err->code) {
    fail_soon(call, err);
  } else {
    enter(call);
  }
}

ModelCall *model_start(Models *models, const ModelSpec *spec)
{
  ModelCall *call = call_new(models, spec);
  const ModelRequest *request = &call->request;
  if (models_check(models, request, &call->config, &call->dialect, &call->reply.error)) {
    if (!spec->held) enter(call);
  } else {
    call->reply.terminal = true;  // what is wrong with the configuration is wrong for every call
    fail_soon(call, &call->reply.error);
  }
  return call;
}

void model_cancel(ModelCall *call)
{
  call_step(call, EV_CANCEL);
}

void model_let_go(ModelCall *call)
{
  if (call->state == CALL_WAITING && call->reply.tries == 0) model_cancel(call);
}

// The connection of a running try outlives its call by a turn of the loop; what it has cost by now is
// estimated, for nobody will be there to count.
void models_calls_drop(Models *models)
{
  Error err = {0};
  error_set(&err, ERR_CANCELLED, "piecework is shutting down");
  while (models->first) {
    ModelCall *call = models->first;
    bool trying = call->state == CALL_TRYING && call->try.http;
    call->cancelled = true;
    if (call->state != CALL_OVER) fail(call, &err);
    if (trying) {
      call->try.sent = true;
      account(call);
      try_cancel(&call->try);
      call_tell(call);
    } else {
      call_finish(call);
    }
  }
}
