// t_call.c: model calls end to end against the fake provider: streams, tools, retries, closing, cancelling.
#include "provider.h"

#include "model/call.c"  // to see how far a call has come

static void until_text(Bench *bench, Result *result)
{
  while (!result->done && !result->call->try.reply.text.len) loop_turn(&bench->loop, true);
}

static const char *const both[] = {"a", "o"};

TEST(text_in_both_dialects)
{
  Bench bench;
  bench_open(&bench,
             "[{\"reply\": {\"text\": \"Hello, w\\u00f6rld \\ud83d\\ude00.\", \"noise\": true, "
             "\"chunks\": [1, 7, 3],"
             "\"thinking\": \"let me see\", \"delta_chars\": 3}}]");
  for (int i = 0; i < 2; i++) {
    Result r = bench_call(&bench, both[i], "Say hello.");
    CHECK_INT(r.reply.error.code, ERR_OK);
    CHECK_STR(str_from(r.reply.error.message), S(""));
    CHECK_STR(r.reply.text, S("Hello, w\xc3\xb6rld \xf0\x9f\x98\x80."));
    CHECK_INT(r.reply.stop, STOP_DONE);
    CHECK_INT(r.reply.tries, 1);
    CHECK(r.reply.usage.known);
    CHECK(r.reply.usage.out > 0);
    CHECK(r.reply.usage.fresh_in + r.reply.usage.cache_write > 0);
    CHECK(r.reply.request_id.len > 0);
    CHECK(r.reply.sent);
    CHECK_INT(r.reply.cost, NANO_UNKNOWN);
  }
  bench_close(&bench);
}

static const char *const tool_script =
    "[{\"match\": {\"turn\": 0}, \"reply\": {\"thinking\": \"hm\", \"text\": \"Looking.\", "
    "\"tool_calls\":"
    " [{\"name\": \"search\", \"input\": {\"text\": \"cfg_get\", \"max\": 3}}, {\"name\": "
    "\"list\", \"input\": {}}]}},"
    " {\"match\": {\"turn\": 1, \"last_contains\": [\"three hits\", \"two files\"]}, \"reply\": "
    "{\"text\": \"Done.\"}}]";

TEST(a_tool_loop_in_both_dialects)
{
  Bench bench;
  bench_open(&bench, tool_script);
  Error err = {0};
  const Value *schema =
      json_parse(&bench.arena, S("{\"type\":\"object\",\"properties\":{}}"), &err);
  ModelTool tools[] = {{S("search"), S("finds"), schema}, {S("list"), S("lists"), schema}};
  for (int i = 0; i < 2; i++) {
    ModelRequest request = request_of(&bench, both[i], "Plan it.");
    request.tools = tools;
    request.tool_count = 2;
    Result first = {0}, second = {0};
    bench_start(&bench, &first, &request);
    bench_run(&bench);
    CHECK_STR(str_from(first.reply.error.message), S(""));
    CHECK_INT(first.reply.stop, STOP_TOOL);
    CHECK_INT(first.reply.calls.len, 2);
    if (first.reply.calls.len != 2) continue;
    CHECK_STR(first.reply.calls.items[0].name, S("search"));
    CHECK_STR(value_get_str(first.reply.calls.items[0].input, S("text"), S("")), S("cfg_get"));
    CHECK_INT(value_get_int(first.reply.calls.items[0].input, S("max"), 0), 3);
    ModelMessage said = {.role = MSG_ASSISTANT,
                         .text = first.reply.text,
                         .calls = first.reply.calls,
                         .raw = first.reply.raw};
    PUSH(&bench.arena, &request.messages, said);
    Str answers[] = {S("three hits"), S("two files")};
    for (int k = 0; k < 2; k++) {
      ModelMessage answer = {.role = MSG_TOOL,
                             .text = answers[k],
                             .call_id = first.reply.calls.items[k].id,
                             .is_error = k == 1};
      PUSH(&bench.arena, &request.messages, answer);
    }
    bench_start(&bench, &second, &request);
    bench_run(&bench);
    CHECK_STR(str_from(second.reply.error.message), S(""));
    CHECK_STR(second.reply.text, S("Done."));
    if (i == 0) CHECK(second.reply.usage.cache_read + second.reply.usage.fresh_in > 0);
  }
  bench_close(&bench);
}

