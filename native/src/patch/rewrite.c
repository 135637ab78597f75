// rewrite.c: see rewrite.h.
#include "patch/rewrite.h"

#include <stdlib.h>
#include <string.h>

#include "patch/indent.h"
#include "patch/marker.h"
#include "patch/readings.h"

enum { ELISION_CHECKS = 64, MOVED_LINES = 400 };

// What one block's rewriting needs at hand.
typedef struct {
  Rewrite *rewrite;
  Arena *arena;
  const Text *text;
  const Sides *sides;
  const Match *match;
  IndentMap indent;
  bool indent_known;     // the pairs did not contradict each other
  bool strip_trailing;   // the reply puts blanks at line ends where the file has none
  const StrList *eols;   // unified diffs that quote the file's line ends: those of the new lines; else NULL
  size_t first_full;     // first line of REPLACE that is not blank
  size_t block;
  BlockKind block_kind;
  EofWish eof;
  size_t bad_line;
} Job;

static bool line_blank(Str s)
{
  return str_trim(s).len == 0;
}

// The file's line without a byte order mark.
static Str text_line(const Text *text, size_t line)
{
  Str s = text->items[line].text;
  return line == 0 && str_starts(s, S("\xef\xbb\xbf")) ? str_skip(s, 3) : s;
}

// --- what the pairs of lines teach -------------------------------------------------------------------

static bool has_trailing_blanks(Str s)
{
  return s.len > str_trim_end(s).len;
}

static void learn(Job *job)
{
  IndentPairList pairs = {0};
  job->indent_known = true;
  if (job->match->tier == TIER_EXACT) return;  // nothing drifted
  for (size_t i = 0; i < job->match->len; i++) {
    if (job->match->lines[i] == LINE_NONE) continue;
    Str reply = job->sides->search[i], file = text_line(job->text, job->match->lines[i]);
    job->strip_trailing |= has_trailing_blanks(reply) && !has_trailing_blanks(file);
    if (line_blank(reply)) continue;
    IndentPair pair = {indent_of(reply), indent_of(file)};
    PUSH(job->arena, &pairs, pair);
  }
  job->indent_known = indent_learn(job->arena, &pairs, &job->indent);
  while (job->first_full < job->sides->replace_len && line_blank(job->sides->replace[job->first_full])) {
    job->first_full++;
  }
}

// With one line to learn from, "outdented as a whole" and "only the first line lost its indentation" look
// the same. REPLACE tells them apart when another line of it stands as far left, or when its first line
// opens a block; else nothing does.
static bool one_line_is_clear(const Job *job)
{
  const Sides *sides = job->sides;
  if (job->indent.kind != INDENT_RULE || job->indent.pairs.len != 1) return true;
  Str first = job->indent.pairs.items[0].reply;
  size_t full = 0;
  for (size_t i = 0; i < sides->search_len; i++) full += !line_blank(sides->search[i]);
  if (full > 1) return true;
  bool deeper = false;
  for (size_t i = job->first_full + 1; i < sides->replace_len; i++) {
    if (line_blank(sides->replace[i])) continue;
    if (indent_of(sides->replace[i]).len <= first.len) return true;
    deeper = true;
  }
  if (!deeper) return true;
  Str opener = str_trim_end(sides->replace[job->first_full]);
  return opener.len && str_has(S(":{([,\\"), str_sub(opener, opener.len - 1, opener.len));
}

// --- one new line ------------------------------------------------------------------------------------

// The bytes of [file] that stand where the first [at] bytes of [search] do, both being equal when folded;
// false when [at] is inside a run that cannot be cut.
static bool folded_offset(Str file, Str search, size_t at, size_t *out)
{
  Str f = fold_trim(file), s = fold_trim(search);
  while (s.len && (size_t)(s.ptr - search.ptr) < at) {
    int a = fold_next(&f), b = fold_next(&s);
    if (a != b) return false;
  }
  if (s.len && (size_t)(s.ptr - search.ptr) != at) return false;
  *out = f.len ? (size_t)(f.ptr - file.ptr) : fold_trim(file).len + (size_t)(fold_trim(file).ptr - file.ptr);
  return true;
}

static size_t shared_head(Str a, Str b)
{
  size_t n = 0;
  while (n < a.len && n < b.len && a.ptr[n] == b.ptr[n]) n++;
  return str_utf8_floor(a, n);
}

