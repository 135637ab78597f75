// t_loop.c: soon tasks, timers, streams over pipes and files, signals.
#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "lib/loop.h"

static void count(void *owner)
{
  ++*(int *)owner;
}

// --- soon ----------------------------------------------------------------------------------------

TEST(soon_runs_once_per_queueing_and_never_at_once)
{
  Loop loop;
  LoopSoon soon = {0};
  int runs = 0;
  CHECK(loop_init(&loop, NULL));
  loop_soon(&loop, &soon, count, &runs);
  loop_soon(&loop, &soon, count, &runs);  // still queued: no effect
  CHECK_INT(runs, 0);
  loop_run(&loop);
  CHECK_INT(runs, 1);
  loop_soon(&loop, &soon, count, &runs);
  loop_run(&loop);
  CHECK_INT(runs, 2);
  loop_deinit(&loop);
}

typedef struct {
  Loop *loop;
  LoopSoon soon;
  int left;
} Again;

static void again(void *owner)
{
  Again *a = owner;
  if (--a->left) loop_soon(a->loop, &a->soon, again, a);
}

TEST(soon_that_queues_itself_does_not_starve_a_timer)
{
  Loop loop;
  Timer timer;
  int fired = 0;
  CHECK(loop_init(&loop, NULL));
  Again a = {.loop = &loop, .left = 1000000};
  loop_soon(&loop, &a.soon, again, &a);
  timer_init(&loop, &timer, count, &fired);
  timer_start(&timer, 5, 0);
  while (!fired && a.left) loop_turn(&loop, true);
  CHECK_INT(fired, 1);
  CHECK(a.left > 1);
  loop_soon_cancel(&loop, &a.soon);
  timer_close(&timer, NULL);
  loop_deinit(&loop);
}

static char order[32];

static void note(void *owner)
{
  size_t len = strlen(order);
  order[len] = *(const char *)owner;
  order[len + 1] = 0;
}

typedef struct {
  Loop *loop;
  LoopSoon soon, next, late;
} Chain;

static void chain_begins(void *owner)
{
  Chain *c = owner;
  note("a");
  loop_late(c->loop, &c->late, note, "z");
  loop_soon(c->loop, &c->next, note, "b");
}

TEST(late_runs_once_after_all_that_soon_leads_to)
{
  Loop loop;
  LoopSoon dropped = {0};
  CHECK(loop_init(&loop, NULL));
  Chain first = {.loop = &loop}, second = {.loop = &loop};
  order[0] = 0;
  loop_late(&loop, &first.late, note, "y");
  loop_late(&loop, &dropped, note, "-");
  loop_soon(&loop, &first.soon, chain_begins, &first);
  loop_soon(&loop, &second.soon, chain_begins, &second);
  loop_soon_cancel(&loop, &dropped);
  loop_turn(&loop, true);
  CHECK_STR(str_from(order), S("aabbyz"));
  loop_deinit(&loop);
}

TEST(soon_cancel_first_middle_last)
{
  for (int drop = 0; drop < 3; drop++) {
    Loop loop;
    LoopSoon soon[3] = {0};
    int runs[3] = {0};
    CHECK(loop_init(&loop, NULL));
    for (int i = 0; i < 3; i++) loop_soon(&loop, &soon[i], count, &runs[i]);
    loop_soon_cancel(&loop, &soon[drop]);
    loop_run(&loop);
    for (int i = 0; i < 3; i++) CHECK_INT(runs[i], i != drop);
    loop_soon_cancel(&loop, &soon[drop]);  // not queued: no effect
    loop_deinit(&loop);
  }
}

typedef struct {
  Loop *loop;
  LoopSoon *other;
  LoopSoon soon;
} Canceller;

static void cancel_other(void *owner)
{
  Canceller *c = owner;
  loop_soon_cancel(c->loop, c->other);
}

TEST(soon_may_cancel_its_neighbour_while_running)
{
  Loop loop;
  LoopSoon last = {0};
  int runs = 0;
  CHECK(loop_init(&loop, NULL));
  Canceller c = {.loop = &loop, .other = &last};
  loop_soon(&loop, &c.soon, cancel_other, &c);
  loop_soon(&loop, &last, count, &runs);
  loop_run(&loop);
  CHECK_INT(runs, 0);
  loop_deinit(&loop);
}

// --- timers --------------------------------------------------------------------------------------

TEST(timer_fires_repeats_stops_and_closes)
{
  Loop loop;
  Timer timer;
  int fired = 0;
  CHECK(loop_init(&loop, NULL));
  timer_init(&loop, &timer, count, &fired);
  timer_start(&timer, 1, 1);
  while (fired < 3) loop_turn(&loop, true);
  timer_stop(&timer);
  loop_run(&loop);  // nothing is active: returns
  CHECK_INT(fired, 3);
  int closed = 0;
  timer.owner = &closed;
  timer_close(&timer, count);
  CHECK_INT(closed, 0);
  loop_deinit(&loop);
  CHECK_INT(closed, 1);
}

