// assemble.c: see assemble.h. Existing files; new ones are in whole.c.
#include "patch/assemble.h"

#include "patch/explain.h"
#include "patch/marker.h"
#include "patch/readings.h"
#include "patch/rewrite.h"

enum { RANGE_SLACK = 3 };

typedef struct {
  const Block *block;
  Readings readings;
  size_t *sought;  // one for each reading
  bool skip;       // changes nothing, or is refused already
  size_t chosen;   // reading
  Located located;
  size_t edit_from, edit_to;  // its edits in FileWork.edits
} Item;

typedef struct {
  Assembly *assembly;
  const PatchTarget *target;
  Text text;
  Locator locator;
  Rewrite rewrite;
  Item *items;
  size_t len;
  EditList edits;
  size_t drift_to;  // unified diffs: how far the last hunk stood from its line number, modulo 2^n
} FileWork;

void refuse(Assembly *assembly, RefuseCode code, size_t block, Str path, size_t line, Str reason)
{
  if (reason.len == 0) reason = explain_code(assembly->arena, code, path);
  Refusal refusal = {code, block, path, line, reason};
  PUSH(assembly->arena, &assembly->out->refusals, refusal);
}

static void refuse_item(FileWork *work, Item *item, RefuseCode code, size_t line, Str reason)
{
  item->skip = true;
  refuse(work->assembly, code, item->block->number, work->target->path, line, reason);
}

// --- choosing a reading ------------------------------------------------------------------------------

// SEARCH ends where the file goes on with a line like the divider: perhaps SEARCH goes on, too.
static bool cut_short(FileWork *work, const Located *located)
{
  size_t next = located->match.end;
  return next < work->text.len && marker_is_divider(finder_text_line(&work->locator.finder, next));
}

// Several dividers: the preferred one if it is found, else the only one that is.
static size_t choose_literal(FileWork *work, Item *item, Located *found)
{
  size_t preferred = readings_preferred(item->block), hit = READINGS_MAX, hits = 0;
  for (size_t i = 0; i < item->readings.literal; i++) {
    found[i] = locate(&work->locator, item->sought[i]);
    if (i == preferred && found[i].kind != LOCATE_NOWHERE) return i;
    if (found[i].kind == LOCATE_NOWHERE) continue;
    hit = i;
    hits++;
  }
  if (preferred < item->readings.literal && found[preferred].kind != LOCATE_NOWHERE)
    return preferred;
  if (item->readings.literal == 1) return 0;
  if (hits == 1 && found[hit].kind == LOCATE_FOUND && !cut_short(work, &found[hit])) return hit;
  return hits ? READINGS_MAX : 0;
}

// The rule that found it; one more than all of them for nothing found.
static int strictness(const Located *located)
{
  if (located->kind == LOCATE_NOWHERE) return TIER_DIFF + 1;
  if (located->kind == LOCATE_SEVERAL) return (int)located->all.items[0].tier;
  return (int)located->match.tier;
}

// The literal reading unless another one fits by a stricter rule: "&lt;" is also a typo of "<".
static void choose_reading(FileWork *work, Item *item)
{
  Located found[READINGS_MAX];
  size_t chosen = choose_literal(work, item, found);
  if (chosen == READINGS_MAX) {
    refuse_item(
        work, item, REFUSE_AMBIGUOUS, 0,
        S("the block holds several lines like ======= and fits the file in more than one way; "
          "use smaller blocks"));
    return;
  }
  item->chosen = chosen;
  item->located = found[chosen];
  for (size_t i = item->readings.literal;
       i < item->readings.len && strictness(&item->located) > TIER_FOLDED; i++) {
    Located other = locate(&work->locator, item->sought[i]);
    if (strictness(&other) >= strictness(&item->located)) continue;
    item->chosen = i;
    item->located = other;
  }
}

// --- places that only the whole reply can decide -------------------------------------------------------

