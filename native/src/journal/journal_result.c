// journal_result.c: what came out: patches, what the user decided about them, what verification
// said.
#include "journal/journal_private.h"

static const char *const changes[] = {"edit", "new", "delete", "rename"};
static const char *const decisions[] = {"none", "accepted", "rejected"};
static const char *const applied_states[] = {"pending", "applied", "reverted"};
static const char *const verdicts[] = {"", "ok", "doubt", "rejected"};

const char *verdict_name(VerdictKind kind)
{
  return kind <= VERDICT_REJECTED ? verdicts[kind] : "?";
}

// ---- Patches ---------------------------------------------------------------------------------

static bool patch_insert(Journal *journal, Arena *arena, int64_t plan, Str task,
                         const PatchRow *row, Str shown, Str made, Error *err)
{
  Str shown_hash, new_hash;
  bool is_new = row->change == FILE_NEW, is_gone = row->change == FILE_DELETE;
  return blob_put(journal, arena, is_new ? STR_NONE : shown, is_new, &shown_hash, err) &&
         blob_put(journal, arena, is_gone ? STR_NONE : made, is_gone, &new_hash, err) &&
         store_run(journal->store, err, "INSERT OR REPLACE INTO patch VALUES(?,?,?,?,?,?,?)",
                   "issssss", plan, task, row->path, str_from(changes[row->change]),
                   row->renamed_from, shown_hash, new_hash);
}

bool journal_patch_set(Journal *journal, int64_t plan, Str task, const PatchRow *rows,
                       const Str *shown, const Str *made, size_t count, Error *err)
{
  Arena scratch;
  arena_init(&scratch);
  bool ok = store_run(journal->store, err, "DELETE FROM patch WHERE plan = ? AND task = ?", "is",
                      plan, task);
  for (size_t i = 0; ok && i < count; i++) {
    ok = patch_insert(journal, &scratch, plan, task, &rows[i], shown[i], made[i], err);
  }
  arena_deinit(&scratch);
  return ok;
}

#define PATCH_COLUMNS "SELECT task, path, change, renamed_from, shown_hash, new_hash FROM patch"

bool journal_patch_list(Journal *journal, Arena *arena, int64_t plan, Str task, PatchRowList *out,
                        Error *err)
{
  Error own = {0};
  const char *sql = task.len ? PATCH_COLUMNS " WHERE plan = ? AND task = ? ORDER BY path"
                             : PATCH_COLUMNS " WHERE plan = ? AND ? = '' ORDER BY task, path";
  for (Query *q = store_query(journal->store, &own, sql, "is", plan, task); query_next(q);) {
    PatchRow row = {
        .task = query_str_dup(q, 0, arena),
        .path = query_str_dup(q, 1, arena),
        .change = (FileChange)name_index(changes, 4, query_str(q, 2)),
        .renamed_from = query_str_dup(q, 3, arena),
        .shown_hash = query_str_dup(q, 4, arena),
        .new_hash = query_str_dup(q, 5, arena),
    };
    PUSH(arena, out, row);
  }
  return journal_listed(&own, err);
}

#define RESULT_QUERY                                                                            \
  "SELECT patch.task, path, change, renamed_from, ended_ms, shown_hash, shown.bytes, new_hash," \
  " made.bytes FROM task JOIN patch ON patch.plan = task.plan AND patch.task = task.id"         \
  " LEFT JOIN blob AS shown ON shown.hash = shown_hash"                                         \
  " LEFT JOIN blob AS made ON made.hash = new_hash"                                             \
  " WHERE task.plan = ? AND state IN ('done', 'partial')"

// The text of [column], whose hash is in the one before it.
static bool result_text(Query *q, int column, Arena *arena, Str *out, Error *err)
{
  Str hash = query_str(q, column - 1);
  if (hash.len && query_is_null(q, column)) {
    return error_set(err, ERR_NOT_FOUND, "the journal has no text %.*s",
                     STR_ARG(str_sub(hash, 0, 12)));
  }
  *out = query_str_dup(q, column, arena);
  return true;
}

