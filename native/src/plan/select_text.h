// select_text.h: functions, classes and docstrings of one text as line ranges, for selector.c. Where ctags does not
// know better, indentation, braces and the words definitions begin with decide; strings and comments that span lines
// are not looked into.
#pragma once

#include "patch/text.h"
#include "plan/outline.h"

typedef struct {
  Range *items;
  size_t len, cap;
} RangeList;

typedef enum { PART_FUNCTIONS, PART_CLASSES, PART_DOCSTRINGS } TextPart;

// In order of their first lines. [path]: its end says whether strings are Python's. [known]: the definitions, empty =
// find them here.
void text_parts(Arena *arena, Str path, Str text, const OutlineList *known, TextPart part,
                RangeList *out);
