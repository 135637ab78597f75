// readings.c: see readings.h.
#include "patch/readings.h"

#include <string.h>

#include "patch/marker.h"

bool sides_blank(const Str *lines, size_t len)
{
  for (size_t i = 0; i < len; i++) {
    if (str_trim(lines[i]).len) return false;
  }
  return true;
}

static bool lines_equal(const Str *a, size_t a_len, const Str *b, size_t b_len)
{
  if (a_len != b_len) return false;
  for (size_t i = 0; i < a_len; i++) {
    if (!str_eq(a[i], b[i])) return false;
  }
  return true;
}

bool sides_equal(const Sides *a, const Sides *b)
{
  return lines_equal(a->search, a->search_len, b->search, b->search_len) &&
         lines_equal(a->replace, a->replace_len, b->replace, b->replace_len);
}

size_t readings_preferred(const Block *block)
{
  size_t sevens = 0, seven = 0;
  for (size_t i = 0; i < block->divider_count; i++) {
    if (str_trim(block->lines.items[block->dividers[i]]).len != 7) continue;
    sevens++;
    seven = i;
  }
  if (sevens == 1) return seven;
  return block->divider_count % 2 ? block->divider_count / 2 : READINGS_MAX;
}

// --- fences inside a side ----------------------------------------------------------------------------

static bool drop_fence(Str **lines, size_t *len)
{
  char mark;
  size_t marks;
  Str info;
  if (*len < 2 || !marker_is_fence((*lines)[0], &mark, &marks, &info)) return false;
  if (!marker_is_fence((*lines)[*len - 1], &mark, &marks, &info) || info.len) return false;
  ++*lines;
  *len -= 2;
  return true;
}

static bool without_fences(const Sides *sides, Sides *out)
{
  *out = *sides;
  bool search = drop_fence(&out->search, &out->search_len);
  bool replace = drop_fence(&out->replace, &out->replace_len);
  return search || replace;
}

// --- line numbers ------------------------------------------------------------------------------------

// "  12 | code", "12: code", "12\tcode", "12→code"; [*rest] is the code.
static bool numbered(Str line, size_t *number, Str *rest)
{
  static const char *const signs[] = {" | ", "| ", "|", ": ", ":", "\t", "\xe2\x86\x92", " "};
  Str s = line;
  while (s.len && s.ptr[0] == ' ') s = str_skip(s, 1);
  size_t digits = 0;
  while (digits < s.len && s.ptr[digits] >= '0' && s.ptr[digits] <= '9') digits++;
  uint64_t n;
  if (digits == 0 || digits > 7 || !str_to_u64(str_sub(s, 0, digits), &n)) return false;
  *number = (size_t)n;
  s = str_skip(s, digits);
  *rest = STR_NONE;
  if (s.len == 0) return true;
  for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
    if (!str_starts(s, str_from(signs[i]))) continue;
    *rest = str_skip(s, str_from(signs[i]).len);
    return true;
  }
  return false;
}

static bool without_numbers(Arena *arena, const Sides *sides, Sides *out)
{
  size_t previous = 0, number;
  Str rest;
  *out = *sides;
  if (sides->search_len == 0 || !numbered(sides->search[0], &number, &rest)) return false;
  out->search = NEW_N(arena, Str, sides->search_len);
  out->replace = NEW_N(arena, Str, sides->replace_len);
  for (size_t i = 0; i < sides->search_len; i++) {
    if (!numbered(sides->search[i], &number, &out->search[i]) || (i && number != previous + 1))
      return false;
    previous = number;
  }
  for (size_t i = 0; i < sides->replace_len; i++) {
    if (!numbered(sides->replace[i], &number, &out->replace[i]))
      out->replace[i] = sides->replace[i];
  }
  return sides->search_len > 0;
}

// --- HTML entities -----------------------------------------------------------------------------------

static const struct {
  const char *entity;
  char c;
} entities[] = {{"&lt;", '<'},   {"&gt;", '>'},   {"&amp;", '&'},
                {"&quot;", '"'}, {"&#39;", '\''}, {"&apos;", '\''}};

static bool unescape(Arena *arena, Str line, Str *out)
{
  *out = line;
  if (str_find_char(line, '&') == STR_NOT_FOUND) return false;
  char *bytes = arena_alloc(arena, line.len);
  size_t len = 0;
  bool any = false;
  while (line.len) {
    size_t step = 1;
    char c = line.ptr[0];
    for (size_t i = 0; c == '&' && i < sizeof(entities) / sizeof(*entities) && step == 1; i++) {
      Str entity = str_from(entities[i].entity);
      if (!str_starts(line, entity)) continue;
      bytes[len] = entities[i].c;
      step = entity.len;
    }
    if (step == 1) bytes[len] = c;
    any |= step > 1;
    len++;
    line = str_skip(line, step);
  }
  *out = (Str){bytes, len};
  return any;
}

static bool without_entities(Arena *arena, const Sides *sides, Sides *out)
{
  bool any = false;
  *out = *sides;
  for (size_t i = 0; i < sides->search_len && !any; i++)
    any = str_find_char(sides->search[i], '&') != STR_NOT_FOUND;
  if (!any) return false;
  any = false;
  out->search = NEW_N(arena, Str, sides->search_len);
  out->replace = NEW_N(arena, Str, sides->replace_len);
  for (size_t i = 0; i < sides->search_len; i++)
    any |= unescape(arena, sides->search[i], &out->search[i]);
  for (size_t i = 0; any && i < sides->replace_len; i++)
    unescape(arena, sides->replace[i], &out->replace[i]);
  return any;
}

static Str *without_bom(Arena *arena, const Str *lines, size_t len)
{
  Str *out = NEW_N(arena, Str, len);
  for (size_t i = 0; i < len; i++) out[i] = i == 0 ? str_skip(lines[0], 3) : lines[i];
  return out;
}

// A byte order mark is no part of line 1 for who looks lines up.
static void take_bom(Arena *arena, BlockKind kind, Sides *sides)
{
  Str bom = S("\xef\xbb\xbf");
  if (sides->search_len == 0 || !str_starts(sides->search[0], bom)) return;
  sides->search = without_bom(arena, sides->search, sides->search_len);
  bool kept = sides->replace_len > 0 && str_starts(sides->replace[0], bom);
  sides->drops_bom = kind == BLOCK_HUNK && !kept;
  if (kept) sides->replace = without_bom(arena, sides->replace, sides->replace_len);
}

void readings_of(Arena *arena, const Block *block, Readings *out)
{
  Sides all[READINGS_MAX];
  size_t len = 0;
  while (len < BLOCK_MAX_DIVIDERS && block_reading(block, len, &all[len]))
    take_bom(arena, block->kind, &all[len++]);
  out->literal = len;
  if (block->kind == BLOCK_EDIT && len > 0) {
    size_t preferred = readings_preferred(block);
    Sides base = all[preferred < len ? preferred : 0], made;
    if (without_fences(&base, &made)) all[len++] = made;
    if (without_numbers(arena, &base, &made)) all[len++] = made;
    if (without_entities(arena, &base, &made)) all[len++] = made;
  }
  out->len = len;
  out->items = NEW_N(arena, Sides, len);
  for (size_t i = 0; i < len; i++) out->items[i] = all[i];
}
