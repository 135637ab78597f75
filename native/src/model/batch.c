// batch.c: see batch.h.
//
//   GATHERING --quiet for a moment--> SENDING (upload, create) --accepted--> WAITING <--> POLLING
//       |            SEEKING (among the provider's batches) <--no id came--+ or --found--^
//       |                                |                                                   | ended
//       |                                +-- refused: all calls fail                     FETCHING (one or two files)
//       +-- all calls gone                                                                   |
//                                                                          OVER: calls without a result fail
//
// PIECEWORK_BATCH_MS, for tests, is the time between two polls.
#include "model/batch_private.h"

#include "base/log.h"
#include "lib/json.h"

enum {
  POLL_MAX_MS = 60000,
  SEND_TRIES = 4,
  SEEK_TRIES = 4,
  CANCEL_POLLS = 8,
  CANCEL_POLL_MS = 700,
};

static void batch_step(Batch *batch);
static void fail_all(Batch *batch, const Error *error, bool terminal, bool pending, bool sent);

// ---- ends -----------------------------------------------------------------------------------------------

static void timer_closed(void *owner)
{
  Batch *batch = owner;
  buf_deinit(&batch->items);
  buf_deinit(&batch->body);
  sse_deinit(&batch->lines);
  arena_deinit(&batch->arena);
  mem_free(batch);
}

static void batch_free(Batch *batch)
{
  if (batch->freed) return;
  batch->freed = true;
  Models *models = batch->models;
  for (Batch **at = &models->batches; *at; at = &(*at)->next) {
    if (*at != batch) continue;
    *at = batch->next;
    break;
  }
  batch->state = BATCH_OVER;
  key_wait_cancel(models->keys, &batch->key_waiter);
  loop_soon_cancel(models->loop, &batch->soon);
  if (batch->http) http_cancel(batch->http);  // its on_done finds the batch freed
  timer_stop(&batch->timer);
  if (!batch->http) timer_close(&batch->timer, timer_closed);
}

static void call_end(BatchCall *call, const ModelReply *reply)
{
  for (BatchCall **at = &call->batch->calls; *at; at = &(*at)->next) {
    if (*at != call) continue;
    *at = call->next;
    break;
  }
  call->spec.on_done(call->spec.owner, reply);
  arena_deinit(&call->arena);
  mem_free(call);
}

static void call_fail(BatchCall *call, const Error *error, bool terminal, bool pending, bool sent)
{
  ModelReply reply = {.error = *error,
                      .stop = STOP_ERROR,
                      .cost = sent ? NANO_UNKNOWN : 0,
                      .sent = sent,
                      .terminal = terminal,
                      .pending = pending,
                      .usage.known = !sent};
  call_end(call, &reply);
}

static void fail_all(Batch *batch, const Error *error, bool terminal, bool pending, bool sent)
{
  Error copy = *error;
  while (batch->calls) call_fail(batch->calls, &copy, terminal, pending, sent);
}

// ---- results --------------------------------------------------------------------------------------------

static BatchCall *find_call(const Batch *batch, Str key)
{
  for (BatchCall *call = batch->calls; call; call = call->next) {
    if (str_eq(call->key, key)) return call;
  }
  return NULL;
}

static void take_result(Batch *batch, const Value *result)
{
  BatchItem item;
  if (!batch->wire->item(result, &item)) return;
  BatchCall *call = find_call(batch, item.key);
  Arena own;
  arena_init(&own);
  Arena *arena = call ? &call->arena : &own;
  ModelReply reply = {.sent = true};
  batch_read_item(batch, arena, &item, call ? call->prompt_tokens : 0, &reply);
  Models *models = batch->models;
  if (call)
    call_end(call, &reply);
  else if (models->on_stray)
    models->on_stray(models->stray_owner, item.key, &reply);
  arena_deinit(&own);
}

static void seek(Batch *batch, uint64_t ms)
{
  batch->id = STR_NONE;
  batch->sought = true;
  batch->tries = 0;
  batch->state = BATCH_SEEKING;
  batch->last = (BatchAnswer){0};
  batch_wait(batch, ms);
}

