// cassette.c: reading and matching; see cassette.h. Recording is in record.c.
#include "model/cassette.h"

#include <stdio.h>

#include "base/log.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "model/dialect.h"
#include "model/record.h"

enum { CASSETTE_MAX = 256 * 1024 * 1024 };

struct Cassette {
  Arena arena;
  struct {
    Exchange *items;
    size_t len, cap;
  } exchanges;
};

Str label_key(Str label)
{
  if (!str_starts(label, S("plan "))) return label;
  size_t at = 5;
  while (at < label.len && label.ptr[at] >= '0' && label.ptr[at] <= '9') at++;
  if (at == 5 || (at < label.len && label.ptr[at] != ' ')) return label;
  return str_trim(str_skip(label, at));
}

static StopReason stop_from_name(Str name)
{
  for (StopReason stop = STOP_DONE; stop < STOP_ERROR; stop++) {
    if (str_eq(name, str_from(stop_name(stop)))) return stop;
  }
  return STOP_DONE;
}

const char *stop_name(StopReason stop)
{
  static const char *const names[] = {"done", "length", "tool", "refused", "error"};
  return names[stop];
}

static Usage read_usage(const Value *map)
{
  return (Usage){.fresh_in = tokens_of(map, S("fresh_in"), 0),
                 .cache_write = tokens_of(map, S("cache_write"), 0),
                 .cache_read = tokens_of(map, S("cache_read"), 0),
                 .out = tokens_of(map, S("out"), 0),
                 .reasoning = tokens_of(map, S("reasoning"), 0),
                 .hour_write = tokens_of(map, S("hour_write"), 0),
                 .known = value_get_bool(map, S("known"), map != NULL)};
}

static void read_calls(Arena *arena, Exchange *exchange, const Value *calls)
{
  for (VALUE_EACH (item, calls)) {
    const Value *input = value_get(item, S("input"));
    Str id = value_get_str(item, S("id"), STR_NONE);
    if (id.len == 0) id = str_fmt(arena, "call_%zu", exchange->calls.len + 1);
    ToolCall call = {.id = id,
                     .name = value_get_str(item, S("name"), STR_NONE),
                     .input = value_is(input, VALUE_MAP) ? input : value_map(arena),
                     .broken = value_get_str(item, S("broken"), STR_NONE)};
    PUSH(arena, &exchange->calls, call);
  }
}

static void read_exchange(Cassette *cassette, const Value *line)
{
  const Value *reply = value_get(line, S("reply"));
  const Value *request = value_get(line, S("request"));
  Exchange exchange = {.role = value_get_str(line, S("role"), STR_NONE),
                       .label = label_key(value_get_str(line, S("label"), STR_NONE)),
                       .provider = value_get_str(line, S("provider"), STR_NONE),
                       .model = value_get_str(line, S("model"), STR_NONE),
                       .hash = value_get_str(request, S("hash"), STR_NONE),
                       .text = value_get_str(reply, S("text"), STR_NONE),
                       .usage = read_usage(value_get(reply, S("usage")))};
  read_calls(&cassette->arena, &exchange, value_get(reply, S("calls")));
  Str stop = value_get_str(reply, S("stop"), exchange.calls.len ? S("tool") : S("done"));
  exchange.stop = stop_from_name(stop);
  PUSH(&cassette->arena, &cassette->exchanges, exchange);
}

static bool read_header(const Value *line, const char *path, Error *err)
{
  if (!str_eq(value_get_str(line, S("cassette"), STR_NONE), S("piecework-cassette"))) {
    return error_set(err, ERR_CASSETTE, "%s is not a piecework cassette", path);
  }
  int64_t version = value_get_int(line, S("version"), 0);
  if (version == 1) return true;
  return error_set(err, ERR_CASSETTE,
                   "%s is a cassette of version %lld; this piecework reads version 1", path,
                   (long long)version);
}

