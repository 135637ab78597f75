// text.c: see text.h.
#include "patch/text.h"

#include <string.h>

Text text_split(Arena *arena, Str bytes)
{
  size_t lines = str_count_lines(bytes);
  Text text = {.bytes = bytes, .items = arena_alloc_raw(arena, lines * sizeof(Line)), .cap = lines};
  if (bytes.len == 0) return text;
  for (const char *at = bytes.ptr, *end = bytes.ptr + bytes.len; at < end;) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    const char *stop = newline ? newline : end;
    size_t len = (size_t)(stop - at);
    bool crlf = newline && len > 0 && stop[-1] == '\r';
    text.items[text.len++] = (Line){{at, len - crlf}, {stop - crlf, newline ? 1u + crlf : 0u}};
    at = newline ? newline + 1 : end;
  }
  return text;
}

Str text_join(Arena *arena, const Text *text)
{
  size_t len = 0, at = 0;
  for (size_t i = 0; i < text->len; i++) len += text->items[i].text.len + text->items[i].eol.len;
  char *out = arena_alloc(arena, len + 1);
  for (size_t i = 0; i < text->len; i++) {
    const Line *line = &text->items[i];
    if (line->text.len) memcpy(out + at, line->text.ptr, line->text.len);
    at += line->text.len;
    if (line->eol.len) memcpy(out + at, line->eol.ptr, line->eol.len);
    at += line->eol.len;
  }
  return (Str){out, len};
}

bool range_is_whole(Range range)
{
  return range.first == 0 && range.last == 0;
}

Str text_range(const Text *text, Range range)
{
  if (range_is_whole(range)) return text->bytes;
  size_t first = range.first ? range.first : 1;
  size_t last = range.last < text->len ? range.last : text->len;
  if (first > last) return STR_NONE;
  const char *from = text->items[first - 1].text.ptr;
  const Line *end = &text->items[last - 1];
  return (Str){from, (size_t)(end->eol.ptr + end->eol.len - from)};
}

Str text_eol_for(const Text *text, size_t at, size_t old_len, size_t index)
{
  size_t near[3] = {at + (index < old_len ? index : (old_len ? old_len - 1 : 0)), at - 1,
                    at + old_len};
  bool use[3] = {old_len > 0, at > 0, at + old_len < text->len};
  for (size_t i = 0; i < 3; i++) {
    if (use[i] && text->items[near[i]].eol.len) return text->items[near[i]].eol;
  }
  return text->len && text->items[0].eol.len ? text->items[0].eol : S("\n");
}
