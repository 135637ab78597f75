// batch_wire.c: see batch_wire.h.
#include "model/batch_wire.h"

#include <ctype.h>

#include "lib/json.h"

enum { ID_MAX = 200 };

Str batch_params(Arena *arena, Str body)
{
  Value *all = json_parse(arena, body, NULL), *out = value_map(arena);
  for (VALUE_EACH (item, all)) {
    if (str_eq(item->key, S("stream")) || str_eq(item->key, S("stream_options"))) continue;
    value_set(out, item->key, value_dup(arena, item));
  }
  return json_str(arena, out);
}

bool batch_id_ok(Str id)
{
  for (size_t i = 0; i < id.len; i++) {
    unsigned char c = (unsigned char)id.ptr[i];
    if (!isalnum(c) && c != '_' && c != '-' && c != '.' && c != '/') return false;
  }
  return id.len > 0 && id.len <= ID_MAX && !str_has(id, S("..")) && id.ptr[0] != '/';
}

static Str id_of(Arena *arena, const Value *answer, Str key)
{
  Str id = value_get_str(answer, key, STR_NONE);
  return batch_id_ok(id) ? str_dup(arena, id) : STR_NONE;
}

static Str url_of(Arena *arena, const Target *target, const char *path, Str id, const char *tail)
{
  return str_fmt(arena, "%.*s%s%.*s%s", STR_ARG(target->base_url), path, STR_ARG(id), tail);
}

static void json_request(WireRequest *out, Str url, Str body)
{
  *out = (WireRequest){.url = url, .body = body};
  wire_header(out, S("content-type"), S("application/json"));
}

static void add_comma(Buf *items)
{
  if (items->len) buf_add_char(items, ',');
}

// ---- Anthropic ------------------------------------------------------------------------------------------

static void anthropic_add(Buf *items, const char *dialect, Str key, Str params)
{
  (void)dialect;
  add_comma(items);
  buf_fmt(items, "{\"custom_id\":\"%.*s\",\"params\":", STR_ARG(key));
  buf_add(items, params);
  buf_add_char(items, '}');
}

static void anthropic_begin(Arena *arena, const Target *target, Str model, Str tag, Str items,
                            WireRequest *out)
{
  (void)model, (void)tag;
  Str body = str_cat(arena, str_cat(arena, S("{\"requests\":["), items), S("]}"));
  json_request(out, url_of(arena, target, "/v1/messages/batches", STR_NONE, ""), body);
}

static Str anthropic_list(Arena *arena, const Target *target)
{
  return url_of(arena, target, "/v1/messages/batches", STR_NONE, "?limit=100");
}

static Str anthropic_poll(Arena *arena, const Target *target, Str id)
{
  return url_of(arena, target, "/v1/messages/batches/", id, "");
}

static Str anthropic_cancel(Arena *arena, const Target *target, Str id)
{
  return url_of(arena, target, "/v1/messages/batches/", id, "/cancel");
}

// Where the results are is not taken from the answer: the key would go wherever it points.
static void anthropic_read(Arena *arena, const Target *target, const Value *answer,
                           BatchAnswer *out)
{
  const Value *counts = value_get(answer, S("request_counts"));
  static const char *const ended[] = {"succeeded", "errored", "canceled", "expired"};
  out->id = id_of(arena, answer, S("id"));
  out->ended = str_eq(value_get_str(answer, S("processing_status"), STR_NONE), S("ended"));
  out->total = value_get_int(counts, S("processing"), 0);
  for (size_t i = 0; i < 4; i++) out->done += value_get_int(counts, str_from(ended[i]), 0);
  out->total += out->done;
  if (out->ended)
    out->results[0] = url_of(arena, target, "/v1/messages/batches/", out->id, "/results");
}

static bool anthropic_item(const Value *result, BatchItem *out)
{
  static const struct {
    const char *word, *field;
    ItemKind kind;
  } kinds[] = {{"succeeded", "message", ITEM_REPLY},
               {"errored", "error", ITEM_FAILED},
               {"expired", NULL, ITEM_EXPIRED},
               {"canceled", NULL, ITEM_CANCELLED}};
  const Value *what = value_get(result, S("result"));
  Str type = value_get_str(what, S("type"), STR_NONE);
  *out = (BatchItem){.key = value_get_str(result, S("custom_id"), STR_NONE)};
  for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
    if (!str_eq(type, str_from(kinds[i].word))) continue;
    out->kind = kinds[i].kind;
    if (kinds[i].field) out->body = value_get(what, str_from(kinds[i].field));
    return out->key.len > 0;
  }
  return false;
}

// ---- OpenAI ---------------------------------------------------------------------------------------------

#define BOUNDARY \
  "piecework-7d1f0c5a9b3e48c2"  // JSON lines have no line that begins with two dashes

static const char *openai_endpoint(const char *dialect)
{
  bool responses = str_eq(str_from(dialect), S("openai-responses"));
  return responses ? "/v1/responses" : "/v1/chat/completions";
}

