// view_review.c: the review as one unified diff: what it stands for, line by line.
//
//   piecework://review/12  rename cfg_get to config_get   [14/31 decided  $0.112]
//   diff src/net.c  T01  verified ok  +4 -4                            [accepted]
//   @@ -88,3 +88,3 @@ T01                                              [accepted]
//
// What needs a look comes first: rejected, doubtful, conflicting, stale; then the files in their order.
// Context around two hunks that are close is shown once, so that the whole stays a diff. Lines that went elsewhere as
// they are stand below a note that says where to, or from:
//
//   # 676 lines moved from big.c:210-885
#include <stdlib.h>

#include "patch/moves.h"
#include "view/view_text.h"
#include "work/estimate.h"

enum { LIKE_TOLD = 3 };  // more hunks than this that make one change are said

typedef struct {
  Arena *arena;
  const Review *review;
  MoveList moves;
  DiffStat *moved;  // lines of each file
  ViewText text;
} Writer;

// --- what is said of a file or hunk ---------------------------------------------------------------

static Str state_of(const ReviewHunk *hunk)
{
  if (hunk_is_stale(hunk)) return S("stale");
  if (hunk->applied == APPLIED_DONE && !hunk->undone) return S("applied");
  if (hunk->decision == DECISION_REJECTED) return S("rejected");
  return hunk->decision == DECISION_ACCEPTED ? S("accepted") : STR_NONE;
}

static Str decided(const ReviewHunk *hunk)
{
  if (hunk->applied == APPLIED_DONE && !hunk->undone) return S("[applied]");
  if (hunk->decision == DECISION_REJECTED) return S("[rejected]");
  return hunk->decision == DECISION_ACCEPTED ? S("[accepted]") : STR_NONE;
}

static Str hunk_mark(Arena *arena, const ReviewHunk *hunk)
{
  if (hunk_is_stale(hunk)) return str_fmt(arena, "[stale: %.*s]", STR_ARG(hunk->why));
  Str mark = decided(hunk);
  bool moved = hunk->moved && (hunk->applied != APPLIED_DONE || hunk->undone);
  if (!moved && !hunk->there) return mark;
  Str place = moved ? str_fmt(arena, "[moved to line %zu]", hunk->line) : S("[there already]");
  return str_fmt(arena, "%.*s%s%.*s", STR_ARG(place), mark.len ? " " : "", STR_ARG(mark));
}

// The mark all hunks of a file share; empty when they differ.
static Str file_mark(const Review *review, size_t file)
{
  size_t first = review->first_hunk[file], end = review->first_hunk[file + 1];
  if (first == end) return STR_NONE;
  Str mark = decided(&review->hunks.items[first]);
  for (size_t i = first; i < end; i++) {
    if (!str_eq(mark, decided(&review->hunks.items[i]))) return STR_NONE;
  }
  return mark;
}

enum { RANK_REJECTED, RANK_DOUBT, RANK_STALE, RANK_PLAIN };

// By verdict and place, never by decision: the order must not change while the user decides.
static int hunk_rank(const ReviewHunk *hunk)
{
  if (hunk->verdict == VERDICT_REJECTED) return RANK_REJECTED;
  if (hunk->verdict == VERDICT_DOUBT) return RANK_DOUBT;
  return hunk->stale ? RANK_STALE : RANK_PLAIN;
}

// The file's most worrying hunk speaks for it. NULL for a file without hunks.
static const ReviewHunk *worst_hunk(const Review *review, size_t file)
{
  const ReviewHunk *worst = NULL;
  for (size_t i = review->first_hunk[file]; i < review->first_hunk[file + 1]; i++) {
    const ReviewHunk *hunk = &review->hunks.items[i];
    if (!worst || hunk_rank(hunk) < hunk_rank(worst)) worst = hunk;
  }
  return worst;
}

typedef struct {
  size_t file;
  int rank;
} Ranked;

static int by_rank(const void *left, const void *right)
{
  const Ranked *a = left, *b = right;
  if (a->rank != b->rank) return a->rank - b->rank;
  return a->file < b->file ? -1 : a->file > b->file;
}

