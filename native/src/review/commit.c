// commit.c: a commit as a chain of git commands, one step after the other. See commit.h.
//
//   staged   ls-files -s          what the user's index has for our paths
//   head     ls-tree HEAD         what HEAD has
//   filters  check-attr filter    files that git does not store as they are
//   smudged  cat-file --filters   those of HEAD as they would be checked out
//   texts    cat-file --batch     both as text                         -> commit_files_texts
//   blobs    hash-object -w       new blobs into the repository
//   base     read-tree HEAD       into a temporary index
//   put      update-index         our blobs into it
//   add      add -A               files taken as they are on disk
//   ready    ls-files -s          what the commit is to have: written down, with what is to be done after it
//   commit   commit -F            hooks and signing of the user
//   made     ls-files -s          what the commit has for our paths (hooks may have changed it)
//   back     update-index         the same into the user's own index, staged work kept
//   refresh  update-index         so that nothing looks modified
//   name     rev-parse HEAD       the commit's name
//
// Before `commit` nothing but loose objects was written, so a failure leaves nothing behind. When this process is
// killed behind it, the next commit does what is left to do (commit_heal.h).
#include "review/commit.h"

#include "base/log.h"
#include "lib/fs.h"
#include "review/commit_files.h"
#include "review/commit_heal.h"
#include "review/git_chain.h"

enum { SAID_LINES = 50 };  // of a hook that refused, kept in the log

typedef struct Commit Commit;

struct Commit {
  Arena arena;
  Engine *engine;
  Project *project;
  Review review;
  CommitFileList files;
  StrList notes;
  Str message, only;
  const char *dir;  // temporary: index, message, texts to hash
  GitChain chain;
  Str was;           // what `staged` said
  Str head_before;   // where HEAD was before `commit`
  Commit *next;      // of engine->commits
  Str name, output;  // the commit's; what git and hooks said
  OpDone *on_done;
  void *owner;
};

Str commit_without_comments(Arena *arena, Str message)
{
  StrList lines = {0};
  for (Str rest = message, line; str_line(&rest, &line);) {
    if (!str_starts(line, S("#"))) PUSH(arena, &lines, str_trim_end(line));
  }
  return str_trim(str_join(arena, &lines, S("\n")));
}

// --- steps ------------------------------------------------------------------------------------------

static void push_paths(Commit *c, StrList *argv, bool only_on_disk)
{
  PUSH(&c->arena, argv, S("--"));
  for (size_t i = 0; i < c->files.len; i++) {
    if (!only_on_disk || c->files.items[i].on_disk) PUSH(&c->arena, argv, c->files.items[i].path);
  }
}

static CommitFile *find_file(Commit *c, Str path)
{
  for (size_t i = 0; i < c->files.len; i++) {
    if (str_eq(c->files.items[i].path, path)) return &c->files.items[i];
  }
  return NULL;
}

static bool start_staged(void *owner, StrList *argv, Buf *input)
{
  Commit *c = owner;
  (void)input;
  git_words(&c->arena, argv, WORDS("ls-files", "-s", "-z"));
  push_paths(c, argv, false);
  return true;
}

static bool take_staged(void *owner, Str out, Error *err)
{
  Commit *c = owner;
  (void)err;
  GitEntry entry;
  c->was = str_dup(&c->arena, out);
  for (Str rest = c->was, path; git_next_entry(&rest, false, &entry, &path);) {
    CommitFile *file = find_file(c, path);
    if (file) file->staged = entry;
  }
  return true;
}

static bool start_head(void *owner, StrList *argv, Buf *input)
{
  Commit *c = owner;
  (void)input;
  if (!repo_has_head(project_repo(c->project))) return false;
  git_words(&c->arena, argv, WORDS("ls-tree", "-z", "HEAD"));
  push_paths(c, argv, false);
  return true;
}

static bool take_head(void *owner, Str out, Error *err)
{
  Commit *c = owner;
  (void)err;
  GitEntry entry;
  for (Str rest = str_dup(&c->arena, out), path; git_next_entry(&rest, true, &entry, &path);) {
    CommitFile *file = find_file(c, path);
    if (file) file->head = entry;
  }
  return true;
}

