// t_dialects.c: every dialect against the provider, case for case: text, tools, schema, usage, every stop reason
// and error class; and tools in words for servers that have none.
#include "model/dialect.h"
#include "provider.h"

static const char *const dialects[] = {"a", "o", "r", "g", "l"};  // see bench_open_with
enum { DIALECTS = 5, RESPONSES = 2, GEMINI = 3, OLLAMA = 4 };

static ModelRequest plan_request(Bench *bench, const char *provider, const ModelTool *tool)
{
  ModelRequest request = request_of(bench, provider, "find the callers");
  request.role = S("plan");
  request.tools = (ModelTool *)tool;
  request.tool_count = 1;
  return request;
}

static ModelTool search_tool(Arena *arena)
{
  Error err = {0};
  return (ModelTool){S("search"), S("searches text"),
                     json_parse(arena,
                                S("{\"type\":\"object\",\"properties\":{\"text\":{\"type\":"
                                  "\"string\"}},\"required\":[\"text\"],"
                                  "\"additionalProperties\":false}"),
                                &err)};
}

// What the planner does: the reply and the result of its call go behind the messages.
static void answer_call(Bench *bench, ModelRequest *request, const ModelReply *reply)
{
  ModelMessage said = {
      .role = MSG_ASSISTANT, .text = reply->text, .calls = reply->calls, .raw = reply->raw};
  PUSH(&bench->arena, &request->messages, said);
  for (size_t i = 0; i < reply->calls.len; i++) {
    ModelMessage result = {
        .role = MSG_TOOL, .text = S("src/a.c:3"), .call_id = reply->calls.items[i].id};
    PUSH(&bench->arena, &request->messages, result);
  }
}

static const char *case_name(Bench *bench, int index)
{
  return str_fmt(&bench->arena, "case <%d>%c", index, 0).ptr;
}

// One provider for many cases: a rule per case, found by the request's last words.
static void open_cases(Bench *bench, const char *rule, const char *const *bodies, size_t count)
{
  Buf script;
  buf_init(&script, 1 << 16);
  for (size_t i = 0; i < count; i++) {
    const char *slot = strstr(rule, "%s");
    buf_fmt(&script, "%s{\"match\": {\"last_contains\": \"case <%zu>\"}, %.*s%s%s}", i ? "," : "[",
            i, (int)(slot - rule), rule, bodies[i], slot + 2);
  }
  buf_add(&script, S("]"));
  buf_add_char(&script, 0);
  bench_open(bench, script.ptr);
  buf_deinit(&script);
}

TEST(text)
{
  Bench bench;
  bench_open(&bench,
             "[{\"match\": {\"contains\": [\"You work.\", \"Shared context.\"]},"
             " \"reply\": {\"text\": \"Zwölf große Boxkämpfer, in pieces\","
             " \"delta_chars\": 3, \"chunks\": [5, 1, 17], \"noise\": true}}]");
  for (int i = 0; i < DIALECTS; i++) {
    Result r = bench_call(&bench, dialects[i], "go");
    CHECK_INT(r.reply.error.code, ERR_OK);
    CHECK_STR(r.reply.text, S("Zwölf große Boxkämpfer, in pieces"));
    CHECK_INT(r.reply.stop, STOP_DONE);
    CHECK(r.reply.usage.known && r.reply.usage.out > 0 && r.reply.usage.fresh_in > 0);
  }
  bench_close(&bench);
}

// Thoughts and signatures must come back as they were: the provider checks them.
TEST(a_tool_loop_with_thoughts)
{
  Bench bench;
  bench_open(
      &bench,
      "[{\"match\": {\"turn\": 0}, \"reply\": {\"text\": \"Looking.\", \"thinking\": \"hm\","
      " \"tool_calls\": [{\"name\": \"search\", \"input\": {\"text\": \"cfg_get\"}},"
      " {\"name\": \"search\", \"input\": {\"text\": \"cfg_set\"}}]}},"
      "{\"match\": {\"turn\": 1, \"last_contains\": \"src/a.c:3\"},"
      " \"reply\": {\"tool_calls\": [{\"name\": \"search\", \"input\": {\"text\": \"c\"}}]}},"
      "{\"match\": {\"turn\": 2, \"last_contains\": \"src/a.c:3\"},"
      " \"reply\": {\"text\": \"two callers\"}}]");
  ModelTool tool = search_tool(&bench.arena);
  for (int i = 0; i < DIALECTS; i++) {
    ModelRequest request = plan_request(&bench, dialects[i], &tool);
    request.effort = S("medium");
    static const size_t calls[] = {2, 1, 0};
    for (int turn = 0; turn < 3; turn++) {
      Result r = {0};
      bench_start(&bench, &r, &request);
      bench_run(&bench);
      CHECK_INT(r.reply.error.code, ERR_OK);
      if (r.reply.error.code) printf("# %s: %s\n", dialects[i], r.reply.error.message);
      CHECK_INT(r.reply.calls.len, calls[turn]);
      CHECK_INT(r.reply.stop, turn < 2 ? STOP_TOOL : STOP_DONE);
      if (turn == 0 && r.reply.calls.len == 2) {
        CHECK_STR(r.reply.calls.items[1].name, S("search"));
        CHECK_STR(value_get_str(r.reply.calls.items[1].input, S("text"), S("")), S("cfg_set"));
      }
      if (turn == 2) CHECK_STR(r.reply.text, S("two callers"));
      answer_call(&bench, &request, &r.reply);
    }
  }
  bench_close(&bench);
}