// A hunk of a unified diff whose counts agree was made by a tool: its line number, moved by as much as the
// hunk before it, tells equal places apart.
static void use_line_number(FileWork *work, Item *item)
{
  const Block *block = item->block;
  if (block->kind != BLOCK_HUNK || !block->counts_agree || block->old_start == 0) return;
  size_t expected = block->old_start - 1;
  if (item->located.kind == LOCATE_SEVERAL) {
    for (size_t i = 0; i < item->located.all.len; i++) {
      if (item->located.all.items[i].first != expected + work->drift_to) continue;
      item->located.match = item->located.all.items[i];
      item->located.kind = LOCATE_FOUND;
      break;
    }
  }
  if (item->located.kind == LOCATE_FOUND) work->drift_to = item->located.match.first - expected;
}

// n equal blocks for exactly n places: each gets its own.
static void share_places(FileWork *work, size_t number)
{
  Item *item = &work->items[number];
  const Sides *sides = &item->readings.items[item->chosen];
  size_t twins = 0, places = item->located.all.len;
  for (int pass = 0; pass < 2; pass++) {
    if (pass == 1 && twins != places) return;
    MatchList all = item->located.all;
    twins = 0;
    for (size_t i = number; i < work->len; i++) {
      Item *other = &work->items[i];
      if (other->skip || (i != number && other->located.kind != LOCATE_SEVERAL)) continue;
      if (!sides_equal(&other->readings.items[other->chosen], sides)) continue;
      if (pass == 1) other->located = (Located){.kind = LOCATE_FOUND, .match = all.items[twins]};
      twins++;
    }
  }
}

static void refuse_place(FileWork *work, Item *item)
{
  size_t line = 0;
  size_t sought = item->sought[item->chosen];
  Str path = work->target->path, reason;
  switch (item->located.kind) {
    case LOCATE_FOUND:
    case LOCATE_OUTSIDE: return;
    case LOCATE_NOWHERE:
      reason = explain_nowhere(&work->locator, sought, path, &line);
      refuse_item(work, item, REFUSE_NOT_FOUND, line, reason);
      return;
    case LOCATE_SEVERAL:
      reason = explain_several(&work->locator, &item->located, path, &line);
      refuse_item(work, item, REFUSE_AMBIGUOUS, line, reason);
      return;
    case LOCATE_COSTLY:
      refuse_item(work, item, REFUSE_TOO_LARGE, 0,
                  S("the file repeats itself too much to find the lines in it"));
      return;
  }
}

// --- checks on a block's edits -------------------------------------------------------------------------

static bool adds_conflict_marker(const Line *old_lines, size_t old_len, const Line *new_lines,
                                 size_t new_len)
{
  size_t before = 0, after = 0;
  for (size_t i = 0; i < old_len; i++) before += marker_is_conflict(old_lines[i].text);
  for (size_t i = 0; i < new_len; i++) after += marker_is_conflict(new_lines[i].text);
  return after > before;
}

static bool is_import(Str line, size_t *imports)
{
  static const char *const starts[] = {"#include", "import ", "from ",  "use ",
                                       "using ",   "require", "const ", "@import"};
  Str s = str_trim(line);
  if (s.len == 0) return true;
  for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
    if (!str_starts(s, str_from(starts[i]))) continue;
    ++*imports;
    return !str_starts(s, S("const ")) || str_has(s, S("require("));
  }
  return false;
}

// The one change outside its range that a task may need: the imports of what it now uses.
static bool only_imports(const FileWork *work, const Edit *edit)
{
  size_t imports = 0;
  for (size_t i = 0; i < edit->len; i++) {
    if (!is_import(edit->lines[i].text, &imports)) return false;
  }
  for (size_t i = 0; i < edit->old_len; i++) {
    if (!is_import(work->text.items[edit->at + i].text, &imports)) return false;
  }
  return imports > 0;
}

static bool edit_in_range(const FileWork *work, const Edit *edit)
{
  Range range = work->target->range;
  if (range_is_whole(range)) return true;
  size_t first = edit->at + 1, last = edit->old_len ? edit->at + edit->old_len : edit->at + 1;
  return first + RANGE_SLACK >= range.first &&
         last <= range.last + RANGE_SLACK + (edit->old_len == 0);
}

