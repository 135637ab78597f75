// reply.h: a model's reply cut into blocks. Tolerant about what surrounds a block, strict about the block.
//
// What is read:
//
//   src/foo.c                      a path: above the block (up to three lines, fences between), on the
//   <<<<<<< SEARCH                 head line, or in the fence's info string
//   old lines
//   =======                        several such lines make several readings; see block_reading
//   new lines
//   >>>>>>> REPLACE
//
// also unified diffs, and fenced texts without markers (whole new files, bare replacements). A leading
// <think>...</think> is dropped. Prose and fences around blocks are skipped. A block that does not end,
// a head inside a block or a tail without a head spoils the whole reply: `problem` says which.
#pragma once

#include "patch/patch.h"

enum {
  REPLY_MAX_BYTES = 32 << 20,
  REPLY_MAX_BLOCKS = 20000,
  BLOCK_MAX_LINES = 50000,
  BLOCK_MAX_DIVIDERS = 8,  // more are not told apart
  BLOCK_MAX_HINTS = 6,
};

typedef enum {
  BLOCK_EDIT,    // SEARCH/REPLACE
  BLOCK_HUNK,    // one hunk of a unified diff
  BLOCK_FENCE,   // a fenced text without markers
  BLOCK_RENAME,  // from a diff header: hints[0] is the old path, new_path the new one
} BlockKind;

typedef struct {
  BlockKind kind;
  size_t number;               // from 1, in the order of the reply
  Str hints[BLOCK_MAX_HINTS];  // lines that may hold the path, likeliest first, as written
  size_t hint_count;
  Str new_path;  // BLOCK_RENAME

  StrList lines;                        // EDIT: all lines between head and tail. FENCE: the text
  size_t dividers[BLOCK_MAX_DIVIDERS];  // indexes in `lines` of what may be the divider
  size_t divider_count;

  StrList old_lines, new_lines;  // HUNK: context and removed; context and added
  size_t old_start;              // HUNK: from its @@ line, 0 = not usable
  bool counts_agree;             // HUNK: its @@ line counts right, so it may be trusted as a hint
  bool old_no_eol, new_no_eol;   // HUNK: "\ No newline at end of file"
  // HUNK: the line ends as the diff has them, when its own header ends in LF.
  StrList old_eols, new_eols;
  bool creates, deletes;  // HUNK: the other side is /dev/null
} Block;

typedef struct {
  Block *items;
  size_t len, cap;
} BlockList;

typedef enum { IN_PROSE, IN_FENCE, IN_BLOCK, IN_HUNK, IN_THINK } ReplyState;

typedef struct {
  Arena *arena;
  BlockList blocks;    // complete ones; usable at once
  RefuseCode problem;  // REFUSE_COUNT = none
  size_t problem_line;
  bool abstained;  // "NOTHING TO CHANGE"
  // private
  ReplyState state;
  size_t line, bytes;
  bool crlf;       // the line at hand ended in CR LF
  bool seen_text;  // something other than blank lines came
  Str above[3];    // last non-blank prose lines, nearest first
  Block block;     // the one being read
  struct {
    bool open, had_block;
    char mark;
    size_t len, depth;
    Str info;
    Block text;
  } fence;
  struct {
    Str minus, old_path, new_path;
    bool pending;  // a "--- " line waits for its "+++ "
    bool known;    // old_path and new_path are set
    Str rename_from;
    size_t old_left, new_left;  // lines the @@ line still promises
    bool overrun;               // more lines came than that
    char last_sign;
    bool own_crlf;  // the diff's own lines end in CR LF, which then says nothing of the file's
  } diff;
} Reply;

// Reads all of [text], which the lines of blocks borrow from.
void reply_parse(Reply *reply, Arena *arena, Str text);

// One way to read a block.
typedef struct {
  Str *search, *replace;
  size_t search_len, replace_len;
  bool drops_bom;  // SEARCH quoted a byte order mark (taken off here) that REPLACE does not have
} Sides;

// The [n]th reading of an EDIT block by its [n]th divider, or of a HUNK (n = 0). Borrowed from the block.
bool block_reading(const Block *block, size_t n, Sides *out);
