// wire.h: what travels between the co-process and an editor: one message model, two encodings.
//
//   [0, id, method, params]     a request; answered exactly once
//   [1, id, error, result]      its answer; error is nil or {code, message, hint}
//   [2, method, params]         an event, never answered
//
// Neovim speaks msgpack (msgpack.h), Vim one JSON text per line (ndjson.h). A reader turns bytes
// into trees, message_parse turns a tree into a Message, rpc.h joins both with a stream.
//
// Life of a reader:  wire_reader_new -> (wire_feed -> wire_next until WIRE_MORE)* ->
// wire_reader_free
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/value.h"

typedef enum { WIRE_MSGPACK, WIRE_JSON } WireKind;

// Limits of one incoming message. Trees are at most VALUE_MAX_DEPTH deep, the outer array included.
enum { WIRE_MAX_BYTES = 64 << 20, WIRE_MAX_ITEMS = 4 << 20 };

// What we send nests less, since the envelope around it counts too: Neovim 0.7 aborts at 33 levels.
enum { WIRE_MAX_PAYLOAD_DEPTH = 26 };

typedef enum { WIRE_REQUEST, WIRE_RESPONSE, WIRE_EVENT } WireType;

typedef struct {
  WireType type;
  int64_t id;           // of a request or response
  Str method;           // of a request or event
  const Value *params;  // request: one map, or NULL when none came; event: as it came
  const Value *error;   // of a response; NULL when fine
  const Value *result;
} Message;

typedef enum {
  WIRE_MORE,    // everything is read; feed more bytes
  WIRE_TREE,    // one message
  WIRE_BAD,     // a message that cannot be used; the next one can be read
  WIRE_BROKEN,  // not our protocol; nothing can be read any more
} WireRead;

// What is known of a message that came out WIRE_BAD, so that its sender still gets an answer.
typedef struct {
  bool is_request;
  int64_t id;  // of a request
} WireBad;

typedef struct WireReader WireReader;
WireReader *wire_reader_new(WireKind kind, size_t max_bytes);  // max_bytes: of one message
void wire_reader_free(WireReader *reader);
void wire_feed(WireReader *reader, Str bytes);  // copies

// The next message as a tree in [arena], which borrows nothing from the reader. [err] tells what
// WIRE_BAD and WIRE_BROKEN mean; [bad] is filled for WIRE_BAD.
WireRead wire_next(WireReader *reader, Arena *arena, Value **tree, WireBad *bad, Error *err);

// [out] borrows from [tree]. False with ERR_PROTOCOL or ERR_INVALID; is_request and id of [bad] are
// filled then as far as the tree tells.
bool message_parse(const Value *tree, Message *out, WireBad *bad, Error *err);

// Append one whole message to [out]. Payloads may be NULL (nil) and must pass wire_fits.
void wire_write_response(WireKind kind, Buf *out, int64_t id, const Value *error,
                         const Value *result);
void wire_write_event(WireKind kind, Buf *out, Str method, const Value *params);
bool wire_fits(const Value *payload);  // not deeper than WIRE_MAX_PAYLOAD_DEPTH
