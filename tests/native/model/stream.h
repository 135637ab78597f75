// stream.h: a recorded stream through a dialect, without a network, in any chunking.
#pragma once

#include "lib/json.h"
#include "model/dialect.h"
#include "tap.h"

typedef struct {
  Arena arena;
  ReplyBuilder reply;
  Str text;
} Stream1;

static inline void stream_run_cut(Stream1 *s, const Dialect *dialect, unsigned quirks, Str text,
                                  size_t step)
{
  *s = (Stream1){0};
  arena_init(&s->arena);
  model_reply_begin(&s->reply, &s->arena, quirks);
  Sse sse;
  SseEvent event;
  sse_init(&sse, 0);
  sse.lines = dialect->lines;
  for (size_t at = 0; at < text.len; at += step) {
    sse_feed(&sse, str_sub(text, at, at + step));
    while (sse_next(&sse, &event)) dialect->feed(&s->reply, &event);
  }
  sse_end(&sse);
  while (sse_next(&sse, &event)) dialect->feed(&s->reply, &event);
  sse_deinit(&sse);
  dialect->finish(&s->reply);
  s->text = str_dup(&s->arena, buf_str(&s->reply.text));
}

static inline void stream_run(Stream1 *s, const Dialect *dialect, Str text)
{
  stream_run_cut(s, dialect, 0, text, text.len + 1);
}

// The text of a row: [format] with [word] in it.
#define stream_word(s, dialect, format, word)     \
  do {                                            \
    char text_[2048];                             \
    snprintf(text_, sizeof(text_), format, word); \
    stream_run(s, dialect, str_from(text_));      \
  } while (0)

static inline void stream_whole(Stream1 *s, const Dialect *dialect, Str body)
{
  *s = (Stream1){0};
  arena_init(&s->arena);
  model_reply_begin(&s->reply, &s->arena, 0);
  dialect->whole(&s->reply, body);
  dialect->finish(&s->reply);
  s->text = str_dup(&s->arena, buf_str(&s->reply.text));
}

static inline void stream_end(Stream1 *s)
{
  model_reply_end(&s->reply);
  arena_deinit(&s->arena);
}

// A request with one message, which must stay.
static inline ModelRequest simple(ModelMessage *message)
{
  *message = (ModelMessage){.role = MSG_USER, .text = S("Do it.")};
  return (ModelRequest){.model = S("m"),
                        .system = S("You work."),
                        .shared = S("Context."),
                        .messages = {message, 1, 1},
                        .max_output = 900,
                        .effort = S("low")};
}

// What a dialect makes of a request, as a tree.
static inline const Value *built(Arena *arena, const Dialect *dialect, const ModelRequest *request,
                                 const Target *target, const Key *key, WireRequest *wire)
{
  Error err = {0};
  dialect->build(arena, request, target, key, wire);
  const Value *body = json_parse(arena, wire->body, &err);
  CHECK(body != NULL);
  return body;
}

static inline Str header_of(const WireRequest *wire, const char *name)
{
  for (size_t i = 0; i < wire->header_count; i++) {
    if (str_eq(wire->headers[i].name, str_from(name))) return wire->headers[i].value;
  }
  return STR_NONE;
}

// value_get along "a.b.0.c".
static inline const Value *dig(const Value *value, const char *path)
{
  Str rest = str_from(path), step;
  while (value && str_cut(&rest, '.', &step)) {
    uint64_t index;
    bool number = str_to_u64(step, &index);
    value = number && value_is(value, VALUE_LIST) ? value_at(value, index) : value_get(value, step);
  }
  return value;
}

static inline Str dig_str(const Value *value, const char *path)
{
  return value_to_str(dig(value, path), S("(absent)"));
}

static inline void classify(const Dialect *dialect, int status, const char *type, Str body,
                            Failure *out)
{
  HttpHeader header = {S("content-type"), str_from(type)};
  HttpHead head = {.status = status, .headers = &header, .header_count = 1};
  dialect->classify(&head, body, out);
}

typedef struct {
  int status;
  const char *body;
  Err code;
  bool retry, gate, terminal;
} ErrorRow;

static inline void check_errors(const Dialect *dialect, const ErrorRow *rows, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    const ErrorRow *row = &rows[i];
    Failure got;
    classify(dialect, row->status, row->body[0] == '<' ? "text/html" : "application/json",
             str_from(row->body), &got);
    if (got.error.code != row->code || got.retry != row->retry || got.gate != row->gate ||
        got.terminal != row->terminal) {
      TAP_BAD("%d %s: %s retry %d gate %d terminal %d (%s)", row->status, row->body,
              err_name(got.error.code), got.retry, got.gate, got.terminal, got.error.message);
    }
  }
}
