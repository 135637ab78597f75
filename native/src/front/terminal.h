// terminal.h: the person at the other end, if there is one.
#pragma once

#include "base/err.h"

bool terminal_in(void);           // stdin and stderr are a terminal: questions can be asked
bool terminal_out(void);          // stdout is
bool terminal_err(void);          // stderr is
bool terminal_reader_left(void);  // stdout is a pipe that nobody reads any more
size_t terminal_width(void);      // columns of stderr, 80 when unknown

// [y/N] on stderr; only "y" or "yes" is a yes. False without a terminal.
bool terminal_ask(const char *question);

// The user's editor on [path], in the foreground, chosen as git does. ERR_FAILED when it could not run or
// ended with a failure.
bool terminal_edit(const char *path, Error *err);
