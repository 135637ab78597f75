// The verifier's diff: moves as moves, repeated changes once, everything else in full.
#include "tap.h"

#include "work/brief_diff.h"

static Arena arena;

static Str shown(const CombinedFile *files, size_t count)
{
  const CombinedFile **list = NEW_N(&arena, const CombinedFile *, count);
  for (size_t i = 0; i < count; i++) list[i] = &files[i];
  BriefDiff *diff = brief_diff_new(&arena, list, count);
  Buf out;
  buf_init(&out, 1 << 20);
  for (size_t i = 0; i < count; i++) brief_diff_file(diff, i, &out);
  brief_diff_end(diff, &out);
  Str text = str_dup(&arena, buf_str(&out));
  buf_deinit(&out);
  return text;
}

static CombinedFile file(const char *path, const char *base, const char *text)
{
  return (CombinedFile){.path = str_from(path),
                        .base = str_from(base),
                        .text = str_from(text),
                        .existed = base != NULL,
                        .exists = text != NULL};
}

static const char moved[] =
    "def first(a):\n    return compute(a)\n\n\ndef second(b):\n    return other(b)\n";

TEST(moves_are_named)
{
  Str old = str_fmt(&arena, "import os\n\n%skeep = 1\n", moved);
  Str made = str_fmt(&arena, "import compute\n%s", moved);
  CombinedFile files[] = {file("a.py", str_z(&arena, old), "import os\n\nkeep = 1\n"),
                          file("b.py", NULL, str_z(&arena, made))};
  CHECK_STR(shown(files, 2), S("=== a.py\n@@ 3 @@\n-[lines 3-8 go to b.py:2-7]\n keep = 1\n"
                               "=== b.py (new)\n@@ 1 @@\n+import compute\n+[lines 3-8 of a.py]\n"));
}

TEST(a_moved_line_that_changed_is_shown)
{
  Str old = str_fmt(&arena, "%s%skeep = 1\n", moved, "x_long_line = 1\ny_long_line = 2\n");
  Str made = str_fmt(&arena, "%s%s", moved, "x_long_line = 666\ny_long_line = 2\n");
  CombinedFile files[] = {file("a.py", str_z(&arena, old), "keep = 1\n"),
                          file("b.py", NULL, str_z(&arena, made))};
  Str text = shown(files, 2);
  CHECK(str_has(text, S("-x_long_line = 1\n")) && str_has(text, S("+x_long_line = 666\n")));
  CHECK(str_has(text, S("-[lines 1-6 go to b.py:1-6]\n")));
}

TEST(equal_changes_are_shown_once)
{
  CombinedFile files[] = {file("a.c", "1\nold();\n2\n", "1\nnew();\n2\n"),
                          file("b.c", "3\nold();\n4\n", "3\nnew();\n4\n"),
                          file("c.c", "5\n5\nold();\n6\n", "5\n5\nnew();\n6\n"),
                          file("d.c", "old();\n", "news();\n")};
  CHECK_STR(shown(files, 4), S("=== a.c\n@@ 2 @@\n 1\n-old();\n+new();\n 2\n"
                               "=== d.c\n@@ 1 @@\n-old();\n+news();\n"
                               "[the same change as at a.c:2: 2 more: b.c:2, c.c:3]\n"));
}

static const char head[] =
    "import os\nimport sys\nimport unittest\n\nsys.path.insert(0, os.path.dirname(os.path.dirname("
    "__file__)))\nfrom lib.shorten import dedent, fill\n\n\n";

TEST(lines_said_before_are_named)
{
  Str one = str_fmt(&arena, "# one\n%sfirst_line = 1\n", head);
  Str two = str_fmt(&arena, "# two\n\n%ssecond_line = 2\n%s", head, head);
  CombinedFile files[] = {file("a.py", NULL, str_z(&arena, one)),
                          file("b.py", NULL, str_z(&arena, two)),
                          file("c.py", str_z(&arena, one), "kept\n")};
  CHECK_STR(shown(files, 2),
            str_fmt(&arena, "=== a.py (new)\n@@ 1 @@\n+# one\n+import os\n+import sys\n+import unittest\n+\n"
                            "+sys.path.insert(0, os.path.dirname(os.path.dirname(__file__)))\n"
                            "+from lib.shorten import dedent, fill\n+\n+\n+first_line = 1\n"
                            "=== b.py (new)\n@@ 1 @@\n+# two\n+\n+[again lines 2-9 of a.py]\n+second_line = 2\n"
                            "+[again lines 2-9 of a.py]\n"));
  // what went is another matter than what came, and a few lines are no row
  CHECK(!str_has(shown(&files[2], 1), S("again")));
  CombinedFile few[] = {file("a.py", NULL, "import os\nimport sys\nx = 1\n"),
                        file("b.py", NULL, "import os\nimport sys\ny = 2\n")};
  CHECK(!str_has(shown(few, 2), S("again")));
}

TEST(what_was_cut_is_not_referred_to)
{
  Str one = str_fmt(&arena, "# one\n%s", head), two = str_fmt(&arena, "# two\n%s", head);
  CombinedFile files[] = {file("a.py", NULL, str_z(&arena, one)),
                          file("b.py", NULL, str_z(&arena, two))};
  const CombinedFile *list[] = {&files[0], &files[1]};
  for (int how = 0; how < 2; how++) {
    BriefDiff *diff = brief_diff_new(&arena, list, 2);
    Buf out;
    buf_init(&out, 1 << 20);
    brief_diff_file(diff, 0, &out);
    how ? brief_diff_end(diff, &out) : brief_diff_forget(diff);
    brief_diff_file(diff, 1, &out);
    CHECK(!str_has(buf_str(&out), S("again")));
    buf_deinit(&out);
  }
}

TEST(kinds_of_files)
{
  CombinedFile files[] = {file("gone.c", "a\n", NULL), file("was.c", "a\nb\n", "a\nc\n")};
  files[1].renamed_from = S("old.c");
  CHECK_STR(shown(files, 2), S("=== gone.c (deleted)\n@@ 1 @@\n-a\n"
                               "=== was.c (was old.c)\n@@ 2 @@\n a\n-b\n+c\n"));
}

TEST_MAIN
