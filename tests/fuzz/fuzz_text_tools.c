// fuzz_text_tools.c: any text as what a model without tools says: calls are those of the tools, with maps.
#include <stdlib.h>

#include "lib/json.h"
#include "model/text_tools.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  Arena arena;
  arena_init(&arena);
  ModelTool tools[] = {
      {S("read"), S("reads"),
       json_parse(&arena, S("{\"properties\":{\"path\":{}},\"required\":[\"path\"]}"), NULL)},
      {S("submit_plan"), S("submits"),
       json_parse(&arena, S("{\"properties\":{\"title\":{},\"tasks\":{}}}"), NULL)}};
  ModelRequest request = {.tools = tools, .tool_count = 2};
  ReplyBuilder reply;
  model_reply_begin(&reply, &arena, 0);
  buf_add(&reply.text, (Str){(const char *)data, size});
  text_tools_read(&reply, &request);
  for (size_t i = 0; i < reply.calls.len; i++) {
    const ToolCall *call = &reply.calls.items[i];
    if (call->input->type != VALUE_MAP) abort();
    if (!str_eq(call->name, tools[0].name) && !str_eq(call->name, tools[1].name)) abort();
  }
  model_reply_end(&reply);
  arena_deinit(&arena);
  return 0;
}
