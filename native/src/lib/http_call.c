// http_call.c: one exchange: its options, its header and body callbacks, its errors in plain words.
// The engine that drives it is http.c.
#include "lib/http_call.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
  CONNECT_MS = 15000,
  FIRST_BYTE_MS = 120000,
  IDLE_MS = 90000,
  MAX_REPLY = 64 << 20,
  // libcurl silently repeats a POST on a kept connection that turns out to be dead, which may be
  // paid twice; a connection is therefore not kept for long. Local servers close after 5 s.
  KEEP_S = 20,
  KEEP_LOOPBACK_S = 3,
};

// --- addresses -----------------------------------------------------------------------------------

// The part [what] of [url] as libcurl itself reads it, so that no trick with '@' or '\' makes us
// and libcurl see different hosts. Empty when there is none.
static Str url_part(Arena *arena, Str url, CURLUPart what, unsigned flags)
{
  Str out = STR_NONE;
  char *text = NULL;
  CURLU *parsed = curl_url();
  if (parsed && !curl_url_set(parsed, CURLUPART_URL, str_z(arena, url), 0) &&
      !curl_url_get(parsed, what, &text, flags)) {
    out = str_dup(arena, str_from(text));
  }
  curl_free(text);
  curl_url_cleanup(parsed);
  return out;
}

