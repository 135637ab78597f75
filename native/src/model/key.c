// key.c: see key.h. One entry per provider; a command runs once however many calls wait for it.
#include "model/key.h"

#include <stdlib.h>
#include <string.h>

#include "lib/process.h"
#include "model/netrc.h"

enum {
  COMMAND_MS = 120000,  // a person may have to unlock a store first
  OUTPUT_MAX = 16 * 1024,
  OLD_MAX = 32,  // forgotten keys that are remembered
};

typedef struct Entry Entry;
struct Entry {
  KeyStore *store;
  Entry *next;
  char *provider;  // owned
  char *secret;    // owned, wiped; NULL = not fetched
  bool bearer;
  bool forgotten;    // the command that still runs is for an old configuration
  Process *process;  // the command, while it runs
  KeyWaiter *waiters;
};

struct KeyStore {
  Loop *loop;
  Entry *first;
  char *old[OLD_MAX];  // owned, wiped: forgotten keys, the latest over the earliest; NULL = none
  size_t old_count;    // so far
  int busy;            // > 0 while waiters are being called
  bool freeing;
};

static char *heap_copy(Str s)
{
  char *copy = mem_alloc(s.len + 1);
  if (s.len) memcpy(copy, s.ptr, s.len);
  copy[s.len] = 0;
  return copy;
}

static void secret_wipe(char **secret)
{
  if (*secret) explicit_bzero(*secret, strlen(*secret));
  mem_free(*secret);
  *secret = NULL;
}

// Not used any more, but still to be taken out of what servers say.
static void secret_retire(Entry *entry)
{
  KeyStore *keys = entry->store;
  bool there = entry->secret == NULL;
  for (size_t i = 0; i < OLD_MAX && !there; i++)
    there = keys->old[i] && strcmp(keys->old[i], entry->secret) == 0;
  if (there) {
    secret_wipe(&entry->secret);
    return;
  }
  char **place = &keys->old[keys->old_count++ % OLD_MAX];
  secret_wipe(place);
  *place = entry->secret;
  entry->secret = NULL;
}

KeyStore *keys_new(Loop *loop)
{
  KeyStore *keys = mem_alloc(sizeof(*keys));
  *keys = (KeyStore){.loop = loop};
  return keys;
}

// Frees the store once the last command has ended.
static void store_free_if_idle(KeyStore *keys)
{
  if (keys->busy) return;
  for (Entry *entry = keys->first; entry; entry = entry->next) {
    if (entry->process) return;
  }
  while (keys->first) {
    Entry *entry = keys->first;
    keys->first = entry->next;
    secret_wipe(&entry->secret);
    mem_free(entry->provider);
    mem_free(entry);
  }
  mem_free(keys);
}

void keys_free(KeyStore *keys)
{
  keys->freeing = true;
  for (size_t i = 0; i < OLD_MAX; i++) secret_wipe(&keys->old[i]);
  for (Entry *entry = keys->first; entry; entry = entry->next) {
    secret_wipe(&entry->secret);
    entry->waiters = NULL;
    if (entry->process) process_kill(entry->process);
  }
  store_free_if_idle(keys);
}

static Entry *entry_find(KeyStore *keys, Str provider)
{
  for (Entry *entry = keys->first; entry; entry = entry->next) {
    if (!entry->forgotten && str_eq(str_from(entry->provider), provider)) return entry;
  }
  return NULL;
}

static Entry *entry_for(KeyStore *keys, Str provider)
{
  Entry *entry = entry_find(keys, provider);
  if (entry) return entry;
  entry = mem_alloc(sizeof(*entry));
  *entry = (Entry){.store = keys, .next = keys->first, .provider = heap_copy(provider)};
  keys->first = entry;
  return entry;
}

void key_forget(KeyStore *keys, Str provider)
{
  Entry *entry = entry_find(keys, provider);
  if (!entry) return;
  secret_retire(entry);
  if (entry->process) entry->forgotten = true;
}

void key_wait_cancel(KeyStore *keys, KeyWaiter *waiter)
{
  for (Entry *entry = keys->first; entry; entry = entry->next) {
    for (KeyWaiter **at = &entry->waiters; *at; at = &(*at)->next) {
      if (*at != waiter) continue;
      *at = waiter->next;
      waiter->queued = false;
      return;
    }
  }
}

