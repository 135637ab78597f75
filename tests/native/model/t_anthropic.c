// t_anthropic.c: the Messages dialect: what it sends, and what it makes of streams, whole answers and errors.
#include "stream.h"

#define START                                                                                      \
  "event: message_start\ndata: "                                                                   \
  "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\","                \
  "\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_" \
  "tokens\":120,"                                                                                  \
  "\"cache_creation_input_tokens\":10,\"cache_read_input_tokens\":5400,\"output_tokens\":1}}}\n\n"
#define BLOCK(index, block)                                                               \
  "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":" #index \
  ",\"content_block\":" block "}\n\n"
#define DELTA(index, delta)                                                               \
  "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":" #index \
  ",\"delta\":" delta "}\n\n"
#define BLOCK_STOP(index) "data: {\"type\":\"content_block_stop\",\"index\":" #index "}\n\n"
#define STOP(reason, usage)                                                \
  "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"" reason \
  "\",\"stop_sequence\":null},"                                            \
  "\"usage\":" usage "}\n\ndata: {\"type\":\"message_stop\"}\n\n"
#define PING "event: ping\ndata: {\"type\":\"ping\"}\n\n"

static const char full[] =
    START PING BLOCK(0, "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}")
    DELTA(0, "{\"type\":\"thinking_delta\",\"thinking\":\"hm \"}")
    DELTA(0, "{\"type\":\"thinking_delta\",\"thinking\":\"so\"}")
    DELTA(0, "{\"type\":\"signature_delta\",\"signature\":\"c2ln\"}") BLOCK_STOP(0)
    BLOCK(1, "{\"type\":\"redacted_thinking\",\"data\":\"opaque\"}") BLOCK_STOP(1)
    BLOCK(2, "{\"type\":\"text\",\"text\":\"\"}") DELTA(2, "{\"type\":\"text_delta\",\"text\":\"Hel\"}")
    "data: {\"type\":\"some_new_event\",\"x\":1}\n\n"
    DELTA(2, "{\"type\":\"text_delta\",\"text\":\"lo \\u20ac\"}") BLOCK_STOP(2)
    BLOCK(3, "{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"read\",\"input\":{}}")
    DELTA(3, "{\"type\":\"input_json_delta\",\"partial_json\":\"\"}")
    DELTA(3, "{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"path\\\": \\\"a\"}")
    DELTA(3, "{\"type\":\"input_json_delta\",\"partial_json\":\".c\\\"}\"}") BLOCK_STOP(3)
    BLOCK(4, "{\"type\":\"tool_use\",\"id\":\"toolu_2\",\"name\":\"list\",\"input\":{}}") BLOCK_STOP(4)
    STOP("tool_use", "{\"output_tokens\":89,\"output_tokens_details\":{\"thinking_tokens\":30},\"input_tokens\":null}");

static void check_full(const Stream1 *s)
{
  const ReplyBuilder *reply = &s->reply;
  CHECK(!reply->failed);
  CHECK(reply->ended);
  CHECK_INT(reply->stop, STOP_TOOL);
  CHECK_STR(s->text, S("Hello \xe2\x82\xac"));
  CHECK_STR(reply->id, S("msg_1"));
  CHECK(reply->usage.known);
  CHECK_INT(reply->usage.fresh_in, 120);
  CHECK_INT(reply->usage.cache_write, 10);
  CHECK_INT(reply->usage.cache_read, 5400);
  CHECK_INT(reply->usage.out, 89);
  CHECK_INT(reply->usage.reasoning, 30);
  CHECK_INT(reply->calls.len, 2);
  if (reply->calls.len != 2) return;
  CHECK_STR(reply->calls.items[0].id, S("toolu_1"));
  CHECK_STR(value_get_str(reply->calls.items[0].input, S("path"), S("")), S("a.c"));
  CHECK_STR(reply->calls.items[1].name, S("list"));
  CHECK(value_is(reply->calls.items[1].input, VALUE_MAP));
  CHECK_INT(reply->calls.items[1].broken.len, 0);
}

TEST(everything_in_every_chunking)
{
  Stream1 s;
  for (size_t step = 1; step < 120; step += step < 8 ? 1 : 13) {
    stream_run_cut(&s, &dialect_anthropic, 0, str_from(full), step);
    check_full(&s);
    stream_end(&s);
  }
}

