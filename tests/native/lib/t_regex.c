// t_regex.c: PCRE2 with limits.
#include "tap.h"

#include "lib/regex.h"

static Str replaced(Arena *arena, const char *pattern, RegexOptions options, Str text,
                    const char *with, Err *code)
{
  Error err = {0};
  Buf out;
  size_t count = 0;
  buf_init(&out, 1 << 20);
  Regex *regex = regex_new(str_from(pattern), options, &err);
  if (regex) regex_replace(regex, text, str_from(with), &out, &count, &err);
  regex_free(regex);
  *code = err.code;
  Str got = buf_take(&out, arena);
  buf_deinit(&out);
  return got;
}

TEST(groups_and_words)
{
  Arena arena;
  Err code;
  arena_init(&arena);
  RegexOptions utf8 = {.utf8 = true}, word = {.word = true, .utf8 = true};
  CHECK_STR(replaced(&arena, "(\\w+)=(\\w+)", utf8, S("a=b c=d"), "$2=$1", &code), S("b=a d=c"));
  CHECK_STR(replaced(&arena, "get", word, S("get get2 forget x.get"), "G", &code),
            S("G get2 forget x.G"));
  CHECK_STR(replaced(&arena, "\\.get", word, S("a.get a.getter"), ".G", &code), S("a.G a.getter"));
  CHECK_STR(replaced(&arena, "a$", utf8, S("a\r\nb\na\n"), "X", &code), S("X\r\nb\nX\n"));
  CHECK_STR(replaced(&arena, "x", utf8, S("abc"), "long", &code), S("abc"));
  arena_deinit(&arena);
}

TEST(results_longer_than_expected_fit)
{
  Arena arena;
  Err code;
  arena_init(&arena);
  char text[2001];
  memset(text, 'x', 2000);
  text[2000] = 0;
  Str got =
      replaced(&arena, "x", (RegexOptions){.utf8 = true}, str_from(text), "0123456789", &code);
  CHECK_INT(code, ERR_OK);
  CHECK_INT(got.len, 20000);
  arena_deinit(&arena);
}

TEST(runaway_patterns_are_stopped)
{
  Arena arena;
  Err code;
  arena_init(&arena);
  replaced(&arena, "(a+)+$", (RegexOptions){.utf8 = true},
           S("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), "", &code);
  CHECK_INT(code, ERR_REFUSED);
  replaced(&arena, "(", (RegexOptions){0}, S("a"), "", &code);
  CHECK_INT(code, ERR_INVALID);
  arena_deinit(&arena);
}

TEST_MAIN
