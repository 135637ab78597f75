// process.c: child processes. See process.h.
//
//            TERM to the group           KILL to the group after GRACE_MS
//   RUNNING ------------------> STOPPING ------------------> KILLED
//      |  the leader has exited    |                           |
//      +------------+--------------+---------------------------+
//                   v
//   it is over when the leader has exited and its pipes are closed, or DRAIN_MS after the exit when
//   a background child keeps a pipe open -> on_done -> handles closed -> freed
//
// Pipes are real pipes (libuv would make sockets, which /dev/stdin cannot reopen); without `split`
// stdout and stderr share one, so that the order of lines is the child's own.
#include "lib/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/process_watch.h"

enum { GRACE_MS = 2000, DRAIN_MS = 1000, READ_BYTES = 32 * 1024, DEFAULT_OUTPUT = 1 << 20 };

typedef enum { RUNNING, STOPPING, KILLED, OVER } State;

typedef enum {
  EV_DEADLINE,  // the caller's timeout
  EV_KILL,      // the caller's wish
  EV_TIMER,     // grace or drain time is over
  EV_EXIT,      // the leader has exited
  EV_EOF,       // a pipe was closed at the other end
} Event;

// The last [max] bytes of a stream. Holds up to twice as much, so that dropping the front stays
// cheap.
typedef struct {
  Buf buf;
  size_t max;
  bool cut;
} Tail;

typedef struct {
  uv_pipe_t uv;
  Process *process;  // borrowed: the pipe is part of it
  Tail *also;        // second place for the bytes, or NULL
  bool open;
} OutPipe;

struct Process {
  ProcessSpec spec;
  State state;
  uv_process_t uv;
  OutPipe out, err;  // err only with spec.split
  uv_pipe_t in;
  uv_write_t in_write;
  bool in_open, exited;
  bool spawned;    // uv_spawn was called: [uv] needs closing, even when it failed
  Timer deadline;  // spec.timeout_ms
  Timer timer;     // grace, then drain
  Tail all, split_out;
  ProcessResult result;
  int handles;  // libuv handles not yet closed; the last one frees the process
  char bytes[READ_BYTES];
};

static void process_step(Process *process, Event event);

static void tail_init(Tail *tail, size_t max)
{
  *tail = (Tail){.max = max};
  buf_init(&tail->buf, max * 2);
}

static void tail_add(Tail *tail, Str bytes)
{
  if (bytes.len > tail->max) {
    bytes = str_skip(bytes, bytes.len - tail->max);
    tail->cut = true;
  }
  size_t len = tail->buf.len + bytes.len;
  if (len > tail->max) tail->cut = true;
  if (len > tail->max * 2) buf_drop_front(&tail->buf, len - tail->max);
  buf_add(&tail->buf, bytes);
}

// What is kept; a cut never begins inside a UTF-8 character.
static Str tail_str(const Tail *tail)
{
  Str s = buf_str(&tail->buf);
  if (!tail->cut) return s;
  if (s.len > tail->max) s = str_skip(s, s.len - tail->max);
  for (int i = 0; i < 3 && s.len && ((unsigned char)s.ptr[0] & 0xc0) == 0x80; i++)
    s = str_skip(s, 1);
  return s;
}

// A handle has closed; the last one takes the memory with it.
static void handle_closed(void *owner)
{
  Process *process = owner;
  if (--process->handles) return;
  buf_deinit(&process->all.buf);
  buf_deinit(&process->split_out.buf);
  mem_free(process);
}

static void on_process_closed(uv_handle_t *handle)
{
  handle_closed(handle->data);
}

static void on_pipe_closed(uv_handle_t *handle)
{
  handle_closed(((OutPipe *)handle->data)->process);
}

static void close_in(Process *process)
{
  if (!process->in_open) return;
  process->in_open = false;
  uv_close((uv_handle_t *)&process->in, on_process_closed);
}

static void close_out(OutPipe *pipe)
{
  if (!pipe->open) return;
  pipe->open = false;
  uv_close((uv_handle_t *)&pipe->uv, on_pipe_closed);
}

static void close_all(Process *process)
{
  close_in(process);
  close_out(&process->out);
  close_out(&process->err);
  timer_close(&process->deadline, handle_closed);
  timer_close(&process->timer, handle_closed);
  if (process->spawned) uv_close((uv_handle_t *)&process->uv, on_process_closed);
}

static void signal_group(Process *process, int signum)
{
  if (process->uv.pid > 0) kill(-process->uv.pid, signum);
}

static void finish(Process *process)
{
  if (process->state != RUNNING) signal_group(process, SIGKILL);  // stragglers of a stopped group
  if (process->spec.ends_group) watch_remove(process->uv.pid);
  process->state = OVER;
  close_in(process);
  process->result.output = tail_str(&process->all);
  process->result.out = tail_str(&process->split_out);
  process->result.output_cut = process->all.cut || process->split_out.cut;
  if (process->spec.on_done) process->spec.on_done(process->spec.owner, &process->result);
  close_all(process);
}

