// Selectors: syntax, what they find, and that a plan keeps what it found; placeholders of targets.
#include "tap.h"

#include <sys/stat.h>
#include <unistd.h>

#include "lib/fs.h"
#include "plan/ctags.h"
#include "plan/placeholder.h"
#include "plan/scope.h"
#include "plan/selector.h"

static char base[] = "/tmp/t_selector_XXXXXX";
static Arena arena;
static Project *project;

static void put(const char *name, const char *text)
{
  Error err = {0};
  char *path = path_join(&arena, str_from(base), str_from(name));
  fs_mkdirs(str_z(&arena, path_dir(str_from(path))), &err);
  if (!fs_write_atomic(path, str_from(text), 0644, &err)) printf("# %s\n", err.message);
}

// "a.py:1-2 b.c" of what [text] finds, or the error in brackets.
static Str found(const char *text, size_t max)
{
  FileRefList refs = {0};
  Error err = {0};
  StrList list = {0};
  if (!selector_targets(project, &arena, str_from(text), max, &refs, &err))
    return str_fmt(&arena, "[%s]", err.message);
  for (size_t i = 0; i < refs.len; i++) {
    CHECK(refs.items[i].selected);
    PUSH(&arena, &list, file_ref_format(&arena, &refs.items[i]));
  }
  return str_join(&arena, &list, S(" "));
}

static const char python[] =
    "import os\n"                       // 1
    "\n"                                // 2
    "def short():\n"                    // 3
    "    \"\"\"One line.\"\"\"\n"       // 4
    "    return 1\n"                    // 5
    "\n"                                // 6
    "class Long(object):\n"             // 7
    "    '''First.\n"                   // 8
    "\n"                                // 9
    "def not_code():\n"                 // 10: inside the string
    "    last\n"                        // 11
    "    '''\n"                         // 12
    "\n"                                // 13
    "    async def method(self,\n"      // 14
    "                     b=(1, 2),\n"  // 15
    "    ):\n"                          // 16
    "        r\"\"\"Do it.\n"           // 17
    "\n"                                // 18
    "        Slowly.\"\"\"\n"           // 19
    "        return b\n"                // 20
    "\n"                                // 21
    "x = short()\n";                    // 22

static const char c_source[] =
    "#include <a.h>\n"                     // 1
    "\n"                                   // 2
    "// What it does,\n"                   // 3
    "// in two lines.\n"                   // 4
    "static int f(int a)\n"                // 5
    "{\n"                                  // 6
    "  return cfg_get(a);\n"               // 7
    "}\n"                                  // 8
    "\n"                                   // 9
    "/* A block\n"                         // 10
    "int g(void)\n"                        // 11
    "*/\n"                                 // 12
    "struct S {\n"                         // 13
    "  int a;\n"                           // 14
    "};\n"                                 // 15
    "int declared(int a);\n"               // 16
    "int h(void) {\n"                      // 17
    "  return cfg_get(1) + cfg_get(2);\n"  // 18
    "}\n";                                 // 19

TEST(parts_of_a_text)
{
  CHECK_STR(found("functions in *.py", 9), S("src/a.py:3-5 src/a.py:14-20"));
  CHECK_STR(found("classes in *.py", 9), S("src/a.py:7-20"));
  CHECK_STR(found("docstrings in *.py", 9), S("src/a.py:4 src/a.py:8-12 src/a.py:17-19"));
  CHECK_STR(found("docstrings in *.py longer than 3 lines", 9), S("src/a.py:8-12"));
  CHECK_STR(found("functions in src/**/*.c", 9), S("src/deep/b.c:5-8 src/deep/b.c:17-19"));
  CHECK_STR(found("classes in *.c", 9), S("src/deep/b.c:13-15"));
  CHECK_STR(found("docstrings in *.c", 9), S("src/deep/b.c:3-4 src/deep/b.c:10-12"));
}

// The functions around "PATH[:A-B] ...", or the error in brackets.
static Str functions_of(const char *places, size_t max)
{
  FileRefList refs = {0}, out = {0};
  StrList list = {0};
  Error err = {0};
  for (Str rest = str_from(places), word; str_cut(&rest, ' ', &word);) {
    FileRef ref;
    CHECK(file_ref_parse(&arena, word, &ref, &err));
    PUSH(&arena, &refs, ref);
  }
  if (!scope_functions(project, &arena, &refs, max, &out, &err))
    return str_fmt(&arena, "[%s]", err.message);
  for (size_t i = 0; i < out.len; i++) PUSH(&arena, &list, file_ref_format(&arena, &out.items[i]));
  return str_join(&arena, &list, S(" "));
}

