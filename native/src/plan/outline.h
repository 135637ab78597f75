// outline.h: where the definitions of a file are, without reading it to a model: line ranges and
// names.
#pragma once

#include "base/str.h"

typedef enum { OUTLINE_UNKNOWN, OUTLINE_OTHER, OUTLINE_FUNCTION, OUTLINE_CLASS } OutlineKind;

typedef struct {
  size_t first, last;  // 1-based, both included
  Str text;            // "function parse_range" or the defining line itself, trimmed and cut
  int level;           // 0 = top
  OutlineKind kind;    // unknown: the text tells
} OutlineItem;

typedef struct {
  OutlineItem *items;
  size_t len, cap;
} OutlineList;

// By indentation, closing braces and the words definitions begin with and end with; good enough where ctags
// (ctags.h) is missing. Texts are borrowed from [text].
void outline_text(Arena *arena, Str text, OutlineList *out);
