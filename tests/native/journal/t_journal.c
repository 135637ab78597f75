// t_journal.c: what the journal promises: money adds up, nothing is lost, one engine at a time.
#include "tap.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/journal.h"
#include "journal/journal_schema.h"
#include "lib/fs.h"
#include "lib/store.h"

static Arena arena;
static Error err;
static char *dir;
static Journal *journal;
static int64_t plan;

static PlanRow new_plan(const char *root)
{
  return (PlanRow){.root = str_from(root),
                   .path = S("/r/plan.md"),
                   .title = S("t"),
                   .request = S("do it"),
                   .state = PLAN_READY,
                   .budget = -1};
}

static void setup(void)
{
  arena_init(&arena);
  error_clear(&err);
  dir = fs_temp_dir(&arena, "/tmp", "pw-journal", &err);
  journal = journal_open(dir, &err);
  CHECK(journal != NULL);
  PlanRow row = new_plan("/r");
  CHECK(journal_plan_new(journal, &row, &err));
  plan = row.id;
}

static void teardown(void)
{
  CHECK_STR(str_from(err.message), S(""));
  journal_close(journal);
  CHECK(fs_remove_tree(dir, &err));
  arena_deinit(&arena);
}

TEST(open_by_environment)
{
  setup();
  char *state = path_join(&arena, str_from(dir), S("deep/state"));
  setenv("PIECEWORK_STATE", state, 1);
  Journal *other = journal_open(NULL, &err);
  CHECK(other && str_starts(journal_path(other), str_from(state)));
  journal_close(other);
  CHECK(fs_write_atomic(path_join(&arena, str_from(dir), S("file")), S("x"), 0600, &err));
  CHECK(journal_open(path_join(&arena, str_from(dir), S("file/x")), &err) == NULL);
  CHECK_INT(err.code, ERR_JOURNAL);
  CHECK(str_has(str_from(err.hint), S("PIECEWORK_STATE")));
  error_clear(&err);
  journal_close(NULL);
  teardown();
}

TEST(plans)
{
  setup();
  PlanRow row = new_plan("/other"), got;
  CHECK(journal_plan_new(journal, &row, &err));
  CHECK(row.id == plan + 1 && row.updated_ms > 0);
  row.title = S("caf\xc3\xa9");
  row.budget = 600000000;
  row.path = S("/other/12.md");
  CHECK(journal_plan_update(journal, &row, &err));
  CHECK(journal_plan_set_state(journal, row.id, PLAN_FAILED, S("why"), &err));
  CHECK(journal_plan_set_test(journal, row.id, S("make check"), 2, S("boom"), &err));
  CHECK(journal_plan_get(journal, &arena, row.id, &got, &err));
  CHECK_STR(got.title, row.title);
  CHECK_STR(got.note, S("why"));
  CHECK_STR(got.test_command, S("make check"));
  CHECK_STR(got.test_tail, S("boom"));
  CHECK(got.state == PLAN_FAILED && got.test_status == 2 && got.budget == 600000000);
  CHECK(journal_plan_by_path(journal, &arena, S("/other/12.md"), STR_NONE, &got, &err) &&
        got.id == row.id);
  PlanRowList list = {0};
  CHECK(journal_plan_list(journal, &arena, S(""), 0, &list, &err));
  CHECK(list.len == 2 && list.items[0].id == row.id);
  CHECK(journal_plan_list(journal, &arena, S("/r"), 5, &list, &err));
  CHECK(list.len == 3 && list.items[2].id == plan);
  CHECK(journal_plan_list(journal, &arena, S(""), 1, &list, &err) && list.len == 4);
  CHECK(!journal_plan_get(journal, &arena, 99, &got, &err));
  CHECK_INT(err.code, ERR_NOT_FOUND);
  CHECK_STR(str_from(err.message), S("there is no plan 99"));
  CHECK(!journal_plan_set_state(journal, 99, PLAN_DONE, S(""), NULL));
  CHECK(!journal_plan_by_path(journal, &arena, S("none"), STR_NONE, &got, NULL));
  error_clear(&err);
  CHECK_STR(str_from(plan_state_name(PLAN_VERIFYING)), S("verifying"));
  teardown();
}

