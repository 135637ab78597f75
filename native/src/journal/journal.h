// journal.h: everything piecework remembers, in one SQLite file shared by all editors and shells of
// the user.
//
// What was paid for is in here before it is used: an attempt is reserved before its
// request leaves and its reply is stored before anything reads it. A call that returns true outside
// of journal_begin is on disk (fsync), but for task rows and attempts after journal_group; log lines
// and lease renewals only survive a killed process, not a power cut. Inside
// journal_begin..journal_commit many calls share one fsync: use nothing that came in until
// journal_commit said true.
//
// Life:   journal_open -> any calls, from one thread -> journal_close
// Plan:   journal_plan_new -> journal_lease_take -> tasks, attempts, ... -> journal_lease_release
// Call:   journal_attempt_start -> (request) -> journal_attempt_finish      (see "Attempts" below)
//
// Conventions: ids of plans and attempts are > 0. Money is int64_t nano-dollars, NANO_UNKNOWN
// when not known. Times are milliseconds since the epoch, 0 = never. Rows read are copied into
// the caller's arena; rows given are borrowed for the call. Lists are appended to. Errors are
// ERR_JOURNAL (the file), ERR_NOT_FOUND, ERR_BUSY (lease) and ERR_BUDGET.
#pragma once

#include "base/err.h"
#include "lib/loop.h"
#include "lib/store.h"
#include "patch/patch.h"

typedef struct Journal Journal;

// Opens or creates journal.db in [dir]; NULL = fs_state_dir() (PIECEWORK_STATE, else XDG).
Journal *journal_open(const char *dir, Error *err);
void journal_close(Journal *journal);  // NULL is fine
Str journal_path(const Journal *journal);
bool journal_check(Journal *journal, Error *err);  // store_check

// Groups calls into one transaction; nests. A call that fails inside has undone itself and the
// group may go on, except after ERR_JOURNAL: then roll it back (its commit would fail too).
bool journal_begin(Journal *journal, Error *err);
bool journal_commit(Journal *journal, Error *err);

// Group commit over a turn of the loop (lib/store.h): attempts, task rows and results written in one turn
// share one commit. Until then the process may use them, but nothing may leave it: journal_flush first, or,
// where money depends on it, wait until it is on disk too (journal_on_disk).
// When the commit fails all of the turn is undone and [on_lost] hears of it.
void journal_group(Journal *journal, Loop *loop, void (*on_lost)(void *owner, const Error *err),
                   void *owner);
bool journal_commit_soon(Journal *journal, Error *err);
bool journal_flush(Journal *journal, Error *err);
void journal_on_disk(Journal *journal, StoreWaiter *waiter, void (*run)(void *, const Error *),
                     void *owner);
void journal_on_disk_cancel(Journal *journal, StoreWaiter *waiter);
bool journal_with_file(Journal *journal, const char *path, Error *err);  // store_with_file
void journal_rollback(Journal *journal);

// Reads that belong together: of one moment, and cheaper. Nest; nothing may be written in between.
void journal_read(Journal *journal);
void journal_read_end(Journal *journal);

// ---- Plans ------------------------------------------------------------------------------------

// clang-format off
#define PLAN_STATES(X)                                                                             \
  X(PLANNING, "planning")                                                                          \
  X(READY, "ready")                                                                                \
  X(RUNNING, "running")                                                                            \
  X(PAUSED, "paused")                                                                              \
  X(VERIFYING, "verifying")                                                                        \
  X(REVIEW, "review")                                                                              \
  X(DONE, "done")                                                                                  \
  X(FAILED, "failed")                                                                              \
  X(DROPPED, "dropped")
typedef enum {
#define X(id, name) PLAN_##id,
  PLAN_STATES(X)
#undef X
  PLAN_STATE_COUNT
} PlanState;
// clang-format on
const char *plan_state_name(PlanState state);

