// The planner against cassettes: conversation, tools, repair, resume; and plans without a planner.
#include "tap.h"

#include <unistd.h>

#include "journal/journal_private.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "plan/outline.h"
#include "plan/tools.h"
#include "work/plan_store.h"
#include "work/planner.h"
#include "work/receipt.h"
#include "work/submit.h"

// ---- a project, a state directory, an engine on a cassette --------------------------------------

static char base[] = "/tmp/t_planner_XXXXXX";
static Arena arena;
static Loop loop;
static Engine *engine;
static Project *project;
static Error err;    // of the last start
static Error ended;  // what on_done got
static int done_count;
static int stop_at;  // stops the planner at the n-th tool call; 0 = never
static int tool_calls;
static int64_t plan_id;

static char *at(const char *name)
{
  return path_join(&arena, str_from(base), str_from(name));
}

static void put(const char *name, const char *text)
{
  Error why = {0};
  char *path = at(name);
  if (!fs_mkdirs(str_z(&arena, path_dir(str_from(path))), &why) ||
      !fs_write_atomic(path, str_from(text), 0644, &why)) {
    printf("# %s: %s\n", path, why.message);
  }
}

static void on_event(void *owner, Str kind, const Value *params)
{
  (void)owner;
  if (!str_eq(kind, S("planning"))) return;
  if (++tool_calls == stop_at) planner_stop(engine, value_get_int(params, S("plan"), 0));
}

static void on_done(void *owner, const Error *why)
{
  (void)owner;
  ended = *why;
  done_count++;
  loop_stop(&loop);
}

static void close_engine(void)
{
  engine_free(engine);
  loop_deinit(&loop);
  engine = NULL;
}

// [replies]: lines of a cassette, NULL ends.
static void open_engine(const char *const *replies)
{
  Buf text;
  buf_init(&text, 1 << 20);
  buf_add(&text, S("{\"cassette\":\"piecework-cassette\",\"version\":1,\"note\":\"scripted\"}\n"));
  for (; replies && *replies; replies++) {
    buf_fmt(&text, "{\"role\":\"plan\",\"reply\":{%s,\"usage\":{\"fresh_in\":1000,\"out\":100}}}\n",
            *replies);
  }
  buf_add_char(&text, 0);
  put("cassette.ndjson", text.ptr);
  buf_deinit(&text);
  Value *config = value_map(&arena);
  value_put_str(&arena, config, S("replay"), str_from(at("cassette.ndjson")));
  error_clear(&err);
  done_count = tool_calls = stop_at = 0;
  CHECK(loop_init(&loop, &err));
  engine = engine_new(&loop, config, &err);
  if (!engine) {
    printf("Bail out! %s\n", err.message);
    exit(1);
  }
  engine->on_event = on_event;
  project = engine_project(engine, at("tree"), &err);
}

static bool plan_with(PlanRequest request)
{
  error_clear(&err);
  error_clear(&ended);
  plan_id = planner_start(engine, project, &request, on_done, NULL, &err);
  if (!plan_id) return false;
  CHECK_INT(done_count, 0);  // never from inside start
  while (!done_count && loop_turn(&loop, true)) {
  }
  return ended.code == ERR_OK;
}

static bool plan_request(const char *words)
{
  return plan_with(
      (PlanRequest){.request = str_from(words), .budget = NANO_UNKNOWN, .go_on = true});
}

static PlanRow row(void)
{
  PlanRow out = {0};
  Error why = {0};
  CHECK(journal_plan_get(engine->journal, &arena, plan_id, &out, &why));
  return out;
}

static size_t attempts(void)
{
  AttemptRowList rows = {0};
  Error why = {0};
  journal_attempt_list(engine->journal, &arena, plan_id, STR_NONE, &rows, &why);
  return rows.len;
}

