// buf.h: a growing byte buffer with a hard limit.
//
// Life of a buffer:  buf_init(max) -> buf_add* -> buf_str ... -> buf_deinit   (or buf_take)
//
// Everything that the outside fills (replies, pipes, files) goes through a Buf, so that nothing outside
// can make us grow without bound. Past [max] an addition is dropped whole, `full` is set and stays set.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

typedef struct {
  char *ptr;   // owned, heap
  size_t len;  // bytes used
  size_t cap;  // bytes allocated
  size_t max;  // hard limit in bytes
  bool full;   // an addition was dropped
} Buf;

void buf_init(Buf *buf, size_t max);
void buf_deinit(Buf *buf);
void buf_clear(Buf *buf);  // keeps the memory; resets `full`

bool buf_add(Buf *buf, Str s);  // false when it did not fit
bool buf_add_char(Buf *buf, char c);
bool buf_fmt(Buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_drop_front(Buf *buf, size_t n);  // forgets the first n bytes

Str buf_str(const Buf *buf);           // valid until the next change
Str buf_take(Buf *buf, Arena *arena);  // copies the text into [arena] and empties the buffer
