// curl_api.h: libcurl, loaded when the first call is made. Private to http.c and http_call.c.
//
// libcurl brings thirty more libraries with it; loading them takes 7 ms and 6 MB, more than all the
// rest of the engine. Most starts of the engine never make a call, so that nothing links against
// libcurl: it is opened at run time, and its functions are called through this table. Where a call is
// known to come, a thread does that meanwhile (http_load).
#pragma once

#include <curl/curl.h>

#include "base/err.h"

#define CURL_FUNCTIONS(X) \
  X(global_init)          \
  X(easy_init)            \
  X(easy_setopt)          \
  X(easy_getinfo)         \
  X(easy_cleanup)         \
  X(easy_strerror)        \
  X(multi_init)           \
  X(multi_setopt)         \
  X(multi_add_handle)     \
  X(multi_remove_handle)  \
  X(multi_socket_action)  \
  X(multi_info_read)      \
  X(multi_assign)         \
  X(multi_strerror)       \
  X(multi_cleanup)        \
  X(slist_append)         \
  X(slist_free_all)       \
  X(version_info)

typedef struct {
#define X(name) __typeof__(&curl_##name) name;
  CURL_FUNCTIONS(X)
#undef X
} CurlApi;

// Loads and starts libcurl at the first use, for the rest of the process, in any thread. NULL with [err] when it is
// missing.
const CurlApi *curl_load(Error *err);
