// project_send.c: may a file be shown to a model, and its text when it may.
//
// Every rule is asked for the path as named and, when symlinks lead elsewhere, for the real place
// too, so that a link called notes.txt does not carry .env along.
#include "core/project_private.h"
#include "core/secret.h"

static SendVerdict say(Str *why, SendVerdict verdict, Str reason)
{
  if (why) *why = reason;
  return verdict;
}

static bool in_git_dir(Str path)
{
  for (Str rest = path, part; str_cut(&rest, '/', &part);) {
    if (str_eq_nocase(part, S(".git"))) return true;
  }
  return false;
}

static bool is_inside(Arena *arena, Str path)
{
  Str normal;
  return path.len && path.ptr[0] != '/' && path_normal(arena, path, &normal) &&
         str_eq(path, normal);
}

SendVerdict name_verdict(Project *project, Arena *arena, Str path, Str *why)
{
  if (in_git_dir(path)) return say(why, SEND_GIT, S("inside .git"));
  const char *secret = secret_by_name(path);
  if (secret) return say(why, SEND_SECRET, str_fmt(arena, "looks like a secret (%s)", secret));
  const char *file = ignore_file_for(project, path);
  if (file) return say(why, SEND_IGNORED, str_fmt(arena, "ignored by %s", file));
  return say(why, SEND_OK, S(""));
}

static SendVerdict all_names(Project *project, Arena *arena, Str path, Str *why)
{
  SendVerdict verdict = name_verdict(project, arena, path, why);
  if (verdict != SEND_OK || !project->repo || !repo_ignored(project->repo, path)) return verdict;
  return say(why, SEND_IGNORED, S("ignored by .gitignore"));
}

// ---- one file, step by step ------------------------------------------------------------------

static bool place(Project *project, LookedFile *file)
{
  if (!file->placed) {
    file->placed = true;
    file->inside = is_inside(file->arena, file->path) &&
                   path_real(project, file->arena, file->path, &file->real);
  }
  return file->inside;
}

static SendVerdict ask_names(Project *project, LookedFile *file, Str *why)
{
  if (!place(project, file)) return say(why, SEND_OUTSIDE, S("outside the project"));
  ignore_refresh(project);
  SendVerdict verdict = all_names(project, file->arena, file->path, why);
  if (verdict == SEND_OK && !str_eq(file->real.path, file->path))
    verdict = all_names(project, file->arena, file->real.path, why);
  return verdict;
}

static SendVerdict by_name(Project *project, LookedFile *file, Str *why)
{
  if (!file->named) {
    file->named = true;
    file->name = ask_names(project, file, &file->name_why);
  }
  return say(why, file->name, file->name_why);
}

static SendVerdict too_large(Arena *arena, size_t size, Str *why)
{
  return say(why, SEND_TOO_LARGE, str_fmt(arena, "too large (%zu MB)", (size + 999999) / 1000000));
}

static SendVerdict from_disk(Project *project, LookedFile *file, Str *why)
{
  const FsStat *stat = &file->real.stat;
  if (stat->kind == FS_NONE) return say(why, SEND_NOT_FOUND, S("not found"));
  if (stat->kind != FS_FILE) return say(why, SEND_NOT_FILE, S("not a file"));
  if (stat->size > PROJECT_MAX_FILE) return too_large(file->arena, stat->size, why);
  Error err = {0};
  char *name = project_absolute(project, file->arena, file->real.path);
  if (fs_read(file->arena, name, PROJECT_MAX_FILE, &file->text, &err)) return SEND_OK;
  return say(why, SEND_UNREADABLE, str_fmt(file->arena, "%s", err.message));
}

