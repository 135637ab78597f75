// anthropic.c: the Anthropic Messages dialect, version 2026-10-21.
//
// Decisions, and the chapter of the vendor's documentation each comes from:
//   always streamed                     Errors: long answers that are not streamed are refused
//   no temperature, top_p, top_k, no prefilled turn, no forced tool_choice    Request body: each is a 400
//   JSON through output_config.format   Structured output: enforced, unlike a prompt
//   a cache breakpoint behind `shared`  Prompt caching: the explicit end of what all tasks of a plan share;
//                                       in a tool loop another at the end, so that each turn reads the last
//   blocks by index, thinking kept and returned unchanged     Content blocks, Streaming
//   message_delta.usage replaces, never adds                  Streaming: usage is cumulative
#include "lib/json.h"
#include "model/dialect.h"

enum { DEFAULT_MAX_TOKENS = 16000 };

// ---- request --------------------------------------------------------------------------------------------

static Value *text_block(Arena *arena, Str text)
{
  Value *block = value_map(arena);
  value_put_str(arena, block, S("type"), S("text"));
  value_put_str(arena, block, S("text"), text);
  return block;
}

// For five minutes, or an hour, which is dearer to write: the requests of a batch are hours apart.
static void mark_cached(Arena *arena, Value *block, const ModelRequest *request)
{
  Value *control = value_set(block, S("cache_control"), value_map(arena));
  value_put_str(arena, control, S("type"), S("ephemeral"));
  if (request->for_hours) value_put_str(arena, control, S("ttl"), S("1h"));
}

static void put_system(Arena *arena, Value *body, const ModelRequest *request, const Target *target)
{
  Str words = request_system(arena, request, target->quirks & QUIRK_NO_SCHEMA);
  if (words.len + request->shared.len == 0) return;
  Value *system = value_set(body, S("system"), value_list(arena));
  if (words.len) value_push(system, text_block(arena, words));
  if (request->shared.len) value_push(system, text_block(arena, request->shared));
  if (request->shared.len || request_grows(request)) mark_cached(arena, system->last, request);
}

static Value *tool_use(Arena *arena, const ToolCall *call)
{
  Value *block = value_map(arena);
  value_put_str(arena, block, S("type"), S("tool_use"));
  value_put_str(arena, block, S("id"), call->id);
  value_put_str(arena, block, S("name"), call->name);
  Value *input = call->input ? value_dup(arena, call->input) : value_map(arena);
  value_set(block, S("input"), input);
  return block;
}

static Value *tool_result(Arena *arena, const ModelMessage *message)
{
  Value *block = value_map(arena);
  value_put_str(arena, block, S("type"), S("tool_result"));
  value_put_str(arena, block, S("tool_use_id"), message->call_id);
  value_put_str(arena, block, S("content"), message->text);
  if (message->is_error) value_put_bool(arena, block, S("is_error"), true);
  return block;
}

static void put_blocks(Arena *arena, Value *content, const ModelMessage *message)
{
  if (message->role == MSG_TOOL) {
    value_push(content, tool_result(arena, message));
  } else if (message->role == MSG_ASSISTANT && value_is(message->raw, VALUE_LIST)) {
    for (VALUE_EACH (block, message->raw)) value_push(content, value_dup(arena, block));
  } else {
    if (message->text.len) value_push(content, text_block(arena, message->text));
    for (size_t i = 0; i < message->calls.len; i++) {
      value_push(content, tool_use(arena, &message->calls.items[i]));
    }
  }
}

static Value *turn_content(Arena *arena, Value *messages, bool assistant)
{
  Value *turn = value_push(messages, value_map(arena));
  value_put_str(arena, turn, S("role"), assistant ? S("assistant") : S("user"));
  return value_set(turn, S("content"), value_list(arena));
}

