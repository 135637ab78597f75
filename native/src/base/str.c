// str.c: see str.h.
#include "base/str.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int str_arg_len(Str s)
{
  return s.len > INT_MAX ? INT_MAX : (int)s.len;
}

Str str_from(const char *cstr)
{
  return cstr ? (Str){cstr, strlen(cstr)} : STR_NONE;
}

Str str_dup(Arena *arena, Str s)
{
  char *copy = arena_alloc(arena, s.len + 1);
  if (s.len) memcpy(copy, s.ptr, s.len);
  return (Str){copy, s.len};
}

char *str_z(Arena *arena, Str s)
{
  return (char *)str_dup(arena, s).ptr;
}

Str str_vfmt(Arena *arena, const char *format, va_list args)
{
  char small[256];  // most fit, and are formatted once
  va_list again;
  va_copy(again, args);
  int len = vsnprintf(small, sizeof(small), format, args);
  char *out = arena_alloc(arena, (size_t)(len < 0 ? 0 : len) + 1);
  if (len > 0 && (size_t)len < sizeof(small)) {
    memcpy(out, small, (size_t)len);
  } else if (len > 0) {
    vsnprintf(out, (size_t)len + 1, format, again);
  }
  va_end(again);
  return (Str){out, len < 0 ? 0 : (size_t)len};
}

Str str_fmt(Arena *arena, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  Str out = str_vfmt(arena, format, args);
  va_end(args);
  return out;
}

Str str_cat(Arena *arena, Str a, Str b)
{
  char *out = arena_alloc(arena, a.len + b.len + 1);
  if (a.len) memcpy(out, a.ptr, a.len);
  if (b.len) memcpy(out + a.len, b.ptr, b.len);
  return (Str){out, a.len + b.len};
}

Str str_join(Arena *arena, const StrList *list, Str between)
{
  size_t len = 0;
  for (size_t i = 0; i < list->len; i++) len += list->items[i].len + (i ? between.len : 0);
  char *out = arena_alloc(arena, len + 1);
  size_t at = 0;
  for (size_t i = 0; i < list->len; i++) {
    if (i && between.len) {
      memcpy(out + at, between.ptr, between.len);
      at += between.len;
    }
    if (list->items[i].len) memcpy(out + at, list->items[i].ptr, list->items[i].len);
    at += list->items[i].len;
  }
  return (Str){out, len};
}

