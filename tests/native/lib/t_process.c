// t_process.c: children, their output, their end by time or by wish; command lines; secret names.
#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/process.h"

typedef struct {
  Loop loop;
  Arena arena;
  int done;
  ProcessResult result;  // texts copied into [arena]
  uint64_t took_ms;
} Fixture;

static void keep_result(void *owner, const ProcessResult *result)
{
  Fixture *f = owner;
  f->done++;
  f->result = *result;
  f->result.output = str_dup(&f->arena, result->output);
  f->result.out = str_dup(&f->arena, result->out);
}

static void fixture_init(Fixture *f)
{
  *f = (Fixture){0};
  arena_init(&f->arena);
  CHECK(loop_init(&f->loop, NULL));
}

static void fixture_deinit(Fixture *f)
{
  loop_deinit(&f->loop);
  arena_deinit(&f->arena);
}

// Starts argv, runs the loop until it is done.
static void run_spec(Fixture *f, ProcessSpec spec)
{
  Error err = {0};
  spec.on_done = keep_result;
  spec.owner = f;
  f->done = 0;
  uint64_t before = loop_now_ms(&f->loop);
  CHECK(process_start(&f->loop, spec, &err) != NULL);
  CHECK_INT(f->done, 0);  // never from inside process_start
  CHECK_INT(err.code, ERR_OK);
  loop_run(&f->loop);
  CHECK_INT(f->done, 1);
  f->took_ms = loop_now_ms(&f->loop) - before;
}

static void run_sh(Fixture *f, const char *line, ProcessSpec spec)
{
  spec.argv = (const char *const[]){"sh", "-c", line, NULL};
  run_spec(f, spec);
}

TEST(output_and_exit_status)
{
  Fixture f;
  fixture_init(&f);
  run_sh(&f, "echo one; echo two >&2; echo three; exit 7", (ProcessSpec){0});
  CHECK_INT(f.result.status, 7);
  CHECK_INT(f.result.signum, 0);
  CHECK_STR(f.result.output, S("one\ntwo\nthree\n"));  // in the child's order
  CHECK(!f.result.timed_out && !f.result.killed && !f.result.output_cut);
  fixture_deinit(&f);
}

TEST(split_keeps_stdout_apart)
{
  Fixture f;
  fixture_init(&f);
  run_sh(&f, "echo out; echo err >&2", (ProcessSpec){.split = true});
  CHECK_STR(f.result.out, S("out\n"));
  CHECK_INT(f.result.output.len, 8);
  fixture_deinit(&f);
}

TEST(input_larger_than_a_pipe)
{
  Fixture f;
  fixture_init(&f);
  size_t size = 3 << 20;
  char *text = malloc(size);
  memset(text, 'x', size);
  run_sh(&f, "cat", (ProcessSpec){.input = {text, size}, .max_output = 8 << 20});
  CHECK_STR(f.result.output, ((Str){text, size}));
  run_sh(&f, "exit 3", (ProcessSpec){.input = {text, size}});  // a child that does not read it
  CHECK_INT(f.result.status, 3);
  run_sh(&f, "head -c 4 /dev/stdin", (ProcessSpec){.input = S("12345")});  // a pipe, not a socket
  CHECK_STR(f.result.output, S("1234"));
  free(text);
  fixture_deinit(&f);
}

TEST(no_input_is_dev_null)
{
  Fixture f;
  fixture_init(&f);
  run_sh(&f, "cat; echo end", (ProcessSpec){0});
  CHECK_STR(f.result.output, S("end\n"));
  fixture_deinit(&f);
}

TEST(the_tail_of_long_output_is_kept)
{
  Fixture f;
  fixture_init(&f);
  run_sh(&f, "seq 1 200000", (ProcessSpec){.max_output = 1000});
  CHECK(f.result.output_cut);
  CHECK_INT(f.result.output.len, 1000);
  CHECK(str_ends(f.result.output, S("199999\n200000\n")));
  run_sh(&f, "printf '\\303\\251\\303\\251'",
         (ProcessSpec){.max_output = 3});  // cut inside a character
  CHECK_STR(f.result.output, S("\xc3\xa9"));
  run_sh(&f, "printf 123", (ProcessSpec){.max_output = 3});
  CHECK(!f.result.output_cut);
  fixture_deinit(&f);
}

