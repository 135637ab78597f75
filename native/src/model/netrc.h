// netrc.h: a key from the user's netrc file ($NETRC, else ~/.netrc), where other tools keep theirs.
#pragma once

#include "base/str.h"

// The password of `machine HOST`, HOST being that of [base_url]; empty when there is none. `default` does not
// count: a key goes to the host it was written down for. [text] is the file's content.
Str netrc_password(Str text, Str host);
Str netrc_host(Str base_url);  // without scheme, user, port and path

// The same from the file, in [arena]; the caller wipes it. [*path] is the file that was read.
Str netrc_key(Arena *arena, Str base_url, Str *path);