TEST(blocks_go_back_unchanged)
{
  Stream1 s;
  stream_run(&s, &dialect_anthropic, str_from(full));
  const Value *raw = s.reply.raw;
  CHECK_INT(value_len(raw), 5);
  CHECK_STR(dig_str(raw, "0.thinking"), S("hm so"));
  CHECK_STR(dig_str(raw, "0.signature"), S("c2ln"));
  CHECK_STR(dig_str(raw, "1.type"), S("redacted_thinking"));
  CHECK_STR(dig_str(raw, "1.data"), S("opaque"));
  CHECK_STR(dig_str(raw, "2.text"), S("Hello \xe2\x82\xac"));
  CHECK_STR(dig_str(raw, "3.input.path"), S("a.c"));
  CHECK_STR(dig_str(raw, "3.id"), S("toolu_1"));
  CHECK(value_is(dig(raw, "4.input"), VALUE_MAP));
  Error err = {0};
  ModelRequest request = {.model = S("m"), .max_output = 100};
  ModelMessage messages[] = {
      {.role = MSG_USER, .text = S("go")},
      {.role = MSG_ASSISTANT, .text = S("ignored"), .raw = raw},
      {.role = MSG_TOOL, .text = S("int x;"), .call_id = S("toolu_1")},
      {.role = MSG_TOOL, .text = S("no such"), .call_id = S("toolu_2"), .is_error = true},
      {.role = MSG_USER, .text = S("go on")}};
  request.messages = (MessageList){messages, 5, 5};
  WireRequest wire;
  const Value *body = built(&s.arena, &dialect_anthropic, &request,
                            &(Target){.base_url = S("http://x")}, &(Key){0}, &wire);
  CHECK_INT(value_len(dig(body, "messages")), 3);
  CHECK_STR(json_str(&s.arena, dig(body, "messages.1.content")), json_str(&s.arena, raw));
  CHECK_STR(dig_str(body, "messages.2.role"), S("user"));
  CHECK_STR(dig_str(body, "messages.2.content.0.type"), S("tool_result"));
  CHECK_STR(dig_str(body, "messages.2.content.0.tool_use_id"), S("toolu_1"));
  CHECK(value_get_bool(dig(body, "messages.2.content.1"), S("is_error"), false));
  CHECK_STR(dig_str(body, "messages.2.content.2.text"), S("go on"));
  (void)err;
  stream_end(&s);
}

static const struct {
  const char *word;
  StopReason stop;
} stop_rows[] = {{"end_turn", STOP_DONE},     {"stop_sequence", STOP_DONE},
                 {"max_tokens", STOP_LENGTH}, {"model_context_window_exceeded", STOP_LENGTH},
                 {"tool_use", STOP_TOOL},     {"refusal", STOP_REFUSED},
                 {"pause_turn", STOP_LENGTH}, {"a_word_of_next_year", STOP_DONE}};

TEST(all_stop_reasons)
{
  for (size_t i = 0; i < sizeof(stop_rows) / sizeof(stop_rows[0]); i++) {
    Stream1 s;
    stream_word(
        &s, &dialect_anthropic,
        START
        "data: "
        "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"%s\",\"stop_details\":{\"type\":"
        "\"refusal\",\"category\":\"cyber\",\"explanation\":null}},\"usage\":{\"output_tokens\":3}}"
        "\n\n"
        "data: {\"type\":\"message_stop\"}\n\n",
        stop_rows[i].word);
    CHECK_INT(s.reply.stop, stop_rows[i].stop);
    CHECK_STR(s.reply.stop_detail, S("cyber"));
    CHECK(s.reply.ended);
    stream_end(&s);
  }
}

TEST(usage_replaces_and_never_adds)
{
  Stream1 s;
  stream_run(
      &s, &dialect_anthropic,
      S(START
        "data: {\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":5}}\n\n" STOP(
            "end_turn",
            "{\"output_tokens\":9,\"input_tokens\":130,\"cache_read_input_tokens\":null}")));
  CHECK_INT(s.reply.usage.out, 9);
  CHECK_INT(s.reply.usage.fresh_in, 130);
  CHECK_INT(s.reply.usage.cache_read, 5400);
  stream_end(&s);
}