TEST(facts_blobs_and_bases)
{
  setup();
  Str text, hash, again;
  CHECK(journal_fact_get(journal, &arena, plan, S("estimate"), &text, &err) && text.len == 0);
  CHECK(journal_fact_set(journal, plan, S("estimate"), S("{}"), &err));
  CHECK(journal_fact_set(journal, plan, S("estimate"), S("{1}"), &err));
  CHECK(journal_fact_get(journal, &arena, plan, S("estimate"), &text, &err));
  CHECK_STR(text, S("{1}"));
  CHECK(journal_blob_put(journal, &arena, (Str){"a\0b", 3}, &hash, &err));
  CHECK(journal_blob_put(journal, &arena, (Str){"a\0b", 3}, &again, &err));
  CHECK_STR(hash, again);
  CHECK(journal_blob_get(journal, &arena, hash, &text, &err));
  CHECK_STR(text, ((Str){"a\0b", 3}));
  CHECK(journal_blob_put(journal, &arena, S(""), &hash, &err) && hash.len == 64);
  CHECK(journal_blob_get(journal, &arena, hash, &text, &err) && text.len == 0);
  CHECK(!journal_blob_get(journal, &arena, S("none"), &text, NULL));

  bool exists;
  CHECK(journal_base_put(journal, plan, S("a"), S("one"), true, &err));
  CHECK(journal_base_put(journal, plan, S("a"), S("two"), true, &err));  // a base does not move
  CHECK(journal_base_put(journal, plan, S("new"), S(""), false, &err));
  CHECK(journal_base_put(journal, plan, S("empty"), S(""), true, &err));
  CHECK(journal_base_get(journal, &arena, plan, S("a"), &text, &exists, &err) && exists);
  CHECK_STR(text, S("one"));
  CHECK(journal_base_get(journal, &arena, plan, S("new"), &text, &exists, &err) && !exists &&
        !text.len);
  CHECK(journal_base_get(journal, &arena, plan, S("empty"), &text, &exists, &err) && exists &&
        !text.len);
  CHECK(!journal_base_get(journal, &arena, plan, S("none"), &text, &exists, NULL));
  CHECK(journal_base_reset(journal, plan, S("a"), S("three"), true, &err));
  CHECK(journal_base_get(journal, &arena, plan, S("a"), &text, &exists, &err));
  CHECK_STR(text, S("three"));
  teardown();
}

static AttemptRow attempt(const char *task, int64_t worst)
{
  return (AttemptRow){.plan = plan,
                      .task = str_from(task),
                      .phase = PHASE_EXECUTE,
                      .role = S("small"),
                      .provider = S("p"),
                      .model = S("m"),
                      .worst_case = worst};
}

static void finish(AttemptRow *row, int64_t cost, bool sent)
{
  row->cost = cost;
  row->sent = sent;
  row->usage = (AttemptUsage){10, 1, 2, 5, 3};
  row->usage_known = cost >= 0;
  CHECK(journal_attempt_finish(journal, row, cost >= 0 ? S("reply") : S(""), &err));
}

static void money(int64_t spent, int64_t lost, int64_t reserved, int64_t unpriced)
{
  PlanMoney got;
  CHECK(journal_money(journal, plan, &got, &err));
  CHECK_INT(got.spent, spent);
  CHECK_INT(got.lost, lost);
  CHECK_INT(got.reserved, reserved);
  CHECK_INT(got.unpriced, unpriced);
}

TEST(attempts_and_money)
{
  setup();
  money(0, 0, 0, 0);
  AttemptRow a = attempt("T01", 100), b = attempt("T01", 50), c = attempt("T02", -1),
             d = attempt("T02", 30);
  CHECK(journal_attempt_start(journal, &arena, &a, S("prompt a"), NULL, &err));
  CHECK(journal_attempt_start(journal, &arena, &b, S("prompt b"), NULL, &err));
  CHECK(journal_attempt_start(journal, &arena, &c, S("prompt c"), NULL, &err));
  CHECK(journal_attempt_start(journal, &arena, &d, S("prompt d"), NULL, &err));
  money(0, 0, 180, 1);
  finish(&a, 60, true);
  money(60, 0, 80, 1);
  finish(&b, -1, true);  // the reply was lost: count the worst
  money(60, 50, 30, 1);
  finish(&c, -1, true);
  money(60, 50, 30, 1);
  finish(&d, -1, false);  // never left the machine
  money(60, 50, 0, 1);
  finish(&c, 7, true);  // the price became known
  money(67, 50, 0, 0);
  a.unsure = 40;  // its reply broke off
  finish(&a, 60, true);
  finish(&a, 60, true);
  money(67, 90, 0, 0);
  PlanMoney all;
  CHECK(journal_money_since(journal, 0, &all, &err) && all.spent == 67 && all.lost == 90);
  CostRowList costs = {0};
  CHECK(journal_cost(journal, &arena, plan, 0, COST_BY_PLAN, &costs, &err));
  CHECK(costs.items[0].open == 1 && costs.items[0].open_worst == 40);
  AttemptRowList list = {0};
  CHECK(journal_attempt_list(journal, &arena, plan, S("T01"), &list, &err) && list.len == 2);
  CHECK(journal_attempt_list(journal, &arena, plan, S(""), &list, &err) && list.len == 6);
  AttemptRow got;
  Str text;
  CHECK(journal_attempt_get(journal, &arena, a.id, &got, &err));
  CHECK(got.cost == 60 && got.sent && got.usage_known && got.usage.reasoning == 3 &&
        got.ended_ms > 0);
  CHECK(got.phase == PHASE_EXECUTE && got.outcome == ERR_OK);
  CHECK(journal_attempt_prompt(journal, &arena, got.id, &text, &err));
  CHECK_STR(text, S("prompt a"));
  CHECK(journal_attempt_reply(journal, &arena, got.id, &text, &err));
  CHECK_STR(text, S("reply"));
  CHECK(journal_attempt_get(journal, &arena, b.id, &got, &err) && !got.replied);
  CHECK(!journal_attempt_reply(journal, &arena, b.id, &text, NULL));
  CHECK(!journal_attempt_get(journal, &arena, 999, &got, NULL));
  got.id = 999;
  CHECK(!journal_attempt_finish(journal, &got, S("x"), NULL));
  teardown();
}

