// file_ref.h: helpers round file_ref_parse (plan.h) and the quoting that plan files use.
//
// A value that starts with a double quote is quoted: \" \\ \n \t \r inside mean what they mean in
// C, any other backslash stays (patterns are full of them).
#pragma once

#include <string.h>

#include "plan/plan.h"

size_t quoted_end(Str text);           // index of the closing quote of a text that starts with one
Str unquote(Arena *arena, Str inner);  // what is between the quotes, escapes resolved
Str quote(Arena *arena, Str text);     // with quotes

// Takes the next element off a comma-separated list of refs; commas inside quotes do not count.
bool file_refs_next(Str *rest, Str *piece);