static Ranked *ranked_files(Arena *arena, const Review *review)
{
  Ranked *order = NEW_N(arena, Ranked, review->files.len + 1);
  for (size_t i = 0; i < review->files.len; i++) {
    const ReviewHunk *worst = worst_hunk(review, i);
    order[i] = (Ranked){i, worst ? hunk_rank(worst) : RANK_PLAIN};
    if (review->files.items[i].conflict && order[i].rank > RANK_DOUBT) order[i].rank = RANK_DOUBT;
  }
  if (review->files.len) qsort(order, review->files.len, sizeof(*order), by_rank);
  return order;
}

// --- lines ----------------------------------------------------------------------------------------

static void write_head(Writer *w)
{
  const Review *review = w->review;
  size_t decided_n = review->accepted + review->rejected;
  Str cost = money(w->arena, review->money.spent + review->money.lost);
  Str right =
      str_fmt(w->arena, "[%zu/%zu decided  %.*s]", decided_n, review->hunks.len, STR_ARG(cost));
  Str name = str_fmt(w->arena, "piecework://review/%lld", (long long)review->plan);
  size_t room = VIEW_WIDTH - str_columns(name) - str_columns(right) - 3;
  Str title = room < VIEW_WIDTH ? str_fit(w->arena, review->title, room) : STR_NONE;
  LineMeaning head = {.kind = S("head"), .plan = review->plan};
  view_pair(&w->text, head, str_fmt(w->arena, "%.*s  %.*s", STR_ARG(name), STR_ARG(title)), right);
  if (!review->test_command.len) return;
  view_line(&w->text, head, "# test: %.*s %s", STR_ARG(review->test_command),
            review->test_status == 0 ? "passed in the worktree" : "FAILED in the worktree");
}

static Str verdict_words(const ReviewHunk *hunk)
{
  static const char *const words[] = {[VERDICT_NONE] = "not verified",
                                      [VERDICT_OK] = "verified ok",
                                      [VERDICT_DOUBT] = "DOUBT",
                                      [VERDICT_REJECTED] = "REJECTED"};
  return str_from(words[hunk->verdict]);
}

// The first of the file's hunks with the worst verdict, whatever was decided. NULL for a file without hunks.
static const ReviewHunk *judged_hunk(const Review *review, size_t file)
{
  const ReviewHunk *worst = NULL;
  for (size_t i = review->first_hunk[file]; i < review->first_hunk[file + 1]; i++) {
    const ReviewHunk *hunk = &review->hunks.items[i];
    if (!worst || hunk->verdict > worst->verdict) worst = hunk;
  }
  return worst;
}

static Str file_kind(const CombinedFile *file)
{
  if (!file->existed && file->exists) return S("NEW  ");
  if (file->existed && !file->exists) return S("DELETED  ");
  return file->renamed_from.len ? S("RENAMED  ") : STR_NONE;
}

static void write_file_head(Writer *w, size_t index)
{
  const CombinedFile *file = &w->review->files.items[index];
  const ReviewHunk *judged = judged_hunk(w->review, index);
  DiffStat stat = review_stat(w->review, index);
  LineMeaning head = {.kind = S("file"), .path = file->path};
  if (file->tasks.len) head.task = file->tasks.items[0];
  Str tasks = str_join(w->arena, &file->tasks, S(" "));
  Str words = judged ? verdict_words(judged) : S("CONFLICT");
  Str reason = judged ? judged->reason : STR_NONE;
  Str left =
      str_fmt(w->arena, "diff %.*s  %.*s%.*s  %.*s", STR_ARG(file->path), STR_ARG(file_kind(file)),
              STR_ARG(str_fit(w->arena, tasks, 24)), STR_ARG(words));
  DiffStat moved = w->moved[index];
  Str counts = str_fmt(w->arena, "  +%zu -%zu", stat.added, stat.removed);
  if (moved.added + moved.removed) {
    counts =
        str_fmt(w->arena, "%.*s, moved +%zu -%zu", STR_ARG(counts), moved.added, moved.removed);
  }
  Str mark = file_mark(w->review, index);
  Str with = str_fmt(w->arena, "%.*s: %.*s%.*s", STR_ARG(left), STR_ARG(reason), STR_ARG(counts));
  bool inline_reason = reason.len && str_columns(with) + str_columns(mark) < VIEW_WIDTH;
  view_pair(&w->text, head, inline_reason ? with : str_cat(w->arena, left, counts), mark);
  head.kind = S("note");
  if (reason.len && !inline_reason) view_wrapped(&w->text, head, S("#   "), reason);
  if (file->renamed_from.len)
    view_line(&w->text, head, "# renamed from %.*s", STR_ARG(file->renamed_from));
  if (file->conflict) {
    view_line(&w->text, head, "# conflict: %.*s changed the same lines and was left out",
              STR_ARG(file->conflict_task));
  }
}

