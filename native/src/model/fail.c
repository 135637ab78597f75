// fail.c: what an error answer means, for all dialects: one table of statuses, one of the providers' words.
//
// Quota and billing errors are never tried again, a 429 holds back all calls of its provider and model, and
// x-should-retry and Retry-After are honoured.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/json.h"
#include "model/dialect.h"
#include "model/redact.h"

enum { RETRY = 1, GATE = 2, TERMINAL = 4, MODEL_ONLY = 8, LOADING = 16 };

typedef struct {
  int status;
  Err code;
  unsigned what;
  const char *words;
} StatusRow;

static const StatusRow statuses[] = {
    {400, ERR_REQUEST, 0, "the provider refused the request"},
    {401, ERR_AUTH, TERMINAL, "the provider does not accept the key"},
    {402, ERR_QUOTA, TERMINAL, "the account has no balance"},
    {403, ERR_AUTH, TERMINAL, "the key may not do this"},
    {404, ERR_MODEL, TERMINAL | MODEL_ONLY, "the provider does not know this model or address"},
    {408, ERR_TIMEOUT, RETRY, "the provider ran out of time"},
    {409, ERR_OVERLOADED, RETRY, "the provider was busy with a conflicting request"},
    {413, ERR_TOO_BIG, 0, "the request is too large for the provider"},
    {422, ERR_REQUEST, 0, "the provider refused the request"},
    {429, ERR_RATE, RETRY | GATE, "the provider's rate limit is reached"},
    {503, ERR_OVERLOADED, RETRY, "the provider is not available"},
    {504, ERR_TIMEOUT, RETRY, "the provider ran out of time"},
    {529, ERR_OVERLOADED, RETRY | GATE, "the provider is overloaded"},
};
static const StatusRow other_request = {0, ERR_REQUEST, 0, "the provider refused the request"};
static const StatusRow other_server = {0, ERR_OVERLOADED, RETRY,
                                       "the provider had an internal error"};
static const StatusRow redirect = {0, ERR_CONFIG, TERMINAL,
                                   "the address redirects elsewhere; check base_url"};

// The provider's word (error.type, error.code, details.error_code) or a phrase of its message. It may stand
// for a status (inside a stream there is none) or overrule one.
typedef struct {
  const char *word;
  int status;  // as if this had come; 0 = the row speaks for itself
  Err code;
  unsigned what;
  const char *words;
} KindRow;

#define QUOTA_ROW(word)                                                           \
  {                                                                               \
    word, 0, ERR_QUOTA, TERMINAL, "the account's quota or spend limit is reached" \
  }
#define TOO_LONG_ROW(word)                                                      \
  {                                                                             \
    word, 0, ERR_TOO_BIG, 0, "the prompt does not fit into the model's context" \
  }

static const KindRow kinds[] = {
    // terminal, whatever the status
    QUOTA_ROW("enforced_spend_limit_reached"),
    QUOTA_ROW("contract_spend_limit_reached"),
    QUOTA_ROW("insufficient_quota"),
    QUOTA_ROW("credit_balance_exhausted"),
    QUOTA_ROW("organization_spend_limit_exceeded"),
    QUOTA_ROW("billing_error"),
    {"invalid_api_key", 401, ERR_OK, 0, NULL},
    {"authentication_error", 401, ERR_OK, 0, NULL},
    {"model_not_found", 404, ERR_OK, 0, NULL},
    // about this request only
    {"misalignment_policy_violation", 0, ERR_MODEL_REFUSED, 0,
     "the provider's policy forbids this"},
    TOO_LONG_ROW("context_length_exceeded"),
    TOO_LONG_ROW("exceed_context_size_error"),
    {"request_too_large", 413, ERR_OK, 0, NULL},
    {"invalid_request_error", 400, ERR_OK, 0, NULL},
    {"permission_error", 403, ERR_OK, 0, NULL},
    {"not_found_error", 404, ERR_OK, 0, NULL},
    // passing
    {"rate_limit_error", 429, ERR_OK, 0, NULL},
    {"rate_limit_exceeded", 429, ERR_OK, 0, NULL},
    {"slow_down", 429, ERR_OK, 0, NULL},
    {"ramp_limit_exceeded", 429, ERR_OK, 0, NULL},
    {"overloaded_error", 529, ERR_OK, 0, NULL},
    {"server_is_overloaded", 529, ERR_OK, 0, NULL},
    {"timeout_error", 504, ERR_OK, 0, NULL},
    {"unavailable_error", 503, ERR_OK, 0, NULL},
    {"api_error", 500, ERR_OK, 0, NULL},
    {"server_error", 500, ERR_OK, 0, NULL},
    // Google's words: they say what a 400 or a number inside a stream means
    {"API_KEY_INVALID", 401, ERR_OK, 0, NULL},
    {"API_KEY_EXPIRED", 401, ERR_OK, 0, NULL},
    {"UNAUTHENTICATED", 401, ERR_OK, 0, NULL},
    {"PERMISSION_DENIED", 403, ERR_OK, 0, NULL},
    {"NOT_FOUND", 404, ERR_OK, 0, NULL},
    {"RESOURCE_EXHAUSTED", 429, ERR_OK, 0, NULL},
    {"UNAVAILABLE", 503, ERR_OK, 0, NULL},
    {"DEADLINE_EXCEEDED", 504, ERR_OK, 0, NULL},
    {"INTERNAL", 500, ERR_OK, 0, NULL},
};

