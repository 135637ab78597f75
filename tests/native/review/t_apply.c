// t_apply.c: decided hunks onto texts that may have changed, onto files, and back.
#include "work_fixture.h"

#include <sys/wait.h>
#include <unistd.h>

#include "journal/journal_private.h"
#include "review/apply_sweep.h"

static const char base[] = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";
static const char made_2[] = "one\nTWO\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";
static const char made_9[] = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nNINE\nten\n";
static const char made_both[] = "one\nTWO\nthree\nfour\nfive\nsix\nseven\neight\nNINE\nten\n";

static void setup(Fixture *fx)
{
  fx_init(fx, false);
  fx_write(fx, "a.txt", str_from(base));
  fx_open(fx);
  fx_task(fx, "T01", "a.txt", base, made_2);
  fx_task(fx, "T02", "a.txt", base, made_9);
}

static ApplyPlan prepare(Fixture *fx, bool revert, const PresentList *present)
{
  ApplyPlan out = {0};
  Error err = {0};
  bool ok = revert ? revert_prepare(fx->engine, fx->plan, present, NULL, &fx->arena, &out, &err)
                   : apply_prepare(fx->engine, fx->plan, present, NULL, &fx->arena, &out, &err);
  if (!ok) printf("# %s\n", err.message);
  CHECK(ok);
  return out;
}

static Error write_out(Fixture *fx, const ApplyPlan *edits)
{
  Error err = {0};
  apply_write(fx->engine, fx->plan, edits, &err);
  return err;
}

static PlanState state(Fixture *fx)
{
  PlanRow row = {0};
  Error err = {0};
  journal_plan_get(fx->engine->journal, &fx->arena, fx->plan, &row, &err);
  return row.state;
}

TEST(only_what_is_accepted)
{
  Fixture fx;
  setup(&fx);
  ApplyPlan edits = prepare(&fx, false, NULL);
  CHECK_INT(edits.files.len, 0);
  fx_decide(&fx, S("task:T02"), DECISION_ACCEPTED);
  edits = prepare(&fx, false, NULL);
  CHECK_INT(edits.hunks, 1);
  CHECK_STR(edits.files.items[0].text, str_from(made_9));
  CHECK_INT(edits.files.items[0].edits.items[0].start, 9);
  CHECK_STR(fx_read(&fx, "a.txt"), str_from(base));  // nothing is written by preparing
  CHECK_INT(write_out(&fx, &edits).code, ERR_OK);
  CHECK_STR(fx_read(&fx, "a.txt"), str_from(made_9));
  CHECK_INT(state(&fx), PLAN_REVIEW);
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  edits = prepare(&fx, false, NULL);
  CHECK_INT(edits.hunks, 1);
  CHECK_INT(write_out(&fx, &edits).code, ERR_OK);
  CHECK_STR(fx_read(&fx, "a.txt"), str_from(made_both));
  CHECK_INT(state(&fx), PLAN_DONE);
  fx_deinit(&fx);
}

TEST(buffers_win_over_files)
{
  Fixture fx;
  setup(&fx);
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  PresentFile file = {S("a.txt"),
                      S("zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\nmore\n"),
                      true};
  PresentList present = {&file, 1, 1};
  ApplyPlan edits = prepare(&fx, false, &present);
  CHECK_INT(edits.hunks, 2);
  CHECK_STR(edits.files.items[0].text,
            S("zero\none\nTWO\nthree\nfour\nfive\nsix\nseven\neight\nNINE\nten\nmore\n"));
  CHECK_INT(edits.files.items[0].edits.items[0].start, 3);
  fx_deinit(&fx);
}

