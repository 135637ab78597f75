// unidiff.c: see unidiff.h.
#include "patch/unidiff.h"

// "path<TAB>time" as diff(1) writes it, or git's "quoted\tpath".
static Str diff_path(Arena *arena, Str s)
{
  s = str_trim(s);
  if (s.len >= 2 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"') {
    char *out = arena_alloc(arena, s.len);
    size_t len = 0;
    for (size_t i = 1; i + 1 < s.len; i++) {
      char c = s.ptr[i];
      if (c == '\\' && i + 4 < s.len && s.ptr[i + 1] >= '0' && s.ptr[i + 1] <= '3') {
        c = (char)((s.ptr[i + 1] - '0') * 64 + (s.ptr[i + 2] - '0') * 8 + (s.ptr[i + 3] - '0'));
        i += 3;
      } else if (c == '\\' && i + 2 < s.len) {
        c = s.ptr[++i];
      }
      out[len++] = c;
    }
    return (Str){out, len};
  }
  size_t tab = str_find_char(s, '\t');
  return tab == STR_NOT_FOUND ? s : str_sub(s, 0, tab);
}

static bool is_null(Str path)
{
  return str_eq(path, S("/dev/null"));
}

static bool number(Str *s, size_t *out)
{
  size_t digits = 0;
  while (digits < s->len && s->ptr[digits] >= '0' && s->ptr[digits] <= '9') digits++;
  uint64_t n;
  if (digits == 0 || digits > 9 || !str_to_u64(str_sub(*s, 0, digits), &n)) return false;
  *out = (size_t)n;
  *s = str_skip(*s, digits);
  return true;
}

// "-12,3" or "-12".
static bool range(Str *s, char sign, size_t *start, size_t *len)
{
  *s = str_trim(*s);
  if (s->len == 0 || s->ptr[0] != sign) return false;
  *s = str_skip(*s, 1);
  *len = 1;
  if (!number(s, start)) return false;
  if (s->len == 0 || s->ptr[0] != ',') return true;
  *s = str_skip(*s, 1);
  return number(s, len);
}

static void start_hunk(Reply *reply, Str line)
{
  size_t new_start;
  Str s = str_skip(line, 2);
  Block *block = &reply->block;
  *block = (Block){.kind = BLOCK_HUNK};
  block->creates = is_null(reply->diff.old_path);
  block->deletes = is_null(reply->diff.new_path);
  // The old name first: what is shown is the old file, also when the diff renames it.
  Str paths[2] = {reply->diff.old_path, reply->diff.new_path};
  for (size_t i = 0; i < 2; i++) {
    if (paths[i].len && !is_null(paths[i])) block->hints[block->hint_count++] = paths[i];
  }
  if (!reply->diff.known) reply_take_hints(reply, block);
  reply->diff.old_left = reply->diff.new_left = 0;
  reply->diff.own_crlf = reply->crlf;
  reply->diff.overrun = false;
  block->counts_agree = range(&s, '-', &block->old_start, &reply->diff.old_left) &&
                        range(&s, '+', &new_start, &reply->diff.new_left);
  if (!block->counts_agree) block->old_start = 0;
  reply->state = IN_HUNK;
}

static bool promised_more(const Reply *reply)
{
  return reply->diff.old_left > 0 || reply->diff.new_left > 0;
}

static void spend(Reply *reply, size_t *left)
{
  if (*left == 0)
    reply->diff.overrun = true;
  else
    --*left;
}

static void hunk_line(Reply *reply, char sign, Str text)
{
  Block *block = &reply->block;
  Str eol = reply->crlf ? S("\r\n") : S("\n");
  reply->diff.last_sign = sign;
  if (sign != '+') {
    reply_add_line(reply, &block->old_lines, text);
    if (!reply->diff.own_crlf) reply_add_line(reply, &block->old_eols, eol);
    spend(reply, &reply->diff.old_left);
  }
  if (sign != '-') {
    reply_add_line(reply, &block->new_lines, text);
    if (!reply->diff.own_crlf) reply_add_line(reply, &block->new_eols, eol);
    spend(reply, &reply->diff.new_left);
  }
}

// Blank lines at the end that the counts did not promise are the reply's, not the hunk's.
static void drop_trailing_blanks(Reply *reply)
{
  Block *block = &reply->block;
  StrList *a = &block->old_lines, *b = &block->new_lines;
  while (reply->diff.overrun && a->len && b->len &&
         a->items[a->len - 1].ptr == b->items[b->len - 1].ptr && a->items[a->len - 1].len == 0) {
    a->len--;
    b->len--;
    if (block->old_eols.len > a->len) block->old_eols.len--;
    if (block->new_eols.len > b->len) block->new_eols.len--;
  }
}

