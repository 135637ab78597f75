// outline.c: outlines by universal-ctags where it is installed, else by our own reading of the text.
//
//   read the file -> ctags.h -> its list
//                      \-> not installed, failed, nothing found -> outline_text
#include "plan/outline.h"

#include <ctype.h>

#include "plan/ctags.h"
#include "plan/tools.h"

enum { ITEM_BYTES = 100, OUTLINE_ITEMS = 5000 };

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

// "end", "end)", "endfunction": what closes a definition where braces do not.
static bool is_end_word(Str trimmed)
{
  static const Str closers[] = {S("endfunction"), S("endfunc"), S("enddef"), S("endclass"),
                                S("end")};
  for (size_t i = 0; i < sizeof(closers) / sizeof(closers[0]); i++) {
    if (!str_starts(trimmed, closers[i])) continue;
    Str rest = str_trim(str_skip(trimmed, closers[i].len));
    bool alone = rest.len == 0 || str_find_char(S(",;)"), rest.ptr[0]) != STR_NOT_FOUND;
    return alone || str_starts(rest, S("--")) || str_starts(rest, S("# ")) ||
           str_starts(rest, S("\" "));
  }
  return false;
}

// A line at or left of a definition's indentation ends it; a closing brace or word there belongs to it still.
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
    bool closing = str_find_char(S("})]"), trimmed.ptr[0]) != STR_NOT_FOUND || is_end_word(trimmed);
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

// ---- the tool -----------------------------------------------------------------------------------

static ToolStep show(ToolRun *run, CtagsText *outline)
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
  ctags_read(&run->arena, result, run->state, 1);
  tool_go_on(run);
}

ToolStep tool_outline(ToolRun *run)
{
  CtagsText *outline = run->state;
  Error err = {0};
  if (outline) return show(run, outline);
  outline = run->state = NEW(&run->arena, CtagsText);
  outline->path = value_get_str(run->call->input, S("path"), STR_NONE);
  if (!project_read(run->box->project, &run->arena, outline->path, &outline->text, &err)) {
    return tool_fail(run, "%s", err.message);
  }
  run->process = ctags_start(run->box->loop, &run->arena, outline, 1, ctags_done, run);
  return run->process ? TOOL_WAIT : show(run, outline);
}
