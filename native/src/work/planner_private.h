// planner_private.h: a planner's state, between planner.c (the conversation) and planner_start.c
// (how one begins or is taken up again).
#pragma once

#include "journal/journal.h"
#include "plan/tools.h"
#include "work/attempt.h"
#include "work/planner.h"

enum { PLANNER_LEASE_MS = 10 * 60 * 1000 };

typedef enum {
  PLANNER_ASK,
  PLANNER_WAIT,
  PLANNER_ANSWERED,
  PLANNER_TOOLS,
  PLANNER_END
} PlannerState;

struct Planner {
  Planner *next;  // of the engine's list
  Engine *engine;
  Project *project;  // borrowed from the engine
  Arena arena;       // of the whole conversation
  PlanRow row;
  int64_t left_of;  // see PlanRequest
  PlannerState state;
  LoopSoon soon;
  OpDone *on_done;
  void *owner;

  ModelRequest request;  // its messages are the conversation
  Budget budget;
  Attempt *attempt;  // while a call is out
  StopReason stop;   // of the last reply
  Str detail;        // why it refused
  int turns, repairs, nudges;

  Toolbox box;
  ToolRun tool;
  size_t answered;  // calls of the last reply that have their result

  bool stopped;
  bool resumed;     // the next turn is asked as it was before
  bool unsuitable;  // the planner says that the request does not suit small tasks
  Error error;      // how it ends
};

// Asks the next turn, soon.
void planner_go(Planner *planner);

// Adds a message of ours to the conversation. [text] lives as long as the planner.
void planner_say(Planner *planner, Str text);

// The submit_plan call of a reply, NULL when it has none.
const ToolCall *planner_submission(const ModelMessage *message);
