// store_floor.c: SQLite alone: the least that keeps N paid calls: one row before the call, its reply after it.
//
//   store_floor FILE N GROUP       GROUP rows share a commit (WAL, synchronous=FULL); prints wall and CPU us
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static sqlite3 *db;

static void run(const char *sql)
{
  if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK) return;
  fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
  exit(1);
}

static double cpu_us(void)
{
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 +
         (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

static double now_us(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void step(sqlite3_stmt *s)
{
  if (sqlite3_step(s) != SQLITE_DONE) exit(1);
  sqlite3_reset(s);
}

// Prompts before the calls, replies after them, each group in one commit.
static void group(sqlite3_stmt *before, sqlite3_stmt *after, long first, long last)
{
  static char prompt[2000], reply[300];
  memset(prompt, 'p', sizeof(prompt));
  memset(reply, 'r', sizeof(reply));
  run("BEGIN IMMEDIATE");
  for (long i = first; i < last; i++) {
    sqlite3_bind_int64(before, 1, i);
    sqlite3_bind_text(before, 2, prompt, sizeof(prompt), SQLITE_STATIC);
    step(before);
  }
  run("COMMIT");
  run("BEGIN IMMEDIATE");
  for (long i = first; i < last; i++) {
    sqlite3_bind_int64(after, 2, i);
    sqlite3_bind_text(after, 1, reply, sizeof(reply), SQLITE_STATIC);
    step(after);
  }
  run("COMMIT");
}

int main(int argc, char **argv)
{
  if (argc < 4 || sqlite3_open(argv[1], &db) != SQLITE_OK) return 2;
  long n = atol(argv[2]), size = atol(argv[3]);
  run("PRAGMA journal_mode=WAL");
  run("PRAGMA synchronous=FULL");
  run("CREATE TABLE attempt(id INTEGER PRIMARY KEY, prompt TEXT, reply TEXT)");
  sqlite3_stmt *before, *after;
  sqlite3_prepare_v2(db, "INSERT INTO attempt(id, prompt) VALUES(?, ?)", -1, &before, NULL);
  sqlite3_prepare_v2(db, "UPDATE attempt SET reply = ? WHERE id = ?", -1, &after, NULL);
  double begin = now_us(), cpu = cpu_us();
  for (long i = 0; i < n; i += size) group(before, after, i, i + size < n ? i + size : n);
  printf("%.0f %.0f\n", now_us() - begin, cpu_us() - cpu);
  return 0;
}
