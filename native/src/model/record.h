// record.h: what recording and replaying share; private to cassette.c and record.c.
#pragma once

#include "model/cassette.h"

enum { REQUEST_HASH_SIZE = 17 };
void request_hash(const ModelRequest *request, char hash[REQUEST_HASH_SIZE]);  // FNV-1a, hex

const char *stop_name(StopReason stop);