static void check_edits(FileWork *work, Item *item)
{
  bool strict = item->located.match.tier <= TIER_TRAILING || item->located.match.tier == TIER_DIFF;
  for (size_t i = item->edit_from; i < item->edit_to && !item->skip; i++) {
    const Edit *edit = &work->edits.items[i];
    RefuseCode code = REFUSE_COUNT;
    if (!edit_in_range(work, edit) && !(strict && only_imports(work, edit)))
      code = REFUSE_OUT_OF_RANGE;
    else if (adds_conflict_marker(work->text.items + edit->at, edit->old_len, edit->lines,
                                  edit->len)) {
      code = REFUSE_CONFLICT_MARKERS;
    }
    if (code == REFUSE_COUNT) continue;
    refuse_item(work, item, code, edit->at + 1,
                explain_at(&work->locator, code, work->target->path, edit->at));
  }
}

static EofWish eof_wish(const Block *block)
{
  if (block->kind != BLOCK_HUNK || block->old_no_eol == block->new_no_eol) return EOF_AS_IS;
  return block->new_no_eol ? EOF_NO_NEWLINE : EOF_NEWLINE;
}

static void rewrite_item(FileWork *work, Item *item)
{
  size_t line = 0;
  item->edit_from = item->edit_to = work->edits.len;
  if (item->skip) return;
  const Sides *sides = &item->readings.items[item->chosen];
  RefuseCode why = rewrite_match(&work->rewrite, item->block, sides, &item->located.match,
                                 eof_wish(item->block), &work->edits, &line);
  item->edit_to = work->edits.len;
  if (why == REFUSE_COUNT)
    check_edits(work, item);
  else
    refuse_item(work, item, why, line + 1,
                explain_at(&work->locator, why, work->target->path, line));
}

// --- overlaps ----------------------------------------------------------------------------------------

static Item *item_of(FileWork *work, const Edit *edit)
{
  for (size_t low = 0, high = work->len; low < high;) {
    size_t middle = (low + high) / 2;
    if (work->items[middle].block->number == edit->block) return &work->items[middle];
    if (work->items[middle].block->number < edit->block)
      low = middle + 1;
    else
      high = middle;
  }
  return NULL;
}

static void drop_refused(FileWork *work, EditList *edits)
{
  size_t kept = 0;
  for (size_t i = 0; i < edits->len; i++) {
    const Item *item = item_of(work, &edits->items[i]);
    if (item && !item->skip) edits->items[kept++] = edits->items[i];
  }
  edits->len = kept;
}

static void refuse_overlap(FileWork *work, const Edit *a, const Edit *b)
{
  Item *first = item_of(work, a), *second = item_of(work, b);
  if (first->block->number > second->block->number) {
    Item *swap = first;
    first = second, second = swap;
  }
  bool told = first->skip && second->skip;
  first->skip = second->skip = true;
  if (told) return;
  Str reason = explain_at(&work->locator, REFUSE_OVERLAP, work->target->path, b->at);
  reason = str_cat(
      work->assembly->arena, reason,
      str_fmt(work->assembly->arena, "\nThe other block is number %zu.", first->block->number));
  refuse(work->assembly, REFUSE_OVERLAP, second->block->number, work->target->path, b->at + 1,
         reason);
}

// The same edit twice counts once; two different ones on the same lines count not at all.
static void settle_overlaps(FileWork *work)
{
  edits_sort(&work->edits);
  size_t kept = 0;
  for (size_t i = 0; i < work->edits.len; i++) {
    Edit *edit = &work->edits.items[i], *last = kept ? &work->edits.items[kept - 1] : NULL;
    if (last && last->block != edit->block && edits_equal(last, edit)) continue;
    if (last && edits_overlap(last, edit)) refuse_overlap(work, last, edit);
    work->edits.items[kept++] = *edit;
  }
  work->edits.len = kept;
  drop_refused(work, &work->edits);
}

// --- the file ----------------------------------------------------------------------------------------

bool text_passes(Assembly *assembly, size_t block, Str path, Str old_text, Str new_text)
{
  RefuseCode code = REFUSE_COUNT;
  if (new_text.len > assembly->max_bytes)
    code = REFUSE_TOO_LARGE;
  else if (str_trim(new_text).len == 0 && str_trim(old_text).len > 0)
    code = REFUSE_EMPTIED;
  if (code == REFUSE_COUNT) return true;
  refuse(assembly, code, block, path, 0, STR_NONE);
  return false;
}

