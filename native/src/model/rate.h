// rate.h: what a provider says is left of its rate limits, from the headers of any answer.
//
// Two styles: anthropic-ratelimit-{requests,tokens}-{limit,remaining,reset}
// with a time of day as reset, and x-ratelimit-{limit,remaining,reset}-{requests,tokens} with a duration.
// Google has none. What cannot be read counts as not said.
#pragma once

#include "lib/http.h"

typedef struct {
  bool known;
  int64_t limit, remaining;  // per minute; left now
  uint64_t reset_ms;         // from now until it is full again
} RateLevel;

enum { RATE_REQUESTS, RATE_TOKENS, RATE_COUNT };

typedef struct {
  RateLevel levels[RATE_COUNT];
} RateHint;

// [wall_ms]: now, for resets given as a time.
RateHint rate_of(const HttpHead *head, int64_t wall_ms);

// The local picture of one bucket between two answers: filled at the limit's pace, emptied by what is sent.
typedef struct {
  bool known;
  double level, per_ms, most;
  uint64_t at_ms;  // of loop_now_ms: when `level` was right
} RateBucket;

// [alone]: nothing else is in flight, so that what is left is exactly what was said.
void rate_bucket_set(RateBucket *bucket, const RateLevel *level, bool alone, uint64_t now_ms);
void rate_bucket_take(RateBucket *bucket, int64_t count, uint64_t now_ms);
// When [count] can be taken; 0 = now, or unknown.
uint64_t rate_bucket_ready(const RateBucket *bucket, int64_t count, uint64_t now_ms);
