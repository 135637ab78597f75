// yaml.c: YAML front matter to Value, from libyaml's events.
//
// Events, not libyaml's document tree: without anchors and aliases nothing can expand, and the
// depth is known before a node is made. Open collections stand on a stack, so nothing recurses
// either.
#include "lib/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

typedef struct {
  Arena *arena;
  Error *err;
  yaml_parser_t parser;
  int first_line;
  Value *root;
  Value *open[VALUE_MAX_DEPTH];  // collections not yet ended, outermost first
  Str key[VALUE_MAX_DEPTH];      // of the map at that depth: the key that waits for its value
  bool has_key[VALUE_MAX_DEPTH];
  int depth;
  int documents;
} Reader;

static int line_of(const Reader *reader, yaml_mark_t mark)
{
  return reader->first_line + (int)mark.line;
}

static bool refuse(Reader *reader, yaml_mark_t mark, const char *what)
{
  return error_set(reader->err, ERR_INVALID, "line %d: %s", line_of(reader, mark), what);
}

static bool is_any(Str s, const char *const *words)
{
  for (; *words; words++) {
    if (str_eq(s, str_from(*words))) return true;
  }
  return false;
}

// Decimal digits with an optional sign; numbers written with leading zeros stay text, as ids do.
static bool to_integer(Str s, int64_t *out)
{
  bool minus = str_starts(s, S("-"));
  Str digits = minus || str_starts(s, S("+")) ? str_skip(s, 1) : s;
  uint64_t n;
  if (!str_to_u64(digits, &n) || n > INT64_MAX) return false;
  if (digits.len > 1 && digits.ptr[0] == '0') return false;
  *out = minus ? -(int64_t)n : (int64_t)n;
  return true;
}

// [-+]digits.digits[e[-+]digits]: strtod takes more (hex, inf, nan), so its form is checked first.
static bool to_decimal(Arena *arena, Str s, double *out)
{
  bool digit = false, dot = false, mantissa = true;
  for (size_t i = 0; i < s.len; i++) {
    char c = s.ptr[i];
    if (c >= '0' && c <= '9') {
      digit = true;
    } else if (c == '.' && !dot && mantissa) {
      dot = true;
    } else if ((c == 'e' || c == 'E') && mantissa && digit) {
      mantissa = digit = false;
    } else if (!(c == '-' || c == '+') ||
               (i > 0 && (mantissa || digit || strchr("+-", s.ptr[i - 1])))) {
      return false;
    }
  }
  if (!digit || (!dot && mantissa)) return false;
  *out = strtod(str_z(arena, s), NULL);
  return true;
}

static Value *plain_scalar(Arena *arena, Str s)
{
  static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
  static const char *const trues[] = {"true", "True", "TRUE", NULL};
  static const char *const falses[] = {"false", "False", "FALSE", NULL};
  int64_t integer;
  double number;
  if (is_any(s, nulls)) return value_null(arena);
  if (is_any(s, trues)) return value_bool(arena, true);
  if (is_any(s, falses)) return value_bool(arena, false);
  if (to_integer(s, &integer)) return value_int(arena, integer);
  if (to_decimal(arena, s, &number)) return value_double(arena, number);
  return value_str(arena, s);
}

// Puts a finished scalar or a new collection where the innermost open collection wants it.
static bool place(Reader *reader, Value *value, yaml_mark_t mark)
{
  value->line = line_of(reader, mark);
  if (reader->depth == 0) {
    reader->root = value;
    return true;
  }
  int top = reader->depth - 1;
  Value *parent = reader->open[top];
  if (parent->type == VALUE_LIST) {
    value_push(parent, value);
  } else if (reader->has_key[top]) {
    value_set(parent, reader->key[top], value);
    reader->has_key[top] = false;
  } else {
    return refuse(reader, mark, "a key must be plain text");
  }
  return true;
}

static bool wants_key(const Reader *reader)
{
  int top = reader->depth - 1;
  return top >= 0 && reader->open[top]->type == VALUE_MAP && !reader->has_key[top];
}

