// job.h: one block on its way into the file: what rewrite.c and line_ends.c share. Not for others.
#pragma once

#include "patch/indent.h"
#include "patch/rewrite.h"

// What one block's rewriting needs at hand.
typedef struct {
  Rewrite *rewrite;
  Arena *arena;
  const Text *text;
  const Sides *sides;
  const Match *match;
  IndentMap indent;
  bool indent_known;    // the pairs did not contradict each other
  bool strip_trailing;  // the reply puts blanks at line ends where the file has none
  // Unified diffs that quote the file's line ends: those of the new lines; else NULL.
  const StrList *eols;
  size_t first_full;  // first line of REPLACE that is not blank
  size_t block;
  BlockKind block_kind;
  bool by_tool;  // a unified diff whose counts agree: no model shortens in those
  bool removes;  // a line of SEARCH that is not blank goes or is replaced
  EofWish eof;
  size_t bad_line;
} Job;

// The file's line without a byte order mark.
Str job_text_line(const Job *job, size_t line);

// Adds an edit whose first line comes from line [from] of REPLACE, and gives its lines their ends.
void job_push_edit(Job *job, Edit edit, size_t from, EditList *out);

// What a unified diff says about the end of the file, where no edit from [from] on has taken care of it.
void job_wish_eof(Job *job, EofWish eof, EditList *edits, size_t from);

// Whether the diff's removed and kept lines end as the file's do; then its new lines' ends count as well.
bool block_quotes_eols(const Job *job, const Block *block);

// The lines with their line ends, so that a change of those alone counts; [open] says that the last has none.
Str *lines_with_eols(Arena *arena, const Str *lines, const StrList *eols, bool open);

// Takes the byte order mark away where the diff says so.
void job_drop_bom(Job *job, EditList *edits, size_t from);
