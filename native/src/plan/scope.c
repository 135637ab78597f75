// scope.c: see scope.h.
#include "plan/scope.h"

#include "base/map.h"
#include "lib/fs.h"
#include "plan/ctags.h"
#include "plan/select_text.h"
#include "plan/selector.h"

static bool is_dir(Project *project, Arena *arena, const FileRef *ref)
{
  if (ref->is_new || !range_is_whole(ref->range)) return false;
  return fs_stat(project_absolute(project, arena, ref->path)).kind == FS_DIR;
}

static bool too_many(Str path, size_t max, Error *err)
{
  error_set(err, ERR_TOO_BIG, "the scope is more than %zu places, with %.*s", max,
            STR_ARG(path.len ? path : S("the whole project")));
  return error_hint_set(err, "narrow it");
}

static bool add_dir(Project *project, Arena *arena, Str path, size_t max, FileRefList *out,
                    Error *err)
{
  StrList files = {0};
  size_t before = out->len;
  if (!project_files(project, arena, path, &files, err)) return false;
  for (size_t i = 0; i < files.len && out->len <= max; i++) {
    FileRef ref = {.path = files.items[i]};
    if (project_may_send(project, arena, ref.path, NULL, NULL) == SEND_OK) PUSH(arena, out, ref);
  }
  if (out->len > before) return true;
  error_set(err, ERR_NOT_FOUND, "%.*s holds no file that may be sent",
            STR_ARG(path.len ? path : project_root(project)));
  return error_hint_set(err, "ignored, secret and binary files are never sent");
}

static bool add_found(Project *project, Arena *arena, Str selector, size_t max, FileRefList *out,
                      Error *err)
{
  FileRefList found = {0};
  if (!selector_targets(project, arena, selector, max, &found, err)) return false;
  for (size_t i = 0; i < found.len; i++) {
    found.items[i].selected = false;  // of a scope, not of a plan's `each:`
    PUSH(arena, out, found.items[i]);
  }
  return true;
}

bool scope_names_root(const FileRefList *named)
{
  for (size_t i = 0; i < named->len; i++) {
    if (!named->items[i].path.len) return true;
  }
  return false;
}

bool scope_files(Project *project, Arena *arena, const FileRefList *named, size_t max,
                 FileRefList *out, Error *err)
{
  for (size_t i = 0; i < named->len; i++) {
    const FileRef *ref = &named->items[i];
    bool ok = true;
    if (is_dir(project, arena, ref))
      ok = add_dir(project, arena, ref->path, max, out, err);
    else if (selector_searches(ref->path))
      ok = add_found(project, arena, ref->path, max, out, err);
    else
      PUSH(arena, out, *ref);
    if (!ok) return false;
    if (out->len > max) return too_many(ref->path, max, err);
  }
  return true;
}

// ---- functions --------------------------------------------------------------------------------------

// The files of the places, each once, with its functions.
typedef struct {
  Map index;  // path -> its number
  struct {
    CtagsText *items;
    size_t len, cap;
  } texts;
  RangeList *functions;
} Files;

static void read_files(Project *project, Arena *arena, const FileRefList *places, Files *files)
{
  for (size_t i = 0; i < places->len; i++) {
    Error err = {0};
    size_t at;
    CtagsText file = {.path = places->items[i].path};
    if (map_get(&files->index, file.path, &at)) continue;
    if (!project_read(project, arena, file.path, &file.text, &err)) file.text = STR_NONE;
    map_add(arena, &files->index, file.path, files->texts.len);
    PUSH(arena, &files->texts, file);
  }
}

static void find_functions(Arena *arena, Files *files)
{
  size_t begun = 0, bytes = 0;
  files->functions = NEW_N(arena, RangeList, files->texts.len);
  for (size_t i = 0; i < files->texts.len; i++) {
    bytes += files->texts.items[i].text.len;
    if (bytes < CTAGS_BATCH_BYTES && i + 1 < files->texts.len) continue;
    ctags_outlines(arena, &files->texts.items[begun], i + 1 - begun);
    begun = i + 1;
    bytes = 0;
  }
  for (size_t i = 0; i < files->texts.len; i++) {
    const CtagsText *file = &files->texts.items[i];
    text_parts(arena, file->path, file->text, &file->items, PART_FUNCTIONS, &files->functions[i]);
  }
}

static bool holds(Range outer, Range inner)
{
  return outer.first <= inner.first && inner.last <= outer.last;
}

static bool outermost(const RangeList *all, size_t at)
{
  for (size_t i = 0; i < all->len; i++) {
    if (i != at && holds(all->items[i], all->items[at]) && !holds(all->items[at], all->items[i]))
      return false;
  }
  return true;
}

// The smallest that holds all of [range]; NULL when none does.
static const Range *innermost(const RangeList *all, Range range)
{
  const Range *best = NULL;
  for (size_t i = 0; i < all->len; i++) {
    const Range *one = &all->items[i];
    if (holds(*one, range) && (!best || holds(*best, *one))) best = one;
  }
  return best;
}

static void add_place(Arena *arena, Map *seen, FileRef ref, FileRefList *out)
{
  size_t at;
  Str name = file_ref_format(arena, &ref);
  if (map_get(seen, name, &at)) return;
  map_add(arena, seen, name, out->len);
  PUSH(arena, out, ref);
}

static void add_functions(Arena *arena, Map *seen, const FileRef *place, const RangeList *all,
                          FileRefList *out)
{
  FileRef ref = *place;
  bool whole = range_is_whole(place->range), any = false;
  const Range *one = whole ? NULL : innermost(all, place->range);
  if (one) {
    ref.range = *one;
    add_place(arena, seen, ref, out);
    return;
  }
  for (size_t i = 0; i < all->len; i++) {
    Range range = all->items[i];
    bool touched = range.first <= place->range.last && place->range.first <= range.last;
    if (!(whole || touched) || !outermost(all, i)) continue;
    ref.range = range;
    any = true;
    add_place(arena, seen, ref, out);
  }
  if (!any) add_place(arena, seen, *place, out);
}

bool scope_functions(Project *project, Arena *arena, const FileRefList *places, size_t max,
                     FileRefList *out, Error *err)
{
  Files files = {0};
  Map seen = {0};
  read_files(project, arena, places, &files);
  find_functions(arena, &files);
  for (size_t i = 0; i < places->len; i++) {
    size_t at = 0;
    map_get(&files.index, places->items[i].path, &at);
    add_functions(arena, &seen, &places->items[i], &files.functions[at], out);
    if (out->len > max) return too_many(places->items[i].path, max, err);
  }
  return true;
}