TEST(what_was_written_for_an_hour_is_told_apart)
{
  Stream1 s;
  stream_run(&s, &dialect_anthropic,
             S("data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":7,"
               "\"cache_creation_input_tokens\":900,\"cache_creation\":{"
               "\"ephemeral_5m_input_tokens\":300,\"ephemeral_1h_input_tokens\":600}}}}\n\n" STOP(
                   "end_turn", "{\"output_tokens\":9}")));
  CHECK_INT(s.reply.usage.cache_write, 900);
  CHECK_INT(s.reply.usage.hour_write, 600);
  stream_end(&s);
}

TEST(no_usage_is_unknown)
{
  Stream1 s;
  stream_run(&s, &dialect_anthropic,
             S("data: {\"type\":\"message_start\",\"message\":{\"id\":\"x\",\"usage\":null}}\n\n"
               "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n"
               "data: {\"type\":\"message_stop\"}\n\n"));
  CHECK(!s.reply.usage.known);
  CHECK(s.reply.ended);
  stream_end(&s);
}

TEST(an_error_after_200)
{
  static const struct {
    const char *type;
    Err code;
    bool retry, gate, terminal;
  } rows[] = {{"overloaded_error", ERR_OVERLOADED, true, true, false},
              {"rate_limit_error", ERR_RATE, true, true, false},
              {"api_error", ERR_OVERLOADED, true, false, false},
              {"timeout_error", ERR_TIMEOUT, true, false, false},
              {"invalid_request_error", ERR_REQUEST, false, false, false},
              {"authentication_error", ERR_AUTH, false, false, true},
              {"billing_error", ERR_QUOTA, false, false, true},
              {"something_new", ERR_OVERLOADED, true, false, false}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    Stream1 s;
    stream_word(&s, &dialect_anthropic, START BLOCK(0, "{\"type\":\"text\",\"text\":\"part\"}")
             "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":\"It broke\"}}\n\n", rows[i].type);
    CHECK(s.reply.failed);
    CHECK_INT(s.reply.failure.error.code, rows[i].code);
    CHECK_INT(s.reply.failure.retry, rows[i].retry);
    CHECK_INT(s.reply.failure.gate, rows[i].gate);
    CHECK_INT(s.reply.failure.terminal, rows[i].terminal);
    CHECK(str_has(str_from(s.reply.failure.error.message), S("It broke")));
    CHECK_STR(s.text, S("part"));
    CHECK_INT(s.reply.usage.fresh_in, 120);
    stream_end(&s);
  }
}

TEST(a_missing_end_is_seen)
{
  Stream1 s;
  stream_run(&s, &dialect_anthropic, S(START BLOCK(0, "{\"type\":\"text\",\"text\":\"half\"}")));
  CHECK(!s.reply.ended);
  CHECK(!s.reply.failed);
  CHECK_STR(s.text, S("half"));
  stream_end(&s);
  stream_run(
      &s, &dialect_anthropic,
      S(START "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n"));
  CHECK(!s.reply.ended);
  stream_end(&s);
}

TEST(malformed_data_fails_and_may_be_retried)
{
  Stream1 s;
  stream_run(&s, &dialect_anthropic, S(START "data: {\"type\":\"content_blo\n\n"));
  CHECK(s.reply.failed);
  CHECK(s.reply.failure.retry);
  CHECK_INT(s.reply.failure.error.code, ERR_REPLY);
  stream_end(&s);
}

TEST(odd_but_harmless_events)
{
  Stream1 s;
  stream_run(&s, &dialect_anthropic,
             S(START DELTA(7, "{\"type\":\"text_delta\",\"text\":\"to nobody\"}") BLOCK(0, "null")
                   DELTA(0, "null")
                       BLOCK(1, "{\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":\"web\"}")
                           BLOCK_STOP(9) "data: {\"type\":5}\n\ndata: {}\n\n" STOP(
                               "end_turn", "{\"output_tokens\":-4}")));
  CHECK(!s.reply.failed);
  CHECK(s.reply.ended);
  CHECK_INT(s.reply.usage.out, 1);  // as it was told first
  CHECK_INT(s.text.len, 0);
  stream_end(&s);
}

