// t_openai_chat.c: the Chat Completions dialect, also as compatible servers bend it.
#include "stream.h"

#define CHUNK(delta, finish)                                                               \
  "data: "                                                                                 \
  "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0," \
  "\"delta\":" delta ",\"finish_reason\":" finish "}],\"usage\":null}\n\n"
#define USAGE(usage) "data: {\"id\":\"chatcmpl-1\",\"choices\":[],\"usage\":" usage "}\n\n"
#define DONE "data: [DONE]\n\n"
#define CALL(index, id, name, arguments)                                                          \
  CHUNK("{\"tool_calls\":[{\"index\":" #index ",\"id\":\"" id                                     \
        "\",\"type\":\"function\",\"function\":{\"name\":\"" name "\",\"arguments\":\"" arguments \
        "\"}}]}",                                                                                 \
        "null")
#define MORE(index, arguments)                                                            \
  CHUNK("{\"tool_calls\":[{\"index\":" #index ",\"function\":{\"arguments\":\"" arguments \
        "\"}}]}",                                                                         \
        "null")

static const char full[] =
    ": OPENROUTER PROCESSING\n\n" CHUNK("{\"role\":\"assistant\",\"content\":\"\"}", "null")
        CHUNK("{\"content\":\"Hel\"}", "null")
            CHUNK("{\"content\":\"lo \\u20ac\",\"obfuscation\":\"xx\"}", "null")
                CALL(0, "call_1", "read", "") MORE(0, "{\\\"path\\\": \\\"a") MORE(0, ".c\\\"}")
                    CALL(1, "call_2", "list", "") CHUNK("{}", "\"tool_calls\"") USAGE(
                        "{\"prompt_tokens\":100,\"completion_tokens\":40,\"total_tokens\":140,"
                        "\"prompt_tokens_details\":{"
                        "\"cached_tokens\":60,\"cache_write_tokens\":10},\"completion_tokens_"
                        "details\":{\"reasoning_tokens\":12}}") DONE;

TEST(everything_in_every_chunking)
{
  for (size_t step = 1; step < 120; step += step < 8 ? 1 : 13) {
    Stream1 s;
    stream_run_cut(&s, &dialect_openai_chat, 0, str_from(full), step);
    CHECK(!s.reply.failed);
    CHECK(s.reply.ended);
    CHECK_INT(s.reply.stop, STOP_TOOL);
    CHECK_STR(s.text, S("Hello \xe2\x82\xac"));
    CHECK_STR(s.reply.id, S("chatcmpl-1"));
    CHECK(s.reply.usage.known);
    CHECK_INT(s.reply.usage.fresh_in, 30);
    CHECK_INT(s.reply.usage.cache_read, 60);
    CHECK_INT(s.reply.usage.cache_write, 10);
    CHECK_INT(s.reply.usage.out, 40);
    CHECK_INT(s.reply.usage.reasoning, 12);
    CHECK_INT(s.reply.calls.len, 2);
    CHECK_STR(value_get_str(s.reply.calls.items[0].input, S("path"), S("")), S("a.c"));
    CHECK_STR(s.reply.calls.items[1].id, S("call_2"));
    CHECK_STR(dig_str(s.reply.raw, "role"), S("assistant"));
    CHECK_STR(dig_str(s.reply.raw, "tool_calls.0.function.name"), S("read"));
    stream_end(&s);
  }
}

static const struct {
  const char *word;
  StopReason stop;
} stop_rows[] = {{"stop", STOP_DONE},           {"length", STOP_LENGTH},
                 {"model_length", STOP_LENGTH}, {"tool_calls", STOP_TOOL},
                 {"function_call", STOP_TOOL},  {"content_filter", STOP_REFUSED},
                 {"something_new", STOP_DONE}};

TEST(all_finish_reasons)
{
  for (size_t i = 0; i < sizeof(stop_rows) / sizeof(stop_rows[0]); i++) {
    Stream1 s;
    stream_word(&s, &dialect_openai_chat,
                CHUNK("{\"content\":\"x\"}", "null") CHUNK("{}", "\"%s\"") DONE, stop_rows[i].word);
    CHECK_INT(s.reply.stop, stop_rows[i].stop);
    CHECK_STR(s.reply.stop_detail,
              s.reply.stop == STOP_REFUSED ? str_from(stop_rows[i].word) : STR_NONE);
    CHECK(s.reply.ended);
    CHECK(!s.reply.usage.known);
    stream_end(&s);
  }
}