static bool start_texts(void *owner, StrList *argv, Buf *input)
{
  Commit *c = owner;
  git_words(&c->arena, argv, WORDS("cat-file", "--batch"));
  for (size_t i = 0; i < c->files.len; i++) {
    const CommitFile *file = &c->files.items[i];
    if (file->head.id.len) buf_fmt(input, "%.*s\n", STR_ARG(file->head.id));
    if (file->staged.id.len) buf_fmt(input, "%.*s\n", STR_ARG(file->staged.id));
  }
  return true;  // also with nothing to ask: what follows sorts out files git does not know
}

static bool start_filters(void *owner, StrList *argv, Buf *input)
{
  Commit *c = owner;
  git_words(&c->arena, argv, WORDS("check-attr", "-z", "--stdin", "filter"));
  for (size_t i = 0; i < c->files.len; i++) {
    buf_add(input, c->files.items[i].path);
    buf_add_char(input, '\0');
  }
  return true;
}

// "PATH\0filter\0VALUE\0", in the order asked.
static bool take_filters(void *owner, Str out, Error *err)
{
  Commit *c = owner;
  (void)err;
  Str rest = out, path, name, value;
  while (str_cut(&rest, '\0', &path) && str_cut(&rest, '\0', &name) &&
         str_cut(&rest, '\0', &value)) {
    CommitFile *file = find_file(c, path);
    if (file) file->filtered = !str_eq(value, S("unspecified")) && !str_eq(value, S("unset"));
  }
  return true;
}

static bool is_smudged(const CommitFile *file)
{
  return file->filtered && file->head.id.len && str_find_char(file->path, '\n') == STR_NOT_FOUND;
}

static bool start_smudged(void *owner, StrList *argv, Buf *input)
{
  Commit *c = owner;
  git_words(&c->arena, argv, WORDS("cat-file", "--batch", "--filters"));
  for (size_t i = 0; i < c->files.len; i++) {
    const CommitFile *file = &c->files.items[i];
    if (is_smudged(file))
      buf_fmt(input, "%.*s %.*s\n", STR_ARG(file->head.id), STR_ARG(file->path));
  }
  return input->len > 0;
}

// "ID TYPE SIZE\n" and SIZE bytes and "\n".
static bool next_blob(Str *rest, Str *bytes, Error *err)
{
  Str head, word;
  uint64_t size = 0;
  bool ok = str_line(rest, &head);
  for (int i = 0; i < 3; i++) ok = ok && str_cut(&head, ' ', &word);
  if (!ok || !str_to_u64(word, &size) || size >= rest->len) {
    return error_set(err, ERR_GIT, "git cat-file said something unexpected");
  }
  *bytes = str_sub(*rest, 0, (size_t)size);
  *rest = str_skip(*rest, (size_t)size + 1);
  return true;
}

static bool take_texts(void *owner, Str out, Error *err)
{
  Commit *c = owner;
  Str rest = str_dup(&c->arena, out);
  for (size_t i = 0; i < c->files.len; i++) {
    CommitFile *file = &c->files.items[i];
    if (file->head.id.len && !next_blob(&rest, &file->head_text, err)) return false;
    if (file->staged.id.len && !next_blob(&rest, &file->staged_text, err)) return false;
  }
  return true;
}

static bool take_smudged(void *owner, Str out, Error *err)
{
  Commit *c = owner;
  Str rest = str_dup(&c->arena, out);
  for (size_t i = 0; i < c->files.len; i++) {
    CommitFile *file = &c->files.items[i];
    if (is_smudged(file) && !next_blob(&rest, &file->smudged_text, err)) return false;
  }
  return true;
}

static bool hash_one(Commit *c, Str text, size_t number, Buf *input)
{
  Error err = {0};
  Str name = str_fmt(&c->arena, "%s/text-%zu", c->dir, number);
  buf_fmt(input, "%.*s\n", STR_ARG(name));
  if (fs_write_atomic(name.ptr, text, 0600, &err)) return true;
  log_error("commit: %s", err.message);  // hash-object then names the missing file
  return false;
}

static bool start_blobs(void *owner, StrList *argv, Buf *input)
{
  Commit *c = owner;
  git_words(&c->arena, argv, WORDS("hash-object", "-w", "--no-filters", "--stdin-paths"));
  for (size_t i = 0; i < c->files.len; i++) {
    const CommitFile *file = &c->files.items[i];
    if (!file->on_disk) hash_one(c, file->text, 2 * i, input);
    if (file->index_text.ptr) hash_one(c, file->index_text, 2 * i + 1, input);
  }
  return input->len > 0;
}

