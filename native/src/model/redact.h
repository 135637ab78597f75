// redact.h: takes what looks like a secret out of text that people will read: provider messages, cassettes.
#pragma once

#include "base/buf.h"
#include "base/value.h"

typedef enum {
  REDACT_MESSAGE,  // a provider's words: everything shaped like a key, a request or an account id goes
  REDACT_CODE,     // a model's reply: only what is surely a key, so that code stays what it was
} RedactKind;

// Of [secrets] count those that nobody writes by chance: letters and digits, or long.

// Does the code [text] hold one of [secrets], or end, cut, within one?
bool redact_finds(Str text, const StrList *secrets);

// [text] with every one of [secrets], and what [kind] says, replaced by "[removed]"; at its end also the beginning of
// a secret, for texts are cut. The copy is in [arena]; [secrets] may be NULL.
Str redact(Arena *arena, Str text, const StrList *secrets, RedactKind kind);

// The same in place for every text and key of a tree.
void redact_value(Arena *arena, Value *value, const StrList *secrets, RedactKind kind);
