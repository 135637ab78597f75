// patch.c: see patch.h. Which file each block means, and the reply as a whole; the work on one file is in
// assemble.c.
#include "patch/patch.h"

#include "patch/assemble.h"
#include "patch/explain.h"
#include "patch/path.h"
#include "patch/readings.h"

enum { PATCH_MAX_BYTES = 16 << 20 };

const char *tier_name(Tier tier)
{
  static const char *const names[] = {
      [TIER_EXACT] = "exact",   [TIER_TRAILING] = "trailing", [TIER_INDENT] = "indent",
      [TIER_FOLDED] = "folded", [TIER_ELIDED] = "elided",     [TIER_FUZZY] = "fuzzy",
      [TIER_RANGE] = "range",   [TIER_WHOLE] = "whole",       [TIER_DIFF] = "diff",
  };
  return names[tier];
}

static const char *const refusals[REFUSE_COUNT] = {
    [REFUSE_NOT_TEXT] = "not_text",
    [REFUSE_TOO_LARGE] = "too_large",
    [REFUSE_TRUNCATED] = "truncated",
    [REFUSE_MALFORMED] = "malformed",
    [REFUSE_NO_BLOCK] = "no_block",
    [REFUSE_PATH_OUTSIDE] = "path_outside",
    [REFUSE_PATH_SYMLINK] = "path_symlink",
    [REFUSE_PATH_GIT] = "path_git",
    [REFUSE_PATH_IGNORED] = "path_ignored",
    [REFUSE_PATH_CASE] = "path_case",
    [REFUSE_PATH_SPECIAL] = "path_special",
    [REFUSE_NOT_LISTED] = "not_listed",
    [REFUSE_OUT_OF_RANGE] = "out_of_range",
    [REFUSE_FILE_MISSING] = "file_missing",
    [REFUSE_FILE_EXISTS] = "file_exists",
    [REFUSE_NOT_FOUND] = "not_found",
    [REFUSE_AMBIGUOUS] = "ambiguous",
    [REFUSE_INDENT] = "indent",
    [REFUSE_OVERLAP] = "overlap",
    [REFUSE_STALE] = "stale",
    [REFUSE_ELIDED] = "elided",
    [REFUSE_CONFLICT_MARKERS] = "conflict_markers",
    [REFUSE_EMPTIED] = "emptied",
    [REFUSE_UNCHANGED] = "unchanged",
};

const char *refuse_name(RefuseCode code)
{
  return code < REFUSE_COUNT ? refusals[code] : "none";
}

// --- which file a block means ----------------------------------------------------------------------------

typedef struct {
  Assembly assembly;
  Reply reply;
  BlockRefs *by_target;  // one list for each target
  size_t previous;       // target of the block before; LINE_NONE = none
  bool has_edits;        // fenced texts are chatter beside SEARCH/REPLACE blocks and diffs
  size_t changes;        // blocks that ask for a change
} Sorting;

static void refuse_block(Sorting *sorting, RefuseCode code, const Block *block, Str path)
{
  refuse(&sorting->assembly, code, block->number, path, 0, STR_NONE);
}

static bool has_text(const PatchTarget *target)
{
  return target->exists && str_trim(target->shown).len > 0;
}

// A diff that ends its own lines in LF says of each new line how it ends.
static void keep_carriage_returns(Arena *arena, const Block *block, Sides *sides)
{
  if (block->kind != BLOCK_HUNK || block->new_eols.len != sides->replace_len) return;
  Str *lines = NEW_N(arena, Str, sides->replace_len);
  for (size_t i = 0; i < sides->replace_len; i++) {
    bool crlf = block->new_eols.items[i].len == 2;
    lines[i] = crlf ? str_cat(arena, sides->replace[i], S("\r")) : sides->replace[i];
  }
  sides->replace = lines;
}

// An EDIT or HUNK for a file that has no text yet makes the whole file.
static void sort_creation(Sorting *sorting, const Block *block, Str path, bool exists)
{
  Readings readings;
  readings_of(sorting->assembly.arena, block, &readings);
  const Sides *sides = &readings.items[0];
  if (readings.len == 0 || !sides_blank(sides->search, sides->search_len)) {
    refuse_block(sorting, exists ? REFUSE_NOT_FOUND : REFUSE_FILE_MISSING, block, path);
    return;
  }
  Sides inner = readings.len > readings.literal ? readings.items[readings.literal] : *sides;
  keep_carriage_returns(sorting->assembly.arena, block, &inner);
  assemble_new(&sorting->assembly, path, block, inner.replace, inner.replace_len,
               !block->new_no_eol);
}

