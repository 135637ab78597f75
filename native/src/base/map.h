// map.h: text to number, in an arena: the index behind "which item has this name?".
//
// Keys are borrowed and must live as long as the map. Nothing is ever removed.
#pragma once

#include "base/str.h"

typedef struct {
  Str key;
  size_t value;
  bool used;
} MapSlot;

typedef struct {
  MapSlot *slots;
  size_t cap;  // a power of two, 0 while empty
  size_t len;
} Map;

// Sets [key] to [value]. False when it is there already: then the old value stays.
bool map_add(Arena *arena, Map *map, Str key, size_t value);
bool map_get(const Map *map, Str key, size_t *value);  // [value] may be NULL
