// brief_diff.h: the combined result as the verifier reads it: a diff that says each thing once. Lines that went
// from one place to another are named, not quoted twice; a change that many places share is shown at the
// first and the others are listed; lines in a row that stood there before are named. What is shown is exact, and what
// is folded is identical to the byte.
//
//   === src/net.c                                   a file (new), (deleted), (was OLD)
//   @@ 78 @@                                        first line in the new text
//    int n = 0;                                     context
//   -cfg_get(a);
//   +config_get(a);
//   -[lines 120-340 go to src/http.c:1-221]
//   +[lines 120-340 of src/net.c]
//   +[again lines 1-15 of src/new.c]                written out before, there, in the new text; -[again ...]: the old
//   [the same change: 22 more: src/a.c:10, ...]     at the end of a call's part
//
// Life:  brief_diff_new -> brief_diff_file for each file, brief_diff_end where a call's part ends
#pragma once

#include "base/buf.h"
#include "review/base_text.h"

typedef struct BriefDiff BriefDiff;

// [files] are borrowed for the life of [arena].
BriefDiff *brief_diff_new(Arena *arena, const CombinedFile **files, size_t count);

void brief_diff_file(BriefDiff *diff, size_t index, Buf *out);
// What was written out so far is not to be referred to: its reader does not get all of it.
void brief_diff_forget(BriefDiff *diff);
// The places of changes shown before; begins the next part.
void brief_diff_end(BriefDiff *diff, Buf *out);
