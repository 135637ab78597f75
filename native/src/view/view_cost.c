// view_cost.c: money: the receipt of one plan, or what a day, week, month or all of it came to.
#include "lib/loop.h"
#include "view/view_text.h"
#include "work/estimate.h"
#include "work/receipt.h"

static void write_text(ViewText *view, LineMeaning meaning, Str text)
{
  for (Str rest = text, line; str_line(&rest, &line);)
    view_line(view, meaning, "%.*s", STR_ARG(line));
}

static void add_cost(CostRow *sum, const CostRow *row)
{
  sum->cost += row->cost;
  sum->unknown += row->unknown;
  sum->guessed += row->guessed;
  sum->open += row->open;
  sum->open_worst += row->open_worst;
}

static Str cost_text(Arena *arena, const CostRow *row)
{
  return money_sum(arena, row->cost, row->unknown + row->open, row->guessed);
}

static void cost_line(ViewText *view, const CostRow *row)
{
  Arena *arena = view->arena;
  const AttemptUsage *u = &row->usage;
  Str in = tokens_short(arena, u->fresh_in + u->cache_write);
  Str cached = tokens_short(arena, u->cache_read);
  Str out = tokens_short(arena, u->out);
  Str cost = cost_text(arena, row);
  Str key = row->key.len ? row->key : S("(none)");
  if (str_columns(key) > 34) key = str_skip(key, key.len - str_utf8_floor(key, 34));
  view_line(view, (LineMeaning){.kind = S("cost")}, "  %-34.*s %6lld %7.*s %7.*s %7.*s %10.*s",
            STR_ARG(key), (long long)row->attempts, STR_ARG(in), STR_ARG(cached), STR_ARG(out),
            STR_ARG(cost));
}

// How far the prompts of a model were estimated off, where its provider has counted them.
static void estimate_line(ViewText *view, const CostRow *row)
{
  if (!row->compared) return;
  Str off = estimate_off(view->arena, row->estimated_in, row->counted_in);
  view_line(view, (LineMeaning){.kind = S("note")},
            "  %.*s: prompts were estimated %.*s, over %lld calls", STR_ARG(row->key), STR_ARG(off),
            (long long)row->compared);
}

enum { DAYS_SHOWN = 30 };

static void head_line(ViewText *view, const char *title)
{
  view_line(view, (LineMeaning){.kind = S("head")}, "%-36s %6s %7s %7s %7s %10s", title, "calls",
            "in", "cached", "out", "cost");
}

// A bar for each of the last days that cost anything.
static bool write_days(ViewText *view, Engine *engine, int64_t since, Error *err)
{
  enum { BAR = 23 };
  int64_t first = wall_now_ms() - (int64_t)DAYS_SHOWN * 86400000, most = 0;
  CostRowList rows = {0};
  if (!journal_cost(engine->journal, view->arena, 0, since > first ? since : first, COST_BY_DAY,
                    &rows, err))
    return false;
  if (rows.len < 2) return true;
  for (size_t i = 0; i < rows.len; i++)
    most = rows.items[i].cost > most ? rows.items[i].cost : most;
  head_line(view, since > first ? "day" : "day (the last 30)");
  for (size_t i = 0; i < rows.len; i++) {
    CostRow *row = &rows.items[i];
    Str bar = receipt_bar(view->arena, row->cost, most, BAR);
    row->key = str_fmt(view->arena, "%.*s %.*s", STR_ARG(row->key), STR_ARG(bar));
    cost_line(view, row);
  }
  return true;
}

typedef struct {
  const char *title;
  CostBy by;
} Section;

static bool write_period(ViewText *view, Engine *engine, Str which, int64_t since, Error *err)
{
  static const Section sections[] = {
      {"phase", COST_BY_PHASE}, {"model", COST_BY_MODEL}, {"project", COST_BY_ROOT}};
  CostRow total = {0};
  for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
    CostRowList rows = {0};
    if (!journal_cost(engine->journal, view->arena, 0, since, sections[i].by, &rows, err))
      return false;
    head_line(view, sections[i].title);
    for (size_t k = 0; k < rows.len; k++) {
      cost_line(view, &rows.items[k]);
      if (sections[i].by == COST_BY_PHASE) add_cost(&total, &rows.items[k]);
    }
    for (size_t k = 0; sections[i].by == COST_BY_MODEL && k < rows.len; k++)
      estimate_line(view, &rows.items[k]);
  }
  if (!write_days(view, engine, since, err)) return false;
  LineMeaning note = {.kind = S("note")};
  view_line(view, (LineMeaning){.kind = S("head")}, "total (%.*s): %.*s", STR_ARG(which),
            STR_ARG(cost_text(view->arena, &total)));
  if (total.guessed) write_text(view, note, money_guessed(view->arena, total.guessed));
  if (total.unknown) {
    view_line(view, note, "+ %lld calls whose cost is not known: the sums are lower bounds",
              (long long)total.unknown);
  }
  if (total.open) write_text(view, note, money_open(view->arena, total.open, total.open_worst));
  return true;
}

// What the last 30 days came to, all projects together.
static bool write_month(ViewText *view, Engine *engine, Error *err)
{
  int64_t since = wall_now_ms() - (int64_t)DAYS_SHOWN * 86400000;
  CostRow total = {0};
  CostRowList rows = {0};
  if (!journal_cost(engine->journal, view->arena, 0, since, COST_BY_PLAN, &rows, err)) return false;
  for (size_t i = 0; i < rows.len; i++) add_cost(&total, &rows.items[i]);
  LineMeaning note = {.kind = S("note")};
  view_line(view, note, "%s", "");
  view_line(view, note, "the last 30 days: %.*s over %zu plan%s  (cost month)",
            STR_ARG(cost_text(view->arena, &total)), rows.len, plural(rows.len));
  return true;
}

static bool write_receipt(ViewText *view, Engine *engine, int64_t plan, Error *err)
{
  Receipt receipt;
  if (!receipt_build(engine, plan, view->arena, &receipt, err)) return false;
  LineMeaning meaning = {.kind = S("plan"), .plan = plan};
  write_text(view, meaning, receipt_text(view->arena, &receipt));
  return write_month(view, engine, err);
}

typedef struct {
  const char *name;
  int64_t days;  // 0 = since ever
} Period;

static const Period periods[] = {{"day", 1}, {"week", 7}, {"month", 30}, {"all", 0}};

static const Period *find_period(Str which)
{
  for (size_t i = 0; i < sizeof(periods) / sizeof(*periods); i++) {
    if (str_eq(which, str_from(periods[i].name))) return &periods[i];
  }
  return NULL;
}

bool cost_since(Str which, int64_t *since_ms)
{
  const Period *period = find_period(which);
  if (period) *since_ms = period->days ? wall_now_ms() - period->days * 86400000 : 0;
  return period != NULL;
}

bool view_cost(Engine *engine, Str which, Arena *arena, View *out, Error *err)
{
  const Period *period = find_period(which);
  uint64_t plan = 0;
  if (!period && (!str_to_u64(which, &plan) || plan == 0 || plan > INT64_MAX)) {
    error_set(err, ERR_USAGE, "no such cost report: %.*s", STR_ARG(which));
    return error_hint_set(err, "give a plan's number, or day, week, month, all");
  }
  ViewText view;
  view_begin(&view, arena, out);
  int64_t since = 0;
  cost_since(which, &since);
  bool ok = period ? write_period(&view, engine, which, since, err)
                   : write_receipt(&view, engine, (int64_t)plan, err);
  view_end(&view);
  return ok;
}
