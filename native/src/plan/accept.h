// accept.h: `accept:` lines that a program can judge. Pure. Lines it does not understand are for the verifier.
//
//   no longer occurs: X       X no longer occurs       X is gone        not in the texts any more
//   contains: X               contains X                                in one of the texts
//   at most N lines                                                     each text (its range)
//   at most N lines added | removed | changed                           all texts together
//   unchanged outside lines A-B                                         of the text before
//   only lines with X change                                            X before or after the change
//
// X may stand in quotes or back quotes. A plain name counts as a whole word: `cfg_get` does not occur in
// `my_cfg_get`. What is judged is what the task may write: the file, or its range.
#pragma once

#include "base/str.h"
#include "patch/text.h"

typedef struct {
  Str path;
  Str before, after;  // whole texts; empty when there is no such file
  Range range;        // lines of [after] that the task was to write; whole = all
} AcceptText;

typedef struct {
  AcceptText *items;
  size_t len, cap;
} AcceptTextList;

// False when a rule is broken: [*problem] then says which and where, fit for a model. In [arena].
bool accept_check(Arena *arena, const StrList *rules, const AcceptTextList *texts, Str *problem);
