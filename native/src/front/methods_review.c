// methods_review.c: review/* and commit/*: decisions, edits for buffers, the commit.
#include "front/serve.h"
#include "front/values.h"
#include "review/apply.h"
#include "review/commit.h"

enum { DIFF_MAX = 32 << 20 };

static bool build(Serve *serve, RpcRequest *request, Review *out, Error *err)
{
  int64_t plan = param_plan(request->params, err);
  return plan && review_build(serve->engine, plan, &request->arena, out, err);
}

// A page, when [more] asks for the next one; else what has changed since `version`, or the whole.
static Value *review_get(Serve *serve, RpcRequest *request, Error *err)
{
  Arena *arena = &request->arena;
  int64_t plan = param_plan(request->params, err);
  int64_t version = value_get_int(request->params, S("version"), 0);
  Review review;
  View view;
  if (!plan) return NULL;
  if (value_get_bool(request->params, S("more"), false)) {
    Value *page = review_pages_next(serve->pages, arena, plan, version);
    if (page) return page;
    version = 0;
  }
  if (!review_build(serve->engine, plan, arena, &review, err)) return NULL;
  view_review(arena, &review, &view);
  Value *map = review_pages_first(serve->pages, arena, plan, version, &view);
  value_put_int(arena, map, S("hunks"), (int64_t)review.hunks.len);
  value_put_int(arena, map, S("accepted"), (int64_t)review.accepted);
  value_put_int(arena, map, S("rejected"), (int64_t)review.rejected);
  value_put_str(arena, map, S("title"), review.title);
  return map;
}

// The buffers as they are, for what is shown from now on.
static Value *review_buffers(Serve *serve, RpcRequest *request, Error *err)
{
  int64_t plan = param_plan(request->params, err);
  if (!plan || !param_plan_buffers(serve, plan, &request->arena, request->params, err)) return NULL;
  return empty_answer(request);
}

static Value *review_decision(Serve *serve, RpcRequest *request, Error *err)
{
  int64_t plan = param_plan(request->params, err);
  Str name;
  Decision decision;
  StrList what = {0};
  Decided decided = {0};
  if (!plan || !param_text(request->params, S("decision"), &name, err)) return NULL;
  if (!decision_from(name, &decision)) {
    error_set(err, ERR_USAGE, "a decision is accepted, rejected or none, not %.*s", STR_ARG(name));
    return NULL;
  }
  if (!param_names(serve, plan, &request->arena, request->params, S("what"), &what, err))
    return NULL;
  if (!review_decide(serve->engine, plan, &what, decision, &decided, err)) return NULL;
  Value *map = value_map(&request->arena);
  value_put_int(&request->arena, map, S("changed"), (int64_t)decided.changed);
  value_put_int(&request->arena, map, S("stale"), (int64_t)decided.stale);
  return map;
}

// ---- review/at -------------------------------------------------------------------------------------

// The newest plan in review of the project, for commands in a file's own window; else the newest whose hunks are all
// applied or rejected: some may be undone in the file.
static int64_t newest_in_review(Serve *serve, RpcRequest *request, Error *err)
{
  Project *project = param_project(serve, request->params, err);
  PlanRowList rows = {0};
  if (!project) return 0;
  if (!journal_plan_list(serve->engine->journal, &request->arena, project_root(project), 0, &rows,
                         err))
    return 0;
  static const PlanState states[] = {PLAN_REVIEW, PLAN_DONE};
  for (size_t s = 0; s < sizeof(states) / sizeof(*states); s++) {
    for (size_t i = 0; i < rows.len; i++) {
      if (rows.items[i].state == states[s]) return rows.items[i].id;
    }
  }
  error_set(err, ERR_NOT_FOUND, "no plan is in review here");
  return 0;
}

// What the hunk would make of its lines, for those who draw it in the file.
static void put_lines(Arena *arena, Value *map, const ReviewHunk *hunk)
{
  Value *lines = value_set(map, S("lines"), value_list(arena));
  value_put_int(arena, map, S("count"), (int64_t)hunk->hunk.old_len);
  for (size_t i = 0; i < hunk->hunk.new_len; i++)
    value_push(lines, value_str(arena, hunk->hunk.new_lines[i].text));
}

