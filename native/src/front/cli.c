// cli.c: the table of subcommands, and what they share. See cli.h.
#include "front/cli.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "front/terminal.h"
#include "front/version.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/versions.h"
#include "plan/selector.h"
#include "work/plan_store.h"
#include "work/planner.h"

#define O(id) OPTION_BIT(id)
#define COMMON (O(JSON) | O(ROOT))
enum { ANY = 100000 };

// name, arguments, help, run, raw, options, least and most words, needs the engine
const CliCommand cli_commands[] = {
    {"serve", "", "the co-process of an editor, on stdin and stdout", cli_serve, NULL, O(WIRE), 0,
     0, false},
    {"plan", "\"request\" | @TEMPLATE [WORDS...]",
     "advise, estimate and plan; prints the plan file's path", cli_plan, NULL,
     COMMON | O(SCOPE) | O(BUDGET) | O(YES) | O(RECORD) | O(SOLO) | O(MODEL) | O(CHEAP_FIRST), 1,
     ANY, true},
    {"run", "PLAN", "execute and verify", cli_run, NULL,
     COMMON | O(ONLY) | O(YES) | O(NO_VERIFY) | O(BATCH) | O(RECORD), 1, 1, true},
    {"edit", "FILE[:A-B] \"instruction\" | @TEMPLATE [WORDS...]",
     "one task without a planner; shows the diff", cli_edit, NULL,
     COMMON | O(BUDGET) | O(YES) | O(RECORD), 2, ANY, true},
    {"each", "FILE[:A-B]... \"instruction\" | @TEMPLATE [WORDS...]",
     "the same for many targets, one task each", cli_each, NULL,
     COMMON | O(BUDGET) | O(YES) | O(RECORD), 2, ANY, true},
    {"templates", "[NAME]", "what can stand behind an @; with a name its text, to copy and change",
     cli_templates, NULL, COMMON, 0, 1, true},
    {"diff", "PLAN", "the result as a unified diff", cli_diff, NULL,
     COMMON | O(STAT) | O(HUNKS) | O(COLOR) | O(FILE), 1, 1, true},
    {"apply", "PLAN", "accept hunks and write them; without a selection all that are undecided",
     cli_apply, NULL, COMMON | O(HUNK) | O(TASK) | O(FILE), 1, 1, true},
    {"revert", "PLAN", "undo what was applied, by content", cli_revert, NULL,
     COMMON | O(HUNK) | O(TASK) | O(FILE), 1, 1, true},
    {"commit", "PLAN", "one git commit of what was applied", cli_commit, NULL,
     COMMON | O(MESSAGE) | O(BY_TASK), 1, 1, true},
    {"status", "[PLAN]", "what is going on", cli_status, NULL, COMMON, 0, 1, true},
    {"cost", "[PLAN|day|week|month|all]", "the receipt, or what a time came to", cli_cost, NULL,
     COMMON | O(BY) | O(CSV), 0, 1, true},
    {"log", "[PLAN]", "what happened, line by line", cli_log, NULL, COMMON, 0, 1, true},
    {"preview", "PLAN TASK", "exactly what would be sent for a task", cli_preview, NULL,
     COMMON | O(COUNTED), 2, 2, true},
    {"resume", "[PLAN]", "go on with what was interrupted", cli_resume, NULL,
     COMMON | O(YES) | O(RECORD) | O(NO_VERIFY), 0, 1, true},
    {"stop", "PLAN [TASK]", "stop a plan at work, wherever it runs, or one of its tasks", cli_stop,
     NULL, COMMON | O(NOW), 1, 2, true},
    {"trust", "PLAN", "show a plan's commands and allow them", cli_trust, NULL, COMMON | O(YES), 1,
     1, true},
    {"doctor", "", "versions, configuration, keys, journal: what works and what does not",
     cli_doctor, NULL, COMMON | O(REACH), 0, 0, false},
    {"bug", "[PLAN]", "a report and a cassette of a plan, as files to read before you send them",
     cli_bug, NULL, COMMON, 0, 1, true},
    {"prune", "", "forget the texts of old plans; the money stays in the books", cli_prune, NULL,
     O(JSON) | O(OLDER) | O(MAX_SIZE) | O(KEEP), 0, 0, true},
    {"patch", "[--root D] [--file F[:A-B]] [--check] [--json] < reply", "the patch engine alone",
     NULL, cli_patch, 0, 0, 0, false},
    {"help", "[SUBCOMMAND]", "this list, or one subcommand", cli_help, NULL, 0, 0, 1, false},
    {0},
};

