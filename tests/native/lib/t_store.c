// t_store.c: the store under damage, full disks, two writers and nesting.
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fs.h"
#include "lib/store.h"

// In place of the C library's, for SQLite and libuv too: counts, and fails, or in a thread takes its time, when told.
static volatile int syncs;
static volatile bool no_sync, slow_sync;
int fdatasync(int fd)
{
  while (slow_sync && gettid() != getpid()) usleep(1000);
  syncs++;
  if (!no_sync) return (int)syscall(SYS_fsync, fd);
  errno = EIO;
  return -1;
}

// Of files that a commit names, and of their directories.
static volatile int file_syncs;
static volatile bool no_file_sync, slow_file_sync;
int fsync(int fd)
{
  if (slow_file_sync) usleep(30000);
  file_syncs++;
  if (!no_file_sync) return (int)syscall(SYS_fsync, fd);
  errno = EIO;
  return -1;
}

// A file system without shared memory. SQLite calls the second.
static bool no_map;
void *mmap64(void *at, size_t size, int prot, int flags, int fd, off_t from);
void *mmap64(void *at, size_t size, int prot, int flags, int fd, off_t from)
{
  if (!no_map || fd < 0 || !(flags & MAP_SHARED))
    return (void *)syscall(SYS_mmap, at, size, prot, flags, fd, from);
  errno = ENODEV;
  return MAP_FAILED;
}

void *mmap(void *at, size_t size, int prot, int flags, int fd, off_t from)
{
  return mmap64(at, size, prot, flags, fd, from);
}

static Arena arena;
static Error err;
static char *dir, *file;
static Store *store;

static void setup(void)
{
  arena_init(&arena);
  error_clear(&err);
  dir = fs_temp_dir(&arena, "/tmp", "pw-store", &err);
  file = path_join(&arena, str_from(dir), S("t.db"));
  store = store_open(file, &err);
  CHECK(store != NULL);
  CHECK(store_run(store, &err, "CREATE TABLE t(a, b)", ""));
}

static void teardown(void)
{
  store_close(store);
  store = NULL;
  CHECK(fs_remove_tree(dir, &err));
  arena_deinit(&arena);
}

static int64_t count_rows(Store *from)
{
  int64_t n = -1;
  for (Query *q = store_query(from, NULL, "SELECT count(*) FROM t", ""); query_next(q);)
    n = query_int(q, 0);
  return n;
}

TEST(types)
{
  setup();
  CHECK(store_run(store, &err, "INSERT INTO t VALUES(?,?)", "is", (int64_t)1 << 60, S("x")));
  CHECK(store_run(store, &err, "INSERT INTO t VALUES(?,?)", "sb", STR_NONE, (Str){"a\0b", 3}));
  CHECK(store_run(store, &err, "INSERT INTO t(b) VALUES(?)", "s", STR_NONE));
  int row = 0;
  for (Query *q = store_query(store, &err, "SELECT a, b FROM t ORDER BY rowid", ""); query_next(q);
       row++) {
    if (row == 0) CHECK(query_int(q, 0) == (int64_t)1 << 60);
    if (row == 0) CHECK_STR(query_str(q, 1), S("x"));
    if (row == 1) CHECK(!query_is_null(q, 0) && query_str(q, 0).len == 0);
    if (row == 1) CHECK_STR(query_str_dup(q, 1, &arena), ((Str){"a\0b", 3}));
    if (row == 2) CHECK(query_is_null(q, 0) && !query_is_null(q, 1) && query_str(q, 1).len == 0);
  }
  CHECK_INT(row, 3);
  CHECK_INT(store_last_id(store), 3);
  CHECK_INT(fs_stat(file).mode, 0600);
  teardown();
}

TEST(the_same_statement_twice_at_once)
{
  setup();
  for (int64_t i = 0; i < 3; i++) store_run(store, &err, "INSERT INTO t VALUES(?,?)", "ii", i, i);
  int pairs = 0;
  const char *sql = "SELECT a FROM t";
  for (Query *a = store_query(store, &err, sql, ""); query_next(a);) {
    for (Query *b = store_query(store, &err, sql, ""); query_next(b);) pairs++;
  }
  CHECK_INT(pairs, 9);
  Query *early = store_query(store, &err, sql, "");
  CHECK(query_next(early));
  query_end(early);
  CHECK_INT(count_rows(store), 3);
  teardown();
}