// The text of overlay or file with what is asked of any text.
static SendVerdict read_text(Project *project, LookedFile *file, Str *why)
{
  Str found;
  if (!place(project, file)) return say(why, SEND_OUTSIDE, S("outside the project"));
  bool overlay = project_overlay_get(project, file->path, &found) ||
                 project_overlay_get(project, file->real.path, &found);
  if (overlay && found.len > PROJECT_MAX_FILE) return too_large(file->arena, found.len, why);
  if (overlay) file->text = str_dup(file->arena, found);
  SendVerdict verdict = overlay ? SEND_OK : from_disk(project, file, why);
  if (verdict != SEND_OK) return verdict;
  if (str_find_char(file->text, 0) != STR_NOT_FOUND) return say(why, SEND_BINARY, S("binary"));
  if (!str_is_utf8(file->text)) return say(why, SEND_BINARY, S("not UTF-8 text"));
  if (str_starts(file->text, S("version https://git-lfs.github.com/spec/")))
    return say(why, SEND_BINARY, S("a Git LFS pointer, its content is not here"));
  return say(why, SEND_OK, S(""));
}

static SendVerdict load(Project *project, LookedFile *file, Str *why)
{
  if (!file->loaded) {
    file->loaded = true;
    file->load = read_text(project, file, &file->load_why);
  }
  return say(why, file->load, file->load_why);
}

static SendVerdict may_send(Project *project, LookedFile *file, Str *why)
{
  SendVerdict verdict = by_name(project, file, why);
  if (verdict == SEND_OK) verdict = load(project, file, why);
  if (verdict != SEND_OK) return verdict;
  if (!file->searched) file->secret = secret_in_text(file->text);
  file->searched = true;
  if (!file->secret) return verdict;
  return say(why, SEND_SECRET, str_fmt(file->arena, "looks like a secret (%s)", file->secret));
}

// ---- what is asked ---------------------------------------------------------------------------

SendVerdict project_may_send_name(Project *project, Arena *arena, Str path, Str *why)
{
  LookedFile own;
  Str reason;
  SendVerdict verdict = by_name(project, looked_file(project, arena, path, &own), &reason);
  if (why) *why = str_dup(arena, reason);
  return verdict;
}

SendVerdict project_may_send(Project *project, Arena *arena, Str path, size_t *lines, Str *why)
{
  Arena scratch;
  LookedFile own;
  Str reason;
  arena_init(&scratch);
  LookedFile *file = looked_file(project, &scratch, path, &own);
  SendVerdict verdict = may_send(project, file, &reason);
  if (lines) *lines = verdict == SEND_OK ? str_count_lines(file->text) : 0;
  if (why) *why = str_dup(arena, reason);
  arena_deinit(&scratch);
  return verdict;
}

static bool refuse(Str path, SendVerdict verdict, Str why, Error *err)
{
  static const Err codes[] = {
      [SEND_OUTSIDE] = ERR_REFUSED, [SEND_NOT_FOUND] = ERR_NOT_FOUND, [SEND_NOT_FILE] = ERR_REFUSED,
      [SEND_GIT] = ERR_REFUSED,     [SEND_IGNORED] = ERR_REFUSED,     [SEND_SECRET] = ERR_REFUSED,
      [SEND_BINARY] = ERR_NOT_TEXT, [SEND_TOO_LARGE] = ERR_TOO_BIG,   [SEND_UNREADABLE] = ERR_IO,
  };
  return error_set(err, codes[verdict], "%.*s: %.*s", STR_ARG(path), STR_ARG(why));
}

static bool text_of(const LookedFile *file, Arena *arena, SendVerdict verdict, Str why, Str *text,
                    Error *err)
{
  if (verdict != SEND_OK) return refuse(file->path, verdict, why, err);
  *text = file->arena == arena ? file->text : str_dup(arena, file->text);
  return true;
}

bool project_read(Project *project, Arena *arena, Str path, Str *text, Error *err)
{
  LookedFile own, *file = looked_file(project, arena, path, &own);
  Str why;
  SendVerdict verdict = may_send(project, file, &why);
  return text_of(file, arena, verdict, why, text, err);
}

bool project_read_local(Project *project, Arena *arena, Str path, Str *text, Error *err)
{
  LookedFile own, *file = looked_file(project, arena, path, &own);
  Str why;
  SendVerdict verdict = load(project, file, &why);
  return text_of(file, arena, verdict, why, text, err);
}