TEST(functions_around_places)
{
  CHECK_STR(functions_of("src/a.py:4", 9), S("src/a.py:3-5"));
  CHECK_STR(functions_of("src/a.py:15 src/a.py:4 src/a.py:16-18 src/a.py:4", 9),
            S("src/a.py:14-20 src/a.py:3-5"));                                    // each once
  CHECK_STR(functions_of("src/a.py:4-16", 9), S("src/a.py:3-5 src/a.py:14-20"));  // all it touches
  CHECK_STR(functions_of("src/deep/b.c", 9), S("src/deep/b.c:5-8 src/deep/b.c:17-19"));
  CHECK_STR(functions_of("src/a.py:1 no/such.c:3", 9), S("src/a.py:1 no/such.c:3"));  // in none
  put("nested.py", "def outer():\n    def inner():\n        pass\n    return inner\n");
  CHECK_STR(functions_of("nested.py:3", 9), S("nested.py:2-3"));
  CHECK_STR(functions_of("nested.py:1-3 nested.py", 9), S("nested.py:1-4"));
  CHECK(str_starts(functions_of("src/a.py src/deep/b.c", 3), S("[the scope is more than 3")));
  unlink(path_join(&arena, str_from(base), S("nested.py")));
}

// ---- ctags --------------------------------------------------------------------------------------

static const char cpp[] =
    "namespace n {\n"                          // 1
    "class B {\n"                              // 2
    " public:\n"                               // 3
    "  // Says so.\n"                          // 4
    "  template <class T>\n"                   // 5
    "  bool has(T a) const\n"                  // 6
    "  {\n"                                    // 7
    "    auto f = [](int x) { return x; };\n"  // 8
    "    return f(1) == a;\n"                  // 9
    "  }\n"                                    // 10
    "  int size_ = 0;\n"                       // 11
    "};\n"                                     // 12
    "}  // namespace n\n";                     // 13

static char *path_before;

// A PATH with nothing but [script] as ctags; NULL = nothing at all.
static void only_ctags(const char *script)
{
  if (!path_before) path_before = strdup(getenv("PATH"));
  char *dir =
      path_join(&arena, str_from(base), str_fmt(&arena, "bin%zu", script ? strlen(script) : 0));
  char *file = path_join(&arena, str_from(dir), S("ctags"));
  Error err = {0};
  fs_mkdirs(dir, &err);
  Str text = str_fmt(&arena, "#!/bin/sh\ncase \"$*\" in *features*) %s ;; *) %s ;; esac\n",
                     "printf 'json x\\ninteractive x\\n'", script ? script : "");
  if (script) fs_write_atomic(file, text, 0755, &err);
  if (script) chmod(file, 0755);
  setenv("PATH", dir, 1);
}

static void path_back(void)
{
  setenv("PATH", path_before, 1);
}

TEST(ctags_knows_where_definitions_stand)
{
  if (ctags_state(NULL) < CTAGS_PLAIN) {
    printf("# skipped: no universal-ctags here\n");
    return;
  }
  put("cpp/k.cpp", cpp);
  CHECK_STR(found("functions in cpp/*", 9), S("cpp/k.cpp:5-10"));
  CHECK_STR(found("docstrings in cpp/*", 9), S("cpp/k.cpp:4"));
  CHECK_STR(found("classes in cpp/*", 9), S("cpp/k.cpp:1-13 cpp/k.cpp:2-12"));
  // nobody's options are read: these would switch off every language
  char *home = getenv("HOME"), *before = strdup(home ? home : "/");
  put(".ctags.d/a.ctags", "--languages=-all\n");
  setenv("HOME", base, 1);
  CHECK(chdir(base) == 0);
  CHECK_STR(found("functions in cpp/*", 9), S("cpp/k.cpp:5-10"));
  CHECK(chdir("/") == 0);
  setenv("HOME", before, 1);
  free(before);
}

TEST(without_ctags_our_own_rules_find_them)
{
  only_ctags(NULL);
  CHECK_INT(ctags_state(NULL), CTAGS_MISSING);
  test_parts_of_a_text();
  path_back();
}

