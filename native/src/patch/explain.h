// explain.h: a refusal in words a model can act on: what was wrong, where, and the real lines there.
#pragma once

#include "patch/locate.h"

enum { EXPLAIN_MAX_LINES = 30, EXPLAIN_MAX_BYTES = 4096 };

// A sentence for [code] alone.
Str explain_code(Arena *arena, RefuseCode code, Str path);

// SEARCH was not found: the nearest lines of the text and the first line that differs. [*line] is where,
// from 1, or 0.
Str explain_nowhere(Locator *locator, size_t sought, Str path, size_t *line);

// SEARCH stands in several places: their lines.
Str explain_several(Locator *locator, const Located *located, Str path, size_t *line);

// [code] at a known line (from 0) of the text: the sentence and the lines around it.
Str explain_at(Locator *locator, RefuseCode code, Str path, size_t line);
