// indent.c: see indent.h.
#include "patch/indent.h"

#include <string.h>

enum { PAIRS_MAX = 64, WIDTH_MAX = 8, INDENT_MAX = 512 };

Str indent_of(Str line)
{
  size_t n = 0;
  while (n < line.len && (line.ptr[n] == ' ' || line.ptr[n] == '\t')) n++;
  return str_sub(line, 0, n);
}

// --- rules -------------------------------------------------------------------------------------------

// First [convert] the reply's indentation, then put [add] before it or take [cut] off its front.
typedef enum { KEEP, TABS_TO_SPACES, SPACES_TO_TABS, RESCALE } Convert;

typedef struct {
  Convert convert;
  size_t width, new_width;  // RESCALE: each `width` spaces become `new_width`; else the tab's width
  Str add, cut;
} Rule;

typedef struct {
  char bytes[INDENT_MAX];
  size_t len;
} Built;

static bool build(Built *out, char c, size_t n)
{
  if (n > INDENT_MAX - out->len) return false;
  memset(out->bytes + out->len, c, n);
  out->len += n;
  return true;
}

static bool spaces_only(Str s)
{
  return str_find_char(s, '\t') == STR_NOT_FOUND;
}

static bool convert_tabs(const Rule *rule, Str s, Built *out)
{
  for (size_t i = 0; i < s.len; i++) {
    if (!build(out, ' ', s.ptr[i] == '\t' ? rule->width : 1)) return false;
  }
  return true;
}

static bool convert_spaces(const Rule *rule, Str s, Built *out)
{
  return spaces_only(s) && build(out, '\t', s.len / rule->width) &&
         build(out, ' ', s.len % rule->width);
}

static bool convert_width(const Rule *rule, Str s, Built *out)
{
  return spaces_only(s) && s.len % rule->width == 0 &&
         build(out, ' ', s.len / rule->width * rule->new_width);
}

static bool convert(const Rule *rule, Str s, Built *out)
{
  out->len = 0;
  switch (rule->convert) {
    case KEEP:
      if (s.len > INDENT_MAX) return false;
      if (s.len) memcpy(out->bytes, s.ptr, s.len);
      out->len = s.len;
      return true;
    case TABS_TO_SPACES: return convert_tabs(rule, s, out);
    case SPACES_TO_TABS: return convert_spaces(rule, s, out);
    case RESCALE: return convert_width(rule, s, out);
  }
  return false;
}

static bool apply_rule(Arena *arena, const Rule *rule, Str indent, Str *out)
{
  Built built;
  if (!convert(rule, indent, &built)) return false;
  Str s = {built.bytes, built.len};
  if (rule->cut.len && !str_starts(s, rule->cut)) return false;
  *out = str_cat(arena, rule->add, str_skip(s, rule->cut.len));
  return true;
}

// Sets [rule]'s prefix from one pair; false when no prefix makes it fit.
static bool fit_prefix(Arena *arena, Rule *rule, const IndentPair *pair)
{
  Built built;
  rule->add = rule->cut = STR_NONE;
  if (!convert(rule, pair->reply, &built)) return false;
  Str s = {built.bytes, built.len};
  if (str_ends(pair->file, s))
    rule->add = str_sub(pair->file, 0, pair->file.len - s.len);
  else if (str_ends(s, pair->file))
    rule->cut = str_dup(arena, str_sub(s, 0, s.len - pair->file.len));
  else
    return false;
  return true;
}

static bool explains(Arena *arena, const Rule *rule, const IndentPairList *pairs)
{
  for (size_t i = 0; i < pairs->len; i++) {
    Str got;
    if (!apply_rule(arena, rule, pairs->items[i].reply, &got) || !str_eq(got, pairs->items[i].file))
      return false;
  }
  return true;
}

// A shift, or other characters or widths: not both.
static bool some_rule_explains(Arena *arena, const IndentPairList *pairs)
{
  Rule rule = {.convert = KEEP};
  if (fit_prefix(arena, &rule, &pairs->items[0]) && explains(arena, &rule, pairs)) return true;
  for (size_t width = 1; width <= WIDTH_MAX; width++) {
    if (explains(arena, &(Rule){.convert = TABS_TO_SPACES, .width = width}, pairs)) return true;
    if (explains(arena, &(Rule){.convert = SPACES_TO_TABS, .width = width}, pairs)) return true;
    for (size_t to = 1; to <= WIDTH_MAX; to++) {
      if (explains(arena, &(Rule){.convert = RESCALE, .width = width, .new_width = to}, pairs))
        return true;
    }
  }
  return false;
}

// --- learning ----------------------------------------------------------------------------------------

static bool pair_known(const IndentPairList *pairs, const IndentPair *pair, bool *clash)
{
  for (size_t i = 0; i < pairs->len; i++) {
    if (!str_eq(pairs->items[i].reply, pair->reply)) continue;
    *clash |= !str_eq(pairs->items[i].file, pair->file);
    return true;
  }
  return false;
}

static IndentPairList distinct(Arena *arena, const IndentPairList *pairs, size_t from, bool *clash)
{
  IndentPairList out = {0};
  for (size_t i = from; i < pairs->len; i++) {
    if (pair_known(&out, &pairs->items[i], clash)) continue;
    if (out.len == PAIRS_MAX)
      *clash = true;
    else
      PUSH(arena, &out, pairs->items[i]);
  }
  return out;
}

