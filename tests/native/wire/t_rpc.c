// t_rpc.c: connections: every request one answer, whenever it comes; pressure; every way to end.
#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/json.h"
#include "wire/rpc.h"

enum { KEPT = 64 };

typedef struct {
  Loop loop;
  Arena arena;
  Rpc *rpc;
  int peer;  // our end of the socket pair, not blocking
  Buf got;   // what the peer has read
  RpcRequest *kept[KEPT];
  int requests, events, ends;
  Err end_code;
  bool keep;  // answer later
  bool free_in_request, free_in_end;
  Str last_event;
} Fixture;

static void on_echo(void *owner, RpcRequest *request)
{
  (void)owner;
  rpc_reply(request, request->params);
}

static void on_broken(void *owner, RpcRequest *request)
{
  (void)owner;
  Error err = {0};
  error_set(&err, ERR_BUDGET, "too dear");
  rpc_fail(request, &err);
}

static void on_deep(void *owner, RpcRequest *request)
{
  (void)owner;
  Value *tree = value_list(&request->arena);
  for (int i = 0; i < 40; i++) {
    Value *list = value_list(&request->arena);
    value_push(list, tree);
    tree = list;
  }
  rpc_reply(request, tree);
}

static void on_huge(void *owner, RpcRequest *request)
{
  (void)owner;
  Value *list = value_list(&request->arena);
  size_t size = 1 << 20;
  char *text = memset(arena_alloc(&request->arena, size), 'x', size);
  for (int i = 0; i < 70; i++) value_push(list, value_str(&request->arena, (Str){text, size}));
  rpc_reply(request, list);
}

static const struct {
  const char *method;
  void (*handle)(void *owner, RpcRequest *request);
} methods[] = {{"echo", on_echo}, {"broken", on_broken}, {"deep", on_deep}, {"huge", on_huge}};

static void answer(Fixture *f, RpcRequest *request)
{
  for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
    if (str_eq(request->method, str_from(methods[i].method))) {
      methods[i].handle(f, request);
      return;
    }
  }
  Error err = {0};
  error_set(&err, ERR_NOT_FOUND, "there is no method %.*s", STR_ARG(request->method));
  rpc_fail(request, &err);
}

static void on_request(void *owner, RpcRequest *request)
{
  Fixture *f = owner;
  f->requests++;
  if (f->free_in_request) {
    rpc_free(f->rpc);
    f->rpc = NULL;
  }
  if (f->keep && f->requests <= KEPT) {
    f->kept[f->requests - 1] = request;
  } else {
    answer(f, request);
  }
}

static void on_event(void *owner, Str method, const Value *params)
{
  Fixture *f = owner;
  f->events++;
  f->last_event =
      str_fmt(&f->arena, "%.*s %.*s", STR_ARG(method), STR_ARG(json_str(&f->arena, params)));
}

static void on_end(void *owner, const Error *err)
{
  Fixture *f = owner;
  f->ends++;
  f->end_code = err->code;
  if (!f->free_in_end) return;
  rpc_free(f->rpc);
  f->rpc = NULL;
}

static void fixture_init(Fixture *f, WireKind kind)
{
  int pair[2];
  *f = (Fixture){0};
  arena_init(&f->arena);
  buf_init(&f->got, 256 << 20);
  CHECK(loop_init(&f->loop, NULL));
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  f->peer = pair[1];
  fcntl(f->peer, F_SETFL, O_NONBLOCK);
  f->rpc = rpc_new(&(RpcSpec){.loop = &f->loop,
                              .kind = kind,
                              .fd_in = pair[0],
                              .fd_out = pair[0],
                              .on_request = on_request,
                              .on_event = on_event,
                              .on_end = on_end,
                              .owner = f},
                   NULL);
}

static void fixture_deinit(Fixture *f)
{
  if (f->rpc) rpc_free(f->rpc);
  if (f->peer >= 0) close(f->peer);
  loop_deinit(&f->loop);
  buf_deinit(&f->got);
  arena_deinit(&f->arena);
}

static void peer_read(Fixture *f)
{
  static char text[1 << 16];
  for (ssize_t n; f->peer >= 0 && (n = read(f->peer, text, sizeof(text))) > 0;)
    buf_add(&f->got, (Str){text, (size_t)n});
}

// A few turns of the loop, the peer reading meanwhile.
static void turn(Fixture *f)
{
  for (int i = 0; i < 20; i++) {
    loop_turn(&f->loop, false);
    peer_read(f);
  }
}

