// estimate.c: tokens and money before they are spent.
//
// The method (also in :help piecework-cost). Tokens are bytes / 3.6. Code counts:
//   shown    what the tasks show to workers (ranges of files and read), each target once
//   written  what has to be written: for a model task half of what it changes, at most 250 in a
//            whole file or 600 in a range, plus 60 (blocks quote some lines and write some), 500
//            for a new file; for a move the moved lines; for a substitution 80 per file
//
// plan      what was paid, once there is a plan; before, four turns that see the instructions and
//           half the scope
// execute   each model task once, at the first rung of its role (small unless it names another), nothing
//           cached (the shared prefix is mostly too short for it); plus one small task in ten again
// verify    the diff once: what is written and what it replaces, 30 tokens for a move, 10 for each file
//           of a substitution (brief_diff.h says each thing once); the tasks' titles; one verdict
//
// Then what the journal knows: where at least HISTORY_MIN finished plans of the user have an estimate and a bill,
// each phase is multiplied by the mean of bill over estimate (of logarithms, drawn towards 1 as if there
// were HISTORY_MIN more plans that hit it, within a quarter and four times), and `error` is the mean deviation.
//
// big alone    one agent that reads what is shown once, writes all of `written` (moves included,
//              it has no other way) in a turn per target, and re-reads its growing context from
//              the cache each turn
// small alone  the same, at the small model's prices
#include "work/estimate.h"

#include <stddef.h>

#include "base/map.h"
#include "journal/journal.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "work/planner_prompt.h"

enum {
  INSTRUCTIONS = 1900,  // planner's words and tools, tokens
  PLAN_TURNS = 4,
  PLAN_OUT = 2000,
  EXPLORED_MAX = 40000,  // tokens of exploration at most
  WORKER_WORDS = 250,    // worker's words and framing
  VERIFIER_WORDS = 500,
  TEST_TAIL = 600,
  VERDICT = 25,
  NEW_FILE = 500,
  BLOCK = 60,
  FILE_WRITTEN = 250,  // most that is written into one whole file
  RANGE_WRITTEN = 600,
  PER_SUBSTITUTED_FILE = 40,
  MOVE_SHOWN = 30,     // a move as the verifier sees it
  PLACE_SHOWN = 10,    // one more place of a change that was shown
  AGENT_WORDS = 2500,  // system prompt and tools of an agent that does all itself
  AGENT_TURN = 80,     // tokens it says around each edit
  SCOPE_FILES = 3000,  // files looked at for an estimate
  SCOPE_BYTES = 32 << 20,
};

// ---- money --------------------------------------------------------------------------------------

static Nano add(Nano a, Nano b)
{
  return a < 0 || b < 0 ? NANO_UNKNOWN : a + b;
}

// The cost of [calls] that use so many tokens together. Each is priced by itself, at the mean:
// tiers go by the length of one prompt, not by the sum.
static Nano cost(const Price *price, int64_t calls, int64_t fresh, int64_t cached, int64_t out)
{
  if (calls <= 0) return 0;
  Usage usage = {
      .fresh_in = fresh / calls, .cache_read = cached / calls, .out = out / calls, .known = true};
  Nano one = usage_cost(price, &usage);
  return one < 0 ? NANO_UNKNOWN : one * calls;
}

static Price role_price(Engine *engine, Str alias)
{
  const Ladder *ladder = config_ladder(engine->config, alias);
  if (!ladder) ladder = config_ladder(engine->config, S("small"));
  return price_of(engine->models, ladder->rungs[0].provider, ladder->rungs[0].model);
}

// ---- what there is to do ------------------------------------------------------------------------

typedef struct {
  int64_t calls;    // model tasks
  int64_t targets;  // places to change, however that is done
  int64_t in, out;  // of the model tasks
  Nano others;      // cost of the tasks whose role is not small
  int64_t diff;     // tokens of it as the verifier sees it
  int64_t shown;    // tokens of code that somebody has to see
  int64_t written;  // tokens that somebody has to write
  int64_t titles;   // tokens of titles and accept lines
} Work;

