// select_text.c: see select_text.h.
#include "plan/select_text.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"

typedef struct {
  Str *items;
  size_t len, cap;
} Lines;

static Lines lines_of(Arena *arena, Str text)
{
  Lines lines = {0};
  for (Str rest = text, line; str_line(&rest, &line);) PUSH(arena, &lines, line);
  return lines;
}

static bool is_python(Str path)
{
  return str_ends(path, S(".py")) || str_ends(path, S(".pyi"));
}

// ---- what spans lines is blanked ----------------------------------------------------------------

// Where a string or comment begins in [line] that goes on below it; its closing mark in [*end].
static bool opens(Str line, bool python, Str *end)
{
  Str trimmed = str_trim(line);
  if (!python) {
    bool comment = str_starts(trimmed, S("/*"));
    *end = S("*/");
    return comment && !str_has(str_skip(trimmed, 2), *end);
  }
  static const Str marks[] = {S("\"\"\""), S("'''")};
  for (size_t i = 0; i < 2; i++) {
    size_t at = str_find(trimmed, marks[i]);
    if (at == STR_NOT_FOUND || str_find_char(str_sub(trimmed, 0, at), '#') != STR_NOT_FOUND)
      continue;
    *end = marks[i];
    return !str_has(str_skip(trimmed, at + 3), marks[i]);
  }
  return false;
}

static size_t blanks_of(Str line)
{
  size_t at = 0;
  while (at < line.len && (line.ptr[at] == ' ' || line.ptr[at] == '\t')) at++;
  return at;
}

// [text] with the inside of long strings and comments empty, and their last lines as far in as their first,
// so that neither their words nor their margins look like code.
static Str masked(Arena *arena, const Lines *lines, bool python)
{
  Buf out;
  Str end = STR_NONE, margin = STR_NONE;
  buf_init(&out, SIZE_MAX / 2);
  for (size_t i = 0; i < lines->len; i++) {
    Str line = lines->items[i];
    if (end.len && str_has(line, end)) {
      buf_fmt(&out, "%.*s%.*s", STR_ARG(margin), STR_ARG(end));
      end = STR_NONE;
    } else if (!end.len) {
      buf_add(&out, line);
      margin = str_sub(line, 0, blanks_of(line));
      if (!opens(line, python, &end)) end = STR_NONE;
    }
    buf_add_char(&out, '\n');
  }
  return buf_take(&out, arena);
}

// ---- definitions --------------------------------------------------------------------------------

static bool one_of(Str word, const char *list)
{
  for (Str rest = str_from(list), item; str_cut(&rest, ' ', &item);) {
    if (str_eq(word, item)) return true;
  }
  return false;
}

static Str first_word(Str *rest)
{
  size_t end = 0;
  *rest = str_trim(*rest);
  while (end < rest->len &&
         (isalnum((unsigned char)rest->ptr[end]) || strchr("_#", rest->ptr[end])))
    end++;
  Str word = str_sub(*rest, 0, end);
  *rest = str_skip(*rest, end);
  return word;
}

// What the head of a definition says it is. Words like `static` stand before both.
static bool head_is(Str head, TextPart part)
{
  static const char before[] =
      "static public private protected export pub async local const final abstract override "
      "default "
      "inline extern unsafe virtual internal sealed template";
  static const char classes[] =
      "class struct interface trait impl enum union object protocol extension namespace module "
      "defmodule record";
  static const char functions[] = "def function func fn sub defp";
  static const char neither[] = "typedef type package macro #define using import";
  Str rest = head, word = first_word(&rest);
  while (one_of(word, before)) word = first_word(&rest);
  if (one_of(word, classes) && !str_has(rest, S("("))) return part == PART_CLASSES;
  if (str_eq(word, S("class"))) return part == PART_CLASSES;
  if (one_of(word, neither) || !word.len) return false;
  bool named = one_of(word, functions);
  // "int main(int argc": a type, a name, a parenthesis; "x = f(1)" is none
  size_t paren = str_find_char(rest, '('), equals = str_find_char(rest, '=');
  bool c_like = paren != STR_NOT_FOUND && (equals == STR_NOT_FOUND || equals > paren) &&
                !str_ends(str_trim_end(head), S(";"));
  return part == PART_FUNCTIONS && (named || c_like);
}

// A head may go on over lines that close at its own margin: "):" and "{" are no end of it.
static Str margins_joined(Arena *arena, const Lines *lines)
{
  Buf out;
  buf_init(&out, SIZE_MAX / 2);
  for (size_t i = 0; i < lines->len; i++) {
    Str line = lines->items[i], text = str_trim(line);
    bool goes_on = text.len && text.ptr[0] == ')' &&
                   (text.ptr[text.len - 1] == ':' || text.ptr[text.len - 1] == '{');
    if (goes_on) buf_add(&out, S("                "));
    buf_add(&out, line);
    buf_add_char(&out, '\n');
  }
  return buf_take(&out, arena);
}

