// advise.c: rules over the words of a request and the size of its scope. They cost nothing, so
// they may only point out what is likely; the user goes on with one key. One screen, never twice
// for the same words.
//
//   a question, debugging, design            -> EXPLORE   one big model
//   rename X to Y, in words only             -> FREE      an LSP rename, or :s with the count
//   formatting                               -> FREE      the formatter
//   one short range or file                  -> SMALL     `edit`
//   else                                     -> FITS
#include "work/advise.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "journal/journal.h"
#include "lib/fs.h"
#include "lib/regex.h"
#include "work/estimate.h"

enum {
  SMALL_LINES = 60,
  COUNT_FILES = 2000,
  COUNT_BYTES = 16 << 20,
  WORD_BYTES = 80,
};

// ---- words --------------------------------------------------------------------------------------

// Matches at word borders, so that "show" is not "how".
static bool says(Str request, const char *pattern)
{
  Error err = {0};
  bool matched = false;
  Regex *regex =
      regex_new(str_from(pattern), (RegexOptions){.ignore_case = true, .utf8 = true}, &err);
  if (regex) regex_test(regex, request, &matched, &err);
  regex_free(regex);
  return matched;
}

typedef struct {
  const char *pattern;
  const char *why;
} Rule;

static const Rule explore_rules[] = {
    {"\\A\\W*(why|how come|what|where|who|which|when|is|are|does|do|did|should|could|would) "
     ".*\\?\\s*\\z",
     "it is a question"},
    {"\\A\\W*(why|explain|investigate|find out|figure out|understand|analy[sz]e)\\b",
     "it asks to find something out"},
    {"\\b(debug|root cause|segfault|race condition|deadlock|memory leak|flaky|heisenbug)\\b",
     "the cause has to be found first"},
    {"\\b(fix|solve|find) (the|a|this|that) (bug|crash|problem|issue|failure|error|regression)\\b",
     "the cause has to be found first"},
    {"\\b(architecture|architect|redesign|design a|design the|best way to|trade-?offs?)\\b",
     "a design has to be found first"},
    {"\\b(make it|speed up|optimi[sz]e) "
     ".*\\b(fast|faster|performance|quicker)\\b|\\boptimi[sz]e\\b",
     "each step depends on what the last one shows"},
};

static const char *explores(Str request)
{
  for (size_t i = 0; i < sizeof(explore_rules) / sizeof(explore_rules[0]); i++) {
    if (says(request, explore_rules[i].pattern)) return explore_rules[i].why;
  }
  return NULL;
}

static bool is_word(Str s)
{
  for (size_t i = 0; i < s.len; i++) {
    if (!isalnum((unsigned char)s.ptr[i]) && s.ptr[i] != '_') return false;
  }
  return s.len > 0 && s.len <= WORD_BYTES && !isdigit((unsigned char)s.ptr[0]);
}

static bool next_word(Str *rest, Str *word)
{
  Str text = str_trim(*rest);
  size_t end = str_find_char(text, ' ');
  *word = str_sub(text, 0, end);
  *rest = str_skip(text, end == STR_NOT_FOUND ? text.len : end);
  while (word->len && strchr("`'\"*.,;:()", word->ptr[0])) *word = str_skip(*word, 1);
  while (word->len && strchr("`'\"*.,;:()", word->ptr[word->len - 1])) word->len--;
  return text.len > 0;
}

static const Str kinds[] = {S("the"),    S("function"),    S("method"), S("variable"), S("class"),
                            S("type"),   S("macro"),       S("struct"), S("constant"), S("field"),
                            S("symbol"), S("identifier"),  S("all"),    S("every"),    S("calls"),
                            S("of"),     S("occurrences"), S("uses")};

static bool is_kind(Str word)
{
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    if (str_eq_nocase(word, kinds[i])) return true;
  }
  return false;
}

