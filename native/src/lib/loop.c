// loop.c: libuv's loop, "soon" tasks, timers and signals. See loop.h.
//
// Two queues are drained by one uv_async handle, which is referenced only while something is queued, so that
// an idle loop ends by itself. What is soon runs until there is no more of it, for one thing leads to the
// next; what is late runs after it, so that many things share it: a commit, above all.
#include "lib/loop.h"

#include <assert.h>
#include <signal.h>
#include <time.h>

#include "base/log.h"

enum {
  RUN_DRY_MS = 3000,      // longer than a closing stream's linger time
  TURN_NS = 4 * 1000000,  // of what is soon; then the rest of the loop has its turn
};

static void queue_add(SoonQueue *queue, LoopSoon *soon)
{
  if (queue->last) {
    queue->last->next = soon;
  } else {
    queue->first = soon;
  }
  queue->last = soon;
}

static LoopSoon *queue_pop(SoonQueue *queue)
{
  LoopSoon *soon = queue->first;
  queue->first = soon->next;
  if (!queue->first) queue->last = NULL;
  soon->next = NULL;
  soon->queued = false;
  return soon;
}

static void queue_drop(SoonQueue *queue, LoopSoon *soon)
{
  LoopSoon *before = NULL, *at = queue->first;
  for (; at && at != soon; at = at->next) before = at;
  if (!at) return;
  if (before) {
    before->next = soon->next;
  } else {
    queue->first = soon->next;
  }
  if (queue->last == soon) queue->last = before;
  soon->next = NULL;
  soon->queued = false;
}

static void wake_loop(Loop *loop)
{
  uv_ref((uv_handle_t *)&loop->wake);
  uv_async_send(&loop->wake);
}

static void on_wake(uv_async_t *wake)
{
  Loop *loop = wake->data;
  for (uint64_t until = uv_hrtime() + TURN_NS; loop->soon.first && uv_hrtime() < until;) {
    LoopSoon *soon = queue_pop(&loop->soon);
    soon->run(soon->owner);  // may free its owner, and [soon] with it
  }
  size_t due = 0;  // counted: what queues itself again waits for the next turn
  for (LoopSoon *late = loop->late.first; late; late = late->next) due++;
  while (due-- && loop->late.first) {
    LoopSoon *late = queue_pop(&loop->late);
    late->run(late->owner);
  }
  if (loop->soon.first || loop->late.first) {
    wake_loop(loop);
  } else {
    uv_unref((uv_handle_t *)wake);
  }
}

bool loop_init(Loop *loop, Error *err)
{
  *loop = (Loop){0};
  int rc = uv_loop_init(&loop->uv);
  if (rc) return error_set(err, ERR_IO, "cannot start the event loop: %s", uv_strerror(rc));
  rc = uv_async_init(&loop->uv, &loop->wake, on_wake);
  if (rc) {
    uv_loop_close(&loop->uv);
    return error_set(err, ERR_IO, "cannot start the event loop: %s", uv_strerror(rc));
  }
  loop->wake.data = loop;
  uv_unref((uv_handle_t *)&loop->wake);
  signal(SIGPIPE, SIG_IGN);  // a reader that went away is an EPIPE, not our end
  loop->open = true;
  return true;
}

static void report_open(uv_handle_t *handle, void *unused)
{
  (void)unused;
  log_error("event loop closed with an open %s handle", uv_handle_type_name(handle->type));
}

static void on_run_dry_over(uv_timer_t *limit)
{
  uv_stop(limit->loop);
}

// Runs until nothing is active, but no longer than RUN_DRY_MS: a forgotten handle is a bug to
// report, not a reason to hang at the end.
static void run_dry(Loop *loop)
{
  uv_timer_t limit;
  uv_timer_init(&loop->uv, &limit);
  uv_timer_start(&limit, on_run_dry_over, RUN_DRY_MS, 0);
  uv_unref((uv_handle_t *)&limit);
  uv_run(&loop->uv, UV_RUN_DEFAULT);
  uv_close((uv_handle_t *)&limit, NULL);
  uv_close((uv_handle_t *)&loop->wake, NULL);
  uv_run(&loop->uv, UV_RUN_NOWAIT);
}

