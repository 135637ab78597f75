// models.c: what is configured: providers, prices, lessons, cassettes. The calls are in call.c.
#include "model/models.h"

#include <stdlib.h>
#include <string.h>

#include "model/presets.h"
#include "model/redact.h"

static uint64_t env_ms(const char *name, uint64_t fallback)
{
  uint64_t ms;
  const char *text = getenv(name);
  return text && str_to_u64(str_from(text), &ms) ? ms : fallback;
}

Models *models_new(Loop *loop, Http *http)
{
  Models *models = mem_alloc(sizeof(*models));
  *models = (Models){.loop = loop, .http = http};
  arena_init(&models->arena);
  models->prices = NEW(&models->arena, Prices);
  prices_init(models->prices);
  models->limiter = limiter_new(loop);
  models->keys = keys_new(loop);
  models->first_byte_ms = env_ms("PIECEWORK_FIRST_BYTE_MS", 0);
  models->idle_ms = env_ms("PIECEWORK_IDLE_MS", 0);
  models->replay_ms = env_ms("PIECEWORK_REPLAY_MS", 0);
  models->batch_ms = env_ms("PIECEWORK_BATCH_MS", 0);
  const Preset *preset;
  for (size_t i = 0; (preset = preset_at(i)); i++) {
    ProviderConfig config = preset_config(&models->arena, preset);
    models_provider(models, &config);
  }
  return models;
}

void models_free(Models *models)
{
  if (!models) return;
  models_batches_drop(models);
  models_asks_cancel(models);
  models_calls_drop(models);
  limiter_free(models->limiter);
  keys_free(models->keys);
  recorder_free(models->recorder);
  cassette_free(models->cassette);
  prices_deinit(models->prices);
  Arena arena = models->arena;
  mem_free(models);
  arena_deinit(&arena);
}

// ---- providers ------------------------------------------------------------------------------------------

static ProviderConfig *provider_find(const Models *models, Str name)
{
  for (size_t i = 0; i < models->providers.len; i++) {
    if (str_eq(models->providers.items[i]->name, name)) return models->providers.items[i];
  }
  return NULL;
}

static Str trimmed_url(Arena *arena, Str url)
{
  url = str_trim(url);
  while (url.len && url.ptr[url.len - 1] == '/') url.len--;
  return str_dup(arena, url);
}

void models_provider(Models *models, const ProviderConfig *config)
{
  Arena *arena = &models->arena;
  ProviderConfig copy = *config;  // [config] may be the one that is being replaced
  ProviderConfig *slot = provider_find(models, config->name);
  if (!slot) {
    slot = NEW(arena, ProviderConfig);
    PUSH(arena, &models->providers, slot);
  }
  copy.name = str_dup(arena, config->name);
  copy.dialect = str_dup(arena, config->dialect);
  copy.base_url = trimmed_url(arena, config->base_url);
  copy.key_env = str_dup(arena, config->key_env);
  copy.key_cmd = (StrList){0};
  for (size_t i = 0; i < config->key_cmd.len; i++) {
    PUSH(arena, &copy.key_cmd, str_dup(arena, config->key_cmd.items[i]));
  }
  if (copy.quirks == 0) copy.quirks = preset_quirks(copy.name, copy.dialect);
  *slot = copy;
  key_forget(models->keys, copy.name);
}

const ProviderConfig *models_provider_get(const Models *models, Str name)
{
  return provider_find(models, name);
}

size_t models_provider_count(const Models *models)
{
  return models->providers.len;
}

const ProviderConfig *models_provider_at(const Models *models, size_t index)
{
  return index < models->providers.len ? models->providers.items[index] : NULL;
}

bool models_key_ready(Models *models, Str provider, Str *source, Error *err)
{
  const ProviderConfig *config = provider_find(models, provider);
  if (!config)
    return error_set(err, ERR_CONFIG, "there is no provider \"%.*s\"", STR_ARG(provider));
  return key_source(config, &models->arena, source, err);
}

// ---- what is known about a model ------------------------------------------------------------------------

static ModelInfo info_of(const Models *models, Str provider, Str model)
{
  return prices_find(models->prices, provider, model, prices_today(models->prices));
}

void models_prices(Models *models, const Value *prices)
{
  prices_override(models->prices, prices);
}

// Its preset is one for the user's own machine, and it is not the maker's: who pays for that pays by the month.
static bool runs_at_home(const ProviderConfig *config)
{
  return config->quirks & QUIRK_LOCAL && !str_has(config->base_url, S("//ollama.com"));
}

// "replay/PROVIDER/MODEL" costs what the model costs that it stands for; so does a model's bare name that is
// in the cassette.
static bool replayed_model(const Models *models, Str *provider, Str *model)
{
  size_t slash = str_find_char(*model, '/');
  if (slash != STR_NOT_FOUND) {
    *provider = str_sub(*model, 0, slash);
    *model = str_skip(*model, slash + 1);
    return true;
  }
  *provider = cassette_provider_of(models->cassette, *model);
  return provider->len > 0;
}

