// planner_start.c: what happens before a planner's first turn: consent, the row in the journal, the
// first message; or the conversation of one that was killed, read back.
#include "plan/template.h"
#include "work/advise.h"
#include "work/cheap_first.h"
#include "work/estimate.h"
#include "work/plan_store.h"
#include "work/planner_private.h"
#include "work/planner_prompt.h"
#include "work/submit.h"
#include "work/transcript.h"

enum {
  PLANNER_OUTPUT = 16000,  // tokens of one reply
  MODEL_TOOLS = 5,
};

static void build_request(Planner *p)
{
  const Ladder *big = config_ladder(p->engine->config, S("big"));
  ModelRequest *request = &p->request;
  *request = (ModelRequest){.provider = big->rungs[0].provider,
                            .model = big->rungs[0].model,
                            .role = S("plan"),
                            .system = prompt_words(S("plan")),
                            .effort = big->effort};
  request->label = str_fmt(&p->arena, "plan %lld", (long long)p->row.id);
  request->max_output = big->max_output ? big->max_output : PLANNER_OUTPUT;
  Str notes = STR_NONE;
  Error none = {0};
  journal_fact_get(p->engine->journal, &p->arena, p->row.id, S("notes"), &notes, &none);
  request->shared = planner_guidance(&p->arena, p->project, notes);
  request->tools = NEW_N(&p->arena, ModelTool, MODEL_TOOLS);
  tools_describe(&p->arena, request->tools, &request->tool_count);
  request->tools[request->tool_count++] = submit_tool(&p->arena);
}

// Counts what the conversation so far has used, as it was counted then.
static void recount(Planner *p)
{
  for (size_t i = 0; i < p->request.messages.len; i++) {
    const ModelMessage *message = &p->request.messages.items[i];
    const ToolCall *submitted = message->role == MSG_ASSISTANT ? planner_submission(message) : NULL;
    p->turns += message->role == MSG_ASSISTANT;
    p->repairs += submitted != NULL;
    p->nudges += message->role == MSG_ASSISTANT && !message->calls.len;
    if (message->role != MSG_TOOL) continue;
    p->box.bytes_left -=
        message->text.len < p->box.bytes_left ? message->text.len : p->box.bytes_left;
    p->box.calls_left--;
  }
}

// The conversation of the last attempt, or none when the engine died before the first.
static bool take_up(Planner *p, Error *err)
{
  AttemptRowList rows = {0};
  Str prompt;
  if (!journal_attempts_settle(p->engine->journal, p->row.id, NULL, err)) return false;
  if (!journal_attempt_list(p->engine->journal, &p->arena, p->row.id, STR_NONE, &rows, err))
    return false;
  for (size_t i = rows.len; i-- > 0;) {
    if (rows.items[i].phase != PHASE_PLAN) continue;
    int64_t max_output = 0;
    if (!journal_attempt_prompt(p->engine->journal, &p->arena, rows.items[i].id, &prompt, err))
      return false;
    if (!transcript_read(&p->arena, prompt, &p->request.messages, &max_output, err)) return false;
    if (max_output > 0) p->request.max_output = max_output;
    p->resumed = true;
    recount(p);
    return true;
  }
  return true;
}

static bool check_key(Engine *engine, Error *err)
{
  Error why = {0};
  if (attempt_ready(engine, S("big"), &why)) return true;
  if (why.code == ERR_NO_KEY) {
    error_hint_set(
        &why,
        "`export ANTHROPIC_API_KEY=...` (or another provider's; see :help piecework-keys) and try "
        "again; `make demo` plays a recorded run without a key");
  }
  if (err && err->code == ERR_OK) *err = why;
  return false;
}

// Before any money: is there something better, and is the price known to the user?
static bool consent(Engine *engine, Project *project, const PlanRequest *request, Error *err)
{
  Arena scratch;
  arena_init(&scratch);
  bool ok = true;
  Advice advice = {.kind = ADVICE_FITS};
  Estimate estimate = estimate_request(engine, project, &scratch, &request->scope);
  if (engine->config->advice)
    advice = advise(engine, project, &scratch, request->request, &request->scope);
  if (advice.kind != ADVICE_FITS && !advice.seen) {
    Str rest = advice.text, line = STR_NONE;
    str_line(&rest, &line);
    ok = error_set(err, ERR_CONSENT, "%.*s", STR_ARG(line));
    error_hint_set(err, "%s%.*s%sgo on all the same with plan! (CLI: --yes)",
                   advice.command.len ? "try " : "", STR_ARG(advice.command),
                   advice.command.len ? ", or " : "");
  } else if (engine->config->ask_above >= 0 && estimate.plan.cost > engine->config->ask_above) {
    ok = error_set(err, ERR_CONSENT, "planning may cost %.*s (estimate), more than `ask_above`",
                   STR_ARG(money_about(&scratch, estimate.plan.cost)));
    error_hint_set(err, "narrow the scope, or go on all the same with plan! (CLI: --yes)");
  }
  arena_deinit(&scratch);
  return ok;
}

