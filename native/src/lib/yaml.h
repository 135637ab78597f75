// yaml.h: YAML front matter to Value, on libyaml.
#pragma once

#include "base/err.h"
#include "base/value.h"

// One document of maps, lists and scalars. Plain scalars that look like null, bool, integer or
// decimal get that type; each Value has its line, counted from [first_line]. Anchors, tags and a
// second document are refused (ERR_INVALID with the line).
Value *yaml_parse(Arena *arena, Str text, int first_line, Error *err);
