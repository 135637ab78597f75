// estimate_history.c: estimates corrected by what the user's own plans came to. The method stands in estimate.c.
#include <math.h>

#include "work/estimate.h"

enum { PLANS_READ = 60, SAMPLES_MAX = 40, UNIT = 1000 };
static const double factor_most = 4.0;

typedef struct {
  double sum;
  double logs[SAMPLES_MAX];
  int count;
} Samples;

static void sample(Samples *samples, Nano paid, Nano estimated, int64_t factor)
{
  if (paid <= 0 || estimated <= 0 || samples->count == SAMPLES_MAX) return;
  // against what was estimated before it was corrected, else a correction would correct itself away
  double raw = (double)estimated * UNIT / (double)(factor > 0 ? factor : UNIT);
  double ratio = log((double)paid / raw);
  samples->logs[samples->count++] = ratio;
  samples->sum += ratio;
}

static void read_plan(Engine *engine, Arena *arena, int64_t plan, Samples *execute, Samples *verify)
{
  Estimate before;
  CostRowList rows = {0};
  Error none = {0};
  if (!estimate_stored(engine, arena, plan, &before)) return;
  if (!journal_cost(engine->journal, arena, plan, 0, COST_BY_PHASE, &rows, &none)) return;
  for (size_t i = 0; i < rows.len; i++) {
    const CostRow *row = &rows.items[i];
    if (row->unknown || row->open) continue;
    if (str_eq(row->key, str_from(phase_name(PHASE_EXECUTE))))
      sample(execute, row->cost, before.execute.cost, before.execute_factor);
    if (str_eq(row->key, str_from(phase_name(PHASE_VERIFY))))
      sample(verify, row->cost, before.verify.cost, before.verify_factor);
  }
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

void estimate_learn(Engine *engine, Estimate *estimate)
{
  Arena arena;
  PlanRowList plans = {0};
  Samples execute = {0}, verify = {0};
  Error none = {0};
  arena_init(&arena);
  if (journal_plan_list(engine->journal, &arena, STR_NONE, PLANS_READ, &plans, &none)) {
    for (size_t i = 0; i < plans.len; i++) {
      if (ended(plans.items[i].state))
        read_plan(engine, &arena, plans.items[i].id, &execute, &verify);
    }
  }
  estimate->execute_factor = factor_of(&execute);
  estimate->verify_factor = factor_of(&verify);
  int one = error_of(&execute), other = error_of(&verify);
  estimate->error = one > other ? one : other;
  estimate->learned_from = execute.count;
  apply(&estimate->execute, estimate->execute_factor);
  apply(&estimate->verify, estimate->verify_factor);
  arena_deinit(&arena);
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
