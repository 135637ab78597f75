// t_http.c: HTTP exchanges against a scripted server on the same loop: what works, and every way to
// fail.
#include "tap.h"

#include <arpa/inet.h>
#include <sys/resource.h>
#include <unistd.h>

#include "http_server.h"
#include "lib/http.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
#define STEPS(...) ((const Step[]){__VA_ARGS__, {.kind = STEP_END}})
#define PING                              \
  {                                       \
    .after_ms = 100, .text = "1\r\n:\r\n" \
  }

static char large_head[70 * 1024];
static const char gzipped[] =  // "hello gzip " 20 times
    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 34\r\n\r\n"
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x57\x48\xaf\xca\x2c"
    "\x50\xc8\x18\x6e\x4c\x00\xd9\x94\xfb\xac\xdc\x00\x00\x00";

static Script scripts[] = {
    {"/hello", STEPS({.text = OK_HEAD "Content-Length: 5\r\nX-Two: 2\r\n\r\nhello"})},
    {"/chunked",
     STEPS({.text = OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"},
           {.after_ms = 5, .text = "3\r\none\r\n"}, {.after_ms = 5, .text = "5\r\n two \r\n"},
           {.after_ms = 5, .text = "5\r\nthree\r\n0\r\nX-Trailer: t\r\n\r\n"})},
    {"/reset", STEPS({.text = OK_HEAD "Content-Length: 100\r\n\r\nten bytes."},
                     {.kind = STEP_RESET, .after_ms = 20})},
    {"/cut", STEPS({.text = OK_HEAD "Content-Length: 100\r\n\r\nten bytes."},
                   {.kind = STEP_CLOSE, .after_ms = 20})},
    {"/hangup", STEPS({.kind = STEP_CLOSE, .after_ms = 5})},
    {"/silent", STEPS({.after_ms = 60000, .text = "late"})},
    {"/head-only",
     STEPS({.text = OK_HEAD "Content-Length: 5\r\n\r\n"}, {.after_ms = 60000, .text = "late"})},
    {"/stall", STEPS({.text = OK_HEAD "Content-Length: 100\r\n\r\nten bytes."},
                     {.after_ms = 60000, .text = "late"})},
    {"/pings", STEPS({.text = OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"}, PING, PING, PING, PING,
                     PING, PING, PING, PING, PING, PING, {.text = "0\r\n\r\n"})},
    {"/flood", STEPS({.text = OK_HEAD "\r\n"}, {.kind = STEP_FLOOD})},
    {"/large-head", STEPS({.text = large_head})},
    {"/early", STEPS({.text = "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"
                              "HTTP/1.1 200 OK\r\nX-Late: 2\r\nContent-Length: 2\r\n\r\nok"})},
    {"/redirect",
     STEPS({.text = "HTTP/1.1 302 Found\r\nLocation: /hello\r\nContent-Length: 0\r\n\r\n"})},
    {"/busy",
     STEPS({.text = "HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nwait"})},
    {"/echo", STEPS({.kind = STEP_ECHO})},
    {"/gzip", STEPS({.text = gzipped, .len = sizeof(gzipped) - 1})},
    {"/garbage", STEPS({.text = "SSH-2.0-nothing\r\n\r\n"}, {.kind = STEP_CLOSE, .after_ms = 5})},
    {NULL, STEPS({.text = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"})},
};

typedef struct {
  Loop loop;
  Server server;
  Http *http;
  Arena arena;
} Fixture;

// What one call reports.
typedef struct {
  Fixture *fixture;
  HttpCall *call;
  Buf body;
  Error err;
  int heads, chunks, dones, status;
  bool sent;
  Str x_two, retry_after, x_early, x_late;
  size_t cancel_at_chunk;  // 1 = in the first on_chunk
  bool cancel_in_head, start_in_chunk, free_http_in_chunk, free_http_in_done;
  struct Probe *follow_up;  // started from a callback
  const char *follow_path;
} Probe;

static void fixture_init(Fixture *f)
{
  *f = (Fixture){0};
  arena_init(&f->arena);
  CHECK(loop_init(&f->loop, NULL));
  server_open(&f->server, &f->loop, scripts);
  f->http = http_new(&f->loop, NULL);
}

static void fixture_deinit(Fixture *f)
{
  if (f->http) http_free(f->http);
  server_close(&f->server);
  loop_deinit(&f->loop);
  CHECK_INT(f->server.open, 0);
  arena_deinit(&f->arena);
}

static void probe_start(Probe *probe, Fixture *f, const char *path, HttpSpec spec);

static void on_head(void *owner, const HttpHead *head)
{
  Probe *p = owner;
  p->heads++;
  p->status = head->status;
  if (p->cancel_in_head) http_cancel(p->call);
}

static void on_chunk(void *owner, Str bytes)
{
  Probe *p = owner;
  p->chunks++;
  buf_add(&p->body, bytes);
  if (p->cancel_at_chunk && (size_t)p->chunks == p->cancel_at_chunk) {
    http_cancel(p->call);
    http_cancel(p->call);
  }
  if (p->start_in_chunk && p->chunks == 1)
    probe_start((Probe *)p->follow_up, p->fixture, p->follow_path, (HttpSpec){0});
  if (p->free_http_in_chunk && p->fixture->http) {
    http_free(p->fixture->http);
    p->fixture->http = NULL;
  }
}

static void on_done(void *owner, const Error *err, const HttpHead *head, bool sent)
{
  Probe *p = owner;
  Arena *arena = &p->fixture->arena;
  p->dones++;
  p->err = *err;
  p->status = head->status;
  p->sent = sent;
  p->x_two = str_dup(arena, http_header(head, S("X-Two")));
  p->retry_after = str_dup(arena, http_header(head, S("retry-after")));
  p->x_early = str_dup(arena, http_header(head, S("x-early")));
  p->x_late = str_dup(arena, http_header(head, S("x-late")));
  http_cancel(p->call);  // too late: no effect
  if (p->follow_path && !p->start_in_chunk)
    probe_start((Probe *)p->follow_up, p->fixture, p->follow_path, (HttpSpec){0});
  if (p->free_http_in_done) {
    http_free(p->fixture->http);
    p->fixture->http = NULL;
  }
}

static void probe_start(Probe *p, Fixture *f, const char *path, HttpSpec spec)
{
  p->fixture = f;
  buf_init(&p->body, 64 << 20);
  if (!spec.url.ptr) spec.url = str_fmt(&f->arena, "http://127.0.0.1:%d%s", f->server.port, path);
  spec.on_head = on_head;
  spec.on_chunk = on_chunk;
  spec.on_done = on_done;
  spec.owner = p;
  p->call = http_start(f->http, &spec);
  CHECK_INT(p->dones, 0);  // never from inside http_start
}

// Turns the loop until the probe is done, a minute at most.
static void probe_wait(Probe *p)
{
  uint64_t end = loop_now_ms(&p->fixture->loop) + 60000;
  while (!p->dones && loop_now_ms(&p->fixture->loop) < end) loop_turn(&p->fixture->loop, true);
  for (int i = 0; i < 3; i++) loop_turn(&p->fixture->loop, false);  // a second report would show
  CHECK_INT(p->dones, 1);
}

static void probe_deinit(Probe *p)
{
  buf_deinit(&p->body);
}

static Probe fetch(Fixture *f, const char *path, HttpSpec spec)
{
  static Probe p;
  p = (Probe){0};
  probe_start(&p, f, path, spec);
  probe_wait(&p);
  return p;
}

#define WITH_FIXTURE(f) \
  Fixture f;            \
  fixture_init(&f);     \
  for (bool once_##f = true; once_##f; once_##f = false, fixture_deinit(&f))

// --- what works ----------------------------------------------------------------------------------

TEST(get)
{
  WITH_FIXTURE(f)
  {
    Probe p = fetch(&f, "/hello", (HttpSpec){0});
    CHECK_INT(p.err.code, ERR_OK);
    CHECK_INT(p.status, 200);
    CHECK_INT(p.heads, 1);
    CHECK_STR(buf_str(&p.body), S("hello"));
    CHECK_STR(p.x_two, S("2"));
    CHECK(p.sent);
    probe_deinit(&p);
  }
}

TEST(connections_are_kept)
{
  WITH_FIXTURE(f)
  {
    for (int i = 0; i < 5; i++) {
      Probe p = fetch(&f, i % 2 ? "/chunked" : "/hello", (HttpSpec){0});
      CHECK_INT(p.err.code, ERR_OK);
      probe_deinit(&p);
    }
    CHECK_INT(f.server.requests, 5);
    CHECK_INT(f.server.connections, 1);
  }
}

TEST(chunks_and_trailers)
{
  WITH_FIXTURE(f)
  {
    Probe p = fetch(&f, "/chunked", (HttpSpec){0});
    CHECK_INT(p.err.code, ERR_OK);
    CHECK_STR(buf_str(&p.body), S("one two three"));
    CHECK(p.chunks >= 3);
    CHECK_INT(p.heads, 1);
    probe_deinit(&p);
  }
}

TEST(post_sends_headers_and_body)
{
  WITH_FIXTURE(f)
  {
    HttpHeader headers[] = {
        {S("content-type"), S("application/json")}, {S("x-key"), S("k")}, {S("x-none"), S("")}};
    Probe p = fetch(&f, "/echo",
                    (HttpSpec){.headers = headers, .header_count = 3, .body = S("{\"a\":1}")});
    Str got = buf_str(&p.body);
    CHECK(str_starts(got, S("POST /echo HTTP/1.1\r\n")));
    CHECK(str_has(got, S("content-type: application/json\r\n")));
    CHECK(str_has(got, S("x-key: k\r\n")));
    CHECK(str_has(got, S("x-none:\r\n")));
    CHECK(!str_has(got, S("Expect")));
    CHECK(!str_has(got, S("urlencoded")));
    CHECK(str_ends(got, S("\r\n\r\n{\"a\":1}")));
    probe_deinit(&p);
    p = fetch(&f, "/echo", (HttpSpec){.post = true});
    CHECK(str_starts(buf_str(&p.body), S("POST /echo")));
    CHECK(!str_has(buf_str(&p.body), S("Content-Type")));
    probe_deinit(&p);
  }
}

// Without asking for a "100 Continue" first, and waiting a second for it.
TEST(a_large_body_is_sent_at_once)
{
  WITH_FIXTURE(f)
  {
    size_t size = 3 << 20;
    char *text = malloc(size);
    memset(text, 'x', size);
    Probe p = fetch(&f, "/echo", (HttpSpec){.body = {text, size}});
    CHECK_INT(p.err.code, ERR_OK);
    CHECK(p.body.len > size);
    CHECK(!str_has(str_sub(buf_str(&p.body), 0, p.body.len - size), S("Expect")));
    free(text);
    probe_deinit(&p);
  }
}

TEST(only_the_final_headers_count)
{
  WITH_FIXTURE(f)
  {
    Probe p = fetch(&f, "/early", (HttpSpec){0});
    CHECK_INT(p.status, 200);
    CHECK_INT(p.heads, 1);
    CHECK_STR(p.x_early, S(""));
    CHECK_STR(p.x_late, S("2"));
    CHECK_STR(buf_str(&p.body), S("ok"));
    probe_deinit(&p);
  }
}

TEST(statuses_are_answers_and_redirects_are_not_followed)
{
  WITH_FIXTURE(f)
  {
    Probe p = fetch(&f, "/busy", (HttpSpec){0});
    CHECK_INT(p.err.code, ERR_OK);
    CHECK_INT(p.status, 429);
    CHECK_STR(p.retry_after, S("7"));
    CHECK_STR(buf_str(&p.body), S("wait"));
    probe_deinit(&p);
    p = fetch(&f, "/redirect", (HttpSpec){0});
    CHECK_INT(p.status, 302);
    CHECK_INT(f.server.requests, 2);
    probe_deinit(&p);
  }
}

TEST(compressed_answers)
{
  WITH_FIXTURE(f)
  {
    Probe p = fetch(&f, "/gzip", (HttpSpec){.compressed = true});
    CHECK_INT(p.err.code, ERR_OK);
    CHECK_INT(p.body.len, 220);
    CHECK(str_starts(buf_str(&p.body), S("hello gzip hello")));
    probe_deinit(&p);
    p = fetch(&f, "/gzip",
              (HttpSpec){.compressed = true, .max_reply = 100});  // the unpacked size counts
    CHECK_INT(p.err.code, ERR_TOO_BIG);
    probe_deinit(&p);
    p = fetch(&f, "/gzip", (HttpSpec){0});  // not asked for, and read all the same
    CHECK(str_starts(buf_str(&p.body), S("hello gzip hello")));
    probe_deinit(&p);
  }
}

TEST(forty_calls_at_once)
{
  WITH_FIXTURE(f)
  {
    static Probe probes[40];
    memset(probes, 0, sizeof(probes));
    for (int i = 0; i < 40; i++) probe_start(&probes[i], &f, "/chunked", (HttpSpec){0});
    for (int i = 0; i < 40; i++) {
      probe_wait(&probes[i]);
      CHECK_STR(buf_str(&probes[i].body), S("one two three"));
      probe_deinit(&probes[i]);
    }
  }
}

TEST(plain_calls_do_not_queue_behind_each_other)
{
  WITH_FIXTURE(f)
  {
    static Probe probes[4];
    memset(probes, 0, sizeof(probes));
    for (int i = 0; i < 4; i++)
      probe_start(&probes[i], &f, "/silent", (HttpSpec){.first_byte_ms = 20000});
    while (f.server.requests < 4 && !probes[0].dones) loop_turn(&f.loop, true);
    CHECK_INT(f.server.requests, 4);
    for (int i = 0; i < 4; i++) {
      http_cancel(probes[i].call);
      probe_wait(&probes[i]);
      CHECK_INT(probes[i].err.code, ERR_CANCELLED);
      probe_deinit(&probes[i]);
    }
  }
}

TEST(callbacks_may_start_calls)
{
  WITH_FIXTURE(f)
  {
    Probe from_chunk = {0}, from_done = {0}, first = {0}, second = {0};
    first.follow_up = (struct Probe *)&from_chunk;
    first.start_in_chunk = true;
    second.follow_up = (struct Probe *)&from_done;
    first.follow_path = second.follow_path = "/hello";
    probe_start(&first, &f, "/chunked", (HttpSpec){0});
    probe_start(&second, &f, "/chunked", (HttpSpec){0});
    probe_wait(&first);
    probe_wait(&second);
    probe_wait(&from_chunk);
    probe_wait(&from_done);
    CHECK_STR(buf_str(&from_chunk.body), S("hello"));
    CHECK_STR(buf_str(&from_done.body), S("hello"));
    CHECK_INT(first.err.code, ERR_OK);
    probe_deinit(&first);
    probe_deinit(&second);
    probe_deinit(&from_chunk);
    probe_deinit(&from_done);
  }
}

TEST(a_slow_upload_is_life)
{
  WITH_FIXTURE(f)
  {
    size_t size = 28 << 20;
    char *text = malloc(size);
    memset(text, 'x', size);
    f.server.slow_ms = 6;
    int small = 65536;
    uv_recv_buffer_size((uv_handle_t *)&f.server.uv, &small);
    uint64_t before = loop_now_ms(&f.loop);
    Probe p = fetch(&f, "/hello", (HttpSpec){.body = {text, size}, .first_byte_ms = 2000});
    CHECK_INT(p.err.code, ERR_OK);
    CHECK(loop_now_ms(&f.loop) - before > 2000);
    free(text);
    probe_deinit(&p);
  }
}

TEST(a_kept_connection_that_died_is_replaced)
{
  WITH_FIXTURE(f)
  {
    Probe p = fetch(&f, "/hello", (HttpSpec){.body = S("1")});
    probe_deinit(&p);
    for (Conn *conn = f.server.first; conn; conn = conn->next) conn_close(conn, false);
    while (f.server.open) loop_turn(&f.loop, true);
    usleep(1100000);  // libcurl 8.22 looks whether a connection lives at most once a second
    p = fetch(&f, "/hello", (HttpSpec){.body = S("2")});
    CHECK_INT(p.err.code, ERR_OK);
    CHECK_INT(f.server.connections, 2);
    CHECK_INT(f.server.requests, 2);
    probe_deinit(&p);
  }
}

// libcurl would send it again on a new connection: two answers to pay for.
TEST(a_request_is_never_repeated_behind_our_back)
{
  WITH_FIXTURE(f)
  {
    Probe p = fetch(&f, "/hello", (HttpSpec){.body = S("1")});
    probe_deinit(&p);
    p = fetch(&f, "/hangup", (HttpSpec){.body = S("2")});
    CHECK_INT(p.err.code, ERR_NETWORK);
    CHECK(p.sent);
    CHECK_INT(f.server.requests, 2);
    probe_deinit(&p);
  }
}

// --- what fails ----------------------------------------------------------------------------------

typedef struct {
  const char *path;
  Err code;
  bool sent;
  const char *says;
  uint64_t first_byte_ms, idle_ms;  // short only where that is how it fails
} Failure;

TEST(failures)
{
  static const Failure rows[] = {
      {"/reset", ERR_NETWORK, true, "broke off", 20000, 20000},
      {"/cut", ERR_NETWORK, true, "in the middle of its answer", 20000, 20000},
      {"/hangup", ERR_NETWORK, true, "without an answer", 20000, 20000},
      {"/silent", ERR_TIMEOUT, true, "no answer from 127.0.0.1:", 500, 20000},
      {"/head-only", ERR_TIMEOUT, true, "no answer from", 500, 20000},
      {"/stall", ERR_TIMEOUT, true, "stopped sending", 20000, 100},
      {"/flood", ERR_TOO_BIG, true, "larger than 100000 bytes", 20000, 20000},
      {"/large-head", ERR_TOO_BIG, true, "64 KiB of headers", 20000, 20000},
      {"/garbage", ERR_NETWORK, true, "127.0.0.1", 20000, 20000},
  };
  WITH_FIXTURE(f)
  {
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
      Probe p = fetch(&f, rows[i].path,
                      (HttpSpec){.first_byte_ms = rows[i].first_byte_ms,
                                 .idle_ms = rows[i].idle_ms,
                                 .max_reply = 100000,
                                 .body = S("x")});
      CHECK_INT(p.err.code, rows[i].code);
      CHECK_INT(p.sent, rows[i].sent);
      if (!str_has(str_from(p.err.message), str_from(rows[i].says))) {
        CHECK_STR(str_from(p.err.message), str_from(rows[i].says));
      }
      CHECK(p.body.len <= 100000);
      probe_deinit(&p);
    }
  }
}

TEST(idle_time_counts_from_the_last_byte)
{
  WITH_FIXTURE(f)
  {
    Probe p =
        fetch(&f, "/pings", (HttpSpec){.first_byte_ms = 800, .idle_ms = 800});  // 1 s of pings
    CHECK_INT(p.err.code, ERR_OK);
    CHECK_INT(p.body.len, 10);
    probe_deinit(&p);
    uint64_t before = loop_now_ms(&f.loop);
    p = fetch(&f, "/stall", (HttpSpec){.first_byte_ms = 20000, .idle_ms = 120});
    CHECK_INT(p.err.code, ERR_TIMEOUT);
    CHECK(loop_now_ms(&f.loop) - before < 20000);
    probe_deinit(&p);
  }
}

TEST(refused_connections_are_not_sent)
{
  WITH_FIXTURE(f)
  {
    Probe p =
        fetch(&f, "", (HttpSpec){.url = S("http://127.0.0.1:1/v1?key=hidden"), .body = S("x")});
    CHECK_INT(p.err.code, ERR_NETWORK);
    CHECK(!p.sent);
    CHECK(str_has(str_from(p.err.message), S("127.0.0.1:1")));
    CHECK(str_has(str_from(p.err.message), S("refused")));
    CHECK(!str_has(str_from(p.err.message), S("hidden")));
    CHECK_INT(p.status, 0);
    probe_deinit(&p);
    p = fetch(&f, "", (HttpSpec){.url = S("http://no-such-host.invalid/"), .body = S("x")});
    CHECK_INT(p.err.code, ERR_NETWORK);
    CHECK(!p.sent);
    CHECK(str_has(str_from(p.err.message), S("no-such-host.invalid")));
    probe_deinit(&p);
  }
}

TEST(tls_to_a_plain_server_is_told_in_words)
{
  WITH_FIXTURE(f)
  {
    Str url = str_fmt(&f.arena, "https://127.0.0.1:%d/hello", f.server.port);
    Probe p = fetch(&f, "", (HttpSpec){.url = url, .body = S("x"), .connect_timeout_ms = 300});
    CHECK(p.err.code == ERR_NETWORK || p.err.code == ERR_TIMEOUT);
    CHECK(!p.sent);
    probe_deinit(&p);
  }
}

TEST(requests_that_cannot_be_made)
{
  static const char *const urls[] = {"",        "nonsense",   "ftp://host/x", "file:///etc/passwd",
                                     "http://", "http://a b/"};
  WITH_FIXTURE(f)
  {
    for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
      Probe p = fetch(&f, "", (HttpSpec){.url = str_from(urls[i])});
      CHECK_INT(p.err.code, ERR_CONFIG);
      CHECK(!p.sent);
      probe_deinit(&p);
    }
    HttpHeader header = {S("x-key"), S("secret\nX-Injected: 1")};
    Probe p = fetch(&f, "/echo", (HttpSpec){.headers = &header, .header_count = 1});
    CHECK_INT(p.err.code, ERR_CONFIG);
    CHECK(str_has(str_from(p.err.message), S("x-key")));
    CHECK(!str_has(str_from(p.err.message), S("secret")));
    CHECK_INT(f.server.requests, 0);
    probe_deinit(&p);
  }
}

// Fails the n-th descriptor that a call needs, for every n: one report each, and nothing hangs.
TEST(running_out_of_descriptors)
{
  struct rlimit limit, tight;
  getrlimit(RLIMIT_NOFILE, &limit);
  WITH_FIXTURE(f)
  {
    int low = dup(0), failed = 0, fine = 0;
    close(low);
    for (int more = 0; more < 8; more++) {
      tight = (struct rlimit){.rlim_cur = (rlim_t)(low + more), .rlim_max = limit.rlim_max};
      setrlimit(RLIMIT_NOFILE, &tight);
      Probe p = fetch(&f, "/hello", (HttpSpec){.first_byte_ms = 500, .connect_timeout_ms = 500});
      setrlimit(RLIMIT_NOFILE, &limit);
      failed += p.err.code == ERR_NETWORK || p.err.code == ERR_TIMEOUT || p.err.code == ERR_FAILED;
      fine += p.err.code == ERR_OK;
      probe_deinit(&p);
      http_free(f.http);
      f.http = http_new(&f.loop, NULL);
    }
    CHECK_INT(failed + fine, 8);
    CHECK(failed > 0 && fine > 0);
  }
}

// --- cancelling ----------------------------------------------------------------------------------

TEST(cancel_before_the_first_turn)
{
  WITH_FIXTURE(f)
  {
    Probe p = {0};
    probe_start(&p, &f, "/hello", (HttpSpec){0});
    http_cancel(p.call);
    http_cancel(p.call);
    CHECK_INT(p.dones, 0);
    probe_wait(&p);
    CHECK_INT(p.err.code, ERR_CANCELLED);
    CHECK(!p.sent);
    CHECK_INT(f.server.requests, 0);
    probe_deinit(&p);
  }
}

TEST(cancel_while_waiting)
{
  WITH_FIXTURE(f)
  {
    Probe p = {0};
    probe_start(&p, &f, "/silent", (HttpSpec){.body = S("x")});
    while (!f.server.requests) loop_turn(&f.loop, true);
    http_cancel(p.call);
    CHECK_INT(p.dones, 0);
    probe_wait(&p);
    CHECK_INT(p.err.code, ERR_CANCELLED);
    CHECK(p.sent);
    while (f.server.open) loop_turn(&f.loop, true);  // the server sees the connection go
    probe_deinit(&p);
  }
}

TEST(cancel_inside_callbacks)
{
  WITH_FIXTURE(f)
  {
    for (size_t at = 0; at < 3; at++) {
      Probe p = {.cancel_at_chunk = at, .cancel_in_head = at == 0};
      probe_start(&p, &f, "/chunked", (HttpSpec){0});
      probe_wait(&p);
      CHECK_INT(p.err.code, ERR_CANCELLED);
      CHECK_INT(p.chunks, at);  // nothing after the wish
      CHECK(p.sent);
      probe_deinit(&p);
    }
  }
}

TEST(cancel_in_the_last_chunk_still_counts)
{
  WITH_FIXTURE(f)
  {
    Probe p = {.cancel_at_chunk = 1};
    probe_start(&p, &f, "/hello", (HttpSpec){0});
    probe_wait(&p);
    CHECK_INT(p.err.code, ERR_CANCELLED);
    probe_deinit(&p);
  }
}

TEST(free_cancels_what_is_left)
{
  WITH_FIXTURE(f)
  {
    Probe p[3] = {0};
    probe_start(&p[0], &f, "/silent", (HttpSpec){0});
    probe_start(&p[1], &f, "/stall", (HttpSpec){0});
    while (f.server.requests < 2) loop_turn(&f.loop, true);
    probe_start(&p[2], &f, "/hello", (HttpSpec){0});
    http_free(f.http);
    f.http = NULL;
    for (int i = 0; i < 3; i++) {
      CHECK_INT(p[i].dones, 1);
      CHECK_INT(p[i].err.code, ERR_CANCELLED);
      probe_deinit(&p[i]);
    }
  }
}

TEST(free_inside_callbacks)
{
  for (int in_done = 0; in_done < 2; in_done++) {
    WITH_FIXTURE(f)
    {
      Probe other = {0}, p = {.free_http_in_chunk = !in_done, .free_http_in_done = in_done};
      probe_start(&other, &f, "/silent", (HttpSpec){0});
      probe_start(&p, &f, "/chunked", (HttpSpec){0});
      probe_wait(&p);
      probe_wait(&other);
      CHECK_INT(p.err.code, in_done ? ERR_OK : ERR_CANCELLED);
      CHECK_INT(other.err.code, ERR_CANCELLED);
      probe_deinit(&p);
      probe_deinit(&other);
    }
  }
}

// --- addresses -----------------------------------------------------------------------------------

TEST(proxies_are_bypassed_for_loopback_only)
{
  setenv("http_proxy", "http://127.0.0.1:1", 1);
  setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  WITH_FIXTURE(f)
  {
    Probe p = fetch(&f, "/hello", (HttpSpec){0});
    CHECK_INT(p.err.code, ERR_OK);
    probe_deinit(&p);
    p = fetch(&f, "", (HttpSpec){.url = S("http://example.invalid/")});
    CHECK_INT(p.err.code, ERR_NETWORK);
    CHECK(str_has(str_from(p.err.message), S("cannot connect")));  // to the proxy
    probe_deinit(&p);
  }
  unsetenv("http_proxy");
  unsetenv("ALL_PROXY");
}

TEST(loopback_addresses)
{
  static const char *const yes[] = {"http://localhost:8080/x", "https://LOCALHOST",
                                    "http://127.0.0.1", "http://127.9.9.9:1/",
                                    "http://[::1]:11434/api"};
  static const char *const no[] = {"http://127.0.0.1.example.com",
                                   "http://127.0.0.1@example.com/",
                                   "http://localhost.example.com",
                                   "http://example.com/127.0.0.1",
                                   "http://[::2]/",
                                   "http://10.0.0.1",
                                   "",
                                   "127.0.0.1x"};
  for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) CHECK(url_is_loopback(str_from(yes[i])));
  for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++) CHECK(!url_is_loopback(str_from(no[i])));
}

static void __attribute__((constructor)) fill_large_head(void)
{
  char *at = large_head + sprintf(large_head, "HTTP/1.1 200 OK\r\n");
  while (at < large_head + sizeof(large_head) - 200)
    at += sprintf(at, "X-%zu: %0100d\r\n", (size_t)(at - large_head), 0);
  sprintf(at, "\r\n");
}

TEST_MAIN
