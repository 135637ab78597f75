// alike.c: see alike.h.
#include "review/alike.h"

#include "base/buf.h"
#include "patch/diff.h"

enum { KEY_MAX = 16 << 10 };

static void add_spans(Buf *key, char sign, Str line, const SpanList *spans)
{
  for (size_t i = 0; i < spans->len; i++) {
    Str part = str_trim(str_sub(line, spans->items[i].from, spans->items[i].to));
    buf_fmt(key, "%c%.*s\n", sign, STR_ARG(part));
  }
}

// What changes inside the lines, said once however often it does.
static bool add_words(Arena *arena, Buf *key, const Hunk *hunk)
{
  Buf one;
  buf_init(&one, KEY_MAX);
  bool found = true;
  for (size_t i = 0; i < hunk->old_len && found; i++) {
    SpanList olds = {0}, news = {0};
    Str a = hunk->old_lines[i].text, b = hunk->new_lines[i].text;
    diff_words(arena, a, b, &olds, &news);
    buf_clear(&one);
    for (size_t s = 0; s < olds.len || s < news.len; s++) {
      SpanList old_one = {olds.items + s, s < olds.len, 1},
               new_one = {news.items + s, s < news.len, 1};
      Buf pair;
      buf_init(&pair, KEY_MAX);
      if (old_one.len) add_spans(&pair, '-', a, &old_one);
      if (new_one.len) add_spans(&pair, '+', b, &new_one);
      if (!str_has(buf_str(key), buf_str(&pair))) buf_add(key, buf_str(&pair));
      buf_deinit(&pair);
    }
    found = olds.len + news.len > 0;  // only blanks differ: whole lines are safer
  }
  buf_deinit(&one);
  return found;
}

static void add_lines(Buf *key, char sign, const Line *lines, size_t len)
{
  for (size_t i = 0; i < len; i++) buf_fmt(key, "%c%.*s\n", sign, STR_ARG(str_trim(lines[i].text)));
}

Str alike_key(Arena *arena, const Hunk *hunk)
{
  if (hunk->old_len + hunk->new_len == 0 || hunk->old_len + hunk->new_len > ALIKE_LINES_MAX)
    return STR_NONE;
  Buf key;
  buf_init(&key, KEY_MAX);
  bool words = hunk->old_len == hunk->new_len && add_words(arena, &key, hunk);
  if (!words) {
    buf_clear(&key);
    add_lines(&key, '-', hunk->old_lines, hunk->old_len);
    add_lines(&key, '+', hunk->new_lines, hunk->new_len);
  }
  Str made = key.len < KEY_MAX - 64 ? buf_take(&key, arena) : STR_NONE;
  buf_deinit(&key);
  return made;
}
