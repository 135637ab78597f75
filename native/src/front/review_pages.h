// review_pages.h: a review on its way to an editor: page by page, and afterwards only what has changed.
//
// A review of thousands of hunks is megabytes: as one message it would hold the editor for as long as decoding it
// takes. So its text goes in pages, cut between hunks, and what was sent is kept: the next time the editor
// names the version it has, and gets the hunks that differ from it.
//
//   get {plan}           -> version 7, reset, first page, more
//   get {plan, 7, more}  -> next page ... until there is no `more`
//   get {plan, 7}        -> version 8, what differs (in pages too)
//   get of a version that is not kept -> reset: all of it, from the first page on
//
// A section is what stands together: a file's head, a hunk, the lines above all. Shapes are in doc/wire.md.
#pragma once

#include "view/view.h"

typedef struct ReviewPages ReviewPages;

ReviewPages *review_pages_new(void);
void review_pages_free(ReviewPages *pages);  // NULL is fine

// The next page of [version]; NULL when that is not what was sent last of [plan], or nothing of it is left.
Value *review_pages_next(ReviewPages *pages, Arena *arena, int64_t plan, int64_t version);

// The first page of what leads from [version] (0: nothing) to [view]; [view] is copied.
Value *review_pages_first(ReviewPages *pages, Arena *arena, int64_t plan, int64_t version,
                          const View *view);
