// text_tools.h: tools for servers that have none: described in the system text, called in fenced JSON.
//
// Which servers need it is QUIRK_NO_TOOLS, of a preset or learned from a 400. Nobody above try.c notices: a
// request goes in with tools, a reply comes out with calls.
#pragma once

#include "model/dialect.h"

// The same request in words: tools behind the system text, earlier calls and their results as messages.
// All new text is in [arena]; the rest is borrowed.
ModelRequest text_tools_request(Arena *arena, const ModelRequest *request);

// Takes the calls out of the reply's text, which stays whole, for it goes back as what the model said.
void text_tools_read(ReplyBuilder *reply, const ModelRequest *request);
