// combine.h: changes of one file by several tasks folded into one text, with who wrote each line. Pure.
//
// Life:  combine_start (a file's base) -> combine_change for each task, in the order of their ends
//
// A change is merged three ways from the text the task was shown. Edits that merely touch (a task changed
// line 10, another line 11) are no conflict here: tasks own ranges, and neighbouring ranges are normal.
#pragma once

#include "review/base_text.h"

// The file that [path] now is, renamed ones included; NULL when [list] has none. Valid until the next start.
CombinedFile *combine_find(const CombinedList *list, Str path);
CombinedFile *combine_start(Arena *arena, CombinedList *list, const ShownFile *base);

// Folds [change] over [file]. A conflict leaves the text as it was, sets [conflict] and is no error.
bool combine_change(Arena *arena, CombinedFile *file, const Change *change, Error *err);

// Where the lines [range] of [from] are in [to]: shifted by what changed before them, stretched by what
// changed inside. False when none of them is left. A whole range stays whole.
bool combine_range(Arena *arena, Str from, Str to, Range range, Range *out);
