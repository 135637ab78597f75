// planner.c: a conversation with the big model that ends in a plan file.
//
//   ASK ----> (reply stored) ----> ANSWERED --+--> TOOLS --(one after the other)--> ASK
//    ^                                        +--> submit_plan --ok--> WRITE --> END
//    +------- what is wrong, once ------------+
//
// Nothing of the conversation is kept outside the journal but what can be built again: each
// attempt's prompt holds all that was said before it. A planner that was killed reads the last
// one back, finds its reply if it came, and goes on; what was paid for is not paid again.
#include "base/buf.h"
#include "work/plan_store.h"
#include "work/planner_private.h"
#include "work/submit.h"
#include "work/transcript.h"

enum {
  MAX_REPAIRS = 1,      // of a submitted plan
  MAX_NUDGES = 1,       // of a turn that ends without a call
  LEAST_OUTPUT = 2000,  // tokens; below this a plan does not fit into a reply
};

static void step(void *owner);

static void soon(Planner *p)
{
  loop_soon(p->engine->loop, &p->soon, step, p);
}

static void go(Planner *p, PlannerState state)
{
  p->state = state;
  soon(p);
}

static void end_with(Planner *p, const Error *err)
{
  p->error = *err;
  go(p, PLANNER_END);
}

__attribute__((format(printf, 3, 4))) static void fail(Planner *p, Err code, const char *format,
                                                       ...)
{
  va_list args;
  va_start(args, format);
  Str text = str_vfmt(&p->arena, format, args);
  va_end(args);
  error_set(&p->error, code, "%.*s", STR_ARG(text));
  go(p, PLANNER_END);
}

static ModelMessage *last_message(Planner *p)
{
  return &p->request.messages.items[p->request.messages.len - 1];
}

void planner_say(Planner *p, Str text)
{
  ModelMessage message = {.role = MSG_USER, .text = text};
  PUSH(&p->arena, &p->request.messages, message);
}

static void answer_call(Planner *p, const ToolCall *call, Str text, bool is_error)
{
  ModelMessage message = {.role = MSG_TOOL,
                          .text = str_dup(&p->arena, text),
                          .call_id = call->id,
                          .is_error = is_error};
  PUSH(&p->arena, &p->request.messages, message);
}

// ---- asking -------------------------------------------------------------------------------------

static void on_reply(void *owner, const AttemptReply *reply)
{
  Planner *p = owner;
  p->attempt = NULL;
  if (reply->error.code != ERR_OK) {
    end_with(p, &reply->error);
    return;
  }
  p->stop = reply->stop;
  p->detail = str_dup(&p->arena, reply->detail);
  ModelMessage message = reply_message(&p->arena, reply->text, &reply->calls, reply->raw);
  PUSH(&p->arena, &p->request.messages, message);
  p->turns++;
  p->answered = 0;
  go(p, PLANNER_ANSWERED);
}

// A dear worst case must not stop a plan that will cost a tenth of it: the reply may be as long
// as what is left of the budget pays for, down to where no plan would fit.
static void fit_output(Planner *p, Str model)
{
  while (!p->resumed && p->request.max_output > LEAST_OUTPUT) {
    Error none = {0};
    Nano worst = request_worst_cost(p->engine->models, &p->request);
    if (budget_ask(p->engine, p->row.id, &p->budget, worst, model, &none) != BUDGET_OUT) return;
    p->request.max_output =
        p->request.max_output / 2 < LEAST_OUTPUT ? LEAST_OUTPUT : p->request.max_output / 2;
  }
}

static void ask(Planner *p)
{
  Error err = {0};
  BudgetAnswer answer;
  if (p->turns >= PLANNER_TURNS) {
    fail(p, ERR_FAILED, "the planner used all %d turns without handing in a plan", PLANNER_TURNS);
    return;
  }
  Str model =
      str_fmt(&p->arena, "%.*s/%.*s", STR_ARG(p->request.provider), STR_ARG(p->request.model));
  journal_lease_renew(p->engine->journal, p->row.id, str_from(p->engine->holder), PLANNER_LEASE_MS,
                      &err);
  fit_output(p, model);
  AttemptSpec spec = {.engine = p->engine,
                      .plan = p->row.id,
                      .phase = PHASE_PLAN,
                      .role = S("big"),
                      .request = &p->request,
                      .budget = &p->budget,
                      .reuse_since_ms = 0,
                      .on_done = on_reply,
                      .owner = p};
  p->resumed = false;
  error_clear(&err);
  p->attempt = attempt_start(&spec, &answer, &err);
  p->state = PLANNER_WAIT;
  if (p->attempt) {
    plan_event(p->engine, &p->row, "planning", p->turns + 1, STR_NONE);
    return;
  }
  if (err.code == ERR_OK)
    error_set(&err, ERR_BUDGET, "the planner's next turn does not fit the budget");
  if (answer == BUDGET_OUT && !err.hint[0])  // there is no plan file yet to raise it in
    error_hint_set(&err, "raise `budget` in the configuration (CLI: --budget USD)");
  end_with(p, &err);
}

