// cli_progress.c: an operation watched from the shell.
//
// On a terminal one line is drawn again and again; without one each end of a task is a plain line; with
// --json each event is a line of JSON. Ctrl-C stops in order (what is in flight may end, it is paid for),
// a second one cuts it, as SIGTERM and a closed terminal do.
#include <signal.h>
#include <stdio.h>

#include "front/cli.h"
#include "front/terminal.h"
#include "review/commit.h"
#include "work/planner.h"
#include "work/run.h"
#include "work/verify.h"

typedef struct Progress {
  Cli *cli;
  int64_t plan;            // 0 until the first event tells
  int signals;             // Ctrl-C so far
  bool redraw;             // a terminal: one line
  bool drawn;              // that line is on the screen
  Str end_line, end_note;  // how it ended, held back: its error may say the same
  Signal interrupt, terminate, hangup;
  Timer tick;         // counts down behind [wait]
  const Value *wait;  // the event, in [wait_arena]
  Arena wait_arena;
} Progress;

enum { TICK_MS = 1000 };

static void line_clear(Progress *p)
{
  if (p->drawn) fputs("\r\033[K", stderr);
  p->drawn = false;
}

// Cut to the terminal's width: a wrapped line cannot be drawn over.
static void line_draw(Progress *p, Str text)
{
  line_clear(p);
  size_t cut = str_utf8_floor(text, terminal_width() - 1);
  cli_say("%.*s", STR_ARG(str_sub(text, 0, cut)));
  fflush(stderr);
  p->drawn = true;
}

static void say_end_note(Progress *p)
{
  if (p->end_line.len) cli_say("%.*s\n", STR_ARG(p->end_line));
  p->end_line = STR_NONE;
}

static void hold_end_note(Progress *p, Str line, Str note)
{
  line_clear(p);
  say_end_note(p);
  p->end_line = str_dup(&p->cli->arena, line);
  p->end_note = str_dup(&p->cli->arena, note);
}

static void line_print(Progress *p, Str text)
{
  line_clear(p);
  say_end_note(p);
  cli_say("%.*s\n", STR_ARG(text));
}

// ---- events to words -------------------------------------------------------------------------------

static void show_planning(Progress *p, Arena *arena, const Value *params)
{
  Str text = value_get_str(params, S("text"), STR_NONE);
  text = str_trim_end(str_fmt(arena, "planning: %.*s", STR_ARG(text)));
  p->redraw ? line_draw(p, text) : line_print(p, text);
}

// A turn of the planner begins.
static void show_plan(Progress *p, Arena *arena, const Value *params)
{
  int64_t turn = value_get_int(params, S("turn"), 0);
  bool planning = str_eq(value_get_str(params, S("state"), STR_NONE), S("planning"));
  if (planning && turn && p->redraw)
    line_draw(p, str_fmt(arena, "planning, turn %lld", (long long)turn));
}

static bool task_ended(Str state)
{
  return !str_eq(state, S("waiting")) && !str_eq(state, S("running")) &&
         !str_eq(state, S("checking"));
}

static void show_task(Progress *p, Arena *arena, const Value *params)
{
  Str state = value_get_str(params, S("state"), STR_NONE);
  Str task = value_get_str(params, S("task"), STR_NONE),
      title = value_get_str(params, S("title"), STR_NONE);
  Str note = value_get_str(params, S("note"), STR_NONE);
  Str text =
      str_fmt(arena, "[%lld/%lld] %.*s %.*s  %.*s", (long long)value_get_int(params, S("done"), 0),
              (long long)value_get_int(params, S("total"), 0), STR_ARG(task), STR_ARG(state),
              STR_ARG(title));
  if (!task_ended(state)) {
    if (p->redraw) line_draw(p, text);
    return;
  }
  if (note.len) text = str_fmt(arena, "%.*s: %.*s", STR_ARG(text), STR_ARG(note));
  if (p->redraw && str_eq(state, S("done"))) {
    line_draw(p, text);
  } else {
    line_print(p, text);
  }
}

