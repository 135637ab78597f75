// git_api.h: libgit2, loaded when it is first needed. Private to git*.c, textdiff.c and versions.c.
//
// Loading libgit2 and its TLS library takes 3 to 5 ms, and its start reads all certificates of the
// system, another 4 to 10 ms; all else the engine does at its start takes 2. Many engines never ask
// it anything, so that nothing links against it: it is opened at run time, as libcurl is.
#pragma once

#include <git2.h>
#include <git2/sys/repository.h>

#include "base/err.h"

#define GIT_FUNCTIONS(X)     \
  X(buf_dispose)             \
  X(config_free)             \
  X(config_new)              \
  X(diff_buffers)            \
  X(diff_free)               \
  X(diff_get_delta)          \
  X(diff_index_to_workdir)   \
  X(diff_num_deltas)         \
  X(diff_options_init)       \
  X(error_last)              \
  X(ignore_add_rule)         \
  X(ignore_path_is_ignored)  \
  X(index_entrycount)        \
  X(index_find)              \
  X(index_find_prefix)       \
  X(index_free)              \
  X(index_get_byindex)       \
  X(index_get_bypath)        \
  X(index_new)               \
  X(index_read)              \
  X(libgit2_init)            \
  X(libgit2_opts)            \
  X(libgit2_version)         \
  X(merge_file)              \
  X(merge_file_input_init)   \
  X(merge_file_options_init) \
  X(merge_file_result_free)  \
  X(reference_free)          \
  X(oid_tostr)               \
  X(reference_target)        \
  X(repository_discover)     \
  X(repository_free)         \
  X(repository_head)         \
  X(repository_index)        \
  X(repository_new)          \
  X(repository_open_ext)     \
  X(repository_path)         \
  X(repository_set_config)   \
  X(repository_set_index)    \
  X(repository_workdir)      \
  X(status_byindex)          \
  X(status_list_entrycount)  \
  X(status_list_free)        \
  X(status_list_new)         \
  X(status_options_init)

typedef struct {
#define X(name) __typeof__(&git_##name) name;
  GIT_FUNCTIONS(X)
#undef X
} GitApi;

extern GitApi git;  // usable once git_load said true

// Loads and starts libgit2 at the first use, for the rest of the process. False with [err] when it
// is missing. From any thread.
bool git_load(Error *err);
