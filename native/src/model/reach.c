// reach.c: see reach.h.
#include "model/reach.h"

#include "model/ask.h"
#include "model/models.h"

typedef struct {
  Models *models;
  const ProviderConfig *config;
  const Dialect *dialect;
  uint64_t started_ms;
  ReachDone *on_done;
  void *owner;
} Reaching;

static void build(void *owner, Arena *arena, const Target *target, const Key *key, WireRequest *out)
{
  const Reaching *reaching = owner;
  *out = (WireRequest){.url = reaching->dialect->models_url(arena, target)};
  wire_provider_headers(arena, reaching->dialect, reaching->config, target, key, out);
}

// {"data": [{"id"}]} or {"models": [{"name"}]}; Google's names begin with "models/".
static void read_models(Arena *arena, const Value *body, Reach *out)
{
  const Value *data = value_get(body, S("data")), *models = value_get(body, S("models"));
  const Value *list = value_is(data, VALUE_LIST) ? data : models;
  Str field = list == data ? S("id") : S("name"), prefix = S("models/");
  out->lists = value_is(list, VALUE_LIST);
  const Value *first = value_at(list, 0);
  bool llama = str_eq(value_get_str(first, S("owned_by"), STR_NONE), S("llamacpp"));
  out->any =
      llama && value_len(list) == 1 && !value_get(first, S("status"));  // a router has states
  for (VALUE_EACH (item, list)) {
    Str id = value_get_str(item, field, STR_NONE);
    PUSH(arena, &out->models, str_starts(id, prefix) ? str_skip(id, prefix.len) : id);
  }
}

// A server that has no such list has been reached all the same.
static void on_answer(void *owner, const AskAnswer *answer)
{
  Reaching *reaching = owner;
  Arena arena;
  Reach reach = {.error = answer->error,
                 .ms = loop_now_ms(reaching->models->loop) - reaching->started_ms};
  arena_init(&arena);
  if (answer->status == 404) reach.error = (Error){0};
  if (reach.error.code == ERR_OK) read_models(&arena, answer->body, &reach);
  reaching->on_done(reaching->owner, &reach);
  arena_deinit(&arena);
  mem_free(reaching);
}

bool reach_start(Models *models, Str provider, ReachDone *on_done, void *owner, Error *err)
{
  ModelRequest any = {.provider = provider, .model = S("any")};
  AskSpec spec = {.build = build, .on_answer = on_answer};
  if (!models_check(models, &any, &spec.config, &spec.dialect, err)) return false;
  if (!spec.dialect) return error_set(err, ERR_INVALID, "%.*s only replays", STR_ARG(provider));
  Reaching *reaching = mem_alloc(sizeof(*reaching));
  *reaching = (Reaching){.models = models,
                         .config = spec.config,
                         .dialect = spec.dialect,
                         .started_ms = loop_now_ms(models->loop),
                         .on_done = on_done,
                         .owner = owner};
  spec.owner = reaching;
  ask_start(models, &spec);
  return true;
}

bool reach_knows(const Reach *reach, Str model)
{
  if (reach->any) return true;
  for (size_t i = 0; i < reach->models.len; i++) {
    Str id = reach->models.items[i];
    bool tagged = str_starts(id, model) && id.len > model.len && id.ptr[model.len] == ':';
    if (tagged || str_eq(id, model) || str_eq(model_undated(id), model)) return true;
  }
  return false;
}
