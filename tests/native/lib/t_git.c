// t_git.c: repositories of every odd shape, made with the git command.
#include "tap.h"

#include <sys/stat.h>
#include <unistd.h>

#include "lib/fs.h"
#include "lib/git_private.h"

static Arena arena;
static Error err;
static char *dir;

static char *at(const char *name)
{
  return path_join(&arena, str_from(dir), str_from(name));
}

static bool sh(const char *script)
{
  Str line = str_fmt(&arena, "cd '%s' && { %s; } >/dev/null 2>&1", dir, script);
  return system(str_z(&arena, line)) == 0;
}

static void setup(void)
{
  arena_init(&arena);
  error_clear(&err);
  dir = fs_temp_dir(&arena, "/tmp", "pw-git", &err);
  CHECK(fs_mkdirs(at("home"), &err));
  CHECK(sh("rm -rf ~/.gitconfig ~/.config"));
  CHECK(sh(
      "git config --global user.name x; git config --global user.email x@example.org;"
      "git config --global init.defaultBranch main; git config --global protocol.file.allow always;"
      "mkdir r && cd r && git init -q"));
}

static void teardown(void)
{
  CHECK_STR(str_from(err.message), S(""));
  CHECK(fs_remove_tree(dir, &err));
  arena_deinit(&arena);
}

static Str files(Repo *repo, const char *under)
{
  StrList list = {0};
  repo_files(repo, &arena, str_from(under), &list, &err);
  return str_join(&arena, &list, S(" "));
}

static Str changes(Repo *repo)
{
  RepoChangeList list = {0};
  repo_changes(repo, &arena, &list, &err);
  Str out = S("");
  for (size_t i = 0; i < list.len; i++) {
    RepoChange *change = &list.items[i];
    out = str_fmt(&arena, "%.*s%s%.*s%s", STR_ARG(out), i ? " " : "", STR_ARG(change->path),
                  change->gone ? "-" : "");
  }
  return out;
}

TEST(no_repository)
{
  setup();
  CHECK(repo_open(at("home"), &err) == NULL);
  CHECK(repo_open(at("nowhere"), &err) == NULL);
  repo_free(NULL);
  teardown();
}

TEST(without_commits)
{
  setup();
  CHECK(sh("cd r && mkdir sub && echo 1 >a && echo 2 >sub/b && git add a"));
  Repo *repo = repo_open(at("r/sub"), &err);
  CHECK_STR(repo_root(repo), str_from(at("r")));
  CHECK_STR(repo_git_dir(repo), str_from(at("r/.git")));
  CHECK(!repo_has_head(repo));
  CHECK_STR(files(repo, ""), S("a sub/b"));
  CHECK_STR(changes(repo), S("a sub/b"));
  repo_free(repo);
  teardown();
}

TEST(ignored)
{
  setup();
  CHECK(
      sh("mkdir -p ~/.config/git && echo '*.global' >~/.config/git/ignore; cd r && mkdir -p "
         "build/x sub &&"
         "printf 'build/\\n*.log\\n!keep.log\\n' >.gitignore && echo local >.git/info/exclude && "
         "echo '/deep' >sub/.gitignore &&"
         "touch build/x/o a.log keep.log tracked.log local y.global sub/deep a && git add -f "
         "tracked.log a build/x/o"));
  Repo *repo = repo_open(at("r"), &err);
  CHECK_STR(files(repo, ""), S(".gitignore a build/x/o keep.log sub/.gitignore tracked.log"));
  CHECK(repo_ignored(repo, S("a.log")) && repo_ignored(repo, S("x/y.log")));
  CHECK(repo_ignored(repo, S("local")) && repo_ignored(repo, S("y.global")));
  CHECK(repo_ignored(repo, S("sub/deep")) && !repo_ignored(repo, S("deep")));
  CHECK(!repo_ignored(repo, S("keep.log")) && !repo_ignored(repo, S("tracked.log")));
  CHECK(!repo_ignored(repo, S("build/x/o")) && repo_ignored(repo, S("build/x/p")));
  CHECK(!repo_ignored(repo, S("build")) && !repo_ignored(repo, S("sub/")));
  CHECK(repo_ignored(repo, S(".git/config")));
  // A rule added while the repository is open counts.
  CHECK(sh("cd r && echo later >>.gitignore"));
  CHECK(repo_ignored(repo, S("later")));
  // So does a file that is added or taken out while it is open.
  CHECK(sh("cd r && touch later && git add -f later"));
  CHECK(!repo_ignored(repo, S("later")) && !repo_ignored(repo, S("later")));
  CHECK(sh("cd r && git rm -q --cached later tracked.log"));
  CHECK(repo_ignored(repo, S("later")) && repo_ignored(repo, S("tracked.log")));
  repo_free(repo);
  teardown();
}