static int64_t tokens_of(int64_t bytes)
{
  return (bytes * 10 + 35) / 36;
}

// The files are read and cut into lines once each, however many tasks name them.
typedef struct {
  Project *project;
  Arena arena;
  Map index;  // path -> text
  struct {
    Text *items;
    size_t len, cap;
  } texts;
} Texts;

static const Text *text_of(Texts *texts, Str path)
{
  size_t at;
  if (map_get(&texts->index, path, &at)) return &texts->texts.items[at];
  Error err = {0};
  Str bytes = STR_NONE;
  if (!project_read_local(texts->project, &texts->arena, path, &bytes, &err)) bytes = STR_NONE;
  map_add(&texts->arena, &texts->index, path, texts->texts.len);
  Text text = text_split(&texts->arena, bytes);
  PUSH(&texts->arena, &texts->texts, text);
  return &texts->texts.items[texts->texts.len - 1];
}

static int64_t ref_tokens(Texts *texts, const FileRef *ref)
{
  const Text *text = text_of(texts, ref->path);
  bool whole = range_is_whole(ref->range);
  return tokens_of((int64_t)(whole ? text->bytes : text_range(text, ref->range)).len);
}

static int64_t refs_tokens(Texts *texts, const FileRefList *refs)
{
  int64_t sum = 0;
  for (size_t i = 0; i < refs->len; i++) sum += ref_tokens(texts, &refs->items[i]);
  return sum;
}

static int64_t text_tokens(const TaskSpec *task)
{
  size_t bytes = task->body.len + task->title.len;
  for (size_t i = 0; i < task->accept.len; i++) bytes += task->accept.items[i].len + 4;
  return tokens_of((int64_t)bytes);
}

// Edits are small beside what they stand in: nobody rewrites a file to rename a function in it.
static int64_t written_tokens(Texts *texts, const FileRefList *files)
{
  int64_t sum = BLOCK;
  for (size_t i = 0; i < files->len; i++) {
    const FileRef *ref = &files->items[i];
    int64_t half = ref_tokens(texts, ref) / 2;
    int64_t most = range_is_whole(ref->range) ? FILE_WRITTEN : RANGE_WRITTEN;
    sum += ref->is_new ? NEW_FILE : half < most ? half : most;
  }
  return sum;
}

static void add_model_task(Engine *engine, Work *work, Texts *texts, const TaskSpec *task)
{
  int64_t out = written_tokens(texts, &task->files), changed = refs_tokens(texts, &task->files);
  int64_t read = refs_tokens(texts, &task->read);
  int64_t in = WORKER_WORDS + changed + read + text_tokens(task);
  bool small = !task->model.len || str_eq(task->model, S("small"));
  if (small) {
    work->calls++;
    work->in += in;
    work->out += out;
  } else {
    Price price = role_price(engine, task->model);
    work->others = add(work->others, cost(&price, 1, in, 0, out));
  }
  work->targets++;
  work->shown += changed + read;
  work->written += out;
  work->diff += 2 * out;
}

static void add_task(Engine *engine, Work *work, Texts *texts, const TaskSpec *task)
{
  work->titles += tokens_of((int64_t)task->title.len) + 4;
  if (task->executor == EXECUTOR_MODEL) {
    add_model_task(engine, work, texts, task);
  } else if (task->executor == EXECUTOR_MOVE) {
    int64_t moved = ref_tokens(texts, &task->from);
    work->targets++;
    work->shown += moved;
    work->written += moved + BLOCK;
    work->diff += MOVE_SHOWN;
  } else {
    work->targets += (int64_t)task->files.len;
    work->shown += (int64_t)task->files.len * PER_SUBSTITUTED_FILE;
    work->written += (int64_t)task->files.len * PER_SUBSTITUTED_FILE * 2;
    work->diff += PER_SUBSTITUTED_FILE * 2 + (int64_t)task->files.len * PLACE_SHOWN;
  }
}