// ---- answers ------------------------------------------------------------------------------------

const ToolCall *planner_submission(const ModelMessage *message)
{
  for (size_t i = 0; i < message->calls.len; i++) {
    if (str_eq(message->calls.items[i].name, S("submit_plan"))) return &message->calls.items[i];
  }
  return NULL;
}

static void publish(Planner *p, Plan *plan)
{
  Error err = {0};
  plan->request = p->row.request;
  plan->test = plan_test_command(p->engine, p->project, &p->arena);
  plan_publish(p->engine, p->project, &p->arena, &p->row, plan, &err);
  end_with(p, &err);
}

// One more try, with exactly what is wrong. The other calls of the turn need an answer too.
static void send_back(Planner *p, const ToolCall *submitted, Str problem)
{
  ToolCallList calls = last_message(p)->calls;
  if (p->repairs++ >= MAX_REPAIRS) {
    Str rest = problem, line = STR_NONE, first = STR_NONE;
    while (str_line(&rest, &line) && !first.len)
      first = str_starts(line, S("- ")) ? str_skip(line, 2) : STR_NONE;
    fail(p, ERR_FAILED, "the planner's plan could not be used, also when corrected: %.*s",
         STR_ARG(first.len ? first : str_trim(problem)));
    return;
  }
  for (size_t i = 0; i < calls.len; i++) {
    bool own = &calls.items[i] == submitted;
    answer_call(p, &calls.items[i],
                own ? problem : S("not done: submit_plan was called in the same turn"), true);
  }
  go(p, PLANNER_ASK);
}

static void judge(Planner *p, const ToolCall *call)
{
  Submission submission;
  PlanProblemList problems = {0};
  if (call->broken.len) {
    send_back(p, call,
              p->stop == STOP_LENGTH ? S("The plan was cut at the length limit. Make it shorter: "
                                         "refer to lines, use `each`.\n")
                                     : S("The arguments were not JSON. Call submit_plan again.\n"));
    return;
  }
  bool usable = submission_read(&p->arena, call->input, &submission, &problems);
  if (usable && submission.unsuitable) {
    p->unsuitable = true;
    error_set(&p->error, ERR_REFUSED, "the planner says this does not suit small tasks: %.*s",
              STR_ARG(submission.reason));
    error_hint_set(&p->error, "give it to one big model, or ask for a part that can be divided");
    go(p, PLANNER_END);
    return;
  }
  if (usable)
    plan_find_targets(p->engine, p->project, &p->arena, &p->row, &submission.plan, &problems);
  usable =
      usable && plan_check(&p->arena, &submission.plan, p->project, &problems) && !problems.errors;
  if (usable)
    publish(p, &submission.plan);
  else
    send_back(p, call, submission_answer(&p->arena, &problems));
}

// A turn that ends without a call: said once what is wanted.
static void nudge(Planner *p)
{
  if (p->stop == STOP_REFUSED) {
    fail(p, ERR_MODEL_REFUSED, "the model refused to plan this%s%.*s", p->detail.len ? ": " : "",
         STR_ARG(p->detail));
  } else if (p->nudges++ >= MAX_NUDGES) {
    fail(p, ERR_REPLY, "the planner ended its turn without handing in a plan");
  } else {
    bool cut = p->stop == STOP_LENGTH;
    if (!str_trim(last_message(p)->text).len && !last_message(p)->raw)
      last_message(p)->text = S("(no answer)");
    planner_say(
        p, cut ? S("Your answer was cut at the length limit. Call submit_plan now, with a shorter "
                   "plan.")
               : S("Call submit_plan now: with the plan, or with `unsuitable` and why."));
    go(p, PLANNER_ASK);
  }
}

static void answered(Planner *p)
{
  const ToolCall *submitted = planner_submission(last_message(p));
  if (submitted)
    judge(p, submitted);
  else if (last_message(p)->calls.len)
    go(p, PLANNER_TOOLS);
  else
    nudge(p);
}