static void over(Batch *batch)
{
  if (batch->sought && !batch->certain && batch->calls) {  // theirs, or one of several of ours
    PUSH(&batch->arena, &batch->not_ours, batch->id);
    seek(batch, 0);
    return;
  }
  Error err = batch->last.error;
  bool free_of_charge = err.code != ERR_OK;
  if (!free_of_charge)
    error_set(&err, ERR_REPLY, "the batch ended without an answer to this request");
  fail_all(batch, &err, false, false, !free_of_charge);
  batch_free(batch);
}

// ---- exchanges ------------------------------------------------------------------------------------------

// What the next exchange asks for.
static bool request_of(Batch *batch, Arena *arena, const Target *target, WireRequest *out)
{
  switch (batch->state) {
    case BATCH_SENDING:
      batch->wire->begin(arena, target, batch->model, batch->tag, buf_str(&batch->items), out);
      return true;
    case BATCH_SEEKING:
      *out = (WireRequest){.url = batch->wire->list_url(arena, target)};
      return true;
    case BATCH_CREATING:
      batch->wire->create(arena, target, batch->dialect->name, batch->tag, batch->uploaded, out);
      return true;
    case BATCH_POLLING:
      *out = (WireRequest){.url = batch->cancelling && !batch->cancel_sent
                                      ? batch->wire->cancel_url(arena, target, batch->id)
                                      : batch->wire->poll_url(arena, target, batch->id)};
      return true;
    case BATCH_FETCHING: *out = (WireRequest){.url = batch->last.results[batch->file]}; return true;
    default: return false;
  }
}

void batch_wait(Batch *batch, uint64_t ms)
{
  timer_start(&batch->timer, ms, 0);
}

static uint64_t poll_pause(Batch *batch)
{
  Models *models = batch->models;
  if (batch->cancelling) return models->batch_ms ? models->batch_ms : CANCEL_POLL_MS;
  if (models->batch_ms) return models->batch_ms;
  uint64_t ms = batch->poll_ms;
  batch->poll_ms = ms * 2 < POLL_MAX_MS ? ms * 2 : POLL_MAX_MS;
  return ms;
}

static void wait_for_poll(Batch *batch)
{
  batch->state = BATCH_WAITING;
  uint64_t ms = poll_pause(batch);
  batch_wait(batch, ms);
  BatchCall *call = batch->calls;
  if (!call || !call->spec.on_wait) return;
  Str why = str_fmt(&batch->arena, "batch %.*s: %lld of %lld answered", STR_ARG(batch->id),
                    (long long)batch->last.done, (long long)batch->last.total);
  if (!batch->last.total) why = str_fmt(&batch->arena, "batch %.*s is at work", STR_ARG(batch->id));
  call->spec.on_wait(call->spec.owner, why, ms);
}

// ---- answers --------------------------------------------------------------------------------------------

static void accepted(Batch *batch)
{
  buf_deinit(&batch->items);
  buf_init(&batch->items, 1);
  batch->id = batch->last.id;
  bool sure = !batch->sought || batch->certain;
  for (BatchCall *call = batch->calls; sure && call; call = call->next) {
    if (call->spec.on_handed_in) call->spec.on_handed_in(call->spec.owner, batch->id);
  }
  log_info("batch %.*s: %zu requests handed in", STR_ARG(batch->id), batch->count);
  wait_for_poll(batch);
}

static void next_file(Batch *batch)
{
  while (batch->file < 2 && !batch->last.results[batch->file].len) batch->file++;
  if (batch->file >= 2) {
    over(batch);
    return;
  }
  batch->state = BATCH_FETCHING;
  sse_deinit(&batch->lines);
  sse_init(&batch->lines, 0);
  batch->lines.lines = true;
  batch_step(batch);
}

static void ended(Batch *batch)
{
  for (VALUE_EACH (result, batch->last.inlined)) take_result(batch, result);
  batch->file = 0;
  next_file(batch);
}

static void polled(Batch *batch)
{
  if (batch->last.ended) {
    ended(batch);
  } else if (batch->cancelling && ++batch->cancel_polls > CANCEL_POLLS) {
    Error err = {0};
    error_set(&err, ERR_CANCELLED, "the batch is being cancelled");
    fail_all(batch, &err, false, true, true);
    batch_free(batch);
  } else {
    wait_for_poll(batch);
  }
}