typedef struct {
  size_t before, after;  // context lines to show
} Around;

// A hunk's context stops at its neighbours; what lies between two is shown before the second.
static Around around(const Review *review, size_t i)
{
  const ReviewHunk *hunk = &review->hunks.items[i];
  Around out = {hunk->hunk.before_len, hunk->hunk.after_len};
  size_t first = review->first_hunk[hunk->file], end = review->first_hunk[hunk->file + 1];
  if (hunk->change != FILE_EDIT) return (Around){0, 0};
  if (i > first && hunk[-1].change == FILE_EDIT) {
    size_t gap = hunk->hunk.old_start - (hunk[-1].hunk.old_start + hunk[-1].hunk.old_len);
    if (gap < out.before) out.before = gap;
  }
  if (i + 1 < end) {
    size_t gap = hunk[1].hunk.old_start - (hunk->hunk.old_start + hunk->hunk.old_len);
    size_t taken = hunk[1].hunk.before_len < gap ? hunk[1].hunk.before_len : gap;
    if (gap - taken < out.after) out.after = gap - taken;
  }
  return out;
}

static Str range(Arena *arena, size_t start, size_t len)
{
  if (len == 1) return str_fmt(arena, "%zu", start);
  return str_fmt(arena, "%zu,%zu", len ? start : start - 1, len);
}

static void write_hunk_head(Writer *w, const ReviewHunk *hunk, LineMeaning meaning, Around ctx)
{
  const Hunk *h = &hunk->hunk;
  meaning.kind = S("hunk");
  meaning.line = h->new_start;
  meaning.state = state_of(hunk);
  size_t more = ctx.before + ctx.after;
  Str old_range = range(w->arena, h->old_start - ctx.before, h->old_len + more);
  Str new_range = range(w->arena, h->new_start - ctx.before, h->new_len + more);
  Str tasks = str_join(w->arena, &hunk->tasks, S(" "));
  Str left = str_fmt(w->arena, "@@ -%.*s +%.*s @@ %.*s", STR_ARG(old_range), STR_ARG(new_range),
                     STR_ARG(str_fit(w->arena, tasks, 24)));
  if (hunk->like > LIKE_TOLD)
    left = str_fmt(w->arena, "%.*s  %zu like this", STR_ARG(left), hunk->like);
  view_pair(&w->text, meaning, left, hunk_mark(w->arena, hunk));
}

static void write_context(Writer *w, LineMeaning meaning, const Line *lines, size_t len)
{
  for (size_t i = 0; i < len; i++) {
    view_source(&w->text, meaning, ' ', lines[i].text);
    meaning.line++;
  }
}

// What became of a move's other end, where that is not what the reader expects: half a move loses lines, or doubles
// them.
static Str other_end(const Review *review, MoveEnd end, MovePlace place)
{
  for (size_t i = review->first_hunk[place.file]; i < review->first_hunk[place.file + 1]; i++) {
    const ReviewHunk *hunk = &review->hunks.items[i];
    const Hunk *h = &hunk->hunk;
    size_t start = end == MOVE_FROM ? h->old_start : h->new_start;
    size_t len = end == MOVE_FROM ? h->old_len : h->new_len;
    if (place.line < start || place.line - start >= len) continue;
    return hunk->stale                           ? S(" [stale there]")
           : hunk->decision == DECISION_REJECTED ? S(" [rejected there]")
                                                 : STR_NONE;
  }
  return STR_NONE;
}

