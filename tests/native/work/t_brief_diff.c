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
                               "=== b.py (new)\n+import compute\n+[lines 3-8 of a.py]\n"));
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
            str_fmt(&arena,
                    "=== a.py (new)\n+# one\n+import os\n+import sys\n+import unittest\n+\n"
                    "+sys.path.insert(0, os.path.dirname(os.path.dirname(__file__)))\n"
                    "+from lib.shorten import dedent, fill\n+\n+\n+first_line = 1\n"
                    "=== b.py (new)\n+# two\n+\n+[again lines 2-9 of a.py]\n+second_line = 2\n"
                    "+[again lines 2-9 of a.py]\n"));
  // what went is another matter than what came, and a few lines are no row
  CHECK(!str_has(shown(&files[2], 1), S("again")));
  CombinedFile few[] = {file("a.py", NULL, "import os\nimport sys\nx = 1\n"),
                        file("b.py", NULL, "import os\nimport sys\ny = 2\n")};
  CHECK(!str_has(shown(few, 2), S("again")));
}

static const char cases[] =
    "class A:\n\n    def test_1(self):\n        result = wrap('aaa bbb ccc', 7)\n        "
    "check(result, ['aaa bbb', "
    "'ccc'])\n\n    def test_2(self):\n        result = wrap('aaa bbb ccc', 8)\n        "
    "check(result, ['aaa bbb', "
    "'ccc'])\n\n    def test_3(self):\n        result = wrap('aaa bbb ccc', 11)\n        "
    "check(result, ['aaa bbb "
    "ccc'])\n\n    def test_4(self):\n        result = wrap('aaa bbb ccc', 12)\n        "
    "check(result, ['aaa bbb ccc'])\n";

TEST(lines_that_differ_in_words_are_told_by_the_words)
{
  CombinedFile files[] = {file("a.py", NULL, cases)};
  CHECK_STR(shown(files, 1),
            S("=== a.py (new)\n+class A:\n+\n+    def test_1(self):\n+        result = wrap('aaa "
              "bbb ccc', 7)\n"
              "+        check(result, ['aaa bbb', 'ccc'])\n+[again lines 2-5 3 times with 1 -> 2, "
              "7 -> 8 | 1 -> 3, 7 -> 11; "
              "5: check(result, ['aaa bbb ccc']) | 1 -> 4, 7 -> 12; 5 likewise]\n"));
  // of a changed file the lines that came and went are told the same way, each by its own
  CombinedFile changed[] = {file("a.py", cases, "class A:\n")};
  CHECK(str_has(shown(changed, 1), S("-[again lines 2-5 3 times with 1 -> 2, 7 -> 8 |")));
}

// ---- reading it back ---------------------------------------------------------------------------------

static Str number_in(Str *s)
{
  size_t at = 0, end;
  while (at < s->len && !(s->ptr[at] >= '0' && s->ptr[at] <= '9')) at++;
  end = at;
  while (end < s->len && s->ptr[end] >= '0' && s->ptr[end] <= '9') end++;
  Str number = str_sub(*s, at, end);
  *s = str_skip(*s, end);
  return number;
}

static size_t to_size(Str s)
{
  uint64_t n = 0;
  CHECK(str_to_u64(s, &n));
  return (size_t)n;
}