bool journal_result_list(Journal *journal, Arena *arena, int64_t plan, Str task, ResultRowList *out,
                         Error *err)
{
  Error own = {0};
  const char *sql = task.len ? RESULT_QUERY " AND task.id = ? ORDER BY path"
                             : RESULT_QUERY " AND ? = '' ORDER BY task.id, path";
  for (Query *q = store_query(journal->store, &own, sql, "is", plan, task); query_next(q);) {
    ResultRow row = {.task = query_str_dup(q, 0, arena),
                     .path = query_str_dup(q, 1, arena),
                     .change = (FileChange)name_index(changes, 4, query_str(q, 2)),
                     .renamed_from = query_str_dup(q, 3, arena),
                     .ended_ms = query_int(q, 4)};
    if (!result_text(q, 6, arena, &row.shown, &own) || !result_text(q, 8, arena, &row.made, &own)) {
      query_end(q);
      break;
    }
    PUSH(arena, out, row);
  }
  return journal_listed(&own, err);
}

// ---- Decisions -------------------------------------------------------------------------------

bool journal_decision_set(Journal *journal, int64_t plan, const DecisionRow *rows, size_t count,
                          Error *err)
{
  if (!journal_begin(journal, err)) return false;
  bool ok = true;
  for (size_t i = 0; ok && i < count; i++) {
    ok = store_run(journal->store, err,
                   "INSERT INTO decision(plan, hunk, task, decision) VALUES(?,?,?,?)"
                   " ON CONFLICT(plan, hunk) DO UPDATE SET decision = excluded.decision,"
                   " task = excluded.task",
                   "isss", plan, rows[i].hunk, rows[i].task, str_from(decisions[rows[i].decision]));
  }
  return journal_end(journal, ok, err);
}

bool journal_decision_applied(Journal *journal, int64_t plan, const StrList *hunks,
                              AppliedState applied, Error *err)
{
  if (!journal_begin(journal, err)) return false;
  bool ok = true;
  for (size_t i = 0; ok && i < hunks->len; i++) {
    ok = store_run(journal->store, err,
                   "UPDATE decision SET applied = ? WHERE plan = ? AND hunk = ?", "sis",
                   str_from(applied_states[applied]), plan, hunks->items[i]);
    if (ok && store_changes(journal->store) != 1) {
      ok = error_set(err, ERR_NOT_FOUND, "no decision about hunk %.*s", STR_ARG(hunks->items[i]));
    }
  }
  return journal_end(journal, ok, err);
}

bool journal_decision_copy(Journal *journal, int64_t plan, Str from, Str to, Error *err)
{
  return store_run(
      journal->store, err,
      "INSERT OR REPLACE INTO decision(plan, hunk, task, decision, applied)"
      " SELECT plan, ?, task, decision, applied FROM decision WHERE plan = ? AND hunk = ?",
      "sis", to, plan, from);
}

bool journal_decision_list(Journal *journal, Arena *arena, int64_t plan, DecisionRowList *out,
                           Error *err)
{
  Error own = {0};
  for (Query *q = store_query(journal->store, &own,
                              "SELECT hunk, task, decision, applied FROM decision WHERE plan = ?"
                              " ORDER BY hunk",
                              "i", plan);
       query_next(q);) {
    DecisionRow row = {
        .hunk = query_str_dup(q, 0, arena),
        .task = query_str_dup(q, 1, arena),
        .decision = (Decision)name_index(decisions, 3, query_str(q, 2)),
        .applied = (AppliedState)name_index(applied_states, 3, query_str(q, 3)),
    };
    PUSH(arena, out, row);
  }
  return journal_listed(&own, err);
}

bool journal_cut_add(Journal *journal, int64_t plan, const CutRow *rows, size_t count, Error *err)
{
  if (!journal_begin(journal, err)) return false;
  bool ok = true;
  for (size_t i = 0; ok && i < count; i++) {
    ok = store_run(journal->store, err, "INSERT OR IGNORE INTO cut VALUES(?,?,?,?)", "isii", plan,
                   rows[i].hunk, rows[i].old_at, rows[i].new_at);
  }
  return journal_end(journal, ok, err);
}

