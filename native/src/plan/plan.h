// plan.h: the plan file: Markdown with front matter, one heading per task, to and
// from structs.
//
// Everything lives in the arena given to plan_parse. Unknown keys are kept and come back on
// plan_format; each is a warning with its line.
#pragma once

#include "base/err.h"
#include "base/value.h"
#include "core/project.h"
#include "model/model.h"
#include "patch/text.h"

typedef struct {
  Str path;       // relative to the root
  Range range;    // whole when none was given
  bool is_new;    // marked `new`: the task creates it
  bool selected;  // found by a selector (selector.h), not written in the plan file
  int line;       // in the plan file
  Str called;     // as the plan has it, where a symlinked directory leads to [path]; else empty
} FileRef;

typedef struct {
  FileRef *items;
  size_t len, cap;
} FileRefList;

typedef enum { EXECUTOR_MODEL, EXECUTOR_SUBSTITUTE, EXECUTOR_MOVE } Executor;

typedef struct {
  Str id;  // "T01"; targets of an `each:` task become "T01.1", "T01.2" ...
  Str title;
  bool pilot;
  FileRefList files;  // may write
  FileRefList read;   // sent verbatim as context
  StrList after;      // task ids
  Executor executor;
  Str model;         // role alias, or empty for "small"
  Str template;      // "@name words" that template_fill has yet to fill in; else empty
  StrList accept;    // one rule each
  Str check;         // command, runs only after trust
  FileRefList each;  // many targets for one body; expanded by plan_expand
  StrList select;    // selectors that find targets (selector.h); plan_select adds them to `each`
  int select_line;
  bool create;                   // may make files that `files` does not name
  Str pattern, replace, except;  // substitute
  bool word, ignore_case;
  FileRef from;  // move
  Str to;
  size_t to_line;        // 0 = at the end of [to]
  Str body;              // the specification, Markdown
  const Value *unknown;  // keys we do not know, kept
  int line;              // of the heading
  int after_line;        // of `after:`, 0 = none
  int replace_line;      // of `replace:`, 0 = none
} TaskSpec;

typedef struct {
  TaskSpec *items;
  size_t len, cap;
} TaskList;

// Does [name], as a user says it, mean the task? "T03" means the targets of an `each:` too: T03.1, T03.2 ...
static inline bool task_id_is(Str id, Str name)
{
  if (str_eq(id, name)) return true;
  return name.len && str_starts(id, name) && id.len > name.len && id.ptr[name.len] == '.';
}

typedef struct {
  int64_t id;  // 0 before it is in the journal
  Str title, request;
  Nano budget;  // NANO_UNKNOWN = none given
  Str test;     // command, runs only after trust
  TaskList tasks;
  const Value *unknown;
  Str preamble;  // text between front matter and first task, kept
} Plan;

typedef struct {
  int line;      // 1-based in the plan file
  bool warning;  // the plan can run all the same
  Str text;      // plain words
} PlanProblem;

typedef struct {
  PlanProblem *items;
  size_t len, cap;
  size_t errors;  // those that are not warnings
} PlanProblemList;

// False when there is an error among [problems]; [out] then holds what could be read.
bool plan_parse(Arena *arena, Str text, Plan *out, PlanProblemList *problems);
Str plan_format(Arena *arena, const Plan *plan);

// Against the project: paths exist (or are `new`), may be sent, ranges lie inside, ids unique,
// `after` known and acyclic, executors have their fields, at least one task.
bool plan_check(Arena *arena, const Plan *plan, Project *project, PlanProblemList *problems);

// The tasks to run: `each:` tasks replaced by one task per target, with the target's placeholders
// (placeholder.h) filled in. Ids stay stable.
//
// A target is what its task writes, unless `read:` names it as {{ref}} or {{path}}: then it is only read, and
// `files:` says what is written.
TaskList plan_expand(Arena *arena, const Plan *plan);
TaskSpec plan_target(Arena *arena, const TaskSpec *task, size_t index);  // one target, from 0

const TaskSpec *plan_task(const TaskList *tasks, Str id);
bool file_ref_parse(Arena *arena, Str text, FileRef *out, Error *err);  // "path[:A[-B]] [new]"
Str file_ref_format(Arena *arena, const FileRef *ref);
Str task_spec_hash(Arena *arena, const TaskSpec *task);  // changes when the work changes
