// decide.c: what the user says of hunks, by hunk, file, task, and by lines: then a hunk is cut into parts.
// See review.h.
#include "base/map.h"
#include "review/review.h"

static bool task_named(const StrList *tasks, Str name)
{
  for (size_t i = 0; i < tasks->len; i++) {
    if (task_id_is(tasks->items[i], name)) return true;
  }
  return false;
}

typedef struct {
  const Review *review;
  Map ids, paths;
  bool *named;
} Naming;

static bool name_hunk(const Naming *n, Str id)
{
  size_t at;
  if (!map_get(&n->ids, id, &at)) return false;
  n->named[at] = true;
  return true;
}

static bool name_file(const Naming *n, Str path)
{
  size_t file;
  if (!map_get(&n->paths, path, &file)) return false;
  const size_t *first = n->review->first_hunk;
  for (size_t i = first[file]; i < first[file + 1]; i++) n->named[i] = true;
  return first[file] < first[file + 1];
}

static bool name_task(const Naming *n, Str task)
{
  bool found = false;
  for (size_t i = 0; i < n->review->hunks.len; i++) {
    if (!task_named(&n->review->hunks.items[i].tasks, task)) continue;
    n->named[i] = found = true;
  }
  return found;
}

// All that make the same change as the hunk [id].
static bool name_like(const Naming *n, Str id)
{
  size_t at;
  if (!map_get(&n->ids, id, &at)) return false;
  const ReviewHunk *hunks = n->review->hunks.items;
  n->named[at] = true;
  for (size_t i = 0; hunks[at].like > 1 && i < n->review->hunks.len; i++) {
    if (str_eq(hunks[i].like_key, hunks[at].like_key)) n->named[i] = true;
  }
  return true;
}

static bool name_all(const Naming *n)
{
  for (size_t i = 0; i < n->review->hunks.len; i++) n->named[i] = true;
  return true;
}

static bool name(const Naming *n, Str what)
{
  if (str_eq(what, S("all")) || str_eq(what, S("all!"))) return name_all(n);
  if (str_starts(what, S("like:"))) return name_like(n, str_skip(what, 5));
  if (str_starts(what, S("task:"))) return name_task(n, str_skip(what, 5));
  if (str_starts(what, S("file:"))) return name_file(n, str_skip(what, 5));
  return name_hunk(n, what);
}

static bool not_there(const Review *review, Str name, Error *err)
{
  bool file = str_starts(name, S("file:")), task = str_starts(name, S("task:"));
  error_set(err, ERR_NOT_FOUND, "plan %lld %s %.*s", (long long)review->plan,
            file   ? "does not change"
            : task ? "has no change of task"
                   : "has no hunk",
            STR_ARG(file || task ? str_skip(name, 5) : name));
  return error_hint_set(err, "look at the review again: results may have changed");
}

bool *review_named(Arena *arena, const Review *review, const StrList *what, Error *err)
{
  Naming n = {.review = review};
  n.named = NEW_N(arena, bool, review->hunks.len + 1);
  for (size_t i = 0; i < review->hunks.len; i++)
    map_add(arena, &n.ids, review->hunks.items[i].id, i);
  for (size_t i = 0; i < review->files.len; i++)
    map_add(arena, &n.paths, review->files.items[i].path, i);
  for (size_t i = 0; i < what->len; i++) {
    if (name(&n, what->items[i]) || !err) continue;
    not_there(review, what->items[i], err);
    return NULL;
  }
  return n.named;
}

static bool names_many(Str what, const ReviewHunk *hunk)
{
  return str_eq(what, S("all")) ||
         (str_starts(what, S("like:")) && !str_eq(str_skip(what, 5), hunk->id));
}

// Accepting `all`, or what is like another hunk, leaves alone what the user has rejected one by one; `all!` and closer
// names take it.
static bool left_rejected(const ReviewHunk *hunk, const StrList *what, Decision decision)
{
  bool left = decision == DECISION_ACCEPTED && hunk->decision == DECISION_REJECTED;
  for (size_t i = 0; i < what->len && left; i++) left = names_many(what->items[i], hunk);
  return left;
}

static void add_row(Arena *arena, const ReviewHunk *hunk, Decision decision, DecisionRowList *rows)
{
  DecisionRow row = {.hunk = hunk->id, .decision = decision};
  if (hunk->tasks.len) row.task = hunk->tasks.items[0];
  PUSH(arena, rows, row);
}

