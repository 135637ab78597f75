// serve_params.c: params of requests, read with care: an editor's plugin may send anything. See serve.h.
#include "front/serve.h"
#include "lib/fs.h"
#include "plan/scope.h"

enum { SCOPE_MAX = 100000, LINE_MAX_NUMBER = 1 << 30, MARGIN_MAX = 1000 };

Value *empty_answer(RpcRequest *request)
{
  return value_map(&request->arena);
}

Value *plan_answer(RpcRequest *request, int64_t plan)
{
  Value *map = value_map(&request->arena);
  value_put_int(&request->arena, map, S("plan"), plan);
  return map;
}

Project *param_project(Serve *serve, const Value *params, Error *err)
{
  Arena arena;
  Str cwd = value_get_str(params, S("cwd"), str_from(serve->cwd));
  arena_init(&arena);
  char *real = fs_realpath(&arena, str_z(&arena, cwd), err);
  Project *project = real ? engine_project(serve->engine, real, err) : NULL;
  arena_deinit(&arena);
  return project;
}

int64_t param_plan(const Value *params, Error *err)
{
  int64_t plan = value_get_int(params, S("plan"), 0);
  if (plan > 0) return plan;
  error_set(err, ERR_USAGE, "which plan? Its number is missing");
  return 0;
}

bool param_text(const Value *params, Str key, Str *out, Error *err)
{
  const Value *value = value_get(params, key);
  *out = value_to_str(value, STR_NONE);
  if (value_is(value, VALUE_STR)) return true;
  return error_set(err, ERR_USAGE, "the text \"%.*s\" is missing", STR_ARG(key));
}

void param_strings(Arena *arena, const Value *params, Str key, StrList *out)
{
  for (VALUE_EACH (item, value_get(params, key))) {
    if (value_is(item, VALUE_STR)) PUSH(arena, out, item->str);
  }
}

bool param_names(Serve *serve, int64_t plan, Arena *arena, const Value *params, Str key,
                 StrList *out, Error *err)
{
  Project *project = engine_project_of_plan(serve->engine, plan, err);
  if (!project) return false;
  param_strings(arena, params, key, out);
  for (size_t i = 0; i < out->len; i++) {
    Str path;
    if (!str_starts(out->items[i], S("file:/"))) continue;
    if (!project_path(project, arena, str_skip(out->items[i], 5), &path, err)) return false;
    out->items[i] = str_fmt(arena, "file:%.*s", STR_ARG(path));
  }
  return true;
}

// As far as the file goes: an editor does not know how long one is that it has not opened. A range that does not lie
// in the file stays as it is, to be refused by its own numbers.
static void widen(Project *project, FileRef *ref, size_t margin)
{
  Arena arena;
  Error unread = {0};  // said by who works on it
  Str text;
  arena_init(&arena);
  if (project_read(project, &arena, ref->path, &text, &unread)) {
    size_t lines = str_count_lines(text);
    Range *range = &ref->range;
    if (range->last <= lines) {
      range->first = range->first > margin ? range->first - margin : 1;
      range->last = range->last + margin < lines ? range->last + margin : lines;
    }
  }
  arena_deinit(&arena);
}

static bool scope_one(Project *project, Arena *arena, const Value *item, FileRef *ref, Error *err)
{
  int64_t first = value_get_int(item, S("first"), 0), last = value_get_int(item, S("last"), first);
  if (!project_path(project, arena, value_get_str(item, S("path"), STR_NONE), &ref->path, err))
    return false;
  if (first < 0 || last < first || last > LINE_MAX_NUMBER) {
    return error_set(err, ERR_USAGE, "%.*s: lines %lld to %lld are no range", STR_ARG(ref->path),
                     (long long)first, (long long)last);
  }
  if (!first) return true;
  ref->range = (Range){(size_t)first, (size_t)last};
  int64_t margin = value_get_int(item, S("margin"), 0);
  if (margin > 0) widen(project, ref, margin < MARGIN_MAX ? (size_t)margin : MARGIN_MAX);
  return true;
}

bool param_scope(Project *project, Arena *arena, const Value *params, FileRefList *out, Error *err)
{
  const Value *scope = value_get(params, S("scope"));
  if (value_len(scope) > SCOPE_MAX)
    return error_set(err, ERR_TOO_BIG, "a scope of %zu places", value_len(scope));
  FileRefList named = {0};
  for (VALUE_EACH (item, scope)) {
    FileRef ref = {0};
    if (!scope_one(project, arena, item, &ref, err)) return false;
    PUSH(arena, &named, ref);
  }
  return scope_files(project, arena, &named, SCOPE_MAX, out, err);
}

// Buffers outside the project are none of our business and are left out.
void param_buffers(Project *project, Arena *arena, const Value *params)
{
  const Value *buffers = value_get(params, S("buffers"));
  if (!value_is(buffers, VALUE_LIST)) return;
  project_overlay_clear(project);
  for (VALUE_EACH (item, buffers)) {
    Str path;
    Error outside = {0};
    Str given = value_get_str(item, S("path"), STR_NONE);
    if (!given.len || !value_is(value_get(item, S("text")), VALUE_STR)) continue;
    if (!project_path(project, arena, given, &path, &outside)) continue;
    project_overlay_set(project, path, value_get_str(item, S("text"), STR_NONE));
  }
}

bool param_plan_buffers(Serve *serve, int64_t plan, Arena *arena, const Value *params, Error *err)
{
  Project *project = engine_project_of_plan(serve->engine, plan, err);
  if (!project) return false;
  param_buffers(project, arena, params);
  return true;
}
