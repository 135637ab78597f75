// plan_store.c: plan files: named, written, read with their problems, adopted from elsewhere.
#include "work/plan_store.h"

#include <ctype.h>

#include "core/checks.h"
#include "lib/fs.h"
#include "plan/plan_fields.h"
#include "plan/selector.h"
#include "plan/template.h"
#include "work/estimate.h"
#include "work/planner.h"

enum { SLUG_BYTES = 40, TITLE_BYTES = 72 };

// ---- names --------------------------------------------------------------------------------------

Str plan_file_name(Arena *arena, int64_t id, Str title)
{
  char slug[SLUG_BYTES + 1];
  size_t len = 0;
  for (size_t i = 0; i < title.len && len < SLUG_BYTES; i++) {
    unsigned char c = (unsigned char)title.ptr[i];
    bool word = c < 0x80 && isalnum(c);
    if (word)
      slug[len++] = (char)tolower(c);
    else if (len && slug[len - 1] != '-')
      slug[len++] = '-';
  }
  while (len && slug[len - 1] == '-') len--;
  Str name = len ? (Str){slug, len} : S("plan");
  return str_fmt(arena, "%04lld-%.*s.md", (long long)id, STR_ARG(name));
}

Str plan_status_path(Arena *arena, Str plan_path)
{
  Str stem = str_ends(plan_path, S(".md")) ? str_sub(plan_path, 0, plan_path.len - 3) : plan_path;
  return str_cat(arena, stem, S(".STATUS.md"));
}

Str plan_title(Arena *arena, Str text)
{
  Str rest = str_trim(text), line = STR_NONE;
  str_line(&rest, &line);
  line = str_trim(line);
  if (line.len <= TITLE_BYTES) return str_dup(arena, line);
  return str_fmt(arena, "%.*s...",
                 STR_ARG(str_sub(line, 0, str_utf8_floor(line, TITLE_BYTES - 3))));
}

// ---- writing ------------------------------------------------------------------------------------

void plan_event(Engine *engine, const PlanRow *row, const char *state, int turn, Str note)
{
  Arena scratch;
  arena_init(&scratch);
  PlanMoney money = {0};
  Error none = {0};
  Value *params = value_map(&scratch);
  value_put_int(&scratch, params, S("plan"), row->id);
  value_put_str(&scratch, params, S("state"), str_from(state));
  value_put_str(&scratch, params, S("title"), row->title);
  value_put_str(&scratch, params, S("note"), note);
  if (row->path.len) value_put_str(&scratch, params, S("path"), row->path);
  if (turn) value_put_int(&scratch, params, S("turn"), turn);
  if (journal_money(engine->journal, row->id, &money, &none)) {
    value_put_int(&scratch, params, S("spent"), money.spent + money.lost);
  }
  if (note.len) journal_log(engine->journal, row->id, S("plan"), STR_NONE, "%.*s", STR_ARG(note));
  engine_event(engine, S("plan"), params);
  arena_deinit(&scratch);
}

Str plan_test_command(Engine *engine, Project *project, Arena *arena)
{
  return engine->config->test.len ? engine->config->test : checks_find(project, arena);
}

static bool write_file(Engine *engine, Project *project, Arena *arena, PlanRow *row,
                       const Plan *plan, Error *err)
{
  char *dir = project_plans_dir(project, arena);
  if (!fs_mkdirs(dir, err)) return false;
  Str name = plan_file_name(arena, row->id, plan->title.len ? plan->title : plan->request);
  char *path = path_join(arena, str_from(dir), name);
  row->path = str_from(path);
  return fs_write_unsynced(path, plan_format(arena, plan), 0600, err) &&
         journal_with_file(engine->journal, path, err);
}

