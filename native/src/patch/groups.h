// groups.h: how REPLACE differs from SEARCH, as groups of lines.
#pragma once

#include "base/str.h"

// [a_len] lines of SEARCH from [a_at] become [b_len] lines of REPLACE from [b_at].
typedef struct {
  size_t a_at, a_len;
  size_t b_at, b_len;
} Group;

typedef struct {
  Group *items;
  size_t len, cap;
} GroupList;

typedef bool SameLine(Str a, Str b);

// The groups in order, with at least one equal line between two. A longest common subsequence where the
// part between the equal ends is small (its product up to 64 Ki), else libgit2's diff.
void groups_diff(Arena *arena, const Str *a, size_t a_len, const Str *b, size_t b_len, SameLine *same,
                 GroupList *out);
