#include "clock.h"

#include "cfg.h"

int clock_period(void)
{
  int seconds = cfg_number("period", 60);
  return seconds < 1 ? 1 : seconds;
}

const char *clock_zone(void)
{
  return cfg_get("zone", "UTC");
}
