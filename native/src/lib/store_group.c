// store_group.c: commits that wait for each other, and when they are on disk.
//
// A commit is in the file at once: other processes see it, and killing this one does not take it back. A power cut
// does, until it is on disk, and to get it there takes milliseconds. So SQLite leaves that to us (NORMAL), and two
// numbers say how far it is: [committed] counts commits, the first [synced] of them are on disk.
//
//   store_commit, store_run    wait for the disk: sync_now
//   a turn's commit            goes there in a thread, one at a time; the next takes along what came meanwhile
//   store_on_disk              hears of it
//
// Files that a commit names (store_with_file) go to the disk in threads beside that; nobody hears of the commit before.
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/fs.h"
#include "lib/store_private.h"

// Four times SQLite's: pages that many commits touch are copied back once.
enum { CHECKPOINT_PAGES = 4000 };

typedef struct SyncJob {
  uv_fs_t req;
  Store *store;  // NULL: closed meanwhile
  int fd;
  int64_t upto;
} SyncJob;

typedef struct FileJob {
  uv_work_t req;
  Store *store;  // NULL: closed meanwhile
  struct FileJob *next;
  Arena arena;  // path
  const char *path;
  Error err;
} FileJob;

static void on_turn(void *owner);

// ---- To the disk -------------------------------------------------------------------------------

static int on_commit(void *owner, sqlite3 *db, const char *name, int pages)
{
  Store *store = owner;
  store->committed++;
  if (pages >= CHECKPOINT_PAGES) sqlite3_wal_checkpoint(db, name);
  return SQLITE_OK;
}

// A WAL needs memory that processes share. Without it each commit waits for SQLite's own sync; a file that comes
// from elsewhere is taken out of its WAL by one process alone.
bool sync_set_up(Store *store, Error *err)
{
  static const char rollback[] =
      "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=DELETE; PRAGMA locking_mode=NORMAL;"
      "PRAGMA synchronous=FULL";
  store->wal = -1;
  if (store->no_wal) return store_exec(store, rollback, err);
  for (Query *q = store_query(store, err, "PRAGMA journal_mode=WAL", ""); query_next(q);) {
    store->no_wal = !str_eq(query_str(q, 0), S("wal"));
  }
  if (store->no_wal) return store_exec(store, "PRAGMA synchronous=FULL", err);
  sqlite3_wal_hook(store->db, on_commit, store);
  return store_exec(store, "PRAGMA synchronous=NORMAL", err);
}

// The WAL's descriptor, or an error of libuv's. The file stays the same while it is open.
static int wal_of(Store *store)
{
  Arena scratch;
  if (store->wal >= 0) return store->wal;
  arena_init(&scratch);
  store->wal = open(str_fmt(&scratch, "%s-wal", store->path).ptr, O_RDONLY | O_CLOEXEC);
  int code = store->wal >= 0 ? store->wal : uv_translate_sys_error(errno);
  arena_deinit(&scratch);
  return code;
}

static bool sync_fail(Store *store, int code, Error *err)
{
  return error_set(err, ERR_JOURNAL, "%s: %s", store->path, uv_strerror(code));
}

// For who relies on it the journal is as lost as when its own file does not get there.
static bool sync_file(const char *path, Error *err)
{
  Error why = {0};
  return fs_sync(path, &why) || error_set(err, ERR_JOURNAL, "%s", why.message);
}

static bool sync_now(Store *store, Error *err)
{
  if (store->lazy) return true;
  for (FileJob *job = store->files; job; job = job->next) {
    if (!sync_file(job->path, err)) return false;
  }
  if (store->synced == store->committed) return true;
  int code = wal_of(store);
  if (code >= 0) {
    uv_fs_t req;
    code = uv_fs_fdatasync(NULL, &req, code, NULL);
    uv_fs_req_cleanup(&req);
  }
  if (code < 0) return sync_fail(store, code, err);
  store->synced = store->committed;
  return true;
}

static void on_synced(uv_fs_t *req)
{
  SyncJob *job = (SyncJob *)req;
  Store *store = job->store;
  if (!store) {
    close(job->fd);
  } else {
    store->job = NULL;
    if (req->result < 0) {
      sync_fail(store, (int)req->result, &store->lost);
    } else if (job->upto > store->synced) {
      store->synced = job->upto;
    }
    loop_late(store->loop, &store->soon, on_turn, store);
  }
  uv_fs_req_cleanup(req);
  mem_free(job);
}

static void sync_begin(Store *store)
{
  if (store->job || store->synced == store->committed) return;
  int fd = wal_of(store);
  if (fd < 0) {
    sync_fail(store, fd, &store->lost);
    return;
  }
  SyncJob *job = mem_alloc(sizeof(*job));
  *job = (SyncJob){.store = store, .fd = fd, .upto = store->committed};
  store->job = job;
  uv_fs_fdatasync(&store->loop->uv, &job->req, fd, on_synced);
}

