// json_write.c: Value to JSON text.
//
// By hand, not through cJSON: its tree would double the memory, its printer knows no 64-bit
// integers, and what we write must be valid UTF-8 whatever bytes came in.
#include "lib/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_plain(unsigned char c)
{
  return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void write_special(Buf *out, unsigned char c)
{
  static const char *const names[0x20] = {
      ['\b'] = "\\b", ['\f'] = "\\f", ['\n'] = "\\n", ['\r'] = "\\r", ['\t'] = "\\t"};
  if (c == '"' || c == '\\') {
    buf_add(out, (Str){(char[]){'\\', (char)c}, 2});
  } else if (c < 0x20 && names[c]) {
    buf_add(out, str_from(names[c]));
  } else {
    buf_fmt(out, "\\u%04x", c);
  }
}

static void write_string(Buf *out, Str s)
{
  buf_add_char(out, '"');
  size_t from = 0, at = 0;  // [from, at) is fine as it is and not yet written
  for (;;) {
    while (at < s.len && is_plain((unsigned char)s.ptr[at])) at++;
    if (at == s.len) break;
    unsigned char c = (unsigned char)s.ptr[at];
    size_t len = c > 0x7f ? str_utf8_len(s, at) : 0;
    if (len) {
      at += len;
      continue;
    }
    buf_add(out, str_sub(s, from, at));
    if (c > 0x7f) {
      buf_add(out, S("\xef\xbf\xbd"));
    } else {
      write_special(out, c);
    }
    from = ++at;
  }
  buf_add(out, str_sub(s, from, at));
  buf_add_char(out, '"');
}

// The shortest of 15 to 17 digits that reads back as the same number; JSON has no infinities.
static void write_double(Buf *out, double n)
{
  if (!isfinite(n)) {
    buf_add(out, S("null"));
    return;
  }
  char text[40];
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, sizeof(text), "%.*g", digits, n);
    if (strtod(text, NULL) == n) break;
  }
  Str s = str_from(text);
  bool whole = str_find_char(s, '.') == STR_NOT_FOUND && str_find_char(s, 'e') == STR_NOT_FOUND;
  buf_add(out, s);
  if (whole) buf_add(out, S(".0"));
}

static void write_children(Buf *out, const Value *parent)
{
  bool map = parent->type == VALUE_MAP;
  buf_add_char(out, map ? '{' : '[');
  for (VALUE_EACH (item, parent)) {
    if (item != parent->first) buf_add_char(out, ',');
    if (map) {
      write_string(out, item->key);
      buf_add_char(out, ':');
    }
    json_write(out, item);
  }
  buf_add_char(out, map ? '}' : ']');
}

void json_write(Buf *out, const Value *value)
{
  switch (value ? value->type : VALUE_NULL) {
    case VALUE_NULL: buf_add(out, S("null")); break;
    case VALUE_BOOL: buf_add(out, value->boolean ? S("true") : S("false")); break;
    case VALUE_INT: buf_fmt(out, "%lld", (long long)value->integer); break;
    case VALUE_DOUBLE: write_double(out, value->number); break;
    case VALUE_STR: write_string(out, value->str); break;
    case VALUE_LIST:
    case VALUE_MAP: write_children(out, value); break;
  }
}

Str json_str(Arena *arena, const Value *value)
{
  Buf buf;
  buf_init(&buf, SIZE_MAX / 4);
  json_write(&buf, value);
  return buf_take(&buf, arena);
}
