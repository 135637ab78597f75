// quickfix.c: the review as quickfix entries: one per hunk, stale ones as warnings, failed tasks as errors.
#include "lib/fs.h"
#include "plan/plan.h"
#include "review/review.h"

static const char *box(const ReviewHunk *hunk)
{
  if (hunk_is_stale(hunk)) return "[!]";
  if (hunk->applied == APPLIED_DONE && !hunk->undone) return "[*]";
  if (hunk->decision == DECISION_REJECTED) return "[-]";
  if (hunk->decision == DECISION_ACCEPTED) return "[x]";
  return "[ ]";
}

static Str hunk_text(Arena *arena, const ReviewHunk *hunk)
{
  Str tasks = str_join(arena, &hunk->tasks, S(" "));
  Str text = str_fmt(arena, "%s %.*s -%zu +%zu", box(hunk), STR_ARG(tasks), hunk->hunk.old_len,
                     hunk->hunk.new_len);
  if (hunk_is_stale(hunk))
    text = str_fmt(arena, "%.*s stale: %.*s", STR_ARG(text), STR_ARG(hunk->why));
  if (hunk->verdict < VERDICT_DOUBT) return text;
  const char *word = hunk->verdict == VERDICT_DOUBT ? "DOUBT" : "REJECTED";
  return str_fmt(arena, "%.*s %s: %.*s", STR_ARG(text), word, STR_ARG(hunk->reason));
}

static void add_hunk(Arena *arena, const Review *review, const ReviewHunk *hunk, QfList *out)
{
  QfEntry entry = {.path = review->files.items[hunk->file].path, .hunk = hunk->id};
  bool there = hunk->applied == APPLIED_DONE && !hunk->undone;
  size_t lines = there ? hunk->hunk.new_len : hunk->hunk.old_len;
  entry.line = hunk->line ? hunk->line : hunk->hunk.old_start;
  entry.end_line = lines ? entry.line + lines - 1 : entry.line;
  entry.text = hunk_text(arena, hunk);
  if (hunk_is_stale(hunk) || hunk->verdict >= VERDICT_DOUBT) entry.type = S("W");
  if (hunk->tasks.len) entry.task = hunk->tasks.items[0];
  PUSH(arena, out, entry);
}

// A conflict has no hunk to point at: the file's first line stands for it.
static void add_conflict(Arena *arena, const CombinedFile *file, QfList *out)
{
  QfEntry entry = {
      .path = file->path, .line = 1, .end_line = 1, .type = S("E"), .task = file->conflict_task};
  entry.text = str_fmt(arena, "[!] %.*s conflict: other tasks changed the same lines; retry it",
                       STR_ARG(file->conflict_task));
  PUSH(arena, out, entry);
}

// Titles name the file by convention: "src/net.c: rename the calls", or last, "rename the calls: src/net.c:80-90". One
// that is not there yet is taken for one when it comes first and looks like it.
static void place_task(Arena *arena, Str root, Str title, QfEntry *entry)
{
  for (Str rest = title, word; str_cut(&rest, ' ', &word);) {
    bool first = word.ptr == title.ptr && str_ends(word, S(":"));
    bool looks = first && (str_has(word, S("/")) || str_has(word, S(".")));
    FileRef ref;
    Error none = {0};
    if (str_ends(word, S(":"))) word = str_sub(word, 0, word.len - 1);
    if (!file_ref_parse(arena, word, &ref, &none)) continue;
    if (!looks && fs_stat(path_join(arena, root, ref.path)).kind != FS_FILE) continue;
    entry->path = ref.path;
    entry->line = entry->end_line = ref.range.first ? ref.range.first : 1;
    return;
  }
}

static void add_task(Arena *arena, Str root, const TaskRow *task, QfList *out)
{
  bool failed = task->state == TASK_FAILED || task->state == TASK_REFUSED;
  if (!failed && task->state != TASK_PARTIAL) return;
  QfEntry entry = {.type = failed ? S("E") : S("W"), .task = task->id};
  place_task(arena, root, task->title, &entry);
  entry.text = str_fmt(arena, "[!] %.*s %s: %.*s", STR_ARG(task->id), task_state_name(task->state),
                       STR_ARG(task->note.len ? task->note : task->title));
  PUSH(arena, out, entry);
}

void review_quickfix(Engine *engine, Arena *arena, const Review *review, QfList *out)
{
  TaskRowList tasks = {0};
  Error err = {0};
  for (size_t i = 0; i < review->files.len; i++) {
    if (review->files.items[i].conflict) add_conflict(arena, &review->files.items[i], out);
    for (size_t k = review->first_hunk[i]; k < review->first_hunk[i + 1]; k++) {
      add_hunk(arena, review, &review->hunks.items[k], out);
    }
  }
  // Without the list of tasks the hunks are still worth showing.
  Project *project = engine_project_of_plan(engine, review->plan, &err);
  if (!project || !journal_task_list(engine->journal, arena, review->plan, &tasks, &err)) return;
  for (size_t i = 0; i < tasks.len; i++)
    add_task(arena, project_root(project), &tasks.items[i], out);
}
