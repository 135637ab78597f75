// loose_json.c: see loose_json.h. One pass writes strict JSON, then the strict parser decides.
#include "model/loose_json.h"

#include "lib/json.h"

enum { LOOSE_MAX = 32 * 1024 * 1024 };

typedef struct {
  Str in;
  size_t at;
  Buf out;
} Reader;

static char char_at(Str text, size_t at)
{
  return at < text.len ? text.ptr[at] : 0;
}

size_t json_span(Str text)
{
  int depth = 0;
  bool string = false;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    if (string) {
      if (c == '\\') i++;
      string = c != '"';
    } else if (c == '"') {
      string = true;
    } else if (c == '{' || c == '[') {
      depth++;
    } else if ((c == '}' || c == ']') && --depth <= 0) {
      return i + 1;
    }
  }
  return 0;
}

// A string, with raw control characters escaped.
static void string_copy(Reader *r)
{
  buf_add_char(&r->out, r->in.ptr[r->at++]);
  while (r->at < r->in.len) {
    char c = r->in.ptr[r->at++];
    if ((unsigned char)c < 0x20) {
      buf_fmt(&r->out, "\\u%04x", (unsigned)(unsigned char)c);
      continue;
    }
    buf_add_char(&r->out, c);
    if (c == '"') return;
    if (c == '\\' && r->at < r->in.len) buf_add_char(&r->out, r->in.ptr[r->at++]);
  }
}

// Skips a comment; false when there is none here.
static bool comment_skip(Reader *r)
{
  Str rest = str_skip(r->in, r->at);
  bool line = str_starts(rest, S("//")), block = str_starts(rest, S("/*"));
  if (!line && !block) return false;
  Str end = line ? S("\n") : S("*/");
  size_t to = str_find(str_skip(rest, 2), end);
  r->at = to == STR_NOT_FOUND ? r->in.len : r->at + 2 + to + end.len;
  return true;
}

static const struct {
  const char *said, *meant;
} words[] = {{"True", "true"}, {"False", "false"}, {"None", "null"}};

static bool word_copy(Reader *r)
{
  Str rest = str_skip(r->in, r->at);
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
    Str said = str_from(words[i].said);
    if (!str_starts(rest, said)) continue;
    buf_add(&r->out, str_from(words[i].meant));
    r->at += said.len;
    return true;
  }
  return false;
}

// Is the comma at [at] followed by nothing but a closing bracket?
static bool comma_is_last(Reader *r)
{
  Reader ahead = {.in = r->in, .at = r->at + 1};
  while (ahead.at < ahead.in.len) {
    char c = char_at(ahead.in, ahead.at);
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
      ahead.at++;
    } else if (!comment_skip(&ahead)) {
      return c == '}' || c == ']';
    }
  }
  return false;
}

static void repair(Reader *r)
{
  while (r->at < r->in.len) {
    char c = r->in.ptr[r->at];
    if (c == '"') {
      string_copy(r);
    } else if (c == ',' && comma_is_last(r)) {
      r->at++;
    } else if (!comment_skip(r) && !word_copy(r)) {
      buf_add_char(&r->out, c);
      r->at++;
    }
  }
}

// Without a fence around it.
static Str unfenced(Str text)
{
  text = str_trim(text);
  if (!str_starts(text, S("```"))) return text;
  size_t line = str_find_char(text, '\n');
  if (line == STR_NOT_FOUND) return text;
  text = str_trim(str_skip(text, line + 1));
  return str_ends(text, S("```")) ? str_trim(str_sub(text, 0, text.len - 3)) : text;
}

const Value *json_parse_loose(Arena *arena, Str text)
{
  const Value *value = json_parse(arena, text, NULL);
  if (value) return value;
  Reader r = {.in = unfenced(text)};
  buf_init(&r.out, LOOSE_MAX);
  repair(&r);
  value = r.out.full ? NULL : json_parse(arena, buf_take(&r.out, arena), NULL);
  buf_deinit(&r.out);
  return value;
}
