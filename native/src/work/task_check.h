// task_check.h: the `check:` commands of a run's tasks, one at a time, in a scratch copy that holds what the task
// builds on and its own result, and nothing of the other tasks.
//
// Life:  checks_new -> check_start ... on_done, for each task -> checks_close -> on_closed
//
// The copy is made at the first check and kept for the run, so that incremental builds stay incremental;
// after each check the files written for it are put back.
#pragma once

#include "core/engine.h"
#include "review/base_text.h"

typedef struct Checks Checks;
typedef struct Check Check;

typedef struct {
  bool ran;  // false: not trusted, or it could not be run at all; [note] says why
  bool ok;   // ran and passed
  bool cancelled;
  Str note;    // one line
  Str told;    // the same with the last thing it said, for people
  Str output;  // its end; valid until on_done returns
} CheckResult;

typedef struct {
  Str command, where;        // "T03 check"
  const CombinedList *done;  // borrowed until on_done, as is all below
  const PatchFileList *files;
  void (*on_done)(void *owner, const CheckResult *result);  // once, never from inside check_start
  void *owner;
} CheckSpec;

// Of the note of a task that is done: its check did not run because nobody had trusted it yet.
bool check_was_untrusted(Str note);

Checks *checks_new(Engine *engine, Project *project, int64_t plan);
Check *check_start(Checks *checks, const CheckSpec *spec);
void check_cancel(Check *check);  // on_done follows, cancelled

// When no check is running or waiting. [on_closed] once, never from inside.
void checks_close(Checks *checks, void (*on_closed)(void *owner), void *owner);
