// alike.h: hunks that make the same change in many places ("41 like this one"). Pure.
//
// Two hunks are alike when the same texts replace the same texts in them, word by word, whatever stands around:
// `a = cfg_get(x)` and `if (cfg_get(y))` that both get config_get. Where the lines of a hunk cannot be paired
// (more or fewer lines than before), the whole lines count, without their indentation.
#pragma once

#include "patch/hunk.h"

enum { ALIKE_LINES_MAX = 40 };  // longer hunks are like no other

// A text that is equal for hunks that are alike; empty for those that are like no other. In [arena].
Str alike_key(Arena *arena, const Hunk *hunk);