void keys_known(const KeyStore *keys, Arena *arena, StrList *out)
{
  for (const Entry *entry = keys->first; entry; entry = entry->next) {
    if (entry->secret) PUSH(arena, out, str_from(entry->secret));
  }
  for (size_t i = 0; i < OLD_MAX; i++) {
    if (keys->old[i]) PUSH(arena, out, str_from(keys->old[i]));
  }
}

// ---- environment ----------------------------------------------------------------------------------------

// The first set variable of the list "A,B". [name] is that variable, or the first of the list.
static Str env_key(Str names, Str *name)
{
  Str rest = names, one;
  Str first = STR_NONE;
  while (str_cut(&rest, ',', &one)) {
    one = str_trim(one);
    if (first.len == 0) first = one;
    char variable[128];
    if (one.len == 0 || one.len >= sizeof(variable)) continue;
    memcpy(variable, one.ptr, one.len);
    variable[one.len] = 0;
    Str value = str_trim(str_from(getenv(variable)));
    *name = one;
    if (value.len) return value;
  }
  *name = first;
  return STR_NONE;
}

// Keys are one line of visible characters; anything else would break the header it goes into.
static bool is_sane(Str secret)
{
  for (size_t i = 0; i < secret.len; i++) {
    unsigned char c = (unsigned char)secret.ptr[i];
    if (c <= 0x20 || c >= 0x7f) return false;
  }
  return secret.len > 0;
}

static bool no_key(const ProviderConfig *config, Str variable, Error *err)
{
  error_set(err, ERR_NO_KEY, "no key for %.*s: $%.*s is not set", STR_ARG(config->name),
            STR_ARG(variable));
  return error_hint_set(err, "`export %.*s=...`, or set `key` of %.*s; see :help piecework-keys",
                        STR_ARG(variable), STR_ARG(config->name));
}

static bool odd_key(const ProviderConfig *config, Str where, Error *err)
{
  error_hint_set(err, "it must be one line without blanks");
  return error_set(err, ERR_NO_KEY, "the key for %.*s from %.*s has blanks or odd characters",
                   STR_ARG(config->name), STR_ARG(where));
}

// What is not a key there is a password for something else.
static bool from_netrc(Entry *entry, const ProviderConfig *config)
{
  Arena scratch;
  arena_init(&scratch);
  Str path, value = netrc_key(&scratch, config->base_url, &path);
  bool found = is_sane(value);
  if (found) entry->secret = heap_copy(value);
  if (value.len) explicit_bzero((char *)value.ptr, value.len);
  arena_deinit(&scratch);
  return found;
}

static bool netrc_source(const ProviderConfig *config, Arena *arena, Str *source)
{
  Str path, value = netrc_key(arena, config->base_url, &path);
  bool found = is_sane(value);
  if (value.len) explicit_bzero((char *)value.ptr, value.len);
  if (found) *source = str_fmt(arena, "netrc (%.*s)", STR_ARG(netrc_host(config->base_url)));
  return found;
}

static KeyState from_env(Entry *entry, const ProviderConfig *config, Error *err)
{
  Str variable = STR_NONE;
  Str value = env_key(config->key_env, &variable);
  if (value.len == 0) {
    if (from_netrc(entry, config) || config->key_optional || config->key_env.len == 0)
      return KEY_READY;
    no_key(config, variable, err);
    return KEY_FAILED;
  }
  if (!is_sane(value)) {
    odd_key(config, variable, err);
    return KEY_FAILED;
  }
  entry->secret = heap_copy(value);
  entry->bearer = str_ends(variable, S("AUTH_TOKEN"));
  return KEY_READY;
}

// ---- command --------------------------------------------------------------------------------------------

