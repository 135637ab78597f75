// moves.h: lines that were taken out in one place and put in at another, whoever did the moving: the review folds them,
// the verifier is told their place. A move is exact to the byte (line ends aside, which belong to the file), so that
// neither hides a change.
#pragma once

#include "patch/hunk.h"

enum {
  MOVE_MIN_LINES = 3,     // lines that are not blank
  MOVE_MIN_LETTERS = 40,  // letters and digits over all of them
  MOVE_COMMON = 32,       // a line that was added in more places than this does not start a match
};

// A move's two ends: '-' lines of the old text, '+' lines of the new one.
typedef enum { MOVE_FROM, MOVE_TO } MoveEnd;

typedef struct {
  size_t file, line;  // index of the file; first line, from 1
} MovePlace;

typedef struct {
  MovePlace ends[2];  // by MoveEnd
  size_t len;         // lines
} Move;

typedef struct {
  Move *items;
  size_t len, cap;
  const Move **by_end[2];  // in the order of their places
} MoveList;

// The moves among the hunks of [count] files (in order, new_start set); no line is in two of them, and none goes over
// the end of a hunk. Costs n log n in the lines, and for each removed line at most MOVE_COMMON looks.
MoveList moves_find(Arena *arena, const HunkList *files, size_t count);

// The move that a line is in; NULL = none.
const Move *moves_at(const MoveList *moves, MoveEnd end, size_t file, size_t line);
