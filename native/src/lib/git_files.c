// git_files.c: which files a work tree has and which differ from HEAD.
//
// The files are those that a walk finds not ignored, plus those of the index that are there. The
// walk is libgit2's comparison with an *empty* index: everything not ignored is then "untracked",
// which needs no hashing, while a comparison with the real index would hash every file whose time
// stamps are off.
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/fs.h"
#include "lib/git_private.h"

static bool below(Str path, Str under)
{
  if (under.len == 0) return true;
  return str_starts(path, under) && (path.len == under.len || path.ptr[under.len] == '/');
}

// A file, or a link to one: links to directories would lead around in circles.
static bool is_file(const char *absolute)
{
  struct stat st;
  return stat(absolute, &st) == 0 && S_ISREG(st.st_mode);
}

typedef struct {
  Repo *repo;
  Arena *arena;
  Str under;
  StrList found;
} Lister;

static void add(Lister *lister, const char *path)
{
  PUSH(lister->arena, &lister->found, str_dup(lister->arena, str_from(path)));
}

static bool on_disk(const Lister *lister, Arena *scratch, const char *path)
{
  arena_reset(scratch);
  return is_file(path_join(scratch, lister->repo->root, str_from(path)));
}

static void add_walked(Lister *lister, git_diff *diff)
{
  Arena scratch;
  arena_init(&scratch);
  size_t count = git.diff_num_deltas(diff);
  for (size_t i = 0; i < count; i++) {
    const git_diff_file *file = &git.diff_get_delta(diff, i)->new_file;
    bool link = file->mode == GIT_FILEMODE_LINK;
    bool blob = file->mode == GIT_FILEMODE_BLOB || file->mode == GIT_FILEMODE_BLOB_EXECUTABLE;
    if (!below(str_from(file->path), lister->under)) continue;
    if (blob || (link && on_disk(lister, &scratch, file->path))) add(lister, file->path);
  }
  arena_deinit(&scratch);
}

static bool walk(Lister *lister, Error *err)
{
  git_diff_options options;
  git.diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
  options.flags = GIT_DIFF_INCLUDE_UNTRACKED | GIT_DIFF_RECURSE_UNTRACKED_DIRS |
                  GIT_DIFF_IGNORE_SUBMODULES | GIT_DIFF_SKIP_BINARY_CHECK |
                  GIT_DIFF_DISABLE_PATHSPEC_MATCH;
  char *only = str_z(lister->arena, lister->under);
  if (lister->under.len) options.pathspec = (git_strarray){&only, 1};
  git_index *empty = NULL;
  git_diff *diff = NULL;
  bool ok = git.index_new(&empty) == 0 &&
            git.diff_index_to_workdir(&diff, lister->repo->handle, empty, &options) == 0;
  if (ok) {
    add_walked(lister, diff);
  } else {
    git_fail(err, "cannot list the files");
  }
  git.diff_free(diff);
  git.index_free(empty);
  return ok;
}

static int by_path(const void *a, const void *b)
{
  return str_cmp(*(const Str *)a, *(const Str *)b);
}

static bool listed(const StrList *sorted, size_t len, Str path)
{
  return len && bsearch(&path, sorted->items, len, sizeof(Str), by_path);
}

// Tracked files that the walk left out because a rule ignores them.
static void add_tracked(Lister *lister, git_index *index)
{
  Arena scratch;
  arena_init(&scratch);
  size_t walked = lister->found.len, count = git.index_entrycount(index);
  const char *last = "";
  for (size_t i = 0; i < count; i++) {
    const git_index_entry *entry = git.index_get_byindex(index, i);
    bool again = strcmp(entry->path, last) == 0;  // stages of a conflict
    last = entry->path;
    if (again || entry->mode == GIT_FILEMODE_COMMIT || !below(str_from(entry->path), lister->under))
      continue;
    if (listed(&lister->found, walked, str_from(entry->path))) continue;
    if (on_disk(lister, &scratch, entry->path)) add(lister, entry->path);
  }
  arena_deinit(&scratch);
}

static void sort(StrList *list)
{
  if (list->len) qsort(list->items, list->len, sizeof(Str), by_path);
}

