// t_fs.c: files that are links, read-only, hard-linked, too large, or no files at all.
#include "tap.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fs.h"

static Arena arena;
static Error err;
static char *dir;

static char *at(const char *name)
{
  return path_join(&arena, str_from(dir), str_from(name));
}

static void setup(void)
{
  arena_init(&arena);
  error_clear(&err);
  dir = fs_temp_dir(&arena, "/tmp", "pw-fs", &err);
  CHECK(dir != NULL);
}

static void teardown(void)
{
  CHECK(fs_remove_tree(dir, &err));
  CHECK(!fs_exists(dir));
  arena_deinit(&arena);
}

static Str text_of(const char *path)
{
  Str out = S("?");
  fs_read(&arena, path, 1000, &out, NULL);
  return out;
}

static bool put(const char *name, const char *text)
{
  return fs_write_atomic(at(name), str_from(text), 0644, &err);
}

TEST(paths)
{
  arena_init(&arena);
  CHECK_STR(str_from(path_join(&arena, S("a"), S("b"))), S("a/b"));
  CHECK_STR(str_from(path_join(&arena, S("/"), S("b"))), S("/b"));
  CHECK_STR(str_from(path_join(&arena, S(""), S("b"))), S("b"));
  CHECK_STR(path_dir(S("a/b/c")), S("a/b"));
  CHECK_STR(path_dir(S("/c")), S("/"));
  CHECK_STR(path_dir(S("c")), S(""));
  CHECK_STR(path_base(S("a/b")), S("b"));
  const char *rows[][2] = {{"a/./b//c/", "a/b/c"}, {"a/../b", "b"}, {".", ""},           {"", ""},
                           {"/a/../b/..", "/"},    {"./x", "x"},    {"a/b/../../c", "c"}};
  Str out;
  for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
    CHECK(path_normal(&arena, str_from(rows[i][0]), &out));
    CHECK_STR(out, str_from(rows[i][1]));
  }
  CHECK(!path_normal(&arena, S(".."), &out));
  CHECK(!path_normal(&arena, S("a/../../b"), &out));
  CHECK(!path_normal(&arena, S("/.."), &out));
  arena_deinit(&arena);
}

TEST(read_and_write)
{
  setup();
  CHECK(put("f", "one"));
  CHECK_STR(text_of(at("f")), S("one"));
  CHECK_INT(fs_stat(at("f")).size, 3);
  chmod(at("f"), 0755);
  CHECK(put("f", ""));
  CHECK_INT(fs_stat(at("f")).mode, 0755);
  CHECK_STR(text_of(at("f")), S(""));
  StrList names = {0};
  CHECK(fs_list(&arena, dir, &names, &err));
  CHECK_INT(names.len, 1);  // no temporary file stays behind
  CHECK(fs_write_unsynced(at("f"), S("two"), 0600, &err) && fs_sync(at("f"), &err));
  CHECK_STR(text_of(at("f")), S("two"));
  CHECK_INT(fs_stat(at("f")).mode, 0755);
  CHECK(fs_sync(at("gone"), &err));
  teardown();
}

TEST(read_refuses)
{
  setup();
  Str out;
  CHECK(put("f", "12345"));
  CHECK(!fs_read(&arena, at("f"), 4, &out, &err));
  CHECK_INT(err.code, ERR_TOO_BIG);
  error_clear(&err);
  CHECK(!fs_read(&arena, at("none"), 4, &out, &err));
  CHECK_INT(err.code, ERR_NOT_FOUND);
  error_clear(&err);
  CHECK(!fs_read(&arena, dir, 4, &out, &err));
  CHECK_INT(err.code, ERR_IO);
  error_clear(&err);
  CHECK_INT(mkfifo(at("fifo"), 0600), 0);
  CHECK(!fs_read(&arena, at("fifo"), 4, &out, &err));
  CHECK(fs_read(&arena, "/proc/self/stat", 10000, &out, NULL) && out.len > 0);
  teardown();
}

TEST(symlinks_are_kept)
{
  setup();
  CHECK(put("target", "x"));
  CHECK_INT(symlink("target", at("link")), 0);
  CHECK_INT(symlink("later", at("dangling")), 0);
  CHECK(put("link", "new"));
  CHECK_INT(fs_stat(at("link")).kind, FS_LINK);
  CHECK_STR(text_of(at("target")), S("new"));
  CHECK(fs_realpath(&arena, at("dangling"), &err) == NULL);
  CHECK_INT(err.code, ERR_NOT_FOUND);
  error_clear(&err);
  CHECK(put("dangling", "y"));
  CHECK_STR(text_of(at("later")), S("y"));
  CHECK_STR(path_base(str_from(fs_realpath(&arena, at("link"), &err))), S("target"));
  CHECK_STR(path_base(str_from(fs_realpath(&arena, at("not-yet"), &err))), S("not-yet"));
  CHECK(fs_realpath(&arena, at("no/not-yet"), NULL) == NULL);
  teardown();
}

