// tools.c: the table of tools, their budget, and the two simple ones. Search and outline have
// their own files.
#include "plan/tools.h"

#include <ctype.h>
#include <fnmatch.h>

#include "lib/fs.h"
#include "lib/json.h"
#include "patch/patch.h"

enum {
  LIST_MAX = 400,  // more files are counted by directory
  READ_LINES = 400,
  CALL_COST = 16,  // bytes of budget that a call costs beside its result
};

// ---- list_files ---------------------------------------------------------------------------------

bool glob_match(Arena *arena, Str glob, Str path)
{
  if (glob.len == 0) return true;
  bool whole = str_find_char(glob, '/') != STR_NOT_FOUND;
  if (!whole) return fnmatch(str_z(arena, glob), str_z(arena, path_base(path)), 0) == 0;
  // fnmatch's '*' spans '/', so "**/" is "*" that may be empty
  Buf pattern;
  buf_init(&pattern, glob.len + 1);
  for (size_t i = 0; i < glob.len; i++) {
    bool deep = str_starts(str_skip(glob, i), S("**/"));
    buf_add_char(&pattern, deep ? '*' : glob.ptr[i]);
    i += deep ? 2 : 0;
  }
  Str text = buf_take(&pattern, arena);
  return fnmatch(str_z(arena, text), str_z(arena, path), 0) == 0;
}

static void list_by_directory(ToolRun *run, const StrList *files, Str under)
{
  size_t at = 0;
  buf_fmt(&run->out, "%zu files; by directory:\n", files->len);
  while (at < files->len) {
    Str rest = str_skip(files->items[at], under.len);
    while (rest.len && rest.ptr[0] == '/') rest = str_skip(rest, 1);
    size_t slash = str_find_char(rest, '/'), count = 0;
    size_t len = slash == STR_NOT_FOUND ? files->items[at].len
                                        : (size_t)(rest.ptr - files->items[at].ptr) + slash + 1;
    Str prefix = str_sub(files->items[at], 0, len);
    while (at + count < files->len && str_starts(files->items[at + count], prefix)) count++;
    if (slash == STR_NOT_FOUND) count = 1;
    if (slash == STR_NOT_FOUND)
      buf_fmt(&run->out, "%.*s\n", STR_ARG(prefix));
    else
      buf_fmt(&run->out, "%.*s %zu files\n", STR_ARG(prefix), count);
    at += count;
  }
}

static ToolStep tool_list(ToolRun *run)
{
  Project *project = run->box->project;
  Str under = value_get_str(run->call->input, S("under"), STR_NONE),
      glob = value_get_str(run->call->input, S("glob"), STR_NONE);
  StrList all = {0}, found = {0};
  Error err = {0};
  while (str_ends(under, S("/"))) under.len--;
  if (str_eq(under, S("."))) under = STR_NONE;
  if (!project_files(project, &run->arena, under, &all, &err))
    return tool_fail(run, "%s", err.message);
  for (size_t i = 0; i < all.len; i++) {
    if (glob_match(&run->arena, glob, all.items[i])) PUSH(&run->arena, &found, all.items[i]);
  }
  if (found.len == 0) return tool_fail(run, "no file that may be shown matches");
  if (found.len > LIST_MAX) {
    list_by_directory(run, &found, under);
    return TOOL_DONE;
  }
  for (size_t i = 0; i < found.len; i++) {
    FsStat stat = fs_stat(project_absolute(project, &run->arena, found.items[i]));
    buf_fmt(&run->out, "%.*s %zu bytes\n", STR_ARG(found.items[i]), stat.size);
  }
  return TOOL_DONE;
}

// ---- read ---------------------------------------------------------------------------------------

static ToolStep tool_read(ToolRun *run)
{
  const Value *input = run->call->input;
  Str path = value_get_str(input, S("path"), STR_NONE), text, line;
  Error err = {0};
  if (!project_read(run->box->project, &run->arena, path, &text, &err))
    return tool_fail(run, "%s", err.message);
  size_t lines = str_count_lines(text);
  int64_t first = value_get_int(input, S("first"), 1),
          last = value_get_int(input, S("last"), (int64_t)lines);
  if (lines == 0) return tool_fail(run, "%.*s is empty", STR_ARG(path));
  if (first < 1) first = 1;
  if (last > (int64_t)lines) last = (int64_t)lines;
  if (first > last) return tool_fail(run, "%.*s has %zu lines", STR_ARG(path), lines);
  if (last - first >= READ_LINES) last = first + READ_LINES - 1;
  int64_t number = 0, shown = first - 1;
  for (Str rest = text; str_line(&rest, &line) && number < last;) {
    if (++number < first) continue;
    if (run->out.len + line.len + 80 > TOOL_RESULT_BYTES) break;
    buf_fmt(&run->out, "%lld\t%.*s\n", (long long)number, STR_ARG(line));
    shown = number;
  }
  buf_fmt(&run->out, "(lines %lld-%lld of %zu)\n", (long long)first, (long long)shown, lines);
  return TOOL_DONE;
}

// ---- the table ----------------------------------------------------------------------------------

typedef struct {
  Str name, description;
  const char *schema;
  ToolStep (*step)(ToolRun *run);
} Tool;

