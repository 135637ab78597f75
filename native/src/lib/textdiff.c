// textdiff.c: see textdiff.h.
#include "lib/textdiff.h"

#include <string.h>

#include "lib/git_api.h"

// Lines kept around the part that differs when texts are cut, so that xdiff may still slide a change
// over equal lines as it would in the whole text.
enum { MARGIN = 32 };

static size_t common_prefix(Str a, Str b)
{
  size_t max = a.len < b.len ? a.len : b.len, at = 0;
  while (at + 256 <= max && memcmp(a.ptr + at, b.ptr + at, 256) == 0) at += 256;
  while (at < max && a.ptr[at] == b.ptr[at]) at++;
  return at;
}

static size_t common_suffix(Str a, Str b)
{
  size_t max = a.len < b.len ? a.len : b.len, n = 0;
  while (n + 256 <= max && memcmp(a.ptr + a.len - n - 256, b.ptr + b.len - n - 256, 256) == 0)
    n += 256;
  while (n < max && a.ptr[a.len - n - 1] == b.ptr[b.len - n - 1]) n++;
  return n;
}

// The start of the line that holds byte [at].
static size_t line_floor(Str s, size_t at)
{
  size_t newline = str_rfind_char((Str){s.ptr, at}, '\n');
  return newline == STR_NOT_FOUND ? 0 : newline + 1;
}

// Cuts a shared suffix of [n] bytes down to whole lines: what follows its first line end.
static size_t whole_lines(Str s, size_t n)
{
  size_t newline = str_find_char(str_skip(s, s.len - n), '\n');
  return newline == STR_NOT_FOUND ? 0 : n - newline - 1;
}

// Shrinks a shared prefix or suffix by MARGIN lines.
static size_t prefix_margin(Str s, size_t head)
{
  for (int i = 0; i < MARGIN && head > 0; i++) head = line_floor(s, head - 1);
  return head;
}

static size_t suffix_margin(Str s, size_t tail)
{
  for (int i = 0; i < MARGIN && tail > 0; i++) tail = whole_lines(s, tail);
  return tail;
}

static Str middle_of(Str s, size_t head, size_t tail)
{
  return str_sub(s, head, s.len - tail);
}

static int on_hunk(const git_diff_delta *delta, const git_diff_hunk *hunk, void *data)
{
  (void)delta;
  struct {
    Arena *arena;
    TextChangeList *out;
    size_t skipped;
  } *ctx = data;
  // Without lines on a side, xdiff names the line before; else the first line, counted from 1.
  size_t old_at = (size_t)hunk->old_start - (hunk->old_lines > 0);
  size_t new_at = (size_t)hunk->new_start - (hunk->new_lines > 0);
  TextChange change = {ctx->skipped + old_at, (size_t)hunk->old_lines, ctx->skipped + new_at,
                       (size_t)hunk->new_lines};
  PUSH(ctx->arena, ctx->out, change);
  return 0;
}

static bool diff_middle(Arena *arena, Str a, Str b, size_t skipped, TextChangeList *out)
{
  struct {
    Arena *arena;
    TextChangeList *out;
    size_t skipped;
  } ctx = {arena, out, skipped};
  if (!git_load(NULL)) return false;
  git_diff_options options;
  git.diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
  // What can stand in several places begins where a block does, as git shows it.
  options.flags = GIT_DIFF_FORCE_TEXT | GIT_DIFF_INDENT_HEURISTIC;
  options.context_lines = 0;
  options.interhunk_lines = 0;
  size_t before = out->len;
  int rc = git.diff_buffers(a.ptr, a.len, NULL, b.ptr, b.len, NULL, &options, NULL, NULL, on_hunk,
                            NULL, &ctx);
  if (rc < 0) out->len = before;
  return rc == 0 && out->len > before;
}

// Is there but one way to say it? One line for another; or lines that go or come and do not end as what is above them.
static bool is_plain(const TextChange *all, Str whole, size_t head, Str middle)
{
  if (all->old_len && all->new_len) return all->old_len == 1 && all->new_len == 1;
  if (!head) return true;
  Str above = str_sub(whole, line_floor(whole, head - 1), head);
  return !str_ends(middle, above);
}