typedef struct {
  const char *fault;  // of the first request only
  Err code;           // ERR_OK: a later try works
  int tries;
  bool terminal;
} FaultRow;

static const FaultRow faults[] = {
    {"{\"status\": 429, \"retry_after\": \"0\"}", ERR_OK, 2, false},
    {"{\"status\": 429, \"retry_after\": \"7200\"}", ERR_RATE, 1, true},
    {"{\"status\": 500}", ERR_OK, 2, false},
    {"{\"status\": 529}", ERR_OK, 2, false},
    {"{\"status\": 503, \"html\": true}", ERR_OK, 2, false},
    {"{\"reset_before\": true}", ERR_OK, 2, false},
    {"{\"reset_before\": \"fin\"}", ERR_OK, 2, false},
    {"{\"reset_mid_stream\": true}", ERR_OK, 2, false},
    {"{\"truncated_stream\": true}", ERR_OK, 2, false},
    {"{\"truncated_stream\": true, \"close\": \"fin\"}", ERR_OK, 2, false},
    {"{\"error_event_after_200\": true}", ERR_OK, 2, false},
    {"{\"malformed_json\": true}", ERR_OK, 2, false},
    {"{\"status\": 401}", ERR_AUTH, 1, true},
    {"{\"status\": 402}", ERR_QUOTA, 1, true},
    {"{\"status\": 403}", ERR_AUTH, 1, true},
    {"{\"status\": \"model\"}", ERR_MODEL, 1, true},
    {"{\"status\": \"quota\"}", ERR_QUOTA, 1, true},
    {"{\"status\": \"credit\"}", ERR_QUOTA, 1, true},
    {"{\"status\": \"contract\"}", ERR_QUOTA, 1, true},
    {"{\"status\": \"spend_cap\"}", ERR_QUOTA, 1, true},
    {"{\"status\": \"ramp\"}", ERR_OK, 2, false},
    {"{\"status\": \"overflow\"}", ERR_TOO_BIG, 1, false},
    {"{\"status\": 400}", ERR_REQUEST, 1, false},
    {"{\"status\": 413}", ERR_TOO_BIG, 1, false},
    {"{\"stall\": \"forever\"}", ERR_OK, 2, false},
    {"{\"stall\": \"forever\", \"at\": 200}", ERR_OK, 2, false},
    {"{\"status\": 500, \"headers\": {\"x-should-retry\": \"false\"}}", ERR_OVERLOADED, 1, false},
};

// One provider for all rows: the row's number in the prompt picks the fault, once per dialect.
TEST(every_fault_once)
{
  enum { ROWS = sizeof(faults) / sizeof(faults[0]) };
  Bench bench;
  setenv("PIECEWORK_BACKOFF_MS", "5", 1);
  setenv("PIECEWORK_FIRST_BYTE_MS", "900", 1);
  setenv("PIECEWORK_IDLE_MS", "700", 1);
  Buf script;
  buf_init(&script, 1 << 20);
  buf_add_char(&script, '[');
  for (int i = 0; i < ROWS; i++) {
    buf_fmt(&script,
            "{\"match\": {\"last_contains\": \"row %d.\"}, \"times\": 1, \"fault\": %s, \"reply\": "
            "{\"text\": "
            "\"a partial answer that is long enough to be cut in the middle\"}},",
            i, faults[i].fault);
  }
  buf_add(&script, S("{\"reply\": {\"text\": \"whole answer\"}}]"));
  buf_add_char(&script, 0);
  for (int dialect = 0; dialect < 2; dialect++) {
    bench_open(&bench, script.ptr);
    for (int i = 0; i < ROWS; i++) {
      char text[32];
      snprintf(text, sizeof(text), "row %d.", i);
      Result r = bench_call(&bench, both[dialect], text);
      bool tries = r.reply.tries == faults[i].tries;
      if (r.reply.error.code != faults[i].code || !tries) {
        TAP_BAD("%s %s: %s, %d tries: %s", both[dialect], faults[i].fault,
                err_name(r.reply.error.code), r.reply.tries, r.reply.error.message);
      }
      CHECK_INT(r.reply.terminal, faults[i].terminal);
      if (faults[i].code == ERR_OK) CHECK_STR(r.reply.text, S("whole answer"));
      if (faults[i].terminal) {  // nothing more goes out, with the same words
        int before = log_count(&bench, "\"arrived\"");
        Result closed = bench_call(&bench, both[dialect], "again");
        CHECK_INT(closed.reply.error.code, faults[i].code);
        CHECK(closed.reply.terminal);
        CHECK_STR(str_from(closed.reply.error.message), str_from(r.reply.error.message));
        CHECK_INT(log_count(&bench, "\"arrived\""), before);
        models_reopen(bench.models);
      }
    }
    bench_close(&bench);
  }
  buf_deinit(&script);
  unsetenv("PIECEWORK_BACKOFF_MS");
  unsetenv("PIECEWORK_FIRST_BYTE_MS");
  unsetenv("PIECEWORK_IDLE_MS");
}

