// provider.h: the fake provider (tests/provider) and an engine's worth of model/, for tests.
//
//   Bench bench; bench_open(&bench, "[{...}]"); Result r = {0}; bench_call(&bench, &r, ...); bench_close(&bench);
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fs.h"
#include "lib/json.h"
#include "model/model.h"
#include "tap.h"

typedef struct {
  Arena arena;
  Loop loop;
  Http *http;
  Models *models;
  char *dir;
  pid_t pid;
  int port;
  int pending;  // calls under way
} Bench;

// What a call came to; strings in the bench's arena.
typedef struct {
  Bench *bench;
  ModelCall *call;
  int done, waits;
  uint64_t waited_ms;
  Str why;  // of the last wait
  ModelReply reply;
} Result;

static inline char *bench_path(Bench *bench, const char *name)
{
  return path_join(&bench->arena, str_from(bench->dir), str_from(name));
}

static inline void bench_write(Bench *bench, const char *name, const char *text)
{
  Error err = {0};
  CHECK(fs_write_atomic(bench_path(bench, name), str_from(text), 0600, &err));
}

static inline Str bench_read(Bench *bench, const char *name)
{
  Error err = {0};
  Str text = STR_NONE;
  fs_read(&bench->arena, bench_path(bench, name), 1 << 24, &text, &err);
  return text;
}

static inline void provider_start(Bench *bench, const char *script, const char *const *options)
{
  bench_write(bench, "script.json", script);
  char parent[24];
  snprintf(parent, sizeof(parent), "%d", (int)getpid());
  const char *argv[24] = {"python3",     "tests/provider/provider.py",
                          "--script",    bench_path(bench, "script.json"),
                          "--log",       bench_path(bench, "log"),
                          "--port-file", bench_path(bench, "port"),
                          "--parent",    parent};
  int n = 10;
  for (; options && *options && n < 23; options++) argv[n++] = *options;
  fflush(stdout);
  bench->pid = fork();
  if (bench->pid == 0) {
    if (!freopen("/dev/null", "w", stdout)) _exit(127);
    execvp("python3", (char **)argv);
    _exit(127);
  }
  for (int i = 0; i < 6000 && !fs_exists(bench_path(bench, "port")); i++) usleep(10000);
  Str port = str_trim(bench_read(bench, "port"));
  uint64_t number = 0;
  CHECK(str_to_u64(port, &number));
  bench->port = (int)number;
}

static inline void bench_provider(Bench *bench, const char *name, const char *dialect, int limit)
{
  const char *path = strncmp(dialect, "openai", 6) == 0 ? "/v1"
                     : strcmp(dialect, "gemini") == 0   ? "/v1beta"
                                                        : "";
  ProviderConfig config = {
      .name = str_from(name),
      .dialect = str_from(dialect),
      .base_url = str_fmt(&bench->arena, "http://127.0.0.1:%d%s", bench->port, path),
      .limit = limit};
  models_provider(bench->models, &config);
}

static inline void bench_open_with(Bench *bench, const char *script, const char *const *options)
{
  Error err = {0};
  *bench = (Bench){0};
  arena_init(&bench->arena);
  bench->dir = fs_temp_dir(&bench->arena, "/tmp", "t_model", &err);
  CHECK(loop_init(&bench->loop, &err));
  bench->http = http_new(&bench->loop, &err);
  bench->models = models_new(&bench->loop, bench->http);
  if (script) provider_start(bench, script, options);
  bench_provider(bench, "a", "anthropic", 4);
  bench_provider(bench, "o", "openai-chat", 4);
  bench_provider(bench, "r", "openai-responses", 4);
  bench_provider(bench, "g", "gemini", 4);
  bench_provider(bench, "l", "ollama", 4);
}

static inline void bench_open(Bench *bench, const char *script)
{
  bench_open_with(bench, script, NULL);
}

static inline void bench_close(Bench *bench)
{
  Error err = {0};
  models_free(bench->models);
  http_free(bench->http);
  loop_deinit(&bench->loop);
  if (bench->pid > 0) {
    kill(bench->pid, SIGTERM);
    waitpid(bench->pid, NULL, 0);
  }
  CHECK(fs_remove_tree(bench->dir, &err));
  arena_deinit(&bench->arena);
}

static inline void on_wait(void *owner, Str why, uint64_t ms)
{
  Result *result = owner;
  CHECK(why.len > 0);
  result->waits++;
  result->why = str_dup(&result->bench->arena, why);
  result->waited_ms += ms;
}

static inline void on_done(void *owner, const ModelReply *reply)
{
  Result *result = owner;
  Arena *arena = &result->bench->arena;
  result->done++;
  result->bench->pending--;
  result->reply = *reply;
  result->reply.text = str_dup(arena, reply->text);
  result->reply.stop_detail = str_dup(arena, reply->stop_detail);
  result->reply.request_id = str_dup(arena, reply->request_id);
  result->reply.raw = value_dup(arena, reply->raw);
  result->reply.calls = (ToolCallList){0};
  for (size_t i = 0; i < reply->calls.len; i++) {
    ToolCall call = reply->calls.items[i];
    ToolCall copy = {str_dup(arena, call.id), str_dup(arena, call.name),
                     value_dup(arena, call.input), str_dup(arena, call.broken)};
    PUSH(arena, &result->reply.calls, copy);
  }
}

static inline ModelRequest request_of(Bench *bench, const char *provider, const char *text)
{
  ModelRequest request = {.provider = str_from(provider),
                          .model = S("small-1"),
                          .role = S("execute"),
                          .label = S("plan 1 T01"),
                          .system = S("You work."),
                          .shared = S("Shared context."),
                          .max_output = 1000};
  ModelMessage message = {.role = MSG_USER, .text = str_from(text)};
  PUSH(&bench->arena, &request.messages, message);
  return request;
}

static inline void bench_start(Bench *bench, Result *result, const ModelRequest *request)
{
  result->bench = bench;
  ModelSpec spec = {.request = request, .on_wait = on_wait, .on_done = on_done, .owner = result};
  bench->pending++;
  result->call = model_start(bench->models, &spec);
  CHECK_INT(result->done, 0);
}

static inline void bench_run(Bench *bench)
{
  while (bench->pending > 0 && loop_turn(&bench->loop, true)) {
  }
  CHECK_INT(bench->pending, 0);
}

static inline Result bench_call(Bench *bench, const char *provider, const char *text)
{
  Result result = {0};
  ModelRequest request = request_of(bench, provider, text);
  bench_start(bench, &result, &request);
  bench_run(bench);
  CHECK_INT(result.done, 1);
  return result;
}

static inline int log_lines(Bench *bench, const char *word)
{
  int count = 0;
  Str rest = bench_read(bench, "log"), line;
  while (str_line(&rest, &line)) count += str_has(line, str_from(word));
  return count;
}

// Lines of the provider's log that hold [word], once it has written of each request how it ended, which it does after
// the last byte.
static inline int log_count(Bench *bench, const char *word)
{
  for (int i = 0; i < 1000; i++) {
    if (log_lines(bench, "\"event\":\"arrived\"") == log_lines(bench, "\"event\":\"done\"")) break;
    usleep(10000);
  }
  return log_lines(bench, word);
}
