// openai_chat.c: the OpenAI Chat Completions dialect, which is also what most other servers speak; what they do
// differently is a bit of Target.quirks.
//
// Decisions, and the chapter of the vendor's documentation each comes from:
//   stream_options.include_usage      Chat Completions, stream: no usage without it
//   usage chunk has no choices        ditto: guard choices[0]
//   fresh = prompt - cached - written Normalising: the counters include cached tokens
//   max_completion_tokens, or max_tokens      Compatible servers: per-server switches
//   prompt_cache_breakpoint, mode explicit    Prompt caching: unique tails are not written at 1.25 times
//   no `strict` on schemas            Strict schemas: refused unless every property is required
#include "lib/json.h"
#include "model/openai.h"

#define REASONING S("reasoning_content")

// ---- request --------------------------------------------------------------------------------------------

static Value *message_of(Arena *arena, Value *messages, Str role)
{
  Value *message = value_push(messages, value_map(arena));
  value_put_str(arena, message, S("role"), role);
  return message;
}

static Value *text_part(Arena *arena, Value *content, Str text)
{
  Value *part = value_push(content, value_map(arena));
  value_put_str(arena, part, S("type"), S("text"));
  value_put_str(arena, part, S("text"), text);
  return part;
}

// One message, so that the prefix is the same to the byte for all tasks of a plan.
static void put_system(Arena *arena, Value *messages, const ModelRequest *request,
                       const Target *target)
{
  bool in_words = target->quirks & QUIRK_NO_SCHEMA, old = target->quirks & QUIRK_SYSTEM_ROLE;
  Str system = request_system(arena, request, in_words);
  if (system.len + request->shared.len == 0) return;
  Value *message = message_of(arena, messages, old ? S("system") : S("developer"));
  if (openai_marks_cache(target) && request->shared.len) {
    Value *content = value_set(message, S("content"), value_list(arena));
    if (system.len) text_part(arena, content, system);
    openai_mark(arena, text_part(arena, content, request->shared));
  } else {
    value_put_str(arena, message, S("content"), request_preamble(arena, request, in_words));
  }
}

static void put_calls(Arena *arena, Value *message, const ToolCallList *calls)
{
  if (calls->len == 0) return;
  Value *list = value_set(message, S("tool_calls"), value_list(arena));
  for (size_t i = 0; i < calls->len; i++) {
    const ToolCall *call = &calls->items[i];
    Value *item = value_push(list, value_map(arena));
    value_put_str(arena, item, S("id"), call->id);
    value_put_str(arena, item, S("type"), S("function"));
    Value *function = value_set(item, S("function"), value_map(arena));
    value_put_str(arena, function, S("name"), call->name);
    value_put_str(arena, function, S("arguments"),
                  call->input ? json_str(arena, call->input) : S("{}"));
  }
}

// What it said, as it said it. Its reasoning only where that is wanted back, and there in any case: a reply without
// some, or one of another server, has called tools, too.
static void put_raw(Arena *arena, Value *messages, const Value *raw, const Target *target)
{
  bool wanted = target->quirks & QUIRK_REASONING_BACK;
  Value *out = value_push(messages, value_map(arena));
  for (VALUE_EACH (item, raw)) {
    if (wanted || !str_eq(item->key, REASONING)) value_set(out, item->key, value_dup(arena, item));
  }
  if (wanted && value_get(raw, S("tool_calls")) && !value_get(raw, REASONING))
    value_put_str(arena, out, REASONING, STR_NONE);
}

static void put_assistant(Arena *arena, Value *messages, const ModelMessage *message,
                          const Target *target)
{
  if (value_is(message->raw, VALUE_MAP)) {
    put_raw(arena, messages, message->raw, target);
    return;
  }
  if (message->text.len + message->calls.len == 0) return;
  Value *out = message_of(arena, messages, S("assistant"));
  if (message->text.len) {
    value_put_str(arena, out, S("content"), message->text);
  } else {
    value_set(out, S("content"), value_null(arena));
  }
  put_calls(arena, out, &message->calls);
}