TEST(hard_links_are_kept)
{
  setup();
  CHECK(put("a", "1"));
  CHECK_INT(link(at("a"), at("b")), 0);
  CHECK(put("a", "22"));
  CHECK_STR(text_of(at("b")), S("22"));
  CHECK(put("a", "3"));
  CHECK_STR(text_of(at("b")), S("3"));
  teardown();
}

TEST(write_refuses)
{
  setup();
  CHECK(!fs_write_atomic(dir, S("x"), 0644, &err));
  error_clear(&err);
  CHECK(!put("no/dir", "x"));
  CHECK_INT(err.code, ERR_NOT_FOUND);
  error_clear(&err);
  if (geteuid() != 0) {
    CHECK(put("ro", "x"));
    chmod(at("ro"), 0444);
    CHECK(!put("ro", "y"));
    error_clear(&err);
    CHECK(fs_mkdirs(at("locked"), &err) && put("locked/f", "x"));
    chmod(at("locked"), 0500);
    CHECK(put("locked/f", "in place"));
    CHECK_STR(text_of(at("locked/f")), S("in place"));
    CHECK(!put("locked/new", "x"));
  }
  CHECK(!fs_write_atomic("/dev/full", S("x"), 0644, NULL));
  teardown();
}

static size_t entries(void)
{
  StrList names = {0};
  CHECK(fs_list(&arena, dir, &names, &err));
  return names.len;
}

static bool stage(FsStaged *list, const char *name, const char *text)
{
  return fs_stage(list, at(name), str_from(text), 0640, &err);
}

TEST(staged_together)
{
  setup();
  FsStaged list = {.arena = &arena};
  CHECK(put("a", "1") && put("gone", "2") && put("target", "3"));
  chmod(at("a"), 0755);
  CHECK_INT(symlink("target", at("link")), 0);
  CHECK(stage(&list, "a", "A") && stage(&list, "new", "N") && stage(&list, "link", "L"));
  CHECK(fs_stage_remove(&list, at("gone"), &err));
  CHECK_STR(text_of(at("a")), S("1"));
  CHECK(!fs_exists(at("new")));
  CHECK(fs_commit_staged(&list, &err));
  CHECK_INT(list.len, 0);
  CHECK_STR(text_of(at("a")), S("A"));
  CHECK_INT(fs_stat(at("a")).mode, 0755);
  CHECK_STR(text_of(at("new")), S("N"));
  CHECK_INT(fs_stat(at("new")).mode, 0640);
  CHECK_STR(text_of(at("target")), S("L"));
  CHECK_INT(fs_stat(at("link")).kind, FS_LINK);
  CHECK_INT(entries(), 4);
  teardown();
}

TEST(staged_and_discarded)
{
  setup();
  FsStaged list = {.arena = &arena};
  CHECK(put("a", "1"));
  CHECK(stage(&list, "a", "A"));
  CHECK(!stage(&list, "a/b", "B"));  // a path through a file
  error_clear(&err);
  CHECK(!fs_stage_remove(&list, at("none"), &err));
  CHECK_INT(err.code, ERR_NOT_FOUND);
  error_clear(&err);
  CHECK(!fs_stage_remove(&list, dir, &err));
  error_clear(&err);
  fs_discard_staged(&list);
  CHECK_STR(text_of(at("a")), S("1"));
  CHECK_INT(entries(), 1);
  teardown();
}