static bool is_known(const Batch *batch, Str id)
{
  for (size_t i = 0; i < batch->not_ours.len; i++) {
    if (str_eq(batch->not_ours.items[i], id)) return true;
  }
  for (const Batch *other = batch->models->batches; other; other = other->next) {
    if (str_eq(other->id, id)) return true;
  }
  return false;
}

enum { NOT_OURS, CERTAIN = 8 };

// How likely the batch of the list that has [last] is ours. It is when it bears the key of one of our calls. Where
// batches bear none, or a call that nobody waits for any more, only what is in it tells, when it has ended: those of
// our size first, and of these those that can tell at once.
static int likeness(const Batch *batch, const Value *listed, const BatchAnswer *last)
{
  int64_t calls = 0;
  Str tag = batch->wire->tag_of ? batch->wire->tag_of(listed) : STR_NONE;
  if (!last->id.len || is_known(batch, last->id)) return NOT_OURS;
  for (const BatchCall *call = batch->calls; call; call = call->next, calls++) {
    if (tag.len && str_eq(call->key, tag)) return CERTAIN;
  }
  if ((batch->wire->tag_of && !tag.len) || last->total == 0) return NOT_OURS;
  return 1 + last->ended + 2 * (last->total > calls) + 4 * (last->total == calls);
}

static void sought(Batch *batch, const Target *target, const Value *answer)
{
  int best = NOT_OURS;
  for (VALUE_EACH (listed, value_get(answer, str_from(batch->wire->listed)))) {
    BatchAnswer last = {0};
    batch->wire->read(&batch->arena, target, listed, &last);
    int likely = likeness(batch, listed, &last);
    if (likely > best) batch->last = last;
    if (likely > best) best = likely;
  }
  batch->certain = best == CERTAIN;
  if (best != NOT_OURS) {
    accepted(batch);
    return;
  }
  if (++batch->tries < SEEK_TRIES) {
    batch_wait(batch, backoff_ms(batch->tries, UINT64_MAX));
    return;
  }
  Error err = {0};
  error_set(&err, ERR_NETWORK,
            "the provider did not say whether it took the batch, and lists none");
  fail_all(batch, &err, false, false, true);
  batch_free(batch);
}

// The list could not be had; the batch, if there is one, can be looked for on another day.
static void not_listed(Batch *batch, const Failure *failure)
{
  bool passes = failure->retry || failure->error.code == ERR_NETWORK;
  if (passes && ++batch->tries < SEEK_TRIES) {
    batch_wait(batch, backoff_ms(batch->tries, failure->has_wait ? failure->wait_ms : UINT64_MAX));
    return;
  }
  fail_all(batch, &failure->error, failure->terminal, true, true);
  batch_free(batch);
}

static void read_answer(Batch *batch)
{
  Target target = models_target(batch->models, batch->config, batch->model);
  const Value *answer = json_parse(&batch->arena, buf_str(&batch->body), NULL);
  if (batch->state == BATCH_SENDING && batch->wire->create) {
    batch->uploaded = answer;
    batch->state = BATCH_CREATING;
    batch->tries = 0;
    batch_step(batch);
    return;
  }
  if (batch->state == BATCH_POLLING && batch->cancelling && !batch->cancel_sent) {
    batch->cancel_sent = true;
    wait_for_poll(batch);
    return;
  }
  if (batch->state == BATCH_SEEKING) {
    sought(batch, &target, answer);
    return;
  }
  bool made = batch->state != BATCH_POLLING;
  BatchAnswer was = batch->last;
  batch->last = (BatchAnswer){0};
  batch->wire->read(&batch->arena, &target, answer, &batch->last);
  if (made && !batch->last.id.len) {
    seek(batch, backoff_ms(1, UINT64_MAX));
  } else if (made) {
    accepted(batch);
  } else if (!batch->last.id.len) {
    batch->last = was;
    wait_for_poll(batch);  // not an answer to what was asked
  } else {
    polled(batch);
  }
}

