// t_verify.c: scratch worktrees, trusted tests, verdicts, correction rounds; the user's tree stays as it is.
#include "run_fixture.h"

#include "work/trust.h"
#include "work/verdict.h"
#include "work/worktree.h"

static const char plan_text[] =
    "---\ntitle: two\ntest: sh test.sh\n---\n"
    "## T01 first\nfiles: a.txt:1-1\nChange one.\n\n"
    "## T02 second\nfiles: a.txt:3-3\nChange three.\n";

static const char two_ok[] =
    "{\"verdicts\": [{\"task\": \"T01\", \"verdict\": \"ok\", \"reason\": \"\"},"
    "{\"task\": \"T02\", \"verdict\": \"ok\", \"reason\": \"\"}]}";

// A committed project whose test wants "ONE" in a.txt and prints what it sees.
static void project(RunFixture *rf)
{
  rf_init(rf);
  fx_write(&rf->fx, "a.txt", S("one\ntwo\nthree\n"));
  fx_write(&rf->fx, "test.sh",
           S("cat a.txt new.txt staged.txt 2>/dev/null\ntest -e gone.txt && echo still there\n"
             "echo git=${GIT_DIR-none} key=${MY_API_KEY-none}\ngrep -q ONE a.txt\n"));
  fx_write(&rf->fx, "gone.txt", S("x\n"));
  fx_commit_all(&rf->fx);
  rf_reply(rf, "execute", "T01", rf_block(rf, "a.txt", "one\n", "ONE\n"));
  rf_reply(rf, "execute", "T02", rf_block(rf, "a.txt", "three\n", "THREE\n"));
}

static void trust(RunFixture *rf, const char *command)
{
  CHECK(trust_give(rf->fx.engine, project_root(rf->fx.project), str_from(command), NULL));
}

static Error run_and_verify(RunFixture *rf)
{
  return rf_run_spec(rf, (RunSpec){.verify = true});
}

// The plan of the project, with its test trusted.
static Error run_trusted(RunFixture *rf, const char *config)
{
  rf_open(rf, config, plan_text);
  trust(rf, "sh test.sh");
  return run_and_verify(rf);
}

static void forget_replies(RunFixture *rf)
{
  rf->cassette.len = 0;
  buf_add(&rf->cassette,
          S("{\"cassette\": \"piecework-cassette\", \"version\": 1, \"note\": \"scripted\"}\n"));
}

// What the verifier was asked last.
static Str asked(RunFixture *rf)
{
  AttemptRowList rows = {0};
  Str prompt = STR_NONE;
  CHECK(journal_attempt_list(rf->fx.engine->journal, &rf->fx.arena, rf->fx.plan, STR_NONE, &rows,
                             NULL));
  for (size_t i = 0; i < rows.len; i++) {
    if (rows.items[i].phase != PHASE_VERIFY) continue;
    CHECK(journal_attempt_prompt(rf->fx.engine->journal, &rf->fx.arena, rows.items[i].id, &prompt,
                                 NULL));
  }
  const Value *messages = value_get(json_parse(&rf->fx.arena, prompt, NULL), S("messages"));
  for (VALUE_EACH (message, messages)) prompt = value_get_str(message, S("text"), STR_NONE);
  return prompt;
}

