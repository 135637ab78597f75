// health.h: what works and what does not, as rows. For `doctor` and :checkhealth.
#pragma once

#include "core/engine.h"
#include "review/review.h"

typedef struct {
  const char *level;  // "ok", "warn", "error"
  Str text;
} HealthRow;
typedef struct {
  HealthRow *items;
  size_t len, cap;
} HealthList;

// [engine] may be NULL: then [why] says why it could not be opened.
void health_rows(Engine *engine, const Error *why, const char *dir, Arena *arena, HealthList *out);
void health_view(Arena *arena, const HealthList *rows, View *out);
