// receipt.h: what a plan cost so far, by phase and model, beside what was estimated before the
// run and what the same work by one model alone would have cost. Money paid is exact as far as
// the providers' counters are; everything from [estimate] is an estimate and must be labelled so
// wherever it is shown.
#pragma once

#include "core/engine.h"
#include "journal/journal.h"
#include "work/estimate.h"

typedef struct {
  Phase phase;
  Str model;           // "provider/model"; empty in a sum over models
  int64_t calls;       // attempts that reached the provider (or a cassette)
  AttemptUsage usage;  // of calls whose usage is known
  int64_t cost;        // nano-dollars, sum of what is known
  int64_t unknown;     // calls whose cost is not known: then [cost] is a lower bound
  int64_t guessed;  // calls whose usage is not known: what they cost is estimated, and is in [cost]
} ReceiptRow;

typedef struct {
  ReceiptRow *items;
  size_t len, cap;
} ReceiptRowList;

typedef struct {
  int64_t plan;
  Str title;
  // Plan, execute, verify; within a phase dearest first; only models that were called.
  ReceiptRowList rows;
  ReceiptRow phases[3];  // sums, indexed by Phase
  ReceiptRow total;
  bool finished;              // every task is done or abstained
  int64_t tasks, mechanical;  // tasks of the plan; those done without a model
  int64_t replayed;           // calls that were played back: nothing was paid for them
  int64_t lost;               // what calls whose end nobody knows may cost, or cost more
  int64_t reserved;           // worst case of calls in flight
  int64_t budget;             // NANO_UNKNOWN = none

  bool has_estimate;  // [estimate] was stored with the plan (estimate_store)
  Estimate estimate;  // before the run

  // Shares of 1, valid when has_saving: 0.62 = 62 % under the big model alone. Negative when
  // dearer. The baselines are estimates, so these are too.
  bool has_saving;
  double saved_big;
  // What the saving is made of (doc/architecture.md 1), from the calls made: o = plan and verify over the big-alone
  // baseline, e = share of execute calls that were repeats, r = the big model's output price over the small one's
  // (0 = unknown).
  double o, e, r;
} Receipt;

// Everything in [out] lives in [arena]. ERR_NOT_FOUND for an unknown plan.
bool receipt_build(Engine *engine, int64_t plan, Arena *arena, Receipt *out, Error *err);

// For columns: "985", "1.9k", "12.3k", "412k", "3.20M"; money with "<$0.0001" for what is less.
Str tokens_short(Arena *arena, int64_t n);
Str money_short(Arena *arena, Nano amount);
// A sum as it must be shown: "~" where part of it is estimated, "+" where it is a lower bound, "unknown" where nothing
// of it is known.
Str money_sum(Arena *arena, Nano cost, int64_t unknown, int64_t guessed);
// What "~" stands for; empty for no calls.
Str money_guessed(Arena *arena, int64_t calls);
// "3 calls in flight, in a batch or cut off may cost $0.02 more at most"; empty when there are none.
Str money_open(Arena *arena, int64_t calls, Nano worst);

// A bar of at most [columns] (60) '#' in which [most] fills all; something is never nothing.
Str receipt_bar(Arena *arena, Nano amount, Nano most, int columns);

// The table as plain text, at most 80 columns wide (also what the CLI prints), ends with the labels of what is
// estimated.
Str receipt_text(Arena *arena, const Receipt *receipt);

// One line for the end of a run: "$0.021 of $0.60, about 71 % under the big model alone
// (estimate)".
Str receipt_line(Arena *arena, const Receipt *receipt);