static void stop_loop(void *owner)
{
  loop_stop(owner);
}

TEST(stop_and_clocks)
{
  Loop loop;
  Timer timer;
  CHECK(loop_init(&loop, NULL));
  timer_init(&loop, &timer, stop_loop, &loop);
  timer_start(&timer, 20, 1);
  uint64_t before = loop_now_ms(&loop);
  loop_run(&loop);
  CHECK(loop_now_ms(&loop) - before >= 19);
  CHECK(wall_now_ms() > INT64_C(1500000000000));
  timer_close(&timer, NULL);
  loop_deinit(&loop);
}

TEST(deinit_survives_a_forgotten_handle)
{
  Loop *loop = malloc(sizeof(Loop));
  static Timer forgotten;
  int fired = 0;
  CHECK(loop_init(loop, NULL));
  timer_init(loop, &forgotten, count, &fired);
  timer_start(&forgotten, 100000, 0);
  loop_deinit(loop);  // returns instead of waiting 100 s
  timer_close(&forgotten, NULL);
  uv_run(&loop->uv, UV_RUN_DEFAULT);
  CHECK_INT(uv_loop_close(&loop->uv), 0);
  free(loop);
}

// --- streams -------------------------------------------------------------------------------------

typedef struct {
  Loop loop;
  Stream *stream;
  Buf got;
  int ends, drained;
  bool close_on_bytes;
} Reader;

static void reader_bytes(void *owner, Str bytes)
{
  Reader *r = owner;
  buf_add(&r->got, bytes);
  if (!r->close_on_bytes) return;
  stream_close(r->stream);
  r->stream = NULL;
}

static void reader_end(void *owner)
{
  ((Reader *)owner)->ends++;
}

static void reader_drained(void *owner)
{
  ((Reader *)owner)->drained++;
}

static void reader_open(Reader *r, int fd_in, int fd_out)
{
  *r = (Reader){0};
  CHECK(loop_init(&r->loop, NULL));
  buf_init(&r->got, 64 << 20);
  Error err = {0};
  r->stream = stream_new((StreamSpec){.loop = &r->loop,
                                      .fd_in = fd_in,
                                      .fd_out = fd_out,
                                      .on_bytes = reader_bytes,
                                      .on_end = reader_end,
                                      .on_drained = reader_drained,
                                      .owner = r},
                         &err);
  CHECK_INT(err.code, ERR_OK);
  CHECK(r->stream != NULL);
}

static void reader_close(Reader *r)
{
  if (r->stream) stream_close(r->stream);
  loop_deinit(&r->loop);
  buf_deinit(&r->got);
}

TEST(stream_reads_writes_and_ends_once)
{
  int in[2], out[2];
  char text[8] = {0};
  Reader r;
  CHECK(pipe(in) == 0 && pipe(out) == 0);
  reader_open(&r, in[0], out[1]);
  CHECK_INT(write(in[1], "hello", 5), 5);
  while (r.got.len < 5) loop_turn(&r.loop, true);
  CHECK_STR(buf_str(&r.got), S("hello"));
  stream_write(r.stream, S("ab"));
  stream_write(r.stream, S("cd"));
  CHECK_INT(read(out[0], text, 8), 4);
  CHECK_INT(r.ends, 0);
  close(in[1]);
  while (!r.ends) loop_turn(&r.loop, true);
  stream_write(r.stream, S("ef"));  // the input has ended, the output has not
  CHECK_INT(read(out[0], text, 8), 2);
  reader_close(&r);
  CHECK_INT(r.ends, 1);
  CHECK_INT(read(out[0], text, 8), 0);  // and is closed now
  close(out[0]);
}

TEST(stream_measures_its_backlog_and_keeps_order)
{
  int in[2], out[2];
  enum { PIECES = 300, PIECE = 4096 };
  char piece[PIECE];
  Reader r;
  CHECK(pipe(in) == 0 && pipe(out) == 0);
  reader_open(&r, in[0], out[1]);
  for (int i = 0; i < PIECES; i++) {
    memset(piece, 'a' + i % 26, PIECE);
    stream_write(r.stream, (Str){piece, PIECE});
  }
  CHECK(stream_pending(r.stream) > 1000000);
  fcntl(out[0], F_SETFL, O_NONBLOCK);
  size_t total = 0, bad = 0;
  while (total < (size_t)PIECES * PIECE) {
    char buf[1 << 16];
    ssize_t n = read(out[0], buf, sizeof(buf));
    for (ssize_t i = 0; i < n; i++, total++)
      bad += buf[i] != (char)('a' + (int)(total / PIECE) % 26);
    loop_turn(&r.loop, false);
  }
  CHECK_INT(bad, 0);
  while (!r.drained) loop_turn(&r.loop, true);
  CHECK_INT(stream_pending(r.stream), 0);
  CHECK_INT(r.drained, 1);
  reader_close(&r);
  close(in[1]);
  close(out[0]);
}

