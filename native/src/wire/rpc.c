// rpc.c: see rpc.h.
//
// Answered requests go to the end of a pool and are reused from its front: a handler that answers
// twice meets `answered` and the assertion, not freed memory.
#include "wire/rpc.h"

#include <assert.h>

#include "base/log.h"

enum { OUT_KEEP = 1 << 20, POOL_MIN = 32 };

typedef struct {
  RpcRequest *first, *last;
  size_t len;
} RequestList;

struct Rpc {
  RpcSpec spec;
  Stream *stream;      // owned
  WireReader *reader;  // owned
  Buf out;             // the message being written
  RequestList open;    // not yet answered; owned by their handlers
  RequestList pool;    // answered; owned
  Error end_error;     // why the connection ends by our wish
  bool ended;          // on_end was called
  bool paused;         // too much waits to be written
  bool dispatching, freed;
};

// --- requests ------------------------------------------------------------------------------------

static void list_add(RequestList *list, RpcRequest *request)
{
  request->prev = list->last;
  request->next = NULL;
  if (list->last) {
    list->last->next = request;
  } else {
    list->first = request;
  }
  list->last = request;
  list->len++;
}

static void list_remove(RequestList *list, RpcRequest *request)
{
  if (request->prev) {
    request->prev->next = request->next;
  } else {
    list->first = request->next;
  }
  if (request->next) {
    request->next->prev = request->prev;
  } else {
    list->last = request->prev;
  }
  list->len--;
}

static RpcRequest *request_new(Rpc *rpc)
{
  RpcRequest *request = rpc->pool.len > POOL_MIN ? rpc->pool.first : NULL;
  if (request) {
    list_remove(&rpc->pool, request);
  } else {
    request = mem_alloc(sizeof(RpcRequest));
  }
  *request = (RpcRequest){.rpc = rpc};
  arena_init(&request->arena);
  list_add(&rpc->open, request);
  return request;
}

static void request_close(RpcRequest *request)
{
  Rpc *rpc = request->rpc;
  request->answered = true;
  arena_deinit(&request->arena);
  if (rpc) {
    list_remove(&rpc->open, request);
    list_add(&rpc->pool, request);
  } else {
    mem_free(request);
  }
}

// --- writing -------------------------------------------------------------------------------------

static void pause_if_full(Rpc *rpc)
{
  if (rpc->paused || stream_pending(rpc->stream) <= RPC_HIGH) return;
  rpc->paused = true;
  stream_read(rpc->stream, false);
}

// Hands the message in rpc->out to the stream. False when it did not fit.
static bool send_out(Rpc *rpc)
{
  bool whole = !rpc->out.full;
  if (whole) stream_write(rpc->stream, buf_str(&rpc->out));
  if (rpc->out.cap > OUT_KEEP) buf_deinit(&rpc->out);
  buf_clear(&rpc->out);
  pause_if_full(rpc);
  return whole;
}

// {code, message, hint}, as it goes over the wire.
static Value *error_value(Arena *arena, const Error *err)
{
  Value *map = value_map(arena);
  value_put_str(arena, map, S("code"), str_from(err_name(err->code)));
  value_put_str(arena, map, S("message"), str_dup(arena, str_from(err->message)));
  value_put_str(arena, map, S("hint"), str_dup(arena, str_from(error_hint(err))));
  return map;
}

static void send_error(Rpc *rpc, int64_t id, const Error *err)
{
  Arena scratch;
  arena_init(&scratch);
  wire_write_response(rpc->spec.kind, &rpc->out, id, error_value(&scratch, err), NULL);
  send_out(rpc);
  arena_deinit(&scratch);
}

static bool can_send(const Rpc *rpc)
{
  return rpc && !rpc->freed && !rpc->end_error.code;
}

void rpc_reply(RpcRequest *request, const Value *result)
{
  assert(!request->answered);
  Rpc *rpc = request->rpc;
  if (can_send(rpc)) {
    Error err = {0};
    if (wire_fits(result)) {
      wire_write_response(rpc->spec.kind, &rpc->out, request->id, NULL, result);
      if (!send_out(rpc))
        error_set(&err, ERR_TOO_BIG, "the answer to %.*s is too large", STR_ARG(request->method));
    } else {
      error_set(&err, ERR_FAILED, "the answer to %.*s nests too deep", STR_ARG(request->method));
    }
    if (err.code) send_error(rpc, request->id, &err);
  }
  request_close(request);
}

void rpc_fail(RpcRequest *request, const Error *err)
{
  assert(!request->answered);
  if (can_send(request->rpc)) send_error(request->rpc, request->id, err);
  request_close(request);
}

void rpc_event(Rpc *rpc, Str method, const Value *params)
{
  if (!can_send(rpc)) return;
  if (!wire_fits(params)) {
    log_error("rpc: event %.*s nests too deep, not sent", STR_ARG(method));
    return;
  }
  wire_write_event(rpc->spec.kind, &rpc->out, method, params);
  if (!send_out(rpc)) log_error("rpc: event %.*s is too large, not sent", STR_ARG(method));
}