static void stop(Process *process)
{
  process->state = STOPPING;
  signal_group(process, SIGTERM);
  timer_start(&process->timer, GRACE_MS, 0);
}

static bool is_over(const Process *process)
{
  return process->exited && !process->out.open && !process->err.open;
}

// The two states in which nothing but the end is awaited: one timer serves both.
static void on_wait_over(Process *process)
{
  if (process->state == STOPPING) {
    process->state = KILLED;
    signal_group(process, SIGKILL);
    timer_start(&process->timer, DRAIN_MS, 0);
  } else if (process->exited) {
    finish(process);  // somebody else holds the pipe: what came is what counts
  }
}

static void process_step(Process *process, Event event)
{
  if (process->state == OVER) return;
  switch (event) {
    case EV_DEADLINE:
      if (process->state != RUNNING || process->exited) return;
      process->result.timed_out = true;
      stop(process);
      return;
    case EV_KILL:
      if (process->state != RUNNING) return;
      process->result.killed = true;
      stop(process);
      return;
    case EV_TIMER: on_wait_over(process); return;
    case EV_EXIT:
      if (process->spec.ends_group) signal_group(process, SIGKILL);
      if (!is_over(process) && process->state != STOPPING)
        timer_start(&process->timer, DRAIN_MS, 0);
      break;
    case EV_EOF: break;
  }
  if (is_over(process)) finish(process);
}

static void on_deadline(void *owner)
{
  process_step(owner, EV_DEADLINE);
}

static void on_timer(void *owner)
{
  process_step(owner, EV_TIMER);
}

static void on_exit_status(uv_process_t *uv, int64_t status, int signum)
{
  Process *process = uv->data;
  process->exited = true;
  process->result.signum = signum;
  process->result.status = signum ? -1 : (int)status;
  process_step(process, EV_EXIT);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
  (void)suggested;
  OutPipe *pipe = handle->data;
  *buf = uv_buf_init(pipe->process->bytes, READ_BYTES);
}

static void on_output(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
  OutPipe *pipe = stream->data;
  if (n > 0) {
    Str bytes = {buf->base, (size_t)n};
    tail_add(&pipe->process->all, bytes);
    if (pipe->also) tail_add(pipe->also, bytes);
  } else if (n < 0) {
    close_out(pipe);
    process_step(pipe->process, EV_EOF);
  }
}

// Whether it was read or refused (EPIPE: the child does not care for it), the child's input ends
// here.
static void on_input_written(uv_write_t *req, int status)
{
  (void)status;
  close_in(req->data);
}

static void write_input(Process *process)
{
  // One uv_buf_t holds 4 GiB at most; inputs are prompts and patches, far below.
  uv_buf_t buf = uv_buf_init((char *)process->spec.input.ptr, (unsigned)process->spec.input.len);
  process->in_write.data = process;
  if (uv_write(&process->in_write, (uv_stream_t *)&process->in, &buf, 1, on_input_written)) {
    close_in(process);
  }
}

// --- environment ---------------------------------------------------------------------------------

static bool same_name(const char *entry, const char *name, size_t len)
{
  return strncmp(entry, name, len) == 0 && entry[len] == '=';
}

static bool is_listed(const char *entry, const char *const *names)
{
  for (; names && *names; names++) {
    if (same_name(entry, *names, strcspn(*names, "="))) return true;
  }
  return false;
}

// Our environment without the dropped names and with the added ones; NULL when it is simply ours.
static char **environment(Arena *arena, const ProcessSpec *spec)
{
  if (!spec->env_drop && !spec->env_add) return NULL;
  struct {
    char **items;
    size_t len, cap;
  } list = {0};
  for (char **entry = environ; entry && *entry; entry++) {
    if (is_listed(*entry, spec->env_drop) || is_listed(*entry, spec->env_add)) continue;
    PUSH(arena, &list, *entry);
  }
  for (const char *const *entry = spec->env_add; entry && *entry; entry++) {
    PUSH(arena, &list, (char *)*entry);
  }
  PUSH(arena, &list, NULL);
  return list.items;
}

// --- start ---------------------------------------------------------------------------------------

typedef struct {
  int parent, child;  // -1 once handed over or closed
} Pair;

static bool pair_open(Pair *pair, bool to_child)
{
  int fds[2];
  if (pipe2(fds, O_CLOEXEC)) return false;
  *pair = to_child ? (Pair){.parent = fds[1], .child = fds[0]}
                   : (Pair){.parent = fds[0], .child = fds[1]};
  return true;
}

