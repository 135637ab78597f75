// review.c: patches become hunks that carry who made them, what verification said and what the user
// decided. See review.h.
//
//   base_combine      -> text before and after of each file, each line with its owner
//   hunks_diff        -> hunks without shared lines
//   owners            -> tasks, and by them verdicts
//   hunk_id           -> decisions
//   present_places    -> stale, moved, where
#include "review/review.h"

#include <stdlib.h>

#include "base/map.h"
#include "review/alike.h"
#include "review/present.h"

// What the journal knows, by name.
typedef struct {
  Engine *engine;
  Arena *arena;
  Review *out;
  DecisionRowList decisions;
  VerdictRowList verdicts;
  TaskRowList tasks;
  CutRowList cuts;
  Map decision_of, verdict_of, task_of, cut_of, ids;
} Build;

static bool build_load(Build *b, Error *err)
{
  Journal *journal = b->engine->journal;
  int64_t plan = b->out->plan;
  if (!journal_decision_list(journal, b->arena, plan, &b->decisions, err)) return false;
  if (!journal_verdict_list(journal, b->arena, plan, &b->verdicts, err)) return false;
  if (!journal_task_list(journal, b->arena, plan, &b->tasks, err)) return false;
  if (!journal_cut_list(journal, b->arena, plan, &b->cuts, err)) return false;
  for (size_t i = 0; i < b->decisions.len; i++) {
    map_add(b->arena, &b->decision_of, b->decisions.items[i].hunk, i);
  }
  for (size_t i = 0; i < b->verdicts.len; i++) {
    map_add(b->arena, &b->verdict_of, b->verdicts.items[i].task, i);
  }
  for (size_t i = 0; i < b->cuts.len; i++) map_add(b->arena, &b->cut_of, b->cuts.items[i].hunk, i);
  for (size_t i = 0; i < b->tasks.len; i++) map_add(b->arena, &b->task_of, b->tasks.items[i].id, i);
  return true;
}

// --- who made it -----------------------------------------------------------------------------------

// Lines each owner has in the hunk: new lines, and gaps where old ones went. tally[0] is the base.
static void tally_owners(const CombinedFile *file, const Hunk *hunk, size_t *tally, size_t owners)
{
  size_t at = hunk->new_start - 1;
  for (size_t i = 0; file->line_owner && i < hunk->new_len; i++) {
    uint16_t owner = file->line_owner[at + i];
    if (owner <= owners) tally[owner]++;
  }
  for (size_t i = 0; file->gap_owner && hunk->old_len && i <= hunk->new_len; i++) {
    uint16_t owner = file->gap_owner[at + i];
    if (owner <= owners) tally[owner]++;
  }
}

// The tasks behind a hunk, the one with most of it first. Without a trace in the owners, all of the file's.
static StrList hunk_tasks(Arena *arena, const CombinedFile *file, const Hunk *hunk)
{
  size_t owners = file->tasks.len;
  size_t *tally = NEW_N(arena, size_t, owners + 1);
  StrList tasks = {0};
  if (file->existed && file->exists) tally_owners(file, hunk, tally, owners);
  for (;;) {
    size_t best = 0;
    for (size_t i = 1; i <= owners; i++) {
      if (tally[i] && (!best || tally[i] > tally[best])) best = i;
    }
    if (!best) break;
    tally[best] = 0;
    PUSH(arena, &tasks, file->tasks.items[best - 1]);
  }
  for (size_t i = 0; tasks.len == 0 && i < owners; i++) PUSH(arena, &tasks, file->tasks.items[i]);
  return tasks.len || !owners ? tasks : file->tasks;
}

// --- what was said of it ---------------------------------------------------------------------------

static void worsen(ReviewHunk *hunk, VerdictKind kind, Str reason)
{
  if (kind <= hunk->verdict) return;
  hunk->verdict = kind;
  hunk->reason = reason;
}

