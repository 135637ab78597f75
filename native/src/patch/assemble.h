// assemble.h: the blocks of one file located, checked and made into its new text. Called by patch.c.
#pragma once

#include "patch/reply.h"

typedef struct {
  Arena *arena;
  const PatchSpec *spec;
  PatchResult *out;
  size_t max_bytes;  // of a new text
} Assembly;

typedef struct {
  const Block **items;
  size_t len, cap;
} BlockRefs;

// Adds the file or its refusals to the result. [blocks] are those that mean this target, in order.
void assemble_target(Assembly *assembly, const PatchTarget *target, const BlockRefs *blocks);

// A file that is not there yet: [path] from one block with an empty SEARCH, or from a fenced text.
void assemble_new(Assembly *assembly, Str path, const Block *block, const Str *lines, size_t len,
                  bool final_newline);

// A file that has text, written anew from one block with an empty SEARCH.
void assemble_rewrite(Assembly *assembly, const PatchTarget *target, const Block *block,
                      const Sides *sides);

// A fenced text that takes the place of the target's range.
void assemble_range(Assembly *assembly, const PatchTarget *target, const Block *block);

// Whether the text begins and ends as the target's range does, by lines that are not blank.
bool range_keeps_ends(Arena *arena, const PatchTarget *target, const Block *block);

void assemble_rename(Assembly *assembly, const PatchTarget *target, const Block *block);

bool file_known(const Assembly *assembly, Str path);  // has the result this path already?

// Adds a refusal; [reason] empty = the sentence for the code.
void refuse(Assembly *assembly, RefuseCode code, size_t block, Str path, size_t line, Str reason);

// Whether a new text may stand: size and emptiness. Refuses it otherwise.
bool text_passes(Assembly *assembly, size_t block, Str path, Str old_text, Str new_text);