#define CAP(amount) (&(MoneyCaps){(amount), -1, 0})

TEST(the_budget_is_hard)
{
  setup();
  AttemptRow a = attempt("T01", 60), b = attempt("T02", 41), c = attempt("T03", 40),
             d = attempt("T04", -1);
  CHECK(journal_attempt_start(journal, &arena, &a, S("p"), CAP(100), &err));
  CHECK(!journal_attempt_start(journal, &arena, &b, S("p"), CAP(100), &err));  // 60 are in flight
  CHECK_INT(err.code, ERR_BUDGET);
  error_clear(&err);
  CHECK(journal_attempt_start(journal, &arena, &c, S("p"), CAP(100), &err));
  CHECK(journal_attempt_start(journal, &arena, &d, S("p"), CAP(100),
                              &err));  // unknown: the caller's question
  finish(&a, 1, true);
  CHECK(journal_attempt_start(journal, &arena, &b, S("p"), CAP(100), &err));
  CHECK(!journal_attempt_start(journal, &arena, &b, S("p"), CAP(0), NULL));
  money(1, 0, 81, 1);
  AttemptRow huge = attempt("T05", INT64_MAX);
  CHECK(!journal_attempt_start(journal, &arena, &huge, S("p"), CAP(100), NULL));
  teardown();
}

// Over all plans, whoever works on them: what is in flight and what was lost count.
TEST(the_budget_of_a_day_is_hard_too)
{
  setup();
  AttemptRow a = attempt("T01", 60), b = attempt("T01", 41), c = attempt("T01", 40),
             d = attempt("T02", 1);
  b.plan = d.plan = 2;
  c.plan = 3;
  MoneyCaps today = {-1, 100, 1}, tomorrow = {-1, 100, INT64_MAX};
  CHECK(journal_attempt_start(journal, &arena, &a, S("p"), &today, &err));
  CHECK(!journal_attempt_start(journal, &arena, &b, S("p"), &today, &err));
  CHECK_INT(err.code, ERR_BUDGET);
  error_clear(&err);
  CHECK(journal_attempt_start(journal, &arena, &c, S("p"), &today, &err));
  CHECK(!journal_attempt_start(journal, &arena, &d, S("p"), &today, NULL));
  CHECK(!journal_attempt_raise(journal, c.id, 41, &today, NULL));
  CHECK(journal_attempt_start(journal, &arena, &d, S("p"), &tomorrow, &err));
  finish(&a, -1, true);  // lost: it may have cost all of it
  CHECK(!journal_attempt_start(journal, &arena, &b, S("p"), &today, NULL));
  finish(&c, 9, true);
  PlanMoney all;
  CHECK(journal_money_since(journal, 1, &all, &err));
  CHECK_INT(all.spent, 9);
  CHECK_INT(all.lost, 60);
  CHECK_INT(all.reserved, 1);
  b.worst_case = 30;
  CHECK(journal_attempt_start(journal, &arena, &b, S("p"), &today, &err));
  teardown();
}

