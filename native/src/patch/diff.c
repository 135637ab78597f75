// diff.c: unified diffs and word-level spans, for people to look at. See diff.h.
#include "patch/diff.h"

#include "lib/textdiff.h"

DiffStat diff_stat(Str old_text, Str new_text)
{
  Arena arena;
  arena_init(&arena);
  TextChangeList changes = {0};
  textdiff_lines(&arena, old_text, new_text, &changes);
  DiffStat stat = {0};
  for (size_t i = 0; i < changes.len; i++) {
    stat.added += changes.items[i].new_len;
    stat.removed += changes.items[i].old_len;
  }
  arena_deinit(&arena);
  return stat;
}

// Git quotes a name that holds a quote, a backslash or a control byte.
static bool name_needs_quotes(Str path)
{
  for (size_t i = 0; i < path.len; i++) {
    unsigned char c = (unsigned char)path.ptr[i];
    if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f) return true;
  }
  return false;
}

static void add_name(Buf *out, const char *side, Str path)
{
  if (!name_needs_quotes(path)) {
    buf_fmt(out, "%s%.*s", side, STR_ARG(path));
    return;
  }
  buf_fmt(out, "\"%s", side);
  for (size_t i = 0; i < path.len; i++) {
    unsigned char c = (unsigned char)path.ptr[i];
    if (c == '"' || c == '\\')
      buf_fmt(out, "\\%c", c);
    else if (c < 0x20 || c == 0x7f)
      buf_fmt(out, "\\%03o", c);
    else
      buf_add_char(out, (char)c);
  }
  buf_add_char(out, '"');
}

// Two plain lines are enough for git to apply a change of text; what they cannot say (a rename, an empty
// file made or removed) needs git's own header.
static void add_header(Buf *out, const UnifiedFile *file, bool has_hunks)
{
  bool renamed = file->renamed_from.len > 0;
  Str from = renamed ? file->renamed_from : file->path;
  if (renamed || (!has_hunks && (file->created || file->deleted))) {
    buf_add(out, S("diff --git "));
    add_name(out, "a/", from);
    buf_add_char(out, ' ');
    add_name(out, "b/", file->path);
    buf_add_char(out, '\n');
    if (file->created) buf_add(out, S("new file mode 100644\n"));
    if (file->deleted) buf_add(out, S("deleted file mode 100644\n"));
    if (renamed) {
      buf_add(out, S("rename from "));
      add_name(out, "", from);
      buf_add(out, S("\nrename to "));
      add_name(out, "", file->path);
      buf_add_char(out, '\n');
    }
  }
  if (!has_hunks) return;
  buf_add(out, S("--- "));
  file->created ? (void)buf_add(out, S("/dev/null")) : add_name(out, "a/", from);
  buf_add(out, S("\n+++ "));
  file->deleted ? (void)buf_add(out, S("/dev/null")) : add_name(out, "b/", file->path);
  buf_add_char(out, '\n');
}

static void add_line(Buf *out, char sign, const Line *line)
{
  buf_add_char(out, sign);
  buf_add(out, line->text);
  if (line->eol.len == 2) buf_add_char(out, '\r');
  buf_add_char(out, '\n');
  if (line->eol.len == 0) buf_add(out, S("\\ No newline at end of file\n"));
}

// "12,3", "12" for one line, and the line before for none, as diff(1) has it.
static void add_range(Buf *out, char sign, size_t at, size_t len)
{
  if (len == 1)
    buf_fmt(out, "%c%zu", sign, at + 1);
  else
    buf_fmt(out, "%c%zu,%zu", sign, len ? at + 1 : at, len);
}

typedef struct {
  const Text *old_text, *new_text;
  const TextChangeList *changes;
  size_t context;
  Buf *out;
} Unified;

// How many changes from [first] on share a hunk because their context touches.
static size_t group_len(const Unified *u, size_t first)
{
  size_t n = 1;
  for (; first + n < u->changes->len; n++) {
    const TextChange *last = &u->changes->items[first + n - 1], *next = last + 1;
    if (next->old_at - (last->old_at + last->old_len) > 2 * u->context) break;
  }
  return n;
}

static void add_hunk(const Unified *u, size_t first, size_t n)
{
  const TextChange *change = &u->changes->items[first], *last = change + n - 1;
  size_t before = change->old_at < u->context ? change->old_at : u->context;
  size_t at = change->old_at - before, end = last->old_at + last->old_len + u->context;
  if (end > u->old_text->len) end = u->old_text->len;
  size_t new_at = change->new_at - before,
         new_end = last->new_at + last->new_len + (end - last->old_at - last->old_len);
  buf_add(u->out, S("@@ "));
  add_range(u->out, '-', at, end - at);
  buf_add_char(u->out, ' ');
  add_range(u->out, '+', new_at, new_end - new_at);
  buf_add(u->out, S(" @@\n"));
  for (; change <= last; change++) {
    for (; at < change->old_at; at++) add_line(u->out, ' ', &u->old_text->items[at]);
    for (; at < change->old_at + change->old_len; at++)
      add_line(u->out, '-', &u->old_text->items[at]);
    for (size_t i = 0; i < change->new_len; i++)
      add_line(u->out, '+', &u->new_text->items[change->new_at + i]);
  }
  for (; at < end; at++) add_line(u->out, ' ', &u->old_text->items[at]);
}