static void file_work(uv_work_t *req)
{
  FileJob *job = req->data;
  sync_file(job->path, &job->err);
}

static void on_file(uv_work_t *req, int status)
{
  (void)status;  // nobody cancels it
  FileJob *job = req->data;
  Store *store = job->store;
  if (store) {
    FileJob **at = &store->files;
    while (*at != job) at = &(*at)->next;
    *at = job->next;
    if (job->err.code) store->lost = job->err;
    loop_late(store->loop, &store->soon, on_turn, store);
  }
  arena_deinit(&job->arena);
  mem_free(job);
}

bool store_with_file(Store *store, const char *path, Error *err)
{
  if (!store->loop) return sync_file(path, err);
  FileJob *job = mem_alloc(sizeof(*job));
  *job = (FileJob){.req.data = job, .store = store, .next = store->files};
  arena_init(&job->arena);
  job->path = str_z(&job->arena, str_from(path));
  store->files = job;
  uv_queue_work(&store->loop->uv, &job->req, file_work, on_file);
  return true;
}

// A job that is under way closes the descriptor.
void sync_end(Store *store)
{
  for (FileJob *job = store->files; job; job = job->next) job->store = NULL;
  if (store->job) {
    store->job->store = NULL;
  } else if (store->wal >= 0) {
    close(store->wal);
  }
}

// ---- Commits that wait for each other --------------------------------------------------------

static bool commit_held(Store *store, Error *err)
{
  if (!store->held || store->nesting) return true;
  bool ok = store_run(store, err, "COMMIT", "");
  store->held = false;
  if (ok && store->no_wal) store->synced = ++store->committed;
  if (!ok && !sqlite3_get_autocommit(store->db)) store_exec(store, "ROLLBACK", NULL);
  return ok;
}

static bool is_on_disk(const Store *store, const StoreWaiter *waiter)
{
  return waiter->commit <= store->synced && !store->files;
}

// Those whose commit is on disk; all of them when something was [lost], for then nothing is sure.
static void tell_waiters(Store *store, const Error *lost)
{
  StoreWaiter *waiter;
  while ((waiter = store->waiters) && (lost->code || is_on_disk(store, waiter))) {
    store->waiters = waiter->next;
    waiter->run(waiter->owner, lost);
  }
}

static void on_turn(void *owner)
{
  Store *store = owner;
  if (store->lost.code == ERR_OK && commit_held(store, &store->lost)) sync_begin(store);
  Error lost = store->lost;
  store->lost = (Error){0};
  tell_waiters(store, &lost);
  if (lost.code != ERR_OK) store->on_lost(store->owner, &lost);
}

void store_on_disk(Store *store, StoreWaiter *waiter, void (*run)(void *owner, const Error *err),
                   void *owner)
{
  StoreWaiter **end = &store->waiters;
  while (*end) end = &(*end)->next;
  *end = waiter;
  *waiter = (StoreWaiter){run, owner, NULL, store->committed + store->held};
  loop_late(store->loop, &store->soon, on_turn, store);
}

void store_on_disk_cancel(Store *store, StoreWaiter *waiter)
{
  StoreWaiter **at = &store->waiters;
  while (*at && *at != waiter) at = &(*at)->next;
  if (*at) *at = waiter->next;
}

void store_group(Store *store, Loop *loop, void (*on_lost)(void *owner, const Error *err),
                 void *owner)
{
  store->loop = loop;
  store->on_lost = on_lost;
  store->owner = owner;
}

bool store_is_grouping(const Store *store)
{
  return store->held;
}

bool store_commit_soon(Store *store, Error *err)
{
  if (!store->loop || store->nesting != 1) return store_commit(store, err);
  if (store->held && !store_run(store, err, "RELEASE inner", "")) {
    store_rollback(store);
    return false;
  }
  store->nesting = 0;
  store->held = true;
  loop_late(store->loop, &store->soon, on_turn, store);
  return true;
}

static bool flush(Store *store, bool wait, Error *err)
{
  Error why = {0};
  bool held = store->held;
  if (store->nesting) return true;
  bool ok = commit_held(store, &why) && (!wait || sync_now(store, &why));
  if (!ok) store->lost = why;
  if (store->loop && (held || !ok)) loop_late(store->loop, &store->soon, on_turn, store);
  if (!ok && err) *err = why;
  return ok;
}

bool store_flush(Store *store, Error *err)
{
  return flush(store, false, err);
}

bool store_settle(Store *store, Error *err)
{
  return flush(store, true, err);
}
