#ifndef CFG_H
#define CFG_H

#define CFG_MAX 32
#define CFG_GET(key) cfg_get((key), "")

int cfg_load(const char *text);
const char *cfg_get(const char *key, const char *fallback);
int cfg_number(const char *key, int fallback);

#endif
