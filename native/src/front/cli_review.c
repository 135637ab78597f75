// cli_review.c: diff, apply, revert: the review without an editor. Files are written.
#include "front/cli.h"
#include "front/terminal.h"
#include "front/values.h"
#include "review/apply.h"

// ---- diff ------------------------------------------------------------------------------------------

static bool color_arg(Cli *cli, bool *color)
{
  Str when = cli_value(cli, OPT_COLOR, S("auto"));
  *color = str_eq(when, S("always")) || (str_eq(when, S("auto")) && terminal_out());
  if (*color || str_eq(when, S("auto")) || str_eq(when, S("never"))) return true;
  return error_set(&cli->err, ERR_USAGE, "--color is auto, always or never, not %.*s",
                   STR_ARG(when));
}

static const char *line_color(Str line)
{
  static const struct {
    const char *start, *color;
  } rows[] = {{"--- ", "1"}, {"+++ ", "1"}, {"@@", "36"}, {"+", "32"}, {"-", "31"}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
    if (str_starts(line, str_from(rows[i].start))) return rows[i].color;
  }
  return NULL;
}

void cli_print_review(Cli *cli, const Review *review, const StrList *paths, bool color)
{
  Buf diff;
  buf_init(&diff, 256u << 20);
  if (!paths->len) review_diff(&cli->arena, review, STR_NONE, &diff);
  for (size_t i = 0; i < paths->len; i++) review_diff(&cli->arena, review, paths->items[i], &diff);
  for (Str rest = buf_str(&diff), line; str_line(&rest, &line);) {
    const char *c = color ? line_color(line) : NULL;
    if (c) printf("\033[%sm", c);
    cli_print("%.*s", STR_ARG(line));
    fputs(c ? "\033[m\n" : "\n", stdout);
  }
  buf_deinit(&diff);
}

static void print_stat(const Review *review)
{
  DiffStat all = {0};
  for (size_t i = 0; i < review->files.len; i++) {
    DiffStat stat = review_stat(review, i);
    cli_print(" %-60.*s | +%zu -%zu\n", STR_ARG(review->files.items[i].path), stat.added,
              stat.removed);
    all.added += stat.added;
    all.removed += stat.removed;
  }
  cli_print(" %zu file%s, %zu hunk%s, +%zu -%zu\n", review->files.len, plural(review->files.len),
            review->hunks.len, plural(review->hunks.len), all.added, all.removed);
}

static const char *hunk_state(const ReviewHunk *hunk)
{
  if (hunk->applied == APPLIED_DONE) return hunk->undone ? "undone" : "applied";
  if (hunk_is_stale(hunk)) return "stale";
  return hunk->decision == DECISION_ACCEPTED   ? "accepted"
         : hunk->decision == DECISION_REJECTED ? "rejected"
                                               : "undecided";
}

// What --hunk takes, for those who decide hunk by hunk without an editor.
static void print_hunks(Cli *cli, const Review *review)
{
  for (size_t i = 0; i < review->hunks.len; i++) {
    const ReviewHunk *hunk = &review->hunks.items[i];
    Str place = str_fmt(&cli->arena, "%.*s:%zu", STR_ARG(review->files.items[hunk->file].path),
                        hunk->line ? hunk->line : hunk->hunk.old_start);
    Str tasks = str_join(&cli->arena, &hunk->tasks, S(","));
    cli_print("%.*s %-9s %-7.*s %.*s  -%zu +%zu%s%s\n", STR_ARG(hunk->id), hunk_state(hunk),
              STR_ARG(tasks), STR_ARG(place), hunk->hunk.old_len, hunk->hunk.new_len,
              hunk->verdict ? "  " : "", verdict_name(hunk->verdict));
  }
}

// A file as the user names it from where they are.
static bool file_arg(Cli *cli, Str given, Str *path)
{
  Project *project = cli_project(cli);
  return project && project_path(project, &cli->arena, given, path, &cli->err);
}

bool cli_diff(Cli *cli)
{
  int64_t plan;
  Review review;
  bool color;
  if (!color_arg(cli, &color) || !cli_plan_arg(cli, &plan)) return false;
  if (!review_build(cli->engine, plan, &cli->arena, &review, &cli->err)) return false;
  if (cli_has(cli, OPT_JSON)) {
    cli_json(review_value(&cli->arena, &review));
    return true;
  }
  if (cli_has(cli, OPT_STAT)) {
    print_stat(&review);
    return true;
  }
  if (cli_has(cli, OPT_HUNKS)) {
    print_hunks(cli, &review);
    return true;
  }
  const StrList *files = &cli->values[OPT_FILE];
  StrList paths = {0};
  for (size_t i = 0; i < files->len; i++) {
    Str path, text, base;
    if (!file_arg(cli, files->items[i], &path)) return false;
    if (!review_proposal(&cli->arena, &review, path, &text, &base))
      return error_set(&cli->err, ERR_NOT_FOUND, "plan %lld does not change %.*s", (long long)plan,
                       STR_ARG(path));
    PUSH(&cli->arena, &paths, path);
  }
  cli_print_review(cli, &review, &paths, color);
  return true;
}

