// openai.h: what OpenAI's two interfaces, Chat Completions and Responses, have in common.
#pragma once

#include "model/dialect.h"

// Begins a request to [path] below the base URL: address, key, and who pays.
void openai_address(Arena *arena, const char *path, const Target *target, const Key *key,
                    WireRequest *out);

// Whether the server takes marks for its prompt cache; then [part] may end what is kept there.
bool openai_marks_cache(const Target *target);
void openai_mark(Arena *arena, Value *part);
void openai_put_cache(Arena *arena, Value *body, const ModelRequest *request, const Target *target);

Str openai_models_url(Arena *arena, const Target *target);
