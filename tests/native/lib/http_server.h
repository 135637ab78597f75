// http_server.h: a tiny scripted HTTP server on the test's own loop. The path of a request picks a
// script: a list of steps, each after a pause. A connection then waits for the next request.
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "lib/loop.h"

typedef enum { STEP_SEND, STEP_ECHO, STEP_CLOSE, STEP_RESET, STEP_FLOOD, STEP_END } StepKind;

typedef struct {
  StepKind kind;
  uint64_t after_ms;
  const char *text;
  size_t len;  // 0 = strlen
} Step;

typedef struct {
  const char *path;   // up to '?'
  const Step *steps;  // ends with STEP_END
} Script;

typedef struct Conn Conn;
typedef struct {
  uv_tcp_t uv;
  Loop *loop;
  const Script *scripts;  // ends with path NULL: what unknown paths get
  int port, connections, requests, open;
  uint64_t slow_ms;  // pause after each piece read
  Conn *first;
} Server;

struct Conn {
  uv_tcp_t uv;
  Timer timer;
  Server *server;
  Conn *next;
  Buf in;
  const Step *step;  // NULL while waiting for a request
  int handles;
  bool closing;
  char bytes[65536];
};

static void conn_play(Conn *conn);
static void conn_next_request(Conn *conn);

static void conn_handle_closed(void *owner)
{
  Conn *conn = owner;
  if (--conn->handles) return;
  for (Conn **at = &conn->server->first; *at; at = &(*at)->next) {
    if (*at != conn) continue;
    *at = conn->next;
    break;
  }
  conn->server->open--;
  buf_deinit(&conn->in);
  free(conn);
}

static void conn_uv_closed(uv_handle_t *uv)
{
  conn_handle_closed(uv->data);
}

static void conn_close(Conn *conn, bool reset)
{
  if (conn->closing) return;
  conn->closing = true;
  timer_close(&conn->timer, conn_handle_closed);
  if (!reset || uv_tcp_close_reset(&conn->uv, conn_uv_closed))
    uv_close((uv_handle_t *)&conn->uv, conn_uv_closed);
}

static void conn_written(uv_write_t *req, int status)
{
  (void)status;
  free(req);
}

static void conn_send(Conn *conn, Str s)
{
  uv_write_t *req = malloc(sizeof(*req) + s.len);
  memcpy(req + 1, s.ptr, s.len);
  uv_buf_t buf = uv_buf_init((char *)(req + 1), (unsigned)s.len);
  if (uv_write(req, (uv_stream_t *)&conn->uv, &buf, 1, conn_written)) free(req);
}

// Answers with the request as it came, as a body.
static void conn_echo(Conn *conn)
{
  Buf out;
  buf_init(&out, 64 << 20);
  buf_fmt(&out, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", conn->in.len);
  buf_add(&out, buf_str(&conn->in));
  conn_send(conn, buf_str(&out));
  buf_deinit(&out);
}

static void conn_alloc(uv_handle_t *uv, size_t suggested, uv_buf_t *buf)
{
  (void)suggested;
  *buf = uv_buf_init(((Conn *)uv->data)->bytes, sizeof(((Conn *)uv->data)->bytes));
}

static void conn_read(uv_stream_t *uv, ssize_t n, const uv_buf_t *buf);

static void conn_run_step(void *owner)
{
  Conn *conn = owner;
  if (!conn->step) {  // the pause of a slow reader
    uv_read_start((uv_stream_t *)&conn->uv, conn_alloc, conn_read);
    return;
  }
  const Step *step = conn->step++;
  static char flood[32768];
  switch (step->kind) {
    case STEP_SEND:
      conn_send(conn, (Str){step->text, step->len ? step->len : strlen(step->text)});
      break;
    case STEP_ECHO: conn_echo(conn); break;
    case STEP_FLOOD:
      conn->step--;
      if (uv_stream_get_write_queue_size((uv_stream_t *)&conn->uv) == 0)
        conn_send(conn, (Str){flood, sizeof(flood)});
      timer_start(&conn->timer, 1, 0);
      return;
    case STEP_CLOSE:
    case STEP_RESET: conn_close(conn, step->kind == STEP_RESET); return;
    case STEP_END: break;
  }
  conn_play(conn);
}

static void conn_play(Conn *conn)
{
  if (conn->closing) return;
  if (conn->step->kind == STEP_END) {
    conn->step = NULL;
    buf_clear(&conn->in);
  } else if (conn->step->after_ms) {
    timer_start(&conn->timer, conn->step->after_ms, 0);
  } else {
    conn_run_step(conn);
  }
}

static bool request_complete(Str in)
{
  size_t end = str_find(in, S("\r\n\r\n"));
  if (end == STR_NOT_FOUND) return false;
  size_t at = str_find(in, S("Content-Length: "));
  size_t body = at < end ? (size_t)atol(in.ptr + at + 16) : 0;
  return in.len >= end + 4 + body;
}

static void conn_next_request(Conn *conn)
{
  Str in = buf_str(&conn->in);
  if (conn->step || !request_complete(in)) return;
  size_t from = str_find_char(in, ' ') + 1, to = from;
  while (in.ptr[to] != ' ' && in.ptr[to] != '?') to++;
  const Script *script = conn->server->scripts;
  while (script->path && !str_eq(str_from(script->path), str_sub(in, from, to))) script++;
  conn->server->requests++;
  conn->step = script->steps;
  conn_play(conn);
}

static void conn_read(uv_stream_t *uv, ssize_t n, const uv_buf_t *buf)
{
  Conn *conn = uv->data;
  if (n < 0) {
    conn_close(conn, false);
    return;
  }
  buf_add(&conn->in, (Str){buf->base, (size_t)n});
  conn_next_request(conn);
  if (conn->step || conn->closing || !conn->server->slow_ms) return;
  uv_read_stop(uv);
  timer_start(&conn->timer, conn->server->slow_ms, 0);
}

static void server_accept(uv_stream_t *uv, int status)
{
  Server *server = uv->data;
  (void)status;
  Conn *conn = calloc(1, sizeof(*conn));
  conn->server = server;
  conn->next = server->first;
  server->first = conn;
  server->connections++;
  server->open++;
  conn->handles = 2;
  buf_init(&conn->in, 32 << 20);
  timer_init(server->loop, &conn->timer, conn_run_step, conn);
  uv_tcp_init(&server->loop->uv, &conn->uv);
  conn->uv.data = conn;
  uv_accept(uv, (uv_stream_t *)&conn->uv);
  uv_read_start((uv_stream_t *)&conn->uv, conn_alloc, conn_read);
}

static inline void server_open(Server *server, Loop *loop, const Script *scripts)
{
  struct sockaddr_in address;
  int len = sizeof(address);
  *server = (Server){.loop = loop, .scripts = scripts};
  uv_ip4_addr("127.0.0.1", 0, &address);
  uv_tcp_init(&loop->uv, &server->uv);
  server->uv.data = server;
  uv_tcp_bind(&server->uv, (struct sockaddr *)&address, 0);
  uv_listen((uv_stream_t *)&server->uv, 64, server_accept);
  uv_tcp_getsockname(&server->uv, (struct sockaddr *)&address, &len);
  server->port = ntohs(address.sin_port);
}

// The server must stay until the loop has run dry.
static inline void server_close(Server *server)
{
  uv_close((uv_handle_t *)&server->uv, NULL);
  for (Conn *conn = server->first; conn; conn = conn->next) conn_close(conn, false);
}
