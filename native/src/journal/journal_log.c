// journal_log.c: the plan's log, trusted commands, leases, and advice already given.
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "journal/journal_private.h"
#include "lib/fs.h"

// ---- Log -------------------------------------------------------------------------------------

void journal_log(Journal *journal, int64_t plan, Str kind, Str task, const char *format, ...)
{
  Arena scratch;
  arena_init(&scratch);
  va_list args;
  va_start(args, format);
  Str text = str_vfmt(&scratch, format, args);
  va_end(args);
  Error err = {0};
  bool shares = store_is_grouping(journal->store);
  if (!shares) store_durable(journal->store, false);  // a line alone is not worth an fsync
  bool ok = (shares ? store_run_soon : store_run)(
      journal->store, &err, "INSERT INTO log(plan, at_ms, kind, task, text) VALUES(?,?,?,?,?)",
      "iisss", plan, journal_now_ms(), kind, task, text);
  if (!shares) store_durable(journal->store, true);
  if (!ok) log_warn("log line lost: %s", err.message);
  arena_deinit(&scratch);
}

bool journal_log_list(Journal *journal, Arena *arena, int64_t plan, size_t limit, LogRowList *out,
                      Error *err)
{
  Error own = {0};
  for (Query *q = store_query(journal->store, &own,
                              "SELECT * FROM (SELECT id, at_ms, kind, task, text FROM log"
                              " WHERE plan = ? ORDER BY id DESC LIMIT ?) ORDER BY id",
                              "ii", plan, limit ? (int64_t)limit : (int64_t)-1);
       query_next(q);) {
    LogRow row = {query_int(q, 1), query_str_dup(q, 2, arena), query_str_dup(q, 3, arena),
                  query_str_dup(q, 4, arena)};
    PUSH(arena, out, row);
  }
  return journal_listed(&own, err);
}

// ---- Trust -----------------------------------------------------------------------------------

bool journal_trust_add(Journal *journal, Str root, Str kind, Str text, Error *err)
{
  Arena scratch;
  arena_init(&scratch);
  bool ok = store_run(journal->store, err, "INSERT OR REPLACE INTO trust VALUES(?,?,?,?,?)",
                      "ssssi", root, kind, content_hash(&scratch, text), text, journal_now_ms());
  arena_deinit(&scratch);
  return ok;
}

static bool any_row(Query *q)
{
  bool any = query_next(q);
  if (any) query_end(q);
  return any;
}

bool journal_trusted(Journal *journal, Str root, Str kind, Str text)
{
  return any_row(store_query(journal->store, NULL,
                             "SELECT 1 FROM trust WHERE root = ? AND kind = ? AND text = ?", "sss",
                             root, kind, text));
}

bool journal_trust_list(Journal *journal, Arena *arena, Str root, StrList *out, Error *err)
{
  Error own = {0};
  for (Query *q = store_query(journal->store, &own,
                              "SELECT text FROM trust WHERE root = ? ORDER BY kind, at_ms, text",
                              "s", root);
       query_next(q);) {
    PUSH(arena, out, query_str_dup(q, 0, arena));
  }
  return journal_listed(&own, err);
}

// ---- Leases ----------------------------------------------------------------------------------

static void host_name(char out[256])
{
  memset(out, 0, 256);
  if (gethostname(out, 255) != 0 || !out[0]) memcpy(out, "localhost", 10);
  for (char *p = out; *p; p++) {
    if (*p == ':') *p = '-';
  }
}

Str journal_holder(Arena *arena)
{
  static unsigned nonce;
  char host[256];
  host_name(host);
  return str_fmt(arena, "%s:%ld:%llx-%u", host, (long)getpid(),
                 (unsigned long long)journal_now_ms(), nonce++);
}

static bool split_holder(Str holder, Str *host, uint64_t *pid)
{
  Str number;
  return str_cut(&holder, ':', host) && str_cut(&holder, ':', &number) && str_to_u64(number, pid) &&
         *pid > 0 && *pid <= INT32_MAX;
}