TEST(a_killed_engine_loses_no_money)
{
  setup();
  pid_t pid = fork();
  if (pid == 0) {
    Journal *own = journal_open(dir, NULL);
    AttemptRow a = attempt("T01", 100), b = attempt("T02", 20);
    journal_attempt_start(own, &arena, &a, S("p"), NULL, NULL);
    journal_attempt_start(own, &arena, &b, S("p2"), NULL, NULL);
    b.cost = 5;
    b.sent = true;
    journal_attempt_finish(own, &b, S("paid for"), NULL);
    kill(getpid(), SIGKILL);
  }
  waitpid(pid, NULL, 0);
  money(5, 0, 100, 0);
  int64_t settled = 0;
  CHECK(journal_attempts_settle(journal, plan, &settled, &err));
  CHECK_INT(settled, 1);
  money(5, 100, 0, 0);
  AttemptRowList rows = {0};
  CHECK(journal_attempt_list(journal, &arena, plan, STR_NONE, &rows, &err) && rows.len == 2);
  CHECK_STR(rows.items[0].prompt_hash, content_hash(&arena, S("p")));
  CHECK(!rows.items[0].replied);  // it has no reply
  CHECK_STR(rows.items[1].prompt_hash, content_hash(&arena, S("p2")));
  Str reply = STR_NONE;
  CHECK(rows.items[1].replied);
  CHECK(journal_attempt_reply(journal, &arena, rows.items[1].id, &reply, &err));
  CHECK_STR(reply, S("paid for"));
  CHECK_INT(rows.items[1].cost, 5);
  teardown();
}

// A journal of an older piecework, which kept prompts and replies among the blobs.
TEST(texts_of_older_attempts_are_found)
{
  setup();
  Str text;
  AttemptRowList rows = {0};
  char *old = path_join(&arena, str_from(dir), S("old"));
  CHECK(fs_mkdirs(old, &err));
  Store *store = store_open(path_join(&arena, str_from(old), S("journal.db")), &err);
  CHECK(store && store_migrate(store, NULL, journal_schema, 8, &err));
  const char *insert =
      "INSERT INTO attempt(plan, root, task, phase, role, provider, model, worst_case,"
      " prompt_hash, reply_hash, started_ms) VALUES(1, '', 'T01', 'execute', '', '', '', 5, ?, ?, "
      "1)";
  CHECK(store_run(store, &err, "INSERT INTO blob VALUES('p', 'asked', 1), ('r', 'said', 1)", ""));
  CHECK(store_run(store, &err, insert, "ss", S("p"), S("r")));
  CHECK(store_run(store, &err, insert, "ss", S("p"), S("")));
  store_close(store);
  Journal *other = journal_open(old, &err);
  CHECK(other && journal_attempt_list(other, &arena, 1, S("T01"), &rows, &err) && rows.len == 2);
  CHECK(rows.items[0].replied && !rows.items[1].replied);
  CHECK_STR(rows.items[1].prompt_hash, S("p"));
  CHECK(journal_attempt_prompt(other, &arena, rows.items[1].id, &text, &err));
  CHECK_STR(text, S("asked"));
  CHECK(journal_attempt_reply(other, &arena, rows.items[0].id, &text, &err));
  CHECK_STR(text, S("said"));
  CHECK(!journal_attempt_reply(other, &arena, rows.items[1].id, &text, NULL));
  AttemptRow more = attempt("T02", 1);
  CHECK(journal_attempt_start(other, &arena, &more, S("asked"), NULL, &err));
  PlanMoney money;
  CHECK(journal_money(other, 1, &money, &err));
  CHECK_INT(money.reserved, 11);
  journal_close(other);
  teardown();
}

TEST(tasks)
{
  setup();
  TaskRow t = {.plan = plan,
               .id = S("T01"),
               .executor = S("model"),
               .title = S("x"),
               .spec_hash = S("h"),
               .added = 3};
  CHECK(journal_task_put(journal, &t, &err));
  t.id = S("T02");
  t.state = TASK_RUNNING;
  t.note = S("soon");
  t.started_ms = 5;
  CHECK(journal_task_put(journal, &t, &err));
  AttemptRow a = attempt("T01", 10), b = attempt("T01", 10);
  CHECK(journal_attempt_start(journal, &arena, &a, S("p"), NULL, &err));
  finish(&a, 4, true);
  CHECK(journal_attempt_start(journal, &arena, &b, S("p"), NULL, &err));
  TaskRowList list = {0};
  CHECK(journal_task_list(journal, &arena, plan, &list, &err) && list.len == 2);
  TaskRow *first = &list.items[0], *second = &list.items[1];
  CHECK(first->attempts == 2 && first->cost == 4 && first->cost_known);
  CHECK(second->attempts == 0 && second->cost == 0);
  CHECK(second->state == TASK_RUNNING && second->started_ms == 5 && second->ended_ms == 0);
  CHECK_STR(second->note, S("soon"));
  finish(&b, -1, true);
  CHECK(journal_task_money(journal, first, &err) && !first->cost_known && first->cost == 4);
  CHECK(journal_task_drop(journal, plan, S("T02"), &err));
  list.len = 0;
  CHECK(journal_task_list(journal, &arena, plan, &list, &err) && list.len == 1);
  teardown();
}

