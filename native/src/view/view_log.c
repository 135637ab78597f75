// view_log.c: the plan's log, oldest first: time, task, what happened.
#include <time.h>

#include "view/view_text.h"

enum { LOG_SHOWN = 5000 };

static Str clock_of(Arena *arena, int64_t ms)
{
  time_t seconds = (time_t)(ms / 1000);
  struct tm tm;
  if (!localtime_r(&seconds, &tm)) return S("--:--:--");
  return str_fmt(arena, "%02d:%02d:%02d", tm.tm_hour, tm.tm_min, tm.tm_sec);
}

bool view_log(Engine *engine, int64_t plan, Arena *arena, View *out, Error *err)
{
  LogRowList rows = {0};
  PlanRow row;
  if (!journal_plan_get(engine->journal, arena, plan, &row, err)) return false;
  if (!journal_log_list(engine->journal, arena, plan, LOG_SHOWN, &rows, err)) return false;
  ViewText view;
  view_begin(&view, arena, out);
  view_line(&view, (LineMeaning){.kind = S("head"), .plan = plan}, "piecework://log/%lld  %.*s",
            (long long)plan, STR_ARG(str_fit(arena, row.title.len ? row.title : row.request, 50)));
  for (size_t i = 0; i < rows.len; i++) {
    const LogRow *entry = &rows.items[i];
    LineMeaning meaning = {.kind = S("log"), .plan = plan, .task = entry->task};
    view_line(&view, meaning, "%.*s  %-6.*s %-8.*s %.*s", STR_ARG(clock_of(arena, entry->at_ms)),
              STR_ARG(entry->task), STR_ARG(entry->kind), STR_ARG(entry->text));
  }
  if (!rows.len) view_line(&view, (LineMeaning){.kind = S("note")}, "  nothing happened yet");
  view_end(&view);
  return true;
}
