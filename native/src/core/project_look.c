// project_look.c: what a look at the project found, kept until the look ends (project_look).
#include "core/project_private.h"

enum { LOOK_BYTES = 32 << 20 };  // what does not fit any more is read again each time

void project_look(Project *project)
{
  if (project->looks++) return;
  arena_init(&project->look.arena);
  if (project->repo) repo_look(project->repo, true);
}

void project_look_end(Project *project)
{
  if (--project->looks) return;
  arena_deinit(&project->look.arena);
  project->look = (ProjectLook){0};
  if (project->repo) repo_look(project->repo, false);
}

LookedFile *looked_file(Project *project, Arena *arena, Str path, LookedFile *own)
{
  size_t at;
  ProjectLook *look = &project->look;
  *own = (LookedFile){.arena = arena, .path = path};
  if (!project->looks) return own;
  if (map_get(&look->index, path, &at)) return look->files.items[at];
  if (look->arena.used > LOOK_BYTES) return own;
  LookedFile *file = NEW(&look->arena, LookedFile);
  *file = (LookedFile){.arena = &look->arena, .path = str_dup(&look->arena, path)};
  map_add(&look->arena, &look->index, file->path, look->files.len);
  PUSH(&look->arena, &look->files, file);
  return file;
}
