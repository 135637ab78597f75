// engine.h: what every operation of the workflow shares, and how operations report.
//
// One Engine per process: loop, HTTP, journal, models, configuration, and the projects in use.
// The CLI and the co-process drive the same operations and differ only in where events go.
//
//   advise    free, at once             work/advise.h
//   planner   request -> plan file      work/planner.h
//   run       plan -> patches           work/run.h      (schedule, tasks, mechanical executors)
//   verify    patches -> verdicts       work/verify.h   (worktree, test, big model)
//   review    patches -> hunks, texts   review/review.h
//   apply     decisions -> edits        review/apply.h
//   commit    applied -> git commit     review/commit.h
#pragma once

#include "base/err.h"
#include "base/value.h"
#include "core/config.h"
#include "core/project.h"
#include "journal/journal.h"
#include "lib/http.h"
#include "lib/loop.h"
#include "model/model.h"

typedef struct Engine Engine;

// An event for people and editors. Kinds and fields are listed in doc/wire.md, "Events".
typedef void EngineEvent(void *owner, Str kind, const Value *params);

struct Engine {
  Loop *loop;          // borrowed from main
  Http *http;          // owned
  Journal *journal;    // owned
  Models *models;      // owned
  Config *config;      // owned
  Project **projects;  // owned; one per root in use
  size_t project_count;
  EngineEvent *on_event;  // where events go
  void *event_owner;
  // The journal failed; set by whoever runs plans.
  void (*on_lost)(Engine *engine, const Error *err);
  char holder[64];           // "host:pid:nonce", who holds leases
  struct Run *runs;          // active runs (work/run.c), newest first
  struct Planner *planners;  // active planners (work/planner.c)
  struct Commit *commits;    // active commits (review/commit.c)
  struct Verify *verifies;   // active verifications (work/verify.c)
  struct History *history;   // owned: what ended plans came to (work/estimate_history.c)
};

// Opens the journal and applies the configuration. [editor]: see config_load. [loop] must outlive
// it.
Engine *engine_new(Loop *loop, const Value *editor, Error *err);
void engine_free(Engine *engine);  // NULL is fine; every operation must have ended

// The project around [dir], opened once and kept.
Project *engine_project(Engine *engine, const char *dir, Error *err);
Project *engine_project_of_plan(Engine *engine, int64_t plan, Error *err);

// Reports an event: adds `kind` and sends it. [params] may be NULL.
void engine_event(Engine *engine, Str kind, const Value *params);

// The same with the common fields, and a line in the journal's event log.
void engine_note(Engine *engine, int64_t plan, Str task, Str kind, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

// Every operation ends through one of these, exactly once, never from inside its start. [err] is
// never NULL; its code is ERR_OK when the operation did what it should.
typedef void OpDone(void *owner, const Error *err);