TEST(costs)
{
  setup();
  PlanRow second = new_plan("/s");
  CHECK(journal_plan_new(journal, &second, &err));
  AttemptRow a = attempt("", 10), b = attempt("T01", 10), c = attempt("T02", -1),
             d = attempt("T01", 9);
  a.phase = PHASE_PLAN;
  a.model = S("large");
  d.plan = second.id;
  AttemptRow *all[] = {&a, &b, &c, &d};
  for (int i = 0; i < 4; i++)
    CHECK(journal_attempt_start(journal, &arena, all[i], S("p"), NULL, &err));
  finish(&a, 3, true);
  finish(&b, 5, true);
  finish(&c, -1, true);
  finish(&d, 1, true);
  CostRowList list = {0};
  CHECK(journal_cost(journal, &arena, plan, 0, COST_BY_PHASE, &list, &err) && list.len == 2);
  CHECK_STR(list.items[0].key, S("plan"));
  CHECK(list.items[0].cost == 3 && list.items[0].usage.fresh_in == 10);
  CHECK(list.items[1].attempts == 2 && list.items[1].unknown == 1 && list.items[1].usage.out == 5);
  list.len = 0;
  CHECK(journal_cost(journal, &arena, 0, 0, COST_BY_ROOT, &list, &err) && list.len == 2);
  CHECK_STR(list.items[1].key, S("/s"));
  list.len = 0;
  CHECK(journal_cost(journal, &arena, 0, 0, COST_BY_MODEL, &list, &err) && list.items[0].cost == 6);
  list.len = 0;
  CHECK(journal_cost(journal, &arena, 0, a.started_ms + 100000, COST_BY_PLAN, &list, &err) &&
        list.len == 0);
  CHECK(journal_cost(journal, &arena, 0, 0, COST_BY_PLAN, &list, &err) && list.len == 2);
  CHECK(journal_cost(journal, &arena, plan, 0, COST_BY_TASK, &list, &err) && list.len == 5);
  list.len = 0;
  CHECK(journal_cost(journal, &arena, 0, 0, COST_BY_DAY, &list, &err) && list.len == 1);
  CHECK(list.items[0].key.len == 10 && list.items[0].attempts == 4);
  teardown();
}

// Only prompts that were estimated and counted tell how good the estimates are.
TEST(estimates_beside_counts)
{
  setup();
  AttemptRow a = attempt("T01", 10), b = attempt("T02", 10), c = attempt("T03", 10), got;
  AttemptRow *all[] = {&a, &b, &c};
  for (int i = 0; i < 3; i++)
    CHECK(journal_attempt_start(journal, &arena, all[i], S("p"), NULL, &err));
  a.estimated_in = 8;
  b.estimated_in = 9;
  for (int i = 0; i < 3; i++) finish(all[i], 5, true);
  CHECK(journal_attempt_get(journal, &arena, a.id, &got, &err));
  CHECK_INT(got.estimated_in, 8);
  int64_t counted = got.usage.fresh_in + got.usage.cache_read + got.usage.cache_write;
  CostRowList list = {0};
  CHECK(journal_cost(journal, &arena, plan, 0, COST_BY_MODEL, &list, &err) && list.len == 1);
  CHECK_INT(list.items[0].compared, 2);
  CHECK_INT(list.items[0].estimated_in, 17);
  CHECK_INT(list.items[0].counted_in, 2 * counted);
  teardown();
}

