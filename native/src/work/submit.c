// submit.c: see submit.h. Lenient in form (a text where a list is wanted, a missing id), strict
// in content.
#include "work/submit.h"

#include "lib/json.h"
#include "plan/file_ref.h"
#include "plan/plan_fields.h"
#include "plan/selector.h"

enum {
  SUBMIT_MAX_TASKS = 500,
  TITLE_BYTES = 200,
  REASON_BYTES = 1000,
  ANSWER_PROBLEMS = 30,  // more are counted
};

#define STRINGS "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"
#define STRING(what) "{\"type\":\"string\",\"description\":\"" what "\"}"

static const char schema[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"unsuitable\":" STRING("why; then nothing else") ","
    "\"title\":{\"type\":\"string\"},"
    "\"tasks\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
    "\"id\":" STRING("T01, T02 ...") ","
    "\"title\":{\"type\":\"string\"},"
    "\"pilot\":{\"type\":\"boolean\"},"
    "\"executor\":{\"type\":\"string\",\"enum\":[\"model\",\"substitute\",\"move\"]},"
    "\"files\":" STRINGS ",\"each\":" STRINGS ",\"read\":" STRINGS ","
    "\"after\":" STRINGS ",\"accept\":" STRINGS ","
    "\"body\":{\"type\":\"string\"},"
    "\"pattern\":{\"type\":\"string\"},\"replace\":{\"type\":\"string\"},"
    "\"except\":{\"type\":\"string\"},"
    "\"word\":{\"type\":\"boolean\"},"
    "\"from\":" STRING("path:FIRST-LAST") ",\"to\":" STRING("path or path:LINE")
    "},\"required\":[\"id\",\"title\"]}}}}";

ModelTool submit_tool(Arena *arena)
{
  Error err = {0};
  return (ModelTool){.name = S("submit_plan"),
                     .description = S("The plan, or why there is none. Call it once."),
                     .schema = json_parse(arena, str_from(schema), &err)};
}

typedef struct {
  Arena *arena;
  PlanProblemList *problems;
  TaskSpec *task;
} Reader;

static void bad(Reader *r, Str what)
{
  plan_problem(r->arena, r->problems, r->task->line, false, "%.*s: %.*s", STR_ARG(r->task->id),
               STR_ARG(what));
}

static void read_ref(Reader *r, Str text, FileRef *out)
{
  Error err = {0};
  if (!file_ref_parse(r->arena, text, out, &err)) bad(r, str_from(err.message));
  out->line = r->task->line;
}

static void read_selector(Reader *r, Str text)
{
  Error err = {0};
  r->task->select_line = r->task->line;
  if (selector_ok(r->arena, text, &err))
    PUSH(r->arena, &r->task->select, text);
  else
    bad(r, str_from(err.message));
}

// `each`: files and selectors, as a list or as one text.
static void read_targets(Reader *r, const Value *value, FileRefList *out)
{
  Str one = value_to_str(value, STR_NONE), piece;
  bool whole = selector_searches(one);
  if (whole) read_selector(r, one);
  StrList texts = {0};
  while (!whole && file_refs_next(&one, &piece)) PUSH(r->arena, &texts, piece);
  for (VALUE_EACH (item, value)) PUSH(r->arena, &texts, value_to_str(item, STR_NONE));
  for (size_t i = 0; i < texts.len && i < PLAN_MAX_TARGETS; i++) {
    FileRef ref;
    Str text = str_trim(texts.items[i]);
    if (selector_is(text)) {
      read_selector(r, text);
      continue;
    }
    read_ref(r, text, &ref);
    PUSH(r->arena, out, ref);
  }
}

// A list of texts, or one text with commas where a list belongs.
static void read_refs(Reader *r, const Value *value, FileRefList *out)
{
  Str rest = value_to_str(value, STR_NONE), piece;
  while (file_refs_next(&rest, &piece)) {
    FileRef ref;
    read_ref(r, piece, &ref);
    PUSH(r->arena, out, ref);
  }
  for (VALUE_EACH (item, value)) {
    FileRef ref;
    read_ref(r, value_to_str(item, STR_NONE), &ref);
    if (out->len < PLAN_MAX_TARGETS) PUSH(r->arena, out, ref);
  }
}

static void read_strings(Reader *r, const Value *value, StrList *out)
{
  if (value_is(value, VALUE_STR) && value->str.len) PUSH(r->arena, out, value->str);
  for (VALUE_EACH (item, value)) {
    Str text = str_trim(value_to_str(item, STR_NONE));
    if (text.len) PUSH(r->arena, out, text);
  }
}

static void read_ids(Reader *r, const Value *value, StrList *out)
{
  read_strings(r, value, out);
  for (size_t i = 0; i < out->len; i++) {
    if (!task_id_ok(out->items[i]))
      bad(r, str_fmt(r->arena, "after: `%.*s` is no task id", STR_ARG(out->items[i])));
  }
}

static void read_place(Reader *r, Str text)
{
  FileRef ref;
  if (text.len == 0) return;
  read_ref(r, text, &ref);
  r->task->to = ref.path;
  r->task->to_line = ref.range.first;
}

static void read_executor(Reader *r, Str text)
{
  if (text.len && !executor_from_name(text, &r->task->executor)) {
    bad(r, str_fmt(r->arena, "executor `%.*s` is none of model, substitute, move", STR_ARG(text)));
  }
}

static bool from_model(const PlanField *field)
{
  // commands are never a model's to give; who does a task, what it may make beside its files and which of their
  // templates says so is the user's
  static const Str not_models[] = {S("check"), S("model"), S("create"), S("template")};
  for (size_t i = 0; i < sizeof(not_models) / sizeof(not_models[0]); i++) {
    if (str_eq(field->name, not_models[i])) return false;
  }
  return true;
}

static void read_field(Reader *r, const PlanField *field, const Value *value)
{
  void *slot = (char *)r->task + field->offset;
  Str text = value_to_str(value, STR_NONE);
  switch (field->kind) {
    case FIELD_TEXT: *(Str *)slot = text.len || !value_is(value, VALUE_STR) ? text : S(""); break;
    case FIELD_REFS:
      if (slot == &r->task->each)
        read_targets(r, value, slot);
      else
        read_refs(r, value, slot);
      break;
    case FIELD_REF:
      if (text.len) read_ref(r, text, slot);
      break;
    case FIELD_IDS: read_ids(r, value, slot); break;
    case FIELD_RULES: read_strings(r, value, slot); break;
    case FIELD_EXECUTOR: read_executor(r, text); break;
    case FIELD_FLAG: *(bool *)slot = value_to_bool(value, false); break;
    case FIELD_PLACE: read_place(r, text); break;
  }
}

// Lines and tabs are all the layout a specification needs.
static Str plain_lines(Arena *arena, Str text)
{
  char *out = str_z(arena, text);
  size_t len = 0;
  for (const char *c = out; *c; c++) {
    if ((unsigned char)*c >= 0x20 || *c == '\n' || *c == '\t') out[len++] = *c;
  }
  return (Str){out, len};
}

static Str short_line(Arena *arena, Str text, size_t max)
{
  char *line = str_z(arena, str_trim(text));
  for (char *c = line; *c; c++) {
    if ((unsigned char)*c < 0x20) *c = ' ';
  }
  Str out = str_from(line);
  return str_sub(out, 0, str_utf8_floor(out, max));
}

// An empty text and an absent one are the same to many models, except where an empty replacement
// deletes.
static void tidy(Arena *arena, TaskSpec *task)
{
  bool substitutes = task->executor == EXECUTOR_SUBSTITUTE;
  if (!task->pattern.len) task->pattern = STR_NONE;
  if (!task->except.len) task->except = STR_NONE;
  if (!task->replace.len && !substitutes) task->replace = STR_NONE;
  for (size_t i = 0; i < task->accept.len; i++)
    task->accept.items[i] = short_line(arena, task->accept.items[i], task->accept.items[i].len);
  if (str_starts(task->title, S("[pilot]"))) task->title = str_trim(str_skip(task->title, 7));
}

static void read_task(Arena *arena, const Value *value, size_t number, TaskSpec *task,
                      PlanProblemList *problems)
{
  *task = (TaskSpec){.line = (int)number};
  task->id = value_get_str(value, S("id"), STR_NONE);
  if (task->id.len == 0) task->id = str_fmt(arena, "T%02zu", number);
  Reader reader = {arena, problems, task};
  if (!task_id_ok(task->id)) {
    Str given = task->id;
    task->id = str_fmt(arena, "T%02zu", number);
    bad(&reader, str_fmt(arena, "its id `%.*s` is not like T01", STR_ARG(str_sub(given, 0, 40))));
  }
  task->title = short_line(arena, value_get_str(value, S("title"), STR_NONE), TITLE_BYTES);
  task->body = plain_lines(arena, value_get_str(value, S("body"), STR_NONE));
  task->pilot = value_get_bool(value, S("pilot"), false);
  for (size_t i = 0; i < plan_field_count; i++) {
    const Value *field = value_get(value, plan_fields[i].name);
    if (field && from_model(&plan_fields[i])) read_field(&reader, &plan_fields[i], field);
  }
  tidy(arena, task);
}

bool submission_read(Arena *arena, const Value *input, Submission *out, PlanProblemList *problems)
{
  *out = (Submission){.plan = {.budget = NANO_UNKNOWN}};
  const Value *tasks = value_get(input, S("tasks"));
  Str reason = str_trim(value_get_str(input, S("unsuitable"), STR_NONE));
  if (reason.len && value_len(tasks) == 0) {
    out->unsuitable = true;
    out->reason = short_line(arena, reason, REASON_BYTES);
    return true;
  }
  size_t errors = problems->errors, number = 0;
  out->plan.title = short_line(arena, value_get_str(input, S("title"), STR_NONE), TITLE_BYTES);
  if (value_len(tasks) == 0)
    plan_problem(arena, problems, 0, false, "`tasks` is empty or not a list");
  if (value_len(tasks) > SUBMIT_MAX_TASKS) {
    plan_problem(arena, problems, 0, false, "%zu tasks are too many; use `each`", value_len(tasks));
    return false;
  }
  for (VALUE_EACH (item, tasks)) {
    TaskSpec task;
    read_task(arena, item, ++number, &task, problems);
    PUSH(arena, &out->plan.tasks, task);
  }
  return problems->errors == errors;
}

Str submission_answer(Arena *arena, const PlanProblemList *problems)
{
  Buf out;
  buf_init(&out, 32 * 1024);
  size_t shown = 0;
  buf_add(&out, S("The plan cannot be used as it is:\n"));
  for (size_t i = 0; i < problems->len; i++) {
    if (problems->items[i].warning || shown++ >= ANSWER_PROBLEMS) continue;
    buf_fmt(&out, "- %.*s\n", STR_ARG(problems->items[i].text));
  }
  if (shown > ANSWER_PROBLEMS) buf_fmt(&out, "- and %zu more\n", shown - ANSWER_PROBLEMS);
  buf_add(&out, S("Correct exactly this and call submit_plan again with the whole plan.\n"));
  Str text = str_dup(arena, buf_str(&out));
  buf_deinit(&out);
  return text;
}