// It could not be handed in: tried again while nothing can have been made, else the calls fail with the reason.
static void not_sent(Batch *batch, const Failure *failure, bool sent)
{
  bool safe = batch->state == BATCH_SENDING &&
              batch->wire->create;  // a file that nobody uses costs nothing
  bool again = failure->retry && (!sent || safe || failure->gate) && ++batch->tries < SEND_TRIES;
  if (again) {
    batch_wait(batch, backoff_ms(batch->tries, failure->has_wait ? failure->wait_ms : UINT64_MAX));
    return;
  }
  if (sent && !safe && !failure->gate && !failure->terminal) {
    seek(batch, backoff_ms(1, UINT64_MAX));
    return;
  }
  fail_all(batch, &failure->error, failure->terminal, false, sent && !safe && !failure->gate);
  batch_free(batch);
}

// The batch exists, and what it answers is paid for: it is asked again, unless the provider says that it
// will not answer; then it stays where it is, for a day when it does.
static void not_told(Batch *batch, const Failure *failure)
{
  Err code = failure->error.code;
  bool passes = failure->retry || code == ERR_NETWORK || code == ERR_TIMEOUT;
  if (batch->cancelling && !batch->cancel_sent) {
    batch->cancel_sent = true;  // it has ended meanwhile, more often than not
    wait_for_poll(batch);
  } else if (passes && !(batch->cancelling && ++batch->cancel_polls > CANCEL_POLLS)) {
    wait_for_poll(batch);
  } else {
    fail_all(batch, &failure->error, failure->terminal, true, true);
    batch_free(batch);
  }
}

static void drain_lines(Batch *batch)
{
  SseEvent event;
  Arena scratch;
  arena_init(&scratch);
  while (sse_next(&batch->lines, &event)) {
    const Value *result = json_parse(&scratch, event.data, NULL);
    if (result) take_result(batch, result);
    arena_reset(&scratch);
  }
  arena_deinit(&scratch);
}

static void fetched(Batch *batch)
{
  sse_end(&batch->lines);
  drain_lines(batch);
  batch->file++;
  next_file(batch);
}

static void on_chunk(void *owner, Str bytes)
{
  Batch *batch = owner;
  if (batch->freed) return;
  if (batch->state == BATCH_FETCHING && batch->good) {
    sse_feed(&batch->lines, bytes);
    drain_lines(batch);
  } else {
    buf_add(&batch->body, bytes);
  }
}

static void on_head(void *owner, const HttpHead *head)
{
  Batch *batch = owner;
  if (batch->freed) return;
  buf_clear(&batch->body);
  batch->good = head->status >= 200 && head->status < 300;
}

static void on_http_done(void *owner, const Error *err, const HttpHead *head, bool sent)
{
  Batch *batch = owner;
  batch->http = NULL;
  if (batch->freed) {
    timer_close(&batch->timer, timer_closed);
    return;
  }
  Failure failure = {.error = *err};
  bool bad_status = err->code == ERR_OK && !batch->good;
  failure.retry = err->code == ERR_NETWORK || err->code == ERR_TIMEOUT;
  failure.terminal = err->code == ERR_TLS || err->code == ERR_CONFIG;
  if (bad_status) batch->dialect->classify(head, buf_str(&batch->body), &failure);
  models_redact(batch->models, &failure.error);
  bool handing_in = batch->state == BATCH_SENDING || batch->state == BATCH_CREATING;
  if (failure.error.code == ERR_OK && batch->state == BATCH_FETCHING)
    fetched(batch);
  else if (failure.error.code == ERR_OK)
    read_answer(batch);
  else if (batch->state == BATCH_SEEKING)
    not_listed(batch, &failure);
  else if (handing_in)
    not_sent(batch, &failure, sent && !bad_status);
  else
    not_told(batch, &failure);
}

// ---- steps ----------------------------------------------------------------------------------------------