// ---- output ----------------------------------------------------------------------------------------

// Texts of models, repositories and providers: to a terminal they are shown, not obeyed.
static void put(FILE *file, Str text, bool visible)
{
  Arena arena;
  arena_init(&arena);
  if (visible) text = str_visible(&arena, text);
  fwrite(text.ptr ? text.ptr : "", 1, text.len, file);
  arena_deinit(&arena);
}

static void put_formatted(FILE *file, bool visible, const char *format, va_list args)
{
  Arena arena;
  arena_init(&arena);
  put(file, str_vfmt(&arena, format, args), visible);
  arena_deinit(&arena);
}

void cli_print(const char *format, ...)
{
  va_list args;
  va_start(args, format);
  put_formatted(stdout, terminal_out(), format, args);
  va_end(args);
}

void cli_say(const char *format, ...)
{
  va_list args;
  va_start(args, format);
  put_formatted(stderr, true, format, args);
  va_end(args);
}

void cli_json_event(const Value *value)
{
  Buf buf;
  buf_init(&buf, 256u << 20);
  json_write(&buf, value);
  buf_add_char(&buf, '\n');
  fwrite(buf.ptr, 1, buf.len, stdout);
  buf_deinit(&buf);
}

void cli_json(const Value *value)
{
  cli_json_event(value);
  fflush(stdout);
}

// "run! (CLI: --yes)" is one thing said to two: what is written so far loses the editor's word.
static void drop_bang(Buf *out)
{
  if (!str_ends(buf_str(out), S("! "))) {
    buf_add_char(out, '(');
    return;
  }
  size_t len = out->len - 2;
  while (len && out->ptr[len - 1] >= 'a' && out->ptr[len - 1] <= 'z') len--;
  out->len = len;
}

Str cli_shell_words(Arena *arena, Str text)
{
  // What the shell has under another name comes first.
  static const Str names[][2] = {{S(":Piecework build"), S("`make` where it was built")},
                                 {S(":Piecework health"), S("piecework doctor")},
                                 {S(":Piecework "), S("piecework ")}};
  static const Str shell = S("(CLI: ");
  Buf out;
  buf_init(&out, text.len + 64);
  while (text.len) {
    size_t at = 0;
    while (at < sizeof names / sizeof *names && !str_starts(text, names[at][0])) at++;
    if (at < sizeof names / sizeof *names) {
      buf_add(&out, names[at][1]);
      text = str_skip(text, names[at][0].len);
    } else if (str_starts(text, shell) && str_find_char(text, ')') != STR_NOT_FOUND) {
      size_t end = str_find_char(text, ')');
      bool bang = str_ends(buf_str(&out), S("! "));
      drop_bang(&out);
      buf_add(&out, str_sub(text, shell.len, bang ? end : end + 1));
      text = str_skip(text, end + 1);
    } else {
      buf_add_char(&out, text.ptr[0]);
      text = str_skip(text, 1);
    }
  }
  return buf_take(&out, arena);
}

void cli_print_error(const Error *err)
{
  Arena arena;
  arena_init(&arena);
  char *hint = str_z(&arena, cli_shell_words(&arena, str_from(error_hint(err))));
  bool command = str_starts(str_from(hint), S("piecework "));
  if (hint[0] >= 'a' && hint[0] <= 'z' && !command) hint[0] = (char)(hint[0] - 'a' + 'A');
  Str message = cli_shell_words(&arena, str_from(err->message));
  // providers' words may bring their own full stop
  if (hint[0] && str_ends(message, S("."))) message.len--;
  cli_say("piecework: %.*s%s%s\n", STR_ARG(message), hint[0] ? ". " : "", hint);
  arena_deinit(&arena);
}

