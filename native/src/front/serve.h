// serve.h: the co-process of one editor: requests of doc/wire.md in, answers and events out.
//
// Life:  initialize (engine, project) -> any requests -> shutdown, end of input or SIGTERM
//          -> work stops in order -> everything freed -> exit status 0
//
// A method is a small function in one of the tables below. It returns its answer (in the request's arena),
// NULL with [err] set, or SERVE_LATER when it answers through rpc_reply or rpc_fail itself.
#pragma once

#include "core/engine.h"
#include "front/review_pages.h"
#include "plan/plan.h"
#include "wire/rpc.h"

typedef struct Serve Serve;
typedef struct ServeOp ServeOp;

typedef Value *ServeFn(Serve *serve, RpcRequest *request, Error *err);
typedef struct {
  const char *method;
  ServeFn *run;
} ServeMethod;

struct Serve {
  Loop loop;
  Rpc *rpc;
  Engine *engine;        // NULL before initialize
  char *cwd;             // the editor's directory, owned
  ReviewPages *pages;    // owned
  ServeOp *ops;          // newest first
  bool ending, stopped;  // told to stop; the loop may end
  Timer patience;        // how long what is in flight may take once the editor is gone
  Signal terminate;
  Error why;  // of an end that was not asked for
};

extern Value *const SERVE_LATER;

// One operation under way: remembered with what it does when it ends.
struct ServeOp {
  Serve *serve;
  int64_t plan;
  RpcRequest *request;  // answered at the end; NULL when it was answered at the start
  ServeOp *prev, *next;
  void (*ended)(ServeOp *op, const Error *err);  // may be NULL
};
// The owner for an operation's OpDone. [request] may be NULL.
ServeOp *serve_op_new(Serve *serve, int64_t plan, RpcRequest *request);
// Goes on with plans of [root] that wait for a batch, unless another process does (methods_run.c).
void serve_collect(Serve *serve, Str root);

void serve_op_drop(ServeOp *op);                    // the operation did not start
void serve_op_done(void *owner, const Error *err);  // an OpDone

extern const ServeMethod methods_plan[];    // plan/*, edit/*, project/*
extern const ServeMethod methods_run[];     // run/*, task/*, verify/*, resume, trust/*
extern const ServeMethod methods_review[];  // review/*, commit/*
extern const ServeMethod methods_info[];    // status, cost, log, preview, health

// ---- reading params --------------------------------------------------------------------------------

// Of `cwd`, else of initialize.
Project *param_project(Serve *serve, const Value *params, Error *err);
int64_t param_plan(const Value *params, Error *err);                  // > 0, or 0 with [err]
bool param_text(const Value *params, Str key, Str *out, Error *err);  // a text that must be there
void param_strings(Arena *arena, const Value *params, Str key, StrList *out);
// What review_decide takes, where a file may be named by its absolute path too.
bool param_names(Serve *serve, int64_t plan, Arena *arena, const Value *params, Str key,
                 StrList *out, Error *err);
bool param_scope(Project *project, Arena *arena, const Value *params, FileRefList *out, Error *err);
// They become the project's overlays.
void param_buffers(Project *project, Arena *arena, const Value *params);
// Buffers of a plan's project, when the request has any.
bool param_plan_buffers(Serve *serve, int64_t plan, Arena *arena, const Value *params, Error *err);
Value *empty_answer(RpcRequest *request);
Value *plan_answer(RpcRequest *request, int64_t plan);  // {plan}
