// t_prices.c: the embedded table, cliffs, announced prices, overrides, estimates; and the presets.
#include "model/models.h"

#include <stdlib.h>

#include "lib/json.h"
#include "model/batch.h"
#include "model/presets.h"
#include "tap.h"

static Price find(const char *provider, const char *model, const char *today)
{
  Prices prices;
  prices_init(&prices);
  Price price = prices_find(&prices, str_from(provider), str_from(model), str_from(today)).price;
  prices_deinit(&prices);
  return price;
}

// In thousandths of a dollar per million tokens, to compare as integers.
static int64_t milli(double price)
{
  return (int64_t)(price * 1000 + (price < 0 ? -0.5 : 0.5));
}

TEST(the_table_is_there)
{
  CHECK_INT(prices_as_of().len, 10);
  CHECK(str_starts(prices_as_of(), S("20")));
  Price price = find("anthropic", "claude-haiku-5-5", "2026-11-23");
  CHECK(price.known);
  CHECK_INT(milli(price.input), 100);
  CHECK_INT(milli(price.output), 500);
  CHECK_INT(milli(price.cache_read), 10);
  CHECK_INT(milli(price.cache_write), 125);
  CHECK_INT(price.tier_above, 100000);
  CHECK_INT(milli(price.tier_output), 2500);
  CHECK_INT(price.max_output, 128000);
}

TEST(unknown_is_unknown)
{
  CHECK(!find("anthropic", "no-such-model", "2026-11-23").known);
  CHECK(!find("nobody", "claude-haiku-5-5", "2026-11-23").known);
  Price price = find("", "", "2026-11-23");
  Usage usage = {.fresh_in = 5, .known = true};
  CHECK_INT(usage_cost(&price, &usage), NANO_UNKNOWN);
}

TEST(dated_names)
{
  CHECK(find("anthropic", "claude-haiku-4-5-20251001", "2026-11-23").known);
  CHECK(find("openai", "gpt-5.4-mini-2026-03-01", "2026-11-23").known);
  CHECK(!find("anthropic", "claude-haiku-4-5-x0251001", "2026-11-23").known);
}

TEST(announced_prices_count_from_their_day)
{
  CHECK_INT(milli(find("google", "gemini-4-argon", "2026-11-30").input), 2000);
  CHECK_INT(milli(find("google", "gemini-4-argon", "2026-12-01").input), 4000);
  CHECK_INT(milli(find("google", "gemini-4-argon", "2027-05-01").output), 20000);
}

TEST(costs_with_cache_and_cliff)
{
  Price price = find("anthropic", "claude-haiku-5-5", "2026-11-23");
  Usage small = {.fresh_in = 1000,
                 .cache_write = 2000,
                 .cache_read = 5000,
                 .out = 300,
                 .reasoning = 100,
                 .known = true};
  // 1000*0.1 + 2000*0.125 + 5000*0.01 + 300*0.5 = 550 USD per million -> 550000 nano
  CHECK_INT(usage_cost(&price, &small), 550000);
  Usage at = {.fresh_in = 100000, .known = true},
        past = {.fresh_in = 1, .cache_read = 100000, .known = true};
  CHECK_INT(usage_cost(&price, &at), 10000000);
  CHECK_INT(usage_cost(&price, &past), 5000500);  // cached tokens count for the cliff
  Usage nothing = {.known = true};
  CHECK_INT(usage_cost(&price, &nothing), 0);
}

TEST(an_hour_in_the_cache_is_dearer)
{
  Price price = find("anthropic", "claude-haiku-5-5", "2026-11-23");
  Usage usage = {.cache_write = 2000, .hour_write = 1500, .known = true};
  CHECK_INT(milli(price.cache_write_hour), 200);
  CHECK_INT(usage_cost(&price, &usage), 500 * 125 + 1500 * 200);
  price.cache_write_hour = -1;  // no price of its own: twice the input
  CHECK_INT(usage_cost(&price, &usage), 500 * 125 + 1500 * 200);
  usage.hour_write = 9999;  // a part is never more than the whole
  CHECK_INT(usage_cost(&price, &usage), 2000 * 200);
}

