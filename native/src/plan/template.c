// template.c: see template.h. A template's fields are read by the parser of plan files, as the fields of one
// task, so that both know the same keys and complain in the same words.
#include "plan/template.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/embedded.h"
#include "core/nearest.h"
#include "lib/fs.h"
#include "plan/placeholder.h"
#include "plan/plan_fields.h"

enum { TEMPLATE_BYTES = 64 << 10, TEMPLATES_MAX = 200, NAME_BYTES = 40 };

const char *template_source_name(TemplateSource source)
{
  static const char *const names[] = {"user", "project", "built in"};
  return names[source];
}

static bool name_ok(Str name)
{
  if (!name.len || name.len > NAME_BYTES) return false;
  for (size_t i = 0; i < name.len; i++) {
    char c = name.ptr[i];
    if (!islower((unsigned char)c) && !isdigit((unsigned char)c) && c != '-' && c != '_')
      return false;
  }
  return true;
}

bool template_called(Str text, Str *name, Str *words)
{
  Str rest = str_trim(text);
  if (!str_starts(rest, S("@"))) return false;
  size_t end = 1;
  while (end < rest.len && !isspace((unsigned char)rest.ptr[end])) end++;
  *name = str_sub(rest, 1, end);
  *words = str_trim(str_skip(rest, end));
  return name_ok(*name);
}

// ---- reading ------------------------------------------------------------------------------------

typedef struct {
  Arena *arena;
  Template *out;
  Buf fields;  // the lines of the task
} Reader;

__attribute__((format(printf, 2, 3))) static void bad(Reader *r, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  if (!r->out->problem.len) r->out->problem = str_vfmt(r->arena, format, args);
  va_end(args);
}

static void read_uses(Reader *r, Str value)
{
  static const Str names[] = {S("each"), S("edit"), S("plan")};
  r->out->uses = 0;
  for (Str rest = value, piece; str_cut(&rest, ',', &piece);) {
    unsigned bit = 0;
    for (unsigned i = 0; i < 3; i++) bit |= str_eq(str_trim(piece), names[i]) ? 1u << i : 0;
    if (!bit) bad(r, "`for:` takes each, edit and plan, not `%.*s`", STR_ARG(str_trim(piece)));
    r->out->uses |= bit;
  }
}

// What a template may not say. A command runs only after trust wherever it comes from; still a project's
// template has no business with commands or with who is paid.
static bool forbidden(const Reader *r, Str key)
{
  static const Str of_tasks[] = {S("each"), S("after"), S("template")},
                   of_users[] = {S("check"), S("model"), S("create")};
  for (size_t i = 0; i < 3; i++) {
    if (str_eq(key, of_tasks[i])) return true;
    if (str_eq(key, of_users[i])) return r->out->source == TEMPLATE_PROJECT;
  }
  return false;
}

static void read_line(Reader *r, Str line)
{
  size_t colon = str_find_char(line, ':');
  Str key = str_trim(str_sub(line, 0, colon)), value = str_trim(str_skip(line, colon + 1));
  bool more = line.len && isspace((unsigned char)line.ptr[0]);  // goes on with the key above
  if (!str_trim(line).len || line.ptr[0] == '#') return;
  if (!more && colon == STR_NOT_FOUND) {
    bad(r, "`%.*s` is no `key: value` line", STR_ARG(str_sub(line, 0, NAME_BYTES)));
  } else if (!more && str_eq(key, S("title"))) {
    r->out->title = value;
  } else if (!more && str_eq(key, S("description"))) {
    r->out->description = value;
  } else if (!more && str_eq(key, S("plan"))) {
    r->out->plan_hint = value;
  } else if (!more && str_eq(key, S("for"))) {
    read_uses(r, value);
  } else if (!more && forbidden(r, key)) {
    bad(r, "a %s template may not set `%.*s`", template_source_name(r->out->source), STR_ARG(key));
  } else if (!more && !plan_field(key)) {
    bad(r, "`%.*s` is no field of a task", STR_ARG(key));
  } else {
    buf_fmt(&r->fields, "%.*s\n", STR_ARG(line));
  }
}

