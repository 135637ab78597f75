// batch_private.h: what batch.c (a batch on its way), batch_start.c (how calls get into one) and batch_result.c (what
// comes back) share. Private to model/batch*.c.
#pragma once

#include "model/batch.h"
#include "model/batch_wire.h"
#include "model/models.h"

enum { BATCH_ANSWER_MAX = 64 << 20 };  // bytes of an answer that is no list of results

typedef enum {
  BATCH_GATHERING,
  BATCH_SEEKING,
  BATCH_SENDING,
  BATCH_CREATING,
  BATCH_WAITING,
  BATCH_POLLING,
  BATCH_FETCHING,
  BATCH_OVER,
} BatchState;

struct BatchCall {
  Batch *batch;
  BatchCall *next;
  Arena arena;
  BatchSpec spec;
  Str key;
  int64_t prompt_tokens;  // estimated
  bool cancelled, let_go;
};

struct Batch {
  Models *models;
  Batch *next;  // in models
  Arena arena;
  const ProviderConfig *config;
  const Dialect *dialect;
  const BatchWire *wire;
  Str model, id;
  Str tag;           // the key of its first call
  StrList not_ours;  // batches that were taken for it
  BatchState state;
  BatchCall *calls;  // not answered yet
  size_t count;
  Buf items;    // GATHERING and SENDING
  Timer timer;  // to the next step
  LoopSoon soon;
  KeyWaiter key_waiter;
  HttpCall *http;
  Buf body;   // of the answer
  Sse lines;  // of results
  bool good;  // the answer that comes is a 2xx
  bool cancelling, cancel_sent, watched, freed;
  bool sought;   // handed in, perhaps, and its id was never told
  bool certain;  // the one that was found is ours
  int tries, cancel_polls;
  uint64_t poll_ms;
  BatchAnswer last;  // in [arena]
  size_t file;       // of the results, the one being read
  const Value *uploaded;
};

// batch.c
void batch_init_steps(Batch *batch);  // its timer and its key
void batch_wait(Batch *batch, uint64_t ms);

// batch_result.c: one result as the reply to a request of [prompt_tokens], estimated.
void batch_read_item(const Batch *batch, Arena *arena, const BatchItem *item, int64_t prompt_tokens,
                     ModelReply *out);
