// preview.c: see preview.h.
#include "front/preview.h"

#include "view/view_text.h"
#include "work/estimate.h"
#include "work/run.h"

bool preview_view(Engine *engine, int64_t plan, Str task, Arena *arena, View *out, Error *err)
{
  Str text;
  if (!run_preview(engine, plan, task, arena, &text, err)) return false;
  ViewText view;
  view_begin(&view, arena, out);
  LineMeaning meaning = {.kind = S("task"), .task = task, .plan = plan};
  for (Str rest = text, line; str_line(&rest, &line);) view_source(&view, meaning, 0, line);
  view_end(&view);
  return true;
}

Str preview_count_text(Arena *arena, const Count *count)
{
  Str off = estimate_off(arena, count->estimated, count->tokens);
  return str_fmt(arena, "counted by %.*s: %lld tokens in (the estimate was %lld, %.*s)",
                 STR_ARG(count->provider), (long long)count->tokens, (long long)count->estimated,
                 STR_ARG(off));
}