void cli_print_view(Cli *cli, const View *view)
{
  if (!cli_has(cli, OPT_JSON)) {
    put(stdout, view->text, terminal_out());
    return;
  }
  Value *map = value_map(&cli->arena);
  value_put_str(&cli->arena, map, S("text"), view->text);
  cli_json(map);
}

// ---- help ------------------------------------------------------------------------------------------

static void help_one(const CliCommand *command)
{
  cli_print("piecework %s%s%s\n  %s\n", command->name, command->args[0] ? " " : "", command->args,
            command->help);
  for (CliOption i = 0; i < OPT_HELP; i++) {
    if (!(command->options >> i & 1)) continue;
    const CliOptionRow *row = &cli_options[i];
    char left[64];
    snprintf(left, sizeof(left), "%c%c%s --%s %s", row->letter ? '-' : ' ',
             row->letter ? row->letter : ' ', row->letter ? "," : " ", row->name, row->arg);
    cli_print("  %-28s %s\n", left, row->help);
  }
}

static void help_all(void)
{
  cli_print(
      "piecework %s: big models plan and inspect, small ones or none do the work by the piece\n\n",
      PIECEWORK_VERSION);
  for (const CliCommand *c = cli_commands; c->name; c++) cli_print("  %-9s %s\n", c->name, c->help);
  cli_print(
      "\nPLAN is a plan's number, the path of a plan file, or `last`: the one worked on last.\n"
      "Exit status: 0 done, 1 failed or refused, 2 usage, 3 budget or consent, 4 provider or "
      "network.\n"
      "Environment: PIECEWORK_LOG=FILE for diagnostics. More: piecework help SUBCOMMAND, :help "
      "piecework\n");
}

bool cli_help(Cli *cli)
{
  if (!cli->args.len) {
    help_all();
    return true;
  }
  for (const CliCommand *c = cli_commands; c->name; c++) {
    if (!str_eq(cli->args.items[0], str_from(c->name))) continue;
    help_one(c);
    return true;
  }
  return cli_unknown_command(cli, cli->args.items[0]);
}

// ---- opening ---------------------------------------------------------------------------------------

bool cli_open(Cli *cli)
{
  if (!loop_init(&cli->loop, &cli->err)) return false;
  cli->engine = engine_new(&cli->loop, NULL, &cli->err);
  return cli->engine != NULL;
}

static void cli_close(Cli *cli)
{
  engine_free(cli->engine);
  if (cli->loop.open) loop_deinit(&cli->loop);
}

Project *cli_project(Cli *cli)
{
  char *dir = str_z(&cli->arena, cli_value(cli, OPT_ROOT, S(".")));
  char *real = fs_realpath(&cli->arena, dir, &cli->err);
  return real ? engine_project(cli->engine, real, &cli->err) : NULL;
}

void cli_look(Cli *cli, Project *project)
{
  if (cli->look || !project) return;
  project_look(project);
  cli->look = project;
}

void cli_look_end(Cli *cli)
{
  if (cli->look) project_look_end(cli->look);
  cli->look = NULL;
}

// The plan worked on last: after `run shared.md`, which may be an old plan, `apply last` means that one.
static bool last_plan(Cli *cli, int64_t *plan)
{
  Project *project = cli_project(cli);
  PlanRowList rows = {0};
  if (!project) return false;
  if (!journal_plan_list(cli->engine->journal, &cli->arena, project_root(project), 0, &rows,
                         &cli->err)) {
    return false;
  }
  const PlanRow *last = NULL;
  for (size_t i = 0; i < rows.len; i++) {
    const PlanRow *row = &rows.items[i];
    if (row->state != PLAN_DROPPED && (!last || row->updated_ms > last->updated_ms)) last = row;
  }
  *plan = last ? last->id : 0;
  if (last) return true;
  error_set(&cli->err, ERR_NOT_FOUND, "there is no plan in %.*s yet",
            STR_ARG(project_root(project)));
  return error_hint_set(&cli->err, "make one: piecework plan \"what to do\"");
}

void cli_say_problems(Str path, const PlanProblemList *problems)
{
  for (size_t i = 0; i < problems->len; i++) {
    const PlanProblem *p = &problems->items[i];
    cli_say("%.*s:%d: %s%.*s\n", STR_ARG(path), p->line, p->warning ? "warning: " : "",
            STR_ARG(p->text));
  }
}