bool plan_publish(Engine *engine, Project *project, Arena *arena, PlanRow *row, Plan *plan,
                  Error *err)
{
  plan->id = row->id;
  plan->budget = row->budget;
  row->title = plan->title.len ? plan->title : plan_title(arena, row->request);
  plan->title = row->title;
  if (!write_file(engine, project, arena, row, plan, err)) return false;
  Estimate estimate = estimate_plan(engine, project, arena, plan);
  PlanProblemList none = {0};
  plan_find_targets(engine, project, arena, row, plan, &none);  // found before, remembered now
  if (!journal_plan_update(engine->journal, row, err)) return false;
  if (!estimate_store(engine, row->id, &estimate, err)) return false;
  if (!journal_plan_set_state(engine->journal, row->id, PLAN_READY, STR_NONE, err)) return false;
  TaskList tasks = plan_expand(arena, plan);
  plan_event(
      engine, row, "ready", 0,
      str_fmt(arena, "plan %lld is ready: %zu task%s, %.*s to execute, %.*s to verify (estimate)",
              (long long)row->id, tasks.len, plural(tasks.len),
              STR_ARG(money_about(arena, estimate.execute.cost)),
              STR_ARG(money_about(arena, estimate.verify.cost))));
  return true;
}

// ---- targets ------------------------------------------------------------------------------------

static bool has_selectors(const Plan *plan)
{
  for (size_t i = 0; i < plan->tasks.len; i++) {
    if (plan->tasks.items[i].select.len) return true;
  }
  return false;
}

// A file has one name from here on, whatever symlinked directory the plan came through: else two tasks would write it
// without knowing of each other. What is wrong with a path is said by plan_check.
static void real_path(Project *project, Arena *arena, FileRef *ref)
{
  Str real;
  bool other = project_beyond_links(project, arena, ref->path, &real) && !str_eq(real, ref->path);
  if (!other) return;
  ref->called = ref->path;
  ref->path = real;
}

static void real_paths(Project *project, Arena *arena, Plan *plan)
{
  for (size_t i = 0; i < plan->tasks.len; i++) {
    TaskSpec *task = &plan->tasks.items[i];
    FileRefList *lists[] = {&task->files, &task->read, &task->each};
    for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++) {
      for (size_t k = 0; k < lists[l]->len; k++) real_path(project, arena, &lists[l]->items[k]);
    }
    FileRef to = {.path = task->to};
    real_path(project, arena, &task->from);
    real_path(project, arena, &to);
    task->to = to.path;
  }
}

static void fill_templates(Project *project, Arena *arena, Plan *plan, PlanProblemList *problems)
{
  for (size_t i = 0; i < plan->tasks.len; i++) {
    TaskSpec *task = &plan->tasks.items[i];
    Error err = {0};
    if (template_fill(project, arena, task, &err)) continue;
    plan_problem(arena, problems, task->line, false, "%.*s: %s%s%s", STR_ARG(task->id), err.message,
                 err.hint[0] ? ": " : "", err.hint);
  }
}

void plan_find_targets(Engine *engine, Project *project, Arena *arena, const PlanRow *row,
                       Plan *plan, PlanProblemList *problems)
{
  fill_templates(project, arena, plan, problems);
  real_paths(project, arena, plan);
  Error none = {0};
  Str kept = STR_NONE;
  if (!has_selectors(plan)) return;
  bool begun = row->state != PLAN_READY && row->state != PLAN_PLANNING;
  if (row->id) journal_fact_get(engine->journal, arena, row->id, S("targets"), &kept, &none);
  if (begun && kept.len && plan_select_again(arena, plan, kept)) return;
  if (!plan_select(arena, plan, project, (size_t)engine->config->each_max, problems)) return;
  Str found = plan_selected(arena, plan);
  bool changed = row->id && !str_eq(found, kept);
  if (changed) journal_fact_set(engine->journal, row->id, S("targets"), found, &none);
}

// ---- reading ------------------------------------------------------------------------------------