TEST(the_whole_way)
{
  RunFixture rf;
  project(&rf);
  rf_reply(&rf, "verify", "", str_from(two_ok));
  // local state: staged, changed, new, deleted files and an unsaved buffer
  fx_write(&rf.fx, "staged.txt", S("staged\n"));
  fx_sh(&rf.fx,
        "git add staged.txt && git rm -q --cached gone.txt && rm gone.txt && git stash list");
  fx_write(&rf.fx, "new.txt", S("on disk\n"));
  setenv("MY_API_KEY", "secret", 1);
  setenv("GIT_DIR", "/nonexistent", 1);
  Str before = fx_out(&rf.fx,
                      "unset GIT_DIR; git status --porcelain; git rev-parse HEAD; git branch; git "
                      "stash list; sha1sum .git/index");
  rf_open(&rf, "", plan_text);
  project_overlay_set(rf.fx.project, S("new.txt"), S("in the buffer\n"));
  trust(&rf, "sh test.sh");
  Error err = run_and_verify(&rf);
  unsetenv("GIT_DIR");
  CHECK_STR(str_from(err.message), S(""));
  PlanRow plan = rf_plan(&rf);
  CHECK_STR(plan.test_tail, S("ONE\ntwo\nTHREE\nin the buffer\nstaged\ngit=none key=none\n"));
  CHECK_INT(plan.test_status, 0);
  CHECK_INT(plan.state, PLAN_REVIEW);
  CHECK_STR(plan.note, S("tests passed; 2 ok"));
  CHECK(str_has(buf_str(&rf.events), S("verify worktree\n")));
  CHECK(str_has(buf_str(&rf.events), S("verify done tests passed; 2 ok\n")));
  Str after = fx_out(
      &rf.fx,
      "git status --porcelain; git rev-parse HEAD; git branch; git stash list; sha1sum .git/index");
  CHECK_STR(after, before);
  CHECK_STR(fx_out(&rf.fx, "git worktree list | wc -l"), S("1"));
  CHECK_STR(fx_out(&rf.fx, "ls ../state/piecework/scratch | wc -l"), S("0"));
  CHECK_STR(fx_read(&rf.fx, "a.txt"), S("one\ntwo\nthree\n"));
  rf_deinit(&rf);
}

TEST(an_untrusted_test_does_not_run)
{
  RunFixture rf;
  project(&rf);
  fx_write(&rf.fx, "test.sh", S("touch ../ran\n"));
  rf_reply(&rf, "verify", "", str_from(two_ok));
  rf_open(&rf, "", plan_text);
  Error err = run_and_verify(&rf);
  CHECK_STR(str_from(err.message), S(""));
  CHECK(str_has(rf_plan(&rf).note, S("not trusted")));
  CHECK(str_has(buf_str(&rf.events), S("trust  trust needed")));
  CHECK_STR(fx_read(&rf.fx, "../ran"), S("(none)"));
  PlanCommandList list = {0};
  CHECK(trust_list(rf.fx.engine, rf.fx.plan, &rf.fx.arena, &list, NULL));
  CHECK_INT(list.len, 1);
  CHECK(!list.items[0].trusted);
  rf_deinit(&rf);
}

// What was judged is not paid for again because the test may run now, or prints another time.
TEST(the_same_result_is_judged_once)
{
  RunFixture rf;
  project(&rf);
  fx_write(&rf.fx, "test.sh", S("date +%N; grep -q ONE a.txt\n"));
  for (int i = 0; i < 3; i++) rf_reply(&rf, "verify", "", str_from(two_ok));
  rf_open(&rf, "\"verify_rounds\": 0", plan_text);
  Error err = run_and_verify(&rf);
  CHECK_STR(str_from(err.message), S(""));
  CHECK(str_has(rf_plan(&rf).note, S("not trusted")));
  CHECK_INT(rf_calls(&rf), 3);
  trust(&rf, "sh test.sh");
  for (int i = 0; i < 2; i++) {
    err = run_and_verify(&rf);
    CHECK_STR(str_from(err.message), S(""));
    CHECK_STR(rf_plan(&rf).note, S("tests passed; 2 ok"));
    CHECK_INT(rf_calls(&rf), 3);
  }
  rf.done = false;
  CHECK(verify_start(rf.fx.engine, &(VerifySpec){.plan = rf.fx.plan, .again = true}, rf_done, &rf,
                     NULL));
  rf_wait(&rf);
  CHECK_INT(rf_calls(&rf), 4);
  // a test that fails now is another matter
  fx_write(&rf.fx, "test.sh", S("date +%N; ! grep -q ONE a.txt\n"));
  err = run_and_verify(&rf);
  CHECK(err.code != ERR_OK);
  CHECK_INT(rf_calls(&rf), 5);
  rf_deinit(&rf);
}