// Who speaks Anthropic's dialect asks a quarter more for what is written to the cache, also where nobody says so
// (facts: providers.md section 1.8).
static Price with_writes(Price price, const ProviderConfig *config)
{
  bool dear =
      config && (str_eq(config->dialect, S("anthropic")) || config->quirks & QUIRK_DEAR_WRITES);
  if (price.known && dear && price.cache_write < 0) price.cache_write = 1.25 * price.input;
  return price;
}

Price price_of(const Models *models, Str provider, Str model)
{
  const ProviderConfig *config = provider_find(models, provider);
  if (config && str_eq(config->dialect, S("replay"))) {
    Str as_provider = provider, as_model = model;
    if (replayed_model(models, &as_provider, &as_model)) {
      Price price = info_of(models, as_provider, as_model).price;
      if (price.known) return with_writes(price, config);
    }
  }
  Price price = with_writes(info_of(models, provider, model).price, config);
  if (price.known || !config || !runs_at_home(config)) return price;
  price.input = price.output = 0;
  price.cache_read = price.cache_write = price.cache_write_hour = 0;
  price.known = true;
  return price;
}

// facts: providers.md section 5. The environment is the user's; project files cannot set it.
static const struct {
  const char *provider, *variable;
} custom_headers[] = {{"anthropic", "ANTHROPIC_CUSTOM_HEADERS"},
                      {"openai", "OPENAI_CUSTOM_HEADERS"}};
enum { CUSTOM_HEADERS = sizeof(custom_headers) / sizeof(*custom_headers) };

Target models_target(const Models *models, const ProviderConfig *config, Str model)
{
  ModelInfo info = info_of(models, config->name, model);
  Target target = {.base_url = config->base_url,
                   .quirks = config->quirks | info.quirks,
                   .efforts = info.efforts,
                   .max_output = info.price.max_output,
                   .context = info.price.context};
  if (str_eq(config->name, S("openai"))) {
    target.organization = str_trim(str_from(getenv("OPENAI_ORG_ID")));
    target.project = str_trim(str_from(getenv("OPENAI_PROJECT_ID")));
  }
  for (size_t i = 0; i < CUSTOM_HEADERS; i++) {
    if (str_eq(config->name, str_from(custom_headers[i].provider)))
      target.custom = str_from(getenv(custom_headers[i].variable));
  }
  bool no_levels = info.listed && !info.efforts && str_eq(config->dialect, S("anthropic"));
  if (no_levels) target.quirks |= QUIRK_NO_EFFORT;
  for (size_t i = 0; i < models->learned.len; i++) {
    const Learned *learned = &models->learned.items[i];
    if (str_eq(learned->provider, config->name) && str_eq(learned->model, model)) {
      target.quirks |= learned->quirks;
    }
  }
  return target;
}

bool models_check_address(const ProviderConfig *config, Error *err)
{
  if (config->base_url.len == 0) {
    return error_set(err, ERR_CONFIG, "the provider %.*s has no base_url", STR_ARG(config->name));
  }
  if (!str_starts(config->base_url, S("http://")) || config->allow_http) return true;
  if (url_is_loopback(config->base_url)) return true;
  error_hint_set(err, "use https, or set `allow_http` for this provider");
  return error_set(err, ERR_CONFIG,
                   "the provider %.*s is reached by plain http: key and code could be read",
                   STR_ARG(config->name));
}

static bool tools_elsewhere(const Models *models, const ModelRequest *request,
                            const ProviderConfig *config)
{
  Target target = models_target(models, config, request->model);
  return request->tool_count && target.quirks & QUIRK_TOOLS_ELSEWHERE &&
         str_eq(config->dialect, S("openai-chat"));
}

bool models_check(const Models *models, const ModelRequest *request, const ProviderConfig **config,
                  const Dialect **dialect, Error *err)
{
  const ProviderConfig *found = *config = models_provider_get(models, request->provider);
  *dialect = NULL;
  if (!found) {
    error_hint_set(err,
                   "add it under `providers` in the configuration; see :help piecework-config");
    return error_set(err, ERR_CONFIG, "there is no provider \"%.*s\"", STR_ARG(request->provider));
  }
  if (str_eq(found->dialect, S("replay"))) return true;
  *dialect = dialect_find(found->dialect);
  if (!*dialect) {
    return error_set(err, ERR_CONFIG, "the provider %.*s has an unknown dialect \"%.*s\"",
                     STR_ARG(request->provider), STR_ARG(found->dialect));
  }
  if (request->model.len == 0) return error_set(err, ERR_CONFIG, "no model is named");
  if (tools_elsewhere(models, request, found)) {
    error_hint_set(err,
                   "set `dialect` of this provider to openai-responses, or choose another model");
    return error_set(err, ERR_MODEL, "%.*s takes tools only through the dialect openai-responses",
                     STR_ARG(request->model));
  }
  return models_check_address(found, err);
}