// "rename [the function] a to b" and nothing else but an "in ..." or "everywhere".
static bool plain_rename(Str request, Str *from, Str *to)
{
  Str rest = request, word;
  if (!next_word(&rest, &word)) return false;
  bool replace = str_eq_nocase(word, S("replace"));
  if (!replace && !str_eq_nocase(word, S("rename"))) return false;
  do {
    if (!next_word(&rest, from)) return false;
  } while (is_kind(*from));
  if (!next_word(&rest, &word)) return false;
  if (!str_eq_nocase(word, S("to")) && !str_eq_nocase(word, S("with")) &&
      !str_eq_nocase(word, S("into")))
    return false;
  if (!next_word(&rest, to) || !is_word(*from) || !is_word(*to)) return false;
  size_t end = (size_t)(to->ptr - request.ptr) + to->len;
  // At most a place may follow, as "everywhere" or "in src/net.c": a second clause is more work.
  return says(
      str_skip(request, end),
      "\\A[`'\"*)]*\\.?\\s*((everywhere|globally|in|across|throughout|within|under)\\b"
      "([^;,:.\\s]|\\.(?!\\s)|\\s(?!(and|but|except|keep|not|unless|only|without|also|then)\\b))*)?"
      "\\.?\\s*\\z");
}

// ---- formatting ---------------------------------------------------------------------------------

// Nothing but to be formatted: "format all of src with clang-format", not "format the dates as ISO".
static const char format_words[] =
    "\\b(re-?format|run the formatter|sort (the )?(imports|includes)|fix (the )?indentation)\\b|"
    "\\A\\W*(please )?(format|prettify|beautify|re-?indent|indent)"
    "( (all|the|this|these|our|my|whole|entire|every|of|in))*"
    "( (code|codebase|files?|sources?|source "
    "code|project|repo|repository|buffer|tree|[\\w./*-]*[./*][\\w./*-]*))+"
    "( (with|using|by) [\\w-]+)?\\s*[.!]?\\s*\\z|"
    "\\A\\W*(run|apply|use) "
    "(clang-format|prettier|black|ruff|gofmt|goimports|rustfmt|stylua|isort|shfmt)\\b";

typedef struct {
  const char *tool;    // as a request names it
  const char *marker;  // a file at the project's root that says it is used; NULL = none does
  const char *command;
} Formatter;

static const Formatter formatters[] = {
    {"clang-format", ".clang-format",
     "git ls-files '*.[ch]' '*.cc' '*.cpp' '*.hpp' | xargs clang-format -i"},
    {"prettier", ".prettierrc", "npx prettier --write ."},
    {"rustfmt", "Cargo.toml", "cargo fmt"},
    {"gofmt", "go.mod", "gofmt -w ."},
    {"goimports", NULL, "goimports -w ."},
    {"stylua", "stylua.toml", "stylua ."},
    {"stylua", ".stylua.toml", "stylua ."},
    {"ruff", "ruff.toml", "ruff format ."},
    {"black", NULL, "black ."},
    {"isort", NULL, "isort ."},
    {"shfmt", NULL, "shfmt -w ."},
};

// The one that is asked for, else the one the project has set up.
static const char *formatter(Arena *arena, Project *project, Str request)
{
  size_t count = sizeof(formatters) / sizeof(formatters[0]);
  for (size_t i = 0; i < count; i++) {
    if (str_has(request, str_from(formatters[i].tool))) return formatters[i].command;
  }
  for (size_t i = 0; i < count; i++) {
    if (!formatters[i].marker) continue;
    if (fs_exists(path_join(arena, project_root(project), str_from(formatters[i].marker))))
      return formatters[i].command;
  }
  return NULL;
}

static void format_advice(Arena *arena, Project *project, Str request, Buf *out, Advice *advice)
{
  const char *command = formatter(arena, project, request);
  advice->kind = ADVICE_FREE;
  advice->command = command ? str_from(command) : S("gq, or the project's formatter");
  buf_add(out, S("A formatter does this for nothing, and the same way each time.\n"));
  if (command) buf_fmt(out, "\n  %s\n", command);
}

