// terminal.c: see terminal.h.
#include "front/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

bool terminal_in(void)
{
  return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

bool terminal_out(void)
{
  return isatty(STDOUT_FILENO);
}

bool terminal_err(void)
{
  return isatty(STDERR_FILENO);
}

bool terminal_reader_left(void)
{
  struct pollfd out = {.fd = STDOUT_FILENO};
  return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

size_t terminal_width(void)
{
  struct winsize size;
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || size.ws_col < 20) return 80;
  return size.ws_col;
}

bool terminal_ask(const char *question)
{
  char line[16];
  if (!terminal_in()) return false;
  fprintf(stderr, "%s [y/N] ", question);
  fflush(stderr);
  if (!fgets(line, sizeof(line), stdin)) return false;
  Str answer = str_trim(str_from(line));
  return str_eq_nocase(answer, S("y")) || str_eq_nocase(answer, S("yes"));
}

// `git var GIT_EDITOR` knows GIT_EDITOR, core.editor, VISUAL, EDITOR and git's own default.
static const char edit_script[] =
    "editor=$(git var GIT_EDITOR 2>/dev/null) || editor=${VISUAL:-${EDITOR:-vi}}\n"
    "eval \"$editor \\\"\\$@\\\"\"";

bool terminal_edit(const char *path, Error *err)
{
  // The editor shares our terminal, so it is no child of lib/process.h, which keeps children away from it.
  char *argv[] = {"sh", "-c", (char *)edit_script, "editor", (char *)path, NULL};
  pid_t pid;
  int rc = posix_spawnp(&pid, "sh", NULL, NULL, argv, environ);
  if (rc) return error_set(err, ERR_FAILED, "cannot start an editor: %s", strerror(rc));
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return error_set(err, ERR_FAILED, "lost the editor: %s", strerror(errno));
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
  error_set(err, ERR_CANCELLED, "the editor ended with a failure; nothing is committed");
  return error_hint_set(err, "give a message with -m");
}
