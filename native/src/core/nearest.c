// nearest.c: see nearest.h. Edit distance with swapped neighbours counting once, which is what
// typing gets wrong most.
#include "core/nearest.h"

#include <ctype.h>

enum { NAME_MAX_BYTES = 64 };

static size_t least(size_t a, size_t b, size_t c)
{
  size_t low = a < b ? a : b;
  return low < c ? low : c;
}

static bool same_letter(char a, char b)
{
  return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t distance(Str a, Str b)
{
  size_t rows[3][NAME_MAX_BYTES + 1];  // the last three rows, by i % 3
  for (size_t j = 0; j <= b.len; j++) rows[0][j] = j;
  for (size_t i = 1; i <= a.len; i++) {
    size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
    row[0] = i;
    for (size_t j = 1; j <= b.len; j++) {
      size_t change = above[j - 1] + !same_letter(a.ptr[i - 1], b.ptr[j - 1]);
      row[j] = least(above[j] + 1, row[j - 1] + 1, change);
      bool swapped = i > 1 && j > 1 && same_letter(a.ptr[i - 1], b.ptr[j - 2]) &&
                     same_letter(a.ptr[i - 2], b.ptr[j - 1]);
      if (swapped && before[j - 2] + 1 < row[j]) row[j] = before[j - 2] + 1;
    }
  }
  return rows[a.len % 3][b.len];
}

Str nearest_name(Str given, const Str *names, size_t count)
{
  Str best = STR_NONE;
  size_t low = given.len / 3 + 2;
  if (given.len == 0 || given.len > NAME_MAX_BYTES) return best;
  for (size_t i = 0; i < count; i++) {
    if (names[i].len > NAME_MAX_BYTES) continue;
    size_t edits = distance(given, names[i]);
    if (edits >= low) continue;
    low = edits;
    best = names[i];
  }
  return best;
}
