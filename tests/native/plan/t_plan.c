// The plan file: reading, writing, expanding, checking.
#include "tap.h"

#include <sys/stat.h>
#include <unistd.h>

#include "lib/fs.h"
#include "plan/plan.h"
#include "plan/plan_fields.h"

static Arena arena;
static Plan plan;
static PlanProblemList problems;

static bool parse(const char *text)
{
  arena_reset(&arena);
  problems = (PlanProblemList){0};
  return plan_parse(&arena, str_from(text), &plan, &problems);
}

static const TaskSpec *task(size_t i)
{
  return &plan.tasks.items[i];
}

static const char *problem(size_t i)
{
  return i < problems.len ? str_z(&arena, problems.items[i].text) : "(none)";
}

static bool problem_at(int line, const char *part)
{
  for (size_t i = 0; i < problems.len; i++) {
    if (problems.items[i].line == line && str_has(problems.items[i].text, str_from(part)))
      return true;
  }
  return false;
}

static const char design[] =
    "---\n"
    "id: 12\n"
    "title: rename cfg_get to config_get\n"
    "request: rename function cfg_get to config_get; keep macros\n"
    "budget: 0.60\n"
    "test: make check            # runs only after `trust`\n"
    "---\n"
    "## T01 [pilot] src/net.c: rename the calls\n"
    "files: src/net.c:80-140     # may write (a range narrows it; `new` marks a file to create)\n"
    "read: src/config.h:1-60     # sent verbatim as context, not written\n"
    "after:                      # task ids\n"
    "executor: model             # model | substitute | move\n"
    "accept: cfg_get no longer occurs; file compiles\n"
    "check: cc -fsyntax-only src/net.c     # runs only after `trust`\n"
    "Replace every call of cfg_get(...) with config_get(...). ...\n";

TEST(the_design_example_reads)
{
  CHECK(parse(design));
  CHECK_INT(problems.len, 0);
  CHECK_INT(plan.id, 12);
  CHECK_INT(plan.budget, 600000000);
  CHECK_STR(plan.test, S("make check"));
  CHECK_STR(plan.request, S("rename function cfg_get to config_get; keep macros"));
  CHECK_INT(plan.tasks.len, 1);
  CHECK(task(0)->pilot);
  CHECK_STR(task(0)->title, S("src/net.c: rename the calls"));
  CHECK_STR(task(0)->files.items[0].path, S("src/net.c"));
  CHECK_INT(task(0)->files.items[0].range.first, 80);
  CHECK_INT(task(0)->files.items[0].range.last, 140);
  CHECK_INT(task(0)->after.len, 0);
  CHECK_INT(task(0)->accept.len, 2);
  CHECK_STR(task(0)->accept.items[1], S("file compiles"));
  CHECK_STR(task(0)->check, S("cc -fsyntax-only src/net.c"));
  CHECK_STR(task(0)->body, S("Replace every call of cfg_get(...) with config_get(...). ..."));
}

TEST(format_and_parse_are_inverse)
{
  CHECK(parse(design));
  Str once = plan_format(&arena, &plan);
  Plan again;
  PlanProblemList none = {0};
  CHECK(plan_parse(&arena, once, &again, &none));
  CHECK_STR(plan_format(&arena, &again), once);
  CHECK_INT(none.len, 0);
}

TEST(crlf_and_bom)
{
  CHECK(
      parse("\xef\xbb\xbf---\r\ntitle: x\r\n---\r\n## T1 a\r\nfiles: a.c\r\n\r\nBody\r\nmore\r\n"));
  CHECK_STR(plan.title, S("x"));
  CHECK_STR(task(0)->body, S("Body\nmore"));
}

TEST(no_front_matter_and_a_preamble)
{
  CHECK(parse("# My plan\n\nSome words.\n\n## T01 one\nfiles: a\n\ndo it\n"));
  CHECK_STR(plan.preamble, S("# My plan\n\nSome words."));
  CHECK_INT(plan.budget, NANO_UNKNOWN);
}