// What is no error but has to be told apart, and answers under a 200 that are no replies.
TEST(odd_replies)
{
  static const struct {
    const char *rule;  // the rest of a rule
    Err code;
    StopReason stop;
    const char *text;
    bool usage;
  } rows[] = {
      {"\"reply\": {\"text\": \"cut here and there\"}, \"fault\": {\"max_tokens\": 0.5}", ERR_OK,
       STOP_LENGTH, NULL, true},
      {"\"reply\": {\"text\": \"no\", \"stop\": \"refusal\"}", ERR_OK, STOP_REFUSED, NULL, true},
      {"\"reply\": {\"text\": \"x\"}, \"fault\": {\"empty_text\": true}", ERR_OK, STOP_DONE, "",
       true},
      {"\"reply\": {\"text\": \"x\"}, \"fault\": {\"no_usage\": true}", ERR_OK, STOP_DONE, "x",
       false},
      {"\"reply\": {\"text\": \"x\"}, \"fault\": {\"slow_headers\": 50}", ERR_OK, STOP_DONE, "x",
       true},
      {"\"fault\": {\"status\": 200, \"html\": true}", ERR_CONFIG, STOP_ERROR, "", true},
      {"\"fault\": {\"status\": 200, \"body\": \"{}\"}", ERR_REPLY, STOP_ERROR, "", false},
  };
  enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
  Buf script;
  buf_init(&script, 1 << 20);
  buf_add_char(&script, '[');
  for (int i = 0; i < ROWS; i++) {
    buf_fmt(&script, "%s{\"match\": {\"last_contains\": \"row %d.\"}, %s}", i ? "," : "", i,
            rows[i].rule);
  }
  buf_add(&script, S("]"));
  buf_add_char(&script, 0);
  Bench bench;
  bench_open(&bench, script.ptr);
  for (int n = 0; n < ROWS * 2; n++) {
    int i = n / 2;
    char text[32];
    snprintf(text, sizeof(text), "row %d.", i);
    Result r = bench_call(&bench, both[n % 2], text);
    if (r.reply.error.code != rows[i].code || r.reply.stop != rows[i].stop) {
      TAP_BAD("%s %s: %s, stop %d: %s", both[n % 2], rows[i].rule, err_name(r.reply.error.code),
              r.reply.stop, r.reply.error.message);
    }
    if (rows[i].text) CHECK_STR(r.reply.text, str_from(rows[i].text));
    CHECK_INT(r.reply.usage.known, rows[i].usage);
    CHECK_INT(r.reply.tries, 1);
    CHECK_INT(r.reply.terminal, rows[i].code == ERR_CONFIG);
    models_reopen(bench.models);
  }
  bench_close(&bench);
  buf_deinit(&script);
}

