// t_view.c: the texts of piecework:// buffers: one meaning per line, nothing wider than it must be.
#include "work_fixture.h"

#include "view/view_text.h"
#include "work/receipt.h"

static const char base[] = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";
static const char made[] =
    "one\nTWO\nthree\nfour\nFIVE\nsix\nseven\neight\nnine\nten\nten and a half\n";

static void check_index(const View *view)
{
  CHECK_INT(view->len, str_count_lines(view->text));
}

static Str line_of(const View *view, size_t number)
{
  Str rest = view->text, line = STR_NONE;
  for (size_t i = 0; i <= number && str_line(&rest, &line); i++) continue;
  return line;
}

static size_t find_kind(const View *view, const char *kind, size_t from)
{
  for (size_t i = from; i < view->len; i++) {
    if (str_eq(view->index[i].kind, str_from(kind))) return i;
  }
  return view->len;
}

static View review_view(Fixture *fx)
{
  View view;
  Review review = fx_review(fx);
  view_review(&fx->arena, &review, &view);
  check_index(&view);
  return view;
}

TEST(a_review_is_a_diff)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_write(&fx, "src/a.txt", str_from(base));
  fx_open(&fx);
  fx_task(&fx, "T01", "src/a.txt", base, made);
  fx_verdict(&fx, "T01", VERDICT_OK, "");
  View view = review_view(&fx);
  CHECK(str_starts(line_of(&view, 0), S("piecework://review/")));
  CHECK(str_ends(line_of(&view, 0), S("]")) && str_columns(line_of(&view, 0)) == 80);
  CHECK_STR(line_of(&view, 1), S("diff src/a.txt  T01  verified ok  +3 -2"));
  CHECK_STR(line_of(&view, 2), S("@@ -1,2 +1,2 @@ T01"));
  CHECK_STR(line_of(&view, 3), S(" one"));
  CHECK_STR(line_of(&view, 4), S("-two"));
  CHECK_STR(line_of(&view, 5), S("+TWO"));
  // The two lines between the hunks are shown once.
  CHECK_STR(line_of(&view, 6), S("@@ -3,5 +3,5 @@ T01"));
  CHECK_STR(line_of(&view, 7), S(" three"));
  CHECK_STR(view.index[5].kind, S("add"));
  CHECK_INT(view.index[5].line, 2);
  CHECK_INT(view.index[7].line, 3);
  CHECK_STR(view.index[5].path, S("src/a.txt"));
  CHECK(view.index[5].hunk.len == 16 && str_eq(view.index[5].hunk, view.index[2].hunk));
  // The file has a mark when all of its hunks have it.
  fx_decide(&fx, view.index[5].hunk, DECISION_ACCEPTED);
  view = review_view(&fx);
  CHECK(!str_has(line_of(&view, 1), S("[accepted]")));
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  view = review_view(&fx);
  CHECK(str_has(line_of(&view, 1), S("[accepted]")));
  fx_deinit(&fx);
}

TEST(what_worries_comes_first)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_write(&fx, "a.txt", str_from(base));
  fx_write(&fx, "b.txt", str_from(base));
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", base, made);
  fx_task(&fx, "T02", "b.txt", base, made);
  fx_verdict(&fx, "T01", VERDICT_OK, "");
  fx_verdict(&fx, "T02", VERDICT_DOUBT,
             "a reason\nwith a line end that is far too long to stand on the line of the file");
  View view = review_view(&fx);
  size_t first = find_kind(&view, "file", 0);
  CHECK(str_starts(line_of(&view, first), S("diff b.txt  T02  DOUBT")));
  CHECK(str_starts(line_of(&view, first + 1), S("#   a reason with")));
  for (size_t i = 0; i < view.len; i++) CHECK(str_columns(line_of(&view, i)) <= 80);
  fx_deinit(&fx);
}

