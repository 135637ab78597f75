// store_query.c: prepared statements, their arguments and rows.
//
// A statement is prepared once and kept in a table, by its text and by the address of that: most are
// part of the program. When the slots for it are taken or in use, the statement is loose: finalised
// at its end, so that nothing depends on the size of the table.
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "base/sha256.h"
#include "lib/store_private.h"

static Query *slot_for(Store *store, const char *sql)
{
  size_t at = (size_t)((uintptr_t)sql * 0x9e3779b97f4a7c15u >> 40);
  for (size_t i = 0; i < STATEMENT_PROBES; i++) {
    Query *slot = &store->cache[(at + i) & (STATEMENT_SLOTS - 1)];
    if (!slot->stmt || (!slot->busy && strcmp(sqlite3_sql(slot->stmt), sql) == 0)) return slot;
  }
  return NULL;
}

static Query *prepare(Store *store, Error *err, const char *sql)
{
  if (!store_in_order(store, err)) return NULL;
  Query *query = slot_for(store, sql);
  bool loose = query == NULL;
  if (loose) query = mem_alloc(sizeof(Query));
  if (!query->stmt) {
    sqlite3_stmt *stmt = NULL;
    unsigned flags = loose ? 0 : SQLITE_PREPARE_PERSISTENT;
    if (sqlite3_prepare_v3(store->db, sql, -1, flags, &stmt, NULL) != SQLITE_OK) {
      store_fail(store, err);
      if (loose) mem_free(query);
      return NULL;
    }
    *query = (Query){.stmt = stmt, .loose = loose};
  }
  query->store = store;
  query->err = err;
  query->busy = true;
  return query;
}

// An empty Str has a NULL pointer now and then, which SQLite would store as NULL.
static int bind_str(Query *query, int at, Str s, bool blob)
{
  const char *ptr = s.len ? s.ptr : "";
  sqlite3_destructor_type life = query->rows ? SQLITE_TRANSIENT : SQLITE_STATIC;
  if (blob) return sqlite3_bind_blob64(query->stmt, at, ptr, s.len, life);
  return sqlite3_bind_text64(query->stmt, at, ptr, s.len, life, SQLITE_UTF8);
}

static bool bind_all(Query *query, const char *format, va_list args)
{
  int code = SQLITE_OK;
  for (int at = 1; *format && code == SQLITE_OK; format++, at++) {
    switch (*format) {
      case 'i': code = sqlite3_bind_int64(query->stmt, at, va_arg(args, int64_t)); break;
      case 's': code = bind_str(query, at, va_arg(args, Str), false); break;
      case 'b': code = bind_str(query, at, va_arg(args, Str), true); break;
      default: code = SQLITE_MISUSE; break;
    }
  }
  return code == SQLITE_OK || store_fail(query->store, query->err);
}

static Query *start(Store *store, Error *err, bool rows, const char *sql, const char *format,
                    va_list args)
{
  Query *query = prepare(store, err, sql);
  if (query) query->rows = rows;
  if (query && !bind_all(query, format, args)) {
    query_end(query);
    return NULL;
  }
  return query;
}

Query *store_query(Store *store, Error *err, const char *sql, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  Query *query = start(store, err, true, sql, format, args);
  va_end(args);
  return query;
}

static bool run(Store *store, Error *err, bool waits, const char *sql, const char *format,
                va_list args)
{
  Query *query = start(store, err, false, sql, format, args);
  if (!query) return false;
  int code = sqlite3_step(query->stmt);
  bool ok = code == SQLITE_DONE || code == SQLITE_ROW || store_fail(store, err);
  bool open = !sqlite3_get_autocommit(store->db) && !store->held;  // a transaction that goes on
  bool alone = store->nesting == 0 && !open && !sqlite3_stmt_readonly(query->stmt);
  query_end(query);
  return ok && (waits || !alone || store_settle(store, err));
}

bool store_run(Store *store, Error *err, const char *sql, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  bool ok = run(store, err, false, sql, format, args);  // a statement by itself does not wait
  va_end(args);
  return ok;
}

bool store_run_soon(Store *store, Error *err, const char *sql, const char *format, ...)
{
  bool grouped = store->nesting || store->held;
  if (!grouped && store->loop) {  // opens the group
    if (!store_begin(store, err) || !store_commit_soon(store, err)) return false;
  }
  va_list args;
  va_start(args, format);
  bool ok = run(store, err, true, sql, format, args);
  va_end(args);
  return ok;
}

bool query_next(Query *query)
{
  if (!query) return false;
  int code = sqlite3_step(query->stmt);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) store_fail(query->store, query->err);
  query_end(query);
  return false;
}

void query_end(Query *query)
{
  if (!query) return;
  query->busy = false;
  query->err = NULL;
  if (query->loose) {
    sqlite3_finalize(query->stmt);
    mem_free(query);
    return;
  }
  sqlite3_reset(query->stmt);
  sqlite3_clear_bindings(query->stmt);
}

void statements_drop(Store *store)
{
  for (size_t i = 0; i < STATEMENT_SLOTS; i++) sqlite3_finalize(store->cache[i].stmt);
}

int64_t query_int(Query *query, int column)
{
  return sqlite3_column_int64(query->stmt, column);
}

bool query_is_null(Query *query, int column)
{
  return sqlite3_column_type(query->stmt, column) == SQLITE_NULL;
}

Str query_str(Query *query, int column)
{
  // column_blob first: it leaves the bytes as they are, for text and blobs alike.
  const char *ptr = sqlite3_column_blob(query->stmt, column);
  return (Str){ptr, ptr ? (size_t)sqlite3_column_bytes(query->stmt, column) : 0};
}

Str query_str_dup(Query *query, int column, Arena *arena)
{
  return str_dup(arena, query_str(query, column));
}

Str content_hash(Arena *arena, Str bytes)
{
  unsigned char digest[SHA256_BYTES];
  sha256(bytes, digest);
  char *hex = arena_alloc(arena, 2 * SHA256_BYTES + 1);
  for (int i = 0; i < SHA256_BYTES; i++) {
    hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
    hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
  }
  return (Str){hex, 2 * SHA256_BYTES};
}
