// try.c: see try.h. A 200 does not mean success: status and content type decide before anything is parsed, error
// bodies are capped at 64 KiB, a stream without its end marker is a failure whose text and usage are kept.
#include "model/try.h"

#include "model/text_tools.h"

enum { ERROR_BODY_MAX = 64 * 1024 };

static void drain_events(Try *t)
{
  SseEvent event;
  while (!t->reply.failed && sse_next(&t->sse, &event)) t->dialect->feed(&t->reply, &event);
  if (sse_full(&t->sse))
    model_reply_fail(&t->reply, ERR_TOO_BIG, "the provider sent an event of over 16 MiB");
}

static AnswerKind kind_of(const Dialect *dialect, const HttpHead *head)
{
  Str type = http_header(head, S("content-type"));
  if (head->status < 200 || head->status >= 300) return ANSWER_ERROR;
  if (str_has(type, S("event-stream"))) return ANSWER_STREAM;
  if (str_has(type, S("html"))) return ANSWER_PAGE;
  if (dialect->lines) return ANSWER_STREAM;  // one object is a stream of one line
  return str_has(type, S("json")) ? ANSWER_WHOLE : ANSWER_UNKNOWN;
}

static void on_head(void *owner, const HttpHead *head)
{
  Try *t = owner;
  t->answer = kind_of(t->dialect, head);
  buf_clear(&t->body);
  t->body.max =
      t->answer == ANSWER_WHOLE || t->answer == ANSWER_UNKNOWN ? REPLY_MAX : ERROR_BODY_MAX;
}

// A server that names no type: one object in braces is a whole answer, all else a stream.
static AnswerKind guess(Str bytes)
{
  return str_starts(str_trim(bytes), S("{")) ? ANSWER_WHOLE : ANSWER_STREAM;
}

// Gateways give streams out as JSON, and servers that cannot stream their one object as a stream.
static AnswerKind corrected(const Try *t, Str bytes)
{
  Str text = str_trim(bytes);
  bool events = str_starts(text, S("data:")) || str_starts(text, S("event:"));
  if (t->answer == ANSWER_WHOLE && events) return ANSWER_STREAM;
  if (t->answer == ANSWER_STREAM && !t->dialect->lines && str_starts(text, S("{")))
    return ANSWER_WHOLE;
  return t->answer == ANSWER_UNKNOWN ? guess(bytes) : t->answer;
}

// Pings and comments keep a connection alive while a model thinks, and for ever when it is gone.
static void check_progress(Try *t)
{
  enum { PATIENCE = 20 };  // times the wait for a byte: half an hour of a hosted model
  if (loop_now_ms(t->loop) - t->moved_ms <= PATIENCE * t->idle_ms) return;
  model_reply_fail(&t->reply, ERR_TIMEOUT,
                   "the provider sent signs of life and no reply, and was given up");
}

static void begin(Try *t, Str bytes)
{
  t->begun = true;
  t->moved_ms = loop_now_ms(t->loop);
  t->answer = corrected(t, bytes);
  if (t->answer == ANSWER_WHOLE) t->body.max = REPLY_MAX;
}

static void on_chunk(void *owner, Str bytes)
{
  Try *t = owner;
  if (!t->begun) begin(t, bytes);
  if (t->answer == ANSWER_STREAM) {
    sse_feed(&t->sse, bytes);
    drain_events(t);
    check_progress(t);
    if (t->reply.failed && t->http) http_cancel(t->http);  // nothing good can follow
  } else {
    size_t room = t->body.max - t->body.len;
    buf_add(&t->body, str_sub(bytes, 0, room));
  }
}

// ---- the verdict ----------------------------------------------------------------------------------------

static void fail(Try *t, Err code, const char *message)
{
  if (t->failure.error.code) return;
  t->failure = (Failure){0};
  error_set(&t->failure.error, code, "%s", message);
}

static void fail_cut(Try *t)
{
  fail(t, ERR_NETWORK, "the reply broke off before its end");
  t->failure.retry = true;
}

static void judge_page(Try *t)
{
  fail(t, ERR_CONFIG, "the provider's address answers with a web page, not as a model");
  error_hint_set(&t->failure.error, "check base_url of this provider");
  t->failure.terminal = true;
}

static void judge_stream(Try *t)
{
  sse_end(&t->sse);
  drain_events(t);
  if (t->reply.failed || t->reply.ended) return;
  fail_cut(t);
}

static void judge_whole(Try *t)
{
  t->dialect->whole(&t->reply, buf_str(&t->body));
  if (t->reply.failed || t->reply.ended) return;
  fail(t, ERR_REPLY, "the provider's answer is not a reply of this kind of model interface");
}

// Failures of the connection. Before the answer they may be tried again, and after it, too: the text was
// only shown, never used.
static void judge_connection(Try *t, const Error *err)
{
  t->failure = (Failure){.error = *err};
  t->failure.retry = err->code == ERR_NETWORK || err->code == ERR_TIMEOUT;
  t->failure.terminal = err->code == ERR_TLS || err->code == ERR_CONFIG;
}

