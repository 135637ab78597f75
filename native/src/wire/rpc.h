// rpc.h: a connection to an editor: requests come in, each is answered exactly once; events go out.
//
// Life of a connection:  rpc_new -> on_request*, on_event* -> on_end (once) -> rpc_free
// Life of a request:     on_request -> (any time later) rpc_reply or rpc_fail -> gone
//
// No callback comes from inside rpc_new. on_request may answer at once, answer later, start
// anything, or free the connection. A request stays valid until it is answered, also when the
// connection is freed: the answer then goes nowhere and only frees the request. Answering twice is
// a bug and asserts. Between on_end and rpc_free answers are still written, for a shell that ends
// our input and then waits.
//
// Pressure: while more than RPC_HIGH bytes wait to be written, nothing more is read.
#pragma once

#include "lib/loop.h"
#include "wire/wire.h"

typedef struct Rpc Rpc;
typedef struct RpcRequest RpcRequest;

enum { RPC_HIGH = 8 << 20 };

typedef struct {
  Loop *loop;
  WireKind kind;
  int fd_in, fd_out;   // owned from then on, except 0 to 2
  size_t max_message;  // bytes; 0 = WIRE_MAX_BYTES
  void (*on_request)(void *owner, RpcRequest *request);
  // What the editor tells unasked, e.g. "nvim_error_event". Valid during the call. May be NULL.
  void (*on_event)(void *owner, Str method, const Value *params);
  // The editor has gone (err->code is ERR_OK), or does not speak our protocol. Once.
  void (*on_end)(void *owner, const Error *err);
  void *owner;
} RpcSpec;

struct RpcRequest {
  Rpc *rpc;     // NULL once the connection is freed
  Arena arena;  // dies with the answer; use it for the answer's tree
  Str method;
  const Value *params;  // one map, or NULL when none came: read with value_get_*
  void *data;           // the handler's own
  int64_t id;           // of the peer's choosing
  bool answered;
  RpcRequest *prev, *next;  // among the open ones, or in the pool
};

Rpc *rpc_new(const RpcSpec *spec, Error *err);
void rpc_free(Rpc *rpc);  // writes out what is queued; open requests stay with their handlers

// The tree is written out before this returns; the request and its arena are gone then.
void rpc_reply(RpcRequest *request, const Value *result);  // NULL = nil
void rpc_fail(RpcRequest *request, const Error *err);

// Sends an event with [params] (may be NULL).
void rpc_event(Rpc *rpc, Str method, const Value *params);

size_t rpc_backlog(const Rpc *rpc);        // bytes not yet written
size_t rpc_open_requests(const Rpc *rpc);  // not yet answered