TEST(more_statements_than_slots)
{
  setup();
  for (int i = 0; i < 400; i++) {
    Str sql = str_fmt(&arena, "INSERT INTO t VALUES(%d, ?)", i);
    CHECK(store_run(store, &err, sql.ptr, "i", (int64_t)i));
  }
  CHECK_INT(count_rows(store), 400);
  teardown();
}

TEST(transactions_nest)
{
  setup();
  CHECK(store_begin(store, &err) && store_begin(store, &err));
  CHECK(store_run(store, &err, "INSERT INTO t VALUES(1,1)", ""));
  CHECK(store_commit(store, &err) && store_commit(store, &err));
  CHECK_INT(count_rows(store), 1);
  CHECK(store_begin(store, &err) && store_begin(store, &err));
  CHECK(store_run(store, &err, "INSERT INTO t VALUES(1,1)", ""));
  store_rollback(store);
  CHECK(store_run(store, &err, "INSERT INTO t VALUES(2,2)", ""));
  CHECK(store_commit(store, &err));
  CHECK_INT(count_rows(store), 2);  // only the inner part is undone
  CHECK(!store_commit(store, &err));
  error_clear(&err);
  store_rollback(store);
  CHECK(store_begin(store, &err));
  store_rollback(store);
  CHECK(store_begin(store, &err) && store_commit(store, &err));
  teardown();
}

TEST(errors)
{
  setup();
  CHECK(!store_run(store, &err, "INSERT INTO none VALUES(1)", ""));
  CHECK_INT(err.code, ERR_JOURNAL);
  CHECK(str_has(str_from(err.message), S("no such table")));
  CHECK(!query_next(store_query(store, NULL, "SELECT", "")));
  CHECK(!store_run(store, NULL, "SELECT ?", "ii", (int64_t)1, (int64_t)2));
  CHECK(store_run(store, NULL, "SELECT 1", ""));
  teardown();
}

static const char *const steps[] = {"CREATE TABLE v1(a)",
                                    "CREATE TABLE v2(a); INSERT INTO v2 VALUES(1)"};

TEST(migration)
{
  setup();
  CHECK(store_migrate(store, NULL, steps, 1, &err));
  CHECK(store_migrate(store, NULL, steps, 2, &err));
  CHECK(store_migrate(store, NULL, steps, 2, &err));
  CHECK(store_run(store, &err, "INSERT INTO v2 VALUES(2)", ""));
  CHECK(!store_migrate(store, NULL, steps, 1, &err));
  CHECK(str_has(str_from(err.message), S("newer piecework")));
  CHECK(err.hint[0]);
  error_clear(&err);
  const char *const bad[] = {steps[0], steps[1], "CREATE TABLE v3(a); nonsense"};
  CHECK(!store_migrate(store, NULL, bad, 3, &err));
  CHECK(!store_run(store, NULL, "INSERT INTO v3 VALUES(2)", ""));  // the step left nothing behind
  char *made = path_join(&arena, str_from(dir), S("made.db"));
  Store *fresh = store_open(made, &err);
  error_clear(&err);
  CHECK(!store_migrate(fresh, "CREATE TABLE both(a); nonsense", steps, 2, &err));
  error_clear(&err);
  CHECK(store_migrate(fresh, "CREATE TABLE both(a)", steps, 2, &err));
  CHECK(store_run(fresh, &err, "INSERT INTO both VALUES(2)", ""));
  CHECK(store_migrate(fresh, "nonsense", steps, 2, &err));  // it is there
  store_close(fresh);
  teardown();
}