TEST(titles_keep_their_colons_and_hashes)
{
  CHECK(parse("---\ntitle: a: b: c #3\n---\n## T01: fix: the `x: y` case\nfiles: a\n\nb\n"));
  CHECK_STR(plan.title, S("a: b: c #3"));
  CHECK_STR(task(0)->title, S("fix: the `x: y` case"));
}

TEST(file_refs)
{
  struct {
    const char *text, *path;
    size_t first, last;
    bool is_new;
  } rows[] = {
      {"a.c", "a.c", 0, 0, false},
      {"a.c:7", "a.c", 7, 7, false},
      {"a.c:7-9", "a.c", 7, 9, false},
      {"a.c new", "a.c", 0, 0, true},
      {"my file.c:1-2", "my file.c", 1, 2, false},
      {"\"my file.c\":3-4 new", "my file.c", 3, 4, true},
      {"\"odd:12\"", "odd:12", 0, 0, false},
      {"a:b/c.d", "a:b/c.d", 0, 0, false},
      {"\"brand new\"", "brand new", 0, 0, false},
      {"\"comma, \\\"q\\\".c\"", "comma, \"q\".c", 0, 0, false},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    FileRef ref, again;
    Error err = {0};
    CHECK(file_ref_parse(&arena, str_from(rows[i].text), &ref, &err));
    CHECK_STR(ref.path, str_from(rows[i].path));
    CHECK_INT(ref.range.first, rows[i].first);
    CHECK_INT(ref.range.last, rows[i].last);
    CHECK_INT(ref.is_new, rows[i].is_new);
    Str text = file_ref_format(&arena, &ref);
    CHECK(file_ref_parse(&arena, text, &again, &err));
    CHECK_STR(again.path, ref.path);
    CHECK_STR(file_ref_format(&arena, &again), text);
  }
}

TEST(bad_file_refs)
{
  const char *bad[] = {"", "a.c:0-4", "a.c:9-3", "\"open", "\"a\"x", "a.c:99999999999999999999"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    FileRef ref;
    Error err = {0};
    CHECK(!file_ref_parse(&arena, str_from(bad[i]), &ref, &err));
    CHECK(err.message[0]);
  }
}

TEST(lists_may_be_long_or_tall)
{
  CHECK(
      parse("## T01 x\nfiles: a.c, b.c:1-2, \"c, d.c\"\nread:\n  - e.c:1\n  - f.c\nafter: T02, T03 "
            "T04\n\nb\n"));
  CHECK_INT(task(0)->files.len, 3);
  CHECK_STR(task(0)->files.items[2].path, S("c, d.c"));
  CHECK_INT(task(0)->read.len, 2);
  CHECK_INT(task(0)->read.items[1].line, 5);
  CHECK_INT(task(0)->after.len, 3);
}

TEST(an_unindented_list)
{
  CHECK(parse("## T01 x\nfiles:\n- a.c\n- b.c:1-2\nread:\n- c.c\n\n- first\n"));
  CHECK_INT(task(0)->files.len, 2);
  CHECK_INT(task(0)->files.items[1].line, 4);
  CHECK_STR(task(0)->read.items[0].path, S("c.c"));
  CHECK_STR(task(0)->body, S("- first"));
  CHECK(parse("## T01 x\nfiles: a.c\n- first\n- second\n"));
  CHECK_INT(task(0)->files.len, 1);
  CHECK_STR(task(0)->body, S("- first\n- second"));
}

TEST(rules_repeat_and_may_be_quoted)
{
  CHECK(parse("## T01 x\nfiles: a\naccept: one; \"two; still two\"\naccept: three\n\nb\n"));
  CHECK_INT(task(0)->accept.len, 3);
  CHECK_STR(task(0)->accept.items[1], S("two; still two"));
}

TEST(patterns_keep_their_backslashes)
{
  CHECK(parse(
      "## T01 x\nexecutor: substitute\nfiles: a\npattern: \\bcfg_get\\(\nreplace: \"\\tx\\n\"\n"
      "except: #define\nword: yes\n"));
  CHECK_STR(task(0)->pattern, S("\\bcfg_get\\("));
  CHECK_STR(task(0)->replace, S("\tx\n"));
  CHECK_STR(task(0)->except, S("#define"));
  CHECK(task(0)->word);
  Str text = plan_format(&arena, &plan);
  Plan again;
  CHECK(plan_parse(&arena, text, &again, &problems));
  CHECK_STR(again.tasks.items[0].replace, S("\tx\n"));
  CHECK_STR(again.tasks.items[0].except, S("#define"));
}

