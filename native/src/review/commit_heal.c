// commit_heal.c: see commit_heal.h.
#include "review/commit_heal.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "lib/fs.h"
#include "review/git_chain.h"

enum { NOTE_MAX = 64 << 20, HOOK_MS = 10 * 60 * 1000 };

typedef struct {
  Arena arena;
  Engine *engine;
  GitChain chain;
  StrList dirs;  // left behind, to be looked at from [at] on
  size_t at;
  CommitAfter after;
  bool same;       // the index is as it was written down,
  bool back;       // or as it was to be in the end
  bool committed;  // HEAD has what the commit was to have
  OpDone *on_done;
  void *owner;
} Heal;

static void next_dir(void *owner, const Error *err);

// ---- what is written down -----------------------------------------------------------------------------

char *commit_after_dir(Arena *arena, const char *parent, Error *err)
{
  Str name = str_fmt(arena, "commit-%08x-%ld", fs_host_tag(), (long)getpid());
  return fs_temp_dir(arena, parent, name.ptr, err);
}

static char *note_path(Arena *arena, Str dir, const char *name)
{
  return path_join(arena, dir, str_from(name));
}

bool commit_after_write(Arena *arena, const char *dir, const CommitAfter *after, Error *err)
{
  Str in = str_from(dir);
  // `back` comes last: where it is, all is.
  return fs_write_atomic(note_path(arena, in, "was"), after->was, 0600, err) &&
         fs_write_atomic(note_path(arena, in, "made"), after->made, 0600, err) &&
         fs_write_atomic(note_path(arena, in, "back"), after->back, 0600, err);
}

static bool read_notes(Heal *h, Str dir)
{
  Arena *arena = &h->arena;
  return fs_read(arena, note_path(arena, dir, "back"), NOTE_MAX, &h->after.back, NULL) &&
         fs_read(arena, note_path(arena, dir, "made"), NOTE_MAX, &h->after.made, NULL) &&
         fs_read(arena, note_path(arena, dir, "was"), NOTE_MAX, &h->after.was, NULL);
}

// ---- steps --------------------------------------------------------------------------------------------

static void push_entries(Heal *h, StrList *argv, Str entries)
{
  GitEntry entry;
  for (Str path; git_next_entry(&entries, false, &entry, &path);) PUSH(&h->arena, argv, path);
}

static void push_paths(Heal *h, StrList *argv)
{
  PUSH(&h->arena, argv, S("--"));
  push_entries(h, argv, h->after.was);
  push_entries(h, argv, h->after.made);
}

static bool start_index(void *owner, StrList *argv, Buf *input)
{
  Heal *h = owner;
  (void)input;
  git_words(&h->arena, argv, WORDS("ls-files", "-s", "-z"));
  push_paths(h, argv);
  return true;
}

// Has the index what was to be put into it?
static bool is_back(Str index, Str back)
{
  for (Str one; str_cut(&back, '\0', &one) && one.len;) {
    Str mode, id, found = STR_NONE;
    if (!str_cut(&one, ' ', &mode) || !str_cut(&one, '\t', &id)) return false;
    GitEntry entry;
    for (Str rest = index, path; git_next_entry(&rest, false, &entry, &path);) {
      if (str_eq(path, one)) found = entry.id;
    }
    if (!str_eq(found, str_eq(mode, S("0")) ? STR_NONE : id)) return false;
  }
  return true;
}

static bool take_index(void *owner, Str out, Error *err)
{
  Heal *h = owner;
  (void)err;
  h->same = str_eq(out, h->after.was);
  h->back = is_back(out, h->after.back);
  return true;
}

static bool start_head(void *owner, StrList *argv, Buf *input)
{
  Heal *h = owner;
  (void)input;
  git_words(&h->arena, argv, WORDS("ls-tree", "-z", "HEAD"));
  push_paths(h, argv);
  return true;
}

// HEAD has of these paths what the commit was to have, and nothing else.
static bool take_head(void *owner, Str out, Error *err)
{
  Heal *h = owner;
  GitEntry in_head, made;
  Str path, made_path, rest = h->after.made;
  (void)err;
  bool same = true;
  while (same && git_next_entry(&out, true, &in_head, &path)) {
    same = git_next_entry(&rest, false, &made, &made_path) && str_eq(path, made_path) &&
           str_eq(in_head.id, made.id) && str_eq(in_head.mode, made.mode);
  }
  h->committed = same && !git_next_entry(&rest, false, &made, &made_path);
  return true;
}

static bool start_back(void *owner, StrList *argv, Buf *input)
{
  Heal *h = owner;
  git_words(&h->arena, argv, WORDS("update-index", "-z", "--index-info"));
  buf_add(input, h->after.back);
  return h->same && h->committed && h->after.back.len > 0;
}

