// verify_reads.c: what tasks that make new files had to go by, for who judges them. A new file stands beside nothing
// in the diff: whether tests say what a specification says is seen with both at hand.
//
// What the new text quotes need not be read twice: of lines that say the same about different `quoted` things the
// first is shown, and those after it are named when all that they quote stands close together in a new file. A line
// of which something is missing there is shown: that is the one to look at. See verify_private.h.
#include "work/verify_private.h"

enum {
  READS_BYTES = 4 << 10,       // always shown, and more beside a larger diff
  READ_BYTES_MAX = 256 << 10,  // of one text
  QUOTED_MIN = 8,              // bytes that a line quotes in all: "`0`" stands everywhere
  QUOTES_MAX = 16,
  NEAR = 3,               // lines in which all quotes of a line have to stand
  COMPARE_MAX = 2 << 20,  // pairs of lines compared, in all
};

// New files of the tasks that read the same text.
typedef struct {
  Str path;
  Text lines;
} Made;

typedef struct {
  FileRef ref;
  Text lines;  // of the range
  size_t bytes;
  struct {
    Made *items;
    size_t len, cap;
  } made;
} Read;

typedef struct {
  Read *items;
  size_t len, cap;
} ReadList;

typedef struct {
  Str words;  // the line without what it quotes
  Str quotes[QUOTES_MAX];
  size_t count, bytes;
} Quoting;

// ---- lines that quote --------------------------------------------------------------------------------

static bool quoting(Arena *arena, Str line, Quoting *out)
{
  Buf words;
  buf_init(&words, line.len + 1);
  *out = (Quoting){0};
  for (Str rest = line;;) {
    size_t from = str_find_char(rest, '`');
    size_t to = from == STR_NOT_FOUND ? from : str_find_char(str_skip(rest, from + 1), '`');
    bool quote = to != STR_NOT_FOUND && to > 0 && out->count < QUOTES_MAX;
    buf_add(&words, str_sub(rest, 0, quote ? from + 1 : rest.len));
    if (!quote) break;
    out->quotes[out->count++] = str_sub(rest, from + 1, from + 1 + to);
    out->bytes += to;
    rest = str_skip(rest, from + to + 2);
  }
  out->words = buf_take(&words, arena);
  return out->bytes >= QUOTED_MIN;
}

// Do all quotes stand, in their order, in the lines from [at] on?
static bool stands_at(const Quoting *line, const Text *made, size_t at)
{
  size_t end = at + NEAR < made->len ? at + NEAR : made->len, quote = 0;
  for (size_t i = at; i < end; i++) {
    for (Str rest = made->items[i].text; quote < line->count;) {
      size_t found = str_find(rest, line->quotes[quote]);
      if (found == STR_NOT_FOUND) break;
      rest = str_skip(rest, found + line->quotes[quote].len);
      quote++;
    }
    if (!quote) return false;  // the first is not in the first
  }
  return quote == line->count;
}

static const Made *where_it_stands(const Read *read, const Quoting *line)
{
  for (size_t m = 0; m < read->made.len; m++) {
    const Made *made = &read->made.items[m];
    for (size_t i = 0; i < made->lines.len; i++) {
      if (stands_at(line, &made->lines, i)) return made;
    }
  }
  return NULL;
}

// ---- one text ----------------------------------------------------------------------------------------

typedef struct {
  size_t first, last;  // lines that are only named
  const Made *made;
} Named;

static void end_named(Buf *out, Named *named)
{
  if (named->made) {
    buf_fmt(out, "[%zu-%zu so too: %.*s]\n", named->first, named->last, STR_ARG(named->made->path));
  }
  *named = (Named){0};
}

// Lines are compared while there is time for it: the engine answers others meanwhile only afterwards.
static bool take_time(const Read *read, size_t *pairs)
{
  size_t lines = 0;
  for (size_t m = 0; m < read->made.len; m++) lines += read->made.items[m].lines.len;
  if (read->lines.len * lines > *pairs) return false;
  *pairs -= read->lines.len * lines;
  return true;
}

