// verify.c: see verify.h.
//
//   BEGIN   results combined; a trusted test command? ---- no ----+
//     |                                                           |
//   TREE    scratch worktree, combined texts written into it      |
//     |                                                           |
//   TEST    the command, time limit, output's end kept            |
//     |                                                           |
//   TRACE   it failed: which task broke it (work/bisect.h)        |
//     |     (the worktree goes)                                   |
//   MODEL   one call for each group of files  <-------------------+
//     |
//   JUDGE   verdicts stored; rejected ones and rounds left? -- REDO: those tasks run again, then BEGIN
//     |
//   END     state review, events, on_done
#include "work/verify.h"

#include "review/apply.h"
#include "work/prompt.h"
#include "work/run_private.h"
#include "work/trust.h"
#include "work/verdict.h"
#include "work/verify_private.h"

enum {
  LEASE_MS = 30000,
  TICK_MS = 1000,
  ANSWER_TOKENS = 3000,  // of the verifier, besides
  VERDICT_TOKENS = 80,   // for each task
};

static void verify_step(void *owner);

void verify_go(Verify *v, VerifyState state)
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

static void report_conflicts(Verify *v)
{
  for (size_t i = 0; i < v->files.len; i++) {
    const CombinedFile *file = &v->files.items[i];
    if (!file->conflict) continue;
    verify_note(v, "%.*s: the change of %.*s does not merge with the others", STR_ARG(file->path),
                STR_ARG(file->conflict_task));
  }
}

static void step_begin(Verify *v)
{
  Error err = {0};
  arena_reset(&v->round_arena);
  v->tested = v->test_ok = false;
  v->verdicts = (VerdictRowList){0};
  v->trace = (BisectResult){0};
  v->groups = (VerifyGroups){0};
  v->stands = (VerdictRowList){0};
  v->group = 0;
  if (!base_combine(v->engine, v->plan_id, &v->round_arena, NULL, &v->files, &err)) {
    v->error = err;
    verify_go(v, VERIFY_END);
    return;
  }
  report_conflicts(v);
  v->grouped = false;
  Str command = str_trim(v->plan.test);
  if (command.len == 0) {
    v->test_report = S("the plan has none");
    verify_go(v, VERIFY_MODEL);
  } else if (!trust_given(v->engine, project_root(v->project), command)) {
    TrustedRun run = {.plan = v->plan_id,
                      .root = project_root(v->project),
                      .command = command,
                      .where = S("test")};
    trust_run(v->engine, &run, NULL);  // asks, runs nothing
    verify_no_test(v, S("the test command is not trusted yet"));
  } else {
    verify_go(v, VERIFY_TREE);
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
    verify_note(v, "not checked by the model: %s", reply->error.message);
    v->group = v->groups.len;
  } else if (!verdict_read(&v->round_arena, &group->tasks, reply, &v->verdicts)) {
    if (reply
            ->stored) {  // from an earlier run: who runs again wants another answer, not this one for ever
      v->group--;
      v->afresh = true;
    } else {
      verify_note(v, "the verifier's answer had no verdicts");
    }
  } else {
    verify_note_judged(v, group);
  }
  verify_go(v, VERIFY_MODEL);
}

static bool ask(Verify *v, const Ladder *ladder, Error *err)
{
  VerifyGroup *group = &v->groups.items[v->group];
  ModelRequest request;
  Str diff = str_cat(&v->round_arena, group->diff, verify_standing_words(v));
  VerifierText text = {diff, verify_reads(v, group), v->test_report};
  prompt_verifier(&v->round_arena, &v->plan, &group->tasks, &text, &request);
  request.provider = ladder->rungs[0].provider;
  request.model = ladder->rungs[0].model;
  request.effort = ladder->effort;
  int64_t need = ANSWER_TOKENS + VERDICT_TOKENS * (int64_t)group->tasks.len;
  if (request.max_output < need) request.max_output = need;
  if (ladder->max_output > 0) request.max_output = ladder->max_output;
  if (!attempt_ready(v->engine, S("big"), err)) return false;
  AttemptSpec spec = {.engine = v->engine,
                      .plan = v->plan_id,
                      .phase = PHASE_VERIFY,
                      .role = S("big"),
                      .request = &request,
                      .budget = &v->budget,
                      .reuse_since_ms = v->afresh || v->again ? -1 : 0,
                      .on_done = group_done,
                      .owner = v};
  BudgetAnswer answer;
  v->afresh = false;
  v->attempt = attempt_start(&spec, &answer, err);
  return v->attempt != NULL;
}

static void step_model(Verify *v)
{
  if (!v->grouped) {
    v->grouped = true;
    verify_find_standing(v);
    v->groups = verify_groups(&v->round_arena, &v->shown, &v->tasks);
  }
  if (v->group == v->groups.len || v->stopped) {
    verify_go(v, VERIFY_JUDGE);
    return;
  }
  if (v->group == 0) verify_tell(v, "model", true, STR_NONE);
  Error err = {0};
  const Ladder *ladder = config_ladder(v->engine->config, S("big"));
  bool set = ladder && ladder->len;
  if (!set) error_set(&err, ERR_CONFIG, "no model is set for \"big\"");
  if (set && ask(v, ladder, &err)) return;
  verify_note(v, "not checked by the model: %s",
              err.message[0] ? err.message : "the budget is in use");
  v->group = v->groups.len;
  verify_go(v, VERIFY_JUDGE);
}

// ---- verdicts ----------------------------------------------------------------------------------------

