// process_watch.c: see process_watch.h. The watcher runs between fork and _exit in what may have been a process with
// threads, so it uses memory of its own stack and system calls only.
#include "lib/process_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  GROUPS_MAX = 256,  // commands at once; the engine runs far fewer
  GRACE_S = 2,       // from TERM to KILL
  LAST_FD = 4096,    // descriptors closed one by one where the system cannot close a range
};

static int pipe_end = -1;  // ours, for writing; one watcher for the process
static pid_t maker = 0;    // who made it: a fork of ours has none

// ---- the watcher ------------------------------------------------------------------------------------

// Nothing of ours stays open in it: no lock, no socket, no end of anybody's pipe.
static void close_others(int keep)
{
  dup2(keep, 0);
#ifdef SYS_close_range
  if (syscall(SYS_close_range, 1U, ~0U, 0U) == 0) return;
#endif
  for (int fd = 1; fd < LAST_FD; fd++) close(fd);
}

static void signal_all(const int32_t *groups, int count, int signum)
{
  for (int i = 0; i < count; i++) kill(-groups[i], signum);
}

// A positive number begins a group, its negative ends it.
static void take(int32_t *groups, int *count, int32_t told)
{
  if (told > 0 && *count < GROUPS_MAX) groups[(*count)++] = told;
  for (int i = 0; told < 0 && i < *count; i++) {
    if (groups[i] == -told) groups[i--] = groups[--*count];
  }
}

static _Noreturn void watch(int from)
{
  int32_t groups[GROUPS_MAX], told;
  int count = 0;
  setsid();  // not hit by what hits our group
  for (int signum = 1; signum < NSIG; signum++) signal(signum, SIG_IGN);
  close_others(from);
  for (;;) {
    ssize_t n = read(0, &told, sizeof(told));
    if (n == (ssize_t)sizeof(told)) {
      take(groups, &count, told);
    } else if (n >= 0 || errno != EINTR) {
      break;
    }
  }
  signal_all(groups, count, SIGTERM);
  if (count) sleep(GRACE_S);
  signal_all(groups, count, SIGKILL);
  _exit(0);
}

// ---- our side ---------------------------------------------------------------------------------------

// Forked twice, so that nobody has to wait for it.
static void start(void)
{
  int fds[2];
  if (pipe2(fds, O_CLOEXEC)) return;
  pid_t child = fork();
  if (child == 0) {
    if (fork() == 0) watch(fds[0]);
    _exit(0);
  }
  close(fds[0]);
  while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR) {
  }
  if (child < 0) {
    close(fds[1]);
    return;
  }
  fcntl(fds[1], F_SETFL, O_NONBLOCK);
  pipe_end = fds[1];
  maker = getpid();
}

static void tell(int32_t what)
{
  if (pipe_end < 0 || maker != getpid()) return;
  // four bytes go whole or not at all; a watcher that is gone (EPIPE) is not missed
  if (write(pipe_end, &what, sizeof(what)) < 0 && errno == EPIPE) {
    close(pipe_end);
    pipe_end = -1;
  }
}

void watch_add(int group)
{
  if (group <= 0) return;
  if (pipe_end < 0) start();
  tell(group);
}

void watch_remove(int group)
{
  if (group > 0) tell(-group);
}
