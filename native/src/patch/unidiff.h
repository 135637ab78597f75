// unidiff.h: the part of the reply parser that reads unified diffs. Only reply.c calls it.
//
// Models get line numbers and counts wrong, so both are hints: a hunk ends where its lines end, and its
// old lines are looked up like any SEARCH. Counts that do agree make the line numbers worth trusting.
#pragma once

#include "patch/reply.h"

// Whether [line] (outside any hunk) belongs to a diff's header or opens a hunk; then it is consumed.
bool unidiff_starts(Reply *reply, Str line);

// Takes [line] inside a hunk. False when the hunk is over: then state is what it was before the diff, and
// the line is still to be read.
bool unidiff_line(Reply *reply, Str line);
void unidiff_end(Reply *reply);

// For unidiff.c: the parser's own verbs.
void reply_fail(Reply *reply, RefuseCode problem);
void reply_push(Reply *reply, Block *block);
void reply_take_hints(Reply *reply, Block *block);
void reply_add_line(Reply *reply, StrList *lines, Str line);