// --- parts -----------------------------------------------------------------------------------------

// What [from, to) of a hunk was named, and the hunk as it was before it was cut there.
typedef struct {
  Str whole;
  HunkCut from, to;  // in the whole hunk, as are those of `was`
  HunkCut was_from, was_to;
  Decision was;
} Part;
typedef struct {
  Part *items;
  size_t len, cap;
} PartList;

// "ID:A-B"
static bool names_lines(Str what, Str *id, uint64_t *first, uint64_t *last)
{
  Str rest = what, from;
  if (!str_cut(&rest, ':', id) || !str_cut(&rest, '-', &from)) return false;
  return id->len && str_to_u64(from, first) && str_to_u64(rest, last);
}

static const ReviewHunk *find_hunk(const Review *review, Str id)
{
  for (size_t i = 0; i < review->hunks.len; i++) {
    if (str_eq(review->hunks.items[i].id, id)) return &review->hunks.items[i];
  }
  return NULL;
}

static HunkCut shifted(HunkCut cut, HunkCut by)
{
  return (HunkCut){cut.old_at + by.old_at, cut.new_at + by.new_at};
}

// Whether lines [first, last] of [hunk] can be decided apart. [*all]: they are the whole hunk.
static bool read_part(const ReviewHunk *hunk, size_t first, size_t last, Part *out, bool *all,
                      Error *err)
{
  HunkCut from, to, none = {0, 0}, end = {hunk->hunk.old_len, hunk->hunk.new_len};
  size_t lines = end.old_at + end.new_at;
  *all = first == 1 && last == lines;
  if (*all) return true;
  if (hunk->change != FILE_EDIT) {
    return error_set(err, ERR_REFUSED,
                     "a file that comes, goes or changes its name is decided as a whole");
  }
  if (hunk->applied == APPLIED_DONE) {
    error_set(err, ERR_REFUSED, "this hunk is applied already");
    return error_hint_set(err, "undo it in the file, or :Piecework revert, then take a part");
  }
  if (!hunk_lines(&hunk->hunk, first, last, &from, &to)) {
    return error_set(err, ERR_NOT_FOUND, "hunk %.*s has lines 1 to %zu", STR_ARG(hunk->id), lines);
  }
  *out = (Part){.whole = hunk->whole.len ? hunk->whole : hunk->id,
                .from = shifted(from, hunk->offset),
                .to = shifted(to, hunk->offset),
                .was_from = shifted(none, hunk->offset),
                .was_to = shifted(end, hunk->offset),
                .was = hunk->decision};
  return true;
}

// Takes the parts out of [what]; what else it names, and hunks named by all of their lines, go to [whole].
static bool find_parts(Arena *arena, const Review *review, const StrList *what, StrList *whole,
                       PartList *parts, Error *err)
{
  for (size_t i = 0; i < what->len; i++) {
    Str id;
    uint64_t first, last;
    if (!names_lines(what->items[i], &id, &first, &last)) {
      PUSH(arena, whole, what->items[i]);
      continue;
    }
    const ReviewHunk *hunk = find_hunk(review, id);
    Part part;
    bool all;
    if (!hunk) {
      error_set(err, ERR_NOT_FOUND, "plan %lld has no hunk %.*s", (long long)review->plan,
                STR_ARG(id));
      return error_hint_set(err, "look at the review again: results may have changed");
    }
    if (!read_part(hunk, (size_t)first, (size_t)last, &part, &all, err)) return false;
    if (all)
      PUSH(arena, whole, id);
    else
      PUSH(arena, parts, part);
  }
  return true;
}

static bool keep_cuts(Engine *engine, Arena *arena, int64_t plan, const PartList *parts, Error *err)
{
  CutRow *rows = NEW_N(arena, CutRow, 2 * parts->len);
  for (size_t i = 0; i < parts->len; i++) {
    const Part *part = &parts->items[i];
    rows[2 * i] = (CutRow){part->whole, (int64_t)part->from.old_at, (int64_t)part->from.new_at};
    rows[2 * i + 1] = (CutRow){part->whole, (int64_t)part->to.old_at, (int64_t)part->to.new_at};
  }
  return journal_cut_add(engine->journal, plan, rows, 2 * parts->len, err);
}

static bool within(HunkCut at, HunkCut from, HunkCut to)
{
  size_t place = at.old_at + at.new_at;
  return place >= from.old_at + from.new_at && place < to.old_at + to.new_at;
}