static void push_at(Arena *arena, Value *list, const ReviewHunk *hunk, Place place, size_t first,
                    size_t last, bool lines)
{
  if (place.kind == PLACE_STALE || !place.start) return;
  size_t len = place.kind == PLACE_DONE ? hunk->hunk.new_len : hunk->hunk.old_len;
  size_t end = len ? place.start + len - 1 : place.start;
  if (place.start > last || end < first) return;
  Value *one = value_map(arena);
  value_put_str(arena, one, S("id"), hunk->id);
  value_put_int(arena, one, S("first"), (int64_t)place.start);
  value_put_int(arena, one, S("last"), (int64_t)end);
  value_put_str(arena, one, S("decision"), str_from(decision_name(hunk->decision)));
  value_put_bool(arena, one, S("applied"), place.kind == PLACE_DONE);
  if (lines && hunk->change == FILE_EDIT) put_lines(arena, one, hunk);
  value_push(list, one);
}

static Value *review_at(Serve *serve, RpcRequest *request, Error *err)
{
  Arena *arena = &request->arena;
  const Value *params = request->params;
  int64_t plan = value_get_int(params, S("plan"), 0);
  int64_t first = value_get_int(params, S("first"), 1),
          last = value_get_int(params, S("last"), first);
  bool lines = value_get_bool(params, S("lines"), false);
  Str given, path, text;
  Review review;
  if (plan <= 0) plan = newest_in_review(serve, request, err);
  if (!plan || !param_text(params, S("path"), &given, err) ||
      !param_text(params, S("text"), &text, err))
    return NULL;
  Project *project = engine_project_of_plan(serve->engine, plan, err);
  if (!project || !project_path(project, arena, given, &path, err)) return NULL;
  if (!review_build(serve->engine, plan, arena, &review, err)) return NULL;
  Value *map = value_map(arena), *list = value_list(arena);
  for (size_t i = 0; i < review.files.len; i++) {
    if (!str_eq(review.files.items[i].path, path)) continue;
    PresentFile file = {path, text, true};
    PresentList present = {&file, 1, 1};
    FilePlaces places;
    present_places(arena, &review, i, project, &present, &places);
    for (size_t k = review.first_hunk[i]; k < review.first_hunk[i + 1]; k++) {
      push_at(arena, list, &review.hunks.items[k], places.places[k - review.first_hunk[i]],
              first > 0 ? (size_t)first : 1, last > 0 ? (size_t)last : 1, lines);
    }
  }
  value_put_int(arena, map, S("plan"), plan);
  value_set(map, S("hunks"), list);
  return map;
}

// ---- review/files, apply, revert -------------------------------------------------------------------

static Str change_of(const CombinedFile *file)
{
  if (!file->existed) return S("new");
  if (!file->exists) return S("delete");
  return file->renamed_from.len ? S("rename") : S("edit");
}

// Which hunks a caller asks for: those that apply or revert would look at, or has taken back, or all.
typedef struct {
  bool accepted, applied, reverted;
  const bool *named;  // of each hunk; NULL = all
} HunkChoice;

static bool chosen(const Review *review, size_t index, const HunkChoice *choice)
{
  const ReviewHunk *hunk = &review->hunks.items[index];
  if (choice->named && !choice->named[index]) return false;
  if (choice->applied && hunk->applied != APPLIED_DONE) return false;
  if (choice->reverted && hunk->applied != APPLIED_REVERTED) return false;
  return !choice->accepted || hunk->decision == DECISION_ACCEPTED;
}