TEST(a_refusal_in_place_of_text)
{
  Stream1 s;
  stream_run(&s, &dialect_openai_chat,
             S(CHUNK("{\"refusal\":\"I can\"}", "null") CHUNK("{\"refusal\":\"not.\"}", "null")
                   CHUNK("{}", "\"stop\"") DONE));
  CHECK_INT(s.reply.stop, STOP_REFUSED);
  CHECK_STR(s.reply.stop_detail, S("I cannot."));
  stream_end(&s);
}

TEST(finish_reasons_that_are_failures)
{
  static const char *const words[] = {"insufficient_system_resource", "error"};
  for (int i = 0; i < 2; i++) {
    Stream1 s;
    stream_word(&s, &dialect_openai_chat, CHUNK("{}", "\"%s\"") DONE, words[i]);
    CHECK(s.reply.failed);
    CHECK(s.reply.failure.retry);
    stream_end(&s);
  }
}

TEST(ends_and_missing_ends)
{
  static const struct {
    const char *text;
    bool ended;
  } rows[] = {{CHUNK("{\"content\":\"x\"}", "\"stop\""), true},   // no [DONE]
              {CHUNK("{\"content\":\"x\"}", "null") DONE, true},  // no finish_reason
              {CHUNK("{\"content\":\"x\"}", "null"), false},
              {DONE, false},
              {"", false}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    Stream1 s;
    stream_run(&s, &dialect_openai_chat, str_from(rows[i].text));
    CHECK_INT(s.reply.ended, rows[i].ended);
    CHECK(!s.reply.failed);
    stream_end(&s);
  }
}

TEST(usage_where_servers_put_it)
{
  static const struct {
    const char *chunk;
    int64_t fresh, read;
  } rows[] = {
      {USAGE("{\"prompt_tokens\":50,\"completion_tokens\":5,\"prompt_cache_hit_tokens\":30,"
             "\"prompt_cache_miss_tokens\":20}"),
       20, 30},
      {USAGE("{\"prompt_tokens\":50,\"completion_tokens\":5,\"cached_tokens\":45}"), 5, 45},
      {"data: "
       "{\"choices\":[],\"x_groq\":{\"usage\":{\"prompt_tokens\":50,\"completion_tokens\":5}}}\n\n",
       50, 0},
      {USAGE("{\"prompt_tokens\":50,\"completion_tokens\":5,\"prompt_tokens_details\":null}"), 50,
       0},
      {USAGE("{\"prompt_tokens\":5,\"completion_tokens\":5,\"prompt_tokens_details\":{\"cached_"
             "tokens\":50}}"),
       0, 50}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    Stream1 s;
    stream_run(&s, &dialect_openai_chat, str_from(rows[i].chunk));
    CHECK(s.reply.usage.known);
    CHECK_INT(s.reply.usage.fresh_in, rows[i].fresh);
    CHECK_INT(s.reply.usage.cache_read, rows[i].read);
    CHECK_INT(s.reply.usage.out, 5);
    stream_end(&s);
  }
}

// The total tells whether the reply's tokens include its thoughts.
TEST(thoughts_that_are_counted_apart)
{
  static const struct {
    const char *counters;
    int64_t out;
  } rows[] = {{"\"completion_tokens\":2,\"total_tokens\":321", 289},
              {"\"completion_tokens\":289,\"total_tokens\":321", 289},
              {"\"completion_tokens\":289", 289}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    Stream1 s;
    stream_word(&s, &dialect_openai_chat,
                USAGE("{\"prompt_tokens\":32,%s,"
                      "\"completion_tokens_details\":{\"reasoning_tokens\":287}}"),
                rows[i].counters);
    CHECK_INT(s.reply.usage.out, rows[i].out);
    CHECK_INT(s.reply.usage.reasoning, 287);
    stream_end(&s);
  }
}

