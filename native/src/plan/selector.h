// selector.h: `each:` without a list: the engine finds the targets, so that a plan for five hundred places
// is as short as one for five. The language is small and closed:
//
//   KIND in GLOB... [longer than N] [matching /RE/] [except /RE/ | except GLOB]
//
//   KIND   files functions classes docstrings lines (lines want `matching`)
//   GLOB   as in search: "*.py" by base name, "src/**/*.c" by path
//   RE     PCRE2; of a file, a definition, a docstring its text, of a line the line
//
//   functions in src/**/*.py longer than 40      each with its lines, nested ones too
//   docstrings in lib/*.py longer than 3         Python's, or the comment right above a definition
//   lines in src/*.c matching /\bcfg_get\(/      with three lines around, neighbours joined
//   tests/test_{01..10}.py new                   numbers in a path
//
// Definitions are found by universal-ctags where it is installed and knows their ends, else by our own rules
// (outline.h); what was found is kept with a plan that has begun. Order: by path, then by line.
#pragma once

#include "plan/plan.h"

bool selector_searches(Str value);  // does it begin with "KIND in"? Then all of it is one selector
bool selector_is(Str value);        // that, or a path with numbers

// Syntax only.
bool selector_ok(Arena *arena, Str text, Error *err);

// Its targets, each marked `selected`. More than [max], or none at all, is an error that says so.
bool selector_targets(Project *project, Arena *arena, Str text, size_t max, FileRefList *out,
                      Error *err);

// Fills `each` of every task that has selectors, from the present texts; what a selector found earlier goes.
// Problems carry the line of the task's field.
bool plan_select(Arena *arena, Plan *plan, Project *project, size_t max, PlanProblemList *problems);

// What the selectors found, as text to keep with the plan, and back: a run means the same places when it goes
// on. False when [kept] is of other selectors.
Str plan_selected(Arena *arena, const Plan *plan);
bool plan_select_again(Arena *arena, Plan *plan, Str kept);
