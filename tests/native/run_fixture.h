// run_fixture.h: runs of plans in a scratch project, with replies from a cassette written by the test.
#pragma once

#include "lib/json.h"
#include "review/base_text.h"
#include "work/planner.h"
#include "work/run.h"
#include "work/verify.h"
#include "work_fixture.h"

typedef struct {
  Fixture fx;
  Buf cassette;
  Buf events;  // kinds and states, one a line
  bool done;
  Error error;
} RunFixture;

static const char run_models[] =
    "\"models\": {\"small\": [\"p/s1\", \"p/s2\"], \"big\": [\"p/b\"]}, \"prices\": {"
    "\"p/s1\": {\"input\": 1, \"output\": 5}, \"p/s2\": {\"input\": 2, \"output\": 10},"
    "\"p/b\": {\"input\": 5, \"output\": 25}}";

static inline void rf_init(RunFixture *rf)
{
  *rf = (RunFixture){0};
  fx_init(&rf->fx, true);
  setenv("PIECEWORK_CONFIG", "", 1);
  buf_init(&rf->cassette, 1 << 20);
  buf_init(&rf->events, 1 << 20);
  buf_add(&rf->cassette,
          S("{\"cassette\": \"piecework-cassette\", \"version\": 1, \"note\": \"scripted\"}\n"));
}

// The next reply to [role] and [label] ("T01", "" = any).
static inline void rf_reply_stop(RunFixture *rf, const char *role, const char *label, Str text,
                                 const char *stop)
{
  Arena *arena = &rf->fx.arena;
  Value *line = value_map(arena), *reply = value_map(arena), *usage = value_map(arena);
  value_put_str(arena, line, S("role"), str_from(role));
  if (label[0]) value_put_str(arena, line, S("label"), str_from(label));
  value_put_str(arena, reply, S("text"), text);
  value_put_str(arena, reply, S("stop"), str_from(stop));
  value_put_int(arena, usage, S("fresh_in"), 1000);
  value_put_int(arena, usage, S("out"), 100);
  value_set(reply, S("usage"), usage);
  value_set(line, S("reply"), reply);
  buf_add(&rf->cassette, json_str(arena, line));
  buf_add_char(&rf->cassette, '\n');
}

static inline void rf_reply(RunFixture *rf, const char *role, const char *label, Str text)
{
  rf_reply_stop(rf, role, label, text, "done");
}

static inline Str rf_block(RunFixture *rf, const char *path, const char *from, const char *to)
{
  return str_fmt(&rf->fx.arena, "%s\n<<<<<<< SEARCH\n%s=======\n%s>>>>>>> REPLACE\n", path, from,
                 to);
}

static void rf_event(void *owner, Str kind, const Value *params)
{
  RunFixture *rf = owner;
  Str task = value_get_str(params, S("task"), STR_NONE),
      state = value_get_str(params, S("state"), STR_NONE);
  Str note = value_get_str(params, S("note"), STR_NONE);
  if (str_eq(kind, S("money"))) return;
  buf_fmt(&rf->events, "%.*s %.*s%s%.*s%s%.*s\n", STR_ARG(kind), STR_ARG(task), task.len ? " " : "",
          STR_ARG(state), note.len ? " " : "", STR_ARG(note));
}

// Opens the engine with [config] (JSON members) and the plan text.
static inline void rf_open(RunFixture *rf, const char *config, const char *plan)
{
  Fixture *fx = &rf->fx;
  Error err = {0};
  char *tape = path_join(&fx->arena, str_from(fx->dir), S("tape"));
  char *file = path_join(&fx->arena, str_from(fx->dir), S("plan.md"));
  CHECK(fs_write_atomic(tape, buf_str(&rf->cassette), 0600, &err));
  CHECK(fs_write_atomic(file, str_from(plan), 0600, &err));
  Str json = str_fmt(&fx->arena, "{%s, \"replay\": \"%s\"%s%s}", run_models, tape,
                     config[0] ? ", " : "", config);
  Value *editor = json_parse(&fx->arena, json, &err);
  if (!loop_init(&fx->loop, &err)) printf("# %s\n", err.message);
  fx->engine = engine_new(&fx->loop, editor, &err);
  if (fx->engine) fx->project = engine_project(fx->engine, fx->root, &err);
  if (fx->project && !fx->plan) fx->plan = plan_adopt(fx->engine, fx->project, file, &err);
  if (!fx->plan) {
    printf("# cannot begin: %s\n", err.message);
    exit(1);
  }
  fx->engine->on_event = rf_event;
  fx->engine->event_owner = rf;
}

static void rf_done(void *owner, const Error *err)
{
  RunFixture *rf = owner;
  CHECK(!rf->done);
  rf->done = true;
  rf->error = *err;
}

static inline void rf_wait(RunFixture *rf)
{
  while (!rf->done && loop_turn(&rf->fx.loop, true)) continue;
  while (loop_turn(&rf->fx.loop, false)) continue;
  CHECK(rf->done);
}

static inline Error rf_run_spec(RunFixture *rf, RunSpec spec)
{
  Error err = {0};
  spec.plan = rf->fx.plan;
  rf->done = false;
  rf->error = (Error){0};
  buf_clear(&rf->events);
  if (!run_start(rf->fx.engine, &spec, rf_done, rf, &err)) return err;
  CHECK(!rf->done);
  rf_wait(rf);
  return rf->error;
}

static inline Error rf_run(RunFixture *rf)
{
  return rf_run_spec(rf, (RunSpec){0});
}

static inline TaskRow rf_task(RunFixture *rf, const char *id)
{
  TaskRowList rows = {0};
  CHECK(journal_task_list(rf->fx.engine->journal, &rf->fx.arena, rf->fx.plan, &rows, NULL));
  for (size_t i = 0; i < rows.len; i++) {
    if (str_eq(rows.items[i].id, str_from(id))) return rows.items[i];
  }
  CHECK(!"the plan has such a task");
  return (TaskRow){0};
}

// "done: note"
static inline Str rf_state(RunFixture *rf, const char *id)
{
  TaskRow row = rf_task(rf, id);
  return str_fmt(&rf->fx.arena, "%s%s%.*s", task_state_name(row.state), row.note.len ? ": " : "",
                 STR_ARG(row.note));
}

static inline PlanRow rf_plan(RunFixture *rf)
{
  PlanRow row = {0};
  CHECK(journal_plan_get(rf->fx.engine->journal, &rf->fx.arena, rf->fx.plan, &row, NULL));
  return row;
}

// The combined text of [path].
static inline Str rf_text(RunFixture *rf, const char *path)
{
  CombinedList list = {0};
  CHECK(base_combine(rf->fx.engine, rf->fx.plan, &rf->fx.arena, NULL, &list, NULL));
  for (size_t i = 0; i < list.len; i++) {
    if (str_eq(list.items[i].path, str_from(path)))
      return list.items[i].exists ? list.items[i].text : S("(gone)");
  }
  return S("(none)");
}

static inline size_t rf_calls(RunFixture *rf)
{
  AttemptRowList rows = {0};
  CHECK(journal_attempt_list(rf->fx.engine->journal, &rf->fx.arena, rf->fx.plan, STR_NONE, &rows,
                             NULL));
  return rows.len;
}

static inline void rf_deinit(RunFixture *rf)
{
  buf_deinit(&rf->cassette);
  buf_deinit(&rf->events);
  fx_deinit(&rf->fx);
}
