// verify_trace.c: a failing test is traced to the tasks that broke it, and what was found becomes a note, a line
// for the model and verdicts. No token is spent on it. See bisect.h.
#include "work/verify_private.h"

static StrList copy_list(Arena *arena, const StrList *list)
{
  StrList copy = {0};
  for (size_t i = 0; i < list->len; i++) PUSH(arena, &copy, str_dup(arena, list->items[i]));
  return copy;
}

static Str first_of(Arena *arena, const StrList *list)
{
  enum { SHOWN = 6 };
  StrList some = {list->items, list->len < SHOWN ? list->len : SHOWN, list->len};
  Str text = str_join(arena, &some, S(", "));
  return list->len > SHOWN ? str_fmt(arena, "%.*s and %zu more", STR_ARG(text), list->len - SHOWN)
                           : text;
}

// What was found, as a sentence.
static Str trace_words(Verify *v)
{
  const BisectResult *trace = &v->trace;
  Arena *arena = &v->round_arena;
  if (trace->baseline_fails) return S("the test fails without any of the changes too");
  Buf text;
  buf_init(&text, 8192);
  if (trace->tasks.len) {
    buf_fmt(&text, "the test passes without %.*s and fails with %s",
            STR_ARG(first_of(arena, &trace->tasks)), trace->tasks.len == 1 ? "it" : "them");
  }
  if (trace->rest_fails)
    buf_fmt(&text, "; it still fails without %s", trace->tasks.len == 1 ? "it" : "them");
  if (!trace->done) {
    if (trace->suspects.len) {
      buf_fmt(&text, "%sone of %.*s breaks the test", text.len ? "; " : "",
              STR_ARG(first_of(arena, &trace->suspects)));
    }
    buf_fmt(&text, "%sthe search for the task ended early: %.*s", text.len ? "; " : "",
            STR_ARG(trace->note));
  }
  buf_fmt(&text, " (%d run%s, no tokens)", trace->runs, plural(trace->runs));
  return buf_take(&text, arena);
}

static void traced(void *owner, const BisectResult *result)
{
  Verify *v = owner;
  Arena *arena = &v->round_arena;
  v->bisect = NULL;
  v->trace = *result;
  v->trace.tasks = copy_list(arena, &result->tasks);
  v->trace.reasons = copy_list(arena, &result->reasons);
  v->trace.suspects = copy_list(arena, &result->suspects);
  v->trace.note = str_dup(arena, result->note);
  if (!v->stopped) {
    Str words = trace_words(v);
    v->test_report = str_fmt(arena, "%.*s\nFound by running it on parts of the changes: %.*s",
                             STR_ARG(str_trim_end(v->test_report)), STR_ARG(words));
    if (v->round == 1) verify_note(v, "%.*s", STR_ARG(words));
    verify_tell(v, "trace", !result->tasks.len, words);
  }
  verify_close_tree(v);
}

void verify_step_trace(Verify *v)
{
  BisectSpec spec = {.engine = v->engine,
                     .project = v->project,
                     .plan = v->plan_id,
                     .command = v->plan.test,
                     .tree = v->tree,
                     .tasks = &v->tasks,
                     .files = &v->files,
                     .test_timeout_s = v->engine->config->test_timeout_s,
                     .total_ms = (int64_t)v->engine->config->test_timeout_s * 1000,
                     .on_done = traced,
                     .owner = v};
  verify_tell(v, "trace", true, STR_NONE);
  v->state = VERIFY_TRACE;
  if (!v->bisect) v->bisect = bisect_start(&spec);
}

// ---- verdicts ----------------------------------------------------------------------------------------

static VerdictRow *verdict_of(Verify *v, Str task)
{
  for (size_t i = 0; i < v->verdicts.len; i++) {
    if (str_eq(v->verdicts.items[i].task, task)) return &v->verdicts.items[i];
  }
  return NULL;
}

// The model has the last word on what it rejects or doubts with a reason; that it saw nothing wrong does not
// make the test pass.
void verify_add_trace(Verify *v)
{
  for (size_t i = 0; i < v->trace.tasks.len; i++) {
    Str task = v->trace.tasks.items[i];
    VerdictRow row = {.task = task, .kind = VERDICT_REJECTED};
    Str said = v->trace.reasons.items[i];
    row.reason = str_fmt(
        &v->round_arena, "breaks the test: `%.*s` passes without it; with it%s%.*s",
        STR_ARG(v->plan.test), said.len ? ": " : " it fails and prints nothing", STR_ARG(said));
    VerdictRow *verdict = verdict_of(v, task);
    if (!verdict) {
      PUSH(&v->round_arena, &v->verdicts, row);
    } else if (verdict->kind != VERDICT_REJECTED) {
      *verdict = row;
    }
  }
}