// ---- apply, revert ---------------------------------------------------------------------------------

// --hunk, --task, --file as review_decide takes them.
static bool selection(Cli *cli, StrList *what)
{
  static const struct {
    CliOption option;
    const char *prefix;
  } kinds[] = {{OPT_HUNK, ""}, {OPT_TASK, "task:"}, {OPT_FILE, "file:"}};
  for (size_t k = 0; k < 3; k++) {
    const StrList *given = &cli->values[kinds[k].option];
    for (size_t i = 0; i < given->len; i++) {
      Str name = given->items[i];
      if (kinds[k].option == OPT_FILE && !file_arg(cli, name, &name)) return false;
      PUSH(&cli->arena, what, str_cat(&cli->arena, str_from(kinds[k].prefix), name));
    }
  }
  return true;
}

// Without a selection: everything that is undecided and that verification did not reject.
static bool accept_undecided(Cli *cli, int64_t plan)
{
  Review review;
  StrList ids = {0};
  size_t left = 0, doubts = 0;
  Decided decided = {0};
  if (!review_build(cli->engine, plan, &cli->arena, &review, &cli->err)) return false;
  for (size_t i = 0; i < review.hunks.len; i++) {
    const ReviewHunk *hunk = &review.hunks.items[i];
    if (hunk->decision != DECISION_NONE) continue;
    if (hunk->verdict == VERDICT_REJECTED) {
      left++;
      continue;
    }
    doubts += hunk->verdict == VERDICT_DOUBT;
    PUSH(&cli->arena, &ids, hunk->id);
  }
  if (ids.len && !review_decide(cli->engine, plan, &ids, DECISION_ACCEPTED, &decided, &cli->err))
    return false;
  if (ids.len)
    cli_say("accepted %zu undecided hunk%s%s\n", decided.changed, plural(decided.changed),
            doubts ? ", doubtful ones among them" : "");
  if (left) {
    cli_say("left out: %zu hunk%s that verification rejected (--hunk or --task takes them)\n", left,
            plural(left));
  }
  if (!review.hunks.len)
    cli_say("plan %lld has changed no file%s: piecework status %lld\n", (long long)plan,
            review.state == PLAN_RUNNING ? " yet" : "", (long long)plan);
  return true;
}

static bool finish(Cli *cli, int64_t plan, const ApplyPlan *edits, const char *word)
{
  if (!apply_write(cli->engine, plan, edits, &cli->err)) return false;
  size_t files = 0;
  for (size_t i = 0; i < edits->files.len; i++) {
    const FileEdits *file = &edits->files.items[i];
    files += file->change != FILE_EDIT || file->edits.len > 0;
  }
  for (size_t i = 0; i < edits->notes.len; i++) cli_say("%.*s\n", STR_ARG(edits->notes.items[i]));
  if (cli_has(cli, OPT_JSON)) {
    cli_json(edits_value(&cli->arena, edits, NULL));
  } else {
    cli_print("%zu hunk%s %s in %zu file%s\n", edits->hunks, plural(edits->hunks), word, files,
              plural(files));
  }
  if (!edits->stale.len) return true;
  return error_set(&cli->err, ERR_STALE, "%zu stale hunk%s left out", edits->stale.len,
                   plural(edits->stale.len));
}

bool cli_apply(Cli *cli)
{
  int64_t plan;
  StrList given = {0}, what = {0};
  ApplyPlan edits;
  if (!cli_plan_arg(cli, &plan) || !selection(cli, &given)) return false;
  bool decided = given.len ? review_decide_named(cli->engine, plan, &given, DECISION_ACCEPTED,
                                                 &cli->arena, &what, NULL, &cli->err)
                           : accept_undecided(cli, plan);
  if (!decided) return false;
  if (!apply_prepare(cli->engine, plan, NULL, &what, &cli->arena, &edits, &cli->err)) return false;
  return finish(cli, plan, &edits, "applied");
}

bool cli_revert(Cli *cli)
{
  int64_t plan;
  StrList what = {0};
  ApplyPlan edits;
  if (!cli_plan_arg(cli, &plan) || !selection(cli, &what)) return false;
  if (!revert_prepare(cli->engine, plan, NULL, &what, &cli->arena, &edits, &cli->err)) return false;
  return finish(cli, plan, &edits, "reverted");
}
