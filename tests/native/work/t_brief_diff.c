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
  CHECK_STR(shown(files, 2), S("=== a.py\n@@ 3 @@\n \n-[lines 3-8 go to b.py:2-7]\n keep = 1\n"
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

TEST(kinds_of_files)
{
  CombinedFile files[] = {file("gone.c", "a\n", NULL), file("was.c", "a\nb\n", "a\nc\n")};
  files[1].renamed_from = S("old.c");
  CHECK_STR(shown(files, 2), S("=== gone.c (deleted)\n@@ 1 @@\n-a\n"
                               "=== was.c (was old.c)\n@@ 2 @@\n a\n-b\n+c\n"));
}

TEST_MAIN
