// store.h: SQLite behind a small face: statements with typed arguments, rows read in a loop.
//
// The journal is WAL where the file system has shared memory, shared by all editors and shells of the user; busy waits
// are bounded (5 s).
// What store_commit and store_run have written is on disk when they return. Formats: i = int64_t (cast
// an int!), s = Str as text, b = Str as blob.
#pragma once

#include "base/err.h"
#include "lib/loop.h"

typedef struct Store Store;
typedef struct Query Query;

// Creates it; ERR_JOURNAL says damaged, full, unwritable.
Store *store_open(const char *path, Error *err);
void store_close(Store *store);  // what was committed is on disk; NULL is fine
// Reads all of it (0.1 s for 200 MB): ERR_JOURNAL when a page is damaged, which opening it does not see.
bool store_check(Store *store, Error *err);

// PRAGMA user_version and the steps to reach the newest: steps[i] takes version i to i+1, all in
// one transaction. A new one, of version 0, is made by [newest] at once, which all steps come to; NULL = by
// the steps. A database newer than we know is refused (ERR_JOURNAL, with the next step).
bool store_migrate(Store *store, const char *newest, const char *const *steps, int count,
                   Error *err);

// BEGIN IMMEDIATE; inner ones are savepoints, so that a part can be undone alone.
bool store_begin(Store *store, Error *err);
bool store_commit(Store *store, Error *err);  // ends it, also when it fails
void store_rollback(Store *store);

// Group commit: an fsync takes milliseconds, and many tasks end at once. After store_group what
// ends with store_commit_soon stays in one open transaction that is committed at the end of the
// loop's turn (loop_late), or by store_flush, or with the next thing that may not wait. From then on
// others see it and a kill does not take it back; a thread brings it to disk. Who lets something out of
// the process that relies on it calls store_flush first, or waits by store_on_disk where a power cut
// counts too. When such a commit fails all of it is undone, and [on_lost] hears of it from the loop.
// Without store_group nothing waits.
void store_group(Store *store, Loop *loop, void (*on_lost)(void *owner, const Error *err),
                 void *owner);
bool store_commit_soon(Store *store, Error *err);
// One statement as such a group of its own; cheaper than store_begin and store_commit_soon around it.
bool store_run_soon(Store *store, Error *err, const char *sql, const char *format, ...);
bool store_flush(Store *store, Error *err);

// [run] hears from the loop, once, when all that was written by now is on disk, or that something was lost. Embedded
// in its owner.
typedef struct StoreWaiter StoreWaiter;
struct StoreWaiter {
  void (*run)(void *owner, const Error *err);  // [err] is never NULL
  void *owner;
  StoreWaiter *next;
  int64_t commit;
};
void store_on_disk(Store *store, StoreWaiter *waiter, void (*run)(void *owner, const Error *err),
                   void *owner);
void store_on_disk_cancel(Store *store, StoreWaiter *waiter);
// What is written now names the file at [path], which was not brought to disk (fs_write_unsynced): a thread does that
// at once, and nothing counts as on disk before.
bool store_with_file(Store *store, const char *path, Error *err);
bool store_is_grouping(const Store *store);  // something waits for the next commit

// Reads between these see one moment, and lock the file once instead of once each. Nest; nothing may be
// written in between.
void store_read(Store *store);
void store_read_end(Store *store);

// Until it is switched on again, commits survive a killed process but not a power cut, and cost no
// fsync. For what is nice to have (log lines). Ignored inside a transaction.
void store_durable(Store *store, bool on);

// Runs one statement; rows are dropped. Statements are prepared once and cached by their text.
bool store_run(Store *store, Error *err, const char *sql, const char *format, ...);
int64_t store_last_id(Store *store);
int64_t store_changes(Store *store);

// for (Query *q = store_query(store, err, sql, fmt, ...); query_next(q);) { ... }   the loop's end
// frees it; query_end for an early exit.
Query *store_query(Store *store, Error *err, const char *sql, const char *format, ...);
bool query_next(Query *query);  // false at the end or on error (err given above is set)
void query_end(Query *query);
int64_t query_int(Query *query, int column);
bool query_is_null(Query *query, int column);
Str query_str(Query *query, int column);  // valid until the next query_next
Str query_str_dup(Query *query, int column, Arena *arena);

// 64 hex digits: SHA-256 of [bytes] (base/sha256.h), the identity of texts and prompts; never for
// secrets.
Str content_hash(Arena *arena, Str bytes);