// No prompt is free of tokens, and no text.
TEST(counters_that_cannot_be)
{
  static const struct {
    const char *counters;
    int64_t in, out;
    bool known;
  } rows[] = {{"{\"prompt_tokens\":50,\"completion_tokens\":5}", 50, 5, true},
              {"{\"prompt_tokens\":0,\"completion_tokens\":0}", 70, 3, false},
              {"{\"prompt_tokens\":50,\"completion_tokens\":0}", 50, 3, false},
              {"{\"prompt_tokens\":50,\"completion_tokens\":-5}", 50, 3, false},
              {"{\"prompt_tokens\":-50,\"completion_tokens\":5}", 70, 3, false}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    Stream1 s;
    stream_word(&s, &dialect_openai_chat,
                CHUNK("{\"content\":\"ten bytes.\"}", "\"stop\"") USAGE("%s"), rows[i].counters);
    Usage usage = reply_usage(&s.reply, 70);
    CHECK_INT(usage.fresh_in, rows[i].in);
    CHECK_INT(usage.out, rows[i].out);
    CHECK(usage.known == rows[i].known);
    stream_end(&s);
  }
}

// With the user's own key at the vendor, the router asks for its fee and the vendor for the rest.
TEST(the_price_of_a_router_and_its_vendor)
{
  static const struct {
    const char *more;
    Nano cost;
  } rows[] = {
      {"\"cost\":0.001,\"cost_details\":{\"upstream_inference_cost\":0.02},\"is_byok\":true",
       21000000},
      {"\"cost\":0.001,\"cost_details\":{\"upstream_inference_cost\":0.02}", 21000000},
      {"\"cost\":0.02,\"cost_details\":{\"upstream_inference_cost\":0.02},\"is_byok\":false",
       20000000},
      {"\"cost\":0.02,\"cost_details\":{\"upstream_inference_cost\":null}", 20000000},
      {"\"cost\":0,\"cost_details\":{\"upstream_inference_cost\":0.02},\"is_byok\":true",
       20000000}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    char text[512];
    snprintf(text, sizeof(text), USAGE("{\"prompt_tokens\":50,\"completion_tokens\":5,%s}"),
             rows[i].more);
    Stream1 s;
    stream_run_cut(&s, &dialect_openai_chat, QUIRK_COST, str_from(text), strlen(text));
    CHECK_INT(s.reply.cost, rows[i].cost);
    stream_end(&s);
  }
}

TEST(the_price_a_router_names)
{
  Str text = S(USAGE("{\"prompt_tokens\":50,\"completion_tokens\":5,\"cost\":0.00123}"));
  Stream1 s;
  stream_run_cut(&s, &dialect_openai_chat, QUIRK_COST, text, text.len);
  CHECK_INT(s.reply.cost, 1230000);
  stream_end(&s);
  stream_run(&s, &dialect_openai_chat, text);
  CHECK_INT(s.reply.cost, NANO_UNKNOWN);
  stream_end(&s);
}

// Where the bill stands beside the end, it holds though the reply came to nothing.
TEST(the_bill_of_a_reply_that_was_given_up)
{
  Str text = S(
      "data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"error\"}],\"usage\":"
      "{\"prompt_tokens\":50,\"completion_tokens\":5}}\n\n");
  Stream1 s;
  stream_run(&s, &dialect_openai_chat, text);
  CHECK(s.reply.failed && s.reply.usage_final);
  CHECK_INT(s.reply.usage.out, 5);
  stream_end(&s);
}

TEST(content_as_a_list_of_parts)
{
  Stream1 s;
  stream_run(&s, &dialect_openai_chat,
             S(CHUNK("{\"content\":[{\"type\":\"thinking\",\"thinking\":[]},{\"type\":\"text\","
                     "\"text\":\"a\"},{\"type\":\"text\","
                     "\"text\":\"b\"}]}",
                     "\"stop\"")));
  CHECK_STR(s.text, S("ab"));
  stream_end(&s);
}

