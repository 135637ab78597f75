// http.c: the engine under http.h: libcurl's multi_socket interface on libuv.
//
//   libcurl --socket callback--> a uv_poll per socket --ready--> curl_multi_socket_action --> drain
//   libcurl --timer callback---> one timer ------------fires---> curl_multi_socket_action --> drain
//
// A call begins, and its request leaves, in the turn in which it was started.
//
// Rules: nothing in libcurl's two callbacks calls libcurl (but curl_multi_assign, which is made for
// it); finished transfers are drained after every action, also when none is running any more;
// handles are added and removed from the loop only, never from inside a transfer's callbacks. See
// http_call.h for the states of a call.
#include "lib/http.h"

#include "base/log.h"
#include "lib/http_call.h"

enum { CONNECTIONS_KEPT = 256 };  // as many as `parallel` may be

struct Http {
  Loop *loop;           // borrowed
  const CurlApi *curl;  // NULL until the first call
  CURLM *multi;         // owned; NULL until the first call
  Timer timer;          // libcurl's
  LoopSoon kick;        // the same, when it is due at once
  HttpCall *first;      // calls not yet ended
  Arena arena;
  int busy;      // > 0 while libcurl or the draining is on the stack
  bool freeing;  // http_free was called meanwhile
};

// One watched socket. Freed in its close callback, which may come after http has gone.
typedef struct {
  uv_poll_t uv;
  Http *http;  // borrowed; not touched once closing
  curl_socket_t socket;
} Watch;

static void http_destroy(Http *http);

// --- calls ---------------------------------------------------------------------------------------

static void call_unlink(HttpCall *call)
{
  if (call->prev) {
    call->prev->next = call->next;
  } else {
    call->http->first = call->next;
  }
  if (call->next) call->next->prev = call->prev;
}

static void call_free(void *owner)
{
  HttpCall *call = owner;
  arena_deinit(&call->head_arena);
  arena_deinit(&call->arena);
  mem_free(call);
}

// The one way out. Everything of libcurl's is given back before on_done, which may free http and
// owner.
static void call_end(HttpCall *call)
{
  call->state = CALL_ENDED;
  call->sent = call_was_sent(call);
  loop_soon_cancel(call->loop, &call->tick);
  call_unlink(call);
  if (call->easy) {
    call->curl->multi_remove_handle(call->http->multi, call->easy);
    call->curl->easy_cleanup(call->easy);
    call->easy = NULL;
  }
  if (call->lines) call->curl->slist_free_all(call->lines);
  call->spec.on_done(call->spec.owner, &call->why, &call->head, call->sent);
  timer_close(&call->idle, call_free);
}

// libcurl's first load costs milliseconds; nobody pays them before the first call.
static bool multi_ready(Http *http, Error *err);

static void call_begin(HttpCall *call)
{
  Http *http = call->http;
  call->state = CALL_RUNNING;
  if (multi_ready(http, &call->why) && call_setup(call, http->curl)) {
    CURLMcode rc = http->curl->multi_add_handle(http->multi, call->easy);
    if (rc)
      error_set(&call->why, ERR_FAILED, "libcurl refused the call: %s",
                http->curl->multi_strerror(rc));
  }
  if (call->why.code) {
    call_end(call);
    return;
  }
  call->last_ms = loop_now_ms(call->loop);
  timer_start(&call->idle, call->spec.first_byte_ms, 0);
}

static void on_tick(void *owner)
{
  HttpCall *call = owner;
  if (call->why.code) {
    call_end(call);
  } else if (call->state == CALL_QUEUED) {
    call_begin(call);
  }
}

static void on_idle(void *owner)
{
  HttpCall *call = owner;
  uint64_t left = call_idle_left(call);
  if (left) {
    timer_start(&call->idle, left, 0);
  } else {
    call_end(call);
  }
}

HttpCall *http_start(Http *http, const HttpSpec *spec)
{
  HttpCall *call = mem_alloc(sizeof(HttpCall));
  call->http = http;
  call->loop = http->loop;
  arena_init(&call->arena);
  arena_init(&call->head_arena);
  call_copy_spec(call, spec);
  timer_init(http->loop, &call->idle, on_idle, call);
  call->next = http->first;
  if (http->first) http->first->prev = call;
  http->first = call;
  loop_soon(http->loop, &call->tick, on_tick, call);
  return call;
}

void http_cancel(HttpCall *call)
{
  if (call->state == CALL_ENDED) return;
  error_set(&call->why, ERR_CANCELLED, "cancelled");
  loop_late(call->loop, &call->tick, on_tick, call);
}

// --- driving libcurl -----------------------------------------------------------------------------