TEST(patches_decisions_verdicts)
{
  setup();
  PatchRow rows[] = {{.path = S("a"), .change = FILE_EDIT},
                     {.path = S("n"), .change = FILE_NEW},
                     {.path = S("d"), .change = FILE_DELETE}};
  Str shown[] = {S("old"), S(""), S("gone")}, made[] = {S("new"), S(""), S("")};
  CHECK(journal_patch_set(journal, plan, S("T01"), rows, shown, made, 3, &err));
  CHECK(journal_patch_set(journal, plan, S("T02"), rows, shown, made, 1, &err));
  PatchRowList list = {0};
  Str text;
  CHECK(journal_patch_list(journal, &arena, plan, S(""), &list, &err) && list.len == 4);
  CHECK(list.items[0].change == FILE_EDIT);
  CHECK(journal_blob_get(journal, &arena, list.items[0].new_hash, &text, &err));
  CHECK_STR(text, S("new"));
  CHECK(list.items[1].new_hash.len == 0 && list.items[1].shown_hash.len == 64);  // deleted
  CHECK(list.items[2].shown_hash.len == 0 && list.items[2].new_hash.len == 64);  // new, empty
  CHECK(journal_patch_set(journal, plan, S("T01"), NULL, NULL, NULL, 0, &err));
  CHECK(journal_patch_list(journal, &arena, plan, S("T02"), &list, &err) && list.len == 5);

  DecisionRow decisions[] = {{.hunk = S("h1"), .task = S("T01"), .decision = DECISION_ACCEPTED},
                             {.hunk = S("h2"), .task = S("T01"), .decision = DECISION_REJECTED}};
  CHECK(journal_decision_set(journal, plan, decisions, 2, &err));
  StrList hunks = {0};
  PUSH(&arena, &hunks, S("h1"));
  CHECK(journal_decision_applied(journal, plan, &hunks, APPLIED_DONE, &err));
  decisions[0].decision = DECISION_NONE;
  CHECK(journal_decision_set(journal, plan, decisions, 1, &err));
  DecisionRowList decided = {0};
  CHECK(journal_decision_list(journal, &arena, plan, &decided, &err) && decided.len == 2);
  CHECK(decided.items[0].decision == DECISION_NONE && decided.items[0].applied == APPLIED_DONE);
  CHECK(decided.items[1].decision == DECISION_REJECTED &&
        decided.items[1].applied == APPLIED_PENDING);
  PUSH(&arena, &hunks, S("none"));
  CHECK(!journal_decision_applied(journal, plan, &hunks, APPLIED_REVERTED, NULL));
  decided.len = 0;
  CHECK(journal_decision_list(journal, &arena, plan, &decided, &err) &&
        decided.items[0].applied == APPLIED_DONE);

  VerdictRow v = {
      .task = S("T01"), .kind = VERDICT_REJECTED, .reason = S("r"), .path = S("a"), .line = 7};
  CHECK(journal_verdict_put(journal, plan, &v, &err));
  v.task = S("T02");
  CHECK(journal_verdict_put(journal, plan, &v, &err));
  v.kind = VERDICT_OK;
  CHECK(journal_verdict_put(journal, plan, &v, &err));
  VerdictRowList said = {0};
  CHECK(journal_verdict_list(journal, &arena, plan, &said, &err) && said.len == 2);
  CHECK(said.items[1].kind == VERDICT_OK && said.items[0].line == 7);
  teardown();
}

static Str schema_of(Store *store)
{
  StrList lines = {0};
  for (Query *q = store_query(store, &err,
                              "SELECT type, name, sql FROM sqlite_master ORDER BY type, name", "");
       query_next(q);) {
    Str type = query_str_dup(q, 0, &arena), name = query_str_dup(q, 1, &arena);
    PUSH(
        &arena, &lines,
        str_fmt(&arena, "%.*s %.*s: %.*s", STR_ARG(type), STR_ARG(name), STR_ARG(query_str(q, 2))));
  }
  return str_join(&arena, &lines, S("\n"));
}

// A journal that is made now is what the oldest one becomes.
TEST(newest_is_what_the_steps_come_to)
{
  setup();
  char *file = path_join(&arena, str_from(dir), S("stepped.db"));
  Store *stepped = store_open(file, &err);
  CHECK(stepped && store_migrate(stepped, NULL, journal_schema, journal_version, &err));
  Store *made = store_open(journal_path(journal).ptr, &err);
  Str schema = schema_of(made);
  CHECK(str_has(schema, S("CREATE TABLE plan(")));
  CHECK_STR(schema, schema_of(stepped));
  store_close(made);
  store_close(stepped);
  teardown();
}

// A journal of the time when verdicts had rounds keeps the newest of each task.
TEST(verdicts_without_rounds)
{
  setup();
  journal_close(journal);
  char *file = path_join(&arena, str_from(dir), S("journal.db"));
  CHECK(unlink(file) == 0);
  Store *old = store_open(file, &err);
  CHECK(old && store_migrate(old, NULL, journal_schema, 7, &err));
  for (int64_t round = 1; round <= 10; round += 9) {
    CHECK(store_run(old, &err, "INSERT INTO verdict VALUES(7, 'T01', ?, ?, 'r', '', ?)", "isi",
                    round, round == 1 ? S("rejected") : S("doubt"), round));
  }
  CHECK(store_run(old, &err, "INSERT INTO verdict VALUES(7, 'T02', 1, 'ok', '', 'a', 3)", ""));
  store_close(old);
  journal = journal_open(dir, &err);
  VerdictRowList said = {0};
  CHECK(journal && journal_verdict_list(journal, &arena, 7, &said, &err) && said.len == 2);
  CHECK(said.items[0].kind == VERDICT_DOUBT && said.items[0].line == 10);
  CHECK(said.items[1].kind == VERDICT_OK && said.items[1].line == 3);
  teardown();
}