static void judge_answer(Try *t, const HttpHead *head)
{
  switch (t->answer) {
    case ANSWER_STREAM: judge_stream(t); break;
    case ANSWER_UNKNOWN:
    case ANSWER_WHOLE: judge_whole(t); break;
    case ANSWER_PAGE: judge_page(t); break;
    case ANSWER_ERROR: t->dialect->classify(head, buf_str(&t->body), &t->failure); break;
    case ANSWER_NONE: fail_cut(t); break;
  }
}

// An end marker makes the reply whole, even if the connection broke right behind it.
static bool over_already(const Try *t)
{
  return t->answer == ANSWER_STREAM && t->reply.ended && !t->reply.failed;
}

static void judge(Try *t, const Error *err, const HttpHead *head)
{
  bool ours =
      err->code == ERR_CANCELLED && t->reply.failed;  // cancelled because the stream went bad
  if (err->code && !ours && !over_already(t) && t->answer != ANSWER_ERROR) {
    judge_connection(t, err);
  } else {
    judge_answer(t, head);
  }
  if (t->reply.failed && !t->failure.error.code) t->failure = t->reply.failure;
  t->ok = t->failure.error.code == ERR_OK;
}

// Some servers call a reply whole that ended at its limit (llama-server's /v1/responses says "completed").
// One that came to its end on the very last token is asked for once more, which is the lesser harm.
static bool ran_out(const Try *t)
{
  return t->ok && t->reply.stop == STOP_DONE && t->max_output > 0 && t->reply.usage.known &&
         t->reply.usage.out >= t->max_output;
}

static Str request_id_of(Arena *arena, const HttpHead *head, Str message_id)
{
  static const char *const names[] = {"request-id", "x-request-id"};
  for (size_t i = 0; i < 2; i++) {
    Str id = http_header(head, str_from(names[i]));
    if (id.len) return str_dup(arena, id);
  }
  return message_id;
}

static void on_http_done(void *owner, const Error *err, const HttpHead *head, bool sent)
{
  Try *t = owner;
  t->http = NULL;
  t->sent = sent;
  t->rate = rate_of(head, wall_now_ms());
  judge(t, err, head);
  t->dialect->finish(&t->reply);
  if (t->text_tools && t->ok) text_tools_read(&t->reply, t->request);
  if (ran_out(t)) t->reply.stop = STOP_LENGTH;
  t->request_id = request_id_of(t->reply.arena, head, t->reply.id);
  t->on_over(t->owner);
}

// ---- start and end --------------------------------------------------------------------------------------

void try_start(Try *t, Http *http, Arena *arena, const ModelRequest *request, const Target *target,
               const Key *key)
{
  model_reply_begin(&t->reply, arena, target->quirks);
  sse_init(&t->sse, 0);
  t->sse.lines = t->dialect->lines;
  buf_init(&t->body, ERROR_BODY_MAX);
  Arena scratch;  // the request's text is large, and libcurl's wrapper copies it
  arena_init(&scratch);
  WireRequest wire;
  ModelRequest in_words;
  t->request = request;
  t->max_output = request_max_output(request, target);
  t->text_tools = request->tool_count && target->quirks & QUIRK_NO_TOOLS;
  if (t->text_tools) in_words = text_tools_request(&scratch, request);
  t->dialect->build(&scratch, t->text_tools ? &in_words : request, target, key, &wire);
  wire_custom(&scratch, target, &wire);
  HttpSpec spec = {.url = wire.url,
                   .headers = wire.headers,
                   .header_count = wire.header_count,
                   .body = wire.body,
                   .post = true,
                   .first_byte_ms = t->first_byte_ms,
                   .idle_ms = t->idle_ms,
                   .on_head = on_head,
                   .on_chunk = on_chunk,
                   .on_done = on_http_done,
                   .owner = t};
  t->http = http_start(http, &spec);
  wire_wipe(&wire);
  arena_deinit(&scratch);
}

void try_cancel(Try *t)
{
  if (t->http) http_cancel(t->http);
}

void try_end(Try *t)
{
  model_reply_end(&t->reply);
  sse_deinit(&t->sse);
  buf_deinit(&t->body);
}

static bool is_whole(const Try *t)
{
  return t->ok || t->reply.usage_final;
}

bool try_broke_off(const Try *t)
{
  bool refused = t->answer == ANSWER_ERROR || t->answer == ANSWER_PAGE;
  return t->sent && !refused && !is_whole(t);
}

Usage try_usage(const Try *t, int64_t prompt_estimate)
{
  bool broke_off = try_broke_off(t);
  if (!broke_off && !is_whole(t)) return (Usage){.known = true};
  Usage usage = reply_usage(&t->reply, prompt_estimate);
  if (!broke_off) return usage;
  int64_t out = reply_output_estimate(&t->reply);
  if (usage.out < out) usage.out = out;
  usage.known = false;
  return usage;
}
