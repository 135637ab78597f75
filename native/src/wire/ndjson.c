// ndjson.c: see ndjson.h. Lines are found here, JSON is read and written by lib/json.
#include "wire/ndjson.h"

#include <inttypes.h>
#include <string.h>

#include "lib/json.h"

void ndjson_reader_init(NdjsonReader *reader, size_t max_bytes)
{
  *reader = (NdjsonReader){.max = max_bytes};
  buf_init(&reader->in, SIZE_MAX / 2);  // bounded by max: a longer line is let go piece by piece
}

void ndjson_reader_deinit(NdjsonReader *reader)
{
  buf_deinit(&reader->in);
}

void ndjson_feed(NdjsonReader *reader, Str bytes)
{
  buf_drop_front(&reader->in, reader->start);
  reader->at -= reader->start;
  reader->start = 0;
  buf_add(&reader->in, bytes);
}

// A line that cannot be used may still tell whom to answer: it begins with [0, id.
static WireBad read_head(Str line)
{
  WireBad bad = {0};
  char digits[24] = {0};
  size_t at = 0, len = 0;
  for (const char *want = "[0,"; *want; want++, at++) {
    while (at < line.len && line.ptr[at] == ' ') at++;
    if (at >= line.len || line.ptr[at] != *want) return bad;
  }
  while (at < line.len && line.ptr[at] == ' ') at++;
  while (at < line.len && len < 18 && line.ptr[at] >= '0' && line.ptr[at] <= '9')
    digits[len++] = line.ptr[at++];
  uint64_t id = 0;
  bad.is_request = at < line.len && (line.ptr[at] == ',' || line.ptr[at] == ' ') &&
                   str_to_u64(str_from(digits), &id);
  bad.id = (int64_t)id;
  return bad;
}

static void drop_long_line(NdjsonReader *reader)
{
  if (!reader->too_long) {
    reader->too_long = true;
    reader->head_len = NDJSON_HEAD;
    if (reader->at - reader->start < NDJSON_HEAD) reader->head_len = reader->at - reader->start;
    memcpy(reader->head, reader->in.ptr + reader->start, reader->head_len);
  }
  reader->start = reader->at;
}

// Finds the end of the present line, once per byte. False when it is not here yet.
static bool find_line(NdjsonReader *reader, Str *line)
{
  Str rest = str_skip(buf_str(&reader->in), reader->at);
  size_t end = str_find_char(rest, '\n');
  reader->at += end == STR_NOT_FOUND ? rest.len : end;
  if (reader->at - reader->start > reader->max) drop_long_line(reader);
  if (end == STR_NOT_FOUND) return false;
  *line = (Str){reader->in.ptr + reader->start, reader->at - reader->start};
  reader->start = ++reader->at;
  return true;
}

static WireRead long_line(NdjsonReader *reader, WireBad *bad, Error *err)
{
  reader->too_long = false;
  *bad = read_head((Str){reader->head, reader->head_len});
  error_set(err, ERR_TOO_BIG, "a message larger than %zu bytes", reader->max);
  return WIRE_BAD;
}

WireRead ndjson_next(NdjsonReader *reader, Arena *arena, Value **tree, WireBad *bad, Error *err)
{
  Str line;
  while (find_line(reader, &line)) {
    if (reader->too_long) return long_line(reader, bad, err);
    line = str_trim(line);
    if (line.len == 0) continue;
    *tree = json_parse(arena, line, err);
    if (*tree) return WIRE_TREE;
    *bad = read_head(line);
    return WIRE_BAD;
  }
  return WIRE_MORE;
}

// NULL is null.
static void write_value(Buf *out, const Value *value)
{
  if (value) {
    json_write(out, value);
  } else {
    buf_add(out, S("null"));
  }
}

static void write_str(Buf *out, Str s)
{
  Value value = {.type = VALUE_STR, .str = s};
  json_write(out, &value);
}

void ndjson_write_response(Buf *out, int64_t id, const Value *error, const Value *result)
{
  buf_fmt(out, "[%d,%" PRId64 ",", WIRE_RESPONSE, id);
  write_value(out, error);
  buf_add_char(out, ',');
  write_value(out, result);
  buf_add(out, S("]\n"));
}

void ndjson_write_event(Buf *out, Str method, const Value *params)
{
  buf_fmt(out, "[%d,", WIRE_EVENT);
  write_str(out, method);
  buf_add_char(out, ',');
  write_value(out, params);
  buf_add(out, S("]\n"));
}
