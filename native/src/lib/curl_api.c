// curl_api.c: see curl_api.h.
#include "lib/curl_api.h"

#include <dlfcn.h>

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

static struct {
  CurlApi api;
  bool loaded;
} curl;

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

const CurlApi *curl_load(Error *err)
{
  for (size_t i = 0; !curl.loaded && i < sizeof(names) / sizeof(*names); i++) {
    void *library = dlopen(names[i], RTLD_LAZY | RTLD_LOCAL);  // stays open: it has exit handlers
    curl.loaded = library && fill(library, &curl.api);
    if (library && !curl.loaded) dlclose(library);
  }
  if (curl.loaded) return &curl.api;
  error_set(err, ERR_FAILED, "libcurl cannot be loaded, and nothing reaches a provider without it");
  error_hint_set(err, "install libcurl (Debian: libcurl4)");
  return NULL;
}
