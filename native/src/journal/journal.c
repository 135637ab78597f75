// journal.c: the journal's file, its transactions, plans and facts. See journal_private.h for the
// map.
#include "journal/journal.h"

#include <string.h>
#include <time.h>

#include "journal/journal_private.h"
#include "journal/journal_schema.h"
#include "lib/fs.h"

#define X(id, name) name,
static const char *const plan_states[] = {PLAN_STATES(X)};
#undef X

const char *plan_state_name(PlanState state)
{
  return state < PLAN_STATE_COUNT ? plan_states[state] : "?";
}

int64_t journal_now_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int name_index(const char *const *names, int count, Str name)
{
  for (int i = 0; i < count; i++) {
    if (str_eq(name, str_from(names[i]))) return i;
  }
  return 0;
}

// ---- The file --------------------------------------------------------------------------------

Journal *journal_open(const char *dir, Error *err)
{
  Journal *journal = mem_alloc(sizeof(Journal));
  arena_init(&journal->arena);
  const char *place = dir ? dir : fs_state_dir(&journal->arena);
  journal->path = path_join(&journal->arena, str_from(place), S("journal.db"));
  Error cause = {0};
  if (!fs_mkdirs(place, &cause)) {
    error_set(err, ERR_JOURNAL, "%s", cause.message);
    error_hint_set(err, "make it writable, or set PIECEWORK_STATE to a directory that is");
  } else {
    journal->store = store_open(journal->path, err);
  }
  if (journal->store &&
      store_migrate(journal->store, journal_newest, journal_schema, journal_version, err))
    return journal;
  journal_close(journal);
  return NULL;
}

void journal_close(Journal *journal)
{
  if (!journal) return;
  store_close(journal->store);
  arena_deinit(&journal->arena);
  mem_free(journal);
}

Str journal_path(const Journal *journal)
{
  return str_from(journal->path);
}

bool journal_check(Journal *journal, Error *err)
{
  return store_check(journal->store, err);
}

bool journal_begin(Journal *journal, Error *err)
{
  return store_begin(journal->store, err);
}

bool journal_commit(Journal *journal, Error *err)
{
  return store_commit(journal->store, err);
}

void journal_group(Journal *journal, Loop *loop, void (*on_lost)(void *owner, const Error *err),
                   void *owner)
{
  store_group(journal->store, loop, on_lost, owner);
}

bool journal_commit_soon(Journal *journal, Error *err)
{
  return store_commit_soon(journal->store, err);
}

bool journal_flush(Journal *journal, Error *err)
{
  return store_flush(journal->store, err);
}

void journal_on_disk(Journal *journal, StoreWaiter *waiter, void (*run)(void *, const Error *),
                     void *owner)
{
  store_on_disk(journal->store, waiter, run, owner);
}

void journal_on_disk_cancel(Journal *journal, StoreWaiter *waiter)
{
  store_on_disk_cancel(journal->store, waiter);
}

bool journal_with_file(Journal *journal, const char *path, Error *err)
{
  return store_with_file(journal->store, path, err);
}

void journal_rollback(Journal *journal)
{
  store_rollback(journal->store);
}

void journal_read(Journal *journal)
{
  store_read(journal->store);
}

void journal_read_end(Journal *journal)
{
  store_read_end(journal->store);
}

bool journal_end(Journal *journal, bool ok, Error *err)
{
  if (ok) return store_commit(journal->store, err);
  store_rollback(journal->store);
  return false;
}

bool journal_end_soon(Journal *journal, bool ok, Error *err)
{
  if (ok) return store_commit_soon(journal->store, err);
  store_rollback(journal->store);
  return false;
}

// ---- Plans -----------------------------------------------------------------------------------

#define PLAN_COLUMNS                                                                            \
  "id, root, path, title, request, state, updated_ms, budget, note, test_command, test_status," \
  " test_tail"

static PlanRow plan_row(Query *q, Arena *arena)
{
  return (PlanRow){
      .id = query_int(q, 0),
      .root = query_str_dup(q, 1, arena),
      .path = query_str_dup(q, 2, arena),
      .title = query_str_dup(q, 3, arena),
      .request = query_str_dup(q, 4, arena),
      .state = (PlanState)name_index(plan_states, PLAN_STATE_COUNT, query_str(q, 5)),
      .updated_ms = query_int(q, 6),
      .budget = query_int(q, 7),
      .note = query_str_dup(q, 8, arena),
      .test_command = query_str_dup(q, 9, arena),
      .test_status = (int)query_int(q, 10),
      .test_tail = query_str_dup(q, 11, arena),
  };
}

bool journal_plan_new(Journal *journal, PlanRow *plan, Error *err)
{
  plan->updated_ms = journal_now_ms();
  bool ok =
      store_run(journal->store, err,
                "INSERT INTO plan(root, path, title, request, state, updated_ms, budget,"
                " note) VALUES(?,?,?,?,?,?,?,?)",
                "sssssiis", plan->root, plan->path, plan->title, plan->request,
                str_from(plan_state_name(plan->state)), plan->updated_ms, plan->budget, plan->note);
  if (ok) plan->id = store_last_id(journal->store);
  return ok;
}

