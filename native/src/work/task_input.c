// task_input.c: see task_input.h.
#include "work/task_input.h"

#include "core/secret.h"
#include "review/combine.h"

typedef struct {
  const TaskInputSpec *spec;
  Arena *arena;
  TaskInput *out;
} Build;

const ShownFile *shown_find(const ShownList *list, Str path)
{
  for (size_t i = 0; i < list->len; i++) {
    if (str_eq(list->items[i].path, path)) return &list->items[i];
  }
  return NULL;
}

// The base of [path] that ranges count in, and where it moved to; with `present` what has none yet is what it
// would be.
static bool get_base(const Build *b, Str path, ShownFile *base, ShownFile *now, Error *err)
{
  const TaskInputSpec *spec = b->spec;
  bool moved = false;
  Error why = {0};
  bool ok = base_first(spec->engine, spec->plan, b->arena, path, base, &why);
  if (!ok && why.code == ERR_NOT_FOUND && spec->present) {
    error_clear(&why);
    *base = (ShownFile){.path = path};
    base->exists = project_read_local(spec->project, b->arena, path, &base->text, &why);
    ok = base->exists || why.code == ERR_NOT_FOUND;
  }
  *now = *base;
  if (ok) return base_moved(spec->engine, spec->plan, b->arena, path, now, &moved, err);
  if (err) *err = why;
  return false;
}

// A model may only see what the rules allow: those for names, and no key in the text that it is shown. What
// earlier tasks made of that is allowed.
static bool may_show(const Build *b, const ShownFile *file, Error *err)
{
  if (b->spec->task->executor != EXECUTOR_MODEL) return true;
  Str why = STR_NONE;
  SendVerdict verdict = project_may_send_name(b->spec->project, b->arena, file->path, &why);
  const char *secret = file->exists ? secret_in_text(file->text) : NULL;
  if (verdict == SEND_OK && !secret) return true;
  if (verdict == SEND_OK) why = str_fmt(b->arena, "looks like a secret (%s)", secret);
  return error_set(err, ERR_REFUSED, "%.*s is not sent: %.*s", STR_ARG(file->path), STR_ARG(why));
}

// [path] as the task finds it, and the base its ranges count in.
static bool get_shown(const Build *b, Str path, ShownFile *base, ShownFile *shown, Error *err)
{
  if (!get_base(b, path, base, shown, err) || !may_show(b, shown, err)) return false;
  const CombinedFile *file = combine_find(&b->out->done, path);
  if (!file) return true;
  bool here = str_eq(file->path, path) && file->exists;
  *shown = (ShownFile){.path = path, .exists = here, .text = here ? file->text : STR_NONE};
  return true;
}

static void add_once(Arena *arena, ShownList *list, const ShownFile *file)
{
  if (!shown_find(list, file->path)) PUSH(arena, list, *file);
}

static bool carry(const Build *b, const ShownFile *base, const ShownFile *shown, FileRef *ref,
                  Error *err)
{
  if (range_is_whole(ref->range) || !base->exists) return true;
  Range range;
  if (shown->exists && combine_range(b->arena, base->text, shown->text, ref->range, &range)) {
    ref->range = range;
    return true;
  }
  return error_set(err, ERR_STALE,
                   "lines %zu-%zu of %.*s are gone: a task before this one took them",
                   ref->range.first, ref->range.last, STR_ARG(ref->path));
}

static bool add_refs(const Build *b, FileRefList *refs, ShownList *list, bool writes, Error *err)
{
  FileRefList carried = {0};
  for (size_t i = 0; i < refs->len; i++) {
    FileRef ref = refs->items[i];
    ShownFile base, shown;
    if (!get_shown(b, ref.path, &base, &shown, err)) return false;
    if (!shown.exists && !(writes && ref.is_new)) {
      return error_set(err, ERR_NOT_FOUND, "%.*s does not exist", STR_ARG(ref.path));
    }
    if (!carry(b, &base, &shown, &ref, err)) return false;
    add_once(b->arena, list, &shown);
    PUSH(b->arena, &carried, ref);
  }
  *refs = carried;
  return true;
}

// A move's two ends. The line it moves to counts in the base, as its range does.
static bool add_move(const Build *b, Error *err)
{
  TaskSpec *task = &b->out->spec;
  ShownFile base, shown;
  if (!get_shown(b, task->from.path, &base, &shown, err)) return false;
  if (!carry(b, &base, &shown, &task->from, err)) return false;
  add_once(b->arena, &b->out->files, &shown);
  if (!get_shown(b, task->to, &base, &shown, err)) return false;
  add_once(b->arena, &b->out->files, &shown);
  FileRef line = {.path = task->to, .range = {task->to_line, task->to_line}};
  if (!task->to_line || !base.exists || task->to_line > str_count_lines(base.text)) return true;
  if (!carry(b, &base, &shown, &line, err)) return false;
  task->to_line = line.range.first;
  return true;
}

