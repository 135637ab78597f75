// git_chain.c: see git_chain.h.
#include "review/git_chain.h"

#include "lib/process.h"

enum { OUTPUT_MAX = 64 << 20, INPUT_MAX = 16 << 20 };

static void run_from(GitChain *chain, size_t step);

void git_words(Arena *arena, StrList *argv, const char *const *words)
{
  for (; *words; words++) PUSH(arena, argv, str_from(*words));
}

bool git_next_entry(Str *rest, bool tree, GitEntry *entry, Str *path)
{
  Str one;
  while (str_cut(rest, '\0', &one) && one.len) {
    Str mode, second, third;
    if (!str_cut(&one, ' ', &mode) || !str_cut(&one, ' ', &second) || !str_cut(&one, '\t', &third))
      continue;
    *entry = (GitEntry){mode, tree ? third : second};
    *path = one;
    return true;
  }
  return false;
}

static void finish(GitChain *chain, const Error *err)
{
  buf_deinit(&chain->input);
  chain->on_done(chain->owner, err);
}

// Git's last words, which name the reason; advice may follow what is fatal. A hook's words are its own.
static void git_failed(GitChain *chain, const ProcessResult *result, Error *err)
{
  Str all = str_trim(result->output), last = STR_NONE;
  bool fatal = false, hooks = chain->steps[chain->step].spoken;
  for (Str rest = all, line; str_line(&rest, &line);) {
    bool now = !hooks && str_starts(line, S("fatal:"));
    fatal |= now;
    bool reason = str_trim(line).len && !str_starts(line, S("hint:"));
    if (reason && (now || !fatal)) last = str_trim(line);
  }
  if (!last.len) last = str_fmt(chain->arena, "exit status %d", result->status);
  if (chain->steps[chain->step].spoken) chain->said = str_dup(chain->arena, all);
  error_set(err, ERR_GIT, "git could not %s: %.*s", chain->aim, STR_ARG(last));
  error_hint_set(err, "nothing was committed, staged work is as it was");
}

static void say_stopped(Error *err)
{
  error_set(err, ERR_CANCELLED, "stopped: nothing was committed");
  error_hint_set(err, "staged work is as it was");
}

static bool can_stop(const GitChain *chain, size_t step)
{
  for (; step < chain->count; step++) {
    if (chain->steps[step].spoken) return true;
  }
  return false;
}

void git_chain_stop(GitChain *chain)
{
  chain->stopped = true;
  if (chain->process && can_stop(chain, chain->step)) process_kill(chain->process);
}

static void on_process(void *owner, const ProcessResult *result)
{
  GitChain *chain = owner;
  const GitStep *step = &chain->steps[chain->step];
  Error err = {0};
  chain->process = NULL;
  bool failed = result->status != 0 && !step->may_fail && !(step->done && step->done(chain->owner));
  if (failed && chain->stopped)
    say_stopped(&err);
  else if (failed)
    git_failed(chain, result, &err);
  Str out = step->spoken ? result->output : result->out;
  if (!failed && step->take) step->take(chain->owner, out, &err);
  if (err.code != ERR_OK)
    finish(chain, &err);
  else
    run_from(chain, chain->step + 1);
}

static bool start_process(GitChain *chain, const GitStep *step, const StrList *words, Error *err)
{
  Arena *arena = chain->arena;
  const char **argv = NEW_N(arena, const char *, words->len + 2);
  argv[0] = "git";
  for (size_t i = 0; i < words->len; i++) argv[i + 1] = str_z(arena, words->items[i]);
  const char **env = NEW_N(arena, const char *, 4);
  size_t count = 0;
  env[count++] = "GIT_EDITOR=:";
  if (!step->spoken) env[count++] = "GIT_LITERAL_PATHSPECS=1";
  if (step->temporary) env[count++] = str_fmt(arena, "GIT_INDEX_FILE=%s", chain->index).ptr;
  static const char *const drop[] = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX",
                                     NULL};
  ProcessSpec spec = {
      .argv = argv,
      .cwd = chain->cwd,
      .env_drop = drop,
      .env_add = env,
      .input = buf_str(&chain->input),
      .max_output = OUTPUT_MAX,
      .split = true,
      .on_done = on_process,
      .owner = chain,
  };
  chain->process = process_start(chain->loop, spec, err);
  return chain->process != NULL;
}

// The next step that has something to do.
static bool start_step(GitChain *chain, size_t step, Error *err)
{
  for (; step < chain->count; step++) {
    StrList words = {0};
    if (chain->stopped && can_stop(chain, step)) {
      say_stopped(err);
      return false;
    }
    buf_clear(&chain->input);
    chain->step = step;
    if (chain->steps[step].start(chain->owner, &words, &chain->input))
      return start_process(chain, &chain->steps[step], &words, err);
  }
  chain->step = chain->count;
  return true;
}

static void run_from(GitChain *chain, size_t step)
{
  Error err = {0};
  if (start_step(chain, step, &err) && chain->step < chain->count) return;
  finish(chain, &err);
}

bool git_chain_start(GitChain *chain, Error *err)
{
  buf_init(&chain->input, INPUT_MAX);
  if (start_step(chain, 0, err)) return true;
  buf_deinit(&chain->input);
  return false;
}