// The last step fails when everything before it is done: each kind of step is undone.
TEST(staged_and_undone)
{
  setup();
  FsStaged list = {.arena = &arena};
  CHECK(put("a", "1") && put("linked", "2") && put("gone", "3") && put("last", "4"));
  CHECK_INT(link(at("linked"), at("other")), 0);
  CHECK(stage(&list, "a", "A") && stage(&list, "linked", "LL") && stage(&list, "new", "N"));
  CHECK(fs_stage_remove(&list, at("gone"), &err) && stage(&list, "last", "5"));
  CHECK(fs_remove(at("last"), &err) && fs_mkdirs(at("last/x"), &err));
  chmod(at("a"), 0711);
  CHECK(!fs_commit_staged(&list, &err));
  CHECK(str_has(str_from(err.message), S("last")));
  error_clear(&err);
  CHECK_STR(text_of(at("a")), S("1"));
  CHECK_INT(fs_stat(at("a")).mode, 0711);
  CHECK_STR(text_of(at("other")), S("2"));
  CHECK_STR(text_of(at("gone")), S("3"));
  CHECK(!fs_exists(at("new")));
  CHECK_INT(entries(), 5);
  CHECK(put("b", "1") && stage(&list, "b", "B") && fs_stage_remove(&list, at("b"), &err));
  CHECK(!fs_commit_staged(&list, &err));  // what would go is no longer what was there
  CHECK_INT(err.code, ERR_STALE);
  error_clear(&err);
  CHECK_STR(text_of(at("b")), S("1"));
  CHECK_INT(entries(), 6);
  teardown();
}

// The name that [name] is to be kept under once another file is staged: somebody has taken it. Two names are used
// up until then, by taking it and by that file.
static char *take_next_name(const char *name)
{
  FsStaged list = {.arena = &arena};
  StrList names = {0};
  unsigned number = 0;
  CHECK(stage(&list, "probe", "x") && fs_list(&arena, dir, &names, &err));
  for (size_t i = 0; i < names.len; i++) {
    char *last = strrchr(str_z(&arena, names.items[i]), '-');
    if (str_starts(names.items[i], S(".probe.pwn"))) number = (unsigned)atoi(last + 1);
  }
  fs_discard_staged(&list);
  Str taken =
      str_fmt(&arena, ".%s.pwo%08x-%ld-%u", name, fs_host_tag(), (long)getpid(), number + 3);
  CHECK(put(taken.ptr, "somebody's"));
  return at(taken.ptr);
}

TEST(a_name_that_is_taken_is_not_used)
{
  setup();
  FsStaged list = {.arena = &arena};
  CHECK(put("gone", "1") && put("kept", "2") && put("last", "3"));
  char *taken = take_next_name("gone");
  CHECK(stage(&list, "new", "N") && fs_stage_remove(&list, at("gone"), &err));
  CHECK(!fs_commit_staged(&list, &err));
  error_clear(&err);
  CHECK_STR(text_of(taken), S("somebody's"));
  CHECK_STR(text_of(at("gone")), S("1"));
  CHECK(!fs_exists(at("new")));
  CHECK_INT(unlink(taken), 0);

  taken = take_next_name("kept");
  CHECK(stage(&list, "kept", "K") && fs_stage_remove(&list, at("last"), &err));
  CHECK(!fs_commit_staged(&list, &err));
  error_clear(&err);
  CHECK_STR(text_of(taken), S("somebody's"));
  CHECK_STR(text_of(at("kept")), S("2"));
  CHECK_STR(text_of(at("last")), S("3"));
  CHECK_INT(entries(), 4);
  teardown();
}

TEST(staged_on_a_full_disk)
{
  setup();
  FsStaged list = {.arena = &arena};
  struct rlimit old, small;
  CHECK(put("a", "1") && put("b", "2"));
  CHECK_INT(getrlimit(RLIMIT_FSIZE, &old), 0);
  small = (struct rlimit){4, old.rlim_max};
  signal(SIGXFSZ, SIG_IGN);
  CHECK_INT(setrlimit(RLIMIT_FSIZE, &small), 0);
  bool first = stage(&list, "a", "A"), second = stage(&list, "b", "too long");
  CHECK_INT(setrlimit(RLIMIT_FSIZE, &old), 0);
  CHECK(first && !second);
  error_clear(&err);
  fs_discard_staged(&list);
  CHECK_STR(text_of(at("a")), S("1"));
  CHECK_STR(text_of(at("b")), S("2"));
  CHECK_INT(entries(), 2);
  teardown();
}

// What a process leaves that stages [name] and dies: the name of its temporary file.
static Str left_by_dead(const char *name)
{
  pid_t child = fork();
  if (child == 0) {
    FsStaged list = {.arena = &arena};
    _exit(fs_stage(&list, at(name), S("half"), 0600, NULL) ? 0 : 1);
  }
  int status = -1;
  CHECK_INT(waitpid(child, &status, 0), child);
  CHECK_INT(status, 0);
  StrList names = {0};
  CHECK(fs_list(&arena, dir, &names, &err));
  for (size_t i = 0; i < names.len; i++) {
    if (str_has(names.items[i], S(".pwn"))) return names.items[i];
  }
  return STR_NONE;
}

