// t_task.c: what a task works on, and what becomes of a reply: ranges that move, files that must not be sent,
// guards, gaps between ranges, accept lines. Whole tasks, with calls and retries, are in t_run.c.
#include "work/task_result.h"
#include "work_fixture.h"

static const char abc[] = "a\nb\nc\nd\ne\nf\n";

typedef struct {
  Fixture fx;
  TaskSpec task;
  StrList before;
  TaskInput input;
  TaskResult result;
} Case;

static void begin(Case *c)
{
  *c = (Case){0};
  fx_init(&c->fx, true);
  fx_write(&c->fx, "a.txt", str_from(abc));
  fx_write(&c->fx, "b.txt", S("read me\n"));
  fx_open(&c->fx);
  c->task = (TaskSpec){.id = S("T05"), .title = S("t"), .body = S("Do it.")};
}

static void writes(Case *c, const char *path, size_t first, size_t last, bool is_new)
{
  FileRef ref = {.path = str_from(path), .range = {first, last}, .is_new = is_new};
  PUSH(&c->fx.arena, &c->task.files, ref);
  CHECK(base_take(c->fx.engine, c->fx.project, c->fx.plan, ref.path, NULL));
}

static void reads(Case *c, const char *path)
{
  PUSH(&c->fx.arena, &c->task.read, ((FileRef){.path = str_from(path)}));
  CHECK(base_take(c->fx.engine, c->fx.project, c->fx.plan, str_from(path), NULL));
}

static Err input(Case *c)
{
  Error err = {0};
  TaskInputSpec spec = {.engine = c->fx.engine,
                        .project = c->fx.project,
                        .plan = c->fx.plan,
                        .task = &c->task,
                        .before = &c->before};
  if (!task_input(&spec, &c->fx.arena, &c->input, &err)) printf("# says: %s\n", err.message);
  return err.code;
}

static void reply(Case *c, const char *text)
{
  CHECK_INT(input(c), ERR_OK);
  task_result_of_reply(&c->fx.arena, c->fx.project, &c->input, str_from(text), false, &c->result);
}

#define BLOCK(path, from, to) path "\n<<<<<<< SEARCH\n" from "=======\n" to ">>>>>>> REPLACE\n"

TEST(ranges_follow_their_lines)
{
  Case c;
  begin(&c);
  writes(&c, "a.txt", 3, 4, false);
  fx_task(&c.fx, "T01", "a.txt", abc, "new\nnew\na\nb\nc\nd\ne\nf\n");
  PUSH(&c.fx.arena, &c.before, S("T01"));
  CHECK_INT(input(&c), ERR_OK);
  CHECK_INT(c.input.spec.files.items[0].range.first, 5);
  CHECK_INT(c.input.spec.files.items[0].range.last, 6);
  CHECK(str_starts(c.input.files.items[0].text, S("new\n")));
  fx_deinit(&c.fx);
}

TEST(lines_that_another_task_took_are_said)
{
  Case c;
  begin(&c);
  writes(&c, "a.txt", 3, 4, false);
  fx_task(&c.fx, "T01", "a.txt", abc, "a\nb\ne\nf\n");
  PUSH(&c.fx.arena, &c.before, S("T01"));
  CHECK_INT(input(&c), ERR_STALE);
  fx_deinit(&c.fx);
}

TEST(secrets_and_missing_files)
{
  Case c;
  begin(&c);
  writes(&c, "a.txt", 0, 0, false);
  fx_write(&c.fx, ".env", S("KEY=1\n"));
  reads(&c, ".env");
  CHECK_INT(input(&c), ERR_REFUSED);
  c.task.read.len = 0;
  reads(&c, "none.txt");
  CHECK_INT(input(&c), ERR_NOT_FOUND);
  fx_deinit(&c.fx);
}

// What counts is the text that would be sent, not the one that is on disk by now.
TEST(a_key_in_the_base_is_not_sent)
{
  Case c;
  begin(&c);
  writes(&c, "a.txt", 0, 0, false);
  char key[600];
  memset(key, 'A', sizeof(key));
  Str text = str_fmt(&c.fx.arena, "-----BEGIN PRIVATE KEY-----\n%.*s\n", (int)sizeof(key), key);
  fx_write(&c.fx, "deploy.txt", text);
  reads(&c, "deploy.txt");
  fx_write(&c.fx, "deploy.txt", S("nothing to see\n"));
  CHECK_INT(input(&c), ERR_REFUSED);
  c.task.read.len = 0;
  fx_write(&c.fx, "deploy2.txt", S("nothing to see\n"));
  reads(&c, "deploy2.txt");
  fx_write(&c.fx, "deploy2.txt", text);
  CHECK_INT(input(&c), ERR_OK);
  CHECK_STR(c.input.read.items[0].text, S("nothing to see\n"));
  fx_deinit(&c.fx);
}

TEST(a_reply_becomes_files)
{
  Case c;
  begin(&c);
  writes(&c, "a.txt", 3, 4, false);
  writes(&c, "n.txt", 0, 0, true);
  reply(&c, BLOCK("a.txt", "c\n", "C\n") BLOCK("n.txt", "", "hello\n"));
  CHECK_STR(c.result.problem, S(""));
  CHECK(c.result.ok);
  CHECK_INT(c.result.files.len, 2);
  for (size_t i = 0; i < c.result.files.len; i++) {
    const PatchFile *file = &c.result.files.items[i];
    bool made = str_eq(file->path, S("n.txt"));
    CHECK_STR(file->new_text, made ? S("hello\n") : S("a\nb\nC\nd\ne\nf\n"));
    CHECK_INT(file->change, made ? FILE_NEW : FILE_EDIT);
  }
  fx_deinit(&c.fx);
}

