// bug.c: see bug.h. The cassette is written by the recorder, which takes out what looks like a secret, request
// ids and account-bound blocks; the report is redacted the same way.
#include "front/bug.h"

#include <stdlib.h>
#include <unistd.h>

#include "front/health.h"
#include "front/version.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "model/cassette.h"
#include "model/redact.h"
#include "work/attempt.h"
#include "work/transcript.h"

enum { REPORT_MAX = 4 * 1024 * 1024, LOG_LINES = 200 };

// ---- report ----------------------------------------------------------------------------------------

static void write_health(Buf *out, Engine *engine, const char *dir, Arena *arena)
{
  HealthList rows = {0};
  Error none = {0};
  health_rows(engine, &none, dir, arena, &rows);
  buf_add(out, S("\n## What works here\n\n"));
  for (size_t i = 0; i < rows.len; i++)
    buf_fmt(out, "- %s: %.*s\n", rows.items[i].level, STR_ARG(rows.items[i].text));
}

static bool write_calls(Buf *out, Engine *engine, int64_t plan, Arena *arena, Error *err)
{
  AttemptRowList rows = {0};
  if (!journal_attempt_list(engine->journal, arena, plan, STR_NONE, &rows, err)) return false;
  buf_add(out, S("\n## Calls\n\n| phase | task | model | outcome | in | out | ms | words |\n"
                 "|---|---|---|---|---|---|---|---|\n"));
  for (size_t i = 0; i < rows.len; i++) {
    const AttemptRow *row = &rows.items[i];
    const AttemptUsage *u = &row->usage;
    buf_fmt(out, "| %s | %.*s | %.*s/%.*s | %s | %lld | %lld | %lld | %.*s |\n",
            phase_name(row->phase), STR_ARG(row->task), STR_ARG(row->provider), STR_ARG(row->model),
            row->ended_ms ? err_name(row->outcome) : "in flight",
            (long long)(u->fresh_in + u->cache_write + u->cache_read), (long long)u->out,
            (long long)(row->ended_ms ? row->ended_ms - row->started_ms : 0), STR_ARG(row->error));
  }
  return true;
}

static bool write_plan(Buf *out, Engine *engine, int64_t plan, Arena *arena, Error *err)
{
  PlanRow row;
  TaskRowList tasks = {0};
  LogRowList lines = {0};
  Journal *journal = engine->journal;
  if (!journal_plan_get(journal, arena, plan, &row, err) ||
      !journal_task_list(journal, arena, plan, &tasks, err) ||
      !journal_log_list(journal, arena, plan, LOG_LINES, &lines, err)) {
    return false;
  }
  buf_fmt(out, "\n## Plan %lld: %s\n\n%.*s\n\n", (long long)plan, plan_state_name(row.state),
          STR_ARG(row.note));
  for (size_t i = 0; i < tasks.len; i++) {
    const TaskRow *task = &tasks.items[i];
    buf_fmt(out, "- %.*s %s, %.*s, %lld calls: %.*s\n", STR_ARG(task->id),
            task_state_name(task->state), STR_ARG(task->executor), (long long)task->attempts,
            STR_ARG(task->note));
  }
  if (!write_calls(out, engine, plan, arena, err)) return false;
  buf_add(out, S("\n## Log\n\n"));
  for (size_t i = 0; i < lines.len; i++) {
    const LogRow *line = &lines.items[i];
    buf_fmt(out, "    %.*s %.*s %.*s\n", STR_ARG(line->kind), STR_ARG(line->task),
            STR_ARG(line->text));
  }
  return true;
}

static const char intro[] =
    "# piecework: a report\n\nRead this file, and the cassette beside it if there is one, before "
    "you "
    "send them: they hold\npaths, your request and the code that models were shown. Keys and ids "
    "are "
    "taken out. Say in a\nsentence what you did, what came, and what you expected:\n\n";

static Str report_text(Engine *engine, int64_t plan, const char *dir, Arena *arena, Error *err)
{
  Buf out;
  buf_init(&out, REPORT_MAX);
  buf_add(&out, str_from(intro));
  buf_fmt(&out, "\npiecework %s\n", PIECEWORK_VERSION);
  write_health(&out, engine, dir, arena);
  bool ok = plan <= 0 || write_plan(&out, engine, plan, arena, err);
  Str text = ok ? redact(arena, buf_str(&out), NULL, REDACT_MESSAGE) : STR_NONE;
  buf_deinit(&out);
  return text;
}

