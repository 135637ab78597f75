// batch_wire.h: what differs between the batch endpoints of providers: a row of a table each. Pure: requests as
// text, answers as trees. Private to model/.
//
//   items joined -> (uploaded as a file) -> created -> polled until it has ended -> results, in any order
#pragma once

#include "model/dialect.h"

// The batch as an answer tells of it; strings live in the arena given.
typedef struct {
  Str id;  // empty = the answer names none that can be used
  bool ended;
  Error error;           // the batch as a whole came to nothing; ERR_OK otherwise
  Str results[2];        // URLs that hold results, a JSON object per line; may be empty
  const Value *inlined;  // the results themselves, where the answer holds them
  int64_t done, total;   // requests; total 0 = not told
} BatchAnswer;

typedef enum { ITEM_REPLY, ITEM_FAILED, ITEM_EXPIRED, ITEM_CANCELLED } ItemKind;

// One result.
typedef struct {
  Str key;  // as handed in
  ItemKind kind;
  const Value *body;  // the reply, or the error as the provider words it
  int status;         // of a failed one, 0 = not told
} BatchItem;

typedef struct {
  const char *dialect;
  size_t max_items, max_bytes;  // of one batch, below what the provider takes
  // Adds one request: [key] is 1 to 64 letters, digits, '_' or '-'; [params] is the JSON of its body.
  void (*add)(Buf *items, const char *dialect, Str key, Str params);
  // First request: the items themselves, or their upload as a file. [tag] is the key of the first item: where it can
  // be, the batch bears it, so that it is found again when its id was lost.
  void (*begin)(Arena *arena, const Target *target, Str model, Str tag, Str items,
                WireRequest *out);
  // After an upload: [uploaded] is its answer. NULL where `begin` creates the batch.
  void (*create)(Arena *arena, const Target *target, const char *dialect, Str tag,
                 const Value *uploaded, WireRequest *out);
  // The provider's batches, the newest first. [tag_of] one of them; NULL where batches bear none.
  Str (*list_url)(Arena *arena, const Target *target);
  const char *listed;  // the field of the answer that holds them
  Str (*tag_of)(const Value *listed);
  Str (*poll_url)(Arena *arena, const Target *target, Str id);
  Str (*cancel_url)(Arena *arena, const Target *target, Str id);
  void (*read)(Arena *arena, const Target *target, const Value *answer, BatchAnswer *out);
  bool (*item)(const Value *result, BatchItem *out);  // false: not a result
} BatchWire;

const BatchWire *batch_wire_find(const char *dialect);  // NULL: that dialect knows no batches

// [body] of a live request as a batch wants it: without streaming.
Str batch_params(Arena *arena, Str body);

// Ids come from outside and go into URLs.
bool batch_id_ok(Str id);
