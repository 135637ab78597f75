// attempt.c: see attempt.h.
#include "work/attempt.h"

#include "lib/json.h"
#include "lib/store.h"
#include "model/batch.h"
#include "model/request.h"
#include "work/transcript.h"

struct Attempt {
  AttemptSpec spec;
  Arena arena;
  AttemptRow row;
  Budget budget;
  Str model;            // "provider/model"
  int64_t estimated;    // tokens of the prompt
  bool tools;           // the reply is stored with its calls
  ModelCall *call;      // while in flight
  BatchCall *batched;   // the same, in a batch
  LoopSoon soon;        // hands out a stored reply
  ModelRequest *spare;  // the same request to the fallback; NULL = there is none, or it was taken
  StoreWaiter reserved;
  const ModelRequest *request;  // to be handed in once it is reserved
  bool cancelled;
};

// ---- prompt and reply as text ------------------------------------------------------------------------

// The text that names a request: everything that decides the reply. What the journal stores as prompt;
// transcript_read gets the conversation back out of it.
static Str prompt_text(Arena *arena, const ModelRequest *request)
{
  Value *map = value_map(arena), *tools = value_list(arena);
  value_put_str(arena, map, S("provider"), request->provider);
  value_put_str(arena, map, S("model"), request->model);
  value_put_str(arena, map, S("effort"), request->effort);
  value_put_int(arena, map, S("max_output"), request->max_output);
  value_put_str(arena, map, S("system"), request->system);
  value_put_str(arena, map, S("shared"), request->shared);
  for (size_t i = 0; i < request->tool_count; i++) {
    value_push(tools, value_str(arena, request->tools[i].name));
  }
  value_set(map, S("messages"), transcript_messages(arena, &request->messages));
  if (request->tool_count) value_set(map, S("tools"), tools);
  return json_str(arena, map);
}

// A reply to a request without tools is stored as its text, else with its calls and blocks.
static Str reply_store(Arena *arena, bool tools, const ModelReply *reply)
{
  return tools ? reply_write(arena, reply) : reply->text;
}

static void reply_load(Arena *arena, bool tools, Str stored, AttemptReply *out)
{
  ModelReply reply = {.text = stored};
  if (tools && !reply_read(arena, stored, &reply, &out->error)) return;
  out->text = reply.text;
  out->calls = reply.calls;
  out->raw = reply.raw;
}

// ---- ending ------------------------------------------------------------------------------------------

static void attempt_free(Attempt *attempt)
{
  loop_soon_cancel(attempt->spec.engine->loop, &attempt->soon);
  journal_on_disk_cancel(attempt->spec.engine->journal, &attempt->reserved);
  arena_deinit(&attempt->arena);
  mem_free(attempt);
}

// The owner may start the next attempt from on_done; this one is gone by then but for its texts.
static void tell(Attempt *attempt, const AttemptReply *reply)
{
  attempt->spec.on_done(attempt->spec.owner, reply);
  attempt_free(attempt);
}

static Err outcome_of(const ModelReply *reply)
{
  if (reply->error.code != ERR_OK) return reply->error.code;
  if (reply->stop == STOP_LENGTH) return ERR_TRUNCATED;
  return reply->stop == STOP_REFUSED ? ERR_MODEL_REFUSED : ERR_OK;
}

static void fill_row(AttemptRow *row, const ModelReply *reply)
{
  const Usage *usage = &reply->usage;
  row->outcome = outcome_of(reply);
  row->error = str_from(reply->error.message);
  row->usage = (AttemptUsage){usage->fresh_in, usage->cache_write, usage->cache_read, usage->out,
                              usage->reasoning};
  row->usage_known = usage->known;
  row->cost = reply->cost;
  row->unsure = reply->cost < 0 ? 0 : reply->unsure;  // else all of it is
  row->sent = reply->sent;
  row->request_id = reply->request_id;
}

static bool take_spare(Attempt *attempt, const ModelReply *reply);

// A server that writes past the limit it was given, or counts a prompt as nobody else does: the budget could not know.
static void say_overrun(Attempt *attempt, const ModelReply *reply)
{
  const AttemptSpec *spec = &attempt->spec;
  const Usage *used = &reply->usage;
  Nano held = attempt->row.worst_case;
  bool capped = attempt->budget.plan_limit >= 0 || attempt->budget.day_limit >= 0;
  if (!capped || held < 0 || reply->cost <= held) return;
  engine_note(spec->engine, spec->plan, spec->task, S("overrun"),
              "a call of %.*s cost %.*s, and at most %.*s was expected (%lld tokens in, %lld out)",
              STR_ARG(attempt->model), STR_ARG(money(&attempt->arena, reply->cost)),
              STR_ARG(money(&attempt->arena, held)),
              (long long)(used->fresh_in + used->cache_write + used->cache_read),
              (long long)used->out);
}