TEST(arguments_that_are_no_json)
{
  Stream1 s;
  stream_run(&s, &dialect_anthropic,
             S(START BLOCK(0, "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}")
                   DELTA(0, "{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\\\": [1,\"}")
                       STOP("max_tokens", "{}")));
  CHECK_INT(s.reply.calls.len, 1);
  CHECK_STR(s.reply.calls.items[0].broken, S("{\"a\": [1,"));
  CHECK_INT(value_len(s.reply.calls.items[0].input), 0);
  CHECK_INT(s.reply.stop, STOP_LENGTH);
  stream_end(&s);
}

TEST(an_answer_in_one_piece)
{
  Stream1 s;
  stream_whole(&s, &dialect_anthropic,
               S("{\"id\":\"m\",\"type\":\"message\",\"content\":[{\"type\":\"text\",\"text\":"
                 "\"Hi\"},{\"type\":\"tool_use\","
                 "\"id\":\"t\",\"name\":\"f\",\"input\":{\"a\":1}}],\"stop_reason\":\"tool_use\","
                 "\"usage\":{\"input_tokens\":3,"
                 "\"output_tokens\":4}}"));
  CHECK(s.reply.ended);
  CHECK_STR(s.text, S("Hi"));
  CHECK_INT(s.reply.calls.len, 1);
  CHECK_INT(value_get_int(s.reply.calls.items[0].input, S("a"), 0), 1);
  CHECK_INT(s.reply.usage.out, 4);
  stream_end(&s);
  stream_whole(
      &s, &dialect_anthropic,
      S("{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}"));
  CHECK(s.reply.failed);
  stream_end(&s);
  stream_whole(&s, &dialect_anthropic, S("{\"hello\":1}"));
  CHECK(!s.reply.ended);
  stream_end(&s);
}

static const ErrorRow error_rows[] = {
    {400, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"bad\"}}",
     ERR_REQUEST, false, false, false},
    {400,
     "{\"error\":{\"type\":\"invalid_request_error\",\"message\":\"You have reached your specified "
     "API usage limits. You will\"}}",
     ERR_QUOTA, false, false, true},
    {401, "{\"error\":{\"type\":\"authentication_error\",\"message\":\"invalid x-api-key\"}}",
     ERR_AUTH, false, false, true},
    {402, "{\"error\":{\"type\":\"billing_error\",\"message\":\"pay\"}}", ERR_QUOTA, false, false,
     true},
    {403, "{\"error\":{\"type\":\"permission_error\",\"message\":\"no\"}}", ERR_AUTH, false, false,
     true},
    {404, "{\"error\":{\"type\":\"not_found_error\",\"message\":\"model: x\"}}", ERR_MODEL, false,
     false, true},
    {409, "{\"error\":{\"type\":\"conflict_error\",\"message\":\"x\"}}", ERR_OVERLOADED, true,
     false, false},
    {413, "{\"error\":{\"type\":\"request_too_large\",\"message\":\"x\"}}", ERR_TOO_BIG, false,
     false, false},
    {413, "<html>413</html>", ERR_TOO_BIG, false, false, false},
    {429, "{\"error\":{\"type\":\"rate_limit_error\",\"message\":\"x\"}}", ERR_RATE, true, true,
     false},
    {429,
     "{\"error\":{\"type\":\"rate_limit_error\",\"message\":\"x\",\"details\":{\"error_code\":"
     "\"enforced_spend_limit_reached\"}}}",
     ERR_QUOTA, false, false, true},
    {429,
     "{\"error\":{\"type\":\"rate_limit_error\",\"message\":\"x\",\"details\":{\"error_code\":"
     "\"contract_spend_limit_reached\"}}}",
     ERR_QUOTA, false, false, true},
    {429,
     "{\"error\":{\"type\":\"rate_limit_error\",\"message\":\"x\",\"details\":{\"error_code\":"
     "\"ramp_limit_exceeded\"}}}",
     ERR_RATE, true, true, false},
    {500, "{\"error\":{\"type\":\"api_error\",\"message\":\"x\"}}", ERR_OVERLOADED, true, false,
     false},
    {502, "<html><body>Bad gateway</body></html>", ERR_OVERLOADED, true, false, false},
    {503, "", ERR_OVERLOADED, true, false, false},
    {504, "{\"error\":{\"type\":\"timeout_error\",\"message\":\"x\"}}", ERR_TIMEOUT, true, false,
     false},
    {529, "{\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}", ERR_OVERLOADED,
     true, true, false},
    {302, "", ERR_CONFIG, false, false, true},
    {418, "not json at all", ERR_REQUEST, false, false, false},
};