typedef struct {
  int64_t id;  // shown to users; set by journal_plan_new
  Str root;    // project root, absolute
  Str path;    // plan file, absolute; empty until it is written
  Str title, request;
  PlanState state;
  int64_t updated_ms;  // set by the journal
  int64_t budget;      // nano-dollars, -1 = none
  Str note;            // last error or hint, one line
  // The last test run, written by journal_plan_set_test.
  Str test_command;  // exact text that ran; empty = never
  int test_status;   // exit status, -1 = killed or timed out
  Str test_tail;     // end of its output
} PlanRow;

typedef struct {
  PlanRow *items;
  size_t len, cap;
} PlanRowList;

bool journal_plan_new(Journal *journal, PlanRow *plan, Error *err);  // fills id and times
bool journal_plan_get(Journal *journal, Arena *arena, int64_t id, PlanRow *out, Error *err);
// The newest plan with the file [path], of the project at [root]; an empty [root] = of any.
bool journal_plan_by_path(Journal *journal, Arena *arena, Str path, Str root, PlanRow *out,
                          Error *err);
// Writes path, title, request and budget; not the state.
bool journal_plan_update(Journal *journal, const PlanRow *plan, Error *err);
bool journal_plan_set_state(Journal *journal, int64_t id, PlanState state, Str note, Error *err);
bool journal_plan_set_test(Journal *journal, int64_t id, Str command, int status, Str tail,
                           Error *err);
// Newest first. Empty [root] = all projects; [limit] 0 = no limit.
bool journal_plan_list(Journal *journal, Arena *arena, Str root, size_t limit, PlanRowList *out,
                       Error *err);

// Small named texts of a plan (estimate, baselines, rounds ... as JSON or words), for whoever needs
// one.
// An empty text is none.
bool journal_fact_set(Journal *journal, int64_t plan, Str name, Str text, Error *err);
// [*text] is empty when there is none.
bool journal_fact_get(Journal *journal, Arena *arena, int64_t plan, Str name, Str *text,
                      Error *err);

// What to forget of plans that ended (done, failed, dropped): their texts, that is blobs, bases, patches, decisions,
// verdicts, log, tasks and the plan itself. The money of their attempts stays, without prompts and replies, so that
// `cost` stays true.
typedef struct {
  int64_t before_ms;  // those that ended earlier; INT64_MAX = all
  int64_t max_bytes;  // and further ones, oldest first, while more is in use; -1 = no matter
  int64_t keep;       // the newest so many plans stay whatever their age
} PruneSpec;

typedef struct {
  int64_t forgotten, plans;  // of so many
  int64_t bytes;             // in use afterwards
} Pruned;
bool journal_prune(Journal *journal, const PruneSpec *spec, Pruned *out, Error *err);

// ---- Blobs and base ---------------------------------------------------------------------------

// Stores [bytes] under their content_hash (made in [arena]); equal bytes are stored once. Rows of
// this journal, and a fact whose whole text is the hash, keep it alive; what nothing refers to
// lives for an hour and until the next prune.
bool journal_blob_put(Journal *journal, Arena *arena, Str bytes, Str *hash, Error *err);
bool journal_blob_get(Journal *journal, Arena *arena, Str hash, Str *bytes, Error *err);

// The exact text the work started from; exists = false: there was no such file. The first text for
// a path stays, a second put is ignored: a base never moves (journal_base_reset to rebase).
bool journal_base_put(Journal *journal, int64_t plan, Str path, Str text, bool exists, Error *err);
bool journal_base_reset(Journal *journal, int64_t plan, Str path, Str text, bool exists,
                        Error *err);
// ERR_NOT_FOUND when the path was never put. [*text] is empty when it did not exist.
bool journal_base_get(Journal *journal, Arena *arena, int64_t plan, Str path, Str *text,
                      bool *exists, Error *err);

// ---- Tasks ------------------------------------------------------------------------------------

