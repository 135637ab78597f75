// value.h: one tree for every structured message: JSON, msgpack, YAML, configuration, tool arguments.
//
// A tree lives in one arena. Readers never fail: a missing key, a wrong type or a NULL value reads as the
// given default, so that text from outside can be read without a test at every step; value_is tells when
// the difference matters. Maps keep their order; a key that is there twice reads as the last one.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

typedef enum {
  VALUE_NULL,
  VALUE_BOOL,
  VALUE_INT,
  VALUE_DOUBLE,
  VALUE_STR,
  VALUE_LIST,
  VALUE_MAP,
} ValueType;

enum { VALUE_MAX_DEPTH = 30 };  // decoders refuse deeper trees: Neovim 0.7 aborts at 33

typedef struct Value Value;

struct Value {
  ValueType type;
  Str key;      // when the parent is a map
  Value *next;  // next sibling inside a list or map
  int line;     // 1-based source line where the format has one (YAML), else 0
  union {
    bool boolean;
    int64_t integer;
    double number;
    Str str;
    struct {
      Value *first, *last;
      size_t len;  // children
    };
  };
};

Value *value_null(Arena *arena);
Value *value_bool(Arena *arena, bool b);
Value *value_int(Arena *arena, int64_t n);
Value *value_double(Arena *arena, double n);
Value *value_str(Arena *arena, Str s);  // borrows s: it must live as long as the arena
Value *value_list(Arena *arena);
Value *value_map(Arena *arena);

Value *value_push(Value *list, Value *item);         // returns item
Value *value_set(Value *map, Str key, Value *item);  // appends (key borrowed); returns item
void value_put_str(Arena *arena, Value *map, Str key, Str s);
void value_put_int(Arena *arena, Value *map, Str key, int64_t n);
void value_put_bool(Arena *arena, Value *map, Str key, bool b);
Value *value_dup(Arena *arena, const Value *value);  // deep copy, strings too

bool value_is(const Value *value, ValueType type);  // false for NULL
const Value *value_get(const Value *map, Str key);  // NULL when absent or not a map
const Value *value_at(const Value *list, size_t index);
size_t value_len(const Value *value);  // children of a list or map, else 0

Str value_to_str(const Value *value, Str fallback);
int64_t value_to_int(const Value *value, int64_t fallback);   // a whole double counts
double value_to_double(const Value *value, double fallback);  // an integer counts
bool value_to_bool(const Value *value, bool fallback);

// The same by key.
Str value_get_str(const Value *map, Str key, Str fallback);
int64_t value_get_int(const Value *map, Str key, int64_t fallback);
double value_get_double(const Value *map, Str key, double fallback);
bool value_get_bool(const Value *map, Str key, bool fallback);

// for (VALUE_EACH(item, list)) ...
#define VALUE_EACH(item, parent)           \
  const Value *item = value_first(parent); \
  item;                                    \
  item = item->next
const Value *value_first(const Value *parent);
