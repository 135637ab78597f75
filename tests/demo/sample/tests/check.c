#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "cfg.h"
#include "clock.h"
#include "report.h"
#include "store.h"
#include "wire.h"

int main(void)
{
  char out[128];
  assert(cfg_load("title = roof\nunit = F\nkeep = 2\nport = 99\n") == 4);
  assert(strcmp(CFG_GET("title"), "roof") == 0);
  store_clear();
  store_add(1);
  store_add(10);
  store_add(20);
  assert(store_mean() == 15 && store_max() == 20);
  report_line(out, sizeof(out));
  assert(strcmp(out, "roof: mean 59.0 F, max 68.0 F") == 0);
  wire_answer("cfg_get title", out, sizeof(out));
  assert(strcmp(out, "roof") == 0);
  assert(wire_port() == 99 && clock_period() == 60);
  assert(strcmp(clock_zone(), "UTC") == 0);
  puts("ok: 8 checks");
  return 0;
}
