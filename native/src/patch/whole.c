// whole.c: texts that come whole: new files, renames, a bare replacement of the task's range.
#include "patch/assemble.h"
#include "patch/marker.h"
#include "patch/readings.h"

static Str join_lines(Arena *arena, const Str *lines, size_t len, bool final_newline)
{
  StrList list = {(Str *)lines, len, len};
  Str text = str_join(arena, &list, S("\n"));
  return len && final_newline ? str_cat(arena, text, S("\n")) : text;
}

// "..." alone may be Python; anything wordier stands for code that is not there.
static bool has_elision(const Str *lines, size_t len)
{
  for (size_t i = 0; i < len; i++) {
    if (marker_elision(lines[i]) == ELISION_WORDS) return true;
  }
  return false;
}

static bool has_conflict(const Str *lines, size_t len)
{
  for (size_t i = 0; i < len; i++) {
    if (marker_is_conflict(lines[i])) return true;
  }
  return false;
}

bool file_known(const Assembly *assembly, Str path)
{
  for (size_t i = 0; i < assembly->out->files.len; i++) {
    if (str_eq(assembly->out->files.items[i].path, path)) return true;
  }
  return false;
}

// Why [lines] cannot be the whole text of [path]; REFUSE_COUNT when they can.
static RefuseCode whole_problem(const Assembly *assembly, Str path, const Str *lines, size_t len)
{
  if (sides_blank(lines, len)) return REFUSE_EMPTIED;
  if (has_elision(lines, len)) return REFUSE_ELIDED;
  if (has_conflict(lines, len)) return REFUSE_CONFLICT_MARKERS;
  return file_known(assembly, path) ? REFUSE_OVERLAP : REFUSE_COUNT;
}

// From the file's old text (empty for a new one) to its new one.
static void push_whole(Assembly *assembly, PatchFile file, size_t block)
{
  Arena *arena = assembly->arena;
  file.tier = TIER_WHOLE;
  if (!text_passes(assembly, block, file.path, file.old_text, file.new_text)) return;
  file.hunks = hunks_diff(arena, file.old_text, file.new_text);
  file.tiers = NEW_N(arena, Tier, file.hunks.len);
  for (size_t i = 0; i < file.hunks.len; i++) file.tiers[i] = TIER_WHOLE;
  if (file.hunks.len) PUSH(arena, &assembly->out->files, file);
}

void assemble_new(Assembly *assembly, Str path, const Block *block, const Str *lines, size_t len,
                  bool final_newline)
{
  RefuseCode code = whole_problem(assembly, path, lines, len);
  if (code != REFUSE_COUNT) {
    refuse(assembly, code, block->number, path, 0, STR_NONE);
    return;
  }
  PatchFile file = {.path = path, .change = FILE_NEW};
  file.new_text = join_lines(assembly->arena, lines, len, final_newline);
  push_whole(assembly, file, block->number);
}

static const Str bom = S("\xef\xbb\xbf");

// [old] as a model would write it: one kind of line end, no byte order mark.
static Str plain_text(Arena *arena, Text old)
{
  Line *lines = NEW_N(arena, Line, old.len);
  for (size_t i = 0; i < old.len; i++) lines[i] = (Line){old.items[i].text, S("\n")};
  if (old.len && str_starts(lines[0].text, bom)) lines[0].text = str_skip(lines[0].text, bom.len);
  old.items = lines;
  return text_join(arena, &old);
}

// A model that writes a file anew says nothing of how its lines end: each line that stays keeps its end, new ones get
// that of their neighbours, and the last line, and a byte order mark, are as they were.
static Str with_ends_of(Arena *arena, Str old_text, Str made)
{
  Text old = text_split(arena, old_text), text = text_split(arena, made);
  HunkList hunks = hunks_diff(arena, plain_text(arena, old), made);
  size_t from = 0, to = 0;  // lines of both that stand side by side
  for (size_t h = 0; h <= hunks.len; h++) {
    const Hunk *hunk = h < hunks.len ? &hunks.items[h] : NULL;
    size_t stop = hunk ? hunk->new_start - 1 : text.len;
    for (; to < stop; from++, to++) text.items[to].eol = text_eol_for(&old, from, 1, 0);
    for (size_t i = 0; hunk && i < hunk->new_len; i++, to++)
      text.items[to].eol = text_eol_for(&old, from, hunk->old_len, i);
    if (hunk) from += hunk->old_len;
  }
  bool ended = old.len && old.items[old.len - 1].eol.len;
  if (!ended && text.len) text.items[text.len - 1].eol = STR_NONE;
  Str out = text_join(arena, &text);
  bool marked = str_starts(old_text, bom) && !str_starts(out, bom);
  return marked ? str_cat(arena, bom, out) : out;
}

