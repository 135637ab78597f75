// cli_cost.c: `cost`: the receipt of a plan or the sums of a time, as text, JSON or CSV.
#include <string.h>

#include "front/cli.h"
#include "work/receipt.h"

static Value *receipt_row(Arena *arena, const ReceiptRow *row)
{
  Value *map = value_map(arena);
  value_put_str(arena, map, S("phase"), str_from(phase_name(row->phase)));
  value_put_str(arena, map, S("model"), row->model);
  value_put_int(arena, map, S("calls"), row->calls);
  value_put_int(arena, map, S("in"), row->usage.fresh_in + row->usage.cache_write);
  value_put_int(arena, map, S("cached"), row->usage.cache_read);
  value_put_int(arena, map, S("out"), row->usage.out);
  value_put_int(arena, map, S("cost"), row->cost);
  value_put_int(arena, map, S("unknown"), row->unknown);
  value_put_int(arena, map, S("guessed"), row->guessed);
  return map;
}

static bool receipt_json(Cli *cli, int64_t plan)
{
  Receipt receipt;
  Arena *arena = &cli->arena;
  if (!receipt_build(cli->engine, plan, arena, &receipt, &cli->err)) return false;
  Value *map = value_map(arena), *rows = value_list(arena);
  value_put_int(arena, map, S("plan"), plan);
  for (size_t i = 0; i < receipt.rows.len; i++)
    value_push(rows, receipt_row(arena, &receipt.rows.items[i]));
  value_set(map, S("rows"), rows);
  value_put_int(arena, map, S("cost"), receipt.total.cost);
  value_put_int(arena, map, S("unknown"), receipt.total.unknown);
  value_put_int(arena, map, S("guessed"), receipt.total.guessed);
  value_put_int(arena, map, S("lost"), receipt.lost);
  value_put_int(arena, map, S("reserved"), receipt.reserved);
  value_put_int(arena, map, S("budget"), receipt.budget);
  if (receipt.has_estimate) {
    value_put_int(arena, map, S("estimate"), receipt.estimate.total);
    value_put_int(arena, map, S("estimate_big_alone"), receipt.estimate.big_alone);
    value_put_int(arena, map, S("estimate_small_alone"), receipt.estimate.small_alone);
  }
  if (receipt.has_saving) value_set(map, S("saved_big"), value_double(arena, receipt.saved_big));
  cli_json(map);
  return true;
}

// ---- sums ------------------------------------------------------------------------------------------

static const struct {
  const char *name;
  CostBy by;
} groups[] = {{"phase", COST_BY_PHASE}, {"model", COST_BY_MODEL}, {"project", COST_BY_ROOT},
              {"plan", COST_BY_PLAN},   {"task", COST_BY_TASK},   {"day", COST_BY_DAY}};

static bool find_group(Cli *cli, Str name, CostBy *by)
{
  for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
    if (!str_eq(name, str_from(groups[i].name))) continue;
    *by = groups[i].by;
    return true;
  }
  error_set(&cli->err, ERR_USAGE, "--by does not know \"%.*s\"", STR_ARG(name));
  return error_hint_set(&cli->err, "it is one of phase, model, project, plan, task, day");
}

static Value *sum_value(Arena *arena, const CostRow *row)
{
  Value *map = value_map(arena);
  value_put_str(arena, map, S("key"), row->key);
  value_put_int(arena, map, S("calls"), row->attempts);
  value_put_int(arena, map, S("in"), row->usage.fresh_in);
  value_put_int(arena, map, S("written"), row->usage.cache_write);
  value_put_int(arena, map, S("cached"), row->usage.cache_read);
  value_put_int(arena, map, S("out"), row->usage.out);
  value_put_int(arena, map, S("cost"), row->cost);
  value_put_int(arena, map, S("unknown"), row->unknown);
  value_put_int(arena, map, S("guessed"), row->guessed);
  value_put_int(arena, map, S("open"), row->open);
  value_put_int(arena, map, S("open_at_most"), row->open_worst);
  value_put_int(arena, map, S("compared"), row->compared);
  value_put_int(arena, map, S("estimated_in"), row->estimated_in);
  value_put_int(arena, map, S("counted_in"), row->counted_in);
  return map;
}

