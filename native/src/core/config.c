// config.c: the schema of the configuration and its merging. Models and providers are in
// config_models.c.
#include "core/config_private.h"

#include <stddef.h>
#include <stdlib.h>

#include "core/nearest.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "patch/patch.h"

enum { CONFIG_MAX_BYTES = 1 << 20 };

// ---- the keys: one row each; lua/piecework/config.lua says to people what they mean ------------------

typedef enum {
  CONFIG_MODELS,  // the three maps of config_models.c
  CONFIG_PROVIDERS,
  CONFIG_PRICES,
  CONFIG_MONEY,  // 0.60 or "0.60"; "none" where none is allowed
  CONFIG_COUNT,  // a whole number within min..max
  CONFIG_FLAG,   // true, false, 1, 0
  CONFIG_PILOT,  // "always", "ask", "never" (or a flag)
  CONFIG_TEXT,
  CONFIG_PATHS,  // a list of paths inside the project
} ConfigType;

typedef struct {
  Str key;
  ConfigType type;
  size_t offset;         // into Config, where the type has one
  const char *fallback;  // as JSON; NULL = none
  int min, max;          // CONFIG_COUNT
} ConfigKey;

#define AT(member) offsetof(Config, member)

static const ConfigKey config_keys[] = {
    {.key = S("models"), CONFIG_MODELS},
    {.key = S("providers"), CONFIG_PROVIDERS},
    {.key = S("prices"), CONFIG_PRICES},
    {.key = S("budget"), CONFIG_MONEY, AT(budget), "1.00"},
    {.key = S("day_budget"), CONFIG_MONEY, AT(day_budget), "\"none\""},
    {.key = S("ask_above"), CONFIG_MONEY, AT(ask_above), "0.50"},
    {.key = S("parallel"), CONFIG_COUNT, AT(parallel), "8", 1, 256},
    {.key = S("each_max"), CONFIG_COUNT, AT(each_max), "500", 1, 20000},
    {.key = S("retries"), CONFIG_COUNT, AT(retries), "1", 0, 5},
    {.key = S("verify_rounds"), CONFIG_COUNT, AT(verify_rounds), "1", 0, 5},
    {.key = S("advice"), CONFIG_FLAG, AT(advice), "true"},
    {.key = S("pilot"), CONFIG_PILOT, AT(pilot), "\"always\""},
    {.key = S("test"), CONFIG_TEXT, AT(test)},
    {.key = S("test_timeout"), CONFIG_COUNT, AT(test_timeout_s), "600", 1, 86400},
    {.key = S("worktree_link"), CONFIG_PATHS, AT(worktree_link), "[]"},
    {.key = S("commit_trailer"), CONFIG_FLAG, AT(commit_trailer), "false"},
    {.key = S("replay"), CONFIG_TEXT, AT(cassette)},
    {.key = S("record"), CONFIG_TEXT, AT(record)},
};
enum { CONFIG_KEYS = sizeof(config_keys) / sizeof(config_keys[0]) };

static const ConfigKey *find_key(Str name)
{
  for (size_t i = 0; i < CONFIG_KEYS; i++) {
    if (str_eq(config_keys[i].key, name)) return &config_keys[i];
  }
  return NULL;
}

// ---- one source ---------------------------------------------------------------------------------

static bool is_map(const Value *value)
{
  // Lua and Vim script cannot tell an empty list from an empty map
  return value_is(value, VALUE_MAP) || (value_is(value, VALUE_LIST) && value_len(value) == 0);
}

static bool to_money(const Value *value, Nano *out)
{
  double number = value_to_double(value, -1);
  Str text = value_to_str(value, STR_NONE);
  *out = NANO_UNKNOWN;
  if (str_eq(text, S("none"))) return true;
  if (text.len)
    *out = money_parse(text);
  else if (number >= 0 && number < 1e6)
    *out = (Nano)(number * 1e9 + 0.5);
  return *out >= 0;
}

static bool to_flag(const Value *value, bool *out)
{
  int64_t number = value_to_int(value, -1);
  *out = value_to_bool(value, number == 1);
  return value_is(value, VALUE_BOOL) || number == 0 || number == 1;
}

