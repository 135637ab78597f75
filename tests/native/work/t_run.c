// t_run.c: plans carried out: order, merges, retries, the ladder, budget, stop and resume.
#include "journal/journal_private.h"
#include "run_fixture.h"
#include "work/task_private.h"

static const char abc[] = "int a(void);\nint b(void);\nint c(void);\nint d(void);\nint e(void);\n";

static const char two_tasks[] =
    "---\ntitle: two\n---\n"
    "## T01 first\nfiles: a.c:1-2\nChange a.\n\n"
    "## T02 second\nfiles: a.c:4-5\nChange e.\n";

static void two(RunFixture *rf)
{
  rf_init(rf);
  fx_write(&rf->fx, "a.c", str_from(abc));
}

static void new_plan(RunFixture *rf, const char *text)
{
  char *file = path_join(&rf->fx.arena, str_from(rf->fx.dir), S("plan.md"));
  CHECK(fs_write_atomic(file, str_from(text), 0600, NULL));
}

// The next reply to [task]: the function [from] is called [to].
static void renames(RunFixture *rf, const char *task, const char *from, const char *to)
{
  Str old = str_fmt(&rf->fx.arena, "int %s(void);\n", from);
  Str new = str_fmt(&rf->fx.arena, "int %s(void);\n", to);
  rf_reply(rf, "execute", task, rf_block(rf, "a.c", old.ptr, new.ptr));
}

// What was sent in the [n]th call for [task], from 0.
static Str prompt_of(RunFixture *rf, const char *task, size_t n)
{
  Journal *journal = rf->fx.engine->journal;
  AttemptRowList rows = {0};
  Str prompt = STR_NONE;
  CHECK(journal_attempt_list(journal, &rf->fx.arena, rf->fx.plan, str_from(task), &rows, NULL));
  CHECK(journal_attempt_prompt(journal, &rf->fx.arena, rows.items[n].id, &prompt, NULL));
  return prompt;
}

TEST(two_tasks_in_one_file_are_merged)
{
  RunFixture rf;
  two(&rf);
  renames(&rf, "T01", "a", "A");
  rf_reply(&rf, "execute", "T02",
           rf_block(&rf, "a.c", "int e(void);\n", "int E(void);\nint f(void);\n"));
  rf_open(&rf, "", two_tasks);
  Error err = rf_run(&rf);
  CHECK_STR(str_from(err.message), S(""));
  CHECK_STR(rf_state(&rf, "T01"), S("done"));
  CHECK_STR(
      rf_text(&rf, "a.c"),
      S("int A(void);\nint b(void);\nint c(void);\nint d(void);\nint E(void);\nint f(void);\n"));
  CHECK_STR(fx_read(&rf.fx, "a.c"), str_from(abc));
  CHECK_INT(rf_plan(&rf).state, PLAN_REVIEW);
  CHECK_INT(rf_task(&rf, "T02").added, 2);
  CHECK_INT(rf_calls(&rf), 2);
  CHECK(str_has(buf_str(&rf.events), S("run done 2 of 2 tasks done\nreview")));
  // once more: nothing to do, nothing paid
  err = rf_run(&rf);
  CHECK_INT(err.code, ERR_OK);
  CHECK_INT(rf_calls(&rf), 2);
  rf_deinit(&rf);
}

TEST(a_failure_goes_back_and_then_up_the_ladder)
{
  RunFixture rf;
  two(&rf);
  Str bad = rf_block(&rf, "a.c", "int nothing(void);\n", "int A(void);\n");
  rf_reply(&rf, "execute", "T01", bad);
  renames(&rf, "T01", "other", "A");
  renames(&rf, "T01", "a", "A");
  rf_reply(&rf, "execute", "T02", bad);
  rf_reply(&rf, "execute", "T02", bad);  // identical: no third try on this rung
  rf_reply(&rf, "execute", "T02", bad);
  rf_open(&rf, "\"retries\": 1", two_tasks);
  Error err = rf_run(&rf);
  CHECK_INT(err.code, ERR_FAILED);
  CHECK_STR(rf_state(&rf, "T01"), S("done"));
  CHECK_INT(rf_task(&rf, "T01").rung, 1);
  CHECK_INT(rf_task(&rf, "T02").state, TASK_FAILED);
  CHECK(rf_task(&rf, "T02").note.len > 10);
  CHECK_INT(rf_calls(&rf), 6);
  CHECK(str_has(prompt_of(&rf, "T01", 1), S("int nothing(void)")));
  CHECK(str_has(prompt_of(&rf, "T01", 2), S("\"model\":\"s2\"")));
  CHECK_INT(rf_plan(&rf).state, PLAN_REVIEW);
  rf_deinit(&rf);
}