TEST(a_missing_program_or_directory_is_told_at_once)
{
  Fixture f;
  Error err = {0};
  fixture_init(&f);
  ProcessSpec spec = {.argv = (const char *const[]){"no-such-program-here", NULL},
                      .on_done = keep_result,
                      .owner = &f,
                      .timeout_ms = 5000};
  CHECK(process_start(&f.loop, spec, &err) == NULL);
  CHECK_INT(err.code, ERR_NOT_FOUND);
  error_clear(&err);
  spec.argv = (const char *const[]){"true", NULL};
  spec.cwd = "/no/such/place";
  CHECK(process_start(&f.loop, spec, &err) == NULL);
  CHECK_INT(err.code, ERR_NOT_FOUND);
  CHECK(str_has(str_from(err.message), S("no directory /no/such/place")));
  error_clear(&err);
  spec.argv = (const char *const[]){"/etc/passwd", NULL};
  spec.cwd = NULL;
  CHECK(process_start(&f.loop, spec, &err) == NULL);
  CHECK_INT(err.code, ERR_IO);
  loop_run(&f.loop);
  CHECK_INT(f.done, 0);
  fixture_deinit(&f);
}

TEST(directory_and_environment)
{
  Fixture f;
  fixture_init(&f);
  setenv("T_PROCESS_KEY", "hidden", 1);
  setenv("T_PROCESS_KEEP", "kept", 1);
  run_sh(&f, "pwd; echo $T_PROCESS_KEY-$T_PROCESS_KEEP-$T_PROCESS_NEW",
         (ProcessSpec){.cwd = "/usr",
                       .env_drop = (const char *const[]){"T_PROCESS_KEY", NULL},
                       .env_add = (const char *const[]){"T_PROCESS_NEW=new", NULL}});
  CHECK_STR(f.result.output, S("/usr\n-kept-new\n"));
  run_sh(&f, "echo $T_PROCESS_KEEP",
         (ProcessSpec){.env_add = (const char *const[]){"T_PROCESS_KEEP=other", NULL}});
  CHECK_STR(f.result.output, S("other\n"));
  fixture_deinit(&f);
}

TEST(time_out_takes_the_whole_group)
{
  Fixture f;
  fixture_init(&f);
  run_sh(&f, "(trap 'echo told; exit' TERM; echo begun; sleep 100 & wait) & sleep 100; wait",
         (ProcessSpec){.timeout_ms = 1000});
  CHECK(f.result.timed_out && !f.result.killed);
  CHECK_INT(f.result.status, -1);
  CHECK_INT(f.result.signum, SIGTERM);
  CHECK_STR(f.result.output, S("begun\ntold\n"));
  CHECK(f.took_ms < 50000);  // nobody waited for those that sleep
  fixture_deinit(&f);
}

// Starts a command that must end with its starter and says its group, and waits for it.
static void start_and_wait(int tell)
{
  Fixture f;
  fixture_init(&f);
  run_sh(&f, "true", (ProcessSpec){.ends_group = true});  // one that ended before
  char line[80];
  snprintf(line, sizeof(line), "sleep 100 & echo $$ > /proc/%d/fd/%d; wait", getpid(), tell);
  ProcessSpec spec = {.argv = (const char *const[]){"sh", "-c", line, NULL},
                      .ends_group = true,
                      .on_done = keep_result,
                      .owner = &f};
  CHECK(process_start(&f.loop, spec, NULL) != NULL);
  CHECK(write(tell, ".", 1) == 1);
  loop_run(&f.loop);
  _exit(1);
}

TEST(a_kill_of_ours_ends_the_command)
{
  int fds[2];
  char said[32] = {0};
  CHECK(pipe(fds) == 0);
  pid_t starter = fork();
  if (starter == 0) start_and_wait(fds[1]);
  close(fds[1]);  // so that a starter that dies is heard of
  ssize_t n = 1;
  for (size_t len = 0; n > 0 && (!strchr(said, '.') || !strchr(said, '\n'));
       len += n > 0 ? (size_t)n : 0) {
    n = read(fds[0], said + len, sizeof(said) - 1 - len);
  }
  CHECK(n > 0);
  int group = atoi(said[0] == '.' ? said + 1 : said);
  CHECK(group > 1);
  CHECK(kill(-group, 0) == 0);
  kill(starter, SIGKILL);
  waitpid(starter, NULL, 0);
  int waited = 0;
  while (kill(-group, 0) == 0 && waited++ < 60) usleep(100000);
  CHECK(kill(-group, 0) != 0);
  close(fds[0]);
}

