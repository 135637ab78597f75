// t_count.c: a prompt counted by its provider: the same number as the answer's usage, for every API that counts.
#include "model/count.h"
#include "provider.h"

typedef struct {
  Bench *bench;
  int done;
  Count count;
} Counted;

static void on_count(void *owner, const Count *count)
{
  Counted *counted = owner;
  counted->done++;
  counted->count = *count;
  counted->count.model = str_dup(&counted->bench->arena, count->model);
  counted->bench->pending--;
}

static void start(Bench *bench, Counted *counted, const ModelRequest *request)
{
  Error err = {0};
  *counted = (Counted){.bench = bench};
  CHECK(count_possible(bench->models, request, &err));
  bench->pending++;
  count_start(bench->models, request, on_count, counted);
  CHECK_INT(counted->done, 0);
}

static Count count_of(Bench *bench, const ModelRequest *request)
{
  Counted counted;
  start(bench, &counted, request);
  bench_run(bench);
  CHECK_INT(counted.done, 1);
  return counted.count;
}

static const Value *parsed(Bench *bench, const char *text)
{
  Error err = {0};
  return json_parse(&bench->arena, str_from(text), &err);
}

// With everything a request can have.
static ModelRequest rich_request(Bench *bench, const char *provider, ModelTool *tool)
{
  ModelRequest request = request_of(bench, provider, "count the callers, all of them");
  *tool = (ModelTool){S("search"), S("searches text"),
                      parsed(bench,
                             "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":"
                             "\"string\"}},\"required\":[\"text\"],"
                             "\"additionalProperties\":false}")};
  request.role = S("plan");
  request.effort = S("low");
  request.tools = tool;
  request.tool_count = 1;
  return request;
}

TEST(the_count_is_what_the_answer_is_charged_for)
{
  static const char *const counting[] = {"a", "r", "g"};
  Bench bench;
  bench_open(&bench, "[{\"reply\": {\"text\": \"ok\"}}]");
  for (int i = 0; i < 3; i++) {
    ModelTool tool;
    ModelRequest request = rich_request(&bench, counting[i], &tool);
    Count count = count_of(&bench, &request);
    Result r = {0};
    bench_start(&bench, &r, &request);
    bench_run(&bench);
    const Usage *usage = &r.reply.usage;
    CHECK_INT(count.error.code, ERR_OK);
    CHECK_INT(count.tokens, usage->fresh_in + usage->cache_write + usage->cache_read);
    CHECK(count.tokens > 0);
    CHECK_INT(count.estimated, request_tokens_estimate(&request));
    CHECK_STR(count.model, S("small-1"));
  }
  bench_close(&bench);
}

TEST(some_do_not_count)
{
  static const char *const silent[] = {"o", "l", "nobody"};
  Bench bench;
  bench_open(&bench, NULL);
  for (int i = 0; i < 3; i++) {
    Error err = {0};
    ModelRequest request = request_of(&bench, silent[i], "hello");
    CHECK(!count_possible(bench.models, &request, &err));
    CHECK_INT(err.code, i < 2 ? ERR_INVALID : ERR_CONFIG);
    CHECK(err.hint[0]);
  }
  bench_close(&bench);
}

TEST(what_fails_says_why)
{
  static const struct {
    const char *fault;
    Err code;
  } faults[] = {{"{\"status\": 401}", ERR_AUTH},
                {"{\"status\": 429, \"retry_after\": \"1\"}", ERR_RATE},
                {"{\"reset_before\": true}", ERR_NETWORK},
                {"{\"status\": 200, \"body\": \"<p>hello</p>\"}", ERR_REPLY}};
  for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
    Bench bench;
    char script[200];
    snprintf(script, sizeof(script), "[{\"match\": {\"endpoint\": \"count\"}, \"fault\": %s}]",
             faults[i].fault);
    bench_open(&bench, script);
    ModelRequest request = request_of(&bench, "a", "hello");
    Count count = count_of(&bench, &request);
    CHECK_INT(count.error.code, faults[i].code);
    bench_close(&bench);
  }
}

TEST(a_missing_key_and_a_cancelled_count_end_it_once)
{
  Bench bench;
  bench_open(&bench,
             "[{\"match\": {\"endpoint\": \"count\"}, \"fault\": {\"stall\": 60000}},"
             " {\"reply\": {\"text\": \"ok\"}}]");
  ProviderConfig keyed = *models_provider_get(bench.models, S("a"));
  keyed.name = S("keyed");
  keyed.key_env = S("NO_SUCH_KEY_IS_SET");
  models_provider(bench.models, &keyed);
  ModelRequest request = request_of(&bench, "keyed", "hello");
  Count count = count_of(&bench, &request);
  CHECK_INT(count.error.code, ERR_NO_KEY);

  Counted early, late;
  request = request_of(&bench, "a", "hello");
  start(&bench, &early, &request);
  models_asks_cancel(bench.models);  // nothing was sent yet
  CHECK_INT(early.done, 1);
  CHECK_INT(early.count.error.code, ERR_CANCELLED);
  start(&bench, &late, &request);
  Result r = {0};  // something to turn the loop with, until the count has been sent
  bench_start(&bench, &r, &request);
  while (!r.done) loop_turn(&bench.loop, true);
  models_asks_cancel(bench.models);
  CHECK_INT(late.done, 1);
  CHECK_INT(late.count.error.code, ERR_CANCELLED);
  start(&bench, &late, &request);
  bench_close(&bench);  // ends the last one
}

TEST_MAIN
