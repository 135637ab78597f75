// t_project.c: what belongs to a project, what may leave it, and every way around that.
#include "tap.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "core/project.h"
#include "core/secret.h"
#include "lib/fs.h"

static Arena arena;
static Error err;
static char *dir;
static Project *project;

static char *at(const char *name)
{
  return path_join(&arena, str_from(dir), str_from(name));
}

static bool sh(const char *script)
{
  Str line = str_fmt(&arena, "cd '%s' && { %s; } >/dev/null 2>&1", dir, script);
  return system(str_z(&arena, line)) == 0;
}

static void setup(bool git, const char *script)
{
  arena_init(&arena);
  error_clear(&err);
  dir = fs_temp_dir(&arena, "/tmp", "pw-project", &err);
  CHECK(sh("mkdir p"));
  if (git) CHECK(sh("cd p && git init -q"));
  CHECK(sh(script));
  project = project_open(at("p"), &err);
  CHECK(project != NULL);
}

static void teardown(void)
{
  CHECK_STR(str_from(err.message), S(""));
  project_free(project);
  CHECK(fs_remove_tree(dir, &err));
  arena_deinit(&arena);
}

static Str files(const char *under)
{
  StrList list = {0};
  project_files(project, &arena, str_from(under), &list, &err);
  return str_join(&arena, &list, S(" "));
}

static void verdict(const char *path, SendVerdict want, const char *reason)
{
  Str why = STR_NONE, text;
  SendVerdict got = project_may_send(project, &arena, str_from(path), NULL, &why);
  if (got != want || !str_has(why, str_from(reason))) {
    CHECK_STR(str_fmt(&arena, "%s: %d, %.*s", path, got, STR_ARG(why)),
              str_fmt(&arena, "%s: %d, %s", path, want, reason));
  }
  Error cause = {0};
  CHECK(project_read(project, &arena, str_from(path), &text, &cause) == (want == SEND_OK));
  if (want != SEND_OK) CHECK(str_has(str_from(cause.message), str_from(reason)));
}

TEST(root_of_git)
{
  setup(true, "mkdir -p p/a/b && touch p/a/b/c");
  CHECK_STR(project_root(project), str_from(at("p")));
  CHECK_STR(str_from(project_plans_dir(project, &arena)), str_from(at("p/.git/piecework/plans")));
  Project *below = project_open(at("p/a/b"), &err);
  CHECK_STR(project_root(below), str_from(at("p")));
  project_free(below);
  CHECK(project_open(at("none"), NULL) == NULL);
  CHECK(project_open(at("p/a/b/c"), NULL) == NULL);
  project_free(NULL);
  teardown();
}

TEST(root_without_git)
{
  setup(false,
        "git init -q --bare bare; mkdir -p home/code && cd home && git init -q && echo '*' "
        ">.gitignore");
  setenv("PIECEWORK_STATE", "/state", 1);
  CHECK(project_repo(project) == NULL);
  CHECK(str_starts(str_from(project_plans_dir(project, &arena)), S("/state/plans/")));
  Project *bare = project_open(at("bare"), &err);
  CHECK(bare && !project_repo(bare));
  project_free(bare);
  Project *code = project_open(at("home/code"), &err);  // ignored by the repository around it
  CHECK_STR(project_root(code), str_from(at("home/code")));
  CHECK(!project_repo(code));
  project_free(code);
  teardown();
}

