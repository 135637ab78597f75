// store.c: opening, versions and transactions of a SQLite file. Statements are store_query.c, when what was
// committed is on disk store_group.c.
//
// Commits can be grouped: with store_begin, and over a turn of the loop with store_commit_soon: all
// that one event leads to, and what came meanwhile, is one commit (loop_late).
//
//   nesting 0, nothing held --begin--> BEGIN ....... --commit_soon--> held --turn, flush, commit--> COMMIT
//                    held   --begin--> SAVEPOINT ... --commit_soon--> held
#include "lib/store.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/fs.h"
#include "lib/store_private.h"

enum { BUSY_MS = 5000 };

static bool dir_writable(Store *store)
{
  Arena scratch;
  arena_init(&scratch);
  Str dir = path_dir(str_from(store->path));
  bool ok = access(dir.len ? str_z(&scratch, dir) : ".", W_OK) == 0;
  arena_deinit(&scratch);
  return ok;
}

static bool damaged(Store *store, Error *err)
{
  error_set(err, ERR_JOURNAL, "%s is damaged", store->path);
  return error_hint_set(
      err, "move it away and start again; `sqlite3 FILE .recover` may save its contents");
}

bool store_fail(Store *store, Error *err)
{
  int code = sqlite3_errcode(store->db), cause = code & 0xff;
  if (cause == SQLITE_CORRUPT || cause == SQLITE_NOTADB) return damaged(store, err);
  const char *hint = NULL, *what = sqlite3_errmsg(store->db);
  // Its memory to share is a file beside it: the first thing for which a full disk has no room.
  if (code == SQLITE_IOERR_SHMSIZE) cause = SQLITE_FULL;
  switch (cause) {
    case SQLITE_FULL:
      what = "the disk is full";
      hint = "free some space there and try again; nothing that is stored is lost";
      break;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      if (dir_writable(store)) break;
      what = "its directory cannot be written";
      hint = "make it writable, or set PIECEWORK_STATE to a directory that is";
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      what = "another piecework keeps it locked";
      hint = "try again; :Piecework health shows who uses it";
      break;
    case SQLITE_IOERR:
      hint = "check the disk and its free space; network file systems without locks do not work";
      break;
    default: break;
  }
  error_set(err, ERR_JOURNAL, "%s: %s", store->path, what);
  if (hint) error_hint_set(err, "%s", hint);
  return false;
}

bool store_exec(Store *store, const char *sql, Error *err)
{
  return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK || store_fail(store, err);
}

// It holds prompts: nobody else may read it, whatever the umask says. SQLite gives its other files
// the mode of this one. And can processes share memory through files there? 9p and some of FUSE cannot.
static void create_private(Store *store)
{
  int fd = open(store->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
  if (fd < 0) return;
  void *page = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  store->no_wal = page == MAP_FAILED;
  if (!store->no_wal) munmap(page, 1);
  close(fd);
}

static bool set_up(Store *store, Error *err)
{
  sqlite3_extended_result_codes(store->db, 1);
  sqlite3_busy_timeout(store->db, BUSY_MS);
  // What a savepoint would put back stays in memory: SQLite's own place for it is a file.
  return sync_set_up(store, err) && store_exec(store, "PRAGMA temp_store=MEMORY", err) &&
         store_exec(store, "PRAGMA schema_version", err);  // reads the header: damage shows here
}

Store *store_open(const char *path, Error *err)
{
  Store *store = mem_alloc(sizeof(Store));
  arena_init(&store->arena);
  store->path = str_z(&store->arena, str_from(path));
  create_private(store);
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);  // nobody reads it, and it is a lock for each piece
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(path, &store->db, flags, NULL) == SQLITE_OK) {
    if (set_up(store, err)) return store;
  } else {
    store_fail(store, err);
  }
  store_close(store);
  return NULL;
}

void store_close(Store *store)
{
  if (!store) return;
  store_settle(store, NULL);
  if (store->loop) loop_soon_cancel(store->loop, &store->soon);
  sync_end(store);
  statements_drop(store);
  sqlite3_close(store->db);
  arena_deinit(&store->arena);
  mem_free(store);
}

