// git.c: finding and opening a repository with libgit2. Listing is git_files.c, rules of other
// ignore files git_rules.c.
#include "lib/git.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "lib/fs.h"
#include "lib/git_private.h"

bool git_fail(Error *err, const char *what)
{
  const git_error *last = git.error_last ? git.error_last() : NULL;
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
  bool there = git.repository_discover(&found, dir, 0, NULL) == 0;
  bool foreign = code == GIT_EOWNER || (there && code == GIT_ENOTFOUND && is_foreign(found.ptr));
  git.buf_dispose(&found);
  if (foreign) {
    error_set(err, ERR_GIT, "the git repository around %s belongs to another user", dir);
    error_hint_set(err, "if you trust it: git config --global --add safe.directory DIRECTORY");
  } else if (there || code != GIT_ENOTFOUND) {
    git_fail(err, "cannot open the git repository");
    error_hint_set(err, "see what `git status` says in %s", dir);
  }
  return NULL;
}

static Repo *repo_new(void)
{
  Repo *repo = mem_alloc(sizeof(Repo));
  arena_init(&repo->arena);
  return repo;
}

// Most repositories are found without libgit2, which is opened for them when it is first asked.
static Repo *open_plain(const char *dir)
{
  Repo *repo = repo_new();
  char *real = fs_realpath(&repo->arena, dir, NULL);
  if (!real || !repo_find_plain(&repo->arena, real, &repo->root)) {
    repo_free(repo);
    return NULL;
  }
  repo->git_dir = str_from(path_join(&repo->arena, repo->root, S(".git")));
  return repo;
}

git_repository *repo_handle(Repo *repo)
{
  if (repo->handle || repo->refused) return repo->handle;
  Error err = {0};
  if (git_load(&err) && git.repository_open_ext(&repo->handle, repo->root.ptr, 0, NULL) != 0) {
    git_fail(&err, "cannot open the git repository");
  }
  repo->refused = !repo->handle;
  if (repo->refused) log_warn("%s: %s", repo->root.ptr, err.message);
  return repo->handle;
}

Repo *repo_open(const char *dir, Error *err)
{
  Repo *plain = open_plain(dir);
  if (plain) return plain;
  if (!git_load(err)) return NULL;
  git_repository *handle = NULL;
  int code = git.repository_open_ext(&handle, dir, 0, NULL);
  if (code != 0) return refuse(dir, code, err);
  Repo *repo = repo_new();
  repo->handle = handle;
  const char *root = git.repository_workdir(handle);
  repo->root = root ? without_slash(&repo->arena, root) : S("");
  repo->git_dir = without_slash(&repo->arena, git.repository_path(handle));
  return repo;
}

void repo_load(void)
{
  git_load(NULL);
}

void repo_free(Repo *repo)
{
  if (!repo) return;
  if (repo->handle) git.repository_free(repo->handle);
  arena_deinit(&repo->names_arena);
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

Str repo_head(Repo *repo, Arena *arena)
{
  git_reference *head = NULL;
  char hex[GIT_OID_HEXSZ + 1] = "";
  if (!repo_handle(repo)) return STR_NONE;
  bool has = git.repository_head(&head, repo->handle) == 0 && git.reference_target(head);
  if (has) git.oid_tostr(hex, sizeof(hex), git.reference_target(head));
  git.reference_free(head);
  return str_dup(arena, str_from(hex));
}

bool repo_has_head(Repo *repo)
{
  git_reference *head = NULL;
  if (!repo_handle(repo)) return false;
  bool has = git.repository_head(&head, repo->handle) == 0;
  git.reference_free(head);
  return has;
}

// An empty index takes the place of one that libgit2 cannot read, since it refuses even to walk
// without.
static void replace_index(Repo *repo)
{
  const git_error *last = git.error_last();
  log_warn("git index not readable: %s", last && last->message ? last->message : "?");
  git_index *empty = NULL;
  if (git.index_new(&empty) == 0) git.repository_set_index(repo->handle, empty);
  git.index_free(empty);
  repo->index_unreadable = true;
}

// git writes a new index beside the old one and renames it. libgit2 would open it each time to be sure.
bool index_unchanged(Repo *repo)
{
  struct stat st = {0};
  Arena scratch;
  if (repo->looked) return true;
  repo->looked = repo->looking;
  arena_init(&scratch);
  stat(path_join(&scratch, repo->git_dir, S("index")), &st);
  arena_deinit(&scratch);
  const struct stat *seen = &repo->index_seen;
  bool same = seen->st_ino && st.st_ino == seen->st_ino && st.st_size == seen->st_size &&
              st.st_mtim.tv_sec == seen->st_mtim.tv_sec &&
              st.st_mtim.tv_nsec == seen->st_mtim.tv_nsec;
  repo->index_seen = st;
  return same;
}

void repo_look(Repo *repo, bool on)
{
  repo->looking = on;
  repo->looked = false;
}

git_index *repo_index(Repo *repo)
{
  git_index *index = NULL;
  if (repo->index_unreadable || !repo_handle(repo)) return NULL;
  bool same = index_unchanged(repo);
  if (git.repository_index(&index, repo->handle) == 0 &&
      (same || git.index_read(index, false) == 0))
    return index;
  git.index_free(index);
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
      git.index_find(&at, index, name) == 0 || git.index_find_prefix(&at, index, below) == 0;
  git.index_free(index);
  return tracked;
}

bool repo_ignored(Repo *repo, Str path)
{
  bool plain = !repo->handle && !repo->refused;
  if (plain && index_names(repo, path)) return false;
  if (!repo_handle(repo)) return true;  // whoever cannot read the rules sends nothing
  Arena scratch;
  arena_init(&scratch);
  while (path.len && path.ptr[path.len - 1] == '/') path.len--;
  int ignored = 0;  // stays so when libgit2 cannot tell
  // the index first: most paths asked for are in it, and it costs a tenth of matching patterns
  if (!is_tracked(repo, &scratch, path)) {
    git.ignore_path_is_ignored(&ignored, repo->handle, str_z(&scratch, path));
  }
  arena_deinit(&scratch);
  return ignored != 0;
}