// Names the new hunks of the parts in [what]; what was cut off them keeps the decision it had.
static void name_parts(Arena *arena, const Review *review, const PartList *parts, StrList *what,
                       DecisionRowList *rows)
{
  for (size_t i = 0; i < parts->len; i++) {
    const Part *part = &parts->items[i];
    for (size_t k = 0; k < review->hunks.len; k++) {
      const ReviewHunk *hunk = &review->hunks.items[k];
      if (!str_eq(hunk->whole, part->whole)) continue;
      if (within(hunk->offset, part->from, part->to))
        PUSH(arena, what, hunk->id);
      else if (part->was != DECISION_NONE && within(hunk->offset, part->was_from, part->was_to))
        add_row(arena, hunk, part->was, rows);
    }
  }
}

// A hunk whose parts are all undecided once [rows] are written is whole again.
static bool join(Engine *engine, const Review *review, const DecisionRowList *rows, Error *err)
{
  for (size_t i = 0; i < review->hunks.len; i++) {
    const ReviewHunk *hunk = &review->hunks.items[i];
    if (!hunk->whole.len || (i && str_eq(hunk[-1].whole, hunk->whole))) continue;
    bool open = true;
    for (size_t k = i; k < review->hunks.len; k++) {
      const ReviewHunk *part = &review->hunks.items[k];
      if (!str_eq(part->whole, hunk->whole)) break;
      Decision now = part->decision;
      for (size_t r = 0; r < rows->len; r++) {
        if (str_eq(rows->items[r].hunk, part->id)) now = rows->items[r].decision;
      }
      open = open && now == DECISION_NONE && part->applied != APPLIED_DONE;
    }
    if (open && !journal_cut_drop(engine->journal, review->plan, hunk->whole, err)) return false;
  }
  return true;
}

// --- deciding --------------------------------------------------------------------------------------

// [out]: the names as they are now that hunks have been cut.
static bool decide(Engine *engine, Arena *arena, int64_t plan, const StrList *named,
                   Decision decision, StrList *out, Decided *decided, Error *err)
{
  Review review;
  DecisionRowList rows = {0};
  StrList what = {0};
  PartList parts = {0};
  if (!review_build(engine, plan, arena, &review, err)) return false;
  if (!find_parts(arena, &review, named, &what, &parts, err)) return false;
  const bool *meant = review_named(arena, &review, &what, err);
  if (!meant) return false;
  if (parts.len) {
    if (!keep_cuts(engine, arena, plan, &parts, err)) return false;
    if (!review_build(engine, plan, arena, &review, err)) return false;
    name_parts(arena, &review, &parts, &what, &rows);
    meant = review_named(arena, &review, &what, NULL);
  }
  size_t kept = rows.len;
  *out = what;
  for (size_t i = 0; i < review.hunks.len; i++) {
    const ReviewHunk *hunk = &review.hunks.items[i];
    if (!meant[i] || left_rejected(hunk, &what, decision)) continue;
    decided->stale += hunk->stale && decision == DECISION_ACCEPTED;
    if (hunk->decision != decision) add_row(arena, hunk, decision, &rows);
  }
  decided->changed = rows.len - kept;
  if (rows.len && !journal_decision_set(engine->journal, plan, rows.items, rows.len, err))
    return false;
  return decision != DECISION_NONE || join(engine, &review, &rows, err);
}

bool review_decide_named(Engine *engine, int64_t plan, const StrList *what, Decision decision,
                         Arena *arena, StrList *named, Decided *out, Error *err)
{
  Arena scratch;
  arena_init(&scratch);
  StrList now = {0};
  Decided decided = {0};
  // Cuts and decisions together: a part that is cut off keeps what was decided of it.
  bool ok = journal_begin(engine->journal, err);
  if (ok) {
    ok = decide(engine, &scratch, plan, what, decision, &now, &decided, err);
    if (ok)
      ok = journal_commit(engine->journal, err);
    else
      journal_rollback(engine->journal);
  }
  for (size_t i = 0; ok && named && i < now.len; i++)
    PUSH(arena, named, str_dup(arena, now.items[i]));
  if (out) *out = decided;
  arena_deinit(&scratch);
  return ok;
}

bool review_decide(Engine *engine, int64_t plan, const StrList *what, Decision decision,
                   Decided *out, Error *err)
{
  return review_decide_named(engine, plan, what, decision, NULL, NULL, out, err);
}
