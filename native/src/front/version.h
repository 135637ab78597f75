// version.h: what this binary calls itself, and the protocol it speaks with editors.
#pragma once

#define PIECEWORK_VERSION "0.1.0"
enum { PIECEWORK_PROTOCOL = 1 };
