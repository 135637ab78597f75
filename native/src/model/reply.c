// reply.c: a reply while it streams in: parts by the provider's index, one text, the tool calls at the end.
#include "lib/json.h"
#include "model/dialect.h"
#include "model/loose_json.h"

void model_reply_begin(ReplyBuilder *reply, Arena *arena, unsigned quirks)
{
  *reply =
      (ReplyBuilder){.arena = arena, .quirks = quirks, .cost = NANO_UNKNOWN, .stop = STOP_ERROR};
  buf_init(&reply->text, REPLY_MAX);
  buf_init(&reply->extra, REPLY_MAX);
  arena_init(&reply->scratch);
}

void model_reply_end(ReplyBuilder *reply)
{
  for (size_t i = 0; i < reply->parts.len; i++) {
    buf_deinit(&reply->parts.items[i].text);
    buf_deinit(&reply->parts.items[i].signature);
  }
  reply->parts.len = 0;
  buf_deinit(&reply->text);
  buf_deinit(&reply->extra);
  arena_deinit(&reply->scratch);
}

const Value *model_reply_parse(ReplyBuilder *reply, Str json)
{
  arena_reset(&reply->scratch);
  const Value *value = json_parse(&reply->scratch, json, NULL);
  if (!value_is(value, VALUE_MAP))
    model_reply_fail(reply, ERR_REPLY, "the provider sent broken JSON");
  return value_is(value, VALUE_MAP) ? value : NULL;
}

const Value *error_in(const Value *map)
{
  const Value *error = value_get(map, S("error"));
  return value_is(error, VALUE_NULL) ? NULL : error;
}

void reply_error(ReplyBuilder *reply, const Value *error)
{
  if (reply->failed) return;
  reply->failed = true;
  failure_classify(0, error, &reply->failure);
}

void model_reply_fail(ReplyBuilder *reply, Err code, const char *message)
{
  if (reply->failed) return;
  reply->failed = true;
  reply->failure = (Failure){.retry = code != ERR_TOO_BIG};
  error_set(&reply->failure.error, code, "%s", message);
}

ReplyPart *reply_part_add(ReplyBuilder *reply, PartKind kind, int64_t index)
{
  if (reply->parts.len >= REPLY_MAX_PARTS) {
    model_reply_fail(reply, ERR_TOO_BIG, "the reply has too many blocks");
    return NULL;
  }
  ReplyPart part = {.kind = kind, .index = index};
  buf_init(&part.text, REPLY_MAX);
  buf_init(&part.signature, REPLY_MAX);
  PUSH(reply->arena, &reply->parts, part);
  return &reply->parts.items[reply->parts.len - 1];
}

ReplyPart *reply_part_find(ReplyBuilder *reply, int64_t index)
{
  for (size_t i = reply->parts.len; i > 0; i--) {
    if (reply->parts.items[i - 1].index == index) return &reply->parts.items[i - 1];
  }
  return NULL;
}

void reply_part_text(ReplyBuilder *reply, ReplyPart *part, Str piece)
{
  if (!part || piece.len == 0) return;
  reply->bytes += piece.len;
  if (reply->bytes > REPLY_MAX) {
    model_reply_fail(reply, ERR_TOO_BIG, "the reply is larger than 32 MiB");
    return;
  }
  buf_add(&part->text, piece);
  if (part->kind == PART_TEXT) buf_add(&reply->text, piece);
}

enum { TEXT_INDEX = -1, REPLY_MAX_ITEMS = 65536 };

void reply_text(ReplyBuilder *reply, Str piece)
{
  if (piece.len == 0) return;
  ReplyPart *part = reply_part_find(reply, TEXT_INDEX);
  if (!part) part = reply_part_add(reply, PART_TEXT, TEXT_INDEX);
  reply_part_text(reply, part, piece);
}

void reply_keep_item(ReplyBuilder *reply, const Value *item)
{
  if (!reply->items) reply->items = value_list(reply->arena);
  if (value_len(reply->items) < REPLY_MAX_ITEMS) {
    value_push(reply->items, value_dup(reply->arena, item));
  } else {
    model_reply_fail(reply, ERR_TOO_BIG, "the reply has too many blocks");
  }
}

int64_t tokens_of(const Value *usage, Str key, int64_t fallback)
{
  const int64_t most = 1000000000;  // a thousand times what any model takes
  int64_t n = value_get_int(usage, key, fallback);
  return n < 0 || n > most ? fallback : n;
}

int64_t reply_output_estimate(const ReplyBuilder *reply)
{
  return (int64_t)(((reply->bytes + reply->extra.len) * 10 + 35) / 36);
}

Usage reply_usage(const ReplyBuilder *reply, int64_t prompt_estimate)
{
  Usage usage = reply->usage;
  int64_t out = reply_output_estimate(reply);
  bool free = usage.known && reply->failed;  // of a failure nothing is a likely sum
  bool prompt = free || (usage.known && usage.fresh_in + usage.cache_write + usage.cache_read > 0);
  bool text = free || (usage.known && (usage.out > 0 || out == 0));
  if (prompt && text) return usage;
  if (!prompt) usage.fresh_in = prompt_estimate;
  if (!text) usage.out = usage.out > out ? usage.out : out;
  usage.known = false;
  return usage;
}

// Arguments that are no JSON object even to a tolerant reader are kept as `broken`, so that the model can
// be told.
static ToolCall call_of(Arena *arena, const ReplyPart *part)
{
  Str json = str_trim(buf_str(&part->text));
  ToolCall call = {.id = part->id, .name = part->name, .input = value_map(arena)};
  if (json.len == 0) return call;
  Str kept = str_dup(arena, json);
  const Value *input = json_parse_loose(arena, kept);
  if (value_is(input, VALUE_MAP)) {
    call.input = input;
  } else {
    call.broken = kept;
  }
  return call;
}

void reply_calls_finish(ReplyBuilder *reply)
{
  for (size_t i = 0; i < reply->parts.len; i++) {
    const ReplyPart *part = &reply->parts.items[i];
    if (part->kind == PART_TOOL) PUSH(reply->arena, &reply->calls, call_of(reply->arena, part));
  }
  if (reply->calls.len && reply->stop == STOP_DONE) reply->stop = STOP_TOOL;
}
