// outline.c: outlines by universal-ctags where it is installed, else by our own reading of the
// text.
//
//   read the file -> ctags on a copy (in a directory of its own, no option files read) -> its list
//                         \-> not installed, failed, nothing found -> outline_text
#include "plan/outline.h"

#include <ctype.h>
#include <stdlib.h>

#include "lib/fs.h"
#include "plan/tools.h"

enum { ITEM_BYTES = 100, OUTLINE_ITEMS = 5000, CTAGS_MS = 5000 };

static Str cut(Str text)
{
  return str_sub(text, 0, str_utf8_floor(text, ITEM_BYTES));
}

// ---- by reading ---------------------------------------------------------------------------------

static const Str words[] = {
    S("def "),       S("class "),          S("function "),       S("func "),      S("fn "),
    S("sub "),       S("impl "),           S("struct "),         S("enum "),      S("union "),
    S("interface "), S("trait "),          S("module "),         S("namespace "), S("type "),
    S("typedef "),   S("object "),         S("protocol "),       S("extension "), S("package "),
    S("async def "), S("async function "), S("local function "), S("static "),    S("public "),
    S("private "),   S("protected "),      S("export "),         S("pub "),       S("template"),
    S("#define "),   S("const "),          S("macro "),          S("defmodule "), S("defp "),
};

static bool starts_with_word(Str line)
{
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
    if (str_starts(line, words[i])) return true;
  }
  return false;
}

static size_t indent_of(Str line)
{
  size_t columns = 0;
  for (size_t i = 0; i < line.len; i++) {
    if (line.ptr[i] == '\t')
      columns += 8 - columns % 8;
    else if (line.ptr[i] == ' ')
      columns++;
    else
      return columns;
  }
  return columns;
}

// A C-like head at the margin: "int main(int argc, char **argv)", but no call, declaration or
// label.
static bool looks_like_head(Str line)
{
  Str text = str_trim_end(line);
  bool starts = text.len && (isalpha((unsigned char)text.ptr[0]) || text.ptr[0] == '_');
  char last = text.len ? text.ptr[text.len - 1] : 0;
  size_t paren = str_find_char(text, '(');
  bool named =
      paren != STR_NOT_FOUND && str_find_char(str_sub(text, 0, paren), ' ') != STR_NOT_FOUND;
  return starts && named && (last == ')' || last == '{' || last == ',');
}

static bool is_heading(Str line)
{
  size_t marks = 0;
  while (marks < line.len && line.ptr[marks] == '#') marks++;
  return marks >= 1 && marks <= 4 && marks < line.len && line.ptr[marks] == ' ';
}

typedef struct {
  size_t indent;
  size_t item;
} OpenItem;

enum { OPEN_MAX = 32 };
typedef struct {
  OpenItem open[OPEN_MAX];
  size_t depth;
  size_t last_text;  // last line that was not blank
} Nest;

// A line at or left of a definition's indentation ends it; a closing brace there belongs to it
// still.
static void close_items(Nest *nest, OutlineList *out, size_t indent, bool closing, size_t line)
{
  while (nest->depth && nest->open[nest->depth - 1].indent >= indent) {
    OutlineItem *item = &out->items[nest->open[--nest->depth].item];
    bool own = closing && nest->open[nest->depth].indent == indent;
    item->last = own ? line : nest->last_text;
  }
}

void outline_text(Arena *arena, Str text, OutlineList *out)
{
  Nest nest = {0};
  size_t number = 0;
  for (Str rest = text, line; str_line(&rest, &line) && out->len < OUTLINE_ITEMS;) {
    number++;
    Str trimmed = str_trim(line);
    if (trimmed.len == 0) continue;
    size_t indent = indent_of(line);
    bool closing = str_find_char(S("})]"), trimmed.ptr[0]) != STR_NOT_FOUND;
    bool opening = trimmed.ptr[0] == '{';  // a brace on its own line continues the head above it
    bool defines =
        starts_with_word(trimmed) || (indent == 0 && (looks_like_head(line) || is_heading(line)));
    if (!opening) close_items(&nest, out, indent, closing, number);
    nest.last_text = number;
    if (!defines || nest.depth == OPEN_MAX) continue;
    OutlineItem item = {
        .first = number, .last = number, .text = cut(trimmed), .level = (int)nest.depth};
    PUSH(arena, out, item);
    nest.open[nest.depth++] = (OpenItem){indent, out->len - 1};
  }
  close_items(&nest, out, 0, false, number);
}