TEST(schemas)
{
  Bench bench;
  bench_open(&bench, "[{\"reply\": {\"text\": \"{\\\"ok\\\": true}\"}}]");
  Error err = {0};
  for (int i = 0; i < DIALECTS; i++) {
    ModelRequest request = request_of(&bench, dialects[i], "judge");
    request.schema = json_parse(&bench.arena,
                                S("{\"type\":\"object\",\"properties\":{\"ok\":{\"type\":"
                                  "\"boolean\"}},\"required\":[\"ok\"],"
                                  "\"additionalProperties\":false}"),
                                &err);
    Result r = {0};
    bench_start(&bench, &r, &request);
    bench_run(&bench);
    CHECK_INT(r.reply.error.code, ERR_OK);
    CHECK_STR(r.reply.text, S("{\"ok\": true}"));
  }
  bench_close(&bench);
}

TEST(usage_is_disjoint)
{
  Bench bench;
  bench_open(&bench,
             "[{\"reply\": {\"text\": \"x\", \"thinking\": \"y\", \"usage\": {\"fresh_in\": "
             "100, \"cache_write\": 20, \"cache_read\": 300, \"out\": 50, "
             "\"reasoning\": 30}}}]");
  for (int i = 0; i < DIALECTS; i++) {
    Result r = bench_call(&bench, dialects[i], "go");
    const Usage *u = &r.reply.usage;
    bool writes = i <= RESPONSES, reads = i != OLLAMA;
    CHECK_INT(u->fresh_in, 100 + (writes ? 0 : 20) + (reads ? 0 : 300));
    CHECK_INT(u->cache_write, writes ? 20 : 0);
    CHECK_INT(u->cache_read, reads ? 300 : 0);
    CHECK_INT(u->out, 50);
    if (i != OLLAMA) CHECK_INT(u->reasoning, 30);
    CHECK(u->known);
  }
  bench_close(&bench);
}