static bool host_is_loopback(Arena *arena, Str host)
{
  struct in_addr v4;
  struct in6_addr v6;
  if (str_eq_nocase(host, S("localhost"))) return true;
  if (host.len > 2 && host.ptr[0] == '[') host = str_sub(host, 1, host.len - 1);
  const char *text = str_z(arena, host);
  if (inet_pton(AF_INET, text, &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool url_is_loopback(Str url)
{
  Arena scratch;
  arena_init(&scratch);
  bool yes = host_is_loopback(&scratch, url_part(&scratch, url, CURLUPART_HOST, 0));
  arena_deinit(&scratch);
  return yes;
}

// --- what comes back -----------------------------------------------------------------------------

Str http_header(const HttpHead *head, Str name)
{
  for (size_t i = 0; i < head->header_count; i++) {
    if (str_eq_nocase(head->headers[i].name, name)) return head->headers[i].value;
  }
  return STR_NONE;
}

// A status line opens a new block: after 1xx answers or a proxy's word, only the last one counts.
static void head_begin(HttpCall *call, Str line)
{
  uint64_t status = 0;
  size_t blank = str_find_char(line, ' ');
  if (blank != STR_NOT_FOUND) str_to_u64(str_sub(line, blank + 1, blank + 4), &status);
  arena_reset(&call->head_arena);
  memset(&call->headers, 0, sizeof(call->headers));
  call->head = (HttpHead){.status = (int)status};
  call->head_over = false;
}

static Str lower(Arena *arena, Str s)
{
  Str copy = str_dup(arena, s);
  char *text = (char *)copy.ptr;
  for (size_t i = 0; i < copy.len; i++) {
    if (text[i] >= 'A' && text[i] <= 'Z') text[i] = (char)(text[i] + 32);
  }
  return copy;
}

static void head_add(HttpCall *call, Str line)
{
  size_t colon = str_find_char(line, ':');
  if (colon == STR_NOT_FOUND) return;
  HttpHeader header = {.name = lower(&call->head_arena, str_trim(str_sub(line, 0, colon))),
                       .value = str_dup(&call->head_arena, str_trim(str_skip(line, colon + 1)))};
  PUSH(&call->head_arena, &call->headers, header);
  call->head.headers = call->headers.items;
  call->head.header_count = call->headers.len;
}

static void head_end(HttpCall *call)
{
  if (call->head.status < 200) return;  // "100 Continue" and its kind
  call->head_over = true;
  if (call->spec.on_head) call->spec.on_head(call->spec.owner, &call->head);
}

// libcurl's header callback: one line per call. Anything but [size] ends the transfer.
static size_t on_header(char *ptr, size_t unit, size_t count, void *data)
{
  HttpCall *call = data;
  size_t size = unit * count;
  Str line = {ptr, size};
  if (call->why.code) return 0;
  call->last_ms = loop_now_ms(call->loop);
  if (str_starts(line, S("HTTP/"))) head_begin(call, line);
  call->head_bytes += size;
  if (call->head_bytes > HTTP_HEAD_MAX) {
    error_set(&call->why, ERR_TOO_BIG, "%.*s sent more than %d KiB of headers",
              STR_ARG(call->where), HTTP_HEAD_MAX / 1024);
    return 0;
  }
  if (call->head_over) return size;  // trailers
  if (str_trim(line).len == 0) {
    head_end(call);
  } else if (!str_starts(line, S("HTTP/"))) {
    head_add(call, line);
  }
  return call->why.code ? 0 : size;
}

static size_t on_body(char *ptr, size_t unit, size_t count, void *data)
{
  HttpCall *call = data;
  size_t size = unit * count;
  if (call->why.code || size == 0) return 0;
  call->last_ms = loop_now_ms(call->loop);
  // The wait for the next byte may be shorter than the one for the first.
  if (call->got == 0) timer_start(&call->idle, call->spec.idle_ms, 0);
  if (size > call->spec.max_reply - call->got) {
    error_set(&call->why, ERR_TOO_BIG, "the answer of %.*s is larger than %zu bytes",
              STR_ARG(call->where), call->spec.max_reply);
    return 0;
  }
  call->got += size;
  if (call->spec.on_chunk) call->spec.on_chunk(call->spec.owner, (Str){ptr, size});
  return call->why.code ? 0 : size;
}

uint64_t call_idle_left(HttpCall *call)
{
  uint64_t now = loop_now_ms(call->loop);
  curl_off_t uploaded = 0;
  if (call->easy) curl_easy_getinfo(call->easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
  if (uploaded > call->uploaded) call->last_ms = now;  // a long request on a slow line is life, too
  call->uploaded = uploaded;
  uint64_t limit = call->got ? call->spec.idle_ms : call->spec.first_byte_ms;
  uint64_t quiet = now - call->last_ms;
  if (quiet < limit) return limit - quiet;
  error_set(&call->why, ERR_TIMEOUT,
            call->got ? "%.*s stopped sending for %.1f s" : "no answer from %.*s within %.1f s",
            STR_ARG(call->where), (double)limit / 1000);
  return 0;
}

// --- the request ---------------------------------------------------------------------------------

static bool has_control(Str s)
{
  for (size_t i = 0; i < s.len; i++) {
    if ((unsigned char)s.ptr[i] < 0x20 && s.ptr[i] != '\t') return true;
  }
  return false;
}

static bool line_add(HttpCall *call, Arena *scratch, const char *format, Str name, Str value)
{
  struct curl_slist *longer =
      curl_slist_append(call->lines, str_fmt(scratch, format, STR_ARG(name), STR_ARG(value)).ptr);
  if (!longer) return error_set(&call->why, ERR_FAILED, "out of memory");
  call->lines = longer;
  return true;
}

// Values are keys, often: an error names the header, never what it holds.
static bool header_add(HttpCall *call, Arena *scratch, const HttpHeader *header)
{
  if (header->name.len == 0 || has_control(header->name) || has_control(header->value)) {
    error_hint_set(&call->why, "look for a line break at the end of the key or setting");
    return error_set(&call->why, ERR_CONFIG,
                     "the value for the header %.*s holds a control character",
                     STR_ARG(header->name));
  }
  const char *format =
      header->value.len ? "%.*s: %.*s" : "%.*s;%.*s";  // libcurl's way to say "empty"
  return line_add(call, scratch, format, header->name, header->value);
}

static bool headers_setup(HttpCall *call)
{
  Arena scratch;
  arena_init(&scratch);
  bool ok = true, typed = false;
  for (size_t i = 0; ok && i < call->spec.header_count; i++) {
    typed |= str_eq_nocase(call->spec.headers[i].name, S("content-type"));
    ok = header_add(call, &scratch, &call->spec.headers[i]);
  }
  // Without "Expect:" emptied, a large body waits a second for a server that does not know it.
  ok = ok && line_add(call, &scratch, "%.*s:%.*s", S("Expect"), STR_NONE);
  if (ok && !typed) ok = line_add(call, &scratch, "%.*s:%.*s", S("Content-Type"), STR_NONE);
  arena_deinit(&scratch);
  return ok;
}

static void ca_setup(CURL *easy, Arena *scratch, Str own)
{
  Str candidates[] = {own, str_from(getenv("CURL_CA_BUNDLE")), str_from(getenv("SSL_CERT_FILE")),
                      str_from(getenv("SSL_CERT_DIR"))};
  for (size_t i = 0; i < sizeof(candidates) / sizeof(*candidates); i++) {
    if (candidates[i].len == 0) continue;
    const char *path = str_z(scratch, candidates[i]);
    struct stat st;
    bool dir = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    curl_easy_setopt(easy, dir ? CURLOPT_CAPATH : CURLOPT_CAINFO, path);
    return;
  }
}

static void transport_setup(HttpCall *call, bool loopback, bool tls)
{
  CURL *easy = call->easy;
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);  // a key must not travel to another host
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
  // Wait for a connection that may turn out to be HTTP/2 instead of opening one per call. Only TLS
  // tells before the first answer; over plain http the calls would queue behind the first one's
  // reply.
  curl_easy_setopt(easy, CURLOPT_PIPEWAIT, (long)tls);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)call->spec.connect_timeout_ms);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 60L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 30L);
  curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)(loopback ? KEEP_LOOPBACK_S : KEEP_S));
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT,
                   1L);  // a cancel never waits for a slow resolver thread
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (loopback) curl_easy_setopt(easy, CURLOPT_PROXY, "");  // "" also overrides the environment
}

