// count.c: see count.h.
#include "model/count.h"

#include "lib/json.h"
#include "model/models.h"
#include "model/request.h"
#include "model/text_tools.h"

enum { ANSWER_MAX = 1 << 20 };

struct TokenCount {
  Models *models;
  TokenCount *next;  // in models
  const ProviderConfig *config;
  const Dialect *dialect;
  ModelRequest request;
  Arena arena;
  int64_t estimated;
  KeyWaiter key_waiter;
  LoopSoon soon;
  HttpCall *http;
  Buf body;
  bool good;           // the answer that comes is a 2xx
  CountDone *on_done;  // NULL once told
  void *owner;
};

bool count_possible(const Models *models, const ModelRequest *request, Error *err)
{
  const ProviderConfig *config;
  const Dialect *dialect;
  if (!models_check(models, request, &config, &dialect, err)) return false;
  if (dialect && dialect->count) return true;
  error_hint_set(err, "the estimate is all there is: bytes / 3.6");
  return error_set(err, ERR_INVALID, "%.*s counts no tokens before they are sent",
                   STR_ARG(request->provider));
}

// ---- the end ----------------------------------------------------------------------------------------

static void count_free(TokenCount *count)
{
  buf_deinit(&count->body);
  arena_deinit(&count->arena);
  mem_free(count);
}

// The connection of one that is cancelled ends a turn of the loop later: the memory stays until then.
static void count_end(TokenCount *count, const Count *result)
{
  Models *models = count->models;
  for (TokenCount **at = &models->counts; *at; at = &(*at)->next) {
    if (*at != count) continue;
    *at = count->next;
    break;
  }
  key_wait_cancel(models->keys, &count->key_waiter);
  loop_soon_cancel(models->loop, &count->soon);
  CountDone *on_done = count->on_done;
  count->on_done = NULL;
  void *owner = count->owner;
  Count told = *result;
  told.provider = count->request.provider;
  told.model = count->request.model;
  told.estimated = count->estimated;
  on_done(owner, &told);
  if (count->http)
    http_cancel(count->http);
  else
    count_free(count);
}

static void count_fail(TokenCount *count, const Error *err)
{
  Count failed = {.error = *err};
  models_redact(count->models, &failed.error);
  count_end(count, &failed);
}

void count_cancel_all(Models *models)
{
  Error err = {0};
  error_set(&err, ERR_CANCELLED, "stopped");
  while (models->counts) count_fail(models->counts, &err);
}

// ---- one exchange -----------------------------------------------------------------------------------

static void on_head(void *owner, const HttpHead *head)
{
  TokenCount *count = owner;
  count->good = head->status >= 200 && head->status < 300;
}

static void on_chunk(void *owner, Str bytes)
{
  TokenCount *count = owner;
  buf_add(&count->body, bytes);
}

static void read_answer(TokenCount *count)
{
  const Value *answer = json_parse(&count->arena, buf_str(&count->body), NULL);
  Str field = str_from(count->dialect->counted);
  Count result = {.tokens = tokens_of(answer, field, 0)};
  if (!value_is(value_get(answer, field), VALUE_INT)) {
    error_set(&result.error, ERR_REPLY, "%.*s did not say how many tokens it counts",
              STR_ARG(count->config->name));
  }
  count_end(count, &result);
}

static void on_http_done(void *owner, const Error *err, const HttpHead *head, bool sent)
{
  (void)sent;
  TokenCount *count = owner;
  count->http = NULL;
  if (!count->on_done) {  // cancelled, told long ago
    count_free(count);
  } else if (err->code != ERR_OK) {
    count_fail(count, err);
  } else if (!count->good) {
    Failure failure = {0};
    count->dialect->classify(head, buf_str(&count->body), &failure);
    count_fail(count, &failure.error);
  } else {
    read_answer(count);
  }
}

static void ask(TokenCount *count, const Key *key)
{
  Models *models = count->models;
  Arena scratch;
  WireRequest wire;
  arena_init(&scratch);
  Target target = models_target(models, count->config, count->request.model);
  const ModelRequest *request = &count->request;
  ModelRequest in_words;
  if (request->tool_count && target.quirks & QUIRK_NO_TOOLS) {
    in_words = text_tools_request(&scratch, request);
    request = &in_words;
  }
  count->dialect->count(&scratch, request, &target, key, &wire);
  HttpSpec spec = {.url = wire.url,
                   .headers = wire.headers,
                   .header_count = wire.header_count,
                   .body = wire.body,
                   .post = true,
                   .max_reply = ANSWER_MAX,
                   .first_byte_ms = models->first_byte_ms,
                   .idle_ms = models->idle_ms,
                   .on_head = on_head,
                   .on_chunk = on_chunk,
                   .on_done = on_http_done,
                   .owner = count};
  count->http = http_start(models->http, &spec);
  wire_wipe(&wire);
  arena_deinit(&scratch);
}

static void step(TokenCount *count)
{
  Key key = {0};
  Error err = {0};
  KeyState state = key_get(count->models->keys, count->config, &count->key_waiter, &key, &err);
  if (state == KEY_READY)
    ask(count, &key);
  else if (state == KEY_FAILED)
    count_fail(count, &err);
}

static void key_ready(void *owner, const Error *error)
{
  if (error->code)
    count_fail(owner, error);
  else
    step(owner);
}

static void begin(void *owner)
{
  step(owner);
}

void count_start(Models *models, const ModelRequest *request, CountDone *on_done, void *owner)
{
  TokenCount *count = mem_alloc(sizeof(*count));
  *count =
      (TokenCount){.models = models, .on_done = on_done, .owner = owner, .next = models->counts};
  models->counts = count;
  arena_init(&count->arena);
  buf_init(&count->body, ANSWER_MAX);
  Error none = {0};
  models_check(models, request, &count->config, &count->dialect, &none);
  count->request = request_copy(&count->arena, request);
  count->estimated = request_tokens_estimate(request);
  count->request.shared = str_dup(&count->arena, request->shared);
  count->key_waiter = (KeyWaiter){.on_ready = key_ready, .owner = count};
  loop_soon(models->loop, &count->soon, begin, count);
}
