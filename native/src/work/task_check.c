// task_check.c: see task_check.h.
//
//   NONE --first check--> MAKING --ready--> IDLE <--> BUSY          (or BROKEN: no copy could be made)
#include "work/task_check.h"

#include <stdio.h>

#include "lib/fs.h"
#include "work/trust.h"
#include "work/worktree.h"

typedef enum { CHECKS_NONE, CHECKS_MAKING, CHECKS_IDLE, CHECKS_BUSY, CHECKS_BROKEN } ChecksState;

enum { FILE_MAX = 16 << 20, OUTPUT_TAIL = 6 << 10, TOLD_LINE = 160 };

struct Check {
  Checks *checks;
  CheckSpec spec;
  Check *next;
  Process *process;  // while it runs
  bool cancelled;
};

struct Checks {
  Engine *engine;
  Project *project;
  int64_t plan;
  ChecksState state;
  Worktree *tree;
  Error broken;         // why there is no copy
  Check *first, *last;  // waiting; the first one runs while BUSY
  LoopSoon soon;
  Arena arena;       // of the check that runs
  ShownList before;  // files as they were in the copy
  StrList asked;     // commands whose missing trust was told
  Arena asked_arena;
  void (*on_closed)(void *owner);
  void *closed_owner;
};

static void checks_step(void *owner);

Checks *checks_new(Engine *engine, Project *project, int64_t plan)
{
  Checks *checks = mem_alloc(sizeof(*checks));
  checks->engine = engine;
  checks->project = project;
  checks->plan = plan;
  arena_init(&checks->arena);
  arena_init(&checks->asked_arena);
  return checks;
}

static void step_soon(Checks *checks)
{
  loop_soon(checks->engine->loop, &checks->soon, checks_step, checks);
}

// ---- files in and out --------------------------------------------------------------------------------

// Writes [path] into the copy and remembers what was there.
static bool put(Checks *checks, Str path, Str text, bool exists, Error *err)
{
  ShownFile file = {.path = path};
  char *full = path_join(&checks->arena, str_from(worktree_path(checks->tree)), path);
  if (fs_stat(full).kind == FS_FILE) {
    file.exists = fs_read(&checks->arena, full, FILE_MAX, &file.text, err);
    if (!file.exists) return false;
  }
  PUSH(&checks->arena, &checks->before, file);
  return worktree_put(checks->tree, path, text, exists, err);
}

static bool put_all(Checks *checks, const CheckSpec *spec, Error *err)
{
  for (size_t i = 0; i < spec->done->len; i++) {
    const CombinedFile *file = &spec->done->items[i];
    if (file->renamed_from.len && !put(checks, file->renamed_from, STR_NONE, false, err))
      return false;
    if (!put(checks, file->path, file->text, file->exists, err)) return false;
  }
  for (size_t i = 0; i < spec->files->len; i++) {
    const PatchFile *file = &spec->files->items[i];
    if (file->renamed_from.len && !put(checks, file->renamed_from, STR_NONE, false, err))
      return false;
    if (!put(checks, file->path, file->new_text, file->change != FILE_DELETE, err)) return false;
  }
  return true;
}

// Last written first, so that a file written twice ends as it was.
static void put_back(Checks *checks)
{
  for (size_t i = checks->before.len; i-- > 0;) {
    const ShownFile *file = &checks->before.items[i];
    worktree_put(checks->tree, file->path, file->text, file->exists, NULL);
  }
  checks->before = (ShownList){0};
  arena_reset(&checks->arena);
}

// ---- one check ---------------------------------------------------------------------------------------

static void finish(Checks *checks, CheckResult result)
{
  Check *check = checks->first;
  checks->first = check->next;
  if (!checks->first) checks->last = NULL;
  result.cancelled |= check->cancelled;
  check->spec.on_done(check->spec.owner, &result);
  mem_free(check);
  if (checks->first || checks->on_closed) step_soon(checks);
}

static Str last_line(Str output)
{
  Str last = STR_NONE;
  for (Str rest = output, line; str_line(&rest, &line);) {
    if (str_trim(line).len) last = str_trim(line);
  }
  return str_sub(last, 0, str_utf8_floor(last, TOLD_LINE));
}

static void process_done(void *owner, const ProcessResult *process)
{
  Checks *checks = owner;
  Arena arena;
  arena_init(&arena);
  checks->first->process = NULL;
  bool missing = !process->signum && (process->status == 126 || process->status == 127);
  Str ended = process_ended(&arena, process);
  size_t cut = process->output.len > OUTPUT_TAIL ? process->output.len - OUTPUT_TAIL : 0;
  CheckResult result = {.ran = !missing,
                        .ok = process->status == 0,
                        .cancelled = process->killed,
                        .output = str_skip(process->output, str_utf8_floor(process->output, cut))};
  result.note = missing ? str_fmt(&arena, "check not run: %.*s", STR_ARG(str_trim(result.output)))
                        : str_fmt(&arena, "check %.*s", STR_ARG(ended));
  Str said = last_line(result.output);
  result.told =
      said.len ? str_fmt(&arena, "%.*s: %.*s", STR_ARG(result.note), STR_ARG(said)) : result.note;
  put_back(checks);
  checks->state = CHECKS_IDLE;
  finish(checks, result);
  arena_deinit(&arena);
}