static bool to_pilot(const Value *value, int *out)
{
  bool on = false, ok = to_flag(value, &on);
  Str word = value_to_str(value, STR_NONE);
  bool always = str_eq(word, S("always")), ask = str_eq(word, S("ask"));
  *out = ask ? CONFIG_PILOT_ASK : on || always;
  return ok || always || ask || str_eq(word, S("never"));
}

// Relative, inside the project, no dots: they become names in a scratch copy.
static bool to_paths(Config *config, const Value *value, StrList *out)
{
  RefuseCode why;
  *out = (StrList){0};
  if (!value_is(value, VALUE_LIST) && value_len(value)) return false;
  for (VALUE_EACH (item, value)) {
    Str path = value_to_str(item, STR_NONE);
    while (path.len > 1 && path.ptr[path.len - 1] == '/') path.len--;
    if (!patch_path_ok(path, &why)) return false;
    PUSH(&config->arena, out, path);
  }
  return true;
}

static bool wrong(Error *err, Str where, const ConfigKey *key, const char *what)
{
  return error_set(err, ERR_CONFIG, "%.*s: `%.*s` must be %s", STR_ARG(where), STR_ARG(key->key),
                   what);
}

// Does the value fit its row? Where the type has a slot in [config], fills it.
static bool take(Config *config, const ConfigKey *key, const Value *value, Str where, Error *err)
{
  void *slot = (char *)config + key->offset;
  int64_t number = value_to_int(value, INT64_MIN);
  switch (key->type) {
    case CONFIG_MONEY:
      return to_money(value, slot) ||
             wrong(err, where, key, "an amount in USD like 0.60, or \"none\"");
    case CONFIG_FLAG: return to_flag(value, slot) || wrong(err, where, key, "true or false");
    case CONFIG_PILOT:
      return to_pilot(value, slot) || wrong(err, where, key, "\"always\", \"ask\" or \"never\"");
    case CONFIG_PATHS:
      return to_paths(config, value, slot) ||
             wrong(err, where, key, "a list of paths inside the project");
    case CONFIG_TEXT:
      if (!value_is(value, VALUE_STR)) return wrong(err, where, key, "a text");
      *(Str *)slot = value->str;
      return true;
    case CONFIG_COUNT:
      if (value_is(value, VALUE_BOOL)) number = value->boolean;
      if (number < key->min || number > key->max) {
        return error_set(err, ERR_CONFIG, "%.*s: `%.*s` must be a whole number from %d to %d",
                         STR_ARG(where), STR_ARG(key->key), key->min, key->max);
      }
      *(int *)slot = (int)number;
      return true;
    case CONFIG_PROVIDERS:
      if (!is_map(value)) return wrong(err, where, key, "a map");
      return config_check_providers(value, where, err);
    case CONFIG_PRICES:
      if (!is_map(value)) return wrong(err, where, key, "a map");
      return config_check_prices(value, where, err);
    case CONFIG_MODELS: return is_map(value) || wrong(err, where, key, "a map");
  }
  return false;
}

// A name that says "key": refused whatever it holds, and never shown.
static bool looks_like_key(Str name)
{
  static const Str names[] = {S("api_key"), S("apikey"), S("key"),
                              S("token"),   S("secret"), S("password")};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    if (str_eq_nocase(name, names[i]) || (i < 2 && str_ends(name, names[i]))) return true;
  }
  return false;
}

static bool unknown_key(Config *config, Str name, Str where, Error *err)
{
  if (looks_like_key(name)) {
    error_set(err, ERR_CONFIG, "%.*s: `%.*s` would keep a key in the configuration", STR_ARG(where),
              STR_ARG(name));
    error_hint_set(err,
                   "set the provider's environment variable, or providers.NAME.key = "
                   "{\"cmd\": [\"pass\", \"show\", \"...\"]}");
    return false;
  }
  Str names[32];
  for (size_t i = 0; i < CONFIG_KEYS; i++) names[i] = config_keys[i].key;
  Str near = nearest_name(name, names, CONFIG_KEYS);
  Str text =
      str_fmt(&config->arena, "%.*s: unknown key `%.*s`%s%.*s%s", STR_ARG(where), STR_ARG(name),
              near.len ? "; did you mean `" : "", STR_ARG(near), near.len ? "`?" : "");
  PUSH(&config->arena, &config->warnings, text);
  return true;
}

