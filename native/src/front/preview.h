// preview.h: exactly what would be sent for a task, without sending it. For the CLI and for serve.
#pragma once

#include "work/engine.h"
#include "work/review.h"

bool preview_view(Engine *engine, int64_t plan, Str task, Arena *arena, View *out, Error *err);