TEST(what_a_broken_stream_has_cost)
{
  setenv("PIECEWORK_BACKOFF_MS", "5", 1);
  Bench bench;
  bench_open(
      &bench,
      "[{\"times\": 1, \"fault\": {\"truncated_stream\": true}, \"reply\": {\"text\": \"a reply "
      "that is long enough to be told from what the first event of a stream says of its length\","
      "\"usage\": {\"fresh_in\": 500, \"cache_read\": 70, \"cache_write\": 0, \"out\": 40}}},"
      "{\"times\": 1, \"fault\": {\"reset_before\": true}, \"reply\": {\"text\": \"x\"}},"
      "{\"reply\": {\"text\": \"whole\", \"usage\": {\"fresh_in\": 500, \"cache_read\": 70, "
      "\"cache_write\": 0, \"out\": 2}}}]");
  const char *prices = "{\"a/small-1\": {\"input\": 1, \"output\": 2, \"cache_read\": 0.5}}";
  models_prices(bench.models, json_parse(&bench.arena, str_from(prices), NULL));
  Result r = bench_call(&bench, "a", "go");
  CHECK_STR(r.reply.text, S("whole"));
  CHECK_INT(r.reply.tries, 3);
  CHECK(!r.reply.usage.known);  // one of three is an estimate
  CHECK(r.reply.usage.fresh_in > 1000 && r.reply.usage.fresh_in < 1200);
  CHECK_INT(r.reply.usage.cache_read, 140);
  CHECK(r.reply.usage.out > 15 && r.reply.usage.out < 40);
  CHECK_INT(r.reply.cost, r.reply.usage.fresh_in * 1000 + r.reply.usage.cache_read * 500 +
                              r.reply.usage.out * 2000);
  CHECK_INT(r.waits, 2);
  bench_close(&bench);
  unsetenv("PIECEWORK_BACKOFF_MS");
}

// Failed, but with its bill: the figures are the provider's, not an estimate.
TEST(what_a_failed_reply_says_it_has_cost)
{
  static const struct {
    const char *provider, *rule;
  } rows[] = {{"a", "\"fault\": {\"truncated_stream\": true, \"keep_finish\": true}, \"reply\": {"},
              {"r", "\"reply\": {\"stop\": \"failed\", "},
              {"g", "\"reply\": {\"stop\": \"OTHER\", "}};
  setenv("PIECEWORK_BACKOFF_MS", "5", 1);
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    char script[600];
    snprintf(script, sizeof(script),
             "[{\"times\": 1, %s\"text\": \"a reply that was long enough to be worth something\", "
             "\"usage\": "
             "{\"fresh_in\": 500, \"cache_read\": 70, \"cache_write\": 0, \"out\": 40}}}, "
             "{\"reply\": {\"text\": "
             "\"whole\", \"usage\": {\"fresh_in\": 500, \"cache_read\": 70, \"cache_write\": 0, "
             "\"out\": 2}}}]",
             rows[i].rule);
    Bench bench;
    bench_open(&bench, script);
    Result r = bench_call(&bench, rows[i].provider, "go");
    CHECK_STR(r.reply.text, S("whole"));
    CHECK_INT(r.reply.tries, 2);
    CHECK(r.reply.usage.known);
    CHECK_INT(r.reply.usage.fresh_in, 1000);
    CHECK_INT(r.reply.usage.cache_read, 140);
    CHECK_INT(r.reply.usage.out, 42);
    bench_close(&bench);
  }
  unsetenv("PIECEWORK_BACKOFF_MS");
}

TEST(three_tries_and_no_more)
{
  setenv("PIECEWORK_BACKOFF_MS", "5", 1);
  Bench bench;
  bench_open(&bench, "[{\"fault\": {\"status\": 500}}]");
  Result r = bench_call(&bench, "o", "go");
  CHECK_INT(r.reply.error.code, ERR_OVERLOADED);
  CHECK_INT(r.reply.tries, 3);
  CHECK(!r.reply.terminal);
  CHECK(str_has(str_from(r.reply.error.message), S("(500)")));
  CHECK_INT(r.reply.usage.fresh_in, 0);  // an error answer is not billed
  CHECK_INT(r.reply.cost, 0);
  CHECK_INT(log_count(&bench, "\"arrived\""), 3);
  bench_close(&bench);
  unsetenv("PIECEWORK_BACKOFF_MS");
}

