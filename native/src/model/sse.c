// sse.c: see sse.h. sse_next pulls one line after the other until a blank one completes an event; what is
// not a whole line stays in the buffer, so the caller's chunks never matter.
#include "model/sse.h"

void sse_init(Sse *sse, size_t max_event)
{
  size_t max = max_event ? max_event : SSE_MAX_EVENT;
  *sse = (Sse){0};
  buf_init(&sse->in, max + 64 * 1024);  // a line, and the chunk it came with
  buf_init(&sse->name, 256);
  buf_init(&sse->data, max);
}

void sse_deinit(Sse *sse)
{
  buf_deinit(&sse->in);
  buf_deinit(&sse->name);
  buf_deinit(&sse->data);
}

bool sse_full(const Sse *sse)
{
  return sse->in.full || sse->data.full;
}

bool sse_feed(Sse *sse, Str bytes)
{
  if (sse->at) {
    buf_drop_front(&sse->in, sse->at);
    sse->scan -= sse->at;
    sse->at = 0;
  }
  return buf_add(&sse->in, bytes) && !sse_full(sse);
}

void sse_end(Sse *sse)
{
  sse->ended = true;
}

// Skips what may stand before a line: the mark at the start, the LF of a CRLF. False: cannot tell yet.
static bool line_begin(Sse *sse)
{
  Str left = str_skip(buf_str(&sse->in), sse->at);
  if (!sse->started) {
    Str mark = S("\xef\xbb\xbf");
    if (left.len < mark.len && str_starts(mark, left) && !sse->ended) return false;
    sse->started = true;
    if (str_starts(left, mark)) sse->at += mark.len;
  } else if (sse->skip_lf && left.len) {
    sse->skip_lf = false;
    if (left.ptr[0] == '\n') sse->at++;
  }
  if (sse->scan < sse->at) sse->scan = sse->at;
  return true;
}

// Takes the next whole line, without its end. At the end of the input the rest is a line too.
static bool line_take(Sse *sse, Str *line)
{
  if (!line_begin(sse)) return false;
  Str all = buf_str(&sse->in);
  size_t end = sse->scan;
  while (end < all.len && all.ptr[end] != '\n' && all.ptr[end] != '\r') end++;
  sse->scan = end;
  bool whole = end < all.len;
  if (!whole && (!sse->ended || end == sse->at)) return false;
  *line = str_sub(all, sse->at, end);
  sse->skip_lf = whole && all.ptr[end] == '\r';
  sse->at = sse->scan = end + whole;
  return true;
}

static void field_read(Sse *sse, Str line)
{
  size_t colon = str_find_char(line, ':');
  Str field = str_sub(line, 0, colon == STR_NOT_FOUND ? line.len : colon);
  Str value = colon == STR_NOT_FOUND ? STR_NONE : str_skip(line, colon + 1);
  if (str_starts(value, S(" "))) value = str_skip(value, 1);
  if (str_eq(field, S("event"))) {
    buf_clear(&sse->name);
    buf_add(&sse->name, value);
  } else if (str_eq(field, S("data"))) {
    if (sse->has_data) buf_add_char(&sse->data, '\n');
    sse->has_data = true;
    buf_add(&sse->data, value);
  }
}

static void event_clear(Sse *sse)
{
  buf_clear(&sse->name);
  if (!sse->data.full) buf_clear(&sse->data);
  sse->has_data = sse->taken = false;
}

static bool event_give(Sse *sse, SseEvent *event)
{
  sse->taken = true;
  *event = (SseEvent){buf_str(&sse->name), buf_str(&sse->data)};
  return true;
}

bool sse_next(Sse *sse, SseEvent *event)
{
  if (sse->taken) event_clear(sse);
  for (Str line; !sse_full(sse) && line_take(sse, &line);) {
    if (sse->lines) {
      if (str_trim(line).len == 0) continue;
      buf_add(&sse->data, line);
      return !sse_full(sse) && event_give(sse, event);
    }
    if (line.len) {
      field_read(sse, line);
    } else if (sse->has_data) {
      return event_give(sse, event);
    } else {
      event_clear(sse);
    }
  }
  return sse->ended && sse->has_data && !sse_full(sse) && event_give(sse, event);
}
