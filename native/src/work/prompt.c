// prompt.c: what the models are sent. The worker's words and the reads that every task shares
// come first and are the same to the byte for all tasks of a plan, so that the provider's cache
// pays for them once; what is the task's own follows as one message:
//
//   system   native/prompts/worker.md
//   shared   <read> of the ranges that all model tasks of the plan read
//   message  <read> of the others, <change> of the files, then title, body and accept lines
//
// Files are shown by range, without line numbers, between tags that say the path.
#include "work/prompt.h"

#include "base/buf.h"
#include "base/embedded.h"
#include "lib/json.h"
#include "plan/plan_fields.h"
#include "work/brief_like.h"

enum {
  PROMPT_MAX_BYTES = 64 << 20,
  WORKER_MIN_OUTPUT = 4000,  // tokens
  WORKER_MAX_OUTPUT = 32000,
  VERIFIER_OUTPUT = 8000,
  NUMBERED_MIN = 2,  // targets, to be told by the one before
};

static Str embedded(Str name)
{
  Str text = STR_NONE;
  embedded_find(gen_work, name, &text);
  return str_trim(text);
}

Str prompt_words(Str role)
{
  if (str_eq(role, S("plan"))) return embedded(S("prompts/planner.md"));
  return embedded(str_eq(role, S("verify")) ? S("prompts/verifier.md") : S("prompts/worker.md"));
}

// ---- shown text ---------------------------------------------------------------------------------

static const ShownFile *shown_find(const ShownList *list, Str path)
{
  for (size_t i = 0; i < list->len; i++) {
    if (str_eq(list->items[i].path, path)) return &list->items[i];
  }
  return NULL;
}

// The bytes of lines [range] of [text], without splitting all of it.
static Str lines_of(Str text, Range range)
{
  if (range_is_whole(range)) return text;
  size_t line = 1, from = 0;
  while (from < text.len && line < range.first) line += text.ptr[from++] == '\n';
  size_t to = from;
  while (to < text.len && line <= range.last) line += text.ptr[to++] == '\n';
  return str_sub(text, from, to);
}

static void add_shown(Buf *out, const char *tag, const FileRef *ref, const ShownFile *file)
{
  buf_fmt(out, "<%s path=\"%.*s\"", tag, STR_ARG(ref->path));
  if (!file || !file->exists) {
    buf_add(out, S(" new>\n"));
  } else {
    Str text = lines_of(file->text, ref->range);
    if (!range_is_whole(ref->range))
      buf_fmt(out, " lines=\"%zu-%zu\"", ref->range.first, ref->range.last);
    buf_add(out, S(">\n"));
    buf_add(out, text);
    if (text.len && text.ptr[text.len - 1] != '\n') buf_add_char(out, '\n');
  }
  buf_fmt(out, "</%s>\n", tag);
}

static bool same_ref(const FileRef *a, const FileRef *b)
{
  return str_eq(a->path, b->path) && a->range.first == b->range.first &&
         a->range.last == b->range.last;
}

static bool reads(const TaskSpec *task, const FileRef *ref)
{
  for (size_t i = 0; i < task->read.len; i++) {
    if (same_ref(&task->read.items[i], ref)) return true;
  }
  return false;
}

// Read by every task that a model does, and by more than one call: worth the shared prefix.
static bool read_by_all(const Plan *plan, const FileRef *ref)
{
  size_t calls = 0;
  for (size_t i = 0; i < plan->tasks.len; i++) {
    const TaskSpec *task = &plan->tasks.items[i];
    if (task->executor != EXECUTOR_MODEL) continue;
    if (!reads(task, ref)) return false;
    calls += task->each.len ? task->each.len : 1;
  }
  return calls > 1;
}

// ---- the worker ---------------------------------------------------------------------------------

static void add_reads(Buf *out, const Plan *plan, const TaskSpec *task, const ShownList *read,
                      bool shared)
{
  for (size_t i = 0; i < task->read.len; i++) {
    const FileRef *ref = &task->read.items[i];
    if (read_by_all(plan, ref) == shared) add_shown(out, "read", ref, shown_find(read, ref->path));
  }
}

