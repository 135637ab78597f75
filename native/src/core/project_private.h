// project_private.h: what project.c, project_path.c and project_files.c share.
#pragma once

#include "base/map.h"
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

// Where a path of the project really is, and what is there.
typedef struct {
  Str path;  // relative, symlinks resolved
  FsStat stat;
} RealPath;

// What is known of one path: each step is made when it is first asked for.
typedef struct {
  Arena *arena;  // of all that is found out
  Str path;
  bool placed, named, loaded, searched;  // the steps
  bool inside;
  RealPath real;  // when inside
  SendVerdict name, load;
  Str name_why, load_why, text;
  const char *secret;  // in the text; NULL = none
} LookedFile;

typedef struct {
  Arena arena;
  Map index;  // path -> files
  struct {
    LookedFile **items;
    size_t len, cap;
  } files;
  bool ignore;  // the ignore files were looked at
} ProjectLook;

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
  int looks;                         // open project_look calls
  ProjectLook look;
};

// What the look knows of [path], or [own] with nothing known when there is no look; what is found out then is in
// [arena].
LookedFile *looked_file(Project *project, Arena *arena, Str path, LookedFile *own);

// Reads ignore files that changed since. Called where a public function starts, not for each path.
void ignore_refresh(Project *project);

// The name of the ignore file whose rules match, NULL when none does.
const char *ignore_file_for(const Project *project, Str path);

// The rules by name except git's own: what project_files needs, whose paths git already let
// through.
SendVerdict name_verdict(Project *project, Arena *arena, Str path, Str *why);

// False when the real place of [path] is outside.
bool path_real(const Project *project, Arena *arena, Str path, RealPath *real);
