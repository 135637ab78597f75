// text_tools.c: see text_tools.h. Reading is tolerant: with or without a fence or a tag, several spellings of
// "name" and "input", and an object that can only be the input of one tool counts as a call of it.
#include "model/text_tools.h"

#include "lib/json.h"
#include "model/loose_json.h"

enum { CALLS_MAX = 64, WORDS_MAX = 4 * 1024 * 1024 };

// ---- request --------------------------------------------------------------------------------------------

static const char how[] =
    "\n\n# Tools\n\nYou work with the tools below. To call one, write a block like this, and "
    "nothing after "
    "your last block:\n\n```json\n{\"tool\": \"NAME\", \"input\": {}}\n```\n\nSeveral blocks are "
    "several "
    "calls. Their results come with the next message. The tools:\n";

static Str described(Arena *arena, const ModelRequest *request)
{
  Buf words;
  buf_init(&words, WORDS_MAX);
  buf_add(&words, request->system);
  buf_add(&words, str_from(how));
  for (size_t i = 0; i < request->tool_count; i++) {
    const ModelTool *tool = &request->tools[i];
    Str schema = tool->schema ? json_str(arena, tool->schema) : S("{}");
    buf_fmt(&words, "\n- %.*s: %.*s\n  input, as a JSON schema: %.*s\n", STR_ARG(tool->name),
            STR_ARG(tool->description), STR_ARG(schema));
  }
  Str text = buf_take(&words, arena);
  buf_deinit(&words);
  return text;
}

// What the model said is sent back as it was; calls that came as calls, before the server was known to have
// no tools, are written out.
static ModelMessage said(Arena *arena, const ModelMessage *message)
{
  ModelMessage out = {.role = MSG_ASSISTANT, .text = message->text};
  for (size_t i = 0; i < message->calls.len; i++) {
    const ToolCall *call = &message->calls.items[i];
    Str quoted = str_fmt(arena, "\"%.*s\"", STR_ARG(call->name));
    if (str_has(message->text, quoted)) continue;
    Str input = call->input ? json_str(arena, call->input) : S("{}");
    Str block = str_fmt(arena, "%s```json\n{\"tool\": %.*s, \"input\": %.*s}\n```",
                        out.text.len ? "\n\n" : "", STR_ARG(quoted), STR_ARG(input));
    out.text = str_cat(arena, out.text, block);
  }
  return out;
}

static Str result_of(Arena *arena, const ModelRequest *request, size_t index)
{
  const ModelMessage *message = &request->messages.items[index];
  const ToolCall *call = request_call_of(request, index);
  return str_fmt(arena, "%s of %.*s:\n%.*s", message->is_error ? "Error" : "Result",
                 STR_ARG(call ? call->name : S("the tool")), STR_ARG(message->text));
}

// Roles must take turns for some servers' templates: results and words of one turn are one message.
static void add_user(Arena *arena, MessageList *out, Str text)
{
  ModelMessage *last = out->len ? &out->items[out->len - 1] : NULL;
  if (last && last->role == MSG_USER) {
    last->text = str_fmt(arena, "%.*s\n\n%.*s", STR_ARG(last->text), STR_ARG(text));
  } else {
    ModelMessage message = {.role = MSG_USER, .text = text};
    PUSH(arena, out, message);
  }
}

ModelRequest text_tools_request(Arena *arena, const ModelRequest *request)
{
  ModelRequest out = *request;
  out.system = described(arena, request);
  out.tools = NULL;
  out.tool_count = 0;
  out.messages = (MessageList){0};
  for (size_t i = 0; i < request->messages.len; i++) {
    const ModelMessage *message = &request->messages.items[i];
    if (message->role == MSG_ASSISTANT) {
      PUSH(arena, &out.messages, said(arena, message));
    } else {
      bool result = message->role == MSG_TOOL;
      add_user(arena, &out.messages, result ? result_of(arena, request, i) : message->text);
    }
  }
  return out;
}

// ---- reply ----------------------------------------------------------------------------------------------

static const ModelTool *tool_named(const ModelRequest *request, Str name)
{
  for (size_t i = 0; i < request->tool_count; i++) {
    if (str_eq(request->tools[i].name, name)) return &request->tools[i];
  }
  return NULL;
}

