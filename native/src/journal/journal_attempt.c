// journal_attempt.c: calls to models: reserved before they leave, stored before they are used.
#include <string.h>

#include "journal/journal_private.h"
#include "lib/fs.h"

static const char *const phases[] = {"plan", "execute", "verify"};

const char *phase_name(Phase phase)
{
  return phase <= PHASE_VERIFY ? phases[phase] : "?";
}

#define ATTEMPT_COLUMNS                                                                         \
  "id, plan, task, phase, role, provider, model, worst_case, prompt_hash, replied, started_ms," \
  " ended_ms, outcome, error, fresh_in, cache_write, cache_read, out, reasoning, usage_known,"  \
  " cost, sent, request_id, batch, estimated_in, unsure"

static AttemptUsage usage_at(Query *q, int column)
{
  return (AttemptUsage){.fresh_in = query_int(q, column),
                        .cache_write = query_int(q, column + 1),
                        .cache_read = query_int(q, column + 2),
                        .out = query_int(q, column + 3),
                        .reasoning = query_int(q, column + 4)};
}

static AttemptRow attempt_row(Query *q, Arena *arena)
{
  return (AttemptRow){
      .id = query_int(q, 0),
      .plan = query_int(q, 1),
      .task = query_str_dup(q, 2, arena),
      .phase = (Phase)name_index(phases, 3, query_str(q, 3)),
      .role = query_str_dup(q, 4, arena),
      .provider = query_str_dup(q, 5, arena),
      .model = query_str_dup(q, 6, arena),
      .worst_case = query_int(q, 7),
      .prompt_hash = query_str_dup(q, 8, arena),
      .replied = query_int(q, 9) != 0,
      .started_ms = query_int(q, 10),
      .ended_ms = query_int(q, 11),
      .outcome = err_from_name(query_str(q, 12)),
      .error = query_str_dup(q, 13, arena),
      .usage = usage_at(q, 14),
      .usage_known = query_int(q, 19) != 0,
      .cost = query_int(q, 20),
      .sent = query_int(q, 21) != 0,
      .request_id = query_str_dup(q, 22, arena),
      .batch = query_str_dup(q, 23, arena),
      .estimated_in = query_int(q, 24),
      .unsure = query_int(q, 25),
  };
}

static bool below(const PlanMoney *money, int64_t worst, int64_t limit, const char *whose,
                  Error *err)
{
  int64_t taken = money->spent + money->lost + money->reserved;
  if (taken <= limit && worst <= limit - taken) return true;
  return error_set(
      err, ERR_BUDGET,
      "%s budget of $%.4f is used up: $%.4f spent or in flight, the next call may cost $%.4f",
      whose, (double)limit / 1e9, (double)taken / 1e9, (double)worst / 1e9);
}

// ERR_BUDGET when [worst] more would go past one of [caps].
static bool within(Journal *journal, int64_t plan, int64_t worst, const MoneyCaps *caps, Error *err)
{
  PlanMoney money;
  if (!caps || worst < 0) return true;
  if (caps->plan >= 0 && !(journal_money(journal, plan, &money, err) &&
                           below(&money, worst, caps->plan, "the plan's", err)))
    return false;
  return caps->day < 0 || (journal_money_since(journal, caps->day_from_ms, &money, err) &&
                           below(&money, worst, caps->day, "today's", err));
}

static bool insert(Journal *journal, AttemptRow *a, Error *err)
{
  bool ok =
      store_run(journal->store, err,
                "INSERT INTO attempt(plan, root, task, phase, role, provider, model, worst_case,"
                " prompt_hash, started_ms) VALUES(?1,"
                " coalesce((SELECT root FROM plan WHERE id = ?1), ''), ?2,?3,?4,?5,?6,?7,?8,?9)",
                "isssssisi", a->plan, a->task, str_from(phase_name(a->phase)), a->role, a->provider,
                a->model, a->worst_case, a->prompt_hash, a->started_ms);
  if (ok) a->id = store_last_id(journal->store);
  return ok;
}

// Who pays for a reply wants it kept: calls in flight, many at once, find room for theirs.
static bool has_room(Journal *journal, Error *err)
{
  enum { ROOM_MIB = 16 };
  Arena scratch;
  arena_init(&scratch);
  const char *path = str_z(&scratch, journal_path(journal));
  int64_t left = fs_free_bytes(path);
  bool ok = left < 0 || left >= (int64_t)ROOM_MIB << 20;
  if (!ok) {
    error_set(err, ERR_JOURNAL, "less than %d MiB are left for %s, so that a reply may be lost",
              ROOM_MIB, path);
    error_hint_set(err, "free some space there and try again; nothing that is stored is lost");
  }
  arena_deinit(&scratch);
  return ok;
}

bool journal_attempt_start(Journal *journal, Arena *arena, AttemptRow *attempt, Str prompt,
                           const MoneyCaps *caps, Error *err)
{
  if (!has_room(journal, err) || !journal_begin(journal, err)) return false;
  attempt->started_ms = journal_now_ms();
  attempt->ended_ms = 0;
  attempt->prompt_hash = content_hash(arena, prompt);
  bool ok =
      within(journal, attempt->plan, attempt->worst_case, caps, err) &&
      insert(journal, attempt, err) &&
      store_run(journal->store, err, "INSERT INTO prompt VALUES(?,?)", "ib", attempt->id, prompt);
  return journal_end_soon(journal, ok, err);
}

bool journal_attempt_raise(Journal *journal, int64_t attempt, int64_t worst_case,
                           const MoneyCaps *caps, Error *err)
{
  Arena arena;
  AttemptRow row;
  arena_init(&arena);
  bool ok = journal_begin(journal, err);
  if (ok) {
    ok = journal_attempt_get(journal, &arena, attempt, &row, err) &&
         within(journal, row.plan, worst_case - row.worst_case, caps, err) &&
         store_run(journal->store, err, "UPDATE attempt SET worst_case = ? WHERE id = ?", "ii",
                   worst_case, attempt);
    ok = journal_end(journal, ok, err);
  }
  arena_deinit(&arena);
  return ok;
}

