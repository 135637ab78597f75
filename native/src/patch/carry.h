// carry.h: what place.c, rebase.c and anchor.c share. Not for other layers: see hunk.h.
#pragma once

#include "patch/hunk.h"

// Adds hunk [number] to out->edits when its place is HERE or MOVED; STALE when it would run into the edit
// before it.
void carry_push(Arena *arena, const Text *present, const Hunk *hunk, size_t number, Carried *out);

// Lines of the base that stand there only once, and still stand in the present text: they tell places apart that
// otherwise look alike. A line that is gone says nothing, so the next one counts; one that was copied cannot tell.
typedef struct {
  size_t above;      // 1 + index of the nearest such line before this index; 0 = none
  size_t below;      // index of the nearest such line from this index on; len = none
  size_t times, at;  // how often this line stands in the present text, and its index there
} Anchor;
typedef struct {
  Anchor *lines;  // len + 1, by index in the base
  size_t len, present_len;
  // The same for each line of the present text, still as indexes in the base.
  size_t *above, *below;
} Anchors;
typedef struct {
  size_t from, to;  // indexes of lines from 0, [to] not included
} Span;
Anchors anchors_new(Arena *arena, const Text *base, const Text *present);

// The lines between the nearest such lines around [place] in the base, there and in the present text. False when nobody
// can tell: one of them was copied, or they changed their order.
bool anchors_span(const Anchors *anchors, Span place, Span *base, Span *present);

// Whether the lines nearest to a place in the base and to one in the present text are the same ones.
bool anchors_agree(const Anchors *anchors, Span base, Span present);