static size_t shared_tail(Str a, Str b, size_t head)
{
  size_t n = 0;
  while (n + head < a.len && n + head < b.len && a.ptr[a.len - n - 1] == b.ptr[b.len - n - 1]) n++;
  while (n > 0 && ((unsigned char)a.ptr[a.len - n] & 0xc0) == 0x80) n--;
  return n;
}

// The reply quoted [file] as [search] with blanks or quotes folded inside the line, and wants [replace]:
// what it did not change keeps the file's bytes.
static bool merge_folded(Arena *arena, Str file, Str search, Str replace, Str *out)
{
  search = str_trim_end(search), replace = str_trim_end(replace);
  size_t head = shared_head(search, replace), tail = shared_tail(search, replace, head), from, to;
  if (!folded_offset(file, search, head, &from) || !folded_offset(file, search, search.len - tail, &to)) return false;
  if (to < from) return false;
  Str start = str_sub(file, 0, from), end = str_trim_end(str_skip(file, to));
  *out = str_cat(arena, str_cat(arena, start, str_sub(replace, head, replace.len - tail)), end);
  return true;
}

// A line that REPLACE only moves, perhaps to another depth, was quoted loosely like the rest: the file's own
// characters count. Bounded by MOVED_LINES, past which lines are taken as the reply has them.
static Str own_characters(const Job *job, Str line)
{
  const Sides *sides = job->sides;
  Str bare = str_trim(line);
  if (bare.len == 0 || sides->search_len > MOVED_LINES) return line;
  for (size_t i = 0; i < sides->search_len; i++) {
    if (job->match->lines[i] == LINE_NONE || !str_eq(str_trim(sides->search[i]), bare)) continue;
    Str file = str_trim(text_line(job->text, job->match->lines[i]));
    return str_eq(file, bare) ? line : str_cat(job->arena, indent_of(line), file);
  }
  return line;
}

// Line [r] of REPLACE as it goes into the file.
static bool new_line(Job *job, size_t r, Str *out)
{
  Str line = job->sides->replace[r], indent = indent_of(line), mapped;
  if (job->match->tier >= TIER_FOLDED) line = own_characters(job, line);
  if (job->strip_trailing) line = str_trim_end(line);
  *out = line;
  if (job->match->tier < TIER_INDENT || line.len == 0 || job->indent.kind == INDENT_SAME) return true;
  if (line_blank(line) && !indent_converts(job->arena, &job->indent)) return true;
  if (!indent_map(job->arena, &job->indent, indent, r == job->first_full, &mapped)) return false;
  *out = str_cat(job->arena, mapped, str_skip(line, indent.len));
  return true;
}

// The same for a line that takes the place of SEARCH line [s], where that differs from the file inside.
static bool changed_line(Job *job, size_t s, size_t r, Str *out)
{
  size_t at = job->match->lines[s];
  Str search = job->sides->search[s], replace = job->sides->replace[r];
  bool folded = at != LINE_NONE && job->match->tier >= TIER_FOLDED &&
                line_equal(search, text_line(job->text, at), KEY_FOLDED) &&
                !str_eq(str_trim(search), str_trim(text_line(job->text, at))) &&
                str_eq(indent_of(search), indent_of(replace));
  if (folded && merge_folded(job->arena, text_line(job->text, at), search, replace, out)) return true;
  return new_line(job, r, out);
}

// --- line ends ---------------------------------------------------------------------------------------

// Like the line that was there, else the line before, else the line after.
static Str eol_for(const Text *text, size_t at, size_t old_len, size_t index)
{
  size_t near[3] = {at + (index < old_len ? index : (old_len ? old_len - 1 : 0)), at - 1, at + old_len};
  bool use[3] = {old_len > 0, at > 0, at + old_len < text->len};
  for (size_t i = 0; i < 3; i++) {
    if (use[i] && text->items[near[i]].eol.len) return text->items[near[i]].eol;
  }
  return text->len && text->items[0].eol.len ? text->items[0].eol : S("\n");
}

// New text at the end of a file without a final newline: the line before gets one, the last goes without.
static void join_last_line(Job *job, Edit *edit)
{
  const Text *text = job->text;
  if (edit->at != text->len || edit->at == 0 || edit->len == 0 || text->items[edit->at - 1].eol.len) return;
  Line *lines = NEW_N(job->arena, Line, edit->len + 1);
  lines[0] = text->items[edit->at - 1];
  lines[0].eol = eol_for(text, edit->at, 0, 0);
  memcpy(lines + 1, edit->lines, edit->len * sizeof(Line));
  edit->lines = lines;
  edit->len++;
  edit->at--;
  edit->old_len = 1;
}

