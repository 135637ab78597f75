// str.h: strings as pointer and length.
//
// A Str borrows its bytes: it never owns them, and whoever made them says how long they live. Bytes need
// not end in NUL and may hold any value; only str_z makes a C string, for the few calls that want one.
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

typedef struct {
  const char *ptr;  // borrowed; may be NULL when len is 0
  size_t len;       // bytes
} Str;

typedef struct {
  Str *items;
  size_t len, cap;
} StrList;

#define S(literal) ((Str){"" literal, sizeof(literal) - 1})
#define STR_NONE ((Str){NULL, 0})

// For printf: printf("%.*s", STR_ARG(s)). Lengths are cut at INT_MAX.
#define STR_ARG(s) str_arg_len(s), (s).len ? (s).ptr : ""
int str_arg_len(Str s);

Str str_from(const char *cstr);  // NULL gives an empty Str
Str str_dup(Arena *arena, Str s);
char *str_z(Arena *arena, Str s);  // a NUL-terminated copy, cut at the first NUL byte inside
Str str_fmt(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
Str str_vfmt(Arena *arena, const char *format, va_list args);
Str str_cat(Arena *arena, Str a, Str b);
Str str_join(Arena *arena, const StrList *list, Str between);

// "%zu file%s", n, plural(n)
static inline const char *plural(int64_t n)
{
  return n == 1 ? "" : "s";
}

bool str_eq(Str a, Str b);
bool str_eq_nocase(Str a, Str b);   // ASCII letters only
int str_cmp(Str a, Str b);          // bytewise, as memcmp
int str_cmp_natural(Str a, Str b);  // numbers inside as people count: T9 before T10
bool str_starts(Str s, Str prefix);
bool str_ends(Str s, Str suffix);

#define STR_NOT_FOUND ((size_t)-1)
size_t str_find(Str s, Str needle);  // byte offset of the first, or STR_NOT_FOUND
size_t str_find_char(Str s, char c);
size_t str_rfind_char(Str s, char c);
bool str_has(Str s, Str needle);

Str str_sub(Str s, size_t from, size_t to);  // bytes [from, to), clamped to s
Str str_skip(Str s, size_t n);               // s without its first n bytes
Str str_trim(Str s);                         // without ASCII white space at both ends
Str str_trim_end(Str s);

// Takes the text before the first [sep] out of [*rest]; the last piece leaves *rest empty with ptr NULL.
// Loop: for (Str rest = s, piece; str_cut(&rest, ',', &piece);)
bool str_cut(Str *rest, char sep, Str *piece);

// Takes one line (without its LF) out of [*rest]. A last line without LF counts, an empty rest does not.
bool str_line(Str *rest, Str *line);
size_t str_count_lines(Str s);

// Strict decimal, the whole string, no sign, no overflow.
bool str_to_u64(Str s, uint64_t *out);

size_t str_columns(Str s);                         // characters; wide ones count as one
Str str_fit(Arena *arena, Str s, size_t columns);  // ends in "..." when something was cut off

bool str_is_utf8(Str s);  // strict: no surrogates, no overlong forms
// Bytes of the character at [at] < s.len; 0: not UTF-8 there.
size_t str_utf8_len(Str s, size_t at);
size_t str_utf8_floor(Str s, size_t at);  // the largest character border <= at, for cutting text
// For terminals and messages: control characters but newline and tab as ^X, and marks that turn the direction of
// writing as <U+202E>: a text from outside cannot move the cursor, colour what follows or read other than it is.
Str str_visible(Arena *arena, Str s);
uint64_t str_hash(Str s);  // FNV-1a, for tables; not for content identity
