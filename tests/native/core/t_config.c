// Configuration: sources and their order, validation, ladders, refusal of literal keys.
#include "tap.h"

#include <unistd.h>

#include "core/config.c"
#include "lib/fs.h"
#include "lib/json.h"

static char file[] = "/tmp/t_config_XXXXXX";
static Error err;

static void no_keys(void)
{
  const char *names[] = {"ANTHROPIC_API_KEY",  "ANTHROPIC_AUTH_TOKEN", "OPENAI_API_KEY",
                         "OPENROUTER_API_KEY", "GEMINI_API_KEY",       "GOOGLE_API_KEY",
                         "DEEPSEEK_API_KEY",   "MISTRAL_API_KEY"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) unsetenv(names[i]);
}

// Loads [json] as the file (NULL = none) and [editor] as g:piecework.
static Config *load(const char *json, const char *editor)
{
  static Arena arena;
  arena_reset(&arena);
  error_clear(&err);
  setenv("PIECEWORK_CONFIG", json ? file : "", 1);
  if (json && !fs_write_atomic(file, str_from(json), 0600, &err)) return NULL;
  Value *tree = editor ? json_parse(&arena, str_from(editor), &err) : NULL;
  return config_load(tree, &err);
}

static bool refused(const char *json, const char *part)
{
  Config *config = load(json, NULL);
  bool ok = !config && err.code == ERR_CONFIG && strstr(err.message, part);
  if (!ok) printf("# %s gives: %s\n", json, err.message);
  config_free(config);
  return ok;
}

TEST(defaults)
{
  no_keys();
  Config *config = load(NULL, NULL);
  CHECK(config != NULL);
  CHECK_INT(config->budget, 1000000000);
  CHECK_INT(config->day_budget, NANO_UNKNOWN);
  CHECK_INT(config->parallel, 8);
  CHECK_INT(config->retries, 1);
  CHECK_INT(config->test_timeout_s, 600);
  CHECK(config->advice);
  const Ladder *small = config_ladder(config, S("small"));
  CHECK_INT(small->len, 2);
  CHECK_STR(small->rungs[0].provider, S("anthropic"));
  CHECK_STR(small->effort, S("low"));
  CHECK(config_ladder(config, S("middle")) == NULL);
  config_free(config);
}

TEST(a_key_picks_the_pair)
{
  no_keys();
  setenv("OPENAI_API_KEY", "x", 1);
  Config *config = load(NULL, NULL);
  CHECK_STR(config_ladder(config, S("big"))->rungs[0].provider, S("openai"));
  // The flagship takes tools through Responses only, where effort may be asked for.
  CHECK_STR(config_ladder(config, S("big"))->rungs[0].model, S("gpt-6.2-sol"));
  CHECK_STR(config_ladder(config, S("big"))->effort, S("medium"));
  config_free(config);
  setenv("ANTHROPIC_API_KEY", "x", 1);
  config = load(NULL, NULL);
  CHECK_STR(config_ladder(config, S("big"))->rungs[0].provider, S("anthropic"));
  config_free(config);
  no_keys();
}

TEST(the_editor_wins_key_by_key)
{
  Config *config = load(
      "{\"parallel\": 3, \"pilot\": \"never\", \"budget\": 0.25, \"models\": {\"small\": "
      "\"p/one\", \"mid\": [\"p/a\", \"q/b/c\"]}}",
      "{\"parallel\": 5, \"advice\": 0, \"models\": {\"small\": {\"rungs\": [\"p/two\"], "
      "\"effort\": \"high\", \"max_output\": 500}}}");
  CHECK(config != NULL);
  CHECK_INT(config->parallel, 5);
  CHECK_INT(config->budget, 250000000);
  CHECK(!config->advice);
  CHECK_INT(config->pilot, 0);
  CHECK_STR(config_ladder(config, S("small"))->rungs[0].model, S("two"));
  CHECK_STR(config_ladder(config, S("small"))->effort, S("high"));
  CHECK_INT(config_ladder(config, S("small"))->max_output, 500);
  CHECK_STR(config_ladder(config, S("mid"))->rungs[1].model, S("b/c"));
  CHECK_INT(value_len(value_get(config->tree, S("models"))), 2);
  CHECK_INT(value_get_int(config->tree, S("parallel"), 0), 5);
  config_free(config);
}

TEST(unknown_keys_warn_with_the_nearest)
{
  Config *config = load("{\"paralel\": 3, \"zebra\": 1}", NULL);
  CHECK(config != NULL);
  CHECK_INT(config->warnings.len, 2);
  CHECK(str_has(config->warnings.items[0], S("did you mean `parallel`?")));
  CHECK(!str_has(config->warnings.items[1], S("did you mean")));
  config_free(config);
}

TEST(wrong_values_name_their_key)
{
  CHECK(refused("{\"parallel\": \"many\"}", "`parallel` must be a whole number from 1 to 256"));
  CHECK(refused("{\"parallel\": 0}", "`parallel`"));
  CHECK(refused("{\"budget\": \"lots\"}", "`budget` must be an amount"));
  CHECK(refused("{\"budget\": -1}", "`budget`"));
  CHECK(refused("{\"advice\": \"yes\"}", "`advice`"));
  CHECK(refused("{\"models\": \"p/x\"}", "`models` must be a map"));
  CHECK(refused("{\"models\": {\"big\": \"opus\"}}", "not \"provider/model\""));
  CHECK(refused("{\"models\": {\"big\": []}}", "names no model"));
  CHECK(refused("{\"models\": {\"big\": {\"rungs\": [\"a/b\"], \"effort\": \"huge\"}}}", "effort"));
  CHECK(refused("[1]", "not a map"));
  CHECK(refused("{\"parallel\": 3,\n \"x\": }", "line 2"));
}

