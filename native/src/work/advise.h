// advise.h: free advice before any money: does this request fit, and if not, what is better?
#pragma once

#include "core/engine.h"
#include "plan/plan.h"

typedef enum {
  ADVICE_FITS,
  ADVICE_FREE,     // an LSP rename, :s or a formatter does it for nothing
  ADVICE_SMALL,    // one call to one model
  ADVICE_EXPLORE,  // debugging, architecture, unknown cause: one big model
} AdviceKind;

typedef struct {
  AdviceKind kind;
  Str text;     // one screen, plain words, ends with the choices
  Str command;  // for ADVICE_FREE: the command to type
  bool seen;    // shown before for the same text: do not show again
} Advice;

Advice advise(Engine *engine, Project *project, Arena *arena, Str request,
              const FileRefList *scope);
