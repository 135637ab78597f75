// rate.c: see rate.h. Waiting goes by the limit per minute, not by the reset, which says when all of it is back.
#include "model/rate.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MINUTE_MS = 60000 };

static const struct {
  const char *limit, *remaining, *reset;
  int which;
} rows[] = {
    {"anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining",
     "anthropic-ratelimit-requests-reset", RATE_REQUESTS},
    {"anthropic-ratelimit-tokens-limit", "anthropic-ratelimit-tokens-remaining",
     "anthropic-ratelimit-tokens-reset", RATE_TOKENS},
    {"x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests",
     RATE_REQUESTS},
    {"x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens",
     RATE_TOKENS},
};

// ---- headers --------------------------------------------------------------------------------------------

static const struct {
  const char *unit;
  double ms;
} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

static size_t unit_at(Str text, double *ms)
{
  for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
    Str unit = str_from(units[i].unit);
    if (!str_starts(text, unit)) continue;
    *ms = units[i].ms;
    return unit.len;
  }
  return 0;
}

// "12ms", "1s", "6m0s", "1h2m": milliseconds; false when it is none.
static bool duration(Str text, uint64_t *ms)
{
  char copy[40];
  double sum = 0;
  text = str_trim(text);
  if (text.len == 0 || text.len >= sizeof(copy)) return false;
  snprintf(copy, sizeof(copy), "%.*s", STR_ARG(text));
  for (const char *at = copy; *at;) {
    char *end;
    double n = strtod(at, &end), unit = 0;
    size_t len = end > at ? unit_at(str_from(end), &unit) : 0;
    if (len == 0 || !(n >= 0) || n > 1e9) return false;
    sum += n * unit;
    at = end + len;
  }
  *ms = (uint64_t)sum;
  return sum < 1e12;
}

// "2026-11-23T13:00:00Z": what is left until then, at least 0.
static bool until(Str text, int64_t wall_ms, uint64_t *ms)
{
  char copy[40];
  if (text.len == 0 || text.len >= sizeof(copy)) return false;
  snprintf(copy, sizeof(copy), "%.*s", STR_ARG(text));
  struct tm tm = {0};
  if (!strptime(copy, "%Y-%m-%dT%H:%M:%S", &tm)) return false;
  int64_t at = (int64_t)timegm(&tm) * 1000;
  *ms = at > wall_ms ? (uint64_t)(at - wall_ms) : 0;
  return true;
}

static bool count_of(const HttpHead *head, const char *name, int64_t *out)
{
  uint64_t n;
  if (!str_to_u64(str_trim(http_header(head, str_from(name))), &n) || n > INT32_MAX) return false;
  *out = (int64_t)n;
  return true;
}

RateHint rate_of(const HttpHead *head, int64_t wall_ms)
{
  RateHint hint = {0};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    RateLevel level = {.known = true};
    Str reset = http_header(head, str_from(rows[i].reset));
    if (!count_of(head, rows[i].limit, &level.limit) || level.limit == 0) continue;
    if (!count_of(head, rows[i].remaining, &level.remaining)) continue;
    if (!duration(reset, &level.reset_ms) && !until(reset, wall_ms, &level.reset_ms)) continue;
    hint.levels[rows[i].which] = level;
  }
  return hint;
}

// ---- buckets --------------------------------------------------------------------------------------------

static double level_at(const RateBucket *bucket, uint64_t now_ms)
{
  double gone = now_ms > bucket->at_ms ? (double)(now_ms - bucket->at_ms) : 0;
  double level = bucket->level + gone * bucket->per_ms;
  return level < bucket->most ? level : bucket->most;
}

// While others are in flight the answer may not know of them yet: the smaller figure holds.
void rate_bucket_set(RateBucket *bucket, const RateLevel *level, bool alone, uint64_t now_ms)
{
  if (!level->known) return;
  double said = (double)level->remaining;
  double ours = bucket->known && !alone ? level_at(bucket, now_ms) : said;
  double per_ms = (double)level->limit / MINUTE_MS;
  double full = said + (double)level->reset_ms * per_ms;
  *bucket = (RateBucket){.known = true,
                         .level = ours < said ? ours : said,
                         .per_ms = per_ms,
                         .most = full < (double)level->limit ? full : (double)level->limit,
                         .at_ms = now_ms};
}

void rate_bucket_take(RateBucket *bucket, int64_t count, uint64_t now_ms)
{
  if (!bucket->known) return;
  bucket->level = level_at(bucket, now_ms) - (double)count;
  bucket->at_ms = now_ms;
}

// What never fits goes when the bucket is full: the provider decides.
uint64_t rate_bucket_ready(const RateBucket *bucket, int64_t count, uint64_t now_ms)
{
  if (!bucket->known) return 0;
  double need = (double)count < bucket->most ? (double)count : bucket->most;
  double lacks = need - level_at(bucket, now_ms);
  return lacks <= 0.001 ? 0 : now_ms + 1 + (uint64_t)(lacks / bucket->per_ms);
}