static Value *review_files(Serve *serve, RpcRequest *request, Error *err)
{
  Arena *arena = &request->arena;
  HunkChoice choice = {.accepted = value_get_bool(request->params, S("accepted"), false),
                       .applied = value_get_bool(request->params, S("applied"), false),
                       .reverted = value_get_bool(request->params, S("reverted"), false)};
  StrList only = {0};
  Review review;
  if (!build(serve, request, &review, err)) return NULL;
  Project *project = engine_project_of_plan(serve->engine, review.plan, err);
  if (!project || !param_names(serve, review.plan, arena, request->params, S("only"), &only, err))
    return NULL;
  if (only.len) choice.named = review_named(arena, &review, &only, NULL);
  Value *map = value_map(arena), *list = value_list(arena);
  for (size_t i = 0; i < review.files.len; i++) {
    const CombinedFile *file = &review.files.items[i];
    int64_t hunks = 0;
    for (size_t k = review.first_hunk[i]; k < review.first_hunk[i + 1]; k++) {
      hunks += chosen(&review, k, &choice);
    }
    if (!hunks) continue;
    Value *one = value_map(arena);
    value_put_str(arena, one, S("path"), str_from(project_absolute(project, arena, file->path)));
    value_put_str(arena, one, S("change"), change_of(file));
    if (file->renamed_from.len) {
      value_put_str(arena, one, S("from"),
                    str_from(project_absolute(project, arena, file->renamed_from)));
    }
    value_put_int(arena, one, S("hunks"), hunks);
    value_push(list, one);
  }
  value_put_str(arena, map, S("root"), project_root(project));
  value_set(map, S("files"), list);
  return map;
}

typedef bool PrepareFn(Engine *, int64_t, const PresentList *, const StrList *, Arena *,
                       ApplyPlan *, Error *);

static Value *prepare(Serve *serve, RpcRequest *request, PrepareFn *run, Error *err)
{
  Arena *arena = &request->arena;
  int64_t plan = param_plan(request->params, err);
  StrList only = {0};
  ApplyPlan edits;
  // The buffers given are the truth for their files; all others are as on disk.
  if (!plan || !param_plan_buffers(serve, plan, arena, request->params, err) ||
      !param_names(serve, plan, arena, request->params, S("only"), &only, err))
    return NULL;
  if (!run(serve->engine, plan, NULL, &only, arena, &edits, err)) return NULL;
  return edits_value(arena, &edits, engine_project_of_plan(serve->engine, plan, err));
}

static Value *review_apply(Serve *serve, RpcRequest *request, Error *err)
{
  return prepare(serve, request, apply_prepare, err);
}

static Value *review_revert(Serve *serve, RpcRequest *request, Error *err)
{
  return prepare(serve, request, revert_prepare, err);
}

static Value *review_applied(Serve *serve, RpcRequest *request, Error *err)
{
  int64_t plan = param_plan(request->params, err);
  StrList hunks = {0};
  if (!plan) return NULL;
  param_strings(&request->arena, request->params, S("hunks"), &hunks);
  bool reverted = value_get_bool(request->params, S("reverted"), false);
  return apply_done(serve->engine, plan, &hunks, reverted, err) ? empty_answer(request) : NULL;
}

// ---- review/quickfix, diff, proposal ---------------------------------------------------------------

// What a failed test printed, for an editor's errorformat.
static bool put_test(Serve *serve, Arena *arena, const Review *review, Value *map, Error *err)
{
  enum { LINES = 1000 };
  PlanRow row;
  if (!review->test_status) return true;
  if (!journal_plan_get(serve->engine->journal, arena, review->plan, &row, err)) return false;
  Value *test = value_set(map, S("test"), value_map(arena)), *lines = value_list(arena);
  size_t skip = str_count_lines(row.test_tail), n = 0;
  skip = skip > LINES ? skip - LINES : 0;
  for (Str rest = row.test_tail, line; str_line(&rest, &line);) {
    if (n++ >= skip) value_push(lines, value_str(arena, str_trim_end(line)));
  }
  value_put_str(arena, test, S("command"), row.test_command);
  value_set(test, S("lines"), lines);
  return true;
}

static Value *review_qf(Serve *serve, RpcRequest *request, Error *err)
{
  Arena *arena = &request->arena;
  Review review;
  QfList list = {0};
  if (!build(serve, request, &review, err)) return NULL;
  Project *project = engine_project_of_plan(serve->engine, review.plan, err);
  if (!project) return NULL;
  review_quickfix(serve->engine, arena, &review, &list);
  Value *map = value_map(arena);
  value_put_str(
      arena, map, S("title"),
      str_fmt(arena, "Piecework #%lld: %.*s  [%zu/%zu]", (long long)review.plan,
              STR_ARG(review.title), review.accepted + review.rejected, review.hunks.len));
  value_set(map, S("items"), quickfix_value(arena, project, &list));
  value_put_str(arena, map, S("root"), project_root(project));
  return put_test(serve, arena, &review, map, err) ? map : NULL;
}

