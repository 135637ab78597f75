// ctags.c: see ctags.h. The protocol of `ctags --_interactive`: a line of JSON and the text for each file in, a line
// of JSON for each definition and one `completed` for each file out.
#include "plan/ctags.h"

#include <stdlib.h>
#include <string.h>

#include "lib/fs.h"
#include "lib/json.h"

enum {
  FIND_MS = 2000,
  RUN_MS = 5000,
  OUTPUT_BYTES = 16 << 20,
  FILE_ITEMS = 5000,
  ITEM_BYTES = 100,
};

// ---- which one ----------------------------------------------------------------------------------

typedef struct {
  bool ran, json, interactive, sandbox;
} Features;

static void take_features(void *owner, const ProcessResult *result)
{
  Features *features = owner;
  features->ran = result->status == 0;
  for (Str rest = result->out, line; str_line(&rest, &line);) {
    Str name = str_sub(line, 0, str_find_char(line, ' '));
    features->json |= str_eq(name, S("json"));
    features->interactive |= str_eq(name, S("interactive"));
    features->sandbox |= str_eq(name, S("sandbox"));
  }
}

// The first of these that can be used: `ctags` is another program on some systems.
static CtagsState find(const char **program)
{
  static const char *const names[] = {"ctags", "universal-ctags", "uctags"};
  CtagsState best = CTAGS_MISSING;
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && best < CTAGS_PLAIN; i++) {
    const char *argv[] = {names[i], "--options=NONE", "--list-features", NULL};
    Features features = {0};
    ProcessSpec spec = {.argv = argv,
                        .cwd = "/",
                        .split = true,
                        .timeout_ms = FIND_MS,
                        .on_done = take_features,
                        .owner = &features};
    if (!process_run(spec, NULL)) continue;
    bool usable = features.ran && features.json && features.interactive;
    best = !usable ? CTAGS_OTHER : features.sandbox ? CTAGS_SANDBOX : CTAGS_PLAIN;
    *program = names[i];
  }
  return best;
}

CtagsState ctags_state(const char **program)
{
  static struct {
    char path[4096];  // PATH it was looked for in
    bool known;
    CtagsState state;
    const char *program;
  } found;
  const char *path = getenv("PATH");
  if (!path) path = "";
  bool fits = strlen(path) < sizeof(found.path);
  if (!found.known || !fits || strcmp(found.path, path) != 0) {
    found.known = true;
    if (fits) memcpy(found.path, path, strlen(path) + 1);
    found.program = "";
    found.state = find(&found.program);
  }
  if (program) *program = found.program;
  return found.state;
}

// ---- what it says -------------------------------------------------------------------------------

typedef struct {
  Str kind, language;  // empty language = any
  OutlineKind is;
} KindRow;

static OutlineKind kind_of(Str kind, Str language)
{
  static const KindRow rows[] = {
      {S("function"), S(""), OUTLINE_FUNCTION},
      {S("method"), S(""), OUTLINE_FUNCTION},
      {S("member"), S("Python"), OUTLINE_FUNCTION},
      {S("func"), S(""), OUTLINE_FUNCTION},
      {S("singletonMethod"), S(""), OUTLINE_FUNCTION},
      {S("constructor"), S(""), OUTLINE_FUNCTION},
      {S("generator"), S(""), OUTLINE_FUNCTION},
      {S("getter"), S(""), OUTLINE_FUNCTION},
      {S("setter"), S(""), OUTLINE_FUNCTION},
      {S("subroutine"), S(""), OUTLINE_FUNCTION},
      {S("procedure"), S(""), OUTLINE_FUNCTION},
      {S("class"), S(""), OUTLINE_CLASS},
      {S("struct"), S(""), OUTLINE_CLASS},
      {S("interface"), S(""), OUTLINE_CLASS},
      {S("trait"), S(""), OUTLINE_CLASS},
      {S("implementation"), S(""), OUTLINE_CLASS},
      {S("enum"), S(""), OUTLINE_CLASS},
      {S("union"), S(""), OUTLINE_CLASS},
      {S("object"), S(""), OUTLINE_CLASS},
      {S("protocol"), S(""), OUTLINE_CLASS},
      {S("namespace"), S(""), OUTLINE_CLASS},
      {S("module"), S(""), OUTLINE_CLASS},
      {S("record"), S(""), OUTLINE_CLASS},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    bool here = !rows[i].language.len || str_eq(rows[i].language, language);
    if (here && str_eq(rows[i].kind, kind)) return rows[i].is;
  }
  return OUTLINE_OTHER;
}

// Fields and variables of one line are no outline; things without a name are found by their own line.
static bool wanted(const OutlineItem *item, Str kind, Str name)
{
  bool field = str_eq(kind, S("member")) || str_eq(kind, S("variable")) || str_eq(kind, S("field"));
  bool one_line = item->last == item->first;
  return !(field && one_line && item->kind == OUTLINE_OTHER) && !str_starts(name, S("__anon"));
}

