#ifndef STORE_H
#define STORE_H

void store_clear(void);
int store_add(double celsius);
double store_mean(void);
double store_max(void);

#endif
