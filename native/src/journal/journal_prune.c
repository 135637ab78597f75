// journal_prune.c: forgetting the texts of old plans while keeping what they cost.
#include "journal/journal_private.h"

static bool forget(Journal *journal, int64_t id, Error *err)
{
  static const char *const tables[] = {
      "DELETE FROM fact WHERE plan = ?",
      "DELETE FROM base WHERE plan = ?",
      "DELETE FROM task WHERE plan = ?",
      "DELETE FROM patch WHERE plan = ?",
      "DELETE FROM decision WHERE plan = ?",
      "DELETE FROM cut WHERE plan = ?",
      "DELETE FROM hand WHERE plan = ?",
      "DELETE FROM verdict WHERE plan = ?",
      "DELETE FROM log WHERE plan = ?",
      "DELETE FROM lease WHERE plan = ?",
      "UPDATE attempt SET prompt_hash = '', reply_hash = '', error = '' WHERE plan = ?",
      "DELETE FROM plan WHERE id = ?",
  };
  bool ok = true;
  for (size_t i = 0; ok && i < sizeof(tables) / sizeof(*tables); i++) {
    ok = store_run(journal->store, err, tables[i], "i", id);
  }
  return ok;
}

static bool drop_blobs(Journal *journal, int64_t before_ms, Error *err)
{
  int64_t young = journal_now_ms() - BLOB_YOUNG_MS;
  if (before_ms > young) before_ms = young;
  return store_run(journal->store, err,
                   "DELETE FROM blob WHERE at_ms < ? AND hash NOT IN ("
                   " SELECT hash FROM base UNION SELECT prompt_hash FROM attempt"
                   " UNION SELECT reply_hash FROM attempt UNION SELECT spec_hash FROM task"
                   " UNION SELECT shown_hash FROM patch UNION SELECT new_hash FROM patch"
                   " UNION SELECT before_hash FROM decision UNION SELECT after_hash FROM decision"
                   " UNION SELECT shown_hash FROM hand UNION SELECT made_hash FROM hand"
                   " UNION SELECT text FROM fact)",
                   "i", before_ms);
}

bool journal_plan_forget(Journal *journal, int64_t id, Error *err)
{
  if (!journal_begin(journal, err)) return false;
  bool ok = forget(journal, id, err);
  if (ok && store_changes(journal->store) == 0) {
    ok = error_set(err, ERR_NOT_FOUND, "there is no plan %lld", (long long)id);
  }
  return journal_end(journal, ok && drop_blobs(journal, journal_now_ms(), err), err);
}

static bool forget_old(Journal *journal, int64_t before_ms, int64_t *count, Error *err)
{
  Error own = {0};
  bool ok = true;
  for (bool more = true; ok && more;) {
    int64_t id = 0;
    for (Query *q = store_query(journal->store, &own,
                                "SELECT id FROM plan WHERE updated_ms < ?"
                                " AND state IN ('done', 'failed', 'dropped') LIMIT 1",
                                "i", before_ms);
         query_next(q);) {
      id = query_int(q, 0);
    }
    more = id > 0;
    if (more) ok = forget(journal, id, &own);
    *count += more && ok;
  }
  return journal_listed(&own, err);
}

bool journal_prune(Journal *journal, int64_t before_ms, int64_t *removed, Error *err)
{
  int64_t count = 0;
  if (!journal_begin(journal, err)) return false;
  bool ok = forget_old(journal, before_ms, &count, err) && drop_blobs(journal, before_ms, err);
  ok = journal_end(journal, ok, err);
  if (ok && removed) *removed = count;
  if (ok && count)
    store_run(journal->store, NULL, "VACUUM", "");  // gives the space back; may fail when busy
  return ok;
}