void diff_unified(Arena *arena, Buf *out, const UnifiedFile *file)
{
  TextChangeList changes = {0};
  textdiff_lines(arena, file->old_text, file->new_text, &changes);
  Text old_text = text_split(arena, file->old_text), new_text = text_split(arena, file->new_text);
  size_t context = file->context > 0 ? (size_t)file->context : 0;
  Unified u = {&old_text, &new_text, &changes, context, out};
  add_header(out, file, changes.len > 0);
  for (size_t i = 0, n; i < changes.len; i += n) {
    n = group_len(&u, i);
    add_hunk(&u, i, n);
  }
}

// --- words -----------------------------------------------------------------------------------------

// Past this many words on a side only the ends are compared: the table below is their product.
enum { WORDS_MAX = 256 };

static bool word_byte(char c)
{
  unsigned char u = (unsigned char)c;
  return u >= 0x80 || u == '_' || (u >= '0' && u <= '9') || (u >= 'a' && u <= 'z') ||
         (u >= 'A' && u <= 'Z');
}

// Names and numbers, runs of blanks, and single other characters.
static SpanList split_words(Arena *arena, Str line)
{
  SpanList words = {0};
  for (size_t at = 0, end; at < line.len; at = end) {
    end = at + 1;
    char c = line.ptr[at];
    if (word_byte(c))
      while (end < line.len && word_byte(line.ptr[end])) end++;
    else if (c == ' ' || c == '\t')
      while (end < line.len && line.ptr[end] == c) end++;
    PUSH(arena, &words, ((Span){at, end}));
  }
  return words;
}

static Str word_of(Str line, Span span)
{
  return str_sub(line, span.from, span.to);
}

// Adds a span, or lengthens the last one when it touches.
static void add_span(Arena *arena, SpanList *spans, Span span)
{
  if (spans->len && spans->items[spans->len - 1].to == span.from) {
    spans->items[spans->len - 1].to = span.to;
    return;
  }
  PUSH(arena, spans, span);
}

typedef struct {
  Arena *arena;
  Str line[2];
  SpanList words[2];
  size_t from, to[2];  // the words between the common ends
  SpanList *out[2];
} WordDiff;

static bool same_word(const WordDiff *d, size_t a, size_t b)
{
  return str_eq(word_of(d->line[0], d->words[0].items[a]),
                word_of(d->line[1], d->words[1].items[b]));
}

static void mark(WordDiff *d, int side, size_t word)
{
  add_span(d->arena, d->out[side], d->words[side].items[word]);
}

static void trim_common_words(WordDiff *d)
{
  d->from = 0;
  d->to[0] = d->words[0].len;
  d->to[1] = d->words[1].len;
  while (d->from < d->to[0] && d->from < d->to[1] && same_word(d, d->from, d->from)) d->from++;
  while (d->to[0] > d->from && d->to[1] > d->from && same_word(d, d->to[0] - 1, d->to[1] - 1)) {
    d->to[0]--;
    d->to[1]--;
  }
}

// Longest common subsequence of the words between the ends.
static void mark_middle(WordDiff *d)
{
  size_t n = d->to[0] - d->from, m = d->to[1] - d->from, width = m + 1;
  uint16_t *best = NEW_N(d->arena, uint16_t, (n + 1) * width);
  for (size_t i = n; i-- > 0;) {
    for (size_t j = m; j-- > 0;) {
      uint16_t down = best[(i + 1) * width + j], right = best[i * width + j + 1];
      best[i * width + j] = same_word(d, d->from + i, d->from + j)
                                ? (uint16_t)(best[(i + 1) * width + j + 1] + 1)
                                : (down > right ? down : right);
    }
  }
  size_t i = 0, j = 0;
  while (i < n || j < m) {
    if (i < n && j < m && same_word(d, d->from + i, d->from + j))
      i++, j++;
    else if (j == m || (i < n && best[(i + 1) * width + j] >= best[i * width + j + 1]))
      mark(d, 0, d->from + i++);
    else
      mark(d, 1, d->from + j++);
  }
}

void diff_words(Arena *arena, Str old_line, Str new_line, SpanList *old_spans, SpanList *new_spans)
{
  WordDiff d = {.arena = arena, .line = {old_line, new_line}, .out = {old_spans, new_spans}};
  d.words[0] = split_words(arena, old_line);
  d.words[1] = split_words(arena, new_line);
  trim_common_words(&d);
  if (d.to[0] - d.from <= WORDS_MAX && d.to[1] - d.from <= WORDS_MAX) {
    mark_middle(&d);
    return;
  }
  for (size_t i = d.from; i < d.to[0]; i++) mark(&d, 0, i);
  for (size_t i = d.from; i < d.to[1]; i++) mark(&d, 1, i);
}
