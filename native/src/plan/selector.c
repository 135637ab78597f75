// selector.c: see selector.h. A selector is cut into words once; the files it names are then read batch by batch in a
// scratch arena, so that a large tree costs time and little memory.
#include "plan/selector.h"

#include <ctype.h>
#include <string.h>

#include "lib/regex.h"
#include "plan/ctags.h"
#include "plan/file_ref.h"
#include "plan/placeholder.h"
#include "plan/plan_fields.h"
#include "plan/select_text.h"
#include "plan/tools.h"

enum {
  GLOBS_MAX = 20,
  FILES_MAX = 20000,
  BYTES_MAX = 64 << 20,
  AROUND = 3,  // lines shown around a line that matches
};

typedef enum { KIND_FILES, KIND_FUNCTIONS, KIND_CLASSES, KIND_DOCSTRINGS, KIND_LINES } Kind;

static const struct {
  Str name, singular;
  Kind kind;
} kinds[] = {
    {S("files"), S("file"), KIND_FILES},      {S("functions"), S("function"), KIND_FUNCTIONS},
    {S("classes"), S("class"), KIND_CLASSES}, {S("docstrings"), S("docstring"), KIND_DOCSTRINGS},
    {S("lines"), S("line"), KIND_LINES},
};

typedef struct {
  Kind kind;
  Str globs[GLOBS_MAX], not_globs[GLOBS_MAX];
  size_t glob_count, not_count;
  uint64_t longer_than;
  Str matching, except;  // patterns, empty = none
} Selector;

// ---- syntax -------------------------------------------------------------------------------------

// The next word: quoted, between slashes, or up to a blank. [*pattern]: it was between slashes.
static bool next_word(Arena *arena, Str *rest, Str *word, bool *pattern)
{
  Str text = str_trim(*rest);
  size_t end = 0;
  *pattern = text.len > 1 && text.ptr[0] == '/';
  if (text.len == 0) return false;
  if (text.ptr[0] == '"' && quoted_end(text) != STR_NOT_FOUND) {
    end = quoted_end(text);
    *word = unquote(arena, str_sub(text, 1, end));
    *rest = str_skip(text, end + 1);
    return true;
  }
  for (end = 1; *pattern && end < text.len; end++) {
    bool closes = text.ptr[end] == '/' && text.ptr[end - 1] != '\\' &&
                  (end + 1 == text.len || isspace((unsigned char)text.ptr[end + 1]));
    if (closes) break;
  }
  if (*pattern && end < text.len) {
    *word = str_sub(text, 1, end);
    *rest = str_skip(text, end + 1);
    return true;
  }
  *pattern = false;
  for (end = 0; end < text.len && !isspace((unsigned char)text.ptr[end]);) end++;
  *word = str_sub(text, 0, end);
  *rest = str_skip(text, end);
  return true;
}

static bool take_kind(Str *rest, Kind *kind)
{
  Str text = str_trim(*rest);
  Str word = str_sub(text, 0, str_find_char(text, ' ')), after = str_trim(str_skip(text, word.len));
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    if (!str_eq(word, kinds[i].name) && !str_eq(word, kinds[i].singular)) continue;
    if (!str_starts(after, S("in "))) return false;
    *kind = kinds[i].kind;
    *rest = str_skip(after, 3);
    return true;
  }
  return false;
}

bool selector_searches(Str value)
{
  Kind kind;
  Str rest = value;
  return take_kind(&rest, &kind);
}

bool selector_is(Str value)
{
  size_t count;
  numbers_in(value, 0, &count);
  return count > 0 || selector_searches(value);
}

static bool bad(Error *err, Str text, const char *why)
{
  error_set(err, ERR_PLAN_SYNTAX, "`%.*s`: %s", STR_ARG(text), why);
  return error_hint_set(err,
                        "KIND in GLOB... [longer than N] [matching /RE/] [except /RE/ or GLOB]");
}

// "longer than 3 [lines]"
static bool read_longer(Arena *arena, Str *rest, Selector *out)
{
  Str word;
  bool pattern;
  bool ok = next_word(arena, rest, &word, &pattern) && str_eq(word, S("than")) &&
            next_word(arena, rest, &word, &pattern) && str_to_u64(word, &out->longer_than);
  if (ok && str_starts(str_trim(*rest), S("lines"))) *rest = str_skip(str_trim(*rest), 5);
  return ok;
}

