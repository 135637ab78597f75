// openai_responses.c: the OpenAI Responses dialect, the only one through which the larger reasoning models take
// tools.
//
// Decisions, and the chapter of the vendor's documentation each comes from:
//   store: false, encrypted reasoning     Responses: nothing is kept there; the input and all output items
//                                         come back unchanged with the next turn
//   tools and format are flat             Responses
//   the terminal event is authoritative   Responses, stream: deltas are shown, the result is the response of
//                                         response.completed, .incomplete or .failed
//   strict only for schemas that are      Strict schemas: refused unless every property is required
//   prompt_cache_breakpoint behind `shared`   Prompt caching: the explicit end of what all tasks of a plan share
#include "lib/json.h"
#include "model/openai.h"

// ---- request --------------------------------------------------------------------------------------------

// The type may be left out at OpenAI; llama-server wants it of what an assistant said.
static Value *put_message(Arena *arena, Value *input, Str role, Str text)
{
  Value *message = value_push(input, value_map(arena));
  value_put_str(arena, message, S("type"), S("message"));
  value_put_str(arena, message, S("role"), role);
  Value *content = value_set(message, S("content"), value_list(arena));
  Value *part = value_push(content, value_map(arena));
  bool ours = str_eq(role, S("assistant"));
  value_put_str(arena, part, S("type"), ours ? S("output_text") : S("input_text"));
  value_put_str(arena, part, S("text"), text);
  return part;
}

static void put_calls(Arena *arena, Value *input, const ToolCallList *calls)
{
  for (size_t i = 0; i < calls->len; i++) {
    const ToolCall *call = &calls->items[i];
    Value *item = value_push(input, value_map(arena));
    value_put_str(arena, item, S("type"), S("function_call"));
    value_put_str(arena, item, S("call_id"), call->id);
    value_put_str(arena, item, S("name"), call->name);
    value_put_str(arena, item, S("arguments"),
                  call->input ? json_str(arena, call->input) : S("{}"));
  }
}

static void put_turn(Arena *arena, Value *input, const ModelMessage *message)
{
  if (message->role == MSG_TOOL) {
    Value *item = value_push(input, value_map(arena));
    value_put_str(arena, item, S("type"), S("function_call_output"));
    value_put_str(arena, item, S("call_id"), message->call_id);
    value_put_str(arena, item, S("output"), message->text);
  } else if (message->role == MSG_ASSISTANT && value_is(message->raw, VALUE_LIST)) {
    for (VALUE_EACH (item, message->raw)) value_push(input, value_dup(arena, item));
  } else {
    bool assistant = message->role == MSG_ASSISTANT;
    if (message->text.len)
      put_message(arena, input, assistant ? S("assistant") : S("user"), message->text);
    put_calls(arena, input, &message->calls);
  }
}

static void put_input(Arena *arena, Value *body, const ModelRequest *request, const Target *target)
{
  Str system = request_system(arena, request, target->quirks & QUIRK_NO_SCHEMA);
  if (system.len) value_put_str(arena, body, S("instructions"), system);
  Value *input = value_set(body, S("input"), value_list(arena));
  if (request->shared.len) {
    Str role = target->quirks & QUIRK_SYSTEM_ROLE ? S("system") : S("developer");
    Value *part = put_message(arena, input, role, request->shared);
    if (openai_marks_cache(target)) openai_mark(arena, part);
  }
  for (size_t i = 0; i < request->messages.len; i++) {
    put_turn(arena, input, &request->messages.items[i]);
  }
}

// Strictness is the server's default here, so that it is said either way.
static void put_tools(Arena *arena, Value *body, const ModelRequest *request)
{
  if (request->tool_count == 0) return;
  Value *tools = value_set(body, S("tools"), value_list(arena));
  for (size_t i = 0; i < request->tool_count; i++) {
    const ModelTool *tool = &request->tools[i];
    Value *item = value_push(tools, value_map(arena));
    value_put_str(arena, item, S("type"), S("function"));
    request_tool(arena, item, tool, S("parameters"));
    value_put_bool(arena, item, S("strict"), schema_is_strict(tool->schema));
  }
}

static void put_format(Arena *arena, Value *body, const ModelRequest *request, const Target *target)
{
  if (!request->schema || target->quirks & QUIRK_NO_JSON) return;
  Value *text = value_set(body, S("text"), value_map(arena));
  Value *format = value_set(text, S("format"), value_map(arena));
  if (target->quirks & QUIRK_NO_SCHEMA) {
    value_put_str(arena, format, S("type"), S("json_object"));
    return;
  }
  value_put_str(arena, format, S("type"), S("json_schema"));
  value_put_str(arena, format, S("name"), S("answer"));
  value_put_bool(arena, format, S("strict"), schema_is_strict(request->schema));
  value_set(format, S("schema"), value_dup(arena, request->schema));
}