// The title that all targets of an `each` share: theirs without the place behind it.
static Str shared_title(Arena *arena, const TaskSpec *task)
{
  if (!task->files.len) return task->title;
  Str ref = file_ref_format(arena, &task->files.items[0]);
  Str tail = str_cat(arena, S(": "), ref);
  return str_ends(task->title, tail) ? str_sub(task->title, 0, task->title.len - tail.len)
                                     : task->title;
}

// Without a planner the title is the instruction's first words: said once is enough.
static bool repeats_title(Arena *arena, const TaskSpec *task, Str body)
{
  Str title = shared_title(arena, task);
  if (str_ends(title, S("..."))) title.len -= 3;
  return title.len && str_starts(body, title);
}

static void add_task_text(Arena *arena, Buf *out, const TaskSpec *task)
{
  Str body = body_without_comments(arena, task->body);
  bool once = repeats_title(arena, task, body);
  buf_fmt(out, "\nTask: %.*s\n", STR_ARG(once ? body : task->title));
  if (body.len && !once) {
    buf_add(out, body);
    buf_add_char(out, '\n');
  }
  if (task->create)
    buf_add(out,
            S("You may also make new files; one that is there may be written anew with an empty "
              "SEARCH and all of its text.\n"));
  if (task->accept.len) buf_add(out, S("Must hold afterwards:\n"));
  for (size_t i = 0; i < task->accept.len; i++)
    buf_fmt(out, "- %.*s\n", STR_ARG(task->accept.items[i]));
}

// Room for twice what is shown, in tokens: an edit quotes some lines and writes some.
static int64_t worker_output(const TaskSpec *task, const ShownList *files)
{
  int64_t tokens = WORKER_MIN_OUTPUT;
  for (size_t i = 0; i < task->files.len; i++) {
    const ShownFile *file = shown_find(files, task->files.items[i].path);
    if (file && file->exists)
      tokens += 2 * tokens_estimate(lines_of(file->text, task->files.items[i].range));
    else
      tokens += WORKER_MIN_OUTPUT;
  }
  return tokens < WORKER_MAX_OUTPUT ? tokens : WORKER_MAX_OUTPUT;
}

static Str take(Arena *arena, Buf *buf)
{
  Str text = str_dup(arena, buf_str(buf));
  buf_deinit(buf);
  return text;
}

static void add_message(Arena *arena, ModelRequest *request, MessageRole role, Str text)
{
  ModelMessage message = {.role = role, .text = text};
  PUSH(arena, &request->messages, message);
}

void prompt_worker(Arena *arena, const Plan *plan, const TaskSpec *task, const ShownList *files,
                   const ShownList *read, ModelRequest *out)
{
  Buf shared, own;
  buf_init(&shared, PROMPT_MAX_BYTES);
  buf_init(&own, PROMPT_MAX_BYTES);
  *out = (ModelRequest){.role = S("execute"), .system = prompt_words(S("execute"))};
  out->label = str_fmt(arena, "plan %lld %.*s", (long long)plan->id, STR_ARG(task->id));
  add_reads(&shared, plan, task, read, true);
  add_reads(&own, plan, task, read, false);
  for (size_t i = 0; i < task->files.len; i++) {
    const FileRef *ref = &task->files.items[i];
    add_shown(&own, "change", ref, shown_find(files, ref->path));
  }
  add_task_text(arena, &own, task);
  out->max_output = worker_output(task, files);
  out->shared = take(arena, &shared);
  add_message(arena, out, MSG_USER, take(arena, &own));
}

void prompt_feedback(Arena *arena, ModelRequest *request, Str reply, Str problem)
{
  // an empty turn is refused by the providers
  Str said = str_trim(reply).len ? reply : S("(no answer)");
  add_message(arena, request, MSG_ASSISTANT, str_dup(arena, said));
  add_message(arena, request, MSG_USER,
              str_fmt(arena,
                      "That cannot be used, and nothing was changed:\n%.*s\nSend all blocks of the "
                      "task again, corrected.\n",
                      STR_ARG(problem)));
}

