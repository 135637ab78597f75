// review.h: the combined result as hunks with verdicts and decisions, and as text with a line index.
//
// A Review is a snapshot: built from the journal and the present texts, valid until either changes. All of
// it lives in the arena given to review_build. Decisions belong to hunk ids, which are made of content
// (hunk_id), so a snapshot may be rebuilt at any time and finds them again.
#pragma once

#include "core/engine.h"
#include "patch/diff.h"
#include "patch/patch.h"
#include "review/base_text.h"

// Files that come, go or change their name have one hunk for that; it has no lines when the text has none.
typedef struct {
  Str id;             // hunk_id
  size_t file;        // index into files
  FileChange change;  // FILE_EDIT: lines; the others: the file as a whole
  Hunk hunk;
  Str whole;       // id of the hunk that this is a part of; empty = it was not cut
  HunkCut offset;  // of the part in it
  StrList tasks;   // who made it, first = main one
  Decision decision;
  AppliedState applied;
  bool stale;           // pending, and cannot be placed in the present text
  bool undone;          // applied, and no longer in the present text: the user took it back there
  bool moved;           // stands elsewhere in the present text than in the base
  bool there;           // not applied, and in the present text all the same: taken over by hand
  size_t line;          // in the present text; 0 = nowhere
  Str why;              // why it is stale, a phrase
  VerdictKind verdict;  // the worst of its tasks
  Str reason;
  Str like_key;  // equal for hunks that make the same change (alike.h); empty = like no other
  size_t like;   // how many make it, this one included
} ReviewHunk;

typedef struct {
  ReviewHunk *items;
  size_t len, cap;
} ReviewHunkList;

typedef struct {
  int64_t plan;
  Str title;
  PlanState state;
  PlanMoney money;
  Str test_command;  // empty = no test ran
  int test_status;
  CombinedList files;
  ReviewHunkList hunks;  // by file, then line
  size_t *first_hunk;    // of each file, and one more: file i has hunks [first[i], first[i + 1])
  size_t accepted, rejected;  // of the stale ones only what is rejected: the others wait
} Review;

// What is rejected needs no place.
static inline bool hunk_is_stale(const ReviewHunk *hunk)
{
  return hunk->stale && hunk->decision != DECISION_REJECTED;
}

// In two steps: what the journal knows, and where each hunk stands in the present texts (stale to why), with the
// counts of what is decided.
bool review_build(Engine *engine, int64_t plan, Arena *arena, Review *out, Error *err);
bool review_gather(Engine *engine, int64_t plan, Arena *arena, Review *out, Error *err);
bool review_place(Engine *engine, Arena *arena, Review *review, Error *err);

// Of each hunk of the review: does one of [what] name it (see review_decide)? With [err] a name that names nothing
// is ERR_NOT_FOUND, and the answer NULL; without it is passed over.
bool *review_named(Arena *arena, const Review *review, const StrList *what, Error *err);

typedef struct {
  size_t changed;  // hunks that were decided otherwise
  size_t stale;    // of those that are accepted now: what no text takes as it is
} Decided;
// [what]: hunk ids, or "task:T01", "file:PATH", "like:ID", "all"; or "ID:A-B", lines A to B of a hunk counted over
// its old and then its new lines: the hunk is cut there, and what is not named keeps the decision it had. When
// all parts of a hunk are undecided again it is whole again. Accepting "all", or what is like a hunk, leaves what is
// rejected; "all!" does not. ERR_NOT_FOUND when one names nothing. [out] may be NULL.
bool review_decide(Engine *engine, int64_t plan, const StrList *what, Decision decision,
                   Decided *out, Error *err);
// [named]: the same as names that hold afterwards, in [arena]: the hunks that lines of a hunk have become.
bool review_decide_named(Engine *engine, int64_t plan, const StrList *what, Decision decision,
                         Arena *arena, StrList *named, Decided *out, Error *err);

// Whose hunks they are that the user wrote.
#define REVIEW_YOU S("you")

// [path] is to become [text], in an editor's line ends, instead of the proposal it is: the difference is the user's,
// and waits for a decision; none takes an earlier one back. Refused (ERR_NOT_FOUND, ERR_REFUSED, ERR_CONFLICT) with
// nothing changed where the plan does not change the file, deletes it, or has applied some of it.
typedef struct {
  bool taken_back;  // it is the proposal again
  size_t hunks;     // that hold lines of the user's; none when what was proposed only went
} HandEdit;
bool review_edit(Engine *engine, int64_t plan, Str path, Str text, HandEdit *out, Error *err);
bool hand_fold(Engine *engine, int64_t plan, Arena *arena, CombinedList *files, Error *err);

// Adds the unified diff of the hunks that are not rejected; empty [path] = all files.
void review_diff(Arena *arena, const Review *review, Str path, Buf *out);
// The text of [path] with every hunk that is not rejected; false when the plan does not touch it.
bool review_proposal(Arena *arena, const Review *review, Str path, Str *text, Str *base);

// Lines of [hunks] (one file's) added and removed.
DiffStat review_stat(const Review *review, size_t file);

// Quickfix entries: hunks, failed tasks, stale hunks.
typedef struct {
  Str path, text, type;  // type: "", "W", "E", "I"
  size_t line, end_line;
  Str hunk, task;
} QfEntry;
typedef struct {
  QfEntry *items;
  size_t len, cap;
} QfList;
void review_quickfix(Engine *engine, Arena *arena, const Review *review, QfList *out);