// Encrypted reasoning is asked for only where it can come back: models that do not reason refuse the wish.
static void put_reasoning(Arena *arena, Value *body, const ModelRequest *request,
                          const Target *target)
{
  if (target->quirks & QUIRK_NO_EFFORT) return;
  Str effort = request_effort(request, target);
  if (effort.len) {
    Value *reasoning = value_set(body, S("reasoning"), value_map(arena));
    value_put_str(arena, reasoning, S("effort"), effort);
  }
}

// What goes back unchanged in a tool loop.
static void put_include(Arena *arena, Value *body, const ModelRequest *request,
                        const Target *target)
{
  if (target->quirks & QUIRK_NO_EFFORT || request->tool_count == 0) return;
  Value *include = value_set(body, S("include"), value_list(arena));
  value_push(include, value_str(arena, S("reasoning.encrypted_content")));
}

static void put_prompt(Arena *arena, Value *body, const ModelRequest *request, const Target *target)
{
  put_reasoning(arena, body, request, target);
  put_format(arena, body, request, target);
  put_tools(arena, body, request);
  put_input(arena, body, request, target);
}

static void build(Arena *arena, const ModelRequest *request, const Target *target, const Key *key,
                  WireRequest *out)
{
  openai_address(arena, "/responses", target, key, out);
  Value *body = value_map(arena);
  value_put_str(arena, body, S("model"), request->model);
  value_put_bool(arena, body, S("stream"), true);
  value_put_bool(arena, body, S("store"), false);
  int64_t max = request_max_output(request, target);
  if (max > 0) value_put_int(arena, body, S("max_output_tokens"), max);
  openai_put_cache(arena, body, request, target);
  put_include(arena, body, request, target);
  put_prompt(arena, body, request, target);
  out->body = json_str(arena, body);
}

// It knows the fields that make the prompt, not those about caching it.
static void count(Arena *arena, const ModelRequest *request, const Target *target, const Key *key,
                  WireRequest *out)
{
  Target plain = *target;
  plain.quirks |= QUIRK_NO_CACHE_MARK;
  openai_address(arena, "/responses/input_tokens", target, key, out);
  Value *body = value_map(arena);
  value_put_str(arena, body, S("model"), request->model);
  put_prompt(arena, body, request, &plain);
  out->body = json_str(arena, body);
}

// ---- stream ---------------------------------------------------------------------------------------------

// Input counters include what was cached and what was written.
static void read_usage(ReplyBuilder *reply, const Value *usage)
{
  if (value_get_int(usage, S("input_tokens"), -1) < 0) return;
  const Value *in = value_get(usage, S("input_tokens_details"));
  const Value *out = value_get(usage, S("output_tokens_details"));
  Usage u = {.known = true};
  u.cache_read = tokens_of(in, S("cached_tokens"), 0);
  u.cache_write = tokens_of(in, S("cache_write_tokens"), 0);
  u.fresh_in = tokens_of(usage, S("input_tokens"), 0) - u.cache_read - u.cache_write;
  if (u.fresh_in < 0) u.fresh_in = 0;
  u.out = tokens_of(usage, S("output_tokens"), 0);
  u.reasoning = tokens_of(out, S("reasoning_tokens"), 0);
  reply->usage = u;
}

// The text of the response replaces what was streamed, should they differ.
static void take_text(ReplyBuilder *reply, Buf *text)
{
  if (reply->text.len == 0) {
    reply_text(reply, buf_str(text));
  } else if (!str_eq(buf_str(&reply->text), buf_str(text))) {
    buf_clear(&reply->text);
    buf_add(&reply->text, buf_str(text));
  }
}

static void read_message(ReplyBuilder *reply, const Value *item, Buf *text)
{
  for (VALUE_EACH (part, value_get(item, S("content")))) {
    buf_add(text, value_get_str(part, S("text"), STR_NONE));
    Str refusal = value_get_str(part, S("refusal"), STR_NONE);
    if (refusal.len == 0) continue;
    reply->stop = STOP_REFUSED;
    reply->stop_detail = str_dup(reply->arena, str_sub(refusal, 0, 2048));
  }
}

static void read_call(ReplyBuilder *reply, const Value *item)
{
  ReplyPart *part = reply_part_add(reply, PART_TOOL, (int64_t)reply->parts.len);
  if (!part) return;
  part->id = str_dup(reply->arena, value_get_str(item, S("call_id"), STR_NONE));
  part->name = str_dup(reply->arena, value_get_str(item, S("name"), STR_NONE));
  reply_part_text(reply, part, value_get_str(item, S("arguments"), STR_NONE));
}

