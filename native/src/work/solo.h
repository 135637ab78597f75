// solo.h: one model does all of a request in one call, as one task of an ordinary plan, through the same checks,
// review and apply: what suits one big model, and the baseline that delegation is measured against.
#pragma once

#include "work/planner.h"

// A plan of one task that is shown the whole scope, may change all of it and may make new files. Nothing is
// asked of a model yet. [role]: alias of a ladder, empty = "big". The plan's id, or 0: ERR_TOO_BIG when the
// scope does not fit one call, ERR_CONFIG for an unknown role.
int64_t plan_solo(Engine *engine, Project *project, const PlanRequest *request, Str role,
                  Error *err);
