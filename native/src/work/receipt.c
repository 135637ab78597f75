// receipt.c: see receipt.h. Everything is read from the journal's attempts; nothing is counted
// twice or kept apart from them.
#include "work/receipt.h"

#include "base/buf.h"
#include "base/map.h"
#include "work/run.h"

static void add_row(ReceiptRow *to, const ReceiptRow *row)
{
  to->calls += row->calls;
  to->cost += row->cost;
  to->unknown += row->unknown;
  to->guessed += row->guessed;
  to->usage.fresh_in += row->usage.fresh_in;
  to->usage.cache_write += row->usage.cache_write;
  to->usage.cache_read += row->usage.cache_read;
  to->usage.out += row->usage.out;
  to->usage.reasoning += row->usage.reasoning;
}

static ReceiptRow row_of(Arena *arena, const AttemptRow *attempt)
{
  ReceiptRow row = {.phase = attempt->phase, .calls = 1};
  row.model = str_fmt(arena, "%.*s/%.*s", STR_ARG(attempt->provider), STR_ARG(attempt->model));
  if (attempt->usage_known) row.usage = attempt->usage;
  if (attempt->cost >= 0)
    row.cost = attempt->cost;
  else
    row.unknown = 1;
  row.guessed = attempt->cost > 0 && !attempt->usage_known;
  return row;
}

// Repeats: execute calls beyond the first of each task.
typedef struct {
  Map tasks;
  int64_t repeats;
} Repeats;

// What reached a provider, or was played back as if it had.
static bool counts(const AttemptRow *attempt)
{
  bool used = attempt->sent || attempt->cost > 0 || attempt->outcome == ERR_OK;
  return attempt->ended_ms != 0 && used;
}

// A row for each model, in the order they were asked: up the ladder.
static void sum_phase(Arena *arena, const AttemptRowList *attempts, Phase phase, Receipt *out,
                      Repeats *repeats)
{
  Map index = {0};
  out->phases[phase].phase = phase;
  for (size_t i = 0; i < attempts->len; i++) {
    const AttemptRow *attempt = &attempts->items[i];
    if (attempt->phase != phase || !counts(attempt)) continue;
    ReceiptRow row = row_of(arena, attempt);
    out->replayed += !attempt->sent && attempt->outcome == ERR_OK;
    size_t at = out->rows.len;
    if (map_add(arena, &index, row.model, at))
      PUSH(arena, &out->rows, ((ReceiptRow){.phase = phase, .model = row.model}));
    else
      map_get(&index, row.model, &at);
    add_row(&out->rows.items[at], &row);
    add_row(&out->phases[phase], &row);
    add_row(&out->total, &row);
    bool again = phase == PHASE_EXECUTE && !map_add(arena, &repeats->tasks, attempt->task, 0);
    repeats->repeats += again;
  }
}

static double price_ratio(Engine *engine)
{
  const Ladder *big = config_ladder(engine->config, S("big")),
               *small = config_ladder(engine->config, S("small"));
  Price dear = price_of(engine->models, big->rungs[0].provider, big->rungs[0].model);
  Price cheap = price_of(engine->models, small->rungs[0].provider, small->rungs[0].model);
  return dear.known && cheap.known && cheap.output > 0 ? dear.output / cheap.output : 0;
}

static void add_shares(Engine *engine, const Repeats *repeats, Receipt *out)
{
  const Estimate *e = &out->estimate;
  int64_t calls = out->phases[PHASE_EXECUTE].calls;
  out->r = price_ratio(engine);
  out->e = calls ? (double)repeats->repeats / (double)calls : 0;
  if (!out->has_estimate || e->big_alone <= 0 || out->total.unknown) return;
  out->has_saving = out->total.calls > 0 && out->finished;
  out->saved_big = 1 - (double)out->total.cost / (double)e->big_alone;
  out->o = (double)(out->phases[PHASE_PLAN].cost + out->phases[PHASE_VERIFY].cost) /
           (double)e->big_alone;
}