static bool new_row(Planner *p, const PlanRequest *request, Error *err)
{
  Engine *engine = p->engine;
  Str text = str_trim(request->request);
  if (text.len == 0) return error_set(err, ERR_USAGE, "say what is to be done: plan \"request\"");
  if (text.len > 64 * 1024) return error_set(err, ERR_TOO_BIG, "the request is longer than 64 KiB");
  Str words = text, name, rest;  // "@split by subject": what the template says
  if (template_called(text, &name, &rest) &&
      !template_request(p->project, &p->arena, text, &words, err))
    return false;
  if (!planner_scope_ok(&p->arena, p->project, &request->scope, err)) return false;
  if (!check_key(engine, err)) return false;
  if (!request->go_on && !consent(engine, p->project, request, err)) return false;
  p->row = (PlanRow){.root = project_root(p->project),
                     .title = plan_title(&p->arena, text),
                     .request = str_dup(&p->arena, text),
                     .state = PLAN_PLANNING,
                     .budget = request->budget >= 0 ? request->budget : engine->config->budget};
  Str first = planner_first_message(&p->arena, p->project, words, &request->scope);
  Str notes = planner_notes_path(&p->arena, p->project, &request->scope);
  bool ok = journal_begin(engine->journal, err);
  if (!ok) return false;
  ok = journal_plan_new(engine->journal, &p->row, err) &&
       journal_fact_set(engine->journal, p->row.id, S("first message"), first, err) &&
       journal_fact_set(engine->journal, p->row.id, S("notes"), notes, err) &&
       (!p->left_of || cheap_first_planned(engine, p->left_of, p->row.id, err)) &&
       journal_commit(engine->journal, err);
  if (!ok) journal_rollback(engine->journal);
  return ok;
}

static bool old_row(Planner *p, int64_t plan, Error *err)
{
  if (!journal_plan_get(p->engine->journal, &p->arena, plan, &p->row, err)) return false;
  if (p->row.state == PLAN_PLANNING) return check_key(p->engine, err);
  return error_set(err, ERR_INVALID, "plan %lld is not being planned: it is %s", (long long)plan,
                   plan_state_name(p->row.state));
}

static bool prepare(Planner *p, const PlanRequest *request, Error *err)
{
  Engine *engine = p->engine;
  Str first;
  bool ok = request->plan ? old_row(p, request->plan, err) : new_row(p, request, err);
  if (!ok || !journal_lease_take(engine->journal, p->row.id, str_from(engine->holder),
                                 PLANNER_LEASE_MS, err))
    return false;
  build_request(p);
  if (!budget_of(engine, p->row.id, false, &p->budget, err)) return false;
  if (request->plan && !take_up(p, err)) return false;
  if (p->request.messages.len) return true;
  if (!journal_fact_get(engine->journal, &p->arena, p->row.id, S("first message"), &first, err))
    return false;
  if (first.len == 0) first = p->row.request;
  planner_say(p, first);
  return true;
}

int64_t planner_start(Engine *engine, Project *project, const PlanRequest *request, OpDone *on_done,
                      void *owner, Error *err)
{
  Planner *p = mem_alloc(sizeof(*p));
  Error none = {0};
  *p = (Planner){.engine = engine,
                 .project = project,
                 .left_of = request->left_of,
                 .on_done = on_done,
                 .owner = owner};
  p->box = (Toolbox){project, engine->loop, TOOLS_BYTES, TOOLS_CALLS};
  arena_init(&p->arena);
  bool active = request->plan && planner_active(engine, request->plan);
  if (active)
    error_set(err, ERR_BUSY, "plan %lld is being planned already", (long long)request->plan);
  if (active || !prepare(p, request, err)) {
    if (p->row.id && !active) {
      journal_lease_release(engine->journal, p->row.id, str_from(engine->holder), &none);
    }
    arena_deinit(&p->arena);
    mem_free(p);
    return 0;
  }
  p->next = engine->planners;
  engine->planners = p;
  planner_go(p);
  return p->row.id;
}
