// path.h: which of the task's files a block means. Models shorten, decorate and misspell paths, so a
// path is only ever resolved among the files that the task lists.
#pragma once

#include "patch/reply.h"

typedef enum {
  PATH_FOUND,    // [target] is it
  PATH_NEW,      // a sound path that is not listed
  PATH_REFUSED,  // [why] says so
  PATH_NONE,     // no line looked like a path
} PathKind;

typedef struct {
  PathKind kind;
  size_t target;
  Str path;  // cleaned, as the reply has it
  RefuseCode why;
} PathMatch;

// Decoration off: "### `src/foo.c`:", "File: src/foo.c", "// src/foo.c (new file)".
Str path_clean(Str line);

// Reads a block's hints, likeliest first. Rules for one hint, in this order: the same path; without "./",
// "a/", "b/"; the only target that ends with it, or that it ends with; the same but for case; two letters
// of difference in the base name. A name that fits several targets is refused.
// With [creates] only the first two rules hold: a new file may well be called like another one.
PathMatch path_resolve(const PatchSpec *spec, const Block *block, bool creates);

// The same for one path as such (both sides of a rename).
PathMatch path_resolve_one(const PatchSpec *spec, Str path, bool creates);
