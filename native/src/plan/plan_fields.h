// plan_fields.h: the field lines of a task, in one table. The parser, the writer and the planner's
// submission and completion read it, so that a key is known to all of them or to none. For
// plan/, submit.c and methods_plan.c.
#pragma once

#include "plan/plan.h"

typedef enum {
  FIELD_TEXT,      // Str
  FIELD_REFS,      // FileRefList; repeatable, or a list of indented "- " lines
  FIELD_REF,       // FileRef
  FIELD_IDS,       // StrList of task ids
  FIELD_RULES,     // StrList; repeatable, ';' between rules
  FIELD_EXECUTOR,  // Executor
  FIELD_FLAG,      // bool: yes, true, no, false
  FIELD_PLACE,     // "path" or "path:LINE" into to, to_line
} FieldKind;

typedef struct {
  Str name;
  FieldKind kind;
  size_t offset;  // into TaskSpec
} PlanField;

extern const PlanField plan_fields[];
extern const size_t plan_field_count;
const PlanField *plan_field(Str name);  // NULL when unknown

Str executor_name(Executor executor);
bool executor_from_name(Str name, Executor *out);

enum {
  PLAN_MAX_BYTES = 8 << 20,
  PLAN_MAX_TASKS = 5000,     // headings
  PLAN_MAX_TARGETS = 20000,  // tasks after `each:`
};

__attribute__((format(printf, 5, 6))) void plan_problem(Arena *arena, PlanProblemList *problems,
                                                        int line, bool warning, const char *format,
                                                        ...);

// "T01", "T01.3", "Step2": letters, digits, then maybe a letter and ".n". What a task heading
// starts with.
bool task_id_ok(Str id);

// Is [line] the heading of a task? Then its parts.
bool task_heading(Str line, Str *id, Str *rest);

// What a Markdown body is inside of, line by line: code fences hide headings and comments,
// comments hide headings. Zeroed at the start of a body.
typedef struct {
  char fence;  // '`' or '~' while inside a code fence
  size_t fence_len;
  bool comment;  // inside <!-- -->
  int opened;    // line where the fence or comment was opened
} MarkdownState;
void markdown_line(MarkdownState *state, Str line, int number);

// [body] without its HTML comments (those in code fences stay), trimmed.
Str body_without_comments(Arena *arena, Str body);
