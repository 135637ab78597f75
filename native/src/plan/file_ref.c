// file_ref.c: "path", "path:12", "path:12-30", "path new", with quotes round a path that would
// read as something else. The syntax only: whether the file is there is asked by plan_check.
#include "plan/file_ref.h"

#include <ctype.h>

// The closing quote of a text that starts with one; STR_NOT_FOUND when it never ends.
size_t quoted_end(Str text)
{
  for (size_t i = 1; i < text.len; i++) {
    if (text.ptr[i] == '\\')
      i++;
    else if (text.ptr[i] == '"')
      return i;
  }
  return STR_NOT_FOUND;
}

Str unquote(Arena *arena, Str inner)
{
  static const char from[] = "\\\"ntr", to[] = "\\\"\n\t\r";
  char *out = arena_alloc(arena, inner.len + 1);
  size_t len = 0;
  for (size_t i = 0; i < inner.len; i++) {
    const char *escape = NULL;
    if (inner.ptr[i] == '\\' && i + 1 < inner.len && inner.ptr[i + 1]) {
      escape = strchr(from, inner.ptr[i + 1]);
    }
    out[len++] = escape ? to[escape - from] : inner.ptr[i];
    i += escape != NULL;
  }
  return (Str){out, len};
}

Str quote(Arena *arena, Str text)
{
  char *out = arena_alloc(arena, text.len * 2 + 3);
  size_t len = 0;
  out[len++] = '"';
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    char letter = c == '\n'               ? 'n'
                  : c == '\t'             ? 't'
                  : c == '\r'             ? 'r'
                  : c == '"' || c == '\\' ? c
                                          : 0;
    if (letter) out[len++] = '\\';
    out[len++] = letter ? letter : c;
  }
  out[len++] = '"';
  return (Str){out, len};
}

static bool all_digits(Str s)
{
  for (size_t i = 0; i < s.len; i++) {
    if (!isdigit((unsigned char)s.ptr[i])) return false;
  }
  return s.len > 0;
}

// ":A", ":A-B" or nothing. [*shaped] says that it looks like a range, whether or not it makes
// sense.
static bool parse_range(Str text, Range *range, bool *shaped)
{
  Str rest = str_skip(text, 1), first = STR_NONE, last = STR_NONE;
  uint64_t a = 0, b = 0;
  str_cut(&rest, '-', &first);
  bool single = rest.ptr == NULL;
  last = single ? first : rest;
  *shaped = all_digits(first) && all_digits(last);
  if (!*shaped || !str_to_u64(first, &a) || !str_to_u64(last, &b)) return false;
  *range = (Range){(size_t)a, (size_t)b};
  return a >= 1 && b >= a && b <= 100u * 1000 * 1000;
}

static bool bad_range(Str text, Error *err)
{
  return error_set(err, ERR_INVALID,
                   "`%.*s` has no usable line range; write path:FIRST-LAST, first line 1",
                   STR_ARG(text));
}

// Cuts " new" off the end.
static bool take_new(Str *text)
{
  if (!str_ends(*text, S(" new")) && !str_ends(*text, S("\tnew"))) return false;
  *text = str_trim_end(str_sub(*text, 0, text->len - 4));
  return true;
}

static bool parse_quoted(Arena *arena, Str text, FileRef *out, Error *err)
{
  bool shaped = false;
  size_t end = quoted_end(text);
  if (end == STR_NOT_FOUND) {
    return error_set(err, ERR_INVALID, "`%.*s` lacks its closing quote", STR_ARG(text));
  }
  out->path = unquote(arena, str_sub(text, 1, end));
  Str rest = str_skip(text, end + 1);
  if (rest.len == 0) return true;
  if (rest.ptr[0] != ':' || !parse_range(rest, &out->range, &shaped)) return bad_range(text, err);
  return true;
}

static bool parse_plain(Str text, FileRef *out, Error *err)
{
  bool shaped = false;
  size_t colon = str_rfind_char(text, ':');
  out->path = text;
  if (colon == STR_NOT_FOUND) return true;
  bool ok = parse_range(str_skip(text, colon), &out->range, &shaped);
  if (!shaped) return true;  // a colon that belongs to the name
  out->path = str_trim_end(str_sub(text, 0, colon));
  return ok || bad_range(text, err);
}

bool file_ref_parse(Arena *arena, Str text, FileRef *out, Error *err)
{
  *out = (FileRef){0};
  Str rest = str_trim(text);
  out->is_new = take_new(&rest);
  bool quoted = rest.len && rest.ptr[0] == '"';
  if (!(quoted ? parse_quoted(arena, rest, out, err) : parse_plain(rest, out, err))) return false;
  if (out->path.len == 0) return error_set(err, ERR_INVALID, "a file name is missing");
  if (memchr(out->path.ptr, 0, out->path.len) || !str_is_utf8(out->path)) {
    return error_set(err, ERR_INVALID, "a file name is not UTF-8 text");
  }
  return true;
}

// Would the plain path be read back as something else?
static bool needs_quotes(Str path)
{
  FileRef again;
  Error err = {0};
  bool special = path.len == 0 || path.ptr[0] == '"' || !str_eq(str_trim(path), path);
  for (size_t i = 0; i < path.len && !special; i++) {
    special = path.ptr[i] == ',' || path.ptr[i] == '#' || (unsigned char)path.ptr[i] < 0x20;
  }
  if (special) return true;
  Arena scratch;  // stays empty: plain paths are borrowed
  arena_init(&scratch);
  bool same =
      file_ref_parse(&scratch, path, &again, &err) && str_eq(again.path, path) && !again.is_new;
  arena_deinit(&scratch);
  return !same;
}

Str file_ref_format(Arena *arena, const FileRef *ref)
{
  Str path = needs_quotes(ref->path) ? quote(arena, ref->path) : ref->path;
  const char *mark = ref->is_new ? " new" : "";
  if (range_is_whole(ref->range)) return str_fmt(arena, "%.*s%s", STR_ARG(path), mark);
  if (ref->range.first == ref->range.last) {
    return str_fmt(arena, "%.*s:%zu%s", STR_ARG(path), ref->range.first, mark);
  }
  return str_fmt(arena, "%.*s:%zu-%zu%s", STR_ARG(path), ref->range.first, ref->range.last, mark);
}

// A quote counts only where an element begins: elsewhere it is part of a name.
bool file_refs_next(Str *rest, Str *piece)
{
  if (rest->len == 0) return false;
  size_t at = 0;
  while (at < rest->len && isspace((unsigned char)rest->ptr[at])) at++;
  if (at < rest->len && rest->ptr[at] == '"') {
    size_t end = quoted_end(str_skip(*rest, at));
    if (end != STR_NOT_FOUND) at += end + 1;
  }
  while (at < rest->len && rest->ptr[at] != ',') at++;
  *piece = str_trim(str_sub(*rest, 0, at));
  *rest = str_skip(*rest, at + 1);
  return true;
}
