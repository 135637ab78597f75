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
      "DELETE FROM prompt WHERE attempt IN (SELECT id FROM attempt WHERE plan = ?)",
      "DELETE FROM reply WHERE attempt IN (SELECT id FROM attempt WHERE plan = ?)",
      "UPDATE attempt SET prompt_hash = '', replied = 0, error = '' WHERE plan = ?",
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
                   " SELECT hash FROM base"
                   " UNION SELECT shown_hash FROM patch UNION SELECT new_hash FROM patch"
                   " UNION SELECT shown_hash FROM hand UNION SELECT made_hash FROM hand"
                   " UNION SELECT text FROM fact)",
                   "i", before_ms);
}

// Bytes of the pages that hold something.
static int64_t bytes_in_use(Journal *journal, Error *err)
{
  int64_t bytes = 0;
  for (Query *q = store_query(journal->store, err,
                              "SELECT (p.page_count - f.freelist_count) * s.page_size FROM"
                              " pragma_page_count AS p, pragma_freelist_count AS f,"
                              " pragma_page_size AS s",
                              "");
       query_next(q);) {
    bytes = query_int(q, 0);
  }
  return bytes;
}

typedef struct {
  int64_t id, updated_ms;
} Candidate;

typedef struct {
  Candidate *items;
  size_t len, cap;
} CandidateList;

static bool candidates(Journal *journal, Arena *arena, int64_t keep, CandidateList *out, Error *err)
{
  Error own = {0};
  for (Query *q = store_query(journal->store, &own,
                              "SELECT id, updated_ms FROM plan"
                              " WHERE state IN ('done', 'failed', 'dropped') AND id NOT IN"
                              " (SELECT id FROM plan ORDER BY id DESC LIMIT ?)"
                              " ORDER BY updated_ms, id",
                              "i", keep);
       query_next(q);) {
    Candidate one = {query_int(q, 0), query_int(q, 1)};
    PUSH(arena, out, one);
  }
  return journal_listed(&own, err);
}

static bool forget_wanted(Journal *journal, const PruneSpec *spec, const CandidateList *list,
                          Pruned *out, Error *err)
{
  bool ok = drop_blobs(journal, journal_now_ms(), err);
  for (size_t i = 0; ok && i < list->len; i++) {
    bool old = list->items[i].updated_ms < spec->before_ms;
    if (!old && (spec->max_bytes < 0 || bytes_in_use(journal, err) <= spec->max_bytes)) continue;
    ok = forget(journal, list->items[i].id, err);
    if (ok && spec->max_bytes >= 0) ok = drop_blobs(journal, journal_now_ms(), err);
    out->forgotten += ok;
  }
  return ok && drop_blobs(journal, journal_now_ms(), err);
}

static int64_t count_plans(Journal *journal, Error *err)
{
  int64_t count = 0;
  for (Query *q = store_query(journal->store, err, "SELECT count(*) FROM plan", ""); query_next(q);)
    count = query_int(q, 0);
  return count;
}

bool journal_prune(Journal *journal, const PruneSpec *spec, Pruned *out, Error *err)
{
  Arena arena;
  CandidateList list = {0};
  Error own = {0};
  *out = (Pruned){.plans = count_plans(journal, &own)};
  arena_init(&arena);
  bool ok = own.code == ERR_OK && journal_begin(journal, &own);
  if (ok) {
    ok = candidates(journal, &arena, spec->keep, &list, &own) &&
         forget_wanted(journal, spec, &list, out, &own);
    ok = journal_end(journal, ok, &own);
  }
  // Gives the space back; may fail when another process is at work.
  if (ok) store_run(journal->store, NULL, "VACUUM", "");
  if (ok) out->bytes = bytes_in_use(journal, &own);
  arena_deinit(&arena);
  if (own.code != ERR_OK && err) *err = own;
  return ok && own.code == ERR_OK;
}
