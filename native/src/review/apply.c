// apply.c: see apply.h.
//
//   review_build -> per file: present_places -> the wanted hunks' edits -> FileEdits
//   apply_write  -> every file checked and staged, then all renamed; one failure and nothing has changed
#include "review/apply.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fs.h"
#include "review/apply_sweep.h"

typedef struct {
  Engine *engine;
  Project *project;
  Arena *arena;
  const PresentList *present;
  const StrList *only;
  Review review;
  const bool *named;  // by `only`, of each hunk; NULL = all
  ApplyPlan *out;
} Prepare;

static bool wanted(const Prepare *p, size_t index)
{
  const ReviewHunk *hunk = &p->review.hunks.items[index];
  if (p->named && !p->named[index]) return false;
  return p->out->reverting ? hunk->applied == APPLIED_DONE : hunk->decision == DECISION_ACCEPTED;
}

static void note_stale(Prepare *p, const ReviewHunk *hunk, size_t line, Str why)
{
  // The user changed what was applied: that is theirs, and nothing to complain about.
  if (!p->out->reverting && hunk->applied == APPLIED_DONE) return;
  const CombinedFile *file = &p->review.files.items[hunk->file];
  Str task = hunk->tasks.len ? hunk->tasks.items[0] : S("?");
  // Where it stands is not known: where it stood is near.
  size_t at = line ? line : hunk->hunk.old_start;
  PUSH(p->arena, &p->out->stale, hunk->id);
  PUSH(p->arena, &p->out->notes,
       str_fmt(p->arena, "%.*s:%zu: hunk of %.*s is stale: %.*s", STR_ARG(file->path), at,
               STR_ARG(task), STR_ARG(why)));
}

// Takes over what the wanted hunks of one file come to. [doing]: hunks that change something now.
static size_t take_hunks(Prepare *p, size_t file, const FilePlaces *places, const bool *want,
                         FileEdits *out)
{
  size_t first = p->review.first_hunk[file], n = p->review.first_hunk[file + 1] - first, doing = 0;
  for (size_t i = 0; i < n; i++) {
    const ReviewHunk *hunk = &p->review.hunks.items[first + i];
    if (!want[i]) continue;
    Place place = places->places[i];
    if (place.kind == PLACE_STALE) {
      note_stale(p, hunk, place.start, places->why);
      continue;
    }
    // Done already and known to be so: nothing to say.
    if (place.kind == PLACE_DONE && !p->out->reverting && hunk->applied == APPLIED_DONE) continue;
    PUSH(p->arena, &out->hunks, hunk->id);
    if (place.kind == PLACE_DONE) continue;
    doing++;
    if (hunk->change != FILE_EDIT) out->change = hunk->change;
  }
  return doing;
}

static void take_edits(Prepare *p, const FilePlaces *places, const bool *want, FileEdits *out)
{
  for (size_t i = 0; i < places->edits.len; i++) {
    if (want[places->edits.items[i].hunk]) PUSH(p->arena, &out->edits, places->edits.items[i]);
  }
  out->text = out->edits.len ? edits_apply(p->arena, out->before, &out->edits) : out->before;
}

// A whole file comes, goes or changes its name; backwards the same with the roles exchanged.
static void take_whole(const Prepare *p, const CombinedFile *file, FileEdits *out)
{
  bool back = p->out->reverting;
  if (out->change == FILE_RENAME) {
    out->path = back ? file->renamed_from : file->path;
    out->renamed_from = back ? file->path : file->renamed_from;
    return;
  }
  bool exists = back ? file->existed : file->exists;
  out->change = exists ? FILE_NEW : FILE_DELETE;
  out->text = !exists ? STR_NONE : back ? file->base : file->text;
}

// A path that was harmless when the plan ran may lead elsewhere by now.
static bool path_allowed(Prepare *p, Str path, Error *err)
{
  Str why = STR_NONE;
  SendVerdict verdict = project_may_send_name(p->project, p->arena, path, &why);
  if (verdict != SEND_OUTSIDE && verdict != SEND_GIT) return true;
  return error_set(err, ERR_REFUSED, "%.*s is not written: %.*s", STR_ARG(path), STR_ARG(why));
}