bool store_check(Store *store, Error *err)
{
  bool sound = false;
  error_clear(err);
  for (Query *q = store_query(store, err, "PRAGMA quick_check(1)", ""); query_next(q);) {
    sound = str_eq(query_str(q, 0), S("ok"));
  }
  return err->code == ERR_OK && (sound || damaged(store, err));
}

static bool get_version(Store *store, int64_t *version, Error *err)
{
  Query *query = store_query(store, err, "PRAGMA user_version", "");
  if (!query_next(query)) return false;
  *version = query_int(query, 0);
  query_end(query);
  return true;
}

// All in one transaction: another process may have been faster, and a new file waits for the disk once.
static bool migrate(Store *store, const char *newest, const char *const *steps, int count,
                    Error *err)
{
  if (!store_begin(store, err)) return false;
  int64_t version;
  char set[64];
  sqlite3_snprintf(sizeof(set), set, "PRAGMA user_version=%d", count);
  bool ok = get_version(store, &version, err);
  if (ok && version == 0 && newest) {
    ok = store_exec(store, newest, err);
  } else {
    for (int64_t at = version; ok && at < count; at++) ok = store_exec(store, steps[at], err);
  }
  ok = ok && (version >= count || store_exec(store, set, err));
  if (ok) return store_commit(store, err);
  store_rollback(store);
  return false;
}

bool store_migrate(Store *store, const char *newest, const char *const *steps, int count,
                   Error *err)
{
  int64_t version;
  if (!get_version(store, &version, err)) return false;
  if (version > count) {
    error_set(err, ERR_JOURNAL,
              "%s was written by a newer piecework (version %lld, this one knows %d)", store->path,
              (long long)version, count);
    return error_hint_set(
        err, "rebuild with :Piecework build, or set PIECEWORK_STATE to another directory");
  }
  return version == count || migrate(store, newest, steps, count, err);
}

// ---- Transactions: the outermost is SQLite's own, inner ones are savepoints ------------------

// A full disk makes SQLite roll back by itself. What a group runs after that would be committed
// piece by piece, so it is refused until the group ends.
bool store_in_order(Store *store, Error *err)
{
  bool open = store->nesting || store->held;
  if (!open || !sqlite3_get_autocommit(store->db)) return true;
  return error_set(err, ERR_JOURNAL, "%s: the transaction was given up", store->path);
}

bool store_begin(Store *store, Error *err)
{
  const char *sql = store->nesting || store->held ? "SAVEPOINT inner" : "BEGIN IMMEDIATE";
  if (!store_run(store, err, sql, "")) return false;
  store->nesting++;
  return true;
}

bool store_commit(Store *store, Error *err)
{
  if (store->nesting == 0) return error_set(err, ERR_JOURNAL, "commit without begin");
  bool inner = store->nesting > 1 || store->held;
  if (!store_run(store, err, inner ? "RELEASE inner" : "COMMIT", "")) {
    store_rollback(store);
    return false;
  }
  store->nesting--;
  return store->nesting > 0 || store_settle(store, err);
}

void store_rollback(Store *store)
{
  if (store->nesting == 0) return;
  store->nesting--;
  if (sqlite3_get_autocommit(store->db)) return;
  bool inner = store->nesting || store->held;
  store_exec(store, inner ? "ROLLBACK TO inner; RELEASE inner" : "ROLLBACK", NULL);
}

void store_read(Store *store)
{
  if (store->reading++ || store->nesting || store->held) return;
  store->snapshot = store_run(store, NULL, "BEGIN", "");
}

void store_read_end(Store *store)
{
  if (--store->reading || !store->snapshot) return;
  store->snapshot = false;
  store_run(store, NULL, "COMMIT", "");
}

void store_durable(Store *store, bool on)
{
  store->lazy = !on;
}

int64_t store_last_id(Store *store)
{
  return sqlite3_last_insert_rowid(store->db);
}

int64_t store_changes(Store *store)
{
  return sqlite3_changes(store->db);
}