// An empty SEARCH; what it writes in [*sides].
static bool quotes_nothing(Sorting *sorting, const Block *block, Sides *sides)
{
  Readings readings;
  readings_of(sorting->assembly.arena, block, &readings);
  if (!readings.len || !sides_blank(readings.items[0].search, readings.items[0].search_len))
    return false;
  *sides = readings.items[readings.len > readings.literal ? readings.literal : 0];
  keep_carriage_returns(sorting->assembly.arena, block, sides);
  return true;
}

static void sort_to_target(Sorting *sorting, const Block *block, size_t number)
{
  Sides sides;
  const PatchTarget *target = &sorting->assembly.spec->targets[number];
  sorting->previous = number;
  if (!has_text(target))
    sort_creation(sorting, block, target->path, target->exists);
  else if (target->may_rewrite && range_is_whole(target->range) &&
           quotes_nothing(sorting, block, &sides))
    assemble_rewrite(&sorting->assembly, target, block, &sides);
  else
    PUSH(sorting->assembly.arena, &sorting->by_target[number], block);
}

// The task's files may be misspelt by a model, so a path that is to be edited but not listed is compared
// with them once more, loosely.
static PathMatch resolve_edited(const Sorting *sorting, const Block *block)
{
  const PatchSpec *spec = sorting->assembly.spec;
  Sides sides;
  bool creates = block->kind == BLOCK_HUNK ? block->creates
                                           : block_reading(block, 0, &sides) &&
                                                 sides_blank(sides.search, sides.search_len);
  PathMatch match = path_resolve(spec, block, creates);
  if (match.kind != PATH_NEW || creates) return match;
  PatchSpec strict = *spec;
  strict.may_create = false;
  PathMatch loose = path_resolve(&strict, block, false);
  return loose.kind == PATH_FOUND ? loose : match;
}

static void sort_edit(Sorting *sorting, const Block *block)
{
  const PatchSpec *spec = sorting->assembly.spec;
  PathMatch match = resolve_edited(sorting, block);
  sorting->changes++;
  switch (match.kind) {
    case PATH_FOUND: sort_to_target(sorting, block, match.target); return;
    case PATH_NEW: sort_creation(sorting, block, match.path, false); return;
    case PATH_REFUSED: refuse_block(sorting, match.why, block, match.path); return;
    case PATH_NONE: break;
  }
  if (sorting->previous != LINE_NONE)
    sort_to_target(sorting, block, sorting->previous);
  else if (spec->len == 1)
    sort_to_target(sorting, block, 0);
  else
    refuse_block(sorting, REFUSE_NOT_LISTED, block, STR_NONE);
}

// A fenced text: a new file when its path is one, the task's range when that is all the task has.
static void sort_fence(Sorting *sorting, const Block *block, size_t fences)
{
  const PatchSpec *spec = sorting->assembly.spec;
  PathMatch match = path_resolve(spec, block, true);
  bool listed = match.kind == PATH_FOUND;
  bool is_new = match.kind == PATH_NEW || (listed && !has_text(&spec->targets[match.target]));
  if (is_new && (!sorting->has_edits || listed)) {
    sorting->changes++;
    Str path = listed ? spec->targets[match.target].path : match.path;
    assemble_new(&sorting->assembly, path, block, block->lines.items, block->lines.len, true);
    return;
  }
  if (sorting->has_edits || fences != 1) return;
  const PatchTarget *only = spec->len == 1 ? &spec->targets[0] : NULL;
  if (only && has_text(only) && !range_is_whole(only->range) && match.kind != PATH_REFUSED) {
    sorting->changes++;
    assemble_range(&sorting->assembly, only, block);
  }
}

static void sort_rename(Sorting *sorting, const Block *block)
{
  const PatchSpec *spec = sorting->assembly.spec;
  PathMatch from = path_resolve_one(spec, block->hints[0], false),
            to = path_resolve_one(spec, block->new_path, true);
  RefuseCode code = REFUSE_COUNT;
  sorting->changes++;
  if (from.kind == PATH_REFUSED)
    code = from.why;
  else if (from.kind != PATH_FOUND)
    code = REFUSE_NOT_LISTED;
  else if (to.kind == PATH_REFUSED)
    code = to.why;
  else if (to.kind == PATH_FOUND && spec->targets[to.target].exists)
    code = REFUSE_FILE_EXISTS;
  else if (!spec->targets[from.target].may_delete)
    code = REFUSE_NOT_LISTED;
  if (code != REFUSE_COUNT)
    refuse_block(sorting, code, block, block->new_path);
  else
    assemble_rename(&sorting->assembly, &spec->targets[from.target], block);
}

