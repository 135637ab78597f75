// accept.c: see accept.h.
#include "plan/accept.h"

#include "base/buf.h"
#include "patch/diff.h"

typedef enum {
  RULE_GONE,
  RULE_CONTAINS,
  RULE_LINES,
  RULE_ADDED,
  RULE_REMOVED,
  RULE_CHANGED,
  RULE_OUTSIDE,  // changes lie within lines [range] of the old text
  RULE_ONLY,     // every changed line has [word], before or after
} RuleKind;

typedef struct {
  RuleKind kind;
  Str word;        // RULE_GONE, RULE_CONTAINS, RULE_ONLY
  uint64_t limit;  // at most so many
  Range range;     // RULE_OUTSIDE
} Rule;

enum { PROBLEM_MAX = 4096, PLACES_MAX = 8 };

// ---- reading a rule ----------------------------------------------------------------------------------

static Str unquote(Str s)
{
  s = str_trim(s);
  while (s.len && (s.ptr[s.len - 1] == '.' || s.ptr[s.len - 1] == ';'))
    s = str_trim(str_sub(s, 0, s.len - 1));
  if (s.len < 2) return s;
  char first = s.ptr[0], last = s.ptr[s.len - 1];
  bool quoted = first == last && (first == '`' || first == '"' || first == '\'');
  return quoted ? str_sub(s, 1, s.len - 1) : s;
}

static bool starts_nocase(Str s, Str prefix)
{
  return s.len >= prefix.len && str_eq_nocase(str_sub(s, 0, prefix.len), prefix);
}

static bool ends_nocase(Str s, Str suffix)
{
  return s.len > suffix.len && str_eq_nocase(str_skip(s, s.len - suffix.len), suffix);
}

// What is left must be one thing: quoted, or without blanks. "the file contains no tabs" is prose.
static bool is_thing(Str raw)
{
  raw = str_trim(raw);
  Str inner = unquote(raw);
  if (inner.len == 0) return false;
  bool quoted = inner.len + 2 <= raw.len;
  if (quoted) return str_find_char(inner, raw.ptr[0]) == STR_NOT_FOUND;
  return str_find_char(inner, ' ') == STR_NOT_FOUND;
}

typedef struct {
  const char *text;
  bool colon;  // what follows a colon is taken as it is, blanks and all
  RuleKind kind;
} Phrase;

static const Phrase before[] = {
    {"no longer occurs:", true, RULE_GONE},  {"no longer contains:", true, RULE_GONE},
    {"does not contain:", true, RULE_GONE},  {"not contains:", true, RULE_GONE},
    {"contains:", true, RULE_CONTAINS},      {"no longer contains ", false, RULE_GONE},
    {"does not contain ", false, RULE_GONE}, {"contains ", false, RULE_CONTAINS},
};
static const Phrase after[] = {
    {" no longer occurs", false, RULE_GONE}, {" does not occur", false, RULE_GONE},
    {" is gone", false, RULE_GONE},          {" no longer appears", false, RULE_GONE},
    {" occurs", false, RULE_CONTAINS},
};

static bool read_phrase(Str text, Rule *rule)
{
  for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
    Str phrase = str_from(before[i].text);
    if (!starts_nocase(text, phrase)) continue;
    Str rest = str_skip(text, phrase.len);
    if (!before[i].colon && !is_thing(rest)) return false;
    *rule = (Rule){.kind = before[i].kind, .word = unquote(rest)};
    return rule->word.len > 0;
  }
  for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++) {
    Str phrase = str_from(after[i].text);
    if (!ends_nocase(text, phrase)) continue;
    Str rest = str_sub(text, 0, text.len - phrase.len);
    if (!is_thing(rest)) return false;
    *rule = (Rule){.kind = after[i].kind, .word = unquote(rest)};
    return true;
  }
  return false;
}

// "at most 3 lines added", "no more than 3 lines": what follows the words, else empty.
static Str after_at_most(Str text)
{
  static const char *const words[] = {"at most ", "no more than "};
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
    if (starts_nocase(text, str_from(words[i]))) return str_skip(text, str_from(words[i]).len);
  }
  return STR_NONE;
}

static bool read_limit(Str text, Rule *rule)
{
  static const struct {
    const char *text;
    RuleKind kind;
  } ends[] = {{"lines added", RULE_ADDED},     {"lines removed", RULE_REMOVED},
              {"lines changed", RULE_CHANGED}, {"line added", RULE_ADDED},
              {"line removed", RULE_REMOVED},  {"line changed", RULE_CHANGED},
              {"lines", RULE_LINES},           {"line", RULE_LINES}};
  Str rest = str_trim(after_at_most(text)), number;
  if (!str_cut(&rest, ' ', &number) || !str_to_u64(number, &rule->limit)) return false;
  rest = str_trim(rest);
  for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
    if (!str_eq_nocase(rest, str_from(ends[i].text))) continue;
    rule->kind = ends[i].kind;
    return true;
  }
  return false;
}

