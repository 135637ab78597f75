// verify_report.c: verdicts into the journal, and what a verification tells people.
#include "work/verify_private.h"

void verify_tell(Verify *v, const char *state, bool ok, Str note)
{
  Arena arena;
  arena_init(&arena);
  Value *params = value_map(&arena);
  value_put_int(&arena, params, S("plan"), v->plan_id);
  value_put_str(&arena, params, S("state"), str_from(state));
  value_put_bool(&arena, params, S("ok"), ok);
  value_put_str(&arena, params, S("note"), note);
  engine_event(v->engine, S("verify"), params);
  if (note.len) {
    journal_log(v->engine->journal, v->plan_id, S("verify"), STR_NONE, "%s: %.*s", state,
                STR_ARG(note));
  }
  arena_deinit(&arena);
}

void verify_note(Verify *v, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  Str text = str_vfmt(&v->arena, format, args);
  va_end(args);
  if (str_has(buf_str(&v->note), text)) return;  // said in an earlier round
  buf_fmt(&v->note, "%s%.*s", v->note.len ? "; " : "", STR_ARG(text));
}

// ---- verdicts ----------------------------------------------------------------------------------------

// A task whose files were shown in several calls has several verdicts: the worst counts.
void verify_merge(Verify *v)
{
  VerdictRowList merged = {0};
  for (size_t i = 0; i < v->verdicts.len; i++) {
    const VerdictRow *row = &v->verdicts.items[i];
    size_t at = 0;
    while (at < merged.len && !str_eq(merged.items[at].task, row->task)) at++;
    if (at == merged.len)
      PUSH(&v->round_arena, &merged, *row);
    else if (row->kind > merged.items[at].kind)
      merged.items[at] = *row;
  }
  v->verdicts = merged;
}

bool verify_store(Verify *v, Error *err)
{
  Journal *journal = v->engine->journal;
  if (!journal_begin(journal, err)) return false;
  for (size_t i = 0; i < v->verdicts.len; i++) {
    if (journal_verdict_put(journal, v->plan_id, &v->verdicts.items[i], err)) continue;
    journal_rollback(journal);
    return false;
  }
  return journal_commit(journal, err);
}

static Str remark_of(Verify *v, const VerdictRow *row)
{
  if (!row->path.len) return row->reason;
  return str_fmt(&v->round_arena, "%.*s:%" PRId64 ": %.*s", STR_ARG(row->path), row->line,
                 STR_ARG(row->reason));
}

// Rejected tasks that a model can do again, with what was said about them.
size_t verify_to_redo(Verify *v, RunSpec *spec)
{
  for (size_t i = 0; i < v->verdicts.len; i++) {
    const VerdictRow *row = &v->verdicts.items[i];
    const TaskSpec *task = plan_task(&v->tasks, row->task);
    if (row->kind != VERDICT_REJECTED || !task || task->executor != EXECUTOR_MODEL) continue;
    PUSH(&v->round_arena, &spec->redo, row->task);
    PUSH(&v->round_arena, &spec->remarks, remark_of(v, row));
  }
  return spec->redo.len;
}

size_t verify_count(const Verify *v, VerdictKind kind)
{
  size_t count = 0;
  for (size_t i = 0; i < v->verdicts.len; i++) count += v->verdicts.items[i].kind == kind;
  return count;
}

Str verify_summary(Verify *v)
{
  Buf text;
  buf_init(&text, 4096);
  if (v->tested) buf_fmt(&text, "tests %s", v->test_ok ? "passed" : "failed");
  if (v->verdicts.len) {
    buf_fmt(&text, "%s%zu ok", text.len ? "; " : "", verify_count(v, VERDICT_OK));
    size_t doubt = verify_count(v, VERDICT_DOUBT), rejected = verify_count(v, VERDICT_REJECTED);
    if (doubt) buf_fmt(&text, ", %zu in doubt", doubt);
    if (rejected) buf_fmt(&text, ", %zu rejected", rejected);
  }
  if (v->groups.left_out) {
    buf_fmt(&text, "%s%zu files were not shown to the verifier", text.len ? "; " : "",
            v->groups.left_out);
  }
  if (v->note.len) {
    if (text.len) buf_add(&text, S("; "));
    buf_add(&text, buf_str(&v->note));
  }
  return buf_take(&text, &v->arena);
}
