// task_result.c: see task_result.h.
#include "work/task_result.h"

#include "base/buf.h"
#include "core/guard.h"
#include "lib/fs.h"

enum { PROBLEM_MAX = 8 << 10, BRIEF_MAX = 200 };

typedef struct {
  Arena *arena;
  Project *project;
  const TaskInput *input;
  TaskResult *out;
  Buf problem;
} Judge;

static Str first_line(Arena *arena, Str text)
{
  Str line = STR_NONE, rest = str_trim(text);
  str_line(&rest, &line);
  return str_dup(arena, str_sub(line, 0, str_utf8_floor(line, BRIEF_MAX)));
}

// What does not fit any more is left out: the first problems are the ones to mend.
static void add_problem(Judge *j, Str where, Str what)
{
  if (!j->out->brief.len) {
    Str said = where.len ? str_fmt(j->arena, "%.*s: %.*s", STR_ARG(where), STR_ARG(what)) : what;
    j->out->brief = first_line(j->arena, said);
  }
  if (j->problem.len + where.len + what.len + 4 > j->problem.max) return;
  if (where.len) buf_fmt(&j->problem, "%.*s: ", STR_ARG(where));
  buf_add(&j->problem, str_trim_end(what));
  buf_add_char(&j->problem, '\n');
}

static void add_refusals(Judge *j, const RefusalList *refusals)
{
  for (size_t i = 0; i < refusals->len; i++) {
    const Refusal *refusal = &refusals->items[i];
    Str reason = refusal->reason.len ? refusal->reason : str_from(refuse_name(refusal->code));
    bool named = refusal->path.len && str_starts(reason, refusal->path) &&
                 str_starts(str_skip(reason, refusal->path.len), S(":"));
    Str where = named ? STR_NONE : refusal->path;
    if (refusal->block) {
      where = str_fmt(j->arena, "block %zu%s%.*s", refusal->block, where.len ? ", " : "",
                      STR_ARG(where));
    }
    add_problem(j, where, reason);
  }
}

// ---- own ranges --------------------------------------------------------------------------------------

static bool inside(const Hunk *hunk, Range range)
{
  if (range_is_whole(range)) return true;
  return hunk->old_start >= range.first && hunk->old_start + hunk->old_len <= range.last + 1;
}

static bool hunk_allowed(const TaskSpec *task, Str path, const Hunk *hunk)
{
  bool listed = false;
  for (size_t i = 0; i < task->files.len; i++) {
    const FileRef *ref = &task->files.items[i];
    if (!str_eq(ref->path, path)) continue;
    listed = true;
    if (inside(hunk, ref->range)) return true;
  }
  return !listed;  // whether it may be written at all is not the question here
}

static bool ranges_kept(Judge *j, const PatchFile *file)
{
  for (size_t i = 0; i < file->hunks.len; i++) {
    const Hunk *hunk = &file->hunks.items[i];
    if (hunk_allowed(&j->input->spec, file->path, hunk)) continue;
    add_problem(
        j, file->path,
        str_fmt(j->arena, "line %zu lies outside of what this task may change", hunk->old_start));
    return false;
  }
  return true;
}

// ---- the file system ---------------------------------------------------------------------------------

static bool path_allowed(Judge *j, Str path)
{
  if (path.len == 0) return true;
  Guard guard = {str_z(j->arena, project_root(j->project)), project_repo(j->project), 0};
  RefuseCode why;
  Error err = {0};
  if (guard_path(&guard, path, &why, &err)) return true;
  Str said = str_dup(j->arena, str_from(err.message));  // begins with the path, or one above it
  add_problem(j, str_starts(said, path) ? STR_NONE : path, said);
  return false;
}

// A file that `create:` lets the task make is none that is there already and was not shown.
static bool really_new(Judge *j, const PatchFile *file)
{
  bool listed = shown_find(&j->input->files, file->path) != NULL;
  if (file->change != FILE_NEW || listed) return true;
  FsStat stat = fs_stat(project_absolute(j->project, j->arena, file->path));
  if (stat.kind == FS_NONE) return true;
  add_problem(j, file->path, S("the file exists and is not among those shown"));
  return false;
}

static void keep_allowed(Judge *j, const PatchFileList *files, bool model)
{
  for (size_t i = 0; i < files->len; i++) {
    PatchFile *file = &files->items[i];
    if (!really_new(j, file)) continue;
    if (!path_allowed(j, file->path) || !path_allowed(j, file->renamed_from)) continue;
    if (model && !ranges_kept(j, file)) continue;
    PUSH(j->arena, &j->out->files, *file);
    j->out->hunks += file->hunks.len;
  }
}

// ---- the whole ---------------------------------------------------------------------------------------

static void judge_accept(Judge *j)
{
  AcceptTextList texts = task_accept_texts(j->arena, j->input, &j->out->files);
  Str problem = STR_NONE;
  if (accept_check(j->arena, &j->input->spec.accept, &texts, &problem)) return;
  j->out->breaks_rule = true;
  add_problem(j, STR_NONE, problem);
}

static void begin(Judge *j, Arena *arena, Project *project, const TaskInput *input, TaskResult *out)
{
  *out = (TaskResult){0};
  *j = (Judge){.arena = arena, .project = project, .input = input, .out = out};
  buf_init(&j->problem, PROBLEM_MAX);
}

static void end(Judge *j)
{
  j->out->problem = str_dup(j->arena, str_trim_end(buf_str(&j->problem)));
  j->out->ok = j->problem.len == 0;
  buf_deinit(&j->problem);
}

void task_result_of_reply(Arena *arena, Project *project, const TaskInput *input, Str reply,
                          bool cut, TaskResult *out)
{
  Judge j;
  PatchResult patch = {0};
  PatchSpec spec = task_patch_spec(arena, input);
  spec.reply_cut = cut;
  begin(&j, arena, project, input, out);
  patch_from_reply(arena, &spec, reply, &patch);
  add_refusals(&j, &patch.refusals);
  keep_allowed(&j, &patch.files, true);
  if (j.problem.len == 0) judge_accept(&j);
  if (j.problem.len == 0 && !patch.abstained && out->files.len == 0) {
    add_problem(&j, STR_NONE, S("the reply changes nothing"));
  }
  out->abstained = patch.abstained && j.problem.len == 0;
  end(&j);
}

void task_result_of_files(Arena *arena, Project *project, const TaskInput *input,
                          const PatchFileList *files, TaskResult *out)
{
  Judge j;
  begin(&j, arena, project, input, out);
  keep_allowed(&j, files, false);
  if (j.problem.len == 0) judge_accept(&j);
  out->abstained = files->len == 0 && j.problem.len == 0;
  end(&j);
}

void task_result_spoil(Arena *arena, TaskResult *result, Str problem, Str brief)
{
  result->ok = false;
  result->abstained = false;
  result->problem = problem;
  result->brief = first_line(arena, brief);
}