static bool read_lines(Cassette *cassette, Str text, const char *path, Error *err)
{
  int number = 0;
  bool header = false;
  for (Str rest = text, line; str_line(&rest, &line);) {
    number++;
    line = str_trim(line);
    if (line.len == 0) continue;
    const Value *value = json_parse(&cassette->arena, line, NULL);
    if (!value_is(value, VALUE_MAP)) {
      return error_set(err, ERR_CASSETTE, "%s: line %d is not a JSON object", path, number);
    }
    if (!header) {
      header = read_header(value, path, err);
      if (!header) return false;
    } else if (value_get(value, S("role")) && value_is(value_get(value, S("reply")), VALUE_MAP)) {
      read_exchange(cassette, value);
    } else {
      return error_set(err, ERR_CASSETTE, "%s: line %d has no `role` or no `reply`", path, number);
    }
  }
  return header || error_set(err, ERR_CASSETTE, "%s is empty", path);
}

Cassette *cassette_open(const char *path, Error *err)
{
  Cassette *cassette = mem_alloc(sizeof(*cassette));
  *cassette = (Cassette){0};
  arena_init(&cassette->arena);
  Str text;
  if (fs_read(&cassette->arena, path, CASSETTE_MAX, &text, err) &&
      read_lines(cassette, text, path, err)) {
    return cassette;
  }
  cassette_free(cassette);
  return NULL;
}

void cassette_free(Cassette *cassette)
{
  if (!cassette) return;
  arena_deinit(&cassette->arena);
  mem_free(cassette);
}

// The first unused exchange of the role with this label, else without any.
static Exchange *find(Cassette *cassette, Str role, Str label)
{
  Exchange *spare = NULL;
  for (size_t i = 0; i < cassette->exchanges.len; i++) {
    Exchange *exchange = &cassette->exchanges.items[i];
    if (exchange->used || !str_eq(exchange->role, role)) continue;
    if (str_eq(exchange->label, label)) return exchange;
    if (!spare && exchange->label.len == 0) spare = exchange;
  }
  return spare;
}

// "12 of 12 used; the next would be execute T04": what a person needs to see where it drifted.
static Str what_is_left(Cassette *cassette, Arena *arena, Str role)
{
  size_t total = 0, used = 0;
  const Exchange *next = NULL;
  for (size_t i = 0; i < cassette->exchanges.len; i++) {
    const Exchange *exchange = &cassette->exchanges.items[i];
    if (!str_eq(exchange->role, role)) continue;
    total++;
    used += exchange->used;
    if (!exchange->used && !next) next = exchange;
  }
  if (!next) return str_fmt(arena, "all %zu of that role are used", total);
  return str_fmt(arena, "%zu of %zu of that role are used, the next is for \"%.*s\"", used, total,
                 STR_ARG(next->label));
}

static void drift(Cassette *cassette, const ModelRequest *request, Str label, Error *err)
{
  Arena arena;
  arena_init(&arena);
  Str left = what_is_left(cassette, &arena, request->role);
  error_set(err, ERR_CASSETTE, "the cassette has no answer for %.*s \"%.*s\": %.*s",
            STR_ARG(request->role), STR_ARG(label), STR_ARG(left));
  arena_deinit(&arena);
}

const Exchange *cassette_take(Cassette *cassette, const ModelRequest *request, Error *err)
{
  Str label = label_key(request->label);
  Exchange *exchange = find(cassette, request->role, label);
  if (!exchange) {
    drift(cassette, request, label, err);
    return NULL;
  }
  exchange->used = true;
  char hash[REQUEST_HASH_SIZE];
  request_hash(request, hash);
  if (exchange->hash.len && !str_eq(exchange->hash, str_from(hash))) {
    log_debug("cassette: the request for %.*s \"%.*s\" is not the recorded one",
              STR_ARG(request->role), STR_ARG(label));
  }
  return exchange;
}

Str cassette_provider_of(const Cassette *cassette, Str model)
{
  for (size_t i = 0; cassette && i < cassette->exchanges.len; i++) {
    if (str_eq(cassette->exchanges.items[i].model, model))
      return cassette->exchanges.items[i].provider;
  }
  return STR_NONE;
}