TEST(a_new_file_is_none_that_is_there)
{
  Case c;
  begin(&c);
  writes(&c, "a.txt", 0, 0, false);
  c.task.create = true;
  fx_write(&c.fx, "there.txt", S("mine\n"));
  reply(&c, BLOCK("there.txt", "", "theirs\n") BLOCK("new.txt", "", "new\n"));
  CHECK(!c.result.ok);
  CHECK(str_has(c.result.problem, S("there.txt: the file exists and is not among those shown")));
  CHECK_INT(c.result.files.len, 1);
  CHECK_STR(c.result.files.items[0].path, S("new.txt"));
  fx_deinit(&c.fx);
}

TEST(the_gap_between_two_ranges_is_not_the_tasks)
{
  Case c;
  begin(&c);
  writes(&c, "a.txt", 1, 2, false);
  writes(&c, "a.txt", 5, 6, false);
  reply(&c, BLOCK("a.txt", "c\n", "C\n"));
  CHECK(!c.result.ok);
  CHECK(str_has(c.result.problem, S("outside")));
  CHECK_INT(c.result.files.len, 0);
  reply(&c, BLOCK("a.txt", "f\n", "F\n") BLOCK("a.txt", "a\n", "A\n"));
  CHECK(c.result.ok);
  fx_deinit(&c.fx);
}

TEST(links_that_leave_are_refused)
{
  Case c;
  begin(&c);
  writes(&c, "a.txt", 0, 0, false);
  fx_sh(&c.fx, "mkdir ../outside && ln -s ../outside dir");
  FileRef ref = {.path = S("dir/x.txt"), .is_new = true};
  PUSH(&c.fx.arena, &c.task.files, ref);
  Error err = {0};
  bool taken = base_take(c.fx.engine, c.fx.project, c.fx.plan, ref.path, &err);
  if (taken && input(&c) == ERR_OK) {
    reply(&c, BLOCK("dir/x.txt", "", "hello\n"));
    CHECK(!c.result.ok);
  }
  fx_deinit(&c.fx);
}

TEST(what_is_good_is_kept_beside_what_is_not)
{
  Case c;
  begin(&c);
  writes(&c, "a.txt", 0, 0, false);
  reply(&c, BLOCK("a.txt", "c\n", "C\n") BLOCK("a.txt", "nowhere\n", "X\n"));
  CHECK(!c.result.ok);
  CHECK_INT(c.result.files.len, 1);
  CHECK_INT(c.result.hunks, 1);
  CHECK(c.result.brief.len && !str_has(c.result.brief, S("\n")));
  fx_deinit(&c.fx);
}

static size_t times(Str text, Str word)
{
  size_t count = 0;
  for (size_t at; (at = str_find(text, word)) != STR_NOT_FOUND; count++)
    text = str_skip(text, at + word.len);
  return count;
}

TEST(a_path_is_told_once)
{
  Case c;
  begin(&c);
  writes(&c, "a.txt", 0, 0, false);
  reply(&c, BLOCK("a.txt", "nowhere\n", "X\n"));
  CHECK_INT(times(c.result.brief, S("a.txt")), 1);
  CHECK_INT(times(c.result.problem, S("a.txt")), 1);
  reply(&c, BLOCK("nope.txt", "a\n", "X\n"));
  CHECK_INT(times(c.result.problem, S("nope.txt")), 1);
  CHECK(!c.result.ok);
  writes(&c, "n.txt", 0, 0, true);
  CHECK_INT(input(&c), ERR_OK);
  fx_sh(&c.fx, "mkdir n.txt");
  task_result_of_reply(&c.fx.arena, c.fx.project, &c.input, S(BLOCK("n.txt", "", "C\n")), false,
                       &c.result);
  CHECK_INT(times(c.result.problem, S("n.txt")), 1);
  fx_deinit(&c.fx);
}

TEST(abstaining_against_an_accept_line)
{
  Case c;
  begin(&c);
  writes(&c, "a.txt", 1, 2, false);
  reply(&c, "NOTHING TO CHANGE");
  CHECK(c.result.ok && c.result.abstained);
  PUSH(&c.fx.arena, &c.task.accept, S("b no longer occurs"));
  reply(&c, "NOTHING TO CHANGE");
  CHECK(!c.result.ok && !c.result.abstained);
  c.task.accept.items[0] = S("e no longer occurs");  // outside of its range
  reply(&c, "NOTHING TO CHANGE");
  CHECK(c.result.abstained);
  fx_deinit(&c.fx);
}

TEST(lines_added_behind_the_range_count)
{
  Case c;
  begin(&c);
  writes(&c, "a.txt", 5, 6, false);
  PUSH(&c.fx.arena, &c.task.accept, S("contains: tail"));
  reply(&c, BLOCK("a.txt", "f\n", "f\ntail\n"));
  CHECK_STR(c.result.problem, S(""));
  fx_deinit(&c.fx);
}

TEST_MAIN