TEST(what_was_good_in_the_end_stays_as_partial)
{
  RunFixture rf;
  two(&rf);
  Str good = rf_block(&rf, "a.c", "int a(void);\n", "int A(void);\n");
  Str half =
      str_cat(&rf.fx.arena, good, rf_block(&rf, "a.c", "int nothing(void);\n", "int B(void);\n"));
  for (int i = 0; i < 4; i++) rf_reply(&rf, "execute", "T01", half);
  rf_open(&rf, "\"retries\": 1",
          "---\ntitle: one\n---\n## T01 first\nfiles: a.c\nChange a.\n\n## T02 next\nfiles: "
          "a.c\nafter: T01\nGo on.\n");
  Error err = rf_run(&rf);
  CHECK_INT(err.code, ERR_FAILED);
  CHECK_INT(rf_task(&rf, "T01").state, TASK_PARTIAL);
  CHECK_STR(rf_state(&rf, "T02"), S("skipped: needs T01, which is partial"));
  CHECK(str_starts(rf_text(&rf, "a.c"), S("int A(void);\nint b")));
  rf_deinit(&rf);
}

TEST(accept_lines_are_held)
{
  RunFixture rf;
  two(&rf);
  rf_reply(&rf, "execute", "T01", rf_block(&rf, "a.c", "int a(void);\n", "int aa(void); // a\n"));
  renames(&rf, "T01", "a", "aa");
  rf_open(&rf, "",
          "---\ntitle: one\n---\n## T01 first\nfiles: a.c:1-2\naccept: a no longer occurs\nChange "
          "a.\n");
  Error err = rf_run(&rf);
  CHECK_STR(str_from(err.message), S(""));
  CHECK(str_starts(rf_text(&rf, "a.c"), S("int aa(void);\nint b")));
  CHECK_INT(rf_calls(&rf), 2);
  rf_deinit(&rf);
}

TEST(nothing_to_change_is_an_answer)
{
  RunFixture rf;
  two(&rf);
  rf_reply(&rf, "execute", "", S("NOTHING TO CHANGE"));
  rf_reply(&rf, "execute", "", S("NOTHING TO CHANGE"));
  rf_open(&rf, "", two_tasks);
  Error err = rf_run(&rf);
  CHECK_STR(str_from(err.message), S(""));
  CHECK_INT(rf_task(&rf, "T01").state, TASK_ABSTAINED);
  CHECK_INT(rf_plan(&rf).state, PLAN_DONE);
  rf_deinit(&rf);
}

TEST(dependents_see_results_and_engine_tasks_are_free)
{
  RunFixture rf;
  two(&rf);
  rf_reply(&rf, "execute", "T03",
           rf_block(&rf, "b.c", "int alpha(void);\n", "extern int alpha(void);\n"));
  rf_open(
      &rf, "",
      "---\ntitle: engine\n---\n"
      "## T01 rename\nexecutor: substitute\nfiles: a.c\npattern: a\nword: true\nreplace: alpha\n\n"
      "## T02 split\nexecutor: move\nfrom: a.c:1-2\nto: b.c\nafter: T01\n\n"
      "## T03 polish\nfiles: b.c\nafter: T02\nMake it extern.\n");
  Error err = rf_run(&rf);
  CHECK_STR(str_from(err.message), S(""));
  CHECK_STR(rf_text(&rf, "a.c"), S("int c(void);\nint d(void);\nint e(void);\n"));
  CHECK_STR(rf_text(&rf, "b.c"), S("extern int alpha(void);\nint b(void);\n"));
  CHECK_INT(rf_calls(&rf), 1);
  CHECK_INT(rf_task(&rf, "T01").cost, 0);
  rf_deinit(&rf);
}

