// commit_files.c: see commit_files.h.
#include "review/commit_files.h"

#include "lib/fs.h"
#include "patch/merge.h"
#include "review/present.h"

typedef struct {
  Project *project;
  const Review *review;
  Str only;
  Arena *arena;
} Find;

bool commit_takes(const ReviewHunk *hunk, Str only)
{
  if (hunk->applied != APPLIED_DONE) return false;
  if (!only.len) return true;
  Str main = hunk->tasks.len ? hunk->tasks.items[0] : STR_NONE;
  return str_eq(str_sub(main, 0, str_find_char(main, '.')), only);
}

// The text on disk; what the editor has not written yet is no part of a commit.
static bool disk_text(Find *f, Str path, PresentFile *out, Error *err)
{
  Error why = {0};
  Str unsaved;
  *out = (PresentFile){.path = path};
  char *name = project_absolute(f->project, f->arena, path);
  out->exists = fs_exists(name);
  if (out->exists && !fs_read(f->arena, name, PROJECT_MAX_FILE, &out->text, &why)) {
    return error_set(err, why.code, "%s", why.message);
  }
  if (!project_overlay_get(f->project, path, &unsaved)) return true;
  if (out->exists && str_eq(unsaved, out->text)) return true;
  error_set(err, ERR_REFUSED, "%.*s has unsaved changes", STR_ARG(path));
  return error_hint_set(err, "write it first (:w), then commit");
}

static bool not_written(Str path, Error *err)
{
  error_set(err, ERR_REFUSED, "%.*s is not on disk as applied", STR_ARG(path));
  return error_hint_set(err, "write it first (:w), then commit");
}

static CommitFile *add(Find *f, CommitFileList *out, size_t file, Str path, bool on_disk)
{
  CommitFile one = {.path = path, .file = file, .on_disk = on_disk};
  PUSH(f->arena, out, one);
  return &out->items[out->len - 1];
}

// A whole file: it must be there or gone as applied. Its text may have been edited since.
static bool find_whole(Find *f, size_t index, CommitFileList *out, Error *err)
{
  const CombinedFile *file = &f->review->files.items[index];
  PresentFile disk;
  if (!disk_text(f, file->path, &disk, err)) return false;
  if (disk.exists != file->exists) return not_written(file->path, err);
  add(f, out, index, file->path, true);
  if (file->renamed_from.len) add(f, out, index, file->renamed_from, true);
  return true;
}

// Line hunks. Not all on disk: a formatter may have changed them at :w, or the user. That is told apart from
// "not written" by whether the old lines are still there.
static bool find_edited(Find *f, size_t index, CommitFileList *out, Error *err)
{
  const CombinedFile *file = &f->review->files.items[index];
  PresentFile disk;
  if (!disk_text(f, file->path, &disk, err)) return false;
  if (!disk.exists) return not_written(file->path, err);
  PresentList given = {&disk, 1, 1};
  FilePlaces places;
  present_places(f->arena, f->review, index, f->project, &given, &places);
  size_t first = f->review->first_hunk[index], end = f->review->first_hunk[index + 1];
  bool as_applied = true;
  for (size_t i = first; i < end; i++) {
    if (!commit_takes(&f->review->hunks.items[i], f->only)) continue;
    PlaceKind kind = places.places[i - first].kind;
    if (kind == PLACE_HERE || kind == PLACE_MOVED) return not_written(file->path, err);
    as_applied &= kind == PLACE_DONE;
  }
  if (!as_applied && f->only.len) {
    error_set(err, ERR_REFUSED,
              "%.*s was changed since it was applied, and cannot be told apart by task",
              STR_ARG(file->path));
    return error_hint_set(err, "commit the plan as one");
  }
  CommitFile *one = add(f, out, index, file->path, false);
  one->disk_text = disk.text;
  if (!as_applied) one->on_disk = true;  // commit_files_texts refuses it unless the file was clean
  return true;
}

