// trust.c: see trust.h.
#include "work/trust.h"

#include "work/planner.h"
#include "work/worktree.h"

enum { OUTPUT_MAX = 256 << 10, COMMAND_MAX = 4096 };

// One kind for all commands: what a user has read in one place is the same text in another.
#define KIND S("command")

bool trust_given(Engine *engine, Str root, Str command)
{
  return journal_trusted(engine->journal, root, KIND, str_trim(command));
}

bool trust_give(Engine *engine, Str root, Str command, Error *err)
{
  command = str_trim(command);
  if (command.len == 0) return error_set(err, ERR_USAGE, "an empty command cannot be trusted");
  if (command.len > COMMAND_MAX || str_find_char(command, 0) != STR_NOT_FOUND) {
    return error_set(err, ERR_REFUSED,
                     "a command of %zu bytes cannot be shown, so it cannot be trusted",
                     command.len);
  }
  return journal_trust_add(engine->journal, root, KIND, command, err);
}

static void add_command(Engine *engine, Arena *arena, Str root, Str command, Str where,
                        PlanCommandList *out)
{
  command = str_trim(command);
  if (command.len == 0) return;
  for (size_t i = 0; i < out->len; i++) {
    if (str_eq(out->items[i].command, command)) return;
  }
  PlanCommand row = {str_dup(arena, command), where, trust_given(engine, root, command)};
  PUSH(arena, out, row);
}

bool trust_list(Engine *engine, int64_t plan, Arena *arena, PlanCommandList *out, Error *err)
{
  PlanRow row;
  Str text;
  Plan parsed;
  PlanProblemList problems = {0};
  if (!journal_plan_get(engine->journal, arena, plan, &row, err)) return false;
  if (!plan_load(engine, plan, arena, &text, &parsed, &problems, err)) return false;
  add_command(engine, arena, row.root, parsed.test, S("test"), out);
  for (size_t i = 0; i < parsed.tasks.len; i++) {
    const TaskSpec *task = &parsed.tasks.items[i];
    add_command(engine, arena, row.root, task->check, str_cat(arena, task->id, S(" check")), out);
  }
  return true;
}

static void ask_for_trust(Engine *engine, Arena *arena, const TrustedRun *run)
{
  Value *params = value_map(arena);
  value_put_int(arena, params, S("plan"), run->plan);
  value_put_str(arena, params, S("command"), run->command);
  value_put_str(arena, params, S("where"), run->where);
  value_put_str(arena, params, S("note"), S("trust needed"));
  engine_event(engine, S("trust"), params);
  journal_log(engine->journal, run->plan, S("trust"), STR_NONE, "trust needed for %.*s: %.*s",
              STR_ARG(run->where), STR_ARG(run->command));
}

// Argument vector of [command]: its words, or a shell with it.
static const char *const *make_argv(Arena *arena, Str command)
{
  StrList words = {0};
  if (!command_split(arena, command, &words) || words.len == 0) {
    words = (StrList){0};
    PUSH(arena, &words, S("sh"));
    PUSH(arena, &words, S("-c"));
    PUSH(arena, &words, command);
  }
  const char **argv = NEW_N(arena, const char *, words.len + 1);
  for (size_t i = 0; i < words.len; i++) argv[i] = str_z(arena, words.items[i]);
  return argv;
}

static Process *start(Engine *engine, Arena *arena, const TrustedRun *run, Error *err)
{
  static const char *const env[] = {"PIECEWORK_SCRATCH=1", NULL};
  ProcessSpec spec = {.argv = make_argv(arena, run->command),
                      .cwd = run->cwd,
                      .env_drop = worktree_env_drop(arena),
                      .env_add = env,
                      .max_output = OUTPUT_MAX,
                      .timeout_ms = run->timeout_s > 0 ? (uint64_t)run->timeout_s * 1000 : 0,
                      .ends_group = true,  // its directory is about to go
                      .on_done = run->on_done,
                      .owner = run->owner};
  return process_start(engine->loop, spec, err);
}

Process *trust_run(Engine *engine, const TrustedRun *given, Error *err)
{
  Arena arena;
  arena_init(&arena);
  TrustedRun run = *given;
  run.command = str_trim(run.command);
  Process *process = NULL;
  if (trust_given(engine, run.root, run.command)) {
    process = start(engine, &arena, &run, err);
  } else {
    ask_for_trust(engine, &arena, &run);
    error_set(err, ERR_UNTRUSTED, "not run, because it is not trusted yet: %.*s",
              STR_ARG(run.command));
  }
  arena_deinit(&arena);
  return process;
}

Str process_ended(Arena *arena, const ProcessResult *result)
{
  if (result->timed_out) return S("was stopped at the time limit");
  if (result->killed) return S("was stopped");
  if (result->status == 0) return S("passed");
  if (result->signum) return str_fmt(arena, "was ended by signal %d", result->signum);
  return str_fmt(arena, "failed with exit status %d", result->status);
}