// Where others leave it out, some say that there is no error.
TEST(an_error_of_null_is_none)
{
  static const struct {
    const Dialect *dialect;
    const char *event;
  } rows[] = {
      {&dialect_anthropic, "{\"error\":null,\"type\":\"message_stop\"}"},
      {&dialect_openai_chat,
       "{\"error\":null,\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}"},
      {&dialect_openai_responses,
       "{\"error\":null,\"type\":\"response.completed\",\"response\":{\"status\":\"completed\","
       "\"error\":null}}"},
      {&dialect_gemini, "{\"error\":null,\"candidates\":[{\"finishReason\":\"STOP\"}]}"},
      {&dialect_ollama, "{\"error\":null,\"message\":{\"content\":\"x\"},\"done\":true}"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    Arena arena;
    ReplyBuilder reply;
    arena_init(&arena);
    model_reply_begin(&reply, &arena, 0);
    rows[i].dialect->feed(&reply, &(SseEvent){.data = str_from(rows[i].event)});
    CHECK(reply.ended && !reply.failed);
    model_reply_end(&reply);
    arena_deinit(&arena);
  }
}

TEST(a_reason_wherever_it_stands_among_the_details)
{
  HttpHead head = {.status = 400};
  Failure failure;
  failure_from_answer(
      &head,
      S("{\"error\":{\"code\":400,\"message\":\"Bad.\",\"details\":[{\"locale\":\"en\"},"
        "{\"reason\":\"API_KEY_INVALID\"}]}}"),
      &failure);
  CHECK_INT(failure.error.code, ERR_AUTH);
}

// What a server tells that cannot be is as good as nothing told: estimated, and said to be.
TEST(counters_that_cannot_be)
{
  static const struct {
    const Dialect *dialect;
    const char *body;
  } rows[] = {
      {&dialect_anthropic,
       "{\"content\":[{\"type\":\"text\",\"text\":\"0123456789\"}],\"stop_reason\":\"end_turn\","
       "\"usage\":"
       "{\"input_tokens\":%1$s,\"output_tokens\":%1$s,\"cache_read_input_tokens\":%1$s}}"},
      {&dialect_openai_chat,
       "{\"choices\":[{\"message\":{\"content\":\"0123456789\"},\"finish_reason\":\"stop\"}],"
       "\"usage\":"
       "{\"prompt_tokens\":%1$s,\"completion_tokens\":%1$s,\"cached_tokens\":%1$s,\"cost\":%1$s}}"},
      {&dialect_openai_responses,
       "{\"object\":\"response\",\"status\":\"completed\",\"output\":[{\"type\":\"message\","
       "\"content\":"
       "[{\"type\":\"output_text\",\"text\":\"0123456789\"}]}],\"usage\":{\"input_tokens\":%1$s,"
       "\"output_tokens\":%1$s,\"input_tokens_details\":{\"cached_tokens\":%1$s}}}"},
      {&dialect_gemini,
       "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"0123456789\"}]},\"finishReason\":"
       "\"STOP\"}],"
       "\"usageMetadata\":{\"promptTokenCount\":%1$s,\"candidatesTokenCount\":%1$s,"
       "\"cachedContentTokenCount\":%1$s}}"},
      {&dialect_ollama,
       "{\"message\":{\"content\":\"0123456789\"},\"done\":true,\"prompt_eval_count\":%1$s,"
       "\"eval_count\":%1$s}"},
  };
  static const char *const told[] = {
      "-5",  "1e300", "-1e300", "9223372036854775808", "1000000000000", "12.5", "\"12\"", "null",
      "[7]", "{}",    "true"};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    for (size_t k = 0; k < sizeof(told) / sizeof(told[0]); k++) {
      Arena arena;
      ReplyBuilder reply;
      char body[600];
      arena_init(&arena);
      snprintf(body, sizeof(body), rows[i].body, told[k]);
      model_reply_begin(&reply, &arena, QUIRK_COST);
      rows[i].dialect->whole(&reply, str_from(body));
      Usage u = reply_usage(&reply, 100);
      bool good = reply.ended && !reply.failed && !u.known && u.fresh_in == 100 && u.out == 3 &&
                  u.cache_read == 0 && reply.cost < 13 * 1000000000LL;
      if (!good) {
        TAP_BAD("%s told %s: in %lld, cached %lld, out %lld, known %d", rows[i].dialect->name,
                told[k], (long long)u.fresh_in, (long long)u.cache_read, (long long)u.out, u.known);
      }
      model_reply_end(&reply);
      arena_deinit(&arena);
    }
  }
}

TEST(stops)
{
  static const struct {
    const char *stop;
    int dialect;  // -1 = all
    StopReason want;
  } rows[] = {
      {"end_turn", -1, STOP_DONE},
      {"stop_sequence", -1, STOP_DONE},
      {"max_tokens", -1, STOP_LENGTH},
      {"model_context_window_exceeded", 0, STOP_LENGTH},
      {"pause_turn", 0, STOP_LENGTH},
      {"refusal", 0, STOP_REFUSED},
      {"refusal", 1, STOP_REFUSED},
      {"refusal", RESPONSES, STOP_REFUSED},
      {"content_filter", RESPONSES, STOP_REFUSED},
      {"max_messages", RESPONSES, STOP_LENGTH},
      {"steered", RESPONSES, STOP_LENGTH},
      {"refusal", GEMINI, STOP_REFUSED},
      {"RECITATION", GEMINI, STOP_REFUSED},
      {"BLOCKLIST", GEMINI, STOP_REFUSED},
      {"SPII", GEMINI, STOP_REFUSED},
      {"blocked", GEMINI, STOP_REFUSED},
      {"blocked:SAFETY", GEMINI, STOP_REFUSED},
      {"pause_turn", GEMINI, STOP_LENGTH},
      {"SOME_NEW_REASON", GEMINI, STOP_DONE},
  };
  enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
  Bench bench;
  const char *bodies[ROWS];
  for (size_t i = 0; i < ROWS; i++) bodies[i] = rows[i].stop;
  open_cases(&bench, "\"reply\": {\"text\": \"part\", \"stop\": \"%s\"}", bodies, ROWS);
  for (int i = 0; i < ROWS; i++) {
    for (int d = 0; d < DIALECTS; d++) {
      if (rows[i].dialect >= 0 && rows[i].dialect != d) continue;
      Result r = bench_call(&bench, dialects[d], case_name(&bench, i));
      if (r.reply.error.code || r.reply.stop != rows[i].want)
        TAP_BAD("%s in %s: stop %d (%s)", rows[i].stop, dialects[d], r.reply.stop,
                r.reply.error.message);
      CHECK_INT(r.reply.tries, 1);
    }
  }
  bench_close(&bench);
}