static void definitions(Arena *arena, Str path, Str text, OutlineList *out)
{
  Lines lines = lines_of(arena, text);
  Lines plain = lines_of(arena, masked(arena, &lines, is_python(path)));
  outline_text(arena, margins_joined(arena, &plain), out);
}

// ---- docstrings ---------------------------------------------------------------------------------

// Python's: the string that is the first statement below the head.
static bool string_below(const Lines *lines, const OutlineItem *item, Range *out)
{
  size_t at = item->first - 1;
  while (at < item->last && at < lines->len && !str_ends(str_trim_end(lines->items[at]), S(":")))
    at++;
  for (at++; at < lines->len && str_trim(lines->items[at]).len == 0;) at++;
  if (at >= lines->len || at >= item->last) return false;
  Str text = str_trim(lines->items[at]), end;
  while (text.len && strchr("rRuUbB", text.ptr[0])) text = str_skip(text, 1);
  if (!str_starts(text, S("\"\"\"")) && !str_starts(text, S("'''"))) return false;
  *out = (Range){at + 1, at + 1};
  if (!opens(text, true, &end)) return true;
  for (at++; at < lines->len; at++) {
    if (!str_has(lines->items[at], end)) continue;
    out->last = at + 1;
    return true;
  }
  return false;
}

static bool is_comment(Str line)
{
  static const Str marks[] = {S("//"), S("#"), S("--"), S(";"), S("%"), S("*"), S("/*")};
  Str text = str_trim(line);
  if (str_starts(text, S("#include")) || str_starts(text, S("#define")) ||
      str_starts(text, S("#if")) || str_starts(text, S("#endif")))
    return false;
  for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
    if (str_starts(text, marks[i])) return true;
  }
  return str_ends(text, S("*/"));
}

// Other languages': the comment lines right above the head.
static bool comment_above(const Lines *lines, const OutlineItem *item, Range *out)
{
  size_t last = item->first - 1, first = last;
  if (last > lines->len) return false;
  bool block = last && str_ends(str_trim(lines->items[last - 1]), S("*/"));
  while (first > 0 && (block || is_comment(lines->items[first - 1]))) {
    first--;
    if (block && str_starts(str_trim(lines->items[first]), S("/*"))) break;
  }
  *out = (Range){first + 1, last};
  return first < last;
}

static bool item_is(const OutlineItem *item, TextPart part)
{
  if (part == PART_DOCSTRINGS) return item_is(item, PART_FUNCTIONS) || item_is(item, PART_CLASSES);
  if (item->kind == OUTLINE_UNKNOWN) return head_is(item->text, part);
  return item->kind == (part == PART_FUNCTIONS ? OUTLINE_FUNCTION : OUTLINE_CLASS);
}

// ctags names the line with the name on it: in languages with typed heads a type, a template or an annotation may
// stand alone above that.
static size_t head_above(Str path, const Lines *lines, const OutlineItem *item)
{
  size_t first = item->first, dot = path.len;
  while (dot && path.ptr[dot - 1] != '.') dot--;
  bool typed = one_of(str_skip(path, dot), "c h cc hh cpp hpp cxx hxx cs java");
  if (item->kind == OUTLINE_UNKNOWN || !typed || first == 0 || first > lines->len) return first;
  size_t margin = blanks_of(lines->items[first - 1]);
  while (first > 1) {
    Str above = lines->items[first - 2], text = str_trim(above);
    bool word = text.len && (isalpha((unsigned char)text.ptr[0]) || strchr("_[@", text.ptr[0]));
    bool ended = text.len && strchr(";{}:,\\/", text.ptr[text.len - 1]);
    if (!word || ended || blanks_of(above) != margin || is_comment(above)) break;
    first--;
  }
  return first;
}

void text_parts(Arena *arena, Str path, Str text, const OutlineList *known, TextPart part,
                RangeList *out)
{
  OutlineList items = *known;
  Lines lines = lines_of(arena, text);
  if (!items.len) definitions(arena, path, text, &items);
  for (size_t i = 0; i < items.len; i++) {
    OutlineItem item = items.items[i];
    item.first = head_above(path, &lines, &item);
    Range range = {item.first, item.last < lines.len ? item.last : lines.len};
    bool ok = item_is(&item, part);
    if (ok && part == PART_DOCSTRINGS)
      ok = is_python(path) ? string_below(&lines, &item, &range)
                           : comment_above(&lines, &item, &range);
    if (ok) PUSH(arena, out, range);
  }
}
