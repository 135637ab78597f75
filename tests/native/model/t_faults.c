// t_faults.c: two hundred calls at once while the provider misbehaves in every way, from a fixed seed. Every
// call must end once, with a reply or a reason; every request the provider saw must be a counted try; what
// the provider told about usage must be in the ledger to the token.
#include "provider.h"

enum { CALLS = 200, FAULTS = 260 };

static const char *const faults[] = {
    "{\"status\": 429, \"retry_after\": \"0\"}",
    "{\"status\": 500}",
    "{\"status\": 529}",
    "{\"status\": 502, \"html\": true}",
    "{\"reset_before\": true}",
    "{\"reset_before\": \"fin\"}",
    "{\"reset_mid_stream\": true}",
    "{\"reset_mid_stream\": 90}",
    "{\"truncated_stream\": true}",
    "{\"truncated_stream\": true, \"keep_finish\": true}",
    "{\"truncated_stream\": true, \"close\": \"fin\"}",
    "{\"error_event_after_200\": true}",
    "{\"malformed_json\": true}",
    "{\"stall\": \"forever\", \"at\": 300}",
    "{\"stall\": \"forever\"}",
    "{\"no_usage\": true}",
    "{\"status\": 400}",
};
enum { KINDS = sizeof(faults) / sizeof(faults[0]) };

static uint32_t seed = 20261123;

static uint32_t dice(uint32_t sides)
{
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 8) % sides;
}

// Each rule is used up by one request; what is left over gets a plain answer.
static void write_script(Buf *script)
{
  buf_add_char(script, '[');
  for (int i = 0; i < FAULTS; i++) {
    const char *text = "\"reply\": {\"text\": \"an answer of some length, to be cut somewhere\"}";
    if (dice(3) == 0) {
      buf_fmt(script, "{\"times\": 1, %s},", text);
    } else {
      buf_fmt(script, "{\"times\": 1, %s, \"fault\": %s},", text, faults[dice(KINDS)]);
    }
  }
  buf_add(script, S("{\"reply\": {\"text\": \"an answer of some length, to be cut somewhere\"}}]"));
  buf_add_char(script, 0);
}

// The sum of a counter over the requests that were answered without a fault.
static int64_t log_sum(Bench *bench, Str counter)
{
  int64_t sum = 0;
  Str rest = bench_read(bench, "log"), line;
  while (str_line(&rest, &line)) {
    const Value *entry = json_parse(&bench->arena, line, NULL);
    bool done = str_eq(value_get_str(entry, S("event"), S("")), S("done"));
    if (done && value_len(value_get(entry, S("faults"))) == 0)
      sum += value_get_int(value_get(entry, S("usage")), counter, 0);
  }
  return sum;
}

TEST(two_hundred_calls_through_every_fault)
{
  setenv("PIECEWORK_BACKOFF_MS", "5", 1);
  setenv("PIECEWORK_FIRST_BYTE_MS", "2000", 1);
  setenv("PIECEWORK_IDLE_MS", "1500", 1);
  Buf script;
  buf_init(&script, 1 << 20);
  write_script(&script);
  Bench bench;
  bench_open(&bench, script.ptr);
  static const char *const names[] = {"a", "o", "r", "g", "l"};
  bench_provider(&bench, "a", "anthropic", 16);
  bench_provider(&bench, "o", "openai-chat", 16);
  bench_provider(&bench, "r", "openai-responses", 16);
  bench_provider(&bench, "g", "gemini", 16);
  bench_provider(&bench, "l", "ollama", 16);
  static Result results[CALLS];
  for (int i = 0; i < CALLS; i++) {
    ModelRequest request = request_of(&bench, names[i % 5], "go");
    bench_start(&bench, &results[i], &request);
  }
  bench_run(&bench);
  int tries = 0, good = 0;
  int64_t first = 0, out_all = 0;
  for (int i = 0; i < CALLS; i++) {
    const ModelReply *reply = &results[i].reply;
    CHECK_INT(results[i].done, 1);
    CHECK(!reply->terminal);
    CHECK((reply->error.code == ERR_OK) == (reply->stop == STOP_DONE));
    if (reply->error.code != ERR_OK) CHECK(reply->error.message[0]);
    tries += reply->tries;
    good += reply->error.code == ERR_OK;
    out_all += reply->usage.out;
    if (reply->usage.known && reply->error.code == ERR_OK) first += reply->usage.out;
  }
  CHECK_INT(log_count(&bench, "\"arrived\""), tries);
  CHECK(good > CALLS / 2);
  CHECK(out_all >= log_sum(&bench, S("out")));
  CHECK(first > 0 && first <= log_sum(&bench, S("out")));
  bench_close(&bench);
  buf_deinit(&script);
  unsetenv("PIECEWORK_BACKOFF_MS");
  unsetenv("PIECEWORK_FIRST_BYTE_MS");
  unsetenv("PIECEWORK_IDLE_MS");
}

TEST_MAIN