TEST(all_error_answers)
{
  check_errors(&dialect_anthropic, error_rows, sizeof(error_rows) / sizeof(error_rows[0]));
}

TEST(what_headers_say_about_retrying)
{
  static const struct {
    const char *name, *value;
    bool retry, has_wait;
    uint64_t wait_ms;
  } rows[] = {{"retry-after", "7", true, true, 7000},
              {"retry-after-ms", "120", true, true, 120},
              {"retry-after", "0.5", true, true, 500},
              {"retry-after", "soon", true, false, 0},
              {"retry-after", "-3", true, false, 0},
              {"retry-after", "Wed, 21 Oct 2020 07:28:00 GMT", true, true, 0},
              {"x-should-retry", "false", false, false, 0},
              {"retry-after", "99999999999999", true, false, 0}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    HttpHeader header = {str_from(rows[i].name), str_from(rows[i].value)};
    HttpHead head = {.status = 429, .headers = &header, .header_count = 1};
    Failure got;
    dialect_anthropic.classify(&head, S("{}"), &got);
    CHECK_INT(got.retry, rows[i].retry);
    CHECK_INT(got.has_wait, rows[i].has_wait);
    CHECK_INT(got.wait_ms, rows[i].wait_ms);
  }
  HttpHeader yes = {S("x-should-retry"), S("true")};
  Failure got;
  dialect_anthropic.classify(&(HttpHead){400, &yes, 1}, S("{}"), &got);
  CHECK(got.retry);
  dialect_anthropic.classify(&(HttpHead){401, &yes, 1}, S("{}"), &got);
  CHECK(!got.retry);
}

TEST(messages_lose_what_looks_like_a_key)
{
  Failure got;
  classify(&dialect_anthropic, 401, "application/json",
           S("{\"error\":{\"type\":\"authentication_error\",\"message\":\"invalid x-api-key "
             "sk-ant-api03-abcdefgh12345 for "
             "org-AbC123def456 in req_011CSHoEeqs5C35K2UUqR7Fy\"}}"),
           &got);
  Str message = str_from(got.error.message);
  CHECK(str_has(message, S("invalid x-api-key [removed] for [removed] in [removed]")));
  CHECK(!str_has(message, S("sk-ant")));
}

TEST(long_messages_are_cut)
{
  Buf body;
  buf_init(&body, 1 << 20);
  buf_add(&body, S("{\"error\":{\"message\":\""));
  for (int i = 0; i < 9000; i++) buf_add(&body, S("w\xc3\xb6rd "));
  buf_add(&body, S("\"}}"));
  Failure got;
  classify(&dialect_anthropic, 400, "application/json", buf_str(&body), &got);
  CHECK(strlen(got.error.message) < 400);
  CHECK(str_is_utf8(str_from(got.error.message)));
  buf_deinit(&body);
}

// ---- requests -------------------------------------------------------------------------------------------

TEST(the_request)
{
  Arena arena;
  arena_init(&arena);
  Error err = {0};
  ModelMessage message;
  ModelRequest request = simple(&message);
  request.schema = json_parse(&arena, S("{\"type\":\"object\"}"), &err);
  WireRequest wire;
  Target target = {.base_url = S("https://api.example"), .max_output = 800};
  const Value *body =
      built(&arena, &dialect_anthropic, &request, &target, &(Key){S("k3y"), false}, &wire);
  CHECK_STR(wire.url, S("https://api.example/v1/messages"));
  CHECK_STR(header_of(&wire, "x-api-key"), S("k3y"));
  CHECK_STR(header_of(&wire, "anthropic-version"), S("2026-10-21"));
  CHECK_STR(header_of(&wire, "authorization"), S(""));
  CHECK(value_get_bool(body, S("stream"), false));
  CHECK_INT(value_get_int(body, S("max_tokens"), 0), 800);
  CHECK_STR(dig_str(body, "system.0.text"), S("You work."));
  CHECK(dig(body, "system.0.cache_control") == NULL);
  CHECK_STR(dig_str(body, "system.1.text"), S("Context."));
  CHECK_STR(dig_str(body, "system.1.cache_control.type"), S("ephemeral"));
  CHECK_STR(dig_str(body, "messages.0.content.0.text"), S("Do it."));
  CHECK(dig(body, "messages.0.content.0.cache_control") == NULL);
  CHECK_STR(dig_str(body, "output_config.effort"), S("low"));
  CHECK_STR(dig_str(body, "output_config.format.type"), S("json_schema"));
  CHECK_STR(dig_str(body, "output_config.format.schema.type"), S("object"));
  static const char *const never[] = {"temperature", "top_p", "top_k",
                                      "tool_choice", "tools", "thinking"};
  for (size_t i = 0; i < 6; i++) CHECK(value_get(body, str_from(never[i])) == NULL);
  CHECK(dig(body, "system.1.cache_control.ttl") == NULL);
  request.for_hours = true;
  body = built(&arena, &dialect_anthropic, &request, &target, &(Key){0}, &wire);
  CHECK_STR(dig_str(body, "system.1.cache_control.ttl"), S("1h"));
  built(&arena, &dialect_anthropic, &request, &target, &(Key){S("t0ken"), true}, &wire);
  CHECK_STR(header_of(&wire, "authorization"), S("Bearer t0ken"));
  CHECK_STR(header_of(&wire, "x-api-key"), S(""));
  arena_deinit(&arena);
}