static void openai_add(Buf *items, const char *dialect, Str key, Str params)
{
  buf_fmt(items,
          "{\"custom_id\":\"%.*s\",\"method\":\"POST\",\"url\":\"%s\",\"body\":", STR_ARG(key),
          openai_endpoint(dialect));
  buf_add(items, params);
  buf_add(items, S("}\n"));
}

static void openai_begin(Arena *arena, const Target *target, Str model, Str tag, Str items,
                         WireRequest *out)
{
  (void)model, (void)tag;
  Str body = S("--" BOUNDARY
               "\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"
               "--" BOUNDARY
               "\r\ncontent-disposition: form-data; name=\"file\";"
               " filename=\"piecework.jsonl\"\r\ncontent-type: application/jsonl\r\n\r\n");
  body = str_cat(arena, str_cat(arena, body, items), S("\r\n--" BOUNDARY "--\r\n"));
  *out = (WireRequest){.url = url_of(arena, target, "/files", STR_NONE, ""), .body = body};
  wire_header(out, S("content-type"), S("multipart/form-data; boundary=" BOUNDARY));
}

static void openai_create(Arena *arena, const Target *target, const char *dialect, Str tag,
                          const Value *uploaded, WireRequest *out)
{
  Value *body = value_map(arena);
  value_put_str(arena, body, S("input_file_id"), id_of(arena, uploaded, S("id")));
  value_put_str(arena, body, S("endpoint"), str_from(openai_endpoint(dialect)));
  value_put_str(arena, body, S("completion_window"), S("24h"));
  Value *metadata = value_set(body, S("metadata"), value_map(arena));
  value_put_str(arena, metadata, S("piecework"), tag);
  json_request(out, url_of(arena, target, "/batches", STR_NONE, ""), json_str(arena, body));
}

static Str openai_list(Arena *arena, const Target *target)
{
  return url_of(arena, target, "/batches", STR_NONE, "?limit=100");
}

static Str openai_tag(const Value *listed)
{
  return value_get_str(value_get(listed, S("metadata")), S("piecework"), STR_NONE);
}

static Str openai_poll(Arena *arena, const Target *target, Str id)
{
  return url_of(arena, target, "/batches/", id, "");
}

static Str openai_cancel(Arena *arena, const Target *target, Str id)
{
  return url_of(arena, target, "/batches/", id, "/cancel");
}

static bool openai_ended(Str status)
{
  return str_eq(status, S("completed")) || str_eq(status, S("failed")) ||
         str_eq(status, S("expired")) || str_eq(status, S("cancelled"));
}

static void openai_read(Arena *arena, const Target *target, const Value *answer, BatchAnswer *out)
{
  static const char *const files[] = {"output_file_id", "error_file_id"};
  const Value *counts = value_get(answer, S("request_counts"));
  Str status = value_get_str(answer, S("status"), STR_NONE);
  out->id = id_of(arena, answer, S("id"));
  out->ended = openai_ended(status);
  out->total = value_get_int(counts, S("total"), 0);
  out->done = value_get_int(counts, S("completed"), 0) + value_get_int(counts, S("failed"), 0);
  for (size_t i = 0; out->ended && i < 2; i++) {
    Str file = id_of(arena, answer, str_from(files[i]));
    if (file.len) out->results[i] = url_of(arena, target, "/files/", file, "/content");
  }
  if (!str_eq(status, S("failed"))) return;
  const Value *first = value_at(value_get(value_get(answer, S("errors")), S("data")), 0);
  error_set(&out->error, ERR_REPLY, "the provider refused the batch: %.*s",
            STR_ARG(value_get_str(first, S("message"), S("it gives no reason"))));
}

static bool openai_item(const Value *result, BatchItem *out)
{
  const Value *response = value_get(result, S("response")), *error = value_get(result, S("error"));
  *out = (BatchItem){.key = value_get_str(result, S("custom_id"), STR_NONE)};
  if (value_is(response, VALUE_MAP)) {
    out->status = (int)value_get_int(response, S("status_code"), 0);
    out->kind = out->status >= 200 && out->status < 300 ? ITEM_REPLY : ITEM_FAILED;
    out->body = value_get(response, S("body"));
    return out->key.len > 0;
  }
  Str code = value_get_str(error, S("code"), STR_NONE);
  out->kind = str_eq(code, S("batch_expired"))     ? ITEM_EXPIRED
              : str_eq(code, S("batch_cancelled")) ? ITEM_CANCELLED
                                                   : ITEM_FAILED;
  out->body = result;  // its `error` is found there as in any answer
  return out->key.len > 0 && value_is(error, VALUE_MAP);
}

// ---- Google ---------------------------------------------------------------------------------------------

