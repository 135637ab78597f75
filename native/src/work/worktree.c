// worktree.c: see worktree.h.
#include "work/worktree.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "lib/fs.h"
#include "lib/process.h"
#include "patch/patch.h"

enum {
  SLICE_FILES = 64,  // files copied in one turn of the loop
  COPY_MAX_FILES = 60000,
  COPY_MAX_FILE = 64 << 20,  // bytes; larger ones are left out and named
  GIT_TIMEOUT_MS = 180000,
  SUBMODULE_DEPTH = 8,
};
#define COPY_MAX_BYTES ((size_t)2 << 30)

typedef enum { TREE_SWEEP, TREE_ADD, TREE_COPY, TREE_READY, TREE_REMOVE, TREE_CLOSED } TreeState;

struct Worktree {
  WorktreeSpec spec;
  TreeState state;
  Arena arena;
  LoopSoon soon;
  Process *process;  // git, while it runs
  bool closing;      // worktree_close was called
  bool told;         // on_ready was called
  Error err;
  char *base;         // <state dir>/scratch
  char *dir;          // the tree itself
  char *owner_file;   // dir + ".owner": the project's root, for the sweep after a crash
  bool linked;        // git knows it as a worktree
  StrList leftovers;  // directories of dead runs
  size_t leftover;
  bool retried;            // git remove failed once and the tree was removed by hand
  RepoChangeList changes;  // to copy
  size_t copied;
  size_t bytes;  // copied so far
  Buf note;
  void (*on_closed)(void *owner);
  void *closed_owner;
};

static void tree_step(Worktree *tree);

static void run_step(void *owner)
{
  tree_step(owner);
}

static void step_soon(Worktree *tree)
{
  loop_soon(tree->spec.engine->loop, &tree->soon, run_step, tree);
}

const char *worktree_path(const Worktree *tree)
{
  return tree->dir;
}

Str worktree_note(const Worktree *tree)
{
  return buf_str(&tree->note);
}

// ---- git ---------------------------------------------------------------------------------------------

static const char *const git_names[] = {
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_CEILING_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_QUARANTINE_PATH",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_REFLOG_ACTION",
    "GIT_TEMPLATE_DIR",
    "GIT_EXEC_PATH",
    "GIT_EDITOR",
    "GIT_SEQUENCE_EDITOR",
};

const char *const *worktree_env_drop(Arena *arena)
{
  const char *const *secrets = secret_env_names(arena);
  size_t own = sizeof(git_names) / sizeof(git_names[0]), count = 0;
  while (secrets && secrets[count]) count++;
  const char **names = NEW_N(arena, const char *, own + count + 1);
  memcpy(names, git_names, sizeof(git_names));
  if (count) memcpy(names + own, secrets, count * sizeof(*names));
  return names;
}

static void git_done(void *owner, const ProcessResult *result);

// Runs git on the project's repository with the rest of argv as given. Hooks, the file monitor and large
// file downloads stay off: they are the user's, and nobody asked them here.
static bool git(Worktree *tree, const char *const *words, Error *err)
{
  static const char *const head[] = {"git",
                                     "-c",
                                     "core.hooksPath=/dev/null",
                                     "-c",
                                     "core.fsmonitor=false",
                                     "-c",
                                     "submodule.recurse=false",
                                     "-c",
                                     "advice.detachedHead=false",
                                     "-C"};
  static const char *const env[] = {"GIT_TERMINAL_PROMPT=0", "GIT_LFS_SKIP_SMUDGE=1", "LC_ALL=C",
                                    NULL};
  enum { HEAD = sizeof(head) / sizeof(head[0]), MAX = HEAD + 12 };
  const char *argv[MAX] = {0};
  memcpy(argv, head, sizeof(head));
  size_t at = HEAD;
  argv[at++] = str_z(&tree->arena, project_root(tree->spec.project));
  for (size_t i = 0; words[i] && at + 1 < MAX; i++) argv[at++] = words[i];
  ProcessSpec spec = {.argv = argv,
                      .env_drop = worktree_env_drop(&tree->arena),
                      .env_add = env,
                      .max_output = 8192,
                      .timeout_ms = GIT_TIMEOUT_MS,
                      .on_done = git_done,
                      .owner = tree};
  tree->process = process_start(tree->spec.engine->loop, spec, err);
  return tree->process != NULL;
}

