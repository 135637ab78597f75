// git.c: finding and opening a repository with libgit2. Listing is git_files.c, rules of other
// ignore files git_rules.c.
#include "lib/git.h"

#include <sys/stat.h>
#include <unistd.h>

#include <git2/sys/repository.h>

#include "base/log.h"
#include "lib/git_private.h"

// Repository extensions that change nothing for what we read. Without this libgit2 refuses to open
// such repositories: partial clones, sparse checkouts with worktree configuration.
static void allow_extensions(void)
{
  const char *names[] = {"partialclone", "worktreeconfig", "preciousobjects", "relativeworktrees"};
  git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, names, sizeof(names) / sizeof(*names));
}

void git_needed(void)
{
  static bool started;
  if (started) return;
  started = true;
  git_libgit2_init();
  allow_extensions();
}

bool git_fail(Error *err, const char *what)
{
  const git_error *last = git_error_last();
  return error_set(err, ERR_GIT, "%s: %s", what,
                   last && last->message ? last->message : "unknown error");
}

static Str without_slash(Arena *arena, const char *path)
{
  Str s = str_from(path);
  while (s.len > 1 && s.ptr[s.len - 1] == '/') s.len--;
  return str_from(str_z(arena, s));  // NUL-terminated as well
}

static bool is_foreign(const char *path)
{
  struct stat st;
  return stat(path, &st) == 0 && st.st_uid != geteuid();
}

// libgit2 1.5 answers "not found" for a repository of another user while safe.directory is not set
// at all, so "not found" counts only when there is nothing to discover.
static Repo *refuse(const char *dir, int code, Error *err)
{
  git_buf found = GIT_BUF_INIT;
  bool there = git_repository_discover(&found, dir, 0, NULL) == 0;
  bool foreign = code == GIT_EOWNER || (there && code == GIT_ENOTFOUND && is_foreign(found.ptr));
  git_buf_dispose(&found);
  if (foreign) {
    error_set(err, ERR_GIT, "the git repository around %s belongs to another user", dir);
    error_hint_set(err, "if you trust it: git config --global --add safe.directory DIRECTORY");
  } else if (there || code != GIT_ENOTFOUND) {
    git_fail(err, "cannot open the git repository");
    error_hint_set(err, "see what `git status` says in %s", dir);
  }
  return NULL;
}

Repo *repo_open(const char *dir, Error *err)
{
  git_needed();
  git_repository *handle = NULL;
  int code = git_repository_open_ext(&handle, dir, 0, NULL);
  if (code != 0) return refuse(dir, code, err);
  Repo *repo = mem_alloc(sizeof(Repo));
  arena_init(&repo->arena);
  repo->handle = handle;
  const char *root = git_repository_workdir(handle);
  repo->root = root ? without_slash(&repo->arena, root) : S("");
  repo->git_dir = without_slash(&repo->arena, git_repository_path(handle));
  repo->common_dir = without_slash(&repo->arena, git_repository_commondir(handle));
  return repo;
}

void repo_free(Repo *repo)
{
  if (!repo) return;
  git_repository_free(repo->handle);
  arena_deinit(&repo->arena);
  mem_free(repo);
}

Str repo_root(const Repo *repo)
{
  return repo->root;
}

Str repo_git_dir(const Repo *repo)
{
  return repo->git_dir;
}

Str repo_common_dir(const Repo *repo)
{
  return repo->common_dir;
}

bool repo_has_head(Repo *repo)
{
  git_reference *head = NULL;
  bool has = git_repository_head(&head, repo->handle) == 0;
  git_reference_free(head);
  return has;
}

// An empty index takes the place of one that libgit2 cannot read, since it refuses even to walk
// without.
static void replace_index(Repo *repo)
{
  const git_error *last = git_error_last();
  log_warn("git index not readable: %s", last && last->message ? last->message : "?");
  git_index *empty = NULL;
  if (git_index_new(&empty) == 0) git_repository_set_index(repo->handle, empty);
  git_index_free(empty);
  repo->index_unreadable = true;
}

git_index *repo_index(Repo *repo)
{
  git_index *index = NULL;
  if (repo->index_unreadable) return NULL;
  if (git_repository_index(&index, repo->handle) == 0 && git_index_read(index, false) == 0)
    return index;
  git_index_free(index);
  replace_index(repo);
  return NULL;
}

// Whether [path] or, when it is a directory, anything below it is in the index.
static bool is_tracked(Repo *repo, Arena *arena, Str path)
{
  git_index *index = repo_index(repo);
  if (!index) return false;
  size_t at = 0;
  const char *name = str_z(arena, path), *below = str_z(arena, str_cat(arena, path, S("/")));
  bool tracked =
      git_index_find(&at, index, name) == 0 || git_index_find_prefix(&at, index, below) == 0;
  git_index_free(index);
  return tracked;
}

bool repo_ignored(Repo *repo, Str path)
{
  Arena scratch;
  arena_init(&scratch);
  while (path.len && path.ptr[path.len - 1] == '/') path.len--;
  int ignored = 0;
  bool failed = git_ignore_path_is_ignored(&ignored, repo->handle, str_z(&scratch, path)) != 0;
  bool yes = !failed && ignored && !is_tracked(repo, &scratch, path);
  arena_deinit(&scratch);
  return yes;
}
