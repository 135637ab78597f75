// fuzz_reply.h: any bytes as what a provider sends, for the fuzzer of one dialect. The first byte says how they
// come: 0 = in one piece, 1 = as an error answer, else as a stream. Whatever comes, the reply must be one that
// the rest of piecework can use: calls with a map as input, sane counters, blocks that can be sent back.
#pragma once

#include <stdlib.h>

#include "lib/json.h"
#include "model/dialect.h"

static inline void need(bool truth)
{
  if (!truth) abort();
}

static inline void check_reply(const ReplyBuilder *reply)
{
  const Usage *u = &reply->usage;
  need(u->fresh_in >= 0 && u->cache_write >= 0 && u->cache_read >= 0 && u->out >= 0 &&
       u->reasoning >= 0);
  need(reply->cost >= NANO_UNKNOWN);
  need(reply->failed == (reply->failure.error.code != ERR_OK));
  for (size_t i = 0; i < reply->calls.len; i++)
    need(value_is(reply->calls.items[i].input, VALUE_MAP));
}

// What came is sent back in the next request of the same dialect.
static inline void send_back(const Dialect *dialect, Arena *arena, const ReplyBuilder *reply)
{
  ModelMessage messages[] = {{.role = MSG_USER, .text = S("go")},
                             {.role = MSG_ASSISTANT,
                              .text = buf_str(&reply->text),
                              .calls = reply->calls,
                              .raw = reply->raw},
                             {.role = MSG_USER, .text = S("on")}};
  ModelRequest request = {.model = S("m"), .messages = {messages, 3, 3}, .max_output = 10};
  WireRequest wire;
  dialect->build(arena, &request, &(Target){.base_url = S("http://x")}, &(Key){0}, &wire);
  Error err = {0};
  need(json_parse(arena, wire.body, &err) != NULL || str_has(str_from(err.message), S("deep")));
}

static inline void fuzz_stream(const Dialect *dialect, ReplyBuilder *reply, Str text)
{
  Sse sse;
  SseEvent event;
  sse_init(&sse, 0);
  sse_feed(&sse, text);
  sse_end(&sse);
  while (!reply->failed && sse_next(&sse, &event)) dialect->feed(reply, &event);
  sse_deinit(&sse);
}

static inline int fuzz_reply(const Dialect *dialect, const uint8_t *data, size_t size)
{
  if (size == 0) return 0;
  Str text = {(const char *)data + 1, size - 1};
  if (data[0] == 1) {
    HttpHead head = {.status = 400};
    Failure failure;
    dialect->classify(&head, text, &failure);
    need(failure.error.code != ERR_OK && !(failure.retry && failure.terminal));
    return 0;
  }
  Arena arena;
  arena_init(&arena);
  ReplyBuilder reply;
  model_reply_begin(&reply, &arena, QUIRK_COST | QUIRK_REASONING_BACK);
  if (data[0] == 0) {
    dialect->whole(&reply, text);
  } else {
    fuzz_stream(dialect, &reply, text);
  }
  dialect->finish(&reply);
  check_reply(&reply);
  send_back(dialect, &arena, &reply);
  model_reply_end(&reply);
  arena_deinit(&arena);
  return 0;
}
