// health.c: see health.h. Keys are looked for, not shown.
#include "front/health.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/nearest.h"
#include "front/version.h"
#include "lib/fs.h"
#include "lib/versions.h"
#include "plan/ctags.h"
#include "view/view_text.h"

typedef struct {
  Engine *engine;
  Arena *arena;
  HealthList *out;
} Health;

static void row(Health *h, const char *level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void row(Health *h, const char *level, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  HealthRow one = {level, str_vfmt(h->arena, format, args)};
  va_end(args);
  PUSH(h->arena, h->out, one);
}

static bool in_path(Arena *arena, const char *program)
{
  for (Str rest = str_from(getenv("PATH")), dir; str_cut(&rest, ':', &dir);) {
    if (dir.len && access(path_join(arena, dir, str_from(program)), X_OK) == 0) return true;
  }
  return false;
}

static void check_programs(Health *h)
{
  static const char *const ctags[] = {
      [CTAGS_MISSING] =
          "universal-ctags: not found (outlines and selectors are simpler without it)",
      [CTAGS_OTHER] = "ctags: not universal-ctags with JSON; outlines and selectors do without it",
      [CTAGS_PLAIN] = "universal-ctags: finds definitions for outlines and selectors",
      [CTAGS_SANDBOX] =
          "universal-ctags: finds definitions for outlines and selectors, in a sandbox",
  };
  bool git = in_path(h->arena, "git");
  row(h, git ? "ok" : "warn", git ? "git: found" : "git: not found; commit and worktrees need it");
  row(h, "ok", "%s", ctags[ctags_state(NULL)]);
}

static void check_config(Health *h)
{
  char *path = path_join(h->arena, str_from(fs_config_dir(h->arena)), S("config.json"));
  row(h, "ok", "configuration: %s%s", path, fs_exists(path) ? "" : " (not there: defaults)");
  const Config *config = h->engine->config;
  for (size_t i = 0; i < config->warnings.len; i++) {
    row(h, "warn", "configuration: %.*s", STR_ARG(config->warnings.items[i]));
  }
}

static bool has(const StrList *list, Str name)
{
  for (size_t i = 0; i < list->len; i++) {
    if (str_eq(list->items[i], name)) return true;
  }
  return false;
}

static void check_key(Health *h, Str provider)
{
  Str source = STR_NONE;
  Error err = {0};
  if (models_key_ready(h->engine->models, provider, &source, &err)) {
    row(h, "ok", "provider %.*s: key: %.*s", STR_ARG(provider), STR_ARG(source));
  } else {
    row(h, "warn", "provider %.*s: %s; %s", STR_ARG(provider), err.message, error_hint(&err));
  }
}

static Str full_name(Arena *arena, const ModelName *name)
{
  return str_fmt(arena, "%.*s/%.*s", STR_ARG(name->provider), STR_ARG(name->model));
}

static void check_models(Health *h)
{
  const Config *config = h->engine->config;
  StrList seen = {0};
  for (size_t i = 0; i < config->ladder_count; i++) {
    const Ladder *ladder = &config->ladders[i];
    StrList names = {0};
    bool all_known = true;
    for (size_t k = 0; k < ladder->len; k++) {
      const ModelName *rung = &ladder->rungs[k];
      bool known = price_of(h->engine->models, rung->provider, rung->model).known;
      all_known = all_known && known;
      PUSH(h->arena, &names,
           str_cat(h->arena, full_name(h->arena, rung), known ? STR_NONE : S(" (price unknown)")));
    }
    row(h, ladder->len ? "ok" : "error", "models: %.*s = %.*s", STR_ARG(ladder->alias),
        STR_ARG(str_join(h->arena, &names, S(", "))));
    if (!all_known && (config->budget >= 0 || config->day_budget >= 0))
      row(h, "warn",
          "models: %.*s: what has no price is not called under a budget; set `prices`, or `budget` "
          "and `day_budget` to none",
          STR_ARG(ladder->alias));
    for (size_t k = 0; k < ladder->len; k++) {
      Str provider = ladder->rungs[k].provider;
      if (has(&seen, provider)) continue;
      PUSH(h->arena, &seen, provider);
      check_key(h, provider);
    }
  }
  if (config->cassette.len)
    row(h, "warn", "replies are replayed from %.*s", STR_ARG(config->cassette));
}

static void used_models(Health *h, StrList *out)
{
  const Config *config = h->engine->config;
  for (size_t i = 0; i < config->ladder_count; i++) {
    const Ladder *ladder = &config->ladders[i];
    for (size_t k = 0; k < ladder->len; k++)
      PUSH(h->arena, out, full_name(h->arena, &ladder->rungs[k]));
    if (ladder->fallback.provider.len) PUSH(h->arena, out, full_name(h->arena, &ladder->fallback));
  }
}

// A price under a mistyped name is the price of nothing.
static void check_prices(Health *h)
{
  StrList used = {0};
  used_models(h, &used);
  for (VALUE_EACH (price, value_get(h->engine->config->tree, S("prices")))) {
    if (value_is(price, VALUE_NULL) || has(&used, price->key)) continue;
    Str near = nearest_name(price->key, used.items, used.len);
    row(h, "warn", "prices: no role uses `%.*s`%s%.*s%s", STR_ARG(price->key),
        near.len ? "; did you mean `" : "", STR_ARG(near), near.len ? "`?" : "");
  }
}

static void check_journal(Health *h)
{
  Str path = journal_path(h->engine->journal);
  FsStat stat = fs_stat(str_z(h->arena, path));
  Error err;
  if (journal_check(h->engine->journal, &err)) {
    row(h, "ok", "journal: %.*s, %.1f MB", STR_ARG(path), (double)stat.size / 1e6);
  } else {
    row(h, "error", "journal: %s; %s", err.message, error_hint(&err));
  }
}

static void check_project(Health *h, const char *dir)
{
  Error err = {0};
  Project *project = engine_project(h->engine, dir, &err);
  if (!project) {
    row(h, "error", "project: %s", err.message);
    return;
  }
  Str root = project_root(project);
  bool git = project_repo(project) != NULL;
  row(h, git ? "ok" : "warn", "project: %.*s%s", STR_ARG(root),
      git ? "" : " is not a git repository: no commit, no ignore rules of git");
  StrList trusted = {0};
  if (!journal_trust_list(h->engine->journal, h->arena, root, &trusted, &err)) return;
  if (!trusted.len) row(h, "ok", "trust: no command of this project is trusted yet");
  for (size_t i = 0; i < trusted.len; i++) {
    row(h, "ok", "trust: %.*s", STR_ARG(trusted.items[i]));
  }
}

void health_rows(Engine *engine, const Error *why, const char *dir, Arena *arena, HealthList *out)
{
  Health h = {engine, arena, out};
  row(&h, "ok", "piecework %s, protocol %d, prices of %.*s", PIECEWORK_VERSION, PIECEWORK_PROTOCOL,
      STR_ARG(prices_as_of()));
  row(&h, "ok", "libraries: %.*s", STR_ARG(lib_versions(arena)));
  check_programs(&h);
  if (!engine) {
    row(&h, "error", "%s; %s", why->message, error_hint(why));
    return;
  }
  check_config(&h);
  check_models(&h);
  check_prices(&h);
  check_journal(&h);
  check_project(&h, dir);
}

void health_view(Arena *arena, const HealthList *rows, View *out)
{
  ViewText view;
  view_begin(&view, arena, out);
  for (size_t i = 0; i < rows->len; i++) {
    LineMeaning meaning = {.kind = str_from(rows->items[i].level)};
    view_line(&view, meaning, "%-5s %.*s", rows->items[i].level, STR_ARG(rows->items[i].text));
  }
  view_end(&view);
}