TEST(damage)
{
  setup();
  store_close(store);
  store = NULL;
  CHECK(
      fs_write_atomic(file, S("this is not a database, it is a text of some length"), 0600, &err));
  CHECK(store_open(file, &err) == NULL);
  CHECK_INT(err.code, ERR_JOURNAL);
  CHECK(str_has(str_from(err.message), S("damaged")));
  CHECK(str_has(str_from(err.message), str_from(file)));
  CHECK(str_has(str_from(err.hint), S("move it away")));
  teardown();
}

TEST(damage_in_the_middle_shows_when_all_is_read)
{
  setup();
  for (int i = 0; i < 2000; i++)
    CHECK(store_run(store, &err, "INSERT INTO t VALUES(1, 'some text')", ""));
  CHECK(store_check(store, &err));
  store_close(store);
  int fd = open(file, O_WRONLY | O_CLOEXEC);
  char page[4096];
  memset(page, 0x5a, sizeof(page));
  CHECK(pwrite(fd, page, sizeof(page), 3 * sizeof(page)) == sizeof(page));
  close(fd);
  store = store_open(file, &err);
  CHECK(store != NULL);
  CHECK(!store_check(store, &err));
  CHECK_INT(err.code, ERR_JOURNAL);
  CHECK(str_has(str_from(err.message), S("damaged")));
  teardown();
}

TEST(unwritable_or_missing_directory)
{
  setup();
  CHECK(store_open(path_join(&arena, str_from(dir), S("no/t.db")), &err) == NULL);
  CHECK(str_has(str_from(err.hint), S("PIECEWORK_STATE")));
  error_clear(&err);
  if (geteuid() != 0) {
    chmod(dir, 0500);
    CHECK(store_open(path_join(&arena, str_from(dir), S("u.db")), &err) == NULL);
    CHECK(str_has(str_from(err.message), S("cannot be written")));
    chmod(dir, 0700);
  }
  teardown();
}

// A page limit makes SQLite say SQLITE_FULL just as a full disk does.
TEST(full_disk)
{
  setup();
  CHECK(store_run(store, &err, "INSERT INTO t VALUES(1,1)", ""));
  CHECK(store_run(store, &err, "PRAGMA max_page_count=2", ""));
  CHECK(store_begin(store, &err));
  CHECK(!store_run(store, &err, "INSERT INTO t VALUES(1, zeroblob(1000000))", ""));
  CHECK(str_has(str_from(err.message), S("disk is full")));
  if (!store_run(store, NULL, "INSERT INTO t VALUES(3,3)", "")) CHECK(!store_begin(store, NULL));
  CHECK(!store_commit(store, NULL));
  CHECK_INT(count_rows(store), 1);
  CHECK(store_run(store, NULL, "PRAGMA max_page_count=100000", ""));
  error_clear(&err);
  CHECK(store_run(store, &err, "INSERT INTO t VALUES(2,2)", ""));
  teardown();
}

TEST(a_disk_too_full_to_open_it)
{
  setup();
  store_close(store);
  struct rlimit limit, little;
  CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
  little = limit;
  little.rlim_cur = 100;
  signal(SIGXFSZ, SIG_IGN);
  CHECK(setrlimit(RLIMIT_FSIZE, &little) == 0);
  store = store_open(file, &err);
  CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  CHECK(store == NULL);
  CHECK(str_has(str_from(err.message), S("disk is full")));
  error_clear(&err);
  store = store_open(file, &err);
  CHECK_INT(count_rows(store), 0);
  teardown();
}

static void child_writes(int n)
{
  Store *own = store_open(file, NULL);
  bool ok = own != NULL;
  for (int64_t i = 0; ok && i < n; i++)
    ok = store_run(own, NULL, "INSERT INTO t VALUES(?,?)", "ii", i, i);
  store_close(own);
  _exit(ok ? 0 : 1);
}

TEST(writers_wait_for_each_other)
{
  setup();
  pid_t pids[3];
  for (int i = 0; i < 3; i++) {
    pids[i] = fork();
    if (pids[i] == 0) child_writes(50);
  }
  for (int i = 0; i < 3; i++) {
    int status = -1;
    waitpid(pids[i], &status, 0);
    CHECK_INT(status, 0);
  }
  CHECK_INT(count_rows(store), 150);
  teardown();
}

