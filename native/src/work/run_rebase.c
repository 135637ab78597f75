// run_rebase.c: a task that the user has done again is done on the text as it is by then, with the user's own edits
// since the plan began: else its result would be stale where they are, again and again. See run_private.h.
//
//   present text  -  hunks of this plan that are applied  -  edits where other tasks have results
//
// What is applied stays in the review, to be reverted; results of other tasks that the edits made stale stay
// as they are, for who asks for them to be done again.
#include "review/present.h"
#include "work/run_private.h"
#include "work/task_private.h"

typedef struct {
  Run *run;
  Arena *arena;
  Review review;        // all results
  CombinedList others;  // what tasks that are not done again have made
} Moving;

static bool is_redone(const Run *run, Str id)
{
  for (size_t i = 0; i < run->spec.redo.len; i++) {
    if (task_id_is(id, run->spec.redo.items[i])) return true;
  }
  return false;
}

// The present text of [path] with what is applied taken out; false: the plan makes, deletes or renames it, or
// it is not there.
static bool without_applied(const Moving *m, Str path, Str *text)
{
  PresentFile present;
  Error unreadable = {0};
  if (!present_get(m->run->project, NULL, m->arena, path, &present, &unreadable) ||
      !present.exists) {
    return false;
  }
  *text = present.text;
  for (size_t i = 0; i < m->review.files.len; i++) {
    const CombinedFile *file = &m->review.files.items[i];
    bool named = str_eq(file->path, path) || str_eq(file->renamed_from, path);
    if (!named) continue;
    if (!file->existed || !file->exists || file->renamed_from.len) return false;
    size_t first = m->review.first_hunk[i], n = m->review.first_hunk[i + 1] - first;
    bool *applied = NEW_N(m->arena, bool, n + 1);
    for (size_t k = 0; k < n; k++) {
      applied[k] = m->review.hunks.items[first + k].applied == APPLIED_DONE;
    }
    FilePlaces places;
    present_places_back(m->arena, &m->review, i, m->run->project, NULL, applied, &places);
    *text = edits_apply(m->arena, present.text, &places.edits);
  }
  return true;
}

static bool near(const Hunk *a, const Hunk *b)
{
  return a->old_start <= b->old_start + b->old_len && b->old_start <= a->old_start + a->old_len;
}

// Of the edits that make [text] of [base] those that are not where other tasks have results.
static Str beside_others(const Moving *m, Str path, Str base, Str text)
{
  HunkList own = hunks_diff(m->arena, base, text), theirs = {0}, kept = {0};
  for (size_t i = 0; i < m->others.len; i++) {
    const CombinedFile *file = &m->others.items[i];
    if (str_eq(file->path, path)) theirs = hunks_diff(m->arena, base, file->text);
  }
  for (size_t i = 0; i < own.len; i++) {
    bool free = true;
    for (size_t k = 0; k < theirs.len; k++) free = free && !near(&own.items[i], &theirs.items[k]);
    if (free) PUSH(m->arena, &kept, own.items[i]);
  }
  return hunks_apply(m->arena, base, &kept);
}

// A hunk near an edit has another name on the new base: what was said of it goes along. Parts of a hunk keep
// what was said of them where their names stay.
static bool carry_decisions(const Moving *m, Str path, Str base, Str text, Error *err)
{
  const Review *review = &m->review;
  HunkList old = {0}, moved = {0};
  StrList ids = {0}, kept = {0};
  for (size_t i = 0; i < review->hunks.len; i++) {
    const ReviewHunk *hunk = &review->hunks.items[i];
    bool here = str_eq(review->files.items[hunk->file].path, path) && hunk->change == FILE_EDIT;
    if (!here || hunk->whole.len) continue;
    PUSH(m->arena, &old, hunk->hunk);
    PUSH(m->arena, &ids, hunk->id);
  }
  Carried carried = hunks_rebase(m->arena, base, text, &old);
  Text lines = text_split(m->arena, text);
  for (size_t i = 0; i < old.len; i++) {
    const Hunk *hunk = &old.items[i];
    Place place = carried.places[i];
    if (place.kind != PLACE_HERE && place.kind != PLACE_MOVED) continue;
    PUSH(m->arena, &moved,
         hunk_make(&lines, place.start - 1, hunk->old_len, hunk->new_lines, hunk->new_len));
    PUSH(m->arena, &kept, ids.items[i]);
  }
  hunks_count_twins(&lines, &moved);
  for (size_t i = 0; i < moved.len; i++) {
    Str id = hunk_id(m->arena, path, &moved.items[i], moved.items[i].nth);
    if (str_eq(id, kept.items[i])) continue;
    if (!journal_decision_copy(m->run->engine->journal, m->run->spec.plan, kept.items[i], id, err))
      return false;
  }
  return true;
}

static bool move_one(const Moving *m, Str path, bool *moved, Error *err)
{
  Engine *engine = m->run->engine;
  int64_t plan = m->run->spec.plan;
  ShownFile base;
  Error none = {0};
  Str text;
  *moved = false;
  if (!base_get(engine, plan, m->arena, path, &base, &none) || !base.exists) return true;
  if (!without_applied(m, path, &text)) return true;
  text = beside_others(m, path, base.text, text);
  if (str_eq(text, base.text)) return true;
  *moved = true;
  return base_move(engine, plan, path, text, err) && carry_decisions(m, path, base.text, text, err);
}

// Is another task that is done again about this file too? It needs the base where the first one has it.
static bool is_shared(const Run *run, size_t task, Str path)
{
  for (size_t t = 0; t < run->tasks.len; t++) {
    const TaskSpec *other = &run->tasks.items[t];
    if (t == task || !is_redone(run, other->id)) continue;
    for (size_t i = 0; i < other->files.len; i++) {
      if (str_eq(other->files.items[i].path, path)) return true;
    }
  }
  return false;
}

static bool move_for(const Moving *m, size_t t, Error *err)
{
  const TaskSpec *task = &m->run->tasks.items[t];
  StrList alone = {0};
  for (size_t i = 0; i < task->files.len; i++) {
    Str path = task->files.items[i].path;
    bool moved;
    if (!move_one(m, path, &moved, err)) return false;
    if (moved && !is_shared(m->run, t, path)) PUSH(m->arena, &alone, path);
  }
  return task_moved_bases(m->run->engine->journal, m->run->spec.plan, task->id, &alone, err);
}

static bool set_out(Moving *m, Error *err)
{
  const Run *run = m->run;
  StrList done = {0}, others = {0};
  if (!review_build(run->engine, run->spec.plan, m->arena, &m->review, err) ||
      !base_order(run->engine, run->spec.plan, m->arena, &done, err)) {
    return false;
  }
  for (size_t i = 0; i < done.len; i++) {
    if (!is_redone(run, done.items[i])) PUSH(m->arena, &others, done.items[i]);
  }
  return base_combine(run->engine, run->spec.plan, m->arena, &others, &m->others, err);
}

bool run_move_bases(Run *run, Error *err)
{
  // A correction after verification is of results that nobody has seen yet.
  if (!run->spec.redo.len || run->spec.nested) return true;
  Arena arena;
  arena_init(&arena);
  Moving m = {.run = run, .arena = &arena};
  bool ok = set_out(&m, err);
  for (size_t t = 0; ok && t < run->tasks.len; t++) {
    if (is_redone(run, run->tasks.items[t].id)) ok = move_for(&m, t, err);
  }
  arena_deinit(&arena);
  return ok;
}
