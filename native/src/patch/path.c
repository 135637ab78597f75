// path.c: see path.h.
#include "patch/path.h"

#include <ctype.h>

#include "patch/distance.h"

enum { PATH_MAX_BYTES = 1024, NAME_MAX_TYPOS = 2, NAME_MIN_LEN = 5 };

// --- the path as a name ------------------------------------------------------------------------------

static bool part_ok(Str part, RefuseCode *why)
{
  if (str_eq(part, S("..")) || part.len == 0 || str_eq(part, S(".")))
    *why = REFUSE_PATH_OUTSIDE;
  else if (str_eq_nocase(part, S(".git")) || str_eq_nocase(part, S("git~1")))
    *why = REFUSE_PATH_GIT;
  else
    return true;
  return false;
}

bool patch_path_ok(Str path, RefuseCode *why)
{
  *why = REFUSE_PATH_OUTSIDE;
  if (path.len == 0 || path.len > PATH_MAX_BYTES || !str_is_utf8(path)) return false;
  if (path.ptr[0] == '/' || path.ptr[0] == '\\' || path.ptr[0] == '~') return false;
  if (path.len > 1 && path.ptr[1] == ':') return false;  // a drive
  for (size_t i = 0; i < path.len; i++) {
    unsigned char c = (unsigned char)path.ptr[i];
    if (c < 0x20 || c == 0x7f || c == '\\') return false;
  }
  for (Str rest = path, part; str_cut(&rest, '/', &part);) {
    if (!part_ok(part, why)) return false;
  }
  return true;
}

// --- reading a path off a line -----------------------------------------------------------------------

static bool strip_prefix(Str *s, Str prefix)
{
  if (s->len < prefix.len || !str_eq_nocase(str_sub(*s, 0, prefix.len), prefix)) return false;
  *s = str_trim(str_skip(*s, prefix.len));
  return true;
}

static bool strip_suffix(Str *s, Str suffix)
{
  if (!str_ends(*s, suffix)) return false;
  *s = str_trim(str_sub(*s, 0, s->len - suffix.len));
  return true;
}

static bool strip_start(Str *s)
{
  static const char *const starts[] = {
      "#",         "*",         "`",     "\"",         "'",         "//",           "<!--",
      "--",        "- ",        "=== ",  ">",          "[",         "file:",        "file path:",
      "filepath:", "filename:", "path:", "file name:", "new file:", "update file:", "add file:",
      "edit:",     "editing:",  ":"};
  for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
    if (strip_prefix(s, str_from(starts[i]))) return true;
  }
  return false;
}

static bool strip_end(Str *s)
{
  static const char *const ends[] = {
      ":", "*", "`", "\"",         "'",     "-->",       "*/",         " ===",
      ",", "]", "#", "(new file)", "(new)", "(updated)", "(modified)", "(deleted)"};
  for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
    if (strip_suffix(s, str_from(ends[i]))) return true;
  }
  return false;
}

Str path_clean(Str line)
{
  Str s = str_trim(line);
  if (s.len > PATH_MAX_BYTES) return STR_NONE;
  for (int i = 0; i < 12 && s.len && (strip_start(&s) || strip_end(&s)); i++) continue;
  return s;
}

static Str base_name(Str path)
{
  size_t slash = str_rfind_char(path, '/');
  return slash == STR_NOT_FOUND ? path : str_skip(path, slash + 1);
}

// From the file system's root, a home or above; directories may have blanks in their names.
static bool leads_out(Str s)
{
  bool root = s.len > 1 && s.ptr[0] == '/' && isalnum((unsigned char)s.ptr[1]);
  bool drive = s.len > 2 && isalpha((unsigned char)s.ptr[0]) && s.ptr[1] == ':' &&
               (s.ptr[2] == '\\' || s.ptr[2] == '/');
  if (!root && !drive && !str_starts(s, S("~/")) && !str_starts(s, S("../"))) return false;
  size_t blank = str_rfind_char(s, ' '), slash = str_rfind_char(s, drive ? s.ptr[2] : '/');
  return blank == STR_NOT_FOUND || blank < slash;
}

// One word with a slash inside or an extension: worth refusing a block over when it names no target.
static bool looks_like_path(Str s)
{
  if (s.len < 2 || s.len > 300) return false;
  if (str_find_char(s, '(') != STR_NOT_FOUND || str_find_char(s, '=') != STR_NOT_FOUND)
    return false;
  if (str_has(s, S("://"))) return false;
  if (leads_out(s)) return true;
  if (str_find_char(s, ' ') != STR_NOT_FOUND) return false;
  if (s.ptr[0] == '/' || s.ptr[0] == '~') return true;
  if (str_find_char(s, '/') != STR_NOT_FOUND || str_find_char(s, '\\') != STR_NOT_FOUND)
    return true;
  size_t dot = str_rfind_char(s, '.');
  return dot != STR_NOT_FOUND && s.len - dot >= 2 && s.len - dot <= 9;
}

// --- resolving ---------------------------------------------------------------------------------------

static Str plain(Str path)
{
  while (str_starts(path, S("./"))) path = str_skip(path, 2);
  return path;
}

static bool ends_at_part(Str whole, Str tail)
{
  return whole.len > tail.len && str_ends(whole, tail) &&
         whole.ptr[whole.len - tail.len - 1] == '/';
}

typedef enum { RULE_SAME, RULE_PREFIX, RULE_SUFFIX, RULE_CASE, RULE_TYPO, RULE_COUNT } Rule;

