// journal_schema.c: the tables, as steps from one version to the next. A step that was released
// never changes; a new need is a new step at the end, and what it changes in journal_newest.
#include "journal/journal_schema.h"

// Money in flight and spent is summed by triggers, so that neither a crash nor a second engine can
// make the sums differ from the attempts, and a budget check does not add up all attempts of a plan
// each time.
//
//   in flight                      reserved += worst case
//   ended, cost known              spent    += cost
//   ended, cost unknown, was sent  lost     += worst case
//   ended, broke off               lost     += what may come on top (a later step)
//   neither cost nor worst case    unpriced += 1
#define SHARE(row, sign)                                                               \
  "reserved = reserved " sign " (CASE WHEN " row ".ended_ms = 0 THEN max(" row         \
  ".worst_case, 0)"                                                                    \
  " ELSE 0 END),"                                                                      \
  "spent = spent " sign " (CASE WHEN " row ".ended_ms > 0 THEN max(" row               \
  ".cost, 0) ELSE 0 END),"                                                             \
  "lost = lost " sign " (CASE WHEN " row ".ended_ms > 0 AND " row ".cost < 0 AND " row \
  ".sent"                                                                              \
  " THEN max(" row                                                                     \
  ".worst_case, 0) ELSE 0 END),"                                                       \
  "unpriced = unpriced " sign " (" row ".worst_case < 0 AND " row ".cost < 0 AND " row ".sent)"