// ---- counting -----------------------------------------------------------------------------------

typedef struct {
  size_t places, files;
  bool cut;  // there were more files than are looked at
} Count;

static void count_text(Regex *regex, Str text, Count *count)
{
  size_t before = count->places;
  for (Str rest = text, line; str_line(&rest, &line);) {
    Error err = {0};
    bool matched = false;
    if (regex_test(regex, line, &matched, &err)) count->places += matched;
  }
  count->files += count->places > before;
}

static void scope_paths(Project *project, Arena *arena, const FileRefList *scope, StrList *paths)
{
  Error err = {0};
  for (size_t i = 0; i < scope->len; i++) PUSH(arena, paths, scope->items[i].path);
  if (scope->len == 0) project_files(project, arena, STR_NONE, paths, &err);
}

static Count count_word(Project *project, const FileRefList *scope, Str word)
{
  Count count = {0};
  Arena arena, text_arena;
  arena_init(&arena);
  arena_init(&text_arena);
  Error err = {0};
  StrList paths = {0};
  size_t bytes = 0;
  scope_paths(project, &arena, scope, &paths);
  Regex *regex =
      regex_new(str_fmt(&arena, "\\b%.*s\\b", STR_ARG(word)), (RegexOptions){.utf8 = true}, &err);
  for (size_t i = 0; regex && i < paths.len; i++) {
    Str text;
    count.cut = i >= COUNT_FILES || bytes > COUNT_BYTES;
    if (count.cut) break;
    error_clear(&err);
    if (!project_read(project, &text_arena, paths.items[i], &text, &err)) continue;
    bytes += text.len;
    if (str_has(text, word)) count_text(regex, text, &count);
    arena_reset(&text_arena);
  }
  regex_free(regex);
  arena_deinit(&text_arena);
  arena_deinit(&arena);
  return count;
}

static size_t scope_lines(Project *project, const FileRefList *scope)
{
  Arena arena;
  arena_init(&arena);
  size_t lines = 0;
  for (size_t i = 0; i < scope->len; i++) {
    Error err = {0};
    Str text;
    const FileRef *ref = &scope->items[i];
    if (!range_is_whole(ref->range))
      lines += ref->range.last - ref->range.first + 1;
    else if (project_read(project, &arena, ref->path, &text, &err))
      lines += str_count_lines(text);
  }
  arena_deinit(&arena);
  return lines;
}

// ---- the screen ---------------------------------------------------------------------------------

static int percent_saved(const Estimate *e)
{
  return e->big_alone > 0 && e->total >= 0 ? (int)(100 - 100 * e->total / e->big_alone) : 0;
}

static void add_numbers(Arena *arena, Buf *out, const Estimate *e)
{
  buf_fmt(out,
          "\nEstimates (no model was asked):\n  delegated         %.*s = plan %.*s + execute %.*s "
          "+ verify %.*s\n",
          STR_ARG(money(arena, e->total)), STR_ARG(money(arena, e->plan.cost)),
          STR_ARG(money(arena, e->execute.cost)), STR_ARG(money(arena, e->verify.cost)));
  buf_fmt(out, "  big model alone   %.*s\n  small model alone %.*s\n",
          STR_ARG(money(arena, e->big_alone)), STR_ARG(money(arena, e->small_alone)));
  Str trust = estimate_trust(arena, e);
  if (trust.len) buf_fmt(out, "  (%.*s)\n", STR_ARG(str_skip(trust, 2)));
  if (e->unknown_price) {
    buf_add(out, S("  A price is unknown: set it under `prices`.\n"));
  } else if (e->total < e->big_alone) {
    buf_fmt(out,
            "  Delegating saves about %d %% here; it pays while plan and verify stay under %.*s.\n",
            percent_saved(e), STR_ARG(money(arena, e->big_alone - e->execute.cost)));
  } else {
    buf_add(out,
            S("  Delegating does not pay here: planning and checking cost more than the work.\n"
              "  `plan --solo` is one call to one big model.\n"));
  }
}

