// values.c: see values.h.
#include "front/values.h"

static const char *const decisions[] = {
    [DECISION_NONE] = "none", [DECISION_ACCEPTED] = "accepted", [DECISION_REJECTED] = "rejected"};
static const char *const changes[] = {
    [FILE_EDIT] = "edit", [FILE_NEW] = "new", [FILE_DELETE] = "delete", [FILE_RENAME] = "rename"};

const char *decision_name(Decision decision)
{
  return decision <= DECISION_REJECTED ? decisions[decision] : "none";
}

bool decision_from(Str name, Decision *out)
{
  for (Decision d = DECISION_NONE; d <= DECISION_REJECTED; d++) {
    if (!str_eq(name, str_from(decisions[d]))) continue;
    *out = d;
    return true;
  }
  return false;
}

static void put_some(Arena *arena, Value *map, Str key, Str s)
{
  if (s.len) value_put_str(arena, map, key, s);
}

static void put_count(Arena *arena, Value *map, Str key, size_t n)
{
  value_put_int(arena, map, key, (int64_t)n);
}

Value *health_rows_value(Arena *arena, const HealthList *rows)
{
  Value *list = value_list(arena);
  for (size_t i = 0; i < rows->len; i++) {
    Value *one = value_map(arena);
    value_put_str(arena, one, S("level"), str_from(rows->items[i].level));
    value_put_str(arena, one, S("text"), rows->items[i].text);
    value_push(list, one);
  }
  return list;
}

Value *templates_value(Arena *arena, const TemplateList *list)
{
  static const char *const uses[] = {"each", "edit", "plan"};
  Value *map = value_map(arena), *items = value_list(arena);
  for (size_t i = 0; i < list->len; i++) {
    const Template *template = &list->items[i];
    Value *one = value_map(arena), *use = value_list(arena);
    value_put_str(arena, one, S("name"), template->name);
    value_put_str(arena, one, S("description"), template->description);
    value_put_str(arena, one, S("source"), str_from(template_source_name(template->source)));
    value_put_str(arena, one, S("path"), template->path);
    value_put_str(arena, one, S("problem"), template->problem);
    for (unsigned k = 0; k < 3; k++) {
      if (template->uses >> k & 1) value_push(use, value_str(arena, str_from(uses[k])));
    }
    value_set(one, S("for"), use);
    value_push(items, one);
  }
  value_set(map, S("templates"), items);
  return map;
}

Value *strings_value(Arena *arena, const StrList *list)
{
  Value *out = value_list(arena);
  for (size_t i = 0; i < list->len; i++) value_push(out, value_str(arena, list->items[i]));
  return out;
}

Value *view_value(Arena *arena, const View *view)
{
  Value *map = value_map(arena), *index = value_list(arena);
  value_put_str(arena, map, S("text"), view->text);
  for (size_t i = 0; i < view->len; i++) {
    const LineMeaning *line = &view->index[i];
    Value *one = value_map(arena);
    value_put_str(arena, one, S("kind"), line->kind);
    put_some(arena, one, S("hunk"), line->hunk);
    put_some(arena, one, S("path"), line->path);
    put_some(arena, one, S("task"), line->task);
    if (line->plan) value_put_int(arena, one, S("plan"), line->plan);
    if (line->line) put_count(arena, one, S("line"), line->line);
    value_push(index, one);
  }
  value_set(map, S("index"), index);
  return map;
}

static Str path_of(Arena *arena, Project *project, Str path)
{
  return project && path.len ? str_from(project_absolute(project, arena, path)) : path;
}

Value *quickfix_value(Arena *arena, Project *project, const QfList *list)
{
  Value *items = value_list(arena);
  for (size_t i = 0; i < list->len; i++) {
    const QfEntry *entry = &list->items[i];
    Value *one = value_map(arena);
    value_put_str(arena, one, S("path"), path_of(arena, project, entry->path));
    put_count(arena, one, S("line"), entry->line);
    put_count(arena, one, S("end_line"), entry->end_line);
    value_put_str(arena, one, S("text"), entry->text);
    value_put_str(arena, one, S("type"), entry->type);
    put_some(arena, one, S("hunk"), entry->hunk);
    put_some(arena, one, S("task"), entry->task);
    value_push(items, one);
  }
  return items;
}

