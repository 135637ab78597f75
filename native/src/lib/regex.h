// regex.h: PCRE2 with limits, so that no pattern from a plan or a model can hold the engine.
//
// Life of a regex:  regex_new -> regex_test, regex_replace* -> regex_free
//
// "^" and "$" match at every line; line ends are LF, CRLF or CR. Text that is not UTF-8 is matched as bytes.
#pragma once

#include "base/buf.h"
#include "base/err.h"

typedef struct Regex Regex;  // heap

typedef struct {
  bool ignore_case;
  bool word;  // the match may not start or end inside a word
  bool utf8;  // the texts to come are valid UTF-8
} RegexOptions;

enum {
  REGEX_MAX_PATTERN = 4096,     // bytes
  REGEX_MATCH_LIMIT = 1000000,  // PCRE2's count of match() steps for one match
  REGEX_DEPTH_LIMIT = 10000,
  REGEX_HEAP_KIB = 16 * 1024,
};

// NULL with [err] set when the pattern is not one.
Regex *regex_new(Str pattern, RegexOptions options, Error *err);
void regex_free(Regex *regex);

// Can [replacement] be used with [pattern], which is one? False with [err] when it names a group that is not there, or
// is not written as regex_replace wants it. Found without a text to replace in.
bool regex_replacement_ok(Str pattern, RegexOptions options, Str replacement, Error *err);

// True when [text] matches somewhere. A limit that is hit counts as [err], not as "no".
bool regex_test(const Regex *regex, Str text, bool *matched, Error *err);

// Adds [text] to [out] with every match replaced by [replacement] ($1, ${name}, \U...\E), and adds the
// number of them to [count]. False when a limit, the replacement's syntax or out's maximum stops it.
bool regex_replace(const Regex *regex, Str text, Str replacement, Buf *out, size_t *count,
                   Error *err);