// llama-server's /v1/responses says "completed" of what it cut.
TEST(a_reply_at_its_limit_is_cut_whatever_the_server_says)
{
  Bench bench;
  bench_open(&bench,
             "[{\"match\": {\"last_contains\": \"all\"}, \"reply\": {\"text\": \"x\","
             " \"usage\": {\"out\": 1000}}},"
             "{\"match\": {\"last_contains\": \"but one\"}, \"reply\": {\"text\": \"x\","
             " \"usage\": {\"out\": 999}}}]");
  for (int i = 0; i < DIALECTS; i++) {
    CHECK_INT(bench_call(&bench, dialects[i], "all").reply.stop, STOP_LENGTH);
    CHECK_INT(bench_call(&bench, dialects[i], "but one").reply.stop, STOP_DONE);
  }
  bench_close(&bench);
}

// llama-server takes a message of the assistant only with its type.
TEST(messages_of_the_responses_dialect_have_a_type)
{
  Arena arena;
  arena_init(&arena);
  ModelMessage turns[] = {{.role = MSG_USER, .text = S("go")},
                          {.role = MSG_ASSISTANT, .text = S("gone")},
                          {.role = MSG_USER, .text = S("again")}};
  ModelRequest request = {.model = S("m"), .shared = S("context")};
  for (int i = 0; i < 3; i++) PUSH(&arena, &request.messages, turns[i]);
  Target target = {.base_url = S("http://127.0.0.1:1")};
  Key key = {0};
  WireRequest wire;
  dialect_openai_responses.build(&arena, &request, &target, &key, &wire);
  const Value *input = value_get(json_parse(&arena, wire.body, NULL), S("input"));
  CHECK_INT(value_len(input), 4);
  for (VALUE_EACH (item, input)) CHECK_STR(value_get_str(item, S("type"), STR_NONE), S("message"));
  arena_deinit(&arena);
}

TEST(replies_that_failed_inside_a_200)
{
  setenv("PIECEWORK_BACKOFF_MS", "5", 1);
  static const struct {
    const char *stop;
    int dialect;
    Err code;
  } rows[] = {{"failed", RESPONSES, ERR_OVERLOADED},
              {"OTHER", GEMINI, ERR_REPLY},
              {"MALFORMED_FUNCTION_CALL", GEMINI, ERR_REPLY}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    Bench bench;
    char script[160];
    snprintf(script, sizeof(script), "[{\"reply\": {\"text\": \"part\", \"stop\": \"%s\"}}]",
             rows[i].stop);
    bench_open(&bench, script);
    Result r = bench_call(&bench, dialects[rows[i].dialect], "go");
    CHECK_INT(r.reply.error.code, rows[i].code);
    CHECK_INT(r.reply.tries, 3);
    CHECK(r.reply.usage.out > 0);
    bench_close(&bench);
  }
  unsetenv("PIECEWORK_BACKOFF_MS");
}

