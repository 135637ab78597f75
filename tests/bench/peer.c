// peer.c: the bare peer: the least program of the engine's kind, the baseline of `make bench`.
//
//   peer serve               msgpack-RPC on stdin/stdout: every request is answered with its own params
//   peer calls URL N M       N calls to a model, M in flight; prints wall and CPU microseconds
//   peer stream URL N        for Vim: once a line has come in, N calls at once, and twice a second a JSON line out
//
// `serve` also knows the event ["stream", [url, n]]: n calls at once, counted, and twice a second a call of the
// Lua function FLOOR in Neovim with how many words came and how many calls ended.
// With -DNO_HTTP libcurl is left out, and with it `calls` and both kinds of `stream`.
#include <msgpack.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

static uv_loop_t *loop;

#ifndef NO_HTTP
#include <curl/curl.h>

static struct {
  CURLM *multi;
  struct curl_slist *headers;
  uv_timer_t timer;
  const char *url;
  char body[2048];
  long todo, running, done, failed;
  unsigned long bytes, words;
} H;

typedef struct {
  uv_poll_t poll;
  curl_socket_t fd;
} Sock;

static void start_call(void);

static void drain(void)
{
  int left;
  for (CURLMsg *m; (m = curl_multi_info_read(H.multi, &left));) {
    if (m->msg != CURLMSG_DONE) continue;
    CURL *easy = m->easy_handle;
    H.failed += m->data.result != CURLE_OK;
    curl_multi_remove_handle(H.multi, easy);
    curl_easy_cleanup(easy);
    H.running--;
    H.done++;
    if (H.todo) start_call();
  }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
  Sock *sock = (Sock *)poll;
  int flags = (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
              (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0),
      running;
  curl_multi_socket_action(H.multi, sock->fd, status < 0 ? CURL_CSELECT_ERR : flags, &running);
  drain();
}

static void on_timer(uv_timer_t *timer)
{
  (void)timer;
  int running;
  curl_multi_socket_action(H.multi, CURL_SOCKET_TIMEOUT, 0, &running);
  drain();
}

static int set_timer(CURLM *multi, long ms, void *data)
{
  (void)multi;
  (void)data;
  if (ms < 0) return uv_timer_stop(&H.timer);
  return uv_timer_start(&H.timer, on_timer, (uint64_t)ms, 0);
}

static void sock_closed(uv_handle_t *handle)
{
  free(handle);
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *owner, void *data)
{
  (void)easy;
  (void)owner;
  Sock *sock = data;
  if (what == CURL_POLL_REMOVE) {
    if (sock) uv_close((uv_handle_t *)&sock->poll, sock_closed);
    curl_multi_assign(H.multi, fd, NULL);
    return 0;
  }
  if (!sock) {
    sock = calloc(1, sizeof(*sock));
    sock->fd = fd;
    uv_poll_init_socket(loop, &sock->poll, fd);
    curl_multi_assign(H.multi, fd, sock);
  }
  return uv_poll_start(
      &sock->poll,
      (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0), on_poll);
}

static size_t on_body(char *bytes, size_t size, size_t n, void *owner)
{
  (void)owner;
  H.bytes += size * n;
  for (char *p = bytes, *end = bytes + size * n;
       (p = memmem(p, (size_t)(end - p), "text_delta", 10)); p += 10)
    H.words++;
  return size * n;
}

static void start_call(void)
{
  CURL *easy = curl_easy_init();
  curl_easy_setopt(easy, CURLOPT_URL, H.url);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, H.headers);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, H.body);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  H.todo--;
  H.running++;
  curl_multi_add_handle(H.multi, easy);
}

static void http_begin(const char *url, long n, long most)
{
  curl_global_init(CURL_GLOBAL_DEFAULT);
  H.multi = curl_multi_init();
  uv_timer_init(loop, &H.timer);
  curl_multi_setopt(H.multi, CURLMOPT_SOCKETFUNCTION, set_socket);
  curl_multi_setopt(H.multi, CURLMOPT_TIMERFUNCTION, set_timer);
  curl_multi_setopt(H.multi, CURLMOPT_MAXCONNECTS, 64L);
  H.headers = curl_slist_append(NULL, "Content-Type: application/json");
  memset(H.body, 'x', sizeof(H.body) - 1);
  memcpy(H.body + sizeof(H.body) - 16, " value_7 = 1 ", 13);
  H.url = url;
  H.todo = n;
  while (H.todo && H.running < most) start_call();
}