void textdiff_lines(Arena *arena, Str old_text, Str new_text, TextChangeList *out)
{
  size_t head = common_prefix(old_text, new_text);
  if (head == old_text.len && head == new_text.len) return;
  head = line_floor(old_text, head);
  Str a = str_skip(old_text, head), b = str_skip(new_text, head);
  size_t tail = whole_lines(a, common_suffix(a, b));
  a.len -= tail;
  b.len -= tail;
  size_t skipped = str_count_lines((Str){old_text.ptr, head});
  TextChange all = {skipped, str_count_lines(a), skipped, str_count_lines(b)};
  if (!is_plain(&all, old_text, head, a.len ? a : b)) {
    size_t from = prefix_margin(old_text, head);
    skipped -= str_count_lines(str_sub(old_text, from, head));
    tail = suffix_margin(old_text, tail);
    if (diff_middle(arena, middle_of(old_text, from, tail), middle_of(new_text, from, tail),
                    skipped, out))
      return;
  }
  PUSH(arena, out, all);
}

static git_merge_file_input merge_input(Str s)
{
  git_merge_file_input input;
  git.merge_file_input_init(&input, GIT_MERGE_FILE_INPUT_VERSION);
  input.ptr = s.len ? s.ptr : "";
  input.size = s.len;
  return input;
}

static int merge_once(Str base, Str ours, Str theirs, git_merge_file_favor_t favor,
                      git_merge_file_result *result)
{
  git_merge_file_input in[3] = {merge_input(base), merge_input(ours), merge_input(theirs)};
  git_merge_file_options options;
  git.merge_file_options_init(&options, GIT_MERGE_FILE_OPTIONS_VERSION);
  options.favor = favor;
  options.marker_size = 99;  // long enough to tell from the text's own lines
  options.our_label = "ours";
  options.their_label = "theirs";
  return git.merge_file(result, &in[0], &in[1], &in[2], &options);
}

static size_t count_markers(Str text)
{
  char marker[99];
  memset(marker, '<', sizeof(marker));
  size_t count = 0;
  for (Str rest = text, line; str_line(&rest, &line);) {
    count += str_starts(line, (Str){marker, sizeof(marker)});
  }
  return count ? count : 1;
}

static size_t min_size(size_t a, size_t b)
{
  return a < b ? a : b;
}

static Str around(Arena *arena, Str whole, size_t head, Str middle, size_t tail)
{
  char *out = arena_alloc(arena, head + middle.len + tail + 1);
  if (head) memcpy(out, whole.ptr, head);
  if (middle.len) memcpy(out + head, middle.ptr, middle.len);
  if (tail) memcpy(out + head + middle.len, whole.ptr + whole.len - tail, tail);
  return (Str){out, head + middle.len + tail};
}

bool textdiff_merge(Arena *arena, Str base, Str ours, Str theirs, TextMerge *out, Error *err)
{
  *out = (TextMerge){0};
  if (!git_load(err)) return false;
  size_t head = min_size(common_prefix(base, ours), common_prefix(base, theirs));
  head = prefix_margin(base, line_floor(base, head));
  Str b = str_skip(base, head), o = str_skip(ours, head), t = str_skip(theirs, head);
  size_t tail = min_size(common_suffix(b, o), common_suffix(b, t));
  tail = suffix_margin(base, whole_lines(base, tail));
  b = middle_of(base, head, tail), o = middle_of(ours, head, tail);
  t = middle_of(theirs, head, tail);

  git_merge_file_result result = {0};
  if (merge_once(b, o, t, GIT_MERGE_FILE_FAVOR_NORMAL, &result) < 0) goto failed;
  if (!result.automergeable) {
    out->conflicts = count_markers((Str){result.ptr, result.len});
    git.merge_file_result_free(&result);
    if (merge_once(b, o, t, GIT_MERGE_FILE_FAVOR_OURS, &result) < 0) goto failed;
  }
  out->text = around(arena, base, head, (Str){result.ptr, result.len}, tail);
  git.merge_file_result_free(&result);
  return true;
failed:
  git.merge_file_result_free(&result);
  return error_set(err, ERR_GIT, "cannot merge the texts: %s",
                   git.error_last() ? git.error_last()->message : "unknown cause");
}