TEST(an_empty_replacement_is_one)
{
  CHECK(parse("## T01 x\nexecutor: substitute\nfiles: a\npattern: foo\nreplace:\n"));
  CHECK(task(0)->replace.ptr != NULL);
  CHECK(plan_check(&arena, &plan, NULL, &problems));
}

TEST(fields_without_their_heading_are_told)
{
  CHECK(parse("## T01 x\nfiles: a.c\nDo it.\n\nfiles: b.c\naccept: x\n\nThe other.\n"));
  CHECK_INT(problems.len, 1);
  CHECK(problems.items[0].warning && problem_at(5, "part of the text above"));
  CHECK(parse("---\nid: 1\n---\n\neach:\n  - a.c\nx\n## T02 y\nfiles: b.c\nDo it.\n"));
  CHECK(problem_at(5, "part of the text above"));
  CHECK(parse("## T01 x\nfiles: a.c\nAs in\n```\nfiles: b.c\n```\nof these files: all\n"));
  CHECK_INT(problems.len, 0);
}

TEST(unknown_keys_are_kept_with_a_warning)
{
  CHECK(parse("---\ntitel: x\n---\n## T01 x\nfiles: a\nacept: y\nowner: me\n\nb\n"));
  CHECK_INT(problems.len, 3);
  CHECK(problem_at(2, "did you mean `title`"));
  CHECK(problem_at(6, "did you mean `accept`"));
  CHECK(problems.items[2].warning);
  Str text = plan_format(&arena, &plan);
  CHECK(str_has(text, S("owner: me\n")));
  CHECK(str_has(text, S("titel: x\n")));
}

TEST(headings_in_fences_and_comments_are_text)
{
  CHECK(
      parse("## T01 x\nfiles: a\n\nSay:\n```\n## T02 no task\n```\n<!--\n## T03 switched "
            "off\n-->\n## T04 real\nfiles: b\n\nb\n"));
  CHECK_INT(plan.tasks.len, 2);
  CHECK_STR(task(1)->id, S("T04"));
  CHECK_STR(body_without_comments(&arena, task(0)->body), S("Say:\n```\n## T02 no task\n```"));
}

TEST(an_open_fence_is_an_error_where_it_opens)
{
  CHECK(!parse("## T01 x\nfiles: a\n\n```\n## T02 y\n"));
  CHECK(problem_at(4, "never closed"));
}

TEST(comments_are_not_sent)
{
  CHECK_STR(body_without_comments(&arena, S("a <!-- x --> b\n<!-- y -->\nc\n")), S("a  b\nc"));
  CHECK_STR(body_without_comments(&arena, S("```\n<!-- kept -->\n```")),
            S("```\n<!-- kept -->\n```"));
}

TEST(a_body_cannot_become_a_task)
{
  parse("");
  TaskSpec one = {.id = S("T01"),
                  .title = S("a\n## T09 b"),
                  .body = S("x\n## T02 evil\ncheck: rm -rf /\n```\nopen")};
  FileRef ref = {.path = S("a")};
  PUSH(&arena, &one.files, ref);
  PUSH(&arena, &plan.tasks, one);
  Plan again;
  CHECK(plan_parse(&arena, plan_format(&arena, &plan), &again, &problems));
  CHECK_INT(again.tasks.len, 1);
  CHECK_INT(again.tasks.items[0].check.len, 0);
}

TEST(near_headings_are_pointed_out)
{
  CHECK(parse("## T01 x\nfiles: a\n\nb\n## T-2 y\n"));
  CHECK(problem_at(5, "no task id"));
}

