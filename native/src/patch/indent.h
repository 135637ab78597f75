// indent.h: how the reply's indentation relates to the file's, learned from lines that both have.
//
// A rule must explain every pair. Rules, simplest first: the same; a prefix more or less; tabs written as
// n spaces or n spaces as a tab; another width; any of these with a prefix; only the first line lost its
// indentation. An indentation that no pair shows is mapped by the rule, or refused when two rules that
// explain the pairs would disagree on it.
#pragma once

#include "base/str.h"

typedef struct {
  Str reply, file;  // leading blanks of the same line on both sides
} IndentPair;

typedef struct {
  IndentPair *items;
  size_t len, cap;
} IndentPairList;

typedef enum { INDENT_SAME, INDENT_RULE, INDENT_FIRST_LINE } IndentKind;

typedef struct {
  IndentKind kind;
  IndentPairList pairs;  // distinct ones, borrowed
  IndentPair first;      // FIRST_LINE: the first line's
} IndentMap;

Str indent_of(Str line);  // its leading blanks and tabs

// Learns from [pairs], in the order of the lines. False when the pairs contradict each other.
bool indent_learn(Arena *arena, const IndentPairList *pairs, IndentMap *out);

// The file's form of the reply's [indent]; [first] tells that it is the first line of REPLACE. False when
// it cannot be told.
bool indent_map(Arena *arena, const IndentMap *map, Str indent, bool first, Str *out);

// Whether the reply uses other characters or widths than the file, not only a prefix more or less. Only then
// a line of nothing but blanks is mapped, too.
bool indent_converts(Arena *arena, const IndentMap *map);
