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

// What a commit makes of one file: the plan changes [before], which is on disk, into [planned], and that stays there.
typedef struct {
  const char *name, *head, *staged, *before, *planned, *committed, *staged_after;
} Beside;

#define MIDDLE(x) "two\nthree\nfour\n" x "\nsix\nseven\neight\n"
#define WAS MIDDLE("five")
#define NOW MIDDLE("FIVE")
static const Beside beside[] = {
    {"unstaged.txt", "one\n" WAS "nine\n", NULL, "zero\neins\n" WAS "neun\nten\n",
     "zero\neins\n" NOW "neun\nten\n", "one\n" NOW "nine\n", "one\n" NOW "nine\n"},
    {"both.txt", "one\n" WAS "nine\n", "staged\n" WAS "nine\n", "staged\n" WAS "unstaged\n",
     "staged\n" NOW "unstaged\n", "one\n" NOW "nine\n", "staged\n" NOW "nine\n"},
    {"taken-back.txt", "one\n" WAS "nine\n", "staged\n" WAS "nine\n", "one\n" WAS "nine\n",
     "one\n" NOW "nine\n", "one\n" NOW "nine\n", "staged\n" NOW "nine\n"},
    {"same-line.txt", "one\n" WAS, "one\n" MIDDLE("staged"), "one\n" WAS, "one\n" NOW, "one\n" NOW,
     "one\n" MIDDLE("staged")},
    {"ends.txt", "one\r\ntwo\r\nthree\r\nfour", NULL, "one\r\ntwo\r\nthree\r\nfour\r\nmine",
     "ONE\r\ntwo\r\nthree\r\nfour\r\nmine", "ONE\r\ntwo\r\nthree\r\nfour",
     "ONE\r\ntwo\r\nthree\r\nfour"},
};
enum { BESIDE_COUNT = sizeof(beside) / sizeof(*beside) };

// To the byte; an empty file when there is none.
static Str blob(Fixture *fx, const char *side, const char *name)
{
  fx_sh(fx, "git cat-file blob %s:%s > ../blob", side, name);
  return fx_read(fx, "../blob");
}

// Beside other work staged and not, in the same files and others, all in one commit.
TEST(a_commit_has_the_plans_lines_and_no_others)
{
  Fixture fx;
  setup(&fx);
  for (int i = 0; i < BESIDE_COUNT; i++) fx_write(&fx, beside[i].name, str_from(beside[i].head));
  fx_write(&fx, "gone.txt", S("gone\n"));
  fx_sh(&fx, "chmod +x unstaged.txt");
  fx_commit_all(&fx);
  for (int i = 0; i < BESIDE_COUNT; i++) {
    if (!beside[i].staged) continue;
    fx_write(&fx, beside[i].name, str_from(beside[i].staged));
    fx_sh(&fx, "git add %s", beside[i].name);
  }
  fx_write(&fx, "other.txt", S("staged\n"));
  fx_sh(&fx, "echo new > new.txt; git rm -q gone.txt; git add new.txt other.txt");
  fx_sh(&fx, "git update-index --chmod=+x both.txt; echo unstaged >> other.txt");
  for (int i = 0; i < BESIDE_COUNT; i++) {
    fx_write(&fx, beside[i].name, str_from(beside[i].before));
    if (i == 0) fx_sh(&fx, "chmod +x unstaged.txt");
  }
  fx_open(&fx);
  for (int i = 0; i < BESIDE_COUNT; i++)
    fx_task(&fx, beside[i].name, beside[i].name, beside[i].before, beside[i].planned);
  apply(&fx);
  ok(commit(&fx, "ours"));
  for (int i = 0; i < BESIDE_COUNT; i++) {
    CHECK_STR(blob(&fx, "HEAD", beside[i].name), str_from(beside[i].committed));
    CHECK_STR(blob(&fx, "", beside[i].name), str_from(beside[i].staged_after));
    CHECK_STR(fx_read(&fx, beside[i].name), str_from(beside[i].planned));
  }
  CHECK_INT(atoi(fx_out(&fx, "git show --name-only --format= HEAD | wc -l").ptr), BESIDE_COUNT);
  CHECK_STR(
      fx_out(&fx, "git diff --cached --name-status"),
      S("M\tboth.txt\nD\tgone.txt\nA\tnew.txt\nM\tother.txt\nM\tsame-line.txt\nM\ttaken-back.txt"));
  CHECK_STR(blob(&fx, "", "other.txt"), S("staged\n"));
  CHECK_STR(fx_read(&fx, "other.txt"), S("staged\nunstaged\n"));
  CHECK_STR(fx_out(&fx, "git ls-files -s | grep ^100755 | cut -f2"), S("both.txt\nunstaged.txt"));
  CHECK_STR(fx_out(&fx, "git ls-tree HEAD | grep ^100755 | cut -f2"), S("unstaged.txt"));
  fx_deinit(&fx);
}

