// transcript.h: a conversation with a model as JSON, for the journal. The prompt of an attempt
// holds the whole conversation so far and its reply what came back, so that a planner that was
// killed goes on from the last attempt without asking (or paying) again.
#pragma once

#include "model/model.h"

Value *transcript_messages(Arena *arena, const MessageList *messages);  // a list, borrows the texts

// Messages and max_output of a stored prompt; false (ERR_JOURNAL) when it is none.
bool transcript_read(Arena *arena, Str text, MessageList *out, int64_t *max_output, Error *err);

Str reply_write(Arena *arena, const ModelReply *reply);
// What reply_write kept: text, calls, raw, stop.
bool reply_read(Arena *arena, Str text, ModelReply *out, Error *err);

// The reply as the next message of the conversation.
ModelMessage reply_message(Arena *arena, Str text, const ToolCallList *calls, const Value *raw);