TEST(reasoning_goes_back_where_wanted)
{
  Str text = S(CHUNK("{\"reasoning_content\":\"hm \"}", "null") CHUNK(
      "{\"reasoning_content\":\"so\"}", "null") CHUNK("{\"content\":\"x\"}", "\"stop\""));
  Stream1 s;
  stream_run_cut(&s, &dialect_openai_chat, QUIRK_REASONING_BACK, text, text.len);
  CHECK_STR(s.text, S("x"));
  CHECK_STR(dig_str(s.reply.raw, "reasoning_content"), S("hm so"));
  CHECK_INT(reply_output_estimate(&s.reply), 2);
  stream_end(&s);
  stream_run(&s, &dialect_openai_chat, text);
  CHECK(dig(s.reply.raw, "reasoning_content") == NULL);
  stream_end(&s);
}

TEST(calls_as_compatible_servers_send_them)
{
  static const char *const rows[] = {
      // no index, whole calls
      CHUNK("{\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}",
            "null") CHUNK("{\"tool_calls\":[{\"id\":\"b\",\"function\":{\"name\":\"g\","
                          "\"arguments\":\"{\\\"x\\\":1}\"}}]}",
                          "\"stop\""),
      // the same index for both
      CALL(0, "a", "f", "{}") CALL(0, "b", "g", "{\\\"x\\\":1}") CHUNK("{}", "\"tool_calls\""),
      // arguments as an object, two in one chunk
      CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\"}},{\"index\":"
            "1,\"id\":\"b\",\"function\":{"
            "\"name\":\"g\",\"arguments\":{\"x\":1}}}]}",
            "\"tool_calls\""),
      // interleaved, and no ids for the pieces
      CALL(0, "a", "f", "{") CALL(1, "b", "g", "{\\\"x\\\"") MORE(0, "}") MORE(1, ":1}")
          CHUNK("{}", "\"tool_calls\"")};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    Stream1 s;
    stream_run(&s, &dialect_openai_chat, str_from(rows[i]));
    CHECK_INT(s.reply.stop, STOP_TOOL);
    CHECK_INT(s.reply.calls.len, 2);
    if (s.reply.calls.len == 2) {
      CHECK_STR(s.reply.calls.items[0].name, S("f"));
      CHECK_STR(s.reply.calls.items[1].name, S("g"));
      CHECK_STR(s.reply.calls.items[1].id, S("b"));
      CHECK_INT(value_get_int(s.reply.calls.items[1].input, S("x"), 0), 1);
    }
    stream_end(&s);
  }
}

TEST(calls_without_ids_get_some)
{
  Stream1 s;
  stream_run(&s, &dialect_openai_chat,
             S(CHUNK("{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":"
                     "\"nonsense\"}}]}",
                     "\"tool_calls\"")));
  CHECK_INT(s.reply.calls.len, 1);
  CHECK_STR(s.reply.calls.items[0].id, S("call_1"));
  CHECK_STR(s.reply.calls.items[0].broken, S("nonsense"));
  stream_end(&s);
}

TEST(errors_inside_the_stream)
{
  static const struct {
    const char *text;
    Err code;
    bool retry, gate, terminal;
  } rows[] = {
      {"data: "
       "{\"error\":{\"code\":502,\"message\":\"upstream\"},\"choices\":[{\"delta\":{},\"finish_"
       "reason\":\"error\"}]}\n\n",
       ERR_OVERLOADED, true, false, false},
      {"data: {\"error\":{\"code\":429,\"message\":\"slow\"}}\n\n", ERR_RATE, true, true, false},
      {"data: {\"error\":{\"code\":402,\"message\":\"credits\"}}\n\n", ERR_QUOTA, false, false,
       true},
      {"data: {\"error\":{\"type\":\"server_error\",\"code\":null,\"message\":\"x\"}}\n\n",
       ERR_OVERLOADED, true, false, false},
      {"data: {\"error\":{\"code\":\"server_is_overloaded\",\"message\":\"x\"}}\n\n",
       ERR_OVERLOADED, true, true, false},
      {"data: {\"error\":\"model runner has stopped\"}\n\n", ERR_OVERLOADED, true, false, false},
      {"event: error\ndata: {\"message\":\"x\",\"code\":\"rate_limit_exceeded\"}\n\n", ERR_RATE,
       true, true, false}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    Stream1 s;
    stream_word(&s, &dialect_openai_chat, CHUNK("{\"content\":\"part\"}", "null") "%s",
                rows[i].text);
    CHECK(s.reply.failed);
    CHECK_INT(s.reply.failure.error.code, rows[i].code);
    CHECK_INT(s.reply.failure.retry, rows[i].retry);
    CHECK_INT(s.reply.failure.gate, rows[i].gate);
    CHECK_INT(s.reply.failure.terminal, rows[i].terminal);
    CHECK_STR(s.text, S("part"));
    stream_end(&s);
  }
  Stream1 s;
  stream_run(&s, &dialect_openai_chat,
             S("data: "
               "{\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}],"
               "\"error\":null}\n\n"));
  CHECK(!s.reply.failed);
  stream_end(&s);
  stream_run(&s, &dialect_openai_chat, S("data: {\"choices\":[\n\n"));
  CHECK(s.reply.failed);
  CHECK(s.reply.failure.retry);
  stream_end(&s);
}