TEST(reads_of_one_moment)
{
  setup();
  Store *other = store_open(file, &err);
  store_read(store);
  store_read(store);
  CHECK_INT(count_rows(store), 0);
  CHECK(store_run(other, &err, "INSERT INTO t VALUES(1,1)", ""));
  store_read_end(store);
  CHECK_INT(count_rows(store), 0);
  store_read_end(store);
  CHECK_INT(count_rows(store), 1);
  CHECK(store_begin(store, &err));
  store_read(store);
  CHECK_INT(count_rows(store), 1);
  store_read_end(store);
  CHECK(store_run(store, &err, "INSERT INTO t VALUES(2,2)", "") && store_commit(store, &err));
  CHECK_INT(count_rows(other), 2);
  store_close(other);
  teardown();
}

TEST(a_killed_writer_loses_only_its_open_transaction)
{
  setup();
  pid_t pid = fork();
  if (pid == 0) {
    Store *own = store_open(file, NULL);
    store_run(own, NULL, "INSERT INTO t VALUES(1,1)", "");
    store_begin(own, NULL);
    store_run(own, NULL, "INSERT INTO t VALUES(2,2)", "");
    kill(getpid(), SIGKILL);
  }
  waitpid(pid, NULL, 0);
  CHECK_INT(count_rows(store), 1);
  CHECK(store_run(store, &err, "INSERT INTO t VALUES(3,3)", ""));
  teardown();
}

