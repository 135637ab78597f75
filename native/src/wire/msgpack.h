// msgpack.h: the msgpack encoding of wire.h, on msgpack-c (4 and later).
#pragma once

#include "wire/wire.h"

enum { MSGPACK_LEVELS = VALUE_MAX_DEPTH };

// Finds the borders of messages in a stream of bytes, before anything is decoded: msgpack-c trusts
// the counts it reads and would reserve gigabytes for five bytes.
typedef struct {
  Buf in;                         // from the end of the last message on, and what follows
  size_t start;                   // where the present message begins in [in]
  size_t at;                      // how far it has been looked at
  size_t max;                     // bytes of one message
  bool inside;                    // a message
  uint64_t skip;                  // payload bytes of the present item still to pass
  uint64_t pending;               // items of it still to come
  uint64_t left[MSGPACK_LEVELS];  // items still to come per open container
  int depth;                      // open containers
  uint64_t items;                 // seen in this message
  uint64_t dropped;               // bytes of a bad message already let go
  int64_t head[2];  // its first two numbers inside the array, -1 unless read: type and id
  Error bad;        // why this message is of no use
  bool broken;
} MsgpackReader;

void msgpack_reader_init(MsgpackReader *reader, size_t max_bytes);
void msgpack_reader_deinit(MsgpackReader *reader);
void msgpack_feed(MsgpackReader *reader, Str bytes);
WireRead msgpack_next(MsgpackReader *reader, Arena *arena, Value **tree, WireBad *bad, Error *err);

// NULL is nil; strings go as str, whatever their bytes.
void msgpack_write(Buf *out, const Value *value);
void msgpack_write_response(Buf *out, int64_t id, const Value *error, const Value *result);

// Events reach Neovim as a call of our Lua: [2, "nvim_exec_lua", [code, [method, params]]].
void msgpack_write_event(Buf *out, Str method, const Value *params);
