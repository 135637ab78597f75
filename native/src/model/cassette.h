// cassette.h: recorded exchanges with models, to be played back through the same code.
//
// A cassette is NDJSON. The first line says what it is:
//
//   {"cassette": "piecework-cassette", "version": 1, "note": "recorded" or "scripted", "text": "for people"}
//
// Each further line is one exchange:
//
//   {"role": "execute", "label": "T03", "provider": "...", "model": "...", "at": "2026-11-23",
//    "request": {"hash": "16 hex digits", "digest": "the first lines of the last message"},
//    "reply": {"text": "...", "calls": [{"id", "name", "input"}], "stop": "done|length|tool|refused",
//              "usage": {"fresh_in", "cache_write", "cache_read", "out", "reasoning", "hour_write", "known"}}}
//
// Only `role` and `reply` are needed; unknown keys are ignored. A label is kept without "plan N " in front,
// so that a replay does not depend on numbers. No keys, headers, request or account ids are in it: what looks
// like one is replaced by "[removed]"; blocks bound to an account (thinking) are left out.
//
// Matching: the k-th request of a role and label gets the k-th exchange with that role and label; exchanges
// without a label answer what is left of their role, in order. Anything else is ERR_CASSETTE.
#pragma once

#include "model/model.h"

typedef struct Cassette Cassette;

typedef struct {
  Str role, label, provider, model;
  Str hash;  // of the request
  Str text;
  ToolCallList calls;
  StopReason stop;
  Usage usage;
  bool used;
} Exchange;  // lives as long as its cassette

// Reads all of it. ERR_CASSETTE names the line that is wrong.
Cassette *cassette_open(const char *path, Error *err);
void cassette_free(Cassette *cassette);

// The exchange that answers [request], now used up; NULL with ERR_CASSETTE when there is none.
const Exchange *cassette_take(Cassette *cassette, const ModelRequest *request, Error *err);

// The provider that [model] was recorded with; empty when unknown.
Str cassette_provider_of(const Cassette *cassette, Str model);

// ---- recording ------------------------------------------------------------------------------------------

typedef struct Recorder Recorder;

// Appends; writes the header to an empty file.
Recorder *recorder_open(const char *path, Error *err);
void recorder_free(Recorder *recorder);
// One line, written at once. [secrets] are removed wherever they stand. False: the disk refused.
bool recorder_add(Recorder *recorder, const ModelRequest *request, const ModelReply *reply,
                  const StrList *secrets);

Str label_key(Str label);  // without "plan N " in front
