// ask.h: one question to a provider that is no model call: the tokens of a prompt, the models it knows. Private to
// model/.
//
// Life of a question:  ask_start -> on_answer   (exactly once, never from inside ask_start)
//
// It takes no slot and is not retried: it is free, and somebody is looking.
#pragma once

#include "model/dialect.h"

typedef struct Ask Ask;

typedef struct {
  Error error;        // ERR_OK, or why there is no answer; without keys
  int status;         // of the answer, 0 = none came
  const Value *body;  // what a 2xx said; NULL when it was no JSON
} AskAnswer;          // valid until on_answer returns

typedef struct {
  const ProviderConfig *config;  // stays
  const Dialect *dialect;
  Str model;  // for what is known of it
  // Called when the key is there. In the arena given; the headers hold the key and are wiped.
  void (*build)(void *owner, Arena *arena, const Target *target, const Key *key, WireRequest *out);
  void (*on_answer)(void *owner, const AskAnswer *answer);  // may free its owner
  void *owner;
} AskSpec;

void ask_start(Models *models, const AskSpec *spec);
