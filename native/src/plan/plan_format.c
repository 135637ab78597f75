// plan_format.c: a plan as its file. What a model wrote passes through here, so nothing in a
// title, value or body may come back as another task, field or comment when the file is read
// again.
#include "plan/file_ref.h"
#include "plan/plan_fields.h"

#include "base/buf.h"

// Read back as it is, without quotes?
static bool plain_ok(Str value, char also)
{
  if (value.len && value.ptr[0] == '"') return false;
  if (!str_eq(str_trim(value), value)) return false;
  for (size_t i = 0; i < value.len; i++) {
    unsigned char c = (unsigned char)value.ptr[i];
    if (c < 0x20 || c == 0x7f || (also && value.ptr[i] == also)) return false;
    if (c == '#' && (i == 0 || value.ptr[i - 1] == ' ')) return false;
  }
  return true;
}

static Str value_text(Arena *arena, Str value, char also)
{
  return plain_ok(value, also) ? value : quote(arena, value);
}

static void add_text(Arena *arena, Buf *out, Str key, Str value)
{
  Str text = value_text(arena, value, 0);
  buf_fmt(out, "%.*s:%s%.*s\n", STR_ARG(key), text.len ? " " : "", STR_ARG(text));
}

static Str one_line(Arena *arena, Str text)
{
  char *out = str_z(arena, str_trim(text));
  for (char *c = out; *c; c++) {
    if ((unsigned char)*c < 0x20) *c = ' ';
  }
  return str_trim(str_from(out));
}

// ---- fields -------------------------------------------------------------------------------------

enum { LIST_ON_ONE_LINE = 3 };  // more files than this go below each other

// What a selector found is not written: the selector is.
static FileRefList written_refs(Arena *arena, const FileRefList *refs)
{
  FileRefList out = {0};
  for (size_t i = 0; i < refs->len; i++) {
    if (!refs->items[i].selected) PUSH(arena, &out, refs->items[i]);
  }
  return out;
}

static void add_refs(Arena *arena, Buf *out, Str key, const FileRefList *all)
{
  FileRefList written = written_refs(arena, all);
  const FileRefList *refs = &written;
  bool tall = refs->len > LIST_ON_ONE_LINE;
  if (refs->len == 0) return;
  buf_fmt(out, "%.*s:", STR_ARG(key));
  for (size_t i = 0; i < refs->len; i++) {
    Str ref = file_ref_format(arena, &refs->items[i]);
    buf_fmt(out, "%s%.*s", tall ? "\n  - " : i ? ", " : " ", STR_ARG(ref));
  }
  buf_add_char(out, '\n');
}

static void add_rules(Arena *arena, Buf *out, Str key, const StrList *rules)
{
  for (size_t i = 0; i < rules->len; i++) {
    Str text = value_text(arena, rules->items[i], ';');
    buf_fmt(out, "%.*s: %.*s\n", STR_ARG(key), STR_ARG(text));
  }
}

static void add_field(Arena *arena, Buf *out, const TaskSpec *task, const PlanField *field)
{
  const void *slot = (const char *)task + field->offset;
  const StrList *ids = slot;
  FileRef place = {.path = task->to, .range = {task->to_line, task->to_line}};
  const FileRef *ref = field->kind == FIELD_PLACE ? &place : slot;
  for (size_t i = 0; slot == &task->each && i < task->select.len; i++)
    buf_fmt(out, "each: %.*s\n", STR_ARG(task->select.items[i]));
  switch (field->kind) {
    case FIELD_TEXT:
      if (((const Str *)slot)->ptr) add_text(arena, out, field->name, *(const Str *)slot);
      break;
    case FIELD_REFS: add_refs(arena, out, field->name, slot); break;
    case FIELD_PLACE:
    case FIELD_REF:
      if (!ref->path.len) break;
      buf_fmt(out, "%.*s: %.*s\n", STR_ARG(field->name), STR_ARG(file_ref_format(arena, ref)));
      break;
    case FIELD_IDS:
      if (!ids->len) break;
      buf_fmt(out, "%.*s: %.*s\n", STR_ARG(field->name), STR_ARG(str_join(arena, ids, S(", "))));
      break;
    case FIELD_RULES: add_rules(arena, out, field->name, slot); break;
    case FIELD_EXECUTOR:
      if (task->executor == EXECUTOR_MODEL) break;
      buf_fmt(out, "executor: %.*s\n", STR_ARG(executor_name(task->executor)));
      break;
    case FIELD_FLAG:
      if (*(const bool *)slot) buf_fmt(out, "%.*s: yes\n", STR_ARG(field->name));
      break;
  }
}

