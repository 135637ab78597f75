#ifndef WIRE_H
#define WIRE_H

int wire_answer(const char *request, char *out, int size);
int wire_port(void);

#endif