TEST(verdicts)
{
  setup(true,
        "cd p && echo '*.log' >.gitignore && touch a.log && echo hello >ok.c && printf 'a\\0b' "
        ">bin && printf '\\377x' >latin &&"
        "printf 'version https://git-lfs.github.com/spec/v1\\noid sha256:0\\nsize 5\\n' >pointer &&"
        "mkdir sub && echo k >.env && echo k >sub/id_rsa && mkfifo fifo && truncate -s 17M big && "
        "touch forced.log && git add -f forced.log &&"
        "printf 'x\\n-----BEGIN RSA PRIVATE "
        "KEY-----\\nMIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn1ygWyF0n9QmkeXV6wQ\\n' >keyfile");
  verdict("ok.c", SEND_OK, "");
  verdict("forced.log", SEND_OK, "");
  verdict("a.log", SEND_IGNORED, "ignored by .gitignore");
  verdict("bin", SEND_BINARY, "binary");
  verdict("latin", SEND_BINARY, "not UTF-8");
  verdict("pointer", SEND_BINARY, "LFS");
  verdict(".env", SEND_SECRET, "a .env file");
  verdict("sub/id_rsa", SEND_SECRET, "an SSH key");
  verdict("keyfile", SEND_SECRET, "a private key inside");
  verdict("none", SEND_NOT_FOUND, "not found");
  verdict("sub", SEND_NOT_FILE, "not a file");
  verdict("fifo", SEND_NOT_FILE, "not a file");
  verdict("big", SEND_TOO_LARGE, "too large (18 MB)");
  verdict(".git/config", SEND_GIT, "inside .git");
  verdict("sub/.GIT/config", SEND_GIT, "inside .git");
  verdict("../p/ok.c", SEND_OUTSIDE, "outside");
  verdict("/etc/passwd", SEND_OUTSIDE, "outside");
  verdict("", SEND_OUTSIDE, "outside");
  verdict("./ok.c", SEND_OUTSIDE, "outside");
  CHECK_STR(files(""), S(".gitignore big bin forced.log keyfile latin ok.c pointer"));
  teardown();
}

TEST(links)
{
  setup(true,
        "mkdir out && echo s >out/f && cd p && echo k >.env && echo t >t.c && mkdir d && echo e "
        ">d/e.c && ln -s .env notes.txt &&"
        "ln -s ../out outdir && ln -s /etc/hostname host && ln -s t.c alias.c && ln -s gone "
        "dangling && ln -s loop loop && ln -s d dlink");
  verdict("notes.txt", SEND_SECRET, "a .env file");
  verdict("outdir/f", SEND_OUTSIDE, "outside");
  verdict("outdir/new", SEND_OUTSIDE, "outside");
  verdict("host", SEND_OUTSIDE, "outside");
  verdict("alias.c", SEND_OK, "");
  verdict("dlink/e.c", SEND_OK, "");
  verdict("dangling", SEND_OUTSIDE, "outside");
  verdict("loop", SEND_OUTSIDE, "outside");
  project_overlay_set(project, S("outdir/f"), S("x"));
  verdict("outdir/f", SEND_OUTSIDE, "outside");
  teardown();
}

static Str beyond(const char *path)
{
  Str real = STR_NONE;
  return project_beyond_links(project, &arena, str_from(path), &real) ? real : S("!");
}

TEST(links_on_the_way)
{
  setup(false,
        "cd p && mkdir -p r/deep out && ln -s deep r/link && ln -s r/link two && ln -s r root && "
        "ln -s .. r/up && ln -s /tmp r/away && echo x >r/deep/f && ln -s deep/f r/file && "
        "ln -s none r/loose");
  CHECK_STR(beyond("r/deep/f"), S("r/deep/f"));
  CHECK_STR(beyond("two/f"), S("r/deep/f"));
  CHECK_STR(beyond("root/link/new/g"), S("r/deep/new/g"));
  CHECK_STR(beyond("r/up/f"), S("f"));
  CHECK_STR(beyond("r/link"), S("r/link"));
  CHECK_STR(beyond("root/file"), S("r/file"));  // a link to a file is a file
  CHECK_STR(beyond("r/away/f"), S("!"));
  CHECK_STR(beyond("r/loose/f"), S("!"));
  CHECK_STR(beyond("../f"), S("!"));
  CHECK_STR(beyond("/etc/passwd"), S("!"));
  CHECK_STR(beyond(""), S("!"));
  teardown();
}

