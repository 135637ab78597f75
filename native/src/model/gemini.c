// gemini.c: the Google Gemini dialect, generateContent.
//
// Decisions, and the chapter of the vendor's documentation each comes from:
//   the model's parts come back unchanged     Tool result: thoughtSignature is checked
//   each event is a whole response            Stream: function calls never come in pieces, no end event
//   the last finishReason or a blockReason ends it
//   fresh = prompt - cached, out = candidates + thoughts      usageMetadata; thoughts are billed as output
//   the wait stands in the body               Errors: RetryInfo, no rate header (fail.c reads it)
#include "lib/json.h"
#include "model/dialect.h"

#define OWN_ID "piecework_"  // ids of calls that came without one; never sent

// ---- request --------------------------------------------------------------------------------------------

static Value *text_part(Arena *arena, Value *parts, Str text)
{
  Value *part = value_push(parts, value_map(arena));
  value_put_str(arena, part, S("text"), text);
  return part;
}

static void put_system(Arena *arena, Value *body, const ModelRequest *request, const Target *target)
{
  Str words = request_system(arena, request, target->quirks & QUIRK_NO_SCHEMA);
  if (words.len + request->shared.len == 0) return;
  Value *system = value_set(body, S("systemInstruction"), value_map(arena));
  Value *parts = value_set(system, S("parts"), value_list(arena));
  if (words.len) text_part(arena, parts, words);
  if (request->shared.len) text_part(arena, parts, request->shared);
}

static void put_call(Arena *arena, Value *parts, const ToolCall *call)
{
  Value *part = value_push(parts, value_map(arena));
  Value *inner = value_set(part, S("functionCall"), value_map(arena));
  if (!str_starts(call->id, S(OWN_ID))) value_put_str(arena, inner, S("id"), call->id);
  value_put_str(arena, inner, S("name"), call->name);
  value_set(inner, S("args"), call->input ? value_dup(arena, call->input) : value_map(arena));
}

static void put_result(Arena *arena, Value *parts, const ModelRequest *request, size_t index)
{
  const ModelMessage *message = &request->messages.items[index];
  const ToolCall *call = request_call_of(request, index);
  Value *part = value_push(parts, value_map(arena));
  Value *inner = value_set(part, S("functionResponse"), value_map(arena));
  if (!str_starts(message->call_id, S(OWN_ID)))
    value_put_str(arena, inner, S("id"), message->call_id);
  value_put_str(arena, inner, S("name"), call ? call->name : S("tool"));
  Value *response = value_set(inner, S("response"), value_map(arena));
  value_put_str(arena, response, message->is_error ? S("error") : S("result"), message->text);
}

static void put_parts(Arena *arena, Value *parts, const ModelRequest *request, size_t index)
{
  const ModelMessage *message = &request->messages.items[index];
  const Value *own = value_get(message->raw, S("parts"));
  if (message->role == MSG_TOOL) {
    put_result(arena, parts, request, index);
  } else if (message->role == MSG_ASSISTANT && value_len(own)) {
    for (VALUE_EACH (part, own)) value_push(parts, value_dup(arena, part));
  } else {
    if (message->text.len) text_part(arena, parts, message->text);
    for (size_t i = 0; i < message->calls.len; i++) {
      put_call(arena, parts, &message->calls.items[i]);
    }
  }
}

static bool is_empty(const ModelMessage *message)
{
  return message->role != MSG_TOOL && !message->text.len && !message->calls.len &&
         !value_len(value_get(message->raw, S("parts")));
}

// Neighbours of one role are one turn: all results of a turn's calls must come together.
static void put_contents(Arena *arena, Value *body, const ModelRequest *request)
{
  Value *contents = value_set(body, S("contents"), value_list(arena));
  Value *parts = NULL;
  bool was_model = false;
  for (size_t i = 0; i < request->messages.len; i++) {
    const ModelMessage *message = &request->messages.items[i];
    bool model = message->role == MSG_ASSISTANT;
    if (is_empty(message)) continue;
    if (!parts || model != was_model) {
      Value *turn = value_push(contents, value_map(arena));
      value_put_str(arena, turn, S("role"), model ? S("model") : S("user"));
      parts = value_set(turn, S("parts"), value_list(arena));
    }
    was_model = model;
    put_parts(arena, parts, request, i);
  }
}

static void put_tools(Arena *arena, Value *body, const ModelRequest *request)
{
  if (request->tool_count == 0) return;
  Value *tools = value_set(body, S("tools"), value_list(arena));
  Value *holder = value_push(tools, value_map(arena));
  Value *list = value_set(holder, S("functionDeclarations"), value_list(arena));
  for (size_t i = 0; i < request->tool_count; i++) {
    Value *item = value_push(list, value_map(arena));
    request_tool(arena, item, &request->tools[i], S("parametersJsonSchema"));
  }
}