// What is in the index is told without libgit2; what is not, or not for sure, is not.
TEST(tracked_without_libgit2)
{
  setup();
  CHECK(sh("cd r && mkdir -p deep/er && touch a b.log deep/er/c new && echo '*.log' >.gitignore &&"
           "git add -f a b.log deep/er/c && git commit -qm x"));
  Repo *repo = repo_open(at("r"), &err);
  CHECK(!repo_ignored(repo, S("a")) && !repo_ignored(repo, S("b.log")));
  CHECK(!repo_ignored(repo, S("deep/er/c")));
  CHECK(repo->handle == NULL);
  CHECK(!index_names(repo, S("deep")) && !index_names(repo, S("new")) && !index_names(repo, S("")));
  CHECK(sh("cd r && git rm -q --cached b.log && git add -N new"));
  CHECK(index_names(repo, S("new")) && !index_names(repo, S("b.log")));
  CHECK(repo->handle == NULL);
  CHECK(sh("cd r && git update-index --skip-worktree a"));  // version 3
  CHECK(index_names(repo, S("a")) && index_names(repo, S("deep/er/c")));
  CHECK(sh("cd r && git update-index --index-version 4"));
  CHECK(!index_names(repo, S("a")) && !repo_ignored(repo, S("a")));
  CHECK(repo->handle != NULL && repo_ignored(repo, S("b.log")));
  repo_free(repo);
  teardown();
}

// An index cut at any byte is read no further than it goes.
TEST(index_cut_short)
{
  setup();
  CHECK(sh("cd r && touch a zz && git add -A"));
  Repo *repo = repo_open(at("r"), &err);
  Str whole;
  CHECK(fs_read(&arena, at("r/.git/index"), 1 << 20, &whole, &err));
  for (size_t len = 0; len < whole.len; len++) {
    CHECK(fs_write_unsynced(at("r/.git/index"), str_sub(whole, 0, len), 0600, &err));
    bool named = index_names(repo, S("zz"));
    if (len < 12 + 64 + 72) CHECK(!named);  // header, the two entries
  }
  CHECK(sh("rm r/.git/index"));
  CHECK(!index_names(repo, S("a")));
  repo_free(repo);
  teardown();
}

TEST(changes_against_head)
{
  setup();
  CHECK(
      sh("cd r && for f in a b c d e; do echo $f >$f; done; git add . && git commit -qm x && echo "
         "2 >>a &&"
         "rm b && git rm -q c && echo n >new && git add new && echo u >'u u' && git rm -q --cached "
         "d &&"
         "echo gone >g && git add g && rm g && echo s >e && git add e"));
  Repo *repo = repo_open(at("r"), &err);
  CHECK(repo_has_head(repo));
  CHECK_STR(changes(repo), S("a b- c- d e new u u"));
  CHECK_STR(files(repo, ""), S("a d e new u u"));
  repo_free(repo);
  teardown();
}

TEST(under)
{
  setup();
  CHECK(sh("cd r && mkdir -p a/b ab '[x]' && touch a/b/1 a/2 ab/3 '[x]/4' x && git add a"));
  Repo *repo = repo_open(at("r"), &err);
  CHECK_STR(files(repo, "a"), S("a/2 a/b/1"));
  CHECK_STR(files(repo, "a/"), S("a/2 a/b/1"));
  CHECK_STR(files(repo, "a/2"), S("a/2"));
  CHECK_STR(files(repo, "[x]"), S("[x]/4"));
  CHECK_STR(files(repo, "none"), S(""));
  repo_free(repo);
  teardown();
}

TEST(worktree_and_core_worktree)
{
  setup();
  CHECK(
      sh("cd r && echo 1 >a && git add a && git commit -qm x && git worktree add -q ../wt &&"
         "git init -q ../elsewhere && cd ../elsewhere && git config core.worktree ../../home"));
  Repo *repo = repo_open(at("wt"), &err);
  CHECK_STR(repo_root(repo), str_from(at("wt")));
  CHECK_STR(repo_git_dir(repo), str_from(at("r/.git/worktrees/wt")));
  CHECK_STR(files(repo, ""), S("a"));
  repo_free(repo);
  repo = repo_open(at("elsewhere"), &err);
  CHECK_STR(repo_root(repo), str_from(at("home")));
  repo_free(repo);
  setenv("GIT_DIR", at("elsewhere/.git"), 1);  // a hook's environment must not lead us elsewhere
  repo = repo_open(at("r"), &err);
  CHECK_STR(repo_root(repo), str_from(at("r")));
  repo_free(repo);
  unsetenv("GIT_DIR");
  teardown();
}

TEST(bare)
{
  setup();
  CHECK(sh("git init -q --bare b"));
  Repo *repo = repo_open(at("b"), &err);
  CHECK(repo && repo_root(repo).len == 0);
  StrList list = {0};
  CHECK(!repo_files(repo, &arena, S(""), &list, NULL));
  CHECK(!repo_changes(repo, &arena, &(RepoChangeList){0}, NULL));
  repo_free(repo);
  teardown();
}

