// ctags.h: outlines by universal-ctags, for whoever has it; outline.h reads texts without it.
//
// The texts go to its standard input and come back as lines of JSON: no file of the project is opened by it, no
// option file is read (a project's own could run code), and where it was built so it works in a system call
// sandbox. What it prints is hostile until checked: bounded in bytes, definitions and time.
#pragma once

#include "lib/process.h"
#include "plan/outline.h"

enum { CTAGS_BATCH_BYTES = 4 << 20 };  // of texts for one process

typedef enum {
  CTAGS_MISSING,
  CTAGS_OTHER,    // some other ctags, or one built without JSON and interactive mode: not used
  CTAGS_PLAIN,    // used
  CTAGS_SANDBOX,  // used, in its sandbox
} CtagsState;

// Looks for it once per PATH; takes milliseconds, 2 s when it hangs. [program] may be NULL: its name, static.
CtagsState ctags_state(const char **program);

typedef struct {
  Str path;  // its end says which language it is
  Str text;
  OutlineList items;  // what ctags found; empty: nothing, or it does not know where definitions end
} CtagsText;

// Asks for all of [texts] and waits; false, and no items, when ctags cannot be asked or fails.
bool ctags_outlines(Arena *arena, CtagsText *texts, size_t count);

// The same without waiting: a process on [loop]; NULL when ctags cannot be asked. When on_done comes with status 0,
// ctags_read takes result->out. [arena] and the texts stay until then.
Process *ctags_start(Loop *loop, Arena *arena, const CtagsText *texts, size_t count,
                     void (*on_done)(void *owner, const ProcessResult *result), void *owner);
bool ctags_read(Arena *arena, const ProcessResult *result, CtagsText *texts, size_t count);