// A hunk shared by several tasks is as good as the worst of them; without any verdict it has none.
static void set_verdict(Build *b, ReviewHunk *hunk)
{
  const CombinedFile *file = &b->out->files.items[hunk->file];
  for (size_t i = 0; i < hunk->tasks.len; i++) {
    Str id = hunk->tasks.items[i];
    size_t at;
    if (map_get(&b->verdict_of, id, &at)) {
      worsen(hunk, b->verdicts.items[at].kind, b->verdicts.items[at].reason);
    }
    if (map_get(&b->task_of, id, &at) && b->tasks.items[at].state == TASK_PARTIAL) {
      worsen(hunk, VERDICT_DOUBT, S("a partial result: some of the reply did not fit"));
    }
  }
  if (file->conflict) {
    worsen(hunk, VERDICT_DOUBT,
           str_fmt(b->arena, "%.*s changed the same lines and was left out",
                   STR_ARG(file->conflict_task)));
  }
}

static void set_decision(Build *b, ReviewHunk *hunk)
{
  size_t at;
  if (!map_get(&b->decision_of, hunk->id, &at)) return;
  hunk->decision = b->decisions.items[at].decision;
  hunk->applied = b->decisions.items[at].applied;
}

// Twins in one file have ids of their own: their place among twins, else their order.
static Str unique_id(Build *b, Str path, const Hunk *hunk)
{
  Str id = hunk_id(b->arena, path, hunk, hunk->nth);
  for (size_t nth = 1u << 20; !map_add(b->arena, &b->ids, id, 0); nth++) {
    id = hunk_id(b->arena, path, hunk, nth);
  }
  return id;
}

static ReviewHunk *add_hunk(Build *b, size_t file, FileChange change, const Hunk *hunk, Str id)
{
  const CombinedFile *combined = &b->out->files.items[file];
  ReviewHunk one = {.file = file, .change = change, .hunk = *hunk, .id = id};
  one.tasks = hunk_tasks(b->arena, combined, hunk);
  if (change == FILE_EDIT) one.like_key = alike_key(b->arena, hunk);
  set_verdict(b, &one);
  set_decision(b, &one);
  PUSH(b->arena, &b->out->hunks, one);
  return &b->out->hunks.items[b->out->hunks.len - 1];
}

// The parts of a hunk that the user has cut; none when it is whole.
static HunkList parts_of(Build *b, Str id, Str base, const Hunk *hunk)
{
  HunkList parts = {0};
  size_t first, count = 0;
  if (!map_get(&b->cut_of, id, &first)) return parts;
  HunkCut *cuts = NEW_N(b->arena, HunkCut, b->cuts.len - first);
  for (size_t i = first; i < b->cuts.len && str_eq(b->cuts.items[i].hunk, id); i++) {
    cuts[count++] = (HunkCut){(size_t)b->cuts.items[i].old_at, (size_t)b->cuts.items[i].new_at};
  }
  Text text = text_split(b->arena, base);
  parts = hunk_cut(b->arena, hunk, cuts, count);
  hunks_count_twins(&text, &parts);
  return parts;
}

static void add_edit(Build *b, size_t file, const Hunk *hunk)
{
  const CombinedFile *combined = &b->out->files.items[file];
  Str id = unique_id(b, combined->path, hunk);
  HunkList parts = parts_of(b, id, combined->base, hunk);
  if (parts.len < 2) add_hunk(b, file, FILE_EDIT, hunk, id);
  for (size_t i = 0; parts.len > 1 && i < parts.len; i++) {
    const Hunk *part = &parts.items[i];
    ReviewHunk *one = add_hunk(b, file, FILE_EDIT, part, unique_id(b, combined->path, part));
    one->whole = id;
    one->offset = (HunkCut){part->old_start - hunk->old_start, part->new_start - hunk->new_start};
  }
}

static void add_whole(Build *b, size_t file, FileChange change, const Hunk *hunk)
{
  add_hunk(b, file, change, hunk, unique_id(b, b->out->files.items[file].path, hunk));
}