TEST(submodules_and_links)
{
  setup();
  CHECK(
      sh("git init -q m && cd m && echo 1 >inside && git add . && git commit -qm x && cd ../r &&"
         "git submodule add -q ../m sub && git init -q nested && touch nested/x && ln -s sub "
         "linkdir && echo 1 >a &&"
         "ln -s a linkfile && ln -s none broken && ln -s / rootlink && git add linkdir linkfile"));
  Repo *repo = repo_open(at("r"), &err);
  CHECK_STR(files(repo, ""), S(".gitmodules a linkfile"));
  CHECK_STR(changes(repo), S(".gitmodules a broken linkdir linkfile rootlink"));
  repo_free(repo);
  repo = repo_open(at("r/sub"), &err);
  CHECK_STR(repo_root(repo), str_from(at("r/sub")));
  CHECK_STR(repo_git_dir(repo), str_from(at("r/.git/modules/sub")));
  CHECK_STR(files(repo, ""), S("inside"));
  repo_free(repo);
  teardown();
}

TEST(sparse_checkout)
{
  setup();
  CHECK(
      sh("cd r && mkdir in out && touch in/a out/b top && git add . && git commit -qm x &&"
         "git sparse-checkout set --cone in"));
  Repo *repo = repo_open(at("r"), &err);
  CHECK_STR(files(repo, ""), S("in/a top"));
  CHECK_STR(changes(repo), S(""));
  repo_free(repo);
  CHECK(sh("cd r && git sparse-checkout reapply --sparse-index"));
  repo = repo_open(at("r"), &err);
  CHECK_STR(files(repo, ""), S("in/a top"));
  CHECK(!repo_ignored(repo, S("top")));
  error_clear(&err);
  CHECK(!repo_changes(repo, &arena, &(RepoChangeList){0}, &err));
  CHECK(str_has(str_from(err.hint), S("--no-sparse-index")));
  error_clear(&err);
  repo_free(repo);
  teardown();
}

TEST(conflicts)
{
  setup();
  CHECK(
      sh("cd r && echo 1 >a && git add a && git commit -qm 1 && git checkout -qb o && echo 2 >a && "
         "git commit -qam 2 &&"
         "git checkout -q main && echo 3 >a && git commit -qam 3 && ! git merge o"));
  Repo *repo = repo_open(at("r"), &err);
  CHECK_STR(files(repo, ""), S("a"));
  CHECK_STR(changes(repo), S("a"));
  CHECK(!repo_ignored(repo, S("a")));
  repo_free(repo);
  teardown();
}

TEST(odd_repositories)
{
  setup();
  CHECK(sh("cd r && echo '[core' >.git/config"));
  CHECK(repo_open(at("r"), &err) == NULL);
  CHECK_INT(err.code, ERR_GIT);
  CHECK(str_has(str_from(err.hint), S("git status")));
  error_clear(&err);
  if (geteuid() == 0) {
    CHECK(sh("git init -q other && chown -R 12345 other"));
    CHECK(repo_open(at("other"), &err) == NULL);
    CHECK_INT(err.code, ERR_GIT);
    error_clear(&err);
    CHECK(sh("git config --global --add safe.directory /x"));
    CHECK(repo_open(at("other"), &err) == NULL);
    CHECK_INT(err.code, ERR_GIT);
    CHECK(str_has(str_from(err.message), S("another user")));
    CHECK(str_has(str_from(err.hint), S("safe.directory")));
    error_clear(&err);
  }
  teardown();
}

TEST(rules)
{
  setup();
  CHECK(sh("mkdir -p ~/.config/git && echo globally >~/.config/git/ignore"));
  IgnoreRules *rules = ignore_rules_new();
  CHECK(!ignore_rules_match(rules, S("a")));
  ignore_rules_add(rules,
                   S("# comment\nbuild/\n*.log\n!keep.log\n/top\r\nsub/deep\nfoo/**/bar\n\\#x\n"));
  ignore_rules_add(rules, S("\xef\xbb\xbfsecond"));
  const char *yes[] = {"build/x",  "a/build/y/z", "b.log",       "a/b.log", "top",    "top/x",
                       "sub/deep", "sub/deep/x",  "foo/a/b/bar", "#x",      "second", "a/second"};
  const char *no[] = {"build", "keep.log", "a/top", "x/sub/deep", "foo", "comment", "globally", ""};
  for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
    if (!ignore_rules_match(rules, str_from(yes[i]))) CHECK_STR(S("not ignored"), str_from(yes[i]));
  }
  for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++) {
    if (ignore_rules_match(rules, str_from(no[i]))) CHECK_STR(S("ignored"), str_from(no[i]));
  }
  ignore_rules_free(rules);
  rules = ignore_rules_new();
  ignore_rules_add(rules, S("/*\n!/src\n/src/*\n!/src/a.c"));  // only src/a.c
  CHECK(ignore_rules_match(rules, S("b")) && ignore_rules_match(rules, S("src/b.c")));
  CHECK(!ignore_rules_match(rules, S("src/a.c")));
  ignore_rules_free(rules);
  ignore_rules_free(NULL);
  teardown();
}

// libgit2 looks for the home directory once.
int main(int argc, char **argv)
{
  char home[] = "/tmp/pw-home-XXXXXX";
  if (!mkdtemp(home)) return 1;
  setenv("HOME", home, 1);
  setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
  unsetenv("XDG_CONFIG_HOME");
  int status = tap_main(argc, argv);
  return fs_remove_tree(home, NULL) ? status : 1;
}
