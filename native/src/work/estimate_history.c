// estimate_history.c: estimates corrected by what the user's own plans came to. The method stands in estimate.c.
#include <math.h>

#include "work/estimate.h"

enum { PLANS_READ = 60, SAMPLES_MAX = 40, UNIT = 1000 };
static const double factor_most = 4.0;

typedef enum { EXECUTE, VERIFY, PHASES } Learned;

// Of one plan: what it came to over what was estimated, by logarithm.
typedef struct {
  int64_t plan, updated_ms;
  double ratio[PHASES];
  bool known[PHASES];
} PlanRatio;

// What was read of ended plans, which nobody changes any more: each is read once.
typedef struct History {
  PlanRatio items[PLANS_READ];
  size_t len;
} History;

typedef struct {
  double sum;
  double logs[SAMPLES_MAX];
  int count;
} Samples;

static void compare(PlanRatio *out, Learned phase, Nano paid, Nano estimated, int64_t factor)
{
  if (paid <= 0 || estimated <= 0) return;
  // against what was estimated before it was corrected, else a correction would correct itself away
  double raw = (double)estimated * UNIT / (double)(factor > 0 ? factor : UNIT);
  out->ratio[phase] = log((double)paid / raw);
  out->known[phase] = true;
}

static PlanRatio read_plan(Engine *engine, Arena *arena, const PlanRow *plan)
{
  PlanRatio out = {.plan = plan->id, .updated_ms = plan->updated_ms};
  Estimate before;
  CostRowList rows = {0};
  Error none = {0};
  if (!estimate_stored(engine, arena, plan->id, &before)) return out;
  if (!journal_cost(engine->journal, arena, plan->id, 0, COST_BY_PHASE, &rows, &none)) return out;
  for (size_t i = 0; i < rows.len; i++) {
    const CostRow *row = &rows.items[i];
    if (row->unknown || row->open) continue;
    if (str_eq(row->key, str_from(phase_name(PHASE_EXECUTE))))
      compare(&out, EXECUTE, row->cost, before.execute.cost, before.execute_factor);
    if (str_eq(row->key, str_from(phase_name(PHASE_VERIFY))))
      compare(&out, VERIFY, row->cost, before.verify.cost, before.verify_factor);
  }
  return out;
}

static PlanRatio of_plan(Engine *engine, Arena *arena, const PlanRow *plan)
{
  const History *known = engine->history;
  for (size_t i = 0; i < known->len; i++) {
    const PlanRatio *item = &known->items[i];
    if (item->plan == plan->id && item->updated_ms == plan->updated_ms) return *item;
  }
  return read_plan(engine, arena, plan);
}

static void sample(Samples *samples, const PlanRatio *plan, Learned phase)
{
  if (!plan->known[phase] || samples->count == SAMPLES_MAX) return;
  samples->logs[samples->count++] = plan->ratio[phase];
  samples->sum += plan->ratio[phase];
}

// Plans that came to their end: those in review or later have paid all of it.
static bool ended(PlanState state)
{
  return state == PLAN_REVIEW || state == PLAN_DONE;
}

static int64_t factor_of(const Samples *samples)
{
  if (samples->count < HISTORY_MIN) return UNIT;
  double factor = exp(samples->sum / (samples->count + HISTORY_MIN));
  factor = factor > factor_most ? factor_most : factor < 1 / factor_most ? 1 / factor_most : factor;
  return (int64_t)(factor * UNIT + 0.5);
}

// Mean distance from the mean, as percent.
static int error_of(const Samples *samples)
{
  double mean = samples->count ? samples->sum / samples->count : 0, sum = 0;
  if (samples->count < HISTORY_MIN) return 0;
  for (int i = 0; i < samples->count; i++) sum += fabs(samples->logs[i] - mean);
  double percent = 100 * (exp(sum / samples->count) - 1);
  return percent > 999 ? 999 : (int)(percent + 0.5);
}

static void apply(PhaseEstimate *phase, int64_t factor)
{
  if (phase->cost > 0) phase->cost = phase->cost * factor / UNIT;
}

static void look_again(Engine *engine)
{
  Arena arena;
  PlanRowList plans = {0};
  History now = {0};
  Error none = {0};
  arena_init(&arena);
  if (!engine->history) engine->history = mem_alloc(sizeof(History));
  journal_plan_list(engine->journal, &arena, STR_NONE, PLANS_READ, &plans, &none);
  for (size_t i = 0; i < plans.len; i++) {
    if (ended(plans.items[i].state))
      now.items[now.len++] = of_plan(engine, &arena, &plans.items[i]);
  }
  *engine->history = now;
  arena_deinit(&arena);
}

void estimate_learn(Engine *engine, Estimate *estimate)
{
  Samples execute = {0}, verify = {0};
  look_again(engine);
  for (size_t i = 0; i < engine->history->len; i++) {
    sample(&execute, &engine->history->items[i], EXECUTE);
    sample(&verify, &engine->history->items[i], VERIFY);
  }
  estimate->execute_factor = factor_of(&execute);
  estimate->verify_factor = factor_of(&verify);
  int one = error_of(&execute), other = error_of(&verify);
  estimate->error = one > other ? one : other;
  estimate->learned_from = execute.count;
  apply(&estimate->execute, estimate->execute_factor);
  apply(&estimate->verify, estimate->verify_factor);
}

Str estimate_off(Arena *arena, int64_t estimated, int64_t counted)
{
  double percent = counted > 0 ? 100.0 * (double)(counted - estimated) / (double)counted : 0;
  int rounded = (int)(fabs(percent) + 0.5);
  if (rounded == 0) return S("less than 1 % off");
  return str_fmt(arena, "%d %% too %s", rounded, percent > 0 ? "low" : "high");
}

Str estimate_trust(Arena *arena, const Estimate *estimate)
{
  if (estimate->learned_from < HISTORY_MIN) return STR_NONE;
  return str_fmt(arena, "; your last %d plans were off by %d %% on average", estimate->learned_from,
                 estimate->error);
}
