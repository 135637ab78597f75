// models.h: the inside of Models, shared by models.c (configuration) and call.c (calls). Private to model/.
#pragma once

#include "model/cassette.h"
#include "model/dialect.h"
#include "model/key.h"
#include "model/limit.h"
#include "model/prices.h"

typedef struct Batch Batch;  // batch.c
typedef struct Ask Ask;      // ask.c

typedef struct {
  Str provider, model;
  unsigned quirks;  // what a 400 taught us
} Learned;

struct Models {
  Loop *loop;          // borrowed
  Http *http;          // borrowed
  Arena arena;         // configuration
  Prices *prices;      // owned
  Limiter *limiter;    // owned
  KeyStore *keys;      // owned
  Recorder *recorder;  // owned; NULL = not recording
  Cassette *cassette;  // owned; NULL = nothing to replay
  ModelCall *first;    // calls not yet done
  Batch *batches;      // not yet over
  Ask *asks;           // not yet told
  void (*on_stray)(void *owner, Str key, const ModelReply *reply);  // batch.h
  void *stray_owner;
  struct {
    ProviderConfig **items;  // stable addresses
    size_t len, cap;
  } providers;
  struct {
    Learned *items;
    size_t len, cap;
  } learned;
  uint64_t first_byte_ms, idle_ms, replay_ms, batch_ms;  // 0 = the defaults
};

// Where a request of this provider and model goes and what is known about it; no key, no I/O.
Target models_target(const Models *models, const ProviderConfig *config, Str model);
// What a refused request with the quirks [tried] teaches: [quirk], or what is left to try beyond it; 0 = nothing new.
unsigned lesson_after(unsigned quirk, unsigned tried);
// Remembers a lesson; false when it was known already.
bool models_learn(Models *models, Str provider, Str model, unsigned quirk);

// A base URL that may be called: there, and not plain http to another machine unless allowed.
bool models_check_address(const ProviderConfig *config, Error *err);

// Everything that can be known to fail without asking anybody. [*dialect] is NULL for a replayed call.
bool models_check(const Models *models, const ModelRequest *request, const ProviderConfig **config,
                  const Dialect **dialect, Error *err);

// What must not get out: keys, and what custom headers hold.
void models_secrets(const Models *models, Arena *arena, StrList *out);

// Providers repeat keys in errors and models in replies: taken out before anything is kept, told or logged. All other
// text stays to the byte.
void models_redact(const Models *models, Error *error);
// In a reply: its text (which is copied), calls, blocks that go back, ids, reasons.
void models_clean_reply(const Models *models, Arena *arena, ModelReply *reply);

void models_batches_drop(Models *models);  // batch.c
void models_calls_drop(Models *models);    // call.c: ends all calls for models_free
