// tool_search.c: a pattern over the files that may be shown, a slice of them per turn of the
// loop, so that a large tree does not hold the engine. Lines first, then counts by file: a plan
// needs the list of places, and a hundred of them cost less as counts.
#include "lib/regex.h"
#include "plan/tools.h"

enum {
  SLICE_BYTES = 1 << 20,
  SLICE_FILES = 50,
  MAX_FILES = 20000,
  LINES_SHOWN = 150,
  LINES_PER_FILE = 25,
  LINE_BYTES = 160,
  COUNTS_SHOWN = 300,
};

typedef struct {
  Str path;
  size_t count;
} FileCount;

typedef struct {
  StrList files;
  size_t at, lines, matches;
  Regex *regex;
  struct {
    FileCount *items;
    size_t len, cap;
  } rest;       // files with matches that were not shown one by one
  Str trouble;  // a limit of the pattern was hit
} Search;

static void free_search(ToolRun *run)
{
  Search *search = run->state;
  regex_free(search->regex);
}

static ToolStep start_search(ToolRun *run)
{
  const Value *input = run->call->input;
  Str glob = value_get_str(input, S("glob"), STR_NONE);
  Search *search = run->state = NEW(&run->arena, Search);
  run->cleanup = free_search;
  StrList all = {0};
  Error err = {0};
  RegexOptions options = {.ignore_case = value_get_bool(input, S("ignore_case"), false),
                          .utf8 = true};
  if (!project_files(run->box->project, &run->arena, STR_NONE, &all, &err)) {
    return tool_fail(run, "%s", err.message);
  }
  for (size_t i = 0; i < all.len && search->files.len < MAX_FILES; i++) {
    if (glob_match(&run->arena, glob, all.items[i]))
      PUSH(&run->arena, &search->files, all.items[i]);
  }
  search->regex = regex_new(value_get_str(input, S("pattern"), STR_NONE), options, &err);
  return search->regex ? TOOL_MORE : tool_fail(run, "%s", err.message);
}

static bool matches(ToolRun *run, Search *search, Str text)
{
  Error err = {0};
  bool matched = false;
  if (regex_test(search->regex, text, &matched, &err)) return matched;
  if (!search->trouble.len) search->trouble = str_fmt(&run->arena, "%s", err.message);
  return false;
}

static void search_text(ToolRun *run, Search *search, Str path, Str text)
{
  size_t number = 0, found = 0, shown = 0;
  for (Str rest = text, line; str_line(&rest, &line);) {
    number++;
    if (!matches(run, search, line)) continue;
    found++;
    if (search->lines >= LINES_SHOWN || shown >= LINES_PER_FILE) continue;
    Str cut = str_trim(line);
    cut = str_sub(cut, 0, str_utf8_floor(cut, LINE_BYTES));
    buf_fmt(&run->out, "%.*s:%zu: %.*s\n", STR_ARG(path), number, STR_ARG(cut));
    search->lines++;
    shown++;
  }
  search->matches += found;
  if (found == shown) return;
  FileCount count = {path, found - shown};
  PUSH(&run->arena, &search->rest, count);
}

static ToolStep end_search(ToolRun *run, Search *search)
{
  for (size_t i = 0; i < search->rest.len && i < COUNTS_SHOWN; i++) {
    buf_fmt(&run->out, "%.*s: %zu more\n", STR_ARG(search->rest.items[i].path),
            search->rest.items[i].count);
  }
  if (search->trouble.len)
    buf_fmt(&run->out, "(some lines not searched: %.*s)\n", STR_ARG(search->trouble));
  buf_fmt(&run->out, "(%zu matching lines in %zu files searched)\n", search->matches,
          search->files.len);
  return TOOL_DONE;
}

ToolStep tool_search(ToolRun *run)
{
  if (!run->state) return start_search(run);
  Search *search = run->state;
  Arena scratch;
  arena_init(&scratch);
  size_t bytes = 0, end = search->at + SLICE_FILES;
  while (search->at < search->files.len && search->at < end && bytes < SLICE_BYTES) {
    Str path = search->files.items[search->at++], text = STR_NONE;
    Error err = {0};
    bool ok = project_read(run->box->project, &scratch, path, &text, &err);
    if (ok && matches(run, search, text)) search_text(run, search, path, text);
    bytes += text.len + 4096;
    arena_reset(&scratch);
  }
  arena_deinit(&scratch);
  return search->at < search->files.len ? TOOL_MORE : end_search(run, search);
}
