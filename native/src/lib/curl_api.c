// curl_api.c: see curl_api.h.
#include "lib/curl_api.h"

#include <dlfcn.h>
#include <pthread.h>

// libcurl's binary interface has been number 4 since 2006. Debian names its flavours; the last one
// helps where libraries lie outside the loader's paths (the build passes the directory).
static const char *const names[] = {
    "libcurl.so.4",
    "libcurl-gnutls.so.4",
    "libcurl.4.dylib",
#ifdef CURL_LIBDIR
    CURL_LIBDIR "/libcurl.so.4",
    CURL_LIBDIR "/libcurl.4.dylib",
#endif
};

static CurlApi curl;
static bool loaded;

// POSIX lets an object pointer of dlsym's be a function; C has no cast for it.
static bool find(void *library, const char *name, void *slot)
{
  void *symbol = dlsym(library, name);
  *(void **)slot = symbol;
  return symbol != NULL;
}

static bool fill(void *library, CurlApi *api)
{
  bool all = true;
#define X(name) all &= find(library, "curl_" #name, &api->name);
  CURL_FUNCTIONS(X)
#undef X
  return all;
}

static void load(void)
{
  for (size_t i = 0; !loaded && i < sizeof(names) / sizeof(*names); i++) {
    void *library = dlopen(names[i], RTLD_LAZY | RTLD_LOCAL);  // stays open: it has exit handlers
    loaded = library && fill(library, &curl);
    if (library && !loaded) dlclose(library);
  }
  loaded = loaded && curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

const CurlApi *curl_load(Error *err)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load);
  if (loaded) return &curl;
  error_set(err, ERR_FAILED, "libcurl cannot be loaded, and nothing reaches a provider without it");
  error_hint_set(err, "install libcurl (Debian: libcurl4)");
  return NULL;
}
