// scope.c: see scope.h.
#include "plan/scope.h"

#include "lib/fs.h"
#include "plan/selector.h"

static bool is_dir(Project *project, Arena *arena, const FileRef *ref)
{
  if (ref->is_new || !range_is_whole(ref->range)) return false;
  return fs_stat(project_absolute(project, arena, ref->path)).kind == FS_DIR;
}

static bool too_many(Str path, size_t max, Error *err)
{
  error_set(err, ERR_TOO_BIG, "the scope is more than %zu places, with %.*s", max,
            STR_ARG(path.len ? path : S("the whole project")));
  return error_hint_set(err, "narrow it");
}

static bool add_dir(Project *project, Arena *arena, Str path, size_t max, FileRefList *out,
                    Error *err)
{
  StrList files = {0};
  size_t before = out->len;
  if (!project_files(project, arena, path, &files, err)) return false;
  for (size_t i = 0; i < files.len && out->len <= max; i++) {
    FileRef ref = {.path = files.items[i]};
    if (project_may_send(project, arena, ref.path, NULL, NULL) == SEND_OK) PUSH(arena, out, ref);
  }
  if (out->len > before) return true;
  error_set(err, ERR_NOT_FOUND, "%.*s holds no file that may be sent",
            STR_ARG(path.len ? path : project_root(project)));
  return error_hint_set(err, "ignored, secret and binary files are never sent");
}

static bool add_found(Project *project, Arena *arena, Str selector, size_t max, FileRefList *out,
                      Error *err)
{
  FileRefList found = {0};
  if (!selector_targets(project, arena, selector, max, &found, err)) return false;
  for (size_t i = 0; i < found.len; i++) {
    found.items[i].selected = false;  // of a scope, not of a plan's `each:`
    PUSH(arena, out, found.items[i]);
  }
  return true;
}

bool scope_names_root(const FileRefList *named)
{
  for (size_t i = 0; i < named->len; i++) {
    if (!named->items[i].path.len) return true;
  }
  return false;
}

bool scope_files(Project *project, Arena *arena, const FileRefList *named, size_t max,
                 FileRefList *out, Error *err)
{
  for (size_t i = 0; i < named->len; i++) {
    const FileRef *ref = &named->items[i];
    bool ok = true;
    if (is_dir(project, arena, ref))
      ok = add_dir(project, arena, ref->path, max, out, err);
    else if (selector_searches(ref->path))
      ok = add_found(project, arena, ref->path, max, out, err);
    else
      PUSH(arena, out, *ref);
    if (!ok) return false;
    if (out->len > max) return too_many(ref->path, max, err);
  }
  return true;
}