TEST(stale_is_refused_with_a_note)
{
  Fixture fx;
  setup(&fx);
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  fx_write(&fx, "a.txt", S("one\ntwo, mine\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n"));
  ApplyPlan edits = prepare(&fx, false, NULL);
  CHECK_INT(edits.hunks, 1);
  CHECK_INT(edits.stale.len, 1);
  CHECK(str_starts(edits.notes.items[0], S("a.txt:2: hunk of T01 is stale: ")));
  CHECK_INT(write_out(&fx, &edits).code, ERR_OK);
  CHECK_STR(fx_read(&fx, "a.txt"),
            S("one\ntwo, mine\nthree\nfour\nfive\nsix\nseven\neight\nNINE\nten\n"));
  fx_deinit(&fx);
}

TEST(undone_in_the_buffer_can_be_applied_again)
{
  Fixture fx;
  setup(&fx);
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  ApplyPlan edits = prepare(&fx, false, NULL);
  Error err = {0};
  CHECK(apply_done(fx.engine, fx.plan, &edits.files.items[0].hunks, false, &err));
  // The file still has the old text, as after `u`.
  edits = prepare(&fx, false, NULL);
  CHECK_INT(edits.hunks, 2);
  // And a text that has it already needs nothing.
  fx_write(&fx, "a.txt", str_from(made_both));
  edits = prepare(&fx, false, NULL);
  CHECK_INT(edits.files.len, 0);
  fx_deinit(&fx);
}

TEST(a_crash_before_remembering_heals)
{
  Fixture fx;
  setup(&fx);
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  fx_write(&fx, "a.txt", str_from(made_both));  // written, not journaled
  ApplyPlan edits = prepare(&fx, false, NULL);
  CHECK_INT(edits.hunks, 0);
  CHECK_INT(edits.files.items[0].hunks.len, 2);
  CHECK_INT(write_out(&fx, &edits).code, ERR_OK);
  CHECK_INT(fx_applied(fx_review(&fx)), 2);
  fx_deinit(&fx);
}

// A process that dies between staging and renaming [path], with the mark of an apply if [marked].
static void killed_at(Fixture *fx, const char *path, bool marked)
{
  pid_t child = fork();
  if (child == 0) {
    FsStaged list = {.arena = &fx->arena};
    bool ok = fs_stage(&list, path, S("half"), 0600, NULL);
    char who[40];
    snprintf(who, sizeof(who), "%08x-%ld", fs_host_tag(), (long)getpid());
    FILE *file = fopen(str_z(&fx->arena, str_fmt(&fx->arena, "%s/../who", fx->root)), "w");
    if (file) fputs(who, file), fclose(file);
    _exit(ok && file ? 0 : 1);
  }
  int status = -1;
  CHECK_INT(waitpid(child, &status, 0), child);
  CHECK_INT(status, 0);
  Str who = STR_NONE;
  CHECK(fs_read(&fx->arena, str_z(&fx->arena, str_fmt(&fx->arena, "%s/../who", fx->root)), 100,
                &who, NULL));
  if (marked) CHECK(journal_fact_set(fx->engine->journal, fx->plan, S("writing"), who, NULL));
}

static size_t left_in(Fixture *fx, const char *dir)
{
  StrList names = {0};
  size_t count = 0;
  CHECK(fs_list(&fx->arena, dir, &names, NULL));
  for (size_t i = 0; i < names.len; i++) count += str_has(names.items[i], S(".pw"));
  return count;
}

TEST(what_a_killed_apply_left_is_swept)
{
  Fixture fx;
  setup(&fx);
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  killed_at(&fx, str_z(&fx.arena, str_fmt(&fx.arena, "%s/a.txt", fx.root)), false);
  CHECK_INT(left_in(&fx, fx.root), 1);
  ApplyPlan edits = prepare(&fx, false, NULL);
  CHECK_INT(write_out(&fx, &edits).code, ERR_OK);
  CHECK_INT(left_in(&fx, fx.root), 0);
  fx_deinit(&fx);
}

