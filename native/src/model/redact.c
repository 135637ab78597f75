// redact.c: see redact.h. Known secrets go wherever they stand; a word goes when it begins as keys do; in
// messages also when it begins as ids do, or is long and mixes capitals, small letters and digits as no word
// of a language does.
#include "model/redact.h"

enum {
  REDACT_MAX = 64 * 1024 * 1024,
  PREFIX_WORD_MIN = 10,  // in messages keys come shortened: "sk-proj-***abcd"
  KEY_WORD_MIN = 20,     // in code
  RANDOM_WORD_MIN = 20,
  HEX_MIN = 32,
  CUT_MIN = 8,  // of a known secret, at the end of a text that was cut
  SECRET_MIN =
      6,  // with a letter and a digit in it; without, in messages CUT_MIN, in code KEY_WORD_MIN
};

static const char *const key_prefixes[] = {"sk-",    "sk_", "gsk_",  "xai-",   "AIza", "ghp_",
                                           "glpat-", "hf_", "ya29.", "nvapi-", "csk-", "r8_"};
static const char *const id_prefixes[] = {"org-", "org_", "req_", "req-", "proj_", "pk-", "rk-"};
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static bool is_word(char c)
{
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '-' || c == '*';
}

static bool has_prefix(Str word, const char *const *prefixes, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    if (str_starts(word, str_from(prefixes[i]))) return true;
  }
  return false;
}

static bool has_digit(Str word)
{
  for (size_t i = 0; i < word.len; i++) {
    if (word.ptr[i] >= '0' && word.ptr[i] <= '9') return true;
  }
  return false;
}

// A run that mixes all three kinds of characters, or is nothing but hex digits.
static bool is_random(Str word)
{
  size_t upper = 0, lower = 0, digit = 0, hex = 0;
  for (size_t i = 0; i < word.len; i++) {
    char c = word.ptr[i];
    upper += c >= 'A' && c <= 'Z';
    lower += c >= 'a' && c <= 'z';
    digit += c >= '0' && c <= '9';
    hex += (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  }
  if (word.len >= HEX_MIN && hex == word.len && digit) return true;
  return word.len >= RANDOM_WORD_MIN && upper >= 2 && lower >= 2 && digit >= 2;
}

static bool has_random_run(Str word)
{
  for (size_t from = 0, at = 0; at <= word.len; at++) {
    if (at < word.len && word.ptr[at] != '-' && word.ptr[at] != '_') continue;
    if (is_random(str_sub(word, from, at))) return true;
    from = at + 1;
  }
  return false;
}

static bool looks_secret(Str word, RedactKind kind)
{
  bool key = has_prefix(word, key_prefixes, COUNT(key_prefixes));
  if (kind == REDACT_CODE) return key && word.len >= KEY_WORD_MIN && has_digit(word);
  bool id = has_prefix(word, id_prefixes, COUNT(id_prefixes));
  return ((key || id) && word.len >= PREFIX_WORD_MIN) || has_random_run(word);
}

static bool has_letter(Str word)
{
  for (size_t i = 0; i < word.len; i++) {
    if ((word.ptr[i] | 32) >= 'a' && (word.ptr[i] | 32) <= 'z') return true;
  }
  return false;
}

// Local servers are given "none", "test" or "EMPTY" for a key, and code is full of such words.
static bool is_secret(Str key, RedactKind kind)
{
  size_t least = kind == REDACT_CODE ? KEY_WORD_MIN : CUT_MIN;
  return key.len >= least || (key.len >= SECRET_MIN && has_digit(key) && has_letter(key));
}

// What was cut may say so.
static Str without_dots(Str text)
{
  return str_ends(text, S("...")) ? str_sub(text, 0, text.len - 3) : text;
}

// Length of the known secret that [text] starts with, 0 when none; or of what is left of one where the text was cut.
static size_t known_secret(Str text, const StrList *secrets, RedactKind kind)
{
  Str end = without_dots(text);
  for (size_t i = 0; secrets && i < secrets->len; i++) {
    Str secret = secrets->items[i];
    if (!is_secret(secret, kind)) continue;
    if (str_starts(text, secret)) return secret.len;
    if (end.len >= CUT_MIN && str_starts(secret, end)) return end.len;
  }
  return 0;
}

bool redact_finds(Str text, const StrList *secrets)
{
  Str end = without_dots(text);
  for (size_t i = 0; i < secrets->len; i++) {
    Str secret = secrets->items[i];
    if (!is_secret(secret, REDACT_CODE)) continue;
    if (str_has(text, secret)) return true;
    for (size_t n = CUT_MIN; n < secret.len && n <= end.len; n++) {
      if (str_ends(end, str_sub(secret, 0, n))) return true;
    }
  }
  return false;
}

// Writes one step: a known secret, a word, or a single other byte. Returns how much of [rest] that was.
static size_t redact_step(Buf *out, Str rest, const StrList *secrets, RedactKind kind)
{
  size_t len = known_secret(rest, secrets, kind);
  if (len) {
    buf_add(out, S("[removed]"));
    return len;
  }
  while (len < rest.len && is_word(rest.ptr[len]) &&
         !known_secret(str_skip(rest, len), secrets, kind))
    len++;
  if (len == 0) len = 1;
  Str word = str_sub(rest, 0, len);
  buf_add(out, looks_secret(word, kind) ? S("[removed]") : word);
  return len;
}

Str redact(Arena *arena, Str text, const StrList *secrets, RedactKind kind)
{
  Buf out;
  buf_init(&out, REDACT_MAX);
  for (size_t at = 0; at < text.len;) at += redact_step(&out, str_skip(text, at), secrets, kind);
  return buf_take(&out, arena);
}

void redact_value(Arena *arena, Value *value, const StrList *secrets, RedactKind kind)
{
  if (value->key.len) value->key = redact(arena, value->key, secrets, kind);
  if (value_is(value, VALUE_STR)) value->str = redact(arena, value->str, secrets, kind);
  if (value->type != VALUE_LIST && value->type != VALUE_MAP) return;
  for (Value *item = value->first; item; item = item->next)
    redact_value(arena, item, secrets, kind);
}