static void rename_advice(Arena *arena, Buf *out, Advice *advice, const Count *count, Str from,
                          Str to)
{
  advice->kind = ADVICE_FREE;
  advice->command = str_fmt(arena, ":cfdo %%s/\\<%.*s\\>/%.*s/ge", STR_ARG(from), STR_ARG(to));
  buf_fmt(out, "A rename of one word costs nothing: %s%zu line%s in %zu file%s %s %.*s.\n\n",
          count->cut ? "at least " : "", count->places, plural(count->places), count->files,
          plural(count->files), count->places == 1 ? "has" : "have", STR_ARG(from));
  buf_fmt(out,
          "  LSP      rename with the cursor on %.*s (knows scopes; leaves strings and comments)\n",
          STR_ARG(from));
  buf_fmt(out, "  Vim      :grep -w %.*s    then    %.*s\n", STR_ARG(from),
          STR_ARG(advice->command));
  buf_add(out, S("  or go on when there are exceptions to judge: say them in the request.\n"));
}

// A typing error, likely: a plan would cost money to find that out.
static void nothing_to_rename(Buf *out, Advice *advice, Str from)
{
  advice->kind = ADVICE_FREE;
  buf_fmt(out, "There is nothing to rename: no file here has the word %.*s.\n", STR_ARG(from));
}

static void choose(Engine *engine, Project *project, Arena *arena, Str request,
                   const FileRefList *scope, Buf *out, Advice *advice)
{
  Str from, to;
  const char *why = explores(request);
  size_t lines = scope_lines(project, scope);
  Estimate estimate = estimate_request(engine, project, arena, scope);
  if (plain_rename(request, &from, &to)) {
    Count count = count_word(project, scope, from);
    if (count.places || count.cut)
      rename_advice(arena, out, advice, &count, from, to);
    else
      nothing_to_rename(out, advice, from);
  } else if (says(request, format_words)) {
    format_advice(arena, project, request, out, advice);
  } else if (why) {
    advice->kind = ADVICE_EXPLORE;
    buf_fmt(
        out,
        "This looks like work for one big model: %s.\n"
        "Small tasks need the answer before they start. `plan --solo` gives it to one big model,\n"
        "through the same review; what follows from the answer can be delegated.\n",
        why);
  } else if (scope->len == 1 && lines <= SMALL_LINES) {
    advice->kind = ADVICE_SMALL;
    advice->command = S(":Piecework edit");
    buf_fmt(out,
            "One place of %zu line%s: a plan would cost more than the edit. `edit` asks the small "
            "model once.\n",
            lines, plural(lines));
  } else {
    buf_add(out, S("This suits delegation.\n"));
  }
  add_numbers(arena, out, &estimate);
}

Advice advise(Engine *engine, Project *project, Arena *arena, Str request, const FileRefList *scope)
{
  static const char *const endings[] = {
      [ADVICE_FITS] = "\nplan goes on.\n",
      [ADVICE_FREE] = "\nplan! (CLI: --yes) plans it all the same.\n",
      [ADVICE_SMALL] = "\nplan! (CLI: --yes) plans it all the same.\n",
      [ADVICE_EXPLORE] =
          "\nplan! (CLI: --yes) plans it all the same; the planner may still say no.\n",
  };
  Advice advice = {.kind = ADVICE_FITS};
  Error none = {0};
  Buf out;
  buf_init(&out, 8192);
  Str text = str_trim(request);
  choose(engine, project, arena, text, scope, &out, &advice);
  buf_add(&out, str_from(endings[advice.kind]));
  advice.text = buf_take(&out, arena);
  buf_deinit(&out);
  if (advice.kind == ADVICE_FITS) return advice;
  Str key = str_fmt(arena, "%d %.*s", (int)advice.kind, STR_ARG(text));
  advice.seen = journal_advice_seen(engine->journal, key);
  if (!advice.seen) journal_advice_mark(engine->journal, key, &none);
  return advice;
}
