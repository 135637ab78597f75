// config_models.c: role aliases with their ladders, and providers, from the configuration.
#include "core/config_private.h"

#include <ctype.h>
#include <stdlib.h>

#include "core/nearest.h"
#include "lib/process.h"
#include "model/dialect.h"
#include "model/presets.h"

// ---- ladders ------------------------------------------------------------------------------------

// What is used when the user named no model: the first row whose variable is set, else the first
// row (its first call then says how to set a key).
typedef struct {
  const char *env;
  const char *big, *big_effort;
  const char *small[2], *small_effort;
} DefaultPair;

static const DefaultPair pairs[] = {
    {"ANTHROPIC_API_KEY",
     "anthropic/claude-opus-5-5",
     "medium",
     {"anthropic/claude-haiku-5-5", "anthropic/claude-sonnet-5-5"},
     "low"},
    {"ANTHROPIC_AUTH_TOKEN",
     "anthropic/claude-opus-5-5",
     "medium",
     {"anthropic/claude-haiku-5-5", "anthropic/claude-sonnet-5-5"},
     "low"},
    {"OPENAI_API_KEY",
     "openai/gpt-6.2-sol",
     "medium",
     {"openai/gpt-6-luna", "openai/gpt-6.1-terra"},
     "low"},
    {"OPENROUTER_API_KEY",
     "openrouter/anthropic/claude-opus-5.5",
     "medium",
     {"openrouter/anthropic/claude-haiku-5.5", "openrouter/anthropic/claude-sonnet-5.5"},
     "low"},
    {"GEMINI_API_KEY",
     "google/gemini-4-argon",
     "",
     {"google/gemini-3.5-flash-lite", "google/gemini-3.8-flash"},
     ""},
    {"GOOGLE_API_KEY",
     "google/gemini-4-argon",
     "",
     {"google/gemini-3.5-flash-lite", "google/gemini-3.8-flash"},
     ""},
    {"DEEPSEEK_API_KEY", "deepseek/deepseek-v4-pro", "", {"deepseek/deepseek-flash", NULL}, ""},
    {"MISTRAL_API_KEY", "mistral/mistral-large-4", "", {"mistral/mistral-small-2603", NULL}, ""},
};

static const DefaultPair *default_pair(void)
{
  for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
    const char *value = getenv(pairs[i].env);
    if (value && *value) return &pairs[i];
  }
  return &pairs[0];
}

static bool read_name(const Ladder *ladder, Str name, ModelName *out, Error *err)
{
  size_t slash = str_find_char(name, '/');
  *out = (ModelName){str_sub(name, 0, slash), str_skip(name, slash + 1)};
  if (slash == STR_NOT_FOUND || !out->provider.len || !out->model.len || name.len > 200) {
    error_set(err, ERR_CONFIG, "models.%.*s: `%.*s` is not \"provider/model\"",
              STR_ARG(ladder->alias), STR_ARG(str_sub(name, 0, 80)));
    error_hint_set(err, "for example \"anthropic/claude-haiku-5-5\"");
    return false;
  }
  return true;
}

static bool add_rung(Config *config, Ladder *ladder, Str name, Error *err)
{
  ModelName rung;
  if (!read_name(ladder, name, &rung, err)) return false;
  if (ladder->len == ladder->cap) {
    ladder->rungs =
        arena_grow(&config->arena, ladder->rungs, ladder->len, &ladder->cap, sizeof(ModelName));
  }
  ladder->rungs[ladder->len++] = rung;
  return true;
}

static bool add_rungs(Config *config, Ladder *ladder, const Value *value, Error *err)
{
  if (value_is(value, VALUE_STR)) return add_rung(config, ladder, value->str, err);
  for (VALUE_EACH (item, value)) {
    if (!add_rung(config, ladder, value_to_str(item, STR_NONE), err)) return false;
  }
  if (ladder->len) return true;
  return error_set(err, ERR_CONFIG, "models.%.*s names no model", STR_ARG(ladder->alias));
}

static Ladder *add_ladder(Config *config, Str alias)
{
  if (config->ladder_count == config->ladder_cap) {
    config->ladders = arena_grow(&config->arena, config->ladders, config->ladder_count,
                                 &config->ladder_cap, sizeof(Ladder));
  }
  Ladder *ladder = &config->ladders[config->ladder_count++];
  *ladder = (Ladder){.alias = alias};
  return ladder;
}

