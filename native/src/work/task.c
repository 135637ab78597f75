// task.c: see task.h. How a result gets into the journal is in task_keep.c.
#include "work/task.h"

#include "work/mechanical.h"
#include "work/task_private.h"

enum { REDO_MAX = 2, FACTOR_MAX = 4 };

static void task_step(void *owner);

size_t task_number(const Task *task)
{
  return task->start.number;
}

const TaskRow *task_row(const Task *task)
{
  return &task->row;
}

const Str *task_paths(const Task *task, size_t *count)
{
  *count = task->paths.len;
  return task->paths.items;
}

static void go(Task *task, TaskStep step)
{
  task->step = step;
  loop_soon(task->start.engine->loop, &task->soon, task_step, task);
}

// ---- ending ------------------------------------------------------------------------------------------

static void task_free(Task *task)
{
  loop_soon_cancel(task->start.engine->loop, &task->soon);
  arena_deinit(&task->call_arena);
  arena_deinit(&task->input_arena);
  arena_deinit(&task->arena);
  mem_free(task);
}

static void end(Task *task, TaskState state, const Error *err)
{
  task->end = (TaskEnd){.state = state};
  if (err) task->end.error = *err;
  go(task, STEP_OVER);
}

static void step_over(Task *task)
{
  TaskEnd *done = &task->end;
  bool kept = done->state == TASK_DONE || done->state == TASK_PARTIAL;
  Error err = {0};
  if (!kept && !task_note_end(task, done->state, str_from(done->error.message), &err)) {
    *done = (TaskEnd){.state = TASK_WAITING, .error = err};
  } else if (!kept) {
    done->state = task->row.state;  // an earlier result may have stayed
  }
  task->start.on_done(task->start.owner, task, done);
  task_free(task);
}

static void fail(Task *task, Err code, Str why)
{
  Error err = {0};
  error_set(&err, code, "%.*s", STR_ARG(why));
  end(task, TASK_FAILED, &err);
}

// ---- begin -------------------------------------------------------------------------------------------

static TaskState state_of_input_error(Err code)
{
  return code == ERR_REFUSED ? TASK_REFUSED : code == ERR_JOURNAL ? TASK_WAITING : TASK_FAILED;
}

static void begin_mechanical(Task *task)
{
  Mechanical made;
  Error err = {0};
  if (!mechanical_do(&task->input_arena, &task->input.spec, &task->input.files, &made, &err)) {
    end(task, TASK_FAILED, &err);
    return;
  }
  task_result_of_files(&task->input_arena, task->start.project, &task->input, &made.files,
                       &task->result);
  if (!task->result.ok) {
    fail(task, ERR_FAILED, task->result.brief);
  } else if (task->result.abstained) {
    task_set_note(task, S("nothing found to change"));
    end(task, TASK_ABSTAINED, NULL);
  } else {
    go(task, STEP_CHECK);
  }
}

static void begin_model(Task *task)
{
  Str alias = task->input.spec.model.len ? task->input.spec.model : S("small");
  task->alias = str_dup(&task->arena, alias);
  task->ladder = config_ladder(task->start.engine->config, alias);
  if (!task->ladder || task->ladder->len == 0) {
    Error err = {0};
    error_set(&err, ERR_CONFIG, "no model is set for \"%.*s\"", STR_ARG(alias));
    end(task, TASK_WAITING, &err);
    return;
  }
  if ((size_t)task->row.rung >= task->ladder->len) task->row.rung = (int)task->ladder->len - 1;
  go(task, STEP_ASK);
}

static void step_begin(Task *task)
{
  TaskInputSpec spec = {task->start.engine,
                        task->start.project,
                        task->start.plan->id,
                        task->start.task,
                        &task->before,
                        task->start.remark,
                        false};
  Error err = {0};
  arena_reset(&task->input_arena);
  if (task->row.state != TASK_RUNNING && !task_set_state(task, TASK_RUNNING, &err)) {
    end(task, TASK_WAITING, &err);
  } else if (!task_input(&spec, &task->input_arena, &task->input, &err)) {
    TaskState state = state_of_input_error(err.code);
    end(task, state, &err);
  } else if (task->input.spec.executor != EXECUTOR_MODEL) {
    begin_mechanical(task);
  } else {
    begin_model(task);
  }
}

// ---- ask ---------------------------------------------------------------------------------------------

void task_request(Engine *engine, const Plan *plan, const TaskInput *input, const Ladder *ladder,
                  size_t rung, Arena *arena, ModelRequest *out)
{
  prompt_worker(arena, plan, &input->spec, &input->files, &input->read, out);
  out->provider = ladder->rungs[rung].provider;
  out->model = ladder->rungs[rung].model;
  out->effort = ladder->effort;
  if (ladder->max_output > 0) out->max_output = ladder->max_output;
  int64_t most = price_of(engine->models, out->provider, out->model).max_output;
  if (most > 0 && out->max_output > most) out->max_output = most;
}

static void attempt_done(void *owner, const AttemptReply *reply);