TEST(the_same_gap_is_filled_one_after_the_other)
{
  RunFixture rf;
  two(&rf);
  fx_write(&rf.fx, "b.c", S("one\ntwo\n"));
  // both add behind the last line of the file; the second to end is done again on top of the first
  for (int i = 0; i < 2; i++) {
    rf_reply(&rf, "execute", "T01",
             rf_block(&rf, "a.c", "int e(void);\n", "int e(void);\nint first(void);\n"));
    rf_reply(&rf, "execute", "T02",
             rf_block(&rf, "a.c", "int e(void);\n", "int e(void);\nint second(void);\n"));
  }
  rf_open(&rf, "",
          "---\ntitle: gap\n---\n## T01 one\nfiles: a.c:4-5\nAdd first.\n\n## T02 two\nfiles: "
          "a.c:1-5\nAdd second.\n");
  Error err = rf_run(&rf);
  CHECK_STR(str_from(err.message), S(""));
  Str text = rf_text(&rf, "a.c");
  CHECK(str_has(text, S("first")) && str_has(text, S("second")));
  rf_deinit(&rf);
}

TEST(the_budget_is_a_wall)
{
  RunFixture rf;
  two(&rf);
  renames(&rf, "T01", "a", "A");
  renames(&rf, "T02", "e", "E");
  rf_open(&rf, "\"budget\": 0.0001", two_tasks);
  Error err = rf_run(&rf);
  CHECK_INT(err.code, ERR_BUDGET);
  CHECK_INT(rf_calls(&rf), 0);
  CHECK_INT(rf_plan(&rf).state, PLAN_PAUSED);
  CHECK(str_starts(rf_plan(&rf).note, S("paused at $0")));
  CHECK(str_has(buf_str(&rf.events), S("budget")));
  CHECK_INT(rf_task(&rf, "T01").state, TASK_WAITING);
  err = rf_run_spec(&rf, (RunSpec){.past_budget = true});
  CHECK_STR(str_from(err.message), S(""));
  CHECK_INT(rf_calls(&rf), 2);
  rf_deinit(&rf);
}

TEST(an_unknown_price_and_a_cap_need_consent)
{
  RunFixture rf;
  two(&rf);
  renames(&rf, "T01", "a", "A");
  rf_open(&rf, "\"budget\": 1, \"models\": {\"small\": \"p/unknown\"}", two_tasks);
  Error err = rf_run(&rf);
  CHECK_INT(err.code, ERR_BUDGET);
  CHECK(str_has(str_from(err.message), S("p/unknown")));
  CHECK_INT(rf_calls(&rf), 0);
  rf_deinit(&rf);
}

TEST(replies_that_were_stored_are_used_after_a_crash)
{
  RunFixture rf;
  two(&rf);
  renames(&rf, "T01", "a", "A");
  renames(&rf, "T02", "e", "E");
  rf_open(&rf, "", two_tasks);
  Error err = rf_run(&rf);
  CHECK_INT(err.code, ERR_OK);
  // the replies are there, the results are not: as after a kill between the two
  Journal *journal = rf.fx.engine->journal;
  for (int i = 0; i < 2; i++) {
    TaskRow row = rf_task(&rf, i ? "T02" : "T01");
    row.state = TASK_RUNNING;
    row.ended_ms = 0;
    CHECK(journal_patch_set(journal, rf.fx.plan, row.id, NULL, NULL, NULL, 0, NULL));
    CHECK(journal_task_put(journal, &row, NULL));
  }
  CHECK(journal_plan_set_state(journal, rf.fx.plan, PLAN_RUNNING, STR_NONE, NULL));
  err = rf_run(&rf);
  CHECK_STR(str_from(err.message), S(""));
  CHECK_INT(rf_calls(&rf), 2);
  CHECK(str_starts(rf_text(&rf, "a.c"), S("int A(void);\n")));
  rf_deinit(&rf);
}