static bool all_deleted(const FileWork *work, const HunkList *hunks)
{
  return hunks->len == 1 && hunks->items[0].old_len == work->text.len &&
         hunks->items[0].new_len == 0;
}

static void push_file(FileWork *work)
{
  Assembly *assembly = work->assembly;
  const PatchTarget *target = work->target;
  PatchFile file = {.path = target->path, .old_text = target->shown};
  file.hunks = edits_to_hunks(assembly->arena, &work->text, &work->edits, &file.tiers);
  if (file.hunks.len == 0) return;
  for (size_t i = 0; i < file.hunks.len; i++) {
    if (file.tiers[i] > file.tier) file.tier = file.tiers[i];
  }
  if (all_deleted(work, &file.hunks) && target->may_delete) file.change = FILE_DELETE;
  file.new_text =
      file.change == FILE_DELETE ? STR_NONE : text_apply(assembly->arena, &work->text, &file.hunks);
  bool passes =
      file.change == FILE_DELETE || text_passes(assembly, work->items[0].block->number,
                                                target->path, target->shown, file.new_text);
  if (passes) PUSH(assembly->arena, &assembly->out->files, file);
}

// A SEARCH of blank lines only is how some models write an empty one. It counts as a quotation when there
// are several and REPLACE puts its lines between them.
static bool quotes_something(const Sides *sides)
{
  if (!sides_blank(sides->search, sides->search_len)) return true;
  return sides->search_len > 1 && sides->replace_len > 1 && sides_blank(sides->replace, 1) &&
         sides_blank(sides->replace + sides->replace_len - 1, 1);
}

static bool same_lists(const StrList *a, const StrList *b)
{
  if (a->len != b->len) return false;
  for (size_t i = 0; i < a->len; i++) {
    if (!str_eq(a->items[i], b->items[i])) return false;
  }
  return true;
}

static bool changes_nothing(const Block *block, const Sides *sides)
{
  Sides same = {sides->search, sides->search, sides->search_len, sides->search_len, false};
  return sides_equal(&same, sides) && !sides->drops_bom && block->old_no_eol == block->new_no_eol &&
         same_lists(&block->old_eols, &block->new_eols);
}

static void add_item(FileWork *work, const Block *block)
{
  Item *item = &work->items[work->len++];
  item->block = block;
  readings_of(work->assembly->arena, block, &item->readings);
  const Sides *first = &item->readings.items[0];
  item->skip = item->readings.literal == 1 && changes_nothing(block, first);
  if (item->skip) return;
  if (item->readings.literal == 1 && !quotes_something(first)) {
    refuse_item(work, item, REFUSE_FILE_EXISTS, 0, STR_NONE);
    return;
  }
  item->sought = NEW_N(work->assembly->arena, size_t, item->readings.len);
  for (size_t i = 0; i < item->readings.len; i++) {
    item->sought[i] = locator_add(&work->locator, &item->readings.items[i]);
  }
}

void assemble_target(Assembly *assembly, const PatchTarget *target, const BlockRefs *blocks)
{
  Arena *arena = assembly->arena;
  FileWork work = {
      .assembly = assembly, .target = target, .text = text_split(arena, target->shown)};
  locator_init(&work.locator, arena, &work.text, target->range);
  work.locator.text_is_guess = assembly->spec->shown_is_guess;
  work.rewrite = (Rewrite){
      .arena = arena, .text = &work.text, .shown_is_guess = assembly->spec->shown_is_guess};
  work.items = NEW_N(arena, Item, blocks->len);
  for (size_t i = 0; i < blocks->len; i++) add_item(&work, blocks->items[i]);
  for (size_t i = 0; i < work.len; i++) {
    if (work.items[i].skip) continue;
    choose_reading(&work, &work.items[i]);
    use_line_number(&work, &work.items[i]);
  }
  for (size_t i = 0; i < work.len; i++) {
    if (!work.items[i].skip && work.items[i].located.kind == LOCATE_SEVERAL) share_places(&work, i);
    if (!work.items[i].skip) refuse_place(&work, &work.items[i]);
    rewrite_item(&work, &work.items[i]);
  }
  settle_overlaps(&work);
  push_file(&work);
}