// The newest prompt, as the journal has it.
static Str last_prompt(void)
{
  AttemptRowList rows = {0};
  Error why = {0};
  Str text = STR_NONE;
  journal_attempt_list(engine->journal, &arena, plan_id, STR_NONE, &rows, &why);
  if (rows.len)
    journal_attempt_prompt(engine->journal, &arena, rows.items[rows.len - 1].id, &text, &why);
  return text;
}

#define CALL(name, input) \
  "\"calls\":[{\"name\":\"" name "\",\"input\":" input "}],\"stop\":\"tool\""
#define GOOD_TASKS                                                                               \
  "\"tasks\":[{\"id\":\"T01\",\"title\":\"rename\",\"executor\":\"substitute\",\"files\":[\"a."  \
  "c\"],"                                                                                        \
  "\"pattern\":\"old\",\"replace\":\"\",\"check\":\"rm -rf /\"},"                                \
  "{\"id\":\"T02\",\"title\":\"docs\",\"pilot\":true,\"each\":[\"a.c:1-2\",\"b.c\"],\"after\":[" \
  "\"T01\"],"                                                                                    \
  "\"accept\":[\"short\"],\"body\":\"Shorten.\"}]"
#define GOOD CALL("submit_plan", "{\"title\":\"My plan\",\"test\":\"rm -rf /\"," GOOD_TASKS "}")

// ---- conversations ------------------------------------------------------------------------------

TEST(explore_and_submit)
{
  const char *replies[] = {
      "\"calls\":[{\"name\":\"search\",\"input\":{\"pattern\":\"old\"}},{\"name\":\"outline\","
      "\"input\":{\"path\":\"a.c\"}}],\"stop\":\"tool\"",
      CALL("read", "{\"path\":\"a.c\",\"first\":2,\"last\":3}"), GOOD, NULL};
  open_engine(replies);
  CHECK(plan_request("rename it all"));
  CHECK_INT(done_count, 1);
  CHECK_INT(row().state, PLAN_READY);
  CHECK_INT(attempts(), 3);
  Str text = STR_NONE, prompt = last_prompt();
  Plan plan;
  PlanProblemList problems = {0};
  CHECK(plan_load(engine, plan_id, &arena, &text, &plan, &problems, &err));
  CHECK_INT(problems.errors, 0);
  CHECK_STR(plan.title, S("My plan"));
  CHECK_STR(plan.request, S("rename it all"));
  CHECK_STR(plan.test, S("make check"));  // the project's own, not the model's
  CHECK_INT(plan.tasks.len, 2);
  CHECK(!str_has(text, S("rm -rf")));
  CHECK(plan.tasks.items[0].replace.ptr != NULL && plan.tasks.items[0].replace.len == 0);
  CHECK(str_has(row().path, S("-my-plan.md")));
  CHECK(str_has(prompt, S("a.c:1: int old(void);")));
  CHECK(str_has(prompt, S("2\\t{")) || str_has(prompt, S("2\\tint")));
  Receipt receipt;
  CHECK(receipt_build(engine, plan_id, &arena, &receipt, &err));
  CHECK_INT(receipt.phases[PHASE_PLAN].calls, 3);
  CHECK(receipt.total.cost > 0 && receipt.has_estimate);
  CHECK(str_has(receipt_text(&arena, &receipt), S("big alone")));
  close_engine();
}

TEST(one_repair_names_what_is_wrong)
{
  const char *replies[] = {CALL("submit_plan",
                                "{\"title\":\"x\",\"tasks\":[{\"id\":\"T01\",\"title\":\"y\","
                                "\"files\":[\"gone.c\"],\"body\":\"z\"}]}"),
                           GOOD, NULL};
  open_engine(replies);
  CHECK(plan_request("do it"));
  CHECK(str_has(last_prompt(), S("gone.c does not exist")));
  CHECK_INT(row().state, PLAN_READY);
  close_engine();
}