TEST(resume_sweeps_it_too)
{
  Fixture fx;
  setup(&fx);
  Project *project = fx.project;
  char *file = str_z(&fx.arena, str_fmt(&fx.arena, "%s/a.txt", fx.root));
  killed_at(&fx, file, false);
  CHECK_INT(apply_sweep_left(fx.engine, project), 0);  // no apply of ours: not looked for
  killed_at(&fx, file, true);
  CHECK_INT(left_in(&fx, fx.root), 2);
  CHECK_INT(apply_sweep_left(fx.engine, project), 1);
  CHECK_INT(left_in(&fx, fx.root), 0);
  CHECK_INT(apply_sweep_left(fx.engine, project), 0);
  // one that is at work, or ended in order, is no such case
  CHECK(apply_sweep_mark(fx.engine, fx.plan, true, NULL));
  CHECK_INT(apply_sweep_left(fx.engine, project), 0);
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  ApplyPlan edits = prepare(&fx, false, NULL);
  CHECK_INT(write_out(&fx, &edits).code, ERR_OK);
  Str text = STR_NONE;
  CHECK(journal_fact_get(fx.engine->journal, &fx.arena, fx.plan, S("writing"), &text, NULL));
  CHECK_STR(text, S(""));
  fx_deinit(&fx);
}

// What cannot be marked is not begun.
TEST(the_mark_comes_before_the_first_file)
{
  Fixture fx;
  Error err = {0};
  setup(&fx);
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  ApplyPlan edits = prepare(&fx, false, NULL);
  CHECK(store_run(
      fx.engine->journal->store, &err,
      "CREATE TRIGGER full BEFORE INSERT ON fact BEGIN SELECT RAISE(ABORT, 'full'); END", ""));
  CHECK_INT(write_out(&fx, &edits).code, ERR_JOURNAL);
  CHECK_STR(fx_read(&fx, "a.txt"), str_from(base));
  fx_deinit(&fx);
}

TEST(sweeping_stays_in_the_project)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_write(&fx, "d/a.txt", str_from(base));
  fx_open(&fx);
  fx_task(&fx, "T01", "d/a.txt", base, made_2);
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  char *dir = str_z(&fx.arena, str_fmt(&fx.arena, "%s/d", fx.root));
  char *outside = str_z(&fx.arena, str_fmt(&fx.arena, "%s/../outside", fx.root));
  CHECK(rename(dir, outside) == 0 && symlink("../outside", dir) == 0);
  killed_at(&fx, str_z(&fx.arena, str_fmt(&fx.arena, "%s/a.txt", outside)), true);
  ApplyPlan out = {0};
  Error err = {0};
  CHECK(apply_prepare(fx.engine, fx.plan, NULL, NULL, &fx.arena, &out, &err) && out.hunks == 0);
  CHECK_INT(apply_sweep_left(fx.engine, fx.project), 1);
  CHECK_INT(left_in(&fx, outside), 1);
  fx_deinit(&fx);
}

// Beside the file that a link leads to, and in every directory of the plan.
TEST(sweeping_finds_each_place)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_write(&fx, "real/r.txt", str_from(base));
  fx_write(&fx, "d/a.txt", str_from(base));
  CHECK_INT(symlink("real/r.txt", fx_path(&fx, "link.txt")), 0);
  fx_open(&fx);
  fx_task(&fx, "T01", "d/a.txt", base, made_2);
  fx_task(&fx, "T02", "link.txt", base, made_2);
  fx_task(&fx, "T03", "z/new.txt", NULL, base);
  CHECK_INT(fx_sh(&fx, "mkdir z"), 0);
  static const char *const files[] = {"d/a.txt", "link.txt", "z/new.txt"};
  for (int i = 0; i < 3; i++) killed_at(&fx, fx_path(&fx, files[i]), true);
  CHECK_INT(apply_sweep_left(fx.engine, fx.project), 1);
  CHECK_INT(left_in(&fx, fx_path(&fx, "d")), 0);
  CHECK_INT(left_in(&fx, fx_path(&fx, "real")), 0);
  CHECK_INT(left_in(&fx, fx_path(&fx, "z")), 0);
  fx_deinit(&fx);
}