// A call whose reservation cannot be committed never leaves.
TEST(nothing_leaves_before_it_is_stored)
{
  RunFixture rf;
  two(&rf);
  rf_open(&rf, "", two_tasks);
  Journal *journal = rf.fx.engine->journal;
  RunSpec spec = {.plan = rf.fx.plan};
  Error err = {0};
  CHECK(store_run(journal->store, &err, "PRAGMA foreign_keys=ON", ""));
  CHECK(store_run(journal->store, &err, "CREATE TABLE none(id INTEGER PRIMARY KEY)", ""));
  CHECK(store_run(journal->store, &err,
                  "CREATE TABLE broken(id REFERENCES none DEFERRABLE INITIALLY DEFERRED)", ""));
  CHECK(store_run(journal->store, &err,
                  "CREATE TRIGGER spoil AFTER INSERT ON attempt BEGIN"
                  " INSERT INTO broken VALUES(1); END",
                  ""));
  CHECK(run_start(rf.fx.engine, &spec, rf_done, &rf, &err));
  rf_wait(&rf);
  CHECK_INT(rf.error.code, ERR_JOURNAL);
  CHECK_INT(rf_calls(&rf), 0);
  rf_deinit(&rf);
}

// A journal that cannot take a reply stops the run, and the reply is not used.
TEST(nothing_is_used_before_it_is_stored)
{
  RunFixture rf;
  two(&rf);
  renames(&rf, "T01", "a", "A");
  renames(&rf, "T02", "e", "E");
  setenv("PIECEWORK_REPLAY_MS", "200", 1);
  rf_open(&rf, "", two_tasks);
  unsetenv("PIECEWORK_REPLAY_MS");
  Journal *journal = rf.fx.engine->journal;
  RunSpec spec = {.plan = rf.fx.plan};
  Error err = {0};
  CHECK(run_start(rf.fx.engine, &spec, rf_done, &rf, &err));
  while (!rf.done && rf_calls(&rf) == 0) loop_turn(&rf.fx.loop, true);
  CHECK(store_run(journal->store, &err,
                  "CREATE TRIGGER full BEFORE UPDATE ON attempt BEGIN "
                  "SELECT RAISE(ABORT, 'full'); END",
                  ""));
  rf_wait(&rf);
  CHECK_INT(rf.error.code, ERR_JOURNAL);
  CHECK(!str_eq(rf_state(&rf, "T01"), S("done")) && !str_eq(rf_state(&rf, "T02"), S("done")));
  CHECK(store_run(journal->store, &err, "DROP TRIGGER full", ""));
  rf_deinit(&rf);
}

TEST(calls_in_flight_at_a_crash_are_counted_and_made_again)
{
  RunFixture rf;
  two(&rf);
  renames(&rf, "T01", "a", "A");
  renames(&rf, "T02", "e", "E");
  rf_open(&rf, "", two_tasks);
  AttemptRow lost = {
      .plan = rf.fx.plan, .task = S("T01"), .phase = PHASE_EXECUTE, .worst_case = 12345};
  CHECK(journal_attempt_start(rf.fx.engine->journal, &rf.fx.arena, &lost, S("?"), NULL, NULL));
  Error err = rf_run(&rf);
  CHECK_STR(str_from(err.message), S(""));
  PlanMoney held = {0};
  CHECK(journal_money(rf.fx.engine->journal, rf.fx.plan, &held, NULL));
  CHECK_INT(held.lost, 12345);
  CHECK_INT(rf_calls(&rf), 3);
  rf_deinit(&rf);
}

TEST(a_stop_keeps_what_is_there)
{
  RunFixture rf;
  two(&rf);
  renames(&rf, "T01", "a", "A");
  renames(&rf, "T02", "e", "E");
  rf_open(&rf, "", two_tasks);
  RunSpec spec = {.plan = rf.fx.plan};
  Error err = {0};
  CHECK(run_start(rf.fx.engine, &spec, rf_done, &rf, &err));
  CHECK(run_active(rf.fx.engine, rf.fx.plan));
  CHECK(!run_start(rf.fx.engine, &spec, rf_done, &rf, &err));
  CHECK_INT(err.code, ERR_BUSY);
  run_stop(rf.fx.engine, 0, true);
  rf_wait(&rf);
  CHECK_INT(rf.error.code, ERR_CANCELLED);
  CHECK(!run_active(rf.fx.engine, rf.fx.plan));
  CHECK_INT(rf_plan(&rf).state, PLAN_PAUSED);
  err = rf_run(&rf);
  CHECK_STR(str_from(err.message), S(""));
  CHECK_STR(rf_state(&rf, "T01"), S("done"));
  rf_deinit(&rf);
}

