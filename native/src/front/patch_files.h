// patch_files.h: a reply applied to the files of a tree: what `piecework patch` does between its
// arguments and its output.
#pragma once

#include "core/guard.h"
#include "patch/patch.h"

typedef struct {
  Str path;
  Range range;
} PatchWanted;

// What became of one file of the result.
typedef struct {
  const PatchFile *patch;
  Str present;    // the text under the root
  Str text;       // what is to be written
  Place *places;  // of each hunk in the present text
  bool writable;  // guards and carrying found nothing against it
  bool written;
} PatchOutcome;

typedef struct {
  Arena arena;
  struct {
    PatchWanted *items;
    size_t len, cap;
  } wanted;  // --file; none = the paths the reply names
  bool check, partial;
  struct {
    Refusal *items;
    size_t len, cap;
  } barred;  // blocks whose path exists and may not be written
  // filled by patch_run
  Guard guard;
  const char *base;  // resolved, NULL = none
  PatchSpec spec;
  PatchResult result;
  struct {
    PatchOutcome *items;
    size_t len, cap;
  } files;
  bool written;  // everything in `files` that is writable is on disk
} PatchRun;

// False with [err] for what is no refusal: no such root, a failed write (then everything is as it was).
bool patch_run(PatchRun *run, const char *root, const char *base, Str reply, Error *err);
void patch_run_end(PatchRun *run);

// patch_write.c: all files or none. A file that cannot be written puts the ones before it back.
bool patch_write(PatchRun *run, Error *err);