TEST(deciding_does_not_change_the_order)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_write(&fx, "a.txt", str_from(base));
  fx_write(&fx, "b.txt", str_from(base));
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", base, made);
  fx_task(&fx, "T02", "b.txt", base, made);
  fx_verdict(&fx, "T01", VERDICT_OK, "");
  fx_verdict(&fx, "T02", VERDICT_DOUBT, "is it?");
  static const Decision decisions[] = {DECISION_REJECTED, DECISION_ACCEPTED, DECISION_NONE};
  for (size_t i = 0; i < 3; i++) {
    fx_decide(&fx, S("file:b.txt"), decisions[i]);
    View view = review_view(&fx);
    CHECK(str_starts(line_of(&view, find_kind(&view, "file", 0)), S("diff b.txt  T02  DOUBT")));
    CHECK_INT(str_has(view.text, S("[rejected]")), decisions[i] == DECISION_REJECTED);
  }
  ApplyPlan edits;
  Error err = {0};
  fx_decide(&fx, S("file:b.txt"), DECISION_ACCEPTED);
  CHECK(apply_prepare(fx.engine, fx.plan, NULL, NULL, &fx.arena, &edits, &err));
  CHECK(apply_write(fx.engine, fx.plan, &edits, &err));
  View view = review_view(&fx);
  CHECK(str_starts(line_of(&view, find_kind(&view, "file", 0)), S("diff b.txt")));
  CHECK(str_has(view.text, S("[applied]")));
  fx_write(&fx, "b.txt", str_from(base));  // undone
  view = review_view(&fx);
  CHECK(!str_has(view.text, S("[applied]")) && str_has(view.text, S("[accepted]")));
  CHECK_STR(view.index[find_kind(&view, "hunk", 0)].state, S("accepted"));
  fx_deinit(&fx);
}

TEST(tasks_that_changed_the_same_lines)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_write(&fx, "a.txt", S("one\n"));
  fx_write(&fx, "b.txt", S("one\n"));
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", "one\n", "1\n");
  fx_task(&fx, "T02", "b.txt", "one\n", "ONE\n");
  fx_task(&fx, "T03", "b.txt", "one\n", "EINS\n");
  View view = review_view(&fx);
  CHECK(str_starts(line_of(&view, find_kind(&view, "file", 0)), S("diff b.txt  T02")));
  CHECK(str_has(view.text, S("@@ -1 +1 @@ T01\n")));
  CHECK(str_has(view.text, S("# conflict: T03 changed the same lines and was left out\n")));
  fx_deinit(&fx);
}

TEST(one_change_in_many_places)
{
  Fixture fx;
  fx_init(&fx, false);
  static const char *const names[] = {"a.txt", "b.txt", "c.txt", "d.txt"};
  for (size_t i = 0; i < 4; i++) fx_write(&fx, names[i], S("one\n"));
  fx_open(&fx);
  for (size_t i = 0; i < 4; i++)
    fx_task(&fx, str_fmt(&fx.arena, "T01.%zu", i + 1).ptr, names[i], "one\n", "1\n");
  View view = review_view(&fx);
  CHECK(str_has(view.text, S("4 like this")));
  fx_deinit(&fx);
}

TEST(marks_of_stale_and_moved)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_write(&fx, "a.txt", S("zero\none\ntwo\nthree\nfour\n5\nsix\nseven\neight\nnine\nten\n"));
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", base, made);
  View view = review_view(&fx);
  CHECK(str_has(view.text, S("[moved to line 3]")));
  CHECK(str_has(view.text, S("[stale: the lines changed meanwhile]")));
  size_t second = find_kind(&view, "hunk", find_kind(&view, "hunk", 0) + 1);
  CHECK_STR(view.index[second].state, S("stale"));
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  view = review_view(&fx);
  CHECK(str_has(view.text, S("[stale: ")) && str_has(view.text, S("[2/3 decided")));
  fx_decide(&fx, S("all"), DECISION_REJECTED);
  view = review_view(&fx);
  CHECK(!str_has(view.text, S("[stale: ")) && str_has(view.text, S("[3/3 decided")));
  // the second and third were done by hand
  fx_decide(&fx, S("all"), DECISION_NONE);
  fx_write(&fx, "a.txt",
           S("one\ntwo\nthree\nfour\nFIVE\nsix\nseven\neight\nnine\nten\nten and a half\n"));
  view = review_view(&fx);
  size_t hunk = find_kind(&view, "hunk", 0);
  CHECK(!str_has(line_of(&view, hunk), S("[")));
  hunk = find_kind(&view, "hunk", hunk + 1);
  CHECK(str_ends(line_of(&view, hunk), S("  [there already]")));
  fx_decide(&fx, S("all"), DECISION_ACCEPTED);
  view = review_view(&fx);
  CHECK(str_ends(line_of(&view, hunk), S("  [there already] [accepted]")));
  fx_deinit(&fx);
}

TEST(whole_files)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_write(&fx, "old.txt", S("x\n"));
  fx_open(&fx);
  fx_task(&fx, "T01", "new.txt", NULL, "hello\nworld\n");
  fx_task(&fx, "T02", "old.txt", "x\n", NULL);
  View view = review_view(&fx);
  CHECK(str_has(
      view.text,
      S("diff new.txt  NEW  T01  not verified  +2 -0\n@@ -0,0 +1,2 @@ T01\n+hello\n+world\n")));
  CHECK(str_has(view.text, S("diff old.txt  DELETED  T02  not verified  +0 -1\n")));
  size_t hello = find_kind(&view, "add", 0);
  CHECK_INT(view.index[hello].line, 1);
  CHECK_INT(view.index[hello + 1].line, 2);
  fx_deinit(&fx);
}

