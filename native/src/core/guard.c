// guard.c: see guard.h.
#include "core/guard.h"

#include "lib/fs.h"

enum { GUARD_MAX_BYTES = 16 << 20 };

typedef struct {
  const Guard *guard;
  Arena *arena;
  RefuseCode *why;
  Error *err;
} Walk;

static bool refuse(Walk *walk, RefuseCode why, Str path, const char *what)
{
  *walk->why = why;
  return error_set(walk->err, ERR_REFUSED, "%.*s %s", STR_ARG(path), what);
}

static const char *below(Walk *walk, Str path)
{
  return path_join(walk->arena, str_from(walk->guard->root), path);
}

// A missing entry whose name differs from an existing one only in case: two files here, one on the next
// machine.
static bool case_is_free(Walk *walk, Str dir, Str name, Str path)
{
  StrList names = {0};
  Error ignored = {0};
  const char *where = dir.len ? below(walk, dir) : walk->guard->root;
  if (!fs_list(walk->arena, where, &names, &ignored)) return true;
  for (size_t i = 0; i < names.len; i++) {
    if (str_eq_nocase(names.items[i], name) && !str_eq(names.items[i], name)) {
      return refuse(walk, REFUSE_PATH_CASE, path, "differs from an existing path only in case");
    }
  }
  return true;
}

// A link as the last part: what it leads to must be a file inside the root, reached without its links.
static bool link_ok(Walk *walk, Str path)
{
  Error ignored = {0};
  char *real = fs_realpath(walk->arena, below(walk, path), &ignored);
  Str root = str_from(walk->guard->root), target = str_from(real);
  bool inside = str_starts(target, root) && (target.len > root.len && target.ptr[root.len] == '/');
  RefuseCode name_why;
  if (!real || !inside || !patch_path_ok(str_skip(target, root.len + 1), &name_why)) {
    return refuse(walk, REFUSE_PATH_SYMLINK, path, "is a symlink that leads out of the project");
  }
  if (fs_stat(real).kind != FS_FILE)
    return refuse(walk, REFUSE_PATH_SPECIAL, path, "is not a regular file");
  return true;
}

static bool file_ok(Walk *walk, Str path, FsStat stat)
{
  size_t max = walk->guard->max_bytes ? walk->guard->max_bytes : GUARD_MAX_BYTES;
  if (stat.kind == FS_LINK) return link_ok(walk, path);
  if (stat.kind == FS_DIR) return refuse(walk, REFUSE_PATH_SPECIAL, path, "is a directory");
  if (stat.kind != FS_FILE)
    return refuse(walk, REFUSE_PATH_SPECIAL, path, "is a device, pipe or socket");
  if (stat.size > max) return refuse(walk, REFUSE_TOO_LARGE, path, "is too large");
  return true;
}

static bool parent_ok(Walk *walk, Str dir, FsStat stat)
{
  if (stat.kind == FS_LINK) return refuse(walk, REFUSE_PATH_SYMLINK, dir, "is a symlink");
  if (stat.kind == FS_FILE)
    return refuse(walk, REFUSE_PATH_SPECIAL, dir,
                  "is a file, and nothing can be made below it while it is there");
  if (stat.kind != FS_DIR) return refuse(walk, REFUSE_PATH_SPECIAL, dir, "is not a directory");
  return true;
}

static bool walk_path(Walk *walk, Str path)
{
  Str dir = STR_NONE;
  for (size_t at = 0; at < path.len;) {
    size_t slash = str_find_char(str_skip(path, at), '/');
    size_t end = slash == STR_NOT_FOUND ? path.len : at + slash;
    Str so_far = str_sub(path, 0, end);
    FsStat stat = fs_stat(below(walk, so_far));
    if (stat.kind == FS_NONE) return case_is_free(walk, dir, str_sub(path, at, end), path);
    bool ok = end == path.len ? file_ok(walk, path, stat) : parent_ok(walk, so_far, stat);
    if (!ok) return false;
    dir = so_far;
    at = end + 1;
  }
  return true;
}

static bool name_ok(Walk *walk, Str path)
{
  RefuseCode why;
  if (patch_path_ok(path, &why)) return true;
  return refuse(walk, why, path,
                why == REFUSE_PATH_GIT ? "is inside .git" : "is not a path inside the project");
}

// The root may be a directory inside the repository: its rules want the path from the repository's root.
static bool ignored(Walk *walk, Str path)
{
  Repo *repo = walk->guard->repo;
  if (!repo) return false;
  Str top = repo_root(repo), root = str_from(walk->guard->root);
  if (top.len == 0 || !str_starts(root, top)) return false;
  Str inside = str_skip(root, top.len);
  if (inside.len)
    path = str_fmt(walk->arena, "%.*s/%.*s", STR_ARG(str_skip(inside, 1)), STR_ARG(path));
  return repo_ignored(repo, path);
}

bool guard_read(const Guard *guard, Str path, RefuseCode *why, Error *err)
{
  Arena arena;
  arena_init(&arena);
  Walk walk = {guard, &arena, why, err};
  bool ok = name_ok(&walk, path) && walk_path(&walk, path);
  arena_deinit(&arena);
  return ok;
}

bool guard_path(const Guard *guard, Str path, RefuseCode *why, Error *err)
{
  if (!guard_read(guard, path, why, err)) return false;
  Arena arena;
  arena_init(&arena);
  Walk walk = {guard, &arena, why, err};
  bool ok = !ignored(&walk, path) || refuse(&walk, REFUSE_PATH_IGNORED, path, "is ignored by git");
  arena_deinit(&arena);
  return ok;
}
