// loose_json.h: JSON as models write it.
#pragma once

#include "base/value.h"

// [text] as one JSON value. What strict JSON refuses but can only mean one thing is read all the same: a fence
// around it, comments, commas before a closing bracket, raw line breaks inside strings, True/False/None.
// NULL when it is still none; a value that was cut off stays broken, for nobody knows what is missing.
const Value *json_parse_loose(Arena *arena, Str text);

// The length of the object or list that begins at the start of [text], strings minded; 0 = it does not end.
size_t json_span(Str text);