size_t rpc_backlog(const Rpc *rpc)
{
  return stream_pending(rpc->stream);
}

size_t rpc_open_requests(const Rpc *rpc)
{
  return rpc->open.len;
}

// --- reading -------------------------------------------------------------------------------------

// A message of no use: whoever asked is told, else an event tells.
static void report_bad(Rpc *rpc, const WireBad *bad, const Error *err)
{
  log_warn("rpc: %s", err->message);
  if (!can_send(rpc)) return;
  if (bad->is_request) {
    send_error(rpc, bad->id, err);
    return;
  }
  Arena scratch;
  arena_init(&scratch);
  Value *params = error_value(&scratch, err);
  value_put_str(&scratch, params, S("kind"), S("error"));
  rpc_event(rpc, S("event"), params);
  arena_deinit(&scratch);
}

static void dispatch_message(Rpc *rpc, RpcRequest *request, const Message *message)
{
  if (message->type == WIRE_REQUEST) {
    request->method = message->method;
    request->params = message->params;
    request->id = message->id;
    rpc->spec.on_request(rpc->spec.owner, request);
    return;
  }
  if (message->type == WIRE_EVENT && rpc->spec.on_event) {
    rpc->spec.on_event(rpc->spec.owner, message->method, message->params);
  }
  request_close(request);  // nothing to answer; an answer to us is dropped, we ask nothing
}

// One message, if it is here. False: no more for now.
static bool read_one(Rpc *rpc)
{
  RpcRequest *request = request_new(rpc);
  Error err = {0};
  WireBad bad;
  Value *tree;
  Message message;
  WireRead got = wire_next(rpc->reader, &request->arena, &tree, &bad, &err);
  if (got == WIRE_TREE && message_parse(tree, &message, &bad, &err)) {
    dispatch_message(rpc, request, &message);
    return true;
  }
  request_close(request);
  if (got == WIRE_MORE) return false;
  if (got == WIRE_BROKEN) {
    rpc->end_error = err;
    return false;
  }
  report_bad(rpc, &bad, &err);
  return true;
}

static void rpc_end(Rpc *rpc)
{
  if (rpc->ended) return;
  rpc->ended = true;
  stream_read(rpc->stream, false);
  rpc->spec.on_end(rpc->spec.owner, &rpc->end_error);
}

static void rpc_destroy(Rpc *rpc)
{
  for (RpcRequest *request = rpc->open.first; request; request = request->next) request->rpc = NULL;
  while (rpc->pool.first) {
    RpcRequest *request = rpc->pool.first;
    list_remove(&rpc->pool, request);
    mem_free(request);
  }
  stream_close(rpc->stream);
  wire_reader_free(rpc->reader);
  buf_deinit(&rpc->out);
  mem_free(rpc);
}

// Dispatches what is here. Stops while too much waits to be written; on_drained goes on.
static void read_all(Rpc *rpc)
{
  rpc->dispatching = true;
  while (!rpc->freed && !rpc->ended && !rpc->paused && read_one(rpc)) {
  }
  rpc->dispatching = false;
  if (rpc->freed) {
    rpc_destroy(rpc);
  } else if (rpc->end_error.code) {
    rpc_end(rpc);
  }
}

static void on_bytes(void *owner, Str bytes)
{
  Rpc *rpc = owner;
  wire_feed(rpc->reader, bytes);
  read_all(rpc);
}

static void on_stream_end(void *owner)
{
  rpc_end(owner);
}

static void on_drained(void *owner)
{
  Rpc *rpc = owner;
  if (!rpc->paused || rpc->dispatching) return;
  rpc->paused = false;
  stream_read(rpc->stream, true);
  read_all(rpc);
}

// --- life ----------------------------------------------------------------------------------------

Rpc *rpc_new(const RpcSpec *spec, Error *err)
{
  Rpc *rpc = mem_alloc(sizeof(Rpc));
  rpc->spec = *spec;
  rpc->stream = stream_new((StreamSpec){.loop = spec->loop,
                                        .fd_in = spec->fd_in,
                                        .fd_out = spec->fd_out,
                                        .on_bytes = on_bytes,
                                        .on_end = on_stream_end,
                                        .on_drained = on_drained,
                                        .owner = rpc},
                           err);
  if (!rpc->stream) {
    mem_free(rpc);
    return NULL;
  }
  rpc->reader = wire_reader_new(spec->kind, spec->max_message ? spec->max_message : WIRE_MAX_BYTES);
  buf_init(&rpc->out, WIRE_MAX_BYTES);
  return rpc;
}

void rpc_free(Rpc *rpc)
{
  rpc->freed = true;
  if (!rpc->dispatching) rpc_destroy(rpc);
}