TEST(who_ignores_term_is_killed)
{
  Fixture f;
  fixture_init(&f);
  run_sh(&f, "trap '' TERM; echo deaf; while :; do sleep 0.1; done",
         (ProcessSpec){.timeout_ms = 1000});
  CHECK(f.result.timed_out);
  CHECK_INT(f.result.signum, SIGKILL);
  CHECK_STR(f.result.output, S("deaf\n"));
  CHECK(f.took_ms >= 3000 && f.took_ms < 20000);  // two seconds after the first signal
  fixture_deinit(&f);
}

TEST(a_background_child_does_not_hold_the_result)
{
  Fixture f;
  fixture_init(&f);
  run_sh(&f, "sleep 40 & echo quick", (ProcessSpec){0});
  CHECK_INT(f.result.status, 0);
  CHECK_STR(f.result.output, S("quick\n"));
  CHECK(f.took_ms < 30000);
  fixture_deinit(&f);
}

TEST(kill_is_reported_once)
{
  Fixture f;
  Error err = {0};
  fixture_init(&f);
  Process *process = process_start(
      &f.loop,
      (ProcessSpec){
          .argv = (const char *const[]){"sleep", "100", NULL}, .on_done = keep_result, .owner = &f},
      &err);
  process_kill(process);
  process_kill(process);
  CHECK_INT(f.done, 0);
  loop_run(&f.loop);
  CHECK_INT(f.done, 1);
  CHECK(f.result.killed && !f.result.timed_out);
  fixture_deinit(&f);
}

static void start_next(void *owner, const ProcessResult *result)
{
  Fixture *f = owner;
  keep_result(owner, result);
  if (f->done == 3) return;
  process_start(
      &f->loop,
      (ProcessSpec){.argv = (const char *const[]){"true", NULL}, .on_done = start_next, .owner = f},
      NULL);
}

TEST(on_done_may_start_the_next)
{
  Fixture f;
  fixture_init(&f);
  process_start(
      &f.loop,
      (ProcessSpec){
          .argv = (const char *const[]){"true", NULL}, .on_done = start_next, .owner = &f},
      NULL);
  loop_run(&f.loop);
  CHECK_INT(f.done, 3);
  fixture_deinit(&f);
}

TEST(no_descriptor_is_left_behind_or_passed_on)
{
  Fixture f;
  fixture_init(&f);
  int before = dup(0);
  close(before);
  for (int i = 0; i < 20; i++) run_sh(&f, "echo x", (ProcessSpec){.split = true, .input = S("y")});
  int ours = 0;  // what this test itself was given to pass on
  for (int fd = 3; fd < 1024; fd++) ours += fcntl(fd, F_GETFD) == 0;
  run_sh(&f, "ls /proc/self/fd | wc -l", (ProcessSpec){0});
  CHECK_INT(atoi(f.result.output.ptr), ours + 4);  // 0, 1, 2 and the directory it lists
  int after = dup(0);
  close(after);
  fixture_deinit(&f);
  CHECK(after <= before + 4);  // the loop's own
}

// Fails the n-th descriptor that a start needs, for every n.
TEST(running_out_of_descriptors)
{
  Fixture f;
  struct rlimit limit, tight;
  fixture_init(&f);
  run_sh(&f, "true", (ProcessSpec){0});  // libuv opens its signal pipe at the first child
  getrlimit(RLIMIT_NOFILE, &limit);
  int low = dup(0), refused = 0, ran = 0;
  close(low);
  for (int more = 0; more < 12; more++) {
    Error err = {0};
    f.done = 0;
    tight = (struct rlimit){.rlim_cur = (rlim_t)(low + more), .rlim_max = limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &tight);
    Process *process = process_start(&f.loop,
                                     (ProcessSpec){.argv = (const char *const[]){"cat", NULL},
                                                   .input = S("text"),
                                                   .split = true,
                                                   .on_done = keep_result,
                                                   .owner = &f},
                                     &err);
    setrlimit(RLIMIT_NOFILE, &limit);
    loop_run(&f.loop);
    CHECK_INT(f.done, process != NULL);
    CHECK((err.code == ERR_IO) == !process);
    if (process && !f.result.killed) CHECK_STR(f.result.out, S("text"));
    refused += !process;
    ran += process && f.result.status == 0;
  }
  CHECK(refused > 3);
  CHECK(ran > 0);
  fixture_deinit(&f);
}