// Removing the last lines of such a file leaves the line before as its end, without a newline. A unified diff
// may wish it otherwise.
static void keep_missing_newline(Job *job, Edit *edit)
{
  const Text *text = job->text;
  size_t end = edit->at + edit->old_len;
  bool open = end > 0 && text->items[end - 1].eol.len == 0;
  if (end != text->len || end == 0 || (!open && job->eof != EOF_NO_NEWLINE)) return;
  if (open && job->eof == EOF_NEWLINE) return;
  if (edit->len) {
    Line *last = &edit->lines[edit->len - 1];
    last->eol = STR_NONE;
    if (last->text.len == 0) edit->len--;  // an empty line without a line end is no line
    return;
  }
  if (edit->at == 0 || text->items[edit->at - 1].text.len == 0) return;
  Line *line = NEW(job->arena, Line);
  *line = text->items[edit->at - 1];
  line->eol = STR_NONE;
  edit->at--, edit->old_len++, edit->len = 1;
  edit->lines = line;
}

static void set_eols(Job *job, Edit *edit, size_t from)
{
  for (size_t i = 0; i < edit->len; i++) {
    edit->lines[i].eol = job->eols ? job->eols->items[from + i] : eol_for(job->text, edit->at, edit->old_len, i);
  }
  join_last_line(job, edit);
  keep_missing_newline(job, edit);
}

// A byte order mark stays in front whatever happens to line 1.
static void keep_bom(Job *job, Edit *edit)
{
  const Text *text = job->text;
  Str bom = S("\xef\xbb\xbf");
  if (edit->at > 0 || text->len == 0 || !str_starts(text->items[0].text, bom)) return;
  bool inserts = edit->old_len == 0, empties = edit->len == 0 && edit->old_len < text->len;
  if (inserts || empties) {
    Line *lines = NEW_N(job->arena, Line, edit->len + 1);
    if (edit->len) memcpy(lines, edit->lines, edit->len * sizeof(Line));
    lines[edit->len] = text->items[edit->old_len];
    if (inserts) lines[edit->len].text = str_skip(lines[edit->len].text, bom.len);
    edit->lines = lines;
    edit->len++;
    edit->old_len++;
  }
  if (edit->len && !str_starts(edit->lines[0].text, bom)) {
    edit->lines[0].text = str_cat(job->arena, bom, edit->lines[0].text);
  }
}

// [from] is the line of REPLACE that the edit's first line comes from.
static void push_edit(Job *job, Edit edit, size_t from, EditList *out)
{
  edit.tier = job->block_kind == BLOCK_HUNK && job->match->tier == TIER_EXACT ? TIER_DIFF : job->match->tier;
  set_eols(job, &edit, from);
  keep_bom(job, &edit);
  PUSH(job->arena, out, edit);
}

// --- one group ---------------------------------------------------------------------------------------

// The lines of the text that SEARCH lines [from, to) stand for; false when they have no partner at all.
static bool partners(const Job *job, size_t from, size_t to, size_t *first, size_t *end)
{
  *first = LINE_NONE;
  for (size_t i = from; i < to; i++) {
    size_t line = job->match->lines[i];
    if (line == LINE_NONE) continue;
    if (*first == LINE_NONE) *first = line;
    *end = line + 1;
  }
  return *first != LINE_NONE;
}

static bool is_elision(const Job *job, size_t s)
{
  return job->match->tier == TIER_ELIDED && job->match->lines[s] == LINE_NONE &&
         marker_elision(job->sides->search[s]) != ELISION_NONE;
}

// The nearest partner before SEARCH line [s] (+ 1), with no elision in between.
static bool partner_before(const Job *job, size_t s, size_t *at)
{
  while (s-- > 0 && !is_elision(job, s)) {
    if (job->match->lines[s] == LINE_NONE) continue;
    *at = job->match->lines[s] + 1;
    return true;
  }
  return false;
}