void loop_deinit(Loop *loop)
{
  if (!loop->open) return;
  loop->open = false;
  run_dry(loop);
  if (uv_loop_close(&loop->uv)) uv_walk(&loop->uv, report_open, NULL);
}

void loop_run(Loop *loop)
{
  uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(Loop *loop)
{
  uv_stop(&loop->uv);
}

bool loop_turn(Loop *loop, bool wait)
{
  return uv_run(&loop->uv, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT) != 0;
}

uint64_t loop_now_ms(Loop *loop)
{
  uv_update_time(&loop->uv);
  return uv_now(&loop->uv);
}

int64_t wall_now_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void queue_in(Loop *loop, SoonQueue *queue, LoopSoon *soon, void (*run)(void *), void *owner)
{
  if (soon->queued) return;
  *soon = (LoopSoon){.run = run, .owner = owner, .queued = true};
  queue_add(queue, soon);
  wake_loop(loop);
}

void loop_soon(Loop *loop, LoopSoon *soon, void (*run)(void *), void *owner)
{
  queue_in(loop, &loop->soon, soon, run, owner);
}

void loop_late(Loop *loop, LoopSoon *soon, void (*run)(void *), void *owner)
{
  queue_in(loop, &loop->late, soon, run, owner);
}

void loop_soon_cancel(Loop *loop, LoopSoon *soon)
{
  if (!soon->queued) return;
  queue_drop(&loop->soon, soon);
  queue_drop(&loop->late, soon);
}

typedef struct {
  uv_work_t uv;
  void (*work)(void);
} Aside;

static void on_aside(uv_work_t *uv)
{
  ((Aside *)uv)->work();
}

static void on_aside_over(uv_work_t *uv, int status)
{
  (void)status;  // nobody cancels it
  mem_free(uv);
}

void loop_aside(Loop *loop, void (*work)(void))
{
  Aside *job = mem_alloc(sizeof(*job));
  job->work = work;
  uv_queue_work(&loop->uv, &job->uv, on_aside, on_aside_over);
}

static void on_timer(uv_timer_t *uv)
{
  Timer *timer = uv->data;
  timer->on_fire(timer->owner);
}

static void on_timer_closed(uv_handle_t *uv)
{
  Timer *timer = uv->data;
  if (timer->on_closed) timer->on_closed(timer->owner);
}

void timer_init(Loop *loop, Timer *timer, void (*on_fire)(void *), void *owner)
{
  *timer = (Timer){.on_fire = on_fire, .owner = owner};
  uv_timer_init(&loop->uv, &timer->uv);  // cannot fail
  timer->uv.data = timer;
}

void timer_start(Timer *timer, uint64_t after_ms, uint64_t repeat_ms)
{
  // The loop's clock stands still during a turn; without this a long turn would shorten the wait.
  uv_update_time(timer->uv.loop);
  uv_timer_start(&timer->uv, on_timer, after_ms, repeat_ms);
}

void timer_stop(Timer *timer)
{
  uv_timer_stop(&timer->uv);
}

void timer_close(Timer *timer, void (*on_closed)(void *owner))
{
  assert(!uv_is_closing((uv_handle_t *)&timer->uv));
  timer->on_closed = on_closed;
  uv_close((uv_handle_t *)&timer->uv, on_timer_closed);
}

static void on_uv_signal(uv_signal_t *uv, int signum)
{
  Signal *sig = uv->data;
  sig->on_signal(sig->owner, signum);
}

void signal_start(Loop *loop, Signal *sig, int signum, void (*on_signal)(void *, int), void *owner)
{
  *sig = (Signal){.on_signal = on_signal, .owner = owner};
  int rc = uv_signal_init(&loop->uv, &sig->uv);
  sig->uv.data = sig;
  if (rc == 0) rc = uv_signal_start(&sig->uv, on_uv_signal, signum);
  if (rc) log_error("cannot watch signal %d: %s", signum, uv_strerror(rc));
  uv_unref((uv_handle_t *)&sig->uv);  // waiting for a signal is no reason to go on
}

void signal_close(Signal *sig)
{
  if (!uv_is_closing((uv_handle_t *)&sig->uv)) uv_close((uv_handle_t *)&sig->uv, NULL);
}
