// nearest.h: the known name a mistyped one was probably meant to be, for warnings.
#pragma once

#include "base/str.h"

// The name with the fewest edits to [given] (letter case counts for nothing), empty when none is
// within a third of its length. Names longer than 64 bytes are not compared.
Str nearest_name(Str given, const Str *names, size_t count);
