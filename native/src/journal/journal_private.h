// journal_private.h: what the journal's files share. One file for each noun: journal.c (the file,
// its schema, plans), journal_blob.c (texts and bases), journal_task.c, journal_attempt.c,
// journal_money.c, journal_result.c (patches, decisions, verdicts), journal_log.c (log, trust,
// leases, advice), journal_prune.c.
#pragma once

#include "journal/journal.h"
#include "lib/store.h"

// A blob younger than this is never pruned: another engine may be about to refer to it.
enum { BLOB_YOUNG_MS = 3600 * 1000 };

struct Journal {
  Arena arena;  // path
  char *path;
  Store *store;  // owned
};

int64_t journal_now_ms(void);

// For each a table of names; what is not in it reads as 0.
int name_index(const char *const *names, int count, Str name);

// Puts the end of a group of statements: commits when [ok], else rolls back. Returns whether all is
// well.
bool journal_end(Journal *journal, bool ok, Error *err);
bool journal_end_soon(Journal *journal, bool ok, Error *err);  // shares a commit, see journal_group

// The end of a loop over rows: false and [err] filled when the query put something into [own]. A
// loop's error is kept apart because the caller's may be NULL or hold an earlier one.
bool journal_listed(const Error *own, Error *err);

// As journal_blob_put; an empty text with [empty_is_none] gives an empty hash and stores nothing.
bool blob_put(Journal *journal, Arena *arena, Str bytes, bool empty_is_none, Str *hash, Error *err);
