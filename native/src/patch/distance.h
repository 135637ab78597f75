// distance.h: how alike two short strings are, with the cost bounded.
#pragma once

#include "base/str.h"

enum { DISTANCE_MAX_BYTES = 512 };  // strings that differ over more than this are never alike

// Whether at most [max] letters are inserted, removed, replaced or swapped with their neighbour. Works in
// a band of max + 1 around the diagonal: len * (2 max + 1) steps.
bool distance_within(Str a, Str b, size_t max);

// The number of such edits, or [max] + 1 when there are more.
size_t distance_upto(Str a, Str b, size_t max);

// How often each of 32 classes of bytes occurs. Two bags bound the distance of their strings from below
// in 32 steps, which spares most comparisons.
typedef struct {
  uint16_t counts[32];
} ByteBag;

ByteBag bag_of(Str s);
size_t bag_distance(const ByteBag *a, const ByteBag *b);

// A slip of the pen: up to SLIP_MAX letters differ, and no digit does. Anything else may be meant.
enum { SLIP_MAX = 2 };
bool distance_is_slip(Str a, Str b);