// All that is wrong with a plan file, not only the first thing.
static void say_file_problems(Cli *cli, Project *project, const char *path)
{
  Str text;
  Plan plan;
  PlanProblemList problems = {0};
  Error ignored = {0};
  if (!fs_read(&cli->arena, path, PROJECT_MAX_FILE, &text, &ignored)) return;
  plan_parse(&cli->arena, text, &plan, &problems);
  plan_find_targets(cli->engine, project, &cli->arena, &(PlanRow){0}, &plan, &problems);
  plan_check(&cli->arena, &plan, project, &problems);
  if (problems.len > 1) cli_say_problems(str_from(path), &problems);
}

static bool plan_file(Cli *cli, Str word, int64_t *plan)
{
  Project *project = cli_project(cli);
  if (project && !fs_exists(str_z(&cli->arena, word))) {
    error_set(&cli->err, ERR_NOT_FOUND, "there is no plan \"%.*s\"", STR_ARG(word));
    return error_hint_set(&cli->err,
                          "name it by its number (see `piecework status`), its file, or "
                          "as `last`");
  }
  char *path = project ? fs_realpath(&cli->arena, str_z(&cli->arena, word), &cli->err) : NULL;
  if (path) *plan = plan_adopt(cli->engine, project, path, &cli->err);
  if (path && *plan <= 0 && cli->err.code == ERR_PLAN_SYNTAX) say_file_problems(cli, project, path);
  return path && *plan > 0;
}

bool cli_plan_arg(Cli *cli, int64_t *plan)
{
  Str word = cli->args.len ? cli->args.items[0] : S("last");
  uint64_t number = 0;
  *plan = 0;
  if (str_eq(word, S("last"))) return last_plan(cli, plan);
  if (!str_to_u64(word, &number) || fs_exists(str_z(&cli->arena, word)))
    return plan_file(cli, word, plan);
  PlanRow row;
  *plan = number > 0 && number < INT64_MAX ? (int64_t)number : 0;
  Error err = {0};
  if (*plan && journal_plan_get(cli->engine->journal, &cli->arena, *plan, &row, &err)) return true;
  if (err.code != ERR_OK && err.code != ERR_NOT_FOUND) {
    cli->err = err;
    return false;
  }
  error_set(&cli->err, ERR_NOT_FOUND, "there is no plan %.*s", STR_ARG(word));
  return error_hint_set(&cli->err, "see `piecework status`");
}

bool cli_record(Cli *cli)
{
  Str path = cli_value(cli, OPT_RECORD, STR_NONE);
  return !path.len || models_record(cli->engine->models, str_z(&cli->arena, path), &cli->err);
}

// ---- scope -----------------------------------------------------------------------------------------

// A range must lie inside the file, and the file must be one that may be sent.
static bool check_file(Cli *cli, Project *project, Str given, FileRef *ref)
{
  Str text;
  if (!project_read(project, &cli->arena, ref->path, &text, &cli->err)) return false;
  size_t lines = str_count_lines(text);
  if (range_is_whole(ref->range) || ref->range.last <= lines) return true;
  error_set(&cli->err, ERR_INVALID, "%.*s has %zu lines, so %.*s is not in it", STR_ARG(ref->path),
            lines, STR_ARG(given));
  return error_hint_set(&cli->err, "give a range inside the file");
}

static bool scope_one(Cli *cli, Project *project, Str word, FileRef *ref)
{
  Error err = {0};
  if (!file_ref_parse(&cli->arena, word, ref, &err)) {
    error_set(&cli->err, ERR_USAGE, "%s", err.message);
    return error_hint_set(&cli->err, "%s",
                          err.hint[0] ? err.hint : "write PATH or PATH:FIRST-LAST");
  }
  Str given = ref->path;
  if (!project_path(project, &cli->arena, given, &ref->path, &cli->err)) return false;
  if (ref->is_new) return true;
  FsKind kind = fs_stat(project_absolute(project, &cli->arena, ref->path)).kind;
  if (kind == FS_DIR && range_is_whole(ref->range)) return true;
  return check_file(cli, project, word, ref);
}

