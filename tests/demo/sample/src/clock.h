#ifndef CLOCK_H
#define CLOCK_H

int clock_period(void);
const char *clock_zone(void);

#endif
