// carry.h: what place.c and rebase.c share. Not for other layers: see hunk.h.
#pragma once

#include "patch/hunk.h"

// Adds hunk [number] to out->edits when its place is HERE or MOVED; STALE when it would run into the edit
// before it.
void carry_push(Arena *arena, const Text *present, const Hunk *hunk, size_t number, Carried *out);
