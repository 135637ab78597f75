// fs.h: files and directories, with limits and without surprises.
//
// Paths are NUL-terminated C strings made by path_join. Nothing follows a symlink unless it says
// so.
#pragma once

#include <sys/types.h>

#include "base/err.h"

char *path_join(Arena *arena, Str dir, Str name);  // "dir/name"
Str path_dir(Str path);                            // up to the last '/', "" when none
Str path_base(Str path);
// Without ".", "..", "//"; false when it leaves upward.
bool path_normal(Arena *arena, Str path, Str *out);

typedef enum { FS_NONE, FS_FILE, FS_DIR, FS_LINK, FS_OTHER } FsKind;
typedef struct {
  FsKind kind;  // of the path itself (lstat)
  size_t size;
  mode_t mode;
  int64_t mtime_ns;
} FsStat;
FsStat fs_stat(const char *path);
bool fs_exists(const char *path);
int64_t fs_free_bytes(const char *path);  // of its file system, for the user; -1 = not known

// The whole file (symlinks followed), refused over [max] bytes (ERR_TOO_BIG) or when not a regular
// file.
bool fs_read(Arena *arena, const char *path, size_t max, Str *out, Error *err);

// Writes through a temporary file in the same directory, fsync, rename. Keeps mode and owner of an
// existing file and the target of a symlink. [mode] is for new files.
bool fs_write_atomic(const char *path, Str bytes, mode_t mode, Error *err);

// The same without waiting for the disk: a kill leaves all of it or nothing, a power cut whatever it likes until
// fs_sync has come back. For a new file that nothing relies on before.
bool fs_write_unsynced(const char *path, Str bytes, mode_t mode, Error *err);
// And its name in its directory; one that is gone is fine.
bool fs_sync(const char *path, Error *err);

// Several files as one: each is staged (the new text in a temporary file beside the old one, by the rules
// of fs_write_atomic), then all are renamed in order. When a step fails those before it are undone from the
// old files, kept under another name so long: all or none holds, short of a crash between two renames.
// A file that must be overwritten in place gets its old bytes written back.
//
//   FsStaged staged = {.arena = &arena};
//   ok = fs_stage(&staged, ...) && fs_stage_remove(&staged, ...) && fs_commit_staged(&staged, err);
//   if (!ok) fs_discard_staged(&staged);
typedef struct {
  Arena *arena;          // outlives the list, as do the bytes
  struct FsStep *items;  // fs_write.c
  size_t len, cap;
  bool unsynced;  // fs_write_unsynced
} FsStaged;
bool fs_stage(FsStaged *list, const char *path, Str bytes, mode_t mode, Error *err);
bool fs_stage_remove(FsStaged *list, const char *path, Error *err);  // one file or link
bool fs_commit_staged(FsStaged *list, Error *err);  // the list is empty afterwards, either way
void fs_discard_staged(FsStaged *list);

// Names of what must not outlive its process tell the machine and the process. Those of another machine, or of a
// container with process numbers of its own, say nothing about ours: then it is never gone.
unsigned fs_host_tag(void);
bool fs_process_gone(unsigned host_tag, long pid);

// Heals what a process that was killed while it wrote left in [dir]: a file that was about to be removed is back,
// temporary files are gone. Those of living processes and of other machines stay.
void fs_sweep(const char *dir);

bool fs_mkdirs(const char *path, Error *err);       // as mkdir -p, mode 0700 for new ones
bool fs_remove(const char *path, Error *err);       // one file or link
bool fs_remove_tree(const char *path, Error *err);  // never follows links
// File or link, mode kept; makes directories.
bool fs_copy(const char *from, const char *to, Error *err);
char *fs_temp_dir(Arena *arena, const char *parent, const char *prefix, Error *err);
// Symlinks resolved; parents must exist.
char *fs_realpath(Arena *arena, const char *path, Error *err);

// Entries of a directory, sorted, without "." and "..".
bool fs_list(Arena *arena, const char *dir, StrList *out, Error *err);

// Where the user's things are: XDG directories or their defaults, "/piecework" appended, not
// created.
char *fs_config_dir(Arena *arena);  // configuration
char *fs_state_dir(Arena *arena);   // journal, scratch worktrees, plans without git