static void drain(Http *http)
{
  int left;
  CURLMsg *msg;
  while ((msg = http->curl->multi_info_read(http->multi, &left))) {
    if (msg->msg != CURLMSG_DONE) continue;
    HttpCall *call = NULL;
    CURLcode result = msg->data.result;  // [msg] dies with the handle's removal
    http->curl->easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &call);
    call_verdict(call, result);
    call_end(call);
  }
}

static void act(Http *http, curl_socket_t socket, int flags)
{
  int running;
  http->busy++;
  CURLMcode rc = http->curl->multi_socket_action(http->multi, socket, flags, &running);
  if (rc) log_error("http: %s", http->curl->multi_strerror(rc));
  drain(http);
  if (--http->busy == 0 && http->freeing) http_destroy(http);
}

static void on_timer(void *owner)
{
  act(owner, CURL_SOCKET_TIMEOUT, 0);
}

static void on_socket_ready(uv_poll_t *uv, int status, int events)
{
  Watch *watch = uv->data;
  int flags = status < 0 ? CURL_CSELECT_ERR : 0;
  if (events & UV_READABLE) flags |= CURL_CSELECT_IN;
  if (events & UV_WRITABLE) flags |= CURL_CSELECT_OUT;
  act(watch->http, watch->socket, flags);
}

static void on_watch_closed(uv_handle_t *uv)
{
  mem_free(uv->data);
}

static Watch *watch_new(Http *http, curl_socket_t socket)
{
  Watch *watch = mem_alloc(sizeof(Watch));
  watch->http = http;
  watch->socket = socket;
  watch->uv.data = watch;
  int rc = uv_poll_init_socket(&http->loop->uv, &watch->uv, socket);
  if (rc == 0) return watch;
  log_error("http: cannot watch a socket: %s", uv_strerror(rc));
  mem_free(watch);
  return NULL;
}

// libcurl says what it wants to know of a socket.
static int on_socket(CURL *easy, curl_socket_t socket, int what, void *data, void *socket_data)
{
  (void)easy;
  Http *http = data;
  Watch *watch = socket_data;
  if (what == CURL_POLL_REMOVE) {
    if (!watch) return 0;
    http->curl->multi_assign(http->multi, socket, NULL);
    uv_poll_stop(&watch->uv);  // at once: libcurl closes the socket next
    uv_close((uv_handle_t *)&watch->uv, on_watch_closed);
    return 0;
  }
  if (!watch) {
    watch = watch_new(http, socket);
    if (!watch) return -1;
    http->curl->multi_assign(http->multi, socket, watch);
  }
  int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
  return uv_poll_start(&watch->uv, events, on_socket_ready) ? -1 : 0;
}

// libcurl wants to be called in [ms]; -1: no more.
static int on_curl_timer(CURLM *multi, long ms, void *data)
{
  (void)multi;
  Http *http = data;
  timer_stop(&http->timer);
  if (ms == 0) {
    loop_soon(http->loop, &http->kick, on_timer, http);
  } else if (ms > 0) {
    timer_start(&http->timer, (uint64_t)ms, 0);
  }
  return 0;
}

// --- the engine's own life -----------------------------------------------------------------------

static bool multi_ready(Http *http, Error *err)
{
  if (http->multi) return true;
  http->curl = curl_load(err);
  if (!http->curl) return false;
  http->multi = http->curl->multi_init();
  if (!http->multi) return error_set(err, ERR_FAILED, "libcurl could not be started");
  http->curl->multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  http->curl->multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
  http->curl->multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
  http->curl->multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
  http->curl->multi_setopt(http->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, 100L);
  // By default libcurl keeps four for each running call: with few calls left it closes connections
  // that the next ones would use.
  http->curl->multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
#if LIBCURL_VERSION_NUM >= 0x081600
  http->curl->multi_setopt(http->multi, CURLMOPT_QUICK_EXIT, 1L);  // never wait for a resolver
#endif
  return true;
}

void http_load(void)
{
  curl_load(NULL);
}

Http *http_new(Loop *loop, Error *err)
{
  (void)err;
  Http *http = mem_alloc(sizeof(Http));
  http->loop = loop;
  arena_init(&http->arena);
  timer_init(loop, &http->timer, on_timer, http);
  return http;
}

static void http_closed(void *owner)
{
  mem_free(owner);
}

static void http_destroy(Http *http)
{
  while (http->first) {
    error_set(&http->first->why, ERR_CANCELLED, "cancelled");
    call_end(http->first);
  }
  if (http->multi) http->curl->multi_cleanup(http->multi);
  loop_soon_cancel(http->loop, &http->kick);
  arena_deinit(&http->arena);
  timer_close(&http->timer, http_closed);
}

void http_free(Http *http)
{
  http->freeing = true;
  if (http->busy == 0) http_destroy(http);
}