static const struct {
  const char *effort, *level;
} levels[] = {{"none", "MINIMAL"}, {"minimal", "MINIMAL"}, {"low", "LOW"}, {"medium", "MEDIUM"},
              {"high", "HIGH"},    {"xhigh", "HIGH"},      {"max", "HIGH"}};

// The model table names efforts in the provider's own, lower-case words.
static void put_thinking(Arena *arena, Value *config, const ModelRequest *request,
                         const Target *target)
{
  if (target->quirks & QUIRK_NO_EFFORT) return;
  for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
    if (!str_eq(request->effort, str_from(levels[i].effort))) continue;
    Value *thinking = value_set(config, S("thinkingConfig"), value_map(arena));
    value_put_str(arena, thinking, S("thinkingLevel"), str_from(levels[i].level));
  }
}

static void put_config(Arena *arena, Value *body, const ModelRequest *request, const Target *target)
{
  Value *config = value_set(body, S("generationConfig"), value_map(arena));
  int64_t max = request_max_output(request, target);
  if (max > 0) value_put_int(arena, config, S("maxOutputTokens"), max);
  put_thinking(arena, config, request, target);
  if (!request->schema || target->quirks & QUIRK_NO_JSON) return;
  value_put_str(arena, config, S("responseMimeType"), S("application/json"));
  if (target->quirks & QUIRK_NO_SCHEMA) return;
  value_set(config, S("responseJsonSchema"), value_dup(arena, request->schema));
}

static void address(Arena *arena, const char *verb, Str model, const Target *target, const Key *key,
                    WireRequest *out)
{
  wire_json(out,
            str_fmt(arena, "%.*s/models/%.*s:%s", STR_ARG(target->base_url), STR_ARG(model), verb));
  if (key->secret.len) wire_header(out, S("x-goog-api-key"), str_dup(arena, key->secret));
}

static void put_all(Arena *arena, Value *body, const ModelRequest *request, const Target *target)
{
  put_system(arena, body, request, target);
  put_tools(arena, body, request);
  put_contents(arena, body, request);
  put_config(arena, body, request, target);
}

static void build(Arena *arena, const ModelRequest *request, const Target *target, const Key *key,
                  WireRequest *out)
{
  address(arena, "streamGenerateContent?alt=sse", request->model, target, key, out);
  Value *body = value_map(arena);
  put_all(arena, body, request, target);
  out->body = json_str(arena, body);
}

// Counted whole only when wrapped, and then the model is named inside, too.
static void count(Arena *arena, const ModelRequest *request, const Target *target, const Key *key,
                  WireRequest *out)
{
  address(arena, "countTokens", request->model, target, key, out);
  Value *body = value_map(arena);
  Value *whole = value_set(body, S("generateContentRequest"), value_map(arena));
  value_put_str(arena, whole, S("model"), str_cat(arena, S("models/"), request->model));
  put_all(arena, whole, request, target);
  out->body = json_str(arena, body);
}

// ---- stream ---------------------------------------------------------------------------------------------

// Counters are cumulative; those that are zero are left out.
static void read_usage(ReplyBuilder *reply, const Value *usage)
{
  if (!value_is(usage, VALUE_MAP) || value_len(usage) == 0) return;
  Usage u = {.known = true};
  u.cache_read = tokens_of(usage, S("cachedContentTokenCount"), 0);
  u.fresh_in = tokens_of(usage, S("promptTokenCount"), 0) +
               tokens_of(usage, S("toolUsePromptTokenCount"), 0) - u.cache_read;
  if (u.fresh_in < 0) u.fresh_in = 0;
  u.reasoning = tokens_of(usage, S("thoughtsTokenCount"), 0);
  u.out = tokens_of(usage, S("candidatesTokenCount"), 0) + u.reasoning;
  reply->usage = u;
}

static const struct {
  const char *word;
  StopReason stop;
} stops[] = {
    {"STOP", STOP_DONE},
    {"MAX_TOKENS", STOP_LENGTH},
    {"CONTINUATION", STOP_LENGTH},
    {"SAFETY", STOP_REFUSED},
    {"RECITATION", STOP_REFUSED},
    {"BLOCKLIST", STOP_REFUSED},
    {"PROHIBITED_CONTENT", STOP_REFUSED},
    {"SPII", STOP_REFUSED},
    {"OTHER", STOP_ERROR},
    {"LANGUAGE", STOP_ERROR},
    {"MALFORMED_FUNCTION_CALL", STOP_ERROR},
    {"MALFORMED_RESPONSE", STOP_ERROR},
    {"UNEXPECTED_TOOL_CALL", STOP_ERROR},
    {"TOO_MANY_TOOL_CALLS", STOP_ERROR},
};

