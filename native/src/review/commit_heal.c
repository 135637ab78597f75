// commit_heal.c: see commit_heal.h.
#include "review/commit_heal.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "lib/fs.h"
#include "review/git_chain.h"

enum { NOTE_MAX = 64 << 20 };

typedef struct {
  Arena arena;
  Engine *engine;
  GitChain chain;
  StrList dirs;  // left behind, to be looked at from [at] on
  size_t at;
  CommitAfter after;
  bool same;  // so far all is as it was written down
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

static bool take_index(void *owner, Str out, Error *err)
{
  Heal *h = owner;
  (void)err;
  h->same = str_eq(out, h->after.was);
  return true;
}

static bool start_head(void *owner, StrList *argv, Buf *input)
{
  Heal *h = owner;
  (void)input;
  git_words(&h->arena, argv, WORDS("ls-tree", "-z", "HEAD"));
  push_paths(h, argv);
  return h->same;
}

// HEAD has of these paths what the commit was to have, and nothing else.
static bool take_head(void *owner, Str out, Error *err)
{
  Heal *h = owner;
  GitEntry in_head, made;
  Str path, made_path, rest = h->after.made;
  (void)err;
  while (h->same && git_next_entry(&out, true, &in_head, &path)) {
    h->same = git_next_entry(&rest, false, &made, &made_path) && str_eq(path, made_path) &&
              str_eq(in_head.id, made.id) && str_eq(in_head.mode, made.mode);
  }
  h->same = h->same && !git_next_entry(&rest, false, &made, &made_path);
  return true;
}

static bool start_back(void *owner, StrList *argv, Buf *input)
{
  Heal *h = owner;
  git_words(&h->arena, argv, WORDS("update-index", "-z", "--index-info"));
  buf_add(input, h->after.back);
  return h->same && h->after.back.len > 0;
}

static bool start_refresh(void *owner, StrList *argv, Buf *input)
{
  Heal *h = owner;
  (void)input;
  git_words(&h->arena, argv, WORDS("update-index", "-q", "--refresh"));
  return h->same;
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
    h->same = false;
    if (read_notes(h, dir) && git_chain_start(&h->chain, &err)) return true;
    if (err.code) log_warn("commit: %s", err.message);
    drop(dir, &h->arena);
  }
  return false;
}

static void next_dir(void *owner, const Error *err)
{
  Heal *h = owner;
  if (err->code) log_warn("commit: %s", err->message);
  if (h->same) log_info("the index knows a commit that was cut short");
  drop(h->dirs.items[h->at++], &h->arena);
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