TEST(tasks_that_were_stopped_are_not_done)
{
  RunFixture rf;
  two(&rf);
  renames(&rf, "T01", "a", "A");
  rf_open(&rf, "", two_tasks);
  RunSpec spec = {.plan = rf.fx.plan};
  Error err = {0};
  CHECK(run_start(rf.fx.engine, &spec, rf_done, &rf, &err));
  CHECK(run_cancel(rf.fx.engine, rf.fx.plan, S("T01"), &err));
  CHECK(run_cancel(rf.fx.engine, rf.fx.plan, S("T02"), &err));
  rf_wait(&rf);
  CHECK_INT(rf_plan(&rf).state, PLAN_READY);
  CHECK_STR(rf_plan(&rf).note, S("0 of 2 tasks done, 2 stopped"));
  rf_deinit(&rf);
}

TEST(a_changed_specification_begins_anew)
{
  RunFixture rf;
  two(&rf);
  renames(&rf, "T01", "a", "A");
  renames(&rf, "T01", "a", "AAA");
  renames(&rf, "T02", "e", "E");
  rf_open(&rf, "", two_tasks);
  CHECK_INT(rf_run(&rf).code, ERR_OK);
  new_plan(&rf, "---\ntitle: two\n---\n## T01 first\nfiles: a.c:1-2\nChange a again.\n");
  CHECK_INT(rf_run(&rf).code, ERR_OK);
  CHECK_STR(rf_text(&rf, "a.c"),
            S("int AAA(void);\nint b(void);\nint c(void);\nint d(void);\nint e(void);\n"));
  TaskRowList rows = {0};
  CHECK(journal_task_list(rf.fx.engine->journal, &rf.fx.arena, rf.fx.plan, &rows, NULL));
  CHECK_INT(rows.len, 1);
  rf_deinit(&rf);
}

TEST(a_retry_brings_the_remark)
{
  RunFixture rf;
  two(&rf);
  renames(&rf, "T01", "a", "A");
  renames(&rf, "T02", "e", "E");
  renames(&rf, "T01", "a", "a1");
  rf_open(&rf, "", two_tasks);
  CHECK_INT(rf_run(&rf).code, ERR_OK);
  rf.done = false;
  Error err = {0};
  CHECK(run_retry(rf.fx.engine, rf.fx.plan, S("T01"), S("call it a1"), -1, rf_done, &rf, &err));
  rf_wait(&rf);
  CHECK_STR(str_from(rf.error.message), S(""));
  CHECK_STR(rf_text(&rf, "a.c"),
            S("int a1(void);\nint b(void);\nint c(void);\nint d(void);\nint E(void);\n"));
  Str prompt = prompt_of(&rf, "T01", 1);
  CHECK(str_has(prompt, S("call it a1")) && str_has(prompt, S("+int A(void);")));
  CHECK(!run_retry(rf.fx.engine, rf.fx.plan, S("T09"), S(""), -1, rf_done, &rf, &err));
  CHECK_INT(err.code, ERR_NOT_FOUND);
  rf_deinit(&rf);
}

TEST(preview_is_what_is_sent)
{
  RunFixture rf;
  two(&rf);
  renames(&rf, "T01", "a", "A");
  renames(&rf, "T02", "e", "E");
  rf_open(&rf, "", two_tasks);
  Str text = STR_NONE;
  Error err = {0};
  CHECK(run_preview(rf.fx.engine, rf.fx.plan, S("T02"), &rf.fx.arena, &text, &err));
  CHECK(str_has(text, S("int d(void);")) && !str_has(text, S("int a(void);")));
  CHECK_INT(rf_calls(&rf), 0);
  CHECK(!run_preview(rf.fx.engine, rf.fx.plan, S("T07"), &rf.fx.arena, &text, &err));
  rf_deinit(&rf);
}

