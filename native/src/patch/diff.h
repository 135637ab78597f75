// diff.h: differences for display: unified text and word-level spans. Hunks to act on are in hunk.h.
#pragma once

#include "base/buf.h"
#include "patch/hunk.h"

// Adds one file's unified diff ("--- a/PATH", "+++ b/PATH", @@ hunks) to [out]. An empty old or new text
// with [created] or [deleted] set gives /dev/null headers. Git applies it.
typedef struct {
  Str path;
  Str renamed_from;  // empty when not renamed
  Str old_text, new_text;
  bool created, deleted;
  int context;  // lines around each change, usually 3
} UnifiedFile;
void diff_unified(Arena *arena, Buf *out, const UnifiedFile *file);

typedef struct {
  size_t added, removed;  // lines
} DiffStat;
DiffStat diff_stat(Str old_text, Str new_text);

// Byte spans that differ between two lines, cut at word borders.
typedef struct {
  size_t from, to;
} Span;
typedef struct {
  Span *items;
  size_t len, cap;
} SpanList;
void diff_words(Arena *arena, Str old_line, Str new_line, SpanList *old_spans, SpanList *new_spans);