static void exchange_setup(HttpCall *call)
{
  CURL *easy = call->easy;
  const HttpSpec *spec = &call->spec;
  curl_easy_setopt(easy, CURLOPT_URL, spec->url.ptr);  // NUL-terminated by str_dup
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->lines);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "piecework");
  if (spec->post || spec->body.len) {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)spec->body.len);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, spec->body.ptr);  // not copied: lives in call->arena
  }
  if (spec->compressed) curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl_text);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
}

void call_copy_spec(HttpCall *call, const HttpSpec *spec)
{
  Arena *arena = &call->arena;
  HttpSpec *own = &call->spec;
  *own = *spec;
  own->url = str_dup(arena, spec->url);
  own->body = str_dup(arena, spec->body);
  HttpHeader *headers = NEW_N(arena, HttpHeader, spec->header_count);
  for (size_t i = 0; i < spec->header_count; i++) {
    headers[i].name = str_dup(arena, spec->headers[i].name);
    headers[i].value = str_dup(arena, spec->headers[i].value);
  }
  own->headers = headers;
  if (!own->connect_timeout_ms) own->connect_timeout_ms = CONNECT_MS;
  if (!own->first_byte_ms) own->first_byte_ms = FIRST_BYTE_MS;
  if (!own->idle_ms) own->idle_ms = IDLE_MS;
  if (!own->max_reply) own->max_reply = MAX_REPLY;
}

bool call_setup(HttpCall *call, Str ca)
{
  Str host = url_part(&call->arena, call->spec.url, CURLUPART_HOST, 0);
  Str port = url_part(&call->arena, call->spec.url, CURLUPART_PORT, 0);
  Str scheme = url_part(&call->arena, call->spec.url, CURLUPART_SCHEME, 0);
  bool tls = str_eq_nocase(scheme, S("https"));
  if (host.len == 0 || !(tls || str_eq_nocase(scheme, S("http")))) {
    return error_set(&call->why, ERR_CONFIG,
                     "the address of the provider is not a URL with http or https");
  }
  call->where = port.len ? str_fmt(&call->arena, "%.*s:%.*s", STR_ARG(host), STR_ARG(port)) : host;
  if (!headers_setup(call)) return false;
  call->easy = curl_easy_init();
  if (!call->easy) return error_set(&call->why, ERR_FAILED, "libcurl could not start a call");
  transport_setup(call, host_is_loopback(&call->arena, host), tls);
  ca_setup(call->easy, &call->arena, ca);
  exchange_setup(call);
  return true;
}

// --- what went wrong -----------------------------------------------------------------------------

typedef struct {
  CURLcode code;
  Err err;
  const char *text;  // one %.*s: host and port
} Verdict;

