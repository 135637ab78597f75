// What the models are sent: sizes, the shared prefix, ranges, the verifier's tool.
#include "tap.h"

#include "work/prompt.h"

static Arena arena;
static Plan plan;

static ShownList shown(const char *path, const char *text)
{
  ShownList list = {0};
  ShownFile file = {.path = str_from(path), .text = str_from(text), .exists = text != NULL};
  PUSH(&arena, &list, file);
  return list;
}

static bool parse(const char *text)
{
  PlanProblemList problems = {0};
  arena_reset(&arena);
  return plan_parse(&arena, str_from(text), &plan, &problems);
}

static Str last(const ModelRequest *request)
{
  return request->messages.items[request->messages.len - 1].text;
}

TEST(a_one_line_edit_costs_few_bytes)
{
  CHECK(parse("## T01 rename\nfiles: src/net.c:2\n\nCall it g.\n"));
  ShownList files = shown("src/net.c", "one\nf();\nthree\n"), none = {0};
  ModelRequest request;
  prompt_worker(&arena, &plan, &plan.tasks.items[0], &files, &none, &request);
  size_t code = strlen("f();\n"), said = strlen("Call it g.") + strlen("rename");
  size_t sent = request.system.len + request.shared.len + last(&request).len;
  printf("# %zu bytes beyond code and task\n", sent - code - said);
  CHECK(sent - code - said <= 1000);
  CHECK(str_has(last(&request), S("<change path=\"src/net.c\" lines=\"2-2\">\nf();\n</change>\n")));
  CHECK(!str_has(last(&request), S("three")));
  CHECK_STR(request.role, S("execute"));
}

// `each` and `edit` have no other title than the instruction itself.
TEST(an_instruction_is_said_once)
{
  ShownList files, none = {0};
  ModelRequest request;
  CHECK(parse("## T01 make it short: a.c\nfiles: a.c\n\nmake it short\n"));
  files = shown("a.c", "a\n");
  prompt_worker(&arena, &plan, &plan.tasks.items[0], &files, &none, &request);
  CHECK(str_ends(last(&request), S("</change>\n\nTask: make it short\n")));
  CHECK(parse("## T01 make it sh...\nfiles: a.c\n\nmake it short, and then\nshorter\n"));
  files = shown("a.c", "a\n");
  prompt_worker(&arena, &plan, &plan.tasks.items[0], &files, &none, &request);
  CHECK(str_ends(last(&request), S("\n\nTask: make it short, and then\nshorter\n")));
  CHECK(parse("## T01 net.c\nfiles: a.c\n\nmake it short\n"));
  files = shown("a.c", "a\n");
  prompt_worker(&arena, &plan, &plan.tasks.items[0], &files, &none, &request);
  CHECK(str_ends(last(&request), S("\n\nTask: net.c\nmake it short\n")));
}

TEST(the_prefix_is_the_same_for_all_tasks)
{
  CHECK(parse(
      "## T01 a\nfiles: a.c\nread: h.h:1-2, x.h\n\nA\n## T02 b\nfiles: b.c\nread: h.h:1-2\n\nB\n"));
  ShownList files = shown("a.c", "a\n"), read = shown("h.h", "1\n2\n3\n");
  ModelRequest one, two;
  prompt_worker(&arena, &plan, &plan.tasks.items[0], &files, &read, &one);
  prompt_worker(&arena, &plan, &plan.tasks.items[1], &files, &read, &two);
  CHECK_STR(one.system, two.system);
  CHECK_STR(one.shared, two.shared);
  CHECK_STR(one.shared, S("<read path=\"h.h\" lines=\"1-2\">\n1\n2\n</read>\n"));
  CHECK(str_has(last(&one), S("<read path=\"x.h\" new>")));
  CHECK(!str_has(last(&one), S("h.h")));
}

TEST(new_files_and_missing_newlines)
{
  CHECK(parse("## T01 a\nfiles: n.c new, a.c\naccept: compiles; short\n\nA <!-- hidden -->\n"));
  ShownList files = shown("a.c", "no newline"), none = {0};
  ModelRequest request;
  prompt_worker(&arena, &plan, &plan.tasks.items[0], &files, &none, &request);
  CHECK_STR(last(&request),
            S("<change path=\"n.c\" new>\n</change>\n<change path=\"a.c\">\nno newline\n</change>\n"
              "\nTask: a\nA\nMust hold afterwards:\n- compiles\n- short\n"));
  CHECK(request.max_output >= 4000 && request.max_output <= 32000);
}

TEST(feedback_is_another_turn)
{
  CHECK(parse("## T01 a\nfiles: a.c\n\nA\n"));
  ShownList files = shown("a.c", "x\n"), none = {0};
  ModelRequest request;
  prompt_worker(&arena, &plan, &plan.tasks.items[0], &files, &none, &request);
  prompt_feedback(&arena, &request, S("  "), S("block 1: not found"));
  CHECK_INT(request.messages.len, 3);
  CHECK_INT(request.messages.items[1].role, MSG_ASSISTANT);
  CHECK(request.messages.items[1].text.len > 0);
  CHECK(str_has(last(&request), S("block 1: not found")));
}

TEST(the_verifier_sees_titles_rules_diff_and_test)
{
  CHECK(
      parse("---\ntitle: t\nrequest: please\n---\n## T01 a\nfiles: a.c\naccept: r\n\nbody is not "
            "sent\n"));
  ModelRequest request;
  prompt_verifier(&arena, &plan, &plan.tasks, &(VerifierText){.diff = S("+x\n")}, &request);
  CHECK_INT(request.tool_count, 1);
  CHECK(request.tools[0].schema != NULL);
  CHECK_STR(
      last(&request),
      S("Plan: t\nAsked for: please\n\nTasks:\nT01 a\n  - r\n\nTest: none was run\n\nDiff:\n+x\n"));
}

TEST(the_preview_shows_all_of_it)
{
  CHECK(parse("## T01 a\nfiles: a.c\n\nA\n"));
  ShownList files = shown("a.c", "x\n"), none = {0};
  ModelRequest request;
  prompt_worker(&arena, &plan, &plan.tasks.items[0], &files, &none, &request);
  request.provider = S("p");
  request.model = S("m");
  Str text = prompt_preview(&arena, &request);
  CHECK(str_has(text, request.system));
  CHECK(str_has(text, last(&request)));
  CHECK(str_has(text, S("To p/m: about")));
}

TEST_MAIN
