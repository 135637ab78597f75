#include <stdio.h>
#include <stdlib.h>

#include "cfg.h"
#include "report.h"
#include "store.h"

int main(int argc, char **argv)
{
  char line[128];
  cfg_load("title = weather\nkeep = 5\n");
  for (int i = 1; i < argc; i++) store_add(atof(argv[i]));
  if (cfg_get("quiet", NULL)) return 0;
  report_line(line, sizeof(line));
  puts(line);
  return 0;
}
