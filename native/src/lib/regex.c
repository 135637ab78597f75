// regex.c: see regex.h.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "lib/regex.h"

#include <pcre2.h>

struct Regex {
  pcre2_code *code;
  pcre2_match_context *limits;
  pcre2_match_data *match;
};

// A word border is only asked for where the match itself starts or ends with a word character, so that
// "->next" may follow a name.
#define WORD_START "(?:(?=\\w)(?<!\\w)|(?!\\w))(?:"
#define WORD_END ")(?:(?<=\\w)(?!\\w)|(?<!\\w))"

static bool regex_error(Error *err, Err code, int rc, const char *what)
{
  PCRE2_UCHAR message[160];
  pcre2_get_error_message(rc, message, sizeof(message));
  return error_set(err, code, "%s: %s", what, (const char *)message);
}

static pcre2_code *compile(Str pattern, RegexOptions options, Error *err)
{
  // \C would cut characters in two
  uint32_t flags = PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C |
                   (options.ignore_case ? PCRE2_CASELESS : 0) |
                   (options.utf8 ? PCRE2_UTF | PCRE2_UCP : 0);
  pcre2_compile_context *ctx = pcre2_compile_context_create(NULL);
  if (!ctx) return NULL;
  pcre2_set_newline(ctx, PCRE2_NEWLINE_ANYCRLF);
  pcre2_set_parens_nest_limit(ctx, 100);
  int rc = 0;
  PCRE2_SIZE at = 0;
  pcre2_code *code = pcre2_compile((PCRE2_SPTR)(pattern.len ? pattern.ptr : ""), pattern.len, flags,
                                   &rc, &at, ctx);
  pcre2_compile_context_free(ctx);
  if (!code) regex_error(err, ERR_INVALID, rc, "pattern");
  return code;
}

Regex *regex_new(Str pattern, RegexOptions options, Error *err)
{
  if (pattern.len == 0 || pattern.len > REGEX_MAX_PATTERN) {
    error_set(err, ERR_INVALID, "pattern is empty or longer than %d bytes", REGEX_MAX_PATTERN);
    return NULL;
  }
  Buf full;
  buf_init(&full, REGEX_MAX_PATTERN + 256);
  if (options.word) buf_add(&full, S(WORD_START));
  buf_add(&full, pattern);
  if (options.word) buf_add(&full, S(WORD_END));
  pcre2_code *code = compile(buf_str(&full), options, err);
  buf_deinit(&full);
  if (!code) return NULL;
  Regex *regex = mem_alloc(sizeof(*regex));
  regex->code = code;
  regex->limits = pcre2_match_context_create(NULL);
  regex->match = pcre2_match_data_create_from_pattern(code, NULL);
  if (!regex->limits || !regex->match) {
    regex_free(regex);
    error_set(err, ERR_FAILED, "no memory for the pattern");
    return NULL;
  }
  pcre2_set_match_limit(regex->limits, REGEX_MATCH_LIMIT);
  pcre2_set_depth_limit(regex->limits, REGEX_DEPTH_LIMIT);
  pcre2_set_heap_limit(regex->limits, REGEX_HEAP_KIB);
  return regex;
}

void regex_free(Regex *regex)
{
  if (!regex) return;
  pcre2_match_data_free(regex->match);
  pcre2_match_context_free(regex->limits);
  pcre2_code_free(regex->code);
  mem_free(regex);
}

bool regex_test(const Regex *regex, Str text, bool *matched, Error *err)
{
  int rc = pcre2_match(regex->code, (PCRE2_SPTR)(text.len ? text.ptr : ""), text.len, 0, 0,
                       regex->match, regex->limits);
  *matched = rc >= 0;
  return rc >= 0 || rc == PCRE2_ERROR_NOMATCH || regex_error(err, ERR_REFUSED, rc, "pattern");
}

bool regex_replace(const Regex *regex, Str text, Str replacement, Buf *out, size_t *count,
                   Error *err)
{
  uint32_t flags = PCRE2_SUBSTITUTE_GLOBAL | PCRE2_SUBSTITUTE_EXTENDED |
                   PCRE2_SUBSTITUTE_OVERFLOW_LENGTH | PCRE2_SUBSTITUTE_UNSET_EMPTY;
  PCRE2_SPTR subject = (PCRE2_SPTR)(text.len ? text.ptr : "");
  PCRE2_SPTR with = (PCRE2_SPTR)(replacement.len ? replacement.ptr : "");
  size_t cap = text.len + text.len / 4 + 256;
  for (int try = 0; try < 2; try++) {
    if (cap > out->max)
      return error_set(err, ERR_TOO_BIG, "the result would pass %zu bytes", out->max);
    char *room = mem_alloc(cap);
    PCRE2_SIZE len = cap;
    int rc = pcre2_substitute(regex->code, subject, text.len, 0, flags, regex->match, regex->limits,
                              with, replacement.len, (PCRE2_UCHAR *)room, &len);
    bool fits = rc >= 0 && buf_add(out, (Str){room, len});
    mem_free(room);
    if (rc == PCRE2_ERROR_NOMEMORY && len > cap) {
      cap = len;
      continue;
    }
    if (rc < 0) return regex_error(err, ERR_REFUSED, rc, "substitution");
    *count += (size_t)rc;
    return fits || error_set(err, ERR_TOO_BIG, "the result would pass %zu bytes", out->max);
  }
  return error_set(err, ERR_FAILED, "substitution: the result grew while it was made");
}

// A replacement is only read where there is a match: the pattern, or nothing, is made to match in an empty text.
bool regex_replacement_ok(Str pattern, RegexOptions options, Str replacement, Error *err)
{
  Buf either, out;
  size_t count = 0;
  buf_init(&either, REGEX_MAX_PATTERN + 16);
  buf_init(&out, REGEX_MAX_PATTERN);
  buf_fmt(&either, "(?:%.*s\n)|", STR_ARG(pattern));  // the line end closes a comment of (?x)
  Regex *regex = regex_new(buf_str(&either), options, NULL);
  bool ok = !regex || regex_replace(regex, STR_NONE, replacement, &out, &count, err);
  regex_free(regex);
  buf_deinit(&out);
  buf_deinit(&either);
  return ok;
}
