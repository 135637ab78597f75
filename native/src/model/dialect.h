// dialect.h: what differs between the wire formats of providers: one file and one row of a table each.
//
// A dialect turns a ModelRequest into an HTTP request and a stream of events back into a reply. It does no
// I/O: call.c owns the connection, the retries and the money. Adding one means one file, one row in
// dialect.c and rows in presets.c.
//
// Life of a reply:  model_reply_begin -> feed(event)* -> finish     (or whole(body) in place of the feeds, for a
// server that answered in one piece)
#pragma once

#include "model/model.h"
#include "model/sse.h"

// ---- what a server cannot do, or wants differently --------------------------------------------------
// Bits of ProviderConfig.quirks and of the model table's flags; more are learned at run time, when a 400
// names the field it does not know (fail.c).
enum {
  QUIRK_COMPATIBLE = 1 << 0,         // nothing but the set every compatible server knows
  QUIRK_MAX_TOKENS = 1 << 1,         // "max_tokens", not "max_completion_tokens"
  QUIRK_SYSTEM_ROLE = 1 << 2,        // "system", not "developer"
  QUIRK_NO_EFFORT = 1 << 3,          // no reasoning effort
  QUIRK_NO_STREAM_OPTIONS = 1 << 4,  // no stream_options: usage stays unknown
  QUIRK_NO_SCHEMA = 1 << 5,          // no schema output: ask for a JSON object
  QUIRK_NO_JSON = 1 << 6,            // not even that
  QUIRK_CACHE_MARK = 1 << 7,         // takes prompt_cache_breakpoint, prompt_cache_key and `store`
  QUIRK_NO_CACHE_MARK = 1 << 8,      // learned: it does not
  QUIRK_REASONING_BACK = 1 << 9,     // wants reasoning_content back in tool loops
  QUIRK_COST = 1 << 10,              // usage.cost is what the user pays, in USD
  QUIRK_REQUIRE_PARAMETERS = 1 << 11,  // a router: only hosts that know the parameters
  QUIRK_LOCAL = 1 << 12,               // the user's own machine: no price, long first byte
  QUIRK_TOOLS_NO_EFFORT = 1 << 13,     // tools only with effort "none"
  QUIRK_TOOLS_ELSEWHERE = 1 << 14,     // tools not through Chat Completions, only through Responses
  QUIRK_NO_EFFORT_NONE = 1 << 15,      // effort "none" and "minimal" are refused
  QUIRK_NO_TOOLS = 1 << 16,  // no tools: they are described and called in words (text_tools.h)
  QUIRK_MAX_COMPLETION = 1 << 17,  // learned: "max_completion_tokens" after all
  QUIRK_DEAR_WRITES = 1 << 18,     // cache writes cost a quarter more than input
};

// ---- request ------------------------------------------------------------------------------------------

typedef struct {
  Str secret;   // empty = none needed
  bool bearer;  // a token for "Authorization: Bearer" whatever the dialect prefers
} Key;

// Where a request goes and what is known about it.
typedef struct {
  Str base_url;
  unsigned quirks;            // provider's, model's and learned
  const Value *efforts;       // levels the model knows, a list; NULL = unknown
  int64_t max_output;         // the model's limit; 0 = unknown
  int64_t context;            // tokens; 0 = unknown
  Str organization, project;  // who pays, at OpenAI; empty = the key says
  Str custom;                 // headers a gateway wants, "Name: value" a line; may hold secrets
} Target;

enum { WIRE_MAX_HEADERS = 24 };
typedef struct {
  Str url;
  HttpHeader headers[WIRE_MAX_HEADERS];  // may hold the key: wiped by call.c after use
  size_t header_count;
  Str body;
} WireRequest;  // all in the arena given to build

// ---- reply --------------------------------------------------------------------------------------------

typedef enum { PART_TEXT, PART_THINKING, PART_TOOL, PART_OTHER } PartKind;

// One block of the assistant's message while it streams.
typedef struct {
  PartKind kind;
  int64_t index;       // the provider's number of the block
  Str id, name;        // PART_TOOL
  Buf text;            // text, thinking or the arguments' JSON
  Buf signature;       // PART_THINKING
  const Value *start;  // the block as it was announced, for what we send back unchanged
} ReplyPart;

typedef struct {
  ReplyPart *items;
  size_t len, cap;
} ReplyPartList;

// What to do about a try that failed.
typedef struct {
  Error error;
  bool retry;     // may be tried again
  bool gate;      // rate or overload: hold back all calls of this provider and model
  bool terminal;  // nothing more may be dispatched: to the provider, or to the model (`model_only`)
  bool model_only;
  bool loading;   // the user's own server is not ready yet: costs nothing, may take minutes
  bool has_wait;  // the provider named a time
  uint64_t wait_ms;
  unsigned learned;  // a quirk the message taught: repeat without that field
} Failure;

typedef struct {
  Arena *arena;   // the call's
  Arena scratch;  // one event's JSON; emptied before the next
  unsigned quirks;
  ReplyPartList parts;
  size_t bytes;  // of all parts, against REPLY_MAX
  bool ended;    // its end marker was seen: without it the reply counts as cut
  bool failed;   // `failure` holds an error that came inside the stream
  Failure failure;
  StopReason stop;
  Str stop_detail;     // why it refused, where the provider says so
  Usage usage;         // known once a counter was seen
  bool usage_final;    // it came with the end of the reply: no more will be charged
  Nano cost;           // the provider's own figure, else NANO_UNKNOWN
  Str id;              // of the message
  Buf text;            // all text parts
  Buf extra;           // reasoning that goes back unchanged (QUIRK_REASONING_BACK)
  Value *items;        // the provider's own blocks as they came, for dialects that send them back
  ToolCallList calls;  // after finish
  const Value *raw;    // after finish
} ReplyBuilder;