// Two functions: one goes to a new file as it is, of the other one line changes on the way.
#define FIRST \
  "def first(a):\n    return compute_something(a)\n\n\ndef helper():\n    return other(1)\n"
#define SECOND(x) \
  "def second(b):\n    value = prepare_it(b)\n    keep = " x "\n    return finish(value, keep)\n"

static void check_moved(const View *view, const char *path, const char *note, size_t len)
{
  size_t at = 0;
  while (at < view->len && !(str_eq(line_of(view, at), str_from(note)))) at++;
  CHECK(at < view->len);
  if (at == view->len) return;
  CHECK_STR(view->index[at].kind, S("note"));
  CHECK_STR(view->index[at].path, str_from(path));
  CHECK(view->index[at].hunk.len && str_eq(view->index[at].hunk, view->index[at + 1].hunk));
  CHECK_INT(view->index[at].moved, len);
  for (size_t i = 1; i <= len; i++) CHECK_INT(view->index[at + i].moved, 0);
}

TEST(lines_that_moved)
{
  Fixture fx;
  fx_init(&fx, false);
  static const char old[] = "import os\n" FIRST "kept = 1\n" SECOND("1");
  fx_write(&fx, "a.py", str_from(old));
  fx_open(&fx);
  fx_task(&fx, "T01", "a.py", old, "import os\nkept = 1\n");
  fx_task(&fx, "T02", "b.py", NULL, "import a\n" SECOND("2") FIRST);
  View view = review_view(&fx);
  CHECK(str_has(view.text, S("diff a.py  T01  not verified  +0 -10, moved +0 -6\n")));
  CHECK(str_has(view.text, S("diff b.py  NEW  T02  not verified  +11 -0, moved +6 -0\n")));
  CHECK(str_has(view.text, S(" import os\n# 6 lines moved to b.py:6-11\n-def first(a):\n")));
  CHECK(str_has(view.text, S("+    return finish(value, keep)\n# 6 lines moved from a.py:2-7\n"
                             "+def first(a):\n")));
  check_moved(&view, "a.py", "# 6 lines moved to b.py:6-11", 6);
  check_moved(&view, "b.py", "# 6 lines moved from a.py:2-7", 6);
  // the line that changed stands where everybody sees it
  CHECK(str_has(view.text, S("-    keep = 1\n")) && str_has(view.text, S("+    keep = 2\n")));
  // half a move: lines that would be lost
  fx_decide(&fx, S("file:b.py"), DECISION_REJECTED);
  view = review_view(&fx);
  check_moved(&view, "a.py", "# 6 lines moved to b.py:6-11 [rejected there]", 6);
  check_moved(&view, "b.py", "# 6 lines moved from a.py:2-7", 6);
  fx_decide(&fx, S("file:b.py"), DECISION_ACCEPTED);
  fx_write(&fx, "a.py", S("all is another text now\n"));
  view = review_view(&fx);
  check_moved(&view, "a.py", "# 6 lines moved to b.py:6-11", 6);
  check_moved(&view, "b.py", "# 6 lines moved from a.py:2-7 [stale there]", 6);
  fx_deinit(&fx);
}

TEST(nothing_to_review)
{
  Fixture fx;
  fx_init(&fx, false);
  fx_open(&fx);
  View view = review_view(&fx);
  CHECK(str_has(view.text, S("nothing to review")));
  fx_deinit(&fx);
}