static bool effort_ok(Str effort)
{
  static const Str known[] = {S(""),       S("none"), S("minimal"), S("low"),
                              S("medium"), S("high"), S("xhigh"),   S("max")};
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
    if (str_eq(effort, known[i])) return true;
  }
  return false;
}

static Str default_effort(Str alias)
{
  const DefaultPair *pair = default_pair();
  if (str_eq(alias, S("big"))) return str_from(pair->big_effort);
  return str_eq(alias, S("small")) ? str_from(pair->small_effort) : STR_NONE;
}

// "a/b", ["a/b", "c/d"] or {"rungs": ..., "fallback": "e/f", "effort": ..., "max_output": ...}.
static bool read_ladder(Config *config, const Value *value, Error *err)
{
  Ladder *ladder = add_ladder(config, value->key);
  if (!value_is(value, VALUE_MAP)) return add_rungs(config, ladder, value, err);
  ladder->effort = value_get_str(value, S("effort"), STR_NONE);
  ladder->max_output = value_get_int(value, S("max_output"), 0);
  if (!effort_ok(ladder->effort)) {
    return error_set(err, ERR_CONFIG,
                     "models.%.*s.effort is none of none, minimal, low, medium, high, xhigh, max",
                     STR_ARG(value->key));
  }
  if (ladder->max_output < 0 || ladder->max_output > 1000000) {
    return error_set(err, ERR_CONFIG, "models.%.*s.max_output is not a number of tokens",
                     STR_ARG(value->key));
  }
  Str fallback = value_get_str(value, S("fallback"), STR_NONE);
  if (fallback.len && !read_name(ladder, fallback, &ladder->fallback, err)) return false;
  const Value *rungs = value_get(value, S("rungs"));
  return add_rungs(config, ladder, rungs ? rungs : value_get(value, S("model")), err);
}

static bool default_ladder(Config *config, Str alias, Error *err)
{
  const DefaultPair *pair = default_pair();
  if (config_ladder(config, alias)) return true;
  Ladder *ladder = add_ladder(config, alias);
  ladder->effort = default_effort(alias);
  if (str_eq(alias, S("big"))) return add_rung(config, ladder, str_from(pair->big), err);
  for (size_t i = 0; i < 2 && pair->small[i]; i++) {
    if (!add_rung(config, ladder, str_from(pair->small[i]), err)) return false;
  }
  return true;
}

bool config_read_models(Config *config, Error *err)
{
  for (VALUE_EACH (item, value_get(config->tree, S("models")))) {
    if (!read_ladder(config, item, err)) return false;
  }
  return default_ladder(config, S("big"), err) && default_ladder(config, S("small"), err);
}

// ---- providers ----------------------------------------------------------------------------------

static const Str provider_keys[] = {S("dialect"), S("base_url"), S("key"), S("limit"),
                                    S("allow_http")};

static bool literal_key(Str where, Str provider, Error *err)
{
  error_set(err, ERR_CONFIG,
            "%.*s: providers.%.*s holds a key itself; keys do not belong in configuration files",
            STR_ARG(where), STR_ARG(provider));
  error_hint_set(
      err,
      "say where it is: \"key\": {\"env\": \"NAME\"} or {\"cmd\": [\"pass\", \"show\", \"...\"]}");
  return false;
}

static bool is_env_name(Str name)
{
  for (size_t i = 0; i < name.len; i++) {
    unsigned char c = (unsigned char)name.ptr[i];
    if (c != '_' && c != ',' && !isupper(c) && !(i && isdigit(c))) return false;
  }
  return name.len > 0 && name.len <= 64;
}

// {"env": "NAME"} or {"cmd": ["pass", "show", "x"]}; a text is a key, and refused without showing
// it.
static bool check_key(const Value *key, Str where, Str provider, Error *err)
{
  if (!key || value_is(key, VALUE_NULL)) return true;
  const Value *env = value_get(key, S("env")), *cmd = value_get(key, S("cmd"));
  if (!value_is(key, VALUE_MAP) || (!env && !cmd)) return literal_key(where, provider, err);
  if (env && !is_env_name(value_to_str(env, STR_NONE))) {
    return error_set(err, ERR_CONFIG,
                     "%.*s: providers.%.*s.key.env is not the name of an environment variable",
                     STR_ARG(where), STR_ARG(provider));
  }
  bool argv = !cmd || value_is(cmd, VALUE_STR) || (value_is(cmd, VALUE_LIST) && value_len(cmd));
  for (VALUE_EACH (word, cmd)) argv = argv && value_is(word, VALUE_STR);
  if (argv) return true;
  return error_set(err, ERR_CONFIG, "%.*s: providers.%.*s.key.cmd is not a list of words",
                   STR_ARG(where), STR_ARG(provider));
}

