// presets.c: see presets.h. Addresses, names of keys and quirks are those of the vendors' documentation.
#include "model/presets.h"

#include <stdlib.h>

#include "model/dialect.h"

enum {
  // Servers that keep to the set of names that all of them know.
  PLAIN = QUIRK_COMPATIBLE | QUIRK_SYSTEM_ROLE | QUIRK_MAX_TOKENS,
  LOCAL = PLAIN | QUIRK_LOCAL | QUIRK_NO_EFFORT,
  HOSTED_LIMIT = 8,
  LOCAL_LIMIT = 2,  // local servers queue by themselves: more only waits there
};

static const Preset presets[] = {
    {"anthropic", "anthropic", "https://api.anthropic.com", "ANTHROPIC_BASE_URL",
     "ANTHROPIC_API_KEY,ANTHROPIC_AUTH_TOKEN", false, HOSTED_LIMIT, 0},
    {"openai", "openai-responses", "https://api.openai.com/v1", "OPENAI_BASE_URL", "OPENAI_API_KEY",
     false, HOSTED_LIMIT, QUIRK_CACHE_MARK},
    {"google", "gemini", "https://generativelanguage.googleapis.com/v1beta",
     "GOOGLE_GEMINI_BASE_URL", "GOOGLE_API_KEY,GEMINI_API_KEY", false, HOSTED_LIMIT, 0},
    {"openrouter", "openai-chat", "https://openrouter.ai/api/v1", "OPENROUTER_BASE_URL",
     "OPENROUTER_API_KEY", false, HOSTED_LIMIT, PLAIN | QUIRK_COST | QUIRK_REQUIRE_PARAMETERS},
    {"deepseek", "openai-chat", "https://api.deepseek.com", NULL, "DEEPSEEK_API_KEY", false,
     HOSTED_LIMIT, PLAIN | QUIRK_NO_SCHEMA | QUIRK_REASONING_BACK},
    {"mistral", "openai-chat", "https://api.mistral.ai/v1", NULL, "MISTRAL_API_KEY", false,
     HOSTED_LIMIT, PLAIN | QUIRK_NO_STREAM_OPTIONS},
    {"groq", "openai-chat", "https://api.groq.com/openai/v1", NULL, "GROQ_API_KEY", false,
     HOSTED_LIMIT, QUIRK_COMPATIBLE | QUIRK_SYSTEM_ROLE},
    {"xai", "openai-chat", "https://api.x.ai/v1", NULL, "XAI_API_KEY", false, HOSTED_LIMIT,
     QUIRK_COMPATIBLE | QUIRK_SYSTEM_ROLE},
    {"moonshot", "openai-chat", "https://api.moonshot.ai/v1", NULL, "MOONSHOT_API_KEY", false,
     HOSTED_LIMIT, PLAIN | QUIRK_NO_SCHEMA | QUIRK_NO_EFFORT},
    {"zai", "openai-chat", "https://api.z.ai/api/paas/v4", NULL, "ZAI_API_KEY", false, HOSTED_LIMIT,
     PLAIN | QUIRK_NO_SCHEMA | QUIRK_NO_EFFORT},
    {"alibaba", "openai-chat", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", NULL,
     "DASHSCOPE_API_KEY", false, HOSTED_LIMIT, PLAIN | QUIRK_NO_SCHEMA},
    {"meta", "openai-responses", "https://api.meta.ai/v1", NULL, "META_API_KEY", false,
     HOSTED_LIMIT, QUIRK_COMPATIBLE | QUIRK_SYSTEM_ROLE},
    {"ollama", "ollama", "http://127.0.0.1:11434/v1", "OLLAMA_HOST", "OLLAMA_API_KEY", true,
     LOCAL_LIMIT, LOCAL},
    {"llamacpp", "openai-chat", "http://127.0.0.1:9931/v1", "LLAMACPP_BASE_URL", "LLAMA_API_KEY",
     true, LOCAL_LIMIT, LOCAL},
    {"vllm", "openai-chat", "http://127.0.0.1:8000/v1", "VLLM_BASE_URL", "VLLM_API_KEY", true,
     HOSTED_LIMIT, LOCAL},
    {"lmstudio", "openai-chat", "http://127.0.0.1:1234/v1", "LMSTUDIO_BASE_URL", "LMSTUDIO_API_KEY",
     true, LOCAL_LIMIT, LOCAL},
    {"replay", "replay", "", NULL, "", true, 32, QUIRK_COMPATIBLE},
};

