// err.c: see err.h.
#include "base/err.h"

#include <stdio.h>

typedef struct {
  const char *name;
  int exit_status;
  const char *hint;
} ErrRow;

static const ErrRow rows[ERR_COUNT] = {
#define X(id, name, exit_status, hint) [ERR_##id] = {name, exit_status, hint},
    ERR_TABLE(X)
#undef X
};

static const ErrRow *row(Err code)
{
  return code < ERR_COUNT ? &rows[code] : &rows[ERR_FAILED];
}

const char *err_name(Err code)
{
  return row(code)->name;
}

int err_exit_status(Err code)
{
  return row(code)->exit_status;
}

Err err_from_name(Str name)
{
  for (Err code = ERR_OK; code < ERR_COUNT; code++) {
    if (str_eq(name, str_from(rows[code].name))) return code;
  }
  return ERR_FAILED;
}

const char *error_hint(const Error *err)
{
  return err->hint[0] ? err->hint : row(err->code)->hint;
}

// Messages are one line of UTF-8: control characters from outside become spaces, bytes that are no character question
// marks, a cut keeps characters whole.
static void one_line(char *text, size_t size, int wanted)
{
  Str s = str_from(text);
  if (wanted >= 0 && (size_t)wanted >= size) text[str_utf8_floor(s, s.len > 3 ? s.len - 3 : 0)] = 0;
  s = str_from(text);
  for (size_t at = 0, len; at < s.len; at += len ? len : 1) {
    len = str_utf8_len(s, at);
    if (!len) text[at] = '?';
    if ((unsigned char)text[at] < 0x20 || text[at] == 0x7f) text[at] = ' ';
  }
}

// A quoted provider ends its sentence; whoever shows ours adds the full stop. "..." stays.
static void drop_full_stop(char *text)
{
  size_t len = str_trim_end(str_from(text)).len;
  bool one = len > 1 && text[len - 1] == '.' && text[len - 2] != '.';
  text[one ? len - 1 : len] = 0;
}

bool error_set(Error *err, Err code, const char *format, ...)
{
  if (!err || err->code != ERR_OK) return false;
  err->code = code;
  va_list args;
  va_start(args, format);
  int wanted = vsnprintf(err->message, sizeof(err->message), format, args);
  va_end(args);
  one_line(err->message, sizeof(err->message), wanted);
  drop_full_stop(err->message);
  return false;
}

bool error_hint_set(Error *err, const char *format, ...)
{
  if (!err) return false;
  va_list args;
  va_start(args, format);
  int wanted = vsnprintf(err->hint, sizeof(err->hint), format, args);
  va_end(args);
  one_line(err->hint, sizeof(err->hint), wanted);
  return false;
}

void error_clear(Error *err)
{
  if (err) *err = (Error){0};
}