bool commit_files_find(Engine *engine, const Review *review, Str only, Arena *arena,
                       CommitFileList *out, Error *err)
{
  Find f = {.review = review, .only = only, .arena = arena};
  f.project = engine_project_of_plan(engine, review->plan, err);
  if (!f.project) return false;
  for (size_t i = 0; i < review->files.len; i++) {
    bool any = false, whole = false;
    for (size_t k = review->first_hunk[i]; k < review->first_hunk[i + 1]; k++) {
      const ReviewHunk *hunk = &review->hunks.items[k];
      any |= commit_takes(hunk, only);
      whole |= commit_takes(hunk, only) && hunk->change != FILE_EDIT;
    }
    if (any && !(whole ? find_whole(&f, i, out, err) : find_edited(&f, i, out, err))) return false;
  }
  if (out->len) return true;
  error_set(err, ERR_REFUSED, "nothing of plan %lld is applied", (long long)review->plan);
  return error_hint_set(err, "accept and apply hunks first");
}

// The applied hunks of a file, and which of them are taken: the others stand around them, committed already or not yet.
typedef struct {
  HunkList hunks;
  bool *taken;
} FileHunks;

static FileHunks applied_hunks(Arena *arena, const Review *review, size_t file, Str only)
{
  size_t first = review->first_hunk[file], end = review->first_hunk[file + 1];
  FileHunks out = {.taken = NEW_N(arena, bool, end - first + 1)};
  for (size_t i = first; i < end; i++) {
    const ReviewHunk *hunk = &review->hunks.items[i];
    if (hunk->applied != APPLIED_DONE || hunk->change != FILE_EDIT) continue;
    out.taken[out.hunks.len] = commit_takes(hunk, only);
    PUSH(arena, &out.hunks, hunk->hunk);
  }
  return out;
}

// [text] with the hunks that are taken and that it does not have yet. False when one has no place in it.
static bool with_hunks(Arena *arena, Str base, Str text, const FileHunks *all, Str *out)
{
  Carried carried = hunks_carry(arena, base, text, &all->hunks);
  LineEditList edits = {0};
  for (size_t i = 0; i < all->hunks.len; i++) {
    if (all->taken[i] && carried.places[i].kind == PLACE_STALE) return false;
  }
  for (size_t i = 0; i < carried.edits.len; i++) {
    if (all->taken[carried.edits.items[i].hunk]) PUSH(arena, &edits, carried.edits.items[i]);
  }
  *out = edits.len ? edits_apply(arena, text, &edits) : text;
  return true;
}

// Line ends aside: git may have normalised them.
static bool same_lines(Arena *arena, Str a, Str b)
{
  if (str_eq(a, b)) return true;
  Text x = text_split(arena, a), y = text_split(arena, b);
  if (x.len != y.len) return false;
  for (size_t i = 0; i < x.len; i++) {
    if (!str_eq(x.items[i].text, y.items[i].text)) return false;
  }
  return true;
}

static bool refuse_mixed(Str path, Error *err)
{
  error_set(err, ERR_REFUSED,
            "%.*s: the applied lines stand on changes of yours that are not committed",
            STR_ARG(path));
  return error_hint_set(err, "commit your own changes first, or commit this file yourself");
}

static bool refuse_filtered(Str path, Error *err)
{
  error_set(err, ERR_REFUSED,
            "%.*s: git filters this file, and it holds more than what is to be committed",
            STR_ARG(path));
  return error_hint_set(err, "commit your own changes first, or the plan as one");
}

// Nothing but the applied hunks on top of HEAD, as checked out.
static bool filtered_as_is(Arena *arena, const Review *review, Str only, CommitFile *one,
                           Error *err)
{
  const CombinedFile *file = &review->files.items[one->file];
  FileHunks hunks = applied_hunks(arena, review, one->file, only);
  Str wanted;
  bool whole = same_lines(arena, one->smudged_text, file->base) &&
               with_hunks(arena, file->base, file->base, &hunks, &wanted) &&
               (one->on_disk || same_lines(arena, one->disk_text, wanted));
  one->on_disk = true;
  return whole || refuse_filtered(one->path, err);
}

