// verify.c: see verify.h.
//
//   BEGIN   results combined; a trusted test command? ---- no ----+
//     |                                                           |
//   TREE    scratch worktree, combined texts written into it      |
//     |                                                           |
//   TEST    the command, time limit, output's end kept            |
//     |     (the worktree goes)                                   |
//   MODEL   one call for each group of files  <-------------------+
//     |
//   JUDGE   verdicts stored; rejected ones and rounds left? -- REDO: those tasks run again, then BEGIN
//     |
//   END     state review, events, on_done
#include "work/verify.h"

#include <inttypes.h>

#include "work/run_private.h"
#include "work/trust.h"
#include "work/verdict.h"
#include "work/verify_private.h"
#include "work/worktree.h"

enum { LEASE_MS = 30000, TICK_MS = 10000, TAIL_MODEL = 6 << 10, TAIL_JOURNAL = 64 << 10 };

typedef enum {
  VERIFY_BEGIN,
  VERIFY_TREE,
  VERIFY_TEST,
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
  Str test_report;       // for the model
  bool tested, test_ok;  // in this round
  VerifyGroups groups;
  size_t group;
  Attempt *attempt;
  Budget budget;
  VerdictRowList verdicts;
  Buf note;     // what people should know, joined by "; "
  Error error;  // for on_done
};

static void verify_step(void *owner);

static void go(Verify *v, VerifyState state)
{
  v->state = state;
  loop_soon(v->engine->loop, &v->soon, verify_step, v);
}

static Verify *find(Engine *engine, int64_t plan)
{
  for (Verify *v = engine->verifies; v; v = v->next) {
    if (v->plan_id == plan) return v;
  }
  return NULL;
}

bool verify_active(Engine *engine, int64_t plan)
{
  return find(engine, plan) != NULL;
}

// ---- telling -----------------------------------------------------------------------------------------

static void tell(Verify *v, const char *state, bool ok, Str note)
{
  Arena arena;
  arena_init(&arena);
  Value *params = value_map(&arena);
  value_put_int(&arena, params, S("plan"), v->plan_id);
  value_put_str(&arena, params, S("state"), str_from(state));
  value_put_bool(&arena, params, S("ok"), ok);
  value_put_str(&arena, params, S("note"), note);
  engine_event(v->engine, S("verify"), params);
  if (note.len) {
    journal_log(v->engine->journal, v->plan_id, S("verify"), STR_NONE, "%s: %.*s", state,
                STR_ARG(note));
  }
  arena_deinit(&arena);
}

