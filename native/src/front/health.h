// health.h: what works and what does not, as rows. For `doctor` and :checkhealth. The network is only touched by
// health_reach.
#pragma once

#include "core/engine.h"
#include "view/view.h"

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
// Asks each provider in use whether it is there, takes the key and knows the models; adds a row for each. [on_done]
// comes once, never from inside; [arena] and [out] stay until then.
void health_reach(Engine *engine, Arena *arena, HealthList *out, void (*on_done)(void *owner),
                  void *owner);
void health_view(Arena *arena, const HealthList *rows, View *out);