static bool git_remove(Worktree *tree, const char *dir)
{
  return git(tree, (const char *const[]){"worktree", "remove", "--force", "--force", dir, NULL},
             NULL);
}

// ---- writing inside ----------------------------------------------------------------------------------

// Makes the directories above [path] inside the tree. What is not a directory is replaced, never followed.
static bool make_way(Worktree *tree, Str path, Error *err)
{
  Arena arena;
  arena_init(&arena);
  bool ok = true;
  for (size_t i = 0; ok && i < path.len; i++) {
    if (path.ptr[i] != '/') continue;
    char *dir = path_join(&arena, str_from(tree->dir), str_sub(path, 0, i));
    FsKind kind = fs_stat(dir).kind;
    if (kind == FS_DIR) continue;
    if (kind != FS_NONE) ok = fs_remove(dir, err);
    if (ok && mkdir(dir, 0755) != 0) {
      ok = error_set(err, ERR_IO, "cannot make %s: %s", dir, strerror(errno));
    }
  }
  arena_deinit(&arena);
  return ok;
}

// The absolute place of [path] with what is in its way removed; NULL with [err].
static char *place(Worktree *tree, Arena *arena, Str path, Error *err)
{
  RefuseCode why;
  if (!patch_path_ok(path, &why)) {
    error_set(err, ERR_REFUSED, "%.*s cannot be written: %s", STR_ARG(path), refuse_name(why));
    return NULL;
  }
  if (!make_way(tree, path, err)) return NULL;
  char *full = path_join(arena, str_from(tree->dir), path);
  FsKind kind = fs_stat(full).kind;
  if (kind == FS_DIR && !fs_remove_tree(full, err)) return NULL;
  if ((kind == FS_LINK || kind == FS_OTHER) && !fs_remove(full, err)) return NULL;
  return full;
}

