// template.h: task templates: Markdown files with a front matter of task fields and a body with placeholders
// (placeholder.h). `each FILE... @docstring`, `edit FILE @types strict`, `plan @split by subject`.
//
//   1  the user's own       $XDG_CONFIG_HOME/piecework/templates/NAME.md
//   2  the project's        .piecework/templates/NAME.md
//   3  built in             native/templates/NAME.md
//
// The first that has the name counts. A project's template is text and nothing else: it can choose neither
// commands nor models (promise 6 and 7).
//
//   ---
//   title: one-line docstring               of the task; placeholders may stand in it
//   description: ...                        one line, for lists and completion
//   for: each, edit                         where it is of use; each, edit, plan (default: all)
//   plan: ...                               a hint for the planner that a task does not need
//   accept: unchanged outside the docstring     and any other field of a task but `each`, `after`
//   ---
//   What to do, in a few exact sentences. {{arg}} is what was said behind the name.
#pragma once

#include "plan/plan.h"

typedef enum { TEMPLATE_USER, TEMPLATE_PROJECT, TEMPLATE_BUILTIN } TemplateSource;
enum { TEMPLATE_FOR_EACH = 1, TEMPLATE_FOR_EDIT = 2, TEMPLATE_FOR_PLAN = 4 };

typedef struct {
  Str name, title, description;
  Str plan_hint;
  unsigned uses;  // bits of TEMPLATE_FOR_
  TemplateSource source;
  Str path;       // of its file, empty when built in
  Str text;       // all of that file
  TaskSpec task;  // its fields and body, placeholders not filled in
  Str problem;    // why it cannot be used, empty = it can
} Template;

typedef struct {
  Template *items;
  size_t len, cap;
} TemplateList;

const char *template_source_name(TemplateSource source);  // "user", "project", "built in"

// All of them by name; those that cannot be used are there with their problem.
void template_list(Project *project, Arena *arena, TemplateList *out);

// ERR_NOT_FOUND names the nearest; ERR_INVALID says what is wrong with it.
bool template_find(Project *project, Arena *arena, Str name, Template *out, Error *err);

// "@name words" cut in two; false when [text] does not start so. "@a/b.md" is a file, no template.
bool template_called(Str text, Str *name, Str *words);

// The task of "@name words", without targets: placeholders of the words are filled, those of targets stay.
bool template_task(Project *project, Arena *arena, Str call, TaskSpec *out, Error *err);

// A task of a plan that says `template: @name words`: the template stands in for what the task does not say, its
// files become targets as with `each`, and its own words follow the template's. Without that field nothing changes.
bool template_fill(Project *project, Arena *arena, TaskSpec *task, Error *err);

// What the planner is told for "@name words".
bool template_request(Project *project, Arena *arena, Str call, Str *out, Error *err);