static bool all_same(const IndentPairList *pairs)
{
  for (size_t i = 0; i < pairs->len; i++) {
    if (!str_eq(pairs->items[i].reply, pairs->items[i].file)) return false;
  }
  return true;
}

bool indent_learn(Arena *arena, const IndentPairList *pairs, IndentMap *out)
{
  bool clash = false;
  *out = (IndentMap){.kind = INDENT_SAME};
  out->pairs = distinct(arena, pairs, 0, &clash);
  if (!clash && all_same(&out->pairs)) return true;
  bool rest_clash = false;
  IndentPairList rest = distinct(arena, pairs, 1, &rest_clash);
  if (!rest_clash && rest.len && all_same(&rest) &&
      (clash || !some_rule_explains(arena, &out->pairs))) {
    *out = (IndentMap){INDENT_FIRST_LINE, rest, pairs->items[0]};
    return true;
  }
  out->kind = INDENT_RULE;
  return !clash;
}

// --- mapping -----------------------------------------------------------------------------------------

typedef struct {
  Arena *arena;
  const IndentPairList *pairs;
  Str indent;
  bool with_prefix;  // rules may add or cut one
  Str answer;
  size_t answers;
  bool agreed;
} Vote;

// A rule that explains all pairs says what [indent] becomes.
static void vote(Vote *v, Rule rule)
{
  Str got;
  if (!fit_prefix(v->arena, &rule, &v->pairs->items[0])) return;
  if (!v->with_prefix && rule.add.len + rule.cut.len > 0) return;
  if (!explains(v->arena, &rule, v->pairs) || !apply_rule(v->arena, &rule, v->indent, &got)) return;
  v->agreed = v->answers == 0 || (v->agreed && str_eq(v->answer, got));
  v->answer = got;
  v->answers++;
}

static bool has_tabs(const IndentPairList *pairs, bool file)
{
  for (size_t i = 0; i < pairs->len; i++) {
    if (!spaces_only(file ? pairs->items[i].file : pairs->items[i].reply)) return true;
  }
  return false;
}

// Some pair is indented on both sides, and alike at the end: the reply uses the file's own characters.
static bool style_shared(const IndentPairList *pairs)
{
  for (size_t i = 0; i < pairs->len; i++) {
    Str a = pairs->items[i].reply, b = pairs->items[i].file;
    if (a.len && b.len && a.ptr[a.len - 1] == b.ptr[b.len - 1]) return true;
  }
  return false;
}

// The file is indented with tabs as far as can be seen, and [s] is not (or the other way round).
static bool foreign_style(const IndentPairList *pairs, Str s)
{
  bool tabs = has_tabs(pairs, true), indented = false, spaces = false;
  for (size_t i = 0; i < pairs->len; i++) {
    indented |= pairs->items[i].file.len > 0;
    spaces |= str_find_char(pairs->items[i].file, ' ') != STR_NOT_FOUND;
  }
  if (!indented || style_shared(pairs)) return false;
  if (tabs && !spaces) return str_find_char(s, ' ') != STR_NOT_FOUND;
  return !tabs && !spaces_only(s);
}

static bool accepted(const Vote *v, Str *out)
{
  if (v->answers == 0 || !v->agreed || foreign_style(v->pairs, v->answer)) return false;
  *out = v->answer;
  return true;
}

static void vote_converting(Vote *v)
{
  for (size_t width = 1; width <= WIDTH_MAX; width++) {
    vote(v, (Rule){.convert = TABS_TO_SPACES, .width = width});
    vote(v, (Rule){.convert = SPACES_TO_TABS, .width = width});
    for (size_t to = 1; to <= WIDTH_MAX; to++) {
      if (to != width) vote(v, (Rule){.convert = RESCALE, .width = width, .new_width = to});
    }
  }
}

// In this order: a prefix more or less; other characters or widths; both at once.
static bool map_by_rule(Arena *arena, const IndentMap *map, Str indent, Str *out)
{
  Vote shift = {.arena = arena, .pairs = &map->pairs, .indent = indent, .with_prefix = true};
  vote(&shift, (Rule){.convert = KEEP});
  if (accepted(&shift, out)) return true;
  Vote plain = {.arena = arena, .pairs = &map->pairs, .indent = indent};
  vote_converting(&plain);
  if (plain.answers) return accepted(&plain, out);
  Vote both = {.arena = arena, .pairs = &map->pairs, .indent = indent, .with_prefix = true};
  vote_converting(&both);
  return accepted(&both, out);
}

bool indent_converts(Arena *arena, const IndentMap *map)
{
  Rule keep = {.convert = KEEP};
  if (map->kind != INDENT_RULE || map->pairs.len == 0) return false;
  return !fit_prefix(arena, &keep, &map->pairs.items[0]) || !explains(arena, &keep, &map->pairs);
}

bool indent_map(Arena *arena, const IndentMap *map, Str indent, bool first, Str *out)
{
  *out = indent;
  if (map->kind == INDENT_SAME || map->pairs.len == 0) return true;
  if (map->kind == INDENT_FIRST_LINE) {
    if (first && str_eq(indent, map->first.reply)) *out = map->first.file;
    return true;
  }
  for (size_t i = 0; i < map->pairs.len; i++) {
    if (!str_eq(map->pairs.items[i].reply, indent)) continue;
    *out = map->pairs.items[i].file;
    return true;
  }
  return map_by_rule(arena, map, indent, out);
}