// "unchanged outside lines 80-140", "unchanged outside 80-140".
static bool read_outside(Str text, Rule *rule)
{
  if (!starts_nocase(text, S("unchanged outside"))) return false;
  Str rest = str_trim(str_skip(text, 17)), first;
  if (str_starts(rest, S(":"))) rest = str_trim(str_skip(rest, 1));
  if (starts_nocase(rest, S("lines "))) rest = str_trim(str_skip(rest, 6));
  uint64_t a, b;
  if (!str_cut(&rest, '-', &first) || !str_to_u64(str_trim(first), &a) ||
      !str_to_u64(str_trim(rest), &b) || a == 0 || b < a) {
    return false;
  }
  *rule = (Rule){.kind = RULE_OUTSIDE, .range = {(size_t)a, (size_t)b}};
  return true;
}

// "only lines with X change", "unchanged outside lines with X".
static bool read_only(Str text, Rule *rule)
{
  Str start = S("only lines with "), end = S(" change"),
      outside = S("unchanged outside lines with ");
  Str thing = STR_NONE;
  if (starts_nocase(text, start) && ends_nocase(text, end)) {
    thing = str_sub(text, start.len, text.len - end.len);
  } else if (starts_nocase(text, outside)) {
    thing = str_skip(text, outside.len);
  }
  if (!is_thing(thing)) return false;
  *rule = (Rule){.kind = RULE_ONLY, .word = unquote(thing)};
  return true;
}

static bool read_rule(Str text, Rule *rule)
{
  text = str_trim(text);
  while (text.len && text.ptr[text.len - 1] == '.') text.len--;
  return read_limit(text, rule) || read_only(text, rule) || read_outside(text, rule) ||
         read_phrase(text, rule);
}

// ---- judging -----------------------------------------------------------------------------------------

static bool word_char(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         (unsigned char)c >= 0x80;
}

static bool occurs(Str line, Str word)
{
  bool left = word_char(word.ptr[0]), right = word_char(word.ptr[word.len - 1]);
  for (size_t from = 0;;) {
    size_t at = str_find(str_skip(line, from), word);
    if (at == STR_NOT_FOUND) return false;
    at += from;
    size_t end = at + word.len;
    bool whole = !(left && at > 0 && word_char(line.ptr[at - 1])) &&
                 !(right && end < line.len && word_char(line.ptr[end]));
    if (whole) return true;
    from = at + 1;
  }
}

// The lines to judge, and the number of the first.
static Str judged(Arena *arena, const AcceptText *text, size_t *first)
{
  *first = range_is_whole(text->range) ? 1 : text->range.first;
  if (range_is_whole(text->range)) return text->after;
  Text lines = text_split(arena, text->after);
  return text_range(&lines, text->range);
}

// Places of [word], at most PLACES_MAX of them told.
static size_t find_places(Arena *arena, const AcceptTextList *texts, Str word, Buf *told)
{
  size_t places = 0;
  for (size_t i = 0; i < texts->len; i++) {
    size_t number;
    Str rest = judged(arena, &texts->items[i], &number), line;
    if (str_find_char(word, '\n') != STR_NOT_FOUND) {
      places += str_has(rest, word);
      continue;
    }
    for (; str_line(&rest, &line); number++) {
      if (!occurs(line, word) || ++places > PLACES_MAX || !told) continue;
      buf_fmt(told, "  %.*s:%zu: %.*s\n", STR_ARG(texts->items[i].path), number,
              STR_ARG(str_sub(line, 0, str_utf8_floor(line, 160))));
    }
  }
  return places;
}

static bool judge_gone(Arena *arena, const Rule *rule, const AcceptTextList *texts, Buf *out)
{
  Buf told;
  buf_init(&told, PROBLEM_MAX);
  size_t places = find_places(arena, texts, rule->word, &told);
  if (places) {
    buf_fmt(out, "\"%.*s\" still occurs in %zu place%s:\n", STR_ARG(rule->word), places,
            plural(places));
    buf_add(out, buf_str(&told));
  }
  buf_deinit(&told);
  return places == 0;
}

static bool judge_contains(Arena *arena, const Rule *rule, const AcceptTextList *texts, Buf *out)
{
  if (find_places(arena, texts, rule->word, NULL)) return true;
  buf_fmt(out, "\"%.*s\" does not occur in the result\n", STR_ARG(rule->word));
  return false;
}

