// reach.h: is a provider there, does it take the key, and does it know a model? Asks for its list of models, which is
// free everywhere.
//
// Life of a question:  reach_start -> on_done   (exactly once, never from inside reach_start)
#pragma once

#include "model/model.h"

typedef struct {
  Error error;     // ERR_OK, or why it cannot be used
  uint64_t ms;     // the answer took
  bool lists;      // it tells which models it knows
  StrList models;  // their ids; of the first page of a list
  bool
      any;  // it serves the one it has under every name: llama-server (facts: providers.md section 4.3)
} Reach;  // valid until on_done returns

typedef void ReachDone(void *owner, const Reach *reach);

// False with [err] when the provider cannot be asked (unknown, replayed, wrong address); [on_done] does not come then.
bool reach_start(Models *models, Str provider, ReachDone *on_done, void *owner, Error *err);

// Is [model] in the list? A date or a tag at its end may be left out.
bool reach_knows(const Reach *reach, Str model);
