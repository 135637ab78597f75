#include "report.h"

#include <stdio.h>
#include <string.h>

#include "cfg.h"
#include "store.h"

const char *report_unit(void)
{
  return strcmp(cfg_get("unit", "C"), "F") == 0 ? "F" : "C";
}

static double in_unit(double celsius)
{
  return strcmp(report_unit(), "F") == 0 ? celsius * 9 / 5 + 32 : celsius;
}

int report_line(char *out, int size)
{
  const char *title = cfg_get("title", "weather");
  return snprintf(out, (size_t)size, "%s: mean %.1f %s, max %.1f %s", title, in_unit(store_mean()),
                  report_unit(), in_unit(store_max()), report_unit());
}
