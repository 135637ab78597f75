// plan.c: a plan file read line by line.
//
//     ---                      FRONT     "key: value" lines
//     id: 12
//     ---                      PREAMBLE  free text
//     ## T01 [pilot] title     FIELDS    "key: value" lines of plan_fields.c, until a blank
//     files: a.c:1-9                     line or any other text
//
//     the specification        BODY      until the next task heading outside code fences and
//                                        comments
//
// Nothing here asks the project anything: that is plan_check.c. Every complaint has its line.
#include "plan/plan.h"

#include <ctype.h>
#include <math.h>

#include "core/nearest.h"
#include "plan/file_ref.h"
#include "plan/placeholder.h"
#include "plan/plan_fields.h"
#include "plan/selector.h"

typedef enum { PART_FRONT, PART_PREAMBLE, PART_FIELDS, PART_BODY } Part;

typedef struct {
  Arena *arena;
  Plan *plan;
  PlanProblemList *problems;
  Part part;
  int line;                // number of the line being read
  TaskSpec *task;          // the one being read; moves when the list grows
  const PlanField *list;   // a field that "- " lines may continue
  Value *unknown;          // of the task or the front matter, NULL until there is one
  uint32_t seen;           // fields of this task that were given, by index
  const char *text_start;  // where the preamble or the body began
  MarkdownState markdown;
} Parser;

// ---- values -------------------------------------------------------------------------------------

// Where a trailing comment starts: '#' and a space after two or more blanks (one is not enough:
// "issue #12").
static size_t comment_start(Str raw)
{
  size_t from = raw.len && raw.ptr[0] == '"' ? quoted_end(raw) : 0;
  if (from == STR_NOT_FOUND) return raw.len;
  for (size_t i = from; i < raw.len; i++) {
    if (raw.ptr[i] != '#' || (i + 1 < raw.len && raw.ptr[i + 1] != ' ')) continue;
    bool far =
        i >= 2 && isspace((unsigned char)raw.ptr[i - 1]) && isspace((unsigned char)raw.ptr[i - 2]);
    if (far) return i;
  }
  return raw.len;
}

// The value of a line, without comment and blanks; quotes still there.
static Str clean_value(Str raw)
{
  Str trimmed = str_trim(raw);
  if (trimmed.len && trimmed.ptr[0] == '"')
    return str_trim(str_sub(trimmed, 0, comment_start(trimmed)));
  return str_trim(str_sub(raw, 0, comment_start(raw)));
}

static Str plain_value(Arena *arena, Str value)
{
  bool quoted = value.len >= 2 && value.ptr[0] == '"' && quoted_end(value) == value.len - 1;
  return quoted ? unquote(arena, str_sub(value, 1, value.len - 1)) : value;
}

static void complain(Parser *p, Str what)
{
  plan_problem(p->arena, p->problems, p->line, false, "%.*s", STR_ARG(what));
}

static bool read_ref(Parser *p, Str value, FileRef *out)
{
  Error err = {0};
  if (!file_ref_parse(p->arena, value, out, &err)) {
    complain(p, str_from(err.message));
    return false;
  }
  out->line = p->line;
  return true;
}

static void read_selector(Parser *p, Str value)
{
  Error err = {0};
  p->task->select_line = p->line;
  if (selector_ok(p->arena, value, &err))
    PUSH(p->arena, &p->task->select, value);
  else
    complain(p, str_from(err.message));
}

static void read_refs(Parser *p, Str value, FileRefList *list)
{
  bool targets = list == &p->task->each;
  if (targets && selector_searches(value)) {
    read_selector(p, value);
    return;
  }
  for (Str rest = value, piece; file_refs_next(&rest, &piece);) {
    FileRef ref;
    if (targets && selector_is(piece)) {
      read_selector(p, piece);
      continue;
    }
    if (piece.len == 0 || !read_ref(p, piece, &ref)) continue;
    if (list->len >= PLAN_MAX_TARGETS) {
      complain(p, S("too many files in one task"));
      return;
    }
    PUSH(p->arena, list, ref);
  }
}

