// buf.c: see buf.h.
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void buf_init(Buf *buf, size_t max)
{
  *buf = (Buf){.max = max};
}

void buf_deinit(Buf *buf)
{
  mem_free(buf->ptr);
  *buf = (Buf){.max = buf->max};
}

void buf_clear(Buf *buf)
{
  buf->len = 0;
  buf->full = false;
}

// Room for [more] bytes behind len; false when that would pass the limit.
static bool buf_reserve(Buf *buf, size_t more)
{
  if (more > buf->max || buf->len > buf->max - more) {
    buf->full = true;
    return false;
  }
  size_t need = buf->len + more;
  if (need <= buf->cap) return true;
  size_t cap = buf->cap ? buf->cap * 2 : 256;
  if (cap < need) cap = need;
  if (cap > buf->max) cap = buf->max;
  buf->ptr = mem_realloc(buf->ptr, cap);
  buf->cap = cap;
  return true;
}

bool buf_add(Buf *buf, Str s)
{
  if (!buf_reserve(buf, s.len)) return false;
  if (s.len) memcpy(buf->ptr + buf->len, s.ptr, s.len);
  buf->len += s.len;
  return true;
}

bool buf_add_char(Buf *buf, char c)
{
  return buf_add(buf, (Str){&c, 1});
}

bool buf_fmt(Buf *buf, const char *format, ...)
{
  char small[256];
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int len = vsnprintf(small, sizeof(small), format, args);
  va_end(args);
  bool ok = false;
  if (len >= 0 && (size_t)len < sizeof(small)) {
    ok = buf_add(buf, (Str){small, (size_t)len});
  } else if (len >= 0) {
    char *large = mem_alloc((size_t)len + 1);
    vsnprintf(large, (size_t)len + 1, format, again);
    ok = buf_add(buf, (Str){large, (size_t)len});
    mem_free(large);
  }
  va_end(again);
  return ok;
}

void buf_drop_front(Buf *buf, size_t n)
{
  if (n > buf->len) n = buf->len;
  buf->len -= n;
  if (buf->len && n) memmove(buf->ptr, buf->ptr + n, buf->len);
}

Str buf_str(const Buf *buf)
{
  return (Str){buf->ptr, buf->len};
}

Str buf_take(Buf *buf, Arena *arena)
{
  Str out = str_dup(arena, buf_str(buf));
  size_t max = buf->max;
  buf_deinit(buf);
  buf_init(buf, max);
  return out;
}
