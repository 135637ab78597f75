// apply_sweep.c: see apply_sweep.h.
#include "review/apply_sweep.h"

#include <stdio.h>
#include <unistd.h>

#include "journal/journal.h"
#include "lib/fs.h"

#define WRITING_FACT S("writing")  // "HOST-PID" of an apply that writes files

bool apply_sweep_mark(Engine *engine, int64_t plan, bool begins, Error *err)
{
  char who[32] = "";
  if (begins) snprintf(who, sizeof(who), "%08x-%ld", fs_host_tag(), (long)getpid());
  return journal_fact_set(engine->journal, plan, WRITING_FACT, str_from(who), err);
}

// Where a write to [path] puts its temporary files: beside the real file. NULL: not in the project.
static char *place_of(Project *project, Arena *arena, Str path)
{
  Str why;
  SendVerdict verdict = project_may_send_name(project, arena, path, &why);
  if (verdict == SEND_OUTSIDE || verdict == SEND_GIT) return NULL;
  char *file = project_absolute(project, arena, path), *real = fs_realpath(arena, file, NULL);
  if (real) return str_z(arena, path_dir(str_from(real)));
  return fs_realpath(arena, str_z(arena, path_dir(str_from(file))), NULL);
}

static void sweep(Project *project, Arena *arena, Str path, Str *last)
{
  char *dir = path.len ? place_of(project, arena, path) : NULL;
  if (!dir || str_eq(str_from(dir), *last)) return;  // files stand by path
  fs_sweep(dir);
  *last = str_from(dir);
}

void apply_sweep(Project *project, Arena *arena, const Review *review)
{
  Str last = STR_NONE;
  for (size_t i = 0; i < review->files.len; i++) {
    sweep(project, arena, review->files.items[i].path, &last);
    sweep(project, arena, review->files.items[i].renamed_from, &last);
  }
}

static bool was_killed(Engine *engine, Arena *arena, int64_t plan)
{
  Str text = STR_NONE;
  unsigned tag;
  long pid;
  return journal_fact_get(engine->journal, arena, plan, WRITING_FACT, &text, NULL) && text.len &&
         sscanf(str_z(arena, text), "%8x-%ld", &tag, &pid) == 2 && fs_process_gone(tag, pid);
}

static bool sweep_plan(Engine *engine, Project *project, int64_t plan)
{
  Arena arena;
  Review review;
  Error none = {0};
  arena_init(&arena);
  bool left = was_killed(engine, &arena, plan);
  if (left && review_build(engine, plan, &arena, &review, &none)) {
    apply_sweep(project, &arena, &review);
    apply_sweep_mark(engine, plan, false, &none);
  }
  arena_deinit(&arena);
  return left;
}

size_t apply_sweep_left(Engine *engine, Project *project)
{
  Arena arena;
  PlanRowList rows = {0};
  Error none = {0};
  size_t count = 0;
  arena_init(&arena);
  if (journal_plan_list(engine->journal, &arena, project_root(project), 0, &rows, &none)) {
    for (size_t i = 0; i < rows.len; i++) count += sweep_plan(engine, project, rows.items[i].id);
  }
  arena_deinit(&arena);
  return count;
}
