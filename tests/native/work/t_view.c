// t_view.c: the texts of piecework:// buffers: one meaning per line, nothing wider than it must be.
#include "work_fixture.h"

#include "work/view_text.h"

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
  CHECK(str_ends(line_of(&view, 0), S("]")) && text_columns(line_of(&view, 0)) == 80);
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
  for (size_t i = 0; i < view.len; i++) CHECK(text_columns(line_of(&view, i)) <= 80);
  fx_decide(&fx, S("file:b.txt"), DECISION_REJECTED);
  view = review_view(&fx);
  first = find_kind(&view, "file", 0);
  CHECK(str_starts(line_of(&view, first), S("diff a.txt")));
  CHECK(str_has(view.text, S("[rejected]")));
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
  CHECK_INT(text_columns(line_of(&view, 2)), 80);
  CHECK_INT(view.len, 5);
  CHECK_STR(text_cut(&arena, S("h\xc3\xa9llo w\xc3\xb6rld"), 8), S("h\xc3\xa9llo..."));
  arena_deinit(&arena);
}

TEST_MAIN
