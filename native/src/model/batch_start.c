// batch_start.c: how calls get into a batch: one that gathers, or one that was handed in before. See batch.h.
#include "model/batch_private.h"
#include "model/presets.h"
#include "model/request.h"

enum {
  GATHER_MS = 300,
  POLL_FIRST_MS = 5000,  // doubles from poll to poll
};

static Batch *batch_new(Models *models, const ProviderConfig *config, Str model, Str id)
{
  Batch *batch = mem_alloc(sizeof(*batch));
  *batch = (Batch){.models = models, .config = config, .poll_ms = POLL_FIRST_MS};
  arena_init(&batch->arena);
  batch->model = str_dup(&batch->arena, model);
  batch->sought = str_eq(id, S(BATCH_UNKNOWN));
  batch->id = batch->sought ? STR_NONE : str_dup(&batch->arena, id);
  batch->dialect = dialect_find(config->dialect);
  batch->wire = batch_wire_find(batch->dialect->name);
  batch_init_steps(batch);
  buf_init(&batch->items, batch->wire->max_bytes);
  buf_init(&batch->body, BATCH_ANSWER_MAX);
  sse_init(&batch->lines, 0);
  batch->next = models->batches;
  models->batches = batch;
  if (batch->id.len) {
    batch->state = BATCH_WAITING;
    batch_wait(batch, 0);
  }
  return batch;
}

static Batch *find_batch(Models *models, const ProviderConfig *config, Str model, Str id)
{
  for (Batch *batch = models->batches; batch; batch = batch->next) {
    bool same = batch->config == config && str_eq(batch->model, model);
    if (same && id.len && str_eq(batch->id, id) && !batch->cancelling) return batch;
    if (batch->sought != str_eq(id, S(BATCH_UNKNOWN))) continue;
    bool room = batch->state == BATCH_GATHERING && batch->count < batch->wire->max_items;
    if (same && (!id.len || batch->sought) && room) return batch;
  }
  return NULL;
}

// Adds the request's body; false when the batch is full by its bytes.
static bool hand_in(Batch *batch, const ModelRequest *request, Str key)
{
  Arena scratch;
  WireRequest wire;
  Key none = {0};
  arena_init(&scratch);
  Target target = models_target(batch->models, batch->config, batch->model);
  batch->dialect->build(&scratch, request, &target, &none, &wire);
  Str params = batch_params(&scratch, wire.body);
  enum { AROUND = 200 };
  bool fits = batch->items.len + params.len + key.len + AROUND < batch->wire->max_bytes;
  if (fits) batch->wire->add(&batch->items, batch->dialect->name, key, params);
  arena_deinit(&scratch);
  return fits;
}

static void send_now(Batch *batch)
{
  batch->state = BATCH_SENDING;
  batch_wait(batch, 0);
}

static Batch *batch_for(Models *models, const ProviderConfig *config, const BatchSpec *spec)
{
  const ModelRequest *request = spec->request;
  Batch *batch = find_batch(models, config, request->model, spec->id);
  if (!batch) batch = batch_new(models, config, request->model, spec->id);
  if (batch->sought) batch_wait(batch, GATHER_MS);
  if (spec->id.len) return batch;
  if (!hand_in(batch, request, spec->key)) {
    if (batch->count) send_now(batch);
    batch = batch_new(models, config, request->model, STR_NONE);
    hand_in(batch, request, spec->key);
  }
  if (!batch->count) batch->tag = str_dup(&batch->arena, spec->key);
  batch->count++;
  batch_wait(batch, GATHER_MS);
  return batch;
}

bool batch_possible(const Models *models, Str provider, Str model, Error *err)
{
  const ProviderConfig *config = models_provider_get(models, provider);
  const Dialect *dialect = config ? dialect_find(config->dialect) : NULL;
  Target target = config ? models_target(models, config, model) : (Target){0};
  // Servers that are only compatible have other batches, or none; a gateway to OpenAI speaks its newer interface.
  bool chat = config && str_eq(config->dialect, S("openai-chat"));
  bool other = target.quirks & QUIRK_COMPATIBLE && (chat || preset_find(provider));
  bool knows = dialect && batch_wire_find(dialect->name) && !other;
  if (knows) return models_check_address(config, err);
  error_set(err, ERR_INVALID, "%.*s/%.*s takes no batches", STR_ARG(provider), STR_ARG(model));
  return error_hint_set(err, "Anthropic, OpenAI and Google do; without --batch it runs at once");
}

BatchCall *batch_start(Models *models, const BatchSpec *spec)
{
  BatchCall *call = mem_alloc(sizeof(*call));
  *call = (BatchCall){.spec = *spec};
  arena_init(&call->arena);
  call->key = str_dup(&call->arena, spec->key);
  call->prompt_tokens = request_tokens_estimate(spec->request);
  call->batch = batch_for(models, models_provider_get(models, spec->request->provider), spec);
  call->spec.request = NULL;
  call->next = call->batch->calls;
  call->batch->calls = call;
  return call;
}

void batch_watch(Models *models, Str provider, Str model, Str id)
{
  const ProviderConfig *config = models_provider_get(models, provider);
  if (!config || !batch_id_ok(id) || !batch_possible(models, provider, model, NULL)) return;
  Batch *batch = find_batch(models, config, model, id);
  if (!batch) batch = batch_new(models, config, model, id);
  batch->watched = true;
}

void batch_on_stray(Models *models, void (*stray)(void *owner, Str key, const ModelReply *reply),
                    void *owner)
{
  models->on_stray = stray;
  models->stray_owner = owner;
}
