// t_reach.c: providers asked for their models, in every dialect; what is wrong with them is told.
#include "model/reach.h"
#include "provider.h"

typedef struct {
  Bench *bench;
  int done;
  Error error;
  bool lists, known;
} Reached;

static void on_reached(void *owner, const Reach *reach)
{
  Reached *reached = owner;
  reached->done++;
  reached->bench->pending--;
  reached->error = reach->error;
  reached->lists = reach->lists;
  reached->known = reach_knows(reach, S("small-1"));
}

static Reached reach(Bench *bench, const char *provider)
{
  Error err = {0};
  Reached reached = {.bench = bench};
  bench->pending++;
  CHECK(reach_start(bench->models, str_from(provider), on_reached, &reached, &err));
  CHECK_INT(reached.done, 0);
  bench_run(bench);
  CHECK_INT(reached.done, 1);
  return reached;
}

TEST(every_dialect_lists_its_models)
{
  static const char *const names[] = {"a", "o", "r", "g", "l"};
  Bench bench;
  bench_open(&bench, "[{\"match\": {\"model\": \"small-1\"}, \"reply\": {\"text\": \"ok\"}}]");
  for (int i = 0; i < 5; i++) {
    Reached reached = reach(&bench, names[i]);
    CHECK_INT(reached.error.code, ERR_OK);
    CHECK(reached.lists && reached.known);
  }
  bench_close(&bench);
}

// llama-server has one model and takes every name for it, but as a router; others with one model want its name.
TEST(a_server_of_one_model)
{
  static const struct {
    const char *data;
    bool known;
  } rows[] = {
      {"{\\\"id\\\": \\\"tiny.gguf\\\", \\\"owned_by\\\": \\\"llamacpp\\\"}", true},
      {"{\\\"id\\\": \\\"tiny\\\", \\\"owned_by\\\": \\\"llamacpp\\\", \\\"status\\\": {}}", false},
      {"{\\\"id\\\": \\\"tiny\\\", \\\"owned_by\\\": \\\"vllm\\\"}", false}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
    Bench bench;
    char script[400];
    snprintf(script, sizeof(script),
             "[{\"match\": {\"endpoint\": \"models\"}, \"fault\": {\"status\": 200, \"body\": "
             "\"{\\\"data\\\": [%s]}\"}}]",
             rows[i].data);
    bench_open(&bench, script);
    Reached reached = reach(&bench, "o");
    CHECK(reached.lists && reached.known == rows[i].known);
    bench_close(&bench);
  }
}

TEST(what_is_wrong_is_told)
{
  static const struct {
    const char *fault;
    Err code;
  } faults[] = {{"{\"status\": 401}", ERR_AUTH},
                {"{\"reset_before\": true}", ERR_NETWORK},
                {"{\"status\": 404}", ERR_OK},
                {"{\"status\": 200, \"body\": \"<p>hello</p>\"}", ERR_OK}};
  for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
    Bench bench;
    char script[200];
    snprintf(script, sizeof(script), "[{\"match\": {\"endpoint\": \"models\"}, \"fault\": %s}]",
             faults[i].fault);
    bench_open(&bench, script);
    Reached reached = reach(&bench, "a");
    CHECK_INT(reached.error.code, faults[i].code);
    CHECK(!reached.lists);
    bench_close(&bench);
  }
}

TEST(ids_may_have_a_date_or_a_tag)
{
  Arena arena;
  Reach list = {.lists = true};
  arena_init(&arena);
  PUSH(&arena, &list.models, S("qwen4-coder:7b"));
  PUSH(&arena, &list.models, S("claude-haiku-5-5-20261001"));
  CHECK(reach_knows(&list, S("qwen4-coder:7b")) && reach_knows(&list, S("qwen4-coder")));
  CHECK(reach_knows(&list, S("claude-haiku-5-5")));
  CHECK(!reach_knows(&list, S("claude-haiku")));  // another model's name begins so
  CHECK(!reach_knows(&list, S("claude-haik")) && !reach_knows(&list, S("gpt")));
  arena_deinit(&arena);
}

TEST(whom_nobody_can_ask)
{
  Bench bench;
  Error err = {0};
  bench_open(&bench, NULL);
  CHECK(!reach_start(bench.models, S("nobody"), on_reached, NULL, &err));
  CHECK_INT(err.code, ERR_CONFIG);
  CHECK(!reach_start(bench.models, S("replay"), on_reached, NULL, &err));
  bench_close(&bench);
}

TEST_MAIN