static bool read_except(Arena *arena, Str *rest, Selector *out)
{
  Str word;
  bool pattern;
  if (!next_word(arena, rest, &word, &pattern)) return false;
  if (!pattern && out->not_count == GLOBS_MAX) return false;
  if (pattern)
    out->except = word;
  else
    out->not_globs[out->not_count++] = word;
  return true;
}

static bool read_matching(Arena *arena, Str *rest, Selector *out)
{
  bool pattern;
  return next_word(arena, rest, &out->matching, &pattern) && out->matching.len;
}

static bool read_clause(Arena *arena, Str word, Str *rest, Selector *out, const char **why)
{
  if (str_eq(word, S("longer"))) {
    *why = "`longer than` wants a number of lines";
    return read_longer(arena, rest, out);
  }
  if (str_eq(word, S("matching"))) {
    *why = "`matching` wants a pattern between slashes";
    return read_matching(arena, rest, out);
  }
  if (str_eq(word, S("except"))) {
    *why = "`except` wants a pattern between slashes or a file pattern";
    return read_except(arena, rest, out);
  }
  *why = "too many file patterns";
  if (out->glob_count == GLOBS_MAX) return false;
  while (str_ends(word, S(","))) word.len--;
  if (word.len) out->globs[out->glob_count++] = word;
  return true;
}

static bool selector_parse(Arena *arena, Str text, Selector *out, Error *err)
{
  Str rest = text, word;
  bool pattern;
  const char *why = "";
  *out = (Selector){0};
  if (!take_kind(&rest, &out->kind)) return bad(err, text, "it does not begin with `KIND in`");
  while (next_word(arena, &rest, &word, &pattern)) {
    if (!read_clause(arena, word, &rest, out, &why)) return bad(err, text, why);
  }
  if (!out->glob_count) return bad(err, text, "no files are named");
  if (out->kind == KIND_LINES && !out->matching.len)
    return bad(err, text, "`lines` wants `matching /RE/`");
  return true;
}

bool selector_ok(Arena *arena, Str text, Error *err)
{
  Selector selector;
  size_t count;
  numbers_in(text, 0, &count);
  return count || selector_parse(arena, text, &selector, err);
}

// ---- searching ----------------------------------------------------------------------------------

typedef struct {
  const Selector *selector;
  Project *project;
  Arena *arena;   // of the targets
  Arena scratch;  // of one batch of files
  struct {
    CtagsText *items;
    size_t len, cap, bytes;
  } batch;        // read, and not looked through yet
  bool no_ctags;  // it is not there, or failed: it would again
  Regex *matching, *except;
  size_t max;
  FileRefList *out;
  Error *err;
} Search;

static bool wanted_path(Search *s, Str path)
{
  bool yes = false, no = false;
  for (size_t i = 0; i < s->selector->glob_count && !yes; i++)
    yes = glob_match(&s->scratch, s->selector->globs[i], path);
  for (size_t i = 0; i < s->selector->not_count && !no; i++)
    no = glob_match(&s->scratch, s->selector->not_globs[i], path);
  return yes && !no;
}

// A pattern that runs into its limits on some text has not matched there; the selector says so at once
// rather than missing places silently.
static bool test(Search *s, Regex *regex, Str text)
{
  bool matched = false;
  return regex_test(regex, text, &matched, s->err) && matched;
}

static bool wanted_text(Search *s, Str text)
{
  if (s->matching && !test(s, s->matching, text)) return false;
  return !s->except || !test(s, s->except, text);
}

static void add(Search *s, Str path, Range range)
{
  FileRef ref = {.path = str_dup(s->arena, path), .range = range, .selected = true};
  if (s->out->len <= s->max) PUSH(s->arena, s->out, ref);
}

// Bytes of lines [range].
static Str range_text(Str text, Range range)
{
  size_t line = 1, from = 0;
  while (from < text.len && line < range.first) line += text.ptr[from++] == '\n';
  size_t to = from;
  while (to < text.len && line <= range.last) line += text.ptr[to++] == '\n';
  return str_sub(text, from, to);
}

static void search_file(Search *s, Str path, Str text)
{
  bool longer = str_count_lines(text) > s->selector->longer_than;
  if (longer && wanted_text(s, text)) add(s, path, (Range){0});
}

