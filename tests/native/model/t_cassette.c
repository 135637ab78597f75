// t_cassette.c: recording, replaying, drift, and what must not be in a cassette; and redact.
#include "model/cassette.h"

#include "model/record.h"
#include "model/redact.h"
#include "provider.h"

#define HEADER "{\"cassette\":\"piecework-cassette\",\"version\":1,\"note\":\"scripted\"}\n"
#define LINE(role, label, text) \
  "{\"role\":\"" role "\",\"label\":\"" label "\",\"reply\":{\"text\":\"" text "\"}}\n"

static const char *cassette_file(Bench *bench, const char *text)
{
  bench_write(bench, "c.ndjson", text);
  return bench_path(bench, "c.ndjson");
}

TEST(replay_by_role_and_label)
{
  Bench bench;
  bench_open(&bench, NULL);
  Error err = {0};
  CHECK(models_replay(
      bench.models,
      cassette_file(&bench, HEADER LINE("plan", "", "the plan") LINE("execute", "plan 9 T02", "two")
                                LINE("execute", "T01", "one") LINE("execute", "T01", "one again")
                                    LINE("execute", "", "any")),
      &err));
  static const struct {
    const char *role, *label, *want;
  } rows[] = {{"execute", "plan 1 T01", "one"},
              {"plan", "plan 1", "the plan"},
              {"execute", "plan 1 T01", "one again"},
              {"execute", "plan 1 T02", "two"},
              {"execute", "plan 1 T07", "any"}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    Result r = {0};
    ModelRequest request = request_of(&bench, "replay", "x");
    request.role = str_from(rows[i].role);
    request.label = str_from(rows[i].label);
    bench_start(&bench, &r, &request);
    bench_run(&bench);
    CHECK_STR(str_from(r.reply.error.message), S(""));
    CHECK_STR(r.reply.text, str_from(rows[i].want));
    CHECK_INT(r.reply.stop, STOP_DONE);
  }
  Result r = bench_call(&bench, "replay", "once more");
  CHECK_INT(r.reply.error.code, ERR_CASSETTE);
  CHECK(str_has(str_from(r.reply.error.message), S("execute \"T01\"")));
  CHECK(str_has(str_from(r.reply.error.message), S("all 4")));
  CHECK(!r.reply.terminal);
  bench_close(&bench);
}

TEST(drift_names_what_was_expected)
{
  Bench bench;
  bench_open(&bench, NULL);
  Error err = {0};
  CHECK(
      models_replay(bench.models, cassette_file(&bench, HEADER LINE("execute", "T05", "x")), &err));
  Result r = bench_call(&bench, "replay", "go");
  CHECK_INT(r.reply.error.code, ERR_CASSETTE);
  CHECK(str_has(str_from(r.reply.error.message), S("\"T01\"")));
  CHECK(str_has(str_from(r.reply.error.message), S("\"T05\"")));
  bench_close(&bench);
}

TEST(cassettes_that_are_none)
{
  static const struct {
    const char *text, *says;
  } rows[] = {{"", "is empty"},
              {"hello\n", "line 1 is not a JSON object"},
              {"{\"a\":1}\n", "is not a piecework cassette"},
              {"{\"cassette\":\"piecework-cassette\",\"version\":7}\n", "version 7"},
              {HEADER "{\"role\":\"plan\"}\n", "line 2 has no `role` or no `reply`"},
              {HEADER "\n{]\n", "line 3 is not a JSON object"}};
  Bench bench;
  bench_open(&bench, NULL);
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    Error err = {0};
    CHECK(!models_replay(bench.models, cassette_file(&bench, rows[i].text), &err));
    CHECK_INT(err.code, ERR_CASSETTE);
    CHECK(str_has(str_from(err.message), str_from(rows[i].says)));
  }
  Error err = {0};
  CHECK(!models_replay(bench.models, "/nonexistent/c", &err));
  Result r = bench_call(&bench, "replay", "go");
  CHECK_INT(r.reply.error.code, ERR_CASSETTE);
  CHECK(str_has(str_from(r.reply.error.message), S("no cassette")));
  bench_close(&bench);
}

