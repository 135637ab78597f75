// planner_prompt.h: what the planner is told before it explores. Private to planner.c and
// estimate.c.
#pragma once

#include "plan/plan.h"
#include "work/prompt.h"

// The project's own guidance for agents: AGENTS.md, else CLAUDE.md, the nearest one up the tree from what the
// scope has in common. Empty when there is none.
Str planner_notes_path(Arena *arena, Project *project, const FileRefList *scope);
Str planner_guidance(Arena *arena, Project *project, Str notes_path);  // as the planner is told it

// The request, the scope (its lines too when they are few) and the budget of the exploration.
Str planner_first_message(Arena *arena, Project *project, Str request, const FileRefList *scope);

// Every file of the scope may be read and every range lies in its file.
bool planner_scope_ok(Arena *arena, Project *project, const FileRefList *scope, Error *err);
