#include "store.h"

#include <stdlib.h>

#include "cfg.h"

#define ROOM 100

static double readings[ROOM];
static int used;

void store_clear(void)
{
  used = 0;
}

int store_add(double celsius)
{
  int keep = atoi(cfg_get("keep", "10"));
  if (keep > ROOM) keep = ROOM;
  if (used == keep) {
    for (int i = 1; i < used; i++) readings[i - 1] = readings[i];
    used--;
  }
  readings[used++] = celsius;
  return used;
}

double store_mean(void)
{
  double sum = 0;
  for (int i = 0; i < used; i++) sum += readings[i];
  return used ? sum / used : 0;
}

double store_max(void)
{
  double max = used ? readings[0] : 0;
  for (int i = 1; i < used; i++) {
    if (readings[i] > max) max = readings[i];
  }
  return max;
}