static bool take_blobs(void *owner, Str out, Error *err)
{
  Commit *c = owner;
  Str rest = str_dup(&c->arena, out);
  for (size_t i = 0; i < c->files.len; i++) {
    CommitFile *file = &c->files.items[i];
    bool ok = file->on_disk || str_line(&rest, &file->id);
    if (ok && file->index_text.ptr) ok = str_line(&rest, &file->index_id);
    if (!ok) return error_set(err, ERR_GIT, "git hash-object said something unexpected");
  }
  return true;
}

static bool start_base(void *owner, StrList *argv, Buf *input)
{
  Commit *c = owner;
  (void)input;
  bool head = repo_has_head(project_repo(c->project));
  git_words(&c->arena, argv, head ? WORDS("read-tree", "HEAD") : WORDS("read-tree", "--empty"));
  return true;
}

static void put_entry(Buf *input, Str mode, Str id, Str path)
{
  buf_fmt(input, "%.*s %.*s\t%.*s", STR_ARG(mode), STR_ARG(id), STR_ARG(path));
  buf_add_char(input, '\0');
}

static bool start_put(void *owner, StrList *argv, Buf *input)
{
  Commit *c = owner;
  git_words(&c->arena, argv, WORDS("update-index", "-z", "--index-info"));
  for (size_t i = 0; i < c->files.len; i++) {
    const CommitFile *file = &c->files.items[i];
    if (!file->on_disk) put_entry(input, file->head.mode, file->id, file->path);
  }
  return input->len > 0;
}

static bool start_add(void *owner, StrList *argv, Buf *input)
{
  Commit *c = owner;
  (void)input;
  git_words(&c->arena, argv, WORDS("add", "-A"));
  size_t before = argv->len;
  push_paths(c, argv, true);
  return argv->len > before + 1;
}

static bool start_commit(void *owner, StrList *argv, Buf *input)
{
  Commit *c = owner;
  (void)input;
  c->head_before = repo_head(project_repo(c->project), &c->arena);
  Str file = str_fmt(&c->arena, "%s/message", c->dir);
  git_words(&c->arena, argv, WORDS("commit", "--cleanup=whitespace", "-F"));
  PUSH(&c->arena, argv, file);
  return true;
}

// Killed behind the commit: it is there.
static bool commit_is_made(void *owner)
{
  Commit *c = owner;
  return !str_eq(repo_head(project_repo(c->project), &c->arena), c->head_before);
}

static bool take_commit(void *owner, Str out, Error *err)
{
  Commit *c = owner;
  (void)err;
  c->output = str_dup(&c->arena, str_trim(out));
  return true;
}

static bool take_made(void *owner, Str out, Error *err)
{
  Commit *c = owner;
  (void)err;
  GitEntry entry;
  for (size_t i = 0; i < c->files.len; i++) c->files.items[i].id = STR_NONE;
  for (Str rest = str_dup(&c->arena, out), path; git_next_entry(&rest, false, &entry, &path);) {
    CommitFile *file = find_file(c, path);
    if (!file) continue;
    file->id = entry.id;
    file->mode = entry.mode;
  }
  return true;
}

// The user has `git rm --cached` it.
static bool removal_is_staged(const CommitFile *file)
{
  return file->head.id.len && !file->staged.id.len;
}

static Str mode_after(const CommitFile *file)
{
  bool mode_is_staged = file->head.id.len && !str_eq(file->staged.mode, file->head.mode);
  return mode_is_staged ? file->staged.mode : file->mode;
}

// The user's index: what was staged of a path stays, on top of the commit.
static void put_back(const Commit *c, Buf *input)
{
  static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
  for (size_t i = 0; i < c->files.len; i++) {
    const CommitFile *file = &c->files.items[i];
    if (removal_is_staged(file)) continue;
    if (file->index_id.len) {
      put_entry(input, mode_after(file), file->index_id, file->path);
    } else if (file->id.len) {
      put_entry(input, mode_after(file), file->id, file->path);
    } else if (file->staged.id.len) {
      put_entry(input, S("0"), str_sub(str_from(zeros), 0, file->staged.id.len), file->path);
    }
  }
}

static bool start_back(void *owner, StrList *argv, Buf *input)
{
  Commit *c = owner;
  git_words(&c->arena, argv, WORDS("update-index", "-z", "--index-info"));
  put_back(c, input);
  return input->len > 0;
}

static bool changes_head(const Commit *c)
{
  for (size_t i = 0; i < c->files.len; i++) {
    const CommitFile *file = &c->files.items[i];
    if (!str_eq(file->id, file->head.id)) return true;
  }
  return false;
}

