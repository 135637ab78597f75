// text.h: a file's text as lines, byte-exact.
//
// A Line keeps its bytes and its line end apart, so that edits can be compared without line ends and
// written back with the file's own. Nothing is normalised: joining all lines gives the file back.
#pragma once

#include "base/str.h"

typedef struct {
  Str text;  // without the line end; borrowed from the file's text
  Str eol;   // "\n", "\r\n", or "" on a last line without one
} Line;

typedef struct {
  Str bytes;  // the whole file, borrowed
  Line *items;
  size_t len, cap;
} Text;

// 1-based lines, both included; {0, 0} means the whole file. An empty range before line N is {N, N-1}.
typedef struct {
  size_t first, last;
} Range;

Text text_split(Arena *arena, Str bytes);
Str text_join(Arena *arena, const Text *text);
Str text_range(const Text *text, Range range);  // the bytes of those lines, clamped; borrowed
bool range_is_whole(Range range);

// The line end of the [index]th of new lines that stand for the [old_len] lines from [at] (from 0) on: like the line
// that was there, else the line before, else the line after.
Str text_eol_for(const Text *text, size_t at, size_t old_len, size_t index);
