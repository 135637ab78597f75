// http.h: HTTP exchanges over libcurl's multi_socket interface, driven by the loop.
//
// Life of a call:  http_start -> on_head? -> on_chunk* -> on_done   (exactly one on_done, never
// from inside http_start). http_cancel at any time -> on_done with ERR_CANCELLED. on_done may free
// its owner.
//
// What a call to a model needs and libcurl does not do by itself: an idle time of our own in which
// pings count as life, no total time limit, no redirects (a key must not travel), no "Expect", one
// HTTP/2 connection for many calls, no proxy for servers on this machine.
#pragma once

#include "base/buf.h"
#include "lib/loop.h"

typedef struct Http Http;
typedef struct HttpCall HttpCall;

typedef struct {
  Str name, value;
} HttpHeader;

typedef struct {
  int status;                 // 0 when no answer came
  const HttpHeader *headers;  // of the final answer, names lower case; valid until on_done returns
  size_t header_count;
} HttpHead;

typedef struct {
  Str url;
  const HttpHeader *headers;  // request headers; never logged
  size_t header_count;
  Str body;  // POST when not empty or `post` set, else GET
  bool post;
  bool compressed;              // ask for gzip (never for streams)
  uint64_t connect_timeout_ms;  // 0 = 15 s
  uint64_t first_byte_ms;       // quiet time before the first byte of the body, 0 = 120 s
  uint64_t idle_ms;             // quiet time after it, 0 = 90 s; any byte counts as life, pings too
  size_t max_reply;             // bytes; more is ERR_TOO_BIG; 0 = 64 MiB
  void (*on_head)(void *owner, const HttpHead *head);  // may be NULL
  void (*on_chunk)(void *owner, Str bytes);            // valid during the call
  // [err] is never NULL; its code is ERR_OK when a whole answer came, whatever its status. Else
  // NETWORK, TIMEOUT, TLS (a certificate that is not trusted), TOO_BIG, CANCELLED, or CONFIG for what no retry can heal
  // (URL, header value, CA file). [head] is never NULL. [sent]: the request may have reached the server (a retry could
  // pay twice).
  void (*on_done)(void *owner, const Error *err, const HttpHead *head, bool sent);
  void *owner;
} HttpSpec;  // everything is copied by http_start except owner

Http *http_new(Loop *loop, Error *err);  // libcurl is loaded at the first http_start
void http_load(void);                    // or here, in any thread (loop_aside)
void http_free(Http *http);              // cancels what is left: on_done comes from inside it

// May be called from any callback of any call. A call is gone when its on_done returns.
HttpCall *http_start(Http *http, const HttpSpec *spec);
void http_cancel(HttpCall *call);  // nothing but on_done comes after it

Str http_header(const HttpHead *head, Str name);  // empty when absent
bool url_is_loopback(Str url);
