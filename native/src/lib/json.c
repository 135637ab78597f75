// json.c: JSON text to Value, on cJSON. The way back is json_write.c.
//
// cJSON does the grammar. A pass before it does what cJSON does not: it bounds the depth before
// anything recurses, and keeps strings whole, for cJSON's strings end at a NUL and it refuses half
// a surrogate pair: both become U+FFFD, since a reply that was paid for must not be lost to one odd
// character.
#include "lib/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

enum { SLACK = 8 };  // NULs behind the text: cJSON 1.7 reads a byte past the end here and there

typedef struct {
  char *text;  // the text to hand to cJSON; changed in place, lengths stay
  size_t len, at;
  int depth;
  const char *fault;  // what is wrong at [at]; NULL = nothing
} Scan;

// The code unit of the escape uXXXX at [at], -1 when it is none.
static int escape_unit(const Scan *scan, size_t at)
{
  if (at + 5 > scan->len || scan->text[at] != 'u') return -1;
  int unit = 0;
  for (size_t i = at + 1; i < at + 5; i++) {
    char c = scan->text[i];
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

// At the character behind a backslash: steps over the escape.
static void scan_escape(Scan *scan)
{
  int unit = escape_unit(scan, scan->at);
  if (unit < 0) {
    scan->at++;
    return;
  }
  bool high = unit >= 0xd800 && unit < 0xdc00, low = unit >= 0xdc00 && unit < 0xe000;
  if (high && scan->at + 6 < scan->len && scan->text[scan->at + 5] == '\\') {
    int second = escape_unit(scan, scan->at + 6);
    if (second >= 0xdc00 && second < 0xe000) {
      scan->at += 11;
      return;
    }
  }
  if (unit == 0 || high || low) memcpy(scan->text + scan->at + 1, "fffd", 4);
  scan->at += 5;
}

static void scan_string(Scan *scan)
{
  for (scan->at++; scan->at < scan->len && !scan->fault;) {
    char c = scan->text[scan->at];
    if (c == 0) {
      scan->fault = "a NUL byte";
      return;
    }
    scan->at++;
    if (c == '"') return;
    if (c == '\\') scan_escape(scan);
  }
}

static bool scan_text(Scan *scan)
{
  while (scan->at < scan->len && !scan->fault) {
    unsigned char c = (unsigned char)scan->text[scan->at];
    if (c == '"') {
      scan_string(scan);
      continue;
    }
    if (c == '[' || c == '{') scan->depth++;
    if (c == ']' || c == '}') scan->depth--;
    if (scan->depth > VALUE_MAX_DEPTH) scan->fault = "nested too deeply";
    if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') scan->fault = "a control character";
    if (!scan->fault) scan->at++;
  }
  return !scan->fault;
}

static Value *fail(Str text, size_t at, const char *what, Error *err)
{
  if (at > text.len) at = text.len;
  int line = 1, column = 1;
  for (size_t i = 0; i < at; i++) {
    if (text.ptr[i] == '\n') {
      line++;
      column = 1;
    } else {
      column += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    }
  }
  error_set(err, ERR_INVALID, "not valid JSON: %s at line %d, column %d", what, line, column);
  return NULL;
}

static Value *from_number(Arena *arena, double n)
{
  const double exact = 9007199254740992.0;  // 2^53
  if (n >= -exact && n <= exact && n == trunc(n)) return value_int(arena, (int64_t)n);
  return value_double(arena, n);
}

static Value *from_cjson(Arena *arena, const cJSON *node)
{
  if (cJSON_IsNumber(node)) return from_number(arena, node->valuedouble);
  if (cJSON_IsString(node)) return value_str(arena, str_dup(arena, str_from(node->valuestring)));
  if (cJSON_IsBool(node)) return value_bool(arena, cJSON_IsTrue(node));
  if (!cJSON_IsArray(node) && !cJSON_IsObject(node)) return value_null(arena);
  bool map = cJSON_IsObject(node);
  Value *parent = map ? value_map(arena) : value_list(arena);
  for (const cJSON *child = node->child; child; child = child->next) {
    Value *item = from_cjson(arena, child);
    value_set(parent, map ? str_dup(arena, str_from(child->string)) : STR_NONE, item);
  }
  return parent;
}

static size_t skip_space(const char *text, size_t len, size_t at)
{
  while (at < len && strchr(" \t\r\n", text[at]) && text[at]) at++;
  return at;
}

static Value *parse_copy(Arena *arena, Str text, char *copy, Error *err)
{
  Scan scan = {.text = copy, .len = text.len};
  if (!scan_text(&scan)) return fail(text, scan.at, scan.fault, err);
  if (skip_space(copy, text.len, 0) == text.len) return fail(text, text.len, "nothing there", err);
  const char *end = NULL;
  cJSON *root = cJSON_ParseWithLengthOpts(copy, text.len + 1, &end, false);
  size_t at = end ? (size_t)(end - copy) : 0;
  if (!root) return fail(text, at, at >= text.len ? "it ends too early" : "unexpected text", err);
  at = skip_space(copy, text.len, at);
  Value *value =
      at < text.len ? fail(text, at, "something after the end", err) : from_cjson(arena, root);
  cJSON_Delete(root);
  return value;
}

Value *json_parse(Arena *arena, Str text, Error *err)
{
  char *copy = mem_alloc(text.len + SLACK);
  if (text.len) memcpy(copy, text.ptr, text.len);
  Value *value = parse_copy(arena, text, copy, err);
  mem_free(copy);
  return value;
}
