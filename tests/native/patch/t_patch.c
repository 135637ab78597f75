// t_patch.c: replies made into new texts: the common cases of each rule, and the refusals.
#include "tap.h"

#include "help.h"

static const char code[] =
    "#include <stdio.h>\n"
    "\n"
    "int one(void)\n"
    "{\n"
    "  return 1;\n"
    "}\n"
    "\n"
    "int two(void)\n"
    "{\n"
    "  return 2;\n"
    "}\n";

#define CODE str_from(code)

TEST(exact_block)
{
  Try *t = try_new();
  Str got =
      patched(t, CODE, S("int one(void)\n{\n  return 1;\n"), S("int one(void)\n{\n  return 11;\n"));
  CHECK(str_has(got, S("  return 11;\n}\n\nint two")));
  CHECK_INT(t->out.files.items[0].tier, TIER_EXACT);
  CHECK_INT(t->out.files.items[0].hunks.len, 1);
  CHECK_INT(t->out.files.items[0].hunks.items[0].old_start, 5);
  CHECK_STR(hunks_apply(&t->arena, CODE, &t->out.files.items[0].hunks), got);
  try_free(t);
}

TEST(nothing_is_guessed_between_equal_places)
{
  Try *t = try_new();
  CHECK_STR(patched(t, S("a\nx\nb\nx\nc\n"), S("x\n"), S("y\n")), S("!ambiguous"));
  CHECK_INT(t->out.refusals.items[0].line, 2);
  try_free(t);
}

TEST(a_range_decides_between_equal_places)
{
  Try *t = try_new();
  try_file(t, "a.c", S("a\nx\n1\n2\n3\n4\n5\n6\n7\nb\nx\nc\n"))->range = (Range){10, 12};
  try_reply(t, S("a.c\n<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE\n"));
  CHECK_STR(try_text(t), S("a\nx\n1\n2\n3\n4\n5\n6\n7\nb\ny\nc\n"));
  try_free(t);
}

TEST(outside_the_range_is_refused)
{
  Try *t = try_new();
  try_file(t, "a.c", S("a\nx\n1\n2\n3\n4\n5\n6\n7\nb\nz\nc\n"))->range = (Range){10, 12};
  try_reply(t, S("a.c\n<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE\n"));
  CHECK_STR(try_text(t), S("!out_of_range"));
  try_free(t);
}

TEST(equal_blocks_for_equal_places)
{
  Try *t = try_new();
  try_file(t, "a.c", S("a\nx\nb\nx\nc\n"));
  Str block = S("a.c\n<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE\n");
  try_reply(t, str_cat(&t->arena, block, block));
  CHECK_STR(try_text(t), S("a\ny\nb\ny\nc\n"));
  try_free(t);
}

TEST(context_keeps_the_files_bytes)
{
  Try *t = try_new();
  Str got = patched(t, S("if (a)  \n\tb();\t\nc();\n"), S("if (a)\n\tb();\nc();\n"),
                    S("if (a)\n\tb();\nd();\n"));
  CHECK_STR(got, S("if (a)  \n\tb();\t\nd();\n"));
  CHECK_INT(t->out.files.items[0].tier, TIER_TRAILING);
  try_free(t);
}

TEST(blanks_that_the_reply_added_at_line_ends_are_not_written)
{
  Try *t = try_new();
  CHECK_STR(patched(t, S("a\nb\nc\n"), S("a  \nb  \nc\n"), S("a  \nB  \nc\n")), S("a\nB\nc\n"));
  try_free(t);
}

TEST(outdented_block)
{
  Try *t = try_new();
  Str file = S("class A:\n    def f(self):\n        return 1\n");
  Str got = patched(t, file, S("def f(self):\n    return 1\n"),
                    S("def f(self):\n    if x:\n        return 2\n    return 1\n"));
  CHECK_STR(
      got,
      S("class A:\n    def f(self):\n        if x:\n            return 2\n        return 1\n"));
  CHECK_INT(t->out.files.items[0].tier, TIER_INDENT);
  try_free(t);
}

