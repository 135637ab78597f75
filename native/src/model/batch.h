// batch.h: requests answered within hours, at half the price: handed in together, collected whenever somebody asks.
//
// Life of a call:  batch_start -> on_handed_in? -> on_done   (exactly one on_done, never from inside batch_start)
//
//   handed in    calls of one provider and model that start within a moment become one batch
//   on_handed_in the provider has it under this id: to be written down before anything else
//   later        another process may start a call with that id and the same key: it collects the result
//
// A reply with `pending` set is none: the request is still in its batch, paid for when it is answered. That is how
// calls end that are let go (batch_let_go, models_free) and what becomes of them when a batch cannot be asked for.
#pragma once

#include "model/model.h"

//
// Whoever is killed between the hand-in and the id (or whose connection breaks there) has a batch at the provider that
// nobody knows: calls that were to be handed in are written down with BATCH_UNKNOWN first, and looked for later.

typedef struct BatchCall BatchCall;

#define BATCH_UNKNOWN "?"

typedef struct {
  const ModelRequest *request;  // used by batch_start only
  Str key;  // 1 to 64 letters, digits, '_', '-'; unique for all time: the attempt's
  Str id;  // the batch that holds it already; empty = hand it in; BATCH_UNKNOWN = handed in, perhaps: look for it
  void (*on_handed_in)(void *owner, Str id);
  // How the batch stands; to one call of a batch.
  void (*on_wait)(void *owner, Str why, uint64_t ms);
  void (*on_done)(void *owner, const ModelReply *reply);
  void *owner;
} BatchSpec;

BatchCall *batch_start(Models *models, const BatchSpec *spec);
// on_done follows at once, with `pending` when the request was handed in; the batch goes on.
void batch_let_go(BatchCall *call);
// The same, but when all calls of a batch are cancelled the provider is asked to cancel it, and for a few seconds what
// it has done by then is waited for.
void batch_cancel(BatchCall *call);

// Whether this provider and model take batches. ERR_INVALID in plain words when not.
bool batch_possible(const Models *models, Str provider, Str model, Error *err);

// Collects batch [id] without calls: its results go to the function set here, as do those of any batch that
// no call waits for (their owner was let go): what is paid for is counted. [reply] has no `request_id`.
void batch_watch(Models *models, Str provider, Str model, Str id);
void batch_on_stray(Models *models, void (*stray)(void *owner, Str key, const ModelReply *reply),
                    void *owner);