TEST(status_log_and_cost_have_a_line_for_each_thing)
{
  Fixture fx;
  View view;
  Error err = {0};
  fx_init(&fx, false);
  fx_write(&fx, "a.txt", str_from(base));
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", base, made);
  TaskRow failed = {.plan = fx.plan,
                    .id = S("T02"),
                    .state = TASK_FAILED,
                    .title = S("b.txt: no"),
                    .note = S("no such text")};
  CHECK(journal_task_put(fx.engine->journal, &failed, &err));
  CHECK(view_status(fx.engine, fx.plan, STR_NONE, &fx.arena, &view, &err));
  check_index(&view);
  CHECK(str_has(view.text, S(" ok  T01")) && str_has(view.text, S(" !!  T02")));
  CHECK(str_has(view.text, S("failed: no such text")) && str_has(view.text, S("1 done  1 failed")));
  size_t at = find_kind(&view, "task", 0);
  CHECK_STR(view.index[at].task, S("T01"));
  CHECK(view_status(fx.engine, 0, project_root(fx.project), &fx.arena, &view, &err));
  check_index(&view);
  CHECK(find_kind(&view, "plan", 0) < view.len);
  journal_log(fx.engine->journal, fx.plan, S("task"), S("T01"), "done");
  CHECK(view_log(fx.engine, fx.plan, &fx.arena, &view, &err));
  check_index(&view);
  CHECK(str_has(view.text, S("done")));
  CHECK(view_cost(fx.engine, S("week"), &fx.arena, &view, &err));
  check_index(&view);
  CHECK(!view_cost(fx.engine, S("yesterday"), &fx.arena, &view, &err));
  CHECK_INT(err.code, ERR_USAGE);
  error_clear(&err);
  CHECK(!view_status(fx.engine, 999, STR_NONE, &fx.arena, &view, &err));
  CHECK_INT(err.code, ERR_NOT_FOUND);
  fx_deinit(&fx);
}

// 80 columns is what a terminal has; figures stand in columns whatever their size.
TEST(status_of_a_project_shows_why_the_newest_plan_failed)
{
  Fixture fx;
  View view;
  Error err = {0};
  fx_init(&fx, false);
  fx_open(&fx);
  TaskRow failed = {.plan = fx.plan,
                    .id = S("T01"),
                    .state = TASK_FAILED,
                    .title = S("x"),
                    .note = S("no answer")};
  CHECK(journal_task_put(fx.engine->journal, &failed, NULL));
  CHECK(journal_plan_set_state(fx.engine->journal, fx.plan, PLAN_FAILED, S("1 failed"), &err));
  CHECK(view_status(fx.engine, 0, project_root(fx.project), &fx.arena, &view, &err));
  CHECK(str_has(view.text, S("no answer")));
  CHECK(journal_plan_set_state(fx.engine->journal, fx.plan, PLAN_DONE, STR_NONE, &err));
  CHECK(view_status(fx.engine, 0, project_root(fx.project), &fx.arena, &view, &err));
  CHECK(find_kind(&view, "task", 0) == view.len);
  fx_deinit(&fx);
}

TEST(a_receipt_fits_80_columns)
{
  Arena arena;
  arena_init(&arena);
  ReceiptRow rows[] = {
      {PHASE_PLAN, S("anthropic/claude-opus-5-5"), 3, {1936, 0, 2917, 233, 0}, 15000000, 0, 0},
      {PHASE_EXECUTE,
       S("openrouter/a-vendor/with-a-model-name-that-is-long"),
       123456,
       {812345678, 5, 99949, 999499, 0},
       1234560000000,
       3,
       2},
      {PHASE_EXECUTE, S("anthropic/claude-sonnet-5-5"), 1, {12, 0, 0, 7, 0}, 100, 0, 1},
      {PHASE_VERIFY, S("x/y"), 1, {0}, 0, 1, 0},
  };
  Receipt r = {.plan = 12345, .rows = {rows, 4, 4}, .finished = true, .tasks = 7, .mechanical = 6};
  r.title =
      S("a title that is far too long for one line, which a planner's title may well be, alas");
  r.phases[PHASE_EXECUTE] = r.total = rows[1];
  r.lost = r.reserved = r.budget = 1234560000000;
  r.has_estimate = r.has_saving = true;
  r.estimate.big_alone = r.estimate.total = 1234560000000;
  r.estimate.small_alone = 100;
  r.saved_big = 0.997;
  r.o = r.e = 12.34;
  Str text = receipt_text(&arena, &r);
  size_t columns = 0;
  for (Str rest = text, line; str_line(&rest, &line);) {
    if (str_columns(line) > columns) columns = str_columns(line);
    CHECK(!str_ends(line, S(" ")));
  }
  CHECK_INT(columns, 80);
  CHECK(str_has(text, S("claude-sonnet-5-5")) && str_has(text, S("<$0.0001")));
  CHECK(str_has(text, S("saving (estimate): 99 % under")) && str_has(text, S("unknown")));
  CHECK(str_has(text, S("one model alone (estimates)\n")));
  CHECK(str_has(text, S("\nbig alone      ####################################################")));
  CHECK(str_has(text, S("\nsmall alone    # ")));
  CHECK(str_has(receipt_line(&arena, &r), S("about 99 % under the big model alone (estimate)")));
  r.saved_big = -1.2;
  CHECK(str_has(receipt_text(&arena, &r), S("saving (estimate): 120 % over")));
  r.has_saving = false;
  CHECK(str_has(receipt_text(&arena, &r), S("saving: unknown")));
  r.estimate.big_alone = r.total.unknown = 0;  // the user's own machine
  CHECK(str_has(receipt_text(&arena, &r), S("saving: none, the big model costs nothing here")));
  arena_deinit(&arena);
}

