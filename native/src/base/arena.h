// arena.h: memory that dies together.
//
// Life of an arena:  arena_init -> arena_alloc* -> arena_deinit   (arena_reset empties it for reuse)
//
// piecework knows three lifetimes: process, task and message. Each has an arena; nothing in it is freed
// on its own. Memory comes zeroed and aligned for any type. Running out of memory ends the process, here
// and nowhere else, so that no call site tests for it.
#pragma once

#include <stddef.h>

typedef struct ArenaChunk ArenaChunk;

typedef struct {
  ArenaChunk *chunk;  // newest chunk, linked to the older ones; NULL while empty
  size_t used;        // bytes handed out over all chunks, for tests of bounds
} Arena;

void arena_init(Arena *arena);
void arena_deinit(Arena *arena);
void arena_reset(Arena *arena);

// [size] zeroed bytes that live as long as [arena]. Never NULL.
void *arena_alloc(Arena *arena, size_t size);

// The same without the zeroes, for large texts that are written at once: touching them twice shows.
void *arena_alloc_raw(Arena *arena, size_t size);

// Grows an array inside the arena: returns room for twice [*cap] items (8 at first) with the old
// [len] items copied, and updates [*cap]. The old array stays behind until the arena goes.
void *arena_grow(Arena *arena, void *items, size_t len, size_t *cap, size_t item_size);

#define NEW(arena, Type) ((Type *)arena_alloc((arena), sizeof(Type)))
#define NEW_N(arena, Type, n) ((Type *)arena_alloc((arena), sizeof(Type) * (size_t)(n)))

// Appends an item to a vector held as the three fields [v]items, [v]len and [v]cap of a struct:
//   PUSH(arena, list, item)   where list has `items`, `len`, `cap`
#define PUSH(arena, list, item)                                                                  \
  do {                                                                                           \
    if ((list)->len == (list)->cap) {                                                            \
      (list)->items =                                                                            \
          arena_grow((arena), (list)->items, (list)->len, &(list)->cap, sizeof(*(list)->items)); \
    }                                                                                            \
    (list)->items[(list)->len++] = (item);                                                       \
  } while (0)

// The heap, for what outlives every arena (handles, growing buffers). Same rule: out of memory aborts.
void *mem_alloc(size_t size);
void *mem_realloc(void *ptr, size_t size);
void mem_free(void *ptr);
