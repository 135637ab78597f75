// patch_files.c: see patch_files.h.
#include "front/patch_files.h"

#include "lib/fs.h"
#include "patch/path.h"
#include "patch/reply.h"

enum { FILE_MAX_BYTES = 128 << 20, BARRED_MAX = 256 };

static void add_refusal(PatchRun *run, RefuseCode code, Str path, size_t line, Str reason)
{
  Refusal refusal = {code, 0, path, line, reason};
  PUSH(&run->arena, &run->result.refusals, refusal);
}

// --- targets -----------------------------------------------------------------------------------------

static bool target_known(const PatchRun *run, Str path)
{
  for (size_t i = 0; i < run->spec.len; i++) {
    if (str_eq(run->spec.targets[i].path, path)) return true;
  }
  return false;
}

static bool read_under(PatchRun *run, const char *dir, Str path, Str *out)
{
  Error ignored = {0};
  *out = STR_NONE;
  return fs_read(&run->arena, path_join(&run->arena, str_from(dir), path), FILE_MAX_BYTES, out,
                 &ignored);
}

static void push_target(PatchRun *run, PatchTarget target)
{
  PatchSpec *spec = &run->spec;
  if (spec->len == spec->cap) {
    spec->targets = arena_grow(&run->arena, spec->targets, spec->len, &spec->cap, sizeof(target));
  }
  spec->targets[spec->len++] = target;
}

// The text the model was shown: under --base where it is there, else the present one.
static void add_target(PatchRun *run, Str path, Range range)
{
  PatchTarget target = {.path = str_dup(&run->arena, path), .range = range, .exists = true};
  bool shown = run->base && read_under(run, run->base, path, &target.shown);
  if (!shown && !read_under(run, run->guard.root, path, &target.shown)) target.exists = false;
  push_target(run, target);
}

// A file given by its whole name is as good as one given from the root.
static Str below_root(const PatchRun *run, Str path)
{
  Str root = str_from(run->guard.root);
  bool inside = str_starts(path, root) && path.len > root.len && path.ptr[root.len] == '/';
  return inside ? str_skip(path, root.len + 1) : path;
}

static void wanted_targets(PatchRun *run)
{
  for (size_t i = 0; i < run->wanted.len; i++) {
    RefuseCode why;
    Error err = {0};
    Str path = below_root(run, run->wanted.items[i].path);
    if (target_known(run, path)) continue;
    if (guard_path(&run->guard, path, &why, &err))
      add_target(run, path, run->wanted.items[i].range);
    else
      add_refusal(run, why, path, 0, str_dup(&run->arena, str_from(err.message)));
  }
}

// Takes one hint of [block] as a whole path. True when something is there.
static bool take_hint(PatchRun *run, const Block *block, Str path)
{
  RefuseCode why;
  Error err = {0};
  if (!patch_path_ok(path, &why) || target_known(run, path)) return false;
  if (fs_stat(path_join(&run->arena, str_from(run->guard.root), path)).kind == FS_NONE)
    return false;
  if (guard_path(&run->guard, path, &why, &err)) {
    add_target(run, path, (Range){0, 0});
    return true;
  }
  Refusal refusal = {why, block->number, str_dup(&run->arena, path), 0,
                     str_dup(&run->arena, str_from(err.message))};
  if (run->barred.len < BARRED_MAX) PUSH(&run->arena, &run->barred, refusal);
  return true;
}

// Without --file every file under the root may be meant, by its whole path.
static void hinted_targets(PatchRun *run, const Reply *reply)
{
  for (size_t i = 0; i < reply->blocks.len; i++) {
    const Block *block = &reply->blocks.items[i];
    for (size_t k = 0; k < block->hint_count; k++) {
      Str path = path_clean(block->hints[k]);
      while (str_starts(path, S("./"))) path = str_skip(path, 2);
      if (take_hint(run, block, path)) continue;
      if (str_starts(path, S("a/")) || str_starts(path, S("b/")))
        take_hint(run, block, str_skip(path, 2));
    }
  }
}

