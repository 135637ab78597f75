// dialect.c: the table of dialects, and what they share in building a request.
#include "model/dialect.h"

#include <string.h>

#include "lib/json.h"

static const Dialect *const dialects[] = {&dialect_anthropic, &dialect_openai_chat,
                                          &dialect_openai_responses, &dialect_gemini,
                                          &dialect_ollama};

const Dialect *dialect_find(Str name)
{
  for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++) {
    if (str_eq(name, str_from(dialects[i]->name))) return dialects[i];
  }
  return NULL;
}

Str request_system(Arena *arena, const ModelRequest *request, bool schema_in_words)
{
  if (!request->schema || !schema_in_words) return request->system;
  Str schema = json_str(arena, request->schema);
  return str_fmt(arena,
                 "%.*s\n\nAnswer with one JSON object of this schema and nothing else:\n%.*s",
                 STR_ARG(request->system), STR_ARG(schema));
}

Str request_preamble(Arena *arena, const ModelRequest *request, bool schema_in_words)
{
  Str system = request_system(arena, request, schema_in_words), shared = request->shared;
  if (!system.len || !shared.len) return system.len ? system : shared;
  return str_fmt(arena, "%.*s\n\n%.*s", STR_ARG(system), STR_ARG(shared));
}

void request_tool(Arena *arena, Value *item, const ModelTool *tool, Str schema_key)
{
  value_put_str(arena, item, S("name"), tool->name);
  value_put_str(arena, item, S("description"), tool->description);
  value_set(item, schema_key, tool->schema ? value_dup(arena, tool->schema) : value_map(arena));
}

void request_functions(Arena *arena, Value *body, const ModelRequest *request)
{
  if (request->tool_count == 0) return;
  Value *tools = value_set(body, S("tools"), value_list(arena));
  for (size_t i = 0; i < request->tool_count; i++) {
    Value *item = value_push(tools, value_map(arena));
    value_put_str(arena, item, S("type"), S("function"));
    Value *function = value_set(item, S("function"), value_map(arena));
    request_tool(arena, function, &request->tools[i], S("parameters"));
  }
}

bool request_grows(const ModelRequest *request)
{
  return request->tool_count && !str_eq(request->role, S("verify"));
}

static bool level_known(const Value *levels, Str level)
{
  for (VALUE_EACH (item, levels)) {
    if (str_eq(value_to_str(item, STR_NONE), level)) return true;
  }
  return false;
}

Str request_effort(const ModelRequest *request, const Target *target)
{
  Str effort = request->effort;
  if (effort.len == 0 || target->quirks & QUIRK_NO_EFFORT) return STR_NONE;
  bool listed = level_known(target->efforts, effort);
  bool least = str_eq(effort, S("none")) || str_eq(effort, S("minimal"));
  bool too_little = least && !listed && (target->efforts || target->quirks & QUIRK_NO_EFFORT_NONE);
  if (too_little) effort = S("low");
  if (!target->efforts || level_known(target->efforts, effort)) return effort;
  return level_known(target->efforts, S("high")) ? S("high") : STR_NONE;
}

int64_t request_max_output(const ModelRequest *request, const Target *target)
{
  int64_t max = request->max_output > 0 ? request->max_output : 0;
  return target->max_output > 0 && max > target->max_output ? target->max_output : max;
}

Str request_cache_key(Arena *arena, const ModelRequest *request)
{
  uint64_t hash = str_hash(request->system) ^ str_hash(request->shared);
  return str_fmt(arena, "piecework-%016llx", (unsigned long long)hash);
}

const ToolCall *request_call_of(const ModelRequest *request, size_t index)
{
  Str id = request->messages.items[index].call_id;
  for (size_t i = index; i > 0; i--) {
    const ToolCallList *calls = &request->messages.items[i - 1].calls;
    for (size_t k = 0; k < calls->len; k++) {
      if (str_eq(calls->items[k].id, id)) return &calls->items[k];
    }
  }
  return NULL;
}

// Unknown shapes count as not strict: a schema that is refused costs a request, one that is not enforced
// is read with care anyway.
bool schema_is_strict(const Value *schema)
{
  const Value *properties = value_get(schema, S("properties"));
  if (str_eq(value_get_str(schema, S("type"), STR_NONE), S("object"))) {
    bool closed = !value_get_bool(schema, S("additionalProperties"), true);
    if (!closed || !properties) return false;
    if (value_len(value_get(schema, S("required"))) != value_len(properties)) return false;
  }
  for (VALUE_EACH (property, properties)) {
    if (!schema_is_strict(property)) return false;
  }
  const Value *items = value_get(schema, S("items"));
  return value_is(schema, VALUE_MAP) && (!items || schema_is_strict(items));
}

void wire_header(WireRequest *out, Str name, Str value)
{
  out->headers[out->header_count++] = (HttpHeader){name, value};
}

void wire_json(WireRequest *out, Str url)
{
  *out = (WireRequest){.url = url};
  wire_header(out, S("content-type"), S("application/json"));
}

void wire_bearer(Arena *arena, WireRequest *out, const Key *key)
{
  if (key->secret.len)
    wire_header(out, S("authorization"), str_fmt(arena, "Bearer %.*s", STR_ARG(key->secret)));
}

void wire_provider_headers(Arena *arena, const Dialect *dialect, const ProviderConfig *config,
                           const Target *target, const Key *key, WireRequest *out)
{
  ModelRequest any = {.provider = config->name, .model = S("any")};
  WireRequest live;
  dialect->build(arena, &any, target, key, &live);
  for (size_t i = 0; i < live.header_count; i++) {
    if (!str_eq(live.headers[i].name, S("content-type")))
      wire_header(out, live.headers[i].name, live.headers[i].value);
  }
}

static bool frames(Str name)
{
  static const char *const ours[] = {"host",           "connection",        "expect",
                                     "content-length", "transfer-encoding", "content-type",
                                     "upgrade",        "accept-encoding"};
  for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++) {
    if (str_eq_nocase(name, str_from(ours[i]))) return true;
  }
  return name.len == 0 || str_find_char(name, ' ') != STR_NOT_FOUND;
}

void wire_custom(Arena *arena, const Target *target, WireRequest *out)
{
  for (Str rest = target->custom, line; str_line(&rest, &line);) {
    size_t colon = str_find_char(line, ':');
    Str name = colon == STR_NOT_FOUND ? STR_NONE : str_trim(str_sub(line, 0, colon));
    if (frames(name)) continue;
    size_t at = 0;
    while (at < out->header_count && !str_eq_nocase(out->headers[at].name, name)) at++;
    if (at == WIRE_MAX_HEADERS) continue;
    if (at == out->header_count) out->header_count++;
    out->headers[at] = (HttpHeader){name, str_dup(arena, str_trim(str_skip(line, colon + 1)))};
  }
}

void wire_wipe(WireRequest *wire)
{
  for (size_t i = 0; i < wire->header_count; i++) {
    Str name = wire->headers[i].name, value = wire->headers[i].value;
    bool secret = str_eq(name, S("authorization")) || str_eq(name, S("x-api-key")) ||
                  str_eq(name, S("x-goog-api-key"));
    if (secret && value.len) explicit_bzero((char *)value.ptr, value.len);
  }
}