static void put_messages(Arena *arena, Value *body, const ModelRequest *request,
                         const Target *target)
{
  Value *messages = value_set(body, S("messages"), value_list(arena));
  put_system(arena, messages, request, target);
  for (size_t i = 0; i < request->messages.len; i++) {
    const ModelMessage *message = &request->messages.items[i];
    if (message->role == MSG_ASSISTANT) {
      put_assistant(arena, messages, message, target);
      continue;
    }
    bool tool = message->role == MSG_TOOL;
    Value *out = message_of(arena, messages, tool ? S("tool") : S("user"));
    if (tool) value_put_str(arena, out, S("tool_call_id"), message->call_id);
    value_put_str(arena, out, S("content"), message->text);
  }
}

static void put_format(Arena *arena, Value *body, const ModelRequest *request, const Target *target)
{
  if (!request->schema || target->quirks & QUIRK_NO_JSON) return;
  Value *format = value_set(body, S("response_format"), value_map(arena));
  if (target->quirks & QUIRK_NO_SCHEMA) {
    value_put_str(arena, format, S("type"), S("json_object"));
    return;
  }
  value_put_str(arena, format, S("type"), S("json_schema"));
  Value *schema = value_set(format, S("json_schema"), value_map(arena));
  value_put_str(arena, schema, S("name"), S("answer"));
  value_set(schema, S("schema"), value_dup(arena, request->schema));
}

static void put_effort(Arena *arena, Value *body, const ModelRequest *request, const Target *target)
{
  if (target->quirks & QUIRK_NO_EFFORT) return;
  bool tools = request->tool_count && target->quirks & QUIRK_TOOLS_NO_EFFORT;
  Str effort = tools ? S("none") : request_effort(request, target);
  if (effort.len) value_put_str(arena, body, S("reasoning_effort"), effort);
}

static void put_limits(Arena *arena, Value *body, const ModelRequest *request, const Target *target)
{
  int64_t max = request_max_output(request, target);
  if (max > 0) {
    bool old = target->quirks & QUIRK_MAX_TOKENS && !(target->quirks & QUIRK_MAX_COMPLETION);
    value_put_int(arena, body, old ? S("max_tokens") : S("max_completion_tokens"), max);
  }
  value_put_bool(arena, body, S("stream"), true);
  if (target->quirks & QUIRK_NO_STREAM_OPTIONS) return;
  Value *options = value_set(body, S("stream_options"), value_map(arena));
  value_put_bool(arena, options, S("include_usage"), true);
}

static void put_router(Arena *arena, Value *body, const ModelRequest *request, const Target *target)
{
  if (!(target->quirks & QUIRK_REQUIRE_PARAMETERS) || (!request->schema && !request->tool_count))
    return;
  Value *provider = value_set(body, S("provider"), value_map(arena));
  value_put_bool(arena, provider, S("require_parameters"), true);
}

static void build(Arena *arena, const ModelRequest *request, const Target *target, const Key *key,
                  WireRequest *out)
{
  openai_address(arena, "/chat/completions", target, key, out);
  Value *body = value_map(arena);
  value_put_str(arena, body, S("model"), request->model);
  put_limits(arena, body, request, target);
  if (openai_marks_cache(target)) value_put_bool(arena, body, S("store"), false);
  openai_put_cache(arena, body, request, target);
  put_router(arena, body, request, target);
  put_effort(arena, body, request, target);
  put_format(arena, body, request, target);
  request_functions(arena, body, request);
  put_messages(arena, body, request, target);
  out->body = json_str(arena, body);
}

// ---- stream ---------------------------------------------------------------------------------------------

// Servers put the tokens read from the cache in one of three places.
static int64_t cached_tokens(const Value *usage)
{
  int64_t n = tokens_of(usage, S("cached_tokens"), 0);
  n = tokens_of(usage, S("prompt_cache_hit_tokens"), n);
  return tokens_of(value_get(usage, S("prompt_tokens_details")), S("cached_tokens"), n);
}

// What a router asks for and, where the user's own key at a vendor was used, what that vendor asks for.
static double cost_told(const Value *usage)
{
  double cost = value_get_double(usage, S("cost"), -1);
  double vendor =
      value_get_double(value_get(usage, S("cost_details")), S("upstream_inference_cost"), 0);
  bool own_key = value_get_bool(usage, S("is_byok"), vendor > cost);
  return cost >= 0 && own_key && vendor > 0 ? cost + vendor : cost;
}