void unidiff_end(Reply *reply)
{
  Block *block = &reply->block;
  reply->state = reply->fence.open ? IN_FENCE : IN_PROSE;
  drop_trailing_blanks(reply);
  if (promised_more(reply) || reply->diff.overrun) block->counts_agree = false;
  if (block->old_lines.len + block->new_lines.len > 0) reply_push(reply, block);
}

static bool is_header(Str line)
{
  static const char *const starts[] = {
      "diff --git ", "index ",    "new file mode ",    "deleted file mode ",
      "old mode ",   "new mode ", "similarity index ", "dissimilarity index "};
  for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
    if (str_starts(line, str_from(starts[i]))) return true;
  }
  return false;
}

static void take_rename(Reply *reply, Str to)
{
  Block block = {.kind = BLOCK_RENAME, .hint_count = 1};
  block.hints[0] = reply->diff.rename_from;
  block.new_path = diff_path(reply->arena, to);
  reply->diff.rename_from = STR_NONE;
  reply_push(reply, &block);
}

// A fence that says "diff" may do without the two lines that name the file.
static bool in_diff_fence(const Reply *reply)
{
  Str info = reply->fence.info;
  return reply->fence.open && (str_starts(info, S("diff")) || str_starts(info, S("patch")) ||
                               str_starts(info, S("udiff")));
}

// The dialect some models are trained on: "*** Update File: path" or "*** Add File: path", then lines as in a
// diff with bare "@@" lines between hunks.
static bool take_envelope(Reply *reply, Str line)
{
  Str update = S("*** Update File: "), add = S("*** Add File: ");
  bool adds = str_starts(line, add);
  if (!adds && !str_starts(line, update)) {
    return str_starts(line, S("*** Begin Patch")) || str_starts(line, S("*** End Patch")) ||
           (reply->diff.known && str_starts(line, S("*** End of File")));
  }
  reply->diff.new_path = diff_path(reply->arena, str_skip(line, adds ? add.len : update.len));
  reply->diff.old_path = adds ? S("/dev/null") : reply->diff.new_path;
  reply->diff.known = true;
  start_hunk(reply, STR_NONE);
  return true;
}

bool unidiff_starts(Reply *reply, Str line)
{
  if (reply->diff.pending) {
    reply->diff.pending = false;
    if (str_starts(line, S("+++ "))) {
      reply->diff.old_path = reply->diff.minus;
      reply->diff.new_path = diff_path(reply->arena, str_skip(line, 4));
      reply->diff.known = true;
      return true;
    }
  }
  if (str_starts(line, S("diff --git "))) {
    reply->diff.known = false;
    reply->diff.old_path = reply->diff.new_path = STR_NONE;
  }
  if (str_starts(line, S("--- "))) {
    reply->diff.pending = true;
    reply->diff.minus = diff_path(reply->arena, str_skip(line, 4));
    return false;  // may still be prose; harmless as such
  }
  if (str_starts(line, S("@@")) && (reply->diff.known || in_diff_fence(reply))) {
    start_hunk(reply, line);
    return true;
  }
  if (str_starts(line, S("*** "))) return take_envelope(reply, line);
  if (str_starts(line, S("rename from "))) {
    reply->diff.rename_from = diff_path(reply->arena, str_skip(line, 12));
    return true;
  }
  if (str_starts(line, S("rename to ")) && reply->diff.rename_from.len) {
    take_rename(reply, str_skip(line, 10));
    return true;
  }
  return is_header(line) && (reply->diff.known || str_starts(line, S("diff --git ")));
}

// A new file's header inside a hunk looks like a removed "-- x" followed by an added "++ y"; the counts
// tell them apart.
static bool new_file_starts(Reply *reply, Str line)
{
  if (promised_more(reply)) return false;
  return str_starts(line, S("--- ")) || is_header(line);
}

// The last line has no line end after all: a carriage return there is its own.
static void open_last_line(StrList *lines, StrList *eols)
{
  if (lines->len == 0 || eols->len != lines->len || eols->items[eols->len - 1].len != 2) return;
  eols->items[eols->len - 1] = S("\n");
  lines->items[lines->len - 1].len++;
}

bool unidiff_line(Reply *reply, Str line)
{
  char sign = line.len ? line.ptr[0] : ' ';
  if (sign == '\\') {
    // It is about the line above: after a context line both sides end so.
    if (reply->diff.last_sign != '+')
      open_last_line(&reply->block.old_lines, &reply->block.old_eols);
    if (reply->diff.last_sign != '-')
      open_last_line(&reply->block.new_lines, &reply->block.new_eols);
    reply->block.old_no_eol |= reply->diff.last_sign != '+';
    reply->block.new_no_eol |= reply->diff.last_sign != '-';
    return true;
  }
  if ((sign == ' ' || sign == '+' || sign == '-') && !new_file_starts(reply, line)) {
    hunk_line(reply, sign, line.len ? (Str){line.ptr + 1, line.len - 1} : line);
    return true;
  }
  unidiff_end(reply);
  return false;
}
