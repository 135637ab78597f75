// verify_stands.c: what need not be judged again. A file that is as it was when it was judged, by tasks that stand as
// they stood, keeps their verdicts: a correction round shows the verifier what was corrected, a run that changes
// nothing asks nobody, and that a test was trusted since is no reason to pay twice. See verify_private.h.
//
// Shown again is: what changed, what was rejected, what nobody spoke of, what the test was traced to; everything when
// it fails and nobody knows why; and every file of a task of which one file is shown.
#include "lib/store.h"
#include "work/verdict.h"
#include "work/verify.h"
#include "work/verify_private.h"

enum { NAMED_FILES = 12 };

// Base, result, and the work that led from one to the other.
static Str shown_hash(Verify *v, const CombinedFile *file)
{
  Arena *arena = &v->round_arena;
  Buf all;
  buf_init(&all, SIZE_MAX / 2);
  buf_fmt(&all, "%d %d %.*s\n", file->existed, file->exists, STR_ARG(file->renamed_from));
  for (size_t i = 0; i < file->tasks.len; i++) {
    const TaskSpec *task = plan_task(&v->tasks, file->tasks.items[i]);
    Str spec = task ? task_spec_hash(arena, task) : STR_NONE;
    buf_fmt(&all, "%.*s %.*s\n", STR_ARG(file->tasks.items[i]), STR_ARG(spec));
  }
  buf_fmt(&all, "%zu\n", file->base.len);
  buf_add(&all, file->base);
  buf_add(&all, file->text);
  Str hash = content_hash(arena, buf_str(&all));
  buf_deinit(&all);
  return hash;
}

static Str shown_fact(Arena *arena, Str path)
{
  return str_cat(arena, S("judged "), path);
}

void verify_note_judged(Verify *v, const VerifyGroup *group)
{
  for (size_t i = 0; i < group->file_count; i++) {
    const CombinedFile *file = group->files[i];
    journal_fact_set(v->engine->journal, v->plan_id, shown_fact(&v->round_arena, file->path),
                     shown_hash(v, file), NULL);
  }
}

// ---- what stands -------------------------------------------------------------------------------------

typedef struct {
  Verify *v;
  VerdictRowList rows;
  Map row_of;   // task -> index into rows
  Map open;     // tasks that are judged now
  bool *again;  // for each file
} Standing;

static bool verdict_stands(const Standing *s, Str task)
{
  size_t at;
  if (!map_get(&s->row_of, task, &at)) return false;
  const VerdictRow *row = &s->rows.items[at];
  if (row->kind == VERDICT_REJECTED || str_eq(row->reason, VERDICT_UNSAID)) return false;
  const StrList *broke = &s->v->trace.tasks;
  for (size_t i = 0; i < broke->len; i++) {
    if (str_eq(broke->items[i], task)) return false;
  }
  return true;
}

static bool file_stands(const Standing *s, const CombinedFile *file)
{
  Verify *v = s->v;
  Str known = STR_NONE;
  if (file->conflict || !file->tasks.len) return false;
  for (size_t i = 0; i < file->tasks.len; i++) {
    if (!verdict_stands(s, file->tasks.items[i])) return false;
  }
  journal_fact_get(v->engine->journal, &v->round_arena, v->plan_id,
                   shown_fact(&v->round_arena, file->path), &known, NULL);
  return known.len && str_eq(known, shown_hash(v, file));
}

// Marks the tasks of files shown again, and then their other files, until nothing is added.
static void spread(Standing *s)
{
  const CombinedList *files = &s->v->files;
  for (bool more = true; more;) {
    more = false;
    for (size_t f = 0; f < files->len; f++) {
      const StrList *tasks = &files->items[f].tasks;
      for (size_t i = 0; !s->again[f] && i < tasks->len; i++)
        s->again[f] = map_get(&s->open, tasks->items[i], NULL);
      for (size_t i = 0; s->again[f] && i < tasks->len; i++)
        more |= map_add(&s->v->round_arena, &s->open, tasks->items[i], 0);
    }
  }
}

static bool nothing_stands(const Verify *v)
{
  bool riddle = v->tested && !v->test_ok && !v->trace.tasks.len && !v->trace.baseline_fails;
  return v->again || riddle;
}

static void note_standing(Verify *v, const CombinedFile *file, size_t nth)
{
  if (nth >= NAMED_FILES) return;
  v->standing_files =
      nth ? str_fmt(&v->round_arena, "%.*s, %.*s", STR_ARG(v->standing_files), STR_ARG(file->path))
          : file->path;
}

void verify_find_standing(Verify *v)
{
  Arena *arena = &v->round_arena;
  Standing s = {.v = v};
  v->shown = v->files;
  v->stands = (VerdictRowList){0};
  v->standing_count = 0;
  if (nothing_stands(v) ||
      !journal_verdict_list(v->engine->journal, arena, v->plan_id, &s.rows, NULL))
    return;
  for (size_t i = 0; i < s.rows.len; i++) map_add(arena, &s.row_of, s.rows.items[i].task, i);
  s.again = NEW_N(arena, bool, v->files.len + 1);
  for (size_t f = 0; f < v->files.len; f++) s.again[f] = !file_stands(&s, &v->files.items[f]);
  spread(&s);
  v->shown = (CombinedList){0};
  for (size_t f = 0; f < v->files.len; f++) {
    if (s.again[f])
      PUSH(arena, &v->shown, v->files.items[f]);
    else
      note_standing(v, &v->files.items[f], v->standing_count++);
  }
  for (size_t i = 0; v->standing_count && i < s.rows.len; i++) {
    const VerdictRow *row = &s.rows.items[i];
    if (!map_get(&s.open, row->task, NULL) && verdict_stands(&s, row->task))
      PUSH(arena, &v->stands, *row);
  }
}

bool verify_unjudged(Engine *engine, int64_t plan, const TaskList *tasks, Arena *arena,
                     StrList *out, Error *err)
{
  Verify v = {.engine = engine, .plan_id = plan, .tasks = *tasks};
  bool ok = base_combine(engine, plan, &v.round_arena, NULL, &v.files, err);
  if (ok) verify_find_standing(&v);
  for (size_t f = 0; ok && f < v.shown.len; f++) {
    const StrList *changed = &v.shown.items[f].tasks;
    for (size_t i = 0; i < changed->len; i++) PUSH(arena, out, str_dup(arena, changed->items[i]));
  }
  arena_deinit(&v.round_arena);
  return ok;
}

Str verify_standing_words(Verify *v)
{
  if (!v->standing_count) return STR_NONE;
  size_t more = v->standing_count > NAMED_FILES ? v->standing_count - NAMED_FILES : 0;
  Str rest = more ? str_fmt(&v->round_arena, " and %zu more", more) : STR_NONE;
  return str_fmt(&v->round_arena, "[judged before and not shown again: %.*s%.*s]\n",
                 STR_ARG(v->standing_files), STR_ARG(rest));
}