// A server that is loading its model costs nothing: it is waited for past the three tries, which stay for what
// comes then.
TEST(a_model_that_is_being_loaded_is_waited_for)
{
  setenv("PIECEWORK_BACKOFF_MS", "5", 1);
  Bench bench;
  bench_open(&bench,
             "[{\"times\": 6, \"fault\": {\"status\": 503, \"kind\": \"unavailable_error\","
             " \"message\": \"Loading model\"}}, {\"times\": 2, \"fault\": {\"status\": 500}},"
             " {\"match\": {\"last_contains\": \"go\"}, \"reply\": {\"text\": \"ok\"}},"
             " {\"times\": 6, \"fault\": {\"status\": 503, \"message\": \"Loading model\"}},"
             " {\"fault\": {\"status\": 500}}]");
  Result r = bench_call(&bench, "o", "go");
  CHECK_STR(r.reply.text, S("ok"));
  CHECK_INT(r.reply.tries, 9);
  CHECK_INT(r.waits, 8);
  r = bench_call(&bench, "a", "stay");
  CHECK_INT(r.reply.error.code, ERR_OVERLOADED);
  CHECK_INT(r.reply.tries, 9);
  CHECK_INT(r.reply.cost, 0);
  bench_close(&bench);
  bench_open(&bench,
             "[{\"times\": 1, \"fault\": {\"status\": 503, \"message\": \"Loading model\"}},"
             " {\"reply\": {\"text\": \"ok\"}}]");
  r = bench_call(&bench, "o", "go");
  CHECK_STR(r.why, S("the server is still loading its model (503): Loading model"));
  bench_close(&bench);
  unsetenv("PIECEWORK_BACKOFF_MS");
}

static int most_in_flight(Bench *bench)
{
  int most = 0;
  Str rest = bench_read(bench, "log"), line;
  while (str_line(&rest, &line)) {
    const Value *entry = json_parse(&bench->arena, line, NULL);
    int n = (int)value_get_int(entry, S("in_flight"), 0);
    if (n > most) most = n;
  }
  return most;
}

TEST(many_calls_within_the_limit)
{
  enum { CALLS = 40 };
  Bench bench;
  bench_open(&bench, "[{\"reply\": {\"text\": \"ok\", \"delay_ms\": 100}}]");
  static Result results[CALLS];
  memset(results, 0, sizeof(results));
  for (int i = 0; i < CALLS; i++) {
    ModelRequest request = request_of(&bench, i % 2 ? "a" : "o", "go");
    bench_start(&bench, &results[i], &request);
  }
  bench_run(&bench);
  for (int i = 0; i < CALLS; i++) CHECK_STR(results[i].reply.text, S("ok"));
  CHECK_INT(log_count(&bench, "\"arrived\""), CALLS);
  CHECK(most_in_flight(&bench) <= 8);
  CHECK(most_in_flight(&bench) >= 5);
  bench_close(&bench);
}

TEST(one_429_holds_back_all)
{
  enum { CALLS = 12 };
  Bench bench;
  bench_open(&bench,
             "[{\"times\": 1, \"fault\": {\"status\": 429, \"retry_after\": \"0.4\"}}, {\"reply\": "
             "{\"text\": \"ok\"}}]");
  static Result results[CALLS];
  memset(results, 0, sizeof(results));
  bench_provider(&bench, "a", "anthropic", 1);
  for (int i = 0; i < CALLS; i++) {
    ModelRequest request = request_of(&bench, "a", "go");
    bench_start(&bench, &results[i], &request);
  }
  uint64_t from = loop_now_ms(&bench.loop);
  bench_run(&bench);
  CHECK(loop_now_ms(&bench.loop) - from >= 400);
  CHECK_INT(results[0].reply.tries, 2);
  CHECK_INT(results[0].waits, 1);
  CHECK(results[0].waited_ms >= 400);
  for (int i = 1; i < CALLS; i++) CHECK_INT(results[i].reply.tries, 1);
  CHECK_INT(log_count(&bench, "\"arrived\""), CALLS + 1);
  bench_close(&bench);
}