// Without fsync: the tree is scratch.
static bool write_file(const char *path, Str text, Error *err)
{
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (fd < 0) return error_set(err, ERR_IO, "cannot write %s: %s", path, strerror(errno));
  size_t done = 0;
  while (done < text.len) {
    ssize_t n = write(fd, text.ptr + done, text.len - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;
    done += (size_t)n;
  }
  int failed = done < text.len ? errno : 0;
  if (close(fd) != 0 && !failed) failed = errno;
  if (failed) return error_set(err, ERR_IO, "cannot write %s: %s", path, strerror(failed));
  return true;
}

bool worktree_put(Worktree *tree, Str path, Str text, bool exists, Error *err)
{
  Arena arena;
  arena_init(&arena);
  char *full = place(tree, &arena, path, err);
  bool ok = full != NULL;
  if (ok && exists) ok = write_file(full, text, err);
  if (ok && !exists && fs_exists(full)) ok = fs_remove(full, err);
  arena_deinit(&arena);
  return ok;
}

// ---- sweep -------------------------------------------------------------------------------------------

// Directories are named piecework-HOST-PID-PLAN-xxxxxx: another host may share the state directory.
static Str name_prefix(Arena *arena)
{
  char host[256] = "";
  gethostname(host, sizeof(host) - 1);
  return str_fmt(arena, "piecework-%08x-", (unsigned)str_hash(str_from(host)));
}

static bool process_dead(Str pid)
{
  uint64_t n;
  if (!str_to_u64(pid, &n) || n == 0 || n > INT32_MAX) return false;
  return kill((pid_t)n, 0) != 0 && errno == ESRCH;
}

// Was [name] made by a run of this host that is dead?
static bool of_the_dead(Str prefix, Str name)
{
  if (!str_starts(name, prefix)) return false;
  Str rest = str_skip(name, prefix.len), pid;
  return str_cut(&rest, '-', &pid) && process_dead(pid);
}

// Is the tree [dir] ours to remove? git has to be told in the repository it belongs to, so that another
// project's leftovers wait for that project.
static bool of_this_project(Worktree *tree, const char *dir)
{
  Str root, owner = str_cat(&tree->arena, str_from(dir), S(".owner"));
  if (!fs_read(&tree->arena, owner.ptr, 8192, &root, NULL)) return true;
  return str_eq(root, project_root(tree->spec.project));
}

static void find_leftovers(Worktree *tree)
{
  StrList names = {0};
  if (!fs_list(&tree->arena, tree->base, &names, NULL)) return;
  Str prefix = name_prefix(&tree->arena), end = S(".owner");
  for (size_t i = 0; i < names.len; i++) {
    Str name = names.items[i];
    if (!of_the_dead(prefix, name)) continue;
    bool note = str_ends(name, end);  // alone when a run died between the two removals
    Str dir_name = note ? str_sub(name, 0, name.len - end.len) : name;
    char *dir = path_join(&tree->arena, str_from(tree->base), dir_name);
    bool skip = note && fs_exists(dir);  // comes by its own name
    if (!skip && of_this_project(tree, dir)) PUSH(&tree->arena, &tree->leftovers, str_from(dir));
  }
}

static void drop_by_hand(Worktree *tree, const char *dir)
{
  Error why = {0};
  if (fs_exists(dir) && !fs_remove_tree(dir, &why)) log_warn("%s", why.message);
  fs_remove(str_cat(&tree->arena, str_from(dir), S(".owner")).ptr, NULL);
}

// ---- making ------------------------------------------------------------------------------------------

static bool make_dir(Worktree *tree)
{
  Arena *arena = &tree->arena;
  tree->base = path_join(arena, str_from(fs_state_dir(arena)), S("scratch"));
  if (!fs_mkdirs(tree->base, &tree->err)) return false;
  Str prefix = name_prefix(arena);
  Str mine =
      str_fmt(arena, "%.*s%ld-%lld-", STR_ARG(prefix), (long)getpid(), (long long)tree->spec.plan);
  tree->dir = fs_temp_dir(arena, tree->base, mine.ptr, &tree->err);
  if (!tree->dir) return false;
  tree->owner_file = (char *)str_cat(arena, str_from(tree->dir), S(".owner")).ptr;
  return write_file(tree->owner_file, project_root(tree->spec.project), &tree->err);
}

// All files, for a copy without git's help.
static bool list_all(Worktree *tree)
{
  StrList files = {0};
  Repo *repo = project_repo(tree->spec.project);
  bool ok = repo ? repo_files(repo, &tree->arena, STR_NONE, &files, &tree->err)
                 : project_files(tree->spec.project, &tree->arena, STR_NONE, &files, &tree->err);
  if (!ok) return false;
  tree->changes = (RepoChangeList){0};
  for (size_t i = 0; i < files.len; i++) {
    PUSH(&tree->arena, &tree->changes, ((RepoChange){.path = files.items[i]}));
  }
  return true;
}

static void add_submodules(Worktree *tree, Repo *repo, Str prefix, int depth);

static void leave_out(Worktree *tree, Str path, const char *why)
{
  buf_fmt(&tree->note, "%s%.*s left out (%s)", tree->note.len ? ", " : "", STR_ARG(path), why);
}

// The files of the submodule at [path], with those of its own submodules. One that is not checked out has none.
static void add_submodule(Worktree *tree, Str path, int depth)
{
  Arena *arena = &tree->arena;
  Error err = {0};
  StrList files = {0};
  char *dir = project_absolute(tree->spec.project, arena, path);
  Repo *repo = repo_open(dir, &err);
  bool own = repo && str_eq(repo_root(repo), str_from(dir));
  if (own && !repo_files(repo, arena, STR_NONE, &files, &err)) leave_out(tree, path, err.message);
  if (tree->changes.len + files.len > COPY_MAX_FILES) {
    leave_out(tree, path, "too many files");
    files.len = 0;
  }
  for (size_t i = 0; i < files.len; i++) {
    RepoChange change = {.path = str_from(path_join(arena, path, files.items[i]))};
    PUSH(arena, &tree->changes, change);
  }
  if (own && depth < SUBMODULE_DEPTH) add_submodules(tree, repo, path, depth + 1);
  repo_free(repo);
}

// git leaves them empty in a worktree, and tests need them.
static void add_submodules(Worktree *tree, Repo *repo, Str prefix, int depth)
{
  StrList paths = {0};
  Error err = {0};
  if (!repo_submodules(repo, &tree->arena, &paths, &err)) return;
  for (size_t i = 0; i < paths.len; i++) {
    Str path =
        prefix.len ? str_from(path_join(&tree->arena, prefix, paths.items[i])) : paths.items[i];
    add_submodule(tree, path, depth);
  }
}

static bool list_changes(Worktree *tree)
{
  tree->copied = 0;
  bool ok = tree->linked ? repo_changes(project_repo(tree->spec.project), &tree->arena,
                                        &tree->changes, &tree->err)
                         : list_all(tree);
  if (ok && tree->changes.len > COPY_MAX_FILES) {
    ok = error_set(&tree->err, ERR_TOO_BIG,
                   "%zu files would have to be copied for the tests, at most %d are",
                   tree->changes.len, COPY_MAX_FILES);
    error_hint_set(&tree->err, "commit them, or add what is generated to .gitignore");
  }
  Repo *repo = project_repo(tree->spec.project);
  if (ok && repo) add_submodules(tree, repo, STR_NONE, 0);
  return ok;
}

static bool copy_one(Worktree *tree, const RepoChange *change)
{
  if (change->gone) return worktree_put(tree, change->path, STR_NONE, false, &tree->err);
  Arena arena;
  arena_init(&arena);
  const char *from = project_absolute(tree->spec.project, &arena, change->path);
  FsStat stat = fs_stat(from);
  bool ok = true;
  if (stat.kind == FS_FILE && stat.size > COPY_MAX_FILE) {
    buf_fmt(&tree->note, "%s%.*s left out (%zu MB)", tree->note.len ? ", " : "",
            STR_ARG(change->path), stat.size >> 20);
  } else if (stat.kind == FS_FILE || stat.kind == FS_LINK) {
    tree->bytes += stat.size;
    const char *to = place(tree, &arena, change->path, &tree->err);
    ok = to && fs_copy(from, to, &tree->err);
    if (ok && tree->bytes > COPY_MAX_BYTES) {
      ok =
          error_set(&tree->err, ERR_TOO_BIG,
                    "more than %zu MB would have to be copied for the tests", COPY_MAX_BYTES >> 20);
    }
  }
  arena_deinit(&arena);
  return ok;
}

static bool copy_overlays(Worktree *tree)
{
  const Project *project = tree->spec.project;
  for (size_t i = 0; i < project_overlay_count(project); i++) {
    Str path = project_overlay_path(project, i), text;
    if (!project_overlay_get(project, path, &text)) continue;
    if (!worktree_put(tree, path, text, true, &tree->err)) return false;
  }
  return true;
}

// Ignored folders are not copied (they may be huge) but tests may need them. What is in the tree already stays.
static void link_one(Worktree *tree, Str path)
{
  Arena arena;
  Error err = {0};
  arena_init(&arena);
  char *from = project_absolute(tree->spec.project, &arena, path);
  char *full = path_join(&arena, str_from(tree->dir), path);
  bool wanted = fs_exists(from) && !fs_exists(full) && fs_stat(full).kind == FS_NONE;
  if (wanted && make_way(tree, path, &err) && symlink(from, full) != 0) {
    error_set(&err, ERR_IO, "%s", strerror(errno));
  }
  if (err.code) {
    buf_fmt(&tree->note, "%s%.*s (cannot be linked: %s)", tree->note.len ? ", " : "", STR_ARG(path),
            err.message);
  }
  arena_deinit(&arena);
}

static void link_all(Worktree *tree)
{
  const StrList *links = &tree->spec.engine->config->worktree_link;
  for (size_t i = 0; i < links->len; i++) link_one(tree, links->items[i]);
}

// ---- the operation -----------------------------------------------------------------------------------

static void tell_ready(Worktree *tree)
{
  if (tree->told) return;
  tree->told = true;
  tree->spec.on_ready(tree->spec.owner, &tree->err);
}

static void tree_free(Worktree *tree)
{
  void (*on_closed)(void *) = tree->on_closed;
  void *owner = tree->closed_owner;
  loop_soon_cancel(tree->spec.engine->loop, &tree->soon);
  buf_deinit(&tree->note);
  arena_deinit(&tree->arena);
  mem_free(tree);
  if (on_closed) on_closed(owner);
}

static void enter(Worktree *tree, TreeState state)
{
  tree->state = state;
  step_soon(tree);
}

static void step_sweep(Worktree *tree)
{
  if (tree->leftover > 0) drop_by_hand(tree, tree->leftovers.items[tree->leftover - 1].ptr);
  if (tree->leftover == tree->leftovers.len) {
    enter(tree, make_dir(tree) ? TREE_ADD : TREE_READY);
    return;
  }
  const char *dir = tree->leftovers.items[tree->leftover++].ptr;
  if (!project_repo(tree->spec.project) || !git_remove(tree, dir)) step_soon(tree);
}

static void step_add(Worktree *tree)
{
  Repo *repo = project_repo(tree->spec.project);
  const char *const words[] = {"worktree", "add", "--detach", "--quiet", tree->dir, "HEAD", NULL};
  if (repo && repo_has_head(repo) && git(tree, words, NULL)) return;
  enter(tree, list_changes(tree) ? TREE_COPY : TREE_READY);
}

static void step_copy(Worktree *tree)
{
  for (size_t n = 0; n < SLICE_FILES && tree->copied < tree->changes.len; n++) {
    if (!copy_one(tree, &tree->changes.items[tree->copied++])) {
      enter(tree, TREE_READY);
      return;
    }
  }
  if (tree->copied < tree->changes.len) {
    step_soon(tree);
    return;
  }
  copy_overlays(tree);
  link_all(tree);
  enter(tree, TREE_READY);
}

static void step_remove(Worktree *tree)
{
  if (tree->linked && git_remove(tree, tree->dir)) return;
  if (tree->dir) drop_by_hand(tree, tree->dir);
  enter(tree, TREE_CLOSED);
}

static void tree_step(Worktree *tree)
{
  if (tree->process) return;
  if (tree->closing && tree->state < TREE_REMOVE) tree->state = TREE_REMOVE;
  switch (tree->state) {
    case TREE_SWEEP: step_sweep(tree); break;
    case TREE_ADD: step_add(tree); break;
    case TREE_COPY: step_copy(tree); break;
    case TREE_READY: tell_ready(tree); break;
    case TREE_REMOVE: step_remove(tree); break;
    case TREE_CLOSED: tree_free(tree); break;
  }
}

static void added(Worktree *tree, const ProcessResult *result)
{
  tree->linked =
      result->status == 0 || tree->closing;  // cut short: git may know it or not, so ask it
  if (!tree->linked) {
    log_warn("git worktree add failed, copying instead: %.*s", STR_ARG(str_trim(result->output)));
    fs_remove_tree(tree->dir, NULL);
    fs_mkdirs(tree->dir, &tree->err);
  }
  if (tree->closing) {
    step_soon(tree);
  } else {
    enter(tree, list_changes(tree) ? TREE_COPY : TREE_READY);
  }
}

// git may refuse (a lock, a strange repository): then the tree goes by hand and git is told once more.
static void removed(Worktree *tree, const ProcessResult *result)
{
  bool again = result->status != 0 && !tree->retried;
  tree->retried = true;
  drop_by_hand(tree, tree->dir);
  tree->linked = again;
  step_soon(tree);
}

static void git_done(void *owner, const ProcessResult *result)
{
  Worktree *tree = owner;
  tree->process = NULL;
  if (tree->state == TREE_ADD) {
    added(tree, result);
  } else if (tree->state == TREE_REMOVE) {
    removed(tree, result);
  } else {
    step_soon(tree);
  }
}

Worktree *worktree_new(const WorktreeSpec *spec)
{
  Worktree *tree = mem_alloc(sizeof(*tree));
  tree->spec = *spec;
  arena_init(&tree->arena);
  buf_init(&tree->note, 2048);
  tree->base = path_join(&tree->arena, str_from(fs_state_dir(&tree->arena)), S("scratch"));
  find_leftovers(tree);
  step_soon(tree);
  return tree;
}

void worktree_close(Worktree *tree, void (*on_closed)(void *owner), void *owner)
{
  if (tree->closing) return;
  tree->closing = true;
  tree->told = true;
  tree->on_closed = on_closed;
  tree->closed_owner = owner;
  if (tree->process) {
    process_kill(tree->process);
  } else {
    step_soon(tree);
  }
}