enum { REPLY_MAX = 32 * 1024 * 1024, REPLY_MAX_PARTS = 1024 };

void model_reply_begin(ReplyBuilder *reply, Arena *arena, unsigned quirks);
// Frees the buffers; calls, raw and strings stay in the arena.
void model_reply_end(ReplyBuilder *reply);

// NULL past the limit.
ReplyPart *reply_part_add(ReplyBuilder *reply, PartKind kind, int64_t index);
ReplyPart *reply_part_find(ReplyBuilder *reply, int64_t index);  // the last with it
void reply_part_text(ReplyBuilder *reply, ReplyPart *part, Str piece);
void reply_text(ReplyBuilder *reply, Str piece);  // the same for dialects with one text
void reply_keep_item(ReplyBuilder *reply, const Value *item);  // a copy into `items`
// Valid until the next; NULL fails the reply.
const Value *model_reply_parse(ReplyBuilder *reply, Str json);
void reply_calls_finish(ReplyBuilder *reply);  // PART_TOOL into `calls`, which are why it stopped
// What [map] says went wrong; NULL when nothing did, which some say with a null.
const Value *error_in(const Value *map);
void reply_error(ReplyBuilder *reply, const Value *error);  // an error object inside the stream
// A fault of the stream itself.
void model_reply_fail(ReplyBuilder *reply, Err code, const char *message);
// A counter; [fallback] where there is none, or one that cannot be: negative, of over 1e9, no whole number.
int64_t tokens_of(const Value *usage, Str key, int64_t fallback);
// Tokens of what came back, for a cut try.
int64_t reply_output_estimate(const ReplyBuilder *reply);
// What it used. Where nothing was told, or what cannot be (a prompt of no tokens, a text of none), it is estimated and
// not `known`.
Usage reply_usage(const ReplyBuilder *reply, int64_t prompt_estimate);

// ---- the table ----------------------------------------------------------------------------------------

typedef struct {
  const char *name;
  bool lines;  // the stream is one JSON object per line, not server-sent events
  // What is read from the cache does not count against the limit of tokens per minute.
  bool cached_is_unlimited;
  void (*build)(Arena *arena, const ModelRequest *request, const Target *target, const Key *key,
                WireRequest *out);
  void (*feed)(ReplyBuilder *reply, const SseEvent *event);
  void (*whole)(ReplyBuilder *reply, Str body);                    // a 2xx answer in one piece
  void (*finish)(ReplyBuilder *reply);                             // parts -> calls and raw
  void (*classify)(const HttpHead *head, Str body, Failure *out);  // an answer that is not 2xx
  // The same request, to be counted and not answered; `counted` names the field of the answer that says how many
  // tokens it has. NULL: this API has no counting.
  void (*count)(Arena *arena, const ModelRequest *request, const Target *target, const Key *key,
                WireRequest *out);
  const char *counted;
  Str (*models_url)(Arena *arena, const Target *target);  // GET lists the models it knows
} Dialect;

extern const Dialect dialect_anthropic, dialect_openai_chat, dialect_openai_responses,
    dialect_gemini, dialect_ollama;

const Dialect *dialect_find(Str name);  // NULL when there is none

// request->system, followed by the wanted schema in words when the server cannot enforce one.
Str request_system(Arena *arena, const ModelRequest *request, bool schema_in_words);
// That and request->shared as one text.
Str request_preamble(Arena *arena, const ModelRequest *request, bool schema_in_words);
// [item] says what a tool is; what it takes is told under [schema_key].
void request_tool(Arena *arena, Value *item, const ModelTool *tool, Str schema_key);
// The tools as Chat Completions describes them, into body.tools.
void request_functions(Arena *arena, Value *body, const ModelRequest *request);

// The nearest effort the model knows; empty when it takes none or the caller wants its default.
Str request_effort(const ModelRequest *request, const Target *target);
// The output limit to ask for: the request's within the model's; 0 = leave it to the server.
int64_t request_max_output(const ModelRequest *request, const Target *target);
// A name for what all requests of one fan-out share, for caches that group by a key.
Str request_cache_key(Arena *arena, const ModelRequest *request);
// The call that the tool message at [index] answers, by its id; NULL when there is none. For dialects that
// want the tool's name with its result.
const ToolCall *request_call_of(const ModelRequest *request, size_t index);
// Every object of [schema] is closed and all its properties are required: what strict modes ask for.
bool schema_is_strict(const Value *schema);
void wire_header(WireRequest *out, Str name, Str value);
void wire_json(WireRequest *out, Str url);  // begins a request whose body is JSON; borrows [url]
void wire_bearer(Arena *arena, WireRequest *out, const Key *key);
// The headers of a live request but for its content's: key, versions.
void wire_provider_headers(Arena *arena, const Dialect *dialect, const ProviderConfig *config,
                           const Target *target, const Key *key, WireRequest *out);
// Adds the target's custom headers, over ours of the same name; what frames the message stays ours.
void wire_custom(Arena *arena, const Target *target, WireRequest *out);
void wire_wipe(WireRequest *wire);  // the key, once the request was handed on

// Will its end be read again by another turn? A tool loop's will; a verifier's one question will not.
bool request_grows(const ModelRequest *request);

// ---- shared by the dialects (fail.c) --------------------------------------------------------------------

// [status] and the error object {type, code, message, details} that came with it; [kind] is the dialect's
// own word for it. Fills [out] from one table of statuses and one of kinds.
void failure_classify(int status, const Value *error, Failure *out);
// An answer that is not 2xx: finds the error object in whatever came (JSON, HTML, nothing), and what the
// headers say of trying again.
void failure_from_answer(const HttpHead *head, Str body, Failure *out);
