// plan_fields.c: see plan_fields.h.
#include "plan/plan_fields.h"

#include <ctype.h>
#include <stddef.h>

#include "base/buf.h"

#define FIELD(key, member, type)             \
  {                                          \
    S(key), type, offsetof(TaskSpec, member) \
  }

const PlanField plan_fields[] = {
    FIELD("files", files, FIELD_REFS),
    FIELD("each", each, FIELD_REFS),
    FIELD("read", read, FIELD_REFS),
    FIELD("after", after, FIELD_IDS),
    FIELD("executor", executor, FIELD_EXECUTOR),
    FIELD("model", model, FIELD_TEXT),
    FIELD("template", template, FIELD_TEXT),
    FIELD("pattern", pattern, FIELD_TEXT),
    FIELD("replace", replace, FIELD_TEXT),
    FIELD("except", except, FIELD_TEXT),
    FIELD("word", word, FIELD_FLAG),
    FIELD("ignore_case", ignore_case, FIELD_FLAG),
    FIELD("from", from, FIELD_REF),
    FIELD("to", to, FIELD_PLACE),
    FIELD("accept", accept, FIELD_RULES),
    FIELD("check", check, FIELD_TEXT),
    FIELD("create", create, FIELD_FLAG),
};
const size_t plan_field_count = sizeof(plan_fields) / sizeof(plan_fields[0]);

const PlanField *plan_field(Str name)
{
  for (size_t i = 0; i < plan_field_count; i++) {
    if (str_eq(plan_fields[i].name, name)) return &plan_fields[i];
  }
  return NULL;
}

static const Str executors[] = {
    [EXECUTOR_MODEL] = S("model"),
    [EXECUTOR_SUBSTITUTE] = S("substitute"),
    [EXECUTOR_MOVE] = S("move"),
};

Str executor_name(Executor executor)
{
  return executors[executor];
}

bool executor_from_name(Str name, Executor *out)
{
  for (size_t i = 0; i < sizeof(executors) / sizeof(executors[0]); i++) {
    if (!str_eq(executors[i], name)) continue;
    *out = (Executor)i;
    return true;
  }
  return false;
}

void plan_problem(Arena *arena, PlanProblemList *problems, int line, bool warning,
                  const char *format, ...)
{
  va_list args;
  va_start(args, format);
  PlanProblem problem = {.line = line, .warning = warning, .text = str_vfmt(arena, format, args)};
  va_end(args);
  problems->errors += !warning;
  PUSH(arena, problems, problem);
}

static size_t count_while(Str s, size_t from, int (*is)(int))
{
  size_t at = from;
  while (at < s.len && is((unsigned char)s.ptr[at])) at++;
  return at - from;
}

bool task_id_ok(Str id)
{
  size_t letters = count_while(id, 0, isalpha);
  size_t digits = count_while(id, letters, isdigit);
  size_t at = letters + digits;
  if (letters < 1 || letters > 8 || digits < 1 || digits > 6) return false;
  at += at < id.len && islower((unsigned char)id.ptr[at]);
  if (at < id.len && id.ptr[at] == '.') {
    size_t part = count_while(id, at + 1, isdigit);
    if (part < 1 || part > 6) return false;
    at += 1 + part;
  }
  return at == id.len;
}

bool task_heading(Str line, Str *id, Str *rest)
{
  if (!str_starts(line, S("## "))) return false;
  Str text = str_trim(str_skip(line, 3));
  size_t space = str_find_char(text, ' ');
  Str first = str_sub(text, 0, space);
  if (first.len && first.ptr[first.len - 1] == ':') first.len--;
  if (!task_id_ok(first)) return false;
  *id = first;
  *rest = space == STR_NOT_FOUND ? STR_NONE : str_trim(str_skip(text, space));
  return true;
}

// The run of ` or ~ a fence line starts with; 0 when it is none.
static size_t fence_run(Str line, char *mark)
{
  size_t indent = 0, run = 0;
  while (indent < line.len && indent < 3 && line.ptr[indent] == ' ') indent++;
  Str text = str_skip(line, indent);
  if (text.len == 0 || (text.ptr[0] != '`' && text.ptr[0] != '~')) return 0;
  while (run < text.len && text.ptr[run] == text.ptr[0]) run++;
  *mark = text.ptr[0];
  bool inline_code = *mark == '`' && str_find_char(str_skip(text, run), '`') != STR_NOT_FOUND;
  return run < 3 || inline_code ? 0 : run;
}

static void comment_line(MarkdownState *state, Str line, int number)
{
  for (Str rest = line;;) {
    size_t at = str_find(rest, state->comment ? S("-->") : S("<!--"));
    if (at == STR_NOT_FOUND) return;
    state->comment = !state->comment;
    if (state->comment) state->opened = number;
    rest = str_skip(rest, at + (state->comment ? 4 : 3));
  }
}

void markdown_line(MarkdownState *state, Str line, int number)
{
  char mark = 0;
  size_t run = state->comment ? 0 : fence_run(line, &mark);
  if (state->fence) {
    bool closes = run >= state->fence_len && mark == state->fence && str_trim(line).len == run;
    if (closes) state->fence = 0;
  } else if (run) {
    *state = (MarkdownState){.fence = mark, .fence_len = run, .opened = number};
  } else {
    comment_line(state, line, number);
  }
}

// Adds what of [line] is outside comments; [inside] says whether it starts in one.
static void add_visible(Buf *out, Str line, bool inside)
{
  while (line.len) {
    size_t at = str_find(line, inside ? S("-->") : S("<!--"));
    if (!inside) buf_add(out, str_sub(line, 0, at));
    if (at == STR_NOT_FOUND) return;
    line = str_skip(line, at + (inside ? 3 : 4));
    inside = !inside;
  }
}

Str body_without_comments(Arena *arena, Str body)
{
  if (!str_has(body, S("<!--"))) return str_trim(body);
  Buf out;
  buf_init(&out, body.len + 1);
  MarkdownState state = {0};
  for (Str rest = body, line; str_line(&rest, &line);) {
    MarkdownState before = state;
    size_t start = out.len;
    markdown_line(&state, line, 0);
    if (before.fence || state.fence) {
      buf_add(&out, line);
    } else {
      add_visible(&out, line, before.comment);
    }
    // a line that was nothing but comment leaves no empty line behind
    bool vanished = str_trim(line).len > 0 && str_trim(str_skip(buf_str(&out), start)).len == 0;
    if (vanished) {
      out.len = start;
    } else if (rest.len) {
      buf_add_char(&out, '\n');
    }
  }
  Str text = str_trim(str_dup(arena, buf_str(&out)));
  buf_deinit(&out);
  return text;
}