TEST(log_trust_advice)
{
  setup();
  for (int i = 0; i < 5; i++) journal_log(journal, plan, S("task"), S("T01"), "line %d", i);
  LogRowList list = {0};
  CHECK(journal_log_list(journal, &arena, plan, 2, &list, &err) && list.len == 2);
  CHECK_STR(list.items[0].text, S("line 3"));
  CHECK(journal_log_list(journal, &arena, plan, 0, &list, &err) && list.len == 7);
  CHECK(!journal_trusted(journal, S("/r"), S("test"), S("make")));
  CHECK(journal_trust_add(journal, S("/r"), S("test"), S("make"), &err));
  CHECK(journal_trust_add(journal, S("/r"), S("test"), S("make"), &err));
  CHECK(journal_trusted(journal, S("/r"), S("test"), S("make")));
  CHECK(!journal_trusted(journal, S("/r"), S("test"), S("make ")));
  CHECK(!journal_trusted(journal, S("/r"), S("check"), S("make")));
  CHECK(!journal_trusted(journal, S("/x"), S("test"), S("make")));
  StrList trusted = {0};
  CHECK(journal_trust_list(journal, &arena, S("/r"), &trusted, &err) && trusted.len == 1);
  CHECK(!journal_advice_seen(journal, S("a")));
  CHECK(journal_advice_mark(journal, S("a"), &err) && journal_advice_mark(journal, S("a"), &err));
  CHECK(journal_advice_seen(journal, S("a")));
  teardown();
}

TEST(leases)
{
  setup();
  Str me = journal_holder(&arena), holder;
  Str other = S("elsewhere:123:x");
  CHECK(!str_eq(me, journal_holder(&arena)));
  CHECK(journal_lease_take(journal, plan, me, 60000, &err));
  CHECK(journal_lease_take(journal, plan, me, 60000, &err));  // again is fine
  CHECK(!journal_lease_take(journal, plan, other, 60000, &err));
  CHECK_INT(err.code, ERR_BUSY);
  CHECK(str_has(str_from(err.message), str_fmt(&arena, "process %d", (int)getpid())));
  error_clear(&err);
  CHECK(journal_lease_renew(journal, plan, me, 60000, &err));
  CHECK(!journal_lease_renew(journal, plan, other, 60000, NULL));
  CHECK(journal_lease_release(journal, plan, other, &err));  // not his: nothing happens
  CHECK(journal_lease_holder(journal, &arena, plan, &holder, &err));
  CHECK_STR(holder, me);
  CHECK(journal_lease_release(journal, plan, me, &err));
  CHECK(journal_lease_take(journal, plan, other, -1, &err));  // already run out
  CHECK(journal_lease_take(journal, plan, me, 60000, &err));
  CHECK(journal_lease_release(journal, plan, me, &err));
  CHECK(journal_lease_take(journal, plan, other, 60000, &err));
  CHECK(!journal_lease_take(journal, plan, me, 60000, NULL));  // alive for all we know
  teardown();
}

TEST(the_lease_of_a_dead_process_is_free)
{
  setup();
  pid_t pid = fork();
  if (pid == 0) {
    Journal *own = journal_open(dir, NULL);
    journal_lease_take(own, plan, journal_holder(&arena), 3600000, NULL);
    kill(getpid(), SIGKILL);
  }
  siginfo_t ended;
  Str holder;
  waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT);
  CHECK(journal_lease_holder(journal, &arena, plan, &holder, &err) &&
        holder.len == 0);  // a zombie, as under an editor that hangs
  waitpid(pid, NULL, 0);
  CHECK(journal_lease_holder(journal, &arena, plan, &holder, &err) &&
        holder.len == 0);  // nobody any more
  CHECK(journal_lease_take(journal, plan, journal_holder(&arena), 1000, &err));
  teardown();
}

// Writes fail from some point on, as on a disk that fills up: each call says so or is kept whole.
static void child_on_a_full_disk(rlim_t limit)
{
  signal(SIGXFSZ, SIG_IGN);
  Journal *own = journal_open(dir, NULL);
  setrlimit(RLIMIT_FSIZE, &(struct rlimit){limit, limit});
  char *reply = arena_alloc(&arena, 20000);
  memset(reply, 'r', 20000);
  int kept = 0;
  for (bool ok = own != NULL; ok && kept < 100; kept += ok) {
    AttemptRow a = attempt("T01", 10);
    reply[0] = (char)kept;
    ok = journal_attempt_start(own, &arena, &a, S("p"), NULL, NULL);
    a.cost = 1;
    a.sent = true;
    ok = ok && journal_attempt_finish(own, &a, (Str){reply, 20000}, NULL);
  }
  _exit(kept);
}