TEST(a_second_bad_plan_ends_it)
{
  const char *bad = CALL("submit_plan",
                         "{\"title\":\"x\",\"tasks\":[{\"id\":\"T01\",\"title\":\"y\",\"files\":["
                         "\"../up.c\"],\"body\":\"z\"}]}");
  const char *replies[] = {bad, bad, NULL};
  open_engine(replies);
  CHECK(!plan_request("do it"));
  CHECK_INT(ended.code, ERR_FAILED);
  CHECK(strstr(ended.message, "../up.c") != NULL);
  CHECK_INT(row().state, PLAN_FAILED);
  close_engine();
}

TEST(a_turn_without_a_call_is_nudged)
{
  const char *replies[] = {"\"text\":\"I would do this and that.\",\"stop\":\"done\"", GOOD, NULL};
  open_engine(replies);
  CHECK(plan_request("do it"));
  CHECK(str_has(last_prompt(), S("Call submit_plan now")));
  close_engine();
  const char *silent[] = {"\"text\":\"no\",\"stop\":\"done\"", "\"text\":\"no\",\"stop\":\"done\"",
                          NULL};
  open_engine(silent);
  CHECK(!plan_request("do it"));
  CHECK_INT(ended.code, ERR_REPLY);
  close_engine();
}

TEST(unsuitable_is_a_good_answer)
{
  const char *replies[] = {CALL("submit_plan", "{\"unsuitable\":\"the cause is unknown\"}"), NULL};
  open_engine(replies);
  CHECK(!plan_request("do it"));
  CHECK_INT(ended.code, ERR_REFUSED);
  CHECK(strstr(ended.message, "the cause is unknown") != NULL);
  CHECK_INT(row().state, PLAN_FAILED);
  close_engine();
}

TEST(tools_show_nothing_they_should_not)
{
  const char *replies[] = {
      "\"calls\":[{\"name\":\"read\",\"input\":{\"path\":\".env\"}},{\"name\":\"read\",\"input\":{"
      "\"path\":\"../secret.txt\"}},"
      "{\"name\":\"read\",\"input\":{\"path\":\"/etc/"
      "passwd\"}},{\"name\":\"outline\",\"input\":{\"path\":\"../secret.txt\"}},"
      "{\"name\":\"search\",\"input\":{\"pattern\":\"hunter\"}},{\"name\":\"search\",\"input\":{"
      "\"pattern\":\"(\"}},"
      "{\"name\":\"shell\",\"input\":{\"command\":\"id\"}},{\"name\":\"list_files\",\"input\":{}}],"
      "\"stop\":\"tool\"",
      GOOD, NULL};
  char key[600];
  memset(key, 'A', sizeof(key));
  key[599] = 0;
  put("tree/deploy.txt", str_fmt(&arena, "hunter2\n-----BEGIN PRIVATE KEY-----\n%s\n", key).ptr);
  open_engine(replies);
  CHECK(plan_request("do it"));
  Str prompt = last_prompt();
  CHECK(!str_has(prompt, S("hunter2")));
  unlink(at("tree/deploy.txt"));
  CHECK(!str_has(prompt, S("root:")));
  CHECK(str_has(prompt, S("there is no tool called shell")));
  CHECK(str_has(prompt, S("0 matching lines")));
  close_engine();
}

TEST(twelve_turns_are_enough)
{
  const char *replies[PLANNER_TURNS + 2];
  for (int i = 0; i < PLANNER_TURNS + 1; i++) replies[i] = CALL("list_files", "{}");
  replies[PLANNER_TURNS + 1] = NULL;
  open_engine(replies);
  CHECK(!plan_request("do it"));
  CHECK_INT(ended.code, ERR_FAILED);
  CHECK_INT(attempts(), PLANNER_TURNS);
  CHECK(str_has(last_prompt(), S("1 turns are left")));
  close_engine();
}