static void add_note(Verify *v, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_note(Verify *v, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  Str text = str_vfmt(&v->arena, format, args);
  va_end(args);
  if (str_has(buf_str(&v->note), text)) return;  // said in an earlier round
  buf_fmt(&v->note, "%s%.*s", v->note.len ? "; " : "", STR_ARG(text));
}

// ---- the test ----------------------------------------------------------------------------------------

static void no_test(Verify *v, Str why)
{
  v->test_report = str_fmt(&v->round_arena, "none was run (%.*s)", STR_ARG(why));
  add_note(v, "tests not run: %.*s", STR_ARG(why));
  go(v, VERIFY_MODEL);
}

static void tree_closed(void *owner)
{
  Verify *v = owner;
  v->closing = false;
  go(v, VERIFY_MODEL);
}

static void close_tree(Verify *v)
{
  Worktree *tree = v->tree;
  v->tree = NULL;
  v->closing = true;
  worktree_close(tree, tree_closed, v);
}

static Str tail(Str text, size_t most)
{
  size_t cut = text.len > most ? text.len - most : 0;
  return str_skip(text, str_utf8_floor(text, cut));
}

static void test_done(void *owner, const ProcessResult *result)
{
  Verify *v = owner;
  v->process = NULL;
  Str ended = process_ended(&v->round_arena, result);
  v->tested = !v->stopped;
  v->test_ok = result->status == 0;
  v->test_report = str_fmt(&v->round_arena, "%.*s %.*s\n%.*s", STR_ARG(v->plan.test),
                           STR_ARG(ended), STR_ARG(tail(result->output, TAIL_MODEL)));
  if (!v->stopped) {
    Error err = {0};
    int status = result->timed_out || result->killed ? -1 : result->status;
    if (!journal_plan_set_test(v->engine->journal, v->plan_id, v->plan.test, status,
                               tail(result->output, TAIL_JOURNAL), &err)) {
      add_note(v, "the test's result was not stored: %s", err.message);
    }
    tell(v, "test", v->test_ok,
         str_fmt(&v->round_arena, "%.*s %.*s", STR_ARG(v->plan.test), STR_ARG(ended)));
  }
  close_tree(v);
}

static bool write_results(Verify *v, Error *err)
{
  for (size_t i = 0; i < v->files.len; i++) {
    const CombinedFile *file = &v->files.items[i];
    if (file->renamed_from.len &&
        !worktree_put(v->tree, file->renamed_from, STR_NONE, false, err)) {
      return false;
    }
    if (!worktree_put(v->tree, file->path, file->text, file->exists, err)) return false;
  }
  return true;
}

static void step_test(Verify *v)
{
  Error err = {0};
  TrustedRun run = {.plan = v->plan_id,
                    .root = project_root(v->project),
                    .command = v->plan.test,
                    .where = S("test"),
                    .cwd = worktree_path(v->tree),
                    .timeout_s = v->engine->config->test_timeout_s,
                    .on_done = test_done,
                    .owner = v};
  Str left_out = worktree_note(v->tree);
  if (left_out.len) add_note(v, "tested without %.*s", STR_ARG(left_out));
  tell(v, "test", true, STR_NONE);
  if (write_results(v, &err)) v->process = trust_run(v->engine, &run, &err);
  if (v->process) return;
  v->test_report = S("none was run");
  add_note(v, "tests not run: %s", err.message);
  close_tree(v);
}

static void tree_ready(void *owner, const Error *err)
{
  Verify *v = owner;
  if (err->code == ERR_OK) {
    go(v, VERIFY_TEST);
    return;
  }
  v->test_report = S("none was run");
  add_note(v, "tests not run: %s", err->message);
  close_tree(v);
}

static void step_tree(Verify *v)
{
  WorktreeSpec spec = {v->engine, v->project, v->plan_id, tree_ready, v};
  tell(v, "worktree", true, STR_NONE);
  v->tree = worktree_new(&spec);
}

static void report_conflicts(Verify *v)
{
  for (size_t i = 0; i < v->files.len; i++) {
    const CombinedFile *file = &v->files.items[i];
    if (!file->conflict) continue;
    add_note(v, "%.*s: the change of %.*s does not merge with the others", STR_ARG(file->path),
             STR_ARG(file->conflict_task));
  }
}

static void step_begin(Verify *v)
{
  Error err = {0};
  arena_reset(&v->round_arena);
  v->tested = v->test_ok = false;
  v->verdicts = (VerdictRowList){0};
  v->group = 0;
  if (!base_combine(v->engine, v->plan_id, &v->round_arena, NULL, &v->files, &err)) {
    v->error = err;
    go(v, VERIFY_END);
    return;
  }
  report_conflicts(v);
  v->groups = verify_groups(&v->round_arena, &v->files, &v->tasks);
  Str command = str_trim(v->plan.test);
  if (command.len == 0) {
    v->test_report = S("the plan has none");
    go(v, VERIFY_MODEL);
  } else if (!trust_given(v->engine, project_root(v->project), command)) {
    TrustedRun run = {.plan = v->plan_id,
                      .root = project_root(v->project),
                      .command = command,
                      .where = S("test")};
    trust_run(v->engine, &run, NULL);  // asks, runs nothing
    no_test(v, S("the test command is not trusted yet"));
  } else {
    go(v, VERIFY_TREE);
  }
}

// ---- the model ---------------------------------------------------------------------------------------

static void group_done(void *owner, const AttemptReply *reply)
{
  Verify *v = owner;
  VerifyGroup *group = &v->groups.items[v->group++];
  v->attempt = NULL;
  if (v->stopped) {
    // nothing to read
  } else if (reply->error.code != ERR_OK) {
    add_note(v, "not checked by the model: %s", reply->error.message);
    v->group = v->groups.len;
  } else if (!verdict_read(&v->round_arena, &group->tasks, reply, v->round, &v->verdicts)) {
    add_note(v, "the verifier's answer had no verdicts");
  }
  go(v, VERIFY_MODEL);
}

static bool ask(Verify *v, const Ladder *ladder, Error *err)
{
  VerifyGroup *group = &v->groups.items[v->group];
  ModelRequest request;
  prompt_verifier(&v->round_arena, &v->plan, &group->tasks, group->diff, v->test_report, &request);
  request.provider = ladder->rungs[0].provider;
  request.model = ladder->rungs[0].model;
  request.effort = ladder->effort;
  if (ladder->max_output > 0) request.max_output = ladder->max_output;
  Str source;
  if (!models_key_ready(v->engine->models, request.provider, &source, err)) return false;
  AttemptSpec spec = {.engine = v->engine,
                      .plan = v->plan_id,
                      .phase = PHASE_VERIFY,
                      .role = S("big"),
                      .request = &request,
                      .budget = &v->budget,
                      .reuse_since_ms = 0,
                      .on_done = group_done,
                      .owner = v};
  BudgetAnswer answer;
  v->attempt = attempt_start(&spec, &answer, err);
  return v->attempt != NULL;
}

static void step_model(Verify *v)
{
  if (v->group == v->groups.len || v->stopped) {
    go(v, VERIFY_JUDGE);
    return;
  }
  if (v->group == 0) tell(v, "model", true, STR_NONE);
  Error err = {0};
  const Ladder *ladder = config_ladder(v->engine->config, S("big"));
  bool set = ladder && ladder->len;
  if (!set) error_set(&err, ERR_CONFIG, "no model is set for \"big\"");
  if (set && ask(v, ladder, &err)) return;
  add_note(v, "not checked by the model: %s",
           err.message[0] ? err.message : "the budget is in use");
  v->group = v->groups.len;
  go(v, VERIFY_JUDGE);
}

// ---- verdicts ----------------------------------------------------------------------------------------

// A task whose files were shown in several calls has several verdicts: the worst counts.
static void merge_verdicts(Verify *v)
{
  VerdictRowList merged = {0};
  for (size_t i = 0; i < v->verdicts.len; i++) {
    const VerdictRow *row = &v->verdicts.items[i];
    size_t at = 0;
    while (at < merged.len && !str_eq(merged.items[at].task, row->task)) at++;
    if (at == merged.len)
      PUSH(&v->round_arena, &merged, *row);
    else if (row->kind > merged.items[at].kind)
      merged.items[at] = *row;
  }
  v->verdicts = merged;
}

static bool store_verdicts(Verify *v, Error *err)
{
  Journal *journal = v->engine->journal;
  if (!journal_begin(journal, err)) return false;
  for (size_t i = 0; i < v->verdicts.len; i++) {
    if (journal_verdict_put(journal, v->plan_id, &v->verdicts.items[i], err)) continue;
    journal_rollback(journal);
    return false;
  }
  return journal_commit(journal, err);
}

static Str remark_of(Verify *v, const VerdictRow *row)
{
  if (!row->path.len) return row->reason;
  return str_fmt(&v->round_arena, "%.*s:%" PRId64 ": %.*s", STR_ARG(row->path), row->line,
                 STR_ARG(row->reason));
}

// Rejected tasks that a model can do again, with what was said about them.
static size_t to_redo(Verify *v, RunSpec *spec)
{
  for (size_t i = 0; i < v->verdicts.len; i++) {
    const VerdictRow *row = &v->verdicts.items[i];
    const TaskSpec *task = plan_task(&v->tasks, row->task);
    if (row->kind != VERDICT_REJECTED || !task || task->executor != EXECUTOR_MODEL) continue;
    PUSH(&v->round_arena, &spec->redo, row->task);
    PUSH(&v->round_arena, &spec->remarks, remark_of(v, row));
  }
  return spec->redo.len;
}

static size_t count_kind(const Verify *v, VerdictKind kind)
{
  size_t count = 0;
  for (size_t i = 0; i < v->verdicts.len; i++) count += v->verdicts.items[i].kind == kind;
  return count;
}

static void redone(void *owner, const Error *err)
{
  Verify *v = owner;
  bool halted = err->code != ERR_OK && err->code != ERR_FAILED;
  if (halted) add_note(v, "the correction round stopped: %s", err->message);
  v->round++;
  go(v, v->stopped ? VERIFY_END : VERIFY_BEGIN);
}

static void step_judge(Verify *v)
{
  Error err = {0};
  merge_verdicts(v);
  if (!store_verdicts(v, &err)) add_note(v, "verdicts not stored: %s", err.message);
  RunSpec spec = {.plan = v->plan_id, .past_budget = v->past_budget, .nested = true};
  bool again = !v->stopped && v->round <= v->engine->config->verify_rounds && to_redo(v, &spec);
  if (!again) {
    go(v, VERIFY_END);
    return;
  }
  Str note =
      str_fmt(&v->round_arena, "%zu rejected, corrected in round %d", spec.redo.len, v->round);
  tell(v, "model", false, note);
  v->state = VERIFY_REDO;
  if (run_start(v->engine, &spec, redone, v, &err)) return;
  add_note(v, "no correction round: %s", err.message);
  go(v, VERIFY_END);
}

// ---- the end -----------------------------------------------------------------------------------------

static Str summary(Verify *v)
{
  Buf text;
  buf_init(&text, 4096);
  if (v->tested) buf_fmt(&text, "tests %s", v->test_ok ? "passed" : "failed");
  if (v->verdicts.len) {
    buf_fmt(&text, "%s%zu ok", text.len ? "; " : "", count_kind(v, VERDICT_OK));
    size_t doubt = count_kind(v, VERDICT_DOUBT), rejected = count_kind(v, VERDICT_REJECTED);
    if (doubt) buf_fmt(&text, ", %zu in doubt", doubt);
    if (rejected) buf_fmt(&text, ", %zu rejected", rejected);
  }
  if (v->groups.left_out) {
    buf_fmt(&text, "%s%zu files were not shown to the verifier", text.len ? "; " : "",
            v->groups.left_out);
  }
  if (v->note.len) {
    if (text.len) buf_add(&text, S("; "));
    buf_add(&text, buf_str(&v->note));
  }
  return buf_take(&text, &v->arena);
}

static void set_error(Verify *v, Str note)
{
  if (v->stopped) {
    error_set(&v->error, ERR_CANCELLED, "verification stopped; the results are ready for review");
  } else if (v->tested && !v->test_ok) {
    error_set(&v->error, ERR_TEST_FAILED, "%.*s", STR_ARG(note));
  } else if (count_kind(v, VERDICT_REJECTED)) {
    error_set(&v->error, ERR_FAILED, "%.*s", STR_ARG(note));
    error_hint_set(&v->error, "see the reasons in review, then retry or reject those tasks");
  }
}

static void unlink_verify(Verify *v)
{
  Verify **at = &v->engine->verifies;
  while (*at && *at != v) at = &(*at)->next;
  if (*at) *at = v->next;
}

static void verify_free(void *owner)
{
  Verify *v = owner;
  buf_deinit(&v->note);
  arena_deinit(&v->round_arena);
  arena_deinit(&v->arena);
  mem_free(v);
}

static void step_end(Verify *v)
{
  Str note = v->error.code ? str_dup(&v->arena, str_from(v->error.message)) : summary(v);
  Error err = {0};
  bool good = v->error.code == ERR_OK && !v->stopped && !count_kind(v, VERDICT_REJECTED) &&
              (!v->tested || v->test_ok);
  if (!journal_plan_set_state(v->engine->journal, v->plan_id, PLAN_REVIEW, note, &err) &&
      !v->error.code) {
    v->error = err;
  }
  set_error(v, note);
  tell(v, "done", good, note);
  review_tell(v->engine, v->plan_id);
  journal_lease_release(v->engine->journal, v->plan_id, str_from(v->engine->holder), NULL);
  unlink_verify(v);
  Error done = v->error;
  OpDone *on_done = v->on_done;
  void *on_owner = v->owner;
  timer_close(&v->tick, verify_free);
  if (on_done) on_done(on_owner, &done);
}

static void verify_step(void *owner)
{
  Verify *v = owner;
  if (v->closing) return;
  if (v->stopped && v->tree) {
    close_tree(v);
    return;
  }
  if (v->stopped && v->state < VERIFY_JUDGE) v->state = VERIFY_END;
  switch (v->state) {
    case VERIFY_BEGIN: step_begin(v); break;
    case VERIFY_TREE: step_tree(v); break;
    case VERIFY_TEST: step_test(v); break;
    case VERIFY_MODEL: step_model(v); break;
    case VERIFY_JUDGE: step_judge(v); break;
    case VERIFY_REDO: break;  // redone goes on
    case VERIFY_END: step_end(v); break;
  }
}

static void tick(void *owner)
{
  Verify *v = owner;
  journal_lease_renew(v->engine->journal, v->plan_id, str_from(v->engine->holder), LEASE_MS, NULL);
}

static bool load(Verify *v, Error *err)
{
  PlanRow row;
  if (!run_load_plan(v->engine, v->plan_id, &v->arena, &row, &v->plan, err)) return false;
  v->plan.test = str_trim(v->plan.test);
  v->tasks = plan_expand(&v->arena, &v->plan);
  PatchRowList rows = {0};
  if (!journal_patch_list(v->engine->journal, &v->arena, v->plan_id, STR_NONE, &rows, err))
    return false;
  if (rows.len == 0) {
    error_set(err, ERR_INVALID, "plan %" PRId64 " has no results to verify", v->plan_id);
    return error_hint_set(err, "run it first");
  }
  return budget_of(v->engine, v->plan_id, v->past_budget, &v->budget, err) &&
         journal_lease_take(v->engine->journal, v->plan_id, str_from(v->engine->holder), LEASE_MS,
                            err);
}

static bool set_up(Verify *v, Error *err)
{
  if (!load(v, err)) return false;
  if (journal_attempts_settle(v->engine->journal, v->plan_id, NULL, err) &&
      journal_plan_set_state(v->engine->journal, v->plan_id, PLAN_VERIFYING, STR_NONE, err)) {
    return true;
  }
  journal_lease_release(v->engine->journal, v->plan_id, str_from(v->engine->holder), NULL);
  return false;
}

bool verify_start(Engine *engine, int64_t plan, bool past_budget, OpDone *on_done, void *owner,
                  Error *err)
{
  if (run_active(engine, plan)) {
    return error_set(err, ERR_BUSY, "plan %" PRId64 " is at work already", plan);
  }
  Project *project = engine_project_of_plan(engine, plan, err);
  if (!project) return false;
  Verify *v = mem_alloc(sizeof(*v));
  *v = (Verify){.engine = engine,
                .project = project,
                .plan_id = plan,
                .past_budget = past_budget,
                .on_done = on_done,
                .owner = owner,
                .round = 1};
  buf_init(&v->note, 4096);
  if (!set_up(v, err)) {
    verify_free(v);
    return false;
  }
  v->next = engine->verifies;
  engine->verifies = v;
  models_reopen(engine->models);
  timer_init(engine->loop, &v->tick, tick, v);
  timer_start(&v->tick, TICK_MS, TICK_MS);
  go(v, VERIFY_BEGIN);
  return true;
}

// What is under way ends first; its callback then finds [stopped].
static void stop(Verify *v)
{
  if (v->stopped) return;
  v->stopped = true;
  if (v->process) {
    process_kill(v->process);
  } else if (v->attempt) {
    attempt_cancel(v->attempt);
  } else if (v->state == VERIFY_REDO) {
    run_stop(v->engine, v->plan_id, true);
  } else if (v->state != VERIFY_END) {
    go(v, v->state);
  }
}

void verify_stop(Engine *engine, int64_t plan)
{
  for (Verify *v = engine->verifies; v; v = v->next) {
    if (plan == 0 || v->plan_id == plan) stop(v);
  }
}