// clang-format off
#define TASK_STATES(X)                                                                             \
  X(WAITING, "waiting")                                                                            \
  X(RUNNING, "running")                                                                            \
  X(CHECKING, "checking")                                                                          \
  X(DONE, "done")                                                                                  \
  X(PARTIAL, "partial")                                                                            \
  X(FAILED, "failed")                                                                              \
  X(CANCELLED, "cancelled")                                                                        \
  X(SKIPPED, "skipped")                                                                            \
  X(ABSTAINED, "abstained")                                                                        \
  X(REFUSED, "refused")
typedef enum {
#define X(id, name) TASK_##id,
  TASK_STATES(X)
#undef X
  TASK_STATE_COUNT
} TaskState;
// clang-format on
const char *task_state_name(TaskState state);

typedef struct {
  int64_t plan;
  Str id;  // "T01"; unique within the plan
  TaskState state;
  Str executor;  // move, substitute, model
  Str title;
  Str note;                // why it waits or failed, one line
  Str spec_hash;           // content_hash of its specification: a change means its result is stale
  int rung;                // ladder rung it is on, 0 = the cheapest
  int64_t added, removed;  // lines of its patch
  int64_t started_ms, ended_ms;
  // Read only, from the task's attempts:
  int64_t attempts;  // calls made
  int64_t cost;      // sum of what is known
  bool cost_known;   // false: some attempt's cost is not known, cost is a lower bound
} TaskRow;
typedef struct {
  TaskRow *items;
  size_t len, cap;
} TaskRowList;

bool journal_task_put(Journal *journal, const TaskRow *task, Error *err);  // inserts or replaces
// Reads attempts, cost and cost_known of [task] again.
bool journal_task_money(Journal *journal, TaskRow *task, Error *err);
// With patches and verdicts.
bool journal_task_drop(Journal *journal, int64_t plan, Str id, Error *err);
// By id.
bool journal_task_list(Journal *journal, Arena *arena, int64_t plan, TaskRowList *out, Error *err);

// ---- Attempts ---------------------------------------------------------------------------------
//
//   started ----> finished      reply (or error) and usage are known
//      \--------> lost          the engine died: journal_attempts_settle, counts at worst case
//
// An attempt that is started and not finished is money in flight. After a crash nobody knows
// whether the request left, so it is taken as sent.

typedef enum { PHASE_PLAN, PHASE_EXECUTE, PHASE_VERIFY } Phase;
const char *phase_name(Phase phase);  // plan, execute, verify

typedef struct {
  int64_t fresh_in, cache_write, cache_read, out, reasoning;  // tokens; reasoning is part of out
} AttemptUsage;

typedef struct {
  int64_t id;  // set by journal_attempt_start
  int64_t plan;
  Str task;  // empty for the plan and verify phases
  Phase phase;
  Str role;             // "big", "small", or a rung's alias
  Str provider, model;  // names from the configuration
  int64_t worst_case;   // nano-dollars reserved; -1 = the price is unknown
  Str prompt_hash;      // set by journal_attempt_start
  // From here: set by journal_attempt_finish.
  bool replied;                  // there is a reply
  int64_t started_ms, ended_ms;  // set by the journal; ended_ms 0 = in flight
  Err outcome;                   // ERR_OK, or why it failed
  Str error;                     // the provider's words, cut and without keys; empty when ok
  AttemptUsage usage;
  bool usage_known;
  int64_t cost;          // nano-dollars, -1 = unknown
  int64_t unsure;        // so much more at most: the reply broke off
  bool sent;             // the request may have reached the provider
  Str request_id;        // HTTP request id, for the provider's support; may be empty
  Str batch;             // the batch that holds the request; empty = it was sent by itself
  int64_t estimated_in;  // the prompt's tokens as estimated; 0 = not to be compared with usage
} AttemptRow;
typedef struct {
  AttemptRow *items;
  size_t len, cap;
} AttemptRowList;