// One agent with one model: reads once, then a turn per target over a context that grows to all
// of it.
static Nano alone(const Price *price, const Work *work)
{
  int64_t turns = work->targets + 2;
  int64_t context = AGENT_WORDS + work->shown;
  int64_t out = work->written + turns * AGENT_TURN;
  int64_t cached = turns * (AGENT_WORDS + (work->shown + out) / 2);
  return cost(price, turns, context + out, cached, out);
}

static void finish(Engine *engine, const Work *work, Estimate *out)
{
  Price big = role_price(engine, S("big")), small = role_price(engine, S("small"));
  int64_t again = (work->calls + 9) / 10, per_call = work->calls ? work->in / work->calls : 0;
  int64_t out_per_call = work->calls ? work->out / work->calls : 0;
  out->execute.in = work->in + again * (per_call + out_per_call);
  out->execute.out = work->out + again * out_per_call;
  out->execute.cost =
      add(work->others, cost(&small, work->calls + again, out->execute.in, 0, out->execute.out));
  out->verify.in = VERIFIER_WORDS + TEST_TAIL + work->titles + work->diff;
  out->verify.out = 3 * VERDICT;
  out->verify.cost = cost(&big, 1, out->verify.in, 0, out->verify.out);
  estimate_learn(engine, out);
  out->total = add(add(out->plan.cost, out->execute.cost), out->verify.cost);
  out->big_alone = alone(&big, work);
  out->small_alone = alone(&small, work);
  out->unknown_price = out->total < 0 || out->big_alone < 0;
}

// ---- a plan -------------------------------------------------------------------------------------

static void paid_plan(Engine *engine, Arena *arena, int64_t plan, PhaseEstimate *out)
{
  CostRowList rows = {0};
  Error err = {0};
  if (!plan || !journal_cost(engine->journal, arena, plan, 0, COST_BY_PHASE, &rows, &err)) return;
  for (size_t i = 0; i < rows.len; i++) {
    if (!str_eq(rows.items[i].key, str_from(phase_name(PHASE_PLAN)))) continue;
    const AttemptUsage *usage = &rows.items[i].usage;
    *out = (PhaseEstimate){usage->fresh_in + usage->cache_read + usage->cache_write, usage->out,
                           rows.items[i].unknown ? NANO_UNKNOWN : rows.items[i].cost};
  }
}

Estimate estimate_plan(Engine *engine, Project *project, Arena *arena, const Plan *plan)
{
  Estimate out = {0};
  Work work = {0};
  Texts texts = {.project = project};
  arena_init(&texts.arena);
  TaskList tasks = plan_expand(&texts.arena, plan);
  for (size_t i = 0; i < tasks.len; i++) add_task(engine, &work, &texts, &tasks.items[i]);
  paid_plan(engine, arena, plan->id, &out.plan);
  finish(engine, &work, &out);
  arena_deinit(&texts.arena);
  return out;
}

// ---- a request ----------------------------------------------------------------------------------

// Sizes of the scope, by file sizes alone when it is the whole project.
static int64_t scope_bytes(Project *project, const FileRefList *scope, int64_t *files)
{
  Texts texts = {.project = project};
  int64_t tokens = 0, bytes = 0;
  arena_init(&texts.arena);
  *files = (int64_t)scope->len;
  for (size_t i = 0; i < scope->len && i < SCOPE_FILES; i++)
    tokens += ref_tokens(&texts, &scope->items[i]);
  if (scope->len == 0) {
    StrList all = {0};
    Error err = {0};
    if (!project_files(project, &texts.arena, STR_NONE, &all, &err)) all.len = 0;
    *files = (int64_t)all.len;
    for (size_t i = 0; i < all.len && i < SCOPE_FILES && bytes < SCOPE_BYTES; i++) {
      bytes += (int64_t)fs_stat(project_absolute(project, &texts.arena, all.items[i])).size;
    }
    // what a request over a whole project touches is a part of it that nobody knows yet: an
    // eighth, bounded
    tokens = tokens_of(bytes) / 8;
    if (tokens > 30000) tokens = 30000;
    if (*files > 20) *files = 20;
  }
  arena_deinit(&texts.arena);
  return tokens;
}

