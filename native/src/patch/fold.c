// fold.c: what counts as the same line. See finder.h.
//
// Small models change runs of blanks and "improve" typography: curly quotes, long dashes, hard spaces.
// Folding undoes both, one character at a time, without a copy of the line.
#include <string.h>

#include "patch/finder.h"

static const struct {
  const char *utf8;
  char ascii;
} typography[] = {
    {"\xe2\x80\x98", '\''}, {"\xe2\x80\x99", '\''}, {"\xe2\x80\x9a", '\''}, {"\xe2\x80\x9b", '\''},
    {"\xe2\x80\x9c", '"'},  {"\xe2\x80\x9d", '"'},  {"\xe2\x80\x9e", '"'},  {"\xe2\x80\x9f", '"'},
    {"\xe2\x80\x90", '-'},  {"\xe2\x80\x91", '-'},  {"\xe2\x80\x92", '-'},  {"\xe2\x80\x93", '-'},
    {"\xe2\x80\x94", '-'},  {"\xe2\x80\x95", '-'},  {"\xe2\x88\x92", '-'},  {"\xc2\xa0", ' '},
    {"\xe2\x80\x82", ' '},  {"\xe2\x80\x83", ' '},  {"\xe2\x80\x89", ' '},  {"\xe2\x80\xaf", ' '},
    {"\xe3\x80\x80", ' '},
};

// The ASCII form of the typographic character that [s] starts with, and its length; 0 when it is none.
static char typographic(Str s, size_t *len)
{
  unsigned char c = (unsigned char)s.ptr[0];
  if (c != 0xe2 && c != 0xc2 && c != 0xe3) return 0;
  for (size_t i = 0; i < sizeof(typography) / sizeof(typography[0]); i++) {
    Str form = str_from(typography[i].utf8);
    if (!str_starts(s, form)) continue;
    *len = form.len;
    return typography[i].ascii;
  }
  return 0;
}

static bool blank(char c)
{
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// The first character of [s] (not empty) with typography undone.
static char fold_char(Str s, size_t *len)
{
  *len = 1;
  if ((unsigned char)s.ptr[0] < 0x80) return s.ptr[0];
  char ascii = typographic(s, len);
  return ascii ? ascii : s.ptr[0];
}

int fold_next(Str *rest)
{
  if (rest->len == 0) return -1;
  size_t len;
  char c = fold_char(*rest, &len);
  *rest = str_skip(*rest, len);
  if (!blank(c)) return (unsigned char)c;
  while (rest->len && blank(fold_char(*rest, &len))) *rest = str_skip(*rest, len);
  return rest->len ? ' ' : -1;
}

Str fold_trim(Str s)
{
  size_t len;
  while (s.len && blank(fold_char(s, &len))) s = str_skip(s, len);
  return str_trim_end(s);
}

static bool folded_equal(Str a, Str b)
{
  for (a = fold_trim(a), b = fold_trim(b);;) {
    int x = fold_next(&a), y = fold_next(&b);
    if (x != y) return false;
    if (x < 0) return true;
  }
}

bool line_equal(Str a, Str b, LineKey key)
{
  return str_eq(a, b) || (key == KEY_FOLDED && folded_equal(a, b));
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
  hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
  return hash ^ (hash >> 29);
}

// Eight bytes at a time: this runs over every byte of every file.
static uint64_t exact_hash(Str s)
{
  uint64_t hash = s.len * 0xff51afd7ed558ccdu + 1, word = 0;
  size_t at = 0;
  for (; at + 8 <= s.len; at += 8) {
    memcpy(&word, s.ptr + at, 8);
    hash = mix(hash, word);
  }
  word = 0;
  if (at < s.len) memcpy(&word, s.ptr + at, s.len - at);
  hash = mix(hash, word);
  return hash ^ (hash >> 32);
}

static uint64_t folded_hash(Str s)
{
  uint64_t hash = 1, word = 0;
  int filled = 0;
  s = fold_trim(s);
  for (int c; (c = fold_next(&s)) >= 0;) {
    word = word << 8 | (uint64_t)c;
    if (++filled < 8) continue;
    hash = mix(hash, word);
    filled = 0;
    word = 0;
  }
  hash = mix(hash, word + (uint64_t)filled);
  return hash ^ (hash >> 32);
}

uint64_t line_hash(Str s, LineKey key)
{
  return key == KEY_EXACT ? exact_hash(s) : folded_hash(s);
}