static void say(Fixture *f, Str text)
{
  for (size_t at = 0; at < text.len;) {
    ssize_t n = write(f->peer, text.ptr + at, text.len - at);
    if (n > 0) at += (size_t)n;
    loop_turn(&f->loop, false);
  }
  turn(f);
}

#define SAY(f, literal) say((f), S(literal))

static void expect(Fixture *f, const char *text)
{
  CHECK_STR(buf_str(&f->got), str_from(text));
  buf_clear(&f->got);
}

// --- answers -------------------------------------------------------------------------------------

TEST(requests_are_answered)
{
  Fixture f;
  fixture_init(&f, WIRE_JSON);
  SAY(&f, "[0,1,\"echo\",{\"a\":[1,2]}]\n");
  expect(&f, "[1,1,null,{\"a\":[1,2]}]\n");
  SAY(&f, "[0,2,\"echo\",[{\"a\":1}]]\n[0,3,\"echo\",[]]\n");
  expect(&f, "[1,2,null,{\"a\":1}]\n[1,3,null,null]\n");
  SAY(&f, "[0,4,\"broken\",{}]\n");
  expect(&f,
         "[1,4,{\"code\":\"budget\",\"message\":\"too dear\",\"hint\":\"raise `budget:` in the "
         "plan, or run! (CLI: --yes) to "
         "go past it once\"},null]\n");
  SAY(&f, "[0,5,\"none\",{}]\n");
  expect(&f,
         "[1,5,{\"code\":\"not_found\",\"message\":\"there is no method "
         "none\",\"hint\":\"\"},null]\n");
  fixture_deinit(&f);
}

TEST(answers_may_come_late_and_in_any_order)
{
  Fixture f;
  fixture_init(&f, WIRE_JSON);
  f.keep = true;
  SAY(&f, "[0,10,\"a\",{\"n\":10}]\n[0,11,\"b\",{\"n\":11}]\n");
  CHECK_INT(f.requests, 2);
  CHECK_INT(rpc_open_requests(f.rpc), 2);
  expect(&f, "");
  CHECK_STR(f.kept[1]->method, S("b"));
  rpc_reply(f.kept[1], f.kept[1]->params);
  turn(&f);
  rpc_reply(f.kept[0], f.kept[0]->params);
  turn(&f);
  expect(&f, "[1,11,null,{\"n\":11}]\n[1,10,null,{\"n\":10}]\n");
  CHECK_INT(rpc_open_requests(f.rpc), 0);
  fixture_deinit(&f);
}

TEST(msgpack_answers_and_events)
{
  Fixture f;
  fixture_init(&f, WIRE_MSGPACK);
  SAY(&f,
      "\x94\x00\x01\xa4"
      "echo\x91\x81\xa1"
      "a\x05");
  CHECK_STR(buf_str(&f.got), S("\x94\x01\x01\xc0\x81\xa1"
                               "a\x05"));
  SAY(&f, "\x93\x02\xb0nvim_error_event\x92\x00\xa4oops");
  CHECK_INT(f.events, 1);
  CHECK_STR(f.last_event, S("nvim_error_event [0,\"oops\"]"));
  SAY(&f, "\x94\x01\x05\xc0\xc0");  // an answer to nothing: ignored
  CHECK_INT(f.ends, 0);
  fixture_deinit(&f);
}

TEST(events)
{
  Fixture f;
  fixture_init(&f, WIRE_JSON);
  Value *params = value_map(&f.arena);
  value_put_str(&f.arena, params, S("kind"), S("progress"));
  rpc_event(f.rpc, S("event"), params);
  turn(&f);
  expect(&f, "[2,\"event\",{\"kind\":\"progress\"}]\n");
  fixture_deinit(&f);
}