static void write_move(Writer *w, LineMeaning meaning, const Move *move, MoveEnd end)
{
  MovePlace there = move->ends[!end];
  const CombinedFile *file = &w->review->files.items[there.file];
  bool was = end == MOVE_TO && file->renamed_from.len;
  Str path = was ? file->renamed_from : file->path;
  meaning.kind = S("note");
  meaning.moved = move->len;
  view_line(&w->text, meaning, "# %zu lines moved %s %.*s:%zu-%zu%.*s", move->len,
            end == MOVE_FROM ? "to" : "from", STR_ARG(path), there.line, there.line + move->len - 1,
            STR_ARG(other_end(w->review, !end, there)));
}

// The lines that go, or those that come.
static void write_side(Writer *w, LineMeaning meaning, MoveEnd end, const ReviewHunk *hunk)
{
  const Hunk *h = &hunk->hunk;
  const Line *lines = end == MOVE_FROM ? h->old_lines : h->new_lines;
  size_t start = end == MOVE_FROM ? h->old_start : h->new_start;
  size_t len = end == MOVE_FROM ? h->old_len : h->new_len;
  meaning.kind = end == MOVE_FROM ? S("del") : S("add");
  meaning.line = h->new_start;
  for (size_t i = 0; i < len; i++) {
    const Move *move = moves_at(&w->moves, end, hunk->file, start + i);
    if (move && move->ends[end].line == start + i) write_move(w, meaning, move, end);
    view_source(&w->text, meaning, end == MOVE_FROM ? '-' : '+', lines[i].text);
    if (end == MOVE_TO) meaning.line++;
  }
}

static void write_hunk(Writer *w, size_t i)
{
  const ReviewHunk *hunk = &w->review->hunks.items[i];
  const Hunk *h = &hunk->hunk;
  Around ctx = around(w->review, i);
  LineMeaning meaning = {.hunk = hunk->id, .path = w->review->files.items[hunk->file].path};
  if (hunk->tasks.len) meaning.task = hunk->tasks.items[0];
  write_hunk_head(w, hunk, meaning, ctx);
  meaning.kind = S("context");
  meaning.line = h->new_start - ctx.before;
  if (ctx.before) write_context(w, meaning, h->before + (h->before_len - ctx.before), ctx.before);
  write_side(w, meaning, MOVE_FROM, hunk);
  write_side(w, meaning, MOVE_TO, hunk);
  meaning.line = h->new_start + h->new_len;
  if (ctx.after) write_context(w, meaning, h->after, ctx.after);
}

static void write_file(Writer *w, size_t index)
{
  size_t first = w->review->first_hunk[index], end = w->review->first_hunk[index + 1];
  if (first == end && !w->review->files.items[index].conflict) return;
  write_file_head(w, index);
  for (size_t i = first; i < end; i++) write_hunk(w, i);
}

static void find_moves(Writer *w)
{
  const Review *review = w->review;
  HunkList *files = NEW_N(w->arena, HunkList, review->files.len + 1);
  w->moved = NEW_N(w->arena, DiffStat, review->files.len + 1);
  for (size_t i = 0; i < review->hunks.len; i++)
    PUSH(w->arena, &files[review->hunks.items[i].file], review->hunks.items[i].hunk);
  w->moves = moves_find(w->arena, files, review->files.len);
  for (size_t i = 0; i < w->moves.len; i++) {
    const Move *move = &w->moves.items[i];
    w->moved[move->ends[MOVE_FROM].file].removed += move->len;
    w->moved[move->ends[MOVE_TO].file].added += move->len;
  }
}

void view_review(Arena *arena, const Review *review, View *out)
{
  Writer w = {.arena = arena, .review = review};
  find_moves(&w);
  view_begin(&w.text, arena, out);
  write_head(&w);
  if (!review->hunks.len) {
    view_line(&w.text, (LineMeaning){.kind = S("note")},
              "nothing to review: no task has changed a file");
  }
  const Ranked *order = ranked_files(arena, review);
  for (size_t i = 0; i < review->files.len; i++) write_file(&w, order[i].file);
  view_end(&w.text);
}