TEST(tabs_in_the_file_spaces_in_the_reply)
{
  Try *t = try_new();
  Str got = patched(t, S("f()\n{\n\tif (a) {\n\t\tb();\n\t}\n}\n"),
                    S("    if (a) {\n        b();\n    }\n"),
                    S("    if (a) {\n        if (c)\n            b();\n    }\n"));
  CHECK_STR(got, S("f()\n{\n\tif (a) {\n\t\tif (c)\n\t\t\tb();\n\t}\n}\n"));
  try_free(t);
}

TEST(spaces_in_the_file_tabs_in_the_reply)
{
  Try *t = try_new();
  Str got =
      patched(t, S("f:\n  a:\n    b\n"), S("f:\n\ta:\n\t\tb\n"), S("f:\n\ta:\n\t\tb\n\t\t\tc\n"));
  CHECK_STR(got, S("f:\n  a:\n    b\n      c\n"));
  try_free(t);
}

TEST(only_the_first_line_lost_its_indentation)
{
  Try *t = try_new();
  Str got = patched(t, S("{\n    a();\n    b();\n}\n"), S("a();\n    b();\n"),
                    S("z();\n    b();\n    c();\n"));
  CHECK_STR(got, S("{\n    z();\n    b();\n    c();\n}\n"));
  try_free(t);
}

TEST(line_ends_follow_the_file)
{
  Try *t = try_new();
  CHECK_STR(patched(t, S("a\r\nb\r\nc\r\n"), S("a\nb\n"), S("a\nB\nB2\n")),
            S("a\r\nB\r\nB2\r\nc\r\n"));
  CHECK_STR(patched(t, S("a\r\nb\nc\r\n"), S("b\n"), S("B\n")), S("a\r\nB\nc\r\n"));
  try_free(t);
}

static Str rewritten(Try *t, Str text, Str lines)
{
  t->spec.len = 0;
  try_file(t, "a.c", text)->may_rewrite = true;
  try_reply(
      t, str_fmt(&t->arena, "a.c\n<<<<<<< SEARCH\n=======\n%.*s>>>>>>> REPLACE\n", STR_ARG(lines)));
  return try_text(t);
}

TEST(a_file_written_anew_keeps_its_line_ends)
{
  Try *t = try_new();
  CHECK_STR(rewritten(t, S("a\r\nb\r\nc\r\n"), S("a\nB\nB2\nc\nd\n")),
            S("a\r\nB\r\nB2\r\nc\r\nd\r\n"));
  CHECK_STR(rewritten(t, S("a\r\nb\r\n"), S("x\ny\nz\n")), S("x\r\ny\r\nz\r\n"));
  CHECK_STR(rewritten(t, S("a\r\nb\nc\r\nd\n"), S("a\nb\nC\nd\n")), S("a\r\nb\nC\r\nd\n"));
  CHECK_STR(rewritten(t, S("a\r\nb\r\nc\n"), S("b\nc\n")), S("b\r\nc\n"));
  CHECK_STR(rewritten(t, S("a\nb"), S("a\nb\nc\n")), S("a\nb\nc"));
  CHECK_STR(rewritten(t, S("a\r\nb"), S("b\nc\n")), S("b\r\nc"));
  CHECK_STR(rewritten(t,
                      S("\xef\xbb\xbf"
                        "a\r\nb\r\n"),
                      S("a\nB\n")),
            S("\xef\xbb\xbf"
              "a\r\nB\r\n"));
  CHECK_INT(t->out.files.items[0].hunks.len, 1);
  CHECK_STR(rewritten(t, S("a\r\nb\r\n"), S("a\nb\n")), S("!unchanged"));
  CHECK_STR(rewritten(t, S("a\nb\n"), S("a\nB\n")), S("a\nB\n"));
  try_free(t);
}

