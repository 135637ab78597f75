// loopback.c: a model provider that costs nothing: the least HTTP server that answers Anthropic Messages streams.
//
//   loopback DELAY_MS [TOKENS RATE]      prints its port; ends when its standard input does
//
// Each POST is answered DELAY_MS after its last byte came; with TOKENS the answer then streams so many words at
// RATE per second. The answer changes the last `value_N = 1` of the request to `value_N = 2` in fN.txt.
// GET /stats says what came since the last GET /reset, GET /first and /last give bodies,
// /arrivals the times of the first 256 requests. Times are CLOCK_MONOTONIC.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <uv.h>

typedef struct {
  uv_tcp_t tcp;
  uv_timer_t timer;
  char *data;
  size_t len, cap;
  size_t head, body;  // of the request being answered
  uint64_t began;     // the stream's first byte, ns
  size_t sent;        // words of it
  bool busy, closing;
  int open_handles;
  char number[32];
} Conn;

typedef struct {
  char *text;
  size_t len;
} Text;

static struct {
  uv_loop_t loop;
  uint64_t delay_ms;
  size_t tokens, rate;
  unsigned requests, in_flight, most, connections;
  double arrivals[256];  // us, of the first requests
  uint64_t first_ns, last_ns, newest_ns, body_bytes, head_bytes, common;
  Text first, last;
} S;

typedef struct {
  uv_write_t req;
  char *text;
} Out;

static void on_written(uv_write_t *req, int status)
{
  (void)status;
  Out *out = (Out *)req;
  free(out->text);
  free(out);
}

static void put(Conn *c, const char *text, size_t len)
{
  Out *out = malloc(sizeof(*out));
  out->text = malloc(len);
  memcpy(out->text, text, len);
  uv_buf_t buf = uv_buf_init(out->text, (unsigned)len);
  if (uv_write(&out->req, (uv_stream_t *)&c->tcp, &buf, 1, on_written) < 0)
    on_written(&out->req, 0);
}

static void put_plain(Conn *c, const char *text, size_t len)
{
  char head[128];
  int n = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", len);
  put(c, head, (size_t)n);
  put(c, text, len);
}

// ---- the answer --------------------------------------------------------------------------------------

