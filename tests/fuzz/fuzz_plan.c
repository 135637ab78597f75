// fuzz_plan.c: any bytes as a plan file. Reading never fails by more than problems; what was read is written
// so that it reads as the same plan again (no title, value or body turns into a task); checks and expansion
// take whatever comes.
#include <stdlib.h>

#include "plan/plan.h"
#include "plan/plan_fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const Plan *a, const Plan *b)
{
  if (a->tasks.len != b->tasks.len || a->budget != b->budget) abort();
  if (!str_eq(a->title, b->title) || !str_eq(a->test, b->test)) abort();
  for (size_t i = 0; i < a->tasks.len; i++) {
    const TaskSpec *one = &a->tasks.items[i], *two = &b->tasks.items[i];
    if (!str_eq(one->id, two->id) || one->executor != two->executor || one->pilot != two->pilot)
      abort();
    if (one->files.len != two->files.len || one->each.len != two->each.len) abort();
    if (one->accept.len != two->accept.len || one->after.len != two->after.len) abort();
    if (!str_eq(one->pattern, two->pattern) || !str_eq(one->replace, two->replace)) abort();
    if (!str_eq(one->check, two->check)) abort();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  Arena arena;
  arena_init(&arena);
  Plan first, second;
  PlanProblemList problems = {0}, again = {0};
  Str text = {(const char *)data, size};
  bool ok = plan_parse(&arena, text, &first, &problems);
  if (ok != (problems.errors == 0)) abort();
  for (size_t i = 0; i < problems.len; i++) {
    if (problems.items[i].line < 1 || problems.items[i].text.len == 0) abort();
  }
  if (ok) {
    Str written = plan_format(&arena, &first);
    if (!plan_parse(&arena, written, &second, &again)) abort();
    check_same(&first, &second);
    if (!str_eq(plan_format(&arena, &second), written)) abort();
  }
  plan_check(&arena, &first, NULL, &problems);
  TaskList tasks = plan_expand(&arena, &first);
  if (first.tasks.len && tasks.len == 0) abort();
  if (tasks.len) task_spec_hash(&arena, &tasks.items[0]);
  arena_deinit(&arena);
  return 0;
}