static bool take_key(Reader *reader, Str text, yaml_mark_t mark)
{
  int top = reader->depth - 1;
  for (VALUE_EACH (item, reader->open[top])) {
    if (str_eq(item->key, text)) return refuse(reader, mark, "this key is there twice");
  }
  reader->key[top] = text;
  reader->has_key[top] = true;
  return true;
}

static bool on_scalar(Reader *reader, const yaml_event_t *event)
{
  if (event->data.scalar.anchor)
    return refuse(reader, event->start_mark, "anchors are not supported");
  if (event->data.scalar.tag) return refuse(reader, event->start_mark, "tags are not supported");
  Str raw = {(const char *)event->data.scalar.value, event->data.scalar.length};
  Str text = str_dup(reader->arena, raw);
  if (wants_key(reader)) return take_key(reader, text, event->start_mark);
  bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
  Value *value = plain ? plain_scalar(reader->arena, text) : value_str(reader->arena, text);
  return place(reader, value, event->start_mark);
}

static bool on_start(Reader *reader, Value *collection, const yaml_char_t *anchor,
                     const yaml_char_t *tag, yaml_mark_t mark)
{
  if (anchor) return refuse(reader, mark, "anchors are not supported");
  if (tag) return refuse(reader, mark, "tags are not supported");
  if (reader->depth == VALUE_MAX_DEPTH) return refuse(reader, mark, "nested too deeply");
  if (!place(reader, collection, mark)) return false;
  reader->open[reader->depth] = collection;
  reader->has_key[reader->depth++] = false;
  return true;
}

static bool on_event(Reader *reader, const yaml_event_t *event)
{
  switch (event->type) {
    case YAML_SCALAR_EVENT: return on_scalar(reader, event);
    case YAML_MAPPING_START_EVENT:
      return on_start(reader, value_map(reader->arena), event->data.mapping_start.anchor,
                      event->data.mapping_start.tag, event->start_mark);
    case YAML_SEQUENCE_START_EVENT:
      return on_start(reader, value_list(reader->arena), event->data.sequence_start.anchor,
                      event->data.sequence_start.tag, event->start_mark);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT: reader->depth--; return true;
    case YAML_ALIAS_EVENT:
      return refuse(reader, event->start_mark, "aliases (*name) are not supported; quote the text");
    case YAML_DOCUMENT_START_EVENT:
      if (reader->documents++) return refuse(reader, event->start_mark, "a second document");
      return true;
    default: return true;
  }
}

// libyaml's words ("mapping values are not allowed in this context") with the place it means.
static bool syntax_error(Reader *reader)
{
  const yaml_parser_t *parser = &reader->parser;
  const char *problem = parser->problem ? parser->problem : "not valid YAML";
  if (parser->error == YAML_READER_ERROR) {
    return error_set(reader->err, ERR_INVALID, "line %d: not text: %s",
                     line_of(reader, parser->mark), problem);
  }
  return error_set(reader->err, ERR_INVALID, "line %d, column %d: %s%s%s",
                   line_of(reader, parser->problem_mark), (int)parser->problem_mark.column + 1,
                   problem, parser->context ? " " : "", parser->context ? parser->context : "");
}

static bool read_all(Reader *reader)
{
  for (bool more = true; more;) {
    yaml_event_t event;
    if (!yaml_parser_parse(&reader->parser, &event)) return syntax_error(reader);
    bool ok = on_event(reader, &event);
    more = event.type != YAML_STREAM_END_EVENT;
    yaml_event_delete(&event);
    if (!ok) return false;
  }
  return true;
}

Value *yaml_parse(Arena *arena, Str text, int first_line, Error *err)
{
  Reader reader = {.arena = arena, .err = err, .first_line = first_line};
  if (!yaml_parser_initialize(&reader.parser)) abort();  // its only cause is no memory
  yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&reader.parser, (const unsigned char *)(text.len ? text.ptr : ""),
                               text.len);
  bool ok = read_all(&reader);
  yaml_parser_delete(&reader.parser);
  if (!ok) return NULL;
  if (reader.root) return reader.root;
  Value *empty = value_null(arena);
  empty->line = first_line;
  return empty;
}