// The task as the plan parser reads it.
static void read_task(Reader *r, Str body)
{
  Plan plan;
  PlanProblemList problems = {0};
  Str text = str_fmt(r->arena, "---\n---\n## T01 %.*s\n%.*s\n%.*s\n", STR_ARG(r->out->title),
                     STR_ARG(buf_str(&r->fields)), STR_ARG(body));
  plan_parse(r->arena, text, &plan, &problems);
  for (size_t i = 0; i < problems.len; i++) bad(r, "%.*s", STR_ARG(problems.items[i].text));
  if (plan.tasks.len == 1)
    r->out->task = plan.tasks.items[0];
  else
    bad(r, "a template is one task; its body has a heading like `## T02`");
  if (!r->out->task.body.len && r->out->task.executor == EXECUTOR_MODEL)
    bad(r, "its body is empty");
}

static void read_template(Arena *arena, Str text, Template *out)
{
  Reader r = {.arena = arena, .out = out};
  Str rest = text, line = STR_NONE;
  bool closed = false;
  buf_init(&r.fields, TEMPLATE_BYTES * 2);
  out->text = text;
  out->uses = TEMPLATE_FOR_EACH | TEMPLATE_FOR_EDIT | TEMPLATE_FOR_PLAN;
  if (!str_is_utf8(text)) bad(&r, "it is not UTF-8 text");
  str_line(&rest, &line);
  if (!str_eq(str_trim_end(line), S("---"))) bad(&r, "its first line is not three dashes");
  while (!closed && str_line(&rest, &line)) {
    closed = str_eq(str_trim_end(line), S("---"));
    if (!closed) read_line(&r, str_trim_end(line));
  }
  if (!closed) bad(&r, "its front matter never ends: a line of three dashes is missing");
  if (!out->title.len) out->title = out->name;
  if (!out->problem.len) read_task(&r, rest);
  buf_deinit(&r.fields);
}

// ---- where they are -----------------------------------------------------------------------------

static Str builtin_name(const Embedded *file)
{
  Str prefix = S("templates/");
  bool mine = str_starts(file->name, prefix) && str_ends(file->name, S(".md"));
  return mine ? str_sub(file->name, prefix.len, file->name.len - 3) : STR_NONE;
}

static Str template_dir(Project *project, Arena *arena, TemplateSource source)
{
  if (source == TEMPLATE_PROJECT)
    return str_from(project_absolute(project, arena, S(".piecework/templates")));
  char *config = fs_config_dir(arena);
  return config ? str_from(path_join(arena, str_from(config), S("templates"))) : STR_NONE;
}

// A project's file goes through the project's rules (inside the root, links resolved), the user's is read.
static bool read_file(Project *project, Arena *arena, TemplateSource source, Str name,
                      Template *out)
{
  Error err = {0};
  Str text = STR_NONE, file = str_cat(arena, name, S(".md"));
  Str relative = str_cat(arena, S(".piecework/templates/"), file);
  char *path = path_join(arena, template_dir(project, arena, source), file);
  *out = (Template){.name = name, .source = source, .path = str_from(path)};
  if (!fs_exists(path)) return false;
  bool ok = source == TEMPLATE_PROJECT ? project_read_local(project, arena, relative, &text, &err)
                                       : fs_read(arena, path, TEMPLATE_BYTES, &text, &err);
  if (ok && text.len > TEMPLATE_BYTES)
    ok = error_set(&err, ERR_TOO_BIG, "it is longer than 64 KiB");
  if (ok) {
    read_template(arena, text, out);
    return true;
  }
  Str why = str_from(err.message), said = str_cat(arena, relative, S(": "));  // the path is known
  out->problem = str_dup(arena, str_skip(why, str_starts(why, said) ? said.len : 0));
  return true;
}

static bool read_builtin(Arena *arena, Str name, Template *out)
{
  Str text;
  *out = (Template){.name = name, .source = TEMPLATE_BUILTIN};
  Str file = str_fmt(arena, "templates/%.*s.md", STR_ARG(name));
  if (!embedded_find(gen_plan, file, &text)) return false;
  read_template(arena, text, out);
  return true;
}

