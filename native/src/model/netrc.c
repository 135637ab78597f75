// netrc.c: see netrc.h. libcurl reads the file too, but only to log in with a name and a password.
#include "model/netrc.h"

#include <stdlib.h>
#include <string.h>

#include "lib/fs.h"

enum { NETRC_MAX = 256 * 1024 };

static bool is_blank(char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// The next word; one in double quotes may hold blanks. Comments run to the end of their line.
static bool word_take(Str *rest, Str *word)
{
  for (;;) {
    while (rest->len && is_blank(rest->ptr[0])) *rest = str_skip(*rest, 1);
    if (rest->len == 0) return false;
    if (rest->ptr[0] != '#') break;
    Str comment;
    str_line(rest, &comment);
  }
  bool quoted = rest->ptr[0] == '"';
  size_t from = quoted, to = from;
  while (to < rest->len && (quoted ? rest->ptr[to] != '"' : !is_blank(rest->ptr[to]))) to++;
  *word = str_sub(*rest, from, to);
  *rest = str_skip(*rest, to < rest->len && quoted ? to + 1 : to);
  return true;
}

// A macro ends at the first empty line.
static void macro_skip(Str *rest)
{
  Str line;
  while (str_line(rest, &line) && str_trim(line).len) {
  }
}

Str netrc_password(Str text, Str host)
{
  bool ours = false;
  Str word, value;
  while (word_take(&text, &word)) {
    if (str_eq(word, S("macdef"))) {
      macro_skip(&text);
    } else if (str_eq(word, S("default"))) {
      ours = false;
    } else if (!word_take(&text, &value)) {
      break;
    } else if (str_eq(word, S("machine"))) {
      ours = str_eq_nocase(value, host);
    } else if (ours && str_eq(word, S("password"))) {
      return value;
    }
  }
  return STR_NONE;
}

Str netrc_host(Str url)
{
  size_t scheme = str_find(url, S("://"));
  if (scheme != STR_NOT_FOUND) url = str_skip(url, scheme + 3);
  size_t end = str_find_char(url, '/');
  url = str_sub(url, 0, end == STR_NOT_FOUND ? url.len : end);
  size_t user = str_rfind_char(url, '@');
  if (user != STR_NOT_FOUND) url = str_skip(url, user + 1);
  size_t port = str_rfind_char(url, ':');
  bool has_port = port != STR_NOT_FOUND && !str_ends(url, S("]"));
  return has_port ? str_sub(url, 0, port) : url;
}

static Str netrc_path(Arena *arena)
{
  const char *named = getenv("NETRC"), *home = getenv("HOME");
  if (named && *named) return str_from(named);
  return home && *home ? str_fmt(arena, "%s/.netrc", home) : STR_NONE;
}

Str netrc_key(Arena *arena, Str base_url, Str *path)
{
  Error err = {0};
  Str text = STR_NONE, host = netrc_host(base_url);
  *path = netrc_path(arena);
  if (path->len == 0 || host.len == 0) return STR_NONE;
  if (!fs_read(arena, str_z(arena, *path), NETRC_MAX, &text, &err)) return STR_NONE;
  Str key = str_dup(arena, netrc_password(text, host));
  if (text.len) explicit_bzero((char *)text.ptr, text.len);
  return key;
}
