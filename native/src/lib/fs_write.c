// fs_write.c: writing and copying files so that a crash leaves the old text or the new one.
//
//   temporary file beside it -> write -> mode, owner -> fsync -> rename -> fsync of the directory
//
// Several files go the same way together: all are staged before the first is renamed, and the old ones
// keep a second name until the last is through.
//
// Where that would lose something (other hard links, a foreign owner) or is not possible (the
// directory is not ours to write) the file is overwritten in place instead, as editors do; that is
// not atomic.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
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

// Closes [fd]; false when what was written is not there, or [sync] and it may not be on disk.
static bool finish(int fd, bool ok, bool sync)
{
  ok = ok && (!sync || fsync(fd) == 0);
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

unsigned fs_host_tag(void)
{
  char name[256] = "";
  gethostname(name, sizeof(name) - 1);
  unsigned tag = 2166136261u;  // FNV-1a
  for (const char *c = name; *c; c++) tag = (tag ^ (unsigned char)*c) * 16777619u;
  return tag;
}

bool fs_process_gone(unsigned host_tag, long pid)
{
  return host_tag == fs_host_tag() && pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

enum { BASE_MAX = 200 };  // of a temporary name, which must stay under NAME_MAX
typedef enum { TEMP_NEW = 'n', TEMP_OLD = 'o' } TempKind;  // a text that is coming, or that was

// ".NAME.pwKHOST-PID-N": fs_sweep reads it.
static char *temp_name(Arena *arena, const char *path, TempKind kind)
{
  static unsigned counter;
  Str dir = path_dir(str_from(path)), base = path_base(str_from(path));
  if (base.len > BASE_MAX) base = str_sub(base, 0, str_utf8_floor(base, BASE_MAX));
  Str file = str_fmt(arena, ".%.*s.pw%c%08x-%ld-%u", STR_ARG(base), kind, fs_host_tag(),
                     (long)getpid(), counter++);
  return path_join(arena, dir, file);
}

// A new file beside [path] under a name nobody has; its name in [*name].
static int open_temp(Arena *arena, const char *path, mode_t mode, char **name)
{
  for (int i = 0; i < NAME_TRIES; i++) {
    *name = temp_name(arena, path, TEMP_NEW);
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
  return finish(fd, ok, true) || fs_fail(err, "write", path, errno);
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

// --- several files at once -----------------------------------------------------------------------

typedef enum { STEP_RENAME, STEP_IN_PLACE, STEP_REMOVE } StepKind;

typedef struct FsStep {
  StepKind kind;
  bool existed;
  char *path;       // behind symlinks, but for STEP_REMOVE
  char *temp;       // STEP_RENAME: the new text, NULL once it is in place
  char *backup;     // the old file under another name, while it may be wanted back
  Str bytes, old;   // STEP_IN_PLACE
  struct stat was;  // when staged
} FsStep;

// The new text into a file beside [step->path]; STEP_IN_PLACE where that is not to be.
static bool stage_text(const FsStaged *list, FsStep *step, mode_t mode, Error *err)
{
  char *temp;
  int fd = open_temp(list->arena, step->path, mode, &temp);
  bool locked = fd < 0 && (errno == EACCES || errno == EPERM);
  if (fd < 0 && !(locked && step->existed)) return fs_fail(err, "write", step->path, errno);
  if (fd < 0 || (step->existed && !keep_identity(fd, &step->was))) {
    step->kind = STEP_IN_PLACE;
    if (fd < 0) return true;
    close(fd);
    unlink(temp);
    return true;
  }
  step->temp = temp;
  if (finish(fd, write_all(fd, step->bytes), !list->unsynced)) return true;
  int cause = errno;
  unlink(temp);
  return fs_fail(err, "write", step->path, cause);
}

bool fs_stage(FsStaged *list, const char *path, Str bytes, mode_t mode, Error *err)
{
  FsStep step = {.kind = STEP_RENAME, .bytes = bytes};
  step.path = write_target(list->arena, path, err);
  if (!step.path) return false;
  step.existed = stat(step.path, &step.was) == 0;
  if (step.existed && !S_ISREG(step.was.st_mode)) {
    return error_set(err, ERR_IO, "cannot write %s: not a regular file", step.path);
  }
  if (step.existed && access(step.path, W_OK) != 0) return fs_fail(err, "write", step.path, errno);
  if (step.existed && step.was.st_nlink > 1)
    step.kind = STEP_IN_PLACE;
  else if (!stage_text(list, &step, mode, err))
    return false;
  PUSH(list->arena, list, step);
  return true;
}

bool fs_stage_remove(FsStaged *list, const char *path, Error *err)
{
  FsStep step = {.kind = STEP_REMOVE, .existed = true};
  step.path = str_z(list->arena, str_from(path));
  if (lstat(path, &step.was) != 0) return fs_fail(err, "remove", path, errno);
  if (S_ISDIR(step.was.st_mode)) return fs_fail(err, "remove", path, EISDIR);
  PUSH(list->arena, list, step);
  return true;
}

// A second name for the old file, or a copy where the file system has no links.
static bool keep_old(Arena *arena, FsStep *step, Error *err)
{
  char *name = temp_name(arena, step->path, TEMP_OLD);
  if (link(step->path, name) != 0) {
    if (fs_exists(name)) return fs_fail(err, "write", name, EEXIST);  // somebody's, not ours
    step->backup = name;
    if (!copy_file(step->path, name, step->was.st_mode & 07777, err)) return false;
    if (chown(name, step->was.st_uid, step->was.st_gid) != 0) log_warn("%s: owner not kept", name);
  }
  step->backup = name;
  return true;
}

static bool commit_rename(FsStaged *list, FsStep *step, bool keep, Error *err)
{
  if (keep && step->existed && !keep_old(list->arena, step, err)) return false;
  if (rename(step->temp, step->path) != 0) return fs_fail(err, "write", step->path, errno);
  step->temp = NULL;
  return true;
}

static bool commit_in_place(FsStaged *list, FsStep *step, Error *err)
{
  bool known = fs_read(list->arena, step->path, SIZE_MAX, &step->old, list->len > 1 ? err : NULL);
  if (!known && list->len > 1) return false;
  if (overwrite(step->path, step->bytes, err)) return true;
  Error ignored = {0};
  if (known && !overwrite(step->path, step->old, &ignored))
    log_error("cannot put back: %s", ignored.message);
  return false;
}

// Moved aside first: that can be undone.
static bool commit_remove(FsStaged *list, FsStep *step, Error *err)
{
  struct stat now;
  if (lstat(step->path, &now) != 0) return fs_fail(err, "remove", step->path, errno);
  if (now.st_ino != step->was.st_ino || now.st_dev != step->was.st_dev) {
    return error_set(err, ERR_STALE, "%s was replaced meanwhile", step->path);
  }
  char *name = temp_name(list->arena, step->path, TEMP_OLD);
  if (fs_exists(name)) return fs_fail(err, "remove", step->path, EEXIST);
  if (rename(step->path, name) != 0) return fs_fail(err, "remove", step->path, errno);
  step->backup = name;
  return true;
}

static void undo(FsStep *step)
{
  Error why = {0};
  bool ok = true;
  if (step->kind == STEP_IN_PLACE) {
    ok = overwrite(step->path, step->old, &why);
  } else if (step->existed) {
    ok = rename(step->backup, step->path) == 0 || fs_fail(&why, "write", step->path, errno);
    if (!ok) log_error("the old text is in %s", step->backup);
    step->backup = NULL;
  } else {
    ok = unlink(step->path) == 0 || fs_fail(&why, "remove", step->path, errno);
  }
  if (!ok) log_error("cannot put back: %s", why.message);
}

static bool commit_step(FsStaged *list, size_t i, Error *err)
{
  FsStep *step = &list->items[i];
  switch (step->kind) {
    case STEP_RENAME: return commit_rename(list, step, i + 1 < list->len, err);
    case STEP_IN_PLACE: return commit_in_place(list, step, err);
    case STEP_REMOVE: break;
  }
  return commit_remove(list, step, err);
}

static void sync_dirs(const FsStaged *list)
{
  Str last = STR_NONE;
  for (size_t i = 0; i < list->len; i++) {
    const FsStep *step = &list->items[i];
    Str dir = path_dir(str_from(step->path));
    if (step->kind == STEP_IN_PLACE || (i && str_eq(dir, last))) continue;
    sync_dir(list->arena, step->path);
    last = dir;
  }
}

bool fs_commit_staged(FsStaged *list, Error *err)
{
  bool ok = true;
  size_t done = 0;
  while (done < list->len && (ok = commit_step(list, done, err))) done++;
  while (!ok && done > 0) undo(&list->items[--done]);
  if (!list->unsynced) sync_dirs(list);
  fs_discard_staged(list);
  return ok;
}

void fs_discard_staged(FsStaged *list)
{
  for (size_t i = 0; i < list->len; i++) {
    if (list->items[i].temp) unlink(list->items[i].temp);
    if (list->items[i].backup) unlink(list->items[i].backup);
  }
  list->len = 0;
}

static bool write_one(const char *path, Str bytes, mode_t mode, bool unsynced, Error *err)
{
  Arena scratch;
  arena_init(&scratch);
  FsStaged one = {.arena = &scratch, .unsynced = unsynced};
  bool ok = fs_stage(&one, path, bytes, mode, err) && fs_commit_staged(&one, err);
  arena_deinit(&scratch);
  return ok;
}

bool fs_write_atomic(const char *path, Str bytes, mode_t mode, Error *err)
{
  return write_one(path, bytes, mode, false, err);
}

bool fs_write_unsynced(const char *path, Str bytes, mode_t mode, Error *err)
{
  return write_one(path, bytes, mode, true, err);
}

bool fs_sync(const char *path, Error *err)
{
  Arena scratch;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return errno == ENOENT || fs_fail(err, "write", path, errno);
  if (!finish(fd, true, true)) return fs_fail(err, "write", path, errno);
  arena_init(&scratch);
  sync_dir(&scratch, path);
  arena_deinit(&scratch);
  return true;
}

// --- after a kill --------------------------------------------------------------------------------

// Whether a process of this machine that is gone left [entry]: [*base] is the file it was made for.
static bool left_behind(const char *entry, Str *base, TempKind *kind)
{
  const char *mark = NULL;
  for (const char *at = entry; (at = strstr(at, ".pw")); at++) mark = at;
  char letter;
  unsigned tag, number;
  long pid;
  int end = 0;
  if (!mark || entry[0] != '.' || mark == entry) return false;
  if (sscanf(mark, ".pw%c%8x-%ld-%u%n", &letter, &tag, &pid, &number, &end) != 4) return false;
  if (mark[end] || (letter != TEMP_NEW && letter != TEMP_OLD)) return false;
  *base = (Str){entry + 1, (size_t)(mark - entry - 1)};
  *kind = letter;
  return fs_process_gone(tag, pid);
}

// A removal cut short moved the only copy aside: that goes back. Anything else stands beside a file that is
// whole, in its old or its new text.
static void sweep_one(Arena *arena, Str dir, const char *entry, Str base, TempKind kind)
{
  char *left = path_join(arena, dir, str_from(entry)), *path = path_join(arena, dir, base);
  bool missing = kind == TEMP_OLD && !fs_exists(path);
  if (missing && base.len + 4 > BASE_MAX) return;  // perhaps cut short: whose it is cannot be told
  if (missing ? rename(left, path) != 0 : unlink(left) != 0) log_warn("%s is left over", left);
}

void fs_sweep(const char *dir)
{
  DIR *open = opendir(dir);
  if (!open) return;
  Arena scratch;
  arena_init(&scratch);
  Str base;
  TempKind kind;
  for (struct dirent *entry; (entry = readdir(open));) {
    if (left_behind(entry->d_name, &base, &kind))
      sweep_one(&scratch, str_from(dir), entry->d_name, base, kind);
  }
  arena_deinit(&scratch);
  closedir(open);
}
