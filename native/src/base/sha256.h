// sha256.h: SHA-256 (FIPS 180-4), the identity of texts and prompts.
//
// Our own, because none of the libraries piecework links offers it: SQLite and libgit2 have no
// public SHA-256, libcurl hides whichever TLS library it was built with, and a crypto library is a
// large thing to link for one function. Tested with the standard's vectors. Not for secrets.
#pragma once

#include "base/str.h"

enum { SHA256_BYTES = 32 };

void sha256(Str bytes, unsigned char out[SHA256_BYTES]);
