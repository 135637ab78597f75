// stream.c: the two ends of the co-process (standard input and output) as one Stream. See loop.h.
//
// An editor gives pipes or sockets, a shell may give terminals or files. libuv cannot poll files,
// so a file is read through libuv's thread pool and written at once (a disk does not block for
// long).
//
//   open --EOF, error--> on_end (once); writing goes on if that side still works
//   open --stream_close--> draining (what is queued goes out, LINGER_MS at most) --> closed, freed
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "lib/loop.h"

enum { READ_BYTES = 64 * 1024, LINGER_MS = 2000 };

// One direction: a handle that libuv polls, or a file.
typedef struct {
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_pipe_t pipe;
    uv_tty_t tty;
    uv_tcp_t tcp;
  } uv;
  bool polled;  // false: a file, only [fd] counts
  int fd;       // owned, except 0-2, which stay open for the process
} End;

struct Stream {
  StreamSpec spec;
  End in, out;
  Timer linger;       // bounds the draining after stream_close
  LoopSoon failed;    // reports a failed file write outside stream_write
  uv_fs_t file_read;  // in flight while [reading_file]
  int writes;         // handed to libuv and not yet called back
  int handles;        // libuv handles not yet closed; the last one frees the stream
  bool reading;       // the owner wants bytes
  bool reading_file, ended, closing, out_closed, broken;
  char bytes[READ_BYTES];
};

typedef struct {
  uv_write_t uv;
  Stream *stream;  // borrowed: lives until the handle is closed
  char bytes[];
} Write;

static void file_read_next(Stream *stream);

static void close_fd(int fd)
{
  if (fd > STDERR_FILENO) close(fd);
}

static bool end_open(Loop *loop, End *end, int fd, Error *err)
{
  int rc = 0;
  end->fd = fd;
  end->polled = true;
  switch (uv_guess_handle(fd)) {
    case UV_NAMED_PIPE:
      uv_pipe_init(&loop->uv, &end->uv.pipe, 0);
      rc = uv_pipe_open(&end->uv.pipe, fd);
      break;
    case UV_TCP:
      uv_tcp_init(&loop->uv, &end->uv.tcp);
      rc = uv_tcp_open(&end->uv.tcp, fd);
      break;
    case UV_TTY:
      rc = uv_tty_init(&loop->uv, &end->uv.tty, fd, 0);
      if (rc) end->polled = false;
      break;
    case UV_FILE: end->polled = false; break;
    default: end->polled = false; rc = UV_EINVAL;
  }
  return rc ? error_set(err, ERR_IO, "cannot use file descriptor %d: %s", fd, uv_strerror(rc))
            : true;
}

// The handles call this as they close; a stream without polled ends still has its timer.
static void handle_closed(Stream *stream)
{
  if (--stream->handles) return;
  if (!stream->in.polled) close_fd(stream->in.fd);
  if (!stream->out.polled) close_fd(stream->out.fd);
  mem_free(stream);
}

static void on_end_closed(uv_handle_t *handle)
{
  handle_closed(handle->data);
}

static void on_linger_closed(void *owner)
{
  handle_closed(owner);
}

static void stream_end(Stream *stream)
{
  if (stream->ended || stream->closing) return;
  stream->ended = true;
  stream_read(stream, false);
  if (stream->spec.on_end) stream->spec.on_end(stream->spec.owner);
}

static void close_out(Stream *stream)
{
  if (stream->out_closed || stream->reading_file) return;
  stream->out_closed = true;
  if (stream->out.polled) uv_close(&stream->out.uv.handle, on_end_closed);
  timer_close(&stream->linger, on_linger_closed);
}

static void on_linger(void *owner)
{
  close_out(owner);
}

static void on_write_failed(void *owner)
{
  stream_end(owner);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
  (void)suggested;
  Stream *stream = handle->data;
  *buf = uv_buf_init(stream->bytes, READ_BYTES);
}

static void on_read(uv_stream_t *handle, ssize_t n, const uv_buf_t *buf)
{
  Stream *stream = handle->data;
  if (n < 0) {
    stream_end(stream);
  } else if (n > 0 && !stream->closing) {
    stream->spec.on_bytes(stream->spec.owner, (Str){buf->base, (size_t)n});
  }
}

static void on_file_read(uv_fs_t *req)
{
  Stream *stream = req->data;
  ssize_t n = req->result;
  uv_fs_req_cleanup(req);
  stream->reading_file = false;
  if (stream->closing) {
    if (stream->broken || stream->writes == 0) close_out(stream);
    return;
  }
  if (n <= 0) {
    stream_end(stream);
    return;
  }
  // A pause asked for meanwhile takes effect with the next piece.
  stream->spec.on_bytes(stream->spec.owner, (Str){stream->bytes, (size_t)n});
  file_read_next(stream);
}

