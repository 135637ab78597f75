// t_llama.c: what only a caller of model.h can ask of a real llama-server, JSON of a schema: enforced there by a
// grammar, so that even a model of random weights keeps to it.
//
// tests/e2e/t_llama.py starts the server and names it in $PIECEWORK_LLAMA_URL (with /v1); skipped without.
#include "provider.h"

static void open_llama(Bench *bench)
{
  bench_open_with(bench, NULL, NULL);
  ProviderConfig config = {.name = S("llamacpp"),
                           .dialect = S("openai-chat"),
                           .base_url = str_from(getenv("PIECEWORK_LLAMA_URL")),
                           .limit = 2};
  models_provider(bench->models, &config);
}

static Result ask(Bench *bench, const char *text, const char *schema)
{
  Error err = {0};
  Result result = {0};
  ModelRequest request = request_of(bench, "llamacpp", text);
  request.schema = json_parse(&bench->arena, str_from(schema), &err);
  CHECK(request.schema);
  bench_start(bench, &result, &request);
  bench_run(bench);
  return result;
}

// The kinds of fields our own schemas have; lengths are bounded, for noise knows no end.
static const char verdicts[] =
    "{\"type\":\"object\",\"properties\":{\"verdicts\":{\"type\":\"array\",\"minItems\":1,"
    "\"maxItems\":3,\"items\":{\"type\":\"object\",\"properties\":{"
    "\"task\":{\"type\":\"string\",\"maxLength\":12},"
    "\"verdict\":{\"type\":\"string\",\"enum\":[\"ok\",\"doubt\",\"rejected\"]},"
    "\"line\":{\"type\":\"integer\"}},\"required\":[\"task\",\"verdict\",\"line\"],"
    "\"additionalProperties\":false}},\"sure\":{\"type\":\"boolean\"}},"
    "\"required\":[\"verdicts\",\"sure\"],\"additionalProperties\":false}";

static void check_verdict(const Value *item)
{
  Str verdict = value_get_str(item, S("verdict"), STR_NONE);
  CHECK(str_eq(verdict, S("ok")) || str_eq(verdict, S("doubt")) || str_eq(verdict, S("rejected")));
  CHECK(value_is(value_get(item, S("task")), VALUE_STR));
  CHECK(value_get(item, S("line")));
  CHECK_INT(value_len(item), 3);
}

TEST(noise_keeps_to_a_schema)
{
  Bench bench;
  open_llama(&bench);
  for (int i = 0; i < 8; i++) {
    Result r = ask(&bench, str_fmt(&bench.arena, "judge <%d>%c", i, 0).ptr, verdicts);
    CHECK_INT(r.reply.error.code, ERR_OK);
    if (r.reply.error.code) printf("# %s\n", r.reply.error.message);
    CHECK_INT(r.reply.stop, STOP_DONE);
    CHECK(r.reply.usage.known && r.reply.usage.out > 10);
    CHECK_INT(r.reply.tries, 1);
    const Value *reply = json_parse(&bench.arena, r.reply.text, NULL);
    CHECK_INT(value_len(reply), 2);
    CHECK(value_is(value_get(reply, S("sure")), VALUE_BOOL));
    const Value *items = value_get(reply, S("verdicts"));
    CHECK(value_len(items) >= 1 && value_len(items) <= 3);
    for (VALUE_EACH (item, items)) check_verdict(item);
  }
  bench_close(&bench);
}

// A schema that its grammar cannot express is a 400: asked again for any JSON object, with the schema in words.
TEST(a_schema_the_server_cannot_take)
{
  Bench bench;
  open_llama(&bench);
  Result r = ask(&bench, "judge", "{\"type\":\"nothing\"}");
  CHECK_INT(r.reply.error.code, ERR_OK);
  if (r.reply.error.code) printf("# %s\n", r.reply.error.message);
  CHECK(str_starts(r.reply.text, S("{")));
  bench_close(&bench);
}

int main(int argc, char **argv)
{
  enum { SKIPPED = 77 };  // tests/run.sh
  if (getenv("PIECEWORK_LLAMA_URL")) return tap_main(argc, argv);
  puts("skip: tests/e2e/t_llama.py runs this against its llama-server");
  return SKIPPED;
}