static void take_tag(Arena *arena, const Value *tag, size_t lines, OutlineList *out)
{
  Str kind = value_get_str(tag, S("kind"), STR_NONE),
      name = value_get_str(tag, S("name"), STR_NONE);
  int64_t first = value_get_int(tag, S("line"), 0), last = value_get_int(tag, S("end"), 0);
  if (first < 1 || last < first || (uint64_t)last > lines || out->len >= FILE_ITEMS) return;
  Str text = str_fmt(arena, "%.*s %.*s", STR_ARG(kind), STR_ARG(name));
  OutlineItem item = {.first = (size_t)first,
                      .last = (size_t)last,
                      .text = str_sub(text, 0, str_utf8_floor(text, ITEM_BYTES)),
                      .kind = kind_of(kind, value_get_str(tag, S("language"), STR_NONE))};
  if (wanted(&item, kind, name)) PUSH(arena, out, item);
}

static int by_line(const void *a, const void *b)
{
  const OutlineItem *one = a, *two = b;
  if (one->first != two->first) return one->first < two->first ? -1 : 1;
  return one->last > two->last ? -1 : one->last < two->last;
}

// A tag may come more than once.
static void in_order(OutlineList *items)
{
  size_t kept = 0;
  if (items->len) qsort(items->items, items->len, sizeof(OutlineItem), by_line);
  for (size_t i = 0; i < items->len; i++) {
    const OutlineItem *last = kept ? &items->items[kept - 1] : NULL;
    bool again = last && by_line(last, &items->items[i]) == 0 && last->kind == items->items[i].kind;
    if (!again) items->items[kept++] = items->items[i];
  }
  items->len = kept;
}

bool ctags_read(Arena *arena, const ProcessResult *result, CtagsText *texts, size_t count)
{
  size_t at = 0;
  bool ok = result->status == 0 && !result->output_cut;
  size_t lines = count ? str_count_lines(texts[0].text) : 0;
  for (Str rest = result->out, line; ok && at < count && str_line(&rest, &line);) {
    Error none = {0};
    const Value *value = json_parse(arena, line, &none);
    Str type = value_get_str(value, S("_type"), STR_NONE);
    if (str_eq(type, S("tag"))) take_tag(arena, value, lines, &texts[at].items);
    if (!str_eq(type, S("completed"))) continue;
    in_order(&texts[at].items);
    if (++at < count) lines = str_count_lines(texts[at].text);
  }
  for (size_t i = 0; i < count && at < count; i++) texts[i].items.len = 0;
  return at == count;
}

// ---- asking -------------------------------------------------------------------------------------

static Str request(Arena *arena, const CtagsText *texts, size_t count)
{
  Buf out;
  buf_init(&out, SIZE_MAX / 2);
  for (size_t i = 0; i < count; i++) {
    Value *map = value_map(arena);
    value_put_str(arena, map, S("command"), S("generate-tags"));
    value_put_str(arena, map, S("filename"), path_base(texts[i].path));
    value_put_int(arena, map, S("size"), (int64_t)texts[i].text.len);
    json_write(&out, map);
    buf_add_char(&out, '\n');
    buf_add(&out, texts[i].text);
  }
  return buf_take(&out, arena);
}

static bool fill_spec(Arena *arena, const CtagsText *texts, size_t count, ProcessSpec *spec)
{
  const char *program;
  CtagsState state = ctags_state(&program);
  if (state < CTAGS_PLAIN || !count) return false;
  const char *mode = state == CTAGS_SANDBOX ? "--_interactive=sandbox" : "--_interactive";
  const char *words[] = {
      program, "--options=NONE", "--quiet=yes", "--sort=no", "--fields=NneKl", mode, NULL};
  const char **argv = NEW_N(arena, const char *, sizeof(words) / sizeof(words[0]));
  memcpy(argv, words, sizeof(words));
  *spec = (ProcessSpec){.argv = argv,
                        .cwd = "/",  // a PATH with "." in it must not mean the project
                        .env_drop = secret_env_names(arena),
                        .input = request(arena, texts, count),
                        .max_output = OUTPUT_BYTES,
                        .split = true,
                        .timeout_ms = RUN_MS};
  return true;
}

Process *ctags_start(Loop *loop, Arena *arena, const CtagsText *texts, size_t count,
                     void (*on_done)(void *owner, const ProcessResult *result), void *owner)
{
  ProcessSpec spec;
  Error none = {0};
  if (!fill_spec(arena, texts, count, &spec)) return NULL;
  spec.on_done = on_done;
  spec.owner = owner;
  return process_start(loop, spec, &none);
}

typedef struct {
  Arena *arena;
  CtagsText *texts;
  size_t count;
  bool ok;
} Asked;

static void answered(void *owner, const ProcessResult *result)
{
  Asked *asked = owner;
  asked->ok = ctags_read(asked->arena, result, asked->texts, asked->count);
}

bool ctags_outlines(Arena *arena, CtagsText *texts, size_t count)
{
  ProcessSpec spec;
  Asked asked = {arena, texts, count, false};
  if (!fill_spec(arena, texts, count, &spec)) return false;
  spec.on_done = answered;
  spec.owner = &asked;
  return process_run(spec, NULL) && asked.ok;
}
