// arena.c: chunked bump allocation. See arena.h.
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The first chunk is one of the small pieces that malloc gives and takes back without a search.
enum { CHUNK_MIN = 992, CHUNK_MAX = 1 << 20 };

struct ArenaChunk {
  ArenaChunk *older;
  size_t size;  // bytes in data
  size_t len;   // bytes handed out
  alignas(max_align_t) char data[];
};

static _Noreturn void out_of_memory(size_t size)
{
  fprintf(stderr, "piecework: out of memory (asked for %zu bytes)\n", size);
  abort();
}

void *mem_alloc(size_t size)
{
  void *ptr = calloc(1, size ? size : 1);
  if (!ptr) out_of_memory(size);
  return ptr;
}

void *mem_realloc(void *ptr, size_t size)
{
  void *grown = realloc(ptr, size ? size : 1);
  if (!grown) out_of_memory(size);
  return grown;
}

void mem_free(void *ptr)
{
  free(ptr);
}

void arena_init(Arena *arena)
{
  *arena = (Arena){0};
}

void arena_deinit(Arena *arena)
{
  for (ArenaChunk *chunk = arena->chunk; chunk;) {
    ArenaChunk *older = chunk->older;
    mem_free(chunk);
    chunk = older;
  }
  *arena = (Arena){0};
}

void arena_reset(Arena *arena)
{
  arena_deinit(arena);
}

// Chunks double up to CHUNK_MAX; a larger request gets a chunk of its own size.
static ArenaChunk *chunk_new(const ArenaChunk *newest, size_t need)
{
  size_t size = newest ? newest->size * 2 : CHUNK_MIN;
  if (size > CHUNK_MAX) size = CHUNK_MAX;
  if (size < need) size = need;
  if (size > SIZE_MAX - sizeof(ArenaChunk)) out_of_memory(need);
  ArenaChunk *chunk = malloc(sizeof(ArenaChunk) + size);
  if (!chunk) out_of_memory(size);
  chunk->older = NULL;
  chunk->size = size;
  chunk->len = 0;
  return chunk;
}

void *arena_alloc_raw(Arena *arena, size_t size)
{
  size_t align = alignof(max_align_t);
  if (size > SIZE_MAX - align) out_of_memory(size);
  size_t need = (size + align - 1) & ~(align - 1);
  ArenaChunk *chunk = arena->chunk;
  if (!chunk || chunk->size - chunk->len < need) {
    chunk = chunk_new(arena->chunk, need);
    chunk->older = arena->chunk;
    arena->chunk = chunk;
  }
  void *ptr = chunk->data + chunk->len;
  chunk->len += need;
  arena->used += need;
  return ptr;
}

void *arena_alloc(Arena *arena, size_t size)
{
  return memset(arena_alloc_raw(arena, size), 0, size);
}

void *arena_grow(Arena *arena, void *items, size_t len, size_t *cap, size_t item_size)
{
  size_t wanted = *cap ? *cap * 2 : 8;
  if (wanted > SIZE_MAX / item_size) out_of_memory(wanted);
  void *grown = arena_alloc(arena, wanted * item_size);
  if (len) memcpy(grown, items, len * item_size);
  *cap = wanted;
  return grown;
}