// ---- the verifier -------------------------------------------------------------------------------

static const char verdict_schema[] =
    "{\"type\":\"object\",\"properties\":{\"verdicts\":{\"type\":\"array\",\"items\":{\"type\":"
    "\"object\","
    "\"properties\":{\"task\":{\"type\":\"string\"},"
    "\"verdict\":{\"type\":\"string\",\"enum\":[\"ok\",\"doubt\",\"rejected\"]},"
    "\"reason\":{\"type\":\"string\"},\"path\":{\"type\":\"string\"},\"line\":{\"type\":"
    "\"integer\"}},"
    "\"required\":[\"task\",\"verdict\",\"reason\"]}},"
    "\"rest\":{\"type\":\"string\",\"enum\":[\"ok\"]}},"
    "\"required\":[\"verdicts\"]}";

static void add_verdict_tool(Arena *arena, ModelRequest *out)
{
  Error err = {0};
  out->tools = NEW(arena, ModelTool);
  out->tool_count = 1;
  out->tools[0] = (ModelTool){.name = S("submit_verdicts"),
                              .description = S("Call it once."),
                              .schema = json_parse(arena, str_from(verdict_schema), &err)};
}

// "T01" of "T01.7".
static Str stem_of(Str id)
{
  size_t dot = str_find_char(id, '.');
  return dot == STR_NOT_FOUND ? STR_NONE : str_sub(id, 0, dot);
}

static bool same_accept(const TaskSpec *a, const TaskSpec *b)
{
  bool same = a->accept.len == b->accept.len;
  for (size_t i = 0; same && i < a->accept.len; i++)
    same = str_eq(a->accept.items[i], b->accept.items[i]);
  return same;
}

// "7" of "T01.7".
static Str number_of(Str id)
{
  return str_skip(id, stem_of(id).len + 1);
}

// Is [other] said by [task] with its number in place of that one's?
static bool same_but_number(Arena *arena, const TaskSpec *task, const TaskSpec *other)
{
  Like like;
  like_begin(&like, arena, false);
  bool same = str_eq(stem_of(task->id), stem_of(other->id)) &&
              task->accept.len == other->accept.len && like_same(&like, task->title, other->title);
  for (size_t i = 0; same && i < task->accept.len; i++)
    same = like_same(&like, task->accept.items[i], other->accept.items[i]);
  for (size_t i = 0; same && i < like.words.len; i++) {
    const LikeWord *word = &like.words.items[i];
    same = str_eq(word->old, word->now) ||
           (str_eq(word->old, number_of(task->id)) && str_eq(word->now, number_of(other->id)));
  }
  return same;
}

// The targets after [first] that are said by it and their numbers.
static size_t add_numbered(Arena *arena, Buf *out, const TaskList *tasks, size_t first)
{
  const TaskSpec *task = &tasks->items[first];
  size_t count = 0;
  while (stem_of(task->id).len && first + count + 1 < tasks->len &&
         same_but_number(arena, task, &tasks->items[first + count + 1]))
    count++;
  if (count < NUMBERED_MIN) return 0;
  buf_fmt(out, "%.*s to %.*s: the same with their number for %.*s\n",
          STR_ARG(tasks->items[first + 1].id), STR_ARG(tasks->items[first + count].id),
          STR_ARG(number_of(task->id)));
  return count;
}

