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

// The length of the blank that [s] ends with, 0 when it ends otherwise.
static size_t blank_end(Str s)
{
  if (s.len && blank(s.ptr[s.len - 1])) return 1;
  for (size_t n = 2; n <= 3 && n <= s.len; n++) {
    size_t len = 0;
    if (typographic(str_skip(s, s.len - n), &len) == ' ' && len == n) return n;
  }
  return 0;
}

Str fold_trim(Str s)
{
  size_t len;
  while (s.len && blank(fold_char(s, &len))) s = str_skip(s, len);
  for (size_t n; (n = blank_end(s)) > 0;) s.len -= n;
  return s;
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

// Whether eight bytes are their own folded form: ASCII, no control characters, no two blanks in a row ([*blank]
// says that the byte before was one).
static bool plain_word(uint64_t word, bool *blank)
{
  const uint64_t ones = 0x0101010101010101, high = 0x8080808080808080;
  uint64_t spaces = word ^ (ones * ' ');
  spaces =
      ~(((spaces & ~high) + ~high) | spaces | ~high);  // the top bit of each byte that is a blank
  uint64_t controls = (word - ones * 0x20) & ~word & high;
  bool doubled = (spaces & spaces << 8) || (*blank && (spaces & 0x80));
  if ((word & high) || controls || doubled) return false;
  *blank = spaces >> 63;
  return true;
}

// The folded bytes, eight to a word in the order of memcpy. Most words of most files are plain and go in as
// they are; the first that is not sends the rest of the line through fold_next.
static uint64_t folded_hash(Str s)
{
  uint64_t hash = 1, word = 0;
  size_t filled = 0;
  bool blank = false;
  s = fold_trim(s);
  while (s.len >= 8 && (memcpy(&word, s.ptr, 8), plain_word(word, &blank))) {
    hash = mix(hash, word);
    s = str_skip(s, 8);
  }
  char bytes[8] = {0};
  for (int c; (c = fold_next(&s)) >= 0;) {
    if (c == ' ' && blank && filled == 0) {
      blank = false;
      continue;
    }
    blank = false;
    bytes[filled++] = (char)c;
    if (filled < 8) continue;
    memcpy(&word, bytes, 8);
    hash = mix(hash, word);
    filled = 0;
    memset(bytes, 0, 8);
  }
  memcpy(&word, bytes, 8);
  hash = mix(hash, word + filled);
  return hash ^ (hash >> 32);
}

uint64_t line_hash(Str s, LineKey key)
{
  return key == KEY_EXACT ? exact_hash(s) : folded_hash(s);
}