static void read_items(ReplyBuilder *reply, const Value *items)
{
  Buf text;
  buf_init(&text, REPLY_MAX);
  for (VALUE_EACH (item, items)) {
    Str type = value_get_str(item, S("type"), STR_NONE);
    if (str_eq(type, S("message"))) read_message(reply, item, &text);
    if (str_eq(type, S("function_call"))) read_call(reply, item);
  }
  take_text(reply, &text);
  buf_deinit(&text);
}

static StopReason stop_of(const Value *response)
{
  if (!str_eq(value_get_str(response, S("status"), STR_NONE), S("incomplete"))) return STOP_DONE;
  Str reason = value_get_str(value_get(response, S("incomplete_details")), S("reason"), STR_NONE);
  return str_eq(reason, S("content_filter")) ? STOP_REFUSED : STOP_LENGTH;
}

// The whole response, of the terminal event or of an answer in one piece. A server that leaves its output
// empty there has sent the items before.
static void read_response(ReplyBuilder *reply, const Value *response)
{
  read_usage(reply, value_get(response, S("usage")));
  reply->usage_final = reply->usage.known;
  reply->id = str_dup(reply->arena, value_get_str(response, S("id"), STR_NONE));
  Str status = value_get_str(response, S("status"), STR_NONE);
  if (str_eq(status, S("failed")) || str_eq(status, S("cancelled"))) {
    reply_error(reply, value_get(response, S("error")));
    return;
  }
  const Value *output = value_get(response, S("output"));
  if (value_len(output)) {
    reply->items = NULL;
    for (VALUE_EACH (item, output)) reply_keep_item(reply, item);
  }
  reply->stop = stop_of(response);
  read_items(reply, reply->items);
  if (reply->stop == STOP_REFUSED && reply->stop_detail.len == 0)
    reply->stop_detail = S("content_filter");
  reply->ended = true;
}

static void on_begin(ReplyBuilder *reply, const Value *event)
{
  const Value *response = value_get(event, S("response"));
  reply->id = str_dup(reply->arena, value_get_str(response, S("id"), STR_NONE));
}

static void on_text(ReplyBuilder *reply, const Value *event)
{
  reply_text(reply, value_get_str(event, S("delta"), STR_NONE));
}

static void on_item(ReplyBuilder *reply, const Value *event)
{
  const Value *item = value_get(event, S("item"));
  if (value_is(item, VALUE_MAP)) reply_keep_item(reply, item);
}

static void on_end(ReplyBuilder *reply, const Value *event)
{
  if (!reply->ended) read_response(reply, value_get(event, S("response")));
}

// {code, message, param} in the event itself, or inside `error`.
static void on_error(ReplyBuilder *reply, const Value *event)
{
  const Value *error = value_get(event, S("error"));
  reply_error(reply, value_is(error, VALUE_MAP) ? error : event);
}

static const struct {
  const char *type;
  void (*run)(ReplyBuilder *reply, const Value *event);
} events[] = {
    {"response.created", on_begin},
    {"response.output_text.delta", on_text},
    {"response.output_item.done", on_item},
    {"response.completed", on_end},
    {"response.incomplete", on_end},
    {"response.failed", on_end},
    {"error", on_error},
};

static void feed(ReplyBuilder *reply, const SseEvent *event)
{
  if (str_eq(str_trim(event->data), S("[DONE]"))) return;
  const Value *data = model_reply_parse(reply, event->data);
  Str type = value_get_str(data, S("type"), event->name);
  if (error_in(data)) type = S("error");
  for (size_t i = 0; data && i < sizeof(events) / sizeof(events[0]); i++) {
    if (str_eq(type, str_from(events[i].type))) events[i].run(reply, data);
  }
}

static void whole(ReplyBuilder *reply, Str body)
{
  const Value *response = model_reply_parse(reply, body);
  if (!response) return;
  if (!str_eq(value_get_str(response, S("object"), STR_NONE), S("response"))) {
    if (error_in(response)) reply_error(reply, error_in(response));
    return;
  }
  read_response(reply, response);
}

static void finish(ReplyBuilder *reply)
{
  reply_calls_finish(reply);
  reply->raw = reply->items;
}

const Dialect dialect_openai_responses = {.name = "openai-responses",
                                          .build = build,
                                          .feed = feed,
                                          .whole = whole,
                                          .finish = finish,
                                          .classify = failure_from_answer,
                                          .count = count,
                                          .counted = "input_tokens",
                                          .models_url = openai_models_url};