TEST(usage_calls_and_cost_of_a_scripted_exchange)
{
  Bench bench;
  bench_open(&bench, NULL);
  Error err = {0};
  CHECK(models_replay(
      bench.models,
      cassette_file(&bench, HEADER
                    "{\"role\":\"execute\",\"provider\":\"anthropic\",\"model\":\"claude-haiku-5-"
                    "5\",\"reply\":{"
                    "\"text\":\"\",\"calls\":[{\"name\":\"f\",\"input\":{\"a\":1}}],\"usage\":{"
                    "\"fresh_in\":1000,"
                    "\"cache_read\":1000,\"out\":100}}}\n"
                    "{\"role\":\"execute\",\"reply\":{\"text\":\"cut\",\"stop\":\"length\"}}\n"),
      &err));
  Result r = bench_call(&bench, "replay", "go");
  CHECK_INT(r.reply.stop, STOP_TOOL);
  CHECK_INT(r.reply.calls.len, 1);
  CHECK_STR(r.reply.calls.items[0].id, S("call_1"));
  CHECK_INT(r.reply.cost, 160000);
  CHECK(r.reply.usage.known);
  CHECK_STR(str_from(err.message), S(""));
  Price price = price_of(bench.models, S("replay"), S("claude-haiku-5-5"));
  CHECK(price.known);
  r = bench_call(&bench, "replay", "go");
  CHECK_INT(r.reply.stop, STOP_LENGTH);
  CHECK(!r.reply.usage.known);
  bench_close(&bench);
}

TEST(a_replay_takes_its_time_and_can_be_cancelled)
{
  setenv("PIECEWORK_REPLAY_MS", "5000", 1);
  Bench bench;
  bench_open(&bench, NULL);
  Error err = {0};
  CHECK(models_replay(
      bench.models, cassette_file(&bench, HEADER LINE("execute", "", "x") LINE("execute", "", "y")),
      &err));
  Result r = {0}, left = {0};
  ModelRequest request = request_of(&bench, "replay", "x");
  bench_start(&bench, &r, &request);
  for (int i = 0; i < 5; i++) loop_turn(&bench.loop, false);
  CHECK_INT(r.done, 0);
  model_cancel(r.call);
  model_cancel(r.call);
  CHECK_INT(r.done, 0);
  bench_run(&bench);
  CHECK_INT(r.done, 1);
  CHECK_INT(r.reply.error.code, ERR_CANCELLED);
  bench_start(&bench, &left, &request);
  for (int i = 0; i < 5; i++) loop_turn(&bench.loop, false);
  bench_close(&bench);  // ends what is left
  CHECK_INT(left.done, 1);
  CHECK_INT(left.reply.error.code, ERR_CANCELLED);
  unsetenv("PIECEWORK_REPLAY_MS");
}

static const char *const script =
    "[{\"match\": {\"turn\": 0, \"last_contains\": \"search\"}, \"reply\": {\"thinking\": \"secret "
    "thought\", \"text\": \"Looking.\","
    " \"tool_calls\": [{\"name\": \"f\", \"input\": {\"q\": \"x\"}}]}},"
    " {\"reply\": {\"text\": \"key canary-key-12345 and sk-abcdefghij0123456789xyz and "
    "req_handler_init()\"}}]";

TEST(record_then_replay)
{
  setenv("T_CASSETTE_KEY", "canary-key-12345", 1);
  Bench bench;
  static const char *const options[] = {"--require-key", "canary-key-12345", NULL};
  bench_open_with(&bench, script, options);
  static const char *const both[] = {"a", "o"};
  for (int i = 0; i < 2; i++) {
    ProviderConfig config = *models_provider_get(bench.models, str_from(both[i]));
    config.key_env = S("T_CASSETTE_KEY");
    models_provider(bench.models, &config);
  }
  Error err = {0};
  const char *path = bench_path(&bench, "recorded.ndjson");
  CHECK(models_record(bench.models, path, &err));
  CHECK_INT(fs_stat(path).mode & 0777, 0600);
  const Value *schema = json_parse(&bench.arena, S("{\"type\":\"object\"}"), &err);
  ModelTool tool = {S("f"), S("f"), schema};
  Usage first_usage = {0};
  for (int i = 0; i < 2; i++) {
    ModelRequest request =
        request_of(&bench, both[i], "please search\nline two\nline three\nline four");
    request.tools = &tool;
    request.tool_count = 1;
    Result r = {0};
    bench_start(&bench, &r, &request);
    bench_run(&bench);
    CHECK_STR(str_from(r.reply.error.message), S(""));
    if (i == 0) first_usage = r.reply.usage;
    r = bench_call(&bench, both[i], "say it with canary-key-12345");
    // Our own key never gets past the call: the journal stores what comes out here.
    CHECK(!str_has(r.reply.text, S("canary-key-12345")));
    CHECK(str_has(r.reply.text, S("req_handler_init()")));
  }
  Str text = bench_read(&bench, "recorded.ndjson");
  CHECK_INT(str_count_lines(text), 5);
  CHECK(!str_has(text, S("canary")));
  CHECK(!str_has(text, S("sk-abcdef")));
  CHECK(!str_has(text, S("secret thought")));
  CHECK(!str_has(text, S("toolu_")));
  CHECK(!str_has(text, S("line four")));
  CHECK(str_has(text, S("req_handler_init()")));
  CHECK(str_has(text, S("line three")));
  CHECK(models_replay(bench.models, path, &err));
  Result r = bench_call(&bench, "replay", "please search");
  CHECK_STR(r.reply.text, S("Looking."));
  CHECK_INT(r.reply.stop, STOP_TOOL);
  CHECK_INT(r.reply.usage.out, first_usage.out);
  CHECK_INT(r.reply.usage.fresh_in, first_usage.fresh_in);
  CHECK_STR(value_get_str(r.reply.calls.items[0].input, S("q"), S("")), S("x"));
  bench_close(&bench);
  unsetenv("T_CASSETTE_KEY");
}

