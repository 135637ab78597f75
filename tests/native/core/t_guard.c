// t_guard.c: every reason a path is not written, and the paths that are fine.
#include "tap.h"

#include <sys/stat.h>
#include <unistd.h>

#include "core/guard.h"
#include "lib/fs.h"

static Arena arena;
static Error err;
static char *dir;
static Guard guard;

static bool sh(const char *script)
{
  Str line = str_fmt(&arena, "cd '%s' && { %s; } >/dev/null 2>&1", dir, script);
  return system(str_z(&arena, line)) == 0;
}

static void setup(const char *root, const char *script)
{
  arena_init(&arena);
  error_clear(&err);
  char *made = fs_temp_dir(&arena, "/tmp", "pw-guard", &err);
  CHECK(made != NULL);
  dir = fs_realpath(&arena, made, &err);
  CHECK(sh("mkdir p out && echo secret >out/x"));
  CHECK(sh(script));
  guard = (Guard){.root = path_join(&arena, str_from(dir), str_from(root))};
}

static void teardown(void)
{
  repo_free(guard.repo);
  CHECK(fs_remove_tree(dir, NULL));
  arena_deinit(&arena);
}

static void refused(const char *path, RefuseCode code, const char *reason)
{
  RefuseCode why = REFUSE_COUNT;
  error_clear(&err);
  bool ok = guard_path(&guard, str_from(path), &why, &err);
  bool right = !ok && why == code && err.code == ERR_REFUSED;
  if (right && str_has(str_from(err.message), str_from(reason))) return;
  CHECK_STR(
      str_fmt(&arena, "%s: %s, code %d, %s", path, ok ? "fine" : "refused", (int)why, err.message),
      str_fmt(&arena, "%s: refused, code %d, %s", path, (int)code, reason));
}

static void fine(const char *path)
{
  RefuseCode why = REFUSE_COUNT;
  error_clear(&err);
  CHECK(guard_path(&guard, str_from(path), &why, &err));
  CHECK_STR(str_from(err.message), S(""));
}

TEST(files_old_and_new)
{
  setup("p", "mkdir p/a && echo x >p/a/f && ln -s a/f p/inside");
  fine("a/f");
  fine("a/new");
  fine("b/c/new");
  fine("inside");  // fs_write_atomic keeps the link
  teardown();
}

TEST(outside)
{
  setup("p", "true");
  refused("../out/x", REFUSE_PATH_OUTSIDE, "not a path inside");
  refused("a/../../out/x", REFUSE_PATH_OUTSIDE, "not a path inside");
  refused("/etc/passwd", REFUSE_PATH_OUTSIDE, "not a path inside");
  refused("~/x", REFUSE_PATH_OUTSIDE, "not a path inside");
  refused("C:/x", REFUSE_PATH_OUTSIDE, "not a path inside");
  teardown();
}

TEST(inside_git)
{
  setup("p", "mkdir -p p/.git p/sub && ln -s ../p/.git/config p/link && echo >p/.git/config");
  refused(".git/config", REFUSE_PATH_GIT, "inside .git");
  refused(".GIT/hooks/x", REFUSE_PATH_GIT, "inside .git");
  refused("sub/.git/x", REFUSE_PATH_GIT, "inside .git");
  refused("link", REFUSE_PATH_SYMLINK, "leads out");
  fine(".gitignore");
  teardown();
}

TEST(symlinks)
{
  setup("p",
        "mkdir p/d && echo x >p/d/f && ln -s ../out p/dir && ln -s ../out/x p/file &&"
        "ln -s d p/alias && ln -s d p/d2 && ln -s ../out/new p/later && ln -s loop p/loop &&"
        "mkdir p-side && echo x >p-side/f && ln -s ../p-side/f p/prefix");
  refused("dir/x", REFUSE_PATH_SYMLINK, "dir is a symlink");
  refused("dir/new", REFUSE_PATH_SYMLINK, "dir is a symlink");
  refused("alias/f", REFUSE_PATH_SYMLINK, "alias is a symlink");  // also one that stays inside
  refused("file", REFUSE_PATH_SYMLINK, "leads out");
  refused("later", REFUSE_PATH_SYMLINK, "leads out");
  refused("loop", REFUSE_PATH_SYMLINK, "leads out");
  refused("prefix", REFUSE_PATH_SYMLINK, "leads out");
  refused("d2", REFUSE_PATH_SPECIAL, "not a regular file");
  teardown();
}

TEST(special_files)
{
  setup("p", "mkdir p/d && mkfifo p/pipe && ln -s pipe p/link && echo x >p/f");
  refused("d", REFUSE_PATH_SPECIAL, "is a directory");
  refused("pipe", REFUSE_PATH_SPECIAL, "is a device, pipe or socket");
  refused("link", REFUSE_PATH_SPECIAL, "is not a regular file");
  refused("f/x", REFUSE_PATH_SPECIAL, "f is a file, and nothing can be made below it");
  refused("pipe/x", REFUSE_PATH_SPECIAL, "pipe is not a directory");
  teardown();
}

TEST(case_collisions)
{
  setup("p", "mkdir p/Src && echo x >p/README.md && echo x >p/Src/a.c");
  refused("readme.md", REFUSE_PATH_CASE, "only in case");
  refused("src/b.c", REFUSE_PATH_CASE, "only in case");
  refused("Src/A.c", REFUSE_PATH_CASE, "only in case");
  fine("README.md");
  fine("Src/b.c");
  teardown();
}

TEST(ignored)
{
  setup("p", "cd p && git init -q && echo '*.log' >.gitignore && echo build/ >>.gitignore");
  guard.repo = repo_open(guard.root, &err);
  CHECK(guard.repo != NULL);
  RefuseCode why;
  refused("x.log", REFUSE_PATH_IGNORED, "ignored by git");
  refused("build/new.c", REFUSE_PATH_IGNORED, "ignored by git");
  fine("x.c");
  CHECK(guard_read(&guard, S("x.log"), &why, &err));  // reading does not ask
  teardown();
}

// The root below the repository's: a rule with a slash means the path from the top.
TEST(ignored_below_the_top)
{
  setup("p/sub", "cd p && git init -q && mkdir sub && echo /sub/gen >.gitignore");
  guard.repo = repo_open(guard.root, &err);
  CHECK(guard.repo != NULL);
  refused("gen", REFUSE_PATH_IGNORED, "ignored by git");
  fine("sub/gen");
  teardown();
}

TEST(too_large)
{
  setup("p", "printf 12345 >p/f");
  fine("f");
  guard.max_bytes = 4;
  refused("f", REFUSE_TOO_LARGE, "too large");
  guard.max_bytes = 5;
  fine("f");
  teardown();
}

TEST_MAIN