Estimate estimate_request(Engine *engine, Project *project, Arena *arena, const FileRefList *scope)
{
  Estimate out = {0};
  Price big = role_price(engine, S("big"));
  int64_t files = 0, tokens = scope_bytes(project, scope, &files);
  int64_t targets = files < 5 ? 5 : files;
  int64_t explored = tokens / 2 < EXPLORED_MAX ? tokens / 2 : EXPLORED_MAX;
  Str path = planner_notes_path(arena, project, scope);
  int64_t notes = tokens_estimate(planner_guidance(arena, project, path));
  int64_t written = tokens / 2 < targets * FILE_WRITTEN ? tokens / 2 : targets * FILE_WRITTEN;
  written += targets * BLOCK;
  Work work = {.calls = targets,
               .targets = targets,
               .in = targets * (WORKER_WORDS + 150) + tokens,
               .out = written,
               .shown = tokens,
               .written = written,
               .diff = 2 * written,
               .titles = targets * 15};
  out.plan.in = PLAN_TURNS * (INSTRUCTIONS + notes) + PLAN_TURNS * explored / 2;
  out.plan.out = PLAN_OUT;
  // each turn reads what came before it from the cache, and once fresh
  int64_t fresh = INSTRUCTIONS + notes + explored;
  if (fresh > out.plan.in) fresh = out.plan.in;
  out.plan.cost = cost(&big, PLAN_TURNS, fresh, out.plan.in - fresh, PLAN_OUT);
  finish(engine, &work, &out);
  return out;
}

// ---- kept with the plan -------------------------------------------------------------------------

static const struct {
  Str key;
  size_t offset;
} fields[] = {
    {S("plan_in"), offsetof(Estimate, plan.in)},
    {S("plan_out"), offsetof(Estimate, plan.out)},
    {S("plan"), offsetof(Estimate, plan.cost)},
    {S("execute_in"), offsetof(Estimate, execute.in)},
    {S("execute_out"), offsetof(Estimate, execute.out)},
    {S("execute"), offsetof(Estimate, execute.cost)},
    {S("verify_in"), offsetof(Estimate, verify.in)},
    {S("verify_out"), offsetof(Estimate, verify.out)},
    {S("verify"), offsetof(Estimate, verify.cost)},
    {S("total"), offsetof(Estimate, total)},
    {S("big_alone"), offsetof(Estimate, big_alone)},
    {S("small_alone"), offsetof(Estimate, small_alone)},
    {S("execute_factor"), offsetof(Estimate, execute_factor)},
    {S("verify_factor"), offsetof(Estimate, verify_factor)},
};
enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

bool estimate_store(Engine *engine, int64_t plan, const Estimate *estimate, Error *err)
{
  Arena scratch;
  arena_init(&scratch);
  Value *map = value_map(&scratch);
  for (size_t i = 0; i < FIELDS; i++) {
    value_put_int(&scratch, map, fields[i].key,
                  *(const int64_t *)((const char *)estimate + fields[i].offset));
  }
  bool ok = journal_fact_set(engine->journal, plan, S("estimate"), json_str(&scratch, map), err);
  arena_deinit(&scratch);
  return ok;
}

bool estimate_stored(Engine *engine, Arena *arena, int64_t plan, Estimate *out)
{
  Str text = STR_NONE;
  Error err = {0};
  *out = (Estimate){0};
  if (!journal_fact_get(engine->journal, arena, plan, S("estimate"), &text, &err) || !text.len)
    return false;
  const Value *map = json_parse(arena, text, &err);
  for (size_t i = 0; i < FIELDS; i++) {
    *(int64_t *)((char *)out + fields[i].offset) = value_get_int(map, fields[i].key, 0);
  }
  out->unknown_price = out->total < 0 || out->big_alone < 0;
  return map != NULL;
}

void estimate_batch(Engine *engine, Estimate *estimate)
{
  double share = role_price(engine, S("small")).batch;
  Nano live = estimate->execute.cost;
  if (live < 0) return;
  estimate->execute.cost = (Nano)((double)live * share);
  if (estimate->total >= 0) estimate->total -= live - estimate->execute.cost;
}