static const char first[] =
    "CREATE TABLE plan("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, root TEXT NOT NULL, path TEXT NOT NULL,"
    " title TEXT NOT NULL, request TEXT NOT NULL, state TEXT NOT NULL, created_ms INTEGER NOT NULL,"
    " updated_ms INTEGER NOT NULL, budget INTEGER NOT NULL, note TEXT NOT NULL,"
    " test_command TEXT NOT NULL DEFAULT '', test_status INTEGER NOT NULL DEFAULT 0,"
    " test_tail TEXT NOT NULL DEFAULT '', test_at_ms INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX plan_root ON plan(root, id);"
    "CREATE INDEX plan_path ON plan(path);"
    "CREATE TABLE fact("
    " plan INTEGER NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL,"
    " PRIMARY KEY(plan, name)) WITHOUT ROWID;"
    "CREATE TABLE blob(hash TEXT NOT NULL UNIQUE, bytes BLOB NOT NULL, at_ms INTEGER NOT NULL);"
    "CREATE TABLE base("
    " plan INTEGER NOT NULL, path TEXT NOT NULL, hash TEXT NOT NULL, present INTEGER NOT NULL,"
    " PRIMARY KEY(plan, path)) WITHOUT ROWID;"
    "CREATE TABLE task("
    " plan INTEGER NOT NULL, id TEXT NOT NULL, state TEXT NOT NULL, executor TEXT NOT NULL,"
    " title TEXT NOT NULL, note TEXT NOT NULL, spec_hash TEXT NOT NULL, rung INTEGER NOT NULL,"
    " added INTEGER NOT NULL, removed INTEGER NOT NULL, started_ms INTEGER NOT NULL,"
    " ended_ms INTEGER NOT NULL, PRIMARY KEY(plan, id)) WITHOUT ROWID;"
    // The root is repeated, so that the money is still told by project when the plan is forgotten.
    "CREATE TABLE attempt("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, plan INTEGER NOT NULL, root TEXT NOT NULL,"
    " task TEXT NOT NULL, phase TEXT NOT NULL, role TEXT NOT NULL, provider TEXT NOT NULL,"
    " model TEXT NOT NULL, worst_case INTEGER NOT NULL, prompt_hash TEXT NOT NULL,"
    " reply_hash TEXT NOT NULL DEFAULT '', started_ms INTEGER NOT NULL,"
    " ended_ms INTEGER NOT NULL DEFAULT 0, outcome TEXT NOT NULL DEFAULT 'ok',"
    " error TEXT NOT NULL DEFAULT '', fresh_in INTEGER NOT NULL DEFAULT 0,"
    " cache_write INTEGER NOT NULL DEFAULT 0, cache_read INTEGER NOT NULL DEFAULT 0,"
    " out INTEGER NOT NULL DEFAULT 0, reasoning INTEGER NOT NULL DEFAULT 0,"
    " usage_known INTEGER NOT NULL DEFAULT 0, cost INTEGER NOT NULL DEFAULT -1,"
    " sent INTEGER NOT NULL DEFAULT 1, request_id TEXT NOT NULL DEFAULT '');"
    "CREATE INDEX attempt_task ON attempt(plan, task);"
    "CREATE INDEX attempt_prompt ON attempt(plan, prompt_hash);"
    "CREATE INDEX attempt_time ON attempt(started_ms);"
    "CREATE TABLE money("
    " plan INTEGER PRIMARY KEY, spent INTEGER NOT NULL DEFAULT 0, lost INTEGER NOT NULL DEFAULT 0,"
    " reserved INTEGER NOT NULL DEFAULT 0, unpriced INTEGER NOT NULL DEFAULT 0);"
    "CREATE TRIGGER attempt_starts AFTER INSERT ON attempt BEGIN"
    " INSERT OR IGNORE INTO money(plan) VALUES(new.plan);"
    " UPDATE money SET " SHARE("new", "+") " WHERE plan = new.plan; END;"
    "CREATE TRIGGER attempt_ends AFTER UPDATE OF ended_ms, cost, sent, worst_case ON attempt BEGIN"
    " UPDATE money SET " SHARE("old", "-") " WHERE plan = old.plan;"
    " UPDATE money SET " SHARE("new", "+") " WHERE plan = new.plan; END;"
    "CREATE TABLE patch("
    " plan INTEGER NOT NULL, task TEXT NOT NULL, path TEXT NOT NULL, change TEXT NOT NULL,"
    " renamed_from TEXT NOT NULL, shown_hash TEXT NOT NULL, new_hash TEXT NOT NULL,"
    " tier TEXT NOT NULL, partial INTEGER NOT NULL, PRIMARY KEY(plan, task, path)) WITHOUT ROWID;"
    "CREATE TABLE decision("
    " plan INTEGER NOT NULL, hunk TEXT NOT NULL, task TEXT NOT NULL, path TEXT NOT NULL,"
    " decision TEXT NOT NULL, at_ms INTEGER NOT NULL, applied TEXT NOT NULL DEFAULT 'pending',"
    " before_hash TEXT NOT NULL DEFAULT '', after_hash TEXT NOT NULL DEFAULT '',"
    " PRIMARY KEY(plan, hunk)) WITHOUT ROWID;"
    "CREATE TABLE verdict("
    " plan INTEGER NOT NULL, task TEXT NOT NULL, round INTEGER NOT NULL, kind TEXT NOT NULL,"
    " reason TEXT NOT NULL, path TEXT NOT NULL, line INTEGER NOT NULL,"
    " PRIMARY KEY(plan, task, round)) WITHOUT ROWID;"
    "CREATE TABLE log("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, plan INTEGER NOT NULL, at_ms INTEGER NOT NULL,"
    " kind TEXT NOT NULL, task TEXT NOT NULL, text TEXT NOT NULL);"
    "CREATE INDEX log_plan ON log(plan, id);"
    "CREATE TABLE trust("
    " root TEXT NOT NULL, kind TEXT NOT NULL, hash TEXT NOT NULL, text TEXT NOT NULL,"
    " at_ms INTEGER NOT NULL, PRIMARY KEY(root, kind, hash)) WITHOUT ROWID;"
    "CREATE TABLE lease("
    " plan INTEGER PRIMARY KEY, holder TEXT NOT NULL, until_ms INTEGER NOT NULL);"
    "CREATE TABLE advice(hash TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID;";

