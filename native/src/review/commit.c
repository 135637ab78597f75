// commit.c: a commit as a chain of git commands, one step after the other. See commit.h.
//
//   staged   ls-files -s          what the user's index has for our paths
//   head     ls-tree HEAD         what HEAD has
//   texts    cat-file --batch     both as text                         -> commit_files_texts
//   blobs    hash-object -w       new blobs into the repository
//   base     read-tree HEAD       into a temporary index
//   put      update-index         our blobs into it
//   add      add -A               files taken as they are on disk
//   commit   commit -F            hooks and signing of the user
//   made     ls-files -s          what the commit has for our paths (hooks may have changed it)
//   back     update-index         the same into the user's own index, staged work kept
//   refresh  update-index         so that nothing looks modified
//   name     rev-parse HEAD       the commit's name
//
// Each step starts one process and reads its output; a failed one ends the chain. Before `commit` nothing
// but loose objects was written, so a failure leaves nothing behind.
#include "review/commit.h"

#include "base/log.h"
#include "lib/fs.h"
#include "lib/process.h"
#include "review/commit_files.h"

enum { COMMIT_OUTPUT_MAX = 64 << 20 };

typedef struct Commit Commit;

typedef struct {
  const char *name;
  bool temporary;  // works on the temporary index
  bool may_fail;
  bool (*start)(Commit *c, StrList *argv, Buf *input);  // false: nothing to do in this step
  bool (*take)(Commit *c, Str out, Error *err);         // may be NULL
} CommitStep;

struct Commit {
  Arena arena;
  Engine *engine;
  Project *project;
  Review review;
  CommitFileList files;
  StrList notes;
  Str message;
  const char *dir;  // temporary: index, message, texts to hash
  size_t step;
  Buf input;         // of the running process
  Str name, output;  // the commit's; what git and hooks said
  OpDone *on_done;
  void *owner;
};

static void run_from(Commit *c, size_t step);

static Str clean_message(Arena *arena, Str message)
{
  StrList lines = {0};
  for (Str rest = message, line; str_line(&rest, &line);) {
    if (!str_starts(line, S("#"))) PUSH(arena, &lines, str_trim_end(line));
  }
  return str_trim(str_join(arena, &lines, S("\n")));
}

// --- steps ------------------------------------------------------------------------------------------