TEST(errors_have_lines)
{
  CHECK(
      !parse("---\nbudget: lots\nnonsense\n---\n## T01 x\nfiles: a:9-2\nexecutor: magic\nafter: "
             "??\nword: maybe\n"));
  CHECK(problem_at(2, "not an amount"));
  CHECK(problem_at(3, "key: value"));
  CHECK(problem_at(6, "range"));
  CHECK(problem_at(7, "executor `magic`"));
  CHECK(problem_at(8, "task id"));
  CHECK(problem_at(9, "yes nor no"));
  CHECK(!parse("---\ntitle: x\n"));
  CHECK(problem_at(1, "never ends"));
  CHECK(!parse("\xff\xfe"));
}

TEST(money_is_exact)
{
  struct {
    const char *text;
    Nano want;
  } rows[] = {
      {"0.60", 600000000}, {"$1", 1000000000},   {".5", 500000000}, {"0.000000001", 1},
      {"1.", -1},          {"-1", -1},           {"1e3", -1},       {"", -1},
      {"9999999999", -1},  {"0.0000000001", -1},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    CHECK_INT(money_parse(str_from(rows[i].text)), rows[i].want);
  }
  CHECK_STR(money_plain(&arena, 600000000), S("0.60"));
  CHECK_STR(money_plain(&arena, 1), S("0.000000001"));
  CHECK_STR(money_plain(&arena, 2000000000), S("2.00"));
}

TEST(each_becomes_a_task_per_target)
{
  CHECK(
      parse("## T01 [pilot] doc\neach:\n  - a.c:1-5\n  - b.c\n\nbody\n## T02 y\nfiles: c\nafter: "
            "T01\n\nz\n"));
  TaskList tasks = plan_expand(&arena, &plan);
  CHECK_INT(tasks.len, 3);
  CHECK_STR(tasks.items[0].id, S("T01.1"));
  CHECK_STR(tasks.items[0].title, S("doc: a.c:1-5"));
  CHECK(tasks.items[0].pilot && !tasks.items[1].pilot);
  CHECK_INT(tasks.items[1].files.len, 1);
  CHECK_STR(tasks.items[1].files.items[0].path, S("b.c"));
  CHECK_INT(tasks.items[2].after.len, 2);
  CHECK_STR(tasks.items[2].after.items[1], S("T01.2"));
  CHECK(plan_task(&tasks, S("T01.2")) == &tasks.items[1]);
  CHECK(plan_task(&tasks, S("T01")) == NULL);
}

TEST(a_move_writes_both_ends)
{
  CHECK(parse("## T01 m\nexecutor: move\nfrom: a.c:3-9\nto: b.c:4\n"));
  CHECK_INT(task(0)->to_line, 4);
  TaskList tasks = plan_expand(&arena, &plan);
  CHECK_INT(tasks.items[0].files.len, 2);
  CHECK_STR(tasks.items[0].files.items[1].path, S("b.c"));
}

TEST(the_hash_follows_the_work)
{
  CHECK(
      parse("## T01 a\nfiles: a\n\nb <!-- note -->\n## T02 [pilot] a\nfiles: a\nafter: T01\nmodel: "
            "big\n\nb\n## T03 a\nfiles: a\n\nc\n"));
  CHECK_STR(task_spec_hash(&arena, task(0)), task_spec_hash(&arena, task(1)));
  CHECK(!str_eq(task_spec_hash(&arena, task(0)), task_spec_hash(&arena, task(2))));
}

TEST(a_replacement_is_checked_with_its_pattern)
{
  CHECK(parse(
      "## T01 a\nexecutor: substitute\nfiles: a\npattern: (foo) # no comment\nreplace: $2\n"
      "## T02 b\nexecutor: substitute\nfiles: a\npattern: (?<x>foo)|(b)\nreplace: ${x}$2 $$5 "
      "\\U$1\\E${3:+a:b}\nword: yes\n## T03 c\nexecutor: substitute\nfiles: a\npattern: "
      "foo\nreplace: "
      "${y}\n## T04 d\nexecutor: substitute\nfiles: a\npattern: (?x) (f) # one\nreplace: $1$0\n"
      "## T05 e\nexecutor: substitute\nfiles: a\npattern: f\nreplace: $\n"));
  CHECK(!plan_check(&arena, &plan, NULL, &problems));
  CHECK(problem_at(5, "T01: `replace: $2`: unknown substring"));
  CHECK(problem_at(10, "T02: `replace: ${x}$2 $$5 \\U$1\\E${3:+a:b}`: unknown substring"));
  CHECK(problem_at(16, "T03: `replace: ${y}`: unknown substring"));
  CHECK(problem_at(26, "T05: `replace: $`: "));
  CHECK_INT(problems.errors, 4);
}