TEST(an_answer_in_one_piece)
{
  Stream1 s;
  stream_whole(&s, &dialect_openai_chat,
               S("{\"id\":\"c\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
                 "\"content\":\"Hi\",\"tool_calls\":[{\"id\":"
                 "\"t\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{"
                 "\\\"a\\\":1}\"}}]},\"finish_reason\":"
                 "\"tool_calls\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}"));
  CHECK(s.reply.ended);
  CHECK_STR(s.text, S("Hi"));
  CHECK_INT(s.reply.calls.len, 1);
  CHECK_INT(s.reply.usage.fresh_in, 3);
  stream_end(&s);
}

static const ErrorRow error_rows[] = {
    {400,
     "{\"error\":{\"message\":\"bad\",\"type\":\"invalid_request_error\",\"param\":\"x\",\"code\":"
     "null}}",
     ERR_REQUEST, false, false, false},
    {400, "{\"error\":{\"message\":\"too long\",\"code\":\"context_length_exceeded\"}}",
     ERR_TOO_BIG, false, false, false},
    {400,
     "{\"error\":{\"code\":400,\"type\":\"exceed_context_size_error\",\"message\":\"x\",\"n_ctx\":"
     "4096}}",
     ERR_TOO_BIG, false, false, false},
    {400,
     "[{\"error\":{\"code\":400,\"message\":\"API key not valid. Please pass a valid API "
     "key.\",\"status\":\"INVALID_ARGUMENT\"}}]",
     ERR_AUTH, false, false, true},
    {401, "{\"error\":{\"message\":\"Incorrect API key provided\",\"code\":\"invalid_api_key\"}}",
     ERR_AUTH, false, false, true},
    {401,
     "{\"error\":{\"code\":401,\"message\":\"Invalid API Key\",\"type\":\"authentication_error\"}}",
     ERR_AUTH, false, false, true},
    {402, "{\"error\":{\"message\":\"Insufficient Balance\"}}", ERR_QUOTA, false, false, true},
    {403, "{\"error\":{\"message\":\"no\",\"code\":\"misalignment_policy_violation\"}}",
     ERR_MODEL_REFUSED, false, false, false},
    {403, "{\"error\":{\"message\":\"country\"}}", ERR_AUTH, false, false, true},
    {404, "{\"error\":{\"message\":\"The model does not exist\",\"code\":\"model_not_found\"}}",
     ERR_MODEL, false, false, true},
    {404, "{\"error\":\"model 'x' not found\"}", ERR_MODEL, false, false, true},
    {408, "{}", ERR_TIMEOUT, true, false, false},
    {422, "{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"field required\"}]}", ERR_REQUEST, false,
     false, false},
    {403,
     "{\"error\":{\"code\":403,\"message\":\"Your chosen model requires moderation and your input "
     "was flagged\","
     "\"metadata\":{\"reasons\":[\"x\"]}}}",
     ERR_MODEL_REFUSED, false, false, false},
    {429, "{\"error\":{\"message\":\"x\",\"code\":\"rate_limit_exceeded\"}}", ERR_RATE, true, true,
     false},
    {429, "{\"error\":{\"message\":\"x\",\"type\":\"slow_down\"}}", ERR_RATE, true, true, false},
    {429,
     "{\"error\":{\"message\":\"x\",\"type\":\"insufficient_quota\",\"code\":\"insufficient_"
     "quota\"}}",
     ERR_QUOTA, false, false, true},
    {429, "{\"error\":{\"message\":\"x\",\"code\":\"credit_balance_exhausted\"}}", ERR_QUOTA, false,
     false, true},
    {429, "{\"error\":{\"message\":\"x\",\"code\":\"organization_spend_limit_exceeded\"}}",
     ERR_QUOTA, false, false, true},
    {500, "{\"error\":{\"message\":\"x\",\"type\":\"server_error\"}}", ERR_OVERLOADED, true, false,
     false},
    {503, "{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}",
     ERR_OVERLOADED, true, false, false},
    {503, "{\"error\":{\"code\":\"server_is_overloaded\",\"message\":\"x\"}}", ERR_OVERLOADED, true,
     false, false},
};

