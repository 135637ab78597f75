// git_find.c: the ordinary repository around a directory, found by looking.
//
// Opening libgit2 only to learn where a work tree begins would make every start of the engine several
// times slower. An ordinary repository is a directory .git with HEAD, objects and refs, of the user's
// own, whose config says nothing about work trees, bareness or extensions. All else (linked work trees,
// submodules, bare and foreign repositories, links) is left to libgit2, and so is the question whether
// there is none.
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fs.h"
#include "lib/git_private.h"

enum { MAX_CONFIG = 64 * 1024 };

static bool is_own_dir(const char *path, dev_t *device)
{
  struct stat st;
  if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid()) return false;
  *device = st.st_dev;
  return true;
}

static FsKind kind_in(Arena *arena, Str dir, const char *name)
{
  return fs_stat(path_join(arena, dir, str_from(name))).kind;
}

// "[section]", "name = value", a comment or nothing.
static bool is_config_line(Str line)
{
  line = str_trim(line);
  if (line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == ';') return true;
  if (line.ptr[0] == '[') return line.ptr[line.len - 1] == ']';
  return str_has(line, S(" = "));
}

static bool is_plain_line(Str line)
{
  static const char *const odd[] = {"worktree", "extensions", "include", "\\", NULL};
  Str clean = str_trim(line);
  for (size_t i = 0; odd[i]; i++) {
    for (size_t at = 0; at + strlen(odd[i]) <= clean.len; at++) {
      if (str_eq_nocase(str_sub(clean, at, at + strlen(odd[i])), str_from(odd[i]))) return false;
    }
  }
  bool bare = clean.len >= 4 && str_eq_nocase(str_sub(clean, 0, 4), S("bare"));
  return is_config_line(line) && (!bare || str_eq(clean, S("bare = false")));
}

static bool is_plain_config(Arena *arena, Str git_dir)
{
  Str text;
  Error err = {0};
  if (!fs_read(arena, path_join(arena, git_dir, S("config")), MAX_CONFIG, &text, &err))
    return false;
  for (Str rest = text, line; str_line(&rest, &line);) {
    if (!is_plain_line(line)) return false;
  }
  return true;
}

static bool is_plain(Arena *arena, Str root, dev_t device)
{
  dev_t own;
  Str git_dir = str_from(path_join(arena, root, S(".git")));
  return is_own_dir(root.ptr, &own) && own == device && is_own_dir(git_dir.ptr, &own) &&
         kind_in(arena, git_dir, "HEAD") == FS_FILE &&
         kind_in(arena, git_dir, "objects") == FS_DIR &&
         kind_in(arena, git_dir, "refs") == FS_DIR &&
         kind_in(arena, git_dir, "commondir") == FS_NONE && is_plain_config(arena, git_dir);
}

bool repo_find_plain(Arena *arena, const char *dir, Str *root)
{
  struct stat start;
  if (stat(dir, &start) != 0) return false;
  for (Str at = str_from(dir); at.len > 1; at = str_from(str_z(arena, path_dir(at)))) {
    if (str_eq(path_base(at), S(".git"))) return false;       // inside one
    if (kind_in(arena, at, "HEAD") != FS_NONE) return false;  // a bare one, perhaps
    if (kind_in(arena, at, ".git") == FS_NONE) continue;
    *root = at;
    return is_plain(arena, at, start.st_dev);
  }
  return false;
}
