// verdict.h: what a verifier answered, read with tolerance. Pure. An answer is data from outside: unknown tasks
// are dropped, unknown words are a doubt, and nothing that is not said counts as ok.
#pragma once

#include "plan/plan.h"
#include "work/attempt.h"

// The reason of a task's doubt when nothing was said of it.
#define VERDICT_UNSAID S("the verifier said nothing about it")

// Appends a verdict for each of [tasks] that [reply] speaks of (of several the worst); those it does not
// mention become a doubt that says so. False, nothing appended, when the reply has no verdict at all.
bool verdict_read(Arena *arena, const TaskList *tasks, const AttemptReply *reply,
                  VerdictRowList *out);