enum { PRESET_COUNT = sizeof(presets) / sizeof(presets[0]) };

const Preset *preset_at(size_t index)
{
  return index < PRESET_COUNT ? &presets[index] : NULL;
}

const Preset *preset_find(Str name)
{
  for (size_t i = 0; i < PRESET_COUNT; i++) {
    if (str_eq(name, str_from(presets[i].name))) return &presets[i];
  }
  return NULL;
}

unsigned preset_quirks(Str name, Str dialect)
{
  const Preset *preset = preset_find(name);
  if (preset && str_eq(dialect, str_from(preset->dialect))) return preset->quirks;
  if (str_eq(dialect, S("ollama"))) return LOCAL;
  return str_eq(dialect, S("openai-chat")) ? PLAIN : QUIRK_COMPATIBLE;
}

Str preset_dialect(Str name, Str base_url, Str dialect)
{
  bool elsewhere = str_eq(name, S("openai")) && !str_has(base_url, S("api.openai.com"));
  return elsewhere ? S("openai-chat") : dialect;
}

static Str no_slash(Str url)
{
  while (url.len && url.ptr[url.len - 1] == '/') url.len--;
  return url;
}

// As Ollama's own client reads it: default scheme http and port 11434, but 80 and 443 with an explicit scheme; 0.0.0.0
// means all addresses to a server, so a client goes to 127.0.0.1.
Str ollama_base_url(Arena *arena, Str host)
{
  host = no_slash(str_trim(host));
  size_t mark = str_find(host, S("://"));
  bool explicit_scheme = mark != STR_NOT_FOUND;
  Str scheme = explicit_scheme ? str_sub(host, 0, mark) : S("http");
  Str place = explicit_scheme ? str_skip(host, mark + 3) : host;
  size_t slash = str_find_char(place, '/');
  Str path = slash == STR_NOT_FOUND ? STR_NONE : str_skip(place, slash);
  place = str_sub(place, 0, slash == STR_NOT_FOUND ? place.len : slash);
  size_t colon = str_rfind_char(place, ':');
  bool has_port = colon != STR_NOT_FOUND && !str_ends(place, S("]"));
  Str name = has_port ? str_sub(place, 0, colon) : place;
  Str port = has_port ? str_skip(place, colon) : explicit_scheme ? STR_NONE : S(":11434");
  if (name.len == 0 || str_eq(name, S("0.0.0.0")) || str_eq(name, S("[::]"))) name = S("127.0.0.1");
  return str_fmt(arena, "%.*s://%.*s%.*s%.*s%s", STR_ARG(scheme), STR_ARG(name), STR_ARG(port),
                 STR_ARG(path), str_ends(path, S("/v1")) ? "" : "/v1");
}

ProviderConfig preset_config(Arena *arena, const Preset *preset)
{
  ProviderConfig config = {.name = str_from(preset->name),
                           .dialect = str_from(preset->dialect),
                           .base_url = str_from(preset->base_url),
                           .key_env = str_from(preset->key_env),
                           .key_optional = preset->key_optional,
                           .limit = preset->limit,
                           .quirks = preset->quirks};
  Str base = str_trim(str_from(preset->base_env ? getenv(preset->base_env) : NULL));
  if (base.len == 0) return config;
  base = no_slash(base);
  config.base_url = str_dup(arena, base);
  if (str_eq(config.name, S("ollama"))) config.base_url = ollama_base_url(arena, base);
  if (str_eq(config.name, S("google")) && !str_has(base, S("/v1")))
    config.base_url = str_cat(arena, base, S("/v1beta"));
  config.dialect = preset_dialect(config.name, base, config.dialect);
  return config;
}
