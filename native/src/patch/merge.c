// merge.c: see merge.h.
#include "patch/merge.h"

#include "lib/textdiff.h"

static bool ends_open(Str s)
{
  return s.len > 0 && s.ptr[s.len - 1] != '\n';
}

static Str closed(Arena *arena, Str s)
{
  return ends_open(s) ? str_cat(arena, s, S("\n")) : s;
}

// libgit2 is careless about a missing newline at the end, so it never sees one: whether the merge has it is a
// three-way question of its own.
static Str end_like(Str text, Str base, Str ours, Str theirs)
{
  bool open = ends_open(ours) != ends_open(base) ? ends_open(ours) : ends_open(theirs);
  if (open && text.len && text.ptr[text.len - 1] == '\n') text.len--;
  return text;
}

bool merge3(Arena *arena, Str base, Str ours, Str theirs, Merged *out, Error *err)
{
  TextMerge merge;
  *out = (Merged){.text = str_eq(base, ours) ? theirs : ours, .clean = true};
  if (str_eq(base, ours) || str_eq(base, theirs) || str_eq(ours, theirs)) return true;
  if (!textdiff_merge(arena, closed(arena, base), closed(arena, ours), closed(arena, theirs),
                      &merge, err))
    return false;
  *out = (Merged){end_like(merge.text, base, ours, theirs), merge.conflicts == 0};
  return true;
}