static void add_read(Arena *arena, Buf *out, const Read *read, size_t *pairs)
{
  Map forms = {0};
  Named named = {0};
  bool compare = take_time(read, pairs);
  size_t offset = range_is_whole(read->ref.range) ? 1 : read->ref.range.first;
  buf_fmt(out, "=== %.*s\n", STR_ARG(read->ref.path));
  for (size_t i = 0; i < read->lines.len; i++) {
    Str text = read->lines.items[i].text;
    Quoting line;
    if (!str_trim(text).len) continue;
    bool quotes = compare && quoting(arena, text, &line);
    bool known = quotes && !map_add(arena, &forms, line.words, i);
    const Made *made = known ? where_it_stands(read, &line) : NULL;
    bool on = made && named.made == made;
    if (!on) end_named(out, &named);
    if (!made) buf_fmt(out, "%.*s\n", STR_ARG(text));
    if (made && !on) named.first = offset + i;
    if (made) named.last = offset + i;
    if (made) named.made = made;
  }
  end_named(out, &named);
}

// ---- which -------------------------------------------------------------------------------------------

static bool makes_all(const TaskSpec *task)
{
  bool all = task->files.len > 0 && task->executor == EXECUTOR_MODEL;
  for (size_t i = 0; i < task->files.len; i++) all = all && task->files.items[i].is_new;
  return all;
}

static const CombinedFile *file_of(const CombinedList *files, Str path)
{
  for (size_t i = 0; i < files->len; i++) {
    if (str_eq(files->items[i].path, path)) return &files->items[i];
  }
  return NULL;
}

static Read *read_of(ReadList *reads, const FileRef *ref)
{
  for (size_t i = 0; i < reads->len; i++) {
    const FileRef *other = &reads->items[i].ref;
    if (str_eq(other->path, ref->path) && other->range.first == ref->range.first &&
        other->range.last == ref->range.last)
      return &reads->items[i];
  }
  return NULL;
}

// The text as the tasks were shown it; what the plan itself makes or changes stands in the diff.
static Read *load_read(Verify *v, ReadList *reads, const FileRef *ref)
{
  Arena *arena = &v->round_arena;
  ShownFile shown;
  Read *known = read_of(reads, ref);
  if (known || file_of(&v->files, ref->path)) return known;
  if (!base_first(v->engine, v->plan_id, arena, ref->path, &shown, NULL) || !shown.exists)
    return NULL;
  Read read = {.ref = *ref, .lines = text_split(arena, shown.text), .bytes = shown.text.len};
  if (!range_is_whole(ref->range)) {
    size_t first = ref->range.first - 1, last = ref->range.last;
    if (last > read.lines.len) last = read.lines.len;
    if (first >= last) return NULL;
    read.bytes = text_range(&read.lines, ref->range).len;
    read.lines.items += first;
    read.lines.len = last - first;
  }
  PUSH(arena, reads, read);
  return &reads->items[reads->len - 1];
}

static void add_made(Verify *v, Read *read, const TaskSpec *task)
{
  for (size_t i = 0; i < task->files.len; i++) {
    const CombinedFile *file = file_of(&v->files, task->files.items[i].path);
    if (!file || !file->exists) continue;
    Made made = {file->path, text_split(&v->round_arena, file->text)};
    PUSH(&v->round_arena, &read->made, made);
  }
}

Str verify_reads(Verify *v, const VerifyGroup *group)
{
  ReadList reads = {0};
  StrList left_out = {0};
  for (size_t t = 0; t < group->tasks.len; t++) {
    const TaskSpec *task = &group->tasks.items[t];
    for (size_t i = 0; makes_all(task) && i < task->read.len; i++) {
      Read *read = load_read(v, &reads, &task->read.items[i]);
      if (read) add_made(v, read, task);
    }
  }
  size_t room = group->diff.len > READS_BYTES ? group->diff.len : READS_BYTES;
  size_t pairs = COMPARE_MAX;
  Buf out, one;
  buf_init(&out, room + (64 << 10));
  for (size_t i = 0; i < reads.len; i++) {
    buf_init(&one, room);
    if (reads.items[i].bytes <= READ_BYTES_MAX)
      add_read(&v->round_arena, &one, &reads.items[i], &pairs);
    bool fits = one.len && !one.full;
    if (fits) buf_add(&out, buf_str(&one));
    if (fits) room -= one.len;
    if (!fits) PUSH(&v->round_arena, &left_out, reads.items[i].ref.path);
    buf_deinit(&one);
  }
  if (left_out.len) {
    buf_fmt(&out, "[not shown, too long: %.*s]\n",
            STR_ARG(str_join(&v->round_arena, &left_out, S(", "))));
  }
  return buf_take(&out, &v->round_arena);
}