TEST(prices_are_taken_as_meant_or_not_at_all)
{
  static const struct {
    const char *prices, *words;
  } rows[] = {{"{\"p/m\": {\"input\": \"3\", \"output\": 4}}", "prices.p/m.input must be a number"},
              {"{\"p/m\": {\"input\": 3, \"ouput\": 4}}", "did you mean `output`?"},
              {"{\"p/m\": {\"input\": -3, \"output\": 4}}", "prices.p/m.input must be"},
              {"{\"p/m\": {\"input\": 1e300, \"output\": 4}}", "prices.p/m.input must be"},
              {"{\"p/m\": {\"max_output\": \"8k\"}}", "a number of tokens"},
              {"{\"p/m\": [3, 4]}", "is not a model with its prices"},
              {"{\"m\": {\"input\": 3, \"output\": 4}}", "is not a model with its prices"}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    char text[200];
    snprintf(text, sizeof(text), "{\"prices\": %s}", rows[i].prices);
    CHECK(refused(text, rows[i].words));
  }
  Config *config = load("{\"prices\": {\"p/m\": {\"input\": 0, \"output\": null}}}", NULL);
  CHECK(config != NULL);
  config_free(config);
}

TEST(keys_do_not_belong_here_and_are_not_shown)
{
  const char *bad[] = {
      "{\"providers\": {\"anthropic\": {\"key\": \"sk-hidden\"}}}",
      "{\"providers\": {\"anthropic\": {\"api_key\": \"sk-hidden\"}}}",
      "{\"providers\": {\"anthropic\": {\"key\": {\"env\": \"sk-hidden\"}}}}",
      "{\"providers\": {\"anthropic\": {\"key\": {\"value\": \"sk-hidden\"}}}}",
      "{\"api_key\": \"sk-hidden\"}",
      "{\"anthropic_api_key\": \"sk-hidden\"}",
  };
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    Config *config = load(bad[i], NULL);
    CHECK(config == NULL);
    CHECK_INT(err.code, ERR_CONFIG);
    CHECK(!strstr(err.message, "sk-hidden") && !strstr(err.hint, "sk-hidden"));
    config_free(config);
  }
}

TEST(an_explicit_file_must_be_there)
{
  setenv("PIECEWORK_CONFIG", "/nonexistent/config.json", 1);
  error_clear(&err);
  CHECK(config_load(NULL, &err) == NULL);
  CHECK_INT(err.code, ERR_CONFIG);
}

// What the keys mean is said in the editor's schema, which the help is made from.
TEST(the_help_knows_the_keys)
{
  Arena arena;
  arena_init(&arena);
  Str lua = STR_NONE;
  CHECK(fs_read(&arena, "lua/piecework/config.lua", 1 << 20, &lua, &err));
  for (size_t i = 0; i < CONFIG_KEYS; i++) {
    Str row = str_fmt(&arena, "{ key = '%.*s', ", STR_ARG(config_keys[i].key));
    if (!str_has(lua, row)) TAP_BAD("config.lua has no row %.*s", STR_ARG(row));
  }
  arena_deinit(&arena);
}

TEST(providers_reach_the_models)
{
  Loop loop;
  error_clear(&err);
  CHECK(loop_init(&loop, &err));
  Http *http = http_new(&loop, &err);
  Models *models = models_new(&loop, http);
  Config *config = load(
      "{\"providers\": {\"mine\": {\"base_url\": \"http://127.0.0.1:9/v1/\", \"limit\": 2},"
      "\"anthropic\": {\"base_url\": \"http://127.0.0.1:8\", \"key\": {\"cmd\": \"pass show x\"}}},"
      "\"models\": {\"small\": \"mine/m\", \"big\": \"anthropic/o\"},"
      "\"prices\": {\"mine/m\": {\"input\": 1, \"output\": 2}}}",
      NULL);
  CHECK(config && config_apply(config, models, &err));
  const ProviderConfig *mine = models_provider_get(models, S("mine"));
  CHECK(mine && str_eq(mine->dialect, S("openai-chat")) && mine->limit == 2 && mine->key_optional);
  CHECK_STR(mine->base_url, S("http://127.0.0.1:9/v1"));
  const ProviderConfig *other = models_provider_get(models, S("anthropic"));
  CHECK_STR(other->dialect, S("anthropic"));
  CHECK_INT(other->key_cmd.len, 3);
  CHECK(price_of(models, S("mine"), S("m")).known);
  config_free(config);
  config = load("{\"models\": {\"big\": \"antropic/o\"}}", NULL);
  CHECK(config && !config_apply(config, models, &err));
  CHECK(strstr(err.message, "did you mean `anthropic`") != NULL);
  config_free(config);
  models_free(models);
  http_free(http);
  loop_deinit(&loop);
}

static void clean(void)
{
  unlink(file);
}

int main(int argc, char **argv)
{
  close(mkstemp(file));
  atexit(clean);
  return tap_main(argc, argv);
}
