// store_private.h: what store.c and store_query.c share.
#pragma once

#include <sqlite3.h>

#include "lib/store.h"

// Several times the program's statements, so that none is prepared anew each time for want of a place.
enum { STATEMENT_SLOTS = 512, STATEMENT_PROBES = 8 };  // slots: a power of two

struct Query {
  Store *store;
  sqlite3_stmt *stmt;  // NULL: a free slot. Owned by the cache, or by the Query when [loose]
  Error *err;          // of the loop that runs it; may be NULL
  bool busy;           // between store_query and its end
  bool loose;          // not in the cache: its slot was taken
  bool rows;           // its arguments must outlive the call that starts it
};

struct Store {
  Arena arena;  // path
  char *path;
  sqlite3 *db;
  int nesting;    // open store_begin calls
  int reading;    // open store_read calls
  bool snapshot;  // they opened a transaction of their own
  bool held;      // a transaction is open under them, with commits that wait
  Loop *loop;     // borrowed; NULL = nothing waits
  LoopSoon soon;
  void (*on_lost)(void *owner, const Error *err);
  void *owner;
  Error lost;                 // what was held is gone; not told yet
  int64_t committed, synced;  // commits; the first [synced] of them are on disk
  bool lazy;                  // store_durable
  bool no_wal;                // its file system has no shared memory
  int wal;                    // the WAL's descriptor; -1 = not open yet
  struct SyncJob *job;        // the sync under way
  struct FileJob *files;      // store_with_file, under way
  StoreWaiter *waiters;       // in the order of their commits
  Query cache[STATEMENT_SLOTS];
};

// Fills [err] from SQLite's last error, in words and with the next step. Always false.
bool store_fail(Store *store, Error *err);
bool store_in_order(Store *store, Error *err);
bool store_exec(Store *store, const char *sql, Error *err);
// store_group.c
bool sync_set_up(Store *store, Error *err);
bool store_settle(Store *store, Error *err);  // store_flush, and to the disk unless it is lazy
void sync_end(Store *store);                  // jobs under way lose their store
void statements_drop(Store *store);