TEST(stream_close_writes_out_what_is_queued)
{
  int in[2], out[2];
  size_t size = 1 << 20, total = 0;
  char *big = calloc(1, size);
  Reader r;
  CHECK(pipe(in) == 0 && pipe(out) == 0);
  reader_open(&r, in[0], out[1]);
  stream_write(r.stream, (Str){big, size});
  stream_close(r.stream);
  stream_close(r.stream);  // twice is once
  r.stream = NULL;
  fcntl(out[0], F_SETFL, O_NONBLOCK);
  for (bool more = true; more || total < size;) {
    char buf[1 << 16];
    ssize_t n = read(out[0], buf, sizeof(buf));
    if (n > 0) total += (size_t)n;
    if (n == 0) break;
    more = loop_turn(&r.loop, false);
  }
  CHECK_INT(total, size);
  reader_close(&r);
  close(in[1]);
  close(out[0]);
  free(big);
}

TEST(stream_reports_a_reader_that_went_away)
{
  int in[2], out[2];
  Reader r;
  CHECK(pipe(in) == 0 && pipe(out) == 0);
  reader_open(&r, in[0], out[1]);
  close(out[0]);
  stream_write(r.stream, S("into the void"));
  CHECK_INT(r.ends, 0);  // never from inside a call
  while (!r.ends) loop_turn(&r.loop, true);
  stream_write(r.stream, S("dropped"));
  loop_turn(&r.loop, false);
  CHECK_INT(r.ends, 1);
  reader_close(&r);
  close(in[1]);
}

TEST(stream_pauses)
{
  int in[2];
  Reader r;
  CHECK(pipe(in) == 0);
  reader_open(&r, in[0], 1);
  stream_read(r.stream, false);
  CHECK_INT(write(in[1], "x", 1), 1);
  for (int i = 0; i < 5; i++) loop_turn(&r.loop, false);
  CHECK_INT(r.got.len, 0);
  stream_read(r.stream, true);
  while (!r.got.len) loop_turn(&r.loop, true);
  reader_close(&r);
  close(in[1]);
}

TEST(stream_may_be_closed_from_on_bytes)
{
  int in[2];
  Reader r;
  CHECK(pipe(in) == 0);
  reader_open(&r, in[0], 1);
  r.close_on_bytes = true;
  CHECK_INT(write(in[1], "x", 1), 1);
  while (r.stream) loop_turn(&r.loop, true);
  reader_close(&r);
  CHECK_INT(r.ends, 0);
  close(in[1]);
}

TEST(stream_on_files)
{
  char in_path[] = "/tmp/t_loop_in_XXXXXX", out_path[] = "/tmp/t_loop_out_XXXXXX";
  int in = mkstemp(in_path), out = mkstemp(out_path);
  size_t size = 200000;
  char *text = malloc(size), back[8] = {0};
  memset(text, 'z', size);
  CHECK_INT(write(in, text, size), size);
  lseek(in, 0, SEEK_SET);
  Reader r;
  reader_open(&r, in, out);
  stream_write(r.stream, S("written"));
  while (!r.ends) loop_turn(&r.loop, true);
  CHECK_INT(r.got.len, size);
  reader_close(&r);
  int again_fd = open(out_path, O_RDONLY);
  CHECK_INT(read(again_fd, back, 8), 7);
  close(again_fd);
  unlink(in_path);
  unlink(out_path);
  free(text);
}

TEST(stream_closed_while_a_file_is_read)
{
  char path[] = "/tmp/t_loop_in_XXXXXX";
  int in = mkstemp(path);
  CHECK_INT(write(in, "abc", 3), 3);
  lseek(in, 0, SEEK_SET);
  Reader r;
  reader_open(&r, in, 1);
  reader_close(&r);  // the read is in flight
  CHECK_INT(r.got.len, 0);
  unlink(path);
}

TEST(stream_refuses_a_bad_descriptor)
{
  Loop loop;
  Error err = {0};
  CHECK(loop_init(&loop, NULL));
  CHECK(stream_new((StreamSpec){.loop = &loop, .fd_in = -1, .fd_out = -1}, &err) == NULL);
  CHECK_INT(err.code, ERR_IO);
  loop_deinit(&loop);
}

// --- signals -------------------------------------------------------------------------------------

static void on_signal(void *owner, int signum)
{
  *(int *)owner = signum;
}

TEST(signals)
{
  Loop loop;
  Signal sig;
  int seen = 0;
  CHECK(loop_init(&loop, NULL));
  signal_start(&loop, &sig, SIGTERM, on_signal, &seen);
  loop_run(&loop);  // a watched signal does not keep it going
  Timer timer;
  int fired = 0;
  timer_init(&loop, &timer, count, &fired);
  timer_start(&timer, 2000, 0);
  raise(SIGTERM);
  while (!seen && !fired) loop_turn(&loop, true);
  timer_close(&timer, NULL);
  CHECK_INT(seen, SIGTERM);
  raise(SIGPIPE);  // ignored
  signal_close(&sig);
  loop_deinit(&loop);
}

TEST_MAIN
