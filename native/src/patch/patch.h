// patch.h: a model's reply made into new file texts, or refused with reasons a model can act on.
//
// One call does it all: parse the reply (reply.h), locate each block in the text the model was
// shown (locate.h), guard, and build the new texts. No file is touched here. A reply counts whole or not
// at all: with refusals, [files] still holds what the good blocks would give.
#pragma once

#include "base/err.h"
#include "patch/hunk.h"

// What the task may change. [shown] is the exact text the model saw.
typedef struct {
  Str path;     // relative to the root, '/' between parts
  Str called;   // another name that means it too; empty = none
  Str shown;    // whole file, even when only [range] was quoted in the prompt
  bool exists;  // false: the task may create it
  bool may_delete;
  bool may_rewrite;  // an empty SEARCH writes a file that has text anew, whole
  Range range;       // the task's range; whole = anywhere
} PatchTarget;

typedef struct {
  PatchTarget *targets;
  size_t len, cap;
  bool may_create;   // files beyond [targets] may be created (work checks their path)
  bool reply_cut;    // the model stopped at its token limit
  size_t max_bytes;  // per new file text; 0 = 16 MiB
  // [shown] is the present text, for want of what the model saw: a quoted line that is to be replaced
  // and differs from the file at all counts as changed meanwhile.
  bool shown_is_guess;
} PatchSpec;

// Strictest rule under which a block's place was found; looser ones deserve a look in review.
typedef enum {
  TIER_EXACT,
  TIER_TRAILING,  // trailing white space differs
  TIER_INDENT,    // uniform indentation shift
  TIER_FOLDED,    // white space and typographic punctuation folded
  TIER_ELIDED,    // pieces around "..." lines
  TIER_FUZZY,
  TIER_RANGE,  // bare replacement of the task's only range
  TIER_WHOLE,  // a whole (new) file
  TIER_DIFF,   // came as a unified diff
} Tier;
const char *tier_name(Tier tier);

// Why a block was refused. One table (patch.c) gives each its wire name and the Err it counts as.
typedef enum {
  REFUSE_NOT_TEXT,  // reply is not UTF-8, has NUL
  REFUSE_TOO_LARGE,
  REFUSE_TRUNCATED,     // cut inside a block, or stopped at the token limit
  REFUSE_MALFORMED,     // a block without its divider or tail
  REFUSE_NO_BLOCK,      // nothing usable in the reply
  REFUSE_PATH_OUTSIDE,  // absolute, "..", "~", drive letter
  REFUSE_PATH_SYMLINK,
  REFUSE_PATH_GIT,
  REFUSE_PATH_IGNORED,
  REFUSE_PATH_CASE,     // differs from an existing path only in case
  REFUSE_PATH_SPECIAL,  // directory, device, fifo
  REFUSE_NOT_LISTED,    // not among the task's files
  REFUSE_OUT_OF_RANGE,
  REFUSE_FILE_MISSING,
  REFUSE_FILE_EXISTS,  // empty SEARCH for a file that has text
  REFUSE_NOT_FOUND,
  REFUSE_AMBIGUOUS,
  REFUSE_INDENT,   // indentation cannot be mapped
  REFUSE_OVERLAP,  // two blocks change the same lines differently
  REFUSE_STALE,    // the lines changed meanwhile
  REFUSE_ELIDED,   // "rest unchanged" left in the new text
  REFUSE_CONFLICT_MARKERS,
  REFUSE_EMPTIED,
  REFUSE_UNCHANGED,  // nothing would change
  REFUSE_COUNT
} RefuseCode;
const char *refuse_name(RefuseCode code);

typedef struct {
  RefuseCode code;
  size_t block;  // 1-based block number in the reply, 0 = the reply as a whole
  Str path;      // may be empty
  size_t line;   // nearest place in the shown text, 0 = none
  Str reason;  // plain words with the nearest real lines, fit to send back to the model (<= 4 KiB)
} Refusal;

typedef struct {
  Refusal *items;
  size_t len, cap;
} RefusalList;

typedef enum { FILE_EDIT, FILE_NEW, FILE_DELETE, FILE_RENAME } FileChange;

typedef struct {
  Str path;
  FileChange change;
  Str renamed_from;  // FILE_RENAME only
  Str old_text, new_text;
  HunkList hunks;  // from old_text to new_text
  Tier *tiers;     // one for each hunk: the loosest rule among its blocks
  Tier tier;       // loosest tier of its blocks
} PatchFile;

typedef struct {
  PatchFile *items;
  size_t len, cap;
} PatchFileList;

typedef struct {
  PatchFileList files;
  RefusalList refusals;
  size_t blocks;
  bool abstained;  // the model said, in the agreed words, that nothing needs changing
} PatchResult;

// Everything in [out] lives in [arena]. Never fails: problems are refusals.
void patch_from_reply(Arena *arena, const PatchSpec *spec, Str reply, PatchResult *out);

// Checks the text of a path as a name: relative, inside, no "..", not .git. What the file system says
// (symlinks, ignore rules, case) is checked in core/guard.h.
bool patch_path_ok(Str path, RefuseCode *why);