// Nothing is used before it is stored: when that fails, the reply counts as an error of the journal.
static void call_done(void *owner, const ModelReply *reply)
{
  Attempt *attempt = owner;
  attempt->call = NULL;
  attempt->batched = NULL;
  if (reply->pending) {
    AttemptReply none = {.error = reply->error, .terminal = reply->terminal};
    tell(attempt, &none);
    return;
  }
  fill_row(&attempt->row, reply);
  say_overrun(attempt, reply);
  // The usage of several tries, or of a cut one, is not that of one prompt.
  bool one_prompt = reply->sent && reply->tries <= 1 && reply->error.code == ERR_OK;
  attempt->row.estimated_in = one_prompt && reply->usage.known ? attempt->estimated : 0;
  AttemptReply out = {.error = reply->error,
                      .stop = reply->stop,
                      .text = reply->text,
                      .calls = reply->calls,
                      .raw = reply->raw,
                      .terminal = reply->terminal,
                      .detail = reply->stop_detail};
  Error err = {0};
  Str stored = reply_store(&attempt->arena, attempt->tools, reply);
  if (!journal_attempt_finish(attempt->spec.engine->journal, &attempt->row, stored, &err)) {
    if (out.error.code != ERR_JOURNAL) out.error = err;
    out.terminal = true;
  }
  if (attempt->cancelled && out.error.code == ERR_OK) {
    error_set(&out.error, ERR_CANCELLED, "stopped");
  }
  if (reply->terminal && err.code == ERR_OK && take_spare(attempt, reply)) return;
  tell(attempt, &out);
}

// A further try inside the call: what it spent so far and its next worst case have to fit as a whole.
static bool may_retry(void *owner, Nano spent, Nano worst)
{
  Attempt *attempt = owner;
  Engine *engine = attempt->spec.engine;
  bool capped = attempt->budget.plan_limit >= 0 || attempt->budget.day_limit >= 0;
  if (!capped) return true;
  if (spent < 0 || worst < 0) return false;
  Nano total = spent + worst, more = total - attempt->row.worst_case;
  if (more <= 0) return true;
  Error err = {0};
  if (budget_ask(engine, attempt->spec.plan, &attempt->budget, more, attempt->model, &err) !=
      BUDGET_GO) {
    return false;
  }
  MoneyCaps caps = budget_caps(&attempt->budget);
  if (!journal_attempt_raise(engine->journal, attempt->row.id, total, &caps, &err)) return false;
  attempt->row.worst_case = total;
  return true;
}

// Said when it is long enough to be noticed, with the time it ends, so that a countdown can be shown.
static void call_waits(void *owner, Str why, uint64_t ms)
{
  Attempt *attempt = owner;
  enum { NOTICED_MS = 1000 };
  if (ms < NOTICED_MS) return;
  Value *params = value_map(&attempt->arena);
  value_put_int(&attempt->arena, params, S("plan"), attempt->spec.plan);
  value_put_str(&attempt->arena, params, S("task"), attempt->spec.task);
  value_put_str(&attempt->arena, params, S("model"), attempt->model);
  value_put_str(&attempt->arena, params, S("note"), str_dup(&attempt->arena, why));
  value_put_int(&attempt->arena, params, S("until_ms"), wall_now_ms() + (int64_t)ms);
  engine_event(attempt->spec.engine, S("wait"), params);
}

// ---- one call ----------------------------------------------------------------------------------------

static bool is_reply(Err outcome)
{
  return outcome == ERR_OK || outcome == ERR_TRUNCATED || outcome == ERR_MODEL_REFUSED;
}

// What was asked for this task before.
static void find_earlier(Attempt *attempt, Str prompt, AttemptRowList *rows, Str *hash)
{
  const AttemptSpec *spec = &attempt->spec;
  bool needed = spec->reuse_since_ms >= 0 || spec->phase == PHASE_EXECUTE;
  if (needed)
    journal_attempt_list(spec->engine->journal, &attempt->arena, spec->plan, spec->task, rows,
                         NULL);
  if (rows->len) *hash = content_hash(&attempt->arena, prompt);
}