static void step_ask(Task *task)
{
  if (task->halted) {
    end(task, TASK_WAITING, NULL);
    return;
  }
  ModelRequest request;
  Engine *engine = task->start.engine;
  arena_reset(&task->call_arena);
  task_request(engine, task->start.plan, &task->input, task->ladder, (size_t)task->row.rung,
               &task->call_arena, &request);
  request.for_hours = task->start.for_hours;
  request.max_output *= task->output_factor;
  int64_t most = price_of(engine->models, request.provider, request.model).max_output;
  if (most > 0 && request.max_output > most) request.max_output = most;
  if (task->problem.len)
    prompt_feedback(&task->call_arena, &request, task->failed_reply, task->problem);
  AttemptSpec spec = {.engine = engine,
                      .plan = task->start.plan->id,
                      .task = task->row.id,
                      .phase = PHASE_EXECUTE,
                      .role = task->alias,
                      .request = &request,
                      .budget = task->start.budget,
                      .batch = task->start.batch,
                      .reuse_since_ms = task->reuse_since_ms,
                      .on_done = attempt_done,
                      .owner = task};
  BudgetAnswer answer;
  Error err = {0};
  task->attempt = attempt_start(&spec, &answer, &err);
  if (task->attempt) {
    task->step = STEP_REPLY;
  } else if (answer == BUDGET_WAIT) {
    task->step = STEP_WAIT;
  } else {
    end(task, TASK_WAITING, &err);
  }
}

// ---- retry -------------------------------------------------------------------------------------------

static bool same_as_before(Task *task, Str reply)
{
  uint64_t hash = str_hash(reply);
  for (size_t i = 0; i < task->seen_len; i++) {
    if (task->seen[i] == hash) return true;
  }
  if (task->seen_len < TASK_SEEN_MAX) task->seen[task->seen_len++] = hash;
  return false;
}

// The ladder is used up: what was good in the best reply stays, marked as partial.
static void give_up(Task *task, const Error *err)
{
  if (task->best.files.len) {
    task->result = task->best;
    task_set_note(task, str_fmt(&task->arena, "partly done: %s", err->message));
    task->partial = true;
    go(task, STEP_KEEP);
  } else {
    end(task, TASK_FAILED, err);
  }
}

// One more try: on this rung while there are any left and [again], else on the next one, from a clean sheet.
static void retry(Task *task, bool again, const Error *err)
{
  task->tries++;
  if (again && task->tries <= task->start.engine->config->retries) {
    task_log(task, "retry", "%s; asking again", err->message);
    go(task, STEP_ASK);
    return;
  }
  task->problem = task->failed_reply = STR_NONE;
  task->check_failed = false;
  if ((size_t)task->row.rung + 1 >= task->ladder->len) {
    give_up(task, err);
    return;
  }
  task->tries = 0;
  task->row.rung++;
  const ModelName *next = &task->ladder->rungs[task->row.rung];
  task_log(task, "retry", "%s; climbs to %.*s/%.*s", err->message, STR_ARG(next->provider),
           STR_ARG(next->model));
  Error why = {0};
  if (task_store_row(task, &why)) {
    go(task, STEP_ASK);
  } else {
    end(task, TASK_WAITING, &why);
  }
}

// The result of the last reply has a problem: it goes back with the next request.
static void retry_result(Task *task, bool usable, bool failed_check)
{
  Error err = {0};
  error_set(&err, ERR_REPLY, "%.*s", STR_ARG(task->result.brief));
  if (usable) task_keep_best(task);
  bool identical = same_as_before(task, task->reply);
  task->check_failed = failed_check;
  task->problem = str_dup(&task->arena, task->result.problem);
  task->failed_reply = str_dup(&task->arena, task->reply);
  retry(task, !identical, &err);
}

// ---- read --------------------------------------------------------------------------------------------

static void read_reply(Task *task, const AttemptReply *reply)
{
  Arena *arena = &task->call_arena;
  Error err = {0};
  bool cut = reply->stop == STOP_LENGTH;
  task->reply = str_dup(arena, reply->text);
  task_result_of_reply(arena, task->start.project, &task->input, task->reply, cut, &task->result);
  if (cut && task->output_factor < FACTOR_MAX) task->output_factor *= 2;
  if (!task->result.ok) {
    retry_result(task, !task->result.breaks_rule, false);
  } else if (task->result.abstained && task->check_failed) {
    // it had something to change: that is no answer to a check that failed, but stubbornness
    error_set(&err, ERR_TEST_FAILED, "its check failed, and the model has no other answer");
    retry(task, false, &err);
  } else if (task->result.abstained) {
    task_set_note(task, S("the model says that nothing needs changing"));
    end(task, TASK_ABSTAINED, NULL);
  } else {
    go(task, STEP_CHECK);
  }
}

static void read_refusal(Task *task, const AttemptReply *reply)
{
  Error err = {0};
  error_set(&err, ERR_MODEL_REFUSED, "the model declined%s%.*s", reply->detail.len ? ": " : "",
            STR_ARG(reply->detail));
  retry(task, false, &err);
}