// Where the user cut a hunk into parts, counted in its old and its new lines.
static const char cuts[] =
    "CREATE TABLE cut("
    " plan INTEGER NOT NULL, hunk TEXT NOT NULL, old_at INTEGER NOT NULL, new_at INTEGER NOT NULL,"
    " PRIMARY KEY(plan, hunk, old_at, new_at)) WITHOUT ROWID;";

// The provider's name of the batch that holds the request; empty = it was sent by itself.
static const char batches[] =
    "ALTER TABLE attempt ADD COLUMN batch TEXT NOT NULL DEFAULT '';"
    "CREATE INDEX attempt_batch ON attempt(plan) WHERE batch <> '' AND ended_ms = 0;";

// A proposal changed by hand: what the user saw, and what it became.
static const char hands[] =
    "CREATE TABLE hand("
    " plan INTEGER NOT NULL, path TEXT NOT NULL, shown_hash TEXT NOT NULL, made_hash TEXT NOT NULL,"
    " at_ms INTEGER NOT NULL, PRIMARY KEY(plan, path)) WITHOUT ROWID;";

// What the prompt was estimated at, beside what the provider counted; 0 = the two cannot be compared.
static const char estimates[] =
    "ALTER TABLE attempt ADD COLUMN estimated_in INTEGER NOT NULL DEFAULT 0;";

// Stored replies are looked for by task: an index of prompts cost each call a page of the journal.
static const char by_task[] = "DROP INDEX attempt_prompt;";

// What a provider may ask for beyond the cost, where its reply broke off: lost, too.
static const char unsure[] =
    "ALTER TABLE attempt ADD COLUMN unsure INTEGER NOT NULL DEFAULT 0;"
    "CREATE TRIGGER attempt_unsure AFTER UPDATE OF unsure ON attempt WHEN new.unsure <> old.unsure"
    " BEGIN UPDATE money SET lost = lost + new.unsure - old.unsure WHERE plan = new.plan; END;";

// What was written and never read, and the rounds of verdicts: only a task's newest one ever counted.
static const char unread[] =
    "ALTER TABLE plan DROP COLUMN created_ms;"
    "ALTER TABLE plan DROP COLUMN test_at_ms;"
    "ALTER TABLE patch DROP COLUMN tier;"
    "ALTER TABLE patch DROP COLUMN partial;"
    "ALTER TABLE decision DROP COLUMN path;"
    "ALTER TABLE decision DROP COLUMN at_ms;"
    "ALTER TABLE decision DROP COLUMN before_hash;"
    "ALTER TABLE decision DROP COLUMN after_hash;"
    "ALTER TABLE hand DROP COLUMN at_ms;"
    "CREATE TABLE newest("
    " plan INTEGER NOT NULL, task TEXT NOT NULL, kind TEXT NOT NULL, reason TEXT NOT NULL,"
    " path TEXT NOT NULL, line INTEGER NOT NULL, PRIMARY KEY(plan, task)) WITHOUT ROWID;"
    "INSERT OR REPLACE INTO newest"
    " SELECT plan, task, kind, reason, path, line FROM verdict ORDER BY round;"
    "DROP TABLE verdict;"
    "ALTER TABLE newest RENAME TO verdict;";

// What was sent and what came back belongs to one attempt. As blobs each cost a page of the index of hashes, where
// every hash falls elsewhere, and that was half of all that a run wrote.
static const char spoken[] =
    "CREATE TABLE prompt(attempt INTEGER PRIMARY KEY, text BLOB NOT NULL);"
    "CREATE TABLE reply(attempt INTEGER PRIMARY KEY, text BLOB NOT NULL);"
    "INSERT INTO prompt SELECT id, bytes FROM attempt JOIN blob ON hash = prompt_hash;"
    "INSERT INTO reply SELECT id, bytes FROM attempt JOIN blob ON hash = reply_hash;"
    "ALTER TABLE attempt ADD COLUMN replied INTEGER NOT NULL DEFAULT 0;"
    "UPDATE attempt SET replied = 1 WHERE reply_hash <> '';"
    "ALTER TABLE attempt DROP COLUMN reply_hash;";

