// t_call.c: model calls end to end against the fake provider: streams, tools, retries, closing, cancelling.
#include "provider.h"

static const char *const both[] = {"a", "o"};

TEST(text_in_both_dialects)
{
  Bench bench;
  bench_open(&bench, "[{\"reply\": {\"text\": \"Hello, w\\u00f6rld \\ud83d\\ude00.\", \"noise\": true, \"chunks\": [1, 7, 3],"
                     "\"thinking\": \"let me see\", \"delta_chars\": 3}}]");
  for (int i = 0; i < 2; i++) {
    Result r = bench_call(&bench, both[i], "Say hello.");
    CHECK_INT(r.reply.error.code, ERR_OK);
    CHECK_STR(str_from(r.reply.error.message), S(""));
    CHECK_STR(r.reply.text, S("Hello, w\xc3\xb6rld \xf0\x9f\x98\x80."));
    CHECK_STR(r.streamed, r.reply.text);
    CHECK_INT(r.firsts, 1);
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
    "[{\"match\": {\"turn\": 0}, \"reply\": {\"thinking\": \"hm\", \"text\": \"Looking.\", \"tool_calls\":"
    " [{\"name\": \"search\", \"input\": {\"text\": \"cfg_get\", \"max\": 3}}, {\"name\": \"list\", \"input\": {}}]}},"
    " {\"match\": {\"turn\": 1, \"last_contains\": [\"three hits\", \"two files\"]}, \"reply\": {\"text\": \"Done.\"}}]";

TEST(a_tool_loop_in_both_dialects)
{
  Bench bench;
  bench_open(&bench, tool_script);
  Error err = {0};
  const Value *schema = json_parse(&bench.arena, S("{\"type\":\"object\",\"properties\":{}}"), &err);
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
      ModelMessage answer = {
          .role = MSG_TOOL, .text = answers[k], .call_id = first.reply.calls.items[k].id, .is_error = k == 1};
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
  int tries;   // 0 = any
  bool terminal;
} FaultRow;

static const FaultRow faults[] = {
    {"{\"status\": 429, \"retry_after\": \"0\"}", ERR_OK, 2, false},
    {"{\"status\": 500}", ERR_OK, 2, false},
    {"{\"status\": 529}", ERR_OK, 2, false},
    {"{\"status\": 503, \"html\": true}", ERR_OK, 2, false},
    {"{\"reset_before\": true}", ERR_OK, 2, false},
    {"{\"reset_before\": \"fin\"}", ERR_OK, 0, false},
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
  setenv("PIECEWORK_FIRST_BYTE_MS", "400", 1);
  setenv("PIECEWORK_IDLE_MS", "300", 1);
  Buf script;
  buf_init(&script, 1 << 20);
  buf_add_char(&script, '[');
  for (int i = 0; i < ROWS; i++) {
    buf_fmt(&script, "{\"match\": {\"last_contains\": \"row %d.\"}, \"times\": 1, \"fault\": %s, \"reply\": {\"text\": "
            "\"a partial answer that is long enough to be cut in the middle\"}},", i, faults[i].fault);
  }
  buf_add(&script, S("{\"reply\": {\"text\": \"whole answer\"}}]"));
  buf_add_char(&script, 0);
  for (int dialect = 0; dialect < 2; dialect++) {
    bench_open(&bench, script.ptr);
    for (int i = 0; i < ROWS; i++) {
      char text[32];
      snprintf(text, sizeof(text), "row %d.", i);
      Result r = bench_call(&bench, both[dialect], text);
      bool tries = !faults[i].tries || r.reply.tries == faults[i].tries;
      if (r.reply.error.code != faults[i].code || !tries) {
        TAP_BAD("%s %s: %s, %d tries: %s", both[dialect], faults[i].fault, err_name(r.reply.error.code),
                r.reply.tries, r.reply.error.message);
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

TEST_MAIN