static bool partner_from(const Job *job, size_t s, size_t *at)
{
  for (; s < job->match->len && !is_elision(job, s); s++) {
    if (job->match->lines[s] == LINE_NONE) continue;
    *at = job->match->lines[s];
    return true;
  }
  return false;
}

static bool all_blank(const Text *text, size_t from, size_t to)
{
  for (size_t i = from; i < to; i++) {
    if (!line_blank(text->items[i].text)) return false;
  }
  return true;
}

static bool build_lines(Job *job, size_t from, size_t len, Line **out)
{
  *out = NEW_N(job->arena, Line, len);
  for (size_t i = 0; i < len; i++) {
    if (!new_line(job, from + i, &(*out)[i].text)) return false;
  }
  return true;
}

// New lines between two partners that have blank lines between them in the file, which SEARCH left out.
// A model that leaves them out of SEARCH leaves them out of REPLACE too, so a blank line on one side of the
// new lines is theirs, and the one in the file stands on their other side. Blank lines on both sides, with
// none in SEARCH: the file's blank line is one of the two. No blank line: beside the line indented alike.
static RefuseCode insert_in_gap(Job *job, const Group *group, size_t from, size_t to, EditList *out)
{
  size_t at = group->b_at, len = group->b_len;
  if (sides_blank(job->sides->replace + at, len)) return REFUSE_COUNT;  // the gap has them
  bool front = line_blank(job->sides->replace[at]), back = line_blank(job->sides->replace[at + len - 1]);
  bool quoted = (group->a_at > 0 && line_blank(job->sides->search[group->a_at - 1])) ||
                (group->a_at < job->sides->search_len && line_blank(job->sides->search[group->a_at]));
  if (front && back && !quoted) len--;
  Edit edit = {.at = from, .len = len, .block = job->block};
  if (!build_lines(job, at, len, &edit.lines)) return REFUSE_INDENT;
  Str indent = indent_of(edit.lines[0].text);
  bool like_before = str_eq(indent, indent_of(text_line(job->text, from - 1)));
  bool like_after = str_eq(indent, indent_of(text_line(job->text, to)));
  if ((back && !front) || (!front && !back && like_after && !like_before)) edit.at = to;
  push_edit(job, edit, at, out);
  return REFUSE_COUNT;
}

static RefuseCode insert_lines(Job *job, const Group *group, EditList *out)
{
  size_t after = 0, before = 0;
  bool has_after = partner_before(job, group->a_at, &after);
  bool has_before = partner_from(job, group->a_at + group->a_len, &before);
  if (!has_after && !has_before) return REFUSE_ELIDED;
  if (has_after && has_before && before != after) {
    job->bad_line = after;
    if (before < after || !all_blank(job->text, after, before)) return REFUSE_NOT_FOUND;
    return insert_in_gap(job, group, after, before, out);
  }
  Edit edit = {.at = has_after ? after : before, .len = group->b_len, .block = job->block};
  if (!build_lines(job, group->b_at, group->b_len, &edit.lines)) return REFUSE_INDENT;
  push_edit(job, edit, group->b_at, out);
  return REFUSE_COUNT;
}

// The same number of lines on both sides: each takes its partner's place, and what the file has between
// them (blank lines that SEARCH left out) stays.
static bool line_by_line(const Job *job, const Group *group)
{
  if (group->a_len != group->b_len) return false;
  for (size_t i = 0; i < group->a_len; i++) {
    if (job->match->lines[group->a_at + i] == LINE_NONE) return false;
  }
  return true;
}

static RefuseCode replace_each(Job *job, const Group *group, EditList *out)
{
  for (size_t i = 0; i < group->a_len; i++) {
    Edit edit = {.at = job->match->lines[group->a_at + i], .old_len = 1, .len = 1, .block = job->block};
    edit.lines = NEW(job->arena, Line);
    if (!changed_line(job, group->a_at + i, group->b_at + i, &edit.lines[0].text)) return REFUSE_INDENT;
    push_edit(job, edit, group->b_at + i, out);
  }
  return REFUSE_COUNT;
}

// Lines of the file between the partners that SEARCH does not have: blank ones go with the rest, others
// were never meant.
static bool covers_unquoted(Job *job, const Group *group, size_t first, size_t end)
{
  size_t s = group->a_at, stop = group->a_at + group->a_len;
  for (size_t line = first; line < end; line++) {
    while (s < stop && (job->match->lines[s] == LINE_NONE || job->match->lines[s] < line)) s++;
    bool quoted = s < stop && job->match->lines[s] == line;
    if (quoted || line_blank(job->text->items[line].text)) continue;
    job->bad_line = line;
    return true;
  }
  return false;
}