// Tool results and the user's words behind them are one user message; a message of nothing is left out,
// for empty content is refused.
static void put_messages(Arena *arena, Value *body, const ModelRequest *request)
{
  Value *messages = value_set(body, S("messages"), value_list(arena));
  Value *content = NULL;
  bool was_assistant = false;
  for (size_t i = 0; i < request->messages.len; i++) {
    const ModelMessage *message = &request->messages.items[i];
    bool assistant = message->role == MSG_ASSISTANT;
    bool empty = message->role != MSG_TOOL && !message->text.len && !message->calls.len &&
                 !value_len(message->raw);
    if (empty) continue;
    if (!content || assistant != was_assistant) content = turn_content(arena, messages, assistant);
    was_assistant = assistant;
    put_blocks(arena, content, message);
  }
  if (request_grows(request) && content && content->last && !was_assistant) {
    mark_cached(arena, content->last, request);
  }
}

static void put_tools(Arena *arena, Value *body, const ModelRequest *request)
{
  if (request->tool_count == 0) return;
  Value *tools = value_set(body, S("tools"), value_list(arena));
  for (size_t i = 0; i < request->tool_count; i++) {
    Value *item = value_push(tools, value_map(arena));
    request_tool(arena, item, &request->tools[i], S("input_schema"));
  }
}

static void put_output_config(Arena *arena, Value *body, const ModelRequest *request,
                              const Target *target)
{
  Target levels = *target;
  levels.quirks |= QUIRK_NO_EFFORT_NONE;  // its lowest level is "low"
  Str effort = request_effort(request, &levels);
  bool schema = request->schema && !(target->quirks & QUIRK_NO_SCHEMA);
  if (effort.len == 0 && !schema) return;
  Value *config = value_set(body, S("output_config"), value_map(arena));
  if (effort.len) value_put_str(arena, config, S("effort"), effort);
  if (!schema) return;
  Value *format = value_set(config, S("format"), value_map(arena));
  value_put_str(arena, format, S("type"), S("json_schema"));
  value_set(format, S("schema"), value_dup(arena, request->schema));
}

static int64_t max_tokens(const ModelRequest *request, const Target *target)
{
  int64_t wanted = request->max_output > 0 ? request->max_output : DEFAULT_MAX_TOKENS;
  return target->max_output > 0 && wanted > target->max_output ? target->max_output : wanted;
}

static void put_prompt(Arena *arena, Value *body, const ModelRequest *request, const Target *target)
{
  put_tools(arena, body, request);
  put_system(arena, body, request, target);
  put_messages(arena, body, request);
  put_output_config(arena, body, request, target);
}

static void address(Arena *arena, const char *path, const Target *target, const Key *key,
                    WireRequest *out)
{
  wire_json(out, str_fmt(arena, "%.*s%s", STR_ARG(target->base_url), path));
  wire_header(out, S("anthropic-version"), S("2026-10-21"));
  if (key->bearer) {
    wire_bearer(arena, out, key);
  } else if (key->secret.len) {
    wire_header(out, S("x-api-key"), str_dup(arena, key->secret));
  }
}

static void build(Arena *arena, const ModelRequest *request, const Target *target, const Key *key,
                  WireRequest *out)
{
  address(arena, "/v1/messages", target, key, out);
  Value *body = value_map(arena);
  value_put_str(arena, body, S("model"), request->model);
  value_put_int(arena, body, S("max_tokens"), max_tokens(request, target));
  value_put_bool(arena, body, S("stream"), true);
  put_prompt(arena, body, request, target);
  out->body = json_str(arena, body);
}

static void count(Arena *arena, const ModelRequest *request, const Target *target, const Key *key,
                  WireRequest *out)
{
  address(arena, "/v1/messages/count_tokens", target, key, out);
  Value *body = value_map(arena);
  value_put_str(arena, body, S("model"), request->model);
  put_prompt(arena, body, request, target);
  out->body = json_str(arena, body);
}

// ---- stream ---------------------------------------------------------------------------------------------

