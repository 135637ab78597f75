// http_call.c: one exchange: its options, its header and body callbacks, its errors in plain words.
// The engine that drives it is http.c.
#include "lib/http_call.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
  CONNECT_MS = 15000,
  FIRST_BYTE_MS = 120000,
  IDLE_MS = 90000,
  MAX_REPLY = 64 << 20,
  // A kept connection that the server closes just as we use it costs a failed call (see on_send), so
  // that none is kept for long. Local servers close after 5 s.
  KEEP_S = 20,
  KEEP_LOOPBACK_S = 3,
  TOO_LARGE = 100,  // CURLE_TOO_LARGE, since libcurl 8.6
};

// --- addresses -----------------------------------------------------------------------------------

// The "host:port" of an http or https URL, without a name and password before '@'. Empty when it is
// no such URL.
static Str url_authority(Str url)
{
  size_t begin = str_find(url, S("://"));
  if (begin == STR_NOT_FOUND) return STR_NONE;
  Str scheme = str_sub(url, 0, begin), rest = str_skip(url, begin + 3);
  if (!str_eq_nocase(scheme, S("http")) && !str_eq_nocase(scheme, S("https"))) return STR_NONE;
  size_t len = 0;
  while (len < rest.len && !strchr("/?#", rest.ptr[len])) len++;
  Str authority = {rest.ptr, len};
  size_t at = str_rfind_char(authority, '@');
  return at == STR_NOT_FOUND ? authority : str_skip(authority, at + 1);
}

static bool url_is_tls(Str url)
{
  return url.len >= 6 && str_eq_nocase(str_sub(url, 0, 6), S("https:"));
}

// A host without its port: letters, digits, dots and hyphens, or an IPv6 address in brackets. With
// anything else ('@', '\\', '%' ...) two readers of URLs might disagree, so there is no host.
static Str plain_host(Str authority)
{
  bool v6 = authority.len && authority.ptr[0] == '[';
  size_t end = str_find_char(authority, v6 ? ']' : ':');
  if (v6 && end == STR_NOT_FOUND) return STR_NONE;
  if (end == STR_NOT_FOUND) end = authority.len;
  Str host = str_sub(authority, v6 ? 1 : 0, end), port = str_skip(authority, v6 ? end + 1 : end);
  for (size_t i = 0; i < host.len; i++) {
    char c = host.ptr[i];
    if (!isalnum((unsigned char)c) && c != '.' && c != '-' && !(v6 && c == ':')) return STR_NONE;
  }
  for (size_t i = 0; i < port.len; i++) {
    if (i == 0 ? port.ptr[i] != ':' : !isdigit((unsigned char)port.ptr[i])) return STR_NONE;
  }
  return host;
}

