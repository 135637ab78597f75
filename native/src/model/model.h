// model.h: one model call, whatever the provider speaks.
//
// Life of a call:  model_start -> on_wait* -> on_done     (exactly one on_done, never from inside model_start;
// model_cancel at any time -> on_done with ERR_CANCELLED)
//
// The call takes a slot of its provider (limit.h), retries what may be retried, and reports one Reply whose
// usage is the sum over all tries, so that nothing paid for goes uncounted. The models are named by
// "provider/model"; roles and ladders belong to core/config.h.
#pragma once

#include "base/err.h"
#include "base/value.h"
#include "lib/http.h"

typedef struct Models Models;
typedef struct ModelCall ModelCall;

// ---- providers -------------------------------------------------------------------------------------

// One row of configuration; presets in model/presets.c. All strings live as long as the Models.
typedef struct {
  Str name;      // "anthropic"
  Str dialect;   // "anthropic", "openai-chat", "replay"
  Str base_url;  // without trailing slash; "/v1" included where the dialect's paths need it
  Str key_env;  // environment variable read at first use (or several, "A,B": the first one set counts);
                // empty = no key needed
  bool key_optional;  // a missing key is fine (local servers)
  StrList key_cmd;    // argv whose first output line is the key; empty = none
  int limit;          // parallel requests at most
  bool allow_http;    // plain http to other than loopback
  unsigned quirks;    // dialect.h; 0 = the preset's of this name, or those of any compatible server
} ProviderConfig;

// USD per million tokens; negative = unknown.
typedef struct {
  double input, output, cache_read, cache_write;
  double cache_write_hour;  // into a cache that is kept for an hour; negative = twice the input
  int64_t tier_above;       // prompt tokens above which the tier prices hold; 0 = no tier
  double tier_input, tier_output, tier_cache_read, tier_cache_write;
  int64_t context, max_output;  // tokens; 0 = unknown
  bool known;                   // input and output have a price
  double batch;                 // what a batch costs, as a share of all of these
  // What a call costs outside of the peak hours, as a share of all of these; 1 = the same.
  double off_peak;
  unsigned peak_hours;  // from Monday to Friday, UTC: bit 1 = from 01:00 to 02:00
} Price;

typedef int64_t Nano;  // money: 1e-9 USD
enum { NANO_UNKNOWN = -1 };

// The embedded table (as_of shown to users), overridden by configuration.
Price price_of(const Models *models, Str provider, Str model);
Str prices_as_of(void);

// ---- a request -------------------------------------------------------------------------------------

typedef struct {
  Str name, description;
  const Value *schema;  // JSON schema of the input
} ModelTool;

typedef struct {
  Str id, name;
  const Value *input;  // parsed arguments; a map, empty when the model sent none
  Str broken;          // the raw arguments when they were not JSON
} ToolCall;

typedef struct {
  ToolCall *items;
  size_t len, cap;
} ToolCallList;

typedef enum { MSG_USER, MSG_ASSISTANT, MSG_TOOL } MessageRole;

typedef struct {
  MessageRole role;
  Str text;
  ToolCallList calls;  // MSG_ASSISTANT
  const Value *raw;    // MSG_ASSISTANT: the provider's own blocks, sent back unchanged when given
  Str call_id;         // MSG_TOOL: which call this answers
  bool is_error;       // MSG_TOOL
} ModelMessage;

typedef struct {
  ModelMessage *items;
  size_t len, cap;
} MessageList;

typedef struct {
  Str provider, model;
  Str role;    // "plan", "execute", "verify": for cassettes and logs
  Str label;   // "plan 12 T03": for logs and cassettes
  Str system;  // the role's instructions
  Str shared;  // context shared to the byte by all tasks of a plan; a cache breakpoint follows it
  MessageList messages;
  ModelTool *tools;
  size_t tool_count;
  const Value *schema;  // ask for JSON of this schema; NULL = text
  int64_t max_output;   // tokens
  Str effort;           // "low", "medium", "high"; empty = the model's default
  bool for_hours;  // `shared` is read again for longer than minutes: kept an hour where the API can
} ModelRequest;

// ---- a reply ---------------------------------------------------------------------------------------

typedef struct {
  int64_t fresh_in, cache_write, cache_read, out;  // tokens, disjoint
  int64_t reasoning;                               // part of out
  int64_t hour_write;                              // part of cache_write: kept for an hour
  bool known;  // false: estimated from bytes because the provider sent none
} Usage;

// A refusal and a reply cut at the token limit are no errors here: the call worked and is paid for.
typedef enum { STOP_DONE, STOP_LENGTH, STOP_TOOL, STOP_REFUSED, STOP_ERROR } StopReason;

