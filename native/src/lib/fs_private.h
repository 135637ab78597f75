// fs_private.h: what fs.c and fs_write.c share.
#pragma once

#include "base/err.h"

// "cannot VERB PATH: why" from an errno; ERR_NOT_FOUND for ENOENT, else ERR_IO. Always false.
bool fs_fail(Error *err, const char *verb, const char *path, int cause);