// ---- ctags --------------------------------------------------------------------------------------

static int by_line(const void *a, const void *b)
{
  const OutlineItem *one = a, *two = b;
  if (one->first != two->first) return one->first < two->first ? -1 : 1;
  return one->last > two->last ? -1 : one->last < two->last;
}

void outline_ctags(Arena *arena, Str output, OutlineList *out)
{
  for (Str rest = output, line; str_line(&rest, &line) && out->len < OUTLINE_ITEMS;) {
    Str parts = line, first, last, kind;
    uint64_t from, to;
    if (!str_cut(&parts, ' ', &first) || !str_cut(&parts, ' ', &last) || !parts.ptr) continue;
    if (!str_to_u64(first, &from) || !str_to_u64(last, &to) || to < from) continue;
    kind = str_sub(parts, 0, str_find_char(parts, ' '));
    bool field = to == from && (str_eq(kind, S("member")) || str_eq(kind, S("variable")) ||
                                str_eq(kind, S("field")));
    if (field || str_has(parts, S("__anon"))) continue;
    OutlineItem item = {.first = (size_t)from, .last = (size_t)to, .text = cut(parts)};
    PUSH(arena, out, item);
  }
  if (out->len) qsort(out->items, out->len, sizeof(OutlineItem), by_line);
}

// ---- the tool -----------------------------------------------------------------------------------

typedef struct {
  Str path, text;
  OutlineList items;
} Outline;

static ToolStep show(ToolRun *run, Outline *outline)
{
  if (outline->items.len == 0) outline_text(&run->arena, outline->text, &outline->items);
  for (size_t i = 0; i < outline->items.len; i++) {
    const OutlineItem *item = &outline->items.items[i];
    buf_fmt(&run->out, "%zu-%zu %*s%.*s\n", item->first, item->last, item->level * 2, "",
            STR_ARG(item->text));
  }
  buf_fmt(&run->out, "(%zu definitions, %zu lines)\n", outline->items.len,
          str_count_lines(outline->text));
  return TOOL_DONE;
}

static void ctags_done(void *owner, const ProcessResult *result)
{
  ToolRun *run = owner;
  run->process = NULL;
  Outline *outline = run->state;
  if (result->status == 0)
    outline_ctags(&run->arena, str_dup(&run->arena, result->out), &outline->items);
  tool_go_on(run);
}

// On a copy: the text may be a buffer's, and the tool must not meet the project's own option files.
static bool ask_ctags(ToolRun *run, Outline *outline)
{
  Error err = {0};
  const char *parent = getenv("TMPDIR");
  run->temp_dir =
      fs_temp_dir(&run->arena, parent && *parent ? parent : "/tmp", "piecework-outline-", &err);
  if (!run->temp_dir) return false;
  char *copy = path_join(&run->arena, str_from(run->temp_dir), path_base(outline->path));
  if (!fs_write_atomic(copy, outline->text, 0600, &err)) return false;
  const char *argv[] = {"ctags", "--options=NONE",         "--quiet=yes", "--sort=no",
                        "-x",    "--_xformat=%n %e %K %N", copy,          NULL};
  ProcessSpec spec = {.argv = argv,
                      .cwd = run->temp_dir,
                      .env_drop = secret_env_names(&run->arena),
                      .split = true,
                      .timeout_ms = CTAGS_MS,
                      .on_done = ctags_done,
                      .owner = run};
  run->process = process_start(run->box->loop, spec, &err);
  return run->process != NULL;
}

ToolStep tool_outline(ToolRun *run)
{
  Outline *outline = run->state;
  Error err = {0};
  if (outline) return show(run, outline);
  outline = run->state = NEW(&run->arena, Outline);
  outline->path = value_get_str(run->call->input, S("path"), STR_NONE);
  if (!project_read(run->box->project, &run->arena, outline->path, &outline->text, &err)) {
    return tool_fail(run, "%s", err.message);
  }
  return ask_ctags(run, outline) ? TOOL_WAIT : show(run, outline);
}
