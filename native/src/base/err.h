// err.h: the closed list of things that can go wrong, in one table.
//
// Every failure a user may see is an Error: a code from this table, one line in plain words, and the next
// step. The wire sends {code, message, hint}; the CLI prints "piecework: message. hint" and exits with the
// code's exit status (0 done, 1 failed or refused, 2 usage, 3 budget or consent, 4 provider or network).
#pragma once

#include <stdbool.h>

#include "base/str.h"

// name on the wire, exit status, default hint (used when the raiser gives none)
#define ERR_TABLE(X)                                                                             \
  X(OK, "ok", 0, "")                                                                             \
  X(FAILED, "failed", 1, "see :Piecework log")                                                   \
  X(CANCELLED, "cancelled", 1, "")                                                               \
  X(USAGE, "usage", 2, "see `piecework help`")                                                   \
  X(NOT_FOUND, "not_found", 1, "")                                                               \
  X(INVALID, "invalid", 1, "")                                                                   \
  X(PLAN_SYNTAX, "plan_syntax", 1, "correct the plan file and run again")                        \
  X(STALE, "stale", 1, "the text changed meanwhile; retry the task or merge by hand")            \
  X(REFUSED, "refused", 1, "nothing was changed")                                                \
  X(CONFLICT, "conflict", 1, "review the hunk and retry one of the tasks")                       \
  X(TOO_BIG, "too_big", 1, "narrow the scope with a range")                                      \
  X(NOT_TEXT, "not_text", 1, "piecework edits UTF-8 text only")                                  \
  X(IO, "io", 1, "check permissions and free space")                                             \
  X(JOURNAL, "journal", 1, "see :Piecework health")                                              \
  X(BUSY, "busy", 1, "another editor or shell works on this plan; wait or stop it there")        \
  X(GIT, "git", 1, "")                                                                           \
  X(TEST_FAILED, "test_failed", 1, "see :Piecework log")                                         \
  X(PROTOCOL, "protocol", 2, "rebuild with :Piecework build, then restart the editor")           \
  X(CONFIG, "config", 2, "correct the configuration; see :help piecework-config")                \
  X(BUDGET, "budget", 3, "raise `budget:` in the plan, or run! (CLI: --yes) to go past it once") \
  X(CONSENT, "consent", 3, "say yes first (CLI: --yes)")                                         \
  X(UNTRUSTED, "untrusted", 3, "look at the command and trust it with :Piecework trust")         \
  X(NO_KEY, "no_key", 4, "set the key's environment variable; see :help piecework-keys")         \
  X(AUTH, "auth", 4, "check the key; see :help piecework-keys")                                  \
  X(QUOTA, "quota", 4, "check the balance or spend limit at the provider")                       \
  X(MODEL, "model", 4, "check the model's name in the configuration")                            \
  X(RATE, "rate", 4, "wait, or lower `limit` for this provider")                                 \
  X(OVERLOADED, "overloaded", 4, "try again later; finished work is kept")                       \
  X(NETWORK, "network", 4, "check the connection; finished work is kept, resume goes on")        \
  X(TLS, "tls", 4, "check the address; for a company proxy or an own CA set SSL_CERT_FILE")      \
  X(TIMEOUT, "timeout", 4, "try again; finished work is kept")                                   \
  X(REQUEST, "request", 4, "see :Piecework log for what the provider answered")                  \
  X(REPLY, "reply", 4, "retry the task; see :Piecework log for the reply")                       \
  X(TRUNCATED, "truncated", 4, "make the task smaller, or raise `max_output`")                   \
  X(MODEL_REFUSED, "model_refused", 4, "reword the task or give it to another model")            \
  X(CASSETTE, "cassette", 4, "record the run again; the requests no longer match the recording")

typedef enum {
#define X(id, name, exit_status, hint) ERR_##id,
  ERR_TABLE(X)
#undef X
      ERR_COUNT
} Err;

typedef struct {
  Err code;           // ERR_OK while nothing failed
  char message[512];  // one line, no full stop at the end, UTF-8
  char hint[256];     // the next step; empty = the table's default
} Error;

const char *err_name(Err code);
int err_exit_status(Err code);
Err err_from_name(Str name);               // ERR_FAILED for a name not in the table
const char *error_hint(const Error *err);  // its own, else the table's

// Fills [err] once, where the cause is known; a later call keeps the first. Always returns false, so that
// `return error_set(err, ERR_IO, "...")` reads well. [err] may be NULL.
bool error_set(Error *err, Err code, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool error_hint_set(Error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
void error_clear(Error *err);