static bool start_refresh(void *owner, StrList *argv, Buf *input)
{
  Heal *h = owner;
  (void)input;
  git_words(&h->arena, argv, WORDS("update-index", "-q", "--refresh"));
  return h->same && h->committed;
}

static const GitStep steps[] = {
    {"index", .start = start_index, .take = take_index},
    {"head", .may_fail = true, .start = start_head, .take = take_head},
    {"back", .start = start_back},
    {"refresh", .may_fail = true, .start = start_refresh},
};

// ---- one after the other ------------------------------------------------------------------------------

static void end(Heal *h)
{
  OpDone *on_done = h->on_done;
  void *owner = h->owner;
  Error fine = {0};
  arena_deinit(&h->arena);
  mem_free(h);
  on_done(owner, &fine);
}

static void drop(Str dir, Arena *arena)
{
  Error err = {0};
  if (!fs_remove_tree(str_z(arena, dir), &err)) log_warn("commit: %s", err.message);
}

// Starts with the next directory that has something to say; false when there is none.
static bool start_next(Heal *h)
{
  for (; h->at < h->dirs.len; h->at++) {
    Str dir = h->dirs.items[h->at];
    Error err = {0};
    h->same = h->back = h->committed = false;
    if (read_notes(h, dir) && git_chain_start(&h->chain, &err)) return true;
    if (err.code) log_warn("commit: %s", err.message);
    drop(dir, &h->arena);
  }
  return false;
}

static void tell(Heal *h, const char *state, Str note)
{
  Value *params = value_map(&h->arena);
  value_put_int(&h->arena, params, S("plan"), 0);
  value_put_str(&h->arena, params, S("state"), str_from(state));
  value_put_str(&h->arena, params, S("note"), note);
  engine_event(h->engine, S("commit"), params);
  log_info("commit: %.*s", STR_ARG(note));
}

// The index is the user's own by now: what it takes to make it know the commit.
static void tell_changed(Heal *h)
{
  StrList paths = {0};
  push_entries(h, &paths, h->after.made);
  push_entries(h, &paths, h->after.was);
  Str first = paths.len ? paths.items[0] : STR_NONE;
  Str more = paths.len > 1 ? S(" ...") : STR_NONE;
  tell(
      h, "left",
      str_fmt(&h->arena,
              "a commit was cut short and the index was changed since: where `git status` shows it "
              "taken back, `git reset -- %.*s%.*s` puts that right",
              STR_ARG(first), STR_ARG(more)));
}

// A killed engine's git may be waiting for a hook still: its commit may come.
static bool may_come(Heal *h, Str dir)
{
  int64_t at = fs_stat(note_path(&h->arena, dir, "back")).mtime_ns / 1000000;
  return !h->committed && h->same && wall_now_ms() - at < HOOK_MS;
}

static void next_dir(void *owner, const Error *err)
{
  Heal *h = owner;
  Str dir = h->dirs.items[h->at++];
  if (err->code) {
    tell(h, "left", str_fmt(&h->arena, "%s; the next commit or resume tries again", err->message));
  } else if (h->committed && h->same && !h->back) {
    tell(h, "healed", S("a commit that was cut short is finished: the index knows it"));
  } else if (h->committed && !h->same && !h->back) {
    tell_changed(h);
  }
  if (!err->code && !may_come(h, dir)) drop(dir, &h->arena);
  if (!start_next(h)) end(h);
}

static void find_left(Heal *h, const char *parent)
{
  StrList names = {0};
  if (!fs_list(&h->arena, parent, &names, NULL)) return;
  for (size_t i = 0; i < names.len; i++) {
    unsigned tag;
    long pid;
    char *name = str_z(&h->arena, names.items[i]);
    if (sscanf(name, "commit-%8x-%ld-", &tag, &pid) != 2 || !fs_process_gone(tag, pid)) continue;
    PUSH(&h->arena, &h->dirs, str_from(path_join(&h->arena, str_from(parent), names.items[i])));
  }
}

bool commit_heal(Engine *engine, Project *project, OpDone *on_done, void *owner)
{
  if (!project_repo(project)) return false;
  Heal *h = mem_alloc(sizeof(*h));
  *h = (Heal){.engine = engine, .on_done = on_done, .owner = owner};
  arena_init(&h->arena);
  find_left(h, path_join(&h->arena, repo_git_dir(project_repo(project)), S("piecework")));
  h->chain = (GitChain){.loop = engine->loop,
                        .arena = &h->arena,
                        .aim = "finish a commit that was cut short",
                        .cwd = str_z(&h->arena, project_root(project)),
                        .steps = steps,
                        .count = sizeof(steps) / sizeof(*steps),
                        .on_done = next_dir,
                        .owner = h};
  if (start_next(h)) return true;
  arena_deinit(&h->arena);
  mem_free(h);
  return false;
}