bool cli_scope(Cli *cli, const StrList *words, FileRefList *out)
{
  Project *project = cli_project(cli);
  if (!project) return false;
  for (size_t i = 0; i < words->len; i++) {
    FileRef ref = {.path = words->items[i]};
    if (!selector_searches(ref.path) && !scope_one(cli, project, words->items[i], &ref))
      return false;
    PUSH(&cli->arena, out, ref);
  }
  return true;
}

// ---- main ------------------------------------------------------------------------------------------

// Diagnostics: to $PIECEWORK_LOG when set, with everything; else warnings to stderr.
static void log_line_to(LogLevel level, Str line, void *data)
{
  static const char *const words[] = {"error", "warning", "info", "debug"};
  FILE *file = data;
  fprintf(file, "%s: %.*s\n", words[level], STR_ARG(line));
  fflush(file);
}

static FILE *log_open(void)
{
  const char *path = getenv("PIECEWORK_LOG");
  FILE *file = NULL;
  if (path && *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    file = fd >= 0 ? fdopen(fd, "a") : NULL;
    if (!file) cli_say("warning: cannot write PIECEWORK_LOG=%s\n", path);
  }
  log_to(log_line_to, file ? LOG_DEBUG : LOG_WARN, file ? file : stderr);
  return file;
}

static int version(void)
{
  Arena arena;
  arena_init(&arena);
  cli_print("piecework %s (protocol %d)\n%.*s\n", PIECEWORK_VERSION, PIECEWORK_PROTOCOL,
            STR_ARG(lib_versions(&arena)));
  arena_deinit(&arena);
  return 0;
}

static void report(Cli *cli)
{
  if (cli->err.code == ERR_USAGE && !cli->err.hint[0] && cli->command)
    error_hint_set(&cli->err, "see `piecework help %s`", cli->command->name);
  cli_print_error(&cli->err);
  if (!cli_has(cli, OPT_JSON)) return;
  Value *map = value_map(&cli->arena), *error = value_map(&cli->arena);
  value_put_str(&cli->arena, error, S("code"), str_from(err_name(cli->err.code)));
  value_put_str(&cli->arena, error, S("message"),
                cli_shell_words(&cli->arena, str_from(cli->err.message)));
  value_put_str(&cli->arena, error, S("hint"),
                cli_shell_words(&cli->arena, str_from(error_hint(&cli->err))));
  value_set(map, S("error"), error);
  cli_json(map);
}

// Events are told in the middle of a turn of the loop, with the journal's lock held: a reader that stalls may only be
// waited for between turns, where progress flushes.
static void buffer_events(const Cli *cli)
{
  enum { EVENTS_OF_A_TURN = 1 << 20 };
  if (cli_has(cli, OPT_JSON)) setvbuf(stdout, NULL, _IOFBF, EVENTS_OF_A_TURN);
}

static bool dispatch(Cli *cli)
{
  if (cli_has(cli, OPT_HELP)) {
    help_one(cli->command);
    return true;
  }
  buffer_events(cli);
  if (cli->command->needs_engine && !cli_open(cli)) return false;
  return cli->command->run(cli);
}

// Output that was lost is a failure; only a reader that has seen enough needs no word.
static int end_output(int status)
{
  if (!fflush(stdout) && !ferror(stdout)) return status;
  if (!terminal_reader_left()) cli_say("piecework: cannot write the output\n");
  return status ? status : 1;
}

int cli_main(int argc, char **argv)
{
  if (argc > 1 && (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))) return version();
  Cli *cli = mem_alloc(sizeof(Cli));
  arena_init(&cli->arena);
  FILE *log = log_open();
  int status = 0;
  if (cli_parse(cli, argc, argv) && cli->command->raw) {
    status = cli->command->raw(argc - 1, argv + 1);
  } else if (cli->err.code != ERR_OK || !dispatch(cli)) {
    report(cli);
    status = err_exit_status(cli->err.code);
  }
  status = end_output(status);
  cli_close(cli);
  log_to(NULL, LOG_ERROR, NULL);
  if (log) fclose(log);
  arena_deinit(&cli->arena);
  mem_free(cli);
  return status;
}
