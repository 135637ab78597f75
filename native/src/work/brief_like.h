// brief_like.h: lines told by other lines that the reader has before him: "those, with 7 -> 8". Test cases, table rows,
// handlers: text by the dozen differs in a few words, and what is the same need not be read again. Nothing is lost:
// from the lines there and what is said here the lines here follow to the byte.
//
//   there   def test_width_1(self):        here   def test_width_2(self):       told   with 1 -> 2, 7 -> 8;
//           result = wrap('a b', 7)               result = wrap('a b', 8)              15: assertEqual(result, ['a b'])
//           assertEqual(result, ['a', 'b'])       assertEqual(result, ['a b'])
//
// A word is a run of letters and digits. One that is exchanged is exchanged wherever it stands in those lines, as a
// whole word; a line of which that is not true is given in full under its number, but for its indentation, which is
// that of the line there.
//
// Life: like_begin -> like_line for each pair of lines until it says no -> like_gain, like_add. All in the arena.
#pragma once

#include "base/buf.h"

typedef struct {
  Str old, now;
  uint64_t hash;  // of [old]
} LikeWord;

typedef struct {
  size_t number;  // of the line there
  Str text;
} LikeFull;

typedef struct {
  Arena *arena;
  bool more;  // one more run like those lines: there is no better place to be told by
  struct {
    LikeWord *items;
    size_t len, cap;
  } words;  // all words of the lines so far, also those that stay
  struct {
    LikeFull *items;
    size_t len, cap;
  } full;
  size_t lines, matched;  // so far; matched = not in full
  size_t bytes, told;     // in full, and told this way
  // where it is worth most to stop
  size_t best_lines, best_words, best_full, best_gain;
} Like;

void like_begin(Like *like, Arena *arena, bool more);

// One more pair of lines; [number] is the one there. False: they have nothing to do with each other.
bool like_line(Like *like, Str there, Str here, size_t number);

// The same for one pair that has to be told by words: false when it cannot be.
bool like_same(Like *like, Str there, Str here);

// Bytes saved by telling the first [*lines] pairs this way; 0 = not worth it.
size_t like_gain(const Like *like, size_t head, size_t *lines);
// "7 -> 8, 9 -> 10; 15: text" for those lines; "no change" when they are the same to the byte. [before]: the run told
// just before by the same lines, or NULL: a line in full that stands there too is "15 likewise".
void like_add(const Like *like, const Like *before, Buf *out);

// What lines that can be told by each other begin with: up to the end of the first word.
Str like_head(Str line);