static bool has_elision(const Job *job, const Group *group)
{
  for (size_t i = 0; i < group->a_len; i++) {
    if (is_elision(job, group->a_at + i)) return true;
  }
  return false;
}

static RefuseCode replace_lines(Job *job, const Group *group, EditList *out)
{
  size_t first, end = 0;
  if (has_elision(job, group)) return REFUSE_ELIDED;
  if (!partners(job, group->a_at, group->a_at + group->a_len, &first, &end)) {
    if (group->b_len == 0) return REFUSE_COUNT;  // blank lines that the file does not have
    return insert_lines(job, group, out);
  }
  if (line_by_line(job, group)) return replace_each(job, group, out);
  if (covers_unquoted(job, group, first, end)) return REFUSE_NOT_FOUND;
  Edit edit = {.at = first, .old_len = end - first, .len = group->b_len, .block = job->block};
  if (!build_lines(job, group->b_at, group->b_len, &edit.lines)) return REFUSE_INDENT;
  push_edit(job, edit, group->b_at, out);
  return REFUSE_COUNT;
}

// --- elisions in REPLACE -----------------------------------------------------------------------------

static bool file_has_line(Job *job, Str line)
{
  if (job->rewrite->elisions_checked++ >= ELISION_CHECKS) return false;
  for (size_t i = 0; i < job->text->len; i++) {
    if (str_eq(str_trim(job->text->items[i].text), line)) return true;
  }
  return false;
}

// A line like "..." among lines that are only added, where the file has such lines or Python wants one; or
// instead of `pass`.
static bool elision_is_text(Job *job, const Group *group, size_t r)
{
  Str line = str_trim(job->sides->replace[r]);
  bool bare = marker_elision(line) == ELISION_BARE;
  if (bare && group->a_len == 1 && str_eq(str_trim(job->sides->search[group->a_at]), S("pass"))) return true;
  if (group->a_len > 0) return false;
  Str above = bare && r > 0 ? str_trim_end(job->sides->replace[r - 1]) : STR_NONE;
  return (above.len && above.ptr[above.len - 1] == ':') || file_has_line(job, line);
}

// A line of both sides that is more than a brace: the placeholder ends where it stands.
static bool is_anchor(Str line)
{
  size_t letters = 0;
  for (size_t i = 0; i < line.len; i++) {
    char c = line.ptr[i];
    letters += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  }
  return letters >= 3;
}

// New lines that stand for lines left out. Alone between two lines of SEARCH they mean "as it was"; beside
// other new lines nobody can tell how much.
static RefuseCode check_elision(Job *job, const Group *group, bool *keep)
{
  size_t elisions = 0, end = group->b_at + group->b_len;
  for (size_t r = group->b_at; r < end; r++) {
    elisions += marker_elision(job->sides->replace[r]) != ELISION_NONE && !elision_is_text(job, group, r);
  }
  *keep = elisions == 1 && group->b_len == 1 && group->a_len > 0 && group->b_at > 0 &&
          is_anchor(job->sides->replace[group->b_at - 1]) && end < job->sides->replace_len &&
          is_anchor(job->sides->replace[end]);
  return elisions == 0 || *keep ? REFUSE_COUNT : REFUSE_ELIDED;
}

// Bytes that are not text are kept where they are; a change that would touch them is refused.
static RefuseCode check_text(Job *job, const EditList *edits, size_t from)
{
  for (size_t i = from; i < edits->len; i++) {
    for (size_t k = 0; k < edits->items[i].old_len; k++) {
      Str line = job->text->items[edits->items[i].at + k].text;
      job->bad_line = edits->items[i].at + k;
      if (!str_is_utf8(line) || str_find_char(line, '\0') != STR_NOT_FOUND) return REFUSE_NOT_TEXT;
    }
  }
  return REFUSE_COUNT;
}