// A correction round shows what was corrected, with all files of its tasks; the rest stands.
TEST(only_what_was_corrected_is_shown_again)
{
  RunFixture rf;
  rf_init(&rf);
  fx_write(&rf.fx, "a.txt", S("one\n"));
  fx_write(&rf.fx, "b.txt", S("two\n"));
  fx_write(&rf.fx, "c.txt", S("three\n"));
  fx_commit_all(&rf.fx);
  rf_reply(&rf, "execute", "T01", rf_block(&rf, "a.txt", "one\n", "ONE\n"));
  rf_reply(&rf, "execute", "T02",
           str_cat(&rf.fx.arena, rf_block(&rf, "b.txt", "two\n", "TOO\n"),
                   rf_block(&rf, "c.txt", "three\n", "THREE\n")));
  rf_reply(&rf, "verify", "",
           S("{\"verdicts\": [{\"task\": \"T01\", \"verdict\": \"doubt\", \"reason\": \"see a\"},"
             "{\"task\": \"T02\", \"verdict\": \"rejected\", \"reason\": \"a W is missing\"}]}"));
  rf_reply(&rf, "execute", "T02",
           str_cat(&rf.fx.arena, rf_block(&rf, "b.txt", "two\n", "TWO\n"),
                   rf_block(&rf, "c.txt", "three\n", "THREE\n")));
  rf_reply(&rf, "verify", "", S("{\"verdicts\": [], \"rest\": \"ok\"}"));
  rf_open(&rf, "",
          "---\ntitle: three\n---\n## T01 a\nfiles: a.txt\nBig.\n\n## T02 b\nfiles: b.txt, "
          "c.txt\nBig.\n");
  CHECK_STR(str_from(run_and_verify(&rf).message), S(""));
  CHECK_STR(rf_plan(&rf).note, S("1 ok, 1 in doubt"));
  CHECK_INT(rf_calls(&rf), 5);
  Str prompt = asked(&rf);
  CHECK(str_has(prompt, S("=== b.txt\n")) && str_has(prompt, S("=== c.txt\n")));
  CHECK(!str_has(prompt, S("=== a.txt")) && !str_has(prompt, S("T01 a")));
  CHECK(str_has(prompt, S("[judged before and not shown again: a.txt]\n")));
  VerdictRowList rows = {0};
  CHECK(journal_verdict_list(rf.fx.engine->journal, &rf.fx.arena, rf.fx.plan, &rows, NULL));
  CHECK_INT(rows.len, 2);
  CHECK_INT(rows.items[0].kind, VERDICT_DOUBT);
  CHECK_STR(rows.items[0].reason, S("see a"));
  CHECK_INT(rows.items[1].kind, VERDICT_OK);
  rf_deinit(&rf);
}

static const char spec_plan[] =
    "---\ntitle: tests\n---\n## T01 a\nfiles: t_a.txt new\nread: spec.md, long.md\nWrite it.\n\n"
    "## T02 b\nfiles: a.txt:1-1\nread: other.md\nChange one.\n";