static void add_remark(const Build *b)
{
  TaskSpec *task = &b->out->spec;
  if (!b->spec->remark.len) return;
  task->body = str_fmt(b->arena, "%.*s\n\n%.*s\n", STR_ARG(str_trim_end(task->body)),
                       STR_ARG(b->spec->remark));
}

bool task_input(const TaskInputSpec *spec, Arena *arena, TaskInput *out, Error *err)
{
  Build b = {spec, arena, out};
  *out = (TaskInput){.spec = *spec->task};
  if (!base_combine(spec->engine, spec->plan, arena, spec->before, &out->done, err)) return false;
  add_remark(&b);
  if (out->spec.executor == EXECUTOR_MOVE) return add_move(&b, err);
  return add_refs(&b, &out->spec.files, &out->files, true, err) &&
         add_refs(&b, &out->spec.read, &out->read, false, err);
}

// The smallest range around all of [path]'s.
static Range hull(const TaskSpec *task, Str path)
{
  Range all = {SIZE_MAX, 0};
  for (size_t i = 0; i < task->files.len; i++) {
    const FileRef *ref = &task->files.items[i];
    if (!str_eq(ref->path, path)) continue;
    if (range_is_whole(ref->range)) return (Range){0};
    if (ref->range.first < all.first) all.first = ref->range.first;
    if (ref->range.last > all.last) all.last = ref->range.last;
  }
  return all.first == SIZE_MAX ? (Range){0} : all;
}

static Str called(const TaskSpec *task, Str path)
{
  for (size_t i = 0; i < task->files.len; i++) {
    const FileRef *ref = &task->files.items[i];
    if (ref->called.len && str_eq(ref->path, path)) return ref->called;
  }
  return STR_NONE;
}

PatchSpec task_patch_spec(Arena *arena, const TaskInput *input)
{
  PatchSpec spec = {0};
  spec.targets = NEW_N(arena, PatchTarget, input->files.len + 1);
  spec.cap = input->files.len + 1;
  spec.may_create = input->spec.create;
  for (size_t i = 0; i < input->files.len; i++) {
    const ShownFile *file = &input->files.items[i];
    spec.targets[spec.len++] = (PatchTarget){.path = file->path,
                                             .called = called(&input->spec, file->path),
                                             .shown = file->text,
                                             .exists = file->exists,
                                             .may_rewrite = input->spec.create,
                                             .range = hull(&input->spec, file->path)};
  }
  return spec;
}

static const PatchFile *made_of(const PatchFileList *files, Str path)
{
  for (size_t i = 0; i < files->len; i++) {
    if (str_eq(files->items[i].path, path)) return &files->items[i];
  }
  return NULL;
}

static size_t count_refs(const TaskSpec *task, Str path)
{
  size_t refs = 0;
  for (size_t i = 0; i < task->files.len; i++) refs += str_eq(task->files.items[i].path, path);
  return refs;
}

// Where the range is after the edit. When it is the path's only one, nothing outside it changed, so the
// lines after it count back from the end; that keeps what was added right behind its last line.
static bool range_after(Arena *arena, const TaskSpec *task, const FileRef *ref, AcceptText *text)
{
  size_t lines = str_count_lines(text->before), now = str_count_lines(text->after);
  bool only = count_refs(task, ref->path) == 1 && ref->range.last <= lines;
  if (range_is_whole(ref->range) || !only) {
    return combine_range(arena, text->before, text->after, ref->range, &text->range);
  }
  size_t behind = lines - ref->range.last;
  if (now < behind || now - behind < ref->range.first) return false;
  text->range = (Range){ref->range.first, now - behind};
  return true;
}

AcceptTextList task_accept_texts(Arena *arena, const TaskInput *input, const PatchFileList *files)
{
  AcceptTextList list = {0};
  for (size_t i = 0; i < input->spec.files.len; i++) {
    const FileRef *ref = &input->spec.files.items[i];
    const ShownFile *shown = shown_find(&input->files, ref->path);
    const PatchFile *made = made_of(files, ref->path);
    if (!shown) continue;
    AcceptText text = {.path = ref->path, .before = shown->text, .after = shown->text};
    if (made) text.after = made->new_text;
    if (range_after(arena, &input->spec, ref, &text)) PUSH(arena, &list, text);
  }
  return list;
}