typedef struct {
  Error error;  // code ERR_OK when the call worked; text may hold a partial reply all the same
  StopReason stop;
  Str text;
  ToolCallList calls;
  const Value *raw;  // assistant blocks for ModelMessage.raw
  Usage usage;       // over all tries
  Str stop_detail;   // why it refused, where the provider says so
  Nano cost;  // over all tries; NANO_UNKNOWN when the price is unknown; estimated when !usage.known
  // At most so much more may be asked for: a provider that was cut off may have written on.
  Nano unsure;
  Str request_id;  // the provider's
  int tries;
  bool sent;     // at least one try may have reached the provider
  bool pending;  // not answered yet, in a batch: see batch.h
  // Key, quota, unknown model: further calls to this provider (for an unknown model: to this model)
  // fail at once with the same error until models_reopen.
  bool terminal;
} ModelReply;  // lives until on_done returns

typedef struct {
  const ModelRequest *request;  // copied by model_start
  bool held;                    // waits for model_go
  int most;                     // calls of its plan at once; 0 = as many as the provider takes
  // Asked before a try that follows one which may have cost money: [spent] so far, [worst] of the next.
  // False ends the call with the error of the failed try. May be NULL: always.
  bool (*may_retry)(void *owner, Nano spent, Nano worst);
  void (*on_wait)(void *owner, Str why, uint64_t ms);     // queued or backing off; may be NULL
  void (*on_done)(void *owner, const ModelReply *reply);  // may free its owner
  void *owner;
} ModelSpec;

// Knows all presets (presets.c), with base URLs from the environment (ANTHROPIC_BASE_URL without /v1,
// OPENAI_BASE_URL with it, OLLAMA_HOST ...). For tests: PIECEWORK_FIRST_BYTE_MS and PIECEWORK_IDLE_MS replace
// the time-outs, PIECEWORK_BACKOFF_MS the first wait of a retry, PIECEWORK_REPLAY_MS the delay of a replayed
// reply (default 0).
Models *models_new(Loop *loop, Http *http);
void models_free(Models *models);  // cancels what is left; before http_free and loop_deinit

// Adds or replaces a provider (strings are copied). [prices]: a map "provider/model" -> {input, output,
// cache_read, cache_write, cache_write_1h, context, max_output}, merged over the embedded table; may be NULL.
void models_provider(Models *models, const ProviderConfig *config);
void models_prices(Models *models, const Value *prices);
// NULL when there is none.
const ProviderConfig *models_provider_get(const Models *models, Str name);
size_t models_provider_count(const Models *models);
const ProviderConfig *models_provider_at(const Models *models, size_t index);  // for `doctor`

// Is the key there? Fills where it comes from ("$ANTHROPIC_API_KEY", "none needed"), never the key.
bool models_key_ready(Models *models, Str provider, Str *source, Error *err);

ModelCall *model_start(Models *models, const ModelSpec *spec);
void model_go(ModelCall *call,
              const Error *err);     // a held one queues for a slot, or ends with [err]
void model_let_go(ModelCall *call);  // model_cancel, unless its request has left
void model_cancel(ModelCall *call);

// Ends what was asked of providers beside calls (count.h, reach.h) with ERR_CANCELLED, from inside.
void models_asks_cancel(Models *models);

// After a terminal error a provider answers every call with that error until this is called.
bool models_open(const Models *models, Str provider, Str model);
void models_reopen(Models *models);

// Tokens of [text]: bytes / 3.6, rounded up; an estimate, and shown as one.
int64_t tokens_estimate(Str text);
int64_t request_tokens_estimate(const ModelRequest *request);
// The most they can be, whatever the text and whoever counts; of plain code about twice the estimate.
int64_t tokens_most(Str text);
int64_t request_tokens_most(const ModelRequest *request);

// What one try costs at worst (as many tokens as it can have, all written to the cache, all of max_output): reserved
// against the budget before it starts. NANO_UNKNOWN when the price is unknown.
Nano request_worst_cost(const Models *models, const ModelRequest *request);
Nano usage_cost(const Price *price, const Usage *usage);  // NANO_UNKNOWN when the price is unknown
// The same of a call that ended at [wall_ms]. Holidays, when there is no peak, are not known: they count as other days.
Nano usage_cost_at(const Price *price, const Usage *usage, int64_t wall_ms);

// An amount as in `budget:`: "0.60", "$1"; plain decimals of at most nine places. NANO_UNKNOWN
// when it is none.
Nano money_parse(Str text);
Str money(Arena *arena, Nano amount);        // "$0.0031", "$1.20", "unknown"
Str money_about(Arena *arena, Nano amount);  // of an estimate: "about $1.20", "under $0.0001"
Str money_plain(Arena *arena, Nano amount);  // the way back: "0.60"; [amount] >= 0

// ---- recording and replaying (model/cassette.h) -------------------------------------------------------
// Appends every exchange, secrets removed.
bool models_record(Models *models, const char *path, Error *err);
// Provider "replay" answers from it.
bool models_replay(Models *models, const char *path, Error *err);
