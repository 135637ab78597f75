// patch_write.c: see patch_write in patch_files.h.
//
// Each file goes through fs_write_atomic, so that none is ever half written. When one fails, those before
// it get their old bytes back and new ones go again.
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "front/patch_files.h"
#include "lib/fs.h"

static char *place_of(PatchRun *run, Str path)
{
  return path_join(&run->arena, str_from(run->guard.root), path);
}

// Makes the directories above [path] as a shell's mkdir would; names of new ones go to [made].
static bool make_parents(PatchRun *run, Str path, StrList *made, Error *err)
{
  for (size_t i = 0; i < path.len; i++) {
    if (path.ptr[i] != '/') continue;
    Str dir = str_from(place_of(run, str_sub(path, 0, i)));
    if (mkdir(dir.ptr, 0777) == 0)
      PUSH(&run->arena, made, dir);
    else if (errno != EEXIST)
      return error_set(err, ERR_IO, "cannot make %s: %s", dir.ptr, strerror(errno));
  }
  return true;
}

static void remove_made(const StrList *made)
{
  for (size_t i = made->len; i-- > 0;) rmdir(made->items[i].ptr);
}

static bool write_one(PatchRun *run, PatchOutcome *file, StrList *made, Error *err)
{
  const PatchFile *patch = file->patch;
  const char *place = place_of(run, patch->path);
  switch (patch->change) {
    case FILE_EDIT: return fs_write_atomic(place, file->text, 0666, err);
    case FILE_NEW:
      return make_parents(run, patch->path, made, err) &&
             fs_write_atomic(place, file->text, 0666, err);
    case FILE_DELETE: return fs_remove(place, err);
    case FILE_RENAME: break;
  }
  const char *from = place_of(run, patch->renamed_from);
  FsStat stat = fs_stat(from);
  return make_parents(run, patch->path, made, err) &&
         fs_write_atomic(place, file->text, stat.mode & 0777, err) && fs_remove(from, err);
}

static void undo_one(PatchRun *run, PatchOutcome *file)
{
  const PatchFile *patch = file->patch;
  Error ignored = {0};
  file->written = false;
  if (patch->change == FILE_NEW || patch->change == FILE_RENAME)
    fs_remove(place_of(run, patch->path), &ignored);
  if (patch->change == FILE_NEW) return;
  Str path = patch->change == FILE_RENAME ? patch->renamed_from : patch->path;
  fs_write_atomic(place_of(run, path), file->present, 0644, &ignored);
}

bool patch_write(PatchRun *run, Error *err)
{
  StrList made = {0};
  for (size_t i = 0; i < run->files.len; i++) {
    PatchOutcome *file = &run->files.items[i];
    if (!file->writable) continue;
    if (write_one(run, file, &made, err)) {
      file->written = true;
      continue;
    }
    while (i-- > 0) {
      if (run->files.items[i].written) undo_one(run, &run->files.items[i]);
    }
    remove_made(&made);
    return false;
  }
  run->written = true;
  return true;
}
