// journal_money.c: what plans cost, from the attempts.
#include "journal/journal_private.h"

bool journal_money(Journal *journal, int64_t plan, PlanMoney *out, Error *err)
{
  Error own = {0};
  *out = (PlanMoney){0};
  for (Query *q = store_query(journal->store, &own,
                              "SELECT spent, lost, reserved, unpriced FROM money WHERE plan = ?",
                              "i", plan);
       query_next(q);) {
    *out = (PlanMoney){query_int(q, 0), query_int(q, 1), query_int(q, 2), query_int(q, 3)};
  }
  return journal_listed(&own, err);
}

bool journal_money_since(Journal *journal, int64_t since_ms, PlanMoney *out, Error *err)
{
  Error own = {0};
  *out = (PlanMoney){0};
  for (Query *q = store_query(journal->store, &own,
                              "SELECT total((ended_ms > 0 AND sent) * max(cost, 0)),"
                              " total((ended_ms > 0 AND sent)"
                              " * iif(cost < 0, max(worst_case, 0), unsure)),"
                              " total((ended_ms = 0) * max(worst_case, 0)), total(worst_case < 0 "
                              "AND cost < 0 AND sent)"
                              " FROM attempt WHERE started_ms >= ?",
                              "i", since_ms);
       query_next(q);) {
    *out = (PlanMoney){query_int(q, 0), query_int(q, 1), query_int(q, 2), query_int(q, 3)};
  }
  return journal_listed(&own, err);
}

// What was played back has a cost in its plan, as if it had been paid, and none in the sums of a time. Tokens count
// only where they are known. Money is estimated where they are not, and these attempts are counted. So are those that
// have no end: in flight, in a batch, or cut off by a kill; they may cost what was reserved for them. A reply that
// broke off may cost more than what came of it.
#define COST_OF(key, order)                                                                     \
  "SELECT " key                                                                                 \
  ", total(ended_ms > 0), total(fresh_in * usage_known), total(cache_write * usage_known),"     \
  " total(cache_read * usage_known), total(out * usage_known), total(reasoning * usage_known)," \
  " total(max(cost, 0)) AS spent, total(ended_ms > 0 AND cost < 0 AND sent),"                   \
  " total(estimated_in > 0), total(estimated_in),"                                              \
  " total((fresh_in + cache_write + cache_read) * (estimated_in > 0)),"                         \
  " total(cost > 0 AND NOT usage_known), total(ended_ms = 0 OR unsure > 0),"                    \
  " total(iif(ended_ms = 0, max(worst_case, 0), unsure))"                                       \
  " FROM attempt"                                                                               \
  " WHERE started_ms >= ?1 AND CASE ?2 WHEN 0 THEN sent ELSE plan = ?2 END"                     \
  " GROUP BY 1 ORDER BY " order

#define DEAREST "spent DESC, 1"

static const char *const cost_sql[] = {
    [COST_BY_PHASE] = COST_OF("phase", "instr('plan execute verify', phase)"),
    [COST_BY_MODEL] = COST_OF("provider || '/' || model", DEAREST),
    [COST_BY_ROOT] = COST_OF("root", DEAREST),
    [COST_BY_PLAN] = COST_OF("plan", DEAREST),
    // Calls that belong to no task are the phase's; over all plans a task's name alone would stand for many.
    [COST_BY_TASK] =
        COST_OF("iif(?2 = 0, plan || '/', '') || coalesce(nullif(task, ''), phase)", DEAREST),
    [COST_BY_DAY] = COST_OF("date(started_ms / 1000, 'unixepoch', 'localtime')", "1"),
};

bool journal_cost(Journal *journal, Arena *arena, int64_t plan, int64_t since_ms, CostBy by,
                  CostRowList *out, Error *err)
{
  Error own = {0};
  for (Query *q = store_query(journal->store, &own, cost_sql[by], "ii", since_ms, plan);
       query_next(q);) {
    CostRow row = {
        .key = query_str_dup(q, 0, arena),
        .attempts = query_int(q, 1),
        .usage = {query_int(q, 2), query_int(q, 3), query_int(q, 4), query_int(q, 5),
                  query_int(q, 6)},
        .cost = query_int(q, 7),
        .unknown = query_int(q, 8),
        .compared = query_int(q, 9),
        .estimated_in = query_int(q, 10),
        .counted_in = query_int(q, 11),
        .guessed = query_int(q, 12),
        .open = query_int(q, 13),
        .open_worst = query_int(q, 14),
    };
    PUSH(arena, out, row);
  }
  return journal_listed(&own, err);
}
