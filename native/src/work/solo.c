// solo.c: see solo.h.
#include "work/solo.h"

#include "plan/template.h"
#include "work/plan_store.h"
#include "work/planner_prompt.h"

enum {
  FILES_MAX = 500,
  CONTEXT_UNKNOWN = 128 * 1000,  // tokens, for models whose context nobody told us
};

// Half of the context is for what is shown; the rest is for the answer.
static int64_t room(Engine *engine, const Ladder *ladder)
{
  int64_t context =
      price_of(engine->models, ladder->rungs[0].provider, ladder->rungs[0].model).context;
  return (context > 0 ? context : CONTEXT_UNKNOWN) / 2;
}

static bool too_big(size_t files, int64_t tokens, int64_t most, Error *err)
{
  error_set(err, ERR_TOO_BIG,
            "one call cannot hold this scope: %zu files, about %lld tokens; %d files and %lld "
            "tokens are the most",
            files, (long long)tokens, FILES_MAX, (long long)most);
  return error_hint_set(err, "narrow it (CLI: --scope PATH[:A-B]), or plan it without solo");
}

// The scope; all of the project when there is none.
static bool solo_files(Project *project, Arena *arena, const FileRefList *scope, int64_t most,
                       FileRefList *out, Error *err)
{
  StrList paths = {0};
  int64_t tokens = 0;
  for (size_t i = 0; i < scope->len; i++) PUSH(arena, out, scope->items[i]);
  if (!scope->len && !project_files(project, arena, STR_NONE, &paths, err)) return false;
  for (size_t i = 0; i < paths.len && i <= FILES_MAX; i++) {
    FileRef ref = {.path = paths.items[i]};
    Str why;
    if (project_may_send(project, arena, ref.path, NULL, &why) == SEND_OK) PUSH(arena, out, ref);
  }
  if (out->len > FILES_MAX) return too_big(out->len, 0, most, err);
  for (size_t i = 0; i < out->len; i++) {
    Str text;
    if (!project_read(project, arena, out->items[i].path, &text, err)) return false;
    Range range = out->items[i].range;
    size_t lines = str_count_lines(text), shown = range.last - range.first + 1;
    int64_t whole = tokens_estimate(text);
    tokens += range_is_whole(range) || !lines ? whole : whole * (int64_t)shown / (int64_t)lines;
  }
  return tokens <= most || too_big(out->len, tokens, most, err);
}

static bool solo_task(Engine *engine, Project *project, Arena *arena, const PlanRequest *request,
                      Str role, TaskSpec *task, Error *err)
{
  const Ladder *ladder = config_ladder(engine->config, role);
  Str name, words;
  if (!ladder || !ladder->len)
    return error_set(err, ERR_CONFIG, "no models are configured as `%.*s`", STR_ARG(role));
  *task = (TaskSpec){.id = S("T01"),
                     .title = plan_title(arena, request->request),
                     .body = str_trim(request->request),
                     .model = role,
                     .create = true};
  if (template_called(task->body, &name, &words) &&
      !template_request(project, arena, task->body, &task->body, err))
    return false;
  if (!solo_files(project, arena, &request->scope, room(engine, ladder), &task->files, err))
    return false;
  FileRef notes = {.path = planner_notes_path(arena, project, &request->scope)};
  if (notes.path.len) PUSH(arena, &task->read, notes);
  return true;
}

int64_t plan_solo(Engine *engine, Project *project, const PlanRequest *request, Str role,
                  Error *err)
{
  Arena arena;
  TaskSpec task;
  arena_init(&arena);
  bool ok = str_trim(request->request).len > 0;
  if (!ok) error_set(err, ERR_USAGE, "say what is to be done: plan \"request\"");
  ok = ok && solo_task(engine, project, &arena, request, role.len ? role : S("big"), &task, err);
  int64_t id =
      ok ? plan_from_task(engine, project, &arena, &task, request->request, request->budget, err)
         : 0;
  arena_deinit(&arena);
  return id;
}
