// embedded.c: see embedded.h.
#include "base/embedded.h"

bool embedded_find(const Embedded *table, Str name, Str *bytes)
{
  for (const Embedded *file = table; file->name.len; file++) {
    if (!str_eq(file->name, name)) continue;
    *bytes = file->bytes;
    return true;
  }
  return false;
}