// What a unified diff says about the end of the file.
static void wish_eof(Job *job, EofWish eof, EditList *edits, size_t from)
{
  const Text *text = job->text;
  if (eof == EOF_AS_IS || text->len == 0 || job->match->end != text->len) return;
  const Edit *last = edits->len > from ? &edits->items[edits->len - 1] : NULL;
  if (last && last->at + last->old_len == text->len) return;  // has taken care of it
  Str eol = eof == EOF_NO_NEWLINE ? STR_NONE : eol_for(text, text->len, 0, 0);
  if (eol.len && job->eols && job->eols->len) eol = job->eols->items[job->eols->len - 1];
  Line *line = NEW(job->arena, Line);
  *line = (Line){text->items[text->len - 1].text, eol};
  Edit edit = {text->len - 1, 1, line, 1, job->block, job->match->tier};
  PUSH(job->arena, edits, edit);
}

// Which SEARCH lines do not quote the file's blanks at the line end. Where they do, a REPLACE line without
// them means to remove them.
static bool *loose_lines(const Job *job)
{
  bool *loose = NEW_N(job->arena, bool, job->match->len);
  for (size_t i = 0; i < job->match->len; i++) {
    Str search = job->sides->search[i];
    Str file = job->match->lines[i] == LINE_NONE ? STR_NONE : text_line(job->text, job->match->lines[i]);
    loose[i] = job->match->lines[i] == LINE_NONE ||
               !str_eq(str_skip(search, str_trim_end(search).len), str_skip(file, str_trim_end(file).len));
  }
  return loose;
}

// Whether the diff's removed and kept lines end as the file's do; then its new lines' ends count as well.
static bool quotes_eols(const Job *job, const Block *block)
{
  const Match *match = job->match;
  if (block->kind != BLOCK_HUNK || block->old_eols.len != match->len) return false;
  if (block->new_eols.len != job->sides->replace_len) return false;
  for (size_t i = 0; i < match->len; i++) {
    if (match->lines[i] == LINE_NONE) return false;
    Str eol = job->text->items[match->lines[i]].eol;
    if (eol.len && !str_eq(eol, block->old_eols.items[i])) return false;
  }
  return match->len > 0;
}

// The lines with their line ends, so that a change of those alone counts; [open] says that the last has none.
static Str *with_eols(Arena *arena, const Str *lines, const StrList *eols, bool open)
{
  Str *out = NEW_N(arena, Str, eols->len);
  for (size_t i = 0; i < eols->len; i++) {
    Str eol = open && i + 1 == eols->len ? STR_NONE : eols->items[i];
    out[i] = str_cat(arena, lines[i], eol);
  }
  return out;
}

static void find_groups(Job *job, const Block *block, GroupList *out)
{
  const Sides *sides = job->sides;
  const Str *search = sides->search, *replace = sides->replace;
  if (job->eols) {
    search = with_eols(job->arena, search, &block->old_eols, block->old_no_eol);
    replace = with_eols(job->arena, replace, &block->new_eols, block->new_no_eol);
  }
  groups_diff(job->arena, search, sides->search_len, replace, sides->replace_len,
              job->match->tier == TIER_EXACT ? NULL : loose_lines(job), out);
}

RefuseCode rewrite_match(Rewrite *rewrite, const Block *block, const Sides *sides, const Match *match,
                         EofWish eof, EditList *out, size_t *line)
{
  Job job = {.rewrite = rewrite, .arena = rewrite->arena, .text = rewrite->text, .sides = sides,
             .match = match, .block = block->number, .block_kind = block->kind, .eof = eof, .bad_line = match->first};
  GroupList *groups = &rewrite->groups;
  size_t before = out->len;
  groups->len = 0;
  learn(&job);
  if (quotes_eols(&job, block)) job.eols = &block->new_eols;
  find_groups(&job, block, groups);
  RefuseCode why = REFUSE_COUNT;
  bool shifted = match->tier >= TIER_INDENT && groups->len > 0;
  if (shifted && (!job.indent_known || !one_line_is_clear(&job))) why = REFUSE_INDENT;
  for (size_t i = 0; i < groups->len && why == REFUSE_COUNT; i++) {
    bool keep;
    why = check_elision(&job, &groups->items[i], &keep);
    if (keep || why != REFUSE_COUNT) continue;
    why = groups->items[i].a_len ? replace_lines(&job, &groups->items[i], out) : insert_lines(&job, &groups->items[i], out);
  }
  wish_eof(&job, eof, out, before);
  if (why == REFUSE_COUNT) why = check_text(&job, out, before);
  if (why != REFUSE_COUNT) out->len = before;
  *line = job.bad_line;
  return why;
}