// Who judges new files sees what they had to say; what they quote is told, what they leave out or change is shown.
TEST(new_files_are_judged_by_what_their_tasks_read)
{
  RunFixture rf;
  rf_init(&rf);
  fx_write(&rf.fx, "a.txt", S("one\n"));
  fx_write(&rf.fx, "other.md", S("not for the reviewer\n"));
  fx_write(
      &rf.fx, "spec.md",
      S("# Promises\n\n- `area(2, 3)` gives `six`\n- `area(4, 5)` gives `twenty`\n- `area(6, 7)` "
        "gives "
        "`forty-two`\n- `area(0, 0)` gives `nothing`\n- `area(8, 9)` must not give `72 apples`\n"));
  Buf lengthy;
  buf_init(&lengthy, 1 << 20);
  for (int i = 0; i < 2000; i++) buf_fmt(&lengthy, "line %d of a long text\n", i);
  fx_write(&rf.fx, "long.md", buf_str(&lengthy));
  buf_deinit(&lengthy);
  fx_commit_all(&rf.fx);
  rf_reply(&rf, "execute", "T01",
           rf_block(&rf, "t_a.txt", "",
                    "check(area(2, 3), six)\n\ncheck(area(4, 5),\n      twenty)\n\ncheck(area(6, "
                    "7), forty-three)\n"
                    "\n\n\nforty-two\ncheck(area(8, 9), 72 apples)\n"));
  rf_reply(&rf, "execute", "T02", rf_block(&rf, "a.txt", "one\n", "ONE\n"));
  rf_reply(&rf, "verify", "", str_from(two_ok));
  rf_open(&rf, "", spec_plan);
  CHECK_STR(str_from(run_and_verify(&rf).message), S(""));
  Str prompt = asked(&rf);
  CHECK(str_has(
      prompt,
      S("To go by:\n=== spec.md\n# Promises\n- `area(2, 3)` gives `six`\n[4-4 so too: t_a.txt]\n"
        "- `area(6, 7)` gives `forty-two`\n- `area(0, 0)` gives `nothing`\n"
        "- `area(8, 9)` must not give `72 apples`\n[not shown, too long: long.md]\n")));
  CHECK(!str_has(prompt, S("not for the reviewer")));
  rf_deinit(&rf);
}

TEST(a_failing_test_is_told_and_review_comes_all_the_same)
{
  RunFixture rf;
  project(&rf);
  fx_write(&rf.fx, "test.sh", S("echo broken; exit 3\n"));
  rf_reply(&rf, "verify", "", str_from(two_ok));
  Error err = run_trusted(&rf, "");
  CHECK_INT(err.code, ERR_TEST_FAILED);
  CHECK_INT(rf_plan(&rf).state, PLAN_REVIEW);
  CHECK_INT(rf_plan(&rf).test_status, 3);
  CHECK(str_has(buf_str(&rf.events), S("review")));
  rf_deinit(&rf);
}

TEST(a_rejected_task_is_corrected)
{
  RunFixture rf;
  project(&rf);
  rf_reply(&rf, "verify", "",
           S("Here: {\"verdicts\": [{\"task\": \"T01\", \"verdict\": \"ok\", \"reason\": \"\"},"
             "{\"task\": \"T02\", \"verdict\": \"rejected\", \"reason\": \"say 3\", \"path\": "
             "\"a.txt\", \"line\": 3}]}"));
  rf_reply(&rf, "execute", "T02", rf_block(&rf, "a.txt", "three\n", "3\n"));
  rf_reply(&rf, "verify", "", str_from(two_ok));
  Error err = run_trusted(&rf, "");
  CHECK_STR(str_from(err.message), S(""));
  CHECK_STR(rf_text(&rf, "a.txt"), S("ONE\ntwo\n3\n"));
  VerdictRowList rows = {0};
  CHECK(journal_verdict_list(rf.fx.engine->journal, &rf.fx.arena, rf.fx.plan, &rows, NULL));
  CHECK_INT(rows.len, 2);
  CHECK_INT(rows.items[1].kind, VERDICT_OK);
  CHECK_INT(rf_calls(&rf), 5);
  rf_deinit(&rf);
}

TEST(rounds_are_bounded)
{
  RunFixture rf;
  project(&rf);
  Str no =
      S("{\"verdicts\": [{\"task\": \"T02\", \"verdict\": \"rejected\", \"reason\": \"no\"}]}");
  for (int i = 0; i < 4; i++) {
    rf_reply(&rf, "verify", "", no);
    rf_reply(&rf, "execute", "T02", rf_block(&rf, "a.txt", "three\n", i % 2 ? "x\n" : "y\n"));
  }
  Error err = run_trusted(&rf, "\"verify_rounds\": 1");
  CHECK_INT(err.code, ERR_FAILED);
  CHECK(str_has(str_from(err.message), S("1 rejected")));
  CHECK_INT(rf_calls(&rf), 5);
  CHECK_INT(rf_plan(&rf).state, PLAN_REVIEW);
  rf_deinit(&rf);
}

