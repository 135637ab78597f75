// health_reach.c: each provider in use asked, side by side, what models it knows: free, and only on request.
#include "front/health.h"
#include "model/reach.h"

typedef struct Reaches Reaches;

typedef struct {
  Reaches *all;
  Str provider;
  StrList models;  // that the configuration names
  size_t row;
} Wanted;

struct Reaches {
  Arena *arena;
  HealthList *out;
  struct {
    Wanted **items;
    size_t len, cap;
  } wanted;
  size_t pending;
  void (*on_done)(void *owner);
  void *owner;
  LoopSoon soon;
};

static Wanted *wanted_of(Reaches *all, Str provider)
{
  for (size_t i = 0; i < all->wanted.len; i++) {
    if (str_eq(all->wanted.items[i]->provider, provider)) return all->wanted.items[i];
  }
  Wanted *wanted = NEW(all->arena, Wanted);
  *wanted = (Wanted){.all = all, .provider = provider};
  PUSH(all->arena, &all->wanted, wanted);
  return wanted;
}

static void want(Reaches *all, const ModelName *name)
{
  if (!name->provider.len) return;
  StrList *models = &wanted_of(all, name->provider)->models;
  for (size_t i = 0; i < models->len; i++) {
    if (str_eq(models->items[i], name->model)) return;
  }
  PUSH(all->arena, models, name->model);
}

// What to do about a connection that fails belongs to runs; here it is the user who looks.
static bool hint_helps(Err code)
{
  return code == ERR_AUTH || code == ERR_NO_KEY || code == ERR_CONFIG || code == ERR_TLS;
}

static void fail_row(Arena *arena, HealthRow *row, Str provider, const Error *err)
{
  const char *hint = hint_helps(err->code) ? error_hint(err) : "";
  row->level = "error";
  row->text = str_fmt(arena, "provider %.*s: %s%s%s", STR_ARG(provider), err->message,
                      *hint ? "; " : "", hint);
}

static void fill_row(Arena *arena, HealthRow *row, const Wanted *wanted, const Reach *reach)
{
  StrList missing = {0};
  if (reach->error.code != ERR_OK) {
    fail_row(arena, row, wanted->provider, &reach->error);
    return;
  }
  for (size_t i = 0; reach->lists && i < wanted->models.len; i++) {
    if (!reach_knows(reach, wanted->models.items[i]))
      PUSH(arena, &missing, wanted->models.items[i]);
  }
  Str said = reach->lists ? S("; knows the models set") : S("; it does not list its models");
  if (missing.len)
    said = str_fmt(arena, "; does not list %.*s", STR_ARG(str_join(arena, &missing, S(", "))));
  row->level = missing.len ? "warn" : "ok";
  row->text = str_fmt(arena, "provider %.*s: reached in %llu ms%.*s", STR_ARG(wanted->provider),
                      (unsigned long long)reach->ms, STR_ARG(said));
}

static void one_done(void *owner, const Reach *reach)
{
  Wanted *wanted = owner;
  Reaches *all = wanted->all;
  fill_row(all->arena, &all->out->items[wanted->row], wanted, reach);
  if (--all->pending == 0) all->on_done(all->owner);
}

static void nobody(void *owner)
{
  Reaches *all = owner;
  all->on_done(all->owner);
}

void health_reach(Engine *engine, Arena *arena, HealthList *out, void (*on_done)(void *owner),
                  void *owner)
{
  Reaches *all = NEW(arena, Reaches);
  *all = (Reaches){.arena = arena, .out = out, .on_done = on_done, .owner = owner};
  for (size_t i = 0; i < engine->config->ladder_count; i++) {
    const Ladder *ladder = &engine->config->ladders[i];
    for (size_t k = 0; k < ladder->len; k++) want(all, &ladder->rungs[k]);
    want(all, &ladder->fallback);
  }
  for (size_t i = 0; i < all->wanted.len; i++) {  // all rows first: the list moves while it grows
    all->wanted.items[i]->row = out->len;
    PUSH(arena, out, (HealthRow){0});
  }
  for (size_t i = 0; i < all->wanted.len; i++) {
    Wanted *wanted = all->wanted.items[i];
    Error err = {0};
    if (reach_start(engine->models, wanted->provider, one_done, wanted, &err))
      all->pending++;
    else
      fail_row(arena, &out->items[wanted->row], wanted->provider, &err);
  }
  if (!all->pending) loop_soon(engine->loop, &all->soon, nobody, all);
}