TEST(sweep_after_a_kill)
{
  setup();
  CHECK(put("f", "old"));
  Str left = left_by_dead("f");
  CHECK(left.len > 0);
  FsStaged mine = {.arena = &arena};  // a living process's stays
  CHECK(fs_stage(&mine, at("f"), S("new"), 0600, &err));
  CHECK(put(".f.pw-note", "the user's own"));
  fs_sweep(dir);
  CHECK(!fs_exists(at(str_z(&arena, left))));
  CHECK(fs_exists(at(".f.pw-note")));
  CHECK(fs_commit_staged(&mine, &err));
  CHECK_STR(text_of(at("f")), S("new"));

  // A file that was to be removed has only its second name: it is put back. A new one that was never whole is not.
  left = left_by_dead("gone");
  char *aside = str_z(&arena, left);
  strstr(aside, ".pwn")[3] = 'o';
  CHECK_INT(rename(at(str_z(&arena, left)), at(aside)), 0);
  CHECK(left_by_dead("unborn").len > 0);
  fs_sweep(dir);
  CHECK_STR(text_of(at("gone")), S("half"));
  CHECK(!fs_exists(at(aside)) && !fs_exists(at("unborn")));

  // Of a long name only the beginning is there: whose it is cannot be told, and it may be the only copy.
  char name[221] = "";
  memset(name, 'x', sizeof(name) - 1);
  left = left_by_dead(name);
  aside = str_z(&arena, left);
  strstr(aside, ".pwn")[3] = 'o';
  CHECK_INT(rename(at(str_z(&arena, left)), at(aside)), 0);
  fs_sweep(dir);
  CHECK_STR(text_of(at(aside)), S("half"));
  teardown();
}

TEST(directories)
{
  setup();
  CHECK(fs_mkdirs(at("a/b/c"), &err));
  CHECK(fs_mkdirs(at("a/b/c/"), &err));
  CHECK_INT(fs_stat(at("a/b")).mode, 0700);
  CHECK(put("a/f", "x"));
  CHECK(!fs_mkdirs(at("a/f/g"), &err));
  CHECK(str_has(str_from(err.message), S("a/f")));
  error_clear(&err);
  CHECK_INT(symlink("/etc", at("a/etc")), 0);
  chmod(at("a/b"), 0500);
  StrList names = {0};
  CHECK(fs_list(&arena, at("a"), &names, &err));
  CHECK_STR(str_join(&arena, &names, S(" ")), S("b etc f"));
  CHECK(fs_remove_tree(at("a"), &err));
  CHECK(fs_remove_tree(at("a"), &err));  // gone is fine
  CHECK(fs_exists("/etc"));
  CHECK(!fs_list(&arena, at("a"), &names, NULL));
  teardown();
}

TEST(copy)
{
  setup();
  CHECK(put("f", "text"));
  chmod(at("f"), 0750);
  CHECK(fs_copy(at("f"), at("x/y/g"), &err));
  CHECK_STR(text_of(at("x/y/g")), S("text"));
  CHECK_INT(fs_stat(at("x/y/g")).mode, 0750);
  CHECK_INT(symlink("f", at("l")), 0);
  CHECK(fs_copy(at("l"), at("x/l"), &err));
  CHECK_INT(fs_stat(at("x/l")).kind, FS_LINK);
  CHECK(fs_copy(at("f"), at("x/l"), &err));  // replaces the link, does not write through it
  CHECK_INT(fs_stat(at("x/l")).kind, FS_FILE);
  CHECK(!fs_copy(dir, at("d"), NULL));
  CHECK(!fs_copy(at("none"), at("d"), NULL));
  CHECK(fs_remove(at("f"), &err));
  CHECK(!fs_remove(at("f"), NULL));
  teardown();
}

TEST(user_directories)
{
  arena_init(&arena);
  setenv("XDG_STATE_HOME", "/s", 1);
  setenv("XDG_CONFIG_HOME", "relative", 1);
  setenv("HOME", "/h", 1);
  unsetenv("PIECEWORK_STATE");
  CHECK_STR(str_from(fs_state_dir(&arena)), S("/s/piecework"));
  CHECK_STR(str_from(fs_config_dir(&arena)), S("/h/.config/piecework"));
  setenv("PIECEWORK_STATE", "/t", 1);
  CHECK_STR(str_from(fs_state_dir(&arena)), S("/t"));
  arena_deinit(&arena);
}

TEST_MAIN