// Only a diff that says so deletes or renames; an emptied file is refused.
static void allow_deletions(PatchRun *run, const Reply *reply)
{
  for (size_t i = 0; i < reply->blocks.len; i++) {
    const Block *block = &reply->blocks.items[i];
    if (!block->deletes && block->kind != BLOCK_RENAME) continue;
    PathMatch match = path_resolve(&run->spec, block, false);
    if (match.kind == PATH_FOUND) run->spec.targets[match.target].may_delete = true;
  }
}

static void find_targets(PatchRun *run, Str text)
{
  Reply reply;
  Arena scratch;  // the engine reads the reply itself; of this reading only the paths are kept
  arena_init(&scratch);
  reply_parse(&reply, &scratch, text);
  if (run->wanted.len)
    wanted_targets(run);
  else
    hinted_targets(run, &reply);
  run->spec.may_create = run->wanted.len == 0;
  run->spec.max_bytes = FILE_MAX_BYTES;
  run->spec.shown_is_guess = run->base == NULL;
  allow_deletions(run, &reply);
  arena_deinit(&scratch);
}

// --- from the shown text to the present one ------------------------------------------------------------

static void refuse_file(PatchRun *run, PatchOutcome *file, RefuseCode code, size_t line,
                        const char *what)
{
  Str path = file->patch->path;
  file->writable = false;
  Str place = line ? str_fmt(&run->arena, "%.*s:%zu", STR_ARG(path), line) : path;
  add_refusal(run, code, path, line, str_fmt(&run->arena, "%.*s: %s", STR_ARG(place), what));
}

static void carry_edit(PatchRun *run, PatchOutcome *file)
{
  const PatchFile *patch = file->patch;
  file->text = patch->new_text;
  if (str_eq(patch->old_text, file->present)) {
    for (size_t i = 0; i < patch->hunks.len; i++) {
      file->places[i] = (Place){PLACE_HERE, patch->hunks.items[i].old_start};
    }
    return;
  }
  Carried carried = hunks_rebase(&run->arena, patch->old_text, file->present, &patch->hunks);
  file->places = carried.places;
  for (size_t i = 0; i < patch->hunks.len; i++) {
    if (carried.places[i].kind != PLACE_STALE) continue;
    refuse_file(run, file, REFUSE_STALE, carried.places[i].start,
                "the lines changed since the model saw them");
  }
  file->text = edits_apply(&run->arena, file->present, &carried.edits);
  file->writable |= run->partial && carried.edits.len > 0;
}

static void carry_whole(PatchRun *run, PatchOutcome *file, bool exists)
{
  const PatchFile *patch = file->patch;
  file->text = patch->new_text;
  for (size_t i = 0; i < patch->hunks.len; i++)
    file->places[i] = (Place){PLACE_HERE, patch->hunks.items[i].old_start};
  bool done = exists && str_eq(file->present, patch->new_text);
  if (patch->change == FILE_NEW && !done && str_trim(file->present).len) {
    refuse_file(run, file, REFUSE_FILE_EXISTS, 0, "the file exists by now");
  } else if (patch->change != FILE_NEW && !str_eq(file->present, patch->old_text)) {
    refuse_file(run, file, REFUSE_STALE, 0, "the file changed since the model saw it");
  }
}

// Without --base the text that was located in is the present one: a large file is not read twice.
static void present_as_shown(PatchRun *run, const PatchFile *patch, Str source, bool exists,
                             PatchOutcome *file)
{
  file->present = patch->old_text;
  if (patch->change == FILE_NEW && exists) read_under(run, run->guard.root, source, &file->present);
}

// Does the reply delete or rename a file in whose place [path] needs a directory?
static bool goes_above(const PatchRun *run, Str path)
{
  for (size_t i = 0; i < run->result.files.len; i++) {
    const PatchFile *patch = &run->result.files.items[i];
    Str gone = patch->change == FILE_DELETE ? patch->path : patch->renamed_from;
    if (gone.len && gone.len < path.len && str_starts(path, gone) && path.ptr[gone.len] == '/')
      return true;
  }
  return false;
}