TEST(a_cache_without_price_costs_the_input_price)
{
  Price price = {.input = 2, .output = 4, .cache_read = -1, .cache_write = -1, .known = true};
  Usage usage = {.cache_read = 1000, .cache_write = 1000, .known = true};
  CHECK_INT(usage_cost(&price, &usage), 4000000);
}

TEST(huge_counters_do_not_overflow)
{
  Price price = {.input = 1e6, .output = 1e6, .cache_read = -1, .cache_write = -1, .known = true};
  Usage usage = {.fresh_in = 1000000000000, .out = 1000000000000, .known = true};
  Nano sum = 0;
  for (int i = 0; i < 9000; i++) cost_add(&sum, usage_cost(&price, &usage));
  CHECK(sum > 0);
}

// DeepSeek: half price outside of Monday to Friday 01:00-04:00 and 06:00-10:00 UTC.
TEST(prices_of_the_off_peak)
{
  static const struct {
    int64_t day, minute;  // days since Thursday, 1 January 1970
    bool peak;
  } rows[] = {{0, 0, false},    {0, 59, false},   {0, 60, true},      {0, 239, true},
              {0, 240, false},  {0, 359, false},  {0, 360, true},     {0, 599, true},
              {0, 600, false},  {0, 1439, false}, {1, 90, true},      {2, 90, false},
              {3, 400, false},  {4, 90, true},    {20785, 90, false}, {20786, 90, false},
              {20787, 90, true}};
  Price price = find("deepseek", "deepseek-flash", "2026-11-23");
  Usage usage = {.fresh_in = 1000000, .out = 1000000, .known = true};
  CHECK_INT(usage_cost(&price, &usage), 1500000000);  // estimates and reservations: the dearer one
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    int64_t at = (rows[i].day * 1440 + rows[i].minute) * 60000;
    CHECK_INT(usage_cost_at(&price, &usage, at), rows[i].peak ? 1500000000 : 750000000);
  }
  price = find("anthropic", "claude-haiku-5-5", "2026-11-23");
  CHECK_INT(usage_cost_at(&price, &usage, 0), usage_cost(&price, &usage));
}

TEST(overrides)
{
  Arena arena;
  arena_init(&arena);
  Error err = {0};
  Prices prices;
  prices_init(&prices);
  const Value *mine =
      json_parse(&arena,
                 S("{\"anthropic/claude-haiku-5-5\": {\"input\": 1, \"output\": 2},"
                   "\"own/m\": {\"input\": 3, \"output\": 4, \"cache_read\": 0.5, \"context\": "
                   "8192, \"max_output\": 1024},"
                   "\"deepseek/deepseek-flash\": {\"input\": 1, \"output\": 2},"
                   "\"openai/gpt-6-luna\": {\"max_output\": 5}, \"own/half\": {\"input\": 1}}"),
                 &err);
  prices_override(&prices, mine);
  Price price = prices_find(&prices, S("anthropic"), S("claude-haiku-5-5"), S("2026-11-23")).price;
  CHECK_INT(milli(price.input), 1000);
  CHECK_INT(price.tier_above, 0);
  CHECK(price.cache_read < 0);
  CHECK_INT(milli(price.cache_write), 1250);  // a quarter more than input, as in the table
  price = prices_find(&prices, S("own"), S("m"), S("2026-11-23")).price;
  CHECK(price.known);
  CHECK_INT(milli(price.cache_read), 500);
  CHECK_INT(price.context, 8192);
  price = prices_find(&prices, S("openai"), S("gpt-6-luna"), S("2026-11-23")).price;
  CHECK(price.known);
  CHECK_INT(price.max_output, 5);
  CHECK_INT(price.tier_above, 272000);
  CHECK(!prices_find(&prices, S("own"), S("half"), S("2026-11-23")).price.known);
  price = prices_find(&prices, S("deepseek"), S("deepseek-flash"), S("2026-11-23")).price;
  CHECK_INT(usage_cost_at(&price, &(Usage){.out = 1000000}, 0),
            2000000000);  // the user's own, at any time
  prices_deinit(&prices);
  arena_deinit(&arena);
}