// What money (spent, lost and reserved) may come to; negative = no cap.
typedef struct {
  int64_t plan;
  int64_t day, day_from_ms;  // over all plans, calls that began at [day_from_ms] or later
} MoneyCaps;

// Before the request leaves: stores [prompt], reserves worst_case, fills id, prompt_hash (in
// [arena]) and started_ms. It refuses with ERR_BUDGET, in the same transaction, what would go past one of [caps]
// (NULL = none), so that two processes cannot both take the last cent. An unknown worst case counts
// as nothing: whether that is allowed is the caller's question.
bool journal_attempt_start(Journal *journal, Arena *arena, AttemptRow *attempt, Str prompt,
                           const MoneyCaps *caps, Error *err);
// Before a further try of the same attempt: reserves [worst_case] (of all its tries together)
// instead, under the same rule as journal_attempt_start.
bool journal_attempt_raise(Journal *journal, int64_t attempt, int64_t worst_case,
                           const MoneyCaps *caps, Error *err);
// When the exchange ended, before the reply is used: stores [reply] and outcome, error, usage,
// cost, unsure, sent, request_id and estimated_in in one transaction; fills replied and ended_ms.
bool journal_attempt_finish(Journal *journal, AttemptRow *attempt, Str reply, Error *err);
// What was sent and what came back; ERR_NOT_FOUND when it is forgotten, or nothing came.
bool journal_attempt_prompt(Journal *journal, Arena *arena, int64_t id, Str *text, Error *err);
bool journal_attempt_reply(Journal *journal, Arena *arena, int64_t id, Str *text, Error *err);
// The provider has taken the request in [batch]: it stays in flight, whoever ends, until it is answered.
bool journal_attempt_handed_in(Journal *journal, int64_t attempt, Str batch, Error *err);

// Batches that hold requests in flight; [plan] 0 = of all plans.
typedef struct {
  int64_t plan;
  Str provider, model, batch;
  int64_t requests;
} BatchRow;
typedef struct {
  BatchRow *items;
  size_t len, cap;
} BatchRowList;
bool journal_batch_list(Journal *journal, Arena *arena, int64_t plan, BatchRowList *out,
                        Error *err);

// Ends what a dead engine left in flight and in no batch (call it after journal_lease_take): outcome ERR_CANCELLED,
// cost unknown, sent. [*settled] = how many; may be NULL.
bool journal_attempts_settle(Journal *journal, int64_t plan, int64_t *settled, Error *err);
bool journal_attempt_get(Journal *journal, Arena *arena, int64_t id, AttemptRow *out, Error *err);
// Oldest first. Empty [task] = all of the plan.
bool journal_attempt_list(Journal *journal, Arena *arena, int64_t plan, Str task,
                          AttemptRowList *out, Error *err);

// ---- Money ------------------------------------------------------------------------------------

typedef struct {
  int64_t spent;  // known cost of ended attempts
  int64_t lost;  // what ended attempts may cost more: unknown ones at worst, replies that broke off
  int64_t reserved;  // worst case of attempts in flight
  int64_t unpriced;  // attempts with neither cost nor worst case: the sums are lower bounds
} PlanMoney;
bool journal_money(Journal *journal, int64_t plan, PlanMoney *out, Error *err);
// The same of all plans together, of attempts started at [since_ms] or later.
bool journal_money_since(Journal *journal, int64_t since_ms, PlanMoney *out, Error *err);

