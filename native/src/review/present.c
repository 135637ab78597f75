// present.c: see present.h.
#include "review/present.h"

bool present_get(Project *project, const PresentList *given, Arena *arena, Str path,
                 PresentFile *out, Error *err)
{
  *out = (PresentFile){.path = path};
  for (size_t i = 0; given && i < given->len; i++) {
    if (!str_eq(given->items[i].path, path)) continue;
    *out = given->items[i];
    return true;
  }
  Error why = {0};
  out->exists = project_read_local(project, arena, path, &out->text, &why);
  if (out->exists || why.code == ERR_NOT_FOUND) return true;
  error_set(err, why.code, "%s", why.message);
  return error_hint_set(err, "%s", why.hint);
}

static void all_stale(size_t n, FilePlaces *out, Str why)
{
  for (size_t i = 0; i < n; i++) out->places[i] = (Place){PLACE_STALE, 0};
  out->edits.len = 0;
  out->why = why;
}

// What is and what should be, of a file that comes or goes as a whole.
static void place_whole(const PresentFile *present, const CombinedFile *file, FilePlaces *out)
{
  bool done =
      present->exists == file->exists && (!file->exists || str_eq(present->text, file->text));
  bool todo =
      present->exists == file->existed && (!file->existed || str_eq(present->text, file->base));
  out->places[0] = (Place){done ? PLACE_DONE : todo ? PLACE_HERE : PLACE_STALE, 1};
  if (done || todo) return;
  out->why = file->exists ? S("the file exists by now, with another text")
                          : S("the file was changed meanwhile");
}

// A renamed file stands under one of its names. The first hunk is the rename itself.
static bool find_renamed(Project *project, const PresentList *given, Arena *arena,
                         const CombinedFile *file, FilePlaces *out, Error *err)
{
  PresentFile old, new;
  if (!present_get(project, given, arena, file->renamed_from, &old, err)) return false;
  if (!present_get(project, given, arena, file->path, &new, err)) return false;
  PlaceKind kind = old.exists && !new.exists  ? PLACE_HERE
                   : !old.exists &&new.exists ? PLACE_DONE
                                              : PLACE_STALE;
  out->places[0] = (Place){kind, 1};
  out->present = kind == PLACE_DONE ? new : old;
  if (kind == PLACE_STALE) out->why = new.exists ? S("both names exist") : S("the file is gone");
  return true;
}

static HunkList edit_hunks(Arena *arena, const Review *review, size_t first, size_t end)
{
  HunkList hunks = {0};
  for (size_t i = first; i < end; i++) {
    if (review->hunks.items[i].change == FILE_EDIT)
      PUSH(arena, &hunks, review->hunks.items[i].hunk);
  }
  return hunks;
}

// Carries the edits; places[] of the hunks behind a rename start one later.
static void place_edits(Arena *arena, Str base, const HunkList *hunks, size_t offset,
                        FilePlaces *out)
{
  Carried carried = hunks_carry(arena, base, out->present.text, hunks);
  for (size_t i = 0; i < hunks->len; i++) out->places[offset + i] = carried.places[i];
  out->edits = carried.edits;
  for (size_t i = 0; i < out->edits.len; i++) out->edits.items[i].hunk += offset;
  if (!out->why.len) out->why = S("the lines changed meanwhile");
}

void present_places(Arena *arena, const Review *review, size_t index, Project *project,
                    const PresentList *given, FilePlaces *out)
{
  const CombinedFile *file = &review->files.items[index];
  size_t first = review->first_hunk[index], end = review->first_hunk[index + 1], n = end - first;
  *out = (FilePlaces){.places = NEW_N(arena, Place, n)};
  Error err = {0};
  bool renamed = file->renamed_from.len > 0;
  bool ok = renamed ? find_renamed(project, given, arena, file, out, &err)
                    : present_get(project, given, arena, file->path, &out->present, &err);
  if (n == 0) return;
  if (!ok) {
    all_stale(n, out, str_fmt(arena, "%s", err.message));
  } else if (file->existed != file->exists) {
    place_whole(&out->present, file, out);
  } else if (!out->present.exists) {
    all_stale(n, out, S("the file is gone"));
  } else {
    HunkList hunks = edit_hunks(arena, review, first, end);
    place_edits(arena, file->base, &hunks, renamed, out);
  }
}

// The undoing of a whole file is the same file with before and after exchanged.
static void place_whole_back(const PresentFile *present, const CombinedFile *file, FilePlaces *out)
{
  CombinedFile back = *file;
  back.existed = file->exists;
  back.exists = file->existed;
  back.base = file->text;
  back.text = file->base;
  place_whole(present, &back, out);
}

// The marked edits, turned round and carried to the present text. Others that are in force are turned round
// with them, as neighbours: a part of a hunk goes back while the rest of it stays.
static void place_edits_back(Arena *arena, const Review *review, size_t index, const bool *marked,
                             FilePlaces *out)
{
  size_t first = review->first_hunk[index], end = review->first_hunk[index + 1];
  size_t *number = NEW_N(arena, size_t, end - first + 1);
  HunkList done = {0};
  for (size_t i = first; i < end; i++) {
    const ReviewHunk *hunk = &review->hunks.items[i];
    if (hunk->change != FILE_EDIT) continue;
    if (!marked[i - first] && hunk->applied != APPLIED_DONE) continue;
    number[done.len] = i - first;
    PUSH(arena, &done, hunk->hunk);
  }
  Str applied = hunks_apply(arena, review->files.items[index].base, &done);
  HunkList back = hunks_invert(arena, applied, &done);
  Carried carried = hunks_carry(arena, applied, out->present.text, &back);
  for (size_t k = 0; k < back.len && k < done.len; k++) out->places[number[k]] = carried.places[k];
  for (size_t i = 0; i < carried.edits.len; i++) {
    LineEdit edit = carried.edits.items[i];
    edit.hunk = number[edit.hunk];
    if (marked[edit.hunk]) PUSH(arena, &out->edits, edit);
  }
  out->why = S("the lines changed since they were applied");
}

void present_places_back(Arena *arena, const Review *review, size_t index, Project *project,
                         const PresentList *given, const bool *marked, FilePlaces *out)
{
  const CombinedFile *file = &review->files.items[index];
  size_t first = review->first_hunk[index], end = review->first_hunk[index + 1], n = end - first;
  FilePlaces there;
  present_places(arena, review, index, project, given, &there);
  *out = (FilePlaces){.present = there.present, .places = NEW_N(arena, Place, n), .why = there.why};
  if (n == 0) return;
  if (file->existed != file->exists) {
    place_whole_back(&there.present, file, out);
    return;
  }
  if (!there.present.exists) {
    all_stale(n, out, S("the file is gone"));
    return;
  }
  // A rename goes back when it is in force; its place there says so.
  if (file->renamed_from.len) {
    out->places[0] = (Place){there.places[0].kind == PLACE_DONE ? PLACE_HERE : PLACE_DONE, 1};
  }
  place_edits_back(arena, review, index, marked, out);
}