// The one row of [q], or ERR_NOT_FOUND unless the query itself failed.
static bool one_plan(Query *q, Arena *arena, PlanRow *out, Error *err, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
static bool one_plan(Query *q, Arena *arena, PlanRow *out, Error *err, const char *format, ...)
{
  if (query_next(q)) {
    *out = plan_row(q, arena);
    query_end(q);
    return true;
  }
  va_list args;
  va_start(args, format);
  Str what = str_vfmt(arena, format, args);
  va_end(args);
  return error_set(err, ERR_NOT_FOUND, "%.*s", STR_ARG(what));  // keeps the query's own error
}

bool journal_plan_get(Journal *journal, Arena *arena, int64_t id, PlanRow *out, Error *err)
{
  Query *q =
      store_query(journal->store, err, "SELECT " PLAN_COLUMNS " FROM plan WHERE id = ?", "i", id);
  return one_plan(q, arena, out, err, "there is no plan %lld", (long long)id);
}

bool journal_plan_by_path(Journal *journal, Arena *arena, Str path, Str root, PlanRow *out,
                          Error *err)
{
  Query *q = store_query(journal->store, err,
                         "SELECT " PLAN_COLUMNS
                         " FROM plan WHERE path = ? AND (root = ? OR ? = '')"
                         " ORDER BY id DESC LIMIT 1",
                         "sss", path, root, root);
  return one_plan(q, arena, out, err, "%.*s is not the file of a plan", STR_ARG(path));
}

// After an UPDATE of one plan.
static bool plan_changed(Journal *journal, bool ok, int64_t id, Error *err)
{
  if (!ok || store_changes(journal->store) == 1) return ok;
  return error_set(err, ERR_NOT_FOUND, "there is no plan %lld", (long long)id);
}

bool journal_plan_update(Journal *journal, const PlanRow *plan, Error *err)
{
  bool ok = store_run(journal->store, err,
                      "UPDATE plan SET path = ?, title = ?, request = ?, budget = ?, updated_ms = ?"
                      " WHERE id = ?",
                      "sssiii", plan->path, plan->title, plan->request, plan->budget,
                      journal_now_ms(), plan->id);
  return plan_changed(journal, ok, plan->id, err);
}

bool journal_plan_set_state(Journal *journal, int64_t id, PlanState state, Str note, Error *err)
{
  bool ok = store_run(journal->store, err,
                      "UPDATE plan SET state = ?, note = ?, updated_ms = ? WHERE id = ?", "ssii",
                      str_from(plan_state_name(state)), note, journal_now_ms(), id);
  return plan_changed(journal, ok, id, err);
}

bool journal_plan_set_test(Journal *journal, int64_t id, Str command, int status, Str tail,
                           Error *err)
{
  bool ok = store_run(journal->store, err,
                      "UPDATE plan SET test_command = ?, test_status = ?, test_tail = ?,"
                      " updated_ms = ? WHERE id = ?",
                      "sisii", command, (int64_t)status, tail, journal_now_ms(), id);
  return plan_changed(journal, ok, id, err);
}

bool journal_plan_list(Journal *journal, Arena *arena, Str root, size_t limit, PlanRowList *out,
                       Error *err)
{
  Error own = {0};
  int64_t most = limit ? (int64_t)limit : -1;
  const char *sql =
      root.len ? "SELECT " PLAN_COLUMNS " FROM plan WHERE root = ? ORDER BY id DESC LIMIT ?"
               : "SELECT " PLAN_COLUMNS " FROM plan WHERE ? = '' ORDER BY id DESC LIMIT ?";
  for (Query *q = store_query(journal->store, &own, sql, "si", root, most); query_next(q);) {
    PUSH(arena, out, plan_row(q, arena));
  }
  return journal_listed(&own, err);
}

// ---- Facts -----------------------------------------------------------------------------------

bool journal_fact_set(Journal *journal, int64_t plan, Str name, Str text, Error *err)
{
  if (!text.len)
    return store_run(journal->store, err, "DELETE FROM fact WHERE plan = ? AND name = ?", "is",
                     plan, name);
  return store_run(journal->store, err, "INSERT OR REPLACE INTO fact VALUES(?,?,?)", "iss", plan,
                   name, text);
}

bool journal_fact_get(Journal *journal, Arena *arena, int64_t plan, Str name, Str *text, Error *err)
{
  Error own = {0};
  *text = S("");
  for (Query *q =
           store_query(journal->store, &own, "SELECT text FROM fact WHERE plan = ? AND name = ?",
                       "is", plan, name);
       query_next(q);) {
    *text = query_str_dup(q, 0, arena);
  }
  return journal_listed(&own, err);
}

bool journal_listed(const Error *own, Error *err)
{
  if (own->code == ERR_OK) return true;
  if (err && err->code == ERR_OK) *err = *own;
  return false;
}