TEST(the_budget_is_asked_first)
{
  const char *replies[] = {GOOD, NULL};
  open_engine(replies);
  CHECK(!plan_with((PlanRequest){.request = S("do it"), .budget = 1000, .go_on = true}));
  CHECK_INT(ended.code, ERR_BUDGET);
  CHECK_INT(attempts(), 0);
  CHECK_INT(row().state, PLAN_PLANNING);
  close_engine();
}

TEST(a_tight_budget_shortens_the_reply)
{
  const char *replies[] = {GOOD, NULL};
  open_engine(replies);
  CHECK(plan_with((PlanRequest){.request = S("do it"), .budget = 150000000, .go_on = true}));
  CHECK(str_has(last_prompt(), S("\"max_output\":4000")));
  close_engine();
}

// Its first turn cannot be reserved: nothing leaves, and the reason is told.
TEST(nothing_leaves_before_it_is_on_disk)
{
  const char *replies[] = {GOOD, NULL};
  open_engine(replies);
  Store *store = engine->journal->store;
  CHECK(store_run(store, &err, "PRAGMA foreign_keys=ON", ""));
  CHECK(store_run(store, &err, "CREATE TABLE none(id INTEGER PRIMARY KEY)", ""));
  CHECK(store_run(store, &err,
                  "CREATE TABLE broken(id REFERENCES none DEFERRABLE INITIALLY DEFERRED)", ""));
  CHECK(store_run(store, &err,
                  "CREATE TRIGGER spoil AFTER INSERT ON attempt BEGIN"
                  " INSERT INTO broken VALUES(1); END",
                  ""));
  CHECK(!plan_request("do it"));
  CHECK_INT(ended.code, ERR_JOURNAL);
  CHECK_INT(attempts(), 0);
  close_engine();
}

TEST(stopped_and_gone_on_with)
{
  const char *first[] = {CALL("read", "{\"path\":\"a.c\"}"), NULL};
  open_engine(first);
  Error why = {0};
  PlanRequest request = {.request = S("do it"), .budget = NANO_UNKNOWN, .go_on = true};
  stop_at = 1;
  CHECK(!plan_with(request));
  CHECK_INT(ended.code, ERR_CANCELLED);
  CHECK_INT(row().state, PLAN_PLANNING);
  CHECK_INT(attempts(), 1);
  close_engine();
  const char *rest[] = {GOOD, NULL};  // the first reply is not asked for again
  open_engine(rest);
  CHECK(plan_with((PlanRequest){.plan = plan_id}));
  CHECK_INT(attempts(), 2);
  CHECK_INT(row().state, PLAN_READY);
  CHECK(!plan_with((PlanRequest){.plan = plan_id}));
  CHECK_INT(err.code, ERR_INVALID);
  CHECK(journal_lease_take(engine->journal, plan_id, S("other:1:x"), 1000, &why));
  close_engine();
}

TEST(consent_comes_before_money)
{
  open_engine(NULL);
  CHECK(!plan_with((PlanRequest){.request = S("why does it crash?"), .budget = NANO_UNKNOWN}));
  CHECK_INT(err.code, ERR_CONSENT);
  CHECK(!plan_with((PlanRequest){.request = S("  "), .budget = NANO_UNKNOWN, .go_on = true}));
  CHECK_INT(err.code, ERR_USAGE);
  FileRef gone = {.path = S("gone.c")};
  PlanRequest scoped = {
      .request = S("x"), .budget = NANO_UNKNOWN, .go_on = true, .scope = {&gone, 1, 1}};
  CHECK(!plan_with(scoped));
  CHECK_INT(err.code, ERR_NOT_FOUND);
  close_engine();
}

// ---- without a planner --------------------------------------------------------------------------

