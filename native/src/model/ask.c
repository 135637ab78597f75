// ask.c: see ask.h.
#include "model/ask.h"

#include "lib/json.h"
#include "model/models.h"

enum { ANSWER_MAX = 4 << 20 };

struct Ask {
  Models *models;
  Ask *next;  // in models
  AskSpec spec;
  Arena arena;
  KeyWaiter key_waiter;
  LoopSoon soon;
  HttpCall *http;
  Buf body;
  int status;
  bool told;
};

// ---- the end ----------------------------------------------------------------------------------------

static void ask_free(Ask *ask)
{
  buf_deinit(&ask->body);
  arena_deinit(&ask->arena);
  mem_free(ask);
}

// The connection of one that is cancelled ends a turn of the loop later: the memory stays until then.
static void ask_end(Ask *ask, AskAnswer *answer)
{
  Models *models = ask->models;
  for (Ask **at = &models->asks; *at; at = &(*at)->next) {
    if (*at != ask) continue;
    *at = ask->next;
    break;
  }
  key_wait_cancel(models->keys, &ask->key_waiter);
  loop_soon_cancel(models->loop, &ask->soon);
  ask->told = true;
  answer->status = ask->status;
  models_redact(models, &answer->error);
  ask->spec.on_answer(ask->spec.owner, answer);
  if (ask->http)
    http_cancel(ask->http);
  else
    ask_free(ask);
}

static void ask_fail(Ask *ask, const Error *err)
{
  AskAnswer answer = {.error = *err};
  ask_end(ask, &answer);
}

void models_asks_cancel(Models *models)
{
  Error err = {0};
  error_set(&err, ERR_CANCELLED, "stopped");
  while (models->asks) ask_fail(models->asks, &err);
}

// ---- one exchange -----------------------------------------------------------------------------------

static void on_head(void *owner, const HttpHead *head)
{
  Ask *ask = owner;
  ask->status = head->status;
}

static void on_chunk(void *owner, Str bytes)
{
  Ask *ask = owner;
  buf_add(&ask->body, bytes);
}

static void on_http_done(void *owner, const Error *err, const HttpHead *head, bool sent)
{
  (void)sent;
  Ask *ask = owner;
  AskAnswer answer = {.error = *err};
  ask->http = NULL;
  if (ask->told) {  // cancelled
    ask_free(ask);
    return;
  }
  if (err->code == ERR_OK && (ask->status < 200 || ask->status > 299)) {
    Failure failure = {0};
    ask->spec.dialect->classify(head, buf_str(&ask->body), &failure);
    answer.error = failure.error;
  } else if (err->code == ERR_OK) {
    answer.body = json_parse(&ask->arena, buf_str(&ask->body), NULL);
  }
  ask_end(ask, &answer);
}

static void ask_now(Ask *ask, const Key *key)
{
  Models *models = ask->models;
  Arena scratch;
  WireRequest wire;
  arena_init(&scratch);
  Target target = models_target(models, ask->spec.config, ask->spec.model);
  ask->spec.build(ask->spec.owner, &scratch, &target, key, &wire);
  wire_custom(&scratch, &target, &wire);
  HttpSpec spec = {.url = wire.url,
                   .headers = wire.headers,
                   .header_count = wire.header_count,
                   .body = wire.body,
                   .max_reply = ANSWER_MAX,
                   .first_byte_ms = models->first_byte_ms,
                   .idle_ms = models->idle_ms,
                   .on_head = on_head,
                   .on_chunk = on_chunk,
                   .on_done = on_http_done,
                   .owner = ask};
  ask->http = http_start(models->http, &spec);
  wire_wipe(&wire);
  arena_deinit(&scratch);
}

static void begin(void *owner)
{
  Ask *ask = owner;
  Key key = {0};
  Error err = {0};
  KeyState state = key_get(ask->models->keys, ask->spec.config, &ask->key_waiter, &key, &err);
  if (state == KEY_READY)
    ask_now(ask, &key);
  else if (state == KEY_FAILED)
    ask_fail(ask, &err);
}

static void key_ready(void *owner, const Error *error)
{
  if (error->code)
    ask_fail(owner, error);
  else
    begin(owner);
}

void ask_start(Models *models, const AskSpec *spec)
{
  Ask *ask = mem_alloc(sizeof(*ask));
  *ask = (Ask){.models = models, .spec = *spec, .next = models->asks};
  models->asks = ask;
  arena_init(&ask->arena);
  ask->spec.model = str_dup(&ask->arena, spec->model);
  buf_init(&ask->body, ANSWER_MAX);
  ask->key_waiter = (KeyWaiter){.on_ready = key_ready, .owner = ask};
  loop_soon(models->loop, &ask->soon, begin, ask);
}