#define ALL_IN_HEAD "all it applied is in HEAD already"

bool commit_all_in_head(const Error *err)
{
  return err->code == ERR_REFUSED && str_eq(str_from(error_hint(err)), S(ALL_IN_HEAD));
}

// What is to be done to the user's index, written down before the commit is there.
static bool take_ready(void *owner, Str out, Error *err)
{
  Commit *c = owner;
  Buf back;
  if (!take_made(c, out, err)) return false;
  if (!changes_head(c)) {
    error_set(err, ERR_REFUSED, "nothing of plan %lld is left to commit",
              (long long)c->review.plan);
    return error_hint_set(err, ALL_IN_HEAD);
  }
  buf_init(&back, 16 << 20);
  put_back(c, &back);
  CommitAfter after = {.was = c->was, .made = out, .back = buf_str(&back)};
  bool ok = commit_after_write(&c->arena, c->dir, &after, err);
  buf_deinit(&back);
  return ok;
}

static bool start_refresh(void *owner, StrList *argv, Buf *input)
{
  Commit *c = owner;
  (void)input;
  git_words(&c->arena, argv, WORDS("update-index", "-q", "--refresh"));
  return true;
}

static bool start_name(void *owner, StrList *argv, Buf *input)
{
  Commit *c = owner;
  (void)input;
  git_words(&c->arena, argv, WORDS("rev-parse", "HEAD"));
  return true;
}

static bool take_name(void *owner, Str out, Error *err)
{
  Commit *c = owner;
  (void)err;
  c->name = str_dup(&c->arena, str_trim(out));
  return true;
}

static bool after_texts(void *owner, Str out, Error *err)
{
  Commit *c = owner;
  return take_texts(c, out, err) &&
         commit_files_texts(c->project, &c->review, c->only, &c->arena, &c->files, &c->notes, err);
}

static const GitStep steps[] = {
    {"staged", .start = start_staged, .take = take_staged},
    {"head", .start = start_head, .take = take_head},
    {"filters", .start = start_filters, .take = take_filters},
    {"smudged", .start = start_smudged, .take = take_smudged},
    {"texts", .start = start_texts, .take = after_texts},
    {"blobs", .start = start_blobs, .take = take_blobs},
    {"base", .temporary = true, .start = start_base},
    {"put", .temporary = true, .start = start_put},
    {"add", .temporary = true, .start = start_add},
    {"ready", .temporary = true, .start = start_staged, .take = take_ready},
    {"commit", .temporary = true, .spoken = true, .start = start_commit, .take = take_commit,
     .done = commit_is_made},
    {"made", .temporary = true, .start = start_staged, .take = take_made},
    {"back", .start = start_back},
    {"refresh", .may_fail = true, .start = start_refresh},
    {"name", .start = start_name, .take = take_name},
};
enum { STEP_COUNT = sizeof(steps) / sizeof(*steps) };

// --- the end ------------------------------------------------------------------------------------------

static void tell(Commit *c, const Error *err)
{
  if (c->only.len && commit_all_in_head(err)) return;  // a step of commit_tasks.c, and no failure
  int64_t plan = c->review.plan;
  Value *params = value_map(&c->arena);
  value_put_int(&c->arena, params, S("plan"), plan);
  value_put_str(&c->arena, params, S("state"), err->code == ERR_OK ? S("done") : S("failed"));
  value_put_str(&c->arena, params, S("commit"), c->name);
  Str note = err->code == ERR_OK ? str_join(&c->arena, &c->notes, S("; ")) : str_from(err->message);
  value_put_str(&c->arena, params, S("note"), note);
  value_put_str(&c->arena, params, S("output"), c->output.len ? c->output : c->chain.said);
  engine_event(c->engine, S("commit"), params);
  journal_log(c->engine->journal, plan, S("commit"), STR_NONE, "%s %.*s",
              err->code == ERR_OK ? "committed" : "failed:",
              STR_ARG(err->code == ERR_OK ? c->name : str_from(err->message)));
  Str line;
  int lines = 0;
  for (Str rest = c->chain.said; lines++ < SAID_LINES && str_line(&rest, &line);)
    journal_log(c->engine->journal, plan, S("commit"), STR_NONE, "git: %.*s", STR_ARG(line));
}