TEST(every_row_of_the_table_is_whole)
{
  Arena arena;
  arena_init(&arena);
  Prices prices;
  prices_init(&prices);
  prices_find(&prices, S("x"), S("y"), S("2026-11-23"));
  CHECK(value_len(prices.table) >= 60);
  for (VALUE_EACH (row, prices.table)) {
    Str id = value_get_str(row, S("id"), STR_NONE),
        provider = value_get_str(row, S("provider"), STR_NONE);
    CHECK(id.len && provider.len);
    Price price = prices_find(&prices, provider, id, S("2026-11-23")).price;
    CHECK(price.known);
    CHECK(price.context > 0);
    CHECK(price.output >= price.input);
    CHECK(preset_find(provider) != NULL);
  }
  prices_deinit(&prices);
  arena_deinit(&arena);
}

TEST(estimates)
{
  CHECK_INT(tokens_estimate(STR_NONE), 0);
  CHECK_INT(tokens_estimate(S("a")), 1);
  CHECK_INT(tokens_estimate(S("123456789012345678")), 5);
  CHECK_INT(tokens_estimate(S("1234567890123456789")), 6);
  ModelMessage message = {.role = MSG_USER, .text = S("123456789012345678")};
  ModelRequest request = {.system = S("123456789012345678"), .messages = {&message, 1, 1}};
  int64_t plain = request_tokens_estimate(&request);
  CHECK(plain >= 10 && plain < 200);
  request.shared = S("123456789012345678");
  CHECK_INT(request_tokens_estimate(&request), plain + 5);
}

// ---- presets and Models ---------------------------------------------------------------------------------

typedef struct {
  Loop loop;
  Models *models;
} Fixture;

static void open_models(Fixture *f)
{
  Error err = {0};
  CHECK(loop_init(&f->loop, &err));
  f->models = models_new(&f->loop, NULL);
}

static void close_models(Fixture *f)
{
  models_free(f->models);
  loop_deinit(&f->loop);
}

TEST(all_presets_have_a_dialect)
{
  Fixture f;
  open_models(&f);
  CHECK(models_provider_count(f.models) >= 15);
  for (size_t i = 0; i < models_provider_count(f.models); i++) {
    const ProviderConfig *config = models_provider_at(f.models, i);
    bool replay = str_eq(config->dialect, S("replay"));
    CHECK(replay || dialect_find(config->dialect) != NULL);
    CHECK(replay || str_starts(config->base_url, S("http")));
    CHECK(config->limit > 0);
    CHECK(replay || config->key_env.len > 0);
    bool batches = str_eq(config->name, S("anthropic")) || str_eq(config->name, S("openai")) ||
                   str_eq(config->name, S("google"));
    CHECK_INT(batch_possible(f.models, config->name, S("m"), NULL), batches);
  }
  CHECK(models_provider_at(f.models, 999) == NULL);
  close_models(&f);
}

TEST(base_urls_from_the_environment)
{
  setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9/", 1);
  setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1", 1);
  setenv("OLLAMA_HOST", "0.0.0.0", 1);
  Fixture f;
  open_models(&f);
  CHECK_STR(models_provider_get(f.models, S("anthropic"))->base_url, S("http://127.0.0.1:9"));
  CHECK_STR(models_provider_get(f.models, S("openai"))->base_url, S("http://127.0.0.1:9/v1"));
  CHECK_STR(models_provider_get(f.models, S("ollama"))->base_url, S("http://127.0.0.1:11434/v1"));
  close_models(&f);
  unsetenv("ANTHROPIC_BASE_URL");
  unsetenv("OPENAI_BASE_URL");
  unsetenv("OLLAMA_HOST");
}