static const char HEAD[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

static size_t event(char *out, size_t cap, const char *name, const char *data)
{
  return (size_t)snprintf(out, cap, "event: %s\ndata: {\"type\":\"%s\"%s}\n\n", name, name, data);
}

static void put_chunk(Conn *c, const char *text, size_t len, bool head, bool end)
{
  char all[4096];
  size_t n = 0;
  if (head) n += (size_t)snprintf(all, sizeof(all), "%s", HEAD);
  n += (size_t)snprintf(all + n, sizeof(all) - n, "%zx\r\n%.*s\r\n%s", len, (int)len, text,
                        end ? "0\r\n\r\n" : "");
  put(c, all, n);
}

static size_t start_text(char *out, size_t cap)
{
  size_t n = event(out, cap, "message_start",
                   ",\"message\":{\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\","
                   "\"model\":\"x\",\"content\":[],"
                   "\"stop_reason\":null,\"usage\":{\"input_tokens\":300,\"output_tokens\":1}}");
  return n + event(out + n, cap - n, "content_block_start",
                   ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}");
}

static size_t end_text(const Conn *c, char *out, size_t cap)
{
  char data[512];
  snprintf(data, sizeof(data),
           ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"\\nf%s.txt\\n<<<<<<< "
           "SEARCH\\nvalue_%s = 1\\n=======\\n"
           "value_%s = 2\\n>>>>>>> REPLACE\\n\"}",
           c->number, c->number, c->number);
  size_t n = event(out, cap, "content_block_delta", data);
  n += event(out + n, cap - n, "content_block_stop", ",\"index\":0");
  n += event(out + n, cap - n, "message_delta",
             ",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":40}");
  return n + event(out + n, cap - n, "message_stop", "");
}

static void next_request(Conn *c);

static void answered(Conn *c)
{
  S.last_ns = uv_hrtime();
  S.in_flight--;
  size_t used = c->head + c->body;
  memmove(c->data, c->data + used, c->len - used);
  c->len -= used;
  c->busy = false;
  next_request(c);
}

static void on_word(uv_timer_t *timer)
{
  Conn *c = timer->data;
  char text[3072];
  size_t due = (size_t)((uv_hrtime() - c->began) * S.rate / 1000000000u), n = 0;
  for (; c->sent < due && c->sent < S.tokens && n < 2500; c->sent++) {
    n += event(text + n, sizeof(text) - n, "content_block_delta",
               ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"word \"}");
  }
  if (n) put_chunk(c, text, n, false, false);
  if (c->sent < S.tokens) return;
  uv_timer_stop(timer);
  n = end_text(c, text, sizeof(text));
  put_chunk(c, text, n, false, true);
  answered(c);
}

static void answer(uv_timer_t *timer)
{
  Conn *c = timer->data;
  char text[3072];
  size_t n = start_text(text, sizeof(text));
  if (S.tokens) {
    put_chunk(c, text, n, true, false);
    c->began = uv_hrtime();
    c->sent = 0;
    uv_timer_start(&c->timer, on_word, 5, 5);
    return;
  }
  n += end_text(c, text + n, sizeof(text) - n);
  put_chunk(c, text, n, true, true);
  answered(c);
}

// ---- the request -------------------------------------------------------------------------------------

static void keep(Text *text, const char *from, size_t len)
{
  text->text = realloc(text->text, len + 1);
  memcpy(text->text, from, len);
  text->len = len;
}

static void find_number(Conn *c, const char *body, size_t len)
{
  static const char mark[] = "value_";
  c->number[0] = 0;
  for (size_t i = len; i-- > 0;) {
    if (len - i < sizeof(mark) || memcmp(body + i, mark, sizeof(mark) - 1) != 0) continue;
    size_t n = 0;
    for (const char *p = body + i + 6; p < body + len && *p >= '0' && *p <= '9' && n < 31; p++)
      c->number[n++] = *p;
    c->number[n] = 0;
    if (n) return;
  }
}

static void note(const char *body, size_t len, size_t head)
{
  S.newest_ns = uv_hrtime();
  if (S.requests < 256) S.arrivals[S.requests] = (double)S.newest_ns / 1e3;
  if (S.requests++ == 0) {
    S.first_ns = S.newest_ns;
    S.common = len;
    keep(&S.first, body, len);
  }
  size_t same = 0;
  while (same < S.common && same < len && body[same] == S.first.text[same]) same++;
  S.common = same;
  keep(&S.last, body, len);
  S.body_bytes += len;
  S.head_bytes = head;
  if (++S.in_flight > S.most) S.most = S.in_flight;
}

static void put_stats(Conn *c)
{
  char text[512];
  uv_rusage_t use;
  uv_getrusage(&use);
  int n =
      snprintf(text, sizeof(text),
               "{\"requests\":%u,\"in_flight\":%u,\"most\":%u,\"connections\":%u,\"first_us\":%.1f,"
               "\"last_us\":%.1f,"
               "\"newest_us\":%.1f,\"body_bytes\":%llu,\"head_bytes\":%llu,\"common\":%llu}",
               S.requests, S.in_flight, S.most, S.connections, (double)S.first_ns / 1e3,
               (double)S.last_ns / 1e3, (double)S.newest_ns / 1e3, (unsigned long long)S.body_bytes,
               (unsigned long long)S.head_bytes, (unsigned long long)S.common);
  put_plain(c, text, (size_t)n);
}

static void put_arrivals(Conn *c)
{
  char text[256 * 24];
  size_t n = 0;
  for (unsigned i = 0; i < S.requests && i < 256; i++) {
    n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.1f", i ? "," : "[", S.arrivals[i]);
  }
  n += (size_t)snprintf(text + n, sizeof(text) - n, "%s]", n ? "" : "[");
  put_plain(c, text, n);
}

static void reset(void)
{
  S.requests = S.most = S.connections = 0;
  S.first_ns = S.last_ns = S.newest_ns = S.body_bytes = S.head_bytes = S.common = 0;
}

static void handle(Conn *c)
{
  if (strncmp(c->data, "POST", 4) == 0) {
    note(c->data + c->head, c->body, c->head);
    find_number(c, c->data + c->head, c->body);
    c->busy = true;
    if (!S.delay_ms) {
      answer(&c->timer);
    } else {
      uv_update_time(&S.loop);
      uv_timer_start(&c->timer, answer, S.delay_ms, 0);
    }
    return;
  }
  if (strncmp(c->data, "GET /reset", 10) == 0) reset();
  const Text *which = strncmp(c->data, "GET /first", 10) == 0 ? &S.first
                      : strncmp(c->data, "GET /last", 9) == 0 ? &S.last
                                                              : NULL;
  if (strncmp(c->data, "GET /arrivals", 13) == 0) {
    put_arrivals(c);
  } else if (which) {
    put_plain(c, which->text, which->len);
  } else {
    put_stats(c);
  }
  memmove(c->data, c->data + c->head, c->len - c->head);
  c->len -= c->head;
}

static bool complete(Conn *c)
{
  char *end = memmem(c->data, c->len, "\r\n\r\n", 4);
  if (!end) return false;
  c->head = (size_t)(end - c->data) + 4;
  c->body = 0;
  for (char *line = c->data; line < end; line = (char *)memchr(line, '\n', c->head) + 1) {
    if (strncasecmp(line, "content-length:", 15) == 0) c->body = strtoul(line + 15, NULL, 10);
  }
  return c->len >= c->head + c->body;
}

static void next_request(Conn *c)
{
  static int depth;
  if (depth++ == 0) {
    while (!c->busy && complete(c)) handle(c);
  }
  depth--;
}

// ---- connections -------------------------------------------------------------------------------------

static void on_closed(uv_handle_t *handle)
{
  Conn *c = handle->data;
  if (--c->open_handles) return;
  free(c->data);
  free(c);
}

static void drop(Conn *c)
{
  if (c->closing) return;
  c->closing = true;
  if (c->busy) S.in_flight--;
  uv_close((uv_handle_t *)&c->tcp, on_closed);
  uv_close((uv_handle_t *)&c->timer, on_closed);
}

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
  Conn *c = handle->data;
  if (c->cap - c->len < hint) c->data = realloc(c->data, (c->cap = c->len + hint) + 1);
  *buf = uv_buf_init(c->data + c->len, (unsigned)(c->cap - c->len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
  (void)buf;
  Conn *c = stream->data;
  if (n < 0) {
    drop(c);
    return;
  }
  c->len += (size_t)n;
  next_request(c);
}

static void on_connection(uv_stream_t *server, int status)
{
  if (status < 0) return;
  Conn *c = calloc(1, sizeof(*c));
  uv_tcp_init(&S.loop, &c->tcp);
  uv_timer_init(&S.loop, &c->timer);
  c->tcp.data = c->timer.data = c;
  c->open_handles = 2;
  S.connections++;
  uv_accept(server, (uv_stream_t *)&c->tcp);
  uv_tcp_nodelay(&c->tcp, 1);
  uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}

static void on_parent(uv_stream_t *in, ssize_t n, const uv_buf_t *buf)
{
  (void)in;
  (void)buf;
  if (n < 0) exit(0);
}

static void parent_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
  (void)handle;
  (void)hint;
  static char some[64];
  *buf = uv_buf_init(some, sizeof(some));
}

int main(int argc, char **argv)
{
  uv_tcp_t server;
  uv_pipe_t parent;
  struct sockaddr_in address;
  int size = sizeof(address);
  S.delay_ms = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
  S.tokens = argc > 3 ? strtoul(argv[2], NULL, 10) : 0;
  S.rate = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
  uv_loop_init(&S.loop);
  uv_tcp_init(&S.loop, &server);
  uv_ip4_addr("127.0.0.1", 0, &address);
  uv_tcp_bind(&server, (struct sockaddr *)&address, 0);
  if (uv_listen((uv_stream_t *)&server, 512, on_connection) < 0) return 1;
  uv_tcp_getsockname(&server, (struct sockaddr *)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  uv_pipe_init(&S.loop, &parent, 0);
  uv_pipe_open(&parent, 0);
  uv_read_start((uv_stream_t *)&parent, parent_alloc, on_parent);
  uv_run(&S.loop, UV_RUN_DEFAULT);
  return 0;
}