static bool optional_path(Serve *serve, RpcRequest *request, int64_t plan, Str *path, Error *err)
{
  Str given = value_get_str(request->params, S("path"), STR_NONE);
  Project *project = engine_project_of_plan(serve->engine, plan, err);
  *path = STR_NONE;
  return project && (!given.len || project_path(project, &request->arena, given, path, err));
}

static Value *review_unified(Serve *serve, RpcRequest *request, Error *err)
{
  Review review;
  Str path;
  Buf diff;
  if (!build(serve, request, &review, err) ||
      !optional_path(serve, request, review.plan, &path, err))
    return NULL;
  buf_init(&diff, DIFF_MAX);
  review_diff(&request->arena, &review, path, &diff);
  Value *map = value_map(&request->arena);
  value_put_str(&request->arena, map, S("text"), buf_take(&diff, &request->arena));
  buf_deinit(&diff);
  return map;
}

static Value *review_proposed(Serve *serve, RpcRequest *request, Error *err)
{
  Review review;
  Str path, text, base;
  if (!build(serve, request, &review, err) ||
      !optional_path(serve, request, review.plan, &path, err))
    return NULL;
  if (!review_proposal(&request->arena, &review, path, &text, &base)) {
    error_set(err, ERR_NOT_FOUND, "plan %lld does not change %.*s", (long long)review.plan,
              STR_ARG(path));
    return NULL;
  }
  Value *map = value_map(&request->arena);
  value_put_str(&request->arena, map, S("text"), text);
  value_put_str(&request->arena, map, S("base"), base);
  return map;
}

static Value *review_change(Serve *serve, RpcRequest *request, Error *err)
{
  int64_t plan = param_plan(request->params, err);
  Str path, text;
  HandEdit edit = {0};
  if (!plan || !optional_path(serve, request, plan, &path, err) ||
      !param_text(request->params, S("text"), &text, err) ||
      !review_edit(serve->engine, plan, path, text, &edit, err))
    return NULL;
  Value *map = value_map(&request->arena);
  value_put_int(&request->arena, map, S("hunks"), (int64_t)edit.hunks);
  value_put_bool(&request->arena, map, S("taken_back"), edit.taken_back);
  return map;
}

// ---- commit/* --------------------------------------------------------------------------------------

static Value *commit_prepare(Serve *serve, RpcRequest *request, Error *err)
{
  int64_t plan = param_plan(request->params, err);
  Str message;
  if (!plan || !commit_message(serve->engine, plan, &request->arena, &message, err)) return NULL;
  Value *map = value_map(&request->arena);
  value_put_str(&request->arena, map, S("message"), message);
  return map;
}

// Answered when git has ended; the commit's name and what hooks said come with event `commit`.
static Value *commit_begin(Serve *serve, RpcRequest *request, Error *err)
{
  int64_t plan = param_plan(request->params, err);
  Str message;
  bool by_task = value_get_bool(request->params, S("by_task"), false);
  if (!plan) return NULL;
  if (!by_task && !param_text(request->params, S("message"), &message, err)) return NULL;
  if (!param_plan_buffers(serve, plan, &request->arena, request->params, err)) return NULL;
  if (!by_task) message = commit_without_comments(&request->arena, message);
  ServeOp *op = serve_op_new(serve, plan, request);
  bool ok = by_task ? commit_tasks_start(serve->engine, plan, serve_op_done, op, err)
                    : commit_start(serve->engine, plan, STR_NONE, message, serve_op_done, op, err);
  if (ok) return SERVE_LATER;
  serve_op_drop(op);
  return NULL;
}

const ServeMethod methods_review[] = {
    {"review/get", review_get},
    {"review/buffers", review_buffers},
    {"review/decide", review_decision},
    {"review/at", review_at},
    {"review/files", review_files},
    {"review/apply", review_apply},
    {"review/revert", review_revert},
    {"review/applied", review_applied},
    {"review/quickfix", review_qf},
    {"review/diff", review_unified},
    {"review/proposal", review_proposed},
    {"review/edit", review_change},
    {"commit/prepare", commit_prepare},
    {"commit/start", commit_begin},
    {0},
};