// The newest reply that was stored for this prompt and model since the task began.
static const AttemptRow *find_stored(Attempt *attempt, const AttemptRowList *rows, Str hash)
{
  for (size_t i = attempt->spec.reuse_since_ms < 0 ? 0 : rows->len; i-- > 0;) {
    const AttemptRow *row = &rows->items[i];
    if (row->started_ms < attempt->spec.reuse_since_ms || row->ended_ms == 0) continue;
    if (row->phase != attempt->spec.phase || !str_eq(row->task, attempt->spec.task)) continue;
    if (!is_reply(row->outcome) || !row->replied || !str_eq(row->prompt_hash, hash)) continue;
    return row;
  }
  return NULL;
}

static void tell_stored(void *owner)
{
  Attempt *attempt = owner;
  AttemptReply out = {.stop = STOP_DONE, .stored = true};
  Str stored;
  if (attempt->row.outcome == ERR_TRUNCATED) out.stop = STOP_LENGTH;
  if (attempt->row.outcome == ERR_MODEL_REFUSED) out.stop = STOP_REFUSED;
  if (attempt->cancelled) {
    error_set(&out.error, ERR_CANCELLED, "stopped");
  } else if (journal_attempt_reply(attempt->spec.engine->journal, &attempt->arena, attempt->row.id,
                                   &stored, &out.error)) {
    reply_load(&attempt->arena, attempt->tools, stored, &out);
  }
  tell(attempt, &out);
}

static ModelRequest *keep_request(Attempt *attempt, const ModelRequest *request)
{
  ModelRequest *kept = NEW(&attempt->arena, ModelRequest);
  *kept = request_copy(&attempt->arena, request);
  kept->shared = str_dup(&attempt->arena, request->shared);
  return kept;
}

// ---- batches ----------------------------------------------------------------------------------------

// The key a request goes by in its batch: another journal of the same account has other moments.
static Str batch_key(Arena *arena, const AttemptRow *row)
{
  return str_fmt(arena, "pw%lld-%llx", (long long)row->id, (unsigned long long)row->started_ms);
}

static void handed_in(void *owner, Str id)
{
  Attempt *attempt = owner;
  Error err = {0};
  if (!journal_attempt_handed_in(attempt->spec.engine->journal, attempt->row.id, id, &err)) {
    engine_note(attempt->spec.engine, attempt->spec.plan, attempt->spec.task, S("log"),
                "batch %.*s could not be written down: %s", STR_ARG(id), err.message);
  }
}

static void start_batch(Attempt *attempt, const ModelRequest *request)
{
  BatchSpec call = {.request = request,
                    .key = batch_key(&attempt->arena, &attempt->row),
                    .id = attempt->row.batch,
                    .on_handed_in = handed_in,
                    .on_wait = call_waits,
                    .on_done = call_done,
                    .owner = attempt};
  attempt->batched = batch_start(attempt->spec.engine->models, &call);
}

// The same request, handed in earlier and not answered yet.
static const AttemptRow *find_handed_in(Attempt *attempt, const AttemptRowList *rows, Str hash)
{
  for (size_t i = 0; attempt->spec.phase == PHASE_EXECUTE && i < rows->len; i++) {
    const AttemptRow *row = &rows->items[i];
    if (!row->ended_ms && row->batch.len && str_eq(row->prompt_hash, hash)) return row;
  }
  return NULL;
}

// A result that no attempt waits for: its task was stopped, or its specification changed.
static void stray(void *owner, Str key, const ModelReply *reply)
{
  Engine *engine = owner;
  Arena arena;
  AttemptRow row;
  uint64_t id = 0;
  arena_init(&arena);
  size_t dash = str_find_char(key, '-');
  bool ours = str_starts(key, S("pw")) && str_to_u64(str_sub(key, 2, dash), &id) &&
              id <= INT64_MAX &&
              journal_attempt_get(engine->journal, &arena, (int64_t)id, &row, NULL) &&
              row.batch.len && !row.ended_ms && str_eq(batch_key(&arena, &row), key);
  if (ours) {
    fill_row(&row, reply);
    journal_attempt_finish(engine->journal, &row, reply->text, NULL);
  }
  arena_deinit(&arena);
}

void attempt_collect(Engine *engine, int64_t plan)
{
  Arena arena;
  BatchRowList rows = {0};
  arena_init(&arena);
  batch_on_stray(engine->models, stray, engine);
  journal_batch_list(engine->journal, &arena, plan, &rows, NULL);
  for (size_t i = 0; i < rows.len; i++) {
    batch_watch(engine->models, rows.items[i].provider, rows.items[i].model, rows.items[i].batch);
  }
  arena_deinit(&arena);
}