static void command_judge(Entry *entry, const ProcessResult *result, Error *err)
{
  Str rest = result->out, line = STR_NONE;
  str_line(&rest, &line);
  line = str_trim(line);
  ProviderConfig named = {.name = str_from(entry->provider)};
  if (result->timed_out) {
    error_set(err, ERR_NO_KEY, "the key command of %s did not end", entry->provider);
  } else if (result->status != 0 || line.len == 0) {
    error_set(err, ERR_NO_KEY, "the key command of %s gave no key (exit status %d)",
              entry->provider, result->status);
    error_hint_set(err, "run the command of `key.cmd` by hand; its first line must be the key");
  } else if (!is_sane(line)) {
    odd_key(&named, S("its command"), err);
  } else {
    entry->secret = heap_copy(line);
  }
}

// One at a time, for a waiter may cancel others, ask anew, or free the store.
static void waiters_call(Entry *entry, const Error *error)
{
  KeyStore *keys = entry->store;
  keys->busy++;
  while (entry->waiters && !entry->process) {
    KeyWaiter *waiter = entry->waiters;
    entry->waiters = waiter->next;
    waiter->queued = false;
    waiter->on_ready(waiter->owner, error);
  }
  keys->busy--;
}

static void command_done(void *owner, const ProcessResult *result)
{
  Entry *entry = owner;
  KeyStore *keys = entry->store;
  Error error = {0};
  entry->process = NULL;
  if (!keys->freeing) command_judge(entry, result, &error);
  if (result->out.len) explicit_bzero((char *)result->out.ptr, result->out.len);
  if (result->output.len) explicit_bzero((char *)result->output.ptr, result->output.len);
  if (entry->forgotten) secret_wipe(&entry->secret);
  waiters_call(entry, &error);
  if (keys->freeing) store_free_if_idle(keys);
}

static bool command_start(Entry *entry, const ProviderConfig *config, Error *err)
{
  Arena scratch;
  arena_init(&scratch);
  const char **argv = NEW_N(&scratch, const char *, config->key_cmd.len + 1);
  for (size_t i = 0; i < config->key_cmd.len; i++)
    argv[i] = str_z(&scratch, config->key_cmd.items[i]);
  ProcessSpec spec = {.argv = argv,
                      .max_output = OUTPUT_MAX,
                      .split = true,
                      .timeout_ms = COMMAND_MS,
                      .on_done = command_done,
                      .owner = entry};
  Error cause = {0};
  entry->process = process_start(entry->store->loop, spec, &cause);
  arena_deinit(&scratch);
  if (entry->process) return true;
  error_hint_set(err, "correct `key.cmd` of this provider; see :help piecework-keys");
  return error_set(err, ERR_NO_KEY, "the key command of %.*s does not run: %s",
                   STR_ARG(config->name), cause.message);
}

static KeyState from_command(Entry *entry, const ProviderConfig *config, KeyWaiter *waiter,
                             Error *err)
{
  if (!entry->process && !command_start(entry, config, err)) return KEY_FAILED;
  waiter->next = entry->waiters;
  waiter->queued = true;
  entry->waiters = waiter;
  return KEY_PENDING;
}

// ---- both -----------------------------------------------------------------------------------------------

KeyState key_get(KeyStore *keys, const ProviderConfig *config, KeyWaiter *waiter, Key *key,
                 Error *err)
{
  Entry *entry = entry_for(keys, config->name);
  KeyState state = KEY_READY;
  if (!entry->secret) {
    state = config->key_cmd.len ? from_command(entry, config, waiter, err)
                                : from_env(entry, config, err);
  }
  if (state == KEY_READY) *key = (Key){str_from(entry->secret), entry->bearer};
  return state;
}

bool key_source(const ProviderConfig *config, Arena *arena, Str *source, Error *err)
{
  if (config->key_cmd.len) {
    *source = str_fmt(arena, "`%.*s`", STR_ARG(config->key_cmd.items[0]));
    return true;
  }
  Str variable = STR_NONE;
  Str value = env_key(config->key_env, &variable);
  if (value.len && !is_sane(value)) return odd_key(config, variable, err);
  if (value.len) {
    *source = str_fmt(arena, "$%.*s", STR_ARG(variable));
    return true;
  }
  if (netrc_source(config, arena, source)) return true;
  *source = S("none needed");
  return config->key_optional || config->key_env.len == 0 || no_key(config, variable, err);
}