static const KindRow phrases[] = {
    QUOTA_ROW("You have reached your specified API usage limits"),
    QUOTA_ROW("credit balance is too low"),
    {"API key not valid", 401, ERR_OK, 0, NULL},
    QUOTA_ROW("hourly usage limit"),
    QUOTA_ROW("weekly usage limit"),
    {"input was flagged", 0, ERR_MODEL_REFUSED, 0, "the provider's policy forbids this"},
    TOO_LONG_ROW("prompt is too long"),
    TOO_LONG_ROW("input token count"),
    TOO_LONG_ROW("longer than the context"),
    TOO_LONG_ROW("exceeds the context length"),
    {"Loading model", 0, ERR_OVERLOADED, RETRY | LOADING, "the server is still loading its model"},
    {"support tool use", 400, ERR_OK, 0, NULL},  // a router's 404: no host of the model takes tools
};

// A 400 that names one of these teaches to leave it out (once; call.c remembers).
static const struct {
  const char *field;
  unsigned quirk;
} lessons[] = {
    {"stream_options", QUIRK_NO_STREAM_OPTIONS},
    {"max_completion_tokens", QUIRK_MAX_TOKENS},  // or back again: call.c
    {"prompt_cache", QUIRK_NO_CACHE_MARK},
    {"'store'", QUIRK_NO_CACHE_MARK},
    {"supplied: store", QUIRK_NO_CACHE_MARK},
    {"reasoning_effort", QUIRK_NO_EFFORT},
    {"output_config.effort", QUIRK_NO_EFFORT},
    {"developer", QUIRK_SYSTEM_ROLE},
    {"reasoning_content", QUIRK_REASONING_BACK},
    {"response_format", QUIRK_NO_SCHEMA},
    {"json_schema", QUIRK_NO_SCHEMA},
    {"JSON schema error", QUIRK_NO_SCHEMA},
    {"output_config.format", QUIRK_NO_SCHEMA},
    {"reasoning.e", QUIRK_NO_EFFORT},
    {"Encrypted content", QUIRK_NO_EFFORT},
    {"thinkingLevel", QUIRK_NO_EFFORT},
    {"thinking level", QUIRK_NO_EFFORT},
    {"support thinking", QUIRK_NO_EFFORT},
    {"text.format", QUIRK_NO_SCHEMA},
    {"responseJsonSchema", QUIRK_NO_SCHEMA},
    {"too many states", QUIRK_NO_SCHEMA},
    {"invalid format", QUIRK_NO_SCHEMA},
    {"support tool", QUIRK_NO_TOOLS},
    {"tools param requires", QUIRK_NO_TOOLS},
    {"tool choice requires", QUIRK_NO_TOOLS},
    {"'tools'", QUIRK_NO_TOOLS},
    {"function calling", QUIRK_NO_TOOLS},
};

static const StatusRow *status_row(int status)
{
  for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
    if (statuses[i].status == status) return &statuses[i];
  }
  if (status >= 300 && status < 400) return &redirect;
  return status >= 400 && status < 500 ? &other_request : &other_server;
}