static void read_ids(Parser *p, Str value, StrList *list)
{
  for (size_t at = 0; at < value.len;) {
    size_t end = at;
    while (end < value.len && value.ptr[end] != ',' && !isspace((unsigned char)value.ptr[end]))
      end++;
    Str id = str_sub(value, at, end);
    if (id.len && !task_id_ok(id)) {
      complain(p, str_fmt(p->arena, "`%.*s` is not a task id like T01", STR_ARG(id)));
    } else if (id.len) {
      PUSH(p->arena, list, id);
    }
    at = end + 1;
  }
}

static void read_rules(Parser *p, Str value, StrList *list)
{
  while (value.len) {
    bool quoted = value.ptr[0] == '"' && quoted_end(value) != STR_NOT_FOUND;
    size_t from = quoted ? quoted_end(value) : 0;
    size_t end = str_find_char(str_skip(value, from), ';');
    end = end == STR_NOT_FOUND ? value.len : from + end;
    Str rule = plain_value(p->arena, str_trim(str_sub(value, 0, end)));
    if (rule.len) PUSH(p->arena, list, rule);
    value = str_trim(str_skip(value, end + 1));
  }
}

static void read_flag(Parser *p, Str value, bool *out)
{
  bool yes = value.len == 0 || str_eq_nocase(value, S("yes")) || str_eq_nocase(value, S("true"));
  bool no = str_eq_nocase(value, S("no")) || str_eq_nocase(value, S("false"));
  if (!yes && !no) complain(p, str_fmt(p->arena, "`%.*s` is neither yes nor no", STR_ARG(value)));
  *out = yes;
}

static void read_place(Parser *p, Str value, TaskSpec *task)
{
  FileRef ref;
  if (!read_ref(p, value, &ref)) return;
  task->to = ref.path;
  task->to_line = ref.range.first;
  if (ref.range.last > ref.range.first) complain(p, S("`to:` takes one line, not a range"));
}

static void read_executor(Parser *p, Str value, Executor *out)
{
  if (value.len == 0 || executor_from_name(value, out)) return;
  complain(p,
           str_fmt(p->arena, "executor `%.*s` is none of model, substitute, move", STR_ARG(value)));
}

static void read_field(Parser *p, const PlanField *field, Str value)
{
  void *slot = (char *)p->task + field->offset;
  switch (field->kind) {
    case FIELD_TEXT:
      *(Str *)slot = str_dup(p->arena, plain_value(p->arena, value));
      if (slot == &p->task->replace) p->task->replace_line = p->line;
      break;
    case FIELD_REFS: read_refs(p, value, slot); break;
    case FIELD_REF:
      if (value.len) read_ref(p, value, slot);
      break;
    case FIELD_IDS:
      read_ids(p, value, slot);
      p->task->after_line = p->line;
      break;
    case FIELD_RULES: read_rules(p, value, slot); break;
    case FIELD_EXECUTOR: read_executor(p, value, slot); break;
    case FIELD_FLAG: read_flag(p, value, slot); break;
    case FIELD_PLACE:
      if (value.len) read_place(p, value, p->task);
      break;
  }
}

// ---- lines --------------------------------------------------------------------------------------

// "key: value" with a key of lower-case letters, '_' and '-'.
static bool split_key(Str line, Str *key, Str *value)
{
  size_t at = 0;
  while (at < line.len &&
         (islower((unsigned char)line.ptr[at]) || (at && strchr("_-", line.ptr[at]))))
    at++;
  if (at == 0 || at >= line.len || line.ptr[at] != ':' || at > 40) return false;
  if (at + 1 < line.len && !isspace((unsigned char)line.ptr[at + 1])) return false;
  *key = str_sub(line, 0, at);
  *value = str_skip(line, at + 1);
  return true;
}

static const Str front_keys[] = {S("id"), S("title"), S("request"), S("budget"), S("test")};
enum { FRONT_KEYS = sizeof(front_keys) / sizeof(front_keys[0]) };

static void keep_unknown(Parser *p, Str key, Str value, const Str *names, size_t count)
{
  Str near = nearest_name(key, names, count);
  plan_problem(p->arena, p->problems, p->line, true,
               "unknown key `%.*s` is kept and not used%s%.*s%s", STR_ARG(key),
               near.len ? "; did you mean `" : "", STR_ARG(near), near.len ? "`?" : "");
  if (!p->unknown) p->unknown = value_map(p->arena);
  value_set(p->unknown, key, value_str(p->arena, plain_value(p->arena, value)))->line = p->line;
}

