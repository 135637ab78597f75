// ndjson.h: the JSON encoding of wire.h: one text per line, no line break inside. Vim's `nl`
// channels.
#pragma once

#include "wire/wire.h"

enum { NDJSON_HEAD = 64 };

typedef struct {
  Buf in;                  // from the end of the last line on
  size_t start;            // where the present line begins in [in]
  size_t at;               // how far it has been searched for its end
  size_t max;              // bytes of one line
  bool too_long;           // the present line is dropped until its end
  char head[NDJSON_HEAD];  // its beginning, which may tell the id
  size_t head_len;
} NdjsonReader;

void ndjson_reader_init(NdjsonReader *reader, size_t max_bytes);
void ndjson_reader_deinit(NdjsonReader *reader);
void ndjson_feed(NdjsonReader *reader, Str bytes);
WireRead ndjson_next(NdjsonReader *reader, Arena *arena, Value **tree, WireBad *bad, Error *err);

void ndjson_write_response(Buf *out, int64_t id, const Value *error, const Value *result);
void ndjson_write_event(Buf *out, Str method, const Value *params);
