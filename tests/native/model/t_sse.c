// t_sse.c: the SSE parser gives the same events however the bytes are cut.
#include "model/sse.h"
#include "tap.h"

// Feeds [text] in pieces of [step] bytes and writes the events as "name=data|".
static void run(Str text, size_t step, Buf *out)
{
  Sse sse;
  sse_init(&sse, 0);
  SseEvent event;
  for (size_t at = 0; at < text.len; at += step) {
    CHECK(sse_feed(&sse, str_sub(text, at, at + step)));
    while (sse_next(&sse, &event)) {
      buf_fmt(out, "%.*s=%.*s|", STR_ARG(event.name), STR_ARG(event.data));
    }
  }
  sse_end(&sse);
  while (sse_next(&sse, &event)) {
    buf_fmt(out, "%.*s=%.*s|", STR_ARG(event.name), STR_ARG(event.data));
  }
  sse_deinit(&sse);
}

static void expect(Str text, Str want)
{
  for (size_t step = 1; step <= text.len + 1; step++) {
    Buf out;
    buf_init(&out, 1 << 20);
    run(text, step, &out);
    CHECK_STR(buf_str(&out), want);
    buf_deinit(&out);
  }
}

TEST(one_event)
{
  expect(S("data: hello\n\n"), S("=hello|"));
}
TEST(named_event)
{
  expect(S("event: ping\ndata: {}\n\n"), S("ping={}|"));
}
TEST(several_data_lines_join)
{
  expect(S("data: a\ndata:b\ndata\ndata: c\n\n"), S("=a\nb\n\nc|"));
}
TEST(only_one_space_is_dropped)
{
  expect(S("data:  two\n\n"), S("= two|"));
}
TEST(crlf)
{
  expect(S("event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n"), S("a=1|=2|"));
}
TEST(lone_cr)
{
  expect(S("data: 1\r\rdata: 2\r\r"), S("=1|=2|"));
}
TEST(mixed_ends)
{
  expect(S("data: 1\r\n\ndata: 2\n\r\ndata: 3\r\n\r\n"), S("=1|=2|=3|"));
}
TEST(comments)
{
  expect(S(": hello\n\ndata: x\n: in between\n\n:\n\n"), S("=x|"));
}
TEST(unknown_fields)
{
  expect(S("id: 7\nretry: 10\nfoo\ndata: x\n\n"), S("=x|"));
}
TEST(name_without_data_is_dropped)
{
  expect(S("event: a\n\ndata: x\n\n"), S("=x|"));
}
TEST(mark_at_start_only)
{
  expect(S("\xef\xbb\xbf"
           "data: \xef\xbb\xbfx\n\n"),
         S("=\xef\xbb\xbfx|"));
}
TEST(mark_then_nothing)
{
  expect(S("\xef\xbb"), S(""));
}
TEST(pending_event_at_end)
{
  expect(S("data: 1\n\nevent: z\ndata: 2"), S("=1|z=2|"));
}
TEST(pending_event_after_newline)
{
  expect(S("data: 2\n"), S("=2|"));
}
TEST(empty_data_is_an_event)
{
  expect(S("data:\n\n"), S("=|"));
}
TEST(utf8_cut_anywhere)
{
  expect(S("data: \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n\n"),
         S("=\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80|"));
}
TEST(colon_in_value)
{
  expect(S("data: {\"a\":1}\n\n"), S("={\"a\":1}|"));
}
TEST(blank_lines_only)
{
  expect(S("\n\n\r\n\r\r"), S(""));
}

TEST(two_hundred_kilobytes_in_one_line)
{
  Buf text;
  buf_init(&text, 1 << 20);
  buf_add(&text, S("data: "));
  for (int i = 0; i < 200000; i++) buf_add_char(&text, 'x');
  buf_add(&text, S("\n\ndata: end\n\n"));
  Buf out;
  buf_init(&out, 1 << 20);
  run(buf_str(&text), 17, &out);
  CHECK_INT(out.len, 200000 + 2 + 5);
  CHECK(str_ends(buf_str(&out), S("x|=end|")));
  buf_deinit(&out);
  buf_deinit(&text);
}

TEST(limit_of_an_event)
{
  Sse sse;
  sse_init(&sse, 64);
  SseEvent event;
  bool ok = true;
  for (int i = 0; i < 100 && ok; i++) {
    ok = sse_feed(&sse, S("data: 0123456789\n"));
    CHECK(!sse_next(&sse, &event));
  }
  CHECK(!ok);
  CHECK(sse_full(&sse));
  sse_end(&sse);
  CHECK(!sse_next(&sse, &event));
  sse_deinit(&sse);
}

TEST(limit_of_a_line)
{
  Sse sse;
  sse_init(&sse, 1024);
  char block[4096];
  memset(block, 'x', sizeof(block));
  bool ok = true;
  for (int i = 0; i < 64 && ok; i++) ok = sse_feed(&sse, (Str){block, sizeof(block)});
  CHECK(!ok);
  sse_deinit(&sse);
}

TEST_MAIN