static void sums_json(Cli *cli, Str by, const CostRowList *rows)
{
  Value *map = value_map(&cli->arena), *list = value_list(&cli->arena);
  value_put_str(&cli->arena, map, S("by"), by);
  for (size_t i = 0; i < rows->len; i++) value_push(list, sum_value(&cli->arena, &rows->items[i]));
  value_set(map, S("rows"), list);
  cli_json(map);
}

// A field of a CSV line: quoted when it holds what would end it; a beginning that a spreadsheet would run as a
// formula is kept from it.
static void csv_field(Str text)
{
  static const char formula[] = "=+-@";
  bool runs = text.len && memchr(formula, text.ptr[0], sizeof(formula) - 1);
  cli_print("\"%s", runs ? "'" : "");
  for (size_t i = 0; i < text.len; i++) cli_print(text.ptr[i] == '"' ? "\"\"" : "%c", text.ptr[i]);
  cli_print("\"");
}

static void csv_usd(int64_t nano)
{
  cli_print("%lld.%09lld", (long long)(nano / 1000000000), (long long)(nano % 1000000000));
}

// Money in USD to the nano-dollar; `unknown` counts the calls that are not in it, `guessed` those that are in it with
// an estimate, `open` those without an end, which may cost `open_usd` at most.
static void sums_csv(Str by, const CostRowList *rows)
{
  cli_print("%.*s,calls,in,written,cached,out,usd,unknown,guessed,open,open_usd\n", STR_ARG(by));
  for (size_t i = 0; i < rows->len; i++) {
    const CostRow *row = &rows->items[i];
    const AttemptUsage *u = &row->usage;
    csv_field(row->key);
    cli_print(",%lld,%lld,%lld,%lld,%lld,", (long long)row->attempts, (long long)u->fresh_in,
              (long long)u->cache_write, (long long)u->cache_read, (long long)u->out);
    csv_usd(row->cost);
    cli_print(",%lld,%lld,%lld,", (long long)row->unknown, (long long)row->guessed,
              (long long)row->open);
    csv_usd(row->open_worst);
    cli_print("\n");
  }
}

static void sums_text(Cli *cli, Str by, const CostRowList *rows)
{
  int64_t open = 0;
  Nano worst = 0;
  cli_print("%-36.*s %6s %9s %9s %10s\n", STR_ARG(by), "calls", "in", "out", "cost");
  for (size_t i = 0; i < rows->len; i++) {
    const CostRow *row = &rows->items[i];
    const AttemptUsage *u = &row->usage;
    cli_print("%-36.*s %6lld %9lld %9lld %10.*s\n", STR_ARG(row->key), (long long)row->attempts,
              (long long)(u->fresh_in + u->cache_write + u->cache_read), (long long)u->out,
              STR_ARG(money_sum(&cli->arena, row->cost, row->unknown + row->open, row->guessed)));
    open += row->open;
    worst += row->open_worst;
  }
  if (open) cli_print("%.*s\n", STR_ARG(money_open(&cli->arena, open, worst)));
}

static bool cost_sums(Cli *cli, int64_t plan, int64_t since)
{
  CostRowList rows = {0};
  CostBy by = COST_BY_MODEL;
  Str name = cli_value(cli, OPT_BY, S("model"));
  if (!find_group(cli, name, &by)) return false;
  if (!journal_cost(cli->engine->journal, &cli->arena, plan, since, by, &rows, &cli->err))
    return false;
  if (cli_has(cli, OPT_CSV)) {
    sums_csv(name, &rows);
  } else if (cli_has(cli, OPT_JSON)) {
    sums_json(cli, name, &rows);
  } else {
    sums_text(cli, name, &rows);
  }
  return true;
}

bool cli_cost(Cli *cli)
{
  View view;
  int64_t plan = 0, since = 0;
  Str which = cli->args.len ? cli->args.items[0] : S("last");
  bool period = cost_since(which, &since);
  if (!period && !cli_plan_arg(cli, &plan)) return false;
  bool sums = cli_has(cli, OPT_BY) || cli_has(cli, OPT_CSV);
  if (sums || (period && cli_has(cli, OPT_JSON))) return cost_sums(cli, plan, since);
  if (!period && cli_has(cli, OPT_JSON)) return receipt_json(cli, plan);
  if (!period) which = str_fmt(&cli->arena, "%lld", (long long)plan);
  if (!view_cost(cli->engine, which, &cli->arena, &view, &cli->err)) return false;
  cli_print_view(cli, &view);
  return true;
}
