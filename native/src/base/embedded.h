// embedded.h: files of the tree that are part of the binary (prompts, templates, the price table).
//
// native/tools/embed.c turns the files into C arrays at build: native/data/* as gen_model, native/templates/*
// as gen_plan, native/prompts/* as gen_work. A table ends with an entry whose name is empty; names are paths below
// native/, as in "prompts/worker.md". Everything lives as long as the process.
#pragma once

#include <stdbool.h>

#include "base/str.h"

typedef struct {
  Str name;   // "prompts/worker.md"
  Str bytes;  // the whole file; a NUL follows that is not counted
} Embedded;

extern const Embedded gen_model[];  // in build/gen, linked with model.a
extern const Embedded gen_plan[];   // linked with plan.a
extern const Embedded gen_work[];   // linked with work.a

// The file called [name] in [table]; false when there is none.
bool embedded_find(const Embedded *table, Str name, Str *bytes);