static const Verdict verdicts[] = {
    {CURLE_URL_MALFORMAT, ERR_CONFIG, "the address for %.*s is not a valid URL"},
    {CURLE_UNSUPPORTED_PROTOCOL, ERR_NETWORK, "%.*s does not answer in HTTP"},
    {CURLE_COULDNT_RESOLVE_HOST, ERR_NETWORK, "cannot find the host %.*s"},
    {CURLE_COULDNT_RESOLVE_PROXY, ERR_NETWORK, "cannot find the proxy on the way to %.*s"},
    {CURLE_PROXY, ERR_NETWORK, "the proxy refused the way to %.*s"},
    {CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT, "no connection to %.*s in time"},
    {CURLE_GOT_NOTHING, ERR_NETWORK, "%.*s closed the connection without an answer"},
    {CURLE_PARTIAL_FILE, ERR_NETWORK, "%.*s broke off in the middle of its answer"},
    {CURLE_RECV_ERROR, ERR_NETWORK, "the connection to %.*s broke off"},
    {CURLE_SEND_ERROR, ERR_NETWORK, "the connection to %.*s broke off while sending"},
    {CURLE_HTTP2, ERR_NETWORK, "the connection to %.*s broke off (HTTP/2)"},
    {CURLE_HTTP2_STREAM, ERR_NETWORK, "%.*s broke off its answer (HTTP/2)"},
    {CURLE_WEIRD_SERVER_REPLY, ERR_NETWORK, "%.*s does not answer in HTTP"},
    {CURLE_BAD_CONTENT_ENCODING, ERR_NETWORK, "%.*s sent a damaged compressed answer"},
};

static void tls_verdict(HttpCall *call, CURLcode code)
{
  // libcurl's text is about the certificate ("certificate has expired"), never about the request.
  const char *detail = call->curl_text[0] ? call->curl_text : curl_easy_strerror(code);
  if (code == CURLE_SSL_CACERT_BADFILE) {
    error_set(&call->why, ERR_CONFIG, "cannot read the CA certificates needed for %.*s",
              STR_ARG(call->where));
    error_hint_set(&call->why, "check `ca`, CURL_CA_BUNDLE, SSL_CERT_FILE and SSL_CERT_DIR");
  } else if (code == CURLE_PEER_FAILED_VERIFICATION) {
    error_set(&call->why, ERR_NETWORK, "the certificate of %.*s is not trusted: %s",
              STR_ARG(call->where), detail);
    error_hint_set(&call->why,
                   "check the address; for a company proxy or an own CA set CURL_CA_BUNDLE");
  } else {
    error_set(&call->why, ERR_NETWORK, "no secure connection to %.*s: %s", STR_ARG(call->where),
              detail);
  }
}

static bool is_tls(CURLcode code)
{
  return code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION ||
         code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CERTPROBLEM ||
         code == CURLE_SSL_CIPHER || code == CURLE_SSL_ISSUER_ERROR ||
         code == CURLE_SSL_INVALIDCERTSTATUS;
}

static void connect_verdict(HttpCall *call)
{
  long number = 0;
  curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &number);
  error_set(&call->why, ERR_NETWORK, "cannot connect to %.*s: %s", STR_ARG(call->where),
            number ? strerror((int)number) : "no connection");
}

void call_verdict(HttpCall *call, CURLcode code)
{
  if (code == CURLE_OK || call->why.code) return;
  if (is_tls(code)) {
    tls_verdict(call, code);
    return;
  }
  if (code == CURLE_COULDNT_CONNECT) {
    connect_verdict(call);
    return;
  }
  for (size_t i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++) {
    if (verdicts[i].code == code)
      error_set(&call->why, verdicts[i].err, verdicts[i].text, STR_ARG(call->where));
  }
  error_set(&call->why, ERR_NETWORK, "the call to %.*s failed: %s", STR_ARG(call->where),
            curl_easy_strerror(code));
}

bool call_was_sent(const HttpCall *call)
{
  curl_off_t ready_us = 0;
  long bytes = 0;
  if (!call->easy) return false;
  curl_easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
  curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &bytes);
  return call->head.status != 0 || (ready_us > 0 && bytes > 0);
}
