// project_private.h: what project.c, project_path.c and project_files.c share.
#pragma once

#include "core/project.h"
#include "lib/fs.h"

enum { IGNORE_FILES = 8 };

typedef struct {
  IgnoreRules *rules;  // owned; NULL while the file is not there
  FsStat seen;         // of the file when it was read
} IgnoreFile;

typedef struct {
  char *path;  // owned, NUL-terminated
  char *text;  // owned
  size_t path_len, text_len;
} Overlay;

struct Project {
  Arena arena;                      // root
  Str root;                         // NUL-terminated
  Repo *repo;                       // owned; NULL without git
  IgnoreFile ignore[IGNORE_FILES];  // as in project_ignore_files
  int64_t root_mtime_ns;            // of the root directory when they were last looked for
  int64_t looked_ns;                // when that was; 0 = never
  Overlay *overlays;                // owned, sorted by path
  size_t overlay_len, overlay_cap;
  bool told_unreadable, told_limit;  // warnings, once each
};

// Reads ignore files that changed since. Called where a public function starts, not for each path.
void ignore_refresh(Project *project);

// The name of the ignore file whose rules match, NULL when none does.
const char *ignore_file_for(const Project *project, Str path);

// The rules by name except git's own: what project_files needs, whose paths git already let
// through.
SendVerdict name_verdict(Project *project, Arena *arena, Str path, Str *why);

// Where a path of the project really is, and what is there. False when that is outside.
typedef struct {
  Str path;  // relative, symlinks resolved
  FsStat stat;
} RealPath;
bool path_real(const Project *project, Arena *arena, Str path, RealPath *real);
