// t_keys.c: calls that cannot start, and where keys come from and never go.
#include "model/models.h"
#include "model/netrc.h"
#include "provider.h"

TEST(calls_that_cannot_start)
{
  Bench bench;
  bench_open(&bench, NULL);
  ProviderConfig odd[] = {
      {.name = S("strange"),
       .dialect = S("esperanto"),
       .base_url = S("http://127.0.0.1:1"),
       .limit = 1},
      {.name = S("plain"),
       .dialect = S("anthropic"),
       .base_url = S("http://example.invalid"),
       .limit = 1},
      {.name = S("bare"), .dialect = S("anthropic"), .limit = 1},
      {.name = S("keyless"),
       .dialect = S("anthropic"),
       .base_url = S("http://127.0.0.1:1"),
       .key_env = S("T_CALL_NO_SUCH"),
       .limit = 1},
      {.name = S("down"),
       .dialect = S("anthropic"),
       .base_url = S("http://127.0.0.1:1"),
       .limit = 1},
  };
  for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) models_provider(bench.models, &odd[i]);
  static const struct {
    const char *provider;
    Err code;
    const char *says;
    bool terminal;
  } rows[] = {{"nobody", ERR_CONFIG, "nobody", true},
              {"strange", ERR_CONFIG, "esperanto", true},
              {"plain", ERR_CONFIG, "plain http", true},
              {"bare", ERR_CONFIG, "base_url", true},
              {"keyless", ERR_NO_KEY, "$T_CALL_NO_SUCH", true},
              {"down", ERR_NETWORK, "127.0.0.1:1", false}};
  setenv("PIECEWORK_BACKOFF_MS", "5", 1);
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    Result r = bench_call(&bench, rows[i].provider, "go");
    CHECK_INT(r.reply.error.code, rows[i].code);
    CHECK(str_has(str_from(r.reply.error.message), str_from(rows[i].says)));
    CHECK_INT(r.reply.terminal, rows[i].terminal);
    CHECK(error_hint(&r.reply.error)[0]);
    CHECK_INT(r.reply.cost, 0);
  }
  ProviderConfig chat = *models_provider_get(bench.models, S("openai"));
  chat.dialect = S("openai-chat");
  models_provider(bench.models, &chat);
  ModelRequest tools = request_of(&bench, "openai", "plan");
  ModelTool tool = {S("f"), S("f"), NULL};
  tools.model = S("gpt-6.1-sol");
  tools.tools = &tool;
  tools.tool_count = 1;
  Result r = {0};
  bench_start(&bench, &r, &tools);
  bench_run(&bench);
  CHECK_INT(r.reply.error.code, ERR_MODEL);
  CHECK(str_has(str_from(r.reply.error.message), S("gpt-6.1-sol")));
  unsetenv("PIECEWORK_BACKOFF_MS");
  bench_close(&bench);
}

static const char *const key_cmd[] = {
    "sh", "-c", "echo run >> \"$0\"; sleep 0.1; echo canary-from-cmd; echo second line"};

TEST(a_key_from_a_command_is_fetched_once)
{
  Bench bench;
  static const char *const options[] = {"--require-key", "canary-from-cmd", NULL};
  bench_open_with(&bench, "[{\"reply\": {\"text\": \"ok\"}}]", options);
  ProviderConfig config = *models_provider_get(bench.models, S("a"));
  for (int i = 0; i < 3; i++) PUSH(&bench.arena, &config.key_cmd, str_from(key_cmd[i]));
  PUSH(&bench.arena, &config.key_cmd, str_from(bench_path(&bench, "runs")));
  models_provider(bench.models, &config);
  static Result results[4];
  memset(results, 0, sizeof(results));
  ModelRequest request = request_of(&bench, "a", "go");
  for (int i = 0; i < 4; i++) bench_start(&bench, &results[i], &request);
  for (int i = 0; i < 3; i++) loop_turn(&bench.loop, false);
  model_cancel(results[1].call);
  bench_run(&bench);
  for (int i = 0; i < 4; i++)
    CHECK_INT(results[i].reply.error.code, i == 1 ? ERR_CANCELLED : ERR_OK);
  CHECK_INT(str_count_lines(bench_read(&bench, "runs")), 1);
  bench_close(&bench);
}

