// transcript.c: see transcript.h.
#include "work/transcript.h"

#include "lib/json.h"

static const Str roles[] = {
    [MSG_USER] = S("user"), [MSG_ASSISTANT] = S("assistant"), [MSG_TOOL] = S("tool")};
static const Str stops[] = {[STOP_DONE] = S("done"),
                            [STOP_LENGTH] = S("length"),
                            [STOP_TOOL] = S("tool"),
                            [STOP_REFUSED] = S("refused"),
                            [STOP_ERROR] = S("error")};

static size_t index_of(const Str *names, size_t count, Str name)
{
  for (size_t i = 0; i < count; i++) {
    if (str_eq(names[i], name)) return i;
  }
  return count;
}

static void put_text(Arena *arena, Value *map, Str key, Str text)
{
  if (text.len) value_put_str(arena, map, key, text);
}

static void put_calls(Arena *arena, Value *map, const ToolCallList *calls)
{
  if (calls->len == 0) return;
  Value *list = value_set(map, S("calls"), value_list(arena));
  for (size_t i = 0; i < calls->len; i++) {
    Value *call = value_push(list, value_map(arena));
    put_text(arena, call, S("id"), calls->items[i].id);
    put_text(arena, call, S("name"), calls->items[i].name);
    put_text(arena, call, S("broken"), calls->items[i].broken);
    if (calls->items[i].input) value_set(call, S("input"), value_dup(arena, calls->items[i].input));
  }
}

static ToolCallList get_calls(Arena *arena, const Value *list)
{
  ToolCallList calls = {0};
  for (VALUE_EACH (item, list)) {
    ToolCall call = {.id = value_get_str(item, S("id"), STR_NONE),
                     .name = value_get_str(item, S("name"), STR_NONE),
                     .broken = value_get_str(item, S("broken"), STR_NONE),
                     .input = value_get(item, S("input"))};
    if (!call.input) call.input = value_map(arena);
    PUSH(arena, &calls, call);
  }
  return calls;
}

static Value *message_value(Arena *arena, const ModelMessage *message)
{
  Value *map = value_map(arena);
  value_put_str(arena, map, S("role"), roles[message->role]);
  put_text(arena, map, S("text"), message->text);
  put_calls(arena, map, &message->calls);
  if (message->raw) value_set(map, S("raw"), value_dup(arena, message->raw));
  put_text(arena, map, S("call_id"), message->call_id);
  if (message->is_error) value_put_bool(arena, map, S("is_error"), true);
  return map;
}

Value *transcript_messages(Arena *arena, const MessageList *messages)
{
  Value *list = value_list(arena);
  for (size_t i = 0; i < messages->len; i++)
    value_push(list, message_value(arena, &messages->items[i]));
  return list;
}

bool transcript_read(Arena *arena, Str text, MessageList *out, int64_t *max_output, Error *err)
{
  Error why = {0};
  const Value *map = json_parse(arena, text, &why);
  const Value *list = value_get(map, S("messages"));
  *out = (MessageList){0};
  *max_output = value_get_int(map, S("max_output"), 0);
  if (!value_is(list, VALUE_LIST))
    return error_set(err, ERR_JOURNAL, "a stored prompt cannot be read");
  for (VALUE_EACH (item, list)) {
    size_t role = index_of(roles, 3, value_get_str(item, S("role"), STR_NONE));
    if (role == 3) return error_set(err, ERR_JOURNAL, "a stored prompt cannot be read");
    ModelMessage message = {.role = (MessageRole)role,
                            .text = value_get_str(item, S("text"), STR_NONE),
                            .calls = get_calls(arena, value_get(item, S("calls"))),
                            .raw = value_get(item, S("raw")),
                            .call_id = value_get_str(item, S("call_id"), STR_NONE),
                            .is_error = value_get_bool(item, S("is_error"), false)};
    PUSH(arena, out, message);
  }
  return true;
}

Str reply_write(Arena *arena, const ModelReply *reply)
{
  Value *map = value_map(arena);
  value_put_str(arena, map, S("stop"), stops[reply->stop]);
  put_text(arena, map, S("text"), reply->text);
  put_calls(arena, map, &reply->calls);
  if (reply->raw) value_set(map, S("raw"), value_dup(arena, reply->raw));
  return json_str(arena, map);
}

bool reply_read(Arena *arena, Str text, ModelReply *out, Error *err)
{
  Error why = {0};
  const Value *map = json_parse(arena, text, &why);
  size_t stop = index_of(stops, 5, value_get_str(map, S("stop"), STR_NONE));
  *out = (ModelReply){0};
  if (!map || stop == 5) return error_set(err, ERR_JOURNAL, "a stored reply cannot be read");
  out->stop = (StopReason)stop;
  out->text = value_get_str(map, S("text"), STR_NONE);
  out->calls = get_calls(arena, value_get(map, S("calls")));
  out->raw = value_get(map, S("raw"));
  return true;
}

ModelMessage reply_message(Arena *arena, Str text, const ToolCallList *calls, const Value *raw)
{
  ModelMessage message = {.role = MSG_ASSISTANT, .text = str_dup(arena, text)};
  for (size_t i = 0; i < calls->len; i++) {
    const ToolCall *from = &calls->items[i];
    ToolCall call = {.id = str_dup(arena, from->id),
                     .name = str_dup(arena, from->name),
                     .broken = str_dup(arena, from->broken),
                     .input = value_dup(arena, from->input)};
    PUSH(arena, &message.calls, call);
  }
  if (raw) message.raw = value_dup(arena, raw);
  return message;
}
