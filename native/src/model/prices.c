// prices.c: see prices.h. All prices are USD per million tokens; what the table does not say is unknown
// (negative), except that a cache without a price of its own costs the input price.
#include "model/prices.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/embedded.h"
#include "lib/json.h"
#include "model/dialect.h"

static Str table_text(void)
{
  Str text = STR_NONE;
  embedded_find(gen_model, S("data/models.json"), &text);
  return text;
}

Str prices_as_of(void)
{
  Str text = table_text();
  size_t at = str_find(text, S("\"as_of\": \""));
  return at == STR_NOT_FOUND ? STR_NONE : str_sub(text, at + 10, at + 20);
}

void prices_init(Prices *prices)
{
  *prices = (Prices){0};
  arena_init(&prices->arena);
}

void prices_deinit(Prices *prices)
{
  arena_deinit(&prices->arena);
}

void prices_override(Prices *prices, const Value *overrides)
{
  prices->overrides = value_dup(&prices->arena, overrides);
  memset(prices->memos, 0, sizeof(prices->memos));
}

Str date_utc(Arena *arena, int64_t wall_ms)
{
  time_t seconds = (time_t)(wall_ms / 1000);
  struct tm tm;
  gmtime_r(&seconds, &tm);
  return str_fmt(arena, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

// "claude-haiku-4-5-20251001" and "gpt-5.4-mini-2026-03-01" without their date.
Str model_undated(Str model)
{
  static const size_t lengths[] = {9, 11};  // "-20251001", "-2026-03-01"
  for (size_t i = 0; i < 2; i++) {
    size_t len = lengths[i];
    if (model.len <= len) continue;
    Str tail = str_skip(model, model.len - len);
    bool date = tail.ptr[0] == '-' && tail.ptr[1] == '2' && tail.ptr[2] == '0';
    for (size_t k = 1; date && k < len; k++) {
      bool dash = len == 11 && (k == 5 || k == 8);
      date = dash ? tail.ptr[k] == '-' : tail.ptr[k] >= '0' && tail.ptr[k] <= '9';
    }
    if (date) return str_sub(model, 0, model.len - len);
  }
  return model;
}

static const Value *table_row(Prices *prices, Str provider, Str model)
{
  if (!prices->table) {
    Error err = {0};
    prices->table = value_get(json_parse(&prices->arena, table_text(), &err), S("models"));
  }
  for (VALUE_EACH (row, prices->table)) {
    if (str_eq(value_get_str(row, S("provider"), STR_NONE), provider) &&
        str_eq(value_get_str(row, S("id"), STR_NONE), model)) {
      return row;
    }
  }
  return NULL;
}

// Takes over what [map] says and leaves the rest; a field that is no number says nothing.
static void read_base(Price *price, const Value *map)
{
  price->input = value_get_double(map, S("input"), price->input);
  price->output = value_get_double(map, S("output"), price->output);
  price->cache_read = value_get_double(map, S("cache_read"), price->cache_read);
  price->cache_write = value_get_double(map, S("cache_write"), price->cache_write);
  price->cache_write_hour = value_get_double(map, S("cache_write_1h"), price->cache_write_hour);
}

static void read_tier(Price *price, const Value *tier)
{
  if (!tier) return;
  price->tier_above = value_get_int(tier, S("above_input_tokens"), price->tier_above);
  price->tier_input = value_get_double(tier, S("input"), price->tier_input);
  price->tier_output = value_get_double(tier, S("output"), price->tier_output);
  price->tier_cache_read = value_get_double(tier, S("cache_read"), price->tier_cache_read);
  price->tier_cache_write = value_get_double(tier, S("cache_write"), price->tier_cache_write);
}

static void read_changes(Price *price, const Value *changes, Str today)
{
  for (VALUE_EACH (change, changes)) {
    if (str_cmp(value_get_str(change, S("from"), S("9999")), today) <= 0) read_base(price, change);
  }
}

// {"share": 0.5, "peak_utc": [[1, 4], [6, 10]]}: DeepSeek's share outside of its peak hours.
static void read_off_peak(Price *price, const Value *map)
{
  price->off_peak = value_get_double(map, S("share"), 1);
  for (VALUE_EACH (span, value_get(map, S("peak_utc")))) {
    int64_t to = value_to_int(value_at(span, 1), 0);
    for (int64_t hour = value_to_int(value_at(span, 0), 24); hour >= 0 && hour < to && hour < 24;
         hour++)
      price->peak_hours |= 1u << hour;
  }
}

static const struct {
  const char *flag;
  unsigned quirk;
} flags[] = {
    {"tools_need_responses_api", QUIRK_TOOLS_ELSEWHERE},
    {"chat_tools_only_with_effort_none", QUIRK_TOOLS_NO_EFFORT},
    {"no_effort_none", QUIRK_NO_EFFORT_NONE},
    {"not_a_reasoning_model", QUIRK_NO_EFFORT},
    {"no_developer_role", QUIRK_SYSTEM_ROLE},
    {"uses_max_tokens", QUIRK_MAX_TOKENS},
};

static unsigned quirks_of(const Value *list)
{
  unsigned quirks = 0;
  for (VALUE_EACH (item, list)) {
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
      if (str_eq(value_to_str(item, STR_NONE), str_from(flags[i].flag))) quirks |= flags[i].quirk;
    }
  }
  return quirks;
}

static void read_override(Price *price, const Value *map)
{
  bool changes_base = value_get(map, S("input")) || value_get(map, S("output"));
  double write = price->input > 0 ? price->cache_write / price->input : 0;
  if (changes_base) {  // the user's price replaces the table's cliffs, too
    price->tier_above = 0;
    price->cache_read = price->cache_write = price->cache_write_hour = -1;
    price->off_peak = 1;
  }
  read_base(price, map);
  // who asks more for what is written does so at any price
  if (changes_base && price->cache_write < 0 && write > 1)
    price->cache_write = write * price->input;
  price->context = value_get_int(map, S("context"), price->context);
  price->max_output = value_get_int(map, S("max_output"), price->max_output);
}

static ModelInfo look_up(Prices *prices, Str provider, Str model, Str today)
{
  // All who take batches ask half, of every kind of token; where the table knows better it counts.
  Price unknown = {.input = -1,
                   .output = -1,
                   .cache_read = -1,
                   .cache_write = -1,
                   .cache_write_hour = -1,
                   .tier_input = -1,
                   .tier_output = -1,
                   .tier_cache_read = -1,
                   .tier_cache_write = -1,
                   .batch = 0.5};
  ModelInfo info = {.price = unknown};
  const Value *row = table_row(prices, provider, model);
  if (!row) row = table_row(prices, provider, model_undated(model));
  info.listed = row != NULL;
  info.efforts = value_get(row, S("effort"));
  info.quirks = quirks_of(value_get(row, S("flags")));
  info.price.context = value_get_int(row, S("context"), 0);
  info.price.max_output = value_get_int(row, S("max_output"), 0);
  read_base(&info.price, value_get(row, S("price")));
  read_changes(&info.price, value_get(row, S("price_changes")), today);
  read_tier(&info.price, value_at(value_get(row, S("tiers")), 0));
  read_off_peak(&info.price, value_get(row, S("off_peak")));
  char name[256];
  int len = snprintf(name, sizeof(name), "%.*s/%.*s", STR_ARG(provider), STR_ARG(model));
  if (len > 0 && (size_t)len < sizeof(name)) {
    read_override(&info.price, value_get(prices->overrides, (Str){name, (size_t)len}));
  }
  double batch = value_get_double(value_get(row, S("batch")), S("input"), -1);
  double live = value_get_double(value_get(row, S("price")), S("input"), -1);
  if (batch >= 0 && live > 0) info.price.batch = batch / live;
  info.price.known = info.price.input >= 0 && info.price.output >= 0;
  return info;
}

static bool copy(char *to, size_t size, Str text)
{
  if (text.len >= size) return false;
  if (text.len) memcpy(to, text.ptr, text.len);
  to[text.len] = 0;
  return true;
}

static bool is_about(const PriceMemo *memo, Str provider, Str model, Str today)
{
  return model.len && str_eq(str_from(memo->model), model) &&
         str_eq(str_from(memo->provider), provider) && str_eq(str_from(memo->date), today);
}

ModelInfo prices_find(Prices *prices, Str provider, Str model, Str today)
{
  for (size_t i = 0; i < PRICE_MEMOS; i++) {
    if (is_about(&prices->memos[i], provider, model, today)) return prices->memos[i].info;
  }
  PriceMemo memo = {.info = look_up(prices, provider, model, today)};
  if (copy(memo.provider, sizeof(memo.provider), provider) &&
      copy(memo.model, sizeof(memo.model), model) && copy(memo.date, sizeof(memo.date), today)) {
    prices->memos[prices->next_memo++ % PRICE_MEMOS] = memo;
  }
  return memo.info;
}

Str prices_today(Prices *prices)
{
  int64_t now = wall_now_ms(), day = now / (24 * 3600 * 1000);
  if (!prices->date[0] || prices->day != day) {
    Arena scratch;
    arena_init(&scratch);
    copy(prices->date, sizeof(prices->date), date_utc(&scratch, now));
    prices->day = day;
    arena_deinit(&scratch);
  }
  return str_from(prices->date);
}

// ---- money ----------------------------------------------------------------------------------------------

static double or_else(double price, double fallback)
{
  return price >= 0 ? price : fallback;
}

Nano usage_cost(const Price *price, const Usage *usage)
{
  if (!price->known) return NANO_UNKNOWN;
  int64_t prompt = usage->fresh_in + usage->cache_write + usage->cache_read;
  bool tier = price->tier_above > 0 && prompt > price->tier_above;
  double input = tier ? or_else(price->tier_input, price->input) : price->input;
  double output = tier ? or_else(price->tier_output, price->output) : price->output;
  double read = or_else(tier ? price->tier_cache_read : price->cache_read, input);
  double write = or_else(tier ? price->tier_cache_write : price->cache_write, input);
  double hour = or_else(tier ? -1 : price->cache_write_hour, 2 * input);
  int64_t hours = usage->hour_write < usage->cache_write ? usage->hour_write : usage->cache_write;
  double usd_per_million = (double)usage->fresh_in * input + (double)usage->cache_read * read +
                           (double)(usage->cache_write - hours) * write + (double)hours * hour +
                           (double)usage->out * output;
  double nano = usd_per_million * 1000.0 + 0.5;  // 1e9 nano per USD, per 1e6 tokens
  const double most = 1e15;  // a million dollars: thousands of such calls still add up
  return nano < most ? (Nano)nano : (Nano)most;
}

static bool is_peak(const Price *price, int64_t wall_ms)
{
  time_t seconds = (time_t)(wall_ms / 1000);
  struct tm tm;
  bool weekday = gmtime_r(&seconds, &tm) && tm.tm_wday >= 1 && tm.tm_wday <= 5;
  return weekday && price->peak_hours >> tm.tm_hour & 1;
}

Nano usage_cost_at(const Price *price, const Usage *usage, int64_t wall_ms)
{
  Nano cost = usage_cost(price, usage);
  if (cost <= 0 || price->off_peak <= 0 || price->off_peak >= 1 || is_peak(price, wall_ms))
    return cost;
  return (Nano)((double)cost * price->off_peak + 0.5);
}

void usage_add(Usage *sum, const Usage *more)
{
  sum->fresh_in += more->fresh_in;
  sum->cache_write += more->cache_write;
  sum->cache_read += more->cache_read;
  sum->out += more->out;
  sum->reasoning += more->reasoning;
  sum->hour_write += more->hour_write;
  sum->known &= more->known;
}

void cost_add(Nano *sum, Nano more)
{
  *sum = *sum == NANO_UNKNOWN || more == NANO_UNKNOWN ? NANO_UNKNOWN : *sum + more;
}

Nano request_worst_cost(const Models *models, const ModelRequest *request)
{
  Price price = price_of(models, request->provider, request->model);
  int64_t in = request_tokens_most(request);
  int64_t out = request->max_output > 0 ? request->max_output : price.max_output;
  bool written = request->for_hours || or_else(price.cache_write, price.input) > price.input;
  Usage usage = {.fresh_in = written ? 0 : in,
                 .cache_write = written ? in : 0,
                 .hour_write = request->for_hours ? in : 0,
                 .out = out};
  return usage_cost(&price, &usage);
}

// ---- amounts ------------------------------------------------------------------------------------

enum { NANO_PLACES = 9 };
static const int64_t nano_per_dollar = 1000000000;

Nano money_parse(Str text)
{
  Str whole = str_trim(text), part = STR_NONE;
  if (str_starts(whole, S("$"))) whole = str_skip(whole, 1);
  size_t dot = str_find_char(whole, '.');
  if (dot != STR_NOT_FOUND) {
    part = str_skip(whole, dot + 1);
    whole = str_sub(whole, 0, dot);
    if (part.len == 0) return NANO_UNKNOWN;
  }
  uint64_t dollars = 0, nanos = 0;
  if (part.len > NANO_PLACES || whole.len > 9) return NANO_UNKNOWN;
  if ((whole.len || !part.len) && !str_to_u64(whole, &dollars)) return NANO_UNKNOWN;
  if (part.len && !str_to_u64(part, &nanos)) return NANO_UNKNOWN;
  for (size_t i = part.len; i < NANO_PLACES; i++) nanos *= 10;
  return (Nano)dollars * nano_per_dollar + (Nano)nanos;
}

Str money_plain(Arena *arena, Nano amount)
{
  Str text = str_fmt(arena, "%lld.%09lld", (long long)(amount / nano_per_dollar),
                     (long long)(amount % nano_per_dollar));
  while (text.len > 4 && text.ptr[text.len - 1] == '0' && text.ptr[text.len - 3] != '.') text.len--;
  return text;
}

Str money_about(Arena *arena, Nano amount)
{
  if (amount < 0) return S("its price unknown");
  Str text = money(arena, amount);
  return str_starts(text, S("$")) && amount ? str_cat(arena, S("about "), text) : text;
}

Str money(Arena *arena, Nano amount)
{
  double dollars = (double)amount / 1e9;
  if (amount < 0) return S("unknown");
  if (amount == 0) return S("$0");
  if (amount < 50000) return S("under $0.0001");
  if (dollars >= 0.0995) return str_fmt(arena, "$%.2f", dollars);
  return str_fmt(arena, "$%.*f", dollars >= 0.00995 ? 3 : 4, dollars);
}