TEST(a_ctags_that_cannot_be_believed_is_not)
{
  static const char tag[] = "printf '{\"_type\":\"tag\",\"kind\":\"function\",\"name\":\"x\",";
  static const char end[] = "printf '{\"_type\":\"completed\"}\\n'";
  const char *const scripts[] = {
      "exit 1",
      "echo nonsense; kill -9 $$",
      str_fmt(&arena, "%s\"line\":1,\"end\":2}\\n'", tag).ptr,  // and no end of the file
      str_fmt(&arena, "%s\"line\":1,\"end\":99999999999}\\n'; %s; %s", tag, end, end).ptr,
      str_fmt(&arena, "%s\"line\":-1,\"end\":5}\\n'; %s; %s", tag, end, end).ptr,
      str_fmt(&arena, "%s\"line\":1,\"end\":2}\\n'; %s; %s; exit 3", tag, end, end).ptr,
      // more than is kept
      str_fmt(&arena,
              "i=0; while [ $i -lt 40000 ]; do echo %0500d; i=$((i+1)); done; "
              "%s\"line\":1,\"end\":2}\\n'; %s; %s",
              0, tag, end, end)
          .ptr,
  };
  for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
    only_ctags(scripts[i]);
    CHECK_INT(ctags_state(NULL), CTAGS_PLAIN);
    test_parts_of_a_text();
  }
  only_ctags(
      "printf "
      "'{\"_type\":\"tag\",\"kind\":\"function\",\"line\":2,\"end\":4}\\n{\"_type\":\"completed\"}"
      "\\n'");
  CHECK_STR(found("functions in src/a.py", 9), S("src/a.py:2-4"));  // that one is used
  path_back();
}

TEST(another_ctags_is_not_used)
{
  char *dir = path_join(&arena, str_from(base), S("other"));
  put("other/ctags", "#!/bin/sh\necho usage: ctags [-BFadtuwvx] >&2; exit 1\n");
  chmod(path_join(&arena, str_from(dir), S("ctags")), 0755);
  if (!path_before) path_before = strdup(getenv("PATH"));
  setenv("PATH", dir, 1);
  CHECK_INT(ctags_state(NULL), CTAGS_OTHER);
  test_parts_of_a_text();
  path_back();
}

TEST(files_and_lines)
{
  CHECK_STR(found("files in *.c *.py", 9), S("src/a.py src/deep/b.c"));
  CHECK_STR(found("files in *.c, *.py except src/deep/*", 9), S("src/a.py"));
  CHECK_STR(found("files in src/** longer than 20", 9), S("src/a.py"));
  CHECK_STR(found("file in * matching /cfg_get/", 9), S("src/deep/b.c"));
  CHECK_STR(found("lines in *.c matching /\\bcfg_get\\(/", 9),
            S("src/deep/b.c:4-10 src/deep/b.c:15-19"));
  CHECK_STR(found("lines in *.c matching /return|struct/", 9), S("src/deep/b.c:4-19"));
  CHECK_STR(found("lines in *.c matching \"cfg_get\" except /\\+/", 9), S("src/deep/b.c:4-10"));
  CHECK_STR(found("functions in *.c matching /cfg_get.*cfg_get/", 9), S("src/deep/b.c:17-19"));
}

TEST(numbers_in_paths)
{
  CHECK_STR(found("tests/test_{08..10}.py new", 9),
            S("tests/test_08.py new tests/test_09.py new tests/test_10.py new"));
  CHECK_STR(found("a{1..1}.c:3-4", 9), S("a1.c:3-4"));
  CHECK(!selector_is(S("a{b}.c")) && !selector_is(S("a{3..1}.c")) && !selector_is(S("files.c")));
  CHECK(selector_searches(S("functions in x")) && !selector_searches(S("a{1..2}.c")));
}

TEST(what_is_wrong_is_said)
{
  CHECK(str_has(found("functions in *.zig", 9), S("finds nothing")));
  CHECK(str_has(found("files in *", 1), S("more than 1 places")));
  CHECK(str_has(found("x{1..100}.py new", 50), S("more than 50")));
  CHECK(str_has(found("lines in *.c", 9), S("wants `matching")));
  CHECK(str_has(found("functions in longer than 3", 9), S("no files are named")));
  CHECK(str_has(found("functions in *.c longer than many", 9), S("a number of lines")));
  CHECK(str_has(found("functions in *.c matching /(/", 9), S("[")));
  // what may not be sent is not found
  CHECK(str_has(found("files in .env", 9), S("finds nothing")));
}

static Plan parse(const char *text)
{
  Plan plan;
  PlanProblemList problems = {0};
  CHECK(plan_parse(&arena, str_from(text), &plan, &problems));
  for (size_t i = 0; i < problems.len; i++) printf("# %.*s\n", STR_ARG(problems.items[i].text));
  return plan;
}

