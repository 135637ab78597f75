// verdict.c: see verdict.h.
#include "work/verdict.h"

#include "lib/json.h"

enum { REASON_MAX = 1200 };

// ---- finding the answer ------------------------------------------------------------------------------

static const Value *json_between(Arena *arena, Str text, char open, char close)
{
  size_t from = str_find_char(text, open), to = str_rfind_char(text, close);
  if (from == STR_NOT_FOUND || to == STR_NOT_FOUND || to <= from) return NULL;
  return json_parse(arena, str_sub(text, from, to + 1), NULL);
}

// The JSON inside a text that may have words and fences around it. What opens first is tried first.
static const Value *json_inside(Arena *arena, Str text)
{
  bool list_first = str_find_char(text, '[') < str_find_char(text, '{');
  const Value *list = json_between(arena, text, '[', ']');
  if (list_first && list) return list;
  const Value *map = json_between(arena, text, '{', '}');
  return map ? map : list;
}

static const Value *answer_of(Arena *arena, const AttemptReply *reply)
{
  for (size_t i = 0; i < reply->calls.len; i++) {
    const ToolCall *call = &reply->calls.items[i];
    if (value_len(call->input)) return call->input;
    if (call->broken.len) return json_inside(arena, call->broken);
  }
  return json_inside(arena, reply->text);
}

// The list of verdicts: under "verdicts", or the answer itself.
static const Value *list_of(const Value *answer)
{
  const Value *list = value_get(answer, S("verdicts"));
  return list ? list : answer;
}

// ---- one verdict -------------------------------------------------------------------------------------

static VerdictKind kind_of(Str word)
{
  static const struct {
    const char *word;
    VerdictKind kind;
  } words[] = {{"ok", VERDICT_OK},           {"pass", VERDICT_OK},
               {"passed", VERDICT_OK},       {"accepted", VERDICT_OK},
               {"approved", VERDICT_OK},     {"rejected", VERDICT_REJECTED},
               {"reject", VERDICT_REJECTED}, {"failed", VERDICT_REJECTED},
               {"fail", VERDICT_REJECTED},   {"wrong", VERDICT_REJECTED}};
  word = str_trim(word);
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
    if (str_eq_nocase(word, str_from(words[i].word))) return words[i].kind;
  }
  return VERDICT_DOUBT;
}

static bool names_task(Str said, Str id)
{
  if (str_eq_nocase(said, id)) return true;
  return id.len > said.len && said.len && str_eq_nocase(str_sub(id, 0, said.len), said) &&
         id.ptr[said.len] == '.';
}

static Str cut(Arena *arena, Str s)
{
  s = str_trim(s);
  char *line = str_z(arena, str_sub(s, 0, str_utf8_floor(s, REASON_MAX)));
  for (char *c = line; *c; c++) {
    if ((unsigned char)*c < 0x20) *c = ' ';
  }
  return str_from(line);
}

// "T01", or "T01: rename the calls"; a map's key when the answer is {"T01": "ok"}.
static Str task_said(const Value *item)
{
  Str said = str_trim(value_get_str(item, S("task"), value_get_str(item, S("id"), item->key)));
  size_t end = 0;
  while (end < said.len && said.ptr[end] != ' ' && said.ptr[end] != ':') end++;
  return str_sub(said, 0, end);
}

static VerdictRow read_item(Arena *arena, const Value *item, Str id)
{
  Str word = value_get_str(item, S("verdict"),
                           value_get_str(item, S("status"), value_to_str(item, STR_NONE)));
  Str path = value_get_str(item, S("path"), value_get_str(item, S("file"), STR_NONE));
  int64_t line = value_get_int(item, S("line"), 0);
  VerdictRow row = {
      .task = id, .kind = kind_of(word), .path = cut(arena, path), .line = line > 0 ? line : 0};
  row.reason = cut(arena, value_get_str(item, S("reason"), STR_NONE));
  if (row.kind == VERDICT_DOUBT && !row.reason.len && word.len) row.reason = cut(arena, word);
  return row;
}

static bool read_task(Arena *arena, const Value *list, Str id, VerdictRow *out)
{
  bool found = false;
  if (value_get(list, S("verdict")) &&
      names_task(task_said(list), id)) {  // one verdict, not a list
    *out = read_item(arena, list, id);
    return true;
  }
  for (VALUE_EACH (item, list)) {
    if (!names_task(task_said(item), id)) continue;
    VerdictRow row = read_item(arena, item, id);
    if (!found || row.kind > out->kind) *out = row;
    found = true;
  }
  return found;
}

bool verdict_read(Arena *arena, const TaskList *tasks, const AttemptReply *reply,
                  VerdictRowList *out)
{
  const Value *answer = answer_of(arena, reply), *list = list_of(answer);
  // "all others are ok" has to be said: silence is no verdict
  bool rest_ok = kind_of(value_get_str(answer, S("rest"), STR_NONE)) == VERDICT_OK;
  VerdictRowList rows = {0};
  size_t said = rest_ok;
  for (size_t i = 0; i < tasks->len; i++) {
    VerdictRow row = {.task = tasks->items[i].id,
                      .kind = rest_ok ? VERDICT_OK : VERDICT_DOUBT,
                      .reason = rest_ok ? STR_NONE : VERDICT_UNSAID};
    said += read_task(arena, list, row.task, &row);
    PUSH(arena, &rows, row);
  }
  for (size_t i = 0; said && i < rows.len; i++) PUSH(arena, out, rows.items[i]);
  return said > 0;
}
