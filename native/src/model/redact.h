// redact.h: takes what looks like a secret out of text that people will read: provider messages, cassettes.
#pragma once

#include "base/buf.h"

// [text] with every one of [secrets], and everything shaped like a key or an account id, replaced by
// "[removed]". The copy is in [arena].
Str redact(Arena *arena, Str text, const StrList *secrets);