TEST(many_at_once)
{
  Fixture f;
  fixture_init(&f);
  for (int i = 0; i < 30; i++) {
    process_start(
        &f.loop,
        (ProcessSpec){
            .argv = (const char *const[]){"echo", "x", NULL}, .on_done = keep_result, .owner = &f},
        NULL);
  }
  loop_run(&f.loop);
  CHECK_INT(f.done, 30);
  fixture_deinit(&f);
}

TEST(kill_while_the_input_is_written)
{
  Fixture f;
  fixture_init(&f);
  size_t size = 1 << 20;
  char *text = calloc(1, size);
  Process *process =
      process_start(&f.loop,
                    (ProcessSpec){.argv = (const char *const[]){"sleep", "100", NULL},
                                  .input = {text, size},
                                  .on_done = keep_result,
                                  .owner = &f},
                    NULL);
  for (int i = 0; i < 5; i++) loop_turn(&f.loop, false);
  process_kill(process);
  loop_run(&f.loop);
  CHECK(f.result.killed);
  free(text);
  fixture_deinit(&f);
}

// --- command lines -------------------------------------------------------------------------------

static Str split_to_text(Arena *arena, Str line)
{
  StrList argv;
  return command_split(arena, line, &argv) ? str_join(arena, &argv, S("|")) : S("(shell)");
}

TEST(command_lines)
{
  static const struct {
    const char *line, *want;
  } rows[] = {
      {"make check", "make|check"},
      {"  make\t-C  dir ", "make|-C|dir"},
      {"echo 'a b' \"c d\" e\\ f", "echo|a b|c d|e f"},
      {"echo '' \"\"", "echo||"},
      {"echo a'b'\"c\"d", "echo|abcd"},
      {"echo \"a\\\"b\\\\c\\d\"", "echo|a\"b\\c\\d"},
      {"echo '$HOME `x` *'", "echo|$HOME `x` *"},
      {"cc -DX=1 a~b", "cc|-DX=1|a~b"},
      {"a | b", "(shell)"},
      {"a && b", "(shell)"},
      {"a; b", "(shell)"},
      {"a > b", "(shell)"},
      {"a $B", "(shell)"},
      {"a \"$B\"", "(shell)"},
      {"a `b`", "(shell)"},
      {"a *.c", "(shell)"},
      {"a ?", "(shell)"},
      {"a [b]", "(shell)"},
      {"a # b", "(shell)"},
      {"(a)", "(shell)"},
      {"a\nb", "(shell)"},
      {"ls ~", "(shell)"},
      {"A=1 make", "(shell)"},
      {"cd dir", "(shell)"},
      {"! make", "(shell)"},
      {"a 'b", "(shell)"},
      {"a \"b", "(shell)"},
      {"a \\", "(shell)"},
      {"", "(shell)"},
      {"   ", "(shell)"},
  };
  Arena arena;
  arena_init(&arena);
  for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
    CHECK_STR(split_to_text(&arena, str_from(rows[i].line)), str_from(rows[i].want));
  }
  arena_deinit(&arena);
}

static bool lists(const char *const *names, const char *name)
{
  for (; *names; names++) {
    if (strcmp(*names, name) == 0) return true;
  }
  return false;
}

TEST(secret_names)
{
  static const char *const yes[] = {"ANTHROPIC_API_KEY",
                                    "HF_TOKEN",
                                    "MY_SECRET_2",
                                    "db_password",
                                    "X_APIKEY",
                                    "PGPASSWORD",
                                    "ANTHROPIC_CUSTOM_HEADERS",
                                    "GOOGLE_APPLICATION_CREDENTIALS"};
  static const char *const no[] = {"KEYBOARD", "SSH_AUTH_SOCK", "GIT_CONFIG_KEY_0", "PASSAGE",
                                   "T_HOME"};
  Arena arena;
  arena_init(&arena);
  for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) setenv(yes[i], "x", 1);
  for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++) setenv(no[i], "x", 1);
  const char *const *names = secret_env_names(&arena);
  for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) CHECK(lists(names, yes[i]));
  for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++) CHECK(!lists(names, no[i]));
  CHECK(!lists(names, "PATH"));
  arena_deinit(&arena);
}

TEST_MAIN