TEST(ignore_files_add_up)
{
  setup(true,
        "cd p && touch a b c d e && mkdir priv && touch priv/x && echo a >.pieceworkignore && echo "
        "b >.cursorignore &&"
        "printf 'c\\n!a\\n' >.rooignore && echo priv/ >.aiderignore && git add .");
  verdict("a", SEND_IGNORED, "ignored by .pieceworkignore");
  verdict("b", SEND_IGNORED, "ignored by .cursorignore");
  verdict("c", SEND_IGNORED, "ignored by .rooignore");
  verdict("priv/x", SEND_IGNORED, "ignored by .aiderignore");
  CHECK_STR(files(""), S(".aiderignore .cursorignore .pieceworkignore .rooignore d e"));
  CHECK(sh("cd p && echo dd >.rooignore && echo e >>.cursorignore"));  // a change counts at once
  verdict("c", SEND_OK, "");
  verdict("e", SEND_IGNORED, "ignored by .cursorignore");
  CHECK(sh("cd p && printf 'd\\n!d\\n' >.aiexclude"));
  verdict("d", SEND_IGNORED, "ignored by .aiexclude");
  verdict("c", SEND_OK, "");
  CHECK(sh("cd p && : >.aiexclude"));
  verdict("c", SEND_IGNORED, "ignored by .aiexclude");
  CHECK_STR(files(""), S(""));
  teardown();
}

TEST(overlays)
{
  setup(true, "cd p && echo disk >a && echo '*.log' >.gitignore");
  Str text;
  project_overlay_set(project, S("a"), S("one"));
  project_overlay_set(project, S("a"), S("two"));
  project_overlay_set(project, S("new/file.c"), S("n"));
  project_overlay_set(project, S("x.log"), S("n"));
  project_overlay_set(project, S("../x"), S("n"));
  project_overlay_set(project, S("/x"), S("n"));
  project_overlay_set(project, S(""), S("n"));
  CHECK_INT(project_overlay_count(project), 3);
  CHECK_STR(project_overlay_path(project, 0), S("a"));
  CHECK_STR(project_overlay_path(project, 2), S("x.log"));
  CHECK(project_read(project, &arena, S("a"), &text, &err));
  CHECK_STR(text, S("two"));
  verdict("new/file.c", SEND_OK, "");
  verdict("x.log", SEND_IGNORED, ".gitignore");
  CHECK_STR(files(""), S(".gitignore a new/file.c"));
  CHECK_STR(files("new"), S("new/file.c"));
  project_overlay_set(project, S("a"), (Str){"\xff", 1});
  verdict("a", SEND_BINARY, "not UTF-8");
  project_overlay_set(project, S("a"), S(""));
  CHECK(project_read(project, &arena, S("a"), &text, &err) && text.len == 0);
  for (int i = 0; i < 100; i++)
    project_overlay_set(project, str_fmt(&arena, "f%d", (i * 37) % 100), S("t"));
  CHECK_INT(project_overlay_count(project), 103);
  project_overlay_clear(project);
  CHECK(!project_overlay_get(project, S("f1"), &text));
  teardown();
}

static void text_is(const char *path, const char *want)
{
  Str text = S("(none)");
  project_read_local(project, &arena, str_from(path), &text, NULL);
  CHECK_STR(text, str_from(want));
}

// A look sees one moment; whatever happens meanwhile is seen after it, and by the next one.
TEST(a_look_sees_one_moment)
{
  setup(true, "cd p && echo one > a && echo one > b && git add a b");
  project_look(project);
  verdict("a", SEND_OK, "");
  verdict("new", SEND_NOT_FOUND, "");
  CHECK(sh("cd p && echo two > a && echo two > b && echo here > new && rm -f gone"));
  CHECK(sh("cd p && echo a > .pieceworkignore && echo AKIAQ7ZR2LMX9FKD4TNB > c"));
  project_look(project);
  text_is("a", "one\n");
  project_look_end(project);  // the inner one: nothing is forgotten yet
  text_is("a", "one\n");
  verdict("a", SEND_OK, "");
  verdict("new", SEND_NOT_FOUND, "");
  text_is("b", "two\n");  // looked at for the first time
  Str kept = STR_NONE;
  CHECK(project_read(project, &arena, S("b"), &kept, &err));
  project_look_end(project);
  CHECK_STR(kept, S("two\n"));  // it is the caller's
  verdict("a", SEND_IGNORED, ".pieceworkignore");
  text_is("a", "two\n");
  text_is("new", "here\n");
  project_look(project);
  text_is("new", "here\n");
  verdict("c", SEND_SECRET, "");
  verdict("c", SEND_SECRET, "");
  project_look_end(project);
  teardown();
}

