// commit_tasks.c: one commit after the other, each with what one task did. See commit.h.
#include "review/commit.h"
#include "review/commit_files.h"

typedef struct {
  Arena arena;
  Engine *engine;
  int64_t plan;
  StrList tasks;
  size_t at, made;  // those before [at] that are not in [made] were in HEAD already
  OpDone *on_done;
  void *owner;
} CommitTasks;

// Tasks of the plan file with something to commit, in the order they ended.
static bool find_tasks(CommitTasks *c, Error *err)
{
  Review review;
  StrList order = {0};
  if (!review_build(c->engine, c->plan, &c->arena, &review, err)) return false;
  if (!base_order(c->engine, c->plan, &c->arena, &order, err)) return false;
  for (size_t t = 0; t < order.len; t++) {
    Str task = str_sub(order.items[t], 0, str_find_char(order.items[t], '.'));
    bool known = false, any = false;
    for (size_t i = 0; i < c->tasks.len; i++) known |= str_eq(c->tasks.items[i], task);
    for (size_t i = 0; i < review.hunks.len; i++) any |= commit_takes(&review.hunks.items[i], task);
    if (any && !known) PUSH(&c->arena, &c->tasks, str_dup(&c->arena, task));
  }
  if (c->tasks.len) return true;
  error_set(err, ERR_REFUSED, "nothing of plan %lld is applied", (long long)c->plan);
  return error_hint_set(err, "accept and apply hunks first");
}

static void end(CommitTasks *c, const Error *err)
{
  OpDone *on_done = c->on_done;
  void *owner = c->owner;
  Error told = *err;
  if (err->code != ERR_OK && c->made > 0) {
    Error more = {0};
    error_set(&more, err->code, "%zu of %zu commits were made; then %.*s: %s", c->made,
              c->tasks.len - (c->at - c->made), STR_ARG(c->tasks.items[c->at]), err->message);
    error_hint_set(&more, "%s", error_hint(err));
    told = more;
  }
  arena_deinit(&c->arena);
  mem_free(c);
  on_done(owner, &told);
}

static bool start_one(CommitTasks *c, Error *err);

static void committed(void *owner, const Error *err)
{
  CommitTasks *c = owner;
  Error next = *err;
  // what an earlier try committed does not keep the rest from being committed now
  bool there = commit_all_in_head(err), last = c->at + 1 >= c->tasks.len;
  if (there && (!last || c->made)) error_clear(&next);
  c->made += err->code == ERR_OK;
  if (next.code == ERR_OK) c->at++;
  if (next.code == ERR_OK && !last && start_one(c, &next)) return;
  end(c, &next);
}

static bool start_one(CommitTasks *c, Error *err)
{
  Str message, task = c->tasks.items[c->at];
  return commit_task_message(c->engine, c->plan, task, &c->arena, &message, err) &&
         commit_start(c->engine, c->plan, task, message, committed, c, err);
}

bool commit_tasks_start(Engine *engine, int64_t plan, OpDone *on_done, void *owner, Error *err)
{
  CommitTasks *c = mem_alloc(sizeof(*c));
  *c = (CommitTasks){.engine = engine, .plan = plan, .on_done = on_done, .owner = owner};
  arena_init(&c->arena);
  if (find_tasks(c, err) && start_one(c, err)) return true;
  arena_deinit(&c->arena);
  mem_free(c);
  return false;
}
