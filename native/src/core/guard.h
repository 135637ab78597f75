// guard.h: what the file system says about a path that a reply or a plan wants to write.
//
// patch_path_ok has judged the path as a name. Here it is walked from the root, one part at a time,
// without following anything: a directory that is a symlink, a device, an ignored file or a name that
// differs from an existing one only in case is refused before a byte is written. A link as the last part
// is fine when the file it leads to lies inside the root by the same rules: fs_write_atomic keeps it.
#pragma once

#include "lib/git.h"
#include "patch/patch.h"

typedef struct {
  const char *root;  // absolute, symlinks resolved (fs_realpath); borrowed
  Repo *repo;        // for ignore rules, borrowed; NULL = none
  size_t max_bytes;  // of an existing file; 0 = 16 MiB
} Guard;

// Whether [path] (relative to the root) may be written, new or not. Else [why] and a sentence in [err]
// (ERR_REFUSED). Nothing is read but directory entries.
bool guard_path(const Guard *guard, Str path, RefuseCode *why, Error *err);

// The same without the ignore rules, for reading.
bool guard_read(const Guard *guard, Str path, RefuseCode *why, Error *err);