static void attempt_done(void *owner, const AttemptReply *reply)
{
  Task *task = owner;
  task->attempt = NULL;
  task->start.on_attempt(task->start.owner, task, reply);
  if (task->cancelled || reply->error.code == ERR_CANCELLED) {
    end(task, TASK_WAITING, NULL);
  } else if (reply->terminal || reply->error.code == ERR_CASSETTE ||
             reply->error.code == ERR_JOURNAL) {
    end(task, TASK_WAITING, &reply->error);
  } else if (reply->error.code != ERR_OK) {
    // what does not fit into a model's context does not fit the next time either
    retry(task, reply->error.code != ERR_TOO_BIG, &reply->error);
  } else if (reply->stop == STOP_REFUSED) {
    read_refusal(task, reply);
  } else {
    read_reply(task, reply);
  }
}

// ---- check -------------------------------------------------------------------------------------------

static void check_done(void *owner, const CheckResult *result)
{
  Task *task = owner;
  task->check = NULL;
  if (result->cancelled || task->cancelled) {
    end(task, TASK_WAITING, NULL);
    return;
  }
  if (!result->ran) task_set_note(task, result->note);
  if (!result->ran || result->ok) {
    go(task, STEP_KEEP);
    return;
  }
  Arena *arena = task->row_is_model ? &task->call_arena : &task->input_arena;
  Str problem =
      str_fmt(arena, "`%.*s` %.*s with this change:\n%.*s", STR_ARG(task->input.spec.check),
              STR_ARG(result->note), STR_ARG(str_trim(result->output)));
  task_result_spoil(arena, &task->result, problem, result->told);
  if (task->row_is_model) {
    retry_result(task, false, true);
  } else {
    fail(task, ERR_TEST_FAILED, result->told);
  }
}

static void step_check(Task *task)
{
  if (str_trim(task->input.spec.check).len == 0) {
    go(task, STEP_KEEP);
    return;
  }
  Error err = {0};
  if (!task_set_state(task, TASK_CHECKING, &err)) {
    end(task, TASK_WAITING, &err);
    return;
  }
  CheckSpec spec = {.command = task->input.spec.check,
                    .where = task->check_where,
                    .done = &task->input.done,
                    .files = &task->result.files,
                    .on_done = check_done,
                    .owner = task};
  task->check = check_start(task->start.checks, &spec);
}

// ---- keep --------------------------------------------------------------------------------------------

static void step_keep(Task *task)
{
  StrList others = {0};
  Error err = {0};
  bool conflict = false;
  if (!task_conflict(task, &others, &conflict, &err)) {
    end(task, TASK_WAITING, &err);
  } else if (conflict && task->redone < REDO_MAX && !task->partial && !task->halted) {
    task->redone++;
    task->problem = task->failed_reply = STR_NONE;
    task_build_on(task, &others);
    go(task, STEP_BEGIN);
  } else {
    if (conflict) {
      task->partial = true;
      task_set_note(task, S("conflicts with another task's change of the same lines"));
    }
    TaskState state = task->partial ? TASK_PARTIAL : TASK_DONE;
    if (task_keep(task, state, &err)) {
      end(task, state, NULL);
    } else {
      end(task, TASK_WAITING, &err);
    }
  }
}

// ---- the operation -----------------------------------------------------------------------------------

static void task_step(void *owner)
{
  Task *task = owner;
  if (task->cancelled && task->step < STEP_OVER) {
    end(task, TASK_WAITING, NULL);
    return;
  }
  switch (task->step) {
    case STEP_BEGIN: step_begin(task); break;
    case STEP_ASK: step_ask(task); break;
    case STEP_WAIT: break;   // task_poke goes on
    case STEP_REPLY: break;  // attempt_done goes on
    case STEP_CHECK: step_check(task); break;
    case STEP_KEEP: step_keep(task); break;
    case STEP_OVER: step_over(task); break;
  }
}

Task *task_start(const TaskStart *start)
{
  Task *task = mem_alloc(sizeof(*task));
  task->start = *start;
  arena_init(&task->arena);
  arena_init(&task->input_arena);
  arena_init(&task->call_arena);
  task_copy_row(task, start->row);
  task->row_is_model = start->task->executor == EXECUTOR_MODEL;
  task->output_factor = 1;
  for (size_t i = 0; i < start->before->len; i++) {
    PUSH(&task->arena, &task->before, str_dup(&task->arena, start->before->items[i]));
  }
  task->check_where = str_cat(&task->arena, task->row.id, S(" check"));
  go(task, STEP_BEGIN);
  return task;
}

void task_poke(Task *task)
{
  if (task->step == STEP_WAIT) go(task, STEP_ASK);
}

void task_halt(Task *task)
{
  task->halted = true;
  if (task->attempt) attempt_let_go(task->attempt);
  task_poke(task);
}

void task_cancel(Task *task)
{
  if (task->cancelled) return;
  task->cancelled = true;
  if (task->attempt) {
    attempt_cancel(task->attempt);
  } else if (task->check) {
    check_cancel(task->check);
  } else if (task->step < STEP_OVER) {
    go(task, task->step);
  }
}