static bool update(Journal *journal, const AttemptRow *a, Error *err)
{
  bool ok =
      store_run(journal->store, err,
                "UPDATE attempt SET replied = ?, ended_ms = ?, outcome = ?, error = ?,"
                " fresh_in = ?, cache_write = ?, cache_read = ?, out = ?, reasoning = ?,"
                " usage_known = ?, cost = ?, sent = ?, request_id = ?, estimated_in = ?,"
                " unsure = ? WHERE id = ?",
                "iissiiiiiiiisiii", (int64_t)a->replied, a->ended_ms,
                str_from(err_name(a->outcome)), a->error, a->usage.fresh_in, a->usage.cache_write,
                a->usage.cache_read, a->usage.out, a->usage.reasoning, (int64_t)a->usage_known,
                a->cost, (int64_t)a->sent, a->request_id, a->estimated_in, a->unsure, a->id);
  if (!ok || store_changes(journal->store) == 1) return ok;
  return error_set(err, ERR_NOT_FOUND, "there is no attempt %lld", (long long)a->id);
}

bool journal_attempt_finish(Journal *journal, AttemptRow *attempt, Str reply, Error *err)
{
  if (!journal_begin(journal, err)) return false;
  attempt->ended_ms = journal_now_ms();
  attempt->replied = reply.len > 0;
  bool ok = update(journal, attempt, err) &&
            (!attempt->replied ||
             store_run(journal->store, err, "INSERT OR REPLACE INTO reply VALUES(?,?)", "ib",
                       attempt->id, reply));
  return journal_end_soon(journal, ok, err);
}

static bool spoken(Journal *journal, Arena *arena, const char *sql, int64_t id, Str *text,
                   Error *err)
{
  Query *q = store_query(journal->store, err, sql, "i", id);
  if (!query_next(q))
    return error_set(err, ERR_NOT_FOUND, "the journal has no text of call %lld", (long long)id);
  *text = query_str_dup(q, 0, arena);
  query_end(q);
  return true;
}

bool journal_attempt_prompt(Journal *journal, Arena *arena, int64_t id, Str *text, Error *err)
{
  return spoken(journal, arena, "SELECT text FROM prompt WHERE attempt = ?", id, text, err);
}

bool journal_attempt_reply(Journal *journal, Arena *arena, int64_t id, Str *text, Error *err)
{
  return spoken(journal, arena, "SELECT text FROM reply WHERE attempt = ?", id, text, err);
}

bool journal_attempt_handed_in(Journal *journal, int64_t attempt, Str batch, Error *err)
{
  return store_run_soon(journal->store, err, "UPDATE attempt SET batch = ? WHERE id = ?", "si",
                        batch, attempt);
}

bool journal_batch_list(Journal *journal, Arena *arena, int64_t plan, BatchRowList *out, Error *err)
{
  Error own = {0};
  for (Query *q = store_query(journal->store, &own,
                              "SELECT plan, provider, model, batch, count(*) FROM attempt"
                              " WHERE batch <> '' AND ended_ms = 0 AND (?1 = 0 OR plan = ?1)"
                              " GROUP BY 1, 2, 3, 4 ORDER BY min(id)",
                              "i", plan);
       query_next(q);) {
    BatchRow row = {query_int(q, 0), query_str_dup(q, 1, arena), query_str_dup(q, 2, arena),
                    query_str_dup(q, 3, arena), query_int(q, 4)};
    PUSH(arena, out, row);
  }
  return journal_listed(&own, err);
}

bool journal_attempts_settle(Journal *journal, int64_t plan, int64_t *settled, Error *err)
{
  // A batch whose id was lost ('?', model/batch.h) is looked for as long as batches live.
  const int64_t looked_for = 26 * 3600 * 1000LL;
  int64_t now = journal_now_ms();
  bool ok = store_run(journal->store, err,
                      "UPDATE attempt SET ended_ms = ?, outcome = ?, error = ?, cost = -1, sent = 1"
                      " WHERE plan = ? AND ended_ms = 0"
                      " AND (batch = '' OR (batch = '?' AND started_ms < ?))",
                      "issii", now, str_from(err_name(ERR_CANCELLED)),
                      S("piecework ended before the reply came"), plan, now - looked_for);
  if (ok && settled) *settled = store_changes(journal->store);
  return ok;
}

bool journal_attempt_get(Journal *journal, Arena *arena, int64_t id, AttemptRow *out, Error *err)
{
  Query *q = store_query(journal->store, err,
                         "SELECT " ATTEMPT_COLUMNS " FROM attempt WHERE id = ?", "i", id);
  if (!query_next(q))
    return error_set(err, ERR_NOT_FOUND, "there is no attempt %lld", (long long)id);
  *out = attempt_row(q, arena);
  query_end(q);
  return true;
}

bool journal_attempt_list(Journal *journal, Arena *arena, int64_t plan, Str task,
                          AttemptRowList *out, Error *err)
{
  Error own = {0};
  const char *sql =
      task.len ? "SELECT " ATTEMPT_COLUMNS " FROM attempt WHERE plan = ? AND task = ? ORDER BY id"
               : "SELECT " ATTEMPT_COLUMNS " FROM attempt WHERE plan = ? AND ? = '' ORDER BY id";
  for (Query *q = store_query(journal->store, &own, sql, "is", plan, task); query_next(q);) {
    PUSH(arena, out, attempt_row(q, arena));
  }
  return journal_listed(&own, err);
}