static Value *child(const Value *map, Str key)
{
  Value *found = NULL;
  for (Value *item = map->first; item; item = item->next) {
    if (str_eq(item->key, key)) found = item;
  }
  return found;
}

// Replaces what is there under the same key, so that the merged tree names each thing once.
static void put(Arena *arena, Value *map, const Value *item)
{
  Value *copy = value_dup(arena, item), *old = child(map, item->key);
  copy->key = str_dup(arena, item->key);
  if (!old) {
    value_push(map, copy);
    return;
  }
  copy->next = old->next;
  if (map->last == old) map->last = old;
  *old = *copy;
}

static bool by_entry(ConfigType type)
{
  return type == CONFIG_MODELS || type == CONFIG_PROVIDERS || type == CONFIG_PRICES;
}

static void merge_value(Config *config, const ConfigKey *key, const Value *value)
{
  Value *old = child(config->tree, key->key);
  if (!by_entry(key->type) || !old || !value_is(value, VALUE_MAP)) {
    if (!by_entry(key->type) || value_is(value, VALUE_MAP))
      put(&config->arena, config->tree, value);
    return;
  }
  for (VALUE_EACH (item, value)) put(&config->arena, old, item);
}

// One source over what is there already.
static bool merge(Config *config, const Value *source, Str where, Error *err)
{
  if (!is_map(source))
    return error_set(err, ERR_CONFIG, "%.*s is not a map of keys", STR_ARG(where));
  for (VALUE_EACH (item, source)) {
    const ConfigKey *key = find_key(item->key);
    if (!key && !unknown_key(config, item->key, where, err)) return false;
    if (!key || value_is(item, VALUE_NULL)) continue;
    if (!take(config, key, item, where, err)) return false;
    merge_value(config, key, item);
  }
  return true;
}

// ---- sources ------------------------------------------------------------------------------------

static bool merge_defaults(Config *config, Error *err)
{
  Value *defaults = value_map(&config->arena);
  for (size_t i = 0; i < CONFIG_KEYS; i++) {
    if (!config_keys[i].fallback) continue;
    Value *value = json_parse(&config->arena, str_from(config_keys[i].fallback), err);
    if (!value) return false;
    value_set(defaults, config_keys[i].key, value);
  }
  return merge(config, defaults, S("defaults"), err);
}

static bool merge_file(Config *config, Error *err)
{
  Arena *arena = &config->arena;
  const char *named = getenv("PIECEWORK_CONFIG");
  Str text;
  char *dir = named ? NULL : fs_config_dir(arena);
  const char *path = named ? named : path_join(arena, str_from(dir), S("config.json"));
  if (!*path || (!named && !fs_exists(path))) return true;
  Error why = {0};
  if (!fs_read(arena, path, CONFIG_MAX_BYTES, &text, &why)) {
    return error_set(err, ERR_CONFIG, "the configuration: %s", why.message);
  }
  config->file = str_dup(arena, str_from(path));
  if (str_trim(text).len == 0) return true;
  Value *tree = json_parse(arena, text, &why);
  if (!tree) return error_set(err, ERR_CONFIG, "%s: %s", path, why.message);
  return merge(config, tree, config->file, err);
}

Config *config_load(const Value *editor, Error *err)
{
  Config *config = mem_alloc(sizeof(Config));
  arena_init(&config->arena);
  config->tree = value_map(&config->arena);
  // the tree outlives [editor]: take its texts from our own copy
  const Value *own = value_dup(&config->arena, editor);
  bool ok = merge_defaults(config, err) && merge_file(config, err) &&
            (!own || value_is(own, VALUE_NULL) || merge(config, own, S("g:piecework"), err)) &&
            config_read_models(config, err);
  if (ok) return config;
  config_free(config);
  return NULL;
}

void config_free(Config *config)
{
  if (!config) return;
  arena_deinit(&config->arena);
  mem_free(config);
}

const Ladder *config_ladder(const Config *config, Str alias)
{
  for (size_t i = 0; i < config->ladder_count; i++) {
    if (str_eq(config->ladders[i].alias, alias)) return &config->ladders[i];
  }
  return NULL;
}
