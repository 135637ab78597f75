// cli_patch.c: `piecework patch`: the patch engine alone, a reply on stdin applied to a tree.
//
//   reply -> targets (--file, or the paths the reply names) -> patch_from_reply against the shown text
//         -> guards -> carried from the shown text (--base) to the present one -> written, all or none
//
// What the engine says is told as text or, with --json, as one object. Exit: 0 done, 1 something was
// refused, 2 usage.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "front/cli.h"
#include "front/patch_files.h"
#include "lib/json.h"
#include "patch/reply.h"

static const char usage[] =
    "usage: piecework patch [--root DIR] [--file F[:A-B]]... [--base DIR] [--check] [--json] "
    "[--partial] < reply\n"
    "\n"
    "Applies a model's reply (SEARCH/REPLACE blocks, a unified diff, whole new files) to the files "
    "under DIR.\n"
    "  --root DIR       the project (default: where you are)\n"
    "  --file F[:A-B]   only this file, and in it only these lines; may come again\n"
    "  --base DIR       the files as the model was shown them, where they differ from those under "
    "--root\n"
    "  --check          say what would happen, write nothing\n"
    "  --json           one JSON object on stdout\n"
    "  --partial        write the good hunks even when others are refused\n";

// --- arguments ---------------------------------------------------------------------------------------

static int usage_error(const char *what, const char *arg)
{
  fprintf(stderr, "piecework: %s%s. See `piecework patch --help`\n", what, arg);
  return 2;
}

// "path:12-40" and "path:12"; a file whose name ends like that is named with its range as well.
static bool parse_range(Str text, Range *out)
{
  size_t dash = str_find_char(text, '-');
  uint64_t first, last;
  if (!str_to_u64(str_sub(text, 0, dash), &first)) return false;
  last = first;
  if (dash != STR_NOT_FOUND && !str_to_u64(str_skip(text, dash + 1), &last)) return false;
  *out = (Range){(size_t)first, (size_t)last};
  return first > 0 && last >= first;
}

static PatchWanted parse_file(Str arg)
{
  size_t colon = str_rfind_char(arg, ':');
  PatchWanted wanted = {.path = arg};
  if (colon != STR_NOT_FOUND && parse_range(str_skip(arg, colon + 1), &wanted.range)) {
    wanted.path = str_sub(arg, 0, colon);
  }
  while (str_starts(wanted.path, S("./"))) wanted.path = str_skip(wanted.path, 2);
  return wanted;
}

typedef struct {
  PatchRun run;
  const char *root, *base;
  bool json, help;
} Options;

// The exit status of a usage error, or 0.
static int parse_options(Options *options, int argc, char **argv)
{
  for (int i = 1; i < argc; i++) {
    Str arg = str_from(argv[i]);
    const char *value = i + 1 < argc ? argv[i + 1] : NULL;
    bool takes_value =
        str_eq(arg, S("--root")) || str_eq(arg, S("--base")) || str_eq(arg, S("--file"));
    if (takes_value && !value) return usage_error("a value is missing after ", argv[i]);
    if (str_eq(arg, S("--root")))
      options->root = value;
    else if (str_eq(arg, S("--base")))
      options->base = value;
    else if (str_eq(arg, S("--file")))
      PUSH(&options->run.arena, &options->run.wanted, parse_file(str_from(value)));
    else if (str_eq(arg, S("--check")))
      options->run.check = true;
    else if (str_eq(arg, S("--json")))
      options->json = true;
    else if (str_eq(arg, S("--partial")))
      options->run.partial = true;
    else if (str_eq(arg, S("--help")) || str_eq(arg, S("-h")))
      options->help = true;
    else
      return usage_error("unknown argument ", argv[i]);
    i += takes_value;
  }
  return 0;
}

static bool read_stdin(Arena *arena, Str *out)
{
  Buf buf;
  char chunk[1 << 16];
  buf_init(&buf,
           (size_t)REPLY_MAX_BYTES + 1);  // one more, so that the engine sees that it is too much
  for (ssize_t n; (n = read(STDIN_FILENO, chunk, sizeof(chunk))) != 0;) {
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;
    size_t room = buf.max - buf.len;
    buf_add(&buf, (Str){chunk, (size_t)n < room ? (size_t)n : room});
  }
  *out = buf_take(&buf, arena);
  buf_deinit(&buf);
  return true;
}

// --- telling -----------------------------------------------------------------------------------------

static const char *change_name(FileChange change)
{
  static const char *const names[] = {"edit", "new", "delete", "rename"};
  return names[change];
}

static const char *place_name(PlaceKind kind)
{
  static const char *const names[] = {"here", "moved", "done", "stale"};
  return names[kind];
}