bool journal_cut_drop(Journal *journal, int64_t plan, Str hunk, Error *err)
{
  return store_run(journal->store, err, "DELETE FROM cut WHERE plan = ? AND hunk = ?", "is", plan,
                   hunk);
}

bool journal_cut_list(Journal *journal, Arena *arena, int64_t plan, CutRowList *out, Error *err)
{
  Error own = {0};
  for (Query *q = store_query(journal->store, &own,
                              "SELECT hunk, old_at, new_at FROM cut WHERE plan = ?"
                              " ORDER BY hunk, old_at, new_at",
                              "i", plan);
       query_next(q);) {
    CutRow row = {query_str_dup(q, 0, arena), query_int(q, 1), query_int(q, 2)};
    PUSH(arena, out, row);
  }
  return journal_listed(&own, err);
}

// ---- Proposals changed by hand ---------------------------------------------------------------

bool journal_hand_put(Journal *journal, int64_t plan, Str path, Str shown, Str made, Error *err)
{
  if (!journal_begin(journal, err)) return false;
  Arena scratch;
  Str shown_hash, made_hash;
  arena_init(&scratch);
  bool ok = blob_put(journal, &scratch, shown, false, &shown_hash, err) &&
            blob_put(journal, &scratch, made, false, &made_hash, err) &&
            store_run(journal->store, err, "INSERT OR REPLACE INTO hand VALUES(?,?,?,?)", "isss",
                      plan, path, shown_hash, made_hash);
  arena_deinit(&scratch);
  return journal_end(journal, ok, err);
}

bool journal_hand_drop(Journal *journal, int64_t plan, Str path, Error *err)
{
  return store_run(journal->store, err, "DELETE FROM hand WHERE plan = ? AND path = ?", "is", plan,
                   path);
}

bool journal_hand_list(Journal *journal, Arena *arena, int64_t plan, HandRowList *out, Error *err)
{
  Error own = {0};
  for (Query *q = store_query(
           journal->store, &own,
           "SELECT path, shown_hash, made_hash FROM hand WHERE plan = ? ORDER BY path", "i", plan);
       query_next(q);) {
    HandRow row = {query_str_dup(q, 0, arena), query_str_dup(q, 1, arena),
                   query_str_dup(q, 2, arena)};
    PUSH(arena, out, row);
  }
  return journal_listed(&own, err);
}

// ---- Verdicts --------------------------------------------------------------------------------

bool journal_verdict_put(Journal *journal, int64_t plan, const VerdictRow *verdict, Error *err)
{
  return store_run(journal->store, err, "INSERT OR REPLACE INTO verdict VALUES(?,?,?,?,?,?)",
                   "issssi", plan, verdict->task, str_from(verdict_name(verdict->kind)),
                   verdict->reason, verdict->path, verdict->line);
}

bool journal_verdict_drop(Journal *journal, int64_t plan, Str task, Error *err)
{
  return store_run(journal->store, err, "DELETE FROM verdict WHERE plan = ? AND task = ?", "is",
                   plan, task);
}

bool journal_verdict_list(Journal *journal, Arena *arena, int64_t plan, VerdictRowList *out,
                          Error *err)
{
  Error own = {0};
  for (Query *q = store_query(journal->store, &own,
                              "SELECT task, kind, reason, path, line FROM verdict"
                              " WHERE plan = ? ORDER BY task",
                              "i", plan);
       query_next(q);) {
    VerdictRow row = {
        .task = query_str_dup(q, 0, arena),
        .kind = (VerdictKind)name_index(verdicts, 4, query_str(q, 1)),
        .reason = query_str_dup(q, 2, arena),
        .path = query_str_dup(q, 3, arena),
        .line = query_int(q, 4),
    };
    PUSH(arena, out, row);
  }
  return journal_listed(&own, err);
}