bool url_is_loopback(Str url)
{
  struct in_addr v4;
  struct in6_addr v6;
  char text[64] = {0};
  size_t begin = str_find(url, S("://"));
  Str authority = url_authority(url);
  // With a '@' before it the authority is not all there is.
  if (!authority.len || authority.ptr != url.ptr + begin + 3) return false;
  Str host = plain_host(authority);
  if (str_eq_nocase(host, S("localhost"))) return true;
  if (host.len == 0 || host.len >= sizeof(text)) return false;
  memcpy(text, host.ptr, host.len);
  if (inet_pton(AF_INET, text, &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
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

static void head_too_big(HttpCall *call)
{
  error_set(&call->why, ERR_TOO_BIG, "%.*s sent more than %d KiB of headers", STR_ARG(call->where),
            HTTP_HEAD_MAX / 1024);
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
    head_too_big(call);
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
  if (call->easy) call->curl->easy_getinfo(call->easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
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
  struct curl_slist *longer = call->curl->slist_append(
      call->lines, str_fmt(scratch, format, STR_ARG(name), STR_ARG(value)).ptr);
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
  // What comes compressed is read in any case; a stream is not asked for it, for it may come late.
  if (ok && !call->spec.compressed)
    ok = line_add(call, &scratch, "%.*s:%.*s", S("Accept-Encoding"), STR_NONE);
  if (ok && !typed) ok = line_add(call, &scratch, "%.*s:%.*s", S("Content-Type"), STR_NONE);
  arena_deinit(&scratch);
  return ok;
}

// Where people name their CA certificates; libcurl itself reads none of these.
static void ca_setup(HttpCall *call)
{
  static const char *const names[] = {"CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"};
  for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
    const char *path = getenv(names[i]);
    if (!path || !*path) continue;
    struct stat st;
    bool dir = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    call->curl->easy_setopt(call->easy, dir ? CURLOPT_CAPATH : CURLOPT_CAINFO, path);
    return;
  }
}

static void transport_setup(HttpCall *call, bool loopback, bool tls)
{
  CURL *easy = call->easy;
  __typeof__(call->curl->easy_setopt) set = call->curl->easy_setopt;
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);  // a key must not travel to another host
  set(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
  // Wait for a connection that may turn out to be HTTP/2 instead of opening one per call. Only TLS
  // tells before the first answer; over plain http the calls would queue behind the first one's
  // reply.
  set(easy, CURLOPT_PIPEWAIT, (long)tls);
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)call->spec.connect_timeout_ms);
  set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  set(easy, CURLOPT_TCP_KEEPIDLE, 60L);
  set(easy, CURLOPT_TCP_KEEPINTVL, 30L);
  set(easy, CURLOPT_MAXAGE_CONN, (long)(loopback ? KEEP_LOOPBACK_S : KEEP_S));
  set(easy, CURLOPT_QUICK_EXIT,
      1L);  // a cancel never waits for a slow resolver thread
  set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (loopback) set(easy, CURLOPT_PROXY, "");  // "" also overrides the environment
}

// Hands the body to libcurl. A body given this way cannot be rewound, and that is the point: libcurl
// silently repeats a POST when a kept connection turns out to be dead, though the server may have had
// the first one, and a model call would be paid twice. Now it reports instead, and `sent` tells.
static size_t on_send(char *to, size_t unit, size_t count, void *data)
{
  HttpCall *call = data;
  Str rest = str_skip(call->spec.body, call->put);
  size_t len = rest.len < unit * count ? rest.len : unit * count;
  if (len) memcpy(to, rest.ptr, len);
  call->put += len;
  return len;
}

static void exchange_setup(HttpCall *call)
{
  CURL *easy = call->easy;
  __typeof__(call->curl->easy_setopt) set = call->curl->easy_setopt;
  const HttpSpec *spec = &call->spec;
  set(easy, CURLOPT_URL, spec->url.ptr);  // NUL-terminated by str_dup
  set(easy, CURLOPT_HTTPHEADER, call->lines);
  set(easy, CURLOPT_USERAGENT, "piecework");
  if (spec->post || spec->body.len) {
    set(easy, CURLOPT_POST, 1L);
    set(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)spec->body.len);
    set(easy, CURLOPT_READFUNCTION, on_send);
    set(easy, CURLOPT_READDATA, call);
  }
  set(easy, CURLOPT_ACCEPT_ENCODING, "");
  set(easy, CURLOPT_PRIVATE, call);
  set(easy, CURLOPT_ERRORBUFFER, call->curl_text);
  set(easy, CURLOPT_HEADERFUNCTION, on_header);
  set(easy, CURLOPT_HEADERDATA, call);
  set(easy, CURLOPT_WRITEFUNCTION, on_body);
  set(easy, CURLOPT_WRITEDATA, call);
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

bool call_setup(HttpCall *call, const CurlApi *curl)
{
  call->curl = curl;
  call->where = url_authority(call->spec.url);
  if (call->where.len == 0) {
    return error_set(&call->why, ERR_CONFIG,
                     "the address of the provider is not a URL with http or https");
  }
  if (!headers_setup(call)) return false;
  call->easy = curl->easy_init();
  if (!call->easy) return error_set(&call->why, ERR_FAILED, "libcurl could not start a call");
  bool tls = url_is_tls(call->spec.url);
  transport_setup(call, url_is_loopback(call->spec.url), tls);
  if (tls) ca_setup(call);
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
    {CURLE_SEND_FAIL_REWIND, ERR_NETWORK, "%.*s closed a kept connection without an answer"},
    {CURLE_SEND_ERROR, ERR_NETWORK, "the connection to %.*s broke off while sending"},
    {CURLE_HTTP2, ERR_NETWORK, "the connection to %.*s broke off (HTTP/2)"},
    {CURLE_HTTP2_STREAM, ERR_NETWORK, "%.*s broke off its answer (HTTP/2)"},
    {CURLE_WEIRD_SERVER_REPLY, ERR_NETWORK, "%.*s does not answer in HTTP"},
    {CURLE_BAD_CONTENT_ENCODING, ERR_NETWORK, "%.*s sent a damaged compressed answer"},
};

static void tls_verdict(HttpCall *call, CURLcode code)
{
  // libcurl's text is about the certificate ("certificate has expired"), never about the request.
  const char *detail = call->curl_text[0] ? call->curl_text : call->curl->easy_strerror(code);
  if (code == CURLE_SSL_CACERT_BADFILE) {
    error_set(&call->why, ERR_CONFIG, "cannot read the CA certificates needed for %.*s",
              STR_ARG(call->where));
    error_hint_set(&call->why, "check CURL_CA_BUNDLE, SSL_CERT_FILE and SSL_CERT_DIR");
  } else if (code == CURLE_PEER_FAILED_VERIFICATION) {
    error_set(&call->why, ERR_TLS, "the certificate of %.*s is not trusted: %s",
              STR_ARG(call->where), detail);
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

// The variable that sends such calls through a proxy; its value may hold a password.
static const char *proxy_variable(const HttpCall *call)
{
  static const char *const plain[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL};
  static const char *const secure[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                                       NULL};
  if (url_is_loopback(call->spec.url)) return NULL;
  bool tls = str_starts(call->spec.url, S("https:"));
  for (const char *const *name = tls ? secure : plain; *name; name++) {
    const char *value = getenv(*name);
    if (value && *value) return *name;
  }
  return NULL;
}

static void connect_verdict(HttpCall *call)
{
  long number = 0;
  call->curl->easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &number);
  const char *proxy = proxy_variable(call);
  error_set(&call->why, ERR_NETWORK, "cannot connect to %.*s: %s%s%s", STR_ARG(call->where),
            number ? strerror((int)number) : "no connection", proxy ? ", with the proxy of " : "",
            proxy ? proxy : "");
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
  if (code == CURLE_OUT_OF_MEMORY || (int)code == TOO_LARGE) {  // of one header, both
    head_too_big(call);
    return;
  }
  for (size_t i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++) {
    if (verdicts[i].code == code)
      error_set(&call->why, verdicts[i].err, verdicts[i].text, STR_ARG(call->where));
  }
  error_set(&call->why, ERR_NETWORK, "the call to %.*s failed: %s", STR_ARG(call->where),
            call->curl->easy_strerror(code));
}

bool call_was_sent(const HttpCall *call)
{
  curl_off_t ready_us = 0;
  long bytes = 0;
  if (!call->easy) return false;
  call->curl->easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
  call->curl->easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &bytes);
  return call->head.status != 0 || (ready_us > 0 && bytes > 0);
}
