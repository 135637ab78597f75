// help.h: what the patch tests share: one file, one reply, what becomes of it.
#pragma once

#include "patch/patch.h"

typedef struct {
  Arena arena;
  PatchSpec spec;
  PatchTarget targets[4];
  PatchResult out;
} Try;

static inline Try *try_new(void)
{
  Try *t = mem_alloc(sizeof(*t));
  arena_init(&t->arena);
  t->spec = (PatchSpec){.targets = t->targets};
  return t;
}

static inline void try_free(Try *t)
{
  arena_deinit(&t->arena);
  mem_free(t);
}

static inline PatchTarget *try_file(Try *t, const char *path, Str shown)
{
  PatchTarget *target = &t->targets[t->spec.len++];
  *target = (PatchTarget){.path = str_from(path), .shown = shown, .exists = true};
  return target;
}

static inline void try_reply(Try *t, Str reply)
{
  patch_from_reply(&t->arena, &t->spec, reply, &t->out);
}

// The new text of the only file, or "!code" of the first refusal.
static inline Str try_text(Try *t)
{
  if (t->out.refusals.len)
    return str_fmt(&t->arena, "!%s", refuse_name(t->out.refusals.items[0].code));
  if (t->out.files.len != 1) return str_fmt(&t->arena, "%zu files", t->out.files.len);
  return t->out.files.items[0].new_text;
}

// One file a.c, one block.
static inline Str patched(Try *t, Str text, Str search, Str replace)
{
  t->spec.len = 0;
  try_file(t, "a.c", text);
  Str reply = str_fmt(&t->arena, "a.c\n<<<<<<< SEARCH\n%.*s=======\n%.*s>>>>>>> REPLACE\n",
                      STR_ARG(search), STR_ARG(replace));
  try_reply(t, reply);
  return try_text(t);
}
