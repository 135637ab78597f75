// placeholder.h: {{words in double braces}} in templates and in the tasks of an `each:`.
//
//   of the request   {{arg}} all words after @name     {{1}} ... {{9}} one of them
//                    {{2+}} {{3+}} the second (third) and all after it
//                    {{arg|one line}} with what stands in when there is none; without that it must be there
//   of the target    {{path}} src/net.c   {{dir}} src/ (empty at the root)   {{stem}} net   {{ext}} c
//                    {{base}} src/net   {{ref}} src/net.c:10-20   {{n}} its number, from 1
//                    {{range}} lines 10-20 (or: the whole file)
//
// A name that is not in the list stays as it is, for double braces are also other people's syntax; a
// backslash before the braces keeps one that is: \{{path}}.
#pragma once

#include "plan/plan.h"

typedef struct {
  Str name, value;
  bool given;  // false: the text behind '|' stands in, else nothing
} Placeholder;

enum { PLACEHOLDERS_MAX = 16 };
typedef struct {
  Placeholder items[PLACEHOLDERS_MAX];
  size_t len;
} Placeholders;

void placeholders_of_words(Arena *arena, Str words, Placeholders *out);
void placeholders_of_target(Arena *arena, const FileRef *target, size_t number, Placeholders *out);

// [text] with those of [known] filled in; the same text when there is none. In [arena].
Str placeholders_fill(Arena *arena, Str text, const Placeholders *known);

// The first of [known] that [text] needs and that was not given; empty when none is missing.
Str placeholders_missing(Str text, const Placeholders *known);

// The last step: no braces are left to fill, so the backslashes that kept some go.
Str placeholders_plain(Arena *arena, Str text);

bool placeholders_any(Str text);  // may there be one?

// Numbers in a path: "a_{01..10}.py" stands for ten paths. False when [path] has none or
// when they are more than [max]; then [*count] says how many.
bool numbers_in(Str path, size_t max, size_t *count);
Str number_path(Arena *arena, Str path, size_t index);  // the path for the index-th number, from 0
