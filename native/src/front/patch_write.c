// patch_write.c: see patch_write in patch_files.h.
//
// Every file is staged before the first changes (FsStaged), those that go last. When one fails nothing has
// changed, and directories made for new files go again.
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

static bool stage_text(PatchRun *run, const PatchOutcome *file, FsStaged *staged, StrList *made,
                       Error *err)
{
  const PatchFile *patch = file->patch;
  mode_t mode = 0666;
  if (patch->change == FILE_DELETE) return true;
  if (patch->change == FILE_RENAME) mode = fs_stat(place_of(run, patch->renamed_from)).mode & 0777;
  if (patch->change != FILE_EDIT && !make_parents(run, patch->path, made, err)) return false;
  return fs_stage(staged, place_of(run, patch->path), file->text, mode, err);
}

static bool stage_removal(PatchRun *run, const PatchOutcome *file, FsStaged *staged, Error *err)
{
  const PatchFile *patch = file->patch;
  if (patch->change != FILE_DELETE && patch->change != FILE_RENAME) return true;
  Str path = patch->change == FILE_RENAME ? patch->renamed_from : patch->path;
  return fs_stage_remove(staged, place_of(run, path), err);
}

static bool stage_all(PatchRun *run, FsStaged *staged, StrList *made, Error *err)
{
  for (size_t i = 0; i < run->files.len; i++) {
    const PatchOutcome *file = &run->files.items[i];
    if (file->writable && !stage_text(run, file, staged, made, err)) return false;
  }
  for (size_t i = 0; i < run->files.len; i++) {
    const PatchOutcome *file = &run->files.items[i];
    if (file->writable && !stage_removal(run, file, staged, err)) return false;
  }
  return true;
}

bool patch_write(PatchRun *run, Error *err)
{
  StrList made = {0};
  FsStaged staged = {.arena = &run->arena};
  if (!stage_all(run, &staged, &made, err) || !fs_commit_staged(&staged, err)) {
    fs_discard_staged(&staged);
    remove_made(&made);
    return false;
  }
  for (size_t i = 0; i < run->files.len; i++)
    run->files.items[i].written = run->files.items[i].writable;
  run->written = true;
  return true;
}
