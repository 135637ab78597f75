#ifndef REPORT_H
#define REPORT_H

int report_line(char *out, int size);
const char *report_unit(void);

#endif