bool receipt_build(Engine *engine, int64_t plan, Arena *arena, Receipt *out, Error *err)
{
  PlanRow row;
  PlanMoney held;
  AttemptRowList attempts = {0};
  TaskRowList tasks = {0};
  Repeats repeats = {0};
  *out = (Receipt){.plan = plan};
  if (!journal_plan_get(engine->journal, arena, plan, &row, err) ||
      !journal_attempt_list(engine->journal, arena, plan, STR_NONE, &attempts, err) ||
      !journal_task_list(engine->journal, arena, plan, &tasks, err) ||
      !journal_money(engine->journal, plan, &held, err)) {
    return false;
  }
  out->title = row.title;
  out->budget = row.budget >= 0 ? row.budget : engine->config->budget;
  out->lost = held.lost;
  out->reserved = held.reserved;
  out->tasks = (int64_t)tasks.len;
  out->finished = tasks.len > 0;
  for (size_t i = 0; i < tasks.len; i++) {
    TaskState state = tasks.items[i].state;
    out->mechanical += !str_eq(tasks.items[i].executor, S("model"));
    out->finished = out->finished && (state == TASK_DONE || state == TASK_ABSTAINED);
  }
  for (int phase = 0; phase < 3; phase++) sum_phase(arena, &attempts, (Phase)phase, out, &repeats);
  out->has_estimate = estimate_stored(engine, arena, plan, &out->estimate);
  Estimate *estimate = &out->estimate;
  bool asked = run_wanted_verify(engine, plan) || out->phases[PHASE_VERIFY].calls;
  if (out->has_estimate && !asked && estimate->total >= 0 && estimate->verify.cost >= 0) {
    estimate->total -= estimate->verify.cost;  // nobody is going to be asked
    estimate->verify = (PhaseEstimate){0};
  }
  add_shares(engine, &repeats, out);
  return true;
}

// ---- as text ------------------------------------------------------------------------------------

Str tokens_short(Arena *arena, int64_t n)
{
  if (n < 1000) return str_fmt(arena, "%lld", (long long)n);
  if (n < 99950) return str_fmt(arena, "%.1fk", (double)n / 1e3);
  if (n < 999500) return str_fmt(arena, "%.0fk", (double)n / 1e3);
  return str_fmt(arena, n < 99950000 ? "%.1fM" : "%.0fM", (double)n / 1e6);
}

Str money_short(Arena *arena, Nano amount)
{
  Str text = money(arena, amount);
  if (!str_starts(text, S("under "))) return text;
  return str_fmt(arena, "<%.*s", STR_ARG(str_skip(text, 6)));
}

Str money_sum(Arena *arena, Nano cost, int64_t unknown, int64_t guessed)
{
  if (unknown && cost == 0) return S("unknown");
  return str_fmt(arena, "%s%.*s%s", guessed ? "~" : "", STR_ARG(money_short(arena, cost)),
                 unknown ? "+" : "");
}

Str money_guessed(Arena *arena, int64_t calls)
{
  if (!calls) return STR_NONE;
  return str_fmt(arena,
                 "~ %lld call%s whose tokens the provider did not tell: what %s cost is estimated",
                 (long long)calls, plural(calls), calls == 1 ? "it" : "they");
}

Str money_open(Arena *arena, int64_t calls, Nano worst)
{
  if (!calls) return STR_NONE;
  return str_fmt(arena, "%lld call%s in flight, in a batch or cut off may cost %.*s more at most",
                 (long long)calls, plural(calls), STR_ARG(money(arena, worst)));
}

static Str row_money(Arena *arena, const ReceiptRow *row)
{
  return money_sum(arena, row->cost, row->unknown, row->guessed);
}

// The provider is dropped where it does not fit, then the name's end.
static Str short_model(Arena *arena, Str name, size_t columns)
{
  size_t slash = str_find_char(name, '/');
  if (str_columns(name) > columns && slash != STR_NOT_FOUND) name = str_skip(name, slash + 1);
  return str_fit(arena, name, columns);
}

enum { MODEL_COLUMNS = 27, RECEIPT_WIDTH = 80 };