TEST(plans_from_targets)
{
  open_engine(NULL);
  FileRefList targets = {0};
  FileRef one = {.path = S("a.c"), .range = {1, 2}}, two = {.path = S("b.c")};
  PUSH(&arena, &targets, one);
  PUSH(&arena, &targets, two);
  error_clear(&err);
  plan_id = plan_from_targets(engine, project, S("shorten the comments\nbut keep TODO"), &targets,
                              5000000, &err);
  CHECK(plan_id > 0);
  CHECK_STR(row().title, S("shorten the comments"));
  CHECK_INT(row().budget, 5000000);
  LogRowList log = {0};
  CHECK(journal_log_list(engine->journal, &arena, plan_id, 10, &log, &err) && log.len == 1);
  CHECK(log.len && str_has(log.items[0].text, S(" to execute, ")));  // who verifies is told apart
  Str text;
  Plan plan;
  PlanProblemList problems = {0};
  CHECK(plan_load(engine, plan_id, &arena, &text, &plan, &problems, &err));
  CHECK_INT(plan_expand(&arena, &plan).len, 2);
  CHECK_STR(plan.tasks.items[0].body, S("shorten the comments\nbut keep TODO"));
  CHECK(plan_save(
      engine, plan_id,
      S("---\ntitle: new\nbudget: 0.10\n---\n## T01 x\nfiles: nope.c\nmodel: huge\n\ny\n"), &plan,
      &problems, &arena, &err));
  CHECK_INT(problems.errors, 2);
  CHECK_STR(row().title, S("new"));
  CHECK_INT(row().budget, 100000000);
  targets.items[0].path = S("gone.c");
  CHECK_INT(plan_from_targets(engine, project, S("x"), &targets, NANO_UNKNOWN, &err), 0);
  CHECK_INT(err.code, ERR_REFUSED);
  error_clear(&err);
  CHECK_INT(plan_from_targets(engine, project, S(""), &targets, NANO_UNKNOWN, &err), 0);
  CHECK_INT(err.code, ERR_USAGE);
  close_engine();
}

TEST(plans_from_elsewhere)
{
  open_engine(NULL);
  put("mine.md", "---\ntitle: mine\n---\n## T01 x\nfiles: a.c\n\ny\n");
  put("bad.md", "---\ntitle: mine\n---\n## T01 x\nfiles: a.c:9-1\n\ny\n");
  int64_t id = plan_adopt(engine, project, at("mine.md"), &err);
  CHECK(id > 0);
  CHECK_INT(plan_adopt(engine, project, at("mine.md"), &err), id);
  CHECK_INT(plan_adopt(engine, project, at("bad.md"), &err), 0);
  CHECK_INT(err.code, ERR_PLAN_SYNTAX);
  CHECK(strstr(err.message, "bad.md:5:") != NULL);
  close_engine();
}

TEST(names)
{
  CHECK_STR(plan_file_name(&arena, 12, S("Rename cfg_get -> config_get!")),
            S("0012-rename-cfg-get-config-get.md"));
  CHECK_STR(plan_file_name(&arena, 3, S("\xc3\xa4\xc3\xb6")), S("0003-plan.md"));
  CHECK_STR(plan_status_path(&arena, S("/x/0012-a.md")), S("/x/0012-a.STATUS.md"));
}

// ---- pure parts ---------------------------------------------------------------------------------

TEST(outlines)
{
  OutlineList list = {0};
  outline_text(&arena,
               S("import os\n\nclass A:\n    def f(self):\n        return 1\n\n    def g(self):\n  "
                 "      pass\n\ndef h():\n    pass\n"),
               &list);
  CHECK_INT(list.len, 4);
  CHECK_INT(list.items[0].first, 3);
  CHECK_INT(list.items[0].last, 8);
  CHECK_INT(list.items[1].last, 5);
  CHECK_INT(list.items[3].first, 10);
  list = (OutlineList){0};
  outline_text(&arena,
               S("static int f(int a)\n{\n  if (a) {\n  }\n  return 1;\n}\n\nint x = f(1);\n"),
               &list);
  CHECK_INT(list.len, 1);
  CHECK_INT(list.items[0].last, 6);
  list = (OutlineList){0};
  outline_text(&arena,
               S("local function f(a)\n  if a then\n    a = 1\n  end\n  return a\nend\n\n"
                 "function M.g()\nend\nend_time = 3\n"),
               &list);
  CHECK_INT(list.len, 2);
  CHECK_INT(list.items[0].last, 6);
  CHECK_INT(list.items[1].last, 9);
}

