// journal_blob.c: texts by content, and the bases of plans.
#include "journal/journal_private.h"

bool blob_put(Journal *journal, Arena *arena, Str bytes, bool empty_is_none, Str *hash, Error *err)
{
  *hash = S("");
  if (bytes.len == 0 && empty_is_none) return true;
  *hash = content_hash(arena, bytes);
  // An old blob that is put again is as good as new: journal_prune must not take it. Young ones are
  // left alone, because an update writes the bytes again.
  return store_run_soon(
      journal->store, err,
      "INSERT INTO blob VALUES(?,?,?) ON CONFLICT(hash) DO UPDATE SET at_ms = excluded.at_ms"
      " WHERE at_ms < excluded.at_ms - ?",
      "sbii", *hash, bytes, journal_now_ms(), (int64_t)BLOB_YOUNG_MS / 2);
}

bool journal_blob_put(Journal *journal, Arena *arena, Str bytes, Str *hash, Error *err)
{
  return blob_put(journal, arena, bytes, false, hash, err);
}

bool journal_blob_get(Journal *journal, Arena *arena, Str hash, Str *bytes, Error *err)
{
  Query *q = store_query(journal->store, err, "SELECT bytes FROM blob WHERE hash = ?", "s", hash);
  if (!query_next(q)) {
    return error_set(err, ERR_NOT_FOUND, "the journal has no text %.*s",
                     STR_ARG(str_sub(hash, 0, 12)));
  }
  *bytes = query_str_dup(q, 0, arena);
  query_end(q);
  return true;
}

// Without a transaction of its own: a text whose base is not written is a blob that nobody refers to.
static bool base_write(Journal *journal, const char *sql, int64_t plan, Str path, Str text,
                       bool exists, Error *err)
{
  Arena scratch;
  arena_init(&scratch);
  Str hash = S("");
  bool ok = (!exists || blob_put(journal, &scratch, text, false, &hash, err)) &&
            store_run_soon(journal->store, err, sql, "issi", plan, path, hash, (int64_t)exists);
  arena_deinit(&scratch);
  return ok;
}

bool journal_base_put(Journal *journal, int64_t plan, Str path, Str text, bool exists, Error *err)
{
  return base_write(journal, "INSERT OR IGNORE INTO base VALUES(?,?,?,?)", plan, path, text, exists,
                    err);
}

bool journal_base_reset(Journal *journal, int64_t plan, Str path, Str text, bool exists, Error *err)
{
  return base_write(journal, "INSERT OR REPLACE INTO base VALUES(?,?,?,?)", plan, path, text,
                    exists, err);
}

bool journal_base_get(Journal *journal, Arena *arena, int64_t plan, Str path, Str *text,
                      bool *exists, Error *err)
{
  Query *q = store_query(journal->store, err,
                         "SELECT present, bytes FROM base LEFT JOIN blob USING(hash)"
                         " WHERE plan = ? AND path = ?",
                         "is", plan, path);
  if (!query_next(q))
    return error_set(err, ERR_NOT_FOUND, "plan %lld has no base for %.*s", (long long)plan,
                     STR_ARG(path));
  *exists = query_int(q, 0) != 0;
  bool lost = *exists && query_is_null(q, 1);
  *text = query_str_dup(q, 1, arena);
  query_end(q);
  return !lost || error_set(err, ERR_JOURNAL, "the base of %.*s is gone", STR_ARG(path));
}