// Counters are disjoint and cumulative; null and absent ones leave what was known.
static void read_usage(ReplyBuilder *reply, const Value *usage)
{
  Usage *u = &reply->usage;
  bool counted = value_is(value_get(usage, S("input_tokens")), VALUE_INT) ||
                 value_is(value_get(usage, S("output_tokens")), VALUE_INT);
  if (!counted) return;
  u->fresh_in = tokens_of(usage, S("input_tokens"), u->fresh_in);
  u->cache_write = tokens_of(usage, S("cache_creation_input_tokens"), u->cache_write);
  const Value *written = value_get(usage, S("cache_creation"));
  u->hour_write = tokens_of(written, S("ephemeral_1h_input_tokens"), u->hour_write);
  u->cache_read = tokens_of(usage, S("cache_read_input_tokens"), u->cache_read);
  u->out = tokens_of(usage, S("output_tokens"), u->out);
  const Value *details = value_get(usage, S("output_tokens_details"));
  u->reasoning = tokens_of(details, S("thinking_tokens"), u->reasoning);
  u->known = true;
}

static const struct {
  const char *word;
  StopReason stop;
} stops[] = {
    {"end_turn", STOP_DONE},     {"stop_sequence", STOP_DONE},
    {"tool_use", STOP_TOOL},     {"max_tokens", STOP_LENGTH},
    {"refusal", STOP_REFUSED},   {"model_context_window_exceeded", STOP_LENGTH},
    {"pause_turn", STOP_LENGTH},
};

// A word that is not known yet counts as done: the text is there.
static void read_stop(ReplyBuilder *reply, const Value *holder)
{
  Str word = value_get_str(holder, S("stop_reason"), STR_NONE);
  if (word.len == 0) return;
  reply->stop = STOP_DONE;
  for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
    if (str_eq(word, str_from(stops[i].word))) reply->stop = stops[i].stop;
  }
  const Value *details = value_get(holder, S("stop_details"));
  Str why =
      value_get_str(details, S("explanation"), value_get_str(details, S("category"), STR_NONE));
  reply->stop_detail = str_dup(reply->arena, why);
}

static void on_message_start(ReplyBuilder *reply, const Value *event)
{
  const Value *message = value_get(event, S("message"));
  reply->id = str_dup(reply->arena, value_get_str(message, S("id"), STR_NONE));
  read_usage(reply, value_get(message, S("usage")));
}

static PartKind kind_of(Str type)
{
  if (str_eq(type, S("text"))) return PART_TEXT;
  if (str_eq(type, S("thinking"))) return PART_THINKING;
  return str_eq(type, S("tool_use")) ? PART_TOOL : PART_OTHER;
}

static void block_start(ReplyBuilder *reply, const Value *block, int64_t index)
{
  ReplyPart *part =
      reply_part_add(reply, kind_of(value_get_str(block, S("type"), STR_NONE)), index);
  if (!part) return;
  part->start = value_dup(reply->arena, block);
  part->id = value_get_str(part->start, S("id"), STR_NONE);
  part->name = value_get_str(part->start, S("name"), STR_NONE);
  buf_add(&part->signature, value_get_str(block, S("signature"), STR_NONE));
  Str field = part->kind == PART_THINKING ? S("thinking") : S("text");
  reply_part_text(reply, part, value_get_str(block, field, STR_NONE));
}

static void on_block_start(ReplyBuilder *reply, const Value *event)
{
  block_start(reply, value_get(event, S("content_block")), value_get_int(event, S("index"), -1));
}

static void on_block_delta(ReplyBuilder *reply, const Value *event)
{
  ReplyPart *part = reply_part_find(reply, value_get_int(event, S("index"), -1));
  const Value *delta = value_get(event, S("delta"));
  static const char *const fields[] = {"text", "partial_json", "thinking"};
  for (size_t i = 0; part && i < 3; i++) {
    reply_part_text(reply, part, value_get_str(delta, str_from(fields[i]), STR_NONE));
  }
  if (part) buf_add(&part->signature, value_get_str(delta, S("signature"), STR_NONE));
}

static void on_message_delta(ReplyBuilder *reply, const Value *event)
{
  read_stop(reply, value_get(event, S("delta")));
  read_usage(reply, value_get(event, S("usage")));
  reply->usage_final = reply->usage.known && reply->stop != STOP_ERROR;
}

