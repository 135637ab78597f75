// merge.c: see merge.h.
#include "patch/merge.h"

#include "lib/textdiff.h"

bool merge3(Arena *arena, Str base, Str ours, Str theirs, Merged *out, Error *err)
{
  TextMerge merge;
  *out = (Merged){0};
  if (!textdiff_merge(arena, base, ours, theirs, &merge, err)) return false;
  *out = (Merged){merge.text, merge.conflicts == 0, merge.conflicts};
  return true;
}
