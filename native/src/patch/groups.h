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

// The groups in order, with at least one equal line between two. Lines of SEARCH marked [loose] (NULL =
// none) were not quoted faithfully: their line ends' blanks do not count, and one placeholder ("...") is as
// good as another. A longest common subsequence where the part between the equal ends is small (its product
// up to 64 Ki), else libgit2's diff, to which no line is loose.
void groups_diff(Arena *arena, const Str *a, size_t a_len, const Str *b, size_t b_len,
                 const bool *loose, GroupList *out);