static bool look_up(Project *project, Arena *arena, Str name, Template *out)
{
  return read_file(project, arena, TEMPLATE_USER, name, out) ||
         read_file(project, arena, TEMPLATE_PROJECT, name, out) || read_builtin(arena, name, out);
}

static void add_name(Arena *arena, StrList *names, Str name)
{
  for (size_t i = 0; i < names->len; i++) {
    if (str_eq(names->items[i], name)) return;
  }
  if (name_ok(name) && names->len < TEMPLATES_MAX) PUSH(arena, names, str_dup(arena, name));
}

static int by_name(const void *a, const void *b)
{
  return str_cmp(*(const Str *)a, *(const Str *)b);
}

static void find_names(Project *project, Arena *arena, StrList *names)
{
  for (const Embedded *file = gen_plan; file->name.len; file++)
    add_name(arena, names, builtin_name(file));
  for (TemplateSource source = TEMPLATE_USER; source <= TEMPLATE_PROJECT; source++) {
    StrList files = {0};
    Error none = {0};
    Str dir = template_dir(project, arena, source);
    if (!dir.len || !fs_exists(str_z(arena, dir)) ||
        !fs_list(arena, str_z(arena, dir), &files, &none))
      continue;
    for (size_t i = 0; i < files.len; i++) {
      if (str_ends(files.items[i], S(".md")))
        add_name(arena, names, str_sub(files.items[i], 0, files.items[i].len - 3));
    }
  }
  if (names->len) qsort(names->items, names->len, sizeof(Str), by_name);
}

void template_list(Project *project, Arena *arena, TemplateList *out)
{
  StrList names = {0};
  *out = (TemplateList){0};
  find_names(project, arena, &names);
  for (size_t i = 0; i < names.len; i++) {
    Template one;
    if (look_up(project, arena, names.items[i], &one)) PUSH(arena, out, one);
  }
}

bool template_find(Project *project, Arena *arena, Str name, Template *out, Error *err)
{
  if (!name_ok(name) || !look_up(project, arena, name, out)) {
    StrList names = {0};
    find_names(project, arena, &names);
    Str near = nearest_name(name, names.items, names.len);
    error_set(err, ERR_NOT_FOUND, "there is no template @%.*s",
              STR_ARG(str_sub(name, 0, NAME_BYTES)));
    if (near.len) return error_hint_set(err, "did you mean @%.*s?", STR_ARG(near));
    return error_hint_set(err, "`piecework templates` lists them");
  }
  if (!out->problem.len) return true;
  error_set(err, ERR_INVALID, "template @%.*s: %.*s", STR_ARG(name), STR_ARG(out->problem));
  return error_hint_set(err, "correct %.*s", STR_ARG(out->path));
}

// ---- use ----------------------------------------------------------------------------------------

static bool called(Project *project, Arena *arena, Str call, unsigned use, Template *out,
                   Placeholders *known, Error *err)
{
  Str name = STR_NONE, words = STR_NONE;
  bool shaped = template_called(call, &name, &words);
  if (!shaped) return error_set(err, ERR_USAGE, "`%.*s` is no template's name", STR_ARG(name));
  if (!template_find(project, arena, name, out, err)) return false;
  placeholders_of_words(arena, words, known);
  if (out->uses & use) return true;
  error_set(err, ERR_USAGE, "template @%.*s is not for %s", STR_ARG(name),
            use == TEMPLATE_FOR_PLAN ? "plan" : "edit and each");
  return error_hint_set(err,
                        use == TEMPLATE_FOR_PLAN ? "use it with edit or each" : "use it with plan");
}

static void fill_refs(Arena *arena, FileRefList *refs, const Placeholders *known)
{
  for (size_t i = 0; i < refs->len; i++)
    refs->items[i].path = placeholders_fill(arena, refs->items[i].path, known);
}

static void fill_text(Arena *arena, Str *text, const Placeholders *known)
{
  if (text->ptr) *text = placeholders_fill(arena, *text, known);
}

// What a template needs has to be said: `@migrate old new`.
static bool given(const Template *template, Str text, const Placeholders *known, Error *err)
{
  Str missing = placeholders_missing(text, known);
  if (!missing.len) return true;
  error_set(err, ERR_USAGE, "@%.*s wants more words: {{%.*s}} is missing", STR_ARG(template->name),
            STR_ARG(missing));
  return error_hint_set(err, "%.*s", STR_ARG(template->description));
}