TEST(tasks_share_their_prefix_to_the_byte)
{
  Arena arena;
  arena_init(&arena);
  ModelMessage one, two;
  ModelRequest a = simple(&one), b = simple(&two);
  two.text = S("Something else.");
  WireRequest wa, wb;
  built(&arena, &dialect_anthropic, &a, &(Target){.base_url = S("x")}, &(Key){0}, &wa);
  built(&arena, &dialect_anthropic, &b, &(Target){.base_url = S("x")}, &(Key){0}, &wb);
  size_t at = str_find(wa.body, S("Do it."));
  CHECK(at != STR_NOT_FOUND);
  CHECK(at > str_find(wa.body, S("cache_control")));
  CHECK_STR(str_sub(wa.body, 0, at), str_sub(wb.body, 0, at));
  arena_deinit(&arena);
}

TEST(tools_and_efforts)
{
  Arena arena;
  arena_init(&arena);
  Error err = {0};
  ModelMessage message;
  ModelRequest request = simple(&message);
  ModelTool tool = {S("read"), S("reads"), json_parse(&arena, S("{\"type\":\"object\"}"), &err)};
  request.tools = &tool;
  request.tool_count = 1;
  request.effort = S("xhigh");
  WireRequest wire;
  Target target = {.base_url = S("x"),
                   .efforts = json_parse(&arena, S("[\"low\",\"high\",\"max\"]"), &err)};
  const Value *body = built(&arena, &dialect_anthropic, &request, &target, &(Key){0}, &wire);
  CHECK_STR(dig_str(body, "tools.0.name"), S("read"));
  CHECK_STR(dig_str(body, "tools.0.input_schema.type"), S("object"));
  CHECK_STR(dig_str(body, "messages.0.content.0.cache_control.type"), S("ephemeral"));
  CHECK_STR(dig_str(body, "output_config.effort"), S("high"));
  // one question with one answer is not written to the cache
  request.role = S("verify");
  request.shared = STR_NONE;
  built(&arena, &dialect_anthropic, &request, &target, &(Key){0}, &wire);
  CHECK(!str_has(wire.body, S("cache_control")));
  request.shared = S("Context.");
  body = built(&arena, &dialect_anthropic, &request, &target, &(Key){0}, &wire);
  CHECK_STR(dig_str(body, "system.1.cache_control.type"), S("ephemeral"));
  CHECK(dig(body, "messages.0.content.0.cache_control") == NULL);
  target.quirks = QUIRK_NO_EFFORT;
  body = built(&arena, &dialect_anthropic, &request, &target, &(Key){0}, &wire);
  CHECK(dig(body, "output_config") == NULL);
  request.schema = tool.schema;
  target.quirks = QUIRK_NO_SCHEMA;
  body = built(&arena, &dialect_anthropic, &request, &target, &(Key){0}, &wire);
  CHECK(dig(body, "output_config.format") == NULL);
  CHECK(str_has(dig_str(body, "system.0.text"), S("{\"type\":\"object\"}")));
  arena_deinit(&arena);
}

TEST_MAIN
