// readings.h: the ways one block can be read. The literal ones come first; the others undo what models do
// to whole blocks, and are only asked when no literal one is found.
#pragma once

#include "patch/reply.h"

enum { READINGS_MAX = BLOCK_MAX_DIVIDERS + 4 };

typedef struct {
  Sides *items;    // in the arena; literal ones in the order of block->dividers
  size_t literal;  // how many are literal
  size_t len;      // at most READINGS_MAX
} Readings;

// Literal: one for each possible divider. Then, where they apply to the preferred divider: fences inside
// the sides dropped; line numbers before every SEARCH line dropped; HTML entities undone.
void readings_of(Arena *arena, const Block *block, Readings *out);

// The divider to prefer: the only one of exactly seven "=", else the one with as many lookalikes before it
// as after it. READINGS_MAX when nothing speaks for one.
size_t readings_preferred(const Block *block);

bool sides_equal(const Sides *a, const Sides *b);
bool sides_blank(const Str *lines, size_t len);  // no line, or blank ones only
