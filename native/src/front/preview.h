// preview.h: exactly what would be sent for a task, without sending it, and what its provider's count of it comes to.
// For the CLI and for serve.
#pragma once

#include "core/engine.h"
#include "model/count.h"
#include "view/view.h"

bool preview_view(Engine *engine, int64_t plan, Str task, Arena *arena, View *out, Error *err);

// "counted by anthropic: 1234 tokens in (the estimate was 1180, 4 % too low)"
Str preview_count_text(Arena *arena, const Count *count);
