// record.c: writes a cassette (see cassette.h), one whole line per exchange, so that a kill loses at most the
// line that was being written.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/json.h"
#include "model/prices.h"
#include "model/record.h"
#include "model/redact.h"

enum { DIGEST_LINES = 3, DIGEST_MAX = 240, LINE_MAX_BYTES = 128 * 1024 * 1024 };

struct Recorder {
  int fd;
};

static bool write_all(int fd, Str bytes)
{
  while (bytes.len) {
    ssize_t n = write(fd, bytes.ptr, bytes.len);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes = str_skip(bytes, (size_t)n);
  }
  return true;
}

static bool write_header(int fd)
{
  if (lseek(fd, 0, SEEK_END) > 0) return true;
  return write_all(
      fd, S("{\"cassette\":\"piecework-cassette\",\"version\":1,\"note\":\"recorded\"}\n"));
}

Recorder *recorder_open(const char *path, Error *err)
{
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0 || !write_header(fd)) {
    error_set(err, ERR_IO, "cannot record to %s: %s", path, strerror(errno));
    if (fd >= 0) close(fd);
    return NULL;
  }
  Recorder *recorder = mem_alloc(sizeof(*recorder));
  *recorder = (Recorder){fd};
  return recorder;
}

void recorder_free(Recorder *recorder)
{
  if (!recorder) return;
  close(recorder->fd);
  mem_free(recorder);
}

// Folds the text into the hash; lengths keep "ab" "c" apart from "a" "bc".
static uint64_t mix(uint64_t hash, Str text)
{
  return (hash ^ str_hash(text) ^ text.len) * 0x100000001b3u;
}

void request_hash(const ModelRequest *request, char hash[REQUEST_HASH_SIZE])
{
  uint64_t n = mix(mix(0xcbf29ce484222325u, request->system), request->shared);
  for (size_t i = 0; i < request->messages.len; i++) n = mix(n, request->messages.items[i].text);
  snprintf(hash, REQUEST_HASH_SIZE, "%016llx", (unsigned long long)n);
}

static Str digest(const ModelRequest *request)
{
  if (request->messages.len == 0) return STR_NONE;
  Str text = str_trim(request->messages.items[request->messages.len - 1].text);
  Str rest = text, line = STR_NONE;
  for (int i = 0; i < DIGEST_LINES && str_line(&rest, &line);) i++;
  size_t end = rest.len ? (size_t)(rest.ptr - text.ptr) : text.len;
  return str_trim(str_sub(text, 0, str_utf8_floor(text, end > DIGEST_MAX ? DIGEST_MAX : end)));
}

static void put_usage(Arena *arena, Value *reply, const Usage *usage)
{
  Value *map = value_set(reply, S("usage"), value_map(arena));
  value_put_int(arena, map, S("fresh_in"), usage->fresh_in);
  value_put_int(arena, map, S("cache_write"), usage->cache_write);
  value_put_int(arena, map, S("cache_read"), usage->cache_read);
  value_put_int(arena, map, S("out"), usage->out);
  value_put_int(arena, map, S("reasoning"), usage->reasoning);
  if (usage->hour_write) value_put_int(arena, map, S("hour_write"), usage->hour_write);
  value_put_bool(arena, map, S("known"), usage->known);
}

// Call ids are the provider's: they become our own numbers.
static void put_calls(Arena *arena, Value *reply, const ToolCallList *calls)
{
  if (calls->len == 0) return;
  Value *list = value_set(reply, S("calls"), value_list(arena));
  for (size_t i = 0; i < calls->len; i++) {
    const ToolCall *call = &calls->items[i];
    Value *item = value_push(list, value_map(arena));
    value_put_str(arena, item, S("name"), call->name);
    value_set(item, S("input"), call->input ? value_dup(arena, call->input) : value_map(arena));
    if (call->broken.len) value_put_str(arena, item, S("broken"), call->broken);
  }
}

static Value *exchange_value(Arena *arena, const ModelRequest *request, const ModelReply *reply,
                             const StrList *secrets)
{
  char hash[REQUEST_HASH_SIZE];
  request_hash(request, hash);
  Value *line = value_map(arena);
  value_put_str(arena, line, S("role"), request->role);
  value_put_str(arena, line, S("label"), label_key(request->label));
  value_put_str(arena, line, S("provider"), request->provider);
  value_put_str(arena, line, S("model"), request->model);
  value_put_str(arena, line, S("at"), date_utc(arena, wall_now_ms()));
  Value *asked = value_set(line, S("request"), value_map(arena));
  value_put_str(arena, asked, S("digest"), digest(request));
  Value *answer = value_set(line, S("reply"), value_map(arena));
  value_put_str(arena, answer, S("text"), reply->text);
  put_calls(arena, answer, &reply->calls);
  value_put_str(arena, answer, S("stop"), str_from(stop_name(reply->stop)));
  put_usage(arena, answer, &reply->usage);
  redact_value(arena, line, secrets, REDACT_CODE);  // the tree, not the line, so that it stays JSON
  value_put_str(arena, asked, S("hash"), str_dup(arena, str_from(hash)));
  return line;
}

bool recorder_add(Recorder *recorder, const ModelRequest *request, const ModelReply *reply,
                  const StrList *secrets)
{
  Arena arena;
  arena_init(&arena);
  Buf line;
  buf_init(&line, LINE_MAX_BYTES);
  json_write(&line, exchange_value(&arena, request, reply, secrets));
  buf_add_char(&line, '\n');
  bool ok = !line.full && write_all(recorder->fd, buf_str(&line));
  buf_deinit(&line);
  arena_deinit(&arena);
  return ok;
}