static bool prepare_file(Prepare *p, size_t index, Error *err)
{
  const CombinedFile *file = &p->review.files.items[index];
  size_t first = p->review.first_hunk[index], n = p->review.first_hunk[index + 1] - first, any = 0;
  bool *want = NEW_N(p->arena, bool, n + 1);
  for (size_t i = 0; i < n; i++) any += want[i] = wanted(p, first + i);
  if (!any) return true;
  FilePlaces places;
  if (p->out->reverting) {
    present_places_back(p->arena, &p->review, index, p->project, p->present, want, &places);
  } else {
    present_places(p->arena, &p->review, index, p->project, p->present, &places);
  }
  FileEdits edits = {
      .path = places.present.path, .change = FILE_EDIT, .before = places.present.text};
  if (!edits.path.len) edits.path = file->path;
  size_t doing = take_hunks(p, index, &places, want, &edits);
  if (!edits.hunks.len) return true;
  take_edits(p, &places, want, &edits);
  if (edits.change != FILE_EDIT) take_whole(p, file, &edits);
  if (!path_allowed(p, edits.path, err)) return false;
  p->out->hunks += doing;
  PUSH(p->arena, &p->out->files, edits);
  return true;
}

static bool prepare(Prepare *p, int64_t plan, Error *err)
{
  p->project = engine_project_of_plan(p->engine, plan, err);
  if (!p->project || !review_build(p->engine, plan, p->arena, &p->review, err)) return false;
  if (p->only && p->only->len) {
    p->named = review_named(p->arena, &p->review, p->only, p->out->reverting ? err : NULL);
    if (!p->named) return false;
  }
  apply_sweep(p->project, p->arena, &p->review);
  for (size_t i = 0; i < p->review.files.len; i++) {
    if (!prepare_file(p, i, err)) return false;
  }
  return true;
}

bool apply_prepare(Engine *engine, int64_t plan, const PresentList *present, const StrList *only,
                   Arena *arena, ApplyPlan *out, Error *err)
{
  *out = (ApplyPlan){0};
  Prepare p = {.engine = engine, .arena = arena, .present = present, .only = only, .out = out};
  return prepare(&p, plan, err);
}

bool revert_prepare(Engine *engine, int64_t plan, const PresentList *present, const StrList *only,
                    Arena *arena, ApplyPlan *out, Error *err)
{
  *out = (ApplyPlan){.reverting = true};
  Prepare p = {.engine = engine, .arena = arena, .present = present, .only = only, .out = out};
  return prepare(&p, plan, err);
}

// --- remembering -----------------------------------------------------------------------------------

// Everything is decided and done: the plan leaves the review. A revert brings it back.
static bool settle_state(Engine *engine, Arena *arena, int64_t plan, Error *err)
{
  Review review;
  if (!review_build(engine, plan, arena, &review, err)) return false;
  bool open = review.hunks.len == 0;
  for (size_t i = 0; i < review.hunks.len; i++) {
    const ReviewHunk *hunk = &review.hunks.items[i];
    open |= hunk->applied != APPLIED_DONE && hunk->decision != DECISION_REJECTED;
  }
  if (!open && review.state == PLAN_REVIEW) {
    return journal_plan_set_state(engine->journal, plan, PLAN_DONE, STR_NONE, err);
  }
  if (open && review.state == PLAN_DONE && review.hunks.len) {
    return journal_plan_set_state(engine->journal, plan, PLAN_REVIEW, STR_NONE, err);
  }
  return true;
}

bool apply_settle(Engine *engine, int64_t plan, Error *err)
{
  Arena arena;
  arena_init(&arena);
  bool ok = settle_state(engine, &arena, plan, err);
  arena_deinit(&arena);
  return ok;
}

bool apply_done(Engine *engine, int64_t plan, const StrList *hunks, bool reverted, Error *err)
{
  AppliedState state = reverted ? APPLIED_REVERTED : APPLIED_DONE;
  return journal_decision_applied(engine->journal, plan, hunks, state, err) &&
         apply_settle(engine, plan, err);
}

// --- writing ---------------------------------------------------------------------------------------

typedef struct {
  Project *project;
  Arena *arena;
  const ApplyPlan *edits;
  FsStaged staged;
  StrList made;  // directories
} Write;

static char *absolute(const Write *w, Str path)
{
  return project_absolute(w->project, w->arena, path);
}

static Str source_path(const FileEdits *file)
{
  return file->change == FILE_RENAME ? file->renamed_from : file->path;
}