// A process that has ended and whose parent has not asked how. Only Linux tells, in the letter behind the name, which
// may hold anything.
static bool is_zombie(uint64_t pid)
{
  enum { STAT_MAX = 4096 };
  Arena arena;
  Str stat = STR_NONE;
  arena_init(&arena);
  Str path = str_fmt(&arena, "/proc/%llu/stat", (unsigned long long)pid);
  if (!fs_read(&arena, str_z(&arena, path), STAT_MAX, &stat, NULL)) stat = STR_NONE;
  size_t end = str_rfind_char(stat, ')');
  bool zombie = end != STR_NOT_FOUND && str_starts(str_skip(stat, end), S(") Z"));
  arena_deinit(&arena);
  return zombie;
}

// Certain only for this host: a process that no longer is.
static bool is_dead(Str holder)
{
  char here[256];
  host_name(here);
  Str host;
  uint64_t pid;
  if (!split_holder(holder, &host, &pid) || !str_eq(host, str_from(here))) return false;
  return (kill((pid_t)pid, 0) != 0 && errno == ESRCH) || is_zombie(pid);
}

static bool busy(int64_t plan, Str holder, Error *err)
{
  Str host = holder;
  uint64_t pid = 0;
  split_holder(holder, &host, &pid);
  return error_set(err, ERR_BUSY, "plan %lld is being worked on by process %llu on %.*s",
                   (long long)plan, (unsigned long long)pid, STR_ARG(host));
}

// Whoever holds the plan now and may not be pushed aside; empty when it is free for [holder].
static bool lease_obstacle(Journal *journal, Arena *arena, int64_t plan, Str holder, Str *other,
                           Error *err)
{
  if (!journal_lease_holder(journal, arena, plan, other, err)) return false;
  if (str_eq(*other, holder)) *other = S("");
  return true;
}

bool journal_lease_take(Journal *journal, int64_t plan, Str holder, int64_t ttl_ms, Error *err)
{
  if (!journal_begin(journal, err)) return false;
  Arena scratch;
  arena_init(&scratch);
  Str other = S("");
  bool ok = lease_obstacle(journal, &scratch, plan, holder, &other, err);
  if (ok && other.len) ok = busy(plan, other, err);
  ok = ok && store_run(journal->store, err, "INSERT OR REPLACE INTO lease VALUES(?,?,?)", "isi",
                       plan, holder, journal_now_ms() + ttl_ms);
  arena_deinit(&scratch);
  return journal_end_soon(journal, ok, err);  // until then the open transaction keeps others out
}

bool journal_lease_renew(Journal *journal, int64_t plan, Str holder, int64_t ttl_ms, Error *err)
{
  store_durable(journal->store, false);
  bool ok =
      store_run(journal->store, err, "UPDATE lease SET until_ms = ? WHERE plan = ? AND holder = ?",
                "iis", journal_now_ms() + ttl_ms, plan, holder);
  bool ours = store_changes(journal->store) == 1;
  store_durable(journal->store, true);
  if (!ok || ours) return ok;
  return error_set(err, ERR_BUSY, "the lease on plan %lld went to another piecework",
                   (long long)plan);
}

bool journal_lease_release(Journal *journal, int64_t plan, Str holder, Error *err)
{
  return store_run(journal->store, err, "DELETE FROM lease WHERE plan = ? AND holder = ?", "is",
                   plan, holder);
}

bool journal_lease_holder(Journal *journal, Arena *arena, int64_t plan, Str *holder, Error *err)
{
  Error own = {0};
  *holder = S("");
  for (Query *q = store_query(journal->store, &own,
                              "SELECT holder FROM lease WHERE plan = ? AND until_ms > ?", "ii",
                              plan, journal_now_ms());
       query_next(q);) {
    *holder = query_str_dup(q, 0, arena);
  }
  if (is_dead(*holder)) *holder = S("");
  return journal_listed(&own, err);
}

// ---- Advice ----------------------------------------------------------------------------------

bool journal_advice_seen(Journal *journal, Str hash)
{
  return any_row(
      store_query(journal->store, NULL, "SELECT 1 FROM advice WHERE hash = ?", "s", hash));
}

bool journal_advice_mark(Journal *journal, Str hash, Error *err)
{
  return store_run(journal->store, err, "INSERT OR REPLACE INTO advice VALUES(?,?)", "si", hash,
                   journal_now_ms());
}
