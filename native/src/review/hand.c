// hand.c: a proposal that the user changed by hand. See review.h.
//
// It is kept beside the tasks' results, one text per file, as the change from the proposal that the user saw to what
// the user made of it, and is folded over the results as the last change, made by "you".
#include "review/combine.h"
#include "review/review.h"

bool hand_fold(Engine *engine, int64_t plan, Arena *arena, CombinedList *files, Error *err)
{
  HandRowList rows = {0};
  Journal *journal = engine->journal;
  if (!journal_hand_list(journal, arena, plan, &rows, err)) return false;
  for (size_t i = 0; i < rows.len; i++) {
    const HandRow *row = &rows.items[i];
    CombinedFile *file = NULL;
    for (size_t k = 0; k < files->len; k++) {
      if (str_eq(files->items[k].path, row->path)) file = &files->items[k];
    }
    if (!file || !file->exists) continue;  // the result it was made on is gone
    Change change = {.task = REVIEW_YOU, .path = row->path, .change = FILE_EDIT};
    if (!journal_blob_get(journal, arena, row->shown_hash, &change.shown, err) ||
        !journal_blob_get(journal, arena, row->made_hash, &change.made, err) ||
        !combine_change(arena, file, &change, err)) {
      return false;
    }
  }
  return true;
}

// The user's text with the line ends of the proposal: an editor shows neither CR nor a missing last line end.
static Str like(Arena *arena, Str text, Str proposal)
{
  bool crlf = str_has(proposal, S("\r\n")), ends = str_ends(proposal, S("\n"));
  Buf out;
  buf_init(&out, 2 * text.len + 2);
  for (Str rest = text, line; str_line(&rest, &line);) {
    buf_add(&out, line);
    bool last = rest.len == 0;
    if (!last || ends || !proposal.len) buf_add(&out, crlf ? S("\r\n") : S("\n"));
  }
  Str all = buf_take(&out, arena);
  buf_deinit(&out);
  return all;
}

static const CombinedFile *find_file(const Review *review, Str path)
{
  for (size_t i = 0; i < review->files.len; i++) {
    if (str_eq(review->files.items[i].path, path)) return &review->files.items[i];
  }
  return NULL;
}

static bool check(const Review *review, Str path, Error *err)
{
  const CombinedFile *file = find_file(review, path);
  if (!file) {
    return error_set(err, ERR_NOT_FOUND, "plan %lld does not change %.*s", (long long)review->plan,
                     STR_ARG(path));
  }
  if (!file->exists) {
    return error_set(err, ERR_REFUSED, "%.*s is deleted by the plan", STR_ARG(path));
  }
  for (size_t i = 0; i < review->hunks.len; i++) {
    const ReviewHunk *hunk = &review->hunks.items[i];
    bool here = &review->files.items[hunk->file] == file;
    if (!here || hunk->applied != APPLIED_DONE) continue;
    error_set(err, ERR_REFUSED, "hunks of %.*s are applied already", STR_ARG(path));
    return error_hint_set(err, "edit the file itself, or :Piecework revert first");
  }
  return true;
}

static bool has_yours(const ReviewHunk *hunk)
{
  for (size_t i = 0; i < hunk->tasks.len; i++) {
    if (str_eq(hunk->tasks.items[i], REVIEW_YOU)) return true;
  }
  return false;
}

// How many hunks the user has in the file by now. They wait for a decision like all others: plugins write buffers by
// themselves, and a hunk that the user touched may hold a task's lines, too.
static bool count_yours(Engine *engine, Arena *arena, int64_t plan, Str path, size_t *hunks,
                        Error *err)
{
  Review review;
  if (!review_build(engine, plan, arena, &review, err)) return false;
  const CombinedFile *file = find_file(&review, path);
  if (file && file->conflict && str_eq(file->conflict_task, REVIEW_YOU)) {
    error_set(err, ERR_CONFLICT, "your change touches lines of a hunk that is rejected");
    return error_hint_set(err, "make that hunk undecided, or leave its lines alone");
  }
  for (size_t i = 0; i < review.hunks.len; i++) {
    const ReviewHunk *hunk = &review.hunks.items[i];
    bool here = &review.files.items[hunk->file] == file;
    *hunks += here && has_yours(hunk);
  }
  return true;
}

static bool edit(Engine *engine, Arena *arena, int64_t plan, Str path, Str text, HandEdit *out,
                 Error *err)
{
  Review review;
  Str proposal, base;
  Journal *journal = engine->journal;
  if (!review_build(engine, plan, arena, &review, err) || !check(&review, path, err)) return false;
  // What it was before an earlier edit is what this one is told from.
  if (!journal_hand_drop(journal, plan, path, err)) return false;
  if (!review_build(engine, plan, arena, &review, err)) return false;
  review_proposal(arena, &review, path, &proposal, &base);
  Str made = like(arena, text, proposal);
  *out = (HandEdit){.taken_back = str_eq(made, proposal)};
  if (out->taken_back) return true;
  return journal_hand_put(journal, plan, path, proposal, made, err) &&
         count_yours(engine, arena, plan, path, &out->hunks, err);
}

bool review_edit(Engine *engine, int64_t plan, Str path, Str text, HandEdit *out, Error *err)
{
  Arena arena;
  arena_init(&arena);
  bool ok = journal_begin(engine->journal, err);
  if (ok) {
    ok = edit(engine, &arena, plan, path, text, out, err);
    if (ok)
      ok = journal_commit(engine->journal, err);
    else
      journal_rollback(engine->journal);
  }
  arena_deinit(&arena);
  return ok;
}