static void unknown_field(Parser *p, Str key, Str value)
{
  Str names[32];
  for (size_t i = 0; i < plan_field_count; i++) names[i] = plan_fields[i].name;
  keep_unknown(p, key, value, names, plan_field_count);
  p->task->unknown = p->unknown;
}

static Nano read_budget(Parser *p, Str value)
{
  if (value.len == 0 || str_eq(value, S("none"))) return NANO_UNKNOWN;
  Nano amount = money_parse(value);
  if (amount == NANO_UNKNOWN) {
    complain(p, str_fmt(p->arena, "budget `%.*s` is not an amount like 0.60", STR_ARG(value)));
  }
  return amount;
}

static void front_line(Parser *p, Str line)
{
  Str key, raw, text = str_trim(line);
  if (text.len == 0 || text.ptr[0] == '#') return;
  if (!split_key(line, &key, &raw)) {
    complain(p,
             S("front matter takes `key: value` lines only; it ends with a line of three dashes"));
    return;
  }
  Str value = clean_value(raw), plain = plain_value(p->arena, value);
  uint64_t id = 0;
  if (str_eq(key, S("title")))
    p->plan->title = plain;
  else if (str_eq(key, S("request")))
    p->plan->request = plain;
  else if (str_eq(key, S("test")))
    p->plan->test = plain;
  else if (str_eq(key, S("budget")))
    p->plan->budget = read_budget(p, value);
  else if (!str_eq(key, S("id")))
    keep_unknown(p, key, value, front_keys, FRONT_KEYS);
  else if (!str_to_u64(value, &id) || id > INT64_MAX)
    complain(p, S("`id:` is not a number"));
  else
    p->plan->id = (int64_t)id;
}

static void end_text(Parser *p, const char *end)
{
  if (!p->text_start) return;
  Str text = str_trim((Str){p->text_start, (size_t)(end - p->text_start)});
  if (p->part == PART_BODY && p->task) p->task->body = text;
  if (p->part == PART_PREAMBLE) p->plan->preamble = text;
  p->text_start = NULL;
  bool open = p->markdown.fence || p->markdown.comment;
  if (open) {
    plan_problem(p->arena, p->problems, p->markdown.opened, false,
                 "this %s is never closed, so every task below it would be swallowed",
                 p->markdown.fence ? "code fence" : "comment");
  }
}

static void start_text(Parser *p, Part part, const char *at)
{
  p->part = part;
  p->text_start = at;
  p->markdown = (MarkdownState){0};
}

static bool take_pilot(Str *title)
{
  if (!str_starts(*title, S("[pilot]"))) return false;
  *title = str_trim(str_skip(*title, 7));
  return true;
}

static void start_task(Parser *p, Str id, Str title)
{
  TaskSpec task = {.id = id, .line = p->line};
  task.pilot = take_pilot(&title);
  task.title = title;
  if (p->plan->tasks.len >= PLAN_MAX_TASKS) {
    complain(p, S("too many tasks in one plan"));
    p->part = PART_BODY;
    return;
  }
  PUSH(p->arena, &p->plan->tasks, task);
  p->task = &p->plan->tasks.items[p->plan->tasks.len - 1];
  p->part = PART_FIELDS;
  p->list = NULL;
  p->unknown = NULL;
  p->seen = 0;
}

static bool repeatable(FieldKind kind)
{
  return kind == FIELD_REFS || kind == FIELD_RULES || kind == FIELD_IDS;
}

// "- item" under a list field with nothing on its own line, indented or, as in YAML, not.
static bool list_line(Parser *p, Str line)
{
  Str text = str_trim(line);
  bool item = p->list && str_starts(text, S("- "));
  if (item) read_field(p, p->list, clean_value(str_skip(text, 2)));
  return item;
}

// False when [line] is no field: the body begins with it.
static bool field_line(Parser *p, Str line)
{
  Str key, raw;
  if (list_line(p, line)) return true;
  p->list = NULL;
  if (!split_key(line, &key, &raw)) return false;
  const PlanField *field = plan_field(key);
  Str value = clean_value(raw);
  if (!field) {
    unknown_field(p, key, value);
    return true;
  }
  uint32_t bit = 1u << (field - plan_fields);
  if ((p->seen & bit) && !repeatable(field->kind)) {
    plan_problem(p->arena, p->problems, p->line, true, "`%.*s` is given twice; the last one counts",
                 STR_ARG(key));
  }
  p->seen |= bit;
  read_field(p, field, value);
  if (value.len == 0 && repeatable(field->kind)) p->list = field;
  return true;
}

