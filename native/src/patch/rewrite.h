// rewrite.h: a located block made into edits of the text.
//
// Only what REPLACE changes against SEARCH is written: a line that both have keeps the file's bytes, even
// where the reply quoted it loosely. New lines get the file's indentation (where the match was by
// indentation), line ends like their neighbours, and no byte order mark or final newline is lost or won.
#pragma once

#include "patch/groups.h"
#include "patch/locate.h"

typedef struct {
  size_t at, old_len;  // lines of the text, from 0
  Line *lines;         // the new ones, with line ends; in the arena
  size_t len;
  size_t block;  // Block.number
  Tier tier;     // how the block was found
} Edit;

typedef struct {
  Edit *items;
  size_t len, cap;
} EditList;

typedef struct {
  Arena *arena;
  const Text *text;
  GroupList groups;      // of the block at hand; kept for its memory
  bool shown_is_guess;   // as in PatchSpec
  size_t elision_lines;  // read for the sake of elisions, see rewrite.c
} Rewrite;

typedef enum { EOF_AS_IS, EOF_NEWLINE, EOF_NO_NEWLINE } EofWish;

// Adds the edits of one located reading. REFUSE_COUNT when all is well; else why not, and [line] (text
// line from 0) where. [eof] is what a unified diff says about the newline at the end of the file.
RefuseCode rewrite_match(Rewrite *rewrite, const Block *block, const Sides *sides,
                         const Match *match, EofWish eof, EditList *out, size_t *line);

// Sorts [edits], joins neighbours, cuts what does not change, and makes hunks of [text], with the loosest
// tier of each in [*tiers]. Edits must not overlap (edits_overlap).
HunkList edits_to_hunks(Arena *arena, const Text *text, EditList *edits, Tier **tiers);
void edits_sort(EditList *edits);
bool edits_overlap(const Edit *a, const Edit *b);  // a before b in order
bool edits_equal(const Edit *a, const Edit *b);