static void push_words(Commit *c, StrList *argv, const char *const *words)
{
  for (; *words; words++) PUSH(&c->arena, argv, str_from(*words));
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

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

// "MODE ID STAGE\tPATH" (ls-files) or "MODE TYPE ID\tPATH" (ls-tree), each ended by NUL.
static bool next_entry(Str *rest, bool tree, GitEntry *entry, Str *path)
{
  Str one;
  while (str_cut(rest, '\0', &one) && one.len) {
    Str mode, second, third;
    if (!str_cut(&one, ' ', &mode) || !str_cut(&one, ' ', &second) || !str_cut(&one, '\t', &third))
      continue;
    *entry = (GitEntry){mode, tree ? third : second};
    *path = one;
    return true;
  }
  return false;
}

static bool start_staged(Commit *c, StrList *argv, Buf *input)
{
  (void)input;
  push_words(c, argv, WORDS("ls-files", "-s", "-z"));
  push_paths(c, argv, false);
  return true;
}

static bool take_staged(Commit *c, Str out, Error *err)
{
  (void)err;
  GitEntry entry;
  for (Str rest = str_dup(&c->arena, out), path; next_entry(&rest, false, &entry, &path);) {
    CommitFile *file = find_file(c, path);
    if (file) file->staged = entry;
  }
  return true;
}

static bool start_head(Commit *c, StrList *argv, Buf *input)
{
  (void)input;
  if (!repo_has_head(project_repo(c->project))) return false;
  push_words(c, argv, WORDS("ls-tree", "-z", "HEAD"));
  push_paths(c, argv, false);
  return true;
}

static bool take_head(Commit *c, Str out, Error *err)
{
  (void)err;
  GitEntry entry;
  for (Str rest = str_dup(&c->arena, out), path; next_entry(&rest, true, &entry, &path);) {
    CommitFile *file = find_file(c, path);
    if (file) file->head = entry;
  }
  return true;
}

static bool start_texts(Commit *c, StrList *argv, Buf *input)
{
  push_words(c, argv, WORDS("cat-file", "--batch"));
  for (size_t i = 0; i < c->files.len; i++) {
    const CommitFile *file = &c->files.items[i];
    if (file->head.id.len) buf_fmt(input, "%.*s\n", STR_ARG(file->head.id));
    if (file->staged.id.len) buf_fmt(input, "%.*s\n", STR_ARG(file->staged.id));
  }
  return true;  // also with nothing to ask: what follows sorts out files git does not know
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

static bool take_texts(Commit *c, Str out, Error *err)
{
  Str rest = str_dup(&c->arena, out);
  for (size_t i = 0; i < c->files.len; i++) {
    CommitFile *file = &c->files.items[i];
    if (file->head.id.len && !next_blob(&rest, &file->head_text, err)) return false;
    if (file->staged.id.len && !next_blob(&rest, &file->staged_text, err)) return false;
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

static bool start_blobs(Commit *c, StrList *argv, Buf *input)
{
  push_words(c, argv, WORDS("hash-object", "-w", "--no-filters", "--stdin-paths"));
  for (size_t i = 0; i < c->files.len; i++) {
    const CommitFile *file = &c->files.items[i];
    if (file->on_disk) continue;
    hash_one(c, file->text, 2 * i, input);
    if (file->index_text.ptr) hash_one(c, file->index_text, 2 * i + 1, input);
  }
  return input->len > 0;
}

static bool take_blobs(Commit *c, Str out, Error *err)
{
  Str rest = str_dup(&c->arena, out);
  for (size_t i = 0; i < c->files.len; i++) {
    CommitFile *file = &c->files.items[i];
    if (file->on_disk) continue;
    bool ok = str_line(&rest, &file->id);
    if (ok && file->index_text.ptr) ok = str_line(&rest, &file->index_id);
    if (!ok) return error_set(err, ERR_GIT, "git hash-object said something unexpected");
  }
  return true;
}

static bool start_base(Commit *c, StrList *argv, Buf *input)
{
  (void)input;
  bool head = repo_has_head(project_repo(c->project));
  push_words(c, argv, head ? WORDS("read-tree", "HEAD") : WORDS("read-tree", "--empty"));
  return true;
}

static void put_entry(Buf *input, Str mode, Str id, Str path)
{
  buf_fmt(input, "%.*s %.*s\t%.*s", STR_ARG(mode), STR_ARG(id), STR_ARG(path));
  buf_add_char(input, '\0');
}

static bool start_put(Commit *c, StrList *argv, Buf *input)
{
  push_words(c, argv, WORDS("update-index", "-z", "--index-info"));
  for (size_t i = 0; i < c->files.len; i++) {
    const CommitFile *file = &c->files.items[i];
    if (!file->on_disk) put_entry(input, file->head.mode, file->id, file->path);
  }
  return input->len > 0;
}

static bool start_add(Commit *c, StrList *argv, Buf *input)
{
  (void)input;
  push_words(c, argv, WORDS("add", "-A"));
  size_t before = argv->len;
  push_paths(c, argv, true);
  return argv->len > before + 1;
}

static bool start_commit(Commit *c, StrList *argv, Buf *input)
{
  (void)input;
  Str file = str_fmt(&c->arena, "%s/message", c->dir);
  push_words(c, argv, WORDS("commit", "--cleanup=whitespace", "-F"));
  PUSH(&c->arena, argv, file);
  return true;
}

static bool take_commit(Commit *c, Str out, Error *err)
{
  (void)err;
  c->output = str_dup(&c->arena, str_trim(out));
  return true;
}

static bool take_made(Commit *c, Str out, Error *err)
{
  (void)err;
  GitEntry entry;
  for (size_t i = 0; i < c->files.len; i++) c->files.items[i].id = STR_NONE;
  for (Str rest = str_dup(&c->arena, out), path; next_entry(&rest, false, &entry, &path);) {
    CommitFile *file = find_file(c, path);
    if (!file) continue;
    file->id = entry.id;
    file->head.mode = entry.mode;
  }
  return true;
}

// The user's index: what was staged of a path stays, on top of the commit.
static bool start_back(Commit *c, StrList *argv, Buf *input)
{
  static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
  push_words(c, argv, WORDS("update-index", "-z", "--index-info"));
  for (size_t i = 0; i < c->files.len; i++) {
    const CommitFile *file = &c->files.items[i];
    if (file->index_id.len) {
      put_entry(input, file->staged.mode, file->index_id, file->path);
    } else if (file->id.len) {
      put_entry(input, file->head.mode, file->id, file->path);
    } else if (file->staged.id.len) {
      put_entry(input, S("0"), str_sub(str_from(zeros), 0, file->staged.id.len), file->path);
    }
  }
  return input->len > 0;
}

static bool start_refresh(Commit *c, StrList *argv, Buf *input)
{
  (void)input;
  push_words(c, argv, WORDS("update-index", "-q", "--refresh"));
  return true;
}

static bool start_name(Commit *c, StrList *argv, Buf *input)
{
  (void)input;
  push_words(c, argv, WORDS("rev-parse", "HEAD"));
  return true;
}

static bool take_name(Commit *c, Str out, Error *err)
{
  (void)err;
  c->name = str_dup(&c->arena, str_trim(out));
  return true;
}

static bool after_texts(Commit *c, Str out, Error *err)
{
  return take_texts(c, out, err) &&
         commit_files_texts(&c->review, &c->arena, &c->files, &c->notes, err);
}

static const CommitStep steps[] = {
    {"staged", false, false, start_staged, take_staged},
    {"head", false, false, start_head, take_head},
    {"texts", false, false, start_texts, after_texts},
    {"blobs", false, false, start_blobs, take_blobs},
    {"base", true, false, start_base, NULL},
    {"put", true, false, start_put, NULL},
    {"add", true, false, start_add, NULL},
    {"commit", true, false, start_commit, take_commit},
    {"made", true, false, start_staged, take_made},
    {"back", false, false, start_back, NULL},
    {"refresh", false, true, start_refresh, NULL},
    {"name", false, false, start_name, take_name},
};
enum { STEP_COUNT = sizeof(steps) / sizeof(*steps) };

// --- the chain --------------------------------------------------------------------------------------

static void tell(Commit *c, const Error *err)
{
  int64_t plan = c->review.plan;
  Value *params = value_map(&c->arena);
  value_put_int(&c->arena, params, S("plan"), plan);
  value_put_str(&c->arena, params, S("state"), err->code == ERR_OK ? S("done") : S("failed"));
  value_put_str(&c->arena, params, S("commit"), c->name);
  Str note = err->code == ERR_OK ? str_join(&c->arena, &c->notes, S("; ")) : str_from(err->message);
  value_put_str(&c->arena, params, S("note"), note);
  value_put_str(&c->arena, params, S("output"), c->output);
  engine_event(c->engine, S("commit"), params);
  journal_log(c->engine->journal, plan, S("commit"), STR_NONE, "%s %.*s",
              err->code == ERR_OK ? "committed" : "failed:",
              STR_ARG(err->code == ERR_OK ? c->name : str_from(err->message)));
}

static void commit_free(Commit *c)
{
  Error err = {0};
  if (c->dir && !fs_remove_tree(c->dir, &err)) log_warn("commit: %s", err.message);
  buf_deinit(&c->input);
  arena_deinit(&c->arena);
  mem_free(c);
}

static void finish(Commit *c, const Error *err)
{
  OpDone *on_done = c->on_done;
  void *owner = c->owner;
  tell(c, err);
  commit_free(c);
  on_done(owner, err);
}

// Git's last words, which name the reason.
static void git_failed(Commit *c, const CommitStep *step, const ProcessResult *result, Error *err)
{
  Str all = str_trim(result->output), last = STR_NONE;
  c->output = str_dup(&c->arena, all);
  for (Str rest = all, line; str_line(&rest, &line);) {
    if (str_trim(line).len && !str_starts(line, S("hint:"))) last = str_trim(line);
  }
  if (!last.len) last = str_fmt(&c->arena, "exit status %d", result->status);
  error_set(err, ERR_GIT, "git could not commit (%s): %.*s", step->name, STR_ARG(last));
  error_hint_set(err, "see :Piecework log; nothing was committed, staged work is as it was");
}

static void on_process(void *owner, const ProcessResult *result)
{
  Commit *c = owner;
  const CommitStep *step = &steps[c->step];
  Error err = {0};
  bool failed = result->status != 0 && !step->may_fail;
  if (failed) git_failed(c, step, result, &err);
  // A commit says what it did on stdout, its hooks on stderr: both belong to its output.
  Str out = step->take == take_commit ? result->output : result->out;
  if (!failed && step->take) step->take(c, out, &err);
  if (err.code != ERR_OK) {
    finish(c, &err);
    return;
  }
  run_from(c, c->step + 1);
}

static bool start_process(Commit *c, const CommitStep *step, const StrList *words, Error *err)
{
  const char **argv = NEW_N(&c->arena, const char *, words->len + 2);
  argv[0] = "git";
  for (size_t i = 0; i < words->len; i++) argv[i + 1] = str_z(&c->arena, words->items[i]);
  const char **env = NEW_N(&c->arena, const char *, 4);
  env[0] = "GIT_LITERAL_PATHSPECS=1";
  env[1] = "GIT_EDITOR=:";
  if (step->temporary) env[2] = str_fmt(&c->arena, "GIT_INDEX_FILE=%s/index", c->dir).ptr;
  static const char *const drop[] = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX",
                                     NULL};
  ProcessSpec spec = {
      .argv = argv,
      .cwd = str_z(&c->arena, project_root(c->project)),
      .env_drop = drop,
      .env_add = env,
      .input = buf_str(&c->input),
      .max_output = COMMIT_OUTPUT_MAX,
      .split = true,
      .on_done = on_process,
      .owner = c,
  };
  return process_start(c->engine->loop, spec, err) != NULL;
}

// The next step that has something to do.
static bool start_step(Commit *c, size_t step, Error *err)
{
  for (; step < STEP_COUNT; step++) {
    StrList words = {0};
    buf_clear(&c->input);
    c->step = step;
    if (steps[step].start(c, &words, &c->input)) return start_process(c, &steps[step], &words, err);
  }
  c->step = STEP_COUNT;
  return true;
}

static void run_from(Commit *c, size_t step)
{
  Error err = {0};
  if (start_step(c, step, &err) && c->step < STEP_COUNT) return;
  finish(c, &err);
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
  c->dir = fs_temp_dir(&c->arena, parent, "commit-", err);
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
  c->message = clean_message(&c->arena, str_dup(&c->arena, message));
  if (!c->message.len) return error_set(err, ERR_CANCELLED, "empty message: nothing is committed");
  return git_is_free(c, err) && review_build(c->engine, plan, &c->arena, &c->review, err) &&
         commit_files_find(c->engine, &c->review, &c->arena, &c->files, err) && make_dir(c, err);
}

bool commit_start(Engine *engine, int64_t plan, Str message, OpDone *on_done, void *owner,
                  Error *err)
{
  Commit *c = mem_alloc(sizeof(Commit));
  c->engine = engine;
  c->on_done = on_done;
  c->owner = owner;
  arena_init(&c->arena);
  buf_init(&c->input, 16 << 20);
  if (prepare(c, plan, message, err) && start_step(c, 0, err)) return true;
  commit_free(c);
  return false;
}
