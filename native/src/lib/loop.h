// loop.h: libuv's event loop, its timers, pipes and "soon" tasks.
//
// Handles are embedded by value in their owner. Closing takes a turn of the loop, so an owner is
// freed only after the closed callback: timer_close(t, cb), then free in cb (libuv's rule).
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"

typedef struct Loop Loop;
typedef struct LoopSoon LoopSoon;

typedef struct {
  uv_timer_t uv;
  void (*on_fire)(void *owner);
  void (*on_closed)(void *owner);  // may be NULL
  void *owner;
} Timer;

// A callback to run on the next turn of the loop: "never from inside start". Embedded in its owner.
// What it queues runs in the same turn, until some milliseconds have passed.
struct LoopSoon {
  void (*run)(void *owner);
  void *owner;
  LoopSoon *next;
  bool queued;
};

typedef struct {
  LoopSoon *first, *last;
} SoonQueue;

struct Loop {
  uv_loop_t uv;
  uv_async_t wake;  // runs the queues
  SoonQueue soon, late;
  bool open;
};

bool loop_init(Loop *loop, Error *err);
void loop_deinit(Loop *loop);           // all handles must be closed or closing; 3 s at most
void loop_run(Loop *loop);              // until nothing is active
void loop_stop(Loop *loop);             // loop_run returns after this turn
bool loop_turn(Loop *loop, bool wait);  // one turn; false when nothing is left
uint64_t loop_now_ms(Loop *loop);       // monotonic; cached per turn, refreshed by this call
int64_t wall_now_ms(void);              // since the epoch, for the journal

void loop_soon(Loop *loop, LoopSoon *soon, void (*run)(void *), void *owner);  // no-op while queued
// After all that is soon: what the turn's work has in common, once.
void loop_late(Loop *loop, LoopSoon *soon, void (*run)(void *), void *owner);
void loop_soon_cancel(Loop *loop, LoopSoon *soon);

// In a thread, at the same time; the loop does not end before it.
void loop_aside(Loop *loop, void (*work)(void));

void timer_init(Loop *loop, Timer *timer, void (*on_fire)(void *), void *owner);
void timer_start(Timer *timer, uint64_t after_ms, uint64_t repeat_ms);
void timer_stop(Timer *timer);
void timer_close(Timer *timer, void (*on_closed)(void *owner));

// Standard input and output of the co-process: pipes, sockets, terminals or files.
//
// Life:  stream_new (reads at once) -> on_bytes* -> on_end? -> stream_close. After on_end the owner
// still closes; writing goes on when only the input has ended. No callback comes from inside a call
// on the stream, none after stream_close. The descriptors belong to the stream and are closed with
// it, except 0, 1 and 2; fd_in and fd_out may be the same socket.
typedef struct Stream Stream;
typedef struct {
  Loop *loop;
  int fd_in, fd_out;
  void (*on_bytes)(void *owner, Str bytes);  // valid during the call
  void (*on_end)(void *owner);               // end of input or a broken pipe; once
  void (*on_drained)(void *owner);           // stream_pending is 0 again; may be NULL
  void *owner;
} StreamSpec;
Stream *stream_new(StreamSpec spec, Error *err);
void stream_write(Stream *stream, Str bytes);  // copies; queued in order; dropped once broken
size_t stream_pending(const Stream *stream);   // bytes queued and not yet written
void stream_close(Stream *stream);  // writes out what is queued (2 s at most), then frees itself
void stream_read(Stream *stream, bool on);  // pauses and resumes reading (flow control)

// A watched signal does not keep loop_run going. [sig] must stay until the loop has run dry after
// signal_close.
// Signals: SIGINT and SIGTERM stop a CLI run in order; SIGPIPE is ignored process-wide by
// loop_init.
typedef struct {
  uv_signal_t uv;
  void (*on_signal)(void *owner, int signum);
  void *owner;
} Signal;
void signal_start(Loop *loop, Signal *sig, int signum, void (*on_signal)(void *, int), void *owner);
void signal_close(Signal *sig);
