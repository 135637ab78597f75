// hunk.c: making, applying, inverting, cutting and naming hunks. Finding them again is place.c.
#include "patch/hunk.h"

#include <string.h>

#include "lib/textdiff.h"

static size_t min_size(size_t a, size_t b)
{
  return a < b ? a : b;
}

// Fills the context of a hunk that replaces [hunk->old_len] lines from index [at] of [old_text].
static void set_context(const Text *old_text, size_t at, Hunk *hunk)
{
  size_t end = at + hunk->old_len;
  hunk->before_len = min_size(at, HUNK_CONTEXT);
  hunk->before = old_text->items + (at - hunk->before_len);
  hunk->after_len = min_size(old_text->len - end, HUNK_CONTEXT);
  hunk->after = old_text->items + end;
  hunk->at_start = at == hunk->before_len;
  hunk->at_end = end + hunk->after_len == old_text->len;
}

Hunk hunk_make(const Text *old_text, size_t at, size_t old_len, Line *new_lines, size_t new_len)
{
  Hunk hunk = {.old_start = at + 1,
               .old_lines = old_text->items + at,
               .old_len = old_len,
               .new_lines = new_lines,
               .new_len = new_len};
  set_context(old_text, at, &hunk);
  return hunk;
}

HunkList hunks_diff(Arena *arena, Str old_text, Str new_text)
{
  HunkList hunks = {0};
  TextChangeList changes = {0};
  textdiff_lines(arena, old_text, new_text, &changes);
  if (changes.len == 0) return hunks;
  Text old_lines = text_split(arena, old_text), new_lines = text_split(arena, new_text);
  for (size_t i = 0; i < changes.len; i++) {
    TextChange c = changes.items[i];
    Hunk hunk = hunk_make(&old_lines, c.old_at, c.old_len, new_lines.items + c.new_at, c.new_len);
    hunk.new_start = c.new_at + 1;
    PUSH(arena, &hunks, hunk);
  }
  hunks_count_twins(&old_lines, &hunks);
  return hunks;
}

// Appends lines [from, to) of [text], which are one run of bytes.
static char *copy_run(char *out, const Text *text, size_t from, size_t to)
{
  Str bytes = text_range(text, (Range){from + 1, to});
  memcpy(out, bytes.ptr, bytes.len);
  return out + bytes.len;
}

static size_t lines_bytes(const Line *lines, size_t len)
{
  size_t bytes = 0;
  for (size_t i = 0; i < len; i++) bytes += lines[i].text.len + lines[i].eol.len;
  return bytes;
}

static char *copy_lines(char *out, const Line *lines, size_t len)
{
  for (size_t i = 0; i < len; i++) {
    if (lines[i].text.len) memcpy(out, lines[i].text.ptr, lines[i].text.len);
    out += lines[i].text.len;
    if (lines[i].eol.len) memcpy(out, lines[i].eol.ptr, lines[i].eol.len);
    out += lines[i].eol.len;
  }
  return out;
}

// More lines are to follow: a last line without a line end, now inside the text, gets one.
static char *end_line(char *out, const char *start, const Text *text)
{
  if (out == start || out[-1] == '\n') return out;
  Str eol = text->len && text->items[0].eol.len ? text->items[0].eol : S("\n");
  memcpy(out, eol.ptr, eol.len);
  return out + eol.len;
}

static size_t room_for(const Text *text, const HunkList *hunks)
{
  size_t room = text->bytes.len + 3;
  for (size_t i = 0; i < hunks->len; i++) {
    room += lines_bytes(hunks->items[i].new_lines, hunks->items[i].new_len) + 2;
  }
  return room;
}

Str text_apply(Arena *arena, const Text *text, const HunkList *hunks)
{
  size_t room = room_for(text, hunks);
  char *start = arena_alloc_raw(arena, room), *out = start;
  size_t done = 0;
  for (size_t i = 0; i < hunks->len; i++) {
    const Hunk *hunk = &hunks->items[i];
    size_t at = hunk->old_start - 1;
    if (at < done || at + hunk->old_len > text->len) continue;  // not a hunk of this text
    if (done < at) out = copy_run(end_line(out, start, text), text, done, at);
    if (hunk->new_len) out = end_line(out, start, text);
    out = copy_lines(out, hunk->new_lines, hunk->new_len);
    done = at + hunk->old_len;
  }
  if (done < text->len) out = copy_run(end_line(out, start, text), text, done, text->len);
  return (Str){start, (size_t)(out - start)};
}

Str hunks_apply(Arena *arena, Str old_text, const HunkList *hunks)
{
  if (hunks->len == 0) return old_text;
  Text text = text_split(arena, old_text);
  return text_apply(arena, &text, hunks);
}

