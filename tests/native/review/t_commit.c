// t_commit.c: commits of applied hunks beside other work, with real git.
#include "work_fixture.h"

#include "review/commit.h"

static const char base[] = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";
static const char made[] = "one\nTWO\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";

typedef struct {
  bool done;
  Error err;
} Ended;

static void on_done(void *owner, const Error *err)
{
  Ended *ended = owner;
  ended->done = true;
  ended->err = *err;
}

static Error commit(Fixture *fx, const char *message)
{
  Ended ended = {0};
  Str text = commit_without_comments(&fx->arena, str_from(message));  // as an editor leaves it
  if (!commit_start(fx->engine, fx->plan, STR_NONE, text, on_done, &ended, &ended.err))
    return ended.err;
  CHECK(!ended.done);
  while (!ended.done && loop_turn(&fx->loop, true)) continue;
  return ended.err;
}

static void setup(Fixture *fx)
{
  fx_init(fx, true);
  fx_write(fx, "a.txt", str_from(base));
  fx_write(fx, "other.txt", S("other\n"));
  fx_commit_all(fx);
}

static void apply(Fixture *fx)
{
  ApplyPlan edits;
  Error err = {0};
  fx_decide(fx, S("all"), DECISION_ACCEPTED);
  CHECK(apply_prepare(fx->engine, fx->plan, NULL, NULL, &fx->arena, &edits, &err));
  CHECK(apply_write(fx->engine, fx->plan, &edits, &err));
  if (err.code) printf("# %s\n", err.message);
}

static void ok(Error err)
{
  if (err.code) printf("# %s (%s)\n", err.message, err.hint);
  CHECK_INT(err.code, ERR_OK);
}

TEST(a_clean_tree_is_clean_again)
{
  Fixture fx;
  setup(&fx);
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", base, made);
  fx_task(&fx, "T02", "new/n.txt", NULL, "new\n");
  fx_task(&fx, "T03", "other.txt", "other\n", NULL);
  apply(&fx);
  ok(commit(&fx, "by the piece\n# dropped\n\nbody\n"));
  CHECK_STR(fx_out(&fx, "git status --porcelain"), S(""));
  CHECK_STR(fx_out(&fx, "git log -1 --format=%B"), S("by the piece\n\nbody"));
  CHECK_STR(fx_out(&fx, "git show HEAD:a.txt | head -2"), S("one\nTWO"));
  CHECK_STR(fx_out(&fx, "git ls-tree -r --name-only HEAD"), S("a.txt\nnew/n.txt"));
  CHECK_STR(fx_out(&fx, "ls .git/piecework 2>/dev/null"), S(""));
  fx_deinit(&fx);
}

// A file git does not know yet cannot be committed by the piece: which of its lines are whose?
TEST(files_unknown_to_git)
{
  Fixture fx;
  setup(&fx);
  fx_write(&fx, "mine.txt", str_from(base));
  fx_open(&fx);
  fx_task(&fx, "T01", "mine.txt", base, made);
  apply(&fx);
  Error err = commit(&fx, "no");
  CHECK_INT(err.code, ERR_REFUSED);
  CHECK(str_has(str_from(err.message), S("git does not know")));
  CHECK_STR(fx_out(&fx, "git status --porcelain"), S("?? mine.txt"));
  fx_task(&fx, "T02", "a.txt", base, made);
  apply(&fx);
  ok(commit(&fx, "what git knows"));
  CHECK_STR(fx_out(&fx, "git status --porcelain"), S("?? mine.txt"));
  CHECK_STR(fx_out(&fx, "git show --name-only --format= HEAD"), S("a.txt"));
  fx_deinit(&fx);
}

TEST(a_repository_without_commits)
{
  Fixture fx;
  fx_init(&fx, true);
  fx_write(&fx, "a.txt", str_from(base));
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", base, made);
  apply(&fx);
  CHECK_INT(commit(&fx, "no").code, ERR_REFUSED);
  CHECK_INT(fx_sh(&fx, "git add a.txt"), 0);
  CHECK_INT(commit(&fx, "no").code, ERR_REFUSED);
  CHECK_STR(fx_out(&fx, "git status --porcelain"), S("A  a.txt"));
  fx_task(&fx, "T02", "new.txt", NULL, "new\n");
  apply(&fx);
  ok(commit(&fx, "the first"));
  CHECK_STR(fx_out(&fx, "git show --name-only --format= HEAD"), S("new.txt"));
  CHECK_STR(fx_out(&fx, "git status --porcelain"), S("A  a.txt"));
  fx_deinit(&fx);
}

TEST(other_changes_stay_what_they_were)
{
  Fixture fx;
  setup(&fx);
  // Uncommitted in the same file, staged in another, and something untracked.
  fx_write(&fx, "a.txt", S("one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\nmine\n"));
  fx_write(&fx, "other.txt", S("other, staged\n"));
  fx_sh(&fx, "git add other.txt; echo x > untracked.txt");
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\nmine\n",
          "one\nTWO\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\nmine\n");
  apply(&fx);
  ok(commit(&fx, "only ours"));
  CHECK_STR(fx_out(&fx, "git show --stat --format= HEAD | head -1 | cut -d'|' -f1"), S("a.txt"));
  CHECK_STR(fx_out(&fx, "git show HEAD:a.txt | tail -1"), S("ten"));
  CHECK_STR(fx_out(&fx, "git diff --cached --name-only"), S("other.txt"));
  CHECK_STR(fx_out(&fx, "git diff --name-only"), S("a.txt"));
  CHECK_STR(fx_out(&fx, "git diff a.txt | grep '^[+-][a-zA-Z]'"), S("+mine"));
  fx_deinit(&fx);
}