#define TEXT_FIELD(name, what) "\"" name "\":{\"type\":\"string\",\"description\":\"" what "\"}"
#define PLAIN_FIELD(name, type) "\"" name "\":{\"type\":\"" type "\"}"
#define OBJECT(fields, required) \
  "{\"type\":\"object\",\"properties\":{" fields "},\"required\":[" required "]}"

static const Tool table[] = {
    {S("list_files"), S("The project's files with their sizes."),
     OBJECT(PLAIN_FIELD("under", "string") "," TEXT_FIELD("glob", "*.c, src/**/*.py"), ""),
     tool_list},
    {S("search"), S("Lines matching a PCRE2 pattern; counts by file."),
     OBJECT(PLAIN_FIELD("pattern", "string") "," PLAIN_FIELD("glob", "string"), "\"pattern\""),
     tool_search},
    {S("outline"), S("Definitions in a file with their lines."),
     OBJECT(PLAIN_FIELD("path", "string"), "\"path\""), tool_outline},
    {S("read"), S("Numbered lines of a file, at most 400 at a time."),
     OBJECT(PLAIN_FIELD("path", "string") "," PLAIN_FIELD("first", "integer") "," PLAIN_FIELD(
                "last", "integer"),
            "\"path\""),
     tool_read},
};
enum { TOOL_COUNT = sizeof(table) / sizeof(table[0]) };

static const Tool *find_tool(Str name)
{
  for (size_t i = 0; i < TOOL_COUNT; i++) {
    if (str_eq(table[i].name, name)) return &table[i];
  }
  return NULL;
}

void tools_describe(Arena *arena, ModelTool *tools, size_t *count)
{
  Error err = {0};
  for (size_t i = 0; i < TOOL_COUNT; i++) {
    tools[i] = (ModelTool){.name = table[i].name,
                           .description = table[i].description,
                           .schema = json_parse(arena, str_from(table[i].schema), &err)};
  }
  *count = TOOL_COUNT;
}

// ---- running ------------------------------------------------------------------------------------

ToolStep tool_fail(ToolRun *run, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  Str text = str_vfmt(&run->arena, format, args);
  va_end(args);
  buf_clear(&run->out);
  buf_add(&run->out, str_sub(text, 0, str_utf8_floor(text, 1000)));
  buf_add_char(&run->out, '\n');
  run->is_error = true;
  return TOOL_DONE;
}

// What is left is told each time: a model that knows the price explores less.
static void charge(ToolRun *run)
{
  Toolbox *box = run->box;
  size_t cost = run->out.len + CALL_COST;
  box->bytes_left -= cost < box->bytes_left ? cost : box->bytes_left;
  box->calls_left--;
  bool out = box->bytes_left == 0 || box->calls_left <= 0;
  if (out)
    buf_add(&run->out, S("(exploration is used up: call submit_plan now)\n"));
  else
    buf_fmt(&run->out, "(left: %zu KB, %d calls)\n", box->bytes_left / 1024, box->calls_left);
}

static void release(ToolRun *run)
{
  run->busy = false;
  if (run->cleanup) run->cleanup(run);
  run->cleanup = NULL;
}

static void finish(ToolRun *run)
{
  if (run->out.full) {
    run->out.max += 256;
    buf_add(&run->out, S("(cut: ask for less)\n"));
  }
  run->out.max += 256;
  charge(run);
  Arena arena = run->arena;  // the owner may start the next run from on_done
  Buf out = run->out;
  ToolResult result = {.text = buf_str(&out), .is_error = run->is_error};
  release(run);
  run->on_done(run->owner, &result);
  buf_deinit(&out);
  arena_deinit(&arena);
}

static void run_step(void *owner)
{
  ToolRun *run = owner;
  ToolStep step = run->step(run);
  if (step == TOOL_MORE) tool_go_on(run);
  if (step == TOOL_DONE) finish(run);
}

void tool_go_on(ToolRun *run)
{
  loop_soon(run->box->loop, &run->soon, run_step, run);
}

static ToolStep unknown_tool(ToolRun *run)
{
  return tool_fail(run, "there is no tool called %.*s", STR_ARG(str_sub(run->call->name, 0, 60)));
}

static ToolStep broken_call(ToolRun *run)
{
  return tool_fail(run, "the arguments were not JSON; send the call again");
}

static ToolStep nothing_left(ToolRun *run)
{
  return tool_fail(run, "no exploration is left; call submit_plan with what you know");
}

void tool_start(ToolRun *run, Toolbox *box, const ToolCall *call,
                void (*on_done)(void *owner, const ToolResult *result), void *owner)
{
  const Tool *tool = find_tool(call->name);
  *run = (ToolRun){.box = box, .call = call, .on_done = on_done, .owner = owner, .busy = true};
  arena_init(&run->arena);
  buf_init(&run->out,
           TOOL_RESULT_BYTES < box->bytes_left ? TOOL_RESULT_BYTES : box->bytes_left + 256);
  bool used_up = box->bytes_left == 0 || box->calls_left <= 0;
  run->step = used_up            ? nothing_left
              : !tool            ? unknown_tool
              : call->broken.len ? broken_call
                                 : tool->step;
  tool_go_on(run);
}

bool tool_cancel(ToolRun *run)
{
  if (!run->busy) return false;
  if (run->process) {
    process_kill(run->process);
    return true;
  }
  loop_soon_cancel(run->box->loop, &run->soon);
  release(run);
  buf_deinit(&run->out);
  arena_deinit(&run->arena);
  return false;
}