TEST(a_look_at_the_index)
{
  setup(true, "cd p && echo x > .gitignore && echo x > x && git add -f x");
  project_look(project);
  verdict("x", SEND_OK, "");  // tracked
  CHECK(sh("cd p && git rm -q --cached x && echo y >> .gitignore"));
  verdict("x", SEND_OK, "");
  project_look_end(project);
  verdict("x", SEND_IGNORED, ".gitignore");
  teardown();
}

TEST(read_local_ignores_the_send_rules)
{
  setup(true, "cd p && echo k >.env && ln -s / up");
  Str text;
  CHECK(project_read_local(project, &arena, S(".env"), &text, &err));
  CHECK_STR(text, S("k\n"));
  CHECK(!project_read_local(project, &arena, S("up/etc/passwd"), &text, NULL));
  CHECK(!project_read_local(project, &arena, S("../x"), &text, NULL));
  CHECK(!project_read_local(project, &arena, S("none"), &text, &err));
  CHECK_INT(err.code, ERR_NOT_FOUND);
  error_clear(&err);
  teardown();
}

static void path(const char *given, const char *want)
{
  Str got = S("refused");
  Error cause = {0};
  if (!project_path(project, &arena, str_from(given), &got, &cause)) {
    CHECK(cause.code == ERR_REFUSED || cause.code == ERR_INVALID);
    got = S("refused");
  }
  CHECK_STR(got, str_from(want));
}

TEST(user_paths)
{
  setup(true,
        "mkdir -p p/sub out && touch p/a p/sub/b && ln -s p plink && cd p && ln -s a alias && ln "
        "-s ../out outdir && ln -s sub slink");
  char *before = getcwd(NULL, 0);
  CHECK_INT(chdir(at("p/sub")), 0);
  path("b", "sub/b");
  path("a", "a");  // not here, but at the root
  path("new", "sub/new");
  path("../a", "a");
  path("../../x", "refused");
  path(at("p/a"), "a");
  path(at("plink/sub/b"), "sub/b");
  path(at("p/none/new.c"), "none/new.c");
  path(at("p/sub/../a"), "a");
  path(at("p/gone/../a"), "a");
  path(at("p"), "");
  path(at("p2/a"), "refused");
  path("../alias", "a");
  path("../slink/b", "sub/b");
  path("../outdir/x", "refused");
  path("/etc/passwd", "refused");
  path("", "refused");
  CHECK_INT(chdir("/"), 0);
  path("sub/b", "sub/b");
  path("sub/new", "sub/new");
  CHECK_INT(chdir(before), 0);
  free(before);
  teardown();
}

TEST(walk_without_git)
{
  setup(false,
        "cd p && mkdir -p src/deep node_modules/x .git2 .hg rust/target rust/src target env "
        "build/out cache .venv py/build && touch src/a.c src/deep/b.c"
        " node_modules/x/i.js .hg/h rust/Cargo.toml rust/target/o rust/src/m.rs target/kept "
        "env/pyvenv.cfg env/x build/out/kept .env"
        " cache/CACHEDIR.TAG cache/x .venv/x py/setup.py py/build/x && ln -s src loop && ln -s "
        "src/a.c link.c");
  CHECK_STR(files(""), S("build/out/kept py/setup.py rust/Cargo.toml rust/src/m.rs src/a.c "
                         "src/deep/b.c target/kept"));
  CHECK_STR(files("src"), S("src/a.c src/deep/b.c"));
  CHECK_STR(files("src/a.c"), S("src/a.c"));
  CHECK_STR(files("node_modules"), S("node_modules/x/i.js"));  // asked for by name
  CHECK_STR(files("none"), S(""));
  StrList list = {0};
  CHECK(!project_files(project, &arena, S("../x"), &list, NULL));
  CHECK(!project_files(project, &arena, S("/etc"), &list, NULL));
  verdict("link.c", SEND_OK, "");
  teardown();
}

static int warnings;
static void count_warning(LogLevel level, Str line, void *data)
{
  (void)level, (void)line, (void)data;
  warnings++;
}

