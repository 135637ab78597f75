// batch_result.c: what a batch brings back, as replies with their price. See batch.h.
#include "lib/json.h"
#include "model/batch_private.h"

static Nano cost_of(const Batch *batch, const Usage *usage)
{
  Price price = price_of(batch->models, batch->config->name, batch->model);
  Nano cost = usage_cost(&price, usage);
  return cost < 0 ? cost : (Nano)((double)cost * price.batch + 0.5);
}

static void read_reply(const Batch *batch, Arena *arena, const BatchItem *item,
                       int64_t prompt_tokens, ModelReply *out)
{
  ReplyBuilder builder;
  Target target = models_target(batch->models, batch->config, batch->model);
  model_reply_begin(&builder, arena, target.quirks);
  batch->dialect->whole(&builder, json_str(arena, item->body));
  batch->dialect->finish(&builder);
  out->stop = builder.stop;
  out->stop_detail = builder.stop_detail;
  out->text = buf_str(&builder.text);
  out->calls = builder.calls;
  out->raw = builder.raw;
  models_clean_reply(batch->models, arena, out);
  out->usage = reply_usage(&builder, prompt_tokens);
  out->cost = cost_of(batch, &out->usage);
  if (builder.failed || !builder.ended) {
    out->stop = STOP_ERROR;
    error_set(&out->error, ERR_REPLY,
              "the batch's answer is not a reply of this kind of model interface");
    if (builder.failed) out->error = builder.failure.error;
    models_redact(batch->models, &out->error);
  }
  model_reply_end(&builder);
}

// Requests that were not answered cost nothing.
static void read_failure(const Batch *batch, Arena *arena, const BatchItem *item, ModelReply *out)
{
  Failure failure = {0};
  HttpHead head = {.status = item->status};
  *out = (ModelReply){.stop = STOP_ERROR, .usage.known = true, .sent = true};
  if (item->kind == ITEM_EXPIRED) {
    error_set(&out->error, ERR_TIMEOUT, "the batch expired before this request was answered");
  } else if (item->kind == ITEM_CANCELLED) {
    error_set(&out->error, ERR_CANCELLED, "the batch was cancelled");
  } else {
    batch->dialect->classify(&head, json_str(arena, item->body), &failure);
    models_redact(batch->models, &failure.error);
    out->error = failure.error;
    out->terminal = failure.terminal;
    // the next batch goes without that field
    Str model = batch->model, provider = batch->config->name;
    unsigned tried = models_target(batch->models, batch->config, model).quirks;
    unsigned quirk = lesson_after(failure.learned, tried);
    if (quirk) models_learn(batch->models, provider, model, quirk);
    if (out->error.code == ERR_OK)
      error_set(&out->error, ERR_REPLY, "the batch could not answer it");
  }
}

void batch_read_item(const Batch *batch, Arena *arena, const BatchItem *item, int64_t prompt_tokens,
                     ModelReply *out)
{
  *out = (ModelReply){.sent = true};
  if (item->kind == ITEM_REPLY)
    read_reply(batch, arena, item, prompt_tokens, out);
  else
    read_failure(batch, arena, item, out);
}
