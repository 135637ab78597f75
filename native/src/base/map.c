// map.c: see map.h. Open addressing, at most half full.
#include "base/map.h"

static MapSlot *find(const Map *map, Str key)
{
  size_t at = (size_t)str_hash(key) & (map->cap - 1);
  while (map->slots[at].used && !str_eq(map->slots[at].key, key)) at = (at + 1) & (map->cap - 1);
  return &map->slots[at];
}

static void grow(Arena *arena, Map *map)
{
  Map larger = {.cap = map->cap ? map->cap * 2 : 16, .len = map->len};
  larger.slots = NEW_N(arena, MapSlot, larger.cap);
  for (size_t i = 0; i < map->cap; i++) {
    if (map->slots[i].used) *find(&larger, map->slots[i].key) = map->slots[i];
  }
  *map = larger;
}

bool map_add(Arena *arena, Map *map, Str key, size_t value)
{
  if (map->len * 2 >= map->cap) grow(arena, map);
  MapSlot *slot = find(map, key);
  if (slot->used) return false;
  *slot = (MapSlot){.key = key, .value = value, .used = true};
  map->len++;
  return true;
}

bool map_get(const Map *map, Str key, size_t *value)
{
  if (map->cap == 0) return false;
  const MapSlot *slot = find(map, key);
  if (slot->used && value) *value = slot->value;
  return slot->used;
}