static const KindRow *kind_find(Str word)
{
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    if (str_eq(word, str_from(kinds[i].word))) return &kinds[i];
  }
  return NULL;
}

static const KindRow *phrase_find(Str message)
{
  for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
    if (str_has(message, str_from(phrases[i].word))) return &phrases[i];
  }
  return NULL;
}

// The most telling word the error object has: a row that overrules (status 0) beats one that stands for a
// status.
static const KindRow *kind_of(const Value *error, Str message)
{
  const KindRow *found = phrase_find(message);
  const Value *details = value_get(error, S("details"));
  Str reason = STR_NONE;
  for (VALUE_EACH (detail, details)) reason = value_get_str(detail, S("reason"), reason);
  Str words[] = {value_get_str(details, S("error_code"), STR_NONE), reason,
                 value_get_str(error, S("code"), STR_NONE),
                 value_get_str(error, S("type"), STR_NONE),
                 value_get_str(error, S("status"), STR_NONE)};
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
    const KindRow *row = kind_find(words[i]);
    if (row && (!found || (found->status && !row->status))) found = row;
  }
  return found;
}

// Servers put the sentence in many places.
static Str message_of(const Value *error)
{
  if (value_is(error, VALUE_STR)) return error->str;
  Str message = value_get_str(error, S("message"), STR_NONE);
  if (message.len == 0) message = value_get_str(error, S("detail"), STR_NONE);
  if (message.len == 0)
    message = value_get_str(value_at(value_get(error, S("detail")), 0), S("msg"), STR_NONE);
  return message;
}

// The field it is about: error.param, or where a validator's `loc` points to, and what stood there:
// {"detail": [{"loc": ["body", "messages", 0, "role"], "msg": "...", "input": "developer"}]}. In quotes, as messages
// have it.
static Str field_of(Arena *arena, const Value *error)
{
  Str path = value_get_str(error, S("param"), STR_NONE);
  const Value *detail = value_at(value_get(error, S("detail")), 0);
  for (VALUE_EACH (step, value_get(detail, S("loc")))) {
    Str name = value_to_str(step, STR_NONE);
    if (name.len) path = str_fmt(arena, "%.*s'%.*s'", STR_ARG(path), STR_ARG(name));
  }
  Str input = str_sub(value_get_str(detail, S("input"), STR_NONE), 0, 64);
  return str_fmt(arena, "'%.*s' %.*s", STR_ARG(path), STR_ARG(input));
}

static unsigned lesson_of(const Value *error, Str message)
{
  Arena arena;
  arena_init(&arena);
  Str named = field_of(&arena, error);
  unsigned quirk = 0;
  for (size_t i = 0; !quirk && i < sizeof(lessons) / sizeof(lessons[0]); i++) {
    Str field = str_from(lessons[i].field);
    if (str_has(message, field) || str_has(named, field)) quirk = lessons[i].quirk;
  }
  arena_deinit(&arena);
  return quirk;
}

static void words_set(Failure *out, Err code, const char *words, int status, Str message)
{
  enum { SHOWN = 240 };
  Arena arena;
  arena_init(&arena);
  Str said = redact(&arena, str_trim(str_sub(message, 0, 4 * SHOWN)), NULL, REDACT_MESSAGE);
  size_t cut = str_utf8_floor(said, SHOWN);
  const char *more = cut < said.len ? "..." : "";
  char number[24] = "";
  if (status) snprintf(number, sizeof(number), " (%d)", status);
  if (said.len) {
    error_set(&out->error, code, "%s%s: %.*s%s", words, number, (int)cut, said.ptr, more);
  } else {
    error_set(&out->error, code, "%s%s", words, number);
  }
  arena_deinit(&arena);
}

static bool number_of(Str text, double *out)
{
  char copy[32];
  if (text.len == 0 || text.len >= sizeof(copy)) return false;
  snprintf(copy, sizeof(copy), "%.*s", STR_ARG(text));
  char *end;
  *out = strtod(copy, &end);
  return *end == 0 && *out >= 0 && *out < 1e9;
}

