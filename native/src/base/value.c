// value.c: see value.h.
#include "base/value.h"

#include <math.h>

static Value *value_new(Arena *arena, ValueType type)
{
  Value *value = NEW(arena, Value);
  value->type = type;
  return value;
}

Value *value_null(Arena *arena)
{
  return value_new(arena, VALUE_NULL);
}

Value *value_bool(Arena *arena, bool b)
{
  Value *value = value_new(arena, VALUE_BOOL);
  value->boolean = b;
  return value;
}

Value *value_int(Arena *arena, int64_t n)
{
  Value *value = value_new(arena, VALUE_INT);
  value->integer = n;
  return value;
}

Value *value_double(Arena *arena, double n)
{
  Value *value = value_new(arena, VALUE_DOUBLE);
  value->number = n;
  return value;
}

Value *value_str(Arena *arena, Str s)
{
  Value *value = value_new(arena, VALUE_STR);
  value->str = s;
  return value;
}

Value *value_list(Arena *arena)
{
  return value_new(arena, VALUE_LIST);
}

Value *value_map(Arena *arena)
{
  return value_new(arena, VALUE_MAP);
}

Value *value_push(Value *list, Value *item)
{
  if (list->last) {
    list->last->next = item;
  } else {
    list->first = item;
  }
  list->last = item;
  list->len++;
  return item;
}

Value *value_set(Value *map, Str key, Value *item)
{
  item->key = key;
  return value_push(map, item);
}

void value_put_str(Arena *arena, Value *map, Str key, Str s)
{
  value_set(map, key, value_str(arena, s));
}

void value_put_int(Arena *arena, Value *map, Str key, int64_t n)
{
  value_set(map, key, value_int(arena, n));
}

void value_put_bool(Arena *arena, Value *map, Str key, bool b)
{
  value_set(map, key, value_bool(arena, b));
}

static bool has_children(const Value *value)
{
  return value && (value->type == VALUE_LIST || value->type == VALUE_MAP);
}

Value *value_dup(Arena *arena, const Value *value)
{
  if (!value) return NULL;
  Value *copy = value_new(arena, value->type);
  copy->line = value->line;
  if (has_children(value)) {
    for (VALUE_EACH (item, value))
      value_set(copy, str_dup(arena, item->key), value_dup(arena, item));
  } else if (value->type == VALUE_STR) {
    copy->str = str_dup(arena, value->str);
  } else if (value->type == VALUE_BOOL) {
    copy->boolean = value->boolean;
  } else if (value->type == VALUE_DOUBLE) {
    copy->number = value->number;
  } else {
    copy->integer = value->integer;
  }
  return copy;
}

bool value_is(const Value *value, ValueType type)
{
  return value && value->type == type;
}

const Value *value_first(const Value *parent)
{
  return has_children(parent) ? parent->first : NULL;
}

const Value *value_get(const Value *map, Str key)
{
  const Value *found = NULL;
  if (!value_is(map, VALUE_MAP)) return NULL;
  for (VALUE_EACH (item, map)) {
    if (str_eq(item->key, key)) found = item;
  }
  return found;
}

const Value *value_at(const Value *list, size_t index)
{
  const Value *item = value_first(list);
  while (item && index--) item = item->next;
  return item;
}

size_t value_len(const Value *value)
{
  return has_children(value) ? value->len : 0;
}

Str value_to_str(const Value *value, Str fallback)
{
  return value_is(value, VALUE_STR) ? value->str : fallback;
}

int64_t value_to_int(const Value *value, int64_t fallback)
{
  if (value_is(value, VALUE_INT)) return value->integer;
  if (!value_is(value, VALUE_DOUBLE) || !(fabs(value->number) < 9.0e15)) return fallback;
  return value->number == trunc(value->number) ? (int64_t)value->number : fallback;
}

double value_to_double(const Value *value, double fallback)
{
  if (value_is(value, VALUE_DOUBLE)) return value->number;
  return value_is(value, VALUE_INT) ? (double)value->integer : fallback;
}

bool value_to_bool(const Value *value, bool fallback)
{
  return value_is(value, VALUE_BOOL) ? value->boolean : fallback;
}

Str value_get_str(const Value *map, Str key, Str fallback)
{
  return value_to_str(value_get(map, key), fallback);
}

int64_t value_get_int(const Value *map, Str key, int64_t fallback)
{
  return value_to_int(value_get(map, key), fallback);
}

double value_get_double(const Value *map, Str key, double fallback)
{
  return value_to_double(value_get(map, key), fallback);
}

bool value_get_bool(const Value *map, Str key, bool fallback)
{
  return value_to_bool(value_get(map, key), fallback);
}