static void commit_free(Commit *c)
{
  Error err = {0};
  if (c->dir && !fs_remove_tree(c->dir, &err)) log_warn("commit: %s", err.message);
  arena_deinit(&c->arena);
  mem_free(c);
}

static void unlink_commit(Commit *c)
{
  Commit **at = &c->engine->commits;
  while (*at && *at != c) at = &(*at)->next;
  if (*at) *at = c->next;
}

void commit_stop(Engine *engine, int64_t plan)
{
  for (Commit *c = engine->commits; c; c = c->next) {
    if (!plan || c->review.plan == plan) git_chain_stop(&c->chain);
  }
}

static void finish(void *owner_of_chain, const Error *err)
{
  Commit *c = owner_of_chain;
  unlink_commit(c);
  OpDone *on_done = c->on_done;
  void *owner = c->owner;
  tell(c, err);
  commit_free(c);
  on_done(owner, err);
}

// --- start ------------------------------------------------------------------------------------------

// Commits in the middle of these would become part of something else.
static bool git_is_free(Commit *c, Error *err)
{
  static const char *const marks[][2] = {
      {"MERGE_HEAD", "merge"},    {"rebase-merge", "rebase"},
      {"rebase-apply", "rebase"}, {"CHERRY_PICK_HEAD", "cherry-pick"},
      {"REVERT_HEAD", "revert"},
  };
  Str dir = repo_git_dir(project_repo(c->project));
  for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
    if (!fs_exists(path_join(&c->arena, dir, str_from(marks[i][0])))) continue;
    error_set(err, ERR_REFUSED, "git is in the middle of a %s", marks[i][1]);
    return error_hint_set(err, "finish or abort it, then commit");
  }
  return true;
}

static bool make_dir(Commit *c, Error *err)
{
  char *parent = path_join(&c->arena, repo_git_dir(project_repo(c->project)), S("piecework"));
  if (!fs_mkdirs(parent, err)) return false;
  c->dir = commit_after_dir(&c->arena, parent, err);
  if (!c->dir) return false;
  Str text = str_cat(&c->arena, c->message, S("\n"));
  return fs_write_atomic(path_join(&c->arena, str_from(c->dir), S("message")), text, 0600, err);
}

static bool prepare(Commit *c, int64_t plan, Str message, Error *err)
{
  c->project = engine_project_of_plan(c->engine, plan, err);
  if (!c->project) return false;
  if (!project_repo(c->project)) {
    error_set(err, ERR_GIT, "%.*s is not a git repository", STR_ARG(project_root(c->project)));
    return error_hint_set(err, "apply works without git; commit needs `git init`");
  }
  c->message = str_trim(str_dup(&c->arena, message));
  if (!c->message.len) return error_set(err, ERR_CANCELLED, "empty message: nothing is committed");
  return git_is_free(c, err) && review_build(c->engine, plan, &c->arena, &c->review, err) &&
         commit_files_find(c->engine, &c->review, c->only, &c->arena, &c->files, err) &&
         make_dir(c, err);
}

static bool begin(Commit *c, Error *err)
{
  bool stopped = c->chain.stopped;  // while an earlier one was healed
  c->chain = (GitChain){.loop = c->engine->loop,
                        .arena = &c->arena,
                        .aim = "commit",
                        .cwd = str_z(&c->arena, project_root(c->project)),
                        .index = path_join(&c->arena, str_from(c->dir), S("index")),
                        .steps = steps,
                        .count = STEP_COUNT,
                        .on_done = finish,
                        .owner = c};
  c->chain.stopped = stopped;
  return git_chain_start(&c->chain, err);
}

// Nothing is lost when an earlier commit could not be finished: that was told, and will be tried again.
static void healed(void *owner, const Error *ignored)
{
  Commit *c = owner;
  Error err = {0};
  (void)ignored;
  if (!begin(c, &err)) finish(c, &err);
}

bool commit_start(Engine *engine, int64_t plan, Str only, Str message, OpDone *on_done, void *owner,
                  Error *err)
{
  Commit *c = mem_alloc(sizeof(Commit));
  c->engine = engine;
  c->on_done = on_done;
  c->owner = owner;
  arena_init(&c->arena);
  c->only = str_dup(&c->arena, only);
  if (prepare(c, plan, message, err)) {
    c->next = engine->commits;
    engine->commits = c;
    if (commit_heal(engine, c->project, healed, c) || begin(c, err)) return true;
  }
  unlink_commit(c);
  commit_free(c);
  return false;
}