TEST(without_git_a_copy)
{
  RunFixture rf;
  rf_init(&rf);
  fx_sh(&rf.fx, "rm -rf .git");
  fx_write(&rf.fx, "a.txt", S("one\ntwo\nthree\n"));
  fx_write(&rf.fx, "sub/deep/b.txt", S("b\n"));
  fx_write(&rf.fx, "test.sh", S("cat a.txt sub/deep/b.txt; pwd | grep -q scratch\n"));
  rf_reply(&rf, "execute", "T01", rf_block(&rf, "a.txt", "one\n", "ONE\n"));
  rf_reply(&rf, "execute", "T02", S("NOTHING TO CHANGE"));
  rf_reply(&rf, "verify", "", S("no idea"));
  Error err = run_trusted(&rf, "");
  CHECK_STR(str_from(err.message), S(""));
  CHECK_STR(rf_plan(&rf).test_tail, S("ONE\ntwo\nthree\nb\n"));
  CHECK(str_has(rf_plan(&rf).note, S("no verdicts")));
  CHECK_STR(fx_out(&rf.fx, "ls ../state/piecework/scratch | wc -l"), S("0"));
  rf_deinit(&rf);
}

TEST(no_commits_hooks_links_and_leftovers)
{
  RunFixture rf;
  project(&rf);
  rf_reply(&rf, "verify", "", str_from(two_ok));
  // a hook that would leave a trace, a link that leads out, a leftover of a dead run
  fx_write(&rf.fx, ".git/hooks/post-checkout",
           str_fmt(&rf.fx.arena, "#!/bin/sh\ntouch '%s/../hooked'\n", rf.fx.root));
  fx_sh(&rf.fx,
        "chmod +x .git/hooks/post-checkout; mkdir ../outside; ln -s ../outside dir; git add dir; "
        "git commit -qm link");
  fx_sh(&rf.fx, "rm dir; mkdir dir; echo inside > dir/file.txt");
  Error err = run_trusted(&rf, "");
  CHECK_STR(str_from(err.message), S(""));
  CHECK_STR(fx_out(&rf.fx, "ls ../outside | wc -l"), S("0"));
  CHECK_STR(fx_out(&rf.fx, "ls ../hooked 2>/dev/null | wc -l"), S("0"));
  rf_deinit(&rf);
}

TEST(leftovers_of_dead_runs_go)
{
  RunFixture rf;
  project(&rf);
  rf_reply(&rf, "verify", "", str_from(two_ok));
  rf_open(&rf, "", plan_text);
  char host[256] = "";
  gethostname(host, sizeof(host) - 1);
  Str name =
      str_fmt(&rf.fx.arena, "piecework-%08x-999999999-1-abc", (unsigned)str_hash(str_from(host)));
  Str mine = str_fmt(&rf.fx.arena, "piecework-%08x-%ld-1-abc", (unsigned)str_hash(str_from(host)),
                     (long)getpid());
  fx_sh(&rf.fx,
        "mkdir -p ../state/piecework/scratch/%.*s && cd ../state/piecework/scratch && git -C '%s' "
        "worktree add --detach \"$PWD\"/%.*s HEAD && printf %%s '%s' > %.*s.owner",
        STR_ARG(mine), rf.fx.root, STR_ARG(name), rf.fx.root, STR_ARG(name));
  CHECK_STR(fx_out(&rf.fx, "git worktree list | wc -l"), S("2"));
  trust(&rf, "sh test.sh");
  CHECK_INT(run_and_verify(&rf).code, ERR_OK);
  CHECK_STR(fx_out(&rf.fx, "git worktree list | wc -l"), S("1"));
  CHECK_STR(fx_out(&rf.fx, "ls ../state/piecework/scratch"), mine);
  rf_deinit(&rf);
}

