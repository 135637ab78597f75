// request.c: copies of requests, see request.h.
#include "model/request.h"

#include <string.h>

// ---- copies -------------------------------------------------------------------------------------

SharedText *shared_take(SharedText *last, Str text)
{
  if (last && str_eq((Str){last->bytes, last->len}, text)) {
    last->refs++;
    return last;
  }
  SharedText *shared = mem_alloc(sizeof(*shared) + text.len);
  shared->refs = 1;
  shared->len = text.len;
  if (text.len) memcpy(shared->bytes, text.ptr, text.len);
  return shared;
}

void shared_drop(SharedText *shared)
{
  if (--shared->refs == 0) mem_free(shared);
}

ToolCallList calls_copy(Arena *arena, const ToolCallList *from)
{
  ToolCallList to = {0};
  for (size_t i = 0; i < from->len; i++) {
    const ToolCall *call = &from->items[i];
    ToolCall copy = {str_dup(arena, call->id), str_dup(arena, call->name),
                     value_dup(arena, call->input), str_dup(arena, call->broken)};
    PUSH(arena, &to, copy);
  }
  return to;
}

static ModelMessage message_copy(Arena *arena, const ModelMessage *from)
{
  ModelMessage to = *from;
  to.text = str_dup(arena, from->text);
  to.calls = calls_copy(arena, &from->calls);
  to.raw = value_dup(arena, from->raw);
  to.call_id = str_dup(arena, from->call_id);
  return to;
}

ModelRequest request_copy(Arena *arena, const ModelRequest *from)
{
  ModelRequest to = *from;
  Str *strings[] = {&to.provider, &to.model, &to.role, &to.label, &to.system, &to.effort};
  for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
    *strings[i] = str_dup(arena, *strings[i]);
  }
  to.schema = value_dup(arena, from->schema);
  to.messages = (MessageList){0};
  for (size_t i = 0; i < from->messages.len; i++) {
    PUSH(arena, &to.messages, message_copy(arena, &from->messages.items[i]));
  }
  to.tools = NEW_N(arena, ModelTool, from->tool_count);
  for (size_t i = 0; i < from->tool_count; i++) {
    const ModelTool *tool = &from->tools[i];
    to.tools[i] = (ModelTool){str_dup(arena, tool->name), str_dup(arena, tool->description),
                              value_dup(arena, tool->schema)};
  }
  return to;
}

uint64_t request_group(const ModelRequest *request)
{
  Str label = request->label;
  size_t digits = str_starts(label, S("plan ")) ? 5 : 0;
  size_t end = str_find_char(str_skip(label, digits), ' ');
  return str_hash(end == STR_NOT_FOUND ? label : str_sub(label, 0, digits + end));
}