TEST(errors)
{
  setenv("PIECEWORK_BACKOFF_MS", "5", 1);
  static const struct {
    const char *fault;
    Err code;
    bool terminal;
    int tries;         // twice as many where the dialect's word for it is one of a passing limit
    bool hosted_only;  // a local server knows no money
  } rows[] = {{"{\"status\": 400}", ERR_REQUEST, false, 1, false},
              {"{\"status\": 401}", ERR_AUTH, true, 1, false},
              {"{\"status\": 403}", ERR_AUTH, true, 1, false},
              {"{\"status\": 404}", ERR_MODEL, true, 1, false},
              {"{\"status\": 429, \"retry_after\": \"0\"}", ERR_RATE, false, 3, false},
              {"{\"status\": 500}", ERR_OVERLOADED, false, 3, false},
              {"{\"status\": 503}", ERR_OVERLOADED, false, 3, false},
              {"{\"status\": \"quota\"}", ERR_QUOTA, true, 1, true},
              {"{\"status\": \"credit\"}", ERR_QUOTA, true, 1, false},
              {"{\"status\": \"contract\"}", ERR_QUOTA, true, 1, true},
              {"{\"status\": \"spend_cap\"}", ERR_QUOTA, true, 1, false},
              {"{\"status\": \"overflow\"}", ERR_TOO_BIG, false, 1, false},
              {"{\"status\": \"model\"}", ERR_MODEL, true, 1, false},
              {"{\"status\": 502, \"html\": true}", ERR_OVERLOADED, false, 3, false},
              {"{\"error_event_after_200\": true}", ERR_OVERLOADED, false, 3, false},
              {"{\"truncated_stream\": true}", ERR_NETWORK, false, 3, false},
              {"{\"reset_before\": true}", ERR_NETWORK, false, 3, false},
              {"{\"reset_mid_stream\": true}", ERR_NETWORK, false, 3, false},
              {"{\"malformed_json\": true}", ERR_REPLY, false, 3, false}};
  enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
  Bench bench;
  const char *bodies[ROWS];
  for (size_t i = 0; i < ROWS; i++) bodies[i] = rows[i].fault;
  open_cases(&bench,
             "\"reply\": {\"text\": \"an answer of some length, so that it can be cut\"}, "
             "\"fault\": %s",
             bodies, ROWS);
  for (int i = 0; i < ROWS; i++) {
    for (int d = 0; d < DIALECTS; d++) {
      if (d == OLLAMA && rows[i].hosted_only) continue;
      models_reopen(bench.models);
      Result r = bench_call(&bench, dialects[d], case_name(&bench, i));
      const ModelReply *reply = &r.reply;
      if (reply->error.code != rows[i].code || reply->terminal != rows[i].terminal ||
          (reply->tries != rows[i].tries && reply->tries != 2 * rows[i].tries)) {
        TAP_BAD("%s in %s: %s, terminal %d, tries %d (%s)", rows[i].fault, dialects[d],
                err_name(reply->error.code), reply->terminal, reply->tries, reply->error.message);
      }
      CHECK_INT(reply->stop, STOP_ERROR);
    }
  }
  bench_close(&bench);
  unsetenv("PIECEWORK_BACKOFF_MS");
}

// Nobody knows how far it was written: all that was held ready for it may be asked for. What is told at the beginning
// of a stream is believed.
TEST(what_a_reply_that_broke_off_may_cost)
{
  static const char *const faults[] = {"{\"reset_mid_stream\": true}",
                                       "{\"truncated_stream\": true}", "{\"reset_before\": true}",
                                       "{\"malformed_json\": true}"};
  static const char *const names[] = {"a/small-1", "o/small-1", "r/small-1", "g/small-1",
                                      "l/small-1"};
  setenv("PIECEWORK_BACKOFF_MS", "5", 1);
  for (size_t f = 0; f < sizeof(faults) / sizeof(faults[0]); f++) {
    Bench bench;
    char script[600];
    snprintf(
        script, sizeof(script),
        "[{\"match\": {\"turn\": 0}, \"times\": 1, \"reply\": {\"text\": \"an answer of some "
        "length, so that "
        "it can be cut\", \"usage\": {\"fresh_in\": 500, \"cache_read\": 0, \"cache_write\": 0, "
        "\"out\": 40}}, \"fault\": %s}, {\"reply\": {\"text\": \"ok\", \"usage\": {\"fresh_in\": "
        "500, "
        "\"cache_read\": 0, \"cache_write\": 0, \"out\": 2}}}]",
        faults[f]);
    for (int d = 0; d < DIALECTS; d++) {
      bench_open(&bench, script);
      Value *prices = value_map(&bench.arena),
            *price = value_set(prices, str_from(names[d]), value_map(&bench.arena));
      value_put_int(&bench.arena, price, S("input"), 1);
      value_put_int(&bench.arena, price, S("output"), 2);
      models_prices(bench.models, prices);
      Result r = bench_call(&bench, dialects[d], "go");
      ModelRequest request = request_of(&bench, dialects[d], "go");
      Nano worst = request_worst_cost(bench.models, &request), second = 500 * 1000 + 2 * 2000;
      CHECK_INT(r.reply.tries, 2);
      CHECK(!r.reply.usage.known);
      CHECK_INT(r.reply.cost - second + r.reply.unsure, worst);
      CHECK(r.reply.cost > second && r.reply.unsure > 0);
      bool begun = f < 2 && d == 0;
      if (begun) CHECK(r.reply.usage.fresh_in == 1000);
      bench_close(&bench);
    }
  }
  unsetenv("PIECEWORK_BACKOFF_MS");
}