TEST(a_terminal_error_stops_the_queue)
{
  enum { CALLS = 12 };
  Bench bench;
  bench_open(&bench,
             "[{\"fault\": {\"status\": 401}, \"reply\": {\"text\": \"x\", \"delay_ms\": 30}}]");
  static Result results[CALLS];
  memset(results, 0, sizeof(results));
  bench_provider(&bench, "o", "openai-chat", 2);
  for (int i = 0; i < CALLS; i++) {
    ModelRequest request = request_of(&bench, "o", "go");
    bench_start(&bench, &results[i], &request);
  }
  bench_run(&bench);
  for (int i = 0; i < CALLS; i++) {
    CHECK_INT(results[i].done, 1);
    CHECK_INT(results[i].reply.error.code, ERR_AUTH);
    CHECK(results[i].reply.terminal);
  }
  CHECK_INT(log_count(&bench, "\"arrived\""), 2);  // those that were under way
  bench_close(&bench);
}

TEST(cancelling)
{
  Bench bench;
  bench_open(&bench,
             "[{\"reply\": {\"text\": \"a long text in many pieces, so that there is time to "
             "cancel it in between\","
             " \"delta_chars\": 4, \"chunks\": [200], \"chunk_ms\": 40}}]");
  Result streaming = {0}, queued = {0}, early = {0};
  ModelRequest request = request_of(&bench, "a", "go");
  bench_provider(&bench, "a", "anthropic", 1);
  bench_start(&bench, &streaming, &request);
  bench_start(&bench, &queued, &request);
  bench_start(&bench, &early, &request);
  model_cancel(early.call);
  CHECK_INT(early.done, 0);
  until_text(&bench, &streaming);
  model_cancel(streaming.call);
  model_cancel(queued.call);
  bench_run(&bench);
  Result *all[] = {&streaming, &queued, &early};
  for (int i = 0; i < 3; i++) {
    CHECK_INT(all[i]->done, 1);
    CHECK_INT(all[i]->reply.error.code, ERR_CANCELLED);
  }
  CHECK(streaming.reply.text.len > 0);
  CHECK(streaming.reply.usage.fresh_in + streaming.reply.usage.cache_write > 0);
  CHECK(!streaming.reply.usage.known);
  CHECK(!early.reply.sent);
  CHECK_INT(early.reply.cost, 0);
  Result after = bench_call(&bench, "a", "the slot is free");
  CHECK_INT(after.reply.error.code, ERR_OK);
  bench_close(&bench);
}

TEST(shutting_down_in_the_middle)
{
  Bench bench;
  bench_open(&bench,
             "[{\"fault\": {\"stall\": \"forever\", \"at\": 900}, \"reply\": {\"text\": \"some "
             "text before the silence, and then some more of it, in many small events\", "
             "\"delta_chars\": 3}}]");
  static Result results[6];
  memset(results, 0, sizeof(results));
  for (int i = 0; i < 6; i++) {
    ModelRequest request = request_of(&bench, "a", "go");
    bench_start(&bench, &results[i], &request);
  }
  until_text(&bench, &results[0]);
  bench_close(&bench);
  for (int i = 0; i < 6; i++) {
    CHECK_INT(results[i].done, 1);
    CHECK_INT(results[i].reply.error.code, ERR_CANCELLED);
  }
  CHECK(results[0].reply.usage.fresh_in > 0);
}

TEST(a_field_the_server_does_not_know_is_left_out)
{
  Bench bench;
  bench_open(
      &bench,
      "[{\"times\": 3, \"reply\": {\"text\": \"x\", \"delay_ms\": 200}, \"fault\": {\"status\": "
      "400, "
      "\"message\": \"Unknown parameter: 'stream_options'\"}}, {\"reply\": {\"text\": \"ok\"}}]");
  static Result results[3];
  memset(results, 0, sizeof(results));
  ModelRequest request = request_of(&bench, "o", "go");
  for (int i = 0; i < 3; i++) bench_start(&bench, &results[i], &request);
  bench_run(&bench);
  for (int i = 0; i < 3; i++) {  // all went out before any of them knew
    CHECK_STR(results[i].reply.text, S("ok"));
    CHECK_INT(results[i].reply.tries, 1);
    CHECK(!results[i].reply.usage.known);  // nobody asked for it now
    CHECK(results[i].reply.usage.fresh_in > 0 && results[i].reply.usage.out > 0);
  }
  bench_call(&bench, "o", "again");
  CHECK_INT(log_count(&bench, "\"arrived\""), 7);
  bench_close(&bench);
}

