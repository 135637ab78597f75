// json.h: JSON text to Value and back, on cJSON.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/value.h"

// NULL with ERR_INVALID (line and column) when [text] is not one JSON value within VALUE_MAX_DEPTH.
// Integers beyond 2^53 come as doubles.
Value *json_parse(Arena *arena, Str text, Error *err);

void json_write(Buf *out, const Value *value);   // compact, one line, invalid UTF-8 as U+FFFD
Str json_str(Arena *arena, const Value *value);  // compact
