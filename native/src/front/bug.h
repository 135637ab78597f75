// bug.h: a report for whoever looks into a fault: what is installed and set, what a plan did, and its exchanges
// with models as a cassette that plays it again. Made of files for the user to read before anything is sent;
// nothing is sent from here.
#pragma once

#include "core/engine.h"

typedef struct {
  Str report;     // Markdown, absolute path
  Str cassette;   // NDJSON (model/cassette.h); empty without a plan
  int64_t calls;  // exchanges in it
} BugFiles;

// [plan] 0 = none in particular. Earlier files of the same plan are replaced.
bool bug_write(Engine *engine, int64_t plan, const char *dir, Arena *arena, BugFiles *out,
               Error *err);

Value *bug_value(Arena *arena, const BugFiles *files);  // {report, cassette, calls}
