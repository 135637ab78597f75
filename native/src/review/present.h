// present.h: the texts as they stand now, and where the hunks of a review stand in them.
//
// A caller with open buffers gives their texts; what it does not give is read from the project (unsaved
// buffers before files). Placing never guesses: see patch/hunk.h.
#pragma once

#include "review/review.h"

typedef struct {
  Str path;  // relative to the root
  Str text;  // the present text (a buffer's, or the file's)
  bool exists;
} PresentFile;
typedef struct {
  PresentFile *items;
  size_t len, cap;
} PresentList;

// [given] may be NULL. A file that is not there is no error.
bool present_get(Project *project, const PresentList *given, Arena *arena, Str path,
                 PresentFile *out, Error *err);

// One file of a review against the present.
typedef struct {
  PresentFile present;  // under the name it has now: the old or the new one of a renamed file
  Place *places;        // one for each hunk of the file
  LineEditList edits;   // of FILE_EDIT hunks that can be done; .hunk counts within the file
  Str why;              // why the stale ones are stale, a phrase
} FilePlaces;
void present_places(Arena *arena, const Review *review, size_t file, Project *project,
                    const PresentList *given, FilePlaces *out);

// The same for the hunks that undo those [hunks] of the file that are marked.
void present_places_back(Arena *arena, const Review *review, size_t file, Project *project,
                         const PresentList *given, const bool *marked, FilePlaces *out);