TEST(all_error_answers)
{
  check_errors(&dialect_openai_chat, error_rows, sizeof(error_rows) / sizeof(error_rows[0]));
}

TEST(where_the_sentence_is)
{
  Failure got;
  classify(&dialect_openai_chat, 422, "application/json",
           S("{\"detail\":[{\"msg\":\"field required\"}]}"), &got);
  CHECK(str_has(str_from(got.error.message), S("field required")));
  classify(&dialect_openai_chat, 404, "application/json", S("{\"error\":\"model 'x' not found\"}"),
           &got);
  CHECK(str_has(str_from(got.error.message), S("model 'x' not found")));
  classify(&dialect_openai_chat, 502, "text/html", S("<html>upstream</html>"), &got);
  CHECK(!str_has(str_from(got.error.message), S("html")));
  classify(&dialect_openai_chat, 429, "application/json",
           S("[{\"error\":{\"code\":429,\"message\":\"q\",\"details\":[{\"@type\":\"x.RetryInfo\","
             "\"retryDelay\":\"46s\"}]}}]"),
           &got);
  CHECK(got.has_wait);
  CHECK_INT(got.wait_ms, 46000);
}

TEST(lessons_of_a_400)
{
  static const struct {
    const char *message;
    unsigned quirk;
  } rows[] = {{"Unknown parameter: 'stream_options'", QUIRK_NO_STREAM_OPTIONS},
              {"max_completion_tokens is not supported", QUIRK_MAX_TOKENS},
              {"unsupported role: developer", QUIRK_SYSTEM_ROLE},
              {"reasoning_effort: extra fields not permitted", QUIRK_NO_EFFORT},
              {"response_format json_schema is not available", QUIRK_NO_SCHEMA},
              {"Unrecognized: prompt_cache_breakpoint", QUIRK_NO_CACHE_MARK},
              {"no parser: JSON schema error at #: unrecognized type", QUIRK_NO_SCHEMA},
              {"Unsupported parameter: 'store' is not supported", QUIRK_NO_CACHE_MARK},
              {"Unrecognized request argument supplied: store", QUIRK_NO_CACHE_MARK},
              {"the data store is not restored", 0},
              {"Missing `reasoning_content` field in the assistant message", QUIRK_REASONING_BACK},
              {"something else", 0}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    char body[256];
    snprintf(body, sizeof(body), "{\"error\":{\"message\":\"%s\"}}", rows[i].message);
    Failure got;
    classify(&dialect_openai_chat, 400, "application/json", str_from(body), &got);
    CHECK_INT(got.learned, rows[i].quirk);
    classify(&dialect_openai_chat, 500, "application/json", str_from(body), &got);
    CHECK_INT(got.learned, 0);
  }
}

// Validators say where, and only sometimes what.
TEST(lessons_of_a_422)
{
  static const struct {
    const char *detail;
    unsigned quirk;
  } rows[] = {
      {"\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"reasoning_effort\"],\"msg\":\"Extra "
       "inputs are not "
       "permitted\",\"input\":\"low\"",
       QUIRK_NO_EFFORT},
      {"\"loc\":[\"body\",\"stream_options\"],\"msg\":\"Extra inputs are not permitted\"",
       QUIRK_NO_STREAM_OPTIONS},
      {"\"loc\":[\"body\",\"store\"],\"msg\":\"Extra inputs are not permitted\"",
       QUIRK_NO_CACHE_MARK},
      {"\"loc\":[\"body\",\"tools\"],\"msg\":\"Extra inputs are not permitted\"", QUIRK_NO_TOOLS},
      {"\"loc\":[\"body\",\"messages\",0,\"role\"],\"msg\":\"Input should be 'system', 'user' or "
       "'assistant'\",\"input\":\"developer\"",
       QUIRK_SYSTEM_ROLE},
      {"\"loc\":[\"body\",\"messages\",1,\"content\"],\"msg\":\"Field required\"", 0},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    char body[512];
    snprintf(body, sizeof(body), "{\"detail\":[{%s}]}", rows[i].detail);
    Failure got;
    classify(&dialect_openai_chat, 422, "application/json", str_from(body), &got);
    CHECK_INT(got.learned, rows[i].quirk);
  }
}

