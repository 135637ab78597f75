// mechanical.c: see mechanical.h.
#include "patch/mechanical.h"

#include <string.h>

#include "lib/regex.h"

enum { RESULT_MAX = 64 << 20 };  // bytes a substitution may grow a text to

typedef struct {
  Regex *pattern, *except;
  Str replace;
  Buf out;
  size_t count;
  Error *err;
} Work;

// Replaces in lines [from, to) of [text] as one piece, so that a pattern may span lines.
static bool replace_run(Work *work, const Text *text, size_t from, size_t to)
{
  if (from >= to) return true;
  Str run = text_range(text, (Range){from + 1, to});
  return regex_replace(work->pattern, run, work->replace, &work->out, &work->count, work->err);
}

// Lines that [except] matches are copied, the runs between them are worked on.
static bool replace_between(Work *work, const Text *text, size_t from, size_t to)
{
  size_t start = from;
  for (size_t i = from; work->except && i < to; i++) {
    bool kept;
    if (!regex_test(work->except, text->items[i].text, &kept, work->err)) return false;
    if (!kept) continue;
    if (!replace_run(work, text, start, i)) return false;
    buf_add(&work->out, text_range(text, (Range){i + 1, i + 1}));
    start = i + 1;
  }
  return replace_run(work, text, start, to);
}

static bool replace_range(Work *work, const Text *text, Range range)
{
  size_t from = range_is_whole(range) || range.first == 0 ? 0 : range.first - 1;
  size_t to = range_is_whole(range) || range.last > text->len ? text->len : range.last;
  if (from > to) from = to;
  if (from > 0) buf_add(&work->out, text_range(text, (Range){1, from}));
  if (!replace_between(work, text, from, to)) return false;
  if (to < text->len) buf_add(&work->out, text_range(text, (Range){to + 1, text->len}));
  return !work->out.full ||
         error_set(work->err, ERR_TOO_BIG, "the result would pass %d bytes", RESULT_MAX);
}

bool substitute(Arena *arena, Str text, const Substitution *sub, Str *out, size_t *count,
                Error *err)
{
  RegexOptions options = {sub->ignore_case, sub->word, str_is_utf8(text)};
  Work work = {.replace = sub->replace, .err = err};
  bool ok = false;
  buf_init(&work.out, RESULT_MAX);
  work.pattern = regex_new(sub->pattern, options, err);
  if (!work.pattern) goto done;
  options.word = false;
  if (sub->except.len && !(work.except = regex_new(sub->except, options, err))) goto done;
  Text lines = text_split(arena, text);
  ok = replace_range(&work, &lines, sub->range);
  bool nul = ok && str_find_char(buf_str(&work.out), 0) != STR_NOT_FOUND &&
             str_find_char(text, 0) == STR_NOT_FOUND;
  if (nul) ok = error_set(err, ERR_INVALID, "the replacement would put a NUL byte into a text");
  if (ok) *out = buf_take(&work.out, arena);
  *count = ok ? work.count : 0;
done:
  regex_free(work.pattern);
  regex_free(work.except);
  buf_deinit(&work.out);
  return ok;
}

// --- moving lines ----------------------------------------------------------------------------------

// The line end most of [text]'s lines have.
static Str usual_eol(const Text *text)
{
  size_t crlf = 0, lf = 0;
  for (size_t i = 0; i < text->len; i++) {
    crlf += text->items[i].eol.len == 2;
    lf += text->items[i].eol.len == 1;
  }
  return crlf > lf ? S("\r\n") : S("\n");
}

static void add_lines(Arena *arena, Text *out, const Text *from, size_t first, size_t last, Str eol)
{
  for (size_t i = first; i < last; i++) {
    Line line = from->items[i];
    if (eol.len) line.eol = eol;
    PUSH(arena, out, line);
  }
}

// Joins lines of which some may have lost their place at the end of a file without newline: inner lines
// get a line end, and the last one has it as [ends] says.
static Str join_ended(Arena *arena, Text *lines, Str eol, bool ends)
{
  for (size_t i = 0; i < lines->len; i++) {
    if (lines->items[i].eol.len == 0) lines->items[i].eol = eol;
  }
  if (lines->len && !ends) lines->items[lines->len - 1].eol = STR_NONE;
  return text_join(arena, lines);
}

static bool ends_with_newline(Str s)
{
  return s.len == 0 || s.ptr[s.len - 1] == '\n';
}

// A byte order mark is of its file, not of the first line: it neither moves nor gets lines before it.
#define BOM S("\xef\xbb\xbf")

static Text without_bom(Arena *arena, Str text)
{
  return text_split(arena, str_skip(text, str_starts(text, BOM) ? BOM.len : 0));
}

static Str bom_again(Arena *arena, Str before, Str after)
{
  return after.len && str_starts(before, BOM) ? str_cat(arena, BOM, after) : after;
}

bool move_lines(Arena *arena, const Move *move, Moved *out, Error *err)
{
  Text from = without_bom(arena, move->from_text), to = without_bom(arena, move->to_text);
  bool same = move->from_text.ptr == move->to_text.ptr && move->from_text.len == move->to_text.len;
  Range r = move->range;
  if (range_is_whole(r)) r = (Range){1, from.len};
  if (r.first == 0 || r.first > r.last || r.last > from.len) {
    return error_set(err, ERR_INVALID, "lines %zu-%zu are not in the file (%zu lines)", r.first,
                     r.last, from.len);
  }
  size_t at = move->at ? move->at - 1 : to.len;
  if (at > to.len)
    return error_set(err, ERR_INVALID, "line %zu is past the end (%zu lines)", move->at, to.len);
  if (same && at >= r.first && at < r.last) {
    return error_set(err, ERR_INVALID, "lines %zu-%zu cannot move into themselves", r.first,
                     r.last);
  }
  Str eol = usual_eol(&to);
  Text source = {0}, target = {0};
  Text *rest = same ? &target : &source;
  for (size_t i = 0; i <= to.len; i++) {
    if (i == at)
      add_lines(arena, &target, &from, r.first - 1, r.last,
                same     ? STR_NONE
                : to.len ? eol
                         : STR_NONE);
    bool moved = same && i + 1 >= r.first && i + 1 <= r.last;
    if (i < to.len && !moved) add_lines(arena, &target, &to, i, i + 1, STR_NONE);
  }
  if (!same) {
    add_lines(arena, rest, &from, 0, r.first - 1, STR_NONE);
    add_lines(arena, rest, &from, r.last, from.len, STR_NONE);
  }
  Str target_text = join_ended(arena, &target, eol, ends_with_newline(move->to_text));
  out->to_text = bom_again(arena, move->to_text, target_text);
  out->from_text = out->to_text;
  if (same) return true;
  Str rest_text = join_ended(arena, &source, usual_eol(&from), ends_with_newline(move->from_text));
  out->from_text = bom_again(arena, move->from_text, rest_text);
  return true;
}
