// line_ends.c: what is easily lost when lines are replaced: line ends, a missing final newline, a byte order
// mark.
#include <string.h>

#include "patch/job.h"

Str job_text_line(const Job *job, size_t line)
{
  Str s = job->text->items[line].text;
  return line == 0 && str_starts(s, S("\xef\xbb\xbf")) ? str_skip(s, 3) : s;
}

// New text at the end of a file without a final newline: the line before gets one, the last goes without.
static void join_last_line(Job *job, Edit *edit)
{
  const Text *text = job->text;
  if (edit->at != text->len || edit->at == 0 || edit->len == 0 || text->items[edit->at - 1].eol.len)
    return;
  Line *lines = NEW_N(job->arena, Line, edit->len + 1);
  lines[0] = text->items[edit->at - 1];
  lines[0].eol = text_eol_for(text, edit->at, 0, 0);
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
    edit->lines[i].eol = job->eols ? job->eols->items[from + i]
                                   : text_eol_for(job->text, edit->at, edit->old_len, i);
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
  if (job->sides->drops_bom) return;
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

void job_push_edit(Job *job, Edit edit, size_t from, EditList *out)
{
  edit.tier = job->block_kind == BLOCK_HUNK && job->match->tier == TIER_EXACT ? TIER_DIFF
                                                                              : job->match->tier;
  set_eols(job, &edit, from);
  keep_bom(job, &edit);
  PUSH(job->arena, out, edit);
}

void job_wish_eof(Job *job, EofWish eof, EditList *edits, size_t from)
{
  const Text *text = job->text;
  if (eof == EOF_AS_IS || text->len == 0 || job->match->end != text->len) return;
  const Edit *last = edits->len > from ? &edits->items[edits->len - 1] : NULL;
  if (last && last->at + last->old_len == text->len) return;  // has taken care of it
  Str eol = eof == EOF_NO_NEWLINE ? STR_NONE : text_eol_for(text, text->len, 0, 0);
  if (eol.len && job->eols && job->eols->len) eol = job->eols->items[job->eols->len - 1];
  Line *line = NEW(job->arena, Line);
  *line = (Line){text->items[text->len - 1].text, eol};
  Edit edit = {text->len - 1, 1, line, 1, job->block, job->match->tier};
  PUSH(job->arena, edits, edit);
}

bool block_quotes_eols(const Job *job, const Block *block)
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

Str *lines_with_eols(Arena *arena, const Str *lines, const StrList *eols, bool open)
{
  Str *out = NEW_N(arena, Str, eols->len);
  for (size_t i = 0; i < eols->len; i++) {
    Str eol = open && i + 1 == eols->len ? STR_NONE : eols->items[i];
    out[i] = str_cat(arena, lines[i], eol);
  }
  return out;
}

// The diff took the byte order mark off line 1 and left the line: that is an edit, too.
void job_drop_bom(Job *job, EditList *edits, size_t from)
{
  const Text *text = job->text;
  if (!job->sides->drops_bom || text->len == 0 || job->match->first != 0) return;
  for (size_t i = from; i < edits->len; i++) {
    if (edits->items[i].at == 0 && edits->items[i].old_len > 0) return;
  }
  Line *line = NEW(job->arena, Line);
  *line = (Line){job_text_line(job, 0), text->items[0].eol};
  Edit edit = {0, 1, line, 1, job->block, job->match->tier};
  PUSH(job->arena, edits, edit);
}
