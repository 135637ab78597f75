#include "wire.h"

#include <stdio.h>
#include <string.h>

#include "cfg.h"

/* Clients in the field send the word "cfg_get": it is part of the protocol. */
int wire_answer(const char *request, char *out, int size)
{
  char verb[16], key[32];
  if (sscanf(request, "%15s %31s", verb, key) != 2) return snprintf(out, (size_t)size, "error");
  if (strcmp(verb, "cfg_get") != 0) return snprintf(out, (size_t)size, "unknown %s", verb);
  return snprintf(out, (size_t)size, "%s", cfg_get(key, "-"));
}

int wire_port(void)
{
  return cfg_number("port", 7070);
}