static void search_parts(Search *s, const CtagsText *file)
{
  static const TextPart parts[] = {[KIND_FUNCTIONS] = PART_FUNCTIONS,
                                   [KIND_CLASSES] = PART_CLASSES,
                                   [KIND_DOCSTRINGS] = PART_DOCSTRINGS};
  RangeList ranges = {0};
  text_parts(&s->scratch, file->path, file->text, &file->items, parts[s->selector->kind], &ranges);
  for (size_t i = 0; i < ranges.len; i++) {
    Range range = ranges.items[i];
    bool longer = range.last - range.first + 1 > s->selector->longer_than;
    if (longer && wanted_text(s, range_text(file->text, range))) add(s, file->path, range);
  }
}

// Matching lines with a few around them; what touches becomes one target.
static void search_lines(Search *s, Str path, Str text)
{
  size_t number = 0, lines = str_count_lines(text);
  Range open = {0};
  for (Str rest = text, line; str_line(&rest, &line);) {
    number++;
    if (!wanted_text(s, line)) continue;
    Range range = {number > AROUND ? number - AROUND : 1,
                   number + AROUND < lines ? number + AROUND : lines};
    if (open.last && range.first > open.last + 1) {
      add(s, path, open);
      open = range;
    } else {
      open = (Range){open.last ? open.first : range.first, range.last};
    }
  }
  if (open.last) add(s, path, open);
}

static void search_batch(Search *s)
{
  Kind kind = s->selector->kind;
  bool parts = kind != KIND_FILES && kind != KIND_LINES;
  if (parts && s->batch.len && !s->no_ctags)
    s->no_ctags = !ctags_outlines(&s->scratch, s->batch.items, s->batch.len);
  for (size_t i = 0; i < s->batch.len; i++) {
    const CtagsText *file = &s->batch.items[i];
    if (parts)
      search_parts(s, file);
    else if (kind == KIND_FILES)
      search_file(s, file->path, file->text);
    else
      search_lines(s, file->path, file->text);
  }
  s->batch.items = NULL;
  s->batch.len = s->batch.cap = s->batch.bytes = 0;
  arena_reset(&s->scratch);
}

static size_t read_one(Search *s, Str path)
{
  Error err = {0};
  CtagsText file = {.path = path};
  if (!project_read(s->project, &s->scratch, path, &file.text, &err)) return 0;  // may not be sent
  PUSH(&s->scratch, &s->batch, file);
  s->batch.bytes += file.text.len;
  return file.text.len;
}

static bool search_all(Search *s, Str text)
{
  StrList files = {0};
  size_t bytes = 0;
  if (!project_files(s->project, s->arena, STR_NONE, &files, s->err)) return false;
  for (size_t i = 0; i < files.len && s->out->len <= s->max; i++) {
    if (!wanted_path(s, files.items[i])) continue;
    bytes += read_one(s, files.items[i]);
    if (s->batch.bytes >= CTAGS_BATCH_BYTES) search_batch(s);
    if (s->err->code != ERR_OK) return false;
    if (bytes > BYTES_MAX || i >= FILES_MAX)
      return error_set(s->err, ERR_TOO_BIG, "`%.*s` looks through too much; name fewer files",
                       STR_ARG(text));
  }
  search_batch(s);
  return s->err->code == ERR_OK;
}

static bool enough(Str text, size_t count, size_t max, Error *err)
{
  if (count == 0) return error_set(err, ERR_NOT_FOUND, "`%.*s` finds nothing", STR_ARG(text));
  if (count <= max) return true;
  error_set(err, ERR_TOO_BIG, "`%.*s` finds more than %zu places", STR_ARG(text), max);
  return error_hint_set(err, "narrow it, or raise `each_max` in the configuration");
}

static bool number_targets(Arena *arena, Str text, size_t max, FileRefList *out, Error *err)
{
  size_t count;
  FileRef ref;
  if (!numbers_in(text, max, &count)) return enough(text, count, max, err);
  for (size_t i = 0; i < count; i++) {
    if (!file_ref_parse(arena, number_path(arena, text, i), &ref, err)) return false;
    ref.selected = true;
    PUSH(arena, out, ref);
  }
  return true;
}

bool selector_targets(Project *project, Arena *arena, Str text, size_t max, FileRefList *out,
                      Error *err)
{
  Selector selector;
  size_t count;
  Error own = {0};
  if (!err) err = &own;
  numbers_in(text, 0, &count);
  if (count) return number_targets(arena, text, max, out, err);
  if (!selector_parse(arena, text, &selector, err)) return false;
  Search search = {.selector = &selector,
                   .project = project,
                   .arena = arena,
                   .max = max,
                   .out = out,
                   .err = err};
  RegexOptions options = {.utf8 = true};
  bool ok = true;
  arena_init(&search.scratch);
  if (selector.matching.len)
    ok = (search.matching = regex_new(selector.matching, options, err)) != NULL;
  if (ok && selector.except.len)
    ok = (search.except = regex_new(selector.except, options, err)) != NULL;
  ok = ok && search_all(&search, text);
  regex_free(search.matching);
  regex_free(search.except);
  arena_deinit(&search.scratch);
  return ok && enough(text, out->len, max, err);
}