// Nothing but the name or the existence changes.
static Hunk bare_hunk(Arena *arena, Str tag)
{
  Line *line = NEW(arena, Line);
  line->text = tag;  // tells the id of a rename from others
  return (Hunk){.old_start = 1, .new_start = 1, .before = line, .before_len = 1};
}

static void add_file(Build *b, size_t i)
{
  const CombinedFile *file = &b->out->files.items[i];
  b->out->first_hunk[i] = b->out->hunks.len;
  HunkList hunks = hunks_diff(b->arena, file->existed ? file->base : STR_NONE,
                              file->exists ? file->text : STR_NONE);
  if (file->existed && file->exists) {
    Hunk rename = bare_hunk(b->arena, file->renamed_from);
    if (file->renamed_from.len) add_whole(b, i, FILE_RENAME, &rename);
    for (size_t k = 0; k < hunks.len; k++) add_edit(b, i, &hunks.items[k]);
  } else if (file->existed != file->exists) {
    Hunk empty = bare_hunk(b->arena, S(""));
    add_whole(b, i, file->exists ? FILE_NEW : FILE_DELETE, hunks.len ? &hunks.items[0] : &empty);
  }
}

// --- where it stands -------------------------------------------------------------------------------

static void set_place(ReviewHunk *hunk, Place place, Str why)
{
  hunk->line = place.start;
  hunk->moved = place.kind == PLACE_MOVED;
  hunk->there = place.kind == PLACE_DONE && hunk->applied != APPLIED_DONE;
  bool to_do = place.kind == PLACE_HERE || place.kind == PLACE_MOVED;
  hunk->undone = hunk->applied == APPLIED_DONE && to_do;
  hunk->stale = place.kind == PLACE_STALE && hunk->applied != APPLIED_DONE;
  if (hunk->stale) hunk->why = why;
}

static void place_file(Arena *arena, Review *review, Project *project, size_t file)
{
  FilePlaces places = {0};
  present_places(arena, review, file, project, NULL, &places);
  size_t first = review->first_hunk[file], end = review->first_hunk[file + 1];
  for (size_t i = first; i < end; i++) {
    set_place(&review->hunks.items[i], places.places[i - first], places.why);
  }
}

static void count_alike(Build *b)
{
  Map index = {0};
  ReviewHunkList *hunks = &b->out->hunks;
  for (size_t i = 0; i < hunks->len; i++) {
    size_t at = i;
    if (!hunks->items[i].like_key.len) continue;
    if (!map_add(b->arena, &index, hunks->items[i].like_key, i))
      map_get(&index, hunks->items[i].like_key, &at);
    hunks->items[at].like++;
  }
  for (size_t i = 0; i < hunks->len; i++) {
    size_t at;
    Str key = hunks->items[i].like_key;
    if (key.len && map_get(&index, key, &at)) hunks->items[i].like = hunks->items[at].like;
  }
}

static void count(Review *review)
{
  for (size_t i = 0; i < review->hunks.len; i++) {
    const ReviewHunk *hunk = &review->hunks.items[i];
    review->accepted += hunk->decision == DECISION_ACCEPTED && !hunk->stale;
    review->rejected += hunk->decision == DECISION_REJECTED;
  }
}

// Results come in the order the tasks ended, which differs from run to run.
static int by_path(const void *left, const void *right)
{
  return str_cmp(((const CombinedFile *)left)->path, ((const CombinedFile *)right)->path);
}

static bool build_read(Build *b, PlanRow *row, Error *err)
{
  Engine *engine = b->engine;
  Review *out = b->out;
  journal_read(engine->journal);
  bool ok = journal_plan_get(engine->journal, b->arena, out->plan, row, err) &&
            build_load(b, err) && journal_money(engine->journal, out->plan, &out->money, err) &&
            base_combine(engine, out->plan, b->arena, NULL, &out->files, err) &&
            hand_fold(engine, out->plan, b->arena, &out->files, err);
  journal_read_end(engine->journal);
  return ok;
}

