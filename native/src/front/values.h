// values.h: what the workflow gives, as trees for the wire and for --json. Shapes are in doc/wire.md.
#pragma once

#include "front/health.h"
#include "plan/template.h"
#include "review/apply.h"
#include "view/view.h"

Value *view_value(Arena *arena, const View *view);
Value *health_rows_value(Arena *arena, const HealthList *rows);  // [{level, text}]
Value *templates_value(Arena *arena, const TemplateList *list);  // {templates: [...]}
Value *strings_value(Arena *arena, const StrList *list);
Value *quickfix_value(Arena *arena, Project *project, const QfList *list);  // items, absolute paths
Value *review_value(Arena *arena, const Review *review);                    // files and hunks
// Paths become absolute with [project], stay relative without.
Value *edits_value(Arena *arena, const ApplyPlan *edits, Project *project);
const char *decision_name(Decision decision);  // "accepted", "rejected", "none"
bool decision_from(Str name, Decision *out);