static void add_outcome(PatchRun *run, const PatchFile *patch)
{
  RefuseCode why;
  Error err = {0};
  PatchOutcome file = {
      .patch = patch, .writable = true, .places = NEW_N(&run->arena, Place, patch->hunks.len)};
  Str source = patch->renamed_from.len ? patch->renamed_from : patch->path;
  bool allowed = guard_path(&run->guard, patch->path, &why, &err) &&
                 (!patch->renamed_from.len || guard_path(&run->guard, source, &why, &err));
  if (!allowed) {
    file.writable = false;
    bool later = why == REFUSE_PATH_SPECIAL && goes_above(run, patch->path);
    add_refusal(run, why, patch->path, 0,
                str_fmt(&run->arena, "%s%s", err.message,
                        later ? ": let a patch of its own delete or rename it first" : ""));
    PUSH(&run->arena, &run->files, file);
    return;
  }
  bool exists = run->base
                    ? read_under(run, run->guard.root, source, &file.present)
                    : patch->change != FILE_NEW ||
                          fs_exists(path_join(&run->arena, str_from(run->guard.root), source));
  if (!run->base) present_as_shown(run, patch, source, exists, &file);
  if (patch->change == FILE_EDIT && exists)
    carry_edit(run, &file);
  else if (patch->change == FILE_EDIT)
    refuse_file(run, &file, REFUSE_STALE, 0, "the file is gone");
  else
    carry_whole(run, &file, exists);
  PUSH(&run->arena, &run->files, file);
}

static const Refusal *barred(const PatchRun *run, size_t block)
{
  for (size_t i = 0; i < run->barred.len; i++) {
    if (run->barred.items[i].block == block) return &run->barred.items[i];
  }
  return NULL;
}

// A path the engine did not find may be one that the file system forbids: that reason is the better one.
static void explain_missing(PatchRun *run)
{
  for (size_t i = 0; i < run->result.refusals.len; i++) {
    Refusal *refusal = &run->result.refusals.items[i];
    RefuseCode why;
    Error err = {0};
    if (refusal->code != REFUSE_FILE_MISSING && refusal->code != REFUSE_NOT_LISTED) continue;
    const Refusal *better = barred(run, refusal->block);
    if (better) *refusal = *better;
    if (better || refusal->path.len == 0 || guard_path(&run->guard, refusal->path, &why, &err))
      continue;
    refusal->code = why;
    refusal->reason = str_dup(&run->arena, str_from(err.message));
  }
}

// What was known before the engine ran comes first.
static void put_first(PatchRun *run, const RefusalList *early)
{
  RefusalList all = *early;
  for (size_t i = 0; i < run->result.refusals.len; i++)
    PUSH(&run->arena, &all, run->result.refusals.items[i]);
  run->result.refusals = all;
}

bool patch_run(PatchRun *run, const char *root, const char *base, Str reply, Error *err)
{
  Arena *arena = &run->arena;
  run->guard.root = fs_realpath(arena, root, err);
  if (!run->guard.root) return false;
  if (fs_stat(run->guard.root).kind != FS_DIR) {
    return error_set(err, ERR_NOT_FOUND, "%s is not a directory", root);
  }
  if (base && !(run->base = fs_realpath(arena, base, err))) return false;
  Error no_repo = {0};
  run->guard.repo = repo_open(run->guard.root, &no_repo);
  run->guard.max_bytes = FILE_MAX_BYTES;
  find_targets(run, reply);
  RefusalList early = run->result.refusals;
  patch_from_reply(arena, &run->spec, reply, &run->result);
  explain_missing(run);
  put_first(run, &early);
  for (size_t i = 0; i < run->result.files.len; i++) add_outcome(run, &run->result.files.items[i]);
  bool whole = run->result.refusals.len == 0;
  if (run->check || (!whole && !run->partial)) return true;
  return patch_write(run, err);
}

void patch_run_end(PatchRun *run)
{
  repo_free(run->guard.repo);
  arena_deinit(&run->arena);
}