TEST(a_repository_without_commits)
{
  RunFixture rf;
  rf_init(&rf);
  fx_write(&rf.fx, "a.txt", S("one\ntwo\nthree\n"));
  fx_write(&rf.fx, "test.sh", S("cat a.txt\n"));
  rf_reply(&rf, "execute", "T01", rf_block(&rf, "a.txt", "one\n", "ONE\n"));
  rf_reply(&rf, "execute", "T02", S("NOTHING TO CHANGE"));
  rf_reply(&rf, "verify", "", S("[{\"task\": \"T01\", \"verdict\": \"OK\"}]"));
  CHECK_INT(run_trusted(&rf, "").code, ERR_OK);
  CHECK_STR(rf_plan(&rf).test_tail, S("ONE\ntwo\nthree\n"));
  CHECK_STR(rf_plan(&rf).note, S("tests passed; 1 ok"));
  rf_deinit(&rf);
}

TEST(checks_run_in_a_scratch_copy)
{
  RunFixture rf;
  project(&rf);
  // the first reply breaks the check, the second is fine; the other task's result is not in its copy
  forget_replies(&rf);
  rf_reply(&rf, "execute", "T01", rf_block(&rf, "a.txt", "one\n", "BAD\n"));
  rf_reply(&rf, "execute", "T01", rf_block(&rf, "a.txt", "one\n", "ONE\n"));
  rf_reply(&rf, "execute", "T02", rf_block(&rf, "a.txt", "three\n", "THREE\n"));
  rf_open(&rf, "\"retries\": 1",
          "---\ntitle: two\n---\n"
          "## T01 first\nfiles: a.txt:1-1\ncheck: grep -q '^ONE$' a.txt\nChange one.\n\n"
          "## T02 second\nfiles: a.txt:3-3\ncheck: \"! grep -q ONE a.txt\"\nChange three.\n");
  trust(&rf, "grep -q '^ONE$' a.txt");
  trust(&rf, "! grep -q ONE a.txt");
  Error err = rf_run(&rf);
  CHECK_STR(str_from(err.message), S(""));
  CHECK_STR(rf_text(&rf, "a.txt"), S("ONE\ntwo\nTHREE\n"));
  CHECK_INT(rf_calls(&rf), 3);
  CHECK_STR(fx_out(&rf.fx, "git worktree list | wc -l"), S("1"));
  rf_deinit(&rf);
}

// One copy serves all checks: each finds its own task's result there, and nothing else.
TEST(checks_do_not_see_each_other)
{
  RunFixture rf;
  project(&rf);
  fx_write(&rf.fx, "b.txt", S("two\n"));
  fx_commit_all(&rf.fx);
  forget_replies(&rf);
  rf_reply(&rf, "execute", "T01", rf_block(&rf, "a.txt", "one\n", "ONE\n"));
  rf_reply(&rf, "execute", "T02", rf_block(&rf, "b.txt", "two\n", "TWO\n"));
  rf_open(&rf, "\"retries\": 0",
          "---\ntitle: two\n---\n"
          "## T01 first\nfiles: a.txt\ncheck: \"! grep -q TWO b.txt\"\nChange one.\n\n"
          "## T02 second\nfiles: b.txt\ncheck: \"! grep -q ONE a.txt\"\nChange two.\n");
  trust(&rf, "! grep -q TWO b.txt");
  trust(&rf, "! grep -q ONE a.txt");
  rf_run(&rf);
  CHECK_STR(rf_state(&rf, "T01"), S("done"));
  CHECK_STR(rf_state(&rf, "T02"), S("done"));
  rf_deinit(&rf);
}