static bool judge_lines(Arena *arena, const Rule *rule, const AcceptTextList *texts, Buf *out)
{
  bool ok = true;
  for (size_t i = 0; i < texts->len; i++) {
    size_t first, lines = str_count_lines(judged(arena, &texts->items[i], &first));
    if (lines <= rule->limit) continue;
    buf_fmt(out, "%.*s has %zu lines, at most %llu are allowed\n", STR_ARG(texts->items[i].path),
            lines, (unsigned long long)rule->limit);
    ok = false;
  }
  return ok;
}

static bool judge_stat(Arena *arena, const Rule *rule, const AcceptTextList *texts, Buf *out)
{
  (void)arena;
  size_t added = 0, removed = 0;
  for (size_t i = 0; i < texts->len; i++) {
    DiffStat stat = diff_stat(texts->items[i].before, texts->items[i].after);
    added += stat.added;
    removed += stat.removed;
  }
  size_t count = rule->kind == RULE_ADDED     ? added
                 : rule->kind == RULE_REMOVED ? removed
                                              : added + removed;
  if (count <= rule->limit) return true;
  buf_fmt(out, "%zu lines were %s, at most %llu may be\n", count,
          rule->kind == RULE_ADDED     ? "added"
          : rule->kind == RULE_REMOVED ? "removed"
                                       : "changed",
          (unsigned long long)rule->limit);
  return false;
}

static bool judge_outside(Arena *arena, const Rule *rule, const AcceptTextList *texts, Buf *out)
{
  for (size_t i = 0; i < texts->len; i++) {
    const AcceptText *text = &texts->items[i];
    HunkList hunks = hunks_diff(arena, text->before, text->after);
    for (size_t h = 0; h < hunks.len; h++) {
      const Hunk *hunk = &hunks.items[h];
      bool inside = hunk->old_start >= rule->range.first &&
                    hunk->old_start + hunk->old_len <= rule->range.last + 1;
      if (inside) continue;
      buf_fmt(out, "%.*s:%zu changed, but only lines %zu-%zu may\n", STR_ARG(text->path),
              hunk->old_start, rule->range.first, rule->range.last);
      return false;
    }
  }
  return true;
}

static const Line *line_without(const Line *lines, size_t len, Str word)
{
  for (size_t i = 0; i < len; i++) {
    if (!occurs(lines[i].text, word)) return &lines[i];
  }
  return NULL;
}

// A change is fine when all its old lines have the word, or all its new ones.
static bool judge_only(Arena *arena, const Rule *rule, const AcceptTextList *texts, Buf *out)
{
  for (size_t i = 0; i < texts->len; i++) {
    const AcceptText *text = &texts->items[i];
    HunkList hunks = hunks_diff(arena, text->before, text->after);
    for (size_t h = 0; h < hunks.len; h++) {
      const Hunk *hunk = &hunks.items[h];
      const Line *bad = line_without(hunk->old_lines, hunk->old_len, rule->word);
      const Line *new_bad = line_without(hunk->new_lines, hunk->new_len, rule->word);
      bool fine = (hunk->old_len && !bad) || (hunk->new_len && !new_bad);
      if (fine) continue;
      Str line = bad ? bad->text : new_bad ? new_bad->text : STR_NONE;
      buf_fmt(out, "%.*s:%zu changed without \"%.*s\": %.*s\n", STR_ARG(text->path),
              hunk->old_start, STR_ARG(rule->word),
              STR_ARG(str_sub(line, 0, str_utf8_floor(line, 160))));
      return false;
    }
  }
  return true;
}

bool accept_check(Arena *arena, const StrList *rules, const AcceptTextList *texts, Str *problem)
{
  static bool (*const judges[])(Arena *, const Rule *, const AcceptTextList *, Buf *) = {
      [RULE_GONE] = judge_gone,       [RULE_CONTAINS] = judge_contains, [RULE_LINES] = judge_lines,
      [RULE_ADDED] = judge_stat,      [RULE_REMOVED] = judge_stat,      [RULE_CHANGED] = judge_stat,
      [RULE_OUTSIDE] = judge_outside, [RULE_ONLY] = judge_only,
  };
  Buf out;
  bool ok = true;
  buf_init(&out, PROBLEM_MAX);
  for (size_t i = 0; i < rules->len; i++) {
    Rule rule;
    if (read_rule(rules->items[i], &rule)) ok &= judges[rule.kind](arena, &rule, texts, &out);
  }
  if (!ok) *problem = str_dup(arena, str_trim_end(buf_str(&out)));
  buf_deinit(&out);
  return ok;
}