TEST(a_full_disk_keeps_what_was_said_to_be_kept)
{
  for (rlim_t limit = 200000; limit < 1000000; limit += 150000) {
    setup();
    pid_t pid = fork();
    if (pid == 0) child_on_a_full_disk(limit);
    int status = 0;
    waitpid(pid, &status, 0);
    int kept = WEXITSTATUS(status);
    CHECK(WIFEXITED(status) && kept < 100 && (kept > 0 || limit < 400000));
    AttemptRowList list = {0};
    CHECK(journal_attempt_list(journal, &arena, plan, S(""), &list, &err));
    int ended = 0;
    for (size_t i = 0; i < list.len; i++) ended += list.items[i].ended_ms > 0;
    CHECK_INT(ended, kept);
    money(kept, 0, list.len > (size_t)kept ? 10 : 0, 0);
    AttemptRow a = attempt("T02", 10);
    CHECK(journal_attempt_start(journal, &arena, &a, S("p"), NULL, &err));
    teardown();
  }
}

TEST(groups)
{
  setup();
  CHECK(journal_begin(journal, &err));
  CHECK(journal_fact_set(journal, plan, S("a"), S("1"), &err));
  CHECK(journal_base_put(journal, plan, S("p"), S("t"), true, &err));
  journal_log(journal, plan, S("k"), S(""), "x");
  journal_rollback(journal);
  Str text;
  bool exists;
  CHECK(journal_fact_get(journal, &arena, plan, S("a"), &text, &err) && text.len == 0);
  CHECK(!journal_base_get(journal, &arena, plan, S("p"), &text, &exists, NULL));
  CHECK(journal_begin(journal, &err));
  CHECK(journal_fact_set(journal, plan, S("a"), S("1"), &err));
  CHECK(journal_commit(journal, &err));
  CHECK(journal_fact_get(journal, &arena, plan, S("a"), &text, &err) && text.len == 1);
  teardown();
}

// A refused budget inside a group must not take the group down with it.
TEST(a_refusal_inside_a_group)
{
  setup();
  AttemptRow a = attempt("T01", 10), b = attempt("T02", 200);
  CHECK(journal_begin(journal, &err));
  CHECK(journal_attempt_start(journal, &arena, &a, S("p"), CAP(100), &err));
  CHECK(!journal_attempt_start(journal, &arena, &b, S("p"), CAP(100), NULL));
  CHECK(journal_commit(journal, &err));
  money(0, 0, 10, 0);
  teardown();
}

TEST(prune)
{
  setup();
  Str hash, text;
  bool exists;
  AttemptRow a = attempt("T01", 10), got;
  CHECK(journal_base_put(journal, plan, S("p"), S("base text"), true, &err));
  CHECK(journal_attempt_start(journal, &arena, &a, S("prompt"), NULL, &err));
  finish(&a, 8, true);
  CHECK(journal_blob_put(journal, &arena, S("loose"), &hash, &err));
  PlanRow live = new_plan("/live");
  CHECK(journal_plan_new(journal, &live, &err));
  PruneSpec all = {INT64_MAX, -1, 0}, young = {1000, -1, 0}, newest = {INT64_MAX, -1, 2},
            large = {0, 1 << 30, 0}, small = {0, 0, 0};
  Pruned done;
  CHECK(journal_prune(journal, &all, &done, &err));
  CHECK_INT(done.forgotten, 0);  // still open
  CHECK_INT(done.plans, 2);
  CHECK(journal_plan_set_state(journal, plan, PLAN_DONE, S(""), &err));
  PruneSpec not_now[] = {young, newest, large};
  for (int i = 0; i < 3; i++) {
    CHECK(journal_prune(journal, &not_now[i], &done, &err));
    CHECK_INT(done.forgotten, 0);  // too young, among the newest two, small enough
  }
  CHECK(done.bytes > 10000 && done.bytes < 1 << 20);
  CHECK(journal_prune(journal, &small, &done, &err));
  CHECK_INT(done.forgotten, 1);
  PlanRow row;
  CHECK(!journal_plan_get(journal, &arena, plan, &row, NULL));
  CHECK(journal_plan_get(journal, &arena, live.id, &row, &err));
  CHECK(!journal_base_get(journal, &arena, plan, S("p"), &text, &exists, NULL));
  CHECK(journal_attempt_get(journal, &arena, a.id, &got, &err));
  CHECK(got.prompt_hash.len == 0 && !got.replied && got.cost == 8);
  CHECK(!journal_attempt_prompt(journal, &arena, a.id, &text, NULL));
  CHECK(!journal_attempt_reply(journal, &arena, a.id, &text, NULL));
  CostRowList costs = {0};
  CHECK(journal_cost(journal, &arena, 0, 0, COST_BY_ROOT, &costs, &err) && costs.len == 1);
  CHECK_STR(costs.items[0].key, S("/r"));
  CHECK(journal_blob_get(journal, &arena, hash, &text, &err));  // young: somebody may need it
  teardown();
}

TEST_MAIN