// Its mode alone is staged, or that git is to forget it: neither is in the commit, both stay staged.
TEST(a_staged_mode_and_a_staged_removal_stay_staged)
{
  Fixture fx;
  setup(&fx);
  fx_sh(&fx, "git update-index --chmod=+x a.txt; git rm -q --cached other.txt");
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", base, made);
  fx_task(&fx, "T02", "other.txt", "other\n", "OTHER\n");
  apply(&fx);
  ok(commit(&fx, "ours"));
  CHECK_STR(blob(&fx, "HEAD", "a.txt"), str_from(made));
  CHECK_STR(blob(&fx, "HEAD", "other.txt"), S("OTHER\n"));
  CHECK_STR(fx_out(&fx, "git ls-tree HEAD | cut -d' ' -f1"), S("100644\n100644"));
  CHECK_STR(blob(&fx, "", "a.txt"), str_from(made));
  CHECK_STR(fx_out(&fx, "git ls-files -s | cut -d' ' -f1"), S("100755"));
  CHECK_STR(fx_out(&fx, "git diff --cached --name-status"), S("M\ta.txt\nD\tother.txt"));
  CHECK_STR(fx_read(&fx, "other.txt"), S("OTHER\n"));
  fx_deinit(&fx);
}

TEST(only_what_is_applied_is_committed)
{
  Fixture fx;
  setup(&fx);
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", base, "ONE\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nTEN\n");
  fx_decide(&fx, fx_review(&fx).hunks.items[1].id, DECISION_ACCEPTED);
  ApplyPlan edits;
  Error err = {0};
  CHECK(apply_prepare(fx.engine, fx.plan, NULL, NULL, &fx.arena, &edits, &err));
  CHECK(apply_write(fx.engine, fx.plan, &edits, &err));
  ok(commit(&fx, "the end of it"));
  CHECK_STR(blob(&fx, "HEAD", "a.txt"),
            S("one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nTEN\n"));
  CHECK_STR(fx_out(&fx, "git status --porcelain"), S(""));
  fx_deinit(&fx);
}