// A word that is not known yet counts as done: the text is there.
static void read_finish(ReplyBuilder *reply, Str word)
{
  if (word.len == 0 || str_eq(word, S("FINISH_REASON_UNSPECIFIED"))) return;
  reply->stop = STOP_DONE;
  for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
    if (str_eq(word, str_from(stops[i].word))) reply->stop = stops[i].stop;
  }
  if (reply->stop == STOP_REFUSED) reply->stop_detail = str_dup(reply->arena, word);
  if (reply->stop == STOP_ERROR) {
    model_reply_fail(reply, ERR_REPLY, "the model's reply was malformed and withheld");
  } else {
    reply->ended = true;
  }
}

static void read_call(ReplyBuilder *reply, const Value *call)
{
  int64_t index = (int64_t)reply->parts.len;
  ReplyPart *part = reply_part_add(reply, PART_TOOL, index);
  if (!part) return;
  Str id = value_get_str(call, S("id"), STR_NONE);
  part->id =
      id.len ? str_dup(reply->arena, id) : str_fmt(reply->arena, OWN_ID "%lld", (long long)index);
  part->name = str_dup(reply->arena, value_get_str(call, S("name"), STR_NONE));
  const Value *args = value_get(call, S("args"));
  if (value_is(args, VALUE_MAP)) reply_part_text(reply, part, json_str(&reply->scratch, args));
}

// Thoughts are not shown; they come back only if they carry a signature.
static void read_part(ReplyBuilder *reply, const Value *part)
{
  bool thought = value_get_bool(part, S("thought"), false);
  Str signature = value_get_str(part, S("thoughtSignature"), STR_NONE);
  Str text = value_get_str(part, S("text"), STR_NONE);
  const Value *call = value_get(part, S("functionCall"));
  if (!thought) reply_text(reply, text);
  if (value_is(call, VALUE_MAP)) read_call(reply, call);
  reply->bytes += signature.len + (thought ? text.len : 0);
  if (reply->bytes > REPLY_MAX)
    model_reply_fail(reply, ERR_TOO_BIG, "the reply is larger than 32 MiB");
  bool empty = text.len == 0 && value_get(part, S("text")) && !signature.len;
  if (!empty && !(thought && !signature.len)) reply_keep_item(reply, part);
}

static void read_response(ReplyBuilder *reply, const Value *response)
{
  const Value *error = error_in(response);
  if (error) reply_error(reply, error);
  if (reply->failed) return;
  Str id = value_get_str(response, S("responseId"), STR_NONE);
  if (reply->id.len == 0) reply->id = str_dup(reply->arena, id);
  read_usage(reply, value_get(response, S("usageMetadata")));
  const Value *candidate = value_at(value_get(response, S("candidates")), 0);
  const Value *content = value_get(candidate, S("content"));
  for (VALUE_EACH (part, value_get(content, S("parts")))) read_part(reply, part);
  Str finish = value_get_str(candidate, S("finishReason"), STR_NONE);
  reply->usage_final = finish.len && reply->usage.known;
  read_finish(reply, finish);
  Str blocked = value_get_str(value_get(response, S("promptFeedback")), S("blockReason"), STR_NONE);
  if (candidate || blocked.len == 0) return;
  reply->stop = STOP_REFUSED;
  reply->stop_detail = str_dup(reply->arena, blocked);
  reply->ended = true;
}

static void feed(ReplyBuilder *reply, const SseEvent *event)
{
  if (str_eq(str_trim(event->data), S("[DONE]"))) return;
  const Value *response = model_reply_parse(reply, event->data);
  if (response) read_response(reply, response);
}

static void whole(ReplyBuilder *reply, Str body)
{
  const Value *response = model_reply_parse(reply, body);
  if (response) read_response(reply, response);
}

static void finish(ReplyBuilder *reply)
{
  reply_calls_finish(reply);
  if (!reply->items) return;
  Value *raw = value_map(reply->arena);
  value_put_str(reply->arena, raw, S("role"), S("model"));
  value_set(raw, S("parts"), reply->items);
  reply->raw = raw;
}

static Str models_url(Arena *arena, const Target *target)
{
  return str_fmt(arena, "%.*s/models?pageSize=1000", STR_ARG(target->base_url));
}

const Dialect dialect_gemini = {.name = "gemini",
                                .build = build,
                                .feed = feed,
                                .whole = whole,
                                .finish = finish,
                                .classify = failure_from_answer,
                                .count = count,
                                .counted = "totalTokens",
                                .models_url = models_url};
