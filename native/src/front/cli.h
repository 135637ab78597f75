// cli.h: the subcommands: one table, one set of options, one way to end.
//
// Life of a command:  cli_main parses, opens what the command needs -> command's run -> exit status
//
// A command returns true, or false with cli->err filled; the exit status follows from the error's code.
// Results go to stdout, everything else (progress, questions, errors) to stderr. With --json stdout holds one
// JSON object, or one per line where events are reported.
#pragma once

#include "base/err.h"
#include "base/value.h"
#include "core/engine.h"
#include "plan/plan.h"
#include "review/review.h"
#include "view/view.h"

// name, short letter or 0, may come again, its value (empty: takes none), help
#define CLI_OPTIONS(X)                                                                             \
  X(ROOT, "root", 0, false, "DIR", "the project (default: where you are)")                         \
  X(SCOPE, "scope", 0, true, "PATH[:A-B]", "a file, range, directory or selector; may come again") \
  X(BUDGET, "budget", 0, false, "USD", "hard cap for the plan, as 0.60")                           \
  X(YES, "yes", 'y', false, "", "no questions: past advice, estimates and the budget")             \
  X(JSON, "json", 0, false, "", "JSON on stdout")                                                  \
  X(ONLY, "only", 0, false, "T01,T02", "these tasks only")                                         \
  X(NO_VERIFY, "no-verify", 0, false, "", "execute only")                                          \
  X(REACH, "reach", 0, false, "",                                                                  \
    "also ask the providers in use: are they there, is the key good, are the models known")        \
  X(COUNTED, "count", 0, false, "",                                                                \
    "the provider counts its tokens, for nothing, where it offers that")                           \
  X(BATCH, "batch", 0, false, "",                                                                  \
    "through batch endpoints: within hours, at half the price; resume collects")                   \
  X(NOW, "now", 0, false, "", "cut what is in flight (it may be paid all the same)")               \
  X(RECORD, "record", 0, false, "FILE", "append every exchange to a cassette")                     \
  X(HUNK, "hunk", 0, true, "ID[:A-B]", "this hunk, or its lines A to B; may come again")           \
  X(TASK, "task", 0, true, "ID", "this task's hunks; may come again")                              \
  X(FILE, "file", 0, true, "PATH", "this file's hunks; may come again")                            \
  X(HUNKS, "hunks", 0, false, "", "a line a hunk: its id for --hunk, place, task, decision")       \
  X(STAT, "stat", 0, false, "", "files and line counts only")                                      \
  X(COLOR, "color", 0, false, "WHEN", "auto, always, never")                                       \
  X(BY_TASK, "by-task", 0, false, "", "one commit per task, with its title as message")            \
  X(MESSAGE, "message", 'm', false, "TEXT", "the commit message (default: your editor asks)")      \
  X(OLDER, "older-than", 0, false, "DAYS", "plans that ended earlier (default 30)")                \
  X(MAX_SIZE, "max-size", 0, false, "MB",                                                          \
    "the oldest that ended, until the journal holds no more than this")                            \
  X(KEEP, "keep", 0, false, "N", "keep the newest N whatever their age")                           \
  X(WIRE, "wire", 0, false, "KIND", "msgpack (default) or json")                                   \
  X(SOLO, "solo", 0, false, "", "one big model does it all in one call, no plan")                  \
  X(MODEL, "model", 0, false, "ROLE", "with --solo: who does it (default big)")                    \
  X(CHEAP_FIRST, "cheap-first", 0, false, "",                                                      \
    "the small model tries each place of the scope; only what fails is planned")                   \
  X(BY, "by", 0, false, "WHAT", "sums by phase, model (default), project, plan, task, day")        \
  X(CSV, "csv", 0, false, "", "sums as CSV, in USD")                                               \
  X(HELP, "help", 'h', false, "", "what this subcommand does")

typedef enum {
#define X(id, ...) OPT_##id,
  CLI_OPTIONS(X)
#undef X
      OPT_COUNT
} CliOption;

typedef struct {
  const char *name;
  char letter;
  bool many;
  const char *arg, *help;
} CliOptionRow;

extern const CliOptionRow cli_options[OPT_COUNT];

typedef struct Cli Cli;

