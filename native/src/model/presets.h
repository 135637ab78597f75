// presets.h: the providers piecework knows without being told, as one table.
#pragma once

#include "model/model.h"

typedef struct {
  const char *name, *dialect, *base_url;
  const char *base_env;  // environment variable that replaces base_url; NULL = none
  const char *key_env;
  bool key_optional;
  int limit;
  unsigned quirks;
} Preset;

const Preset *preset_at(size_t index);  // NULL past the end
const Preset *preset_find(Str name);
unsigned preset_quirks(Str name, Str dialect);  // of a provider that has none of its own

// The dialect a preset speaks at [base_url]: OpenAI's own at OpenAI; elsewhere what everybody else who takes
// its name speaks. Other names: [dialect].
Str preset_dialect(Str name, Str base_url, Str dialect);

// The preset as configuration, with what the environment says about its address.
ProviderConfig preset_config(Arena *arena, const Preset *preset);

// "[scheme://]host[:port]" as OLLAMA_HOST has it, as a base URL with "/v1".
Str ollama_base_url(Arena *arena, Str host);