static void sort_blocks(Sorting *sorting, BlockKind kind)
{
  size_t fences = 0;
  const BlockList *blocks = &sorting->reply.blocks;
  for (size_t i = 0; i < blocks->len; i++) fences += blocks->items[i].kind == BLOCK_FENCE;
  for (size_t i = 0; i < blocks->len; i++) {
    const Block *block = &blocks->items[i];
    bool edit = block->kind == BLOCK_EDIT || block->kind == BLOCK_HUNK;
    if (kind == BLOCK_EDIT && edit)
      sort_edit(sorting, block);
    else if (kind == block->kind && kind == BLOCK_FENCE)
      sort_fence(sorting, block, fences);
    else if (kind == block->kind && kind == BLOCK_RENAME)
      sort_rename(sorting, block);
  }
}

// --- the reply as a whole ------------------------------------------------------------------------------

static void refuse_reply(Sorting *sorting, RefuseCode code)
{
  Str reason = explain_code(sorting->assembly.arena, code, STR_NONE);
  if (sorting->reply.problem_line && code != REFUSE_TOO_LARGE) {
    reason = str_fmt(sorting->assembly.arena, "line %zu of the reply: %.*s",
                     sorting->reply.problem_line, STR_ARG(reason));
  }
  refuse(&sorting->assembly, code, 0, STR_NONE, 0, reason);
}

static void build_files(Sorting *sorting)
{
  const PatchSpec *spec = sorting->assembly.spec;
  sorting->by_target = NEW_N(sorting->assembly.arena, BlockRefs, spec->len);
  sort_blocks(sorting, BLOCK_EDIT);
  sort_blocks(sorting, BLOCK_FENCE);
  for (size_t i = 0; i < spec->len; i++) {
    const BlockRefs *blocks = &sorting->by_target[i];
    bool rewritten = blocks->len && file_known(&sorting->assembly, spec->targets[i].path);
    if (rewritten)
      refuse_block(sorting, REFUSE_OVERLAP, blocks->items[0], spec->targets[i].path);
    else if (blocks->len)
      assemble_target(&sorting->assembly, &spec->targets[i], &sorting->by_target[i]);
  }
  sort_blocks(sorting, BLOCK_RENAME);
}

// A reply that is nothing but the new lines of the task's only range: believed when it keeps both ends.
static void try_bare_reply(Sorting *sorting, Str reply)
{
  const PatchSpec *spec = sorting->assembly.spec;
  const PatchTarget *only = spec->len == 1 ? &spec->targets[0] : NULL;
  if (!only || !has_text(only) || range_is_whole(only->range) || sorting->reply.blocks.len > 0)
    return;
  Block block = {.kind = BLOCK_FENCE, .number = 1};
  for (Str line; str_line(&reply, &line);) {
    if (str_ends(line, S("\r"))) line.len--;
    PUSH(sorting->assembly.arena, &block.lines, line);
  }
  if (!range_keeps_ends(sorting->assembly.arena, only, &block)) return;
  sorting->changes++;
  assemble_range(&sorting->assembly, only, &block);
}

static void count_blocks(Sorting *sorting, PatchResult *out)
{
  const BlockList *blocks = &sorting->reply.blocks;
  for (size_t i = 0; i < blocks->len; i++) {
    sorting->has_edits |= blocks->items[i].kind != BLOCK_FENCE;
    out->blocks += blocks->items[i].kind != BLOCK_FENCE;
  }
  if (!sorting->has_edits) out->blocks = blocks->len;
}

void patch_from_reply(Arena *arena, const PatchSpec *spec, Str reply, PatchResult *out)
{
  *out = (PatchResult){0};
  Sorting sorting = {
      .assembly = {arena, spec, out, spec->max_bytes ? spec->max_bytes : PATCH_MAX_BYTES},
      .previous = LINE_NONE};
  reply_parse(&sorting.reply, arena, reply);
  RefuseCode problem = sorting.reply.problem;
  if (problem == REFUSE_COUNT && spec->reply_cut) problem = REFUSE_TRUNCATED;
  count_blocks(&sorting, out);
  if (problem != REFUSE_COUNT) refuse_reply(&sorting, problem);
  if (problem != REFUSE_COUNT && problem != REFUSE_TRUNCATED) return;
  if (sorting.reply.abstained && out->blocks == 0 && problem == REFUSE_COUNT) {
    out->abstained = true;
    return;
  }
  build_files(&sorting);
  if (problem == REFUSE_COUNT) try_bare_reply(&sorting, reply);
  if (out->refusals.len == 0 && sorting.changes == 0)
    refuse_reply(&sorting, REFUSE_NO_BLOCK);
  else if (out->refusals.len == 0 && out->files.len == 0)
    refuse_reply(&sorting, REFUSE_UNCHANGED);
}