// ---- cassette --------------------------------------------------------------------------------------

// The exchange of an attempt from what the journal kept; false when its texts are gone or it had no reply.
static bool exchange_of(Engine *engine, const AttemptRow *row, Arena *arena, ModelRequest *request,
                        ModelReply *reply)
{
  Str prompt, text;
  int64_t max_output;
  if (!journal_attempt_prompt(engine->journal, arena, row->id, &prompt, NULL) ||
      !journal_attempt_reply(engine->journal, arena, row->id, &text, NULL)) {
    return false;
  }
  const Value *map = json_parse(arena, prompt, NULL);
  *request = (ModelRequest){.provider = row->provider,
                            .model = row->model,
                            .role = str_from(phase_name(row->phase)),
                            .label = row->task,
                            .system = value_get_str(map, S("system"), STR_NONE),
                            .shared = value_get_str(map, S("shared"), STR_NONE)};
  if (!transcript_read(arena, prompt, &request->messages, &max_output, NULL)) return false;
  const AttemptUsage *u = &row->usage;
  *reply = (ModelReply){.text = text, .stop = STOP_DONE};
  if (value_get(map, S("tools")) && !reply_read(arena, text, reply, NULL)) return false;
  if (row->outcome == ERR_TRUNCATED) reply->stop = STOP_LENGTH;
  if (row->outcome == ERR_MODEL_REFUSED) reply->stop = STOP_REFUSED;
  reply->usage = (Usage){.fresh_in = u->fresh_in,
                         .cache_write = u->cache_write,
                         .cache_read = u->cache_read,
                         .out = u->out,
                         .reasoning = u->reasoning,
                         .known = row->usage_known};
  return row->outcome == ERR_OK || reply->stop != STOP_DONE;
}

static bool write_cassette(Engine *engine, int64_t plan, const char *path, Arena *arena,
                           int64_t *calls, Error *err)
{
  AttemptRowList rows = {0};
  if (!journal_attempt_list(engine->journal, arena, plan, STR_NONE, &rows, err)) return false;
  if (fs_exists(path)) unlink(path);
  Recorder *recorder = recorder_open(path, err);
  if (!recorder) return false;
  bool ok = true;
  for (size_t i = 0; ok && i < rows.len; i++) {
    Arena scratch;
    ModelRequest request;
    ModelReply reply;
    StrList secrets = {0};
    arena_init(&scratch);
    if (exchange_of(engine, &rows.items[i], &scratch, &request, &reply)) {
      ok = recorder_add(recorder, &request, &reply, &secrets);
      *calls += ok;
    }
    arena_deinit(&scratch);
  }
  recorder_free(recorder);
  return ok || error_set(err, ERR_IO, "the cassette could not be written");
}

// ---- both ------------------------------------------------------------------------------------------

bool bug_write(Engine *engine, int64_t plan, const char *dir, Arena *arena, BugFiles *out,
               Error *err)
{
  *out = (BugFiles){0};
  Str text = report_text(engine, plan, dir, arena, err);
  if (!text.len) return false;
  char *folder = path_join(arena, str_from(fs_state_dir(arena)), S("bug"));
  if (!fs_mkdirs(folder, err)) return false;
  Str stem = plan > 0 ? str_fmt(arena, "plan-%lld", (long long)plan) : S("report");
  char *report = path_join(arena, str_from(folder), str_cat(arena, stem, S(".md")));
  char *cassette = path_join(arena, str_from(folder), str_cat(arena, stem, S(".cassette")));
  if (!fs_write_atomic(report, text, 0600, err)) return false;
  out->report = str_from(report);
  if (plan <= 0) return true;
  out->cassette = str_from(cassette);
  return write_cassette(engine, plan, cassette, arena, &out->calls, err);
}

Value *bug_value(Arena *arena, const BugFiles *files)
{
  Value *map = value_map(arena);
  value_put_str(arena, map, S("report"), files->report);
  value_put_str(arena, map, S("cassette"), files->cassette);
  value_put_int(arena, map, S("calls"), files->calls);
  return map;
}
