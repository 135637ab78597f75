// t_str.c: strings, buffers, errors, arenas, values.
#include "tap.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/value.h"

TEST(cut_keeps_empty_pieces)
{
  Str rest = S("a,,b,"), piece;
  int n = 0;
  while (str_cut(&rest, ',', &piece)) n++;
  CHECK_INT(n, 4);
}

TEST(lines)
{
  CHECK_INT(str_count_lines(S("")), 0);
  CHECK_INT(str_count_lines(S("a")), 1);
  CHECK_INT(str_count_lines(S("a\n")), 1);
  CHECK_INT(str_count_lines(S("a\n\n")), 2);
  Str rest = S("one\ntwo"), line;
  CHECK(str_line(&rest, &line));
  CHECK_STR(line, S("one"));
  CHECK(str_line(&rest, &line));
  CHECK_STR(line, S("two"));
  CHECK(!str_line(&rest, &line));
}

TEST(utf8)
{
  CHECK(str_is_utf8(S("h\xc3\xa9")));
  CHECK(!str_is_utf8(S("\xc0\x80")));          // overlong
  CHECK(!str_is_utf8(S("\xed\xa0\x80")));      // surrogate
  CHECK(!str_is_utf8(S("\xf4\x90\x80\x80")));  // past U+10FFFF
  CHECK(!str_is_utf8(S("\xe2\x82")));          // cut
  CHECK_INT(str_utf8_floor(S("a\xe2\x82\xac"), 3), 1);
}

TEST(numbers)
{
  uint64_t n = 0;
  CHECK(str_to_u64(S("18446744073709551615"), &n) && n == UINT64_MAX);
  CHECK(!str_to_u64(S("18446744073709551616"), &n));
  CHECK(!str_to_u64(S("-1"), &n));
  CHECK(!str_to_u64(S(""), &n));
}

TEST(buf_has_a_limit)
{
  Buf buf;
  buf_init(&buf, 4);
  CHECK(buf_add(&buf, S("abcd")));
  CHECK(!buf_add(&buf, S("e")));
  CHECK(buf.full);
  CHECK_STR(buf_str(&buf), S("abcd"));
  buf_deinit(&buf);
}

TEST(error_keeps_the_first_cause)
{
  Error err = {0};
  CHECK(!error_set(&err, ERR_IO, "cannot write\n%s", "x"));
  error_set(&err, ERR_FAILED, "later");
  CHECK_INT(err.code, ERR_IO);
  CHECK_STR(str_from(err.message), S("cannot write x"));
  CHECK_INT(err_exit_status(ERR_BUDGET), 3);
  error_clear(&err);
  error_set(&err, ERR_QUOTA, "Your limit is reached. ");
  CHECK_STR(str_from(err.message), S("Your limit is reached"));
}

TEST(what_a_terminal_would_obey_is_shown)
{
  Arena arena;
  arena_init(&arena);
  Str plain = S("tab\there\nand \xc3\xa9\n");
  CHECK(str_visible(&arena, plain).ptr == plain.ptr);
  CHECK_STR(str_visible(&arena, S("a\x1b[31mb\r\x7f\x07")), S("a^[[31mb^M^?^G"));
  CHECK_STR(str_visible(&arena, S("\xc2\x9b"
                                  "2J\xe2\x80\xae"
                                  "x\xe2\x81\xa9")),
            S("<U+009B>2J<U+202E>x<U+2069>"));
  CHECK_STR(str_visible(&arena, S("\xe2\x80\x99\xe2\x82\xac\xe2")),
            S("\xe2\x80\x99\xe2\x82\xac\xe2"));
  CHECK_STR(str_visible(&arena, S("")), S(""));
  arena_deinit(&arena);
}

TEST(value_reads_with_defaults)
{
  Arena arena;
  arena_init(&arena);
  Value *map = value_map(&arena);
  value_put_int(&arena, map, S("n"), 3);
  value_put_int(&arena, map, S("n"), 4);
  CHECK_INT(value_get_int(map, S("n"), 0), 4);
  CHECK_INT(value_get_int(map, S("none"), 7), 7);
  CHECK_INT(value_get_int(NULL, S("n"), 7), 7);
  CHECK_STR(value_get_str(map, S("n"), S("d")), S("d"));
  arena_deinit(&arena);
}

TEST_MAIN