// ---- tools --------------------------------------------------------------------------------------

// The reply whose calls are being answered: the results stand behind it.
static const ModelMessage *calling_message(Planner *p)
{
  return &p->request.messages.items[p->request.messages.len - 1 - p->answered];
}

static void on_result(void *owner, const ToolResult *result)
{
  Planner *p = owner;
  const ToolCall *call = &calling_message(p)->calls.items[p->answered];
  answer_call(p, call, result->text, result->is_error);
  p->answered++;
  go(p, PLANNER_TOOLS);
}

static void note_tool(Planner *p, const ToolCall *call)
{
  Str what =
      value_get_str(call->input, S("path"), value_get_str(call->input, S("pattern"), STR_NONE));
  what = str_sub(what, 0, str_utf8_floor(what, 80));
  engine_note(p->engine, p->row.id, STR_NONE, S("planning"), "%.*s %.*s", STR_ARG(call->name),
              STR_ARG(what));
}

static void use_tools(Planner *p)
{
  const ModelMessage *message = calling_message(p);
  if (p->answered == message->calls.len) {
    int left = PLANNER_TURNS - p->turns;
    if (left <= 2) {
      ModelMessage *last = last_message(p);
      last->text = str_fmt(&p->arena, "%.*s(%d turns are left: call submit_plan)\n",
                           STR_ARG(last->text), left);
    }
    go(p, PLANNER_ASK);
    return;
  }
  const ToolCall *call = &message->calls.items[p->answered];
  note_tool(p, call);
  p->state = PLANNER_WAIT;
  tool_start(&p->tool, &p->box, call, on_result, p);
}

// ---- the end ------------------------------------------------------------------------------------

static void unlink_planner(Planner *p)
{
  struct Planner **at = &p->engine->planners;
  while (*at && *at != p) at = &(*at)->next;
  if (*at) *at = p->next;
}

// What will not get better by itself ends the plan; what may (network, budget, a stop) leaves it
// in state planning, to be gone on with.
static bool ends_plan(Err code)
{
  return code == ERR_REFUSED || code == ERR_MODEL_REFUSED || code == ERR_FAILED ||
         code == ERR_REPLY;
}

static void finish(Planner *p)
{
  Error none = {0}, err = p->error;
  Str note = str_from(err.message);
  OpDone *on_done = p->on_done;
  void *owner = p->owner;
  if (err.code != ERR_OK) {
    PlanState state = ends_plan(err.code) ? PLAN_FAILED : PLAN_PLANNING;
    journal_plan_set_state(p->engine->journal, p->row.id, state, note, &none);
    plan_event(p->engine, &p->row, p->unsuitable ? "unsuitable" : "failed", p->turns, note);
  }
  journal_lease_release(p->engine->journal, p->row.id, str_from(p->engine->holder), &none);
  unlink_planner(p);
  arena_deinit(&p->arena);
  mem_free(p);
  on_done(owner, &err);
}

static void step(void *owner)
{
  Planner *p = owner;
  bool ended = p->state == PLANNER_END && p->error.code != ERR_CANCELLED;  // before it was stopped
  if (p->stopped && !ended && p->state != PLANNER_WAIT) {
    error_clear(&p->error);
    error_set(&p->error, ERR_CANCELLED, "planning was stopped; `resume` goes on with it");
    p->state = PLANNER_END;
  }
  switch (p->state) {
    case PLANNER_ASK: ask(p); break;
    case PLANNER_WAIT: break;
    case PLANNER_ANSWERED: answered(p); break;
    case PLANNER_TOOLS: use_tools(p); break;
    case PLANNER_END: finish(p); break;
  }
}

void planner_go(Planner *p)
{
  go(p, PLANNER_ASK);
}

bool planner_active(Engine *engine, int64_t plan)
{
  for (Planner *p = engine->planners; p; p = p->next) {
    if (p->row.id == plan) return true;
  }
  return false;
}

void planner_stop(Engine *engine, int64_t plan)
{
  for (Planner *p = engine->planners; p; p = p->next) {
    bool named = p->row.id == plan || (p->left_of && p->left_of == plan);
    if (!named || p->stopped) continue;
    p->stopped = true;
    if (p->attempt)
      attempt_cancel(p->attempt);
    else if (p->state == PLANNER_WAIT && !tool_cancel(&p->tool))
      go(p, PLANNER_ASK);
    return;
  }
}