static void redone(void *owner, const Error *err)
{
  Verify *v = owner;
  bool halted = err->code != ERR_OK && err->code != ERR_FAILED;
  if (halted) verify_note(v, "the correction round stopped: %s", err->message);
  v->round++;
  verify_go(v, v->stopped ? VERIFY_END : VERIFY_BEGIN);
}

static void step_judge(Verify *v)
{
  Error err = {0};
  for (size_t i = 0; i < v->stands.len; i++)
    PUSH(&v->round_arena, &v->verdicts, v->stands.items[i]);
  verify_merge(v);
  verify_add_trace(v);
  if (!verify_store(v, &err)) verify_note(v, "verdicts not stored: %s", err.message);
  RunSpec spec = {.plan = v->plan_id, .past_budget = v->past_budget, .nested = true};
  bool again =
      !v->stopped && v->round <= v->engine->config->verify_rounds && verify_to_redo(v, &spec);
  if (!again) {
    verify_go(v, VERIFY_END);
    return;
  }
  Str note =
      str_fmt(&v->round_arena, "%zu rejected, corrected in round %d", spec.redo.len, v->round);
  verify_tell(v, "model", false, note);
  v->state = VERIFY_REDO;
  if (run_start(v->engine, &spec, redone, v, &err)) return;
  verify_note(v, "no correction round: %s", err.message);
  verify_go(v, VERIFY_END);
}

// ---- the end -----------------------------------------------------------------------------------------

static void set_error(Verify *v, Str note)
{
  if (v->stopped) {
    error_set(&v->error, ERR_CANCELLED, "verification stopped; the results are ready for review");
  } else if (v->tested && !v->test_ok) {
    error_set(&v->error, ERR_TEST_FAILED, "%.*s", STR_ARG(note));
  } else if (verify_count(v, VERDICT_REJECTED)) {
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

static Str tests(const Verify *v)
{
  if (!v->tested) return v->plan.test.len ? S("not run") : STR_NONE;
  return v->test_ok ? S("passed") : S("failed");
}

static void step_end(Verify *v)
{
  Str note = v->error.code ? str_dup(&v->arena, str_from(v->error.message)) : verify_summary(v);
  Error err = {0};
  bool looked = v->tested || v->verdicts.len;  // nothing looked at is not ok
  bool good = looked && v->error.code == ERR_OK && !v->stopped &&
              !verify_count(v, VERDICT_REJECTED) && (!v->tested || v->test_ok);
  if (!journal_plan_set_state(v->engine->journal, v->plan_id, PLAN_REVIEW, note, &err) &&
      !v->error.code) {
    v->error = err;
  }
  apply_settle(v->engine, v->plan_id, NULL);  // it may have been applied meanwhile
  set_error(v, note);
  verify_tell(v, "done", good, note);
  review_tell(v->engine, v->plan_id, tests(v), v->stayed);
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
    verify_close_tree(v);
    return;
  }
  if (v->stopped && v->state < VERIFY_JUDGE) v->state = VERIFY_END;
  switch (v->state) {
    case VERIFY_BEGIN: step_begin(v); break;
    case VERIFY_TREE: verify_step_tree(v); break;
    case VERIFY_TEST: verify_step_test(v); break;
    case VERIFY_TRACE: verify_step_trace(v); break;
    case VERIFY_MODEL: step_model(v); break;
    case VERIFY_JUDGE: step_judge(v); break;
    case VERIFY_REDO: break;  // redone goes on
    case VERIFY_END: step_end(v); break;
  }
}

static void tick(void *owner)
{
  Verify *v = owner;
  run_heed(v->engine, v->plan_id);
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

bool verify_start(Engine *engine, const VerifySpec *spec, OpDone *on_done, void *owner, Error *err)
{
  int64_t plan = spec->plan;
  if (run_active(engine, plan)) {
    return error_set(err, ERR_BUSY, "plan %" PRId64 " is at work already", plan);
  }
  Project *project = engine_project_of_plan(engine, plan, err);
  if (!project) return false;
  Verify *v = mem_alloc(sizeof(*v));
  *v = (Verify){.engine = engine,
                .project = project,
                .plan_id = plan,
                .past_budget = spec->past_budget,
                .again = spec->again,
                .on_done = on_done,
                .owner = owner,
                .round = 1};
  buf_init(&v->note, 4096);
  v->stayed = str_dup(&v->arena, spec->stayed);
  if (!set_up(v, err)) {
    verify_free(v);
    return false;
  }
  v->next = engine->verifies;
  engine->verifies = v;
  models_reopen(engine->models);
  timer_init(engine->loop, &v->tick, tick, v);
  timer_start(&v->tick, TICK_MS, TICK_MS);
  verify_go(v, VERIFY_BEGIN);
  return true;
}

// What is under way ends first; its callback then finds [stopped].
static void stop(Verify *v)
{
  if (v->stopped) return;
  v->stopped = true;
  if (v->process) {
    process_kill(v->process);
  } else if (v->bisect) {
    bisect_stop(v->bisect);
  } else if (v->attempt) {
    attempt_cancel(v->attempt);
  } else if (v->state == VERIFY_REDO) {
    run_stop(v->engine, v->plan_id, true);
  } else if (v->state != VERIFY_END) {
    verify_go(v, v->state);
  }
}

void verify_stop(Engine *engine, int64_t plan)
{
  for (Verify *v = engine->verifies; v; v = v->next) {
    if (plan == 0 || v->plan_id == plan) stop(v);
  }
}
