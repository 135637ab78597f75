// reply.c: the state machine behind reply.h. One line goes in at a time; a complete block comes out.
//
//            head              tail
//   PROSE ---------> BLOCK ----------> PROSE or FENCE (where the block began)
//   PROSE <--------> FENCE             a fence that held no block is a block of its own
//   PROSE, FENCE --- "--- ", "+++ ", "@@" ---> HUNK --- any other line ---> back
#include "patch/reply.h"

#include "patch/marker.h"
#include "patch/unidiff.h"

void reply_fail(Reply *reply, RefuseCode problem)
{
  if (reply->problem != REFUSE_COUNT) return;
  reply->problem = problem;
  reply->problem_line = reply->line;
}

void reply_push(Reply *reply, Block *block)
{
  if (reply->blocks.len >= REPLY_MAX_BLOCKS) {
    reply_fail(reply, REFUSE_TOO_LARGE);
    return;
  }
  block->number = reply->blocks.len + 1;
  PUSH(reply->arena, &reply->blocks, *block);
}

static void add_hint(Block *block, Str hint)
{
  if (hint.len && hint.len <= 1024 && block->hint_count < BLOCK_MAX_HINTS) {
    block->hints[block->hint_count++] = hint;
  }
}

// The prose lines above, the fence's info string between them where a fence is open.
void reply_take_hints(Reply *reply, Block *block)
{
  for (size_t i = 0; i < 3; i++) {
    add_hint(block, reply->above[i]);
    if (i == 0 && reply->fence.open) add_hint(block, reply->fence.info);
  }
}

static void forget_above(Reply *reply)
{
  for (size_t i = 0; i < 3; i++) reply->above[i] = STR_NONE;
}

static void remember_above(Reply *reply, Str line)
{
  line = str_trim(line);
  if (line.len == 0) return;
  reply->above[2] = reply->above[1];
  reply->above[1] = reply->above[0];
  reply->above[0] = line;
}

void reply_add_line(Reply *reply, StrList *lines, Str line)
{
  if (lines->len >= BLOCK_MAX_LINES)
    reply_fail(reply, REFUSE_TOO_LARGE);
  else
    PUSH(reply->arena, lines, line);
}

// --- SEARCH/REPLACE blocks -------------------------------------------------------------------------

static void start_block(Reply *reply, Str on_head)
{
  reply->block = (Block){.kind = BLOCK_EDIT};
  add_hint(&reply->block, on_head);
  reply_take_hints(reply, &reply->block);
  forget_above(reply);
  reply->fence.had_block = true;
  reply->state = IN_BLOCK;
}

static void block_line(Reply *reply, Str line)
{
  Block *block = &reply->block;
  Str rest;
  if (marker_is_head(line, &rest)) {
    reply_fail(reply, REFUSE_MALFORMED);
    return;
  }
  if (marker_is_tail(line)) {
    if (block->divider_count == 0) {
      reply_fail(reply, REFUSE_MALFORMED);
      return;
    }
    reply_push(reply, block);
    reply->state = reply->fence.open ? IN_FENCE : IN_PROSE;
    return;
  }
  if (marker_is_divider(line) && block->divider_count < BLOCK_MAX_DIVIDERS) {
    block->dividers[block->divider_count++] = block->lines.len;
  }
  reply_add_line(reply, &block->lines, line);
}

bool block_reading(const Block *block, size_t n, Sides *out)
{
  if (block->kind == BLOCK_HUNK) {
    *out = (Sides){block->old_lines.items, block->new_lines.items, block->old_lines.len,
                   block->new_lines.len, false};
    return n == 0;
  }
  if (block->kind != BLOCK_EDIT || n >= block->divider_count) return false;
  size_t at = block->dividers[n];
  *out = (Sides){block->lines.items, block->lines.items + at + 1, at, block->lines.len - at - 1,
                 false};
  return true;
}

// --- fences ----------------------------------------------------------------------------------------

static void open_fence(Reply *reply, char mark, size_t len, Str info)
{
  reply->fence.open = true;
  reply->fence.had_block = false;
  reply->fence.mark = mark;
  reply->fence.len = len;
  reply->fence.depth = 0;
  reply->fence.info = info;
  reply->fence.text = (Block){.kind = BLOCK_FENCE};
  reply_take_hints(reply, &reply->fence.text);
  reply->state = IN_FENCE;
}

static void close_fence(Reply *reply)
{
  if (!reply->fence.had_block) reply_push(reply, &reply->fence.text);
  if (!reply->fence.had_block) forget_above(reply);
  reply->fence.open = false;
  reply->state = IN_PROSE;
}

// A fence inside the fence opens with an info string and closes without: Markdown that shows code.
static bool fence_ends(Reply *reply, Str line)
{
  char mark;
  size_t len;
  Str info;
  if (!marker_is_fence(line, &mark, &len, &info) || mark != reply->fence.mark) return false;
  if (info.len) {
    reply->fence.depth += len == reply->fence.len;
    return false;
  }
  if (len < reply->fence.len) return false;
  if (reply->fence.depth == 0 || reply->fence.had_block) return true;
  reply->fence.depth--;
  return false;
}

