#include "cfg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
  char key[32];
  char value[64];
} entries[CFG_MAX];
static int count;

int cfg_load(const char *text)
{
  count = 0;
  while (*text && count < CFG_MAX) {
    if (sscanf(text, "%31[a-z_] = %63[^\n]", entries[count].key, entries[count].value) == 2) count++;
    text = strchr(text, '\n');
    if (!text) break;
    text++;
  }
  return count;
}

const char *cfg_get(const char *key, const char *fallback)
{
  for (int i = 0; i < count; i++) {
    if (strcmp(entries[i].key, key) == 0) return entries[i].value;
  }
  return fallback;
}

int cfg_number(const char *key, int fallback)
{
  const char *text = cfg_get(key, NULL);
  return text ? atoi(text) : fallback;
}