// Ollama cuts what does not fit without a word; asked with a window of the prompt's size it does not.
TEST(a_long_prompt_at_ollama)
{
  Bench bench;
  bench_open(&bench,
             "[{\"match\": {\"contains\": \"the very beginning\"}, \"reply\": {\"text\": "
             "\"all of it\"}}]");
  Buf text;
  buf_init(&text, 1 << 20);
  buf_add(&text, S("the very beginning "));
  for (int i = 0; i < 20000; i++) buf_add(&text, S("word "));
  buf_add_char(&text, 0);
  Result r = bench_call(&bench, "l", text.ptr);
  CHECK_INT(r.reply.error.code, ERR_OK);
  CHECK_STR(r.reply.text, S("all of it"));
  buf_deinit(&text);
  bench_close(&bench);
}

// A server that refuses tools is asked again in words, and remembered.
TEST(tools_in_words)
{
  Bench bench;
  bench_open(
      &bench,
      "[{\"match\": {\"has_tool\": \"search\"}, \"fault\": {\"status\": 400, \"message\": "
      "\"small-1 does not support tools\"}},"
      "{\"match\": {\"turn\": 0, \"contains\": \"searches text\"}, \"reply\": {\"text\": "
      "\"I look.\\n```json\\n{\\\"tool\\\": \\\"search\\\", \\\"input\\\": {\\\"text\\\": "
      "\\\"a\\\",}"
      "}\\n```\\n\"}},"
      "{\"match\": {\"turn\": 1, \"last_contains\": \"Result of search:\\nsrc/a.c:3\"}, \"reply\": "
      "{\"text\": \"one caller\"}}]");
  ModelTool tool = search_tool(&bench.arena);
  for (int i = 0; i < DIALECTS; i++) {
    ModelRequest request = plan_request(&bench, dialects[i], &tool);
    Result r = {0};
    bench_start(&bench, &r, &request);
    bench_run(&bench);
    CHECK_INT(r.reply.error.code, ERR_OK);
    CHECK_INT(r.reply.tries, 1);
    CHECK_INT(r.reply.stop, STOP_TOOL);
    CHECK_INT(r.reply.calls.len, 1);
    CHECK(str_starts(r.reply.text, S("I look.")));
    answer_call(&bench, &request, &r.reply);
    Result last = {0};
    bench_start(&bench, &last, &request);
    bench_run(&bench);
    CHECK_STR(last.reply.text, S("one caller"));
    CHECK_INT(last.reply.calls.len, 0);
  }
  CHECK_INT(log_count(&bench, "\"arrived\""), 3 * DIALECTS);
  bench_close(&bench);
}

// Calls refused of sixteen at once, where four a time and ten a second are allowed.
static int refused_by_rate(const char *provider)
{
  static const char *const options[] = {"--limit-rpm", "600", "--limit-burst", "4", NULL};
  enum { CALLS = 16 };
  Bench bench;
  bench_open_with(&bench, "[{\"reply\": {\"text\": \"x\"}}]", options);
  static Result results[CALLS];
  memset(results, 0, sizeof(results));
  Result first = bench_call(&bench, provider, "go");
  CHECK_INT(first.reply.error.code, ERR_OK);
  ModelRequest request = request_of(&bench, provider, "go");
  for (int i = 0; i < CALLS; i++) bench_start(&bench, &results[i], &request);
  bench_run(&bench);
  for (int i = 0; i < CALLS; i++) CHECK_INT(results[i].reply.error.code, ERR_OK);
  int refused = log_count(&bench, "\"status\":429") + log_count(&bench, "\"status\": 429");
  bench_close(&bench);
  return refused;
}

// Every answer says what is left; a burst of calls may still meet one that nobody knew of yet.
TEST(rate_headers_are_kept_to)
{
  int anthropic = refused_by_rate("a"), openai = refused_by_rate("r"),
      silent = refused_by_rate("g");
  printf("# refused of 16: anthropic's headers %d, openai's %d, none %d\n", anthropic, openai,
         silent);
  CHECK(anthropic <= 4 && openai <= 4);
}

TEST_MAIN