bool repo_files(Repo *repo, Arena *arena, Str under, StrList *out, Error *err)
{
  while (under.len && under.ptr[under.len - 1] == '/') under.len--;
  if (repo->root.len == 0)
    return error_set(err, ERR_GIT, "a bare repository has no files to work on");
  if (!repo_handle(repo)) return git_fail(err, "cannot open the git repository");
  Lister lister = {.repo = repo, .arena = arena, .under = under};
  git_index *index = repo_index(repo);
  bool ok = walk(&lister, err);
  sort(&lister.found);
  if (ok && index) add_tracked(&lister, index);
  git.index_free(index);
  sort(&lister.found);
  for (size_t i = 0; ok && i < lister.found.len; i++) PUSH(arena, out, lister.found.items[i]);
  return ok;
}

bool repo_submodules(Repo *repo, Arena *arena, StrList *out, Error *err)
{
  if (!repo_handle(repo)) return git_fail(err, "cannot open the git repository");
  git_index *index = repo_index(repo);
  size_t count = index ? git.index_entrycount(index) : 0;
  for (size_t i = 0; i < count; i++) {
    const git_index_entry *entry = git.index_get_byindex(index, i);
    if (entry->mode == GIT_FILEMODE_COMMIT) PUSH(arena, out, str_dup(arena, str_from(entry->path)));
  }
  git.index_free(index);
  return true;
}

static const char *path_of(const git_status_entry *entry)
{
  const git_diff_delta *delta =
      entry->index_to_workdir ? entry->index_to_workdir : entry->head_to_index;
  return delta->new_file.path ? delta->new_file.path : delta->old_file.path;
}

// Sparse checkouts leave files out on purpose; libgit2 calls them deleted.
static bool left_out(git_index *index, const char *path)
{
  const git_index_entry *entry = git.index_get_bypath(index, path, 0);
  return entry && (entry->flags_extended & GIT_INDEX_ENTRY_SKIP_WORKTREE);
}

typedef struct {
  Repo *repo;
  Arena *arena;
  git_index *index;
  RepoChangeList *out;
} Changes;

static void add_change(Changes *changes, const git_status_entry *entry)
{
  Arena *arena = changes->arena;
  Str path = str_dup(arena, str_from(path_of(entry)));
  if (entry->status == GIT_STATUS_CURRENT || str_ends(path, S("/"))) return;
  FsKind kind = fs_stat(path_join(arena, changes->repo->root, path)).kind;
  bool gone = kind == FS_NONE || kind == FS_DIR;
  bool added = entry->status & GIT_STATUS_INDEX_NEW;
  if (gone && (added || left_out(changes->index, path_of(entry)))) return;
  PUSH(arena, changes->out, ((RepoChange){.path = path, .gone = gone}));
}

static bool status_failed(Error *err)
{
  error_hint_set(err,
                 "see what `git status` says; a sparse index is switched off with "
                 "`git sparse-checkout reapply --no-sparse-index`");
  return git_fail(err, "cannot compare with HEAD");
}

bool repo_changes(Repo *repo, Arena *arena, RepoChangeList *out, Error *err)
{
  if (repo->root.len == 0)
    return error_set(err, ERR_GIT, "a bare repository has no files to work on");
  git_index *index = repo_index(repo);
  if (!index) return status_failed(err);
  git_status_options options;
  git.status_options_init(&options, GIT_STATUS_OPTIONS_VERSION);
  options.show = GIT_STATUS_SHOW_INDEX_AND_WORKDIR;
  options.flags = GIT_STATUS_OPT_INCLUDE_UNTRACKED | GIT_STATUS_OPT_RECURSE_UNTRACKED_DIRS |
                  GIT_STATUS_OPT_EXCLUDE_SUBMODULES | GIT_STATUS_OPT_DISABLE_PATHSPEC_MATCH |
                  GIT_STATUS_OPT_SORT_CASE_SENSITIVELY;
  git_status_list *list = NULL;
  bool ok = git.status_list_new(&list, repo->handle, &options) == 0 || status_failed(err);
  Changes changes = {repo, arena, index, out};
  size_t count = ok ? git.status_list_entrycount(list) : 0;
  for (size_t i = 0; i < count; i++) add_change(&changes, git.status_byindex(list, i));
  git.status_list_free(list);
  git.index_free(index);
  return ok;
}
