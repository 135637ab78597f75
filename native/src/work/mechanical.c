// mechanical.c: see mechanical.h.
#include "work/mechanical.h"

#include "patch/mechanical.h"

static const ShownFile *find(const ShownList *files, Str path)
{
  for (size_t i = 0; i < files->len; i++) {
    if (str_eq(files->items[i].path, path)) return &files->items[i];
  }
  return NULL;
}

static const ShownFile *find_existing(const ShownList *files, Str path, Error *err)
{
  const ShownFile *file = find(files, path);
  if (file && file->exists) return file;
  error_set(err, ERR_NOT_FOUND, "%.*s does not exist", STR_ARG(path));
  return NULL;
}

static void add_file(Arena *arena, Mechanical *out, Str path, const ShownFile *before, Str text)
{
  bool exists = before && before->exists;
  Str old_text = exists ? before->text : STR_NONE;
  if (exists && str_eq(old_text, text)) return;
  PatchFile file = {.path = path,
                    .change = exists ? FILE_EDIT : FILE_NEW,
                    .old_text = old_text,
                    .new_text = text,
                    .hunks = hunks_diff(arena, old_text, text),
                    .tier = TIER_EXACT};
  PUSH(arena, &out->files, file);
}

// ---- substitute --------------------------------------------------------------------------------------

// A whole file comes before all ranges, and they then add nothing.
static size_t place_of(const FileRef *ref)
{
  return range_is_whole(ref->range) ? SIZE_MAX : ref->range.first;
}

// The next range of [path] to work on, from the bottom up, so that those above keep their line numbers.
static const FileRef *next_below(const TaskSpec *task, Str path, const FileRef *done)
{
  const FileRef *best = NULL;
  for (size_t i = 0; i < task->files.len; i++) {
    const FileRef *ref = &task->files.items[i];
    if (!str_eq(ref->path, path)) continue;
    size_t place = place_of(ref);
    bool left = !done || place < place_of(done) || (place == place_of(done) && ref > done);
    if (left && (!best || place > place_of(best))) best = ref;
  }
  return best;
}

static bool substitute_file(Arena *arena, const TaskSpec *task, const ShownFile *file,
                            Mechanical *out, Error *err)
{
  Str text = file->text;
  Substitution sub = {.pattern = task->pattern,
                      .replace = task->replace,
                      .word = task->word,
                      .ignore_case = task->ignore_case,
                      .except = task->except};
  for (const FileRef *ref = NULL; (ref = next_below(task, file->path, ref)) != NULL;) {
    size_t places = 0;
    sub.range = ref->range;
    if (!substitute(arena, text, &sub, &text, &places, err)) return false;
    if (range_is_whole(ref->range)) break;
  }
  add_file(arena, out, file->path, file, text);
  return true;
}

static bool first_of_path(const TaskSpec *task, size_t index)
{
  for (size_t i = 0; i < index; i++) {
    if (str_eq(task->files.items[i].path, task->files.items[index].path)) return false;
  }
  return true;
}

static bool do_substitute(Arena *arena, const TaskSpec *task, const ShownList *files,
                          Mechanical *out, Error *err)
{
  for (size_t i = 0; i < task->files.len; i++) {
    if (!first_of_path(task, i)) continue;
    const ShownFile *file = find_existing(files, task->files.items[i].path, err);
    if (!file || !substitute_file(arena, task, file, out, err)) return false;
  }
  return true;
}

// ---- move --------------------------------------------------------------------------------------------

static bool do_move(Arena *arena, const TaskSpec *task, const ShownList *files, Mechanical *out,
                    Error *err)
{
  const ShownFile *from = find_existing(files, task->from.path, err), *to = find(files, task->to);
  if (!from) return false;
  bool here = str_eq(task->from.path, task->to);
  Move move = {.from_text = from->text, .range = task->from.range, .at = task->to_line};
  if (here) {
    move.to_text = from->text;
  } else if (to && to->exists) {
    move.to_text = to->text;
  }
  Moved moved;
  if (!move_lines(arena, &move, &moved, err)) return false;
  add_file(arena, out, task->from.path, from, moved.from_text);
  if (!here) add_file(arena, out, task->to, to, moved.to_text);
  return true;
}

bool mechanical_do(Arena *arena, const TaskSpec *task, const ShownList *files, Mechanical *out,
                   Error *err)
{
  *out = (Mechanical){0};
  if (task->executor == EXECUTOR_MOVE) return do_move(arena, task, files, out, err);
  return do_substitute(arena, task, files, out, err);
}