TEST(a_plan_keeps_its_selectors_and_what_they_found)
{
  Plan plan = parse(
      "## T01 [pilot] doc\neach: docstrings in *.py longer than 2\neach: src/deep/b.c:5-8\n\nDo.\n"
      "## T02 then\nafter: T01\nfiles: src/a.py\n\nDo.\n");
  PlanProblemList problems = {0};
  CHECK_INT(plan.tasks.items[0].select.len, 1);
  CHECK_INT(plan_expand(&arena, &plan).len, 2);  // nothing was looked for yet: T01.1 and T02
  CHECK(plan_select(&arena, &plan, project, 500, &problems));
  CHECK_INT(plan.tasks.items[0].each.len, 3);
  TaskList tasks = plan_expand(&arena, &plan);
  CHECK_INT(tasks.len, 4);
  CHECK_INT(tasks.items[3].after.len, 3);
  CHECK_STR(tasks.items[1].title, S("doc: src/a.py:8-12"));
  Str kept = plan_selected(&arena, &plan), text = plan_format(&arena, &plan);
  CHECK(str_has(text, S("each: docstrings in *.py longer than 2\n")));
  CHECK(!str_has(text, S("8-12")) && str_has(text, S("each: src/deep/b.c:5-8")));
  // the file changed meanwhile: what was found stays
  Plan again = parse(str_z(&arena, text));
  CHECK(plan_select_again(&arena, &again, kept));
  CHECK_INT(plan_expand(&arena, &again).len, 4);
  CHECK_STR(plan_selected(&arena, &again), kept);
  Plan other = parse("## T01 doc\neach: docstrings in *.py\n\nDo.\n");
  CHECK(!plan_select_again(&arena, &other, kept));
  CHECK(!plan_select(&arena, &other, project, 2, &problems));
  CHECK_INT(problems.items[problems.len - 1].line, 2);
}

TEST(targets_fill_their_placeholders)
{
  Plan plan = parse(
      "## T01 tests of {{stem}}\neach: src/a.py:3-5, src/deep/b.c\nread: {{ref}}, src/a.py:1\n"
      "files: tests/{{dir}}test_{{stem}}.{{ext}} new\naccept: contains: {{stem}}\n\n"
      "{{n}}: {{range}} of {{path}} ({{base}}), {{name}} and \\{{path}} stay.\n");
  PlanProblemList problems = {0};
  TaskList tasks = plan_expand(&arena, &plan);
  CHECK_STR(tasks.items[0].title, S("tests of a"));
  CHECK_STR(tasks.items[0].body,
            S("1: lines 3-5 of src/a.py (src/a), {{name}} and {{path}} stay."));
  CHECK_STR(tasks.items[1].body,
            S("2: the whole file of src/deep/b.c (src/deep/b), {{name}} and {{path}} stay."));
  CHECK_INT(tasks.items[0].files.len, 1);  // the target is only read
  CHECK_STR(tasks.items[1].files.items[0].path, S("tests/src/deep/test_b.c"));
  CHECK(tasks.items[1].files.items[0].is_new);
  CHECK_STR(file_ref_format(&arena, &tasks.items[0].read.items[0]), S("src/a.py:3-5"));
  CHECK_STR(tasks.items[1].accept.items[0], S("contains: b"));
  CHECK(plan_check(&arena, &plan, project, &problems));
  Plan clash =
      parse("## T01 t\neach: src/a.py, src/deep/b.c\nread: {{ref}}\nfiles: src/a.py new\n\nDo.\n");
  CHECK(!plan_check(&arena, &clash, project, &problems));
}

TEST(words_fill_theirs)
{
  Placeholders known;
  placeholders_of_words(&arena, S("  old  new keep it "), &known);
  CHECK_STR(placeholders_fill(&arena, S("{{1}} {{2}} {{3+}} {{4}} {{5|none}} {{arg}}"), &known),
            S("old new keep it it none old  new keep it"));
  CHECK_STR(placeholders_missing(S("{{1}} {{9|x}}"), &known), S(""));
  CHECK_STR(placeholders_missing(S("{{1}} {{6}}"), &known), S("6"));
  placeholders_of_words(&arena, S(""), &known);
  CHECK_STR(placeholders_fill(&arena, S("{{arg|one line}}{{2+|}}{{x}}{{"), &known),
            S("one line{{x}}{{"));
}

int main(int argc, char **argv)
{
  Error err = {0};
  if (!mkdtemp(base)) return 1;
  put("src/a.py", python);
  put("src/deep/b.c", c_source);
  put(".env", "KEY=1\n");
  project = project_open(base, &err);
  int failed = tap_main(argc, argv);
  project_free(project);
  fs_remove_tree(base, &err);
  arena_deinit(&arena);
  return failed;
}
