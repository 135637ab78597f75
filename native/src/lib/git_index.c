// git_index.c: is a file tracked, read from git's index as it lies on disk.
//
// Loading libgit2 takes longer than all the rest of an edit, and most files that are asked for are tracked: that much
// is told here. Whatever is not plain (another version, SHA-256, a large index) is "not known", and so is a file that
// is not in it: then libgit2 is asked.
//
//   "DIRC" version count, then entries in their order: 60 bytes, flags (2; 4 with the bit "extended"), the name,
//   1 to 8 NUL up to a multiple of 8
#include <string.h>

#include "lib/fs.h"
#include "lib/git_private.h"

enum {
  INDEX_MAX = 4 << 20,
  HEADER = 12,
  FLAGS_AT = 60,
  NAME_BITS = 0xfff,  // of the flags: its length, or all of them for a longer one
  EXTENDED = 0x4000,
};

static unsigned number(Str bytes, size_t at, int width)
{
  unsigned value = 0;
  while (width--) value = value << 8 | (unsigned char)bytes.ptr[at++];
  return value;
}

// The name of the entry at [*at], which goes on to the next; false when there is none.
static bool next_name(Str index, size_t *at, Str *name)
{
  size_t begin = *at;
  if (index.len < begin + FLAGS_AT + 2) return false;
  unsigned flags = number(index, begin + FLAGS_AT, 2);
  size_t from = begin + FLAGS_AT + (flags & EXTENDED ? 4 : 2), len = flags & NAME_BITS;
  size_t end = begin + (from + len - begin + 8) / 8 * 8;
  if (len == NAME_BITS || end > index.len) return false;
  *name = (Str){index.ptr + from, len};
  *at = end;
  return true;
}

static void add_names(Arena *arena, Map *names, Str index)
{
  bool plain = index.len > HEADER && memcmp(index.ptr, "DIRC", 4) == 0;
  unsigned version = plain ? number(index, 4, 4) : 0;
  if (version != 2 && version != 3) return;
  size_t at = HEADER;
  Str name;
  for (unsigned left = number(index, 8, 4); left && next_name(index, &at, &name); left--) {
    map_add(arena, names, name, at);
  }
}

static void read_names(Repo *repo)
{
  Str index;
  arena_reset(&repo->names_arena);
  repo->names = (Map){0};
  const char *file = path_join(&repo->names_arena, repo->git_dir, S("index"));
  if (fs_read(&repo->names_arena, file, INDEX_MAX, &index, NULL))
    add_names(&repo->names_arena, &repo->names, index);
}

bool index_names(Repo *repo, Str path)
{
  if (!index_unchanged(repo)) read_names(repo);
  return map_get(&repo->names, path, NULL);
}
