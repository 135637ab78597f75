// rewrite.c: see rewrite.h.
#include "patch/job.h"

#include <stdlib.h>
#include <string.h>

#include "patch/distance.h"
#include "patch/marker.h"
#include "patch/readings.h"

enum { ELISION_LINES = 1 << 24, MOVED_LINES = 400 };

static bool line_blank(Str s)
{
  return str_trim(s).len == 0;
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
    Str reply = job->sides->search[i], file = job_text_line(job, job->match->lines[i]);
    job->strip_trailing |= has_trailing_blanks(reply) && !has_trailing_blanks(file);
    if (line_blank(reply)) continue;
    IndentPair pair = {indent_of(reply), indent_of(file)};
    PUSH(job->arena, &pairs, pair);
  }
  job->indent_known = indent_learn(job->arena, &pairs, &job->indent);
  while (job->first_full < job->sides->replace_len &&
         line_blank(job->sides->replace[job->first_full])) {
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
  *out = f.len ? (size_t)(f.ptr - file.ptr)
               : fold_trim(file).len + (size_t)(fold_trim(file).ptr - file.ptr);
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
  if (!folded_offset(file, search, head, &from) ||
      !folded_offset(file, search, search.len - tail, &to))
    return false;
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
    Str file = str_trim(job_text_line(job, job->match->lines[i]));
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
  if (job->match->tier < TIER_INDENT || line.len == 0 || job->indent.kind == INDENT_SAME)
    return true;
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
                line_equal(search, job_text_line(job, at), KEY_FOLDED) &&
                !str_eq(str_trim(search), str_trim(job_text_line(job, at))) &&
                str_eq(indent_of(search), indent_of(replace));
  if (folded && merge_folded(job->arena, job_text_line(job, at), search, replace, out)) return true;
  return new_line(job, r, out);
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
  bool front = line_blank(job->sides->replace[at]),
       back = line_blank(job->sides->replace[at + len - 1]);
  bool quoted =
      (group->a_at > 0 && line_blank(job->sides->search[group->a_at - 1])) ||
      (group->a_at < job->sides->search_len && line_blank(job->sides->search[group->a_at]));
  if (front && back && !quoted) len--;
  Edit edit = {.at = from, .len = len, .block = job->block};
  if (!build_lines(job, at, len, &edit.lines)) return REFUSE_INDENT;
  Str indent = indent_of(edit.lines[0].text);
  bool like_before = str_eq(indent, indent_of(job_text_line(job, from - 1)));
  bool like_after = str_eq(indent, indent_of(job_text_line(job, to)));
  bool collapsed =
      line_blank(job->text->items[from - 1].text);  // one blank line quoted for several
  if (!front && (back || collapsed || (like_after && !like_before))) edit.at = to;
  job_push_edit(job, edit, at, out);
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
  job_push_edit(job, edit, group->b_at, out);
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
    Edit edit = {
        .at = job->match->lines[group->a_at + i], .old_len = 1, .len = 1, .block = job->block};
    edit.lines = NEW(job->arena, Line);
    if (!changed_line(job, group->a_at + i, group->b_at + i, &edit.lines[0].text))
      return REFUSE_INDENT;
    job_push_edit(job, edit, group->b_at + i, out);
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

// The SEARCH lines [*first, *end) that may be the ones to go: of "a b a" without "a b" the same remains as without
// "b a", so either "a" may be.
static void may_go(const Job *job, const Group *group, size_t *first, size_t *end)
{
  const Str *search = job->sides->search;
  *first = group->a_at, *end = group->a_at + group->a_len;
  if (group->b_len) return;
  while (*first > 0 && str_eq(search[*first - 1], search[*first - 1 + group->a_len])) --*first;
  while (*end < job->sides->search_len && str_eq(search[*end], search[*end - group->a_len])) ++*end;
}

// The first line after text line [above] and before [line] that is not blank, or LINE_NONE.
static size_t unquoted_line(const Job *job, size_t above, size_t line)
{
  for (size_t i = above + 1; above != LINE_NONE && i < line; i++) {
    if (!line_blank(job_text_line(job, i))) return i;
  }
  return LINE_NONE;
}

// A line to be replaced that is not what the reply quotes, or stands unquoted beside those it does, may be the
// model's slip or someone's change. Without the text the model saw the two look the same, so both are refused.
static bool changed_meanwhile(Job *job, const Group *group)
{
  if (job->match->tier != TIER_FUZZY || !job->rewrite->shown_is_guess) return false;
  size_t first, end, above = LINE_NONE;
  may_go(job, group, &first, &end);
  size_t from = first > 0 ? first - 1 : 0, to = end < job->match->len ? end + 1 : end;
  for (size_t i = from; i < to; i++) {
    size_t line = job->match->lines[i];
    if (line == LINE_NONE) continue;
    size_t between = unquoted_line(job, above, line);
    bool quoted = line_equal(job->sides->search[i], job_text_line(job, line), KEY_FOLDED);
    job->bad_line = between != LINE_NONE ? between : line;
    if (between != LINE_NONE || (!quoted && i >= first && i < end)) return true;
    above = line;
  }
  return false;
}

static RefuseCode replace_lines(Job *job, const Group *group, EditList *out)
{
  size_t first, end = 0;
  if (changed_meanwhile(job, group)) return REFUSE_STALE;
  if (has_elision(job, group)) return REFUSE_ELIDED;
  if (!partners(job, group->a_at, group->a_at + group->a_len, &first, &end)) {
    if (group->b_len == 0) return REFUSE_COUNT;  // blank lines that the file does not have
    return insert_lines(job, group, out);
  }
  if (line_by_line(job, group)) return replace_each(job, group, out);
  if (covers_unquoted(job, group, first, end)) return REFUSE_NOT_FOUND;
  Edit edit = {.at = first, .old_len = end - first, .len = group->b_len, .block = job->block};
  if (!build_lines(job, group->b_at, group->b_len, &edit.lines)) return REFUSE_INDENT;
  job_push_edit(job, edit, group->b_at, out);
  return REFUSE_COUNT;
}

// --- elisions in REPLACE -----------------------------------------------------------------------------

// What looking at elisions may read over all blocks of a file; past it they count as elisions.
static bool may_read(Job *job, size_t lines)
{
  job->rewrite->elision_lines += lines;
  return job->rewrite->elision_lines <= ELISION_LINES;
}

static bool file_has_line(Job *job, Str line)
{
  if (!may_read(job, job->text->len)) return false;
  for (size_t i = 0; i < job->text->len; i++) {
    if (str_eq(str_trim(job->text->items[i].text), line)) return true;
  }
  return false;
}

// Takes the place of a line of its kind that the file has.
static bool replaces_elision(const Job *job, const Group *group, Elision kind)
{
  for (size_t i = 0; i < group->a_len; i++) {
    if (marker_elision(job->sides->search[group->a_at + i]) == kind)
      return !has_elision(job, group);
  }
  return false;
}

static bool adds_other_lines(const Job *job, const Group *group)
{
  for (size_t r = group->b_at; r < group->b_at + group->b_len; r++) {
    Str line = job->sides->replace[r];
    if (!line_blank(line) && marker_elision(line) == ELISION_NONE) return true;
  }
  return false;
}

// SEARCH has the line above the dots as well, and other lines behind it: the dots may stand for those.
static bool may_stand_for_lines(Job *job, size_t r)
{
  const Sides *sides = job->sides;
  bool known = false;
  while (r > 0 && line_blank(sides->replace[r - 1])) r--;
  if (r == 0) return false;
  if (!may_read(job, sides->search_len)) return true;
  for (size_t i = 0; i + 1 < sides->search_len; i++) {
    if (!str_eq(str_trim(sides->search[i]), str_trim(sides->replace[r - 1]))) continue;
    if (marker_elision(sides->search[i + 1]) != ELISION_NONE) return false;
    known = true;
  }
  return known;
}

// A line like "..." is text among lines that are only added, where there are others and nothing goes for which
// it may stand, the file has such lines or Python wants one; and where it takes the place of one, or of `pass`.
static bool elision_is_text(Job *job, const Group *group, size_t r)
{
  Str line = str_trim(job->sides->replace[r]);
  Elision kind = marker_elision(line);
  bool bare = kind == ELISION_BARE;
  if (bare && group->a_len == 1 && str_eq(str_trim(job->sides->search[group->a_at]), S("pass")))
    return true;
  if (group->a_len > 0) return replaces_elision(job, group, kind);
  if (job->by_tool) return true;
  if (bare && may_stand_for_lines(job, r)) return false;
  if (bare && !job->removes && adds_other_lines(job, group)) return true;
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
    elisions +=
        marker_elision(job->sides->replace[r]) != ELISION_NONE && !elision_is_text(job, group, r);
  }
  *keep = job->block_kind == BLOCK_EDIT && elisions == 1 && group->b_len == 1 && group->a_len > 0 &&
          group->b_at > 0 && is_anchor(job->sides->replace[group->b_at - 1]) &&
          end < job->sides->replace_len && is_anchor(job->sides->replace[end]);
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

// Which SEARCH lines do not quote the file's blanks at the line end. Where they do, a REPLACE line without
// them means to remove them.
static bool *loose_lines(const Job *job)
{
  bool *loose = NEW_N(job->arena, bool, job->match->len);
  for (size_t i = 0; i < job->match->len; i++) {
    Str search = job->sides->search[i];
    Str file =
        job->match->lines[i] == LINE_NONE ? STR_NONE : job_text_line(job, job->match->lines[i]);
    loose[i] =
        job->match->lines[i] == LINE_NONE ||
        !str_eq(str_skip(search, str_trim_end(search).len), str_skip(file, str_trim_end(file).len));
  }
  return loose;
}

static bool removes_lines(const Job *job, const GroupList *groups)
{
  for (size_t g = 0; g < groups->len; g++) {
    const Group *group = &groups->items[g];
    for (size_t i = group->a_at; i < group->a_at + group->a_len; i++) {
      if (!line_blank(job->sides->search[i])) return true;
    }
  }
  return false;
}

static void find_groups(Job *job, const Block *block, GroupList *out)
{
  const Sides *sides = job->sides;
  const Str *search = sides->search, *replace = sides->replace;
  if (job->eols) {
    search = lines_with_eols(job->arena, search, &block->old_eols, block->old_no_eol);
    replace = lines_with_eols(job->arena, replace, &block->new_eols, block->new_no_eol);
  }
  groups_diff(job->arena, search, sides->search_len, replace, sides->replace_len,
              job->match->tier == TIER_EXACT ? NULL : loose_lines(job), out);
}

RefuseCode rewrite_match(Rewrite *rewrite, const Block *block, const Sides *sides,
                         const Match *match, EofWish eof, EditList *out, size_t *line)
{
  Job job = {.rewrite = rewrite,
             .arena = rewrite->arena,
             .text = rewrite->text,
             .sides = sides,
             .match = match,
             .block = block->number,
             .block_kind = block->kind,
             .by_tool = block->kind == BLOCK_HUNK && block->counts_agree,
             .eof = eof,
             .bad_line = match->first};
  GroupList *groups = &rewrite->groups;
  size_t before = out->len;
  groups->len = 0;
  learn(&job);
  if (block_quotes_eols(&job, block)) job.eols = &block->new_eols;
  find_groups(&job, block, groups);
  job.removes = removes_lines(&job, groups);
  RefuseCode why = REFUSE_COUNT;
  bool shifted = match->tier >= TIER_INDENT && groups->len > 0;
  if (shifted && (!job.indent_known || !one_line_is_clear(&job))) why = REFUSE_INDENT;
  for (size_t i = 0; i < groups->len && why == REFUSE_COUNT; i++) {
    bool keep;
    why = check_elision(&job, &groups->items[i], &keep);
    if (keep || why != REFUSE_COUNT) continue;
    why = groups->items[i].a_len ? replace_lines(&job, &groups->items[i], out)
                                 : insert_lines(&job, &groups->items[i], out);
  }
  job_wish_eof(&job, eof, out, before);
  job_drop_bom(&job, out, before);
  if (why == REFUSE_COUNT) why = check_text(&job, out, before);
  if (why != REFUSE_COUNT) out->len = before;
  *line = job.bad_line;
  return why;
}
