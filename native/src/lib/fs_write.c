// fs_write.c: writing and copying files so that a crash leaves the old text or the new one.
//
//   temporary file beside it -> write -> mode, owner -> fsync -> rename -> fsync of the directory
//
// Where that would lose something (other hard links, a foreign owner) or is not possible (the
// directory is not ours to write) the file is overwritten in place instead, as editors do; that is
// not atomic.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fs.h"
#include "lib/fs_private.h"

enum { COPY_CHUNK = 1 << 16, NAME_TRIES = 100 };

static bool write_all(int fd, Str bytes)
{
  while (bytes.len) {
    ssize_t n = write(fd, bytes.ptr, bytes.len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes = str_skip(bytes, (size_t)n);
  }
  return true;
}

// Closes [fd]; false when what was written may not be on disk.
static bool finish(int fd, bool ok)
{
  ok = ok && fsync(fd) == 0;
  int cause = errno;
  if (close(fd) != 0 && ok) return false;
  errno = cause;
  return ok;
}

static void sync_dir(Arena *arena, const char *path)
{
  Str dir = path_dir(str_from(path));
  int fd = open(dir.len ? str_z(arena, dir) : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);  // some file systems refuse; the rename itself is done
  close(fd);
}

// A new file beside [path] under a name nobody has; its name in [*name].
static int open_temp(Arena *arena, const char *path, mode_t mode, char **name)
{
  static unsigned counter;
  Str dir = path_dir(str_from(path)), base = path_base(str_from(path));
  if (base.len > 200) base = str_sub(base, 0, str_utf8_floor(base, 200));
  for (int i = 0; i < NAME_TRIES; i++) {
    Str file = str_fmt(arena, ".%.*s.pw%ld-%u", STR_ARG(base), (long)getpid(), counter++);
    *name = path_join(arena, dir, file);
    int fd = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
  return -1;
}

static bool overwrite(const char *path, Str bytes, Error *err)
{
  int fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return fs_fail(err, "write", path, errno);
  bool ok = write_all(fd, bytes) && ftruncate(fd, (off_t)bytes.len) == 0;
  return finish(fd, ok) || fs_fail(err, "write", path, errno);
}

// Where a write to [path] lands: behind symlinks, also behind one that points at nothing yet.
static char *write_target(Arena *arena, const char *path, Error *err)
{
  if (fs_stat(path).kind != FS_LINK) return str_z(arena, str_from(path));
  char real[PATH_MAX], to[PATH_MAX];
  if (realpath(path, real)) return str_z(arena, str_from(real));
  ssize_t len = errno == ENOENT ? readlink(path, to, sizeof(to)) : -1;
  if (len < 0) {
    fs_fail(err, "write", path, errno);
    return NULL;
  }
  Str target = {to, (size_t)len};
  if (to[0] == '/') return str_z(arena, target);
  return path_join(arena, path_dir(str_from(path)), target);
}

// Gives the new file the old one's mode and owner; false when it cannot.
static bool keep_identity(int fd, const struct stat *old)
{
  struct stat st;
  if (fstat(fd, &st) != 0) return false;
  bool same_owner = st.st_uid == old->st_uid && st.st_gid == old->st_gid;
  if (!same_owner && fchown(fd, old->st_uid, old->st_gid) != 0) return false;
  return fchmod(fd, old->st_mode & 07777) == 0;
}

static bool replace(Arena *arena, const char *path, const struct stat *old, Str bytes, mode_t mode,
                    Error *err)
{
  char *temp;
  int fd = open_temp(arena, path, mode, &temp);
  bool locked = fd < 0 && (errno == EACCES || errno == EPERM);
  if (locked && old) return overwrite(path, bytes, err);
  if (fd < 0) return fs_fail(err, "write", path, errno);
  if (old && !keep_identity(fd, old)) {
    close(fd);
    unlink(temp);
    return overwrite(path, bytes, err);
  }
  bool ok = finish(fd, write_all(fd, bytes)) && rename(temp, path) == 0;
  if (ok) {
    sync_dir(arena, path);
    return true;
  }
  int cause = errno;
  unlink(temp);
  return fs_fail(err, "write", path, cause);
}

static bool write_to(Arena *arena, const char *path, Str bytes, mode_t mode, Error *err)
{
  struct stat st;
  bool exists = stat(path, &st) == 0;
  if (exists && !S_ISREG(st.st_mode)) {
    return error_set(err, ERR_IO, "cannot write %s: not a regular file", path);
  }
  if (exists && access(path, W_OK) != 0) return fs_fail(err, "write", path, errno);
  if (exists && st.st_nlink > 1) return overwrite(path, bytes, err);
  return replace(arena, path, exists ? &st : NULL, bytes, mode, err);
}

bool fs_write_atomic(const char *path, Str bytes, mode_t mode, Error *err)
{
  Arena scratch;
  arena_init(&scratch);
  char *target = write_target(&scratch, path, err);
  bool ok = target && write_to(&scratch, target, bytes, mode, err);
  arena_deinit(&scratch);
  return ok;
}

static bool copy_bytes(int from, int to)
{
  char chunk[COPY_CHUNK];
  for (;;) {
    ssize_t n = read(from, chunk, sizeof(chunk));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n == 0;
    if (!write_all(to, (Str){chunk, (size_t)n})) return false;
  }
}

static bool copy_link(const char *from, const char *to, Error *err)
{
  char target[PATH_MAX];
  ssize_t len = readlink(from, target, sizeof(target) - 1);
  if (len < 0) return fs_fail(err, "read", from, errno);
  target[len] = 0;
  return symlink(target, to) == 0 || fs_fail(err, "write", to, errno);
}

static bool copy_file(const char *from, const char *to, mode_t mode, Error *err)
{
  int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (in < 0) return fs_fail(err, "read", from, errno);
  int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  bool ok = out >= 0 && copy_bytes(in, out) && fchmod(out, mode) == 0;
  int cause = errno;
  if (out >= 0 && close(out) != 0 && ok) {
    ok = false;
    cause = errno;
  }
  close(in);
  return ok || fs_fail(err, "write", to, cause);
}

bool fs_copy(const char *from, const char *to, Error *err)
{
  FsStat stat = fs_stat(from);
  if (stat.kind == FS_NONE) return fs_fail(err, "copy", from, ENOENT);
  if (stat.kind != FS_FILE && stat.kind != FS_LINK) {
    return error_set(err, ERR_IO, "cannot copy %s: neither a file nor a link", from);
  }
  Arena scratch;
  arena_init(&scratch);
  Str dir = path_dir(str_from(to));
  bool ok = dir.len == 0 || fs_mkdirs(str_z(&scratch, dir), err);
  arena_deinit(&scratch);
  if (!ok) return false;
  if (unlink(to) != 0 && errno != ENOENT) return fs_fail(err, "write", to, errno);
  return stat.kind == FS_LINK ? copy_link(from, to, err) : copy_file(from, to, stat.mode, err);
}