TEST(hash)
{
  arena_init(&arena);
  CHECK_STR(content_hash(&arena, S("")),
            S("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
  CHECK_STR(content_hash(&arena, S("abc")),
            S("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
  CHECK_STR(content_hash(&arena, S("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            S("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"));
  char *million = arena_alloc(&arena, 1000000);
  memset(million, 'a', 1000000);
  CHECK_STR(content_hash(&arena, (Str){million, 1000000}),
            S("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"));
  // Lengths around the padding's border.
  CHECK_STR(content_hash(&arena, (Str){million, 55}),
            S("9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"));
  CHECK_STR(content_hash(&arena, (Str){million, 56}),
            S("b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"));
  CHECK_STR(content_hash(&arena, (Str){million, 64}),
            S("ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"));
  arena_deinit(&arena);
}

// ---- commits that wait for each other -----------------------------------------------------------

static Loop loop;
static int lost;

static void on_lost(void *owner, const Error *why)
{
  (void)owner;
  lost += why->code == ERR_JOURNAL;
}

static void begin_grouping(void)
{
  lost = 0;
  CHECK(loop_init(&loop, &err));
  store_group(store, &loop, on_lost, NULL);
}

static void setup_group(void)
{
  setup();
  begin_grouping();
}

static void teardown_group(void)
{
  teardown();
  loop_deinit(&loop);
}

static bool insert_soon(int64_t a)
{
  return store_begin(store, &err) && store_run(store, &err, "INSERT INTO t VALUES(?, 0)", "i", a) &&
         store_commit_soon(store, &err);
}

// What another process sees.
static int64_t count_elsewhere(void)
{
  Store *other = store_open(file, &err);
  int64_t n = count_rows(other);
  store_close(other);
  return n;
}

TEST(a_turn_shares_one_commit)
{
  setup_group();
  CHECK(insert_soon(1) && insert_soon(2));
  CHECK(store_is_grouping(store));
  CHECK_INT(count_rows(store), 2);
  CHECK_INT(count_elsewhere(), 0);
  loop_turn(&loop, true);
  CHECK(!store_is_grouping(store));
  CHECK_INT(count_elsewhere(), 2);
  CHECK_INT(lost, 0);
  teardown_group();
}

TEST(what_may_not_wait_takes_the_others_along)
{
  setup_group();
  CHECK(insert_soon(1));
  CHECK(store_run(store, &err, "INSERT INTO t VALUES(2, 0)", ""));
  CHECK_INT(count_elsewhere(), 2);
  CHECK(insert_soon(3));
  CHECK(store_begin(store, &err) && store_commit(store, &err));
  CHECK_INT(count_elsewhere(), 3);
  CHECK(insert_soon(4) && store_flush(store, &err));
  CHECK_INT(count_elsewhere(), 4);
  CHECK(insert_soon(5));
  store_close(store);
  store = store_open(file, &err);
  CHECK_INT(count_rows(store), 5);
  teardown_group();
}

TEST(one_statement_waits_too)
{
  setup_group();
  const char *insert = "INSERT INTO t VALUES(?, 0)";
  CHECK(store_run_soon(store, &err, insert, "i", (int64_t)1));
  CHECK(store_run_soon(store, &err, insert, "i", (int64_t)2));
  CHECK(!store_run_soon(store, NULL, "INSERT INTO none VALUES(1)", ""));
  CHECK_INT(count_elsewhere(), 0);
  loop_turn(&loop, true);
  CHECK_INT(count_elsewhere(), 2);
  CHECK(store_begin(store, &err));
  CHECK(store_run_soon(store, &err, insert, "i", (int64_t)3));
  store_rollback(store);
  CHECK_INT(count_rows(store), 2);
  teardown_group();
}

TEST(undoing_one_leaves_the_others_waiting)
{
  setup_group();
  CHECK(insert_soon(1));
  CHECK(store_begin(store, &err));
  CHECK(store_run(store, &err, "INSERT INTO t VALUES(2, 0)", ""));
  CHECK(store_begin(store, &err) && store_commit_soon(store, &err));
  store_rollback(store);
  CHECK(store_is_grouping(store));
  CHECK(insert_soon(3));
  loop_turn(&loop, true);
  CHECK_INT(count_elsewhere(), 2);
  teardown_group();
}

TEST(a_lost_group_is_told_once)
{
  setup_group();
  CHECK(store_run(store, &err, "PRAGMA max_page_count=2", ""));
  CHECK(insert_soon(1));
  CHECK(store_begin(store, &err));
  CHECK(!store_run(store, NULL, "INSERT INTO t VALUES(1, zeroblob(1000000))", ""));
  store_rollback(store);
  loop_turn(&loop, true);
  loop_turn(&loop, false);
  bool kept = count_rows(store) == 1;  // SQLite may undo the statement alone
  CHECK_INT(lost, kept ? 0 : 1);
  CHECK(store_run(store, &err, "PRAGMA max_page_count=100000", ""));
  CHECK(insert_soon(2) && store_flush(store, &err));
  CHECK_INT(count_elsewhere(), kept ? 2 : 1);
  teardown_group();
}

TEST(a_group_that_was_given_up_takes_nothing_more)
{
  setup_group();
  CHECK(insert_soon(1));
  CHECK(store_begin(store, &err));
  CHECK(store_run(store, &err, "ROLLBACK", ""));  // as SQLite does when the disk is full
  CHECK(!store_commit_soon(store, NULL));
  loop_turn(&loop, true);
  CHECK_INT(lost, 1);
  CHECK(insert_soon(2));
  loop_turn(&loop, true);
  CHECK_INT(count_elsewhere(), 1);
  CHECK_INT(lost, 1);
  teardown_group();
}

TEST(a_group_that_cannot_be_committed_ends)
{
  setup_group();
  CHECK(store_run(store, &err, "PRAGMA foreign_keys=ON", ""));
  CHECK(store_run(store, &err, "CREATE TABLE parent(a PRIMARY KEY)", ""));
  CHECK(store_run(store, &err,
                  "CREATE TABLE child(a REFERENCES parent(a) DEFERRABLE INITIALLY DEFERRED)", ""));
  CHECK(insert_soon(1));
  CHECK(store_run_soon(store, &err, "INSERT INTO child VALUES(7)", ""));
  loop_turn(&loop, true);
  CHECK_INT(lost, 1);
  CHECK(insert_soon(2) && store_flush(store, &err));
  CHECK_INT(count_elsewhere(), 1);
  teardown_group();
}

// ---- On disk -----------------------------------------------------------------------------------

static int told;
static Err told_code;
static void on_disk(void *owner, const Error *why)
{
  (void)owner;
  told++;
  told_code = why->code;
}

static void turns_until_told(int n)
{
  for (int i = 0; i < 1000 && told < n; i++) loop_turn(&loop, true);
  CHECK_INT(told, n);
}

TEST(who_may_not_wait_has_it_on_disk)
{
  setup_group();
  int before = syncs;
  CHECK(store_run(store, &err, "INSERT INTO t VALUES(1, 0)", ""));
  CHECK_INT(syncs, before + 1);
  CHECK(store_begin(store, &err) && store_run(store, &err, "INSERT INTO t VALUES(2, 0)", "") &&
        store_commit(store, &err));
  CHECK_INT(syncs, before + 2);
  CHECK(count_rows(store) == 2 && store_run(store, &err, "SELECT 1", ""));
  CHECK_INT(syncs, before + 2);
  store_durable(store, false);
  CHECK(store_run(store, &err, "INSERT INTO t VALUES(3, 0)", ""));
  store_durable(store, true);
  CHECK_INT(syncs, before + 2);
  no_sync = true;
  CHECK(!store_run(store, NULL, "INSERT INTO t VALUES(4, 0)", ""));
  no_sync = false;
  teardown_group();
}

TEST(it_is_told_when_it_is_on_disk)
{
  setup_group();
  StoreWaiter one, two, three;
  told = 0;
  int before = syncs;
  CHECK(insert_soon(1));
  store_on_disk(store, &one, on_disk, NULL);
  store_on_disk(store, &two, on_disk, NULL);
  store_on_disk(store, &three, on_disk, NULL);
  store_on_disk_cancel(store, &two);
  store_on_disk_cancel(store, &two);
  CHECK(store_flush(store, &err));  // committed, and not waited for
  CHECK_INT(count_elsewhere(), 1);
  CHECK_INT(told, 0);
  turns_until_told(2);
  CHECK(told_code == ERR_OK && syncs > before);
  store_on_disk(store, &one, on_disk, NULL);  // nothing to wait for
  CHECK_INT(told, 2);
  turns_until_told(3);
  CHECK_INT(lost, 0);
  teardown_group();
}

TEST(it_is_told_when_it_is_lost)
{
  setup_group();
  StoreWaiter one;
  told = 0;
  no_sync = true;
  CHECK(insert_soon(1));
  store_on_disk(store, &one, on_disk, NULL);
  turns_until_told(1);
  CHECK_INT(told_code, ERR_JOURNAL);
  CHECK_INT(lost, 1);
  no_sync = false;
  CHECK(insert_soon(2));
  store_on_disk(store, &one, on_disk, NULL);
  turns_until_told(2);
  CHECK_INT(told_code, ERR_OK);
  CHECK_INT(lost, 1);
  teardown_group();
}

TEST(what_came_meanwhile_is_not_on_disk_yet)
{
  setup_group();
  StoreWaiter one, two;
  told = 0;
  slow_sync = true;
  int before = syncs;
  CHECK(insert_soon(1));
  store_on_disk(store, &one, on_disk, NULL);
  loop_turn(&loop, true);  // the thread has it
  CHECK(insert_soon(2));
  store_on_disk(store, &two, on_disk, NULL);
  loop_turn(&loop, true);
  CHECK_INT(count_elsewhere(), 2);
  slow_sync = false;
  turns_until_told(2);
  CHECK_INT(syncs, before + 2);
  teardown_group();
}

// A sync that has failed may succeed the next time without its pages.
TEST(who_waits_hears_of_a_loss_that_was_told_to_another)
{
  setup_group();
  StoreWaiter one;
  told = 0;
  CHECK(insert_soon(1));
  store_on_disk(store, &one, on_disk, NULL);
  no_sync = true;
  CHECK(!store_run(store, NULL, "INSERT INTO t VALUES(2, 0)", ""));
  no_sync = false;
  turns_until_told(1);
  CHECK_INT(told_code, ERR_JOURNAL);
  CHECK_INT(lost, 1);
  teardown_group();
}

static char *unsynced_file(void)
{
  char *path = path_join(&arena, str_from(dir), S("named"));
  file_syncs = 0;
  CHECK(fs_write_unsynced(path, S("text"), 0600, &err));
  CHECK_INT(file_syncs, 0);
  return path;
}

TEST(a_file_that_a_commit_names_is_on_disk_with_it)
{
  setup_group();
  StoreWaiter one;
  told = 0;
  slow_file_sync = true;
  CHECK(store_with_file(store, unsynced_file(), &err));
  CHECK_INT(file_syncs, 0);
  CHECK(insert_soon(1));
  store_on_disk(store, &one, on_disk, NULL);
  turns_until_told(1);
  CHECK_INT(told_code, ERR_OK);
  CHECK_INT(file_syncs, 2);  // it and its directory
  CHECK(store_with_file(store, unsynced_file(), &err));
  CHECK(store_run(store, &err, "INSERT INTO t VALUES(2, 0)", ""));  // waits itself
  CHECK(file_syncs >= 2);
  slow_file_sync = false;
  CHECK_INT(lost, 0);
  teardown_group();
}

TEST(a_file_that_does_not_get_there_is_a_loss)
{
  setup_group();
  StoreWaiter one;
  told = 0;
  char *path = unsynced_file();
  no_file_sync = true;
  CHECK(store_with_file(store, path, &err));
  CHECK(insert_soon(1));
  store_on_disk(store, &one, on_disk, NULL);
  turns_until_told(1);
  CHECK_INT(told_code, ERR_JOURNAL);
  CHECK_INT(lost, 1);
  no_file_sync = false;
  CHECK(fs_remove(path, &err));
  CHECK(store_with_file(store, path, &err));  // gone again: nothing to wait for
  store_on_disk(store, &one, on_disk, NULL);
  turns_until_told(2);
  CHECK_INT(told_code, ERR_OK);
  teardown_group();
}

// A journal that was made elsewhere, used where no memory is shared, and taken back.
TEST(without_shared_memory_nothing_waits_for_ever)
{
  setup();
  CHECK(store_run(store, &err, "INSERT INTO t VALUES(0, 0)", ""));
  store_close(store);
  no_map = true;
  store = store_open(file, &err);
  CHECK(store != NULL);
  CHECK_INT(count_rows(store), 1);
  begin_grouping();
  StoreWaiter one;
  told = 0;
  CHECK(insert_soon(1));
  store_on_disk(store, &one, on_disk, NULL);
  turns_until_told(1);
  CHECK_INT(told_code, ERR_OK);
  CHECK_INT(count_elsewhere(), 2);  // a second one at the same time
  int before = syncs;
  CHECK(store_run(store, &err, "INSERT INTO t VALUES(2, 2)", ""));
  CHECK(syncs > before);
  store_on_disk(store, &one, on_disk, NULL);
  turns_until_told(2);
  no_map = false;
  CHECK_INT(count_elsewhere(), 3);
  CHECK_INT(lost, 0);
  teardown_group();
}

static size_t open_files(void)
{
  StrList names = {0};
  CHECK(fs_list(&arena, "/proc/self/fd", &names, &err));
  return names.len;
}

TEST(closing_does_not_wait_for_the_threads)
{
  setup_group();
  store_close(store);
  while (loop_turn(&loop, true)) continue;
  size_t before = open_files();
  store = store_open(file, &err);
  store_group(store, &loop, on_lost, NULL);
  slow_sync = true;
  CHECK(store_with_file(store, unsynced_file(), &err));
  CHECK(insert_soon(1));
  CHECK(store_flush(store, &err));
  loop_turn(&loop, false);
  store_close(store);
  slow_sync = false;
  while (loop_turn(&loop, true)) continue;
  CHECK_INT(open_files(), before);
  store = store_open(file, &err);
  teardown_group();
}

TEST(the_log_is_copied_back)
{
  setup_group();
  store_durable(store, false);
  for (int i = 0; i < 40; i++)
    CHECK(store_run(store, &err, "INSERT INTO t VALUES(0, zeroblob(1000000))", ""));
  CHECK(fs_stat(str_fmt(&arena, "%s-wal", file).ptr).size < 24 << 20);
  teardown_group();
}

TEST_MAIN