TEST(globs)
{
  CHECK(glob_match(&arena, S("*.c"), S("src/a/b.c")));
  CHECK(!glob_match(&arena, S("*.c"), S("src/a/b.h")));
  CHECK(glob_match(&arena, S("src/**/*.c"), S("src/b.c")));
  CHECK(glob_match(&arena, S("src/**/*.c"), S("src/a/b.c")));
  CHECK(!glob_match(&arena, S("src/*.c"), S("lib/b.c")));
  CHECK(glob_match(&arena, S(""), S("x")));
}

TEST(submissions_hold_no_commands)
{
  Submission out;
  PlanProblemList problems = {0};
  Value *input =
      json_parse(&arena,
                 S("{\"title\":\"a\\nb\",\"test\":\"evil\",\"tasks\":[{\"id\":\"T01\",\"title\":\"["
                   "pilot] x\",\"files\":\"a.c, b.c:1-2\","
                   "\"check\":\"evil\",\"model\":\"big\",\"create\":true,\"template\":\"@evil\","
                   "\"body\":\"y\\u001b[2Jz\"},{\"title\":\"no "
                   "id\",\"executor\":\"move\",\"from\":\"a.c:1-2\",\"to\":\"n.c:3\"}]}"),
                 &err);
  CHECK(submission_read(&arena, input, &out, &problems));
  CHECK_STR(out.plan.title, S("a b"));
  CHECK_INT(out.plan.test.len, 0);
  CHECK_INT(out.plan.tasks.items[0].check.len, 0);
  CHECK_INT(out.plan.tasks.items[0].model.len, 0);
  CHECK(!out.plan.tasks.items[0].create);
  CHECK_INT(out.plan.tasks.items[0].template.len, 0);
  CHECK_STR(out.plan.tasks.items[0].body, S("y[2Jz"));  // and nothing that a terminal obeys
  CHECK_INT(out.plan.tasks.items[0].files.len, 2);
  CHECK(!out.plan.tasks.items[0].pilot);
  CHECK_STR(out.plan.tasks.items[1].id, S("T02"));
  CHECK_INT(out.plan.tasks.items[1].to_line, 3);
  input = json_parse(&arena,
                     S("{\"tasks\":[{\"id\":\"evil\\n## "
                       "T9\",\"executor\":\"shell\",\"files\":[\"a:0-1\"],\"after\":[\"x y\"]}]}"),
                     &err);
  CHECK(!submission_read(&arena, input, &out, &problems));
  CHECK_INT(problems.errors, 4);
  CHECK(str_has(submission_answer(&arena, &problems), S("executor `shell`")));
  CHECK(!submission_read(&arena, NULL, &out, &problems));
}

int main(int argc, char **argv)
{
  if (!mkdtemp(base)) return 1;
  put("tree/a.c", "int old(void);\nint f(void)\n{\n  return old();\n}\n");
  put("tree/b.c", "int old(void)\n{\n  return 1;\n}\n");
  put("tree/Makefile", "check: all\n\ttrue\n");
  put("tree/.env", "PASSWORD=hunter2\n");
  put("secret.txt", "hunter2\n");
  put("state/x", "");
  setenv("PIECEWORK_STATE", at("state"), 1);
  setenv("PIECEWORK_CONFIG", "", 1);
  setenv("ANTHROPIC_API_KEY", "unused", 1);
  int failed = tap_main(argc, argv);
  Error why = {0};
  fs_remove_tree(base, &why);
  arena_deinit(&arena);
  return failed;
}
