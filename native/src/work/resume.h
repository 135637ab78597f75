// resume.h: what was cut short, and how it goes on; the same answer for the shell and the editors.
#pragma once

#include "journal/journal.h"
#include "work/run.h"

typedef enum {
  RESUME_NOTHING,  // it came to its end, or was never begun
  RESUME_PLAN,     // it is being planned, or tries that are to end in a plan: resume_plan
  RESUME_RUN,      // run_start, as run_wanted_verify and run_wanted_batch say
} ResumeKind;

ResumeKind resume_kind(Engine *engine, const PlanRow *row);

// Replies that were stored are used. False with [err] when it cannot begin.
bool resume_plan(Engine *engine, const PlanRow *row, OpDone *on_done, void *owner, Error *err);