static bool asked_before(Checks *checks, Str command)
{
  for (size_t i = 0; i < checks->asked.len; i++) {
    if (str_eq(checks->asked.items[i], command)) return true;
  }
  PUSH(&checks->asked_arena, &checks->asked, str_dup(&checks->asked_arena, command));
  return false;
}

static Process *start(Checks *checks, Check *check, Error *err)
{
  TrustedRun run = {.plan = checks->plan,
                    .root = project_root(checks->project),
                    .command = check->spec.command,
                    .where = check->spec.where,
                    .cwd = checks->tree ? worktree_path(checks->tree) : NULL,
                    .timeout_s = checks->engine->config->test_timeout_s,
                    .on_done = process_done,
                    .owner = checks};
  return trust_run(checks->engine, &run, err);
}

#define UNTRUSTED "not trusted yet"

bool check_was_untrusted(Str note)
{
  return str_eq(note, S("check not run: " UNTRUSTED));
}

static void finish_unrun(Checks *checks, const Error *err)
{
  char note[640];
  snprintf(note, sizeof(note), "check not run: %s", err->message);
  finish(checks, (CheckResult){.note = str_from(note)});
}

static void step_run(Checks *checks)
{
  Check *check = checks->first;
  Error err = {0};
  if (put_all(checks, &check->spec, &err)) check->process = start(checks, check, &err);
  if (check->process) {
    checks->state = CHECKS_BUSY;
    return;
  }
  put_back(checks);
  finish_unrun(checks, &err);
}

// ---- the copy ----------------------------------------------------------------------------------------

static void tree_ready(void *owner, const Error *err)
{
  Checks *checks = owner;
  checks->state = err->code == ERR_OK ? CHECKS_IDLE : CHECKS_BROKEN;
  checks->broken = *err;
  step_soon(checks);
}

static void step_make(Checks *checks)
{
  WorktreeSpec spec = {checks->engine, checks->project, checks->plan, tree_ready, checks};
  checks->state = CHECKS_MAKING;
  checks->tree = worktree_new(&spec);
}

static void checks_free(void *owner)
{
  Checks *checks = owner;
  void (*on_closed)(void *) = checks->on_closed;
  void *closed_owner = checks->closed_owner;
  loop_soon_cancel(checks->engine->loop, &checks->soon);
  arena_deinit(&checks->arena);
  arena_deinit(&checks->asked_arena);
  mem_free(checks);
  if (on_closed) on_closed(closed_owner);
}

static void step_close(Checks *checks)
{
  if (!checks->on_closed) return;
  if (checks->tree) {
    worktree_close(checks->tree, checks_free, checks);
  } else {
    checks_free(checks);
  }
}

static void checks_step(void *owner)
{
  Checks *checks = owner;
  Check *check = checks->first;
  bool working = checks->state == CHECKS_MAKING || checks->state == CHECKS_BUSY;
  if (!check) {
    step_close(checks);
  } else if (check->cancelled && checks->state != CHECKS_BUSY) {
    finish(checks, (CheckResult){.cancelled = true, .note = S("stopped")});
  } else if (working) {
    return;  // tree_ready or process_done goes on
  } else if (!trust_given(checks->engine, project_root(checks->project), check->spec.command)) {
    Error err = {0};
    if (!asked_before(checks, check->spec.command))
      start(checks, check, NULL);  // asks, runs nothing
    error_set(&err, ERR_UNTRUSTED, UNTRUSTED);
    finish_unrun(checks, &err);
  } else if (checks->state == CHECKS_NONE) {
    step_make(checks);
  } else if (checks->state == CHECKS_BROKEN) {
    finish_unrun(checks, &checks->broken);
  } else {
    step_run(checks);
  }
}

Check *check_start(Checks *checks, const CheckSpec *spec)
{
  Check *check = mem_alloc(sizeof(*check));
  check->checks = checks;
  check->spec = *spec;
  if (checks->last) {
    checks->last->next = check;
  } else {
    checks->first = check;
  }
  checks->last = check;
  step_soon(checks);
  return check;
}

void check_cancel(Check *check)
{
  check->cancelled = true;
  if (check->process) {
    process_kill(check->process);
  } else {
    step_soon(check->checks);
  }
}

void checks_close(Checks *checks, void (*on_closed)(void *owner), void *owner)
{
  checks->on_closed = on_closed;
  checks->closed_owner = owner;
  step_soon(checks);
}
