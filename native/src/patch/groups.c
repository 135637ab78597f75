// groups.c: see groups.h.
#include "patch/groups.h"

#include "base/buf.h"
#include "lib/textdiff.h"
#include "patch/marker.h"

enum { TABLE_MAX = 1 << 16 };

static void add_group(Arena *arena, GroupList *out, Group one)
{
  Group *last = out->len ? &out->items[out->len - 1] : NULL;
  if (last && last->a_at + last->a_len == one.a_at && last->b_at + last->b_len == one.b_at) {
    last->a_len += one.a_len;
    last->b_len += one.b_len;
    return;
  }
  PUSH(arena, out, one);
}

typedef struct {
  const Str *a, *b;
  const bool *loose;  // by line of a, or NULL
} Pair;

static bool same(const Pair *pair, size_t i, size_t j)
{
  Str a = pair->a[i], b = pair->b[j];
  if (str_eq(a, b)) return true;
  if (!pair->loose || !pair->loose[i]) return false;
  return str_eq(str_trim_end(a), str_trim_end(b)) ||
         (marker_elision(a) != ELISION_NONE && marker_elision(b) != ELISION_NONE);
}

static void table_diff(Arena *arena, const Pair *pair, Group base, GroupList *out)
{
  size_t n = base.a_len, m = base.b_len, width = m + 1, i = 0, j = 0;
  uint16_t *best = NEW_N(arena, uint16_t, (n + 1) * width);
  for (i = n; i-- > 0;) {
    for (j = m; j-- > 0;) {
      uint16_t down = best[(i + 1) * width + j], right = best[i * width + j + 1];
      best[i * width + j] = same(pair, base.a_at + i, base.b_at + j)
                                ? (uint16_t)(best[(i + 1) * width + j + 1] + 1)
                                : (down > right ? down : right);
    }
  }
  for (i = j = 0; i < n || j < m;) {
    Group one = {base.a_at + i, 0, base.b_at + j, 0};
    if (i < n && j < m && same(pair, base.a_at + i, base.b_at + j)) {
      i++, j++;
      continue;
    }
    if (j == m || (i < n && best[(i + 1) * width + j] >= best[i * width + j + 1]))
      one.a_len = 1, i++;
    else
      one.b_len = 1, j++;
    add_group(arena, out, one);
  }
}

static Str join(Arena *arena, const Str *lines, size_t len)
{
  StrList list = {(Str *)lines, len, len};
  return str_cat(arena, str_join(arena, &list, S("\n")), S("\n"));
}

static void large_diff(Arena *arena, const Str *a, size_t n, const Str *b, size_t m, Group base,
                       GroupList *out)
{
  TextChangeList changes = {0};
  textdiff_lines(arena, join(arena, a, n), join(arena, b, m), &changes);
  for (size_t i = 0; i < changes.len; i++) {
    TextChange c = changes.items[i];
    add_group(arena, out,
              (Group){base.a_at + c.old_at, c.old_len, base.b_at + c.new_at, c.new_len});
  }
}

void groups_diff(Arena *arena, const Str *a, size_t a_len, const Str *b, size_t b_len,
                 const bool *loose, GroupList *out)
{
  Pair pair = {a, b, loose};
  size_t head = 0;
  while (head < a_len && head < b_len && same(&pair, head, head)) head++;
  while (a_len > head && b_len > head && same(&pair, a_len - 1, b_len - 1)) a_len--, b_len--;
  size_t n = a_len - head, m = b_len - head;
  Group base = {head, n, head, m};
  if (n + m == 0) return;
  if (n == 0 || m == 0)
    add_group(arena, out, base);
  else if (n * m <= TABLE_MAX)
    table_diff(arena, &pair, base, out);
  else
    large_diff(arena, a + head, n, b + head, m, base, out);
}