// The bytes on disk must still be those the edits were made for.
static bool unchanged(const Write *w, const FileEdits *file, Error *err)
{
  Str path = source_path(file), now = STR_NONE;
  Error why = {0};
  char *name = absolute(w, path);
  if (file->change == FILE_NEW) {
    if (!fs_exists(name)) return true;
    return error_set(err, ERR_STALE, "%.*s exists by now; nothing was written", STR_ARG(path));
  }
  if (!fs_read(w->arena, name, PROJECT_MAX_FILE, &now, &why)) {
    return error_set(err, why.code, "%s; nothing was written", why.message);
  }
  if (file->change == FILE_RENAME && fs_exists(absolute(w, file->path))) {
    return error_set(err, ERR_STALE, "%.*s exists by now; nothing was written",
                     STR_ARG(file->path));
  }
  if (str_eq(now, file->before)) return true;
  error_set(err, ERR_STALE, "%.*s changed meanwhile; nothing was written", STR_ARG(path));
  return error_hint_set(err, "apply again");
}

// New directories of a project are as the user's umask says (fs_mkdirs makes private ones).
static bool make_parents(Write *w, Str path, Error *err)
{
  for (size_t i = 0; i < path.len; i++) {
    if (path.ptr[i] != '/') continue;
    Str dir = str_sub(path, 0, i);
    char *name = absolute(w, dir);
    struct stat st;
    if (mkdir(name, 0777) == 0) {
      PUSH(w->arena, &w->made, str_from(name));
    } else if (errno == EEXIST && stat(name, &st) == 0 && !S_ISDIR(st.st_mode)) {
      error_set(err, ERR_REFUSED, "%.*s is a file, and %.*s cannot be made below it", STR_ARG(dir),
                STR_ARG(path));
      return error_hint_set(err, "move or delete it, then apply again");
    } else if (errno != EEXIST) {
      return error_set(err, ERR_IO, "cannot make the directory %.*s: %s", STR_ARG(dir),
                       strerror(errno));
    }
  }
  return true;
}

static bool nothing_to_do(const FileEdits *file)
{
  return file->change == FILE_EDIT && !file->edits.len;
}

static bool stage_text(Write *w, const FileEdits *file, Error *err)
{
  mode_t mode = 0644;
  if (file->change == FILE_DELETE || nothing_to_do(file)) return true;
  if (file->change == FILE_RENAME) mode = fs_stat(absolute(w, file->renamed_from)).mode & 0777;
  if (file->change != FILE_EDIT && !make_parents(w, file->path, err)) return false;
  return fs_stage(&w->staged, absolute(w, file->path), file->text, mode, err);
}

static bool stage_removal(Write *w, const FileEdits *file, Error *err)
{
  if (file->change != FILE_DELETE && file->change != FILE_RENAME) return true;
  return fs_stage_remove(&w->staged, absolute(w, source_path(file)), err);
}

static bool all_unchanged(const Write *w, Error *err)
{
  for (size_t i = 0; i < w->edits->files.len; i++) {
    const FileEdits *file = &w->edits->files.items[i];
    if (!nothing_to_do(file) && !unchanged(w, file, err)) return false;
  }
  return true;
}

// What goes is staged last.
static bool stage_all(Write *w, Error *err)
{
  for (size_t i = 0; i < w->edits->files.len; i++) {
    if (!stage_text(w, &w->edits->files.items[i], err)) return false;
  }
  for (size_t i = 0; i < w->edits->files.len; i++) {
    if (!stage_removal(w, &w->edits->files.items[i], err)) return false;
  }
  return true;
}

// Checked again once everything is staged: that may have taken a while.
static bool write_all(Write *w, Error *err)
{
  if (!all_unchanged(w, err)) return false;
  if (stage_all(w, err) && all_unchanged(w, err) && fs_commit_staged(&w->staged, err)) return true;
  fs_discard_staged(&w->staged);
  for (size_t i = w->made.len; i-- > 0;) rmdir(w->made.items[i].ptr);
  return false;
}

static StrList hunks_of(Arena *arena, const ApplyPlan *edits)
{
  StrList all = {0};
  for (size_t i = 0; i < edits->files.len; i++) {
    const StrList *hunks = &edits->files.items[i].hunks;
    for (size_t k = 0; k < hunks->len; k++) PUSH(arena, &all, hunks->items[k]);
  }
  return all;
}

bool apply_write(Engine *engine, int64_t plan, const ApplyPlan *edits, Error *err)
{
  Arena arena;
  arena_init(&arena);
  Write w = {.arena = &arena, .edits = edits, .staged = {.arena = &arena}};
  w.project = engine_project_of_plan(engine, plan, err);
  bool ok = w.project && apply_sweep_mark(engine, plan, true, err);
  if (ok) {
    StrList hunks = hunks_of(&arena, edits);
    ok = write_all(&w, err) && apply_done(engine, plan, &hunks, edits->reverting, err);
    apply_sweep_mark(engine, plan, false, NULL);
  }
  arena_deinit(&arena);
  return ok;
}