TEST(ollama_hosts)
{
  static const char *const rows[][2] = {
      {"box", "http://box:11434/v1"},          {"box:99", "http://box:99/v1"},
      {"https://box", "https://box/v1"},       {"http://box:8080/", "http://box:8080/v1"},
      {"http://box/pre", "http://box/pre/v1"}, {":5000", "http://127.0.0.1:5000/v1"},
      {"[::1]", "http://[::1]:11434/v1"},      {"0.0.0.0:7", "http://127.0.0.1:7/v1"}};
  Arena arena;
  arena_init(&arena);
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    CHECK_STR(ollama_base_url(&arena, str_from(rows[i][0])), str_from(rows[i][1]));
  }
  arena_deinit(&arena);
}

TEST(prices_of_local_and_replayed_models)
{
  Fixture f;
  open_models(&f);
  Price price = price_of(f.models, S("ollama"), S("anything"));
  CHECK(price.known);
  CHECK_INT(milli(price.output), 0);
  ProviderConfig maker = *models_provider_get(f.models, S("ollama"));
  maker.base_url = S("https://ollama.com/v1");
  models_provider(f.models, &maker);
  CHECK(!price_of(f.models, S("ollama"), S("anything")).known);  // paid by the month
  CHECK(!price_of(f.models, S("openrouter"), S("anything")).known);
  // what is asked when only OpenRouter's key is there
  CHECK_INT(milli(price_of(f.models, S("openrouter"), S("anthropic/claude-opus-5.5")).output),
            20000);
  price = price_of(f.models, S("openrouter"), S("anthropic/claude-haiku-5.5"));
  CHECK_INT(milli(price.output), 500);
  CHECK_INT(milli(price.tier_output), 2500);
  price = price_of(f.models, S("replay"), S("anthropic/claude-haiku-5-5"));
  CHECK_INT(milli(price.output), 500);
  CHECK(!price_of(f.models, S("replay"), S("big")).known);
  ModelRequest request = {
      .provider = S("anthropic"), .model = S("claude-haiku-5-5"), .max_output = 1000};
  Nano worst = request_worst_cost(f.models, &request);
  CHECK(worst >= 500000 && worst < 600000);
  request.model = S("no-such");
  CHECK_INT(request_worst_cost(f.models, &request), NANO_UNKNOWN);
  close_models(&f);
}

TEST(writing_to_the_cache_of_a_gateway)
{
  Fixture f;
  open_models(&f);
  Arena arena;
  arena_init(&arena);
  Error err = {0};
  ProviderConfig gateway = *models_provider_get(f.models, S("anthropic"));
  gateway.name = S("gate");
  models_provider(f.models, &gateway);
  models_prices(f.models, json_parse(&arena,
                                     S("{\"gate/m\": {\"input\": 4, \"output\": 20},"
                                       "\"gate/n\": {\"input\": 4, \"output\": 20,"
                                       "\"cache_write\": 4}}"),
                                     &err));
  CHECK_INT(milli(price_of(f.models, S("gate"), S("m")).cache_write), 5000);
  CHECK_INT(milli(price_of(f.models, S("gate"), S("n")).cache_write), 4000);
  close_models(&f);
  arena_deinit(&arena);
}