bool template_task(Project *project, Arena *arena, Str call, TaskSpec *out, Error *err)
{
  Template found;
  Placeholders known;
  unsigned uses = TEMPLATE_FOR_EACH | TEMPLATE_FOR_EDIT;
  if (!called(project, arena, call, uses, &found, &known, err)) return false;
  *out = found.task;
  Str *texts[] = {&out->title, &out->body, &out->pattern, &out->replace, &out->except, &out->check};
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    if (!given(&found, *texts[i], &known, err)) return false;
    fill_text(arena, texts[i], &known);
  }
  for (size_t i = 0; i < out->accept.len; i++) fill_text(arena, &out->accept.items[i], &known);
  fill_refs(arena, &out->files, &known);
  fill_refs(arena, &out->read, &known);
  return true;
}

// What the task says itself wins: a field that was dropped in silence could make a free task one that costs.
static void keep_own(TaskSpec *made, const TaskSpec *own)
{
  if (own->title.len) made->title = own->title;
  if (own->model.len) made->model = own->model;
  if (own->check.len) made->check = own->check;
  if (own->executor != EXECUTOR_MODEL) made->executor = own->executor;
  if (own->pattern.len) made->pattern = own->pattern;
  if (own->replace.ptr) made->replace = own->replace, made->replace_line = own->replace_line;
  if (own->except.len) made->except = own->except;
  if (own->from.path.len) made->from = own->from;
  if (own->to.len) made->to = own->to, made->to_line = own->to_line;
  made->word |= own->word;
  made->ignore_case |= own->ignore_case;
  made->create |= own->create;
}

bool template_fill(Project *project, Arena *arena, TaskSpec *task, Error *err)
{
  TaskSpec made, own = *task;
  Str call = str_starts(own.template, S("@")) ? own.template : str_cat(arena, S("@"), own.template);
  if (!own.template.len) return true;
  if (!template_task(project, arena, call, &made, err)) return false;
  made.id = own.id, made.line = own.line, made.pilot = own.pilot;
  made.after = own.after, made.after_line = own.after_line;
  made.each = own.each, made.select = own.select, made.select_line = own.select_line;
  bool targets = own.each.len || own.select.len;
  if (!targets) made.each = own.files;
  if (targets && own.files.len) made.files = own.files;
  keep_own(&made, &own);
  if (own.body.len) made.body = str_cat(arena, str_cat(arena, made.body, S("\n\n")), own.body);
  for (size_t i = 0; i < own.read.len; i++) PUSH(arena, &made.read, own.read.items[i]);
  for (size_t i = 0; i < own.accept.len; i++) PUSH(arena, &made.accept, own.accept.items[i]);
  made.unknown = own.unknown;
  *task = made;
  return true;
}

bool template_request(Project *project, Arena *arena, Str call, Str *out, Error *err)
{
  Template found;
  Placeholders known;
  Str name, words;
  if (!called(project, arena, call, TEMPLATE_FOR_PLAN, &found, &known, err)) return false;
  template_called(call, &name, &words);
  Buf text;
  buf_init(&text, TEMPLATE_BYTES * 4);
  Str title = placeholders_fill(arena, found.title, &known);
  buf_fmt(&text, "%.*s\n", STR_ARG(words.len ? words : title));
  buf_fmt(
      &text,
      "\nThe pattern to follow (%.*s; {{...}} of targets are filled in per target of `each`):\n",
      STR_ARG(title));
  if (found.plan_hint.len)
    buf_fmt(&text, "%.*s\n", STR_ARG(placeholders_fill(arena, found.plan_hint, &known)));
  for (size_t i = 0; i < found.task.accept.len; i++)
    buf_fmt(&text, "accept: %.*s\n",
            STR_ARG(placeholders_fill(arena, found.task.accept.items[i], &known)));
  buf_fmt(&text, "%.*s\n", STR_ARG(placeholders_fill(arena, found.task.body, &known)));
  *out = buf_take(&text, arena);
  buf_deinit(&text);
  return true;
}
