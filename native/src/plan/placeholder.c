// placeholder.c: see placeholder.h.
#include "plan/placeholder.h"

#include <ctype.h>

#include "base/buf.h"
#include "lib/fs.h"

enum { NAME_MAX_BYTES = 12, FILLED_MAX = 1 << 20, WORD_PLACES = 9 };

static void add(Placeholders *out, Str name, Str value, bool given)
{
  if (out->len < PLACEHOLDERS_MAX) out->items[out->len++] = (Placeholder){name, value, given};
}

void placeholders_of_words(Arena *arena, Str words, Placeholders *out)
{
  *out = (Placeholders){0};
  Str rest = str_trim(words), word;
  add(out, S("arg"), rest, rest.len > 0);
  for (int i = 1; i <= WORD_PLACES; i++) {
    rest = str_trim(rest);
    if (i == 2 || i == 3) add(out, str_fmt(arena, "%d+", i), rest, rest.len > 0);
    word = str_sub(rest, 0, str_find_char(rest, ' '));
    rest = str_skip(rest, word.len);
    add(out, str_fmt(arena, "%d", i), word, word.len > 0);
  }
}

void placeholders_of_target(Arena *arena, const FileRef *target, size_t number, Placeholders *out)
{
  Str path = target->path, base = path_base(path), dir = path_dir(path);
  FileRef place = {.path = path, .range = target->range};
  size_t dot = str_rfind_char(base, '.');
  bool dotted = dot != STR_NOT_FOUND && dot > 0;
  Str range = range_is_whole(target->range)
                  ? S("the whole file")
                  : str_fmt(arena, "lines %zu-%zu", target->range.first, target->range.last);
  *out = (Placeholders){0};
  add(out, S("path"), path, true);
  add(out, S("dir"), dir.len ? str_cat(arena, dir, S("/")) : dir, true);
  add(out, S("stem"), dotted ? str_sub(base, 0, dot) : base, true);
  add(out, S("ext"), dotted ? str_skip(base, dot + 1) : STR_NONE, true);
  add(out, S("base"), dotted ? str_sub(path, 0, path.len - base.len + dot) : path, true);
  add(out, S("ref"), file_ref_format(arena, &place), true);
  add(out, S("range"), range, true);
  add(out, S("n"), str_fmt(arena, "%zu", number), true);
}

static const Placeholder *known_as(const Placeholders *known, Str name)
{
  for (size_t i = 0; i < known->len; i++) {
    if (str_eq(known->items[i].name, name)) return &known->items[i];
  }
  return NULL;
}

// "{{name}}" or "{{name|otherwise}}" at the start of [text]: its length and parts; 0 when it is none.
static size_t read_one(Str text, Str *name, Str *otherwise)
{
  if (!str_starts(text, S("{{"))) return 0;
  size_t end = str_find(text, S("}}")), at = 2;
  if (end == STR_NOT_FOUND) return 0;
  while (at < end && (isalnum((unsigned char)text.ptr[at]) || text.ptr[at] == '+')) at++;
  *name = str_sub(text, 2, at);
  if (!name->len || name->len > NAME_MAX_BYTES) return 0;
  *otherwise = STR_NONE;
  if (at < end && text.ptr[at] != '|') return 0;
  if (at < end) *otherwise = str_sub(text, at + 1, end);
  bool one_line = str_find_char(*otherwise, '\n') == STR_NOT_FOUND;
  return one_line ? end + 2 : 0;
}

bool placeholders_any(Str text)
{
  return str_has(text, S("{{"));
}

Str placeholders_fill(Arena *arena, Str text, const Placeholders *known)
{
  if (!placeholders_any(text)) return text;
  Buf out;
  buf_init(&out, text.len + FILLED_MAX);
  for (size_t i = 0; i < text.len;) {
    Str rest = str_skip(text, i), name, otherwise;
    bool kept = str_starts(rest, S("\\{{"));
    size_t len = kept ? 0 : read_one(rest, &name, &otherwise);
    const Placeholder *one = len ? known_as(known, name) : NULL;
    if (one) {
      buf_add(&out, one->given ? one->value : otherwise);
      i += len;
    } else {
      size_t step = kept ? 3 : 1;
      buf_add(&out, str_sub(rest, 0, step));
      i += step;
    }
  }
  Str filled = str_dup(arena, buf_str(&out));
  buf_deinit(&out);
  return filled;
}

Str placeholders_plain(Arena *arena, Str text)
{
  if (!str_has(text, S("\\{{"))) return text;
  Buf out;
  buf_init(&out, text.len + 1);
  for (size_t i = 0; i < text.len; i++) {
    if (str_starts(str_skip(text, i), S("\\{{"))) continue;
    buf_add_char(&out, text.ptr[i]);
  }
  Str plain = str_dup(arena, buf_str(&out));
  buf_deinit(&out);
  return plain;
}

Str placeholders_missing(Str text, const Placeholders *known)
{
  for (size_t i = 0; i < text.len; i++) {
    Str rest = str_skip(text, i), name, otherwise;
    size_t len = read_one(rest, &name, &otherwise);
    bool kept = i && text.ptr[i - 1] == '\\';
    const Placeholder *one = len && !kept ? known_as(known, name) : NULL;
    if (one && !one->given && len == name.len + 4) return name;
  }
  return STR_NONE;
}

// ---- numbers ------------------------------------------------------------------------------------

typedef struct {
  size_t from, to;  // bytes of "{01..10}"
  uint64_t first, last;
  size_t width;  // digits of the first, when it starts with 0
} Numbers;

static bool find_numbers(Str path, Numbers *out)
{
  size_t open = str_find_char(path, '{'), dots, close;
  if (open == STR_NOT_FOUND) return false;
  Str rest = str_skip(path, open + 1);
  dots = str_find(rest, S(".."));
  close = str_find_char(rest, '}');
  if (dots == STR_NOT_FOUND || close == STR_NOT_FOUND || close < dots) return false;
  Str first = str_sub(rest, 0, dots), last = str_sub(rest, dots + 2, close);
  *out = (Numbers){.from = open, .to = open + close + 2};
  out->width = first.len > 1 && first.ptr[0] == '0' ? first.len : 0;
  bool numbers = first.len < 7 && last.len < 7 && str_to_u64(first, &out->first) &&
                 str_to_u64(last, &out->last);
  return numbers && out->first <= out->last;
}

bool numbers_in(Str path, size_t max, size_t *count)
{
  Numbers numbers;
  *count = 0;
  if (!find_numbers(path, &numbers)) return false;
  *count = (size_t)(numbers.last - numbers.first + 1);
  return *count <= max;
}

Str number_path(Arena *arena, Str path, size_t index)
{
  Numbers numbers;
  if (!find_numbers(path, &numbers)) return path;
  Str digits =
      str_fmt(arena, "%0*llu", (int)numbers.width, (unsigned long long)(numbers.first + index));
  return str_fmt(arena, "%.*s%.*s%.*s", STR_ARG(str_sub(path, 0, numbers.from)), STR_ARG(digits),
                 STR_ARG(str_skip(path, numbers.to)));
}