void attempt_let_go(Attempt *attempt)
{
  if (attempt->batched) batch_let_go(attempt->batched);
  if (attempt->call) model_let_go(attempt->call);
  if (attempt->request) attempt->cancelled = true;
}

// ---- a call ------------------------------------------------------------------------------------------

// Its reservation is on disk, or lost: a request leaves only now.
static void leave(void *owner, const Error *err)
{
  Attempt *attempt = owner;
  const ModelRequest *request = attempt->request;
  attempt->request = NULL;
  if (attempt->call) {
    model_go(attempt->call, err);
  } else if (err->code || attempt->cancelled) {
    ModelReply none = {.error = *err, .stop = STOP_ERROR, .terminal = err->code != ERR_OK};
    if (!err->code) error_set(&none.error, ERR_CANCELLED, "stopped");
    call_done(attempt, &none);
  } else {
    start_batch(attempt, request);
  }
}

static bool start_call(Attempt *attempt, const ModelRequest *request, Str prompt,
                       BudgetAnswer *answer, Error *err)
{
  const AttemptSpec *spec = &attempt->spec;
  Models *models = spec->engine->models;
  bool batch = spec->batch && !spec->engine->config->cassette.len &&
               batch_possible(models, request->provider, request->model, NULL);
  Nano worst = request_worst_cost(models, request);
  double share = batch ? price_of(models, request->provider, request->model).batch : 1;
  if (worst > 0) worst = (Nano)((double)worst * share);
  *answer = budget_ask(spec->engine, spec->plan, &attempt->budget, worst, attempt->model, err);
  if (*answer != BUDGET_GO) return false;
  attempt->row = (AttemptRow){.plan = spec->plan,
                              .task = spec->task,
                              .phase = spec->phase,
                              .role = spec->role,
                              .provider = request->provider,
                              .model = request->model,
                              .worst_case = worst};
  Error why = {0};
  MoneyCaps caps = budget_caps(&attempt->budget);
  if (!journal_attempt_start(spec->engine->journal, &attempt->arena, &attempt->row, prompt, &caps,
                             &why)) {
    if (why.code == ERR_BUDGET) *answer = BUDGET_OUT;
    if (err) *err = why;
    return false;
  }
  if (batch &&
      !journal_attempt_handed_in(spec->engine->journal, attempt->row.id, S(BATCH_UNKNOWN), err))
    return false;
  journal_on_disk(spec->engine->journal, &attempt->reserved, leave, attempt);
  if (batch) {
    attempt->request = keep_request(attempt, request);
    return true;
  }
  ModelSpec call = {.request = request,
                    .may_retry = may_retry,
                    .held = true,
                    .most = spec->phase == PHASE_EXECUTE ? spec->engine->config->parallel : 0,
                    .on_wait = call_waits,
                    .on_done = call_done,
                    .owner = attempt};
  attempt->call = model_start(spec->engine->models, &call);
  return true;
}

// The row outlives the caller's strings.
static void keep_strings(Attempt *attempt)
{
  AttemptRow *row = &attempt->row;
  row->task = str_dup(&attempt->arena, row->task);
  row->role = str_dup(&attempt->arena, row->role);
  row->provider = str_dup(&attempt->arena, row->provider);
  row->model = str_dup(&attempt->arena, row->model);
  row->batch = str_dup(&attempt->arena, row->batch);
  attempt->spec.task = row->task;
  attempt->spec.role = row->role;
  attempt->spec.request = NULL;
  attempt->spec.budget = NULL;
}

// A reply that is stored already, or a call.
static bool begin(Attempt *attempt, const ModelRequest *request, BudgetAnswer *answer, Error *err)
{
  attempt->model =
      str_fmt(&attempt->arena, "%.*s/%.*s", STR_ARG(request->provider), STR_ARG(request->model));
  attempt->estimated = request_tokens_estimate(request);
  Str prompt = prompt_text(&attempt->arena, request);
  AttemptRowList rows = {0};
  Str hash = STR_NONE;
  find_earlier(attempt, prompt, &rows, &hash);
  const AttemptRow *stored = find_stored(attempt, &rows, hash);
  const AttemptRow *handed_in = stored ? NULL : find_handed_in(attempt, &rows, hash);
  if (stored) {
    attempt->row = *stored;
    loop_soon(attempt->spec.engine->loop, &attempt->soon, tell_stored, attempt);
  } else if (handed_in) {
    attempt->row = *handed_in;
    start_batch(attempt, request);
  } else if (!start_call(attempt, request, prompt, answer, err)) {
    return false;
  }
  keep_strings(attempt);
  return true;
}

