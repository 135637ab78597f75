// mechanical.h: results that need no model: substitution and moving lines. Pure text in, text out; the
// results become ordinary hunks.
#pragma once

#include "base/err.h"
#include "patch/text.h"

typedef struct {
  Str pattern;  // PCRE2
  Str replace;  // $1, ${name}; PCRE2's extended substitution syntax
  bool word;    // match whole words only
  bool ignore_case;
  Str except;   // lines that match this pattern stay as they are; empty = none
  Range range;  // lines to work on; whole = all
} Substitution;

// [*count] places replaced. Match and depth limits guard against runaway patterns (ERR_REFUSED).
bool substitute(Arena *arena, Str text, const Substitution *sub, Str *out, size_t *count,
                Error *err);

// Takes lines [range] out of [from_text] and puts them into [to_text] before line [at] (0 = at the end).
// The moved lines keep their bytes, except that line ends follow the receiving file.
typedef struct {
  Str from_text, to_text;
  Range range;
  size_t at;
} Move;
typedef struct {
  Str from_text, to_text;
} Moved;
bool move_lines(Arena *arena, const Move *move, Moved *out, Error *err);