static bool check_provider(const Value *row, Str where, Error *err)
{
  if (!value_is(row, VALUE_MAP)) {
    return error_set(err, ERR_CONFIG, "%.*s: providers.%.*s is not a map", STR_ARG(where),
                     STR_ARG(row->key));
  }
  for (VALUE_EACH (item, row)) {
    bool known = false;
    for (size_t i = 0; i < sizeof(provider_keys) / sizeof(provider_keys[0]); i++) {
      known = known || str_eq(item->key, provider_keys[i]);
    }
    bool secret = str_has(item->key, S("key")) || str_has(item->key, S("token")) ||
                  str_has(item->key, S("secret"));
    if (!known && secret) return literal_key(where, row->key, err);
    if (known) continue;
    Str near =
        nearest_name(item->key, provider_keys, sizeof(provider_keys) / sizeof(provider_keys[0]));
    return error_set(err, ERR_CONFIG, "%.*s: providers.%.*s: unknown key `%.*s`%s%.*s%s",
                     STR_ARG(where), STR_ARG(row->key), STR_ARG(item->key),
                     near.len ? "; did you mean `" : "", STR_ARG(near), near.len ? "`?" : "");
  }
  Str url = value_get_str(row, S("base_url"), S("http://"));
  if (!str_starts(url, S("https://")) && !str_starts(url, S("http://"))) {
    return error_set(err, ERR_CONFIG,
                     "%.*s: providers.%.*s.base_url is not an http or https address",
                     STR_ARG(where), STR_ARG(row->key));
  }
  return check_key(value_get(row, S("key")), where, row->key, err);
}

bool config_check_providers(const Value *providers, Str where, Error *err)
{
  for (VALUE_EACH (row, providers)) {
    if (!check_provider(row, where, err)) return false;
  }
  return true;
}

// ---- prices ---------------------------------------------------------------------------------------

static const Str price_keys[] = {S("input"),       S("output"),         S("cache_read"),
                                 S("cache_write"), S("cache_write_1h"), S("context"),
                                 S("max_output")};
enum { PRICE_KEYS = sizeof(price_keys) / sizeof(price_keys[0]) };

static bool check_amount(const Value *item, Str where, Str model, Error *err)
{
  const double most = 1e6;  // dollars per million tokens, and tokens by the thousand million
  Str near = nearest_name(item->key, price_keys, PRICE_KEYS);
  bool known = false;
  for (size_t i = 0; i < PRICE_KEYS; i++) known = known || str_eq(item->key, price_keys[i]);
  if (!known) {
    return error_set(err, ERR_CONFIG, "%.*s: prices.%.*s: unknown key `%.*s`%s%.*s%s",
                     STR_ARG(where), STR_ARG(model), STR_ARG(item->key),
                     near.len ? "; did you mean `" : "", STR_ARG(near), near.len ? "`?" : "");
  }
  bool tokens = str_eq(item->key, S("context")) || str_eq(item->key, S("max_output"));
  double amount = value_to_double(item, -1);
  if (amount >= 0 && amount <= most * (tokens ? 1000 : 1)) return true;
  return error_set(err, ERR_CONFIG, "%.*s: prices.%.*s.%.*s must be a number %s", STR_ARG(where),
                   STR_ARG(model), STR_ARG(item->key),
                   tokens ? "of tokens" : "of USD per million tokens, as 0.25");
}

bool config_check_prices(const Value *prices, Str where, Error *err)
{
  for (VALUE_EACH (row, prices)) {
    if (value_is(row, VALUE_NULL)) continue;
    if (str_find_char(row->key, '/') == STR_NOT_FOUND || !value_is(row, VALUE_MAP)) {
      error_set(err, ERR_CONFIG, "%.*s: prices.%.*s is not a model with its prices", STR_ARG(where),
                STR_ARG(row->key));
      return error_hint_set(err,
                            "write it as \"provider/model\": {\"input\": 0.25, \"output\": 1.25}");
    }
    for (VALUE_EACH (item, row)) {
      if (!value_is(item, VALUE_NULL) && !check_amount(item, where, row->key, err)) return false;
    }
  }
  return true;
}

// ---- into the models ----------------------------------------------------------------------------