TEST(a_new_file_of_a_diff_has_no_b_in_front)
{
  Try *t = try_new();
  t->spec.may_create = true;
  try_reply(t, S("--- /dev/null\n+++ b/src/new.c\n@@ -0,0 +1 @@\n+x\n"));
  CHECK_STR(t->out.files.items[0].path, S("src/new.c"));
  try_file(t, "b/old.c", S("x\n"));  // there is a directory b
  t->out = (PatchResult){0};
  try_reply(t, S("--- /dev/null\n+++ b/src/new.c\n@@ -0,0 +1 @@\n+x\n"));
  CHECK_STR(t->out.files.items[0].path, S("b/src/new.c"));
  t->spec.len = 0;
  t->out = (PatchResult){0};
  try_reply(t, S("b/new.c\n<<<<<<< SEARCH\n=======\nx\n>>>>>>> REPLACE\n"));  // no diff
  CHECK_STR(t->out.files.items[0].path, S("b/new.c"));
  try_free(t);
}

TEST(no_newline_at_the_end_stays)
{
  Try *t = try_new();
  CHECK_STR(patched(t, S("a\nb"), S("b\n"), S("B\n")), S("a\nB"));
  CHECK_STR(patched(t, S("a\nb"), S("a\nb\n"), S("a\nb\nc\n")), S("a\nb\nc"));
  CHECK_STR(patched(t, S("a\nb"), S("a\nb\n"), S("a\n")), S("a"));
  try_free(t);
}

TEST(byte_order_mark_stays)
{
  Try *t = try_new();
  CHECK_STR(patched(t,
                    S("\xef\xbb\xbf"
                      "a\nb\n"),
                    S("a\nb\n"), S("A\nb\n")),
            S("\xef\xbb\xbf"
              "A\nb\n"));
  CHECK_STR(patched(t,
                    S("\xef\xbb\xbf"
                      "a\nb\n"),
                    S("a\nb\n"), S("b\n")),
            S("\xef\xbb\xbf"
              "b\n"));
  CHECK_STR(patched(t,
                    S("\xef\xbb\xbf"
                      "a\nb\n"),
                    S("a\nb\n"), S("x\na\nb\n")),
            S("\xef\xbb\xbf"
              "x\na\nb\n"));
  try_free(t);
}

TEST(foreign_bytes_stay_outside_and_are_refused_inside)
{
  Try *t = try_new();
  CHECK_STR(patched(t, S("\xff\nb\nc\n"), S("b\n"), S("B\n")), S("\xff\nB\nc\n"));
  CHECK_STR(patched(t, S("a\nb \xff x\nc\n"), S("a\nc\n"), S("c\n")), S("!not_found"));
  try_free(t);
}

TEST(new_file)
{
  Try *t = try_new();
  t->spec.may_create = true;
  try_reply(t, S("lib/new.py\n<<<<<<< SEARCH\n=======\nx = 1\n>>>>>>> REPLACE\n"));
  CHECK_STR(try_text(t), S("x = 1\n"));
  CHECK_INT(t->out.files.items[0].change, FILE_NEW);
  try_free(t);
}

