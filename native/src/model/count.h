// count.h: how many tokens a request has, asked of its provider where that is free: Anthropic, OpenAI (Responses)
// and Google. What is counted is built like the request itself.
//
// Life of a count:  count_start -> on_done   (exactly once, never from inside count_start)
//
// Asked once: nobody waits for a count, and the estimate stands when it fails.
#pragma once

#include "model/model.h"

typedef struct {
  Error error;          // ERR_OK, or why it is not known
  Str provider, model;  // who was asked
  int64_t tokens;       // of the prompt, as the provider counts
  int64_t estimated;    // request_tokens_estimate of the same
} Count;                // valid until on_done returns

typedef void CountDone(void *owner, const Count *count);

// ERR_INVALID when the model's provider does not count, and what is wrong with its configuration. Asks nobody.
bool count_possible(const Models *models, const ModelRequest *request, Error *err);

// Only after count_possible. [request] is used during the call only.
void count_start(Models *models, const ModelRequest *request, CountDone *on_done, void *owner);