static double cpu_us(void)
{
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 +
         (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

static int calls(const char *url, long n, long most)
{
  uint64_t begin = uv_hrtime();
  double cpu = cpu_us();
  http_begin(url, n, most);
  while (H.done < n) uv_run(loop, UV_RUN_ONCE);
  printf("%.0f %.0f %ld\n", (double)(uv_hrtime() - begin) / 1e3, cpu_us() - cpu, H.failed);
  return H.failed > 0;
}
#endif

// ---- serve -------------------------------------------------------------------------------------------

static uv_pipe_t in, out;
static msgpack_unpacker unpacker;

typedef struct {
  uv_write_t req;
  msgpack_sbuffer bytes;
} Message;

static void on_written(uv_write_t *req, int status)
{
  (void)status;
  msgpack_sbuffer_destroy(&((Message *)req)->bytes);
  free(req);
}

static void send_message(Message *m)
{
  uv_buf_t buf = uv_buf_init(m->bytes.data, (unsigned)m->bytes.size);
  uv_write(&m->req, (uv_stream_t *)&out, &buf, 1, on_written);
}

static void reply(const msgpack_object *id, const msgpack_object *params)
{
  Message *m = calloc(1, sizeof(*m));
  msgpack_packer pk;
  msgpack_sbuffer_init(&m->bytes);
  msgpack_packer_init(&pk, &m->bytes, msgpack_sbuffer_write);
  msgpack_pack_array(&pk, 4);
  msgpack_pack_int(&pk, 1);
  msgpack_pack_object(&pk, *id);
  msgpack_pack_nil(&pk);
  msgpack_pack_object(&pk, *params);
  send_message(m);
}

#ifndef NO_HTTP
static void put_str(msgpack_packer *pk, const char *text)
{
  msgpack_pack_str_with_body(pk, text, strlen(text));
}

static void on_tick(uv_timer_t *timer)
{
  Message *m = calloc(1, sizeof(*m));
  msgpack_packer pk;
  msgpack_sbuffer_init(&m->bytes);
  msgpack_packer_init(&pk, &m->bytes, msgpack_sbuffer_write);
  msgpack_pack_array(&pk, 3);
  msgpack_pack_int(&pk, 2);
  put_str(&pk, "nvim_exec_lua");
  msgpack_pack_array(&pk, 2);
  put_str(&pk, "FLOOR(...)");
  msgpack_pack_array(&pk, 3);
  msgpack_pack_unsigned_long(&pk, H.words);
  msgpack_pack_long(&pk, H.done);
  msgpack_pack_long(&pk, H.running + H.todo);
  send_message(m);
  if (H.running + H.todo == 0) uv_timer_stop(timer);
}

static void stream(const msgpack_object *params)
{
  static uv_timer_t tick;
  static char url[256];
  const msgpack_object *at = params->via.array.ptr;
  snprintf(url, sizeof(url), "%.*s", (int)at[0].via.str.size, at[0].via.str.ptr);
  http_begin(url, (long)at[1].via.i64, (long)at[1].via.i64);
  uv_timer_init(loop, &tick);
  uv_timer_start(&tick, on_tick, 500, 500);
}

static void on_line_tick(uv_timer_t *timer)
{
  printf("[%lu,%ld,%ld]\n", (unsigned long)H.words, (long)H.done, (long)(H.running + H.todo));
  fflush(stdout);
  if (H.running + H.todo == 0) uv_timer_stop(timer);
}

static char **stream_argv;

static void on_begin_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
  static char bytes[64];
  (void)handle;
  (void)hint;
  *buf = uv_buf_init(bytes, sizeof(bytes));
}

static void on_begin(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
  static uv_timer_t tick;
  (void)s;
  (void)buf;
  if (n < 0) exit(0);
  http_begin(stream_argv[2], atol(stream_argv[3]), atol(stream_argv[3]));
  uv_timer_init(loop, &tick);
  uv_timer_start(&tick, on_line_tick, 500, 500);
}

static int stream_lines(char **argv)
{
  stream_argv = argv;
  uv_pipe_init(loop, &in, 0);
  uv_pipe_open(&in, 0);
  uv_read_start((uv_stream_t *)&in, on_begin_alloc, on_begin);
  return uv_run(loop, UV_RUN_DEFAULT);
}
#endif

static void on_message(const msgpack_object *o)
{
  const msgpack_object *at = o->via.array.ptr;
  if (o->type != MSGPACK_OBJECT_ARRAY || o->via.array.size < 3) return;
  if (at[0].via.i64 == 0) reply(&at[1], &at[3]);
#ifndef NO_HTTP
  if (at[0].via.i64 == 2 && at[1].via.str.size == 6 && !memcmp(at[1].via.str.ptr, "stream", 6))
    stream(&at[2]);
#endif
}

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
  (void)handle;
  msgpack_unpacker_reserve_buffer(&unpacker, hint);
  *buf = uv_buf_init(msgpack_unpacker_buffer(&unpacker),
                     (unsigned)msgpack_unpacker_buffer_capacity(&unpacker));
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
  (void)s;
  (void)buf;
  if (n < 0) exit(0);
  msgpack_unpacker_buffer_consumed(&unpacker, (size_t)n);
  msgpack_unpacked one;
  msgpack_unpacked_init(&one);
  while (msgpack_unpacker_next(&unpacker, &one) == MSGPACK_UNPACK_SUCCESS) on_message(&one.data);
  msgpack_unpacked_destroy(&one);
}

int main(int argc, char **argv)
{
  loop = uv_default_loop();
#ifndef NO_HTTP
  if (argc == 5 && !strcmp(argv[1], "calls")) return calls(argv[2], atol(argv[3]), atol(argv[4]));
  if (argc == 4 && !strcmp(argv[1], "stream")) return stream_lines(argv);
#endif
  if (argc < 2 || strcmp(argv[1], "serve") != 0) return 2;
  msgpack_unpacker_init(&unpacker, 65536);
  uv_pipe_init(loop, &in, 0);
  uv_pipe_init(loop, &out, 0);
  uv_pipe_open(&in, 0);
  uv_pipe_open(&out, 1);
  uv_read_start((uv_stream_t *)&in, on_alloc, on_read);
  return uv_run(loop, UV_RUN_DEFAULT);
}
