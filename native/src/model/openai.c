// openai.c: see openai.h.
#include "model/openai.h"

void openai_address(Arena *arena, const char *path, const Target *target, const Key *key,
                    WireRequest *out)
{
  wire_json(out, str_fmt(arena, "%.*s%s", STR_ARG(target->base_url), path));
  wire_bearer(arena, out, key);
  if (target->organization.len) wire_header(out, S("openai-organization"), target->organization);
  if (target->project.len) wire_header(out, S("openai-project"), target->project);
}

bool openai_marks_cache(const Target *target)
{
  return target->quirks & QUIRK_CACHE_MARK && !(target->quirks & QUIRK_NO_CACHE_MARK);
}

static void put_explicit(Arena *arena, Value *holder, Str key)
{
  value_put_str(arena, value_set(holder, key, value_map(arena)), S("mode"), S("explicit"));
}

void openai_mark(Arena *arena, Value *part)
{
  put_explicit(arena, part, S("prompt_cache_breakpoint"));
}

// The key groups the requests of one fan-out; `explicit` keeps what nobody will read again out of the cache
// (a written token costs a quarter more), while a tool loop wants its growing end written.
void openai_put_cache(Arena *arena, Value *body, const ModelRequest *request, const Target *target)
{
  if (!openai_marks_cache(target)) return;
  if (request->shared.len)
    value_put_str(arena, body, S("prompt_cache_key"), request_cache_key(arena, request));
  if (!request_grows(request)) put_explicit(arena, body, S("prompt_cache_options"));
}

Str openai_models_url(Arena *arena, const Target *target)
{
  return str_fmt(arena, "%.*s/models", STR_ARG(target->base_url));
}
