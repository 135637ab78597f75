// tools.h: the planner's read-only tools: list files, search, outline, read a range. What a model
// asks for is checked like anything from outside: only what project_may_send allows is shown,
// every result is cut at a size, and the whole exploration has a budget that each result states,
// so that the model can steer by it.
//
// Life of a run:  tool_start -> on_done   (exactly one, never from inside tool_start)
//                 tool_cancel at any time -> no on_done, unless it returns true (a child has
//                 to end first)
#pragma once

#include "base/buf.h"
#include "core/project.h"
#include "lib/loop.h"
#include "lib/process.h"
#include "model/model.h"

enum {
  TOOLS_BYTES = 160 * 1024,  // of results over one exploration
  TOOLS_CALLS = 60,
  TOOL_RESULT_BYTES = 16 * 1024,
};

typedef struct {
  Project *project;  // borrowed
  Loop *loop;        // borrowed
  size_t bytes_left;
  int calls_left;
} Toolbox;

typedef struct {
  Str text;  // valid until the run is used again
  bool is_error;
} ToolResult;

typedef struct ToolRun ToolRun;

typedef enum { TOOL_MORE, TOOL_WAIT, TOOL_DONE } ToolStep;

struct ToolRun {
  Toolbox *box;
  const ToolCall *call;  // borrowed until on_done
  void (*on_done)(void *owner, const ToolResult *result);
  void *owner;
  // private
  Arena arena;  // of this run
  ToolStep (*step)(ToolRun *run);
  LoopSoon soon;
  Buf out;  // what the model gets, at most TOOL_RESULT_BYTES
  bool is_error, busy;
  void *state;                    // the tool's own, in the arena
  void (*cleanup)(ToolRun *run);  // frees what the state holds outside the arena; may be NULL
  Process *process;               // outline's ctags, while it runs
};

// The four tools and their schemas, for a request; submit_plan is in submit.h.
void tools_describe(Arena *arena, ModelTool *tools, size_t *count);  // room for 4

void tool_start(ToolRun *run, Toolbox *box, const ToolCall *call,
                void (*on_done)(void *owner, const ToolResult *result), void *owner);
bool tool_cancel(ToolRun *run);  // nothing when it is not busy

// ---- for the tools' own files -------------------------------------------------------------------

// Ends the run as an error the model can act on.
__attribute__((format(printf, 2, 3))) ToolStep tool_fail(ToolRun *run, const char *format, ...);
void tool_go_on(ToolRun *run);  // after TOOL_WAIT: the next step, soon

// May a path be matched by [glob]? Without '/' it is matched with the base name; "**/" spans
// directories.
bool glob_match(Arena *arena, Str glob, Str path);

ToolStep tool_search(ToolRun *run);   // tool_search.c
ToolStep tool_outline(ToolRun *run);  // outline.c
