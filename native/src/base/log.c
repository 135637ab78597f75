// log.c: see log.h. One sink for the process: the only mutable global of the engine.
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINE_MAX_BYTES = 2048 };

static struct {
  LogSink *sink;
  LogLevel up_to;
  void *data;
} logger;

void log_to(LogSink *sink, LogLevel up_to, void *data)
{
  logger.sink = sink;
  logger.up_to = up_to;
  logger.data = data;
}

void log_line(LogLevel level, const char *format, ...)
{
  if (!logger.sink || level > logger.up_to) return;
  char line[LINE_MAX_BYTES];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof(line), format, args);
  va_end(args);
  logger.sink(level, str_from(line), logger.data);
}