TEST(revert_by_content)
{
  Fixture fx;
  setup(&fx);
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  ApplyPlan edits = prepare(&fx, false, NULL);
  CHECK_INT(write_out(&fx, &edits).code, ERR_OK);
  fx_write(&fx, "a.txt", S("mine\none\nTWO\nthree\nfour\nfive\nsix\nseven\neight\nNINE\nten\n"));
  edits = prepare(&fx, true, NULL);
  CHECK_INT(edits.hunks, 2);
  CHECK_INT(write_out(&fx, &edits).code, ERR_OK);
  CHECK_STR(fx_read(&fx, "a.txt"),
            S("mine\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n"));
  CHECK_INT(fx_applied(fx_review(&fx)), 0);
  edits = prepare(&fx, true, NULL);
  CHECK_INT(edits.files.len, 0);  // nothing is applied any more
  fx_deinit(&fx);
}

TEST(revert_of_a_part)
{
  Fixture fx;
  setup(&fx);
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  ApplyPlan edits = prepare(&fx, false, NULL), back = {0};
  CHECK_INT(write_out(&fx, &edits).code, ERR_OK);
  Error err = {0};
  Str one = S("task:T01");
  StrList only = {&one, 1, 1};
  CHECK(revert_prepare(fx.engine, fx.plan, NULL, &only, &fx.arena, &back, &err));
  CHECK_INT(write_out(&fx, &back).code, ERR_OK);
  CHECK_STR(fx_read(&fx, "a.txt"), str_from(made_9));
  fx_deinit(&fx);
}

TEST(files_come_and_go)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_write(&fx, "old.txt", S("x\n"));
  fx_open(&fx);
  fx_task(&fx, "T01", "sub/dir/new.txt", NULL, "hello\n");
  fx_task(&fx, "T02", "old.txt", "x\n", NULL);
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  ApplyPlan edits = prepare(&fx, false, NULL);
  CHECK_INT(edits.files.len, 2);
  CHECK_INT(write_out(&fx, &edits).code, ERR_OK);
  CHECK_STR(fx_read(&fx, "sub/dir/new.txt"), S("hello\n"));
  CHECK(!fs_exists(fx_path(&fx, "old.txt")));
  edits = prepare(&fx, true, NULL);
  CHECK_INT(write_out(&fx, &edits).code, ERR_OK);
  CHECK(!fs_exists(fx_path(&fx, "sub/dir/new.txt")));
  CHECK_STR(fx_read(&fx, "old.txt"), S("x\n"));
  fx_deinit(&fx);
}

TEST(a_new_name_never_overwrites)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_write(&fx, "old.sh", str_from(base));
  CHECK_INT(fx_sh(&fx, "chmod 750 old.sh"), 0);
  fx_open(&fx);
  fx_task(&fx, "T01", "old.sh", base, made_2);
  Error err = {0};
  Str texts[2] = {str_from(base), str_from(made_2)};
  PatchRow patch = {.task = S("T01"),
                    .path = S("new/new.sh"),
                    .change = FILE_RENAME,
                    .renamed_from = S("old.sh")};
  CHECK(journal_patch_set(fx.engine->journal, fx.plan, S("T01"), &patch, &texts[0], &texts[1], 1,
                          &err));
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  ApplyPlan edits = prepare(&fx, false, NULL);
  fx_write(&fx, "new/new.sh", S("appeared late\n"));
  CHECK_INT(write_out(&fx, &edits).code, ERR_STALE);
  CHECK_STR(fx_read(&fx, "new/new.sh"), S("appeared late\n"));
  CHECK_STR(fx_read(&fx, "old.sh"), str_from(base));
  CHECK_INT(fx_sh(&fx, "rm -r new"), 0);
  CHECK_INT(write_out(&fx, &edits).code, ERR_OK);
  CHECK_STR(fx_read(&fx, "new/new.sh"), str_from(made_2));
  CHECK_INT(fs_stat(fx_path(&fx, "new/new.sh")).mode, 0750);
  CHECK(!fs_exists(fx_path(&fx, "old.sh")));
  edits = prepare(&fx, true, NULL);
  CHECK_INT(edits.stale.len, 0);
  CHECK_INT(write_out(&fx, &edits).code, ERR_OK);
  CHECK_STR(fx_read(&fx, "old.sh"), str_from(base));
  CHECK(!fs_exists(fx_path(&fx, "new/new.sh")));
  fx_deinit(&fx);
}