static void fd_close(int *fd)
{
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

// Gives the parent's end of [pair] to a libuv pipe, which closes it from then on.
static bool adopt(Process *process, uv_pipe_t *uv, void *data, Pair *pair)
{
  uv_pipe_init(process->uv.loop, uv, 0);
  uv->data = data;
  process->handles++;
  if (uv_pipe_open(uv, pair->parent)) return false;
  pair->parent = -1;
  return true;
}

static bool adopt_out(Process *process, OutPipe *out, Pair *pair)
{
  out->process = process;
  out->open = true;
  return adopt(process, &out->uv, out, pair) &&
         uv_read_start((uv_stream_t *)&out->uv, on_alloc, on_output) == 0;
}

static bool start_error(const ProcessSpec *spec, int rc, Error *err)
{
  struct stat st;
  if (spec->cwd && (stat(spec->cwd, &st) || !S_ISDIR(st.st_mode))) {
    return error_set(err, ERR_NOT_FOUND, "cannot start %s: no directory %s", spec->argv[0],
                     spec->cwd);
  }
  Err code = rc == UV_ENOENT ? ERR_NOT_FOUND : ERR_IO;
  return error_set(err, code, "cannot start %s: %s", spec->argv[0], uv_strerror(rc));
}

static uv_stdio_container_t child_fd(const Pair *pair)
{
  if (pair->child < 0) return (uv_stdio_container_t){.flags = UV_IGNORE};  // /dev/null
  return (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = pair->child};
}

// [pairs]: stdin, stdout, stderr; stderr's is shut when it shares stdout's.
static int spawn(Process *process, const Pair pairs[3])
{
  const ProcessSpec *spec = &process->spec;
  Arena scratch;
  arena_init(&scratch);
  uv_stdio_container_t stdio[3] = {child_fd(&pairs[0]), child_fd(&pairs[1]),
                                   child_fd(spec->split ? &pairs[2] : &pairs[1])};
  uv_process_options_t options = {
      .exit_cb = on_exit_status,
      .file = spec->argv[0],
      .args = (char **)spec->argv,
      .env = environment(&scratch, spec),
      .cwd = spec->cwd,
      .flags = UV_PROCESS_DETACHED,  // its own session: a group to kill, no terminal to ask at
      .stdio_count = 3,
      .stdio = stdio,
  };
  process->spawned = true;
  process->handles++;
  int rc = uv_spawn(process->uv.loop, &process->uv, &options);
  arena_deinit(&scratch);
  return rc;
}

static Process *process_new(Loop *loop, const ProcessSpec *spec)
{
  Process *process = mem_alloc(sizeof(Process));
  process->spec = *spec;
  process->uv.loop = &loop->uv;
  process->uv.data = process;
  size_t max = spec->max_output ? spec->max_output : DEFAULT_OUTPUT;
  tail_init(&process->all, max);
  tail_init(&process->split_out, max);
  timer_init(loop, &process->deadline, on_deadline, process);
  timer_init(loop, &process->timer, on_timer, process);
  process->handles = 2;  // the timers
  return process;
}

static bool open_pairs(const Process *process, Pair pairs[3])
{
  if (process->spec.input.len && !pair_open(&pairs[0], true)) return false;
  if (!pair_open(&pairs[1], false)) return false;
  return !process->spec.split || pair_open(&pairs[2], false);
}

// The parent's ends, once the child runs. A failure here is EMFILE-like and rare: the child is
// stopped.
static void connect_pipes(Process *process, Pair pairs[3])
{
  bool ok = adopt_out(process, &process->out, &pairs[1]);
  if (process->spec.split) {
    process->out.also = &process->split_out;
    ok = adopt_out(process, &process->err, &pairs[2]) && ok;
  }
  if (process->spec.input.len) {
    process->in_open = true;
    ok = adopt(process, &process->in, process, &pairs[0]) && ok;
    if (ok) write_input(process);
  }
  if (!ok) process_step(process, EV_KILL);
}

Process *process_start(Loop *loop, ProcessSpec spec, Error *err)
{
  Process *process = process_new(loop, &spec);
  Pair pairs[3] = {{-1, -1}, {-1, -1}, {-1, -1}};
  int rc = open_pairs(process, pairs) ? 0 : -errno;
  if (rc == 0) rc = spawn(process, pairs);
  if (rc == 0 && spec.ends_group) watch_add(process->uv.pid);
  if (rc == 0) connect_pipes(process, pairs);
  for (int i = 0; i < 3; i++) {
    fd_close(&pairs[i].child);
    fd_close(&pairs[i].parent);
  }
  if (rc) {
    start_error(&spec, rc, err);
    process->state = OVER;
    close_all(process);
    return NULL;
  }
  if (spec.timeout_ms) timer_start(&process->deadline, spec.timeout_ms, 0);
  return process;
}

void process_kill(Process *process)
{
  process_step(process, EV_KILL);
}

bool process_run(ProcessSpec spec, Error *err)
{
  Loop loop;
  if (!loop_init(&loop, err)) return false;
  bool ok = process_start(&loop, spec, err) != NULL;
  loop_run(&loop);  // nothing but the process is on it
  loop_deinit(&loop);
  return ok;
}