// What was finished before it, and what the user said of the last result, are in the preview as in the call.
TEST(preview_knows_results_and_remarks)
{
  RunFixture rf;
  two(&rf);
  renames(&rf, "T01", "a", "first");
  rf_open(&rf, "",
          "---\ntitle: after\n---\n"
          "## T01 one\nfiles: a.c:1-2\nRename a.\n\n"
          "## T02 two\nfiles: a.c\nafter: T01\nRename e.\n");
  Str text = STR_NONE, remark = S("say it in French"), one = S("T01");
  Error err = {0};
  rf_run_spec(&rf, (RunSpec){.only = {&one, 1, 1}});
  CHECK(run_preview(rf.fx.engine, rf.fx.plan, S("T02"), &rf.fx.arena, &text, &err));
  CHECK(str_has(text, S("int first(void);")) && !str_has(text, remark));
  Str fact = task_remark_fact(&rf.fx.arena, S("T02"));
  CHECK(journal_fact_set(rf.fx.engine->journal, rf.fx.plan, fact, remark, &err));
  CHECK(run_preview(rf.fx.engine, rf.fx.plan, S("T02"), &rf.fx.arena, &text, &err));
  CHECK(str_has(text, remark));
  rf_deinit(&rf);
}

TEST(a_secret_file_is_never_sent)
{
  RunFixture rf;
  two(&rf);
  fx_write(&rf.fx, ".env", S("TOKEN=abc\n"));
  rf_reply(&rf, "execute", "T01", S("NOTHING TO CHANGE"));
  rf_open(&rf, "", two_tasks);
  new_plan(&rf, "---\ntitle: s\n---\n## T01 first\nfiles: a.c\nread: .env\nChange a.\n");
  Error err = rf_run(&rf);
  CHECK(err.code != ERR_OK);
  CHECK_INT(rf_calls(&rf), 0);
  error_clear(&err);
  Str text;
  CHECK(!run_preview(rf.fx.engine, rf.fx.plan, S("T01"), &rf.fx.arena, &text, &err));
  CHECK_INT(err.code, ERR_REFUSED);
  rf_deinit(&rf);
}

TEST(pilots_that_fail_pause_the_plan)
{
  RunFixture rf;
  two(&rf);
  for (int i = 0; i < 8; i++) rf_reply(&rf, "execute", "", S("I cannot do that."));
  rf_open(&rf, "\"retries\": 0",
          "---\ntitle: p\n---\n## T01 a\nfiles: a.c:1-1\nX.\n\n## T02 b\nfiles: a.c:2-2\nX.\n\n"
          "## T03 c\nfiles: a.c:3-3\nX.\n");
  Error err = rf_run(&rf);
  CHECK_INT(err.code, ERR_FAILED);
  CHECK_INT(rf_plan(&rf).state, PLAN_PAUSED);
  CHECK_STR(rf_state(&rf, "T03"), S("waiting"));
  rf_deinit(&rf);
}

TEST(a_tape_that_does_not_fit_stops_at_once)
{
  RunFixture rf;
  two(&rf);
  rf_open(&rf, "", two_tasks);
  Error err = rf_run(&rf);
  CHECK_INT(err.code, ERR_CASSETTE);
  CHECK_INT(rf_plan(&rf).state, PLAN_PAUSED);
  rf_deinit(&rf);
}

TEST(what_failed_for_want_of_a_network_waits)
{
  RunFixture rf;
  two(&rf);
  setenv("PIECEWORK_BACKOFF_MS", "1", 1);
  rf_open(&rf,
          "\"replay\": \"\", \"retries\": 1, \"providers\": {\"p\": {\"dialect\": \"openai-chat\", "
          "\"base_url\": \"http://127.0.0.1:9\"}}",
          two_tasks);
  Error err = rf_run(&rf);
  unsetenv("PIECEWORK_BACKOFF_MS");
  CHECK_INT(err.code, ERR_NETWORK);
  CHECK_INT(rf_plan(&rf).state, PLAN_PAUSED);
  CHECK_STR(rf_state(&rf, "T01"), S("waiting"));
  CHECK_STR(rf_state(&rf, "T02"), S("waiting"));
  CHECK(rf_calls(&rf) <= 8);
  rf_deinit(&rf);
}

TEST(a_plan_file_with_an_error_names_its_line)
{
  RunFixture rf;
  two(&rf);
  rf_open(&rf, "", two_tasks);
  new_plan(&rf, "---\ntitle: two\n---\n## T01 first\nfiles: none.c\nChange a.\n");
  Error err = rf_run(&rf);
  CHECK_INT(err.code, ERR_INVALID);
  CHECK(str_has(str_from(err.message), S("line 5")));
  rf_deinit(&rf);
}

TEST_MAIN