// What a check leaves running goes with it; one that does not end is ended; one that does not exist says nothing.
TEST(odd_checks)
{
  RunFixture rf;
  project(&rf);
  forget_replies(&rf);
  rf_reply(&rf, "execute", "T01", rf_block(&rf, "a.txt", "one\n", "ONE\n"));
  rf_reply(&rf, "execute", "T02", rf_block(&rf, "a.txt", "two\n", "TWO\n"));
  rf_reply(&rf, "execute", "T02", rf_block(&rf, "a.txt", "two\n", "TWO\n"));
  rf_reply(&rf, "execute", "T03", rf_block(&rf, "a.txt", "three\n", "THREE\n"));
  const char *leaves =
      str_fmt(&rf.fx.arena, "sleep 300 >/dev/null 2>&1 & echo $! > %s/pid", rf.fx.dir).ptr;
  rf_open(&rf, "\"retries\": 0, \"test_timeout\": 1",
          str_fmt(&rf.fx.arena,
                  "---\ntitle: three\n---\n"
                  "## T01 first\nfiles: a.txt:1-1\ncheck: %s\nChange one.\n\n"
                  "## T02 second\nfiles: a.txt:2-2\ncheck: sleep 20\nChange two.\n\n"
                  "## T03 third\nfiles: a.txt:3-3\ncheck: no-such-program && true\nChange three.\n",
                  leaves)
              .ptr);
  trust(&rf, leaves);
  trust(&rf, "sleep 20");
  trust(&rf, "no-such-program && true");
  rf_run(&rf);
  CHECK_STR(rf_state(&rf, "T01"), S("done"));
  CHECK_STR(rf_state(&rf, "T02"), S("failed: check was stopped at the time limit"));
  CHECK(str_starts(rf_state(&rf, "T03"), S("done: check not run: ")));
  CHECK(fx_sh(&rf.fx, "grep -q '^State:[[:space:]]*[RSD]' /proc/$(cat ../pid)/status") != 0);
  rf_deinit(&rf);
}

TEST(what_cannot_be_shown_is_not_trusted)
{
  RunFixture rf;
  project(&rf);
  rf_open(&rf, "", "---\ntitle: one\n---\n## T01 first\nfiles: a.txt\nChange one.\n");
  Str root = project_root(rf.fx.project);
  char *line = arena_alloc(&rf.fx.arena, 5000);
  memset(line, 'x', 5000);
  Str bad[] = {S(" \n"), (Str){line, 5000}, S("a\0b")};
  for (int i = 0; i < 3; i++) {
    CHECK(!trust_give(rf.fx.engine, root, bad[i], NULL));
    CHECK(!trust_given(rf.fx.engine, root, bad[i]));
  }
  CHECK(trust_give(rf.fx.engine, root, S("make"), NULL));
  CHECK(trust_given(rf.fx.engine, root, S(" make\n")));
  CHECK(!trust_given(rf.fx.engine, S("/elsewhere"), S("make")));
  CHECK(!trust_given(rf.fx.engine, root, S("make x")));
  rf_deinit(&rf);
}

// Told that its check fails, a small model says at times that nothing needs changing: that is no result.
TEST(nothing_to_change_is_no_answer_to_a_failed_check)
{
  RunFixture rf;
  project(&rf);
  forget_replies(&rf);
  rf_reply(&rf, "execute", "T01", rf_block(&rf, "a.txt", "one\n", "BAD\n"));
  rf_reply(&rf, "execute", "T01", S("NOTHING TO CHANGE"));
  rf_reply(&rf, "execute", "T01", rf_block(&rf, "a.txt", "one\n", "ONE\n"));  // the next rung
  rf_reply(&rf, "execute", "T02", rf_block(&rf, "a.txt", "three\n", "BAD\n"));
  for (int i = 0; i < 3; i++) rf_reply(&rf, "execute", "T02", S("NOTHING TO CHANGE"));
  rf_open(&rf, "\"retries\": 2",
          "---\ntitle: two\n---\n"
          "## T01 first\nfiles: a.txt:1-1\ncheck: grep -q '^ONE$' a.txt\nChange one.\n\n"
          "## T02 second\nfiles: a.txt:3-3\nafter: T01\ncheck: \"! grep -q BAD a.txt\"\nChange "
          "three.\n");
  trust(&rf, "grep -q '^ONE$' a.txt");
  trust(&rf, "! grep -q BAD a.txt");
  rf_run(&rf);
  CHECK_STR(rf_state(&rf, "T01"), S("done"));
  // of a model that was shown no failed check it is an answer
  CHECK_STR(rf_state(&rf, "T02"), S("abstained: the model says that nothing needs changing"));
  CHECK_STR(rf_text(&rf, "a.txt"), S("ONE\ntwo\nthree\n"));
  CHECK_INT(rf_calls(&rf), 6);
  rf_deinit(&rf);
}