static bool set_key(Arena *arena, const Value *key, ProviderConfig *config, Error *err)
{
  const Value *cmd = value_get(key, S("cmd"));
  if (!value_is(key, VALUE_MAP)) return true;
  config->key_env = value_get_str(key, S("env"), STR_NONE);
  config->key_cmd = (StrList){0};
  config->key_optional = false;
  if (value_is(cmd, VALUE_STR) && !command_split(arena, cmd->str, &config->key_cmd)) {
    return error_set(err, ERR_CONFIG,
                     "providers.%.*s.key.cmd needs a shell; write it as a list of words",
                     STR_ARG(config->name));
  }
  for (VALUE_EACH (word, cmd)) PUSH(arena, &config->key_cmd, word->str);
  return true;
}

// A row says what differs from the provider of that name that is known already.
static bool apply_provider(Models *models, Arena *arena, const Value *row, Error *err)
{
  const ProviderConfig *known = models_provider_get(models, row->key);
  ProviderConfig config =
      known ? *known : (ProviderConfig){.dialect = S("openai-chat"), .limit = 8};
  config.name = row->key;
  config.base_url = value_get_str(row, S("base_url"), config.base_url);
  config.dialect = preset_dialect(config.name, config.base_url, config.dialect);
  config.dialect = value_get_str(row, S("dialect"), config.dialect);
  while (str_ends(config.base_url, S("/"))) config.base_url.len--;
  config.limit = (int)value_get_int(row, S("limit"), config.limit);
  config.allow_http = value_get_bool(row, S("allow_http"), config.allow_http);
  if (!known && !value_get(row, S("key"))) config.key_optional = true;
  if (config.limit < 1 || config.limit > 1000) {
    return error_set(err, ERR_CONFIG, "providers.%.*s.limit must be from 1 to 1000",
                     STR_ARG(row->key));
  }
  if (config.base_url.len == 0 && !str_eq(config.dialect, S("replay"))) {
    return error_set(err, ERR_CONFIG, "providers.%.*s needs a base_url", STR_ARG(row->key));
  }
  if (!set_key(arena, value_get(row, S("key")), &config, err)) return false;
  models_provider(models, &config);
  return true;
}

static bool check_rung(Models *models, const Ladder *ladder, const ModelName *rung, Error *err)
{
  Str names[64];
  size_t count = models_provider_count(models);
  if (models_provider_get(models, rung->provider)) return true;
  for (size_t i = 0; i < count && i < 64; i++) names[i] = models_provider_at(models, i)->name;
  Str near = nearest_name(rung->provider, names, count < 64 ? count : 64);
  return error_set(err, ERR_CONFIG, "models.%.*s: no provider is called `%.*s`%s%.*s%s",
                   STR_ARG(ladder->alias), STR_ARG(rung->provider),
                   near.len ? "; did you mean `" : "", STR_ARG(near), near.len ? "`?" : "");
}

// While replaying every provider of a ladder answers from the cassette under its own name, so
// that models and prices read as they were recorded.
static void replay_provider(Models *models, Str name)
{
  const ProviderConfig *live = models_provider_get(models, name);
  ProviderConfig config = {.name = name, .dialect = S("replay"), .key_optional = true, .limit = 32};
  bool writes = live && (live->quirks & QUIRK_DEAR_WRITES || str_eq(live->dialect, S("anthropic")));
  config.quirks = QUIRK_COMPATIBLE | (writes ? QUIRK_DEAR_WRITES : 0);
  models_provider(models, &config);
}

bool config_apply(const Config *config, Models *models, Error *err)
{
  Arena scratch;
  arena_init(&scratch);
  bool ok = true;
  for (VALUE_EACH (row, value_get(config->tree, S("providers")))) {
    ok = ok && apply_provider(models, &scratch, row, err);
  }
  models_prices(models, value_get(config->tree, S("prices")));
  for (size_t i = 0; i < config->ladder_count; i++) {
    const Ladder *ladder = &config->ladders[i];
    for (size_t r = 0; ok && r < ladder->len; r++) {
      if (config->cassette.len) replay_provider(models, ladder->rungs[r].provider);
      ok = check_rung(models, ladder, &ladder->rungs[r], err);
    }
  }
  if (ok && config->cassette.len)
    ok = models_replay(models, str_z(&scratch, config->cassette), err);
  if (ok && config->record.len) ok = models_record(models, str_z(&scratch, config->record), err);
  arena_deinit(&scratch);
  return ok;
}