TEST(a_server_that_always_complains)
{
  Bench bench;
  bench_open(&bench,
             "[{\"fault\": {\"status\": 400, \"message\": \"response_format is not supported\"}}]");
  ModelRequest request = request_of(&bench, "o", "go");
  request.schema = json_parse(&bench.arena, S("{\"type\":\"object\"}"), NULL);
  Result r = {0};
  bench_start(&bench, &r, &request);
  bench_run(&bench);
  CHECK_INT(r.reply.error.code, ERR_REQUEST);
  CHECK_INT(log_count(&bench, "\"arrived\""), 3);  // with a schema, with an object, with neither
  bench_close(&bench);
}

TEST(keys_do_not_travel_in_the_clear)
{
  static const struct {
    const char *url;
    bool allowed, fine;
  } rows[] = {{"https://192.0.2.1", false, true},
              {"http://127.0.0.1:1", false, true},
              {"http://[::1]:1", false, true},
              {"http://192.0.2.1", false, false},
              {"http://192.0.2.1", true, true},
              {"http://127.0.0.1.example", false, false},
              {"http://localhost.example", false, false},
              {"", false, false}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
    ProviderConfig config = {
        .name = S("p"), .base_url = str_from(rows[i].url), .allow_http = rows[i].allowed};
    Error err = {0};
    if (models_check_address(&config, &err) != rows[i].fine) TAP_BAD("%s", rows[i].url);
    CHECK_INT(err.code, rows[i].fine ? ERR_OK : ERR_CONFIG);
  }
}

TEST(an_unknown_model_closes_that_model_only)
{
  Bench bench;
  bench_open(&bench,
             "[{\"match\": {\"model\": \"gone\"}, \"fault\": {\"status\": \"model\"}}, {\"reply\": "
             "{\"text\": \"ok\"}}]");
  ModelRequest request = request_of(&bench, "a", "go");
  request.model = S("gone");
  Result gone = {0}, again = {0};
  bench_start(&bench, &gone, &request);
  bench_run(&bench);
  bench_start(&bench, &again, &request);
  bench_run(&bench);
  CHECK_INT(gone.reply.error.code, ERR_MODEL);
  CHECK_INT(again.reply.error.code, ERR_MODEL);
  CHECK_INT(again.reply.tries, 0);
  CHECK_STR(bench_call(&bench, "a", "go").reply.text, S("ok"));
  bench_close(&bench);
}

TEST(the_pilot_warms_the_cache)
{
  static const char *const options[] = {"--cache-min", "1", NULL};

  Bench bench;
  bench_open_with(&bench, "[{\"reply\": {\"text\": \"ok\", \"delay_ms\": 5}}]", options);
  ProviderConfig config = *models_provider_get(bench.models, S("o"));
  config.quirks = 1 << 7;  // QUIRK_CACHE_MARK: as the vendor itself
  models_provider(bench.models, &config);
  for (int i = 0; i < 2; i++) {
    Result pilot = bench_call(&bench, both[i], "task 1");
    CHECK(pilot.reply.usage.cache_write > 0);
    CHECK_INT(pilot.reply.usage.cache_read, 0);
    Result next = bench_call(&bench, both[i], "task 2");
    CHECK_INT(next.reply.usage.cache_read, pilot.reply.usage.cache_write);
    CHECK_INT(next.reply.usage.cache_write, 0);
  }
  bench_close(&bench);
}

static bool never(void *owner, Nano spent, Nano worst)
{
  Result *result = owner;
  CHECK(spent > 0);
  CHECK(worst > 0);
  result->waits += 100;
  return false;
}