static void show_verify(Progress *p, Arena *arena, const Value *params)
{
  Str state = value_get_str(params, S("state"), STR_NONE),
      note = value_get_str(params, S("note"), STR_NONE);
  Str text =
      str_fmt(arena, "verify: %.*s%s%.*s", STR_ARG(state), note.len ? "  " : "", STR_ARG(note));
  if (note.len && str_eq(state, S("done"))) {
    hold_end_note(p, text, note);
  } else if (note.len) {
    line_print(p, text);
  } else if (p->redraw) {
    line_draw(p, text);
  }
}

static Str wait_text(Arena *arena, const Value *params, int64_t left_ms)
{
  Str text = str_fmt(arena, "%.*s waits %lld s for %.*s: %.*s",
                     STR_ARG(value_get_str(params, S("task"), STR_NONE)),
                     (long long)(left_ms > 0 ? (left_ms + 999) / 1000 : 0),
                     STR_ARG(value_get_str(params, S("model"), STR_NONE)),
                     STR_ARG(value_get_str(params, S("note"), STR_NONE)));
  return str_trim(text);
}

static int64_t wait_left(const Value *params)
{
  return value_get_int(params, S("until_ms"), 0) - wall_now_ms();
}

// On a terminal it counts down, until something else happens.
static void show_wait(Progress *p, Arena *arena, const Value *params)
{
  int64_t left = wait_left(params);
  Str text = wait_text(arena, params, left);
  if (!p->redraw) {
    line_print(p, text);
    return;
  }
  line_draw(p, text);
  arena_reset(&p->wait_arena);
  p->wait = value_dup(&p->wait_arena, params);
  timer_start(&p->tick, TICK_MS, TICK_MS);
}

static void on_tick(void *owner)
{
  Progress *p = owner;
  Arena arena;
  int64_t left = wait_left(p->wait);
  arena_init(&arena);
  if (left > 0)
    line_draw(p, wait_text(&arena, p->wait, left));
  else
    timer_stop(&p->tick);
  arena_deinit(&arena);
}

static void show_note(Progress *p, Arena *arena, const Value *params)
{
  Str note = value_get_str(params, S("note"), STR_NONE);
  Str kind = value_get_str(params, S("kind"), STR_NONE);
  if (note.len) line_print(p, str_fmt(arena, "%.*s: %.*s", STR_ARG(kind), STR_ARG(note)));
}

// What surprises about the money: "fallback: ...", "overrun: ...".
static void show_text(Progress *p, Arena *arena, const Value *params)
{
  Str kind = value_get_str(params, S("kind"), STR_NONE);
  line_print(p, str_fmt(arena, "%.*s: %.*s", STR_ARG(kind),
                        STR_ARG(value_get_str(params, S("text"), S("?")))));
}

static void show_run(Progress *p, Arena *arena, const Value *params)
{
  Str note = value_get_str(params, S("note"), STR_NONE);
  if (!note.len) return;
  if (str_eq(value_get_str(params, S("state"), STR_NONE), S("running"))) {
    line_print(p, str_fmt(arena, "run: %.*s", STR_ARG(note)));
    return;
  }
  hold_end_note(p, str_fmt(arena, "run: %.*s", STR_ARG(note)), note);
}

// A failure's note is the command's own error: said once, at its end.
static void show_commit(Progress *p, Arena *arena, const Value *params)
{
  Str output = value_get_str(params, S("output"), STR_NONE);
  line_clear(p);
  for (Str rest = output, line; str_line(&rest, &line);) cli_say("%.*s\n", STR_ARG(line));
  if (!str_eq(value_get_str(params, S("state"), STR_NONE), S("failed")))
    show_note(p, arena, params);
}

typedef struct {
  const char *kind;
  void (*show)(Progress *p, Arena *arena, const Value *params);
} Shower;