// ---- requests -------------------------------------------------------------------------------------------

TEST(a_compatible_server_gets_the_common_set)
{
  Arena arena;
  arena_init(&arena);
  ModelMessage message;
  ModelRequest request = simple(&message);
  WireRequest wire;
  Target target = {.base_url = S("http://x/v1"),
                   .quirks = QUIRK_SYSTEM_ROLE | QUIRK_MAX_TOKENS | QUIRK_NO_EFFORT};
  const Value *body = built(&arena, &dialect_openai_chat, &request, &target, &(Key){0}, &wire);
  CHECK_STR(wire.url, S("http://x/v1/chat/completions"));
  CHECK_STR(header_of(&wire, "authorization"), S(""));
  CHECK_STR(dig_str(body, "messages.0.role"), S("system"));
  CHECK_STR(dig_str(body, "messages.0.content"), S("You work.\n\nContext."));
  CHECK_STR(dig_str(body, "messages.1.content"), S("Do it."));
  CHECK_INT(value_get_int(body, S("max_tokens"), 0), 900);
  CHECK(value_get_bool(dig(body, "stream_options"), S("include_usage"), false));
  static const char *const never[] = {
      "max_completion_tokens", "reasoning_effort", "store", "temperature",
      "prompt_cache_key",      "response_format",  "tools", "provider"};
  for (size_t i = 0; i < 8; i++) CHECK(value_get(body, str_from(never[i])) == NULL);
  target.quirks |= QUIRK_NO_STREAM_OPTIONS | QUIRK_MAX_COMPLETION;
  body = built(&arena, &dialect_openai_chat, &request, &target, &(Key){0}, &wire);
  CHECK(value_get(body, S("stream_options")) == NULL);
  CHECK(value_get(body, S("max_tokens")) == NULL);
  CHECK_INT(value_get_int(body, S("max_completion_tokens"), 0), 900);
  arena_deinit(&arena);
}

// Kept with every call of a tool, sent to those who want it back; they get the field also where there was no reasoning.
TEST(reasoning_goes_back_where_it_is_wanted)
{
  static const char *const replies[] = {"{\"reasoning_content\":\"hm\",", "{"};
  Arena arena;
  arena_init(&arena);
  for (int i = 0; i < 4; i++) {
    Stream1 s;
    Str call =
        S("\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"function\":{\"name\":\"f\",\"arguments\":"
          "\"{}\"}}]}");
    Str text = str_fmt(
        &arena, "data: {\"choices\":[{\"delta\":%s%.*s,\"finish_reason\":\"tool_calls\"}]}\n\n",
        replies[i / 2], STR_ARG(call));
    stream_run(&s, &dialect_openai_chat, text);
    ModelMessage message = {.role = MSG_ASSISTANT, .raw = s.reply.raw};
    ModelRequest request = {.model = S("m"), .messages = {&message, 1, 1}};
    Target target = {.base_url = S("http://x/v1"), .quirks = i % 2 ? QUIRK_REASONING_BACK : 0};
    WireRequest wire;
    const Value *body = built(&arena, &dialect_openai_chat, &request, &target, &(Key){0}, &wire);
    const Value *sent = dig(body, "messages.0.reasoning_content");
    CHECK_STR(dig_str(body, "messages.0.tool_calls.0.id"), S("c1"));
    if (i % 2)
      CHECK_STR(value_to_str(sent, S("missing")), i / 2 ? S("") : S("hm"));
    else
      CHECK(sent == NULL);
    stream_end(&s);
  }
  arena_deinit(&arena);
}