TEST(paths)
{
  static const struct {
    const char *line, *want;
  } cases[] = {
      {"src/net.c", "B"},
      {"### `src/net.c`:", "B"},
      {"File: src/net.c", "B"},
      {"net.c", "B"},
      {"./src/net.c", "B"},
      {"a/src/net.c", "B"},
      {"repo/src/net.c", "B"},
      {"src/nets.c", "B"},
      {"SRC/Net.c", "B"},
      {"src/other.c", "!not_listed"},
      {"../src/net.c", "!path_outside"},
      {"/etc/passwd", "!path_outside"},
      {"/srv/some dir/src/net.c", "!path_outside"},
      {"../some dir/src/net.c", "!path_outside"},
      {"~/some dir/net.c", "!path_outside"},
      {"C:\\some dir\\net.c", "!path_outside"},
      {".git/config", "!path_git"},
      {"src/.GIT/x.c", "!path_git"},
      {"Now the change itself", "B"},
      {"/dev/null is read no more", "B"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    Try *t = try_new();
    try_file(t, "src/net.c", S("b\n"));
    try_reply(t, str_fmt(&t->arena, "%s\n<<<<<<< SEARCH\nb\n=======\nB\n>>>>>>> REPLACE\n",
                         cases[i].line));
    Str got = str_trim(try_text(t));
    if (!str_eq(got, str_from(cases[i].want)))
      printf("# for the path line \"%s\"\n", cases[i].line);
    CHECK_STR(got, str_from(cases[i].want));
    try_free(t);
  }
}

TEST(bare_replacement_of_a_range)
{
  static const struct {
    const char *reply, *want;
  } cases[] = {
      {"```c\nint two(void)\n{\n  return 22;\n}\n```\n", "  return 22;"},
      {"int two(void)\n{\n  return 22;\n}\n", "  return 22;"},
      {"```\nint three(void)\n{\n  return 3;\n```\n", "!not_found"},
      {"I would write int two(void) so that it returns 22.\n", "!no_block"},
      {"```\nint two(void)\n{\n  // ... existing code ...\n  x();\n}\n```\n", "!elided"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    Try *t = try_new();
    try_file(t, "a.c", CODE)->range = (Range){8, 11};
    try_reply(t, str_from(cases[i].reply));
    Str got = try_text(t);
    CHECK(cases[i].want[0] == '!' ? str_eq(got, str_from(cases[i].want))
                                  : str_has(got, str_from(cases[i].want)));
    try_free(t);
  }
}

TEST(a_name_that_fits_two_files_is_refused)
{
  Try *t = try_new();
  try_file(t, "src/net.c", S("b\n"));
  try_file(t, "lib/net.c", S("b\n"));
  try_reply(t, S("net.c\n<<<<<<< SEARCH\nb\n=======\nB\n>>>>>>> REPLACE\n"));
  CHECK_STR(try_text(t), S("!ambiguous"));
  try_free(t);
}

TEST(a_draft_may_be_followed_by_abstaining)
{
  Try *t = try_new();
  try_file(t, "a.c", S("b\n"));
  try_reply(t, S("<think>\nperhaps\n</think>\n\nNOTHING TO CHANGE\n"));
  CHECK(t->out.abstained);
  try_free(t);
}

TEST(abstaining)
{
  Try *t = try_new();
  try_file(t, "a.c", S("b\n"));
  try_reply(t, S("NOTHING TO CHANGE: it is done already\n"));
  CHECK(t->out.abstained);
  CHECK_INT(t->out.refusals.len, 0);
  try_free(t);
}

TEST(whole_replies_refused)
{
  static const struct {
    const char *reply, *want;
  } cases[] = {
      {"a.c\n<<<<<<< SEARCH\nb\n=======\nB\n", "!truncated"},
      {"a.c\n<<<<<<< SEARCH\nb\n>>>>>>> REPLACE\n", "!malformed"},
      {"a.c\n<<<<<<< SEARCH\nb\n<<<<<<< SEARCH\nb\n=======\nB\n>>>>>>> REPLACE\n", "!malformed"},
      {">>>>>>> REPLACE\n", "!malformed"},
      {"Sorry, I cannot do that.\n", "!no_block"},
      {"", "!no_block"},
      {"a.c\n<<<<<<< SEARCH\nb\n=======\nB\xff\n>>>>>>> REPLACE\n", "!not_text"},
      {"a.c\n<<<<<<< SEARCH\nb\n=======\nb\n>>>>>>> REPLACE\n", "!unchanged"},
      {"a.c\n<<<<<<< SEARCH\n=======\nB\n>>>>>>> REPLACE\n", "!file_exists"},
      {"a.c\n<<<<<<< SEARCH\nb\n=======\n>>>>>>> REPLACE\n", "!emptied"},
      {"a.c\n<<<<<<< SEARCH\nb\n=======\n<<<<<<< HEAD\nb\n>>>>>>> x\n>>>>>>> REPLACE\n",
       "!conflict_markers"},
      {"a.c\n<<<<<<< SEARCH\nb\n=======\n// ... rest of the code unchanged ...\nB\n>>>>>>> "
       "REPLACE\n",
       "!elided"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    Try *t = try_new();
    try_file(t, "a.c", S("b\n"));
    try_reply(t, str_from(cases[i].reply));
    if (!str_eq(try_text(t), str_from(cases[i].want)))
      printf("# for the reply\n# %s\n", cases[i].reply);
    CHECK_STR(try_text(t), str_from(cases[i].want));
    try_free(t);
  }
}

// "..." is Python's empty body, and what a lazy model leaves out.
TEST(dots_are_code_or_a_placeholder)
{
  static const struct {
    const char *file, *search, *replace, *want;
  } cases[] = {
      // a new class with an empty body
      {"class A:\n    x = 1\n", "class A:\n    x = 1\n",
       "class A:\n    x = 1\n\nclass B:\n    ...\n", "class A:\n    x = 1\n\nclass B:\n    ...\n"},
      // another stub like the one above
      {"def f(a):\n    ...\n", "def f(a):\n    ...\n", "def f(a):\n    ...\n\ndef f(a):\n    ...\n",
       "def f(a):\n    ...\n\ndef f(a):\n    ...\n"},
      // dots of another kind than those that the file has
      {"def f(a):\n    ...\n\ndef g(a):\n    return a\n", "def f(a):\n    ...\n\ndef g(a):\n",
       "def f(a):\n/* ... */\n\ndef g(a):\n", "!elided"},
      // the class moves, and its body would be gone
      {"def d():\n    return 1\n\nclass W:\n    kind = bytes\n\nclass R:\n    kind = bytes\n",
       "def d():\n    return 1\n\nclass W:\n    kind = bytes\n\nclass R:\n    kind = bytes\n",
       "def d():\n    return 1\n    more()\n\n\nclass W:\n    ...\nclass R:\n    kind = bytes\n",
       "!elided"},
      // a heading is replaced by another, and may be meant to follow
      {"# Log\n\n## 1.0\n\n\n### New\n\n", "# Log\n\n## 1.0\n\n\n### New\n\n",
       "# Log\n\n## 1.1\n\n\n### Fixed\n\n* a thing\n\n    ...\n\n### New\n\n", "!elided"},
      // the dots stand for an import
      {"\"\"\"\nA remark.\n\"\"\"\n\nimport os\n\ni = 1\n",
       "\"\"\"\nA remark.\n\"\"\"\n\nimport os\n\ni = 1\n",
       "\"\"\"\nA remark.\nMore of it.\n\"\"\"\n\"\"\"\n\n    ...\ni = 1\n", "!elided"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    Try *t = try_new();
    try_file(t, "a.py", str_from(cases[i].file));
    try_reply(t, str_fmt(&t->arena, "a.py\n<<<<<<< SEARCH\n%s=======\n%s>>>>>>> REPLACE\n",
                         cases[i].search, cases[i].replace));
    CHECK_STR(try_text(t), str_from(cases[i].want));
    try_free(t);
  }
}

TEST(good_blocks_stay_as_a_partial_result)
{
  Try *t = try_new();
  try_file(t, "a.c", S("a\nb\n"));
  try_reply(t, S("a.c\n<<<<<<< SEARCH\na\n=======\nA\n>>>>>>> REPLACE\n<<<<<<< "
                 "SEARCH\nnone\n=======\nA\n>>>>>>> REPLACE\n"));
  CHECK_INT(t->out.refusals.len, 1);
  CHECK_INT(t->out.refusals.items[0].block, 2);
  CHECK_STR(t->out.files.items[0].new_text, S("A\nb\n"));
  try_free(t);
}

TEST(overlapping_blocks_count_not_at_all)
{
  Try *t = try_new();
  try_file(t, "a.c", S("a\nb\nc\n"));
  try_reply(t, S("a.c\n<<<<<<< SEARCH\na\nb\n=======\nA\nB\n>>>>>>> REPLACE\n<<<<<<< "
                 "SEARCH\nb\nc\n=======\nX\nc\n>>>>>>> REPLACE\n"));
  CHECK_STR(try_text(t), S("!overlap"));
  CHECK_INT(t->out.files.len, 0);
  try_free(t);
}

TEST(a_unified_diff_is_a_reply)
{
  Try *t = try_new();
  try_file(t, "a.c", S("a\nb\nc\n"));
  try_reply(t, S("Here it is:\n```diff\n--- a/a.c\n+++ b/a.c\n@@ -1,3 +1,4 @@\n a\n-b\n+B\n+B2\n "
                 "c\n```\nDone.\n"));
  CHECK_STR(try_text(t), S("a\nB\nB2\nc\n"));
  try_free(t);
}

// A line number counts only in a diff that a tool has made: one that knows how many lines it has.
TEST(line_numbers_of_a_diff)
{
  static const struct {
    const char *head, *text;
  } rows[] = {{"@@ -5,2 +5,2 @@", "x\ny\na\nb\nx\nz\n"}, {"@@ -5,7 +5,9 @@", "!ambiguous"}};
  for (size_t i = 0; i < 2; i++) {
    Try *t = try_new();
    try_file(t, "a.c", S("x\ny\na\nb\nx\ny\n"));
    try_reply(t, str_fmt(&t->arena, "```diff\n--- a/a.c\n+++ b/a.c\n%s\n x\n-y\n+z\n```\n",
                         rows[i].head));
    CHECK_STR(try_text(t), str_from(rows[i].text));
    try_free(t);
  }
}

TEST(a_reply_that_was_cut_does_not_count_whole)
{
  Try *t = try_new();
  t->spec.reply_cut = true;
  CHECK_STR(patched(t, S("a\nb\n"), S("a\n"), S("A\n")), S("!truncated"));
  CHECK_INT(t->out.refusals.len, 1);
  CHECK_INT(t->out.files.len, 1);  // what was good may stay as a part
  try_free(t);
}

TEST(other_dialects_of_diffs)
{
  static const char *const replies[] = {
      "*** Begin Patch\n*** Update File: a.c\n@@\n a\n-b\n+B\n c\n*** End Patch\n",
      "*** Update File: a.c\n a\n-b\n+B\n",
      "`a.c`\n```diff\n@@ -1,9 +1,9 @@ somewhere\n a\n-b\n+B\n\n```\n",
      "diff --git a/a.c b/a.c\nindex 123..456 100644\n--- a/a.c\n+++ b/a.c\n@@ -1,3 +1,3 @@\n "
      "a\n-b\n+B\n c\n",
      "--- a.c\t2026-01-01 00:00\n+++ a.c\t2026-01-01 00:01\n@@ -2 +2 @@\n-b\n+B\n",
  };
  for (size_t i = 0; i < sizeof(replies) / sizeof(*replies); i++) {
    Try *t = try_new();
    try_file(t, "a.c", S("a\nb\nc\n"));
    try_reply(t, str_from(replies[i]));
    CHECK_STR(try_text(t), S("a\nB\nc\n"));
    try_free(t);
  }
  Try *t = try_new();
  t->spec.may_create = true;
  try_reply(t, S("*** Begin Patch\n*** Add File: n.py\n+x = 1\n+y = 2\n*** End Patch\n"));
  CHECK_STR(try_text(t), S("x = 1\ny = 2\n"));
  try_free(t);
}

TEST(fences_and_chatter_and_thinking)
{
  Try *t = try_new();
  try_file(t, "a.c", S("a\nb\nc\n"));
  try_reply(t, S("<think>\na.c\n<<<<<<< SEARCH\na\n=======\nWRONG\n>>>>>>> "
                 "REPLACE\n</think>\nSure! `a.c`\n\n```c\n"
                 "<<<<<<< SEARCH\nb\n=======\nB\n>>>>>>> REPLACE\n```\nThat is all.\n"));
  CHECK_STR(try_text(t), S("a\nB\nc\n"));
  try_free(t);
}

TEST(dividers_in_the_text)
{
  Try *t = try_new();
  Str file = S("Title\n=======\ntext\nmore\n");
  CHECK_STR(patched(t, file, S("Title\n=======\ntext\n"), S("Title\n=======\nTEXT\n")),
            S("Title\n=======\nTEXT\nmore\n"));
  CHECK_STR(patched(t, file, S("more\n"), S("Next\n=======\nmore\n")),
            S("Title\n=======\ntext\nNext\n=======\nmore\n"));
  CHECK_STR(patched(t, file, S("Title\n=======\nwrong\n"), S("Title\n=======\nTEXT\n")),
            S("!ambiguous"));
  try_free(t);
}

TEST_MAIN