TEST(a_provider_of_the_users_own)
{
  Fixture f;
  open_models(&f);
  ProviderConfig own = {.name = S("own"),
                        .dialect = S("openai-chat"),
                        .base_url = S(" http://box:1/v1// "),
                        .limit = 3};
  models_provider(f.models, &own);
  const ProviderConfig *got = models_provider_get(f.models, S("own"));
  CHECK_STR(got->base_url, S("http://box:1/v1"));
  CHECK((got->quirks & QUIRK_MAX_TOKENS) != 0);
  ProviderConfig changed = *models_provider_get(f.models, S("anthropic"));
  changed.limit = 2;
  models_provider(f.models, &changed);
  CHECK_INT(models_provider_get(f.models, S("anthropic"))->limit, 2);
  CHECK_STR(models_provider_get(f.models, S("anthropic"))->base_url,
            S("https://api.anthropic.com"));
  CHECK(models_provider_get(f.models, S("nobody")) == NULL);
  CHECK(models_learn(f.models, S("own"), S("m"), QUIRK_NO_EFFORT));
  CHECK(!models_learn(f.models, S("own"), S("m"), QUIRK_NO_EFFORT));
  CHECK((models_target(f.models, got, S("m")).quirks & QUIRK_NO_EFFORT) != 0);
  CHECK((models_target(f.models, got, S("n")).quirks & QUIRK_NO_EFFORT) == 0);
  close_models(&f);
}

TEST(who_pays_at_openai)
{
  Fixture f;
  open_models(&f);
  Arena arena;
  arena_init(&arena);
  setenv("OPENAI_ORG_ID", " org-1\n", 1);
  setenv("OPENAI_PROJECT_ID", "proj-2", 1);
  static const Str names[] = {S("openai"), S("groq")};
  const Dialect *dialects[] = {&dialect_openai_responses, &dialect_openai_chat};
  for (size_t i = 0; i < 4; i++) {
    ModelRequest request = {.model = S("m")};
    WireRequest wire;
    Target target = models_target(f.models, models_provider_get(f.models, names[i / 2]), S("m"));
    dialects[i % 2]->build(&arena, &request, &target, &(Key){0}, &wire);
    Str said[2] = {0};
    for (size_t k = 0; k < wire.header_count; k++) {
      if (str_eq(wire.headers[k].name, S("openai-organization"))) said[0] = wire.headers[k].value;
      if (str_eq(wire.headers[k].name, S("openai-project"))) said[1] = wire.headers[k].value;
    }
    CHECK_STR(said[0], i < 2 ? S("org-1") : S(""));
    CHECK_STR(said[1], i < 2 ? S("proj-2") : S(""));
  }
  unsetenv("OPENAI_ORG_ID");
  unsetenv("OPENAI_PROJECT_ID");
  arena_deinit(&arena);
  close_models(&f);
}

TEST(where_keys_come_from)
{
  Fixture f;
  open_models(&f);
  Str source = STR_NONE;
  Error err = {0};
  unsetenv("ANTHROPIC_API_KEY");
  unsetenv("ANTHROPIC_AUTH_TOKEN");
  CHECK(!models_key_ready(f.models, S("anthropic"), &source, &err));
  CHECK_INT(err.code, ERR_NO_KEY);
  CHECK(str_has(str_from(err.message), S("$ANTHROPIC_API_KEY")));
  setenv("ANTHROPIC_AUTH_TOKEN", "canary", 1);
  error_clear(&err);
  CHECK(models_key_ready(f.models, S("anthropic"), &source, &err));
  CHECK_STR(source, S("$ANTHROPIC_AUTH_TOKEN"));
  setenv("ANTHROPIC_API_KEY", "canary", 1);
  CHECK(models_key_ready(f.models, S("anthropic"), &source, &err));
  CHECK_STR(source, S("$ANTHROPIC_API_KEY"));
  setenv("ANTHROPIC_API_KEY", "canary with blanks", 1);
  CHECK(!models_key_ready(f.models, S("anthropic"), &source, &err));
  CHECK(str_has(str_from(err.message), S("blanks")) &&
        !str_has(str_from(err.message), S("canary")));
  error_clear(&err);
  CHECK(models_key_ready(f.models, S("ollama"), &source, &err));
  CHECK_STR(source, S("none needed"));
  unsetenv("ANTHROPIC_API_KEY");
  unsetenv("ANTHROPIC_AUTH_TOKEN");
  CHECK(!models_key_ready(f.models, S("nobody"), &source, &err));
  close_models(&f);
}

TEST_MAIN
