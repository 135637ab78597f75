// project_path.c: from what a user typed to a path in the project, and from there to its real
// place.
#include <string.h>

#include "core/project_private.h"

// [absolute] as a path below the root; the root itself is "".
static bool below_root(const Project *project, Str absolute, Str *relative)
{
  Str root = project->root;
  if (str_eq(root, S("/"))) {
    *relative = str_skip(absolute, 1);
    return str_starts(absolute, root);
  }
  if (!str_starts(absolute, root)) return false;
  *relative = str_skip(absolute, root.len);
  if (relative->len == 0) return true;
  if (relative->ptr[0] != '/') return false;
  *relative = str_skip(*relative, 1);
  return true;
}

// The real path of something that need not exist: the nearest ancestor that does, resolved, and the
// rest as it is. Empty when a symlink on the way points at nothing.
static Str resolve(Arena *arena, Str absolute)
{
  Str rest = S("");
  for (Str head = absolute; head.len;) {
    char *text = str_z(arena, head);
    FsKind kind = fs_stat(text).kind;
    char *real = kind == FS_NONE ? NULL : fs_realpath(arena, text, NULL);
    if (real && rest.len == 0) return str_from(real);
    if (real) return str_from(path_join(arena, str_from(real), rest));
    if (kind == FS_LINK) return STR_NONE;
    Str base = path_base(head);
    rest = rest.len ? str_from(path_join(arena, base, rest)) : base;
    head = head.len > 1 ? path_dir(head) : STR_NONE;
  }
  return STR_NONE;
}

// Whether no part of a path below the root (which is real itself) is a symlink. What is not there is none.
// [*stat]: of the path.
static bool without_links(const Project *project, Arena *arena, Str path, FsStat *stat)
{
  char *whole = project_absolute(project, arena, path);
  size_t root = strlen(whole) - path.len;
  for (char *end = whole + root; *end; end++) {
    if (end[1] && end[1] != '/') continue;
    char next = end[1];
    end[1] = 0;
    *stat = fs_stat(whole);
    end[1] = next;
    if (stat->kind == FS_LINK) return false;
    if (stat->kind == FS_NONE) return true;
  }
  return true;
}

// [path] is normal: relative, without "." and "..". Most have no link in them, and are spared the way from
// "/" down.
bool path_real(const Project *project, Arena *arena, Str path, RealPath *real)
{
  if (path.len && without_links(project, arena, path, &real->stat)) {
    real->path = str_dup(arena, path);
    return true;
  }
  Str absolute = resolve(arena, str_from(project_absolute(project, arena, path)));
  if (!absolute.len || !below_root(project, absolute, &real->path)) return false;
  real->stat = fs_stat(str_z(arena, absolute));
  return true;
}

static bool exists(Arena *arena, Str path)
{
  return fs_exists(str_z(arena, path));
}

// Relative paths mean the working directory, as for any command; from an editor that may be
// elsewhere, so one that is not there is tried from the root.
static Str absolute_of(const Project *project, Arena *arena, Str given)
{
  if (str_starts(given, S("/"))) return given;
  Str from_root = str_from(project_absolute(project, arena, given));
  char *cwd = fs_realpath(arena, ".", NULL);
  Str unused;
  if (!cwd || !below_root(project, str_from(cwd), &unused)) return from_root;
  Str from_cwd = str_from(path_join(arena, str_from(cwd), given));
  return !exists(arena, from_cwd) && exists(arena, from_root) ? from_root : from_cwd;
}

bool project_path(Project *project, Arena *arena, Str given, Str *relative, Error *err)
{
  if (given.len == 0) return error_set(err, ERR_INVALID, "an empty path");
  Str clean, absolute = absolute_of(project, arena, given);
  // ".." is resolved as text first: what it climbs out of need not exist.
  Str real = path_normal(arena, absolute, &clean) ? resolve(arena, clean) : STR_NONE;
  if (real.len && below_root(project, real, relative)) return true;
  error_set(err, ERR_REFUSED, "%.*s is outside the project %.*s", STR_ARG(given),
            STR_ARG(project->root));
  return error_hint_set(
      err, "piecework works on files below its root only; start it from another directory");
}

bool project_beyond_links(Project *project, Arena *arena, Str path, Str *real)
{
  Str normal, dir = path_dir(path);
  RealPath behind;
  if (!path.len || path.ptr[0] == '/' || !path_normal(arena, path, &normal)) return false;
  if (!str_eq(path, normal)) return false;
  *real = path;
  if (!dir.len || without_links(project, arena, dir, &behind.stat)) return true;
  if (!path_real(project, arena, dir, &behind)) return false;
  *real =
      behind.path.len ? str_from(path_join(arena, behind.path, path_base(path))) : path_base(path);
  return true;
}