static Value *hunk_json(Arena *arena, const PatchOutcome *file, size_t i)
{
  const Hunk *hunk = &file->patch->hunks.items[i];
  Value *out = value_map(arena);
  value_put_int(arena, out, S("old_start"), (int64_t)hunk->old_start);
  value_put_int(arena, out, S("old_lines"), (int64_t)hunk->old_len);
  value_put_int(arena, out, S("new_start"), (int64_t)hunk->new_start);
  value_put_int(arena, out, S("new_lines"), (int64_t)hunk->new_len);
  value_put_str(arena, out, S("located"), str_from(tier_name(file->patch->tiers[i])));
  value_put_str(arena, out, S("place"), str_from(place_name(file->places[i].kind)));
  value_put_int(arena, out, S("start"), (int64_t)file->places[i].start);
  return out;
}

static Value *file_json(Arena *arena, const PatchOutcome *file)
{
  Value *out = value_map(arena), *hunks = value_list(arena);
  value_put_str(arena, out, S("path"), file->patch->path);
  value_put_str(arena, out, S("change"), str_from(change_name(file->patch->change)));
  if (file->patch->renamed_from.len)
    value_put_str(arena, out, S("renamed_from"), file->patch->renamed_from);
  value_put_str(arena, out, S("located"), str_from(tier_name(file->patch->tier)));
  value_put_bool(arena, out, S("written"), file->written);
  value_set(out, S("hunks"), hunks);
  for (size_t i = 0; i < file->patch->hunks.len; i++) value_push(hunks, hunk_json(arena, file, i));
  return out;
}

static Value *refusal_json(Arena *arena, const Refusal *refusal)
{
  Value *out = value_map(arena);
  value_put_str(arena, out, S("code"), str_from(refuse_name(refusal->code)));
  value_put_int(arena, out, S("block"), (int64_t)refusal->block);
  if (refusal->path.len) value_put_str(arena, out, S("path"), refusal->path);
  if (refusal->line) value_put_int(arena, out, S("line"), (int64_t)refusal->line);
  value_put_str(arena, out, S("reason"), refusal->reason);
  return out;
}

static void tell_json(PatchRun *run)
{
  Arena *arena = &run->arena;
  Value *out = value_map(arena), *files = value_list(arena), *refusals = value_list(arena);
  value_put_int(arena, out, S("blocks"), (int64_t)run->result.blocks);
  value_put_bool(arena, out, S("abstained"), run->result.abstained);
  value_put_bool(arena, out, S("written"), run->written);
  value_set(out, S("files"), files);
  value_set(out, S("refusals"), refusals);
  for (size_t i = 0; i < run->files.len; i++)
    value_push(files, file_json(arena, &run->files.items[i]));
  for (size_t i = 0; i < run->result.refusals.len; i++) {
    value_push(refusals, refusal_json(arena, &run->result.refusals.items[i]));
  }
  Str text = json_str(arena, out);
  printf("%.*s\n", STR_ARG(text));
}

static void tell_text(const PatchRun *run)
{
  for (size_t i = 0; i < run->files.len; i++) {
    const PatchOutcome *file = &run->files.items[i];
    printf("%s %s %.*s: %zu hunk%s (%s)\n", file->written ? "written" : "would",
           change_name(file->patch->change), STR_ARG(file->patch->path), file->patch->hunks.len,
           plural(file->patch->hunks.len), tier_name(file->patch->tier));
  }
  if (run->result.abstained) printf("nothing to change, says the reply\n");
  for (size_t i = 0; i < run->result.refusals.len; i++) {
    const Refusal *refusal = &run->result.refusals.items[i];
    fprintf(stderr, "refused %s", refuse_name(refusal->code));
    if (refusal->block) fprintf(stderr, ", block %zu", refusal->block);
    fprintf(stderr, ": %.*s\n", STR_ARG(refusal->reason));
  }
}

int cli_patch(int argc, char **argv)
{
  Options options = {.root = "."};
  Error err = {0};
  int status = 0;
  arena_init(&options.run.arena);
  status = parse_options(&options, argc, argv);
  if (status) goto done;
  if (options.help) {
    fputs(usage, stdout);
    goto done;
  }
  Str reply;
  read_stdin(&options.run.arena, &reply);
  if (!patch_run(&options.run, options.root, options.base, reply, &err)) {
    cli_print_error(&err);
    status = err_exit_status(err.code);
  }
  if (status == 0 || options.run.result.refusals.len) {
    options.json ? tell_json(&options.run) : tell_text(&options.run);
    if (options.run.result.refusals.len) status = 1;
  }
done:
  patch_run_end(&options.run);
  return status;
}