// ---- of a plan ----------------------------------------------------------------------------------

static void drop_selected(TaskSpec *task)
{
  size_t kept = 0;
  for (size_t i = 0; i < task->each.len; i++) {
    if (!task->each.items[i].selected) task->each.items[kept++] = task->each.items[i];
  }
  task->each.len = kept;
}

static void select_task(Arena *arena, TaskSpec *task, Project *project, size_t max,
                        PlanProblemList *problems)
{
  drop_selected(task);
  for (size_t i = 0; i < task->select.len; i++) {
    FileRefList found = {0};
    Error err = {0};
    if (!selector_targets(project, arena, task->select.items[i], max, &found, &err)) {
      plan_problem(arena, problems, task->select_line, false, "%.*s: %s", STR_ARG(task->id),
                   err.message);
      continue;
    }
    for (size_t k = 0; k < found.len; k++) {
      found.items[k].line = task->select_line;
      PUSH(arena, &task->each, found.items[k]);
    }
  }
}

bool plan_select(Arena *arena, Plan *plan, Project *project, size_t max, PlanProblemList *problems)
{
  size_t errors = problems->errors;
  for (size_t i = 0; i < plan->tasks.len; i++) {
    if (plan->tasks.items[i].select.len)
      select_task(arena, &plan->tasks.items[i], project, max, problems);
  }
  return problems->errors == errors;
}

// One task: "= T01", its selectors as "? text", its targets as "path:A-B".
Str plan_selected(Arena *arena, const Plan *plan)
{
  Buf out;
  buf_init(&out, PLAN_MAX_BYTES);
  for (size_t i = 0; i < plan->tasks.len; i++) {
    const TaskSpec *task = &plan->tasks.items[i];
    if (!task->select.len) continue;
    buf_fmt(&out, "= %.*s\n", STR_ARG(task->id));
    for (size_t k = 0; k < task->select.len; k++)
      buf_fmt(&out, "? %.*s\n", STR_ARG(task->select.items[k]));
    for (size_t k = 0; k < task->each.len; k++) {
      if (!task->each.items[k].selected) continue;
      buf_fmt(&out, "%.*s\n", STR_ARG(file_ref_format(arena, &task->each.items[k])));
    }
  }
  return buf_take(&out, arena);
}

static TaskSpec *task_of(Plan *plan, Str id)
{
  for (size_t i = 0; i < plan->tasks.len; i++) {
    if (str_eq(plan->tasks.items[i].id, id)) return &plan->tasks.items[i];
  }
  return NULL;
}

bool plan_select_again(Arena *arena, Plan *plan, Str kept)
{
  // the same selectors of the same tasks, and nothing else: compare what would be written without targets
  Buf wanted, have;
  buf_init(&wanted, PLAN_MAX_BYTES);
  buf_init(&have, PLAN_MAX_BYTES);
  for (size_t i = 0; i < plan->tasks.len; i++) drop_selected(&plan->tasks.items[i]);
  buf_add(&wanted, plan_selected(arena, plan));
  for (Str rest = kept, line; str_line(&rest, &line);) {
    if (str_starts(line, S("= ")) || str_starts(line, S("? ")))
      buf_fmt(&have, "%.*s\n", STR_ARG(line));
  }
  bool same = str_eq(buf_str(&wanted), buf_str(&have));
  buf_deinit(&wanted);
  buf_deinit(&have);
  TaskSpec *task = NULL;
  for (Str rest = kept, line; same && str_line(&rest, &line);) {
    FileRef ref;
    Error none = {0};
    if (str_starts(line, S("= "))) task = task_of(plan, str_skip(line, 2));
    bool target = task && !str_starts(line, S("= ")) && !str_starts(line, S("? "));
    if (!target || !file_ref_parse(arena, line, &ref, &none)) continue;
    ref.path = str_dup(arena, ref.path);
    ref.selected = true;
    ref.line = task->select_line;
    PUSH(arena, &task->each, ref);
  }
  return same;
}