TEST(labels_lose_their_plan)
{
  CHECK_STR(label_key(S("plan 12 T03")), S("T03"));
  CHECK_STR(label_key(S("plan 12")), S(""));
  CHECK_STR(label_key(S("plan T03")), S("plan T03"));
  CHECK_STR(label_key(S("planner")), S("planner"));
  CHECK_STR(label_key(S("plan 1x")), S("plan 1x"));
  CHECK_STR(label_key(S("")), S(""));
}

TEST(what_is_taken_out_of_text)
{
  static const struct {
    const char *text, *message, *code;
  } rows[] = {
      {"use sk-proj-***abcd now", "use [removed] now", "use sk-proj-***abcd now"},
      {"sk-ant-api03-AAAAAAAAAAAA1", "[removed]", "[removed]"},
      {"sk_buff_alloc_with_frags()", "[removed]()", "sk_buff_alloc_with_frags()"},
      {"claude-haiku-4-5-20251001", "claude-haiku-4-5-20251001", "claude-haiku-4-5-20251001"},
      {"id 3f786850e387550fdab836ed7e6dc881de23001b", "id [removed]",
       "id 3f786850e387550fdab836ed7e6dc881de23001b"},
      {"org-AbCdEf123456", "[removed]", "org-AbCdEf123456"},
      {"the s3cret word", "the [removed] word", "the [removed] word"},
      {"xs3crety", "x[removed]y", "x[removed]y"},
      {"", "", ""},
      {"h\xc3\xa9llo \xff", "h\xc3\xa9llo \xff", "h\xc3\xa9llo \xff"}};
  Arena arena;
  arena_init(&arena);
  Str secret = S("s3cret");
  StrList secrets = {&secret, 1, 1};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    CHECK_STR(redact(&arena, str_from(rows[i].text), &secrets, REDACT_MESSAGE),
              str_from(rows[i].message));
    CHECK_STR(redact(&arena, str_from(rows[i].text), &secrets, REDACT_CODE),
              str_from(rows[i].code));
  }
  arena_deinit(&arena);
}

// Servers that want some key get any word; code that has it stays as it was written.
TEST(words_that_serve_as_keys)
{
  static const char *const keys[] = {
      "test", "none", "EMPTY", "ollama", "lm-studio", "123456", "x", "", "sk-no-key-required"};
  Arena arena;
  arena_init(&arena);
  for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
    Str key = str_from(keys[i]);
    StrList secrets = {&key, 1, 1};
    Str code = str_fmt(&arena, "assert latest(\"%s\") == EMPTY, 123456", keys[i]);
    CHECK(!redact_finds(code, &secrets));
    CHECK_STR(redact(&arena, code, &secrets, REDACT_CODE), code);
  }
  Str key = S("correct-horse-battery");
  StrList secrets = {&key, 1, 1};
  CHECK_STR(redact(&arena, S("a correct-horse-battery b"), &secrets, REDACT_CODE),
            S("a [removed] b"));
  arena_deinit(&arena);
}

// A message is cut at a number of bytes, a reply at a number of tokens: half a key is a key, too.
TEST(what_is_left_of_a_key_where_a_text_was_cut)
{
  static const struct {
    const char *text, *clean;
  } rows[] = {{"bad hunter2-hunter3 given", "bad [removed] given"},
              {"bad hunter2-hunter", "bad [removed]"},
              {"bad hunter2-...", "bad [removed]..."},
              {"bad hunter2...", "bad hunter2..."},  // too short to be told from a word
              {"hunter2- is no end", "hunter2- is no end"}};
  Arena arena;
  arena_init(&arena);
  Str list[] = {S("other"), S("hunter2-hunter3")};
  StrList secrets = {list, 2, 2};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    Str text = str_from(rows[i].text), clean = str_from(rows[i].clean);
    CHECK_STR(redact(&arena, text, &secrets, REDACT_CODE), clean);
    CHECK_STR(redact(&arena, text, &secrets, REDACT_MESSAGE), clean);
    CHECK_INT(redact_finds(text, &secrets), !str_eq(text, clean));
  }
  arena_deinit(&arena);
}

TEST_MAIN
