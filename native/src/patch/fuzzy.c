// fuzzy.c: see locate.h. (written below)
#include "patch/locate.h"

void fuzzy_places(Locator *locator, const Sought *sought, MatchList *out)
{
  (void)locator, (void)sought, (void)out;
}

size_t locate_nearest(Locator *locator, size_t number)
{
  (void)locator, (void)number;
  return LINE_NONE;
}