TEST(an_untrusted_check_is_skipped_and_said)
{
  RunFixture rf;
  project(&rf);
  rf_open(&rf, "",
          "---\ntitle: one\n---\n## T01 first\nfiles: a.txt:1-1\ncheck: touch ../../ran\nChange "
          "one.\n");
  Error err = rf_run(&rf);
  CHECK_STR(str_from(err.message), S(""));
  CHECK_STR(rf_state(&rf, "T01"), S("done: check not run: not trusted yet"));
  rf_deinit(&rf);
}

TEST(stopping_a_test)
{
  RunFixture rf;
  project(&rf);
  fx_write(&rf.fx, "test.sh", S("sleep 100\n"));
  rf_open(&rf, "", plan_text);
  trust(&rf, "sh test.sh");
  CHECK_INT(rf_run(&rf).code, ERR_OK);
  Error err = {0};
  rf.done = false;
  CHECK(verify_start(rf.fx.engine, &(VerifySpec){.plan = rf.fx.plan}, rf_done, &rf, &err));
  for (int i = 0; i < 400 && !str_has(buf_str(&rf.events), S("verify test")); i++)
    loop_turn(&rf.fx.loop, true);
  verify_stop(rf.fx.engine, rf.fx.plan);
  rf_wait(&rf);
  CHECK_INT(rf.error.code, ERR_CANCELLED);
  CHECK_INT(rf_plan(&rf).state, PLAN_REVIEW);
  CHECK_STR(fx_out(&rf.fx, "git worktree list | wc -l"), S("1"));
  // stopped before anything began
  rf.done = false;
  CHECK(verify_start(rf.fx.engine, &(VerifySpec){.plan = rf.fx.plan}, rf_done, &rf, &err));
  run_stop(rf.fx.engine, rf.fx.plan, true);
  rf_wait(&rf);
  CHECK_INT(rf.error.code, ERR_CANCELLED);
  rf_deinit(&rf);
}

static Arena arena;
static VerdictRowList rows;

static bool reads(const char *text)
{
  TaskList tasks = {0};
  const char *ids[] = {"T01", "T02.1", "T02.2"};
  for (int i = 0; i < 3; i++) PUSH(&arena, &tasks, ((TaskSpec){.id = str_from(ids[i])}));
  AttemptReply reply = {.text = str_from(text)};
  rows = (VerdictRowList){0};
  return verdict_read(&arena, &tasks, &reply, &rows);
}

TEST(answers_in_many_shapes)
{
  arena_init(&arena);
  CHECK(
      reads("```json\n{\"verdicts\": [{\"task\": \"T01: rename\", \"verdict\": \"OK\"}, {\"task\": "
            "\"T02\", \"verdict\": \"maybe\"}]}\n```"));
  CHECK_INT(rows.items[0].kind, VERDICT_OK);
  CHECK_INT(rows.items[1].kind, VERDICT_DOUBT);
  CHECK_STR(rows.items[2].reason, S("maybe"));
  CHECK(reads("{\"T01\": \"rejected\"}"));
  CHECK_INT(rows.items[0].kind, VERDICT_REJECTED);
  CHECK_STR(rows.items[1].reason, S("the verifier said nothing about it"));
  CHECK(
      reads("[{\"task\": \"T01\", \"verdict\": \"ok\"}, {\"task\": \"T01\", \"verdict\": "
            "\"rejected\", \"reason\": \"x\", \"line\": -3}]"));
  CHECK_INT(rows.items[0].kind, VERDICT_REJECTED);
  CHECK_INT(rows.items[0].line, 0);
  CHECK(reads("My verdict: {\"task\": \"T01\", \"verdict\": \"ok\"}"));
  CHECK_INT(rows.items[0].kind, VERDICT_OK);
  CHECK(!reads("all fine"));
  CHECK(!reads("{\"verdicts\": [{\"task\": \"T77\", \"verdict\": \"ok\"}]}"));
  CHECK(!reads("{\"verdicts\": 7}"));
  CHECK_INT(rows.len, 0);
  arena_deinit(&arena);
}

TEST_MAIN
