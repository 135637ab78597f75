// wire.c: from tree to message, and the choice of encoding. See wire.h.
#include "wire/wire.h"

#include "wire/msgpack.h"
#include "wire/ndjson.h"

struct WireReader {
  WireKind kind;
  union {
    MsgpackReader msgpack;
    NdjsonReader ndjson;
  };
};

WireReader *wire_reader_new(WireKind kind, size_t max_bytes)
{
  WireReader *reader = mem_alloc(sizeof(WireReader));
  reader->kind = kind;
  if (kind == WIRE_MSGPACK) {
    msgpack_reader_init(&reader->msgpack, max_bytes);
  } else {
    ndjson_reader_init(&reader->ndjson, max_bytes);
  }
  return reader;
}

void wire_reader_free(WireReader *reader)
{
  if (reader->kind == WIRE_MSGPACK) {
    msgpack_reader_deinit(&reader->msgpack);
  } else {
    ndjson_reader_deinit(&reader->ndjson);
  }
  mem_free(reader);
}

void wire_feed(WireReader *reader, Str bytes)
{
  if (reader->kind == WIRE_MSGPACK) {
    msgpack_feed(&reader->msgpack, bytes);
  } else {
    ndjson_feed(&reader->ndjson, bytes);
  }
}

WireRead wire_next(WireReader *reader, Arena *arena, Value **tree, WireBad *bad, Error *err)
{
  *tree = NULL;
  *bad = (WireBad){0};
  return reader->kind == WIRE_MSGPACK ? msgpack_next(&reader->msgpack, arena, tree, bad, err)
                                      : ndjson_next(&reader->ndjson, arena, tree, bad, err);
}

static const Value *unless_null(const Value *value)
{
  return value_is(value, VALUE_NULL) ? NULL : value;
}

// Neovim sends the arguments of a request as an array; ours is always one map. An empty Lua table
// comes as an empty array.
static bool request_params(const Value *params, Message *out, Error *err)
{
  params = unless_null(params);
  if (value_is(params, VALUE_LIST) && value_len(params) == 1)
    params = unless_null(value_first(params));
  if (value_is(params, VALUE_LIST) && value_len(params) == 0) params = NULL;
  out->params = params;
  if (!params || value_is(params, VALUE_MAP)) return true;
  return error_set(err, ERR_INVALID, "the parameters of %.*s are not one map",
                   STR_ARG(out->method));
}

static bool parse_request(const Value *tree, Message *out, WireBad *bad, Error *err)
{
  const Value *method = value_at(tree, 2);
  out->type = WIRE_REQUEST;
  out->id = bad->id = value_to_int(value_at(tree, 1), -1);
  bad->is_request = bad->id >= 0;
  if (!bad->is_request || !value_is(method, VALUE_STR)) {
    return error_set(err, ERR_PROTOCOL, "a request without a number or a method");
  }
  out->method = method->str;
  return request_params(value_at(tree, 3), out, err);
}

static bool parse_response(const Value *tree, Message *out, Error *err)
{
  out->type = WIRE_RESPONSE;
  out->id = value_to_int(value_at(tree, 1), -1);
  out->error = unless_null(value_at(tree, 2));
  out->result = unless_null(value_at(tree, 3));
  return out->id >= 0 || error_set(err, ERR_PROTOCOL, "an answer without a number");
}

static bool parse_event(const Value *tree, Message *out, Error *err)
{
  const Value *method = value_at(tree, 1);
  out->type = WIRE_EVENT;
  out->params = unless_null(value_at(tree, 2));
  if (!value_is(method, VALUE_STR))
    return error_set(err, ERR_PROTOCOL, "an event without a method");
  out->method = method->str;
  return true;
}

bool message_parse(const Value *tree, Message *out, WireBad *bad, Error *err)
{
  *out = (Message){0};
  *bad = (WireBad){0};
  int64_t type = value_is(tree, VALUE_LIST) ? value_to_int(value_first(tree), -1) : -1;
  size_t len = value_len(tree);
  if (type == WIRE_REQUEST && len == 4) return parse_request(tree, out, bad, err);
  if (type == WIRE_RESPONSE && len == 4) return parse_response(tree, out, err);
  if (type == WIRE_EVENT && len == 3) return parse_event(tree, out, err);
  return error_set(err, ERR_PROTOCOL, "a message that is no request, answer or event");
}

void wire_write_response(WireKind kind, Buf *out, int64_t id, const Value *error,
                         const Value *result)
{
  if (kind == WIRE_MSGPACK) {
    msgpack_write_response(out, id, error, result);
  } else {
    ndjson_write_response(out, id, error, result);
  }
}

void wire_write_event(WireKind kind, Buf *out, Str method, const Value *params)
{
  if (kind == WIRE_MSGPACK) {
    msgpack_write_event(out, method, params);
  } else {
    ndjson_write_event(out, method, params);
  }
}

static bool fits(const Value *value, int levels)
{
  if (!value || (value->type != VALUE_LIST && value->type != VALUE_MAP)) return true;
  if (levels == 0) return false;
  for (VALUE_EACH (item, value)) {
    if (!fits(item, levels - 1)) return false;
  }
  return true;
}

bool wire_fits(const Value *payload)
{
  return fits(payload, WIRE_MAX_PAYLOAD_DEPTH);
}
