// rpc_client.c: an editor's side of the wire, timed: starts a co-process, asks, and counts microseconds.
//
//   rpc_client FIRST SECOND N COMMAND...     FIRST, SECOND: files with one msgpack-RPC request each
//
// Prints: start to the answer of FIRST (us), resident memory then (KiB), and median, 99th percentile, least
// (us) of N round trips of SECOND.
#include <fcntl.h>
#include <msgpack.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static msgpack_unpacker unpacker;
static int to_child, from_child;

static double now_us(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static size_t slurp(const char *path, char *out, size_t cap)
{
  int fd = open(path, O_RDONLY);
  ssize_t n = fd < 0 ? -1 : read(fd, out, cap);
  if (n <= 0) exit(2);
  close(fd);
  return (size_t)n;
}

// One response; events before it are passed over. 'false' when it is an error.
static bool await(void)
{
  msgpack_unpacked one;
  msgpack_unpacked_init(&one);
  for (;;) {
    while (msgpack_unpacker_next(&unpacker, &one) == MSGPACK_UNPACK_SUCCESS) {
      const msgpack_object *at = one.data.via.array.ptr;
      if (one.data.type != MSGPACK_OBJECT_ARRAY || at[0].via.i64 != 1) continue;
      bool good = at[2].type == MSGPACK_OBJECT_NIL;
      if (!good) {
        msgpack_object_print(stderr, at[2]);
        fputc('\n', stderr);
      }
      msgpack_unpacked_destroy(&one);
      return good;
    }
    msgpack_unpacker_reserve_buffer(&unpacker, 65536);
    ssize_t n = read(from_child, msgpack_unpacker_buffer(&unpacker), 65536);
    if (n <= 0) return false;
    msgpack_unpacker_buffer_consumed(&unpacker, (size_t)n);
  }
}

static bool ask(const char *request, size_t len)
{
  return write(to_child, request, len) == (ssize_t)len && await();
}

static long resident_kib(pid_t pid)
{
  char path[64], line[256];
  long kib = 0;
  snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
  FILE *f = fopen(path, "r");
  while (f && fgets(line, sizeof(line), f)) {
    if (sscanf(line, "VmRSS: %ld", &kib) == 1) break;
  }
  if (f) fclose(f);
  return kib;
}

static pid_t start(char **argv)
{
  int down[2], up[2];
  pid_t pid;
  posix_spawn_file_actions_t actions;
  if (pipe2(down, O_CLOEXEC) || pipe2(up, O_CLOEXEC)) exit(2);
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, down[0], 0);
  posix_spawn_file_actions_adddup2(&actions, up[1], 1);
  if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ)) exit(2);
  close(down[0]);
  close(up[1]);
  to_child = down[1];
  from_child = up[0];
  return pid;
}

static int by_size(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
  static char first[65536], second[65536];
  if (argc < 5) return 2;
  size_t first_len = slurp(argv[1], first, sizeof(first)),
         second_len = slurp(argv[2], second, sizeof(second));
  long n = atol(argv[3]);
  double *times = calloc((size_t)n + 1, sizeof(double));
  msgpack_unpacker_init(&unpacker, 65536);
  signal(SIGPIPE, SIG_IGN);
  double begin = now_us();
  pid_t pid = start(argv + 4);
  if (!ask(first, first_len)) return 1;
  double started = now_us() - begin;
  long kib = resident_kib(pid);
  for (long i = 0; i < n; i++) {
    double at = now_us();
    if (!ask(second, second_len)) return 1;
    times[i] = now_us() - at;
  }
  qsort(times, (size_t)n, sizeof(double), by_size);
  printf("%.0f %ld %.1f %.1f %.1f\n", started, kib, times[n / 2], times[n * 99 / 100], times[0]);
  close(to_child);
  int status;
  waitpid(pid, &status, 0);
  return 0;
}
