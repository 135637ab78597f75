// work_fixture.h: a scratch project with an engine on a scratch state directory, and a plan in its journal.
#pragma once

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/engine.h"
#include "lib/fs.h"
#include "review/apply.h"
#include "review/review.h"
#include "tap.h"

typedef struct {
  Arena arena;
  Loop loop;
  Engine *engine;
  Project *project;
  char *dir;   // scratch, removed at the end
  char *root;  // of the project
  int64_t plan;
} Fixture;

static inline char *fx_path(Fixture *fx, const char *name)
{
  return path_join(&fx->arena, str_from(fx->root), str_from(name));
}

static inline void fx_write(Fixture *fx, const char *name, Str text)
{
  Error err = {0};
  char *path = fx_path(fx, name);
  fs_mkdirs(str_z(&fx->arena, path_dir(str_from(path))), &err);
  if (!fs_write_atomic(path, text, 0644, &err)) printf("# %s: %s\n", name, err.message);
}

static inline Str fx_read(Fixture *fx, const char *name)
{
  Str text = STR_NONE;
  Error err = {0};
  return fs_read(&fx->arena, fx_path(fx, name), 1 << 20, &text, &err) ? text : S("(none)");
}

// Runs a shell line in the project; its exit status.
static inline int fx_sh(Fixture *fx, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  Str line = str_vfmt(&fx->arena, format, args);
  va_end(args);
  return system(
      str_fmt(&fx->arena, "cd '%s' && { %.*s\n} >/dev/null 2>&1", fx->root, STR_ARG(line)).ptr);
}

// What a shell line prints, trimmed.
static inline Str fx_out(Fixture *fx, const char *line)
{
  FILE *pipe = popen(str_fmt(&fx->arena, "cd '%s' && %s", fx->root, line).ptr, "r");
  char *bytes = arena_alloc(&fx->arena, 1 << 16);
  size_t n = pipe ? fread(bytes, 1, (1 << 16) - 1, pipe) : 0;
  if (pipe) pclose(pipe);
  return str_trim((Str){bytes, n});
}

static inline void fx_init(Fixture *fx, bool git)
{
  Error err = {0};
  *fx = (Fixture){0};
  arena_init(&fx->arena);
  const char *tmp = getenv("TMPDIR");
  fx->dir = fs_temp_dir(&fx->arena, tmp ? tmp : "/tmp", "piecework-test-", &err);
  fx->root = path_join(&fx->arena, str_from(fx->dir), S("project"));
  setenv("XDG_STATE_HOME", str_fmt(&fx->arena, "%s/state", fx->dir).ptr, 1);
  setenv("XDG_CONFIG_HOME", str_fmt(&fx->arena, "%s/config", fx->dir).ptr, 1);
  setenv("HOME", fx->dir, 1);
  setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
  unsetenv("PIECEWORK_STATE");
  fs_mkdirs(fx->root, &err);
  if (git) {
    fx_sh(fx,
          "git init -q -b main . && git config user.name T && git config user.email "
          "t@example.invalid");
  }
}

static inline void fx_commit_all(Fixture *fx)
{
  CHECK_INT(fx_sh(fx, "git add -A && git commit -q -m base"), 0);
}

// Opens the engine; call it when the files are there.
static inline void fx_open(Fixture *fx)
{
  Error err = {0};
  if (!loop_init(&fx->loop, &err)) printf("# %s\n", err.message);
  fx->engine = engine_new(&fx->loop, NULL, &err);
  if (fx->engine) fx->project = engine_project(fx->engine, fx->root, &err);
  if (!fx->project) {
    printf("# no engine: %s\n", err.message);
    exit(1);
  }
  PlanRow row = {
      .root = project_root(fx->project), .title = S("a plan"), .state = PLAN_REVIEW, .budget = -1};
  CHECK(journal_plan_new(fx->engine->journal, &row, &err));
  fx->plan = row.id;
}

// The result of a task: [path] became [made]. NULL text = no such file before or after.
static inline void fx_task(Fixture *fx, const char *id, const char *path, const char *shown,
                           const char *made)
{
  Error err = {0};
  Journal *journal = fx->engine->journal;
  TaskRow task = {.plan = fx->plan,
                  .id = str_from(id),
                  .state = TASK_DONE,
                  .executor = S("model"),
                  .title = str_fmt(&fx->arena, "%s: change it", path)};
  static int64_t at;
  task.started_ms = task.ended_ms = ++at;
  PatchRow patch = {.task = task.id, .path = str_from(path)};
  patch.change = !shown ? FILE_NEW : !made ? FILE_DELETE : FILE_EDIT;
  Str texts[2] = {str_from(shown), str_from(made)};
  CHECK(journal_base_put(journal, fx->plan, patch.path, texts[0], shown != NULL, &err));
  CHECK(journal_task_put(journal, &task, &err));
  CHECK(journal_patch_set(journal, fx->plan, task.id, &patch, &texts[0], &texts[1], 1, &err));
  if (err.code) printf("# %s\n", err.message);
}

static inline void fx_verdict(Fixture *fx, const char *task, VerdictKind kind, const char *reason)
{
  Error err = {0};
  VerdictRow row = {.task = str_from(task), .kind = kind, .reason = str_from(reason)};
  CHECK(journal_verdict_put(fx->engine->journal, fx->plan, &row, &err));
}

static inline Review fx_review(Fixture *fx)
{
  Review review = {0};
  Error err = {0};
  if (!review_build(fx->engine, fx->plan, &fx->arena, &review, &err)) printf("# %s\n", err.message);
  return review;
}

static inline size_t fx_stale(Review review)
{
  size_t n = 0;
  for (size_t i = 0; i < review.hunks.len; i++) n += review.hunks.items[i].stale;
  return n;
}

static inline size_t fx_applied(Review review)
{
  size_t n = 0;
  for (size_t i = 0; i < review.hunks.len; i++) n += review.hunks.items[i].applied == APPLIED_DONE;
  return n;
}

static inline size_t fx_decide(Fixture *fx, Str what, Decision decision)
{
  Error err = {0};
  Decided decided = {0};
  StrList list = {&what, 1, 1};
  if (!review_decide(fx->engine, fx->plan, &list, decision, &decided, &err))
    printf("# %s\n", err.message);
  return decided.changed;
}

static inline void fx_deinit(Fixture *fx)
{
  Error err = {0};
  engine_free(fx->engine);
  loop_deinit(&fx->loop);
  fs_remove_tree(fx->dir, &err);
  arena_deinit(&fx->arena);
}