typedef enum {
  COST_BY_PHASE,
  COST_BY_MODEL,
  COST_BY_ROOT,
  COST_BY_PLAN,
  COST_BY_TASK,
  COST_BY_DAY
} CostBy;
typedef struct {
  Str key;  // phase name, "provider/model", root, plan id, task ("12/T01" over all plans), or local day as "2026-11-29"
  int64_t attempts;    // that have ended
  AttemptUsage usage;  // of attempts whose usage is known
  int64_t cost;        // sum of what is known
  int64_t unknown;     // sent attempts whose cost is not known
  // Attempts whose usage is not known: what they cost is estimated, and is in [cost].
  int64_t guessed;
  int64_t compared;                  // attempts whose prompt was estimated and counted
  int64_t estimated_in, counted_in;  // tokens of these prompts, either way
  int64_t open;  // attempts in flight, in a batch or cut off: none of the above has all they cost
  int64_t open_worst;  // what these cost more at worst
} CostRow;
typedef struct {
  CostRow *items;
  size_t len, cap;
} CostRowList;
// [plan] 0 = all plans, without what was played back from a cassette. Attempts started at [since_ms] or later, dearest
// first; days in their order.
bool journal_cost(Journal *journal, Arena *arena, int64_t plan, int64_t since_ms, CostBy by,
                  CostRowList *out, Error *err);

// ---- Patches ----------------------------------------------------------------------------------

typedef struct {
  Str task, path;
  FileChange change;
  Str renamed_from;  // FILE_RENAME only
  Str shown_hash;    // blob: the text it was made against; empty for a new file
  Str new_hash;      // blob: the text it makes; empty for a deleted file
} PatchRow;
typedef struct {
  PatchRow *items;
  size_t len, cap;
} PatchRowList;

// Replaces the result of one task. Fields path, change and renamed_from of [rows] are taken; [shown]
// and [made] are the texts, one for each row, stored as blobs. count 0 clears. Part
// of a transaction of the caller's.
bool journal_patch_set(Journal *journal, int64_t plan, Str task, const PatchRow *rows,
                       const Str *shown, const Str *made, size_t count, Error *err);
// Results with their texts, of tasks done or partly done, by task and path; empty [task] = of the whole plan.
typedef struct {
  Str task, path;
  FileChange change;
  Str renamed_from;
  Str shown, made;
  int64_t ended_ms;  // of the task
} ResultRow;
typedef struct {
  ResultRow *items;
  size_t len, cap;
} ResultRowList;
bool journal_result_list(Journal *journal, Arena *arena, int64_t plan, Str task, ResultRowList *out,
                         Error *err);
// Empty [task] = all of the plan, by task and path.
bool journal_patch_list(Journal *journal, Arena *arena, int64_t plan, Str task, PatchRowList *out,
                        Error *err);

// ---- Decisions --------------------------------------------------------------------------------

typedef enum { DECISION_NONE, DECISION_ACCEPTED, DECISION_REJECTED } Decision;
typedef enum { APPLIED_PENDING, APPLIED_DONE, APPLIED_REVERTED } AppliedState;

typedef struct {
  Str hunk;  // hunk_id
  Str task;
  Decision decision;
  AppliedState applied;  // set by journal_decision_applied
} DecisionRow;
typedef struct {
  DecisionRow *items;
  size_t len, cap;
} DecisionRowList;

// Stores the decisions of [rows], one transaction. DECISION_NONE undoes one.
bool journal_decision_set(Journal *journal, int64_t plan, const DecisionRow *rows, size_t count,
                          Error *err);
// Marks [hunks] as applied or reverted.
bool journal_decision_applied(Journal *journal, int64_t plan, const StrList *hunks,
                              AppliedState applied, Error *err);
// What is known of hunk [from], said of [to] as well; no row, no copy.
bool journal_decision_copy(Journal *journal, int64_t plan, Str from, Str to, Error *err);
bool journal_decision_list(Journal *journal, Arena *arena, int64_t plan, DecisionRowList *out,
                           Error *err);

// Where a hunk was cut into parts to be decided apart; see hunk_cut (patch/hunk.h).
typedef struct {
  Str hunk;  // hunk_id of the whole
  int64_t old_at, new_at;
} CutRow;
typedef struct {
  CutRow *items;  // by hunk, then place
  size_t len, cap;
} CutRowList;
bool journal_cut_add(Journal *journal, int64_t plan, const CutRow *rows, size_t count, Error *err);
bool journal_cut_drop(Journal *journal, int64_t plan, Str hunk, Error *err);  // whole again
bool journal_cut_list(Journal *journal, Arena *arena, int64_t plan, CutRowList *out, Error *err);