static void add_cells(Buf *out, const char *phase, Str model, const Str cells[6])
{
  int pad = MODEL_COLUMNS - (int)str_columns(model);
  buf_fmt(out, "%-7s %.*s%*s %5.*s %5.*s %6.*s %5.*s %10.*s", phase, STR_ARG(model), pad, "",
          STR_ARG(cells[0]), STR_ARG(cells[1]), STR_ARG(cells[2]), STR_ARG(cells[3]),
          STR_ARG(cells[4]));
  if (cells[5].len) buf_fmt(out, " %8.*s", STR_ARG(cells[5]));
  buf_add_char(out, '\n');
}

static void add_line(Arena *arena, Buf *out, const char *phase, Str model, const ReceiptRow *row,
                     Nano estimated)
{
  const AttemptUsage *u = &row->usage;
  Str cells[6] = {
      tokens_short(arena, row->calls),
      tokens_short(arena, u->fresh_in + u->cache_write),
      tokens_short(arena, u->cache_read),
      tokens_short(arena, u->out),
      row_money(arena, row),
      estimated == INT64_MIN ? STR_NONE : money_short(arena, estimated),
  };
  add_cells(out, phase, short_model(arena, model, MODEL_COLUMNS), cells);
}

// Rounded towards nothing saved: 99.7 % is not 100 %.
static int percent(double share)
{
  return (int)((share < 0 ? -share : share) * 100);
}

// ---- bars ---------------------------------------------------------------------------------------

enum { BAR_COLUMNS = 52, BAR_LABEL = 14 };

static Nano most_of(const Nano *amounts, size_t count)
{
  Nano most = 0;
  for (size_t i = 0; i < count; i++) most = amounts[i] > most ? amounts[i] : most;
  return most;
}

// Cells of [amount] where [most] fills the bar; something is never nothing.
static int bar_cells(Nano amount, Nano most, int columns)
{
  if (amount <= 0 || most <= 0) return 0;
  int cells = (int)((double)amount * columns / (double)most + 0.5);
  return cells ? cells : 1;
}

Str receipt_bar(Arena *arena, Nano amount, Nano most, int columns)
{
  return str_fmt(arena, "%.*s", bar_cells(amount, most, columns),
                 "############################################################");
}

// "label  #####  |   $0.02": paid as a bar, with a mark where the estimate ends (-1 = none).
static void add_bar(Arena *arena, Buf *out, Str label, Nano paid, Nano mark, Nano most, Str amount)
{
  char cells[BAR_COLUMNS + 1];
  int full = bar_cells(paid, most, BAR_COLUMNS), at = bar_cells(mark, most, BAR_COLUMNS);
  for (int i = 0; i < BAR_COLUMNS; i++) cells[i] = i < full ? '#' : ' ';
  if (at) cells[at - 1] = '|';
  cells[BAR_COLUMNS] = 0;
  Str line = str_fmt(arena, "%-*.*s %s %12.*s", BAR_LABEL, STR_ARG(label), cells, STR_ARG(amount));
  buf_add(out, line);
  buf_add_char(out, '\n');
}

static void add_phase_bars(Arena *arena, Buf *out, const Receipt *r)
{
  const Nano guesses[] = {r->estimate.plan.cost, r->estimate.execute.cost, r->estimate.verify.cost};
  Nano all[6];
  for (int i = 0; i < 3; i++) {
    all[i] = r->phases[i].cost;
    all[i + 3] = r->has_estimate ? guesses[i] : 0;
  }
  Nano most = most_of(all, 6);
  if (most <= 0) return;
  buf_fmt(out, "\n%-*s # paid%s\n", BAR_LABEL, "", r->has_estimate ? "   | estimated" : "");
  for (int i = 0; i < 3; i++) {
    add_bar(arena, out, str_from(phase_name((Phase)i)), all[i], all[i + 3], most,
            row_money(arena, &r->phases[i]));
  }
}

// The same work by this plan and by one model, on one scale.
static void add_baseline_bars(Arena *arena, Buf *out, const Receipt *r)
{
  const Estimate *e = &r->estimate;
  const Nano all[] = {r->total.cost, e->big_alone, e->small_alone};
  Nano most = most_of(all, 3);
  add_bar(arena, out, S("this plan"), all[0], 0, most, row_money(arena, &r->total));
  add_bar(arena, out, S("big alone"), all[1], 0, most, money_short(arena, all[1]));
  add_bar(arena, out, S("small alone"), all[2], 0, most, money_short(arena, all[2]));
}