// What all steps come to, for a journal that is made now: one after the other they take ten times as
// long, and the first verb of a user waits for it. A test compares the two, to the letter.
const char journal_newest[] =
    "CREATE TABLE plan( id INTEGER PRIMARY KEY AUTOINCREMENT, root TEXT NOT NULL, path TEXT NOT"
    " NULL, title TEXT NOT NULL, request TEXT NOT NULL, state TEXT NOT NULL, updated_ms INTEGER"
    " NOT NULL, budget INTEGER NOT NULL, note TEXT NOT NULL, test_command TEXT NOT NULL DEFAULT"
    " '', test_status INTEGER NOT NULL DEFAULT 0, test_tail TEXT NOT NULL DEFAULT '');"
    "CREATE TABLE fact( plan INTEGER NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL, PRIMARY"
    " KEY(plan, name)) WITHOUT ROWID;"
    "CREATE TABLE blob(hash TEXT NOT NULL UNIQUE, bytes BLOB NOT NULL, at_ms INTEGER NOT NULL);"
    "CREATE TABLE base( plan INTEGER NOT NULL, path TEXT NOT NULL, hash TEXT NOT NULL, present"
    " INTEGER NOT NULL, PRIMARY KEY(plan, path)) WITHOUT ROWID;"
    "CREATE TABLE task( plan INTEGER NOT NULL, id TEXT NOT NULL, state TEXT NOT NULL, executor"
    " TEXT NOT NULL, title TEXT NOT NULL, note TEXT NOT NULL, spec_hash TEXT NOT NULL, rung"
    " INTEGER NOT NULL, added INTEGER NOT NULL, removed INTEGER NOT NULL, started_ms INTEGER"
    " NOT NULL, ended_ms INTEGER NOT NULL, PRIMARY KEY(plan, id)) WITHOUT ROWID;"
    "CREATE TABLE attempt( id INTEGER PRIMARY KEY AUTOINCREMENT, plan INTEGER NOT NULL, root"
    " TEXT NOT NULL, task TEXT NOT NULL, phase TEXT NOT NULL, role TEXT NOT NULL, provider TEXT"
    " NOT NULL, model TEXT NOT NULL, worst_case INTEGER NOT NULL, prompt_hash TEXT NOT NULL,"
    " started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL DEFAULT 0, outcome TEXT NOT NULL"
    " DEFAULT 'ok', error TEXT NOT NULL DEFAULT '', fresh_in INTEGER NOT NULL DEFAULT 0,"
    " cache_write INTEGER NOT NULL DEFAULT 0, cache_read INTEGER NOT NULL DEFAULT 0, out"
    " INTEGER NOT NULL DEFAULT 0, reasoning INTEGER NOT NULL DEFAULT 0, usage_known INTEGER NOT"
    " NULL DEFAULT 0, cost INTEGER NOT NULL DEFAULT -1, sent INTEGER NOT NULL DEFAULT 1,"
    " request_id TEXT NOT NULL DEFAULT '', batch TEXT NOT NULL DEFAULT '', estimated_in INTEGER"
    " NOT NULL DEFAULT 0, unsure INTEGER NOT NULL DEFAULT 0, replied INTEGER NOT NULL DEFAULT"
    " 0);"
    "CREATE TABLE money( plan INTEGER PRIMARY KEY, spent INTEGER NOT NULL DEFAULT 0, lost"
    " INTEGER NOT NULL DEFAULT 0, reserved INTEGER NOT NULL DEFAULT 0, unpriced INTEGER NOT"
    " NULL DEFAULT 0);"
    "CREATE TABLE patch( plan INTEGER NOT NULL, task TEXT NOT NULL, path TEXT NOT NULL, change"
    " TEXT NOT NULL, renamed_from TEXT NOT NULL, shown_hash TEXT NOT NULL, new_hash TEXT NOT"
    " NULL, PRIMARY KEY(plan, task, path)) WITHOUT ROWID;"
    "CREATE TABLE decision( plan INTEGER NOT NULL, hunk TEXT NOT NULL, task TEXT NOT NULL,"
    " decision TEXT NOT NULL, applied TEXT NOT NULL DEFAULT 'pending', PRIMARY KEY(plan, hunk))"
    " WITHOUT ROWID;"
    "CREATE TABLE log( id INTEGER PRIMARY KEY AUTOINCREMENT, plan INTEGER NOT NULL, at_ms"
    " INTEGER NOT NULL, kind TEXT NOT NULL, task TEXT NOT NULL, text TEXT NOT NULL);"
    "CREATE TABLE trust( root TEXT NOT NULL, kind TEXT NOT NULL, hash TEXT NOT NULL, text TEXT"
    " NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY(root, kind, hash)) WITHOUT ROWID;"
    "CREATE TABLE lease( plan INTEGER PRIMARY KEY, holder TEXT NOT NULL, until_ms INTEGER NOT"
    " NULL);"
    "CREATE TABLE advice(hash TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE cut( plan INTEGER NOT NULL, hunk TEXT NOT NULL, old_at INTEGER NOT NULL,"
    " new_at INTEGER NOT NULL, PRIMARY KEY(plan, hunk, old_at, new_at)) WITHOUT ROWID;"
    "CREATE TABLE hand( plan INTEGER NOT NULL, path TEXT NOT NULL, shown_hash TEXT NOT NULL,"
    " made_hash TEXT NOT NULL, PRIMARY KEY(plan, path)) WITHOUT ROWID;"
    "CREATE TABLE \"verdict\"( plan INTEGER NOT NULL, task TEXT NOT NULL, kind TEXT NOT NULL,"
    " reason TEXT NOT NULL, path TEXT NOT NULL, line INTEGER NOT NULL, PRIMARY KEY(plan, task))"
    " WITHOUT ROWID;"
    "CREATE TABLE prompt(attempt INTEGER PRIMARY KEY, text BLOB NOT NULL);"
    "CREATE TABLE reply(attempt INTEGER PRIMARY KEY, text BLOB NOT NULL);"
    "CREATE INDEX plan_root ON plan(root, id);"
    "CREATE INDEX plan_path ON plan(path);"
    "CREATE INDEX attempt_task ON attempt(plan, task);"
    "CREATE INDEX attempt_time ON attempt(started_ms);"
    "CREATE INDEX log_plan ON log(plan, id);"
    "CREATE INDEX attempt_batch ON attempt(plan) WHERE batch <> '' AND ended_ms = 0;"
    "CREATE TRIGGER attempt_starts AFTER INSERT ON attempt BEGIN"
    " INSERT OR IGNORE INTO money(plan) VALUES(new.plan);"
    " UPDATE money SET " SHARE("new", "+") " WHERE plan = new.plan; END;"
    "CREATE TRIGGER attempt_ends AFTER UPDATE OF ended_ms, cost, sent, worst_case ON attempt BEGIN"
    " UPDATE money SET " SHARE("old", "-") " WHERE plan = old.plan;"
    " UPDATE money SET " SHARE("new", "+") " WHERE plan = new.plan; END;"
    "CREATE TRIGGER attempt_unsure AFTER UPDATE OF unsure ON attempt WHEN new.unsure <>"
    " old.unsure BEGIN UPDATE money SET lost = lost + new.unsure - old.unsure WHERE plan ="
    " new.plan; END;";

const char *const journal_schema[] = {first,   cuts,   batches, hands, estimates,
                                      by_task, unsure, unread,  spoken};
const int journal_version = sizeof(journal_schema) / sizeof(*journal_schema);