// One task, or the targets of an `each` that differ in nothing but their places or numbers; how many that were.
static size_t add_checked(Arena *arena, Buf *out, const TaskList *tasks, size_t first)
{
  const TaskSpec *task = &tasks->items[first];
  Str stem = stem_of(task->id), title = shared_title(arena, task), last_path = STR_NONE;
  size_t count = 1;
  while (stem.len && first + count < tasks->len) {
    const TaskSpec *next = &tasks->items[first + count];
    bool twin = str_eq(stem_of(next->id), stem) && same_accept(task, next) && next->files.len &&
                str_eq(shared_title(arena, next), title) && !str_eq(title, task->title);
    if (!twin) break;
    count++;
  }
  if (count == 1) title = task->title;
  buf_fmt(out, "%.*s %.*s\n", STR_ARG(count > 1 ? stem : task->id), STR_ARG(title));
  for (size_t a = 0; a < task->accept.len; a++)
    buf_fmt(out, "  - %.*s\n", STR_ARG(task->accept.items[a]));
  if (count == 1) return 1 + add_numbered(arena, out, tasks, first);
  buf_add(out, S("  targets:"));
  for (size_t i = first; i < first + count; i++) {
    FileRef ref = tasks->items[i].files.items[0];
    bool same = str_eq(ref.path, last_path);
    Str place = file_ref_format(arena, &ref);
    if (same && place.len > ref.path.len) place = str_skip(place, ref.path.len);
    buf_fmt(out, "%s %.*s %.*s", i > first ? "," : "",
            STR_ARG(str_skip(tasks->items[i].id, stem.len)), STR_ARG(place));
    last_path = ref.path;
  }
  buf_add_char(out, '\n');
  return count;
}

void prompt_verifier(Arena *arena, const Plan *plan, const TaskList *tasks,
                     const VerifierText *given, ModelRequest *out)
{
  Buf text;
  buf_init(&text, PROMPT_MAX_BYTES);
  *out = (ModelRequest){
      .role = S("verify"), .system = prompt_words(S("verify")), .max_output = VERIFIER_OUTPUT};
  out->label = str_fmt(arena, "plan %lld", (long long)plan->id);
  buf_fmt(&text, "Plan: %.*s\n", STR_ARG(plan->title));
  if (plan->request.len && !str_eq(plan->request, plan->title)) {
    buf_fmt(&text, "Asked for: %.*s\n", STR_ARG(plan->request));
  }
  buf_add(&text, S("\nTasks:\n"));
  for (size_t i = 0; i < tasks->len;) i += add_checked(arena, &text, tasks, i);
  Str test = str_trim(given->test);
  if (given->reads.len) buf_fmt(&text, "\nTo go by:\n%.*s", STR_ARG(given->reads));
  buf_fmt(&text, "\nTest: %.*s\n\nDiff:\n", STR_ARG(test.len ? test : S("none was run")));
  buf_add(&text, given->diff);
  add_message(arena, out, MSG_USER, take(arena, &text));
  add_verdict_tool(arena, out);
}

// ---- for people ---------------------------------------------------------------------------------

static void add_part(Buf *out, const char *title, Str text)
{
  if (text.len == 0) return;
  buf_fmt(out, "--- %s (%zu bytes, about %lld tokens) ---\n", title, text.len,
          (long long)tokens_estimate(text));
  buf_add(out, text);
  if (text.ptr[text.len - 1] != '\n') buf_add_char(out, '\n');
}

Str prompt_preview(Arena *arena, const ModelRequest *request)
{
  static const char *const roles[] = {
      [MSG_USER] = "message", [MSG_ASSISTANT] = "its reply", [MSG_TOOL] = "tool result"};
  Buf out;
  buf_init(&out, PROMPT_MAX_BYTES);
  buf_fmt(&out, "To %.*s/%.*s: about %lld tokens in, at most %lld out (estimate)\n",
          STR_ARG(request->provider), STR_ARG(request->model),
          (long long)request_tokens_estimate(request), (long long)request->max_output);
  add_part(&out, "instructions", request->system);
  add_part(&out, "shared by all tasks", request->shared);
  for (size_t i = 0; i < request->messages.len; i++) {
    const ModelMessage *message = &request->messages.items[i];
    add_part(&out, roles[message->role], message->text);
  }
  for (size_t i = 0; i < request->tool_count; i++) {
    buf_fmt(&out, "--- tool %.*s ---\n", STR_ARG(request->tools[i].name));
  }
  return take(arena, &out);
}
