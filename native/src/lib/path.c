// path.c: paths as text, and where the user's things are. See fs.h.
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/fs.h"
#include "lib/fs_private.h"

char *path_join(Arena *arena, Str dir, Str name)
{
  bool slash = dir.len && !str_ends(dir, S("/"));
  size_t len = dir.len + slash + name.len;
  char *out = arena_alloc(arena, len + 1);
  if (dir.len) memcpy(out, dir.ptr, dir.len);
  if (slash) out[dir.len] = '/';
  if (name.len) memcpy(out + dir.len + slash, name.ptr, name.len);
  return out;
}

Str path_dir(Str path)
{
  size_t at = str_rfind_char(path, '/');
  if (at == STR_NOT_FOUND) return S("");
  return at == 0 ? str_sub(path, 0, 1) : str_sub(path, 0, at);
}

Str path_base(Str path)
{
  size_t at = str_rfind_char(path, '/');
  return at == STR_NOT_FOUND ? path : str_skip(path, at + 1);
}

// Drops the last part of the [len] bytes in [out]; false at the root.
static bool drop_part(const char *out, size_t *len, size_t root)
{
  if (*len <= root) return false;
  while (*len > root && out[*len - 1] != '/') --*len;
  if (*len > root) --*len;
  return true;
}

bool path_normal(Arena *arena, Str path, Str *out)
{
  char *text = arena_alloc(arena, path.len + 2);
  size_t root = str_starts(path, S("/")) ? 1 : 0, len = root;
  if (root) text[0] = '/';
  for (Str rest = path, part; str_cut(&rest, '/', &part);) {
    if (part.len == 0 || str_eq(part, S("."))) continue;
    if (str_eq(part, S(".."))) {
      if (!drop_part(text, &len, root)) return false;
      continue;
    }
    if (len > root) text[len++] = '/';
    memcpy(text + len, part.ptr, part.len);
    len += part.len;
  }
  text[len] = 0;
  *out = (Str){text, len};
  return true;
}

char *fs_realpath(Arena *arena, const char *path, Error *err)
{
  char real[PATH_MAX];
  if (realpath(path, real)) return str_z(arena, str_from(real));
  int cause = errno;
  Str whole = str_from(path), base = path_base(whole);
  // Only the last part may be missing. A link that points nowhere is not that: writing would follow
  // it.
  bool missing = cause == ENOENT && fs_stat(path).kind == FS_NONE;
  bool named = base.len && !str_eq(base, S(".")) && !str_eq(base, S(".."));
  if (missing && named) {
    Str dir = path_dir(whole);
    if (realpath(dir.len ? str_z(arena, dir) : ".", real)) {
      return path_join(arena, str_from(real), base);
    }
    cause = errno;
  }
  fs_fail(err, "resolve", path, cause);
  return NULL;
}

static Str home(void)
{
  const char *dir = getenv("HOME");
  if (dir && dir[0] == '/') return str_from(dir);
  const struct passwd *user = getpwuid(getuid());
  return user && user->pw_dir ? str_from(user->pw_dir) : S("/");
}

// XDG: a variable that is not an absolute path counts as unset.
static char *user_dir(Arena *arena, const char *variable, Str below_home)
{
  const char *dir = getenv(variable);
  Str base = dir && dir[0] == '/' ? str_from(dir) : str_from(path_join(arena, home(), below_home));
  return path_join(arena, base, S("piecework"));
}

char *fs_config_dir(Arena *arena)
{
  return user_dir(arena, "XDG_CONFIG_HOME", S(".config"));
}

char *fs_state_dir(Arena *arena)
{
  const char *own = getenv("PIECEWORK_STATE");
  if (own && own[0]) return str_z(arena, str_from(own));
  return user_dir(arena, "XDG_STATE_HOME", S(".local/state"));
}
