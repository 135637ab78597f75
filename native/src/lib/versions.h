// versions.h: which libraries this binary runs with, for --version, doctor and bug reports.
#pragma once

#include "base/str.h"

Str lib_versions(Arena *arena);  // "libuv 1.44.2, libcurl 7.88.1, ..." on one line