static void fence_line(Reply *reply, Str line)
{
  Str rest;
  if (marker_is_head(line, &rest))
    start_block(reply, rest);
  else if (marker_is_tail(line))
    reply_fail(reply, REFUSE_MALFORMED);
  else if (fence_ends(reply, line))
    close_fence(reply);
  else if (unidiff_starts(reply, line))
    reply->fence.had_block = true;
  else {
    remember_above(reply, line);
    reply_add_line(reply, &reply->fence.text.lines, line);
  }
}

// --- prose -----------------------------------------------------------------------------------------

static bool says_nothing_to_change(Str line)
{
  Str s = str_trim(line);
  while (s.len && str_has(S("*`_#>\"'"), str_sub(s, 0, 1))) s = str_trim(str_skip(s, 1));
  Str words = S("NOTHING TO CHANGE");
  if (s.len < words.len || !str_eq_nocase(str_sub(s, 0, words.len), words)) return false;
  return s.len == words.len ||
         !str_has(S("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"),
                  str_sub(s, words.len, words.len + 1));
}

static bool is_think_tag(Str line, bool closing)
{
  static const char *const names[] = {"think>", "thinking>", "thought>", "reasoning>"};
  Str s = str_trim(line), start = closing ? S("</") : S("<");
  if (!str_starts(s, start)) return false;
  s = str_skip(s, start.len);
  for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
    if (closing ? str_eq(s, str_from(names[i])) : str_starts(s, str_from(names[i]))) return true;
  }
  return false;
}

static bool ends_think(Str line)
{
  size_t at = str_rfind_char(line, '<');
  return at != STR_NOT_FOUND && is_think_tag(str_skip(line, at), true);
}

// A closing tag without an opening one: the opening was in the prompt. What came before was a draft.
static void drop_draft(Reply *reply)
{
  reply->blocks.len = 0;
  reply->abstained = false;
  forget_above(reply);
}

static void prose_line(Reply *reply, Str line)
{
  Str rest, info;
  char mark;
  size_t len;
  bool first = !reply->seen_text && str_trim(line).len > 0;
  if (first) {
    reply->seen_text = true;
    reply->abstained = says_nothing_to_change(line);
  }
  if (first && is_think_tag(line, false))
    reply->state = ends_think(line) ? IN_PROSE : IN_THINK;
  else if (marker_is_head(line, &rest))
    start_block(reply, rest);
  else if (marker_is_tail(line))
    reply_fail(reply, REFUSE_MALFORMED);
  else if (marker_is_fence(line, &mark, &len, &info))
    open_fence(reply, mark, len, info);
  else if (unidiff_starts(reply, line))
    forget_above(reply);
  else if (is_think_tag(line, true))
    drop_draft(reply);
  else
    remember_above(reply, line);
}

static void think_line(Reply *reply, Str line)
{
  if (!ends_think(line)) return;
  reply->state = IN_PROSE;
  reply->seen_text = false;
}

// --- lines in ---------------------------------------------------------------------------------------

static void take_line(Reply *reply, Str line)
{
  if (reply->problem != REFUSE_COUNT) return;
  reply->line++;
  reply->bytes += line.len + 1;
  reply->crlf = line.len && line.ptr[line.len - 1] == '\r';
  if (reply->crlf) line.len--;
  if (reply->line == 1 && str_starts(line, S("\xef\xbb\xbf"))) line = str_skip(line, 3);
  if (reply->bytes > REPLY_MAX_BYTES)
    reply_fail(reply, REFUSE_TOO_LARGE);
  else if (str_find_char(line, '\0') != STR_NOT_FOUND || !str_is_utf8(line))
    reply_fail(reply, REFUSE_NOT_TEXT);
  if (reply->problem != REFUSE_COUNT) return;
  if (reply->state == IN_HUNK && unidiff_line(reply, line)) return;
  switch (reply->state) {
    case IN_BLOCK: block_line(reply, line); break;
    case IN_FENCE: fence_line(reply, line); break;
    case IN_THINK: think_line(reply, line); break;
    case IN_PROSE:
    case IN_HUNK: prose_line(reply, line); break;
  }
}

static void finish(Reply *reply)
{
  if (reply->problem != REFUSE_COUNT) return;
  if (reply->state == IN_HUNK) unidiff_end(reply);
  if (reply->state == IN_BLOCK || reply->state == IN_THINK) reply_fail(reply, REFUSE_TRUNCATED);
  // An open fence around blocks, or around a diff, is only sloppy; a text that is cut is lost.
  if (reply->fence.open && !reply->fence.had_block) reply_fail(reply, REFUSE_TRUNCATED);
}

// Room for all blocks at once: a list that grows leaves half of its memory behind.
static void make_room(Reply *reply, Str text)
{
  size_t count = 0;
  static const char *const ends[] = {"REPLACE\n", "\n@@ "};
  for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
    Str end = str_from(ends[i]);
    for (Str rest = text; count < REPLY_MAX_BLOCKS; count++) {
      size_t at = str_find(rest, end);
      if (at == STR_NOT_FOUND) break;
      rest = str_skip(rest, at + end.len);
    }
  }
  reply->blocks.items = NEW_N(reply->arena, Block, count);
  reply->blocks.cap = count;
}

void reply_parse(Reply *reply, Arena *arena, Str text)
{
  *reply = (Reply){.arena = arena, .problem = REFUSE_COUNT};
  make_room(reply, text);
  for (Str line; reply->problem == REFUSE_COUNT && str_line(&text, &line);) take_line(reply, line);
  finish(reply);
}