TEST(directories_made_in_vain_go_again)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_write(&fx, "z", S("a file\n"));
  fx_open(&fx);
  fx_task(&fx, "T01", "new/dir/n.txt", NULL, "n\n");
  fx_task(&fx, "T02", "z/n.txt", NULL, "n\n");
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  ApplyPlan edits = prepare(&fx, false, NULL);
  CHECK_INT(write_out(&fx, &edits).code, ERR_REFUSED);
  CHECK(!fs_exists(fx_path(&fx, "new")));
  fx_deinit(&fx);
}

TEST(a_file_that_was_changed_is_not_deleted)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_write(&fx, "gone.txt", S("x\n"));
  fx_open(&fx);
  fx_task(&fx, "T01", "gone.txt", "x\n", NULL);
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  fx_write(&fx, "gone.txt", S("x\nmine\n"));
  ApplyPlan edits = prepare(&fx, false, NULL);
  CHECK_INT(edits.files.len, 0);
  CHECK_INT(edits.stale.len, 1);
  fx_write(&fx, "gone.txt", S("x\n"));
  edits = prepare(&fx, false, NULL);
  CHECK_INT(edits.files.len, 1);
  fx_write(&fx, "gone.txt", S("mine\n"));  // at the last moment
  CHECK_INT(write_out(&fx, &edits).code, ERR_STALE);
  CHECK_STR(fx_read(&fx, "gone.txt"), S("mine\n"));
  fx_deinit(&fx);
}

// What an editor has of a path that leads out of the project by now.
TEST(a_buffer_outside_is_not_changed)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_write(&fx, "sub/a.txt", str_from(base));
  fx_open(&fx);
  fx_task(&fx, "T01", "sub/a.txt", base, made_2);
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  CHECK_INT(fx_sh(&fx, "mv sub ../sub && ln -s ../sub sub"), 0);
  PresentFile file = {.path = S("sub/a.txt"), .exists = true, .text = str_from(base)};
  PresentList present = {&file, 1, 1};
  ApplyPlan edits = {0};
  Error err = {0};
  CHECK(!apply_prepare(fx.engine, fx.plan, &present, NULL, &fx.arena, &edits, &err));
  CHECK_INT(err.code, ERR_REFUSED);
  fx_deinit(&fx);
}

TEST(a_new_file_never_overwrites)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_open(&fx);
  fx_task(&fx, "T01", "new.txt", NULL, "theirs\n");
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  ApplyPlan edits = prepare(&fx, false, NULL);
  fx_write(&fx, "new.txt", S("mine\n"));
  CHECK_INT(write_out(&fx, &edits).code, ERR_STALE);  // it came after preparing
  edits = prepare(&fx, false, NULL);
  CHECK_INT(edits.stale.len, 1);
  CHECK_STR(fx_read(&fx, "new.txt"), S("mine\n"));
  fx_deinit(&fx);
}

TEST(a_file_in_the_place_of_a_directory_is_named)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_open(&fx);
  fx_write(&fx, "a.txt", str_from(base));
  fx_task(&fx, "T01", "d/new.txt", NULL, "theirs\n");
  fx_task(&fx, "T02", "a.txt", base, made_2);
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  fx_write(&fx, "d", S("mine\n"));
  ApplyPlan edits = prepare(&fx, false, NULL);
  Error err = write_out(&fx, &edits);
  CHECK_INT(err.code, ERR_REFUSED);
  CHECK_STR(str_from(err.message), S("d is a file, and d/new.txt cannot be made below it"));
  CHECK_STR(fx_read(&fx, "d"), S("mine\n"));
  CHECK_STR(fx_read(&fx, "a.txt"), str_from(base));
  CHECK_STR(fx_out(&fx, "ls -A | tr '\\n' ' '"), S("a.txt d"));  // nothing was left beside them
  fx_deinit(&fx);
}