TEST(an_answer_twice_asserts)
{
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    Fixture f;
    fixture_init(&f, WIRE_JSON);
    f.keep = true;
    SAY(&f, "[0,1,\"a\",{}]\n");
    freopen("/dev/null", "w", stderr);
    signal(SIGABRT, SIG_DFL);
    rpc_reply(f.kept[0], NULL);
    rpc_reply(f.kept[0], NULL);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

// --- what cannot be sent or read -----------------------------------------------------------------

TEST(what_is_too_deep_or_too_large_becomes_an_error)
{
  Fixture f;
  fixture_init(&f, WIRE_JSON);
  SAY(&f, "[0,1,\"deep\",{}]\n");
  CHECK(
      str_starts(buf_str(&f.got),
                 S("[1,1,{\"code\":\"failed\",\"message\":\"the answer to deep nests too deep\"")));
  buf_clear(&f.got);
  SAY(&f, "[0,2,\"huge\",{}]\n");
  CHECK(str_starts(buf_str(&f.got), S("[1,2,{\"code\":\"too_big\"")));
  buf_clear(&f.got);
  SAY(&f, "[0,3,\"echo\",{}]\n");
  expect(&f, "[1,3,null,{}]\n");
  fixture_deinit(&f);
}

TEST(bad_lines_are_answered_and_passed_over)
{
  Fixture f;
  fixture_init(&f, WIRE_JSON);
  SAY(&f, "[0,1,\"echo\",{]\n");
  CHECK(str_starts(buf_str(&f.got), S("[1,1,{\"code\":\"invalid\"")));
  buf_clear(&f.got);
  SAY(&f, "garbage\n");
  CHECK(str_starts(buf_str(&f.got), S("[2,\"event\",{\"code\":\"invalid\"")));
  CHECK(str_has(buf_str(&f.got), S("\"kind\":\"error\"")));
  buf_clear(&f.got);
  SAY(&f, "[0,2,\"echo\",7]\n");
  CHECK(str_starts(buf_str(&f.got), S("[1,2,{\"code\":\"invalid\"")));
  buf_clear(&f.got);
  SAY(&f, "[0,3,\"echo\",{}]\n");
  expect(&f, "[1,3,null,{}]\n");
  CHECK_INT(f.ends, 0);
  fixture_deinit(&f);
}

TEST(bad_msgpack_messages_are_answered_and_passed_over)
{
  Fixture f;
  fixture_init(&f, WIRE_MSGPACK);
  char deep[60];
  memset(deep, '\x91', sizeof(deep));
  SAY(&f,
      "\x94\x00\x09\xa4"
      "echo");
  say(&f, (Str){deep, sizeof(deep)});
  SAY(&f, "\xc0");
  CHECK(str_starts(buf_str(&f.got), S("\x94\x01\x09\x83\xa4"
                                      "code\xa7invalid")));
  buf_clear(&f.got);
  SAY(&f,
      "\x94\x00\x0a\xa4"
      "echo\x92\x80\x80");  // two maps
  CHECK(str_starts(buf_str(&f.got), S("\x94\x01\x0a\x83\xa4"
                                      "code\xa7invalid")));
  buf_clear(&f.got);
  SAY(&f,
      "\x94\x00\x0b\xa4"
      "echo\x91\x80");
  CHECK_STR(buf_str(&f.got), S("\x94\x01\x0b\xc0\x80"));
  CHECK_INT(f.ends, 0);
  fixture_deinit(&f);
}

TEST(bytes_that_are_no_msgpack_end_the_connection)
{
  Fixture f;
  fixture_init(&f, WIRE_MSGPACK);
  SAY(&f, "[0,1,\"echo\",{}]\n");  // a JSON client at the wrong wire
  CHECK_INT(f.ends, 1);
  CHECK_INT(f.end_code, ERR_PROTOCOL);
  CHECK_INT(f.requests, 0);
  fixture_deinit(&f);
}

// --- ends ----------------------------------------------------------------------------------------

TEST(requests_outlive_the_connection)
{
  for (int free_in_end = 0; free_in_end < 2; free_in_end++) {
    Fixture f;
    fixture_init(&f, WIRE_JSON);
    f.keep = true;
    f.free_in_end = free_in_end;
    SAY(&f, "[0,1,\"a\",{\"n\":1}]\n[0,2,\"b\",{\"n\":2}]\n");
    close(f.peer);
    f.peer = -1;
    turn(&f);
    CHECK_INT(f.ends, 1);
    CHECK_INT(f.end_code, ERR_OK);
    if (f.rpc) rpc_free(f.rpc);
    f.rpc = NULL;
    Error err = {0};
    error_set(&err, ERR_CANCELLED, "cancelled");
    rpc_reply(f.kept[0], f.kept[0]->params);  // goes nowhere, frees the request
    rpc_fail(f.kept[1], &err);
    fixture_deinit(&f);
  }
}

TEST(answers_still_go_out_after_the_end_of_input)
{
  Fixture f;
  fixture_init(&f, WIRE_JSON);
  f.keep = true;
  SAY(&f, "[0,1,\"a\",{}]\n");
  shutdown(f.peer, SHUT_WR);
  turn(&f);
  CHECK_INT(f.ends, 1);
  rpc_reply(f.kept[0], NULL);
  turn(&f);
  expect(&f, "[1,1,null,null]\n");
  fixture_deinit(&f);
}

TEST(a_peer_that_dies_with_a_backlog)
{
  Fixture f;
  fixture_init(&f, WIRE_JSON);
  char *text = malloc(4 << 20);
  memset(text, 'x', 4 << 20);
  Value *params = value_str(&f.arena, (Str){text, 4 << 20});
  rpc_event(f.rpc, S("event"), params);
  CHECK(rpc_backlog(f.rpc) > 0);
  close(f.peer);
  f.peer = -1;
  turn(&f);
  CHECK_INT(f.ends, 1);
  rpc_event(f.rpc, S("event"), params);  // into the void
  turn(&f);
  CHECK_INT(f.ends, 1);
  free(text);
  fixture_deinit(&f);
}

TEST(half_a_message_at_the_end)
{
  for (int kind = 0; kind < 2; kind++) {
    Fixture f;
    fixture_init(&f, kind ? WIRE_MSGPACK : WIRE_JSON);
    say(&f, kind ? S("\x94\x00\x01\xa4"
                     "ec")
                 : S("[0,1,\"ec"));
    shutdown(f.peer, SHUT_WR);
    turn(&f);
    CHECK_INT(f.ends, 1);
    CHECK_INT(f.requests, 0);
    CHECK_INT(f.end_code, ERR_OK);
    fixture_deinit(&f);
  }
}

TEST(the_connection_may_be_freed_inside_a_request)
{
  Fixture f;
  fixture_init(&f, WIRE_JSON);
  f.free_in_request = true;
  SAY(&f, "[0,1,\"echo\",{}]\n[0,2,\"echo\",{}]\n");
  CHECK_INT(f.requests, 1);
  expect(&f, "");
  fixture_deinit(&f);
}

// --- pressure ------------------------------------------------------------------------------------

TEST(a_peer_that_does_not_read_is_not_read_either)
{
  enum { SIZE = 1 << 20, COUNT = 40 };
  Fixture f;
  fixture_init(&f, WIRE_JSON);
  Buf line;
  buf_init(&line, SIZE + 100);
  buf_add(&line, S("[0,1,\"echo\",{\"t\":\""));
  for (int i = 0; i < SIZE; i++) buf_add_char(&line, 'x');
  buf_add(&line, S("\"}]\n"));
  size_t sent = 0, all = line.len * COUNT;
  // Writes while it is taken, without reading: the connection must stop taking at some point.
  for (int stuck = 0; sent < all && stuck < 200;) {
    size_t at = sent % line.len;
    ssize_t n = write(f.peer, line.ptr + at, line.len - at);
    stuck = n > 0 ? 0 : stuck + 1;
    if (n > 0) sent += (size_t)n;
    loop_turn(&f.loop, false);
  }
  CHECK(sent < all);
  CHECK(rpc_backlog(f.rpc) > RPC_HIGH && rpc_backlog(f.rpc) < RPC_HIGH + 3 * SIZE);
  // Once it reads, everything is answered.
  for (int idle = 0; idle < 100000 && f.requests < COUNT; idle++) {
    size_t at = sent % line.len;
    ssize_t n = sent < all ? write(f.peer, line.ptr + at, line.len - at) : 0;
    if (n > 0) sent += (size_t)n;
    loop_turn(&f.loop, false);
    peer_read(&f);
  }
  while (rpc_backlog(f.rpc)) turn(&f);
  turn(&f);
  CHECK_INT(f.requests, COUNT);
  CHECK_INT(str_count_lines(buf_str(&f.got)), COUNT);
  buf_deinit(&line);
  fixture_deinit(&f);
}

TEST(ten_thousand_requests_in_one_go)
{
  Fixture f;
  fixture_init(&f, WIRE_JSON);
  Buf all;
  buf_init(&all, 4 << 20);
  for (int i = 0; i < 10000; i++) buf_fmt(&all, "[0,%d,\"echo\",{\"n\":%d}]\n", i, i);
  say(&f, buf_str(&all));
  for (int i = 0; i < 100 && str_count_lines(buf_str(&f.got)) < 10000; i++) turn(&f);
  CHECK_INT(str_count_lines(buf_str(&f.got)), 10000);
  CHECK(str_ends(buf_str(&f.got), S("[1,9999,null,{\"n\":9999}]\n")));
  buf_deinit(&all);
  fixture_deinit(&f);
}

TEST_MAIN