// Events not in the table (money, budget, log, review ...) are for --json and editors; commands that are not
// trusted are listed at the end.
static const Shower showers[] = {
    {"plan", show_plan},     {"planning", show_planning}, {"task", show_task},
    {"verify", show_verify}, {"run", show_run},           {"commit", show_commit},
    {"wait", show_wait},     {"fallback", show_text},     {"overrun", show_text},
};

static void on_event(void *owner, Str kind, const Value *params)
{
  Progress *p = owner;
  int64_t plan = value_get_int(params, S("plan"), 0);
  if (!p->plan) p->plan = plan;
  if (cli_has(p->cli, OPT_JSON)) {
    cli_json_event(params);
    return;
  }
  Arena arena;
  arena_init(&arena);
  for (size_t i = 0; i < sizeof(showers) / sizeof(*showers); i++) {
    if (!str_eq(kind, str_from(showers[i].kind))) continue;
    timer_stop(&p->tick);
    showers[i].show(p, &arena, params);
  }
  arena_deinit(&arena);
}

// ---- the operation ---------------------------------------------------------------------------------

static void on_signal(void *owner, int signum)
{
  Progress *p = owner;
  Engine *engine = p->cli->engine;
  bool at_once = ++p->signals > 1 || signum == SIGTERM || signum == SIGHUP;
  line_clear(p);
  if (p->signals > 2) {  // it does not end by itself: leave, the journal knows what was in flight
    error_set(&p->cli->err, ERR_CANCELLED, "stopped; what was in flight is lost");
    p->cli->done = true;
    return;
  }
  if (p->cli->command->run == cli_commit) at_once = true;  // nothing is paid for
  cli_say(at_once ? "stopping at once\n"
                  : "stopping: what is in flight may end; Ctrl-C again cuts it\n");
  planner_stop(engine, p->plan);
  run_stop(engine, p->plan, at_once);
  verify_stop(engine, p->plan);
  commit_stop(engine, p->plan);
}

void progress_begin(Cli *cli, int64_t plan)
{
  Progress *p = mem_alloc(sizeof(Progress));
  p->cli = cli;
  p->plan = plan;
  p->redraw = terminal_err() && !cli_has(cli, OPT_JSON);
  arena_init(&p->wait_arena);
  timer_init(&cli->loop, &p->tick, on_tick, p);
  cli->progress = p;
  cli->done = false;
  cli->engine->on_event = on_event;
  cli->engine->event_owner = p;
  signal_start(&cli->loop, &p->interrupt, SIGINT, on_signal, p);
  signal_start(&cli->loop, &p->terminate, SIGTERM, on_signal, p);
  // A terminal that is closed must not leave a test command behind.
  signal_start(&cli->loop, &p->hangup, SIGHUP, on_signal, p);
}

void progress_end(Cli *cli)
{
  Progress *p = cli->progress;
  line_clear(p);
  if (str_eq(p->end_note, str_from(cli->err.message))) p->end_line = STR_NONE;
  say_end_note(p);
  cli->engine->on_event = NULL;
  timer_close(&p->tick, NULL);
  signal_close(&p->interrupt);
  signal_close(&p->terminate);
  signal_close(&p->hangup);
  loop_turn(&cli->loop, false);  // handles are gone after a turn
  loop_turn(&cli->loop, false);
  cli->progress = NULL;
  arena_deinit(&p->wait_arena);
  mem_free(p);
}

void cli_on_done(void *owner, const Error *err)
{
  Cli *cli = owner;
  if (cli->err.code == ERR_OK) cli->err = *err;
  cli->done = true;
}

// What is told is in the journal first; and whoever does not read it holds up us, not the journal's other users.
static void let_out(Cli *cli)
{
  if (cli_has(cli, OPT_JSON)) journal_flush(cli->engine->journal, NULL);
  fflush(stdout);
}

bool cli_wait(Cli *cli)
{
  let_out(cli);
  while (!cli->done && loop_turn(&cli->loop, true)) let_out(cli);
  return cli->err.code == ERR_OK;
}