// Could [object] be the input of [tool]: every key is one of its properties, every required one is there?
static bool is_input(const ModelTool *tool, const Value *object)
{
  const Value *properties = value_get(tool->schema, S("properties"));
  for (VALUE_EACH (item, object)) {
    if (!value_get(properties, item->key)) return false;
  }
  for (VALUE_EACH (name, value_get(tool->schema, S("required")))) {
    if (!value_get(object, value_to_str(name, STR_NONE))) return false;
  }
  return value_len(object) > 0;
}

static const ModelTool *tool_of_input(const ModelRequest *request, const Value *object)
{
  const ModelTool *found = NULL;
  for (size_t i = 0; i < request->tool_count; i++) {
    if (!is_input(&request->tools[i], object)) continue;
    if (found) return NULL;
    found = &request->tools[i];
  }
  return found;
}

static const Value *first_of(const Value *object, const char *const *keys)
{
  for (; *keys; keys++) {
    const Value *value = value_get(object, str_from(*keys));
    if (value) return value;
  }
  return NULL;
}

static const char *const name_keys[] = {"tool", "name", "tool_name", "function", "action", NULL};
static const char *const input_keys[] = {"input",        "arguments", "parameters", "params",
                                         "action_input", "args",      NULL};

// The input may be a JSON text, or stand beside the name; {"function": {"name", "arguments"}} is opened.
static const Value *input_of(Arena *arena, const Value *object)
{
  const Value *input = first_of(object, input_keys);
  if (value_is(input, VALUE_STR)) input = json_parse_loose(arena, input->str);
  if (input) return value_is(input, VALUE_MAP) ? input : NULL;
  Value *rest = value_map(arena);
  for (VALUE_EACH (item, object)) {
    bool names = false;
    for (size_t i = 0; name_keys[i]; i++) names |= str_eq(item->key, str_from(name_keys[i]));
    if (!names) value_set(rest, item->key, value_dup(arena, item));
  }
  return rest;
}

static bool read_object(ReplyBuilder *reply, const ModelRequest *request, const Value *object)
{
  const Value *inner = value_get(object, S("function"));
  if (value_is(inner, VALUE_MAP)) object = inner;
  Str name = value_to_str(first_of(object, name_keys), STR_NONE);
  const ModelTool *tool = tool_named(request, name);
  const Value *input = tool ? input_of(reply->arena, object) : object;
  if (!tool) tool = tool_of_input(request, object);
  if (!tool || !input) return false;
  ToolCall call = {.id = str_fmt(reply->arena, "call_%zu", reply->calls.len + 1),
                   .name = str_dup(reply->arena, tool->name),
                   .input = value_dup(reply->arena, input)};
  PUSH(reply->arena, &reply->calls, call);
  return true;
}

// An object may begin a line, behind nothing but what opens a list, a fence or a tag.
static bool may_begin(Str text, size_t at)
{
  while (at > 0) {
    char c = text.ptr[at - 1];
    if (c == '\n' || c == '>' || c == '`' || c == '[' || c == ',') return true;
    if (c != ' ' && c != '\t' && c != '\r') return false;
    at--;
  }
  return true;
}

void text_tools_read(ReplyBuilder *reply, const ModelRequest *request)
{
  Str text = buf_str(&reply->text);
  size_t at = 0;
  while (at < text.len && reply->calls.len < CALLS_MAX) {
    size_t brace = str_find_char(str_skip(text, at), '{');
    if (brace == STR_NOT_FOUND) break;
    at += brace;
    size_t span = may_begin(text, at) ? json_span(str_skip(text, at)) : 0;
    const Value *object =
        span ? json_parse_loose(reply->arena, str_dup(reply->arena, str_sub(text, at, at + span)))
             : NULL;
    bool taken = value_is(object, VALUE_MAP) && read_object(reply, request, object);
    at += taken ? span : 1;
  }
  if (reply->calls.len && (reply->stop == STOP_DONE || reply->stop == STOP_LENGTH))
    reply->stop = STOP_TOOL;
  reply->raw = NULL;
}