// The plan's line replaces one of the user's that is not committed: git cannot have one without the other.
TEST(lines_on_uncommitted_ones_are_refused)
{
  static const struct {
    const char *before, *planned, *on_disk;
  } rows[] = {
      {"one\nmine\nthree\n", "one\nMINE\nthree\n", "one\nMINE\nthree\n"},
      // and a formatter took the lines away by which the rest could be told apart
      {"one\ntwo\nmine\n", "one\nTWO\nmine\n", "one\n  TWO  \nmine\n"},
      {"one\ntwo\nthree\nmine\n", "one\nTWO\nthree\nmine\n", "one\n  TWO  \nthree\nmine\n"},
      {"one\ntwo\n", "one\nTWO\n", "one\n  TWO  \n"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
    Fixture fx;
    setup(&fx);
    fx_write(&fx, "b.txt", S("one\ntwo\nthree\n"));
    fx_commit_all(&fx);
    fx_write(&fx, "b.txt", str_from(rows[i].before));
    fx_open(&fx);
    fx_task(&fx, "T01", "b.txt", rows[i].before, rows[i].planned);
    apply(&fx);
    fx_write(&fx, "b.txt", str_from(rows[i].on_disk));
    Error err = commit(&fx, "no");
    CHECK_INT(err.code, ERR_REFUSED);
    CHECK(str_has(str_from(err.message), S("b.txt: the applied lines stand on changes of yours")));
    CHECK_STR(fx_out(&fx, "git log -1 --format=%s"), S("base"));
    CHECK_STR(fx_out(&fx, "git diff --cached --name-only"), S(""));
    CHECK_STR(fx_read(&fx, "b.txt"), str_from(rows[i].on_disk));
    fx_deinit(&fx);
  }
}

// Git stores one kind of line ends and checks out another.
TEST(line_ends_that_git_converts)
{
  Fixture fx;
  setup(&fx);
  fx_write(&fx, "old.txt", S("one\r\ntwo\r\n"));  // stored so before
  fx_commit_all(&fx);
  fx_sh(&fx, "git config core.autocrlf true");
  fx_write(&fx, "a.txt", S("one\r\ntwo\r\n"));
  fx_write(&fx, "other.txt", S("one\r\ntwo\r\n"));
  fx_commit_all(&fx);
  fx_write(&fx, "other.txt", S("one\r\ntwo\r\nmine\r\n"));
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", "one\r\ntwo\r\n", "one\r\nTWO\r\n");
  fx_task(&fx, "T02", "other.txt", "one\r\ntwo\r\nmine\r\n", "ONE\r\ntwo\r\nmine\r\n");
  fx_task(&fx, "T03", "old.txt", "one\r\ntwo\r\n", "one\r\nTWO\r\n");
  apply(&fx);
  fx_write(&fx, "a.txt", S("one\r\n  TWO\r\n"));  // a formatter
  ok(commit(&fx, "ours"));
  CHECK_STR(blob(&fx, "HEAD", "a.txt"), S("one\n  TWO\n"));
  CHECK_STR(blob(&fx, "HEAD", "other.txt"), S("ONE\ntwo\n"));
  CHECK_STR(blob(&fx, "HEAD", "old.txt"), S("one\r\nTWO\r\n"));
  CHECK_STR(fx_out(&fx, "git status --porcelain"), S("M other.txt"));
  fx_deinit(&fx);
}

TEST(what_a_hook_adds_is_known_to_the_index)
{
  Fixture fx;
  setup(&fx);
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", base, made);
  apply(&fx);
  fx_sh(&fx,
        "printf '#!/bin/sh\\nsed -i s/TWO/2/ a.txt && git add a.txt\\n' > .git/hooks/pre-commit && "
        "chmod +x .git/hooks/pre-commit");
  ok(commit(&fx, "formatted by a hook"));
  CHECK_STR(fx_out(&fx, "git show HEAD:a.txt | sed -n 2p"), S("2"));
  CHECK_STR(fx_out(&fx, "git diff-files --name-only; git diff --cached --name-only"), S(""));
  fx_deinit(&fx);
}

TEST(a_name_is_no_pattern_and_no_other_repository_is_meant)
{
  Fixture fx;
  setup(&fx);
  fx_write(&fx, "mine.old", S("old\n"));
  fx_write(&fx, "*.old", S("old\n"));
  fx_commit_all(&fx);
  fx_sh(&fx, "rm mine.old");
  fx_open(&fx);
  fx_task(&fx, "T01", "*.old", "old\n", NULL);
  apply(&fx);
  setenv("GIT_DIR", fx_path(&fx, "../nowhere"),
         1);  // as a hook or an alias of git starts an editor
  setenv("GIT_INDEX_FILE", fx_path(&fx, "../index"), 1);
  Error err = commit(&fx, "one");
  unsetenv("GIT_DIR");
  unsetenv("GIT_INDEX_FILE");
  ok(err);
  CHECK_STR(fx_out(&fx, "git show --name-only --format= HEAD"), S("*.old"));
  CHECK_STR(fx_out(&fx, "git status --porcelain"), S("D mine.old"));
  fx_deinit(&fx);
}

TEST(a_file_with_a_new_name_leaves_the_old_one)
{
  Fixture fx;
  setup(&fx);
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", base, made);
  Error err = {0};
  Str texts[2] = {str_from(base), str_from(made)};
  PatchRow patch = {
      .task = S("T01"), .path = S("n.txt"), .change = FILE_RENAME, .renamed_from = S("a.txt")};
  CHECK(journal_patch_set(fx.engine->journal, fx.plan, S("T01"), &patch, &texts[0], &texts[1], 1,
                          &err));
  apply(&fx);
  ok(commit(&fx, "renamed"));
  CHECK_STR(fx_out(&fx, "git ls-tree --name-only HEAD"), S("n.txt\nother.txt"));
  CHECK_STR(fx_out(&fx, "git status --porcelain"), S(""));
  fx_deinit(&fx);
}

// One task's line stands on one of the user's that is not committed: the other's is committed all the same.
TEST(a_task_is_committed_beside_one_that_cannot_be)
{
  Fixture fx;
  setup(&fx);
  const char *mine = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nmine\nten\n";
  fx_write(&fx, "a.txt", str_from(mine));
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", mine, "one\nTWO\nthree\nfour\nfive\nsix\nseven\neight\nmine\nten\n");
  fx_task(&fx, "T02", "a.txt", mine, "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nMINE\nten\n");
  apply(&fx);
  static const Err codes[] = {ERR_REFUSED, ERR_OK};
  for (int i = 0; i < 2; i++) {
    Ended ended = {0};
    if (commit_start(fx.engine, fx.plan, i ? S("T01") : S("T02"), S("one"), on_done, &ended,
                     &ended.err))
      while (!ended.done && loop_turn(&fx.loop, true)) continue;
    CHECK_INT(ended.err.code, codes[i]);
  }
  CHECK_STR(blob(&fx, "HEAD", "a.txt"), str_from(made));
  CHECK_STR(fx_out(&fx, "git diff -U0 | grep '^[+-][a-zA-Z]'"), S("-nine\n+MINE"));
  fx_deinit(&fx);
}

TEST(whole_files_are_there_or_gone_as_applied)
{
  Fixture fx;
  setup(&fx);
  fx_open(&fx);
  fx_task(&fx, "T01", "n.txt", NULL, "new\n");
  fx_task(&fx, "T02", "other.txt", "other\n", NULL);
  apply(&fx);
  fx_sh(&fx, "mv n.txt ../n.txt");
  CHECK_INT(commit(&fx, "no").code, ERR_REFUSED);
  fx_sh(&fx, "mv ../n.txt n.txt; echo back > other.txt");
  CHECK_INT(commit(&fx, "no").code, ERR_REFUSED);
  fx_sh(&fx, "rm other.txt");
  project_overlay_set(fx.project, S("n.txt"), S("new\n"));  // open in an editor, and written
  ok(commit(&fx, "yes"));
  CHECK_STR(fx_out(&fx, "git show --name-status --format= HEAD"), S("A\tn.txt\nD\tother.txt"));
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

// What else is staged stays, around the lines as they are on disk; the applied lines, staged before, are not else.
TEST(what_is_staged_of_a_formatted_file_stays)
{
  static const struct {
    const char *staged, *index;
  } rows[] = {
      {"one\ntwo\nthree\nfour\nfive\nmine\n", "one\n  TWO  \nthree\nfour\nfive\nmine\n"},
      {"one\nMINE\nthree\nfour\nfive\n", "one\nMINE\nthree\nfour\nfive\n"},
      {"one\nTWO\nthree\nfour\nfive\n", "one\n  TWO  \nthree\nfour\nfive\n"},
      {"one\n  TWO  \nthree\nfour\nfive\n", "one\n  TWO  \nthree\nfour\nfive\n"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
    static const char before[] = "one\ntwo\nthree\nfour\nfive\n";
    Fixture fx;
    setup(&fx);
    fx_write(&fx, "b.txt", str_from(before));
    fx_commit_all(&fx);
    fx_write(&fx, "b.txt", str_from(rows[i].staged));
    fx_sh(&fx, "git add b.txt");
    fx_write(&fx, "b.txt", str_from(before));
    fx_open(&fx);
    fx_task(&fx, "T01", "b.txt", before, "one\nTWO\nthree\nfour\nfive\n");
    apply(&fx);
    fx_write(&fx, "b.txt", S("one\n  TWO  \nthree\nfour\nfive\n"));
    ok(commit(&fx, "formatted"));
    CHECK_STR(blob(&fx, "HEAD", "b.txt"), S("one\n  TWO  \nthree\nfour\nfive\n"));
    CHECK_STR(blob(&fx, "", "b.txt"), str_from(rows[i].index));
    CHECK_STR(fx_read(&fx, "b.txt"), S("one\n  TWO  \nthree\nfour\nfive\n"));
    fx_deinit(&fx);
  }
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
  Str trailer =
      str_fmt(&fx.arena, "\n\nPiecework-Plan: %lld\nPiecework-Cost: $0\n\n#", (long long)fx.plan);
  CHECK(str_has(message, trailer));
  fx_deinit(&fx);
}

TEST_MAIN
