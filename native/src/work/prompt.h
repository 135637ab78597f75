// prompt.h: what the models are sent, built from native/prompts/*.md and the plan. Pure but for
// reading the project; `preview` shows exactly this.
#pragma once

#include "model/model.h"
#include "plan/plan.h"
#include "review/base_text.h"

// A worker's request. [shared] is the same to the byte for all tasks of a plan; the first user
// message is the task's own: its files (the ranges), read: context, body, accept lines.
void prompt_worker(Arena *arena, const Plan *plan, const TaskSpec *task, const ShownList *files,
                   const ShownList *read, ModelRequest *out);

// Adds the failed reply and what was wrong with it, for one more try.
void prompt_feedback(Arena *arena, ModelRequest *request, Str reply, Str problem);

typedef struct {
  Str diff;   // of all tasks
  Str reads;  // what tasks that make files had to go by; may be empty
  Str test;   // the test's end; empty: none was run
} VerifierText;

// The verifier's request: titles and accept lines, and those texts.
void prompt_verifier(Arena *arena, const Plan *plan, const TaskList *tasks,
                     const VerifierText *given, ModelRequest *out);

// As text for people: what would be sent, with token estimates.
Str prompt_preview(Arena *arena, const ModelRequest *request);

// The instructions of a role ("plan", "execute", "verify"), from native/prompts/*.md.
Str prompt_words(Str role);
