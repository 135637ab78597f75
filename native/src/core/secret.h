// secret.h: what must never leave the machine, by name and by content. Pure.
//
// The rules are on the safe side and know no exceptions: a file that is wrongly held back is named
// with its reason, a key that was sent cannot be called back.
#pragma once

#include "base/str.h"

// Why [path] (relative, '/' between parts) looks like a secret by its name: "a .env file", "a
// private key" ... NULL when it does not.
const char *secret_by_name(Str path);

// The same for a text: a private key in it, or a token of a kind that services give out and mark as theirs. A
// placeholder ("ghp_xxxx...", "AKIA...EXAMPLE") is none. NULL when there is none.
const char *secret_in_text(Str text);
