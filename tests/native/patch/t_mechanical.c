// t_mechanical.c: substitution and moving lines; merges and unified diffs.
#include "tap.h"

#include "patch/diff.h"
#include "patch/mechanical.h"
#include "patch/merge.h"

static Arena arena;

static Str substituted(Substitution sub, Str text)
{
  Error err = {0};
  Str out = STR_NONE;
  size_t count;
  return substitute(&arena, text, &sub, &out, &count, &err) ? out : str_from(err_name(err.code));
}

TEST(substitution_with_range_and_exceptions)
{
  Str text = S("cfg_get(a)\n#define cfg_get x\ncfg_get(b)\ncfg_get_all()\n");
  CHECK_STR(
      substituted((Substitution){.pattern = S("cfg_get"), .replace = S("config_get"), .word = true},
                  text),
      S("config_get(a)\n#define config_get x\nconfig_get(b)\ncfg_get_all()\n"));
  CHECK_STR(
      substituted(
          (Substitution){
              .pattern = S("cfg_get"), .replace = S("g"), .word = true, .except = S("^#define")},
          text),
      S("g(a)\n#define cfg_get x\ng(b)\ncfg_get_all()\n"));
  CHECK_STR(substituted((Substitution){.pattern = S("cfg_get"), .replace = S("g"), .range = {3, 3}},
                        text),
            S("cfg_get(a)\n#define cfg_get x\ng(b)\ncfg_get_all()\n"));
  CHECK_STR(substituted((Substitution){.pattern = S("h\\C"), .replace = S("g")}, S("h\xc3\xa9\n")),
            S("invalid"));
  CHECK_STR(substituted((Substitution){.pattern = S("h"), .replace = S("\\x{0}")}, S("h\n")),
            S("invalid"));
  CHECK_STR(substituted((Substitution){.pattern = S("(a+)+$"), .replace = S("g")},
                        S("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\n")),
            S("refused"));
}

static Moved moved(Str from, Str to, size_t first, size_t last, size_t at)
{
  Moved out = {STR_NONE, STR_NONE};
  Error err = {0};
  Move move = {from, to, {first, last}, at};
  if (!move_lines(&arena, &move, &out, &err)) out.to_text = str_from(err_name(err.code));
  return out;
}

TEST(lines_move_between_files)
{
  Moved m = moved(S("1\n2\n3\n"), S("a\r\nb\r\n"), 2, 3, 2);
  CHECK_STR(m.from_text, S("1\n"));
  CHECK_STR(m.to_text, S("a\r\n2\r\n3\r\nb\r\n"));
  m = moved(S("1\n2"), S("a"), 2, 2, 0);
  CHECK_STR(m.from_text, S("1"));
  CHECK_STR(m.to_text, S("a\n2"));
  m = moved(S("1\n2\n"), S(""), 1, 2, 0);
  CHECK_STR(m.from_text, S(""));
  CHECK_STR(m.to_text, S("1\n2\n"));
}

TEST(a_byte_order_mark_stays_with_its_file)
{
  Moved m = moved(S("\xef\xbb\xbf"
                    "one\ntwo\n"),
                  S("\xef\xbb\xbf"
                    "a\nb\n"),
                  1, 1, 1);
  CHECK_STR(m.from_text, S("\xef\xbb\xbf"
                           "two\n"));
  CHECK_STR(m.to_text, S("\xef\xbb\xbf"
                         "one\na\nb\n"));
  m = moved(S("\xef\xbb\xbf"
              "one\n"),
            S("a\nb\n"), 1, 1, 2);
  CHECK_STR(m.from_text, S(""));
  CHECK_STR(m.to_text, S("a\none\nb\n"));
}

TEST(lines_move_inside_a_file)
{
  Str text = S("1\n2\n3\n4");
  CHECK_STR(moved(text, text, 1, 1, 0).to_text, S("2\n3\n4\n1"));
  CHECK_STR(moved(text, text, 3, 4, 1).to_text, S("3\n4\n1\n2"));
  CHECK_STR(moved(text, text, 1, 3, 2).to_text, S("invalid"));
  CHECK_STR(moved(text, text, 4, 5, 1).to_text, S("invalid"));
}

TEST(merge_of_disjoint_edits_equals_both)
{
  Merged m;
  Error err = {0};
  CHECK(merge3(&arena, S("a\nb\nc\n"), S("A\nb\nc\n"), S("a\nb\nC\n"), &m, &err));
  CHECK(m.clean);
  CHECK_STR(m.text, S("A\nb\nC\n"));
}

TEST(a_missing_newline_is_merged_by_itself)
{
  Merged m;
  Error err = {0};
  CHECK(merge3(&arena, S("a\nb\nc"), S("A\nb\nc"), S("a\nb\nc\n"), &m, &err));
  CHECK(m.clean);
  CHECK_STR(m.text, S("A\nb\nc\n"));
  CHECK(merge3(&arena, S("a\nb\nc\n"), S("a\nb\nc"), S("A\nb\nc\n"), &m, &err));
  CHECK_STR(m.text, S("A\nb\nc"));
  CHECK(merge3(&arena, S("a\nb\nc"), S("A\nb\nc"), S("a\nb\nc\nd"), &m, &err));
  CHECK_STR(m.text, S("A\nb\nc\nd"));
}

static Str unified(UnifiedFile file)
{
  Buf out;
  buf_init(&out, 1 << 20);
  diff_unified(&arena, &out, &file);
  Str got = buf_take(&out, &arena);
  buf_deinit(&out);
  return got;
}

TEST(unified_text)
{
  CHECK_STR(
      unified((UnifiedFile){
          .path = S("x"), .old_text = S("a\nb\nc"), .new_text = S("a\nB\nc\n"), .context = 1}),
      S("--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n-b\n-c\n\\ No newline at end of file\n+B\n+c\n"));
  CHECK_STR(
      unified((UnifiedFile){.path = S("x"), .new_text = S("a\n"), .created = true, .context = 3}),
      S("--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n"));
  CHECK_STR(
      unified((UnifiedFile){
          .path = S("y"), .renamed_from = S("x"), .old_text = S("a\n"), .new_text = S("a\n")}),
      S("diff --git a/x b/y\nrename from x\nrename to y\n"));
  DiffStat stat = diff_stat(S("a\nb\n"), S("a\nc\nd\n"));
  CHECK_INT(stat.added, 2);
  CHECK_INT(stat.removed, 1);
}

TEST(words_that_differ)
{
  SpanList a = {0}, b = {0};
  diff_words(&arena, S("return foo(bar, 1);"), S("return foo(baz, 1, 2);"), &a, &b);
  CHECK_INT(a.len, 1);
  CHECK_INT(a.items[0].from, 11);
  CHECK_INT(a.items[0].to, 14);
  CHECK_INT(b.len, 2);
}

TEST_MAIN
