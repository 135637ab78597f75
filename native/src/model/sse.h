// sse.h: server-sent events as a feed parser: bytes in, events out, no I/O.
//
// Life:  sse_init -> (sse_feed -> sse_next*)* -> sse_end -> sse_next* -> sse_deinit
//
// Any chunking gives the same events. The rules are those of the HTML standard: lines
// end at LF, CRLF or a lone CR; a byte order mark is dropped at the start only; comments and unknown fields
// are ignored; several data lines join with LF; an event without data is none; at the end of the input an
// event that lacks its blank line still counts.
#pragma once

#include "base/buf.h"

enum { SSE_MAX_EVENT = 16 * 1024 * 1024 };  // bytes of one line, and of one event's data

typedef struct {
  Str name;  // the event field, empty when there was none
  Str data;  // joined data lines
} SseEvent;  // valid until the next call with the same parser

typedef struct {
  Buf in;       // bytes not read yet, from `at` on
  size_t at;    // start of the line being read
  size_t scan;  // how far the search for its end has come
  Buf name, data;
  bool has_data;  // a data line was seen since the last event
  bool taken;     // name and data were handed out: clear before going on
  bool skip_lf;   // a CR ended the last line: an LF right behind it belongs to it
  bool started;   // past the place where a byte order mark may stand
  bool ended;
  bool lines;  // each line that is not blank is an event by itself (NDJSON); set after sse_init
} Sse;

void sse_init(Sse *sse, size_t max_event);  // 0 = SSE_MAX_EVENT
void sse_deinit(Sse *sse);

// False when a line or an event passed the limit: the stream is not to be trusted any more.
bool sse_feed(Sse *sse, Str bytes);
bool sse_next(Sse *sse, SseEvent *event);  // false: needs more bytes, or is over
void sse_end(Sse *sse);                    // no more bytes will come
bool sse_full(const Sse *sse);             // a limit was passed
