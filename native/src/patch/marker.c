// marker.c: see marker.h.
#include "patch/marker.h"

static bool is_blank(char c)
{
  return c == ' ' || c == '\t';
}

// Drops up to [max] leading blanks.
static Str skip_blanks(Str s, size_t max)
{
  size_t n = 0;
  while (n < max && n < s.len && is_blank(s.ptr[n])) n++;
  return str_skip(s, n);
}

static size_t run_of(Str s, char c)
{
  size_t n = 0;
  while (n < s.len && s.ptr[n] == c) n++;
  return n;
}

static char lower(char c)
{
  return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool is_letter(char c)
{
  return lower(c) >= 'a' && lower(c) <= 'z';
}

// [s] starts with [word], any case, as a whole word.
static bool starts_word(Str s, Str word)
{
  if (s.len < word.len || !str_eq_nocase(str_sub(s, 0, word.len), word)) return false;
  return s.len == word.len || !is_letter(s.ptr[word.len]);
}

// 5 to 9 of [mark] or [other] and one of two words.
static bool marked_word(Str line, char mark, char other, Str word, Str synonym, Str *rest)
{
  Str s = skip_blanks(line, 3);
  size_t n = run_of(s, mark);
  if (n == 0) n = run_of(s, other);
  if (n < 5 || n > 9) return false;
  s = skip_blanks(str_skip(s, n), 3);
  if (starts_word(s, word))
    *rest = str_skip(s, word.len);
  else if (starts_word(s, synonym))
    *rest = str_skip(s, synonym.len);
  else
    return false;
  return true;
}

bool marker_is_head(Str line, Str *rest)
{
  if (!marked_word(line, '<', '-', S("SEARCH"), S("ORIGINAL"), rest)) return false;
  *rest = str_trim(*rest);
  while (rest->len && (rest->ptr[0] == '>' || rest->ptr[0] == ':'))
    *rest = str_trim(str_skip(*rest, 1));
  return true;
}

bool marker_is_tail(Str line)
{
  Str rest;
  if (!marked_word(line, '>', '+', S("REPLACE"), S("UPDATED"), &rest)) return false;
  rest = str_trim(rest);
  return rest.len == 0 || run_of(rest, '<') == rest.len || run_of(rest, '>') == rest.len;
}

bool marker_is_divider(Str line)
{
  Str s = str_trim_end(skip_blanks(line, 3));
  return s.len >= 5 && s.len <= 9 && run_of(s, '=') == s.len;
}

bool marker_is_fence(Str line, char *mark, size_t *len, Str *info)
{
  Str s = skip_blanks(line, 3);
  if (s.len < 3 || (s.ptr[0] != '`' && s.ptr[0] != '~')) return false;
  *mark = s.ptr[0];
  *len = run_of(s, *mark);
  *info = str_trim(str_skip(s, *len));
  // "```inline```" is prose
  return *len >= 3 && (*mark == '~' || str_find_char(*info, '`') == STR_NOT_FOUND);
}

bool marker_is_conflict(Str line)
{
  static const char marks[] = "<>|";
  for (const char *mark = marks; *mark; mark++) {
    if (run_of(line, *mark) == 7 && (line.len == 7 || line.ptr[7] == ' ')) return true;
  }
  return false;
}

// --- elisions --------------------------------------------------------------------------------------

static const char *const comment_starts[] = {"//", "/*",  "#", "<!--", "--", ";",
                                             "%",  "{/*", "*", "\"",   "{#", "(*"};
static const char *const comment_ends[] = {"*/", "-->", "*/}", "#}", "*)"};

static Str strip_comment(Str s, bool *commented)
{
  for (size_t i = 0; i < sizeof(comment_starts) / sizeof(*comment_starts); i++) {
    Str start = str_from(comment_starts[i]);
    if (!str_starts(s, start)) continue;
    s = str_trim(str_skip(s, start.len));
    while (s.len && (s.ptr[0] == '/' || s.ptr[0] == '#')) s = str_trim(str_skip(s, 1));
    *commented = true;
    break;
  }
  for (size_t i = 0; *commented && i < sizeof(comment_ends) / sizeof(*comment_ends); i++) {
    Str end = str_from(comment_ends[i]);
    if (str_ends(s, end)) return str_trim(str_sub(s, 0, s.len - end.len));
  }
  return s;
}

// Takes "..." or the one-character ellipsis off one end.
static bool strip_dots(Str *s, bool at_end)
{
  Str sign = S("\xe2\x80\xa6");
  if (at_end ? str_ends(*s, sign) : str_starts(*s, sign)) {
    *s = str_trim(at_end ? str_sub(*s, 0, s->len - sign.len) : str_skip(*s, sign.len));
    return true;
  }
  size_t n = 0;
  while (n < s->len && s->ptr[at_end ? s->len - 1 - n : n] == '.') n++;
  if (n < 3) return false;
  *s = str_trim(at_end ? str_sub(*s, 0, s->len - n) : str_skip(*s, n));
  return true;
}

// Words that a lazy model writes about the code it leaves out. The strong ones say so by themselves, the weak
// ones only behind leading dots: a comment may well trail off after "code".
static const char *const strong_words[] = {"existing",  "rest",     "remaining", "unchanged",
                                           "omitted",   "elided",   "snip",      "snipped",
                                           "truncated", "previous", "same"};
static const char *const weak_words[] = {"code",      "other",    "lines",          "method",
                                         "methods",   "function", "functions",      "keep",
                                         "continues", "before",   "implementation", "body"};

static bool has_word(Str s, const char *const *words, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    Str word = str_from(words[i]);
    for (size_t at = 0; at + word.len <= s.len; at++) {
      bool starts = at == 0 || !is_letter(s.ptr[at - 1]);
      if (starts && starts_word(str_skip(s, at), word)) return true;
    }
  }
  return false;
}