bool review_gather(Engine *engine, int64_t plan, Arena *arena, Review *out, Error *err)
{
  *out = (Review){.plan = plan};
  Build b = {.engine = engine, .arena = arena, .out = out};
  PlanRow row = {0};
  if (!build_read(&b, &row, err)) return false;
  out->title = row.title.len ? row.title : row.request;
  out->state = row.state;
  out->test_command = row.test_command;
  out->test_status = row.test_status;
  if (out->files.len) qsort(out->files.items, out->files.len, sizeof(CombinedFile), by_path);
  out->first_hunk = NEW_N(arena, size_t, out->files.len + 1);
  for (size_t i = 0; i < out->files.len; i++) add_file(&b, i);
  out->first_hunk[out->files.len] = out->hunks.len;
  count_alike(&b);
  return true;
}

bool review_place(Engine *engine, Arena *arena, Review *review, Error *err)
{
  Project *project = engine_project_of_plan(engine, review->plan, err);
  if (!project) return false;
  for (size_t i = 0; i < review->files.len; i++) place_file(arena, review, project, i);
  count(review);
  return true;
}

bool review_build(Engine *engine, int64_t plan, Arena *arena, Review *out, Error *err)
{
  return review_gather(engine, plan, arena, out, err) && review_place(engine, arena, out, err);
}

// --- texts -----------------------------------------------------------------------------------------

DiffStat review_stat(const Review *review, size_t file)
{
  DiffStat stat = {0};
  for (size_t i = review->first_hunk[file]; i < review->first_hunk[file + 1]; i++) {
    stat.added += review->hunks.items[i].hunk.new_len;
    stat.removed += review->hunks.items[i].hunk.old_len;
  }
  return stat;
}

// The file with its hunks that are not rejected; false when that leaves nothing to do.
static bool without_rejected(Arena *arena, const Review *review, size_t index, UnifiedFile *out)
{
  const CombinedFile *file = &review->files.items[index];
  HunkList keep = {0};
  bool whole = false, renamed = false;
  for (size_t i = review->first_hunk[index]; i < review->first_hunk[index + 1]; i++) {
    const ReviewHunk *hunk = &review->hunks.items[i];
    if (hunk->decision == DECISION_REJECTED) continue;
    whole |= hunk->change == FILE_NEW || hunk->change == FILE_DELETE;
    renamed |= hunk->change == FILE_RENAME;
    if (hunk->change == FILE_EDIT) PUSH(arena, &keep, hunk->hunk);
  }
  *out = (UnifiedFile){.path = file->path, .context = HUNK_CONTEXT};
  out->old_text = file->existed ? file->base : STR_NONE;
  out->new_text = whole ? file->text : hunks_apply(arena, out->old_text, &keep);
  out->created = whole && file->exists;
  out->deleted = whole && !file->exists;
  if (renamed) out->renamed_from = file->renamed_from;
  if (!renamed && file->renamed_from.len) out->path = file->renamed_from;
  return whole || renamed || keep.len > 0;
}

void review_diff(Arena *arena, const Review *review, Str path, Buf *out)
{
  for (size_t i = 0; i < review->files.len; i++) {
    UnifiedFile file;
    if (path.len && !str_eq(path, review->files.items[i].path)) continue;
    if (without_rejected(arena, review, i, &file)) diff_unified(arena, out, &file);
  }
}

bool review_proposal(Arena *arena, const Review *review, Str path, Str *text, Str *base)
{
  for (size_t i = 0; i < review->files.len; i++) {
    UnifiedFile file;
    if (!str_eq(path, review->files.items[i].path)) continue;
    without_rejected(arena, review, i, &file);
    *text = file.new_text;
    *base = file.old_text;
    return true;
  }
  return false;
}