static Value *hunk_value(Arena *arena, const Review *review, const ReviewHunk *hunk)
{
  Value *one = value_map(arena);
  value_put_str(arena, one, S("hunk"), hunk->id);
  value_put_str(arena, one, S("path"), review->files.items[hunk->file].path);
  value_set(one, S("tasks"), strings_value(arena, &hunk->tasks));
  value_put_str(arena, one, S("change"), str_from(changes[hunk->change]));
  put_count(arena, one, S("line"), hunk->line);
  put_count(arena, one, S("removed"), hunk->hunk.old_len);
  put_count(arena, one, S("added"), hunk->hunk.new_len);
  value_put_str(arena, one, S("decision"), str_from(decision_name(hunk->decision)));
  value_put_bool(arena, one, S("applied"), hunk->applied == APPLIED_DONE);
  value_put_bool(arena, one, S("stale"), hunk->stale);
  put_some(arena, one, S("verdict"), str_from(verdict_name(hunk->verdict)));
  put_some(arena, one, S("reason"), hunk->reason);
  return one;
}

Value *review_value(Arena *arena, const Review *review)
{
  Value *map = value_map(arena), *list = value_list(arena);
  value_put_int(arena, map, S("plan"), review->plan);
  value_put_str(arena, map, S("title"), review->title);
  put_count(arena, map, S("files"), review->files.len);
  for (size_t i = 0; i < review->hunks.len; i++) {
    value_push(list, hunk_value(arena, review, &review->hunks.items[i]));
  }
  value_set(map, S("hunks"), list);
  Buf diff;
  buf_init(&diff, 64 << 20);
  review_diff(arena, review, STR_NONE, &diff);
  value_put_str(arena, map, S("diff"), buf_take(&diff, arena));
  buf_deinit(&diff);
  return map;
}

// A line as a buffer with 'fileformat' unix has it: a file of mixed line ends keeps them as characters.
static Str wire_line(Arena *arena, const Line *line)
{
  return str_eq(line->eol, S("\r\n")) ? str_cat(arena, line->text, S("\r")) : line->text;
}

static Value *edit_value(Arena *arena, const LineEdit *edit)
{
  Value *one = value_map(arena), *lines = value_list(arena);
  put_count(arena, one, S("first"), edit->start);
  put_count(arena, one, S("count"), edit->old_len);
  for (size_t i = 0; i < edit->len; i++)
    value_push(lines, value_str(arena, wire_line(arena, &edit->lines[i])));
  value_set(one, S("lines"), lines);
  return one;
}

static bool is_ended(Str text)
{
  return !text.len || str_ends(text, S("\n"));
}

static Value *file_value(Arena *arena, const FileEdits *file, Project *project)
{
  Value *one = value_map(arena), *edits = value_list(arena);
  value_put_str(arena, one, S("path"), path_of(arena, project, file->path));
  value_put_str(arena, one, S("change"), str_from(changes[file->change]));
  put_some(arena, one, S("from"), path_of(arena, project, file->renamed_from));
  for (size_t i = 0; i < file->edits.len; i++)
    value_push(edits, edit_value(arena, &file->edits.items[i]));
  value_set(one, S("edits"), edits);
  // lines do not say it: the last one gets its end, or loses it
  bool turned = file->edits.len && is_ended(file->before) != is_ended(file->text);
  if (turned) value_put_bool(arena, one, S("ended"), is_ended(file->text));
  if (file->change == FILE_NEW) value_put_str(arena, one, S("text"), file->text);
  value_set(one, S("hunks"), strings_value(arena, &file->hunks));
  return one;
}

Value *edits_value(Arena *arena, const ApplyPlan *edits, Project *project)
{
  Value *map = value_map(arena), *files = value_list(arena), *stale = value_list(arena);
  for (size_t i = 0; i < edits->files.len; i++) {
    value_push(files, file_value(arena, &edits->files.items[i], project));
  }
  value_set(map, S("files"), files);
  for (size_t i = 0; i < edits->stale.len; i++) {
    Value *one = value_map(arena);
    value_put_str(arena, one, S("hunk"), edits->stale.items[i]);
    value_put_str(arena, one, S("note"), edits->notes.items[i]);
    value_push(stale, one);
  }
  value_set(map, S("stale"), stale);
  put_count(arena, map, S("hunks"), edits->hunks);
  return map;
}