TEST(all_or_none)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_write(&fx, "a.txt", str_from(base));
  fx_write(&fx, "b/b.txt", str_from(base));
  fx_write(&fx, "c.txt", S("x\n"));
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", base, made_2);
  fx_task(&fx, "T02", "c.txt", "x\n", NULL);
  fx_task(&fx, "T03", "n.txt", NULL, "new\n");
  fx_task(&fx, "T04", "b/b.txt", base, made_9);
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  ApplyPlan edits = prepare(&fx, false, NULL);
  CHECK_INT(edits.files.len, 4);
  // The last one cannot be written: its directory is gone, its text as it was (a link to it stands there).
  CHECK_INT(fx_sh(&fx, "mv b away && ln -s away b && chmod a-w away"), 0);
  Error err = write_out(&fx, &edits);
  if (geteuid() != 0) CHECK(err.code != ERR_OK);
  if (err.code != ERR_OK) {
    CHECK_STR(fx_read(&fx, "a.txt"), str_from(base));
    CHECK_STR(fx_read(&fx, "c.txt"), S("x\n"));
    CHECK(!fs_exists(fx_path(&fx, "n.txt")));
    CHECK_INT(fx_applied(fx_review(&fx)), 0);
  }
  fx_sh(&fx, "chmod u+w away");
  // A file that changed since stops it before anything is written.
  fx_write(&fx, "a.txt", str_from(base));
  fx_write(&fx, "c.txt", S("x\n"));
  fx_sh(&fx, "rm -f n.txt; rm b; mv away b");
  fx_write(&fx, "b/b.txt", S("other\n"));
  CHECK_INT(write_out(&fx, &edits).code, ERR_STALE);
  CHECK_STR(fx_read(&fx, "a.txt"), str_from(base));
  fx_deinit(&fx);
}

TEST(a_failed_write_puts_back)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_write(&fx, "a.txt", str_from(base));
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", base, made_2);
  fx_task(&fx, "T02", "d/new.txt", NULL, "new\n");
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  ApplyPlan edits = prepare(&fx, false, NULL);
  fx_write(&fx, "d", S("a file where a directory should be\n"));
  CHECK(write_out(&fx, &edits).code != ERR_OK);
  CHECK_STR(fx_read(&fx, "a.txt"), str_from(base));
  fx_deinit(&fx);
}

TEST(nothing_outside_is_written)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_open(&fx);
  fx_task(&fx, "T01", "link/new.txt", NULL, "x\n");
  CHECK_INT(fx_sh(&fx, "mkdir ../outside && ln -s ../outside link"), 0);
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  ApplyPlan out = {0};
  Error err = {0};
  bool ok = apply_prepare(fx.engine, fx.plan, NULL, NULL, &fx.arena, &out, &err);
  CHECK(!ok || out.files.len == 0);
  CHECK(!fs_exists(fx_path(&fx, "../outside/new.txt")));
  fx_deinit(&fx);
}

TEST(crlf_and_no_last_line_end_stay)
{
  Fixture fx;
  const char *shown = "a\r\nb\r\nc\r\nd", *made = "a\r\nB\r\nc\r\nD";
  fx_init(&fx, false);
  fx_write(&fx, "w.txt", str_from(shown));
  fx_open(&fx);
  fx_task(&fx, "T01", "w.txt", shown, made);
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  ApplyPlan edits = prepare(&fx, false, NULL);
  CHECK_INT(write_out(&fx, &edits).code, ERR_OK);
  CHECK_STR(fx_read(&fx, "w.txt"), str_from(made));
  edits = prepare(&fx, true, NULL);
  CHECK_INT(write_out(&fx, &edits).code, ERR_OK);
  CHECK_STR(fx_read(&fx, "w.txt"), str_from(shown));
  fx_deinit(&fx);
}

TEST_MAIN