unsigned lesson_after(unsigned quirk, unsigned tried)
{
  if (quirk == QUIRK_NO_SCHEMA && tried & quirk) quirk = QUIRK_NO_JSON;
  if (quirk == QUIRK_MAX_TOKENS && tried & quirk) quirk = QUIRK_MAX_COMPLETION;
  return tried & quirk ? 0 : quirk;
}

bool models_learn(Models *models, Str provider, Str model, unsigned quirk)
{
  const ProviderConfig *config = provider_find(models, provider);
  Target now = config ? models_target(models, config, model) : (Target){0};
  if (!config || now.quirks & quirk) return false;
  Learned lesson = {str_dup(&models->arena, provider), str_dup(&models->arena, model), quirk};
  PUSH(&models->arena, &models->learned, lesson);
  return true;
}

bool models_open(const Models *models, Str provider, Str model)
{
  return limiter_is_open(models->limiter, provider, model);
}

void models_reopen(Models *models)
{
  limiter_reopen(models->limiter);
  for (size_t i = 0; i < models->providers.len; i++) {
    key_forget(models->keys, models->providers.items[i]->name);
  }
}

// ---- keys that come back --------------------------------------------------------------------------------

void models_secrets(const Models *models, Arena *arena, StrList *out)
{
  keys_known(models->keys, arena, out);
  for (size_t i = 0; i < CUSTOM_HEADERS; i++) {
    for (Str rest = str_from(getenv(custom_headers[i].variable)), line; str_line(&rest, &line);) {
      Str value = str_trim(str_skip(line, str_find_char(line, ':') + 1)), word;  // "Bearer abc"
      while (str_cut(&value, ' ', &word)) PUSH(arena, out, word);
    }
  }
}

void models_redact(const Models *models, Error *error)
{
  if (error->code == ERR_OK) return;
  Arena scratch;
  arena_init(&scratch);
  StrList secrets = {0};
  models_secrets(models, &scratch, &secrets);
  Error clean = {0};
  Str message = redact(&scratch, str_from(error->message), &secrets, REDACT_MESSAGE);
  error_set(&clean, error->code, "%.*s", STR_ARG(message));
  memcpy(clean.hint, error->hint, sizeof(clean.hint));
  *error = clean;
  arena_deinit(&scratch);
}

static bool tree_has_secret(const Value *value, const StrList *secrets)
{
  if (!value) return false;
  if (redact_finds(value->key, secrets)) return true;
  if (value->type == VALUE_STR) return redact_finds(value->str, secrets);
  if (value->type != VALUE_LIST && value->type != VALUE_MAP) return false;
  for (VALUE_EACH (item, value)) {
    if (tree_has_secret(item, secrets)) return true;
  }
  return false;
}

static void clean_text(Arena *arena, Str *text, const StrList *secrets)
{
  if (redact_finds(*text, secrets)) *text = redact(arena, *text, secrets, REDACT_CODE);
}

static void clean_tree(Arena *arena, const Value **tree, const StrList *secrets)
{
  if (!tree_has_secret(*tree, secrets)) return;
  Value *copy = value_dup(arena, *tree);
  redact_value(arena, copy, secrets, REDACT_CODE);
  *tree = copy;
}

void models_clean_reply(const Models *models, Arena *arena, ModelReply *reply)
{
  StrList secrets = {0};
  models_secrets(models, arena, &secrets);
  reply->text = str_dup(arena, reply->text);
  Str *texts[] = {&reply->text, &reply->stop_detail, &reply->request_id};
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
    clean_text(arena, texts[i], &secrets);
  clean_tree(arena, &reply->raw, &secrets);
  for (size_t i = 0; i < reply->calls.len; i++) {
    ToolCall *call = &reply->calls.items[i];
    clean_text(arena, &call->id, &secrets);
    clean_text(arena, &call->name, &secrets);
    clean_text(arena, &call->broken, &secrets);
    clean_tree(arena, &call->input, &secrets);
  }
}

// ---- cassettes ------------------------------------------------------------------------------------------

bool models_record(Models *models, const char *path, Error *err)
{
  Recorder *recorder = recorder_open(path, err);
  if (!recorder) return false;
  recorder_free(models->recorder);
  models->recorder = recorder;
  return true;
}

bool models_replay(Models *models, const char *path, Error *err)
{
  Cassette *cassette = cassette_open(path, err);
  if (!cassette) return false;
  cassette_free(models->cassette);
  models->cassette = cassette;
  return true;
}
