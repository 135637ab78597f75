// dialect.c: the table of dialects, and what they share in building a request.
#include "model/dialect.h"
#include "lib/json.h"

static const Dialect *const dialects[] = {&dialect_anthropic, &dialect_openai_chat};

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

bool request_grows(const ModelRequest *request)
{
  return request->tool_count && !str_eq(request->role, S("verify"));
}
