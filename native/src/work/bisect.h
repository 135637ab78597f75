// bisect.h: which task broke the test? Found by running the trusted test on parts of the results, without a
// model and without a token.
//
// Life:  bisect_start -> on_done (once, never from inside start); it frees itself after it
//
//   BASELINE   no results at all: does the test fail by itself?          -- yes: said, nothing is searched
//      |
//   HALVE      results in the order they ended, the first half of what is left ... until one task is left:
//      |       the test passes without it and fails with it                            <-----+
//   REST       all but the culprit and what builds on it: does the rest pass? -- no: search on there
//
// What a task was made on ended before it, so a first part is always a state that could have been. Runs and
// time are bounded; what is known when they are used up is told.
#pragma once

#include "lib/process.h"
#include "plan/plan.h"
#include "review/base_text.h"
#include "work/worktree.h"

typedef struct {
  bool done;            // false: stopped, or runs or time were used up before the end
  bool baseline_fails;  // the test fails without any of the results
  bool rest_fails;      // it fails without [tasks] too, and nothing more was found
  StrList tasks;        // culprits
  StrList reasons;      // the end of the test's output, one for each: one line
  StrList suspects;     // when it was not done: one of these is a culprit
  int runs;
  Str note;  // why it was not done; a phrase, else empty
} BisectResult;

typedef struct {
  Engine *engine;
  Project *project;
  int64_t plan;
  Str command;
  Worktree *tree;             // holds all results now; in an unknown state afterwards
  const TaskList *tasks;      // expanded
  const CombinedList *files;  // all results; borrowed until on_done, as is all above
  int test_timeout_s;         // of one run
  int64_t total_ms;           // of all runs together
  void (*on_done)(void *owner, const BisectResult *result);  // result in the bisection's arena
  void *owner;
} BisectSpec;

typedef struct Bisect Bisect;

Bisect *bisect_start(const BisectSpec *spec);
void bisect_stop(Bisect *bisect);  // what runs is killed; on_done follows
