// view_text.c: see view_text.h.
#include "view/view_text.h"

void view_begin(ViewText *view, Arena *arena, View *out)
{
  *out = (View){0};
  *view = (ViewText){.arena = arena, .out = out};
  buf_init(&view->buf, VIEW_MAX);
}

static void add_clean(Buf *buf, Str text)
{
  size_t from = 0;
  for (size_t i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.ptr[i];
    if ((c >= 0x20 && c != 0x7f) || c == '\t') continue;
    buf_add(buf, str_sub(text, from, i));
    buf_add_char(buf, ' ');
    from = i + 1;
  }
  buf_add(buf, str_skip(text, from));
}

static void add_meaning(ViewText *view, LineMeaning meaning)
{
  View *out = view->out;
  if (out->len == out->cap) {
    out->index = arena_grow(view->arena, out->index, out->len, &out->cap, sizeof(*out->index));
  }
  out->index[out->len++] = meaning;
}

void view_source(ViewText *view, LineMeaning meaning, char prefix, Str text)
{
  if (view->buf.full) return;
  if (view->buf.len + text.len + 128 > VIEW_MAX) {
    buf_add(&view->buf, S("... the rest is too long to show\n"));
    add_meaning(view, (LineMeaning){.kind = S("note")});
    view->buf.full = true;
    return;
  }
  if (prefix) buf_add_char(&view->buf, prefix);
  add_clean(&view->buf, text);
  buf_add_char(&view->buf, '\n');
  add_meaning(view, meaning);
}

void view_line(ViewText *view, LineMeaning meaning, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  Str line = str_vfmt(view->arena, format, args);
  va_end(args);
  view_source(view, meaning, 0, str_trim_end(line));
}

void view_pair(ViewText *view, LineMeaning meaning, Str left, Str right)
{
  size_t l = str_columns(left), r = str_columns(right);
  if (r && l + 1 + r > VIEW_WIDTH) {
    view_line(view, meaning, "%.*s", STR_ARG(left));
    l = 0;
    left = STR_NONE;
  }
  int gap = r ? (int)(l + r < VIEW_WIDTH ? VIEW_WIDTH - l - r : 1) : 0;
  view_line(view, meaning, "%.*s%*s%.*s", STR_ARG(left), gap, "", STR_ARG(right));
}

// Where to break: after the last space that fits, else in the middle of the word.
static size_t fitting(Str text, size_t columns)
{
  size_t at = 0, space = 0;
  for (size_t n = 0; at < text.len && n < columns; n++) {
    if (text.ptr[at] == ' ') space = at;
    at++;
    while (at < text.len && ((unsigned char)text.ptr[at] & 0xc0) == 0x80) at++;
  }
  if (at >= text.len || text.ptr[at] == ' ') return at;
  return space ? space : at;
}

void view_wrapped(ViewText *view, LineMeaning meaning, Str indent, Str text)
{
  size_t width = VIEW_WIDTH - str_columns(indent);
  for (text = str_trim(text); text.len;) {
    size_t n = fitting(text, width);
    if (n == 0) n = text.len;
    view_line(view, meaning, "%.*s%.*s", STR_ARG(indent), STR_ARG(str_sub(text, 0, n)));
    text = str_trim(str_skip(text, n));
  }
}

void view_end(ViewText *view)
{
  view->out->text = buf_take(&view->buf, view->arena);
  buf_deinit(&view->buf);
}