static bool is_strong(Str s)
{
  return has_word(s, strong_words, sizeof(strong_words) / sizeof(*strong_words));
}

static bool is_weak(Str s)
{
  return has_word(s, weak_words, sizeof(weak_words) / sizeof(*weak_words));
}

// Without dots only a few fixed phrases count, and only as a comment: "# rest of the code unchanged".
static bool is_plain_phrase(Str s)
{
  static const char *const phrases[] = {
      "rest of",        "remaining code",    "existing code", "unchanged code",   "same as before",
      "code unchanged", "remains unchanged", "remainder of",  "remains the same", "stays the same"};
  if (s.len > 80) return false;
  char folded[81];
  for (size_t i = 0; i < s.len; i++) folded[i] = lower(s.ptr[i]);
  Str text = {folded, s.len};
  bool hit = false, unchanged = str_has(text, S("unchanged")) || str_has(text, S("same")) ||
                                str_has(text, S("here")) || str_has(text, S("remain"));
  for (size_t i = 0; i < sizeof(phrases) / sizeof(*phrases) && !hit; i++) {
    hit = str_has(text, str_from(phrases[i]));
  }
  return hit && unchanged;
}

Elision marker_elision(Str line)
{
  Str s = str_trim(line);
  if (s.len < 3 || s.len > 160) return ELISION_NONE;
  bool commented = false;
  s = strip_comment(s, &commented);
  if (s.len > 1 && ((s.ptr[0] == '[' && s.ptr[s.len - 1] == ']') ||
                    (s.ptr[0] == '(' && s.ptr[s.len - 1] == ')'))) {
    Str inner = str_trim(str_sub(s, 1, s.len - 1));
    if (str_starts(inner, S("..."))) s = inner;
  }
  bool front = strip_dots(&s, false), back = strip_dots(&s, true);
  if (s.len == 0) return front || back ? (commented ? ELISION_WORDS : ELISION_BARE) : ELISION_NONE;
  if (!front && !back) return commented && is_plain_phrase(s) ? ELISION_WORDS : ELISION_NONE;
  // "...args" and "f(...)" are code: what is left must read as words
  for (size_t i = 0; i < s.len; i++) {
    if (!is_letter(s.ptr[i]) && !is_blank(s.ptr[i]) &&
        !str_has(S(",'()-:/_0123456789."), (Str){s.ptr + i, 1})) {
      return ELISION_NONE;
    }
  }
  bool says_so = front ? is_strong(s) || is_weak(s) : commented && s.len <= 60 && is_strong(s);
  return says_so ? ELISION_WORDS : ELISION_NONE;
}