static void ask(Batch *batch, const Key *key)
{
  Arena scratch;
  WireRequest wire;
  arena_init(&scratch);
  Target target = models_target(batch->models, batch->config, batch->model);
  if (request_of(batch, &scratch, &target, &wire)) {
    wire_provider_headers(&scratch, batch->dialect, batch->config, &target, key, &wire);
    wire_custom(&scratch, &target, &wire);
    bool cancel = batch->state == BATCH_POLLING && batch->cancelling && !batch->cancel_sent;
    HttpSpec spec = {.url = wire.url,
                     .headers = wire.headers,
                     .header_count = wire.header_count,
                     .body = wire.body,
                     .post = wire.body.len > 0 || cancel,
                     .max_reply = batch->state == BATCH_FETCHING ? (size_t)1 << 30 : 0,
                     .first_byte_ms = batch->models->first_byte_ms,
                     .idle_ms = batch->models->idle_ms,
                     .on_head = on_head,
                     .on_chunk = on_chunk,
                     .on_done = on_http_done,
                     .owner = batch};
    buf_clear(&batch->body);
    batch->good = false;
    batch->http = http_start(batch->models->http, &spec);
    wire_wipe(&wire);
  }
  arena_deinit(&scratch);
}

static void no_key(Batch *batch, const Error *err)
{
  bool held = batch->id.len > 0 || batch->sought;
  fail_all(batch, err, true, held, held);
  batch_free(batch);
}

static void key_ready(void *owner, const Error *error)
{
  Batch *batch = owner;
  if (error->code)
    no_key(batch, error);
  else
    batch_step(batch);
}

static void batch_step(Batch *batch)
{
  Key key = {0};
  Error err = {0};
  KeyState state = key_get(batch->models->keys, batch->config, &batch->key_waiter, &key, &err);
  if (state == KEY_READY)
    ask(batch, &key);
  else if (state == KEY_FAILED)
    no_key(batch, &err);
}

static void on_timer(void *owner)
{
  Batch *batch = owner;
  if (batch->state == BATCH_GATHERING) batch->state = batch->sought ? BATCH_SEEKING : BATCH_SENDING;
  if (batch->state == BATCH_WAITING) batch->state = BATCH_POLLING;
  if (!batch->http) batch_step(batch);
}

// ---- letting go -----------------------------------------------------------------------------------------

static bool all_cancelled(const Batch *batch)
{
  for (const BatchCall *call = batch->calls; call; call = call->next) {
    if (!call->cancelled) return false;
  }
  return batch->calls != NULL;
}

static void release(Batch *batch)
{
  bool handed_in = batch->state != BATCH_GATHERING || batch->sought;
  Error err = {0};
  error_set(&err, ERR_CANCELLED, handed_in ? "its batch goes on; resume collects it" : "stopped");
  for (BatchCall *call = batch->calls, *next; call; call = next) {
    next = call->next;
    if (call->cancelled || call->let_go) call_fail(call, &err, false, handed_in, handed_in);
  }
}

// Some calls have been let go or cancelled since the last turn of the loop.
static void sort_out(void *owner)
{
  Batch *batch = owner;
  bool at_work = batch->id.len > 0;
  if (at_work && !batch->cancelling && all_cancelled(batch)) {
    batch->cancelling = true;
    if (batch->state == BATCH_WAITING) batch_wait(batch, 0);
    return;  // they end with the batch
  }
  if (batch->cancelling) return;
  release(batch);
  if (!batch->calls && !batch->watched) batch_free(batch);
}

void batch_let_go(BatchCall *call)
{
  call->let_go = true;
  loop_soon(call->batch->models->loop, &call->batch->soon, sort_out, call->batch);
}

void batch_cancel(BatchCall *call)
{
  call->cancelled = true;
  loop_soon(call->batch->models->loop, &call->batch->soon, sort_out, call->batch);
}

void models_batches_drop(Models *models)
{
  Error err = {0};
  error_set(&err, ERR_CANCELLED, "piecework is shutting down");
  while (models->batches) {
    Batch *batch = models->batches;
    bool handed_in = batch->state != BATCH_GATHERING || batch->sought;
    fail_all(batch, &err, false, handed_in, handed_in);
    batch_free(batch);
  }
}

void batch_init_steps(Batch *batch)
{
  batch->key_waiter = (KeyWaiter){.on_ready = key_ready, .owner = batch};
  timer_init(batch->models->loop, &batch->timer, on_timer, batch);
}
