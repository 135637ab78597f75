// try.h: one HTTP exchange with a provider, from the request to a reply or a classified failure. Private to
// model/; the retries around it are call.c's.
//
// Life:  try_start -> on_over (exactly once, never from inside try_start) -> try_end
#pragma once

#include "model/dialect.h"
#include "model/rate.h"

typedef enum {
  ANSWER_NONE,
  ANSWER_UNKNOWN,
  ANSWER_STREAM,
  ANSWER_WHOLE,
  ANSWER_ERROR,
  ANSWER_PAGE
} AnswerKind;

typedef struct Try Try;
struct Try {  // embedded in its owner, which sets the first group
  const Dialect *dialect;
  uint64_t first_byte_ms, idle_ms;
  Loop *loop;
  void (*on_over)(void *owner);
  void *owner;

  HttpCall *http;               // while it runs
  const ModelRequest *request;  // borrowed until try_end
  bool text_tools;              // its tools were sent as words (text_tools.h)
  int64_t max_output;           // the limit it was given; 0 = none
  AnswerKind answer;
  bool begun;         // its first bytes are here
  uint64_t moved_ms;  // when the stream brought more than a sign of life
  Sse sse;
  Buf body;  // of an answer that is no stream
  ReplyBuilder reply;

  // valid in on_over and until try_end
  bool ok;
  Failure failure;  // when not ok
  bool sent;        // the provider may have seen the request
  Str request_id;   // in the arena
  RateHint rate;    // what the headers said is left
};

// Sends [request], which must stay, to [target]. The reply's strings come into [arena]; [key] is used during the call
// only.
void try_start(Try *t, Http *http, Arena *arena, const ModelRequest *request, const Target *target,
               const Key *key);
void try_cancel(Try *t);  // on_over follows with ERR_CANCELLED
void try_end(Try *t);     // frees what it holds; calls, raw and strings stay in the arena

// It may have reached the provider, and how it would have ended nobody has heard: what the provider makes of the rest,
// and asks for it, is not known.
bool try_broke_off(const Try *t);
// What the try used. A failed one that may have been served counts, too: what the provider said at its end, else
// [prompt_estimate] and the bytes that came. All zero when it cannot have cost anything.
Usage try_usage(const Try *t, int64_t prompt_estimate);