static void add_unknown(Arena *arena, Buf *out, const Value *unknown)
{
  for (VALUE_EACH (item, unknown)) add_text(arena, out, item->key, value_to_str(item, STR_NONE));
}

// ---- bodies -------------------------------------------------------------------------------------

// Writes [body] so that it ends where it ends: a heading that would start a task is indented by a
// blank (Markdown's meaning stays), an open fence or comment is closed.
static void add_body(Buf *out, Str body)
{
  MarkdownState state = {0};
  Str id, title, rest = str_trim_end(body), line;
  while (rest.len && rest.ptr[0] == '\n') rest = str_skip(rest, 1);
  while (str_line(&rest, &line)) {
    bool hidden = state.fence || state.comment;
    if (!hidden && task_heading(line, &id, &title)) buf_add_char(out, ' ');
    markdown_line(&state, line, 0);
    buf_add(out, line);
    buf_add_char(out, '\n');
  }
  if (state.comment) buf_add(out, S("-->\n"));
  for (size_t i = 0; state.fence && i < state.fence_len; i++) buf_add_char(out, state.fence);
  if (state.fence) buf_add_char(out, '\n');
}

static void add_task(Arena *arena, Buf *out, const TaskSpec *task)
{
  Str title = one_line(arena, task->title);
  while (!task->pilot && str_starts(title, S("[pilot]"))) title = str_trim(str_skip(title, 7));
  buf_fmt(out, "\n## %.*s%s%s%.*s\n", STR_ARG(task->id), task->pilot ? " [pilot]" : "",
          title.len ? " " : "", STR_ARG(title));
  for (size_t i = 0; i < plan_field_count; i++) add_field(arena, out, task, &plan_fields[i]);
  add_unknown(arena, out, task->unknown);
  if (str_trim(task->body).len == 0) return;
  buf_add_char(out, '\n');
  add_body(out, task->body);
}

static void add_front(Arena *arena, Buf *out, const Plan *plan)
{
  buf_add(out, S("---\n"));
  if (plan->id) buf_fmt(out, "id: %lld\n", (long long)plan->id);
  if (plan->title.len) add_text(arena, out, S("title"), plan->title);
  if (plan->request.len) add_text(arena, out, S("request"), plan->request);
  if (plan->budget >= 0) buf_fmt(out, "budget: %.*s\n", STR_ARG(money_plain(arena, plan->budget)));
  if (plan->test.len) {
    Str test = value_text(arena, plan->test, 0);
    buf_fmt(out, "test: %.*s  # runs only after `trust`\n", STR_ARG(test));
  }
  add_unknown(arena, out, plan->unknown);
  buf_add(out, S("---\n"));
}

Str plan_format(Arena *arena, const Plan *plan)
{
  Buf out;
  buf_init(&out, PLAN_MAX_BYTES * 2);
  add_front(arena, &out, plan);
  if (plan->preamble.len) {
    buf_add_char(&out, '\n');
    add_body(&out, plan->preamble);
  }
  for (size_t i = 0; i < plan->tasks.len; i++) add_task(arena, &out, &plan->tasks.items[i]);
  Str text = str_dup(arena, buf_str(&out));
  buf_deinit(&out);
  return text;
}
