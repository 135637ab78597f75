// fs.c: looking at files and directories, making and removing them. Writing is fs_write.c, paths
// path.c.
#include "lib/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/fs_private.h"

enum { MAX_TREE_DEPTH = 500 };  // of directories to remove: one descriptor for each

bool fs_fail(Error *err, const char *verb, const char *path, int cause)
{
  error_set(err, cause == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot %s %s: %s", verb, path,
            strerror(cause));
  if (cause == ENOSPC || cause == EDQUOT)
    error_hint_set(err, "free some space there and try again");
  return false;
}

FsStat fs_stat(const char *path)
{
  struct stat st;
  if (lstat(path, &st) != 0) return (FsStat){.kind = FS_NONE};
  FsKind kind = S_ISREG(st.st_mode)   ? FS_FILE
                : S_ISDIR(st.st_mode) ? FS_DIR
                : S_ISLNK(st.st_mode) ? FS_LINK
                                      : FS_OTHER;
  int64_t mtime = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
  return (FsStat){
      .kind = kind, .size = (size_t)st.st_size, .mode = st.st_mode & 07777, .mtime_ns = mtime};
}

int64_t fs_free_bytes(const char *path)
{
  struct statvfs fs;
  if (statvfs(path, &fs) || !fs.f_blocks) return -1;
  uint64_t bytes;
  bool huge = __builtin_mul_overflow((uint64_t)fs.f_bavail, (uint64_t)fs.f_frsize, &bytes);
  return huge || bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;
}

bool fs_exists(const char *path)
{
  return fs_stat(path).kind != FS_NONE;
}

static bool too_big(Error *err, const char *path, size_t max)
{
  return error_set(err, ERR_TOO_BIG, "%s is larger than %zu bytes", path, max);
}

// [size] is what fstat said; files in /proc say 0. What a file grows by while it is read is not waited for.
static bool read_fd(Arena *arena, int fd, size_t size, size_t max, const char *path, Str *out,
                    Error *err)
{
  size_t cap = size + 1, len = 0;
  char *text = arena_alloc(arena, cap);
  for (;;) {
    ssize_t n = read(fd, text + len, cap - len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fs_fail(err, "read", path, errno);
    if (n == 0) break;
    len += (size_t)n;
    if (size && len == size) break;
    if (len > max) return too_big(err, path, max);
    if (len == cap) text = arena_grow(arena, text, len, &cap, 1);
  }
  *out = (Str){text, len};
  return true;
}

bool fs_read(Arena *arena, const char *path, size_t max, Str *out, Error *err)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);  // a FIFO must not hold us
  if (fd < 0) return fs_fail(err, "read", path, errno);
  struct stat st;
  bool ok = false;
  if (fstat(fd, &st) != 0) {
    fs_fail(err, "read", path, errno);
  } else if (!S_ISREG(st.st_mode)) {
    error_set(err, ERR_IO, "cannot read %s: not a regular file", path);
  } else if ((size_t)st.st_size > max) {
    too_big(err, path, max);
  } else {
    ok = read_fd(arena, fd, (size_t)st.st_size, max, path, out, err);
  }
  close(fd);
  return ok;
}

static bool is_dir(const char *path)
{
  struct stat st;
  return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

// Makes the directory of the path cut at [end].
static bool make_one(char *path, size_t end, Error *err)
{
  char kept = path[end];
  path[end] = 0;
  int cause = mkdir(path, 0700) == 0 ? 0 : errno;
  bool ok = cause == 0 || is_dir(path);
  if (!ok) fs_fail(err, "make the directory", path, cause == EEXIST ? ENOTDIR : cause);
  path[end] = kept;
  return ok;
}

bool fs_mkdirs(const char *path, Error *err)
{
  if (is_dir(path)) return true;
  size_t len = strlen(path);
  char *copy = mem_alloc(len + 1);
  memcpy(copy, path, len);
  bool ok = true;
  for (size_t i = 1; ok && i <= len; i++) {
    if (copy[i] == '/' || i == len) ok = make_one(copy, i, err);
  }
  mem_free(copy);
  return ok;
}

bool fs_remove(const char *path, Error *err)
{
  return unlink(path) == 0 || fs_fail(err, "remove", path, errno);
}

static bool remove_at(int dir, const char *name, int depth);

// Closes [fd], the directory [name] of [dir], and removes everything in it.
static bool empty_dir(int fd, int depth)
{
  DIR *stream = fdopendir(fd);
  if (!stream) {
    close(fd);
    return false;
  }
  bool ok = true;
  for (struct dirent *entry; ok && (entry = readdir(stream));) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    ok = remove_at(dirfd(stream), entry->d_name, depth + 1);
  }
  int cause = errno;
  closedir(stream);
  errno = cause;
  return ok;
}

// Relative to an open directory, so that nobody can swap a link in under us.
static bool remove_at(int dir, const char *name, int depth)
{
  if (unlinkat(dir, name, 0) == 0) return true;
  if (errno != EISDIR && errno != EPERM && errno != EACCES) return errno == ENOENT;
  if (depth > MAX_TREE_DEPTH) {
    errno = ELOOP;
    return false;
  }
  int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  int fd = openat(dir, name, flags);
  if (fd < 0) return false;
  // Build caches hold directories that their owner may not write.
  struct stat st;
  if (fstat(fd, &st) == 0 && (st.st_mode & 0700) != 0700) fchmod(fd, (st.st_mode & 07777) | 0700);
  return empty_dir(fd, depth) && unlinkat(dir, name, AT_REMOVEDIR) == 0;
}

bool fs_remove_tree(const char *path, Error *err)
{
  errno = 0;
  if (remove_at(AT_FDCWD, path, 0) || errno == ENOENT) return true;
  return fs_fail(err, "remove", path, errno);
}

char *fs_temp_dir(Arena *arena, const char *parent, const char *prefix, Error *err)
{
  if (!fs_mkdirs(parent, err)) return NULL;
  Str name = str_fmt(arena, "%s-XXXXXX", prefix);
  char *path = path_join(arena, str_from(parent), name);
  if (mkdtemp(path)) return path;
  fs_fail(err, "make a directory like", path, errno);
  return NULL;
}

static int by_name(const void *a, const void *b)
{
  return str_cmp(*(const Str *)a, *(const Str *)b);
}

bool fs_list(Arena *arena, const char *dir, StrList *out, Error *err)
{
  DIR *stream = opendir(dir);
  if (!stream) return fs_fail(err, "list", dir, errno);
  StrList found = {0};
  errno = 0;
  for (struct dirent *entry; (entry = readdir(stream)); errno = 0) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    PUSH(arena, &found, str_dup(arena, str_from(entry->d_name)));
  }
  int cause = errno;
  closedir(stream);
  if (cause) return fs_fail(err, "list", dir, cause);
  if (found.len) qsort(found.items, found.len, sizeof(*found.items), by_name);
  *out = found;
  return true;
}
