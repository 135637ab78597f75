// ollama.c: Ollama's native chat. Its /v1 speaks Chat Completions but cannot set
// the context window and cuts long prompts without a word.
//
// Decisions, and where in Ollama's documentation each comes from:
//   num_ctx from the prompt's size        Silent truncation: the default window is small. Powers of two, for
//                                         another size makes the server load the model again
//   truncate: false                       ditto: then a prompt that does not fit is an error
//   one JSON object per line              /api/chat; the last has done: true
//   tool results go by tool_name          /api/chat: calls have no ids that must come back
#include "lib/json.h"
#include "model/dialect.h"

enum { CONTEXT_LEAST = 8192, CONTEXT_MOST = 1 << 20, DEFAULT_OUTPUT = 4096 };

// ---- request --------------------------------------------------------------------------------------------

// As much as it can need, for a prompt that does not fit is refused.
static int64_t context_of(const ModelRequest *request, const Target *target)
{
  int64_t output = request_max_output(request, target);
  int64_t wanted = request_tokens_most(request) + (output > 0 ? output : DEFAULT_OUTPUT);
  int64_t context = CONTEXT_LEAST;
  while (context < wanted && context < CONTEXT_MOST) context *= 2;
  return target->context > 0 && context > target->context ? target->context : context;
}

static Value *put_message(Arena *arena, Value *messages, Str role, Str text)
{
  Value *message = value_push(messages, value_map(arena));
  value_put_str(arena, message, S("role"), role);
  value_put_str(arena, message, S("content"), text);
  return message;
}

static void put_calls(Arena *arena, Value *message, const ToolCallList *calls)
{
  if (calls->len == 0) return;
  Value *list = value_set(message, S("tool_calls"), value_list(arena));
  for (size_t i = 0; i < calls->len; i++) {
    const ToolCall *call = &calls->items[i];
    Value *item = value_push(list, value_map(arena));
    Value *function = value_set(item, S("function"), value_map(arena));
    value_put_str(arena, function, S("name"), call->name);
    value_set(function, S("arguments"),
              call->input ? value_dup(arena, call->input) : value_map(arena));
  }
}

static void put_turn(Arena *arena, Value *messages, const ModelRequest *request, size_t index)
{
  const ModelMessage *message = &request->messages.items[index];
  if (message->role == MSG_ASSISTANT && value_is(message->raw, VALUE_MAP)) {
    value_push(messages, value_dup(arena, message->raw));
  } else if (message->role == MSG_ASSISTANT) {
    put_calls(arena, put_message(arena, messages, S("assistant"), message->text), &message->calls);
  } else if (message->role == MSG_TOOL) {
    const ToolCall *call = request_call_of(request, index);
    Value *result = put_message(arena, messages, S("tool"), message->text);
    value_put_str(arena, result, S("tool_name"), call ? call->name : S("tool"));
  } else {
    put_message(arena, messages, S("user"), message->text);
  }
}

static void put_messages(Arena *arena, Value *body, const ModelRequest *request,
                         const Target *target)
{
  Value *messages = value_set(body, S("messages"), value_list(arena));
  Str system = request_preamble(arena, request, target->quirks & QUIRK_NO_SCHEMA);
  if (system.len) put_message(arena, messages, S("system"), system);
  for (size_t i = 0; i < request->messages.len; i++) put_turn(arena, messages, request, i);
}

static void put_format(Arena *arena, Value *body, const ModelRequest *request, const Target *target)
{
  if (!request->schema || target->quirks & QUIRK_NO_JSON) return;
  if (target->quirks & QUIRK_NO_SCHEMA) {
    value_put_str(arena, body, S("format"), S("json"));
  } else {
    value_set(body, S("format"), value_dup(arena, request->schema));
  }
}

static void put_options(Arena *arena, Value *body, const ModelRequest *request,
                        const Target *target)
{
  Value *options = value_set(body, S("options"), value_map(arena));
  value_put_int(arena, options, S("num_ctx"), context_of(request, target));
  int64_t max = request_max_output(request, target);
  if (max > 0) value_put_int(arena, options, S("num_predict"), max);
  Str effort = request_effort(request, target);
  if (str_eq(effort, S("none"))) {
    value_put_bool(arena, body, S("think"), false);
  } else if (effort.len) {
    value_put_str(arena, body, S("think"), effort);
  }
}