// ---- fallback ----------------------------------------------------------------------------------------

static bool is_conversation(const ModelRequest *request)
{
  for (size_t i = 0; i < request->messages.len; i++) {
    if (request->messages.items[i].role == MSG_ASSISTANT) return request->tool_count > 0;
  }
  return false;
}

// Who gave the last reply of this conversation.
static bool began_with(Attempt *attempt, const ModelName *name)
{
  const AttemptSpec *spec = &attempt->spec;
  AttemptRowList rows = {0};
  if (!journal_attempt_list(spec->engine->journal, &attempt->arena, spec->plan, spec->task, &rows,
                            NULL))
    return false;
  for (size_t i = rows.len; i-- > 0;) {
    const AttemptRow *row = &rows.items[i];
    if (row->phase != spec->phase || !is_reply(row->outcome) || !row->replied) continue;
    return str_eq(row->provider, name->provider) && str_eq(row->model, name->model);
  }
  return false;
}

static void ask_other(const Attempt *attempt, ModelRequest *request, const ModelName *name)
{
  request->provider = name->provider;
  request->model = name->model;
  int64_t most = price_of(attempt->spec.engine->models, name->provider, name->model).max_output;
  if (most > 0 && request->max_output > most) request->max_output = most;
}

// Sends [request] to the fallback of its role where its own model is closed; else keeps a copy for that.
static void choose_model(Attempt *attempt, ModelRequest *request)
{
  Models *models = attempt->spec.engine->models;
  const Ladder *ladder = config_ladder(attempt->spec.engine->config, attempt->spec.role);
  const ModelName *other = ladder ? &ladder->fallback : NULL;
  if (!other || !other->provider.len || !models_open(models, other->provider, other->model)) return;
  if (str_eq(other->provider, request->provider) && str_eq(other->model, request->model)) return;
  bool talking = is_conversation(request);
  if (talking ? began_with(attempt, other)
              : !models_open(models, request->provider, request->model)) {
    ask_other(attempt, request, other);
  } else if (!talking) {
    attempt->spare = keep_request(attempt, request);
    ask_other(attempt, attempt->spare, other);
  }
}

static bool take_spare(Attempt *attempt, const ModelReply *reply)
{
  ModelRequest *spare = attempt->spare;
  attempt->spare = NULL;
  if (!spare || attempt->cancelled) return false;
  Str closed = attempt->model;
  BudgetAnswer answer;
  if (!begin(attempt, spare, &answer, NULL)) {
    attempt->model = closed;
    return false;
  }
  engine_note(attempt->spec.engine, attempt->spec.plan, attempt->spec.task, S("fallback"),
              "%.*s: %s; %.*s is asked instead", STR_ARG(closed), reply->error.message,
              STR_ARG(attempt->model));
  return true;
}

bool attempt_ready(Engine *engine, Str role, Error *err)
{
  const Ladder *ladder = config_ladder(engine->config, role);
  Str source;
  if (!ladder || !ladder->len)
    return error_set(err, ERR_CONFIG, "no model is set for \"%.*s\"", STR_ARG(role));
  Str other = ladder->fallback.provider;
  if (other.len && models_key_ready(engine->models, other, &source, NULL)) return true;
  return models_key_ready(engine->models, ladder->rungs[0].provider, &source, err);
}

// ---- starting ----------------------------------------------------------------------------------------

Attempt *attempt_start(const AttemptSpec *spec, BudgetAnswer *answer, Error *err)
{
  Attempt *attempt = mem_alloc(sizeof(*attempt));
  ModelRequest request = *spec->request;
  *answer = BUDGET_GO;
  attempt->spec = *spec;
  attempt->budget = *spec->budget;
  attempt->tools = request.tool_count > 0;
  arena_init(&attempt->arena);
  choose_model(attempt, &request);
  if (begin(attempt, &request, answer, err)) return attempt;
  attempt_free(attempt);
  return NULL;
}

void attempt_cancel(Attempt *attempt)
{
  attempt->cancelled = true;
  if (attempt->call) model_cancel(attempt->call);
  if (attempt->batched) batch_cancel(attempt->batched);
}
