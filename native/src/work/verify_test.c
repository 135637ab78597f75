// verify_test.c: the scratch worktree with the combined results, and the trusted test in it.
#include "work/brief_like.h"
#include "work/trust.h"
#include "work/verify_private.h"

enum {
  TAIL_MODEL = 6 << 10,
  TAIL_PASSED = 300,  // of a test that passed: how many ran
  PASSED_LINES = 3,
  TAIL_JOURNAL = 64 << 10,
};

void verify_no_test(Verify *v, Str why)
{
  v->test_report = str_fmt(&v->round_arena, "none was run (%.*s)", STR_ARG(why));
  verify_note(v, "tests not run: %.*s", STR_ARG(why));
  verify_go(v, VERIFY_MODEL);
}

static void tree_closed(void *owner)
{
  Verify *v = owner;
  v->closing = false;
  verify_go(v, VERIFY_MODEL);
}

void verify_close_tree(Verify *v)
{
  Worktree *tree = v->tree;
  v->tree = NULL;
  v->closing = true;
  worktree_close(tree, tree_closed, v);
}

static Str tail(Str text, size_t most)
{
  size_t cut = text.len > most ? text.len - most : 0;
  return str_skip(text, str_utf8_floor(text, cut));
}

// The last lines of a passed test that say something: "Ran 80 tests", not the dots before it.
static Str passed_tail(Arena *arena, Str output)
{
  StrList lines = {0};
  for (Str rest = tail(output, TAIL_PASSED), line; str_line(&rest, &line);) {
    if (like_head(line).len) PUSH(arena, &lines, str_trim_end(line));
  }
  size_t skip = lines.len > PASSED_LINES ? lines.len - PASSED_LINES : 0;
  StrList last = {lines.items + skip, lines.len - skip, lines.len - skip};
  return str_join(arena, &last, S("\n"));
}

// [output] with the scratch tree's files named as the project names them: for whoever reads it, and for editors that
// jump to its lines.
static Str project_paths(Verify *v, Str output)
{
  Str scratch = str_cat(&v->round_arena, str_from(worktree_path(v->tree)), S("/"));
  Buf out;
  buf_init(&out, output.len + 1);
  for (size_t at; (at = str_find(output, scratch)) != STR_NOT_FOUND;) {
    buf_add(&out, str_sub(output, 0, at));
    output = str_skip(output, at + scratch.len);
  }
  buf_add(&out, output);
  return buf_take(&out, &v->round_arena);
}

static void test_done(void *owner, const ProcessResult *result)
{
  Verify *v = owner;
  v->process = NULL;
  Str ended = process_ended(&v->round_arena, result);
  Str output = project_paths(v, result->output);
  v->tested = !v->stopped;
  v->test_ok = result->status == 0;
  Str end = v->test_ok ? passed_tail(&v->round_arena, output) : tail(output, TAIL_MODEL);
  v->test_report = str_fmt(&v->round_arena, "%.*s %.*s\n%.*s", STR_ARG(v->plan.test),
                           STR_ARG(ended), STR_ARG(end));
  if (!v->stopped) {
    Error err = {0};
    int status = result->timed_out || result->killed ? -1 : result->status;
    if (!journal_plan_set_test(v->engine->journal, v->plan_id, v->plan.test, status,
                               tail(output, TAIL_JOURNAL), &err)) {
      verify_note(v, "the test's result was not stored: %s", err.message);
    }
    verify_tell(v, "test", v->test_ok,
                str_fmt(&v->round_arena, "%.*s %.*s", STR_ARG(v->plan.test), STR_ARG(ended)));
  }
  v->test_ms = wall_now_ms() - v->test_ms;
  bool trace = v->tested && !v->test_ok && !result->timed_out && !result->killed;
  if (trace) {
    verify_go(v, VERIFY_TRACE);
  } else {
    verify_close_tree(v);
  }
}

static bool write_results(Verify *v, Error *err)
{
  for (size_t i = 0; i < v->files.len; i++) {
    const CombinedFile *file = &v->files.items[i];
    if (file->renamed_from.len &&
        !worktree_put(v->tree, file->renamed_from, STR_NONE, false, err)) {
      return false;
    }
    if (!worktree_put(v->tree, file->path, file->text, file->exists, err)) return false;
  }
  return true;
}

void verify_step_test(Verify *v)
{
  Error err = {0};
  TrustedRun run = {.plan = v->plan_id,
                    .root = project_root(v->project),
                    .command = v->plan.test,
                    .where = S("test"),
                    .cwd = worktree_path(v->tree),
                    .timeout_s = v->engine->config->test_timeout_s,
                    .on_done = test_done,
                    .owner = v};
  Str left_out = worktree_note(v->tree);
  if (left_out.len) verify_note(v, "tested without %.*s", STR_ARG(left_out));
  verify_tell(v, "test", true, STR_NONE);
  v->test_ms = wall_now_ms();
  if (write_results(v, &err)) v->process = trust_run(v->engine, &run, &err);
  if (v->process) return;
  v->test_report = S("none was run");
  verify_note(v, "tests not run: %s", err.message);
  verify_close_tree(v);
}

static void tree_ready(void *owner, const Error *err)
{
  Verify *v = owner;
  if (err->code == ERR_OK) {
    verify_go(v, VERIFY_TEST);
    return;
  }
  v->test_report = S("none was run");
  verify_note(v, "tests not run: %s", err->message);
  verify_close_tree(v);
}

void verify_step_tree(Verify *v)
{
  WorktreeSpec spec = {v->engine, v->project, v->plan_id, tree_ready, v};
  verify_tell(v, "worktree", true, STR_NONE);
  v->tree = worktree_new(&spec);
}