static void read_usage(ReplyBuilder *reply, const Value *usage)
{
  if (value_get_int(usage, S("prompt_tokens"), -1) < 0) return;
  const Value *in = value_get(usage, S("prompt_tokens_details"));
  const Value *out = value_get(usage, S("completion_tokens_details"));
  Usage u = {.known = true};
  u.cache_read = cached_tokens(usage);
  u.cache_write = tokens_of(in, S("cache_write_tokens"), 0);
  u.fresh_in = tokens_of(usage, S("prompt_tokens"), 0) - u.cache_read - u.cache_write;
  if (u.fresh_in < 0) u.fresh_in = 0;
  u.out = tokens_of(usage, S("completion_tokens"), 0);
  u.reasoning = tokens_of(out, S("reasoning_tokens"), 0);
  // xAI's completion_tokens leaves them out; its total does not
  int64_t visible = tokens_of(usage, S("prompt_tokens"), 0) + u.out;
  if (u.reasoning && tokens_of(usage, S("total_tokens"), 0) == visible + u.reasoning)
    u.out += u.reasoning;
  reply->usage = u;
  double cost = cost_told(usage);
  if (reply->quirks & QUIRK_COST && cost >= 0 && cost < 1e6) reply->cost = (Nano)(cost * 1e9 + 0.5);
}

static const struct {
  const char *word;
  StopReason stop;
} stops[] = {
    {"stop", STOP_DONE},       {"length", STOP_LENGTH},      {"model_length", STOP_LENGTH},
    {"tool_calls", STOP_TOOL}, {"function_call", STOP_TOOL}, {"content_filter", STOP_REFUSED},
};
static const char *const broken_stops[] = {"error", "insufficient_system_resource"};

static void read_stop(ReplyBuilder *reply, Str word)
{
  if (word.len == 0) return;
  for (size_t i = 0; i < 2; i++) {
    if (str_eq(word, str_from(broken_stops[i]))) {
      model_reply_fail(reply, ERR_OVERLOADED, "the provider gave up on the reply");
    }
  }
  bool refused = reply->stop == STOP_REFUSED;
  reply->stop = refused ? STOP_REFUSED : STOP_DONE;
  for (size_t i = 0; !refused && i < sizeof(stops) / sizeof(stops[0]); i++) {
    if (str_eq(word, str_from(stops[i].word))) reply->stop = stops[i].stop;
  }
  if (!refused && reply->stop == STOP_REFUSED) reply->stop_detail = str_dup(reply->arena, word);
  reply->ended = true;
}

// Content is a string, or at some servers a list of parts, of which only text counts.
static void read_content(ReplyBuilder *reply, const Value *content)
{
  reply_text(reply, value_to_str(content, STR_NONE));
  for (VALUE_EACH (part, content)) {
    if (str_eq(value_get_str(part, S("type"), STR_NONE), S("text"))) {
      reply_text(reply, value_get_str(part, S("text"), STR_NONE));
    }
  }
}

// The call a delta belongs to. Some servers send no index, or the same one for every call: a new id begins
// a new call.
static ReplyPart *call_part(ReplyBuilder *reply, const Value *delta)
{
  Str id = value_get_str(delta, S("id"), STR_NONE);
  int64_t index = value_get_int(delta, S("index"), -1);
  ReplyPart *part = NULL;
  if (index >= 0) {
    part = reply_part_find(reply, index);
  } else if (reply->parts.len) {
    part = &reply->parts.items[reply->parts.len - 1];
  }
  bool other =
      part && (part->kind != PART_TOOL || (id.len && part->id.len && !str_eq(id, part->id)));
  if (part && !other) return part;
  part = reply_part_add(reply, PART_TOOL, index >= 0 ? index : (int64_t)reply->parts.len);
  return part;
}

static void read_call(ReplyBuilder *reply, const Value *delta)
{
  ReplyPart *part = call_part(reply, delta);
  if (!part) return;
  const Value *function = value_get(delta, S("function"));
  Str id = value_get_str(delta, S("id"), STR_NONE);
  Str name = value_get_str(function, S("name"), STR_NONE);
  if (id.len) part->id = str_dup(reply->arena, id);
  if (name.len) part->name = str_dup(reply->arena, name);
  const Value *arguments = value_get(function, S("arguments"));
  if (value_is(arguments, VALUE_MAP)) {  // should be a string; some local servers send the object
    reply_part_text(reply, part, json_str(&reply->scratch, arguments));
  } else {
    reply_part_text(reply, part, value_to_str(arguments, STR_NONE));
  }
}