// Addresses are given with "/v1" (as for the other interface), "/api" or neither.
static Str home(Str base)
{
  static const Str tails[] = {S("/v1"), S("/api")};
  for (size_t i = 0; i < 2; i++) {
    if (str_ends(base, tails[i])) return str_sub(base, 0, base.len - tails[i].len);
  }
  return base;
}

static void build(Arena *arena, const ModelRequest *request, const Target *target, const Key *key,
                  WireRequest *out)
{
  wire_json(out, str_fmt(arena, "%.*s/api/chat", STR_ARG(home(target->base_url))));
  wire_bearer(arena, out, key);
  Value *body = value_map(arena);
  value_put_str(arena, body, S("model"), request->model);
  value_put_bool(arena, body, S("stream"), true);
  value_put_bool(arena, body, S("truncate"), false);
  put_options(arena, body, request, target);
  put_format(arena, body, request, target);
  request_functions(arena, body, request);
  put_messages(arena, body, request, target);
  out->body = json_str(arena, body);
}

// ---- stream ---------------------------------------------------------------------------------------------

static void read_call(ReplyBuilder *reply, const Value *call)
{
  int64_t index = (int64_t)reply->parts.len;
  ReplyPart *part = reply_part_add(reply, PART_TOOL, index);
  if (!part) return;
  const Value *function = value_get(call, S("function"));
  Str id = value_get_str(call, S("id"), STR_NONE);
  part->id =
      id.len ? str_dup(reply->arena, id) : str_fmt(reply->arena, "call_%lld", (long long)index);
  part->name = str_dup(reply->arena, value_get_str(function, S("name"), STR_NONE));
  const Value *arguments = value_get(function, S("arguments"));
  Str json = value_is(arguments, VALUE_MAP) ? json_str(&reply->scratch, arguments)
                                            : value_to_str(arguments, STR_NONE);
  reply_part_text(reply, part, json);
}

static void read_message(ReplyBuilder *reply, const Value *message)
{
  Str thinking = value_get_str(message, S("thinking"), STR_NONE);
  if (!buf_add(&reply->extra, thinking))
    model_reply_fail(reply, ERR_TOO_BIG, "the reply is larger than 32 MiB");
  reply_text(reply, value_get_str(message, S("content"), STR_NONE));
  for (VALUE_EACH (call, value_get(message, S("tool_calls")))) read_call(reply, call);
}

// The prompt's counter is left out when all of it was still in the server's memory.
static void read_end(ReplyBuilder *reply, const Value *line)
{
  Str reason = value_get_str(line, S("done_reason"), S("stop"));
  reply->stop = str_eq(reason, S("length")) ? STOP_LENGTH : STOP_DONE;
  reply->ended = true;
  if (value_get_int(line, S("eval_count"), -1) < 0) return;
  reply->usage = (Usage){.fresh_in = tokens_of(line, S("prompt_eval_count"), 0),
                         .out = tokens_of(line, S("eval_count"), 0),
                         .known = true};
}

static void read_line(ReplyBuilder *reply, const Value *line)
{
  const Value *error = error_in(line);
  if (error) reply_error(reply, error);
  if (reply->failed) return;
  read_message(reply, value_get(line, S("message")));
  if (value_get_bool(line, S("done"), false)) read_end(reply, line);
}

static void feed(ReplyBuilder *reply, const SseEvent *event)
{
  const Value *line = model_reply_parse(reply, event->data);
  if (line) read_line(reply, line);
}

static void whole(ReplyBuilder *reply, Str body)
{
  const Value *line = model_reply_parse(reply, body);
  if (line) read_line(reply, line);
}

static void finish(ReplyBuilder *reply)
{
  Arena *arena = reply->arena;
  reply_calls_finish(reply);
  if (reply->text.len + reply->calls.len == 0) return;
  Value *raw = value_map(arena);
  value_put_str(arena, raw, S("role"), S("assistant"));
  value_put_str(arena, raw, S("content"), str_dup(arena, buf_str(&reply->text)));
  if (reply->extra.len)
    value_put_str(arena, raw, S("thinking"), str_dup(arena, buf_str(&reply->extra)));
  put_calls(arena, raw, &reply->calls);
  reply->raw = raw;
}

static Str models_url(Arena *arena, const Target *target)
{
  return str_fmt(arena, "%.*s/api/tags", STR_ARG(home(target->base_url)));
}

const Dialect dialect_ollama = {.name = "ollama",
                                .lines = true,
                                .build = build,
                                .feed = feed,
                                .whole = whole,
                                .finish = finish,
                                .classify = failure_from_answer,
                                .models_url = models_url};