TEST(staged_work_of_the_same_file_stays_staged)
{
  Fixture fx;
  setup(&fx);
  const char *staged = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\nstaged\n";
  fx_write(&fx, "a.txt", str_from(staged));
  fx_sh(&fx, "git add a.txt");
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", staged,
          "one\nTWO\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\nstaged\n");
  apply(&fx);
  ok(commit(&fx, "ours"));
  CHECK_STR(fx_out(&fx, "git show HEAD:a.txt | tail -1"), S("ten"));
  CHECK_STR(fx_out(&fx, "git diff --cached a.txt | grep '^[+-][a-zA-Z]'"), S("+staged"));
  CHECK_STR(fx_out(&fx, "git diff --name-only"), S(""));
  fx_deinit(&fx);
}

TEST(hooks_run_and_may_refuse)
{
  Fixture fx;
  setup(&fx);
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", base, made);
  apply(&fx);
  fx_sh(&fx,
        "printf '#!/bin/sh\\necho no way >&2\\nexit 1\\n' > .git/hooks/pre-commit && chmod +x "
        ".git/hooks/pre-commit");
  Error err = commit(&fx, "refused");
  CHECK_INT(err.code, ERR_GIT);
  CHECK(str_has(str_from(err.message), S("no way")));
  CHECK_STR(fx_out(&fx, "git log --format=%s"), S("base"));
  CHECK_STR(fx_out(&fx, "git diff --cached --name-only"), S(""));
  fx_sh(&fx, "printf '#!/bin/sh\\ntouch ../hook-ran\\n' > .git/hooks/pre-commit");
  ok(commit(&fx, "accepted"));
  CHECK(fs_exists(fx_path(&fx, "../hook-ran")));
  CHECK_STR(fx_out(&fx, "git status --porcelain"), S(""));
  fx_deinit(&fx);
}

TEST(what_is_refused)
{
  Fixture fx;
  setup(&fx);
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", base, made);
  CHECK_INT(commit(&fx, "x").code, ERR_REFUSED);  // nothing applied
  apply(&fx);
  CHECK_INT(commit(&fx, "# only a comment\n").code, ERR_CANCELLED);
  project_overlay_set(fx.project, S("a.txt"), S("unsaved\n"));
  Error err = commit(&fx, "x");
  CHECK_INT(err.code, ERR_REFUSED);
  CHECK(str_has(str_from(err.hint), S(":w")));
  project_overlay_clear(fx.project);
  fx_write(&fx, "a.txt", str_from(base));  // applied in a buffer, never written
  err = commit(&fx, "x");
  CHECK_INT(err.code, ERR_REFUSED);
  CHECK(str_has(str_from(err.hint), S(":w")));
  fx_write(&fx, "a.txt", str_from(made));
  fx_sh(&fx, "echo x > .git/MERGE_HEAD");
  err = commit(&fx, "x");
  CHECK_INT(err.code, ERR_REFUSED);
  CHECK(str_has(str_from(err.message), S("merge")));
  fx_sh(&fx, "rm .git/MERGE_HEAD");
  ok(commit(&fx, "now"));
  fx_deinit(&fx);
}

TEST(a_formatter_after_the_write)
{
  Fixture fx;
  setup(&fx);
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", base, made);
  apply(&fx);
  fx_write(&fx, "a.txt", S("one\n  TWO  \nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n"));
  ok(commit(&fx, "formatted"));
  CHECK_STR(fx_out(&fx, "git show HEAD:a.txt | sed -n 2p"), S("TWO"));
  CHECK_STR(fx_out(&fx, "git status --porcelain"), S(""));
  fx_deinit(&fx);
}

TEST(without_git_and_without_commits)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_write(&fx, "a.txt", str_from(base));
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", base, made);
  apply(&fx);
  CHECK_INT(commit(&fx, "x").code, ERR_GIT);
  fx_deinit(&fx);
  fx_init(&fx, true);
  fx_open(&fx);
  fx_task(&fx, "T01", "n.txt", NULL, "first\n");
  apply(&fx);
  ok(commit(&fx, "the first commit"));
  CHECK_STR(fx_out(&fx, "git show HEAD:n.txt"), S("first"));
  CHECK_STR(fx_out(&fx, "git status --porcelain"), S(""));
  fx_deinit(&fx);
}

TEST(a_message_to_start_from)
{
  Fixture fx;
  Str message;
  Error err = {0};
  setup(&fx);
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", base, made);
  fx_task(&fx, "T02", "b.txt", NULL, "b\n");
  CHECK(commit_message(fx.engine, fx.plan, &fx.arena, &message, &err));
  CHECK(str_starts(message, S("a plan\n\n- a.txt: change it\n- b.txt: change it\n")));
  CHECK(!str_has(message, S("Piecework-Cost")));
  fx.engine->config->commit_trailer = true;
  CHECK(commit_message(fx.engine, fx.plan, &fx.arena, &message, &err));
  Str trailer = str_fmt(&fx.arena, "\n\nPiecework-Plan: %lld\nPiecework-Cost: $0\n\n#", (long long)fx.plan);
  CHECK(str_has(message, trailer));
  fx_deinit(&fx);
}

TEST_MAIN
