// engine.c: the parts an operation needs, made and freed in one order; projects opened once;
// events.
#include "core/engine.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "journal/journal.h"

static void take_holder(Engine *engine)
{
  Arena scratch;
  arena_init(&scratch);
  Str holder = journal_holder(&scratch);
  snprintf(engine->holder, sizeof(engine->holder), "%.*s", STR_ARG(holder));
  arena_deinit(&scratch);
}

static void journal_lost(void *owner, const Error *err)
{
  Engine *engine = owner;
  if (engine->on_lost) engine->on_lost(engine, err);
}

Engine *engine_new(Loop *loop, const Value *editor, Error *err)
{
  Engine *engine = mem_alloc(sizeof(Engine));
  engine->loop = loop;
  engine->config = config_load(editor, err);
  if (engine->config) engine->journal = journal_open(NULL, err);
  if (engine->journal) engine->http = http_new(loop, err);
  if (engine->http) engine->models = models_new(loop, engine->http);
  if (!engine->models || !config_apply(engine->config, engine->models, err)) {
    engine_free(engine);
    return NULL;
  }
  take_holder(engine);
  journal_group(engine->journal, loop, journal_lost, engine);
  for (size_t i = 0; i < engine->config->warnings.len; i++) {
    log_warn("%.*s", STR_ARG(engine->config->warnings.items[i]));
  }
  return engine;
}

void engine_free(Engine *engine)
{
  if (!engine) return;
  if (engine->models) models_free(engine->models);
  if (engine->http) http_free(engine->http);
  for (size_t i = 0; i < engine->project_count; i++) project_free(engine->projects[i]);
  mem_free(engine->projects);
  mem_free(engine->history);
  journal_close(engine->journal);
  config_free(engine->config);
  mem_free(engine);
}

static Project *known_project(Engine *engine, Str root)
{
  for (size_t i = 0; i < engine->project_count; i++) {
    if (str_eq(project_root(engine->projects[i]), root)) return engine->projects[i];
  }
  return NULL;
}

// Opening finds the root, which is what makes two directories the same project.
Project *engine_project(Engine *engine, const char *dir, Error *err)
{
  Project *known = known_project(engine, str_from(dir));
  if (known) return known;
  Project *opened = project_open(dir, err);
  if (!opened) return NULL;
  known = known_project(engine, project_root(opened));
  if (known) {
    project_free(opened);
    return known;
  }
  size_t size = sizeof(Project *) * (engine->project_count + 1);
  engine->projects = mem_realloc(engine->projects, size);
  engine->projects[engine->project_count++] = opened;
  return opened;
}

Project *engine_project_of_plan(Engine *engine, int64_t plan, Error *err)
{
  Arena scratch;
  arena_init(&scratch);
  PlanRow row = {0};
  Project *project = NULL;
  if (journal_plan_get(engine->journal, &scratch, plan, &row, err)) {
    project = engine_project(engine, str_z(&scratch, row.root), err);
  }
  arena_deinit(&scratch);
  return project;
}

void engine_event(Engine *engine, Str kind, const Value *params)
{
  if (!engine->on_event) return;
  Arena scratch;
  arena_init(&scratch);
  Value *all = params ? value_dup(&scratch, params) : value_map(&scratch);
  value_put_str(&scratch, all, S("kind"), kind);
  engine->on_event(engine->event_owner, kind, all);
  arena_deinit(&scratch);
}

void engine_note(Engine *engine, int64_t plan, Str task, Str kind, const char *format, ...)
{
  Arena scratch;
  arena_init(&scratch);
  va_list args;
  va_start(args, format);
  Str text = str_vfmt(&scratch, format, args);
  va_end(args);
  journal_log(engine->journal, plan, kind, task, "%.*s", STR_ARG(text));
  Value *params = value_map(&scratch);
  value_put_int(&scratch, params, S("plan"), plan);
  if (task.len) value_put_str(&scratch, params, S("task"), task);
  value_put_str(&scratch, params, S("text"), text);
  engine_event(engine, kind, params);
  arena_deinit(&scratch);
}