// A refusal comes in place of the text.
static void read_refusal(ReplyBuilder *reply, Str piece)
{
  if (piece.len == 0) return;
  reply->stop = STOP_REFUSED;
  reply->stop_detail = str_cat(reply->arena, reply->stop_detail, str_sub(piece, 0, 2048));
}

static void read_message(ReplyBuilder *reply, const Value *delta)
{
  static const char *const reasoning[] = {"reasoning_content", "reasoning", "reasoning_text"};
  for (size_t i = 0; i < 3; i++) {
    Str thought = value_get_str(delta, str_from(reasoning[i]), STR_NONE);
    if (thought.len && !buf_add(&reply->extra, thought)) {
      model_reply_fail(reply, ERR_TOO_BIG, "the reply is larger than 32 MiB");
    }
    if (thought.len) break;
  }
  read_content(reply, value_get(delta, S("content")));
  read_refusal(reply, value_get_str(delta, S("refusal"), STR_NONE));
  for (VALUE_EACH (call, value_get(delta, S("tool_calls")))) read_call(reply, call);
}

// An error may stand in any chunk, under a 200.
static bool read_error(ReplyBuilder *reply, const Value *chunk)
{
  const Value *error = error_in(chunk);
  if (!error || reply->failed) return reply->failed;
  reply_error(reply, error);
  return true;
}

static void read_chunk(ReplyBuilder *reply, const Value *chunk)
{
  if (!chunk || read_error(reply, chunk)) return;
  if (reply->id.len == 0)
    reply->id = str_dup(reply->arena, value_get_str(chunk, S("id"), STR_NONE));
  const Value *choice = value_at(value_get(chunk, S("choices")), 0);
  const Value *delta = value_get(choice, S("delta"));
  read_message(reply, delta ? delta : value_get(choice, S("message")));
  read_stop(reply, value_get_str(choice, S("finish_reason"), STR_NONE));
  read_usage(reply, value_get(chunk, S("usage")));
  read_usage(reply, value_get(value_get(chunk, S("x_groq")), S("usage")));
  bool last = value_get_str(choice, S("finish_reason"), STR_NONE).len > 0;
  reply->usage_final = reply->usage_final || (last && reply->usage.known);
}

static void feed(ReplyBuilder *reply, const SseEvent *event)
{
  Str data = str_trim(event->data);
  if (str_eq(data, S("[DONE]"))) {  // an end the server meant, even if it gave no finish_reason
    if (!reply->ended && reply->parts.len) read_stop(reply, S("stop"));
    return;
  }
  const Value *chunk = model_reply_parse(reply, data);
  if (str_eq(event->name, S("error")) && chunk && !error_in(chunk)) {
    reply_error(reply, chunk);
    return;
  }
  read_chunk(reply, chunk);
}

static void whole(ReplyBuilder *reply, Str body)
{
  read_chunk(reply, model_reply_parse(reply, body));
}

static void finish(ReplyBuilder *reply)
{
  Arena *arena = reply->arena;
  reply_calls_finish(reply);
  for (size_t i = 0; i < reply->calls.len; i++) {  // some local servers give no ids
    ToolCall *call = &reply->calls.items[i];
    if (call->id.len == 0) call->id = str_fmt(arena, "call_%zu", i + 1);
  }
  if (reply->text.len + reply->calls.len == 0) return;
  Value *raw = value_map(arena);
  value_put_str(arena, raw, S("role"), S("assistant"));
  Str text = str_dup(arena, buf_str(&reply->text));
  value_set(raw, S("content"), text.len ? value_str(arena, text) : value_null(arena));
  bool wanted = reply->calls.len || reply->quirks & QUIRK_REASONING_BACK;
  if (reply->extra.len && wanted)  // put_raw knows who wants it
    value_put_str(arena, raw, REASONING, str_dup(arena, buf_str(&reply->extra)));
  put_calls(arena, raw, &reply->calls);
  reply->raw = raw;
}

const Dialect dialect_openai_chat = {.name = "openai-chat",
                                     .build = build,
                                     .feed = feed,
                                     .whole = whole,
                                     .finish = finish,
                                     .classify = failure_from_answer,
                                     .models_url = openai_models_url};