typedef struct {
  const char *name;
  const char *args;                   // as shown in help
  const char *help;                   // one line
  bool (*run)(Cli *cli);              // NULL with [raw]
  int (*raw)(int argc, char **argv);  // does its own arguments and output
  uint64_t options;                   // bits of CliOption
  size_t min_args, max_args;
  bool needs_engine;
} CliCommand;

extern const CliCommand cli_commands[];  // ends with name NULL
#define OPTION_BIT(id) (UINT64_C(1) << OPT_##id)

struct Cli {
  Arena arena;  // of the whole command
  const CliCommand *command;
  StrList args;               // what is no option
  StrList values[OPT_COUNT];  // given values; one empty value for an option without
  Error err;
  Loop loop;
  Engine *engine;             // NULL unless the command needs it
  struct Progress *progress;  // while an operation runs
  bool done;                  // the operation has ended
  Project *look;              // of which a look is open (cli_look); NULL = none
};

// Main's whole work but for exit: the exit status.
int cli_main(int argc, char **argv);

// Finds the command and sorts the words. False with ERR_USAGE.
bool cli_parse(Cli *cli, int argc, char **argv);

bool cli_unknown_command(Cli *cli, Str word);  // says so, with the nearest; false

static inline bool cli_has(const Cli *cli, CliOption option)
{
  return cli->values[option].len > 0;
}
Str cli_value(const Cli *cli, CliOption option, Str fallback);  // the last one given

// ---- what commands share ---------------------------------------------------------------------------

bool cli_open(Cli *cli);         // loop and engine
Project *cli_project(Cli *cli);  // of --root, or of where we are
// A look (core/project.h) until cli_look_end, for what a command asks before it waits. One that is open goes on.
void cli_look(Cli *cli, Project *project);
void cli_look_end(Cli *cli);
bool cli_plan_arg(Cli *cli, int64_t *plan);  // the first argument: id, file or "last"
// "PATH[:A-B]" checked against the project; directories and selectors stay as they are named.
bool cli_scope(Cli *cli, const StrList *words, FileRefList *out);

void cli_print(const char *format, ...) __attribute__((format(printf, 1, 2)));  // to stdout
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));    // to stderr
void cli_json(const Value *value);  // one line on stdout
// The same, flushed with others at the end of the loop's turn.
void cli_json_event(const Value *value);
void cli_print_view(Cli *cli, const View *view);
// As a diff: its changes in [paths], or all of them where these are none.
void cli_print_review(Cli *cli, const Review *review, const StrList *paths, bool color);
Str cli_shell_words(Arena *arena, Str text);  // what the engine says to an editor, said to a shell
void cli_print_error(const Error *err);       // "piecework: MESSAGE. HINT"

// Shows the events of [plan] (0 = the one whose events come) until an operation has ended.
//   progress_begin -> start the operation with cli_on_done -> cli_wait -> progress_end
void progress_begin(Cli *cli, int64_t plan);
void progress_end(Cli *cli);
void cli_on_done(void *owner, const Error *err);  // an OpDone; owner is the Cli
bool cli_wait(Cli *cli);    // turns the loop; Ctrl-C stops in order, twice at once
bool cli_record(Cli *cli);  // --record
// Estimate, consent, run, summary; [*hunks] of the result.
bool cli_run_plan(Cli *cli, int64_t plan, bool verify, size_t *hunks);
bool cli_say_tries(Cli *cli, int64_t tries, bool ok);  // of cheap-first; [ok]: it went well so far
void cli_say_problems(Str path, const PlanProblemList *problems);  // "PATH:LINE: text" each

// ---- the subcommands -------------------------------------------------------------------------------

bool cli_serve(Cli *cli);
bool cli_plan(Cli *cli);
bool cli_run(Cli *cli);
bool cli_edit(Cli *cli);
bool cli_each(Cli *cli);
bool cli_resume(Cli *cli);
bool cli_stop(Cli *cli);
bool cli_templates(Cli *cli);
bool cli_diff(Cli *cli);
bool cli_apply(Cli *cli);
bool cli_revert(Cli *cli);
bool cli_commit(Cli *cli);
bool cli_status(Cli *cli);
bool cli_cost(Cli *cli);
bool cli_log(Cli *cli);
bool cli_preview(Cli *cli);
bool cli_trust(Cli *cli);
bool cli_doctor(Cli *cli);
bool cli_bug(Cli *cli);
bool cli_prune(Cli *cli);
bool cli_help(Cli *cli);
int cli_patch(int argc, char **argv);  // cli_patch.c: the patch engine alone