static void add_baselines(Arena *arena, Buf *out, const Receipt *r)
{
  const Estimate *e = &r->estimate;
  if (!r->has_estimate) return;
  buf_add(out, S("\nthe same work by one model alone (estimates)\n"));
  add_baseline_bars(arena, out, r);
  if (!r->has_saving) {
    bool free = e->big_alone == 0 && !r->total.unknown;
    buf_add(out, !r->finished ? S("saving: known when all tasks are done\n")
                 : free       ? S("saving: none, the big model costs nothing here\n")
                              : S("saving: unknown, because a price or a call's cost is\n"));
    return;
  }
  buf_fmt(out, "saving (estimate): %d %% %s the big model alone\n", percent(r->saved_big),
          r->saved_big >= 0 ? "under" : "over");
  buf_fmt(out, "o = %.0f %%, e = %.0f %%, r = %.0f  (:help piecework-cost)\n", r->o * 100,
          r->e * 100, r->r);
}

static void add_budget(Arena *arena, Buf *out, const Receipt *r)
{
  buf_fmt(out, "\nbudget %.*s\n", STR_ARG(r->budget < 0 ? S("none") : money(arena, r->budget)));
  if (r->reserved)
    buf_fmt(out, "reserved for calls in flight, in a batch or cut off %.*s\n",
            STR_ARG(money(arena, r->reserved)));
  if (r->lost)
    buf_fmt(out, "lost in a crash or cut off, at most %.*s\n", STR_ARG(money(arena, r->lost)));
  if (r->mechanical)
    buf_fmt(out, "%lld of %lld tasks needed no model\n", (long long)r->mechanical,
            (long long)r->tasks);
}

Str receipt_text(Arena *arena, const Receipt *r)
{
  const Nano guesses[] = {r->estimate.plan.cost, r->estimate.execute.cost, r->estimate.verify.cost};
  const Str heads[6] = {S("calls"), S("in"),   S("cached"),
                        S("out"),   S("paid"), r->has_estimate ? S("estimate") : STR_NONE};
  Buf out;
  buf_init(&out, 256 * 1024);
  Str head = str_fmt(arena, "plan %lld: %.*s", (long long)r->plan, STR_ARG(r->title));
  buf_fmt(&out, "%.*s\n\n", STR_ARG(str_fit(arena, head, RECEIPT_WIDTH)));
  add_cells(&out, "phase", S("model"), heads);
  for (int phase = 0; phase < 3; phase++) {
    for (size_t i = 0; i < r->rows.len; i++) {
      const ReceiptRow *row = &r->rows.items[i];
      if (row->phase == (Phase)phase)
        add_line(arena, &out, phase_name((Phase)phase), row->model, row, INT64_MIN);
    }
    add_line(arena, &out, phase_name((Phase)phase), S("all"), &r->phases[phase],
             r->has_estimate ? guesses[phase] : INT64_MIN);
  }
  add_line(arena, &out, "total", STR_NONE, &r->total,
           r->has_estimate ? r->estimate.total : INT64_MIN);
  if (r->replayed)
    buf_fmt(&out,
            "%lld of %lld calls were played back from a cassette: nothing was paid for them\n",
            (long long)r->replayed, (long long)r->total.calls);
  if (r->total.guessed) buf_fmt(&out, "%.*s\n", STR_ARG(money_guessed(arena, r->total.guessed)));
  add_phase_bars(arena, &out, r);
  add_budget(arena, &out, r);
  add_baselines(arena, &out, r);
  Str text = str_dup(arena, buf_str(&out));
  buf_deinit(&out);
  return text;
}

Str receipt_line(Arena *arena, const Receipt *r)
{
  Str paid = row_money(arena, &r->total);
  Str of = r->budget < 0 ? S("no budget") : money(arena, r->budget);
  if (!r->has_saving) return str_fmt(arena, "%.*s of %.*s", STR_ARG(paid), STR_ARG(of));
  return str_fmt(arena, "%.*s of %.*s, about %d %% %s the big model alone (estimate)",
                 STR_ARG(paid), STR_ARG(of), percent(r->saved_big),
                 r->saved_big >= 0 ? "under" : "over");
}