TEST(directories_that_cannot_be_listed_are_one_warning)
{
  setup(false, "cd p && echo a >a.c && mkdir x y z && chmod 755 .. . && chmod 0 x y z");
  bool root = geteuid() == 0;  // for whom nothing is closed
  if (root && seteuid(65534)) return;
  log_to(count_warning, LOG_WARN, NULL);
  CHECK_STR(files(""), S("a.c"));
  CHECK_STR(files(""), S("a.c"));
  log_to(NULL, LOG_ERROR, NULL);
  CHECK(!root || !seteuid(0));
  CHECK_INT(warnings, 1);
  teardown();
}

TEST(walk_is_bounded)
{
  setup(false,
        "cd p && d=. && for i in 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 "
        "4 5 6 7 8 9 0 1 2 3; do d=$d/d; done &&"
        "mkdir -p $d && touch $d/deep z d/near");
  CHECK_STR(files(""), S("d/near z"));
  teardown();
}

TEST(secret_names)
{
  const char *yes[] = {".env",
                       ".env.local",
                       "a/.ENV.production",
                       ".envrc",
                       "prod.env",
                       "id_rsa",
                       "id_ed25519.pub",
                       "x.pem",
                       "server.key",
                       "a.p12",
                       "A.PFX",
                       ".netrc",
                       ".npmrc",
                       ".pypirc",
                       "credentials",
                       "credentials.json",
                       "aws-credentials.yml",
                       "db.kdbx",
                       ".git-credentials",
                       "secrets.yml",
                       "secrets.py",
                       "home/.ssh/config",
                       ".aws/config",
                       "app-secrets.yaml",
                       "terraform.tfstate",
                       "x.tfvars",
                       "firebase-service-account.json",
                       ".docker/config.json",
                       "h/.kube/config"};
  const char *no[] = {"env.c",
                      "environment.ts",
                      "key.c",
                      "keys/a.c",
                      "credentials_controller.rb",
                      "secret_santa.c",
                      "src/ssh/x.c",
                      "npmrc.md",
                      "pem.go",
                      "monkey",
                      "id_rs.c",
                      ""};
  for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
    if (!secret_by_name(str_from(yes[i]))) CHECK_STR(S("not a secret"), str_from(yes[i]));
  }
  for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++) {
    if (secret_by_name(str_from(no[i]))) CHECK_STR(S("a secret"), str_from(no[i]));
  }
}

TEST(secret_texts)
{
#define RUN40 "MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn1ygWyF0n9QmkeXV6wQ"
  CHECK(secret_in_text(S("-----BEGIN PRIVATE KEY-----\n" RUN40)) != NULL);
  CHECK(secret_in_text(S("k: \"-----BEGIN EC PRIVATE KEY-----\\n" RUN40 "\\n\"")) != NULL);
  CHECK(secret_in_text(S("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: "
                         "AES-128-CBC,00\n\n" RUN40)) != NULL);
  CHECK(secret_in_text(S("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n" RUN40)) != NULL);
  CHECK(!secret_in_text(S("if (strstr(s, \"-----BEGIN PRIVATE KEY-----\")) return 1;")));
  CHECK(!secret_in_text(S("-----BEGIN CERTIFICATE-----\n" RUN40)));
  CHECK(!secret_in_text(S("")));
#define RANDOM20 "q7Zr2LmX9fKd4TnB8wYc"
  CHECK(secret_in_text(S("key = \"sk-ant-api03-" RANDOM20 RANDOM20 RANDOM20 "\"\n")) != NULL);
  CHECK(secret_in_text(S("sk-" RANDOM20 RANDOM20)) != NULL);
  CHECK(secret_in_text(S("token: ghp_" RANDOM20 "a1B2c3D4e5F6g7H8\n")) != NULL);
  CHECK(secret_in_text(S("id=AKIA"
                         "Q7ZR2LMX9FKD4TNB")) != NULL);
  CHECK(secret_in_text(S("xoxb-123456789012-123456789012-" RANDOM20)) != NULL);
  CHECK(!secret_in_text(
      S("AKIAIOSFODNN7EXAMPLE ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx sk-ant-...")));
  CHECK(!secret_in_text(S("task-" RANDOM20 RANDOM20 " sk-short1234 #define SG.x")));
  CHECK(!secret_in_text(S("sk-abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz")));
}

int main(int argc, char **argv)
{
  setenv("HOME", "/nonexistent", 1);
  unsetenv("XDG_CONFIG_HOME");
  return tap_main(argc, argv);
}