bool str_eq(Str a, Str b)
{
  return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_eq_nocase(Str a, Str b)
{
  return a.len == b.len && (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

int str_cmp(Str a, Str b)
{
  size_t shared = a.len < b.len ? a.len : b.len;
  int order = shared ? memcmp(a.ptr, b.ptr, shared) : 0;
  if (order) return order;
  return a.len < b.len ? -1 : a.len > b.len;
}

int str_cmp_natural(Str a, Str b)
{
  while (a.len && b.len) {
    size_t na = 0, nb = 0;
    while (na < a.len && a.ptr[na] >= '0' && a.ptr[na] <= '9') na++;
    while (nb < b.len && b.ptr[nb] >= '0' && b.ptr[nb] <= '9') nb++;
    if (na && nb && na != nb) return na < nb ? -1 : 1;
    size_t step = na && nb ? na : 1;
    int order = str_cmp(str_sub(a, 0, step), str_sub(b, 0, step));
    if (order) return order;
    a = str_skip(a, step);
    b = str_skip(b, step);
  }
  return (a.len > 0) - (b.len > 0);
}

bool str_starts(Str s, Str prefix)
{
  return s.len >= prefix.len && str_eq((Str){s.ptr, prefix.len}, prefix);
}

bool str_ends(Str s, Str suffix)
{
  return s.len >= suffix.len && str_eq(str_skip(s, s.len - suffix.len), suffix);
}

size_t str_find(Str s, Str needle)
{
  if (needle.len == 0) return 0;
  if (s.len < needle.len) return STR_NOT_FOUND;
  const char *hit = memmem(s.ptr, s.len, needle.ptr, needle.len);
  return hit ? (size_t)(hit - s.ptr) : STR_NOT_FOUND;
}

size_t str_find_char(Str s, char c)
{
  const char *hit = s.len ? memchr(s.ptr, c, s.len) : NULL;
  return hit ? (size_t)(hit - s.ptr) : STR_NOT_FOUND;
}

size_t str_rfind_char(Str s, char c)
{
  for (size_t i = s.len; i > 0; i--) {
    if (s.ptr[i - 1] == c) return i - 1;
  }
  return STR_NOT_FOUND;
}

bool str_has(Str s, Str needle)
{
  return str_find(s, needle) != STR_NOT_FOUND;
}

Str str_sub(Str s, size_t from, size_t to)
{
  if (to > s.len) to = s.len;
  if (from >= to) return STR_NONE;
  return (Str){s.ptr + from, to - from};
}

Str str_skip(Str s, size_t n)
{
  return str_sub(s, n, s.len);
}

static bool is_space(char c)
{
  return c == ' ' || (c >= '\t' && c <= '\r');
}

Str str_trim_end(Str s)
{
  while (s.len && is_space(s.ptr[s.len - 1])) s.len--;
  return s;
}

Str str_trim(Str s)
{
  size_t at = 0;
  while (at < s.len && is_space(s.ptr[at])) at++;
  return str_trim_end(str_skip(s, at));
}

bool str_cut(Str *rest, char sep, Str *piece)
{
  if (!rest->ptr) return false;
  size_t at = str_find_char(*rest, sep);
  if (at == STR_NOT_FOUND) {
    *piece = *rest;
    *rest = STR_NONE;
    return true;
  }
  *piece = (Str){rest->ptr, at};
  *rest = (Str){rest->ptr + at + 1, rest->len - at - 1};
  return true;
}

bool str_line(Str *rest, Str *line)
{
  return rest->len > 0 && str_cut(rest, '\n', line);
}

// Eight bytes at a time: a byte that equals '\n' leaves its top bit set, and those are counted.
size_t str_count_lines(Str s)
{
  const uint64_t low = 0x7f7f7f7f7f7f7f7f, newlines = 0x0a0a0a0a0a0a0a0a;
  size_t lines = 0, i = 0;
  for (uint64_t word; i + 8 <= s.len; i += 8) {
    memcpy(&word, s.ptr + i, 8);
    word ^= newlines;
    word = ~(((word & low) + low) | word | low) >> 7;  // 1 in each byte that is one
    lines += (word * 0x0101010101010101u) >> 56;
  }
  for (; i < s.len; i++) lines += s.ptr[i] == '\n';
  return lines + (s.len && s.ptr[s.len - 1] != '\n');
}

bool str_to_u64(Str s, uint64_t *out)
{
  uint64_t n = 0;
  if (s.len == 0 || s.len > 20) return false;
  for (size_t i = 0; i < s.len; i++) {
    if (s.ptr[i] < '0' || s.ptr[i] > '9') return false;
    if (__builtin_mul_overflow(n, 10u, &n)) return false;
    if (__builtin_add_overflow(n, (uint64_t)(s.ptr[i] - '0'), &n)) return false;
  }
  *out = n;
  return true;
}

// Unicode standard, table 3-7.
size_t str_utf8_len(Str s, size_t at)
{
  const unsigned char *p = (const unsigned char *)s.ptr + at;
  size_t left = s.len - at;
  unsigned char c = p[0];
  if (c < 0x80) return 1;
  size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
  if (c < 0xc2 || c > 0xf4 || left < len) return 0;
  unsigned char low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
  unsigned char high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
  if (p[1] < low || p[1] > high) return 0;
  for (size_t i = 2; i < len; i++) {
    if ((p[i] & 0xc0) != 0x80) return 0;
  }
  return len;
}

bool str_is_utf8(Str s)
{
  for (size_t at = 0; at < s.len;) {
    uint64_t word;
    if (s.len - at >= 8 && (memcpy(&word, s.ptr + at, 8), (word & 0x8080808080808080u) == 0)) {
      at += 8;  // ASCII
      continue;
    }
    size_t len = str_utf8_len(s, at);
    if (len == 0) return false;
    at += len;
  }
  return true;
}

size_t str_utf8_floor(Str s, size_t at)
{
  if (at >= s.len) return s.len;
  size_t back = at;
  while (back > 0 && at - back < 4 && ((unsigned char)s.ptr[back] & 0xc0) == 0x80) back--;
  return back;
}

uint64_t str_hash(Str s)
{
  uint64_t hash = 0xcbf29ce484222325u;
  for (size_t i = 0; i < s.len; i++) {
    hash ^= (unsigned char)s.ptr[i];
    hash *= 0x100000001b3u;
  }
  return hash;
}

// The length of what is better not sent to a terminal as it is, at the start of [s]; 0 = none. [out]: how it looks.
static size_t unseen(Str s, char out[12])
{
  unsigned char c = (unsigned char)s.ptr[0];
  unsigned second = s.len > 1 ? (unsigned char)s.ptr[1] : 0,
           third = s.len > 2 ? (unsigned char)s.ptr[2] : 0;
  if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f) {
    snprintf(out, 12, "^%c", c ^ 0x40);
    return 1;
  }
  if (c == 0xc2 && second >= 0x80 && second < 0xa0) {
    snprintf(out, 12, "<U+%04X>", second);
    return 2;
  }
  unsigned code = (second & 0x3fu) << 6 | (third & 0x3fu);
  bool turns = (code >= 0x2a && code <= 0x2e) || (code >= 0x66 && code <= 0x69);
  if (c != 0xe2 || second < 0x80 || third < 0x80 || !turns) return 0;
  snprintf(out, 12, "<U+%04X>", 0x2000 | code);
  return 3;
}

Str str_visible(Arena *arena, Str s)
{
  char look[12];
  size_t grown = 0;
  for (size_t i = 0; i < s.len; i++) {
    if (unseen(str_skip(s, i), look)) grown += strlen(look);
  }
  if (!grown) return s;
  char *out = arena_alloc(arena, s.len + grown);
  size_t len = 0;
  for (size_t i = 0; i < s.len;) {
    size_t taken = unseen(str_skip(s, i), look), width = taken ? strlen(look) : 1;
    memcpy(out + len, taken ? look : s.ptr + i, width);
    len += width;
    i += taken ? taken : 1;
  }
  return (Str){out, len};
}

size_t str_columns(Str s)
{
  size_t n = 0;
  for (size_t i = 0; i < s.len; i++) n += ((unsigned char)s.ptr[i] & 0xc0) != 0x80;
  return n;
}

Str str_fit(Arena *arena, Str s, size_t columns)
{
  if (str_columns(s) <= columns) return s;
  size_t at = 0;
  for (size_t n = 0; at < s.len && n + 3 < columns; n++) {
    at++;
    while (at < s.len && ((unsigned char)s.ptr[at] & 0xc0) == 0x80) at++;
  }
  return str_fmt(arena, "%.*s...", STR_ARG(str_sub(s, 0, at)));
}