static bool wordy(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// [line] with each word exchanged that "old -> now, ..." names.
static Str exchange(Str line, Str swaps)
{
  Buf out;
  buf_init(&out, 1 << 16);
  for (size_t at = 0; at < line.len;) {
    size_t end = at;
    while (end < line.len && wordy(line.ptr[end])) end++;
    if (end == at) {
      buf_add_char(&out, line.ptr[at++]);
      continue;
    }
    Str word = str_sub(line, at, end), put = word;
    for (Str rest = swaps, swap; str_cut(&rest, ',', &swap);) {
      size_t arrow = str_find(swap, S(" -> "));
      if (arrow != STR_NOT_FOUND && str_eq(str_trim(str_sub(swap, 0, arrow)), word))
        put = str_trim(str_skip(swap, arrow + 4));
    }
    buf_add(&out, put);
    at = end;
  }
  return buf_take(&out, &arena);
}

static Str indent_of(Str line)
{
  size_t at = 0;
  while (at < line.len && line.ptr[at] == ' ') at++;
  return str_sub(line, 0, at);
}

// One run: "7 -> 8; 5: text; 6 likewise". [full]: what the run before gave in full, by line.
static void read_run(Buf *text, Str run, size_t first, size_t last, Str *full)
{
  Str now[64] = {{0}}, piece, swaps = STR_NONE;
  bool at_first = true;
  for (Str rest = run;
       rest.len;) {  // "; " and a number begin a line in full; no text here holds that
    size_t end = str_find(rest, S("; "));
    piece = str_trim(str_sub(rest, 0, end == STR_NOT_FOUND ? rest.len : end));
    rest = end == STR_NOT_FOUND ? STR_NONE : str_skip(rest, end + 2);
    size_t colon = str_find(piece, S(": "));
    bool words = at_first && (str_has(piece, S(" -> ")) || str_eq(piece, S("no change")));
    at_first = false;
    if (words) {
      swaps = piece;
      continue;
    }
    Str left = piece;
    size_t line = to_size(number_in(&left));
    CHECK(line >= first && line <= last);
    now[line - first] =
        str_ends(piece, S(" likewise")) ? full[line - first] : str_skip(piece, colon + 2);
  }
  Text so_far = text_split(&arena, str_dup(&arena, buf_str(text)));
  for (size_t i = first; i <= last; i++) {
    Str there = so_far.items[i - 1].text, own = now[i - first];
    Str line = own.len ? str_cat(&arena, indent_of(there), own) : exchange(there, swaps);
    buf_fmt(text, "%.*s\n", STR_ARG(line));
    full[i - first] = own;
  }
}

// The text of a new file out of what is shown of it; only its own lines are referred to.
static Str read_back(Str brief)
{
  Buf text;
  buf_init(&text, 1 << 20);
  for (Str line; str_line(&brief, &line);) {
    if (str_starts(line, S("==="))) continue;
    if (!str_starts(line, S("+[again lines "))) {
      buf_fmt(&text, "%.*s\n", STR_ARG(str_skip(line, 1)));
      continue;
    }
    Str full[64] = {{0}}, rest = str_sub(line, 14, line.len - 1), run;
    size_t first = to_size(number_in(&rest)), last = to_size(number_in(&rest));
    CHECK(last >= first && last - first < 64);
    size_t with = str_find(rest, S(" with "));
    if (with == STR_NOT_FOUND) {
      read_run(&text, STR_NONE, first, last, full);
      continue;
    }
    rest = str_skip(rest, with + 6);
    while (str_cut(&rest, '|', &run)) read_run(&text, str_trim(run), first, last, full);
  }
  return buf_take(&text, &arena);
}

static uint32_t seed;

static uint32_t dice(uint32_t sides)
{
  seed = seed * 1664525 + 1013904223;
  return (seed >> 8) % sides;
}

// Lines of few shapes and few words: much is alike, and much only nearly.
static Str made_up(void)
{
  static const char *const shapes[] = {"def what_is_promised_of_%s_%s(self):",
                                       "    result = wrap_the_text_given(%s, width='%s')",
                                       "    self.check_that_it_holds(%s, %s)",
                                       "",
                                       "        put(%s.%s)",
                                       "    self.check_that_it_holds(%s) # %s"};
  static const char *const words[] = {"a", "b7", "7", "8", "abc", "result", "10", "x"};
  Buf text;
  buf_init(&text, 1 << 20);
  for (uint32_t i = 0, lines = 5 + dice(60); i < lines; i++) {
    const char *shape = shapes[dice(12) ? (i % 4) : dice(6)];
    const char *one = words[dice(6) ? i / 4 % 8 : dice(8)], *two = words[dice(9) ? 0 : dice(8)];
    Str line = str_fmt(&arena, "%s\n", shape);
    for (int w = 0; w < 2; w++) {
      size_t at = str_find(line, S("%s"));
      if (at == STR_NOT_FOUND) break;
      line = str_fmt(&arena, "%.*s%s%.*s", STR_ARG(str_sub(line, 0, at)), w ? two : one,
                     STR_ARG(str_skip(line, at + 2)));
    }
    buf_add(&text, line);
  }
  return buf_take(&text, &arena);
}

TEST(nothing_is_lost_by_telling_it_short)
{
  size_t shorter = 0;
  for (seed = 1; seed < 4000000000U; seed += 9999991) {
    uint32_t keep = seed;
    Str text = made_up();
    CombinedFile files[] = {{.path = S("a.py"), .text = text, .exists = true}};
    Str brief = shown(files, 1);
    CHECK_STR(read_back(brief), text);
    shorter += brief.len < text.len * 3 / 4;
    seed = keep;
    arena_reset(&arena);
  }
  CHECK(shorter > 100);
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