// Google names the wait inside the body: details[] {"@type": "...RetryInfo", "retryDelay": "46s"}.
static void retry_info(const Value *error, Failure *out)
{
  for (VALUE_EACH (detail, value_get(error, S("details")))) {
    Str delay = value_get_str(detail, S("retryDelay"), STR_NONE);
    double seconds;
    if (!str_ends(delay, S("s")) || !number_of(str_sub(delay, 0, delay.len - 1), &seconds))
      continue;
    out->has_wait = true;
    out->wait_ms = seconds < 86400 ? (uint64_t)(seconds * 1000) : 86400 * 1000;
  }
}

// A quota of a day, or none at all ("limit: 0"), does not come back by waiting.
static bool is_spent(const Value *error, Str message)
{
  if (str_has(message, S("limit: 0"))) return true;
  for (VALUE_EACH (detail, value_get(error, S("details")))) {
    for (VALUE_EACH (violation, value_get(detail, S("violations")))) {
      if (str_has(value_get_str(violation, S("quotaId"), STR_NONE), S("PerDay"))) return true;
    }
  }
  return false;
}

void failure_classify(int status, const Value *error, Failure *out)
{
  *out = (Failure){0};
  Str message = message_of(error);
  const KindRow *kind = kind_of(error, message);
  // Inside a stream there is no status but perhaps a number as code.
  int like = status >= 300 ? status : (int)value_get_int(error, S("code"), 0);
  if (like < 300 || like > 599) like = kind && kind->status ? kind->status : 500;
  const StatusRow *row = status_row(like);
  bool overrules = kind && kind->status == 0;
  bool vague = status == 400 || status == 500 || (kind && kind == phrase_find(message));
  if (kind && kind->status && vague) row = status_row(kind->status);
  static const KindRow spent = QUOTA_ROW("");
  if (row->status == 429 && is_spent(error, message)) {
    kind = &spent;
    overrules = true;
  }
  unsigned what = overrules ? kind->what : row->what;
  out->retry = what & RETRY;
  out->gate = what & GATE;
  out->terminal = what & TERMINAL;
  out->model_only = what & MODEL_ONLY;
  out->loading = what & LOADING;
  if (row->code == ERR_REQUEST && !overrules) {
    out->learned = lesson_of(error, message);
  }
  retry_info(error, out);
  words_set(out, overrules ? kind->code : row->code, overrules ? kind->words : row->words, status,
            message);
}

static bool is_html(const HttpHead *head, Str body)
{
  return str_has(http_header(head, S("content-type")), S("html")) || str_starts(body, S("<"));
}

// The object that says what is wrong: {"error": {...}}, {"error": "..."}, [{"error": ...}] or the body itself.
static const Value *error_object(const Value *body)
{
  if (value_is(body, VALUE_LIST)) body = value_at(body, 0);
  const Value *error = error_in(body);
  return error ? error : body;
}

// Seconds until an HTTP date ("Wed, 21 Oct 2026 07:28:00 GMT"); false when it is none.
static bool seconds_until(Str date, double *out)
{
  char text[64];
  if (date.len >= sizeof(text)) return false;
  snprintf(text, sizeof(text), "%.*s", STR_ARG(date));
  struct tm tm = {0};
  const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
  if (!end || *end) return false;
  *out = difftime(timegm(&tm), time(NULL));
  return true;
}

// retry-after-ms, retry-after (seconds or HTTP date) and x-should-retry.
static void read_headers(const HttpHead *head, Failure *out)
{
  double n;
  Str after = http_header(head, S("retry-after"));
  if (number_of(http_header(head, S("retry-after-ms")), &n)) {
    out->has_wait = true;
    out->wait_ms = (uint64_t)n;
  } else if (number_of(after, &n) || seconds_until(after, &n)) {
    out->has_wait = true;
    out->wait_ms = n > 0 ? (uint64_t)(n * 1000) : 0;
  }
  Str should = http_header(head, S("x-should-retry"));
  if (str_eq(should, S("false"))) out->retry = out->gate = false;
  if (str_eq(should, S("true")) && !out->terminal) out->retry = true;
}

void failure_from_answer(const HttpHead *head, Str body, Failure *out)
{
  Arena arena;
  arena_init(&arena);
  Str text = str_trim(body);
  bool html = is_html(head, text);
  const Value *parsed = html ? NULL : json_parse(&arena, text, NULL);
  const Value *error = error_object(parsed);
  if (!error && !html) error = value_str(&arena, text);
  failure_classify(head->status, error, out);
  read_headers(head, out);
  arena_deinit(&arena);
}
