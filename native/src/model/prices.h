// prices.h: what models cost and how they behave: the embedded table (native/data/models.json), overridden
// by the user's configuration.
#pragma once

#include "model/model.h"

typedef struct {
  Price price;
  unsigned quirks;       // from the model's flags
  const Value *efforts;  // levels it knows; NULL = unknown
  bool listed;           // the table has it
} ModelInfo;

// What prices_find said last: each call asks several times for one of a few models.
typedef struct {
  char provider[64], model[128], date[16];  // model "" = nothing
  ModelInfo info;
} PriceMemo;

enum { PRICE_MEMOS = 4 };

typedef struct {
  const Value *table;      // the embedded models, by number; parsed at first use
  const Value *overrides;  // "provider/model" -> prices, the user's; NULL = none
  Arena arena;
  PriceMemo memos[PRICE_MEMOS];
  unsigned next_memo;
  int64_t day;    // since the epoch, of [date]
  char date[16];  // "" = not asked yet
} Prices;

void prices_init(Prices *prices);
void prices_deinit(Prices *prices);
void prices_override(Prices *prices, const Value *overrides);  // copied; replaces earlier ones

// What is known on the UTC date [today] ("2026-11-23"): announced prices count from their day on. A dated
// model name ("name-20251001") falls back to the plain one.
ModelInfo prices_find(Prices *prices, Str provider, Str model, Str today);
Str prices_today(Prices *prices);  // valid until it is asked on another day
Str model_undated(Str model);      // "name" of "name-20251001" and "name-2026-03-01"; else [model]
void usage_add(Usage *sum, const Usage *more);
void cost_add(Nano *sum, Nano more);  // unknown is unknown from then on
Str date_utc(Arena *arena, int64_t wall_ms);