static void file_read_next(Stream *stream)
{
  if (!stream->reading || stream->reading_file || stream->ended || stream->closing) return;
  stream->reading_file = true;
  stream->file_read.data = stream;
  uv_buf_t buf = uv_buf_init(stream->bytes, READ_BYTES);
  int rc = uv_fs_read(&stream->spec.loop->uv, &stream->file_read, stream->in.fd, &buf, 1, -1,
                      on_file_read);
  if (rc) log_error("cannot read the input: %s", uv_strerror(rc));
}

Stream *stream_new(StreamSpec spec, Error *err)
{
  Stream *stream = mem_alloc(sizeof(Stream));
  stream->spec = spec;
  // Two libuv handles must not share a descriptor.
  int fd_out = spec.fd_out == spec.fd_in ? fcntl(spec.fd_out, F_DUPFD_CLOEXEC, 3) : spec.fd_out;
  bool ok = end_open(spec.loop, &stream->in, spec.fd_in, err);
  ok = end_open(spec.loop, &stream->out, fd_out, err) && ok;
  timer_init(spec.loop, &stream->linger, on_linger, stream);
  stream->in.uv.handle.data = stream->out.uv.handle.data = stream;
  stream->handles = 1 + stream->in.polled + stream->out.polled;
  if (!ok) {
    stream_close(stream);
    return NULL;
  }
  stream_read(stream, true);
  return stream;
}

void stream_read(Stream *stream, bool on)
{
  if (on == stream->reading || (on && (stream->ended || stream->closing))) return;
  stream->reading = on;
  if (!stream->in.polled) {
    file_read_next(stream);
  } else if (on) {
    uv_read_start(&stream->in.uv.stream, on_alloc, on_read);
  } else {
    uv_read_stop(&stream->in.uv.stream);
  }
}

static void on_written(uv_write_t *req, int status)
{
  Write *write = (Write *)req;
  Stream *stream = write->stream;
  mem_free(write);
  stream->writes--;
  if (status < 0 && status != UV_ECANCELED) {
    stream->broken = true;
    stream_end(stream);
  }
  if (!stream->broken && stream->writes) return;
  if (stream->closing) {
    close_out(stream);
  } else if (!stream->broken && stream->spec.on_drained) {
    stream->spec.on_drained(stream->spec.owner);
  }
}

static void write_failed(Stream *stream)
{
  stream->broken = true;
  loop_soon(stream->spec.loop, &stream->failed, on_write_failed, stream);
}

static void write_file(Stream *stream, Str bytes)
{
  while (bytes.len) {
    ssize_t n = write(stream->out.fd, bytes.ptr, bytes.len);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      write_failed(stream);
      return;
    }
    bytes = str_skip(bytes, (size_t)n);
  }
}

void stream_write(Stream *stream, Str bytes)
{
  if (stream->closing || stream->broken || bytes.len == 0) return;
  if (!stream->out.polled) {
    write_file(stream, bytes);
    return;
  }
  // The kernel usually takes it all at once; only the rest is copied and queued.
  if (stream_pending(stream) == 0) {
    uv_buf_t all = uv_buf_init((char *)bytes.ptr, (unsigned)bytes.len);
    int n = uv_try_write(&stream->out.uv.stream, &all, 1);
    if (n > 0) bytes = str_skip(bytes, (size_t)n);
    if (bytes.len == 0) return;
  }
  Write *write = mem_alloc(sizeof(Write) + bytes.len);
  write->stream = stream;
  memcpy(write->bytes, bytes.ptr, bytes.len);
  uv_buf_t rest = uv_buf_init(write->bytes, (unsigned)bytes.len);
  stream->writes++;
  if (uv_write(&write->uv, &stream->out.uv.stream, &rest, 1, on_written) == 0) return;
  stream->writes--;
  mem_free(write);
  write_failed(stream);
}

size_t stream_pending(const Stream *stream)
{
  return stream->out.polled ? uv_stream_get_write_queue_size(&stream->out.uv.stream) : 0;
}

void stream_close(Stream *stream)
{
  if (stream->closing) return;
  stream_read(stream, false);
  stream->closing = true;
  loop_soon_cancel(stream->spec.loop, &stream->failed);
  if (stream->in.polled) uv_close(&stream->in.uv.handle, on_end_closed);
  if (!stream->reading_file && (stream->broken || stream->writes == 0)) {
    close_out(stream);
  } else {
    timer_start(&stream->linger, LINGER_MS, 0);
  }
}