// A file that goes as it is on disk: what else is staged of it stays, around that. What was applied is not something
// else, with or without what a formatter made of it.
static bool keep_staged(Arena *arena, Str base, const FileHunks *hunks, CommitFile *one, Error *err)
{
  Str applied;
  Merged merged;
  if (str_eq(one->staged.id, one->head.id) || !one->staged.id.len) return true;
  if (same_lines(arena, one->staged_text, one->disk_text)) return true;
  if (with_hunks(arena, base, base, hunks, &applied) &&
      same_lines(arena, one->staged_text, applied))
    return true;
  if (!merge3(arena, one->head_text, one->staged_text, one->disk_text, &merged, err)) return false;
  one->index_text = merged.text;
  return true;
}

static bool file_texts(Arena *arena, const Review *review, Str only, CommitFile *one, Error *err)
{
  const CombinedFile *file = &review->files.items[one->file];
  bool was_clean = same_lines(arena, one->head_text, file->base);
  FileHunks hunks = applied_hunks(arena, review, one->file, only);
  if (one->on_disk && was_clean) return keep_staged(arena, file->base, &hunks, one, err);
  if (one->on_disk) return refuse_mixed(one->path, err);
  if (!with_hunks(arena, file->base, one->head_text, &hunks, &one->text)) {
    return refuse_mixed(one->path, err);
  }
  if (str_eq(one->staged.id, one->head.id) || !one->staged.id.len) return true;
  // Something of this file is staged: it stays staged, on top of what is committed now.
  if (!with_hunks(arena, file->base, one->staged_text, &hunks, &one->index_text))
    one->index_text = one->staged_text;
  return true;
}

// The submodule (or other repository) below the root that [path] lies in; empty for none.
static Str other_repository(Project *project, Arena *arena, Str path)
{
  for (Str dir = path_dir(path); dir.len; dir = path_dir(dir)) {
    Str mark = str_from(path_join(arena, dir, S(".git")));
    if (fs_exists(project_absolute(project, arena, mark))) return dir;
  }
  return STR_NONE;
}

// Why a file is left out of the commit; empty when it is not.
static Str left_out(Project *project, Arena *arena, const CommitFile *one, bool edited)
{
  Str other = other_repository(project, arena, one->path);
  if (other.len)
    return str_fmt(arena, "%.*s is left out: it belongs to the repository in %.*s, commit it there",
                   STR_ARG(one->path), STR_ARG(other));
  if (!edited || one->head.id.len) return STR_NONE;
  return str_fmt(arena, "%.*s is left out: git does not know it yet", STR_ARG(one->path));
}

bool commit_files_texts(Project *project, const Review *review, Str only, Arena *arena,
                        CommitFileList *files, StrList *notes, Error *err)
{
  CommitFileList keep = {0};
  for (size_t i = 0; i < files->len; i++) {
    CommitFile *one = &files->items[i];
    const CombinedFile *file = &review->files.items[one->file];
    bool edited = file->existed && file->exists && !file->renamed_from.len;
    Str why = left_out(project, arena, one, edited);
    if (why.len) {
      PUSH(arena, notes, why);
      continue;
    }
    if (edited && !(one->filtered ? filtered_as_is : file_texts)(arena, review, only, one, err))
      return false;
    PUSH(arena, &keep, *one);
  }
  *files = keep;
  if (keep.len) return true;
  error_set(err, ERR_REFUSED, "nothing to commit: %.*s%s", STR_ARG(notes->items[0]),
            notes->len > 1 ? ", and others" : "");
  return error_hint_set(err, "commit them yourself");
}
