// count.c: see count.h.
#include "model/count.h"

#include "model/ask.h"
#include "model/models.h"
#include "model/request.h"
#include "model/text_tools.h"

typedef struct {
  const Dialect *dialect;
  Arena arena;
  ModelRequest request;
  int64_t estimated;
  CountDone *on_done;
  void *owner;
} Counting;

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

static void build(void *owner, Arena *arena, const Target *target, const Key *key, WireRequest *out)
{
  const Counting *counting = owner;
  const ModelRequest *request = &counting->request;
  ModelRequest in_words;
  if (request->tool_count && target->quirks & QUIRK_NO_TOOLS) {
    in_words = text_tools_request(arena, request);
    request = &in_words;
  }
  counting->dialect->count(arena, request, target, key, out);
}

static void on_answer(void *owner, const AskAnswer *answer)
{
  Counting *counting = owner;
  Str field = str_from(counting->dialect->counted);
  Count count = {.error = answer->error,
                 .provider = counting->request.provider,
                 .model = counting->request.model,
                 .tokens = tokens_of(answer->body, field, 0),
                 .estimated = counting->estimated};
  if (count.error.code == ERR_OK && !value_is(value_get(answer->body, field), VALUE_INT)) {
    error_set(&count.error, ERR_REPLY, "%.*s did not say how many tokens it counts",
              STR_ARG(count.provider));
  }
  counting->on_done(counting->owner, &count);
  arena_deinit(&counting->arena);
  mem_free(counting);
}

void count_start(Models *models, const ModelRequest *request, CountDone *on_done, void *owner)
{
  Counting *counting = mem_alloc(sizeof(*counting));
  *counting = (Counting){.on_done = on_done, .owner = owner};
  arena_init(&counting->arena);
  counting->request = request_copy(&counting->arena, request);
  counting->request.shared = str_dup(&counting->arena, request->shared);
  counting->estimated = request_tokens_estimate(request);
  AskSpec spec = {
      .model = request->model, .build = build, .on_answer = on_answer, .owner = counting};
  Error none = {0};
  models_check(models, request, &spec.config, &spec.dialect, &none);
  counting->dialect = spec.dialect;
  ask_start(models, &spec);
}