// ---- Proposals changed by hand ----------------------------------------------------------------

typedef struct {
  Str path;
  Str shown_hash, made_hash;  // blobs: the proposal as it was, and what the user made of it
} HandRow;
typedef struct {
  HandRow *items;
  size_t len, cap;
} HandRowList;
bool journal_hand_put(Journal *journal, int64_t plan, Str path, Str shown, Str made, Error *err);
bool journal_hand_drop(Journal *journal, int64_t plan, Str path, Error *err);
bool journal_hand_list(Journal *journal, Arena *arena, int64_t plan, HandRowList *out, Error *err);

// ---- Verdicts ---------------------------------------------------------------------------------

typedef enum { VERDICT_NONE, VERDICT_OK, VERDICT_DOUBT, VERDICT_REJECTED } VerdictKind;
const char *verdict_name(VerdictKind kind);  // "", ok, doubt, rejected

typedef struct {
  Str task;
  VerdictKind kind;
  Str reason;
  Str path;      // where; may be empty
  int64_t line;  // 1-based in the new text, 0 = none
} VerdictRow;
typedef struct {
  VerdictRow *items;
  size_t len, cap;
} VerdictRowList;

// In place of what was said of the task before.
bool journal_verdict_put(Journal *journal, int64_t plan, const VerdictRow *verdict, Error *err);
bool journal_verdict_drop(Journal *journal, int64_t plan, Str task, Error *err);
bool journal_verdict_list(Journal *journal, Arena *arena, int64_t plan, VerdictRowList *out,
                          Error *err);  // by task

// ---- Log, trust, leases, advice ---------------------------------------------------------------

typedef struct {
  int64_t at_ms;
  Str kind;  // a short word: "task", "retry", "budget", "provider" ...
  Str task;  // may be empty
  Str text;  // the plain line shown by :Piecework log; never a key, prompt or reply
} LogRow;
typedef struct {
  LogRow *items;
  size_t len, cap;
} LogRowList;
// A line of the plan's log. Losing one to a full disk is no reason to stop: failures go to
// log_warn.
void journal_log(Journal *journal, int64_t plan, Str kind, Str task, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
// Oldest first, the newest [limit] (0 = all).
bool journal_log_list(Journal *journal, Arena *arena, int64_t plan, size_t limit, LogRowList *out,
                      Error *err);

// Commands a user has read and trusted, by root and exact text. kind: "test", "check", ...
bool journal_trust_add(Journal *journal, Str root, Str kind, Str text, Error *err);
bool journal_trusted(Journal *journal, Str root, Str kind, Str text);  // false on any error
// Their texts, by kind and age.
bool journal_trust_list(Journal *journal, Arena *arena, Str root, StrList *out, Error *err);

// One engine works on a plan at a time. A lease of a process of this host that is dead is taken
// over at once, any other when it ran out. ERR_BUSY names the holder.
Str journal_holder(Arena *arena);  // "host:pid:nonce" for this process
bool journal_lease_take(Journal *journal, int64_t plan, Str holder, int64_t ttl_ms, Error *err);
bool journal_lease_renew(Journal *journal, int64_t plan, Str holder, int64_t ttl_ms, Error *err);
bool journal_lease_release(Journal *journal, int64_t plan, Str holder, Error *err);
// Who works on the plan now; empty when nobody.
bool journal_lease_holder(Journal *journal, Arena *arena, int64_t plan, Str *holder, Error *err);

// Advice that a user has seen is not shown twice; [hash] is any text that names it.
bool journal_advice_seen(Journal *journal, Str hash);
bool journal_advice_mark(Journal *journal, Str hash, Error *err);