TEST(status_stands_in_columns)
{
  Fixture fx;
  View view;
  Error err = {0};
  fx_init(&fx, false);
  fx_write(&fx, "a.txt", str_from(base));
  fx_open(&fx);
  TaskRow tasks[] = {
      {.id = S("T01"), .title = S("one"), .added = 1, .removed = 1},
      {.id = S("T02.1"), .title = S("two"), .added = 100, .removed = 2},
      {.id = S("T02.10"), .title = S("ten")},
  };
  for (size_t i = 0; i < 3; i++) {
    tasks[i].plan = fx.plan;
    tasks[i].state = TASK_DONE;
    tasks[i].started_ms = 1000;
    tasks[i].ended_ms = 1400;
    CHECK(journal_task_put(fx.engine->journal, &tasks[i], &err));
  }
  CHECK(view_status(fx.engine, fx.plan, STR_NONE, &fx.arena, &view, &err));
  CHECK(str_has(view.text, S(" ok  T01     one ")));
  CHECK(str_has(view.text, S(" ok  T02.1   two ")));
  CHECK(str_has(view.text, S(" ok  T02.10  ten ")));
  CHECK(str_has(view.text, S("     +1 -1  no tokens\n")));
  CHECK(str_has(view.text, S("   +100 -2  no tokens\n")));
  CHECK(str_has(view.text, S("     +0 -0  no tokens\n")));
  CHECK(!str_has(view.text, S("of 3")));   // all is done: no bar
  CHECK(!str_has(view.text, S("00:00")));  // less than a second is no time worth telling
  tasks[1].state = TASK_RUNNING;
  CHECK(journal_task_put(fx.engine->journal, &tasks[1], &err));
  CHECK(view_status(fx.engine, fx.plan, STR_NONE, &fx.arena, &view, &err));
  CHECK(str_has(view.text, S("\n  [##########################--------------]  2 of 3\n")));
  fx_deinit(&fx);
}

TEST(a_cost_that_is_not_known_is_a_lower_bound)
{
  Fixture fx;
  View view;
  Error err = {0};
  fx_init(&fx, false);
  fx_write(&fx, "a.txt", str_from(base));
  fx_open(&fx);
  fx_task(&fx, "T01", "a.txt", base, made);
  Journal *journal = fx.engine->journal;
  for (int64_t cost = -1; cost <= 2000000; cost += 2000001) {
    AttemptRow row = {.plan = fx.plan, .task = S("T01"), .phase = PHASE_EXECUTE};
    row.provider = S("p");
    row.model = S("m");
    CHECK(journal_attempt_start(journal, &fx.arena, &row, S("?"), NULL, &err));
    row.cost = cost;
    row.sent = true;
    CHECK(journal_attempt_finish(journal, &row, S("!"), &err));
  }
  CHECK(view_status(fx.engine, fx.plan, STR_NONE, &fx.arena, &view, &err));
  CHECK(str_has(view.text, S("  $0.0020+\n")));
  Str number = str_fmt(&fx.arena, "%lld", (long long)fx.plan);
  CHECK(view_cost(fx.engine, number, &fx.arena, &view, &err));
  CHECK(str_has(view.text, S("$0.0020+")));
  CHECK(view_cost(fx.engine, S("all"), &fx.arena, &view, &err));
  CHECK(str_has(view.text, S("lower bounds")));
  fx_deinit(&fx);
}

TEST(lines_stay_lines)
{
  Arena arena;
  ViewText text;
  View view;
  arena_init(&arena);
  view_begin(&text, &arena, &view);
  view_line(&text, (LineMeaning){0}, "a%sb", "\n\r\x1b");
  view_source(&text, (LineMeaning){0}, '+', S("x\ty\0z"));
  view_pair(&text, (LineMeaning){0}, S("left"), S("right"));
  view_wrapped(&text, (LineMeaning){0}, S("  "),
               S("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                 "aaaaaaa b"));
  view_end(&text);
  check_index(&view);
  CHECK_STR(line_of(&view, 0), S("a   b"));
  CHECK_STR(line_of(&view, 1), S("+x\ty z"));
  CHECK_INT(str_columns(line_of(&view, 2)), 80);
  CHECK_INT(view.len, 5);
  CHECK_STR(str_fit(&arena, S("h\xc3\xa9llo w\xc3\xb6rld"), 8), S("h\xc3\xa9llo..."));
  arena_deinit(&arena);
}

TEST_MAIN