static void gemini_add(Buf *items, const char *dialect, Str key, Str params)
{
  (void)dialect;
  add_comma(items);
  buf_add(items, S("{\"request\":"));
  buf_add(items, params);
  buf_fmt(items, ",\"metadata\":{\"key\":\"%.*s\"}}", STR_ARG(key));
}

static void gemini_begin(Arena *arena, const Target *target, Str model, Str tag, Str items,
                         WireRequest *out)
{
  Str body = str_fmt(arena,
                     "{\"batch\":{\"displayName\":\"piecework %.*s\",\"inputConfig\":"
                     "{\"requests\":{\"requests\":[",
                     STR_ARG(tag));
  body = str_cat(arena, str_cat(arena, body, items), S("]}}}}"));
  json_request(out, url_of(arena, target, "/models/", model, ":batchGenerateContent"), body);
}

static Str gemini_list(Arena *arena, const Target *target)
{
  return url_of(arena, target, "/batches", STR_NONE, "?pageSize=100");
}

static Str gemini_tag(const Value *listed)
{
  Str name = value_get_str(value_get(listed, S("metadata")), S("displayName"), STR_NONE);
  return str_starts(name, S("piecework ")) ? str_skip(name, 10) : STR_NONE;
}

static Str gemini_poll(Arena *arena, const Target *target, Str id)
{
  return url_of(arena, target, "/", id, "");
}

static Str gemini_cancel(Arena *arena, const Target *target, Str id)
{
  return url_of(arena, target, "/", id, ":cancel");
}

static int64_t told_count(const Value *stats, Str key)  // as text
{
  uint64_t n = 0;
  return str_to_u64(value_get_str(stats, key, S("0")), &n) && n <= INT32_MAX ? (int64_t)n : 0;
}

static void gemini_read(Arena *arena, const Target *target, const Value *answer, BatchAnswer *out)
{
  (void)target;
  const Value *stats = value_get(value_get(answer, S("metadata")), S("batchStats"));
  const Value *response = value_get(answer, S("response")), *error = value_get(answer, S("error"));
  out->id = id_of(arena, answer, S("name"));
  out->ended = value_get_bool(answer, S("done"), false);
  out->total = told_count(stats, S("requestCount"));
  out->done =
      told_count(stats, S("successfulRequestCount")) + told_count(stats, S("failedRequestCount"));
  out->inlined = value_get(value_get(response, S("inlinedResponses")), S("inlinedResponses"));
  if (!value_is(error, VALUE_MAP)) return;
  error_set(&out->error, ERR_TIMEOUT, "the batch came to nothing: %.*s",
            STR_ARG(value_get_str(error, S("message"), S("the provider gives no reason"))));
}

static bool gemini_item(const Value *result, BatchItem *out)
{
  const Value *response = value_get(result, S("response")), *error = value_get(result, S("error"));
  *out = (BatchItem){.key = value_get_str(value_get(result, S("metadata")), S("key"), STR_NONE)};
  out->kind = value_is(response, VALUE_MAP)             ? ITEM_REPLY
              : value_get_int(error, S("code"), 0) == 4 ? ITEM_EXPIRED  // DEADLINE_EXCEEDED
                                                        : ITEM_FAILED;
  out->body = out->kind == ITEM_REPLY ? response : result;
  return out->key.len > 0 && (out->kind == ITEM_REPLY || value_is(error, VALUE_MAP));
}

// ---- the table ------------------------------------------------------------------------------------------

#define OPENAI                                                                              \
  .max_items = 50000, .max_bytes = 150u << 20, .add = openai_add, .begin = openai_begin,    \
  .create = openai_create, .list_url = openai_list, .listed = "data", .tag_of = openai_tag, \
  .poll_url = openai_poll, .cancel_url = openai_cancel, .read = openai_read, .item = openai_item

static const BatchWire wires[] = {
    {.dialect = "anthropic",
     .max_items = 100000,
     .max_bytes = 200u << 20,
     .add = anthropic_add,
     .begin = anthropic_begin,
     .list_url = anthropic_list,
     .listed = "data",
     .poll_url = anthropic_poll,
     .cancel_url = anthropic_cancel,
     .read = anthropic_read,
     .item = anthropic_item},
    {.dialect = "openai-responses", OPENAI},
    {.dialect = "openai-chat", OPENAI},
    {.dialect = "gemini",
     .max_items = 50000,
     .max_bytes = 18u << 20,
     .add = gemini_add,
     .begin = gemini_begin,
     .list_url = gemini_list,
     .listed = "operations",
     .tag_of = gemini_tag,
     .poll_url = gemini_poll,
     .cancel_url = gemini_cancel,
     .read = gemini_read,
     .item = gemini_item},
};

const BatchWire *batch_wire_find(const char *dialect)
{
  for (size_t i = 0; i < sizeof(wires) / sizeof(*wires); i++) {
    if (str_eq(str_from(wires[i].dialect), str_from(dialect))) return &wires[i];
  }
  return NULL;
}