// `dd` on a heading that is not folded leaves the fields below it to the task above.
static void check_orphan(Parser *p, Str line)
{
  Str key, raw;
  if (!split_key(line, &key, &raw) || !(str_eq(key, S("files")) || str_eq(key, S("each")))) return;
  plan_problem(
      p->arena, p->problems, p->line, true,
      "`%.*s:` is part of the text above: its heading is missing, or a blank line is too many",
      STR_ARG(key));
}

// A heading that is nearly a task's would go to a model as part of the body before it: say so.
static void text_line(Parser *p, Str line)
{
  bool hidden = p->markdown.fence || p->markdown.comment;
  if (!hidden) check_orphan(p, line);
  Str text = str_trim(str_skip(line, 3));
  Str first = str_sub(text, 0, str_find_char(text, ' '));
  bool likely = first.len > 1 && first.len < 12 && isdigit((unsigned char)first.ptr[first.len - 1]);
  if (!hidden && str_starts(line, S("## ")) && likely) {
    plan_problem(p->arena, p->problems, p->line, true,
                 "`%.*s` is no task id like T01, so this heading is part of the text above",
                 STR_ARG(first));
  }
  markdown_line(&p->markdown, line, p->line);
}

static void any_line(Parser *p, Str line)
{
  Str id, title;
  bool hidden = p->markdown.fence || p->markdown.comment;
  if (p->part == PART_FRONT) {
    bool ends = str_eq(str_trim_end(line), S("---"));
    if (!ends) front_line(p, line);
    if (ends) start_text(p, PART_PREAMBLE, line.ptr + line.len);
    if (ends) p->plan->unknown = p->unknown;
    return;
  }
  if (!hidden && task_heading(line, &id, &title)) {
    end_text(p, line.ptr);
    p->markdown = (MarkdownState){0};
    start_task(p, id, title);
    return;
  }
  if (p->part == PART_FIELDS) {
    if (str_trim(line).len && field_line(p, line)) return;
    start_text(p, PART_BODY, line.ptr);
  }
  text_line(p, line);
}

// A copy in the arena with "\r\n" as "\n", so that lines and bodies need no second thought.
static Str own_text(Arena *arena, Str text)
{
  char *out = arena_alloc(arena, text.len + 1);
  size_t len = 0;
  if (str_starts(text, S("\xef\xbb\xbf"))) text = str_skip(text, 3);
  for (size_t i = 0; i < text.len; i++) {
    if (text.ptr[i] == '\n') {
      while (len && out[len - 1] == '\r') len--;
    }
    out[len++] = text.ptr[i];
  }
  return (Str){out, len};
}

static bool readable(Arena *arena, Str text, PlanProblemList *problems)
{
  const char *why = text.len > PLAN_MAX_BYTES ? "the plan file is larger than 8 MiB"
                    : !str_is_utf8(text)      ? "the plan file is not UTF-8 text"
                    : text.len && memchr(text.ptr, 0, text.len) ? "the plan file has a NUL byte"
                                                                : NULL;
  if (why) plan_problem(arena, problems, 1, false, "%s", why);
  return !why;
}

bool plan_parse(Arena *arena, Str text, Plan *out, PlanProblemList *problems)
{
  size_t errors = problems->errors;
  *out = (Plan){.budget = NANO_UNKNOWN};
  if (!readable(arena, text, problems)) return false;
  Str rest = own_text(arena, text), line;
  Parser p = {.arena = arena, .plan = out, .problems = problems};
  const char *end = rest.ptr + rest.len;
  start_text(&p, PART_PREAMBLE, rest.ptr);
  while (str_line(&rest, &line)) {
    p.line++;
    if (p.line == 1 && str_eq(str_trim_end(line), S("---"))) {
      p.part = PART_FRONT;
      continue;
    }
    any_line(&p, line);
  }
  if (p.part == PART_FRONT) {
    plan_problem(arena, problems, 1, false,
                 "the front matter never ends: a line of three dashes is missing");
  }
  end_text(&p, end);
  return problems->errors == errors;
}