static bool case_equal(Str target, Str path)
{
  return str_eq_nocase(target, path) ||
         (target.len > path.len && target.ptr[target.len - path.len - 1] == '/' &&
          str_eq_nocase(str_skip(target, target.len - path.len), path));
}

// The directories must fit where the path has any; only the name may be misspelt.
static bool typo_equal(Str target, Str path)
{
  Str name = base_name(target), written = base_name(path);
  Str dir = str_sub(target, 0, target.len - name.len),
      given = str_sub(path, 0, path.len - written.len);
  if (given.len && !str_eq_nocase(dir, given) && !ends_at_part(dir, given)) return false;
  if (name.len < NAME_MIN_LEN || written.len < NAME_MIN_LEN) return false;
  return distance_within(name, written, NAME_MAX_TYPOS);
}

static bool fits(Rule rule, Str target, Str path)
{
  switch (rule) {
    case RULE_SAME: return str_eq(target, path);
    case RULE_PREFIX:
      return (str_starts(path, S("a/")) || str_starts(path, S("b/"))) &&
             str_eq(target, str_skip(path, 2));
    case RULE_SUFFIX: return ends_at_part(target, path) || ends_at_part(path, target);
    case RULE_CASE: return case_equal(target, path);
    case RULE_TYPO: return typo_equal(target, path);
    case RULE_COUNT: break;
  }
  return false;
}

static PathMatch refused(Str path, RefuseCode why)
{
  return (PathMatch){PATH_REFUSED, 0, path, why};
}

// Where files may be created, a near miss is another name, not a misspelt one.
static Rule loosest_rule(const PatchSpec *spec, bool creates)
{
  if (!spec->may_create) return RULE_TYPO;
  return creates ? RULE_PREFIX : RULE_SUFFIX;
}

PathMatch path_resolve_one(const PatchSpec *spec, Str path, bool creates)
{
  RefuseCode why;
  path = plain(path);
  if (!patch_path_ok(path, &why)) return refused(path, why);
  for (Rule rule = RULE_SAME; rule <= loosest_rule(spec, creates); rule++) {
    size_t hits = 0, hit = 0;
    for (size_t i = 0; i < spec->len; i++) {
      const PatchTarget *target = &spec->targets[i];
      bool called = rule <= RULE_PREFIX && target->called.len && fits(rule, target->called, path);
      if (called || fits(rule, target->path, path)) hits++, hit = i;
    }
    if (hits == 1) return (PathMatch){PATH_FOUND, hit, path, REFUSE_COUNT};
    if (hits > 1) return refused(path, REFUSE_AMBIGUOUS);
  }
  if (spec->may_create) return (PathMatch){PATH_NEW, 0, path, REFUSE_COUNT};
  return refused(path, REFUSE_NOT_LISTED);
}

// A path between backquotes inside a sentence, taken only when it is a target's own.
static bool quoted_target(const PatchSpec *spec, Str line, PathMatch *out)
{
  for (size_t open; (open = str_find_char(line, '`')) != STR_NOT_FOUND;) {
    line = str_skip(line, open + 1);
    size_t close = str_find_char(line, '`');
    if (close == STR_NOT_FOUND) return false;
    Str inside = str_trim(str_sub(line, 0, close));
    line = str_skip(line, close + 1);
    for (size_t i = 0; i < spec->len; i++) {
      Str target = spec->targets[i].path;
      if (!str_eq(target, inside) && !str_eq(base_name(target), inside)) continue;
      *out = (PathMatch){PATH_FOUND, i, inside, REFUSE_COUNT};
      return true;
    }
  }
  return false;
}

// The language of a fence ("```python") is no path; "```python src/foo.py" and "```src/foo.py" hold one.
static Str last_word(Str s)
{
  size_t blank = str_rfind_char(s, ' ');
  if (blank == STR_NOT_FOUND) return s;
  s = str_skip(s, blank + 1);
  size_t equals = str_find_char(s, '=');  // title="src/foo.py"
  return equals == STR_NOT_FOUND ? s : path_clean(str_skip(s, equals + 1));
}

// "+++ b/src/new.c" names src/new.c, unless there is something in a directory b.
static PathMatch without_side(const PatchSpec *spec, const Block *block, PathMatch match)
{
  bool made = match.kind == PATH_NEW && block->kind == BLOCK_HUNK && block->creates;
  if (!made || !str_starts(match.path, S("b/")) || match.path.len == 2) return match;
  for (size_t i = 0; i < spec->len; i++) {
    if (str_starts(spec->targets[i].path, S("b/"))) return match;
  }
  match.path = str_skip(match.path, 2);
  return match;
}

PathMatch path_resolve(const PatchSpec *spec, const Block *block, bool creates)
{
  PathMatch unlisted = {PATH_NONE, 0, STR_NONE, REFUSE_COUNT};
  for (size_t i = 0; i < block->hint_count; i++) {
    Str path = path_clean(block->hints[i]);
    if (path.len == 0) continue;
    PathMatch match = path_resolve_one(spec, path, creates);
    if (match.kind == PATH_FOUND) return match;
    bool likely = looks_like_path(path);
    if (!likely && looks_like_path(last_word(path))) {
      PathMatch word = path_resolve_one(spec, last_word(path), creates);
      if (word.kind == PATH_FOUND) return word;
    }
    if (quoted_target(spec, block->hints[i], &match)) return match;
    if (likely && unlisted.kind == PATH_NONE) unlisted = without_side(spec, block, match);
  }
  return unlisted;
}
