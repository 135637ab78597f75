// distance.c: see distance.h.
#include "patch/distance.h"

static size_t min3(size_t a, size_t b, size_t c)
{
  size_t least = a < b ? a : b;
  return least < c ? least : c;
}

static void trim_common(Str *a, Str *b)
{
  while (a->len && b->len && a->ptr[0] == b->ptr[0]) *a = str_skip(*a, 1), *b = str_skip(*b, 1);
  while (a->len && b->len && a->ptr[a->len - 1] == b->ptr[b->len - 1]) a->len--, b->len--;
}

size_t distance_upto(Str a, Str b, size_t max)
{
  // Rows of the table: this one, the last, and the one before (for swaps). Cells off the band are `far`.
  uint16_t rows[3][DISTANCE_MAX_BYTES + 2];
  trim_common(&a, &b);
  if (a.len > DISTANCE_MAX_BYTES || b.len > DISTANCE_MAX_BYTES) return max + 1;
  size_t more = a.len > b.len ? a.len - b.len : b.len - a.len;
  if (more > max) return max + 1;
  if (a.len == 0 || b.len == 0) return more;
  uint16_t far = (uint16_t)(max < DISTANCE_MAX_BYTES ? max + 1 : DISTANCE_MAX_BYTES);
  for (size_t j = 0; j <= b.len; j++) rows[0][j] = (uint16_t)(j < far ? j : far);
  for (size_t i = 1; i <= a.len; i++) {
    uint16_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *older = rows[(i + 1) % 3], least = far;
    size_t from = i > max ? i - max : 1, to = i + max < b.len ? i + max : b.len;
    now[from - 1] = (uint16_t)(from == 1 && i < far ? i : far);
    for (size_t j = from; j <= to; j++) {
      uint16_t up = j == i + max ? far : last[j];
      size_t cost = min3(up + 1u, now[j - 1] + 1u, last[j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]));
      bool swapped = i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1];
      if (swapped && j - 2 + max + 1 >= i - 2 && older[j - 2] + 1u < cost) cost = older[j - 2] + 1u;
      now[j] = (uint16_t)(cost < far ? cost : far);
      if (now[j] < least) least = now[j];
    }
    if (to < b.len) now[to + 1] = far;
    if (least >= far && i > 1) return max + 1;
  }
  size_t result = rows[a.len % 3][b.len];
  return result > max ? max + 1 : result;
}

bool distance_within(Str a, Str b, size_t max)
{
  return distance_upto(a, b, max) <= max;
}

ByteBag bag_of(Str s)
{
  ByteBag bag = {{0}};
  for (size_t i = 0; i < s.len; i++) {
    uint16_t *count = &bag.counts[(unsigned char)s.ptr[i] & 31];
    if (*count < UINT16_MAX) ++*count;
  }
  return bag;
}

size_t bag_distance(const ByteBag *a, const ByteBag *b)
{
  size_t more = 0, less = 0;
  for (size_t i = 0; i < 32; i++) {
    if (a->counts[i] > b->counts[i])
      more += (size_t)(a->counts[i] - b->counts[i]);
    else
      less += (size_t)(b->counts[i] - a->counts[i]);
  }
  return more > less ? more : less;
}

static bool same_digits(Str a, Str b)
{
  size_t i = 0, j = 0;
  for (;;) {
    while (i < a.len && (a.ptr[i] < '0' || a.ptr[i] > '9')) i++;
    while (j < b.len && (b.ptr[j] < '0' || b.ptr[j] > '9')) j++;
    if (i == a.len || j == b.len) return i == a.len && j == b.len;
    if (a.ptr[i++] != b.ptr[j++]) return false;
  }
}

bool distance_is_slip(Str a, Str b)
{
  return distance_within(a, b, SLIP_MAX) && same_digits(a, b);
}
