// http_call.h: one exchange, private to http.c and http_call.c.
//
//   QUEUED --tick--> RUNNING --libcurl is done, or a reason of our own--> ENDED (on_done, freed)
//
// `why` is the reason of our own: cancelled, too slow, too big, a bad request. Once set, nothing
// more reaches the caller but on_done. It may be set inside libcurl's callbacks, where a handle
// cannot be removed; the tick (a soon task) ends the call afterwards.
#pragma once

#include "lib/curl_api.h"
#include "lib/http.h"

enum { HTTP_HEAD_MAX = 64 * 1024 };

typedef enum { CALL_QUEUED, CALL_RUNNING, CALL_ENDED } CallState;

struct HttpCall {
  Http *http;             // borrowed
  Loop *loop;             // borrowed
  const CurlApi *curl;    // from RUNNING on
  HttpCall *prev, *next;  // in http's list, until ENDED
  HttpSpec spec;          // strings owned by [arena]
  Arena arena;            // the request, dies with the call
  Str where;              // "host:port" for messages; never a path or query, which may hold a key
  CallState state;
  Error why;
  CURL *easy;                // owned; NULL before RUNNING and after ENDED
  struct curl_slist *lines;  // owned: request headers
  char curl_text[CURL_ERROR_SIZE];

  HttpHead head;     // of the latest block of header lines
  Arena head_arena;  // its strings; reset at each block
  struct {
    HttpHeader *items;
    size_t len, cap;
  } headers;
  size_t head_bytes;  // of all blocks and trailers
  bool head_over;     // the final block is complete

  size_t put;           // bytes of spec.body handed to libcurl
  size_t got;           // body bytes so far, decompressed
  bool sent;            // see on_done
  uint64_t last_ms;     // when bytes last moved
  curl_off_t uploaded;  // at the last look
  Timer idle;
  LoopSoon tick;
};

// Copies the request into the call's arena and fills in the defaults.
void call_copy_spec(HttpCall *call, const HttpSpec *spec);

// Makes the call's easy handle. False with call->why set when the request cannot be made.
bool call_setup(HttpCall *call, const CurlApi *curl);

// Translates libcurl's verdict into call->why; a reason already there stays.
void call_verdict(HttpCall *call, CURLcode code);

// Whether the request may have reached the server, as far as the handle tells.
bool call_was_sent(const HttpCall *call);

// Nothing has moved for too long: sets call->why and returns 0; else the milliseconds until the
// next look.
uint64_t call_idle_left(HttpCall *call);