// A role that the plan names and the configuration does not know fails late and dear: say it here.
static void check_models(Engine *engine, Arena *arena, const Plan *plan, PlanProblemList *problems)
{
  for (size_t i = 0; i < plan->tasks.len; i++) {
    const TaskSpec *task = &plan->tasks.items[i];
    if (!task->model.len || config_ladder(engine->config, task->model)) continue;
    plan_problem(arena, problems, task->line, false,
                 "%.*s: no models are configured as `%.*s` (big, small ...)", STR_ARG(task->id),
                 STR_ARG(task->model));
  }
}

// Before a run the files are asked too; later they may be as the plan made them.
static void check_all(Engine *engine, Project *project, Arena *arena, const PlanRow *row,
                      Plan *plan, PlanProblemList *problems)
{
  plan_find_targets(engine, project, arena, row, plan, problems);
  plan_check(arena, plan, row->state == PLAN_READY ? project : NULL, problems);
  check_models(engine, arena, plan, problems);
}

// The file is the truth for title and budget; the row follows it.
static bool follow_file(Engine *engine, Arena *arena, PlanRow *row, const Plan *plan, Error *err)
{
  Nano budget = plan->budget;
  bool same = budget == row->budget && (!plan->title.len || str_eq(plan->title, row->title));
  if (same) return true;
  row->budget = budget;
  if (plan->title.len) row->title = str_dup(arena, plan->title);
  return journal_plan_update(engine->journal, row, err);
}

static bool read_plan(Engine *engine, PlanRow *row, Arena *arena, Str text, Plan *out,
                      PlanProblemList *problems, Error *err)
{
  Project *project = engine_project(engine, str_z(arena, row->root), err);
  if (!project) return false;
  bool parsed = plan_parse(arena, text, out, problems);
  if (out->id && out->id != row->id) {
    plan_problem(arena, problems, 1, true, "`id: %lld` is another plan's; this one is %lld",
                 (long long)out->id, (long long)row->id);
  }
  out->id = row->id;
  if (!parsed) return true;
  check_all(engine, project, arena, row, out, problems);
  return follow_file(engine, arena, row, out, err);
}

bool plan_load(Engine *engine, int64_t plan, Arena *arena, Str *text, Plan *out,
               PlanProblemList *problems, Error *err)
{
  PlanRow row;
  if (!journal_plan_get(engine->journal, arena, plan, &row, err)) return false;
  if (row.path.len == 0) {
    error_set(err, ERR_NOT_FOUND, "plan %lld has no file: it is %s", (long long)plan,
              plan_state_name(row.state));
    error_hint_set(err,
                   row.state == PLAN_PLANNING ? "`resume` goes on with planning" : "plan it again");
    return false;
  }
  if (!fs_read(arena, str_z(arena, row.path), PLAN_MAX_BYTES, text, err)) return false;
  return read_plan(engine, &row, arena, *text, out, problems, err);
}

bool plan_save(Engine *engine, int64_t plan, Str text, Plan *out, PlanProblemList *problems,
               Arena *arena, Error *err)
{
  PlanRow row;
  if (!journal_plan_get(engine->journal, arena, plan, &row, err)) return false;
  if (row.path.len == 0)
    return error_set(err, ERR_NOT_FOUND, "plan %lld has no file yet", (long long)plan);
  if (!fs_write_atomic(str_z(arena, row.path), text, 0600, err)) return false;
  if (!read_plan(engine, &row, arena, text, out, problems, err)) return false;
  if (problems->errors || row.state != PLAN_READY) return true;
  Project *project = engine_project(engine, str_z(arena, row.root), err);
  Estimate estimate = estimate_plan(engine, project, arena, out);
  return estimate_store(engine, plan, &estimate, err);
}

// ---- adopting -----------------------------------------------------------------------------------

