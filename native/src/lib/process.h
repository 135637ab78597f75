// process.h: a child process in its own process group: argv, never a shell line built by us.
//
// Life: process_start -> on_done exactly once, never from inside process_start. process_kill at any
// time
// -> on_done with `killed`. The whole group is killed on cancel and on time-out (TERM, then KILL
// after 2 s). Children get /dev/null or [input] as stdin and never inherit our stdout (it is the
// wire).
#pragma once

#include "base/buf.h"
#include "lib/loop.h"

typedef struct Process Process;

typedef struct {
  int status;  // exit status; -1 when killed by a signal
  int signum;  // 0 unless killed by a signal
  bool timed_out, killed;
  bool output_cut;  // more was printed than max_output
  Str output;  // stdout and stderr interleaved (the last max_output bytes), valid during on_done
  Str out;     // stdout alone when spec.split is set
} ProcessResult;

typedef struct {
  const char *const *argv;      // NULL-terminated; argv[0] is searched in PATH
  const char *cwd;              // NULL = ours
  const char *const *env_drop;  // names taken out (keys), NULL-terminated; may be NULL
  const char *const *env_add;   // "NAME=value", NULL-terminated; may be NULL
  Str input;                    // borrowed until on_done
  size_t max_output;            // bytes kept; 0 = 1 MiB
  bool split;                   // keep stdout apart from stderr
  uint64_t timeout_ms;          // 0 = none
  // What it leaves running in its group ends with it, and all of it with us (process_watch.h).
  bool ends_group;
  void (*on_done)(void *owner, const ProcessResult *result);  // may start another process
  void *owner;
} ProcessSpec;

// NULL with [err] set when the program could not be started (on_done is not called then).
Process *process_start(Loop *loop, ProcessSpec spec, Error *err);
void process_kill(Process *process);

// The same for helpers that answer at once: waits on a loop of its own, while ours stands still. on_done is called
// before it returns; false when the program could not be started.
bool process_run(ProcessSpec spec, Error *err);

// Splits a command line as sh would split words (quotes, backslashes), without expansions. False
// when it needs a shell (| & ; < > $ ` * ? [ #  ( ) or an unclosed quote); the caller then runs
// {"sh","-c",line}.
bool command_split(Arena *arena, Str line, StrList *argv);

// Names of environment variables that look like secrets (KEY, TOKEN, SECRET, PASSWORD ...),
// NULL-terminated, for env_drop.
const char *const *secret_env_names(Arena *arena);
