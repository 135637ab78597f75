// brief_like.c: see brief_like.h.
#include "work/brief_like.h"

enum {
  LINES_MAX = 60,
  LINE_BYTES_MAX = 400,
  WORDS_MAX = 6,  // exchanged, in one run: more are hard to follow
  GAIN_MIN = 40,  // bytes
  GAIN_MORE = 16,
  SHARE_MAX = 65,  // % of the bytes in full
  SHARE_MORE = 85,
  FULL_BYTES = 20,  // what a line in full costs besides its text: nothing can be told by it later
  FULL_BYTES_MORE = 6,
};

static bool in_word(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (unsigned char)c >= 0x80;
}

static size_t word_end(Str s, size_t at)
{
  while (at < s.len && in_word(s.ptr[at])) at++;
  return at;
}

Str like_head(Str line)
{
  size_t at = 0;
  while (at < line.len && !in_word(line.ptr[at])) at++;
  return at < line.len ? str_sub(line, 0, word_end(line, at)) : STR_NONE;
}

void like_begin(Like *like, Arena *arena, bool more)
{
  *like = (Like){.arena = arena, .more = more};
}

static size_t full_cost(const Like *like, Str text)
{
  return text.len + (like->more ? FULL_BYTES_MORE : FULL_BYTES);
}

// The word [old] becomes [now] everywhere in the run: true when that is so up to here.
static bool add_word(Like *like, Str old, Str now)
{
  uint64_t hash = str_hash(old);
  for (size_t i = 0; i < like->words.len; i++) {
    const LikeWord *word = &like->words.items[i];
    if (word->hash == hash && str_eq(word->old, old)) return str_eq(word->now, now);
  }
  LikeWord word = {old, now, hash};
  PUSH(like->arena, &like->words, word);
  if (!str_eq(old, now)) like->told += old.len + now.len + 6;
  return true;
}

bool like_same(Like *like, Str there, Str here)
{
  size_t a = 0, b = 0;
  while (a < there.len || b < here.len) {
    size_t a_end = word_end(there, a), b_end = word_end(here, b);
    if ((a_end > a) != (b_end > b)) return false;
    if (a_end > a) {
      if (!add_word(like, str_sub(there, a, a_end), str_sub(here, b, b_end))) return false;
      a = a_end;
      b = b_end;
    } else {
      if (a == there.len || b == here.len || there.ptr[a] != here.ptr[b]) return false;
      a++;
      b++;
    }
  }
  return true;
}

static size_t exchanged(const Like *like, size_t len)
{
  size_t count = 0;
  for (size_t i = 0; i < len; i++)
    count += !str_eq(like->words.items[i].old, like->words.items[i].now);
  return count;
}

// One more run has to be as long as the first, whatever its last lines are worth.
static void keep_best(Like *like)
{
  size_t gain = like->bytes > like->told ? like->bytes - like->told : 0;
  if (gain <= like->best_gain && !like->more) return;
  like->best_gain = gain;
  like->best_lines = like->lines;
  like->best_words = like->words.len;
  like->best_full = like->full.len;
}

bool like_line(Like *like, Str there, Str here, size_t number)
{
  size_t words = like->words.len, told = like->told;
  bool fits = like->lines < LINES_MAX && there.len <= LINE_BYTES_MAX && here.len <= LINE_BYTES_MAX;
  if (!fits) return false;
  like->lines++;
  like->bytes += here.len + 2;
  if (like_same(like, there, here) && exchanged(like, like->words.len) <= WORDS_MAX) {
    like->matched++;
    // a blank line belongs to what follows it
    if (like->more || str_trim(here).len) keep_best(like);
    return true;
  }
  like->words.len = words;
  // a line of another kind, or too many in full: these runs are not alike
  bool kind = str_eq(like_head(there), like_head(here)) && like->full.len <= like->matched;
  size_t indent = 0;
  while (indent < here.len && (here.ptr[indent] == ' ' || here.ptr[indent] == '\t')) indent++;
  LikeFull full = {number, str_skip(here, indent)};
  like->told = told + full_cost(like, full.text);
  PUSH(like->arena, &like->full, full);
  if (like->more && kind) keep_best(like);
  return kind;
}

size_t like_gain(const Like *like, size_t head, size_t *lines)
{
  *lines = like->best_lines;
  size_t gain = like->best_gain, full = 0;
  if (like->best_lines < 2 || gain < head + (like->more ? GAIN_MORE : GAIN_MIN)) return 0;
  for (size_t i = 0; i < like->best_full; i++) full += full_cost(like, like->full.items[i].text);
  size_t told = head + full;
  for (size_t i = 0; i < like->best_words; i++) {
    const LikeWord *word = &like->words.items[i];
    if (!str_eq(word->old, word->now)) told += word->old.len + word->now.len + 6;
  }
  size_t share = like->more ? SHARE_MORE : SHARE_MAX;
  return told * 100 <= (told + gain - head) * share ? gain - head : 0;
}

static bool told_before(const Like *before, const LikeFull *line)
{
  for (size_t i = 0; before && i < before->best_full; i++) {
    const LikeFull *other = &before->full.items[i];
    if (other->number == line->number) return str_eq(other->text, line->text);
  }
  return false;
}

void like_add(const Like *like, const Like *before, Buf *out)
{
  const char *between = "";
  for (size_t i = 0; i < like->best_words; i++) {
    const LikeWord *word = &like->words.items[i];
    if (str_eq(word->old, word->now)) continue;
    buf_fmt(out, "%s%.*s -> %.*s", between, STR_ARG(word->old), STR_ARG(word->now));
    between = ", ";
  }
  if (!*between && !like->best_full) buf_add(out, S("no change"));
  for (size_t i = 0; i < like->best_full; i++) {
    const LikeFull *line = &like->full.items[i];
    buf_fmt(out, "%s%zu", i || *between ? "; " : "", line->number);
    if (told_before(before, line))
      buf_add(out, S(" likewise"));
    else
      buf_fmt(out, ": %.*s", STR_ARG(line->text));
  }
}
