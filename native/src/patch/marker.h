// marker.h: which lines of a reply mean something. Pure tests on one line each.
#pragma once

#include "base/str.h"

// "<<<<<<< SEARCH", "------- SEARCH", "<<<<<<< ORIGINAL >": 5 to 9 marks, any case, up to 3 leading
// blanks. [*rest] is what follows, perhaps a path.
bool marker_is_head(Str line, Str *rest);
bool marker_is_divider(Str line);  // 5 to 9 "="
bool marker_is_tail(Str line);     // ">>>>>>> REPLACE", "+++++++ UPDATED"

// A code fence: three or more of ` or ~. [*len] marks, [*info] the trimmed info string.
bool marker_is_fence(Str line, char *mark, size_t *len, Str *info);

// "... existing code ...", "# rest unchanged", "// ...": a line that stands for others. Bare "..." alone
// gives ELISION_BARE: it is also Python and YAML.
typedef enum { ELISION_NONE, ELISION_BARE, ELISION_WORDS } Elision;
Elision marker_elision(Str line);

// "<<<<<<< HEAD", ">>>>>>> branch", "||||||| base": what a merge leaves behind.
bool marker_is_conflict(Str line);