// As many problems as fit one message: "bad.md:3: ...; line 7: ...".
static bool syntax_error(Arena *arena, Str path, const PlanProblemList *problems, Error *err)
{
  enum { SHOWN = 3 };
  StrList parts = {0};
  size_t left = problems->errors;
  for (size_t i = 0; i < problems->len && parts.len < SHOWN; i++) {
    const PlanProblem *problem = &problems->items[i];
    if (problem->warning) continue;
    Str text = str_fmt(arena, "%.*s:%d: %.*s", STR_ARG(parts.len ? STR_NONE : path), problem->line,
                       STR_ARG(str_sub(problem->text, 0, str_utf8_floor(problem->text, 130))));
    PUSH(arena, &parts, text);
    left--;
  }
  if (left) PUSH(arena, &parts, str_fmt(arena, "and %zu more", left));
  return error_set(err, ERR_PLAN_SYNTAX, "%.*s", STR_ARG(str_join(arena, &parts, S("; "))));
}

// A file of piecework's own belongs to the project it was made for, wherever it is said; one of the user's is a plan
// of its own in each project.
static int64_t known_file(Engine *engine, Project *project, Arena *arena, Str path)
{
  PlanRow row;
  Error none = {0};
  Journal *journal = engine->journal;
  if (journal_plan_by_path(journal, arena, path, project_root(project), &row, &none)) return row.id;
  error_clear(&none);
  if (!journal_plan_by_path(journal, arena, path, STR_NONE, &row, &none)) return 0;
  Project *its = engine_project(engine, str_z(arena, row.root), &none);
  char *own = its ? fs_realpath(arena, project_plans_dir(its, arena), &none) : NULL;
  return own && str_eq(path_dir(path), str_from(own)) ? row.id : 0;
}

// Looks again where nobody else can write, and enters [row]: two shells that begin on one file at once must not make
// two plans of it and pay for both. The plan's number when another was first; 0 with row->id set when this one was,
// without it on [err].
static int64_t new_or_known(Engine *engine, Project *project, Arena *arena, PlanRow *row,
                            Error *err)
{
  if (!journal_begin(engine->journal, err)) return 0;
  int64_t known = known_file(engine, project, arena, row->path);
  if (!known && !journal_plan_new(engine->journal, row, err)) {
    journal_rollback(engine->journal);
    row->id = 0;
    return 0;
  }
  if (journal_commit(engine->journal, err)) return known;
  row->id = 0;
  return 0;
}

static int64_t adopt(Engine *engine, Project *project, Arena *arena, const char *path, Error *err)
{
  PlanRow row = {0};
  Plan plan;
  PlanProblemList problems = {0};
  Str text;
  char *real = fs_realpath(arena, path, err);
  if (!real) return 0;
  int64_t known = known_file(engine, project, arena, str_from(real));
  if (known) return known;
  if (!fs_read(arena, real, PLAN_MAX_BYTES, &text, err)) return 0;
  plan_parse(arena, text, &plan, &problems);
  plan_find_targets(engine, project, arena, &row, &plan, &problems);
  plan_check(arena, &plan, project, &problems);
  if (problems.errors) return syntax_error(arena, str_from(path), &problems, err);
  row = (PlanRow){.root = project_root(project),
                  .path = str_from(real),
                  .request = plan.request,
                  .title = plan.title.len ? plan.title : path_base(str_from(real)),
                  .state = PLAN_READY,
                  .budget = plan.budget};
  known = new_or_known(engine, project, arena, &row, err);
  if (known) return known;
  if (!row.id) return 0;
  plan.id = row.id;
  Estimate estimate = estimate_plan(engine, project, arena, &plan);
  if (!estimate_store(engine, row.id, &estimate, err)) return 0;
  plan_event(engine, &row, "ready", 0, str_fmt(arena, "plan %lld is %s", (long long)row.id, real));
  return row.id;
}

int64_t plan_adopt(Engine *engine, Project *project, const char *path, Error *err)
{
  Arena arena;
  arena_init(&arena);
  project_look(project);
  int64_t id = adopt(engine, project, &arena, path, err);
  project_look_end(project);
  arena_deinit(&arena);
  return id;
}
