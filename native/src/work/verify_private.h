// verify_private.h: what verify.c (the steps), verify_test.c (worktree and test), verify_report.c (verdicts and
// words) and verify_diff.c and verify_reads.c (what the model is shown) share.
#pragma once

#include <inttypes.h>

#include "base/buf.h"
#include "lib/process.h"
#include "review/base_text.h"
#include "work/attempt.h"
#include "work/bisect.h"
#include "work/run.h"
#include "work/worktree.h"

// What one call is shown: some files' diffs and the tasks that changed them.
typedef struct {
  Str diff;
  TaskList tasks;
  const CombinedFile **files;
  size_t file_count;
} VerifyGroup;

typedef struct {
  VerifyGroup *items;
  size_t len, cap;
  size_t left_out;  // files that no call is shown, because there are too many
} VerifyGroups;

typedef enum {
  VERIFY_BEGIN,
  VERIFY_TREE,
  VERIFY_TEST,
  VERIFY_TRACE,
  VERIFY_MODEL,
  VERIFY_JUDGE,
  VERIFY_REDO,
  VERIFY_END,
} VerifyState;

typedef struct Verify Verify;

struct Verify {
  Engine *engine;
  Project *project;
  int64_t plan_id;
  bool past_budget;
  bool again;  // see VerifySpec
  Str stayed;
  OpDone *on_done;
  void *owner;
  Verify *next;
  VerifyState state;
  LoopSoon soon;
  Timer tick;
  Arena arena;        // as long as the verification
  Arena round_arena;  // texts of one round
  int round;          // 1-based
  bool stopped;
  bool closing;  // the worktree goes; nothing else happens until it is gone

  Plan plan;
  TaskList tasks;  // expanded
  CombinedList files;
  Worktree *tree;
  Process *process;
  Bisect *bisect;
  int64_t test_ms;        // how long the test took
  BisectResult trace;     // who broke it; strings in [round_arena]
  Str test_report;        // for the model
  bool tested, test_ok;   // in this round
  CombinedList shown;     // those of [files] that are judged now
  VerdictRowList stands;  // verdicts of the others
  Str standing_files;     // the first of those others
  size_t standing_count;
  bool grouped;  // in this round
  VerifyGroups groups;
  size_t group;
  bool afresh;  // the stored answer of this group was of no use: ask for another
  Attempt *attempt;
  Budget budget;
  VerdictRowList verdicts;
  Buf note;     // what people should know, joined by "; "
  Error error;  // for on_done
};

void verify_go(Verify *v, VerifyState state);  // on the next turn

// verify_diff.c: the combined diff cut into groups of files that one call can take. All in [arena].
VerifyGroups verify_groups(Arena *arena, const CombinedList *files, const TaskList *tasks);

// verify_reads.c: what the group's tasks that make new files had to go by; empty when there is nothing. In the round's
// arena.
Str verify_reads(Verify *v, const VerifyGroup *group);

// verify_stands.c: what need not be judged again; what was judged is noted for the next time.
void verify_find_standing(Verify *v);
void verify_note_judged(Verify *v, const VerifyGroup *group);
Str verify_standing_words(Verify *v);  // for the verifier; empty when all is shown

// verify_test.c: each ends in VERIFY_MODEL.
void verify_no_test(Verify *v, Str why);
void verify_step_tree(Verify *v);
void verify_step_test(Verify *v);
void verify_close_tree(Verify *v);

// verify_trace.c: who broke the test, while the worktree is there.
void verify_step_trace(Verify *v);
// What was found becomes verdicts where the model said nothing or ok.
void verify_add_trace(Verify *v);

// verify_report.c
void verify_tell(Verify *v, const char *state, bool ok, Str note);
void verify_note(Verify *v, const char *format, ...) __attribute__((format(printf, 2, 3)));
void verify_merge(Verify *v);  // one verdict for each task: the worst
bool verify_store(Verify *v, Error *err);
size_t verify_to_redo(Verify *v, RunSpec *spec);  // rejected tasks that a model can do again
size_t verify_count(const Verify *v, VerdictKind kind);
Str verify_summary(Verify *v);  // "tests passed; 5 ok, 1 in doubt; ..."