TEST(key_commands_that_fail)
{
  static const char *const commands[] = {"exit 3", "true", "printf 'two words\\n'", "echo"};
  Bench bench;
  bench_open(&bench, NULL);
  for (size_t i = 0; i < 5; i++) {
    char name[8];
    snprintf(name, sizeof(name), "p%zu", i);
    ProviderConfig config = {.name = str_from(name),
                             .dialect = S("anthropic"),
                             .base_url = S("http://127.0.0.1:1"),
                             .limit = 3};
    const char *argv[] = {i < 4 ? "sh" : "/no/such/program", "-c", i < 4 ? commands[i] : "x"};
    for (int k = 0; k < 3; k++) PUSH(&bench.arena, &config.key_cmd, str_from(argv[k]));
    models_provider(bench.models, &config);
    Result r[3] = {0};
    ModelRequest request = request_of(&bench, name, "go");
    for (int k = 0; k < 3; k++) bench_start(&bench, &r[k], &request);
    bench_run(&bench);
    for (int k = 0; k < 3; k++) {
      CHECK_INT(r[k].reply.error.code, ERR_NO_KEY);
      CHECK(r[k].reply.terminal);
      CHECK(!str_has(str_from(r[k].reply.error.message), S("two words")));
    }
  }
  bench_close(&bench);
}

TEST(a_wrong_key_is_not_repeated_in_the_error)
{
  Bench bench;
  bench_open(
      &bench,
      "[{\"fault\": {\"status\": 401, \"message\": \"Incorrect API key provided: canaryKey\"}}]");
  setenv("T_CALL_KEY", "canaryKey", 1);
  ProviderConfig config = *models_provider_get(bench.models, S("o"));
  config.key_env = S("T_CALL_NO_SUCH, T_CALL_KEY");
  models_provider(bench.models, &config);
  Result r = bench_call(&bench, "o", "go");
  CHECK_INT(r.reply.error.code, ERR_AUTH);
  CHECK(str_has(str_from(r.reply.error.message), S("provided: [removed]")));
  CHECK(!str_has(str_from(r.reply.error.message), S("canary")));
  Result closed = bench_call(&bench, "o", "go");
  CHECK(!str_has(str_from(closed.reply.error.message), S("canary")));
  CHECK(!str_has(bench_read(&bench, "log"), S("canary")));
  setenv("T_CALL_KEY", "with blank", 1);  // read again after models_reopen
  models_reopen(bench.models);
  r = bench_call(&bench, "o", "go");
  CHECK_INT(r.reply.error.code, ERR_NO_KEY);
  CHECK(!str_has(str_from(r.reply.error.message), S("with blank")));
  unsetenv("T_CALL_KEY");
  bench_close(&bench);
}

TEST(netrc_files)
{
  Str text =
      S("# machine a.example password no\nmachine a.example login me password one\n"
        "machine b.example\n  login x\n  password \"two words\"\n"
        "macdef init\nmachine c.example password macro\n\n"
        "default login y password any\nmachine d.example password four");
  CHECK_STR(netrc_password(text, S("A.example")), S("one"));
  CHECK_STR(netrc_password(text, S("b.example")), S("two words"));
  CHECK_STR(netrc_password(text, S("c.example")), S(""));
  CHECK_STR(netrc_password(text, S("d.example")), S("four"));
  CHECK_STR(netrc_password(S("machine"), S("a")), S(""));
  CHECK_STR(netrc_host(S("https://u@box.example:99/v1")), S("box.example"));
  CHECK_STR(netrc_host(S("http://[::1]:8/x")), S("[::1]"));
}

TEST(a_key_from_netrc)
{
  Bench bench;
  static const char *const options[] = {"--require-key", "canary-from-netrc", NULL};
  bench_open_with(&bench, "[{\"reply\": {\"text\": \"ok\"}}]", options);
  bench_write(&bench, "netrc", "machine 127.0.0.1 login any password canary-from-netrc\n");
  setenv("NETRC", bench_path(&bench, "netrc"), 1);
  unsetenv("T_KEYS_UNSET");
  ProviderConfig config = *models_provider_get(bench.models, S("a"));
  config.key_env = S("T_KEYS_UNSET");
  models_provider(bench.models, &config);
  Error err = {0};
  Str source = STR_NONE;
  CHECK(models_key_ready(bench.models, S("a"), &source, &err));
  CHECK_STR(source, S("netrc (127.0.0.1)"));
  Result r = bench_call(&bench, "a", "go");
  CHECK_INT(r.reply.error.code, ERR_OK);
  CHECK(!str_has(bench_read(&bench, "log"), S("canary")));
  unsetenv("NETRC");
  bench_close(&bench);
}

