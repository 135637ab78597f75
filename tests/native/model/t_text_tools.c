// t_text_tools.c: JSON as models write it, and calls found in what they say.
#include "lib/json.h"
#include "model/loose_json.h"
#include "model/text_tools.h"
#include "tap.h"

TEST(loose_json)
{
  static const struct {
    const char *text, *want;  // NULL = none
  } rows[] = {
      {"{\"a\": 1}", "{\"a\":1}"},
      {"```json\n{\"a\": 1}\n```", "{\"a\":1}"},
      {"{\"a\": [1, 2,], /* why */ \"b\": 2, // more\n}", "{\"a\":[1,2],\"b\":2}"},
      {"{\"a\": \"one\ntwo\"}", "{\"a\":\"one\\ntwo\"}"},
      {"{\"a\": True, \"b\": None}", "{\"a\":true,\"b\":null}"},
      {"{\"a\": \"// True, ]\"}", "{\"a\":\"// True, ]\"}"},
      {"{\"a\": \"cut o", NULL},
      {"{\"a\": [1, 2", NULL},
      {"", NULL},
      {"no json", NULL},
  };
  Arena arena;
  arena_init(&arena);
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    const Value *value = json_parse_loose(&arena, str_from(rows[i].text));
    CHECK((value != NULL) == (rows[i].want != NULL));
    if (value && rows[i].want) CHECK_STR(json_str(&arena, value), str_from(rows[i].want));
  }
  arena_deinit(&arena);
}

TEST(spans)
{
  CHECK_INT(json_span(S("{\"a\": \"}\\\"\"} rest")), 12);
  CHECK_INT(json_span(S("[{}, {}]x")), 8);
  CHECK_INT(json_span(S("{\"a\": ")), 0);
  CHECK_INT(json_span(S("")), 0);
}

static ModelTool tool_of(Arena *arena, const char *name, const char *schema)
{
  Error err = {0};
  return (ModelTool){str_from(name), S("does"), json_parse(arena, str_from(schema), &err)};
}

TEST(calls_in_many_spellings)
{
  static const struct {
    const char *text, *calls;  // "name{json} name{json}"
  } rows[] = {
      {"```json\n{\"tool\": \"read\", \"input\": {\"path\": \"a\"}}\n```", "read{\"path\":\"a\"} "},
      {"<tool_call>{\"name\": \"read\", \"arguments\": {\"path\": \"a\"}}</tool_call>",
       "read{\"path\":\"a\"} "},
      {"{\"name\": \"read\", \"arguments\": \"{\\\"path\\\": \\\"a\\\"}\"}",
       "read{\"path\":\"a\"} "},
      {"{\"function\": {\"name\": \"read\", \"arguments\": {\"path\": \"b\"}}}",
       "read{\"path\":\"b\"} "},
      {"{\"tool\": \"read\", \"path\": \"c\"}", "read{\"path\":\"c\"} "},
      {"[{\"tool\": \"read\", \"input\": {\"path\": \"1\"}},\n {\"tool\": \"read\", \"input\": "
       "{\"path\": \"2\"}}]",
       "read{\"path\":\"1\"} read{\"path\":\"2\"} "},
      {"Here is the plan:\n```\n{\"title\": \"t\", \"tasks\": [{\"id\": \"T01\", \"body\": \"use "
       "``` "
       "and }\"},]}\n```",
       "submit_plan{\"title\":\"t\",\"tasks\":[{\"id\":\"T01\",\"body\":\"use ``` and }\"}]} "},
      {"I would write {\"tool\": \"read\", \"input\": {}} here", ""},
      {"{\"other\": 1}", ""},
      {"{\"tool\": \"rm\", \"input\": {}}", ""},
      {"```c\nint f(void) {\n  return 1;\n}\n```", ""},
      {"{\"tool\": \"read\", \"input\": {\"path\": ", ""},
  };
  Arena arena;
  arena_init(&arena);
  ModelTool tools[] = {
      tool_of(&arena, "read", "{\"properties\":{\"path\":{}},\"required\":[\"path\"]}"),
      tool_of(&arena, "submit_plan", "{\"properties\":{\"title\":{},\"tasks\":{}}}")};
  ModelRequest request = {.tools = tools, .tool_count = 2};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    ReplyBuilder reply;
    model_reply_begin(&reply, &arena, 0);
    reply.stop = STOP_DONE;
    buf_add(&reply.text, str_from(rows[i].text));
    text_tools_read(&reply, &request);
    Str got = STR_NONE;
    for (size_t k = 0; k < reply.calls.len; k++) {
      const ToolCall *call = &reply.calls.items[k];
      got = str_fmt(&arena, "%.*s%.*s%.*s ", STR_ARG(got), STR_ARG(call->name),
                    STR_ARG(json_str(&arena, call->input)));
    }
    CHECK_STR(got, str_from(rows[i].calls));
    CHECK_INT(reply.stop, reply.calls.len ? STOP_TOOL : STOP_DONE);
    model_reply_end(&reply);
  }
  arena_deinit(&arena);
}

TEST(a_conversation_in_words)
{
  Arena arena;
  arena_init(&arena);
  Error err = {0};
  ModelTool tool = tool_of(&arena, "read", "{\"properties\":{\"path\":{}}}");
  ToolCall call = {S("c1"), S("read"), json_parse(&arena, S("{\"path\":\"a\"}"), &err), STR_NONE};
  ModelMessage messages[] = {{.role = MSG_USER, .text = S("go")},
                             {.role = MSG_ASSISTANT, .calls = {&call, 1, 1}},
                             {.role = MSG_TOOL, .text = S("int x;"), .call_id = S("c1")},
                             {.role = MSG_USER, .text = S("on")}};
  ModelRequest request = {
      .system = S("You plan."), .messages = {messages, 4, 4}, .tools = &tool, .tool_count = 1};
  ModelRequest words = text_tools_request(&arena, &request);
  CHECK_INT(words.tool_count, 0);
  CHECK(str_starts(words.system, S("You plan.\n\n# Tools")));
  CHECK_INT(words.messages.len, 3);
  CHECK(str_has(words.messages.items[1].text,
                S("{\"tool\": \"read\", \"input\": {\"path\":\"a\"}}")));
  CHECK_STR(words.messages.items[2].text, S("Result of read:\nint x;\n\non"));
  arena_deinit(&arena);
}

TEST_MAIN
