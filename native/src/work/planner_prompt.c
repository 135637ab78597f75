// planner_prompt.c: see planner_prompt.h. A small scope is sent at once, the outline of a larger one, and a
// small project listed: a turn that asks for it would cost more than the text.
#include "work/planner_prompt.h"

#include "base/buf.h"
#include "lib/fs.h"
#include "plan/outline.h"
#include "plan/tools.h"
#include "work/planner.h"

enum {
  GUIDANCE_BYTES = 16 * 1024,
  SCOPE_BYTES = 4 * 1024,    // scope shown as text
  OUTLINE_BYTES = 3 * 1024,  // or as its definitions with their lines
  SCOPE_FILES = 500,         // scope shown as names
  LISTED_FILES = 60,
  MESSAGE_BYTES = 128 * 1024,
};

// The deepest directory that all of the scope lies in.
static Str common_dir(const FileRefList *scope)
{
  Str dir = scope->len ? path_dir(scope->items[0].path) : STR_NONE;
  for (size_t i = 1; i < scope->len && dir.len; i++) {
    Str path = scope->items[i].path;
    while (dir.len && !(str_starts(path, dir) && path.len > dir.len && path.ptr[dir.len] == '/'))
      dir = path_dir(dir);
  }
  return dir;
}

Str planner_notes_path(Arena *arena, Project *project, const FileRefList *scope)
{
  static const Str names[] = {S("AGENTS.md"), S("CLAUDE.md")};
  for (Str dir = common_dir(scope);; dir = path_dir(dir)) {
    for (size_t i = 0; i < 2; i++) {
      Error err = {0};
      Str text,
          path = dir.len ? str_fmt(arena, "%.*s/%.*s", STR_ARG(dir), STR_ARG(names[i])) : names[i];
      if (project_read(project, arena, path, &text, &err) && str_trim(text).len) return path;
    }
    if (!dir.len) return STR_NONE;
  }
}

Str planner_guidance(Arena *arena, Project *project, Str notes_path)
{
  Error err = {0};
  Str text;
  if (!notes_path.len || !project_read(project, arena, notes_path, &text, &err)) return STR_NONE;
  text = str_sub(text, 0, str_utf8_floor(text, GUIDANCE_BYTES));
  return str_fmt(arena, "The project's notes (%.*s):\n%.*s\n", STR_ARG(notes_path), STR_ARG(text));
}

bool planner_scope_ok(Arena *arena, Project *project, const FileRefList *scope, Error *err)
{
  for (size_t i = 0; i < scope->len; i++) {
    const FileRef *ref = &scope->items[i];
    Str text;
    if (!project_read(project, arena, ref->path, &text, err)) return false;
    size_t lines = str_count_lines(text);
    if (ref->range.last <= lines) continue;
    return error_set(err, ERR_INVALID, "%.*s has %zu lines, so %zu-%zu is not in it",
                     STR_ARG(ref->path), lines, ref->range.first, ref->range.last);
  }
  return true;
}

static void add_numbered(Buf *out, Str text, Range range)
{
  size_t number = 0;
  for (Str rest = text, line; str_line(&rest, &line);) {
    number++;
    bool inside = range_is_whole(range) || (number >= range.first && number <= range.last);
    if (inside) buf_fmt(out, "%zu\t%.*s\n", number, STR_ARG(line));
  }
}

// All of the scope as numbered lines when that is short; false (and nothing added) when it is not.
static bool add_scope_text(Buf *out, Arena *arena, Project *project, const FileRefList *scope)
{
  Buf all;
  buf_init(&all, SCOPE_BYTES);
  for (size_t i = 0; i < scope->len && !all.full; i++) {
    Error err = {0};
    Str text;
    if (!project_read(project, arena, scope->items[i].path, &text, &err)) continue;
    buf_fmt(&all, "%.*s:\n", STR_ARG(scope->items[i].path));
    add_numbered(&all, text, scope->items[i].range);
  }
  bool fits = scope->len && !all.full;
  if (fits) buf_add(out, S("The scope's lines:\n"));
  if (fits) buf_add(out, buf_str(&all));
  buf_deinit(&all);
  return fits;
}

static void add_outline(Buf *out, Arena *arena, const FileRef *ref, Str text)
{
  OutlineList items = {0};
  outline_text(arena, text, &items);
  Str place = file_ref_format(arena, ref);
  buf_fmt(out, "%.*s: %zu lines\n", STR_ARG(place), str_count_lines(text));
  for (size_t i = 0; i < items.len; i++) {
    const OutlineItem *item = &items.items[i];
    bool inside = range_is_whole(ref->range) ||
                  (item->last >= ref->range.first && item->first <= ref->range.last);
    if (inside)
      buf_fmt(out, "%zu-%zu %*s%.*s\n", item->first, item->last, item->level * 2, "",
              STR_ARG(item->text));
  }
}

// The definitions of the scope with their lines: what a planner would ask for first, without the turn.
static bool add_scope_outline(Buf *out, Arena *arena, Project *project, const FileRefList *scope)
{
  Buf all;
  buf_init(&all, OUTLINE_BYTES);
  for (size_t i = 0; i < scope->len && !all.full; i++) {
    Error err = {0};
    Str text;
    if (project_read(project, arena, scope->items[i].path, &text, &err))
      add_outline(&all, arena, &scope->items[i], text);
  }
  bool fits = scope->len && !all.full;
  if (fits)
    buf_add(out, S("The scope's outline (FIRST-LAST definition; read what you need of it):\n"));
  if (fits) buf_add(out, buf_str(&all));
  buf_deinit(&all);
  return fits;
}

static void add_scope_names(Buf *out, Arena *arena, const FileRefList *scope)
{
  buf_add(out, S("The scope:\n"));
  for (size_t i = 0; i < scope->len && i < SCOPE_FILES; i++) {
    buf_fmt(out, "- %.*s\n", STR_ARG(file_ref_format(arena, &scope->items[i])));
  }
  if (scope->len > SCOPE_FILES) buf_fmt(out, "and %zu more\n", scope->len - SCOPE_FILES);
}

static void add_listing(Buf *out, Arena *arena, Project *project)
{
  StrList files = {0};
  Error err = {0};
  if (!project_files(project, arena, STR_NONE, &files, &err)) return;
  buf_fmt(out, "The scope is the whole project: %zu files.\n", files.len);
  for (size_t i = 0; files.len <= LISTED_FILES && i < files.len; i++) {
    buf_fmt(out, "- %.*s\n", STR_ARG(files.items[i]));
  }
}

Str planner_first_message(Arena *arena, Project *project, Str request, const FileRefList *scope)
{
  Buf out;
  buf_init(&out, MESSAGE_BYTES);
  buf_fmt(&out, "The request:\n%.*s\n\n", STR_ARG(request));
  if (scope->len == 0)
    add_listing(&out, arena, project);
  else if (!add_scope_text(&out, arena, project, scope) &&
           !add_scope_outline(&out, arena, project, scope))
    add_scope_names(&out, arena, scope);
  buf_fmt(&out, "\nAt most %d calls, %d KB of results, %d turns.\n", TOOLS_CALLS,
          TOOLS_BYTES / 1024, PLANNER_TURNS);
  Str text = str_dup(arena, buf_str(&out));
  buf_deinit(&out);
  return text;
}