// All calls that are out when a key is refused are refused, and the last may say the key as well as the first.
TEST(a_refused_key_is_taken_out_of_answers_that_come_later)
{
  enum { CALLS = 4 };
  Bench bench;
  setenv("T_KEYS_CANARY", "canary-hunter2", 1);
  bench_open(&bench,
             "[{\"reply\": {\"text\": \"x\", \"delay_ms\": 150}, \"fault\": {\"status\": 401,"
             " \"message\": \"bad canary-hunter2 given\"}}]");
  ProviderConfig config = *models_provider_get(bench.models, S("a"));
  config.key_env = S("T_KEYS_CANARY");
  models_provider(bench.models, &config);
  static Result results[CALLS];
  memset(results, 0, sizeof(results));
  for (int i = 0; i < CALLS; i++) {
    ModelRequest request = request_of(&bench, "a", "go");
    bench_start(&bench, &results[i], &request);
  }
  bench_run(&bench);
  CHECK_INT(log_count(&bench, "\"arrived\""), CALLS);
  for (int i = 0; i < CALLS; i++) {
    CHECK_INT(results[i].reply.error.code, ERR_AUTH);
    CHECK(str_has(str_from(results[i].reply.error.message), S("bad [removed] given")));
  }
  bench_close(&bench);
  unsetenv("T_KEYS_CANARY");
}

// Text, tool calls, the blocks that go back, why it stopped, the request's id.
TEST(a_key_is_taken_out_of_every_part_of_a_reply)
{
  Bench bench;
  setenv("T_KEYS_CANARY", "canary-hunter2", 1);
  bench_open(&bench,
             "[{\"reply\": {\"text\": \"t canary-hunter2\", \"thinking\": \"m canary-hunter2\","
             " \"tool_calls\": [{\"name\": \"n-canary-hunter2\","
             " \"input\": {\"canary-hunter2\": [\"canary-hunter2\"]}},"
             " {\"name\": \"n\", \"input_text\": \"{canary-hunter2\"}],"
             " \"headers\": {\"request-id\": \"id canary-hunter2\","
             " \"x-request-id\": \"id canary-hunter2\"}}}]");
  static const char *const names[] = {"a", "o", "r"};
  for (int i = 0; i < 3; i++) {
    ProviderConfig config = *models_provider_get(bench.models, str_from(names[i]));
    config.key_env = S("T_KEYS_CANARY");
    models_provider(bench.models, &config);
    ModelRequest request = request_of(&bench, names[i], "go");
    ModelTool tool = {S("n"), S("n"), NULL};
    request.tools = &tool;
    request.tool_count = 1;
    Result r = {0};
    bench_start(&bench, &r, &request);
    bench_run(&bench);
    CHECK_INT(r.reply.error.code, ERR_OK);
    CHECK_STR(r.reply.text, S("t [removed]"));
    CHECK_STR(r.reply.request_id, S("id [removed]"));
    CHECK(r.reply.raw && !str_has(json_str(&bench.arena, r.reply.raw), S("hunter2")));
    CHECK(str_has(json_str(&bench.arena, r.reply.raw), S("[removed]")));
    CHECK_INT(r.reply.calls.len, 2);
    if (r.reply.calls.len != 2) continue;
    const ToolCall *calls = r.reply.calls.items;
    CHECK_STR(calls[0].name, S("n-[removed]"));
    CHECK_STR(json_str(&bench.arena, calls[0].input), S("{\"[removed]\":[\"[removed]\"]}"));
    CHECK_STR(calls[1].broken, S("{[removed]"));
  }
  ModelReply refusal = {.stop_detail = S("no canary-hunter2")};
  models_clean_reply(bench.models, &bench.arena, &refusal);
  CHECK_STR(refusal.stop_detail, S("no [removed]"));
  bench_close(&bench);
  unsetenv("T_KEYS_CANARY");
}

TEST_MAIN
