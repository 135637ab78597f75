// explain.c: see explain.h.
#include "patch/explain.h"

#include "base/buf.h"

enum { LINE_MAX_BYTES = 200, PLACES_NAMED = 8 };

static const char *const sentences[REFUSE_COUNT] = {
    [REFUSE_NOT_TEXT] = "the text is not valid UTF-8, or holds a NUL byte",
    [REFUSE_TOO_LARGE] = "it is larger than the limits allow",
    [REFUSE_TRUNCATED] = "the reply stops in the middle; answer again, shorter",
    [REFUSE_MALFORMED] =
        "a block is not complete: each needs its <<<<<<< SEARCH, ======= and >>>>>>> REPLACE lines",
    [REFUSE_NO_BLOCK] = "there is no SEARCH/REPLACE block in the reply",
    [REFUSE_PATH_OUTSIDE] = "the path leads out of the project; use the path as the task names it",
    [REFUSE_PATH_SYMLINK] = "the path goes through a symlink",
    [REFUSE_PATH_GIT] = "files of git itself are not edited",
    [REFUSE_PATH_IGNORED] = "the file is ignored by git",
    [REFUSE_PATH_CASE] = "the path differs from an existing one only in case",
    [REFUSE_PATH_SPECIAL] = "the path is not a regular file",
    [REFUSE_NOT_LISTED] = "the path is not one of the task's files",
    [REFUSE_OUT_OF_RANGE] = "the change lies outside the lines that the task may change",
    [REFUSE_FILE_MISSING] = "the file does not exist; to create it, leave SEARCH empty",
    [REFUSE_FILE_EXISTS] = "the file exists; SEARCH must quote the lines to change",
    [REFUSE_NOT_FOUND] = "the SEARCH lines are not in the file",
    [REFUSE_AMBIGUOUS] = "the SEARCH lines fit several places; quote more lines around the change",
    [REFUSE_INDENT] =
        "the indentation differs from the file's; copy the SEARCH lines with their leading blanks",
    [REFUSE_OVERLAP] = "it changes lines that another block changes too; merge the blocks",
    [REFUSE_STALE] = "the lines changed meanwhile",
    [REFUSE_ELIDED] = "code is left out with a placeholder; write all lines",
    [REFUSE_CONFLICT_MARKERS] = "the new lines hold conflict markers",
    [REFUSE_EMPTIED] = "the file would be left empty",
    [REFUSE_UNCHANGED] = "nothing would change",
};

Str explain_code(Arena *arena, RefuseCode code, Str path)
{
  if (path.len == 0) return str_fmt(arena, "%s", sentences[code]);
  return str_fmt(arena, "%.*s: %s", STR_ARG(path), sentences[code]);
}

static Str clipped(Str line)
{
  return line.len > LINE_MAX_BYTES ? str_sub(line, 0, str_utf8_floor(line, LINE_MAX_BYTES)) : line;
}

// Bytes that are not UTF-8 have no place in a message.
static void add_line(Buf *out, Str line)
{
  line = clipped(line);
  if (!str_is_utf8(line)) line = S("(bytes that are not text)");
  buf_fmt(out, "%.*s\n", STR_ARG(line));
}

static void add_lines(Locator *locator, Buf *out, size_t first, size_t end)
{
  if (end > locator->text->len) end = locator->text->len;
  if (end > first + EXPLAIN_MAX_LINES) end = first + EXPLAIN_MAX_LINES;
  buf_fmt(out, "Lines %zu-%zu are:\n", first + 1, end);
  for (size_t i = first; i < end; i++) add_line(out, finder_text_line(&locator->finder, i));
}

static Str finish(Locator *locator, Buf *out)
{
  return str_trim_end(buf_take(out, locator->arena));
}

// The first line of SEARCH that the text does not have at [at], told beside the text's.
static void add_difference(Locator *locator, const Sought *sought, size_t at, Buf *out)
{
  for (size_t i = 0; i < sought->sides.search_len; i++) {
    if (at + i >= locator->text->len) return;
    Str want = sought->sides.search[i], have = finder_text_line(&locator->finder, at + i);
    if (str_eq(want, have) || !str_is_utf8(have)) continue;
    buf_fmt(out, "SEARCH line %zu is\n%.*s\nbut line %zu is\n%.*s\n", i + 1, STR_ARG(clipped(want)),
            at + i + 1, STR_ARG(clipped(have)));
    return;
  }
}

Str explain_nowhere(Locator *locator, size_t number, Str path, size_t *line)
{
  const Sought *sought = &locator->sought.items[number];
  size_t at = locate_nearest(locator, number);
  Buf out;
  *line = at == LINE_NONE ? 0 : at + 1;
  buf_init(&out, EXPLAIN_MAX_BYTES);
  buf_fmt(&out, "%.*s: %s.\n", STR_ARG(path), sentences[REFUSE_NOT_FOUND]);
  if (at == LINE_NONE) {
    buf_add(&out, S("None of them is there."));
    return finish(locator, &out);
  }
  add_difference(locator, sought, at, &out);
  size_t first = at > 2 ? at - 2 : 0;
  add_lines(locator, &out, first, at + sought->sides.search_len + 3);
  return finish(locator, &out);
}

Str explain_several(Locator *locator, const Located *located, Str path, size_t *line)
{
  Buf out;
  *line = located->all.len ? located->all.items[0].first + 1 : 0;
  buf_init(&out, EXPLAIN_MAX_BYTES);
  buf_fmt(&out, "%.*s: %s. They start at line", STR_ARG(path), sentences[REFUSE_AMBIGUOUS]);
  for (size_t i = 0; i < located->all.len && i < PLACES_NAMED; i++) {
    buf_fmt(&out, "%s %zu", i ? "," : "s", located->all.items[i].first + 1);
  }
  if (located->all.len > PLACES_NAMED)
    buf_fmt(&out, " and %zu more", located->all.len - PLACES_NAMED);
  buf_add(&out, S(".\n"));
  for (size_t i = 0; i < located->all.len && i < 2; i++) {
    size_t first = located->all.items[i].first, end = located->all.items[i].end;
    add_lines(locator, &out, first > 4 ? first - 4 : 0,
              end + 3 < first + 12 ? end + 3 : first + 12);
  }
  return finish(locator, &out);
}

Str explain_at(Locator *locator, RefuseCode code, Str path, size_t line)
{
  Buf out;
  buf_init(&out, EXPLAIN_MAX_BYTES);
  buf_fmt(&out, "%.*s: %s.\n", STR_ARG(path), sentences[code]);
  if (line < locator->text->len) add_lines(locator, &out, line > 3 ? line - 3 : 0, line + 7);
  return finish(locator, &out);
}
