// preview.h: exactly what would be sent for a task, without sending it. For the CLI and for serve.
#pragma once

#include "core/engine.h"
#include "review/review.h"

bool preview_view(Engine *engine, int64_t plan, Str task, Arena *arena, View *out, Error *err);
