// git_api.c: see git_api.h.
#include "lib/git_api.h"

#include <dlfcn.h>
#include <pthread.h>

// The structures it is given are those of the version it was compiled for, so only that one will do.
static const char *const names[] = {
    "libgit2.so." LIBGIT2_SOVERSION,
    "libgit2." LIBGIT2_SOVERSION ".dylib",
#ifdef GIT2_LIBDIR
    GIT2_LIBDIR "/libgit2.so." LIBGIT2_SOVERSION,
    GIT2_LIBDIR "/libgit2." LIBGIT2_SOVERSION ".dylib",
#endif
};

GitApi git;
static bool loaded;

// POSIX lets an object pointer of dlsym's be a function; C has no cast for it.
static bool find(void *library, const char *name, void *slot)
{
  void *symbol = dlsym(library, name);
  *(void **)slot = symbol;
  return symbol != NULL;
}

static bool fill(void *library)
{
  bool all = true;
#define X(name) all &= find(library, "git_" #name, &git.name);
  GIT_FUNCTIONS(X)
#undef X
  return all;
}

// Repository extensions that change nothing for what we read. Without this libgit2 refuses to open
// such repositories: partial clones, sparse checkouts with worktree configuration.
static void allow_extensions(void)
{
  const char *known[] = {"partialclone", "worktreeconfig", "preciousobjects", "relativeworktrees"};
  git.libgit2_opts(GIT_OPT_SET_EXTENSIONS, known, sizeof(known) / sizeof(*known));
}

static void load(void)
{
  for (size_t i = 0; !loaded && i < sizeof(names) / sizeof(*names); i++) {
    void *library = dlopen(names[i], RTLD_LAZY | RTLD_LOCAL);  // stays open: it has exit handlers
    loaded = library && fill(library);
    if (library && !loaded) dlclose(library);
  }
  if (!loaded) return;
  git.libgit2_init();
  allow_extensions();
}

bool git_load(Error *err)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load);
  if (loaded) return true;
  error_set(err, ERR_GIT, "libgit2 %s cannot be loaded", LIBGIT2_SOVERSION);
  return error_hint_set(err, "install it, or rebuild piecework with the one that is there");
}
