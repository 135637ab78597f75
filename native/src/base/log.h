// log.h: diagnostic lines. Where they go is decided by main (a file or stderr); nothing is written until
// then. Never log a key, a header, a prompt or a reply: the journal holds what was paid for.
#pragma once

#include "base/str.h"

typedef enum { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG } LogLevel;
typedef void LogSink(LogLevel level, Str line, void *data);

void log_to(LogSink *sink, LogLevel up_to, void *data);  // process-wide, set once at start
void log_line(LogLevel level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
