// config.h: what the user set: defaults, then $XDG_CONFIG_HOME/piecework/config.json, then
// g:piecework (sent with `initialize`), then command-line options; the later wins key by key, in
// `models`, `providers` and `prices` entry by entry.
//
// A project's own files can set neither keys nor endpoints nor commands (promise 7): config is
// read from the user's directories only. PIECEWORK_CONFIG names another file (empty = none), for
// tests.
#pragma once

#include "base/err.h"
#include "base/value.h"
#include "model/model.h"

enum { CONFIG_PILOT_ASK = 2 };

// "provider/model", cheapest first.
typedef struct {
  Str provider, model;
} ModelName;

typedef struct {
  Str alias;         // "big", "small", or the user's own
  ModelName *rungs;  // the ladder
  size_t len, cap;
  ModelName fallback;  // asked when a rung is closed by a terminal error; empty = none
  Str effort;          // "" = the model's default
  int64_t max_output;  // tokens; 0 = the role's default
} Ladder;

typedef struct {
  Arena arena;  // owns everything below
  Value *tree;  // the merged configuration, for `doctor`
  Str file;     // the configuration file read, empty = none
  Ladder *ladders;
  size_t ladder_count, ladder_cap;
  Nano budget;          // default hard cap per plan
  Nano day_budget;      // NANO_UNKNOWN = none
  Nano ask_above;       // a planning call estimated dearer than this asks first
  int parallel;         // tasks in flight at most
  int each_max;         // targets that a selector of a task may find
  int retries;          // per rung
  int verify_rounds;    // correction rounds
  bool advice;          // show advice before planning
  int pilot;            // 0 never, 1 always run one task first (default), 2 and pause after it
  bool commit_trailer;  // proposed commit messages end with the plan and its cost
  int test_timeout_s;
  Str test;               // test command for plans; the user's own, still shown before it runs
  Str cassette;           // replay from this file; empty = live
  Str record;             // append every exchange to this file; empty = do not
  StrList worktree_link;  // ignored paths that tests need, linked into the scratch copy
  StrList warnings;       // unknown keys with the nearest known name
} Config;

// [editor]: g:piecework as a map, may be NULL. A config file with a syntax error is ERR_CONFIG
// (line).
Config *config_load(const Value *editor, Error *err);
void config_free(Config *config);                              // NULL is fine
const Ladder *config_ladder(const Config *config, Str alias);  // NULL when unknown

// Providers, prices and cassettes into [models].
bool config_apply(const Config *config, Models *models, Error *err);