static void on_message_stop(ReplyBuilder *reply, const Value *event)
{
  (void)event;
  if (reply->stop == STOP_ERROR) reply->stop = STOP_DONE;
  reply->ended = true;
}

static void on_error(ReplyBuilder *reply, const Value *event)
{
  reply_error(reply, value_get(event, S("error")));
}

static const struct {
  const char *type;
  void (*run)(ReplyBuilder *reply, const Value *event);
} events[] = {
    {"message_start", on_message_start},     {"content_block_start", on_block_start},
    {"content_block_delta", on_block_delta}, {"message_delta", on_message_delta},
    {"message_stop", on_message_stop},       {"error", on_error},
};

// Unknown events are skipped: the API may add some at any time.
static void feed(ReplyBuilder *reply, const SseEvent *event)
{
  const Value *data = model_reply_parse(reply, event->data);
  Str type = value_get_str(data, S("type"), event->name);
  if (error_in(data)) type = S("error");
  for (size_t i = 0; data && i < sizeof(events) / sizeof(events[0]); i++) {
    if (str_eq(type, str_from(events[i].type))) events[i].run(reply, data);
  }
}

static void whole(ReplyBuilder *reply, Str body)
{
  const Value *message = model_reply_parse(reply, body);
  if (!message) return;
  if (error_in(message)) {
    on_error(reply, message);
    return;
  }
  reply->id = str_dup(reply->arena, value_get_str(message, S("id"), STR_NONE));
  int64_t index = 0;
  for (VALUE_EACH (block, value_get(message, S("content")))) {
    block_start(reply, block, index);
    ReplyPart *part = reply_part_find(reply, index++);
    const Value *input = value_get(block, S("input"));
    if (part && input) reply_part_text(reply, part, json_str(&reply->scratch, input));
  }
  read_usage(reply, value_get(message, S("usage")));
  read_stop(reply, message);
  reply->ended = reply->stop != STOP_ERROR;
}

// The block as it must be sent back: what was announced, with what streamed in filled in.
static Value *raw_block(Arena *arena, const ReplyPart *part, const ToolCall *call)
{
  static const char *const streamed[] = {"text", "thinking", "signature", "input"};
  Value *block = value_map(arena);
  for (VALUE_EACH (item, part->start)) {
    bool filled = false;
    for (size_t i = 0; part->kind != PART_OTHER && i < 4; i++) {
      filled |= str_eq(item->key, str_from(streamed[i]));
    }
    if (!filled) value_set(block, item->key, value_dup(arena, item));
  }
  Str text = str_dup(arena, buf_str(&part->text));
  if (part->kind == PART_TEXT) value_put_str(arena, block, S("text"), text);
  if (part->kind == PART_TOOL) value_set(block, S("input"), value_dup(arena, call->input));
  if (part->kind != PART_THINKING) return block;
  value_put_str(arena, block, S("thinking"), text);
  value_put_str(arena, block, S("signature"), str_dup(arena, buf_str(&part->signature)));
  return block;
}

// Empty text blocks are refused when sent back, so they are left out.
static void finish(ReplyBuilder *reply)
{
  reply_calls_finish(reply);
  Value *raw = value_list(reply->arena);
  size_t call = 0;
  for (size_t i = 0; i < reply->parts.len; i++) {
    const ReplyPart *part = &reply->parts.items[i];
    const ToolCall *input = part->kind == PART_TOOL ? &reply->calls.items[call++] : NULL;
    if (part->kind == PART_TEXT && part->text.len == 0) continue;
    value_push(raw, raw_block(reply->arena, part, input));
  }
  reply->raw = raw;
}

static Str models_url(Arena *arena, const Target *target)
{
  return str_fmt(arena, "%.*s/v1/models?limit=1000", STR_ARG(target->base_url));
}

const Dialect dialect_anthropic = {.name = "anthropic",
                                   .cached_is_unlimited = true,  // Rate limits
                                   .build = build,
                                   .feed = feed,
                                   .whole = whole,
                                   .finish = finish,
                                   .classify = failure_from_answer,
                                   .count = count,
                                   .counted = "input_tokens",
                                   .models_url = models_url};