// The context that all tasks share is read from the cache, which Anthropic does not limit.
TEST(a_shared_context_is_not_held_back)
{
  Bench bench;
  bench_open(&bench,
             "[{\"reply\": {\"text\": \"ok\", \"delay_ms\": 50, \"headers\": {"
             "\"anthropic-ratelimit-tokens-limit\": \"60000\", "
             "\"anthropic-ratelimit-tokens-remaining\": \"20000\","
             "\"anthropic-ratelimit-tokens-reset\": \"2099-01-01T00:00:00Z\"}}}]");
  ModelRequest request = request_of(&bench, "a", "go");
  char *shared = arena_alloc(&bench.arena, 36000);  // 10,000 tokens
  memset(shared, 'x', 36000);
  request.shared = (Str){shared, 36000};
  static Result pilot, results[4];
  memset(results, 0, sizeof(results));
  bench_start(&bench, &pilot, &request);
  bench_run(&bench);
  uint64_t before = loop_now_ms(&bench.loop);
  for (int i = 0; i < 4; i++) bench_start(&bench, &results[i], &request);
  bench_run(&bench);
  for (int i = 0; i < 4; i++) {
    CHECK_STR(results[i].reply.text, S("ok"));
    CHECK_INT(results[i].waits, 0);
  }
  CHECK(loop_now_ms(&bench.loop) - before < 5000);
  bench_close(&bench);
}

TEST(a_retry_that_may_cost_is_asked_for)
{
  setenv("PIECEWORK_BACKOFF_MS", "5", 1);
  Bench bench;
  bench_open(
      &bench,
      "[{\"times\": 1, \"fault\": {\"status\": 500}}, {\"times\": 1, \"fault\": "
      "{\"truncated_stream\": true},"
      " \"reply\": {\"text\": \"partial text of some length\"}}, {\"reply\": {\"text\": \"ok\"}}]");
  const Value *prices =
      json_parse(&bench.arena, S("{\"a/small-1\": {\"input\": 1, \"output\": 2}}"), NULL);
  models_prices(bench.models, prices);
  Result r = {.bench = &bench};
  ModelRequest request = request_of(&bench, "a", "go");
  ModelSpec spec = {.request = &request, .may_retry = never, .on_done = on_done, .owner = &r};
  bench.pending++;
  model_start(bench.models, &spec);
  bench_run(&bench);
  CHECK_INT(r.waits, 100);  // asked after the broken stream, not after the 500
  CHECK_INT(r.reply.error.code, ERR_NETWORK);
  CHECK_INT(r.reply.tries, 2);
  CHECK(r.reply.cost > 0);
  CHECK(r.reply.text.len > 0);
  bench_close(&bench);
  unsetenv("PIECEWORK_BACKOFF_MS");
}

static Result held_call(Bench *bench, void (*then)(ModelCall *call))
{
  Result r = {.bench = bench};
  ModelRequest request = request_of(bench, "a", "go");
  ModelSpec spec = {.request = &request, .held = true, .on_done = on_done, .owner = &r};
  bench->pending++;
  ModelCall *call = model_start(bench->models, &spec);
  for (int i = 0; i < 10; i++) loop_turn(&bench->loop, false);
  CHECK_INT(r.done, 0);
  then(call);
  bench_run(bench);
  return r;
}

static void go(ModelCall *call)
{
  Error none = {0};
  model_go(call, &none);
}

static void go_and_stop(ModelCall *call)
{
  go(call);
  model_let_go(call);  // it has no slot yet
}

static void refuse(ModelCall *call)
{
  Error err = {0};
  error_set(&err, ERR_JOURNAL, "not on disk");
  model_go(call, &err);
}

TEST(a_held_call_leaves_when_it_may)
{
  Bench bench;
  bench_open(&bench, "[{\"reply\": {\"text\": \"ok\"}}]");
  Result r = held_call(&bench, refuse);
  CHECK_INT(r.reply.error.code, ERR_JOURNAL);
  CHECK(!r.reply.sent && r.reply.tries == 0);
  r = held_call(&bench, go_and_stop);
  CHECK_INT(r.reply.error.code, ERR_CANCELLED);
  CHECK(!r.reply.sent && r.reply.tries == 0);
  r = held_call(&bench, model_let_go);
  CHECK_INT(r.reply.error.code, ERR_CANCELLED);
  r = held_call(&bench, go);
  CHECK_INT(r.reply.error.code, ERR_OK);
  bench_close(&bench);
}

TEST_MAIN
