// moves.h: lines that were taken out in one place and put in at another, so that review can show a move as
// a move, whoever did the moving.
#pragma once

#include "patch/hunk.h"

enum {
  MOVE_MIN_LINES = 3,     // lines that are not blank
  MOVE_MIN_LETTERS = 40,  // letters and digits over all of them
  MOVE_COMMON = 32,       // a line that was added in more places than this does not start a match
};

typedef struct {
  size_t from_file, from_line;  // index of the file; first line in its old text, from 1
  size_t to_file, to_line;      // the same in the new text
  size_t len;                   // lines
  bool reindented;              // leading or trailing blanks differ somewhere
} MovedLines;

typedef struct {
  MovedLines *items;
  size_t len, cap;
} MovedList;

// The moves among the hunks of [count] files (new_start must be set), longest matches first taken, in the
// order of the removed lines; no line is in two of them. Lines are compared without blanks at their ends.
// Costs n log n in the lines added, and for each removed line at most MOVE_COMMON look-ups.
MovedList moves_find(Arena *arena, const HunkList *files, size_t count);