void assemble_rewrite(Assembly *assembly, const PatchTarget *target, const Block *block,
                      const Sides *sides)
{
  RefuseCode code = whole_problem(assembly, target->path, sides->replace, sides->replace_len);
  if (code != REFUSE_COUNT) {
    refuse(assembly, code, block->number, target->path, 0, STR_NONE);
    return;
  }
  PatchFile file = {.path = target->path, .change = FILE_EDIT, .old_text = target->shown};
  file.new_text =
      join_lines(assembly->arena, sides->replace, sides->replace_len, !block->new_no_eol);
  if (block->kind != BLOCK_HUNK)  // a diff says how lines end
    file.new_text = with_ends_of(assembly->arena, target->shown, file.new_text);
  push_whole(assembly, file, block->number);
}

// --- bare replacement of a range -----------------------------------------------------------------------

static bool same_line(Str a, Str b)
{
  return str_eq(str_trim(a), str_trim(b));
}

// The [n]th line of the list that is not blank, from the front or the back.
static Str end_line(const Str *lines, size_t len, bool back)
{
  for (size_t i = 0; i < len; i++) {
    Str line = lines[back ? len - 1 - i : i];
    if (str_trim(line).len) return line;
  }
  return STR_NONE;
}

// A replacement is believed when it keeps the range's first or last line: else it may be a sketch, an
// example, or other lines than the task's.
static bool keeps_an_end(const Str *old_lines, size_t old_len, const Str *lines, size_t len)
{
  return same_line(end_line(old_lines, old_len, false), end_line(lines, len, false)) ||
         same_line(end_line(old_lines, old_len, true), end_line(lines, len, true));
}

// The lines of the target's range; false when the file has no such lines.
static bool range_lines(Arena *arena, const PatchTarget *target, StrList *out)
{
  Text text = text_split(arena, target->shown);
  Range range = target->range;
  if (range.last > text.len) range.last = text.len;
  *out = (StrList){0};
  for (size_t i = range.first; i > 0 && i <= range.last; i++)
    PUSH(arena, out, text.items[i - 1].text);
  return out->len > 0;
}

bool range_keeps_ends(Arena *arena, const PatchTarget *target, const Block *block)
{
  StrList old_lines;
  if (!range_lines(arena, target, &old_lines)) return false;
  for (int back = 0; back < 2; back++) {
    Str want = end_line(old_lines.items, old_lines.len, back);
    if (want.len == 0 || !same_line(want, end_line(block->lines.items, block->lines.len, back)))
      return false;
  }
  return true;
}

void assemble_range(Assembly *assembly, const PatchTarget *target, const Block *block)
{
  StrList old_lines;
  if (!range_lines(assembly->arena, target, &old_lines)) {
    refuse(assembly, REFUSE_OUT_OF_RANGE, block->number, target->path, 0, STR_NONE);
    return;
  }
  Block edit = *block;
  edit.kind = BLOCK_HUNK;
  edit.old_lines = old_lines;
  edit.new_lines = block->lines;
  edit.old_start = target->range.first;
  edit.counts_agree = true;
  RefuseCode code = REFUSE_COUNT;
  if (sides_blank(block->lines.items, block->lines.len))
    code = REFUSE_EMPTIED;
  else if (!keeps_an_end(old_lines.items, old_lines.len, block->lines.items, block->lines.len))
    code = REFUSE_NOT_FOUND;
  if (code != REFUSE_COUNT) {
    refuse(assembly, code, block->number, target->path, target->range.first, STR_NONE);
    return;
  }
  size_t before = assembly->out->files.len;
  const Block *one = &edit;
  assemble_target(assembly, target, &(BlockRefs){&one, 1, 1});
  if (assembly->out->files.len == before) return;
  PatchFile *file = &assembly->out->files.items[before];
  file->tier = TIER_RANGE;
  for (size_t i = 0; i < file->hunks.len; i++) file->tiers[i] = TIER_RANGE;
}

// --- renames -------------------------------------------------------------------------------------------

void assemble_rename(Assembly *assembly, const PatchTarget *target, const Block *block)
{
  for (size_t i = 0; i < assembly->out->files.len; i++) {
    PatchFile *file = &assembly->out->files.items[i];
    if (!str_eq(file->path, target->path) || file->change != FILE_EDIT) continue;
    file->change = FILE_RENAME;
    file->renamed_from = target->path;
    file->path = block->new_path;
    return;
  }
  PatchFile file = {.path = block->new_path,
                    .renamed_from = target->path,
                    .change = FILE_RENAME,
                    .old_text = target->shown,
                    .new_text = target->shown,
                    .tier = TIER_DIFF};
  PUSH(assembly->arena, &assembly->out->files, file);
}
