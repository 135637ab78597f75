// distance.h: how alike two short strings are, with the cost bounded.
#pragma once

#include "base/str.h"

enum { DISTANCE_MAX_BYTES = 512 };  // longer strings are compared by their first bytes

// Whether at most [max] letters are inserted, removed, replaced or swapped with their neighbour. Works in
// a band of max + 1 around the diagonal: len * (2 max + 1) steps.
bool distance_within(Str a, Str b, size_t max);

// The number of such edits, or [max] + 1 when there are more.
size_t distance_upto(Str a, Str b, size_t max);
