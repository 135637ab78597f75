// config.h: what the user set: defaults, then $XDG_CONFIG_HOME/piecework/config.json, then g:piecework (sent
// with `initialize`), then command-line options; the later wins key by key.
//
// A project's own files can set neither keys nor endpoints nor commands (promise 7): config is read from
// the user's directories only.
#pragma once

#include "base/err.h"
#include "base/value.h"
#include "model/model.h"

// "provider/model", cheapest first.
typedef struct {
  Str provider, model;
} ModelName;

typedef struct {
  Str alias;          // "big", "small", or the user's own
  ModelName *rungs;   // the ladder
  size_t len, cap;
  Str effort;         // "" = the model's default
  int64_t max_output; // tokens; 0 = the role's default
} Ladder;

typedef struct {
  Arena arena;        // owns everything below
  Value *tree;        // the merged configuration, for `doctor`
  Ladder *ladders;
  size_t ladder_count, ladder_cap;
  Nano budget;        // default hard cap per plan
  Nano day_budget;    // NANO_UNKNOWN = none
  Nano ask_above;     // a planning call estimated dearer than this asks first
  int parallel;       // tasks in flight at most
  int retries;        // per rung
  int verify_rounds;  // correction rounds
  bool advice;        // show advice before planning
  int pilot;          // 0 never, 1 always run one task first (default)
  int test_timeout_s;
  Str cassette;       // replay from this file; empty = live
  StrList warnings;   // unknown keys with the nearest known name
} Config;

// [editor]: g:piecework as a map, may be NULL. A config file with a syntax error is ERR_CONFIG (line).
Config *config_load(const Value *editor, Error *err);
void config_free(Config *config);
const Ladder *config_ladder(const Config *config, Str alias);   // NULL when unknown

// Providers, prices and cassettes into [models].
bool config_apply(const Config *config, Models *models, Error *err);