HunkList hunks_invert(Arena *arena, Str new_text, const HunkList *hunks)
{
  HunkList inverse = {0};
  Text text = text_split(arena, new_text);
  size_t shift = 0;  // modulo 2^n: lines gained so far
  for (size_t i = 0; i < hunks->len; i++) {
    const Hunk *hunk = &hunks->items[i];
    size_t at = hunk->old_start - 1 + shift;
    shift += hunk->new_len - hunk->old_len;
    if (at > text.len || hunk->new_len > text.len - at) continue;
    Hunk back = hunk_make(&text, at, hunk->new_len, hunk->old_lines, hunk->old_len);
    back.new_start = hunk->old_start;
    PUSH(arena, &inverse, back);
  }
  hunks_count_twins(&text, &inverse);
  return inverse;
}

// The lines around a part of a hunk: the hunk's own old lines first, then its context.
static void split_context(Arena *arena, const Hunk *hunk, size_t from, size_t to, Hunk *out)
{
  size_t total = hunk->before_len + hunk->old_len + hunk->after_len, at = 0;
  Line *all = NEW_N(arena, Line, total);
  for (size_t i = 0; i < hunk->before_len; i++) all[at++] = hunk->before[i];
  for (size_t i = 0; i < hunk->old_len; i++) all[at++] = hunk->old_lines[i];
  for (size_t i = 0; i < hunk->after_len; i++) all[at++] = hunk->after[i];
  from += hunk->before_len;
  to += hunk->before_len;
  out->before_len = min_size(from, HUNK_CONTEXT);
  out->before = all + (from - out->before_len);
  out->after_len = min_size(total - to, HUNK_CONTEXT);
  out->after = all + to;
  out->at_start = hunk->at_start && from == out->before_len;
  out->at_end = hunk->at_end && to + out->after_len == total;
}

static Hunk part_of(Arena *arena, const Hunk *hunk, HunkCut from, HunkCut to)
{
  Hunk out = {.old_start = hunk->old_start + from.old_at,
              .new_start = hunk->new_start + from.new_at,
              .old_lines = hunk->old_lines + from.old_at,
              .old_len = to.old_at - from.old_at,
              .new_lines = hunk->new_lines + from.new_at,
              .new_len = to.new_at - from.new_at};
  split_context(arena, hunk, from.old_at, to.old_at, &out);
  return out;
}

HunkList hunk_cut(Arena *arena, const Hunk *hunk, const HunkCut *cuts, size_t count)
{
  HunkList parts = {0};
  HunkCut from = {0, 0}, end = {hunk->old_len, hunk->new_len};
  for (size_t i = 0; i <= count; i++) {
    HunkCut to = i < count ? cuts[i] : end;
    bool fits = to.old_at >= from.old_at && to.new_at >= from.new_at && to.old_at <= end.old_at &&
                to.new_at <= end.new_at;
    if (!fits || (to.old_at == from.old_at && to.new_at == from.new_at)) continue;
    Hunk part = part_of(arena, hunk, from, to);
    PUSH(arena, &parts, part);
    from = to;
  }
  return parts;
}

bool hunk_lines(const Hunk *hunk, size_t first, size_t last, HunkCut *from, HunkCut *to)
{
  size_t old_len = hunk->old_len, all = old_len + hunk->new_len;
  if (first == 0 || last < first || last > all || last - first + 1 == all) return false;
  *from = (HunkCut){min_size(first - 1, old_len), first - 1 - min_size(first - 1, old_len)};
  *to = (HunkCut){min_size(last, old_len), last - min_size(last, old_len)};
  return true;
}

static uint64_t hash_bytes(uint64_t hash, Str s)
{
  for (size_t i = 0; i < s.len; i++) hash = (hash ^ (unsigned char)s.ptr[i]) * 0x100000001b3u;
  return hash;
}

static uint64_t hash_lines(uint64_t hash, const Line *lines, size_t len)
{
  for (size_t i = 0; i < len; i++) hash = hash_bytes(hash_bytes(hash, lines[i].text), S("\n"));
  return hash_bytes(hash, S("\x1d"));  // so that a line does not slip from one part into the next
}

Str hunk_id(Arena *arena, Str path, const Hunk *hunk, size_t nth)
{
  uint64_t hash = hash_bytes(hash_bytes(0xcbf29ce484222325u, path), S("\x1d"));
  hash = hash_lines(hash, hunk->before, hunk->before_len);
  hash = hash_lines(hash, hunk->old_lines, hunk->old_len);
  hash = hash_lines(hash, hunk->new_lines, hunk->new_len);
  hash = hash_lines(hash, hunk->after, hunk->after_len);
  hash = (hash ^ nth) * 0x100000001b3u;
  return str_fmt(arena, "%016llx", (unsigned long long)(hash ^ hash >> 31));
}