TEST(the_vendor_gets_everything)
{
  Arena arena;
  arena_init(&arena);
  Error err = {0};
  ModelMessage message;
  ModelRequest request = simple(&message);
  request.schema = json_parse(&arena, S("{\"type\":\"object\"}"), &err);
  WireRequest wire;
  Target target = {.base_url = S("http://x/v1"), .quirks = QUIRK_CACHE_MARK};
  const Value *body =
      built(&arena, &dialect_openai_chat, &request, &target, &(Key){S("k"), false}, &wire);
  CHECK_STR(header_of(&wire, "authorization"), S("Bearer k"));
  CHECK_STR(dig_str(body, "messages.0.role"), S("developer"));
  CHECK_STR(dig_str(body, "messages.0.content.1.text"), S("Context."));
  CHECK_STR(dig_str(body, "messages.0.content.1.prompt_cache_breakpoint.mode"), S("explicit"));
  CHECK_STR(dig_str(body, "prompt_cache_options.mode"), S("explicit"));
  CHECK_STR(dig_str(body, "reasoning_effort"), S("low"));
  CHECK_STR(dig_str(body, "response_format.json_schema.schema.type"), S("object"));
  CHECK_INT(value_get_int(body, S("max_completion_tokens"), 0), 900);
  CHECK(!value_get_bool(body, S("store"), true));
  target.quirks |= QUIRK_NO_CACHE_MARK | QUIRK_NO_SCHEMA;
  body = built(&arena, &dialect_openai_chat, &request, &target, &(Key){0}, &wire);
  CHECK(value_is(dig(body, "messages.0.content"), VALUE_STR));
  CHECK(str_has(dig_str(body, "messages.0.content"), S("{\"type\":\"object\"}")));
  CHECK_STR(dig_str(body, "response_format.type"), S("json_object"));
  CHECK(value_get(body, S("store")) == NULL);
  arena_deinit(&arena);
}

TEST(a_tool_loop)
{
  Arena arena;
  arena_init(&arena);
  Error err = {0};
  ModelTool tool = {S("read"), S("reads"), json_parse(&arena, S("{\"type\":\"object\"}"), &err)};
  ToolCall call = {S("c1"), S("read"), json_parse(&arena, S("{\"path\":\"a\"}"), &err), STR_NONE};
  ModelMessage messages[] = {{.role = MSG_USER, .text = S("go")},
                             {.role = MSG_ASSISTANT, .calls = {&call, 1, 1}},
                             {.role = MSG_TOOL, .text = S("int x;"), .call_id = S("c1")}};
  ModelRequest request = {.model = S("m"),
                          .messages = {messages, 3, 3},
                          .tools = &tool,
                          .tool_count = 1,
                          .effort = S("high")};
  WireRequest wire;
  Target target = {.base_url = S("x"), .quirks = QUIRK_TOOLS_NO_EFFORT | QUIRK_REQUIRE_PARAMETERS};
  const Value *body = built(&arena, &dialect_openai_chat, &request, &target, &(Key){0}, &wire);
  CHECK_STR(dig_str(body, "tools.0.function.parameters.type"), S("object"));
  CHECK_STR(dig_str(body, "messages.1.tool_calls.0.function.arguments"), S("{\"path\":\"a\"}"));
  CHECK(value_is(dig(body, "messages.1.content"), VALUE_NULL));
  CHECK_STR(dig_str(body, "messages.2.role"), S("tool"));
  CHECK_STR(dig_str(body, "messages.2.tool_call_id"), S("c1"));
  CHECK_STR(dig_str(body, "reasoning_effort"), S("none"));
  target.quirks = 0;  // a level that the model does not know is the nearest that it does
  target.efforts = json_parse(&arena, S("[\"low\",\"high\"]"), &err);
  request.effort = S("max");
  body = built(&arena, &dialect_openai_chat, &request, &target, &(Key){0}, &wire);
  CHECK_STR(dig_str(body, "reasoning_effort"), S("high"));
  target.quirks = QUIRK_REQUIRE_PARAMETERS;
  body = built(&arena, &dialect_openai_chat, &request, &target, &(Key){0}, &wire);
  CHECK(value_get_bool(dig(body, "provider"), S("require_parameters"), false));
  arena_deinit(&arena);
}

TEST_MAIN