TEST(checks_without_a_project)
{
  CHECK(
      parse("## T01 a\nfiles: a\nafter: T03\n\nb\n## T02 a\nfiles: a\nafter: T01\n\nb\n## T03 "
            "a\nfiles: a\nafter: T02, T09\n\nb\n"
            "## T03 twin\nfiles: a\n\nb\n## T05 empty\nfiles: ../up\n## T06 s\nexecutor: "
            "substitute\npattern: (\n## T07 m\nexecutor: move\nfrom: a\n"));
  CHECK(!plan_check(&arena, &plan, NULL, &problems));
  CHECK(problem_at(8, "circle: T01 -> T03 -> T02 -> T01"));
  CHECK(problem_at(13, "T09, which is not in the plan"));
  CHECK(problem_at(16, "twice"));
  CHECK(problem_at(20, "says nothing to do"));
  CHECK(problem_at(21, "named from the project's root"));
  CHECK(problem_at(22, "lacks `replace:`"));
  CHECK(problem_at(25, "lacks `from"));
  CHECK(problem_at(25, "lacks `to"));
  parse("nothing\n");
  CHECK(!plan_check(&arena, &plan, NULL, &problems));
  CHECK_STR(str_from(problem(0)),
            S("the plan has no task: a task starts with a line like `## T01 title`"));
}

TEST(a_long_chain_is_no_recursion)
{
  arena_reset(&arena);
  problems = (PlanProblemList){0};
  StrList parts = {0};
  for (int i = 1; i <= 4000; i++) {
    Str one = str_fmt(&arena, "## T%d x\nfiles: a\nafter: T%d\n\nb\n", i, i + 1);
    PUSH(&arena, &parts, one);
  }
  Str last = S("## T4001 x\nfiles: a\n\nb\n");
  PUSH(&arena, &parts, last);
  CHECK(plan_parse(&arena, str_join(&arena, &parts, S("")), &plan, &problems));
  CHECK(plan_check(&arena, &plan, NULL, &problems));
}

static char root[] = "/tmp/t_plan_XXXXXX";

static void write_file(const char *name, const char *text)
{
  Error err = {0};
  char *path = path_join(&arena, str_from(root), str_from(name));
  CHECK(fs_write_atomic(path, str_from(text), 0644, &err));
}

TEST(checks_against_a_project)
{
  CHECK(mkdtemp(root) != NULL);
  write_file("a.c", "1\n2\n3\n");
  write_file(".env", "KEY=1\n");
  Error err = {0};
  Project *project = project_open(root, &err);
  CHECK(project != NULL);
  if (!project) return;
  CHECK(
      parse("## T01 a\nfiles: a.c:2-3, n.c new\n\nb\n"
            "## T02 a\nfiles: a.c:2-9\n\nb\n"
            "## T03 a\nfiles: n.c\n\nb\n"
            "## T04 a\nfiles: n.c\nafter: T01\n\nb\n"
            "## T05 a\nfiles: gone.c\n\nb\n"
            "## T06 a\nfiles: a.c new\n\nb\n"
            "## T07 a\nfiles: .env\n\nb\n"));
  CHECK(!plan_check(&arena, &plan, project, &problems));
  CHECK(problem_at(6, "has 3 lines"));
  CHECK(problem_at(10, "add `after: T01`"));
  CHECK(problem_at(19, "does not exist"));
  CHECK(problem_at(23, "is there already"));
  CHECK(problem_at(27, "cannot be used"));
  CHECK_INT(problems.errors, 5);
  project_free(project);
  CHECK(fs_remove_tree(root, &err));
}

TEST_MAIN
